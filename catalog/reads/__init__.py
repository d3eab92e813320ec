"""What readers see of the catalogue: values with Decimal prices; the API makes strings of them."""

from catalog.reads.changes import SNAPSHOT, Changes, changes
from catalog.reads.hindsight import of_today
from catalog.reads.history import Point, price_history
from catalog.reads.lookup import Found, lookup
from catalog.reads.past import OfferThen, Then, as_it_was
from catalog.reads.products import (
    Card,
    OfferView,
    ProductView,
    SkuView,
    TermsView,
    product,
    product_cards,
)
from catalog.reads.sellable import Sellable, sellable
from catalog.reads.snapshot import Snapshot, snapshot

__all__ = [
    "SNAPSHOT",
    "Card",
    "Changes",
    "Found",
    "OfferThen",
    "OfferView",
    "Point",
    "ProductView",
    "Sellable",
    "SkuView",
    "Snapshot",
    "TermsView",
    "Then",
    "as_it_was",
    "changes",
    "lookup",
    "of_today",
    "price_history",
    "product",
    "product_cards",
    "sellable",
    "snapshot",
]
