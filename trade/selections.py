"""What a leader has picked to sell: a SKU, the leader's own price rule, code and note.

A selection stores the rule, never a price: prices are computed when they are read, so that a
source's new price changes no selection.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog import bundles, corridors, deals, media, shelf
from catalog.deals import Deal
from catalog.matching.redirects import current
from catalog.media import Album
from catalog.models import Sku
from catalog.selling import Reason
from kit.errors import FieldError, Problem, invalid
from kit.ids import inside, outside
from kit.money import marked_up, price_text
from kit.statements import Query, ids_text, send
from trade import obstacles, pricing
from trade.desk import Desk
from trade.models import Selection
from trade.paging import changed

BATCH = 500


@dataclass(frozen=True)
class Rule:
    """One of `retail_price` and `markup_percent`; `code` is the leader's own 商家编码."""

    retail_price: Decimal | None = None
    markup_percent: Decimal | None = None
    code: str | None = None
    note: str | None = None

    def retail(self, price: Decimal | None) -> Decimal | None:
        """The retail price where the leader pays `price`."""
        if self.retail_price is not None or self.markup_percent is None or price is None:
            return self.retail_price
        return marked_up(price, self.markup_percent)


@dataclass(frozen=True)
class Offered:
    """What a leader may know of a SKU's terms: own price, the retail prices allowed, and what
    keeps it from being ordered wherever it goes."""

    price: Decimal | None
    floor: Decimal | None
    ceiling: Decimal | None
    granted: bool = True
    against: tuple[Reason, ...] = ()

    def reasons(self, retail: Decimal | None) -> list[Reason]:
        """Why it cannot be sold on for `retail`."""
        fault = corridor_fault(retail, self.floor, self.ceiling)
        if fault is None or corridors.allows_none((self.floor, self.ceiling)):
            return list(self.against)
        return [*self.against, Reason("outside_corridor", fault)]


def put(
    session: Session, desk: Desk, party_id: int, sku: str, rule: Rule, now: datetime
) -> dict[str, Any]:
    """Pick `sku`, or change the rule of one picked before; returns its view.

    Raises Problem 404 (no such SKU), 409 `code_taken` or `not_granted`, 422 for a rule that breaks
    the corridor or names both or neither of the two prices.
    """
    sku_id = inside("sku", sku)
    if session.get(Sku, sku_id) is None:
        raise Problem(404, "not_found", f"there is no SKU {sku!r}")
    _check_rule(rule)
    offered = terms(session, desk, party_id, [sku_id], now)[sku_id]
    if not offered.granted:
        message = "the brand has not opened this SKU to you; ask your operator"
        raise Problem(
            409, "not_granted", message, errors=[FieldError("sku", "not_granted", message)]
        )
    if fault := corridor_fault(rule.retail(offered.price), offered.floor, offered.ceiling):
        field = "retail_price" if rule.retail_price is not None else "markup_percent"
        raise invalid(field, fault, "outside_corridor")
    values = {
        "retail_price": rule.retail_price,
        "markup_percent": rule.markup_percent,
        "code": rule.code or None,
        "note": rule.note,
        "updated_at": now,
    }
    try:
        with session.begin_nested():
            session.execute(
                insert(Selection)
                .values(party_id=party_id, sku_id=sku_id, **values)
                .on_conflict_do_update(index_elements=["party_id", "sku_id"], set_=values)
            )
    except IntegrityError as error:
        raise Problem(
            409,
            "code_taken",
            f"the code {rule.code!r} already stands for another SKU; choose another code",
            errors=[FieldError("code", "code_taken", "this code is in use")],
        ) from error
    return get(session, desk, party_id, sku, now)


def put_many(
    session: Session,
    desk: Desk,
    party_id: int,
    rules: Sequence[tuple[str, Rule] | Problem],
    now: datetime,
) -> list[dict[str, Any] | Problem]:
    """Up to 500 picks; each gets its view, or the Problem that kept it out: one among them stays
    where it stands."""
    if len(rules) > BATCH:
        raise invalid("items", f"a batch holds at most {BATCH} selections", "too_many")
    results: list[dict[str, Any] | Problem] = []
    for one in rules:
        try:
            if isinstance(one, Problem):
                raise one
            results.append(put(session, desk, party_id, *one, now))
        except Problem as problem:
            results.append(problem)
    return results


def get(session: Session, desk: Desk, party_id: int, sku: str, now: datetime) -> dict[str, Any]:
    """One selection. Raises Problem 404."""
    return _views(session, desk, [picked(session, party_id, sku)], now)[0]


def picked(session: Session, party_id: int, sku: str) -> Selection:
    """The party's selection of a SKU. Raises Problem 404."""
    row = session.get(Selection, (party_id, inside("sku", sku)), populate_existing=True)
    if row is None:
        raise Problem(404, "not_found", f"{sku!r} is not among your selections")
    return row


def page(
    session: Session,
    desk: Desk,
    party_id: int,
    now: datetime,
    *,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> tuple[list[dict[str, Any]], tuple[datetime, int] | None]:
    """Selections from the oldest change on, and where the next page starts."""
    found = select(Selection).where(Selection.party_id == party_id)
    key = (Selection.updated_at, Selection.sku_id)
    rows, following = changed(session, found, *key, limit=limit, after=after)
    return _views(session, desk, rows, now), following


def remove(session: Session, party_id: int, sku: str) -> None:
    """Unpick a SKU; removing what is not there changes nothing."""
    session.execute(
        delete(Selection).where(
            Selection.party_id == party_id, Selection.sku_id == inside("sku", sku)
        )
    )


def by_code(session: Session, party_id: int, codes: Iterable[str]) -> dict[str, int]:
    """SKU ids by the leader's own codes; unknown codes are absent."""
    rows = session.execute(
        select(Selection.code, Selection.sku_id).where(
            Selection.party_id == party_id, Selection.code.in_(sorted(set(codes)))
        )
    )
    return {code: sku_id for code, sku_id in rows if code is not None}


def rules(session: Session, party_id: int, sku_ids: Iterable[int]) -> dict[int, Rule]:
    """The leader's rules for these SKUs, where there is one."""
    return answered(send(session, question(party_id, sku_ids))[0])


def question(party_id: int, sku_ids: Iterable[int]) -> Query:
    """What `rules` asks; `answered` reads the rows."""
    return _RULES, {"party": party_id, "skus": ids_text(sorted(set(sku_ids)))}


_RULES = """
    SELECT sku_id, sku_id AS stands, retail_price, markup_percent, code, note, updated_at
    FROM selections WHERE party_id = %(party)s AND sku_id = ANY(%(skus)s)
    UNION ALL
    SELECT s.sku_id, r.to_sku, retail_price, markup_percent, code, note, updated_at
    FROM sku_redirects r JOIN selections s ON s.sku_id = r.from_sku AND s.party_id = %(party)s
    WHERE r.to_sku = ANY(%(skus)s)
    ORDER BY updated_at DESC, sku_id
"""


def answered(rows: Iterable[Any]) -> dict[int, Rule]:
    """Rules by the SKU that was picked; a SKU that was not has the last that was picked of those
    that were merged into it."""
    rows = list(rows)
    picked = {row.sku_id: rule_of(row) for row in rows}
    return {row.stands: rule_of(row) for row in reversed(rows)} | picked


def rule_for(rules: Mapping[int, Rule], named: int | None, stands: int) -> Rule | None:
    """The rule for goods that were asked for by a SKU that stands for another one now."""
    own = rules.get(named) if named is not None else None
    return own or rules.get(stands)


def terms(
    session: Session, desk: Desk, party_id: int, sku_ids: Iterable[int], now: datetime
) -> dict[int, Offered]:
    """What the party pays for each SKU now, and the corridor of its retail price. One that was
    merged is as the one that it leads to."""
    led = current(session, sku_ids)
    wanted = sorted(set(led.values()))
    who, made, stopped, rules, offers = send(
        session,
        pricing.question(party_id),
        bundles.question(wanted),
        *obstacles.QUESTIONS,
        deals.question(wanted),
    )
    reader = pricing.answered(session, who[0], desk, party_id, now)
    policies = corridors.policies(session, wanted, now)
    standing = obstacles.answered((stopped, rules), desk.asked, policies, now)
    parts = bundles.with_deals(partial(send, session), bundles.answered(made))
    found: dict[int, list[Deal]] = {}
    for deal in deals.answered(offers):
        if deal.mode == "dropship":
            found.setdefault(deal.sku_id, []).append(deal)
    answer = {}
    for sku_id in wanted:
        own = found.get(sku_id, [])
        of = parts.get(sku_id, ())
        seen = bundles.display(own, of, reader, now, policies=policies)
        granted = not bundles.hidden(own, of, reader, now)
        against = standing.against(own, of, seen, reader, now)
        answer[sku_id] = Offered(seen.price, *seen.corridor, granted, tuple(against))
    return {sku_id: answer[stands] for sku_id, stands in led.items()}


def price_reason(
    session: Session, desk: Desk, party_id: int, sku_id: int, region: str, now: datetime
) -> Reason | None:
    """Why the leader's own retail price of a SKU may not be asked in `region`; None: it may."""
    stands = current(session, [sku_id])[sku_id]
    rule = rule_for(rules(session, party_id, [sku_id, stands]), sku_id, stands)
    if rule is None:
        return None
    found = deals.of_skus(session, [stands])
    reader = pricing.leader(session, desk, party_id, now)
    policies = corridors.policies(session, [stands], now)
    seen = shelf.display(found, reader, now, region, policies)
    fault = corridor_fault(rule.retail(seen.price), *seen.corridor)
    if fault is None or corridors.allows_none(seen.corridor):  # the latter is told to everybody
        return None
    retail, visible = rule.retail(seen.price), shelf.visible(found, reader, now)
    until = corridors.ends(
        visible, policies, region, now, lambda then: corridor_fault(retail, *then) is not None
    )
    return Reason("outside_corridor", fault, until)


def corridor_fault(
    retail: Decimal | None, floor: Decimal | None, ceiling: Decimal | None
) -> str | None:
    """Why `retail` may not be asked, in a sentence; None when it may."""
    if retail is None:
        return None
    if floor is not None and retail < floor:
        return f"{price_text(retail)} is below the brand's floor; ask at least {price_text(floor)}"
    if ceiling is not None and retail > ceiling:
        most = price_text(ceiling)
        return f"{price_text(retail)} is above the brand's ceiling; ask at most {most}"
    return None


def _check_rule(rule: Rule) -> None:
    if (rule.retail_price is None) == (rule.markup_percent is None):
        raise invalid("retail_price", "give either retail_price or markup_percent", "one_price")
    if rule.retail_price is not None and rule.retail_price <= 0:
        raise invalid("retail_price", "a retail price is more than 0", "not_positive")
    if rule.markup_percent is not None and not 0 <= rule.markup_percent <= 10_000:
        raise invalid("markup_percent", "a mark-up is between 0 and 10000 percent", "out_of_range")


def rule_of(row: Any) -> Rule:
    """What a selection says of its retail price."""
    return Rule(row.retail_price, row.markup_percent, row.code, row.note)


_GOODS = """
    SELECT s.id, p.title, p.id AS product_id, p.images
    FROM skus s JOIN products p ON p.id = s.product_id WHERE s.id = ANY(%s)
"""


def _views(
    session: Session, desk: Desk, rows: Sequence[Selection], now: datetime
) -> list[dict[str, Any]]:
    if not rows:
        return []
    ids = [row.sku_id for row in rows]
    goods = {row.id: row for row in send(session, (_GOODS, (ids_text(ids),)))[0]}
    offered = terms(session, desk, rows[0].party_id, ids, now)
    return [_view(row, goods[row.sku_id], Album(desk.keyring), offered[row.sku_id]) for row in rows]


def _view(row: Selection, goods: Any, album: Album, offered: Offered) -> dict[str, Any]:
    retail = rule_of(row).retail(offered.price)
    reasons = offered.reasons(retail)
    return {
        "sku": outside("sku", row.sku_id),
        "title": goods.title,
        "images": album.roads(media.addresses(goods.images), goods.product_id),
        "price": _text(offered.price),
        "retail_price": _text(retail),
        "markup_percent": None if row.markup_percent is None else f"{row.markup_percent:f}",
        "corridor": {"min": _text(offered.floor), "max": _text(offered.ceiling)},
        "sellable": not reasons,
        "reasons": [vars(reason) for reason in reasons],
        "code": row.code,
        "note": row.note,
        "updated_at": row.updated_at,
    }


def _text(price: Decimal | None) -> str | None:
    return None if price is None else price_text(price)
