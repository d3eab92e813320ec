"""Who stands behind a source: the brand that supplies it, or the operator where there is none."""

from collections.abc import Collection, Iterable

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.errors import invalid
from trade.models import Party
from trade.purchases import Supplier


def supplier_of(session: Session, source: str) -> Supplier:
    """The supplier of `source`. Runs in system scope."""
    party_id = session.scalar(
        select(Party.id).where(Party.source == source, Party.role == "brand").order_by(Party.id)
    )
    return Supplier(source, party_id)


_THERE = text("""
    SELECT n.code FROM unnest(CAST(:codes AS text[])) n(code)
    WHERE EXISTS (SELECT FROM sources s WHERE s.code = n.code)
      OR EXISTS (SELECT FROM parties p WHERE p.source = n.code AND p.role = 'brand')
      OR EXISTS (SELECT FROM offers o WHERE o.source = n.code)
""")


def check_sources(
    session: Session, known: Collection[str], named: Iterable[tuple[str, str | None]]
) -> None:
    """Raises Problem 422 for the first (field, source) whose source is not there: it is none of the
    `known` ones, nobody supplies it, and nothing was ever offered under it. System scope."""
    asked = [(field, code) for field, code in named if code is not None and code not in known]
    there = set(session.scalars(_THERE, {"codes": [code for _, code in asked]})) if asked else set()
    for field, code in asked:
        if code not in there:
            raise invalid(field, f"there is no source {code!r}", "unknown_source")
