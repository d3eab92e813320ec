"""Rules whose time begins or ends without anybody writing: the feed tells of them then."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from catalog import pricebook, rule_changes
from catalog.corridors import PricePolicyRow
from catalog.grants import GrantRow
from catalog.scopes import Rule


def turn(session: Session, since: datetime, until: datetime) -> int:
    """Tell what began or ended after `since` and up to `until`, one row a kind; returns how many
    rules that were. System scope."""
    book = pricebook.current(session)
    kinds: tuple[type[Rule], ...] = (PricePolicyRow, GrantRow)
    before = [rule for rule in book.rules if rule.holds(since)]
    now = [rule for rule in book.rules if rule.holds(until)]
    reach = rule_changes.of_rules(before, now)
    rule_changes.tell(session, "pricing", reach)
    turned = len(reach)
    for kind in kinds:
        rows = session.scalars(select(kind).where(_turns(kind, since, until)).order_by(kind.id))
        named = [row.reach for row in rows]
        rule_changes.tell(session, kind.told_as, named)
        turned += len(named)
    return turned


def _turns(kind: type[Rule], since: datetime, until: datetime) -> ColumnElement[bool]:
    """A rule counts from its first moment on, and at its last one no more."""
    begins = and_(kind.valid_from > since, kind.valid_from <= until)
    return or_(begins, and_(kind.valid_until > since, kind.valid_until <= until))
