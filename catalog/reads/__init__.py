"""What readers see of the catalogue: values with Decimal prices; the API makes strings of them."""

from catalog.reads.changes import Changes, changes
from catalog.reads.facets import Facet, brands, categories
from catalog.reads.history import Point, price_history
from catalog.reads.lookup import Found, lookup
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

__all__ = [
    "Card",
    "Changes",
    "Facet",
    "Found",
    "OfferView",
    "Point",
    "ProductView",
    "Sellable",
    "SkuView",
    "TermsView",
    "brands",
    "categories",
    "changes",
    "lookup",
    "price_history",
    "product",
    "product_cards",
    "sellable",
]
