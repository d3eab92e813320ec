"""What a reader pays for a cost, by rules, and the margin that leaves under the recommended price.

The first rule that fits decides: the higher priority, then the one for fewer readers, then the one
for fewer goods, then the younger. Preview, quotes, search and history run this same code. Pure.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, Literal, NamedTuple

from catalog.matching import tree
from kit.money import ending_in, marked_up

Serves = Literal["resell", "procure"]


class Goods(NamedTuple):
    """What a rule may look at besides the cost: the brand that its source's word stands for, and
    the category as the source words it."""

    source: str
    brand: str | None = None
    category: str | None = None
    ours: str | None = None
    """The category of ours that is written down for its source's one."""

    def is_in(self, category: str) -> bool:
        """Whether it is in a category or below it: the source's own, or one of ours by its code or
        whole name."""
        if below(self.category, category):
            return True
        code = tree.meant(category)
        return code is not None and tree.within(tree.of(self.category, self.ours), code)


@dataclass(frozen=True)
class Buyer:
    """Who pays: a party, those it stands under (head office, agent), and its reseller level."""

    party: int | None = None
    above: frozenset[int] = frozenset()
    level: str | None = None


NOBODY = Buyer()
"""A reader who is no party: only rules for everybody count."""


@dataclass(frozen=True)
class Rule:
    """A mark-up in percent of the cost for the goods and readers that it names; None names all.

    `brand` is as its writer worded it, `brand_of` what that stands for; None: itself.

    `group` is a party and all that stand under it. `cost_from` (included) and `cost_below` are
    CNY a unit, so are `floor` and `ceiling` of the price. `ending` such as 0.9 raises the price to
    the next that ends so. `category` counts with everything below it.
    """

    id: int
    markup_percent: Decimal
    priority: int = 0
    source: str | None = None
    brand: str | None = None
    category: str | None = None
    cost_from: Decimal | None = None
    cost_below: Decimal | None = None
    level: str | None = None
    group: int | None = None
    party: int | None = None
    floor: Decimal | None = None
    ceiling: Decimal | None = None
    ending: Decimal | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    brand_of: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it counts at `now`."""
        begun = self.valid_from is None or self.valid_from <= now
        return begun and (self.valid_until is None or now < self.valid_until)

    def is_for(self, buyer: Buyer) -> bool:
        """Whether `buyer` is among those that it names."""
        return (
            (self.party is None or self.party == buyer.party)
            and (self.group is None or self.group == buyer.party or self.group in buyer.above)
            and (self.level is None or self.level == buyer.level)
        )

    def fits(self, cost: Decimal, goods: Goods) -> bool:
        """Whether goods that cost so much are among those that it names."""
        return (
            (self.source is None or self.source == goods.source)
            and (self.brand is None or goods.brand == (self.brand_of or self.brand))
            and (self.category is None or goods.is_in(self.category))
            and (self.cost_from is None or cost >= self.cost_from)
            and (self.cost_below is None or cost < self.cost_below)
        )

    def price(self, cost: Decimal) -> Decimal:
        """The unit price that it makes of a cost. The ceiling wins over ending and floor."""
        price = marked_up(cost, self.markup_percent)
        if self.floor is not None:
            price = max(price, self.floor)
        if self.ending is not None:
            price = ending_in(price, self.ending)
        return price if self.ceiling is None else min(price, self.ceiling)

    @property
    def rank(self) -> tuple[int, ...]:
        """Sorts the rule that decides before those that it beats."""
        who = (self.party is not None, self.group is not None, self.level is not None)
        what = (self.source, self.brand, self.category, self.cost_from, self.cost_below)
        named = sum(one is not None for one in what)
        return (-self.priority, *(-int(one) for one in who), -named, -self.id)


@dataclass(frozen=True)
class PriceList:
    """Prices that a group of readers shares. `id` is a word: it names fields of the search index.

    `serves` says for what its readers buy: sources may be open for one purpose only. Where none of
    the `rules`, given in the order of their ranks, fits, `markup_percent` counts.
    """

    id: str = "resale"
    markup_percent: Decimal = Decimal(0)
    serves: Serves = "resell"
    rules: tuple[Rule, ...] = field(default=())

    def rule(self, cost: Decimal, goods: Goods) -> Rule | None:
        """The rule that decides, or None: the list's own mark-up does."""
        return next((rule for rule in self.rules if rule.fits(cost, goods)), None)

    def price(self, cost: Decimal, goods: Goods) -> Decimal:
        """The unit price in CNY that a reader of this list pays for goods that cost `cost`."""
        rule = self.rule(cost, goods)
        return rule.price(cost) if rule else marked_up(cost, self.markup_percent)

    def tiers(
        self, tiers: list[Any] | None, goods: Goods, most: Decimal
    ) -> list[tuple[int, Decimal]] | None:
        """Stored quantity breaks as (quantity, unit price) that a reader of this list pays, who
        pays `most` for fewer.

        A larger quantity never has a higher unit price, whatever rules its lower cost falls under.
        """
        if not tiers:
            return None
        paid: list[tuple[int, Decimal]] = []
        for units, cost in tiers:
            most = min(self.price(Decimal(cost), goods), most)
            paid.append((int(units), most))
        return paid

    @cached_property
    def mark(self) -> str:
        """Names the prices: two lists with one mark price alike."""
        said = repr((self.markup_percent.normalize(), self.rules))
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def price_list(one: PriceList, rules: Iterable[Rule], buyer: Buyer, now: datetime) -> PriceList:
    """`one` with the rules that count for `buyer` at `now`."""
    own = sorted((r for r in rules if r.holds(now) and r.is_for(buyer)), key=lambda r: r.rank)
    return PriceList(one.id, one.markup_percent, one.serves, tuple(own))


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


def below(category: str | None, named: str) -> bool:
    """Whether a category is the named one or lies under it."""
    return category == named or (category or "").startswith(f"{named} > ")
