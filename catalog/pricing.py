"""What a reader pays for a cost, and the margin that leaves under the recommended price. Pure."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from kit.money import marked_up

Serves = Literal["resell", "procure"]


@dataclass(frozen=True)
class Goods:
    """What a rule may look at besides the cost."""

    source: str
    brand: str | None = None
    category: str | None = None


@dataclass(frozen=True)
class PriceList:
    """Prices that a group of readers shares. `id` is a word: it names fields of the search index.

    `serves` says for what its readers buy: sources may be open for one purpose only.
    """

    id: str = "resale"
    markup_percent: Decimal = Decimal(0)
    serves: Serves = "resell"

    def price(self, cost: Decimal, _goods: Goods) -> Decimal:
        """The unit price in CNY that a reader of this list pays for goods that cost `cost`."""
        return marked_up(cost, self.markup_percent)

    def tiers(self, tiers: list[Any] | None, goods: Goods) -> list[tuple[int, Decimal]] | None:
        """Stored quantity breaks as (quantity, unit price) that a reader of this list pays."""
        if not tiers:
            return None
        return [(int(units), self.price(Decimal(cost), goods)) for units, cost in tiers]


def price_lists(markup_percent: Decimal) -> dict[str, PriceList]:
    """The lists of an installation by id: one for resale, one for procurement."""
    return {
        "resale": PriceList("resale", markup_percent, "resell"),
        "procure": PriceList("procure", markup_percent, "procure"),
    }


def margin_percent(price: Decimal | None, msrp: Decimal | None) -> Decimal | None:
    """The share of `msrp` that a seller at that price keeps, in percent with two places.

    Negative when the price is above `msrp`; None where one of them is not known.
    """
    if price is None or not msrp:
        return None
    return ((msrp - price) * 100 / msrp).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
