"""Who stands behind a source: the brand that supplies it, or the operator where there is none."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from trade.models import Party
from trade.purchases import Supplier


def supplier_of(session: Session, source: str) -> Supplier:
    """The supplier of `source`. Runs in system scope."""
    party_id = session.scalar(
        select(Party.id).where(Party.source == source, Party.role == "brand").order_by(Party.id)
    )
    return Supplier(source, party_id)
