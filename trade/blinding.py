"""What suppliers say to leaders, without the names by which a leader could find them."""

from sqlalchemy.orm import Session

from trade.models import Party, Purchase
from trade.parcels import parcel_news


def blind(session: Session, purchase: Purchase, words: str, *, platform: bool = False) -> str:
    """The words of whoever sends a purchase without its names; those of a `platform` without the
    names of platforms as well."""
    if platform:
        words = parcel_news.without_platforms(words, "供应商")
    party = session.get(Party, purchase.supplier_id) if purchase.supplier_id else None
    for name in (purchase.source, purchase.seller, party.name if party else None):
        if name:
            words = words.replace(name, "供应商")
    return words
