"""What a reader sees of a SKU: which deal decides its price, stock and terms. Pure.

One deal stands for a SKU in front of everybody who may not know its sources: of those that can be
sold the one that costs least, as an order would be bought, sold by the piece before in bulk. Price,
stock, freight and promise are all of that one deal and of no other, so that nothing tells how many
there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from catalog import corridors, publishing
from catalog.corridors import PricePolicy
from catalog.deals import Deal
from catalog.grants import OPEN, Grants
from catalog.media import Album
from catalog.pricing import NOBODY, Buyer, PriceList, margin_percent
from catalog.stock import Level


@dataclass(frozen=True)
class SourcePolicy:
    """What an installation decided about one source; the defaults hold for any other."""

    unknown_stock: Literal["sell", "ask", "hide"] = "sell"
    serves: frozenset[str] = frozenset({"resell", "procure"})
    refusal_risk: float = publishing.RISK


@dataclass(frozen=True)
class Reader:
    """Who reads: a role, the prices it pays, the policies of sources, what brands granted it, and
    which party it is where rules name parties."""

    role: str
    prices: PriceList = field(default_factory=PriceList)
    policies: Mapping[str, SourcePolicy] = field(default_factory=dict)
    ordinary: SourcePolicy = field(default_factory=SourcePolicy)
    grants: Grants = OPEN
    buyer: Buyer = NOBODY
    album: Album | None = None
    """How pictures are named for it; None: it sees none."""

    @property
    def sees_sources(self) -> bool:
        """Operators and buyers see sources, sellers, costs and every offer; nobody else does."""
        return self.role in ("operator", "buyer")

    def policy(self, source: str) -> SourcePolicy:
        """The policy of `source`."""
        return self.policies.get(source, self.ordinary)


class Stock(NamedTuple):
    """What can be had: in_stock | low | out | unknown, and how many where a number is known."""

    state: str
    quantity: int | None


@dataclass(frozen=True)
class Front:
    """What a list shows of one SKU. The price is CNY a unit; None is unknown."""

    price: Decimal | None
    stock: Stock
    modes: tuple[str, ...]
    as_of: datetime | None

    def margin(self, msrp: Decimal | None) -> Decimal | None:
        """What is earned between its price and `msrp`, in percent; None where that is not known,
        and of what a platform sells itself: there a commission is earned."""
        return None if self.modes == ("affiliate",) else margin_percent(self.price, msrp)


@dataclass(frozen=True)
class Display(Front):
    """One SKU as a reader sees it. Prices in CNY a unit; None is unknown."""

    tiers: list[tuple[int, Decimal]] | None
    moq: int
    multiple: int
    freight: dict[str, Any] | None
    ships_within_hours: int | None
    corridor: tuple[Decimal | None, Decimal | None]


NOT_FOR_SALE = Display(None, Stock("out", 0), (), None, None, 1, 1, None, None, (None, None))


def visible(deals: Iterable[Deal], reader: Reader, now: datetime) -> list[Deal]:
    """The deals behind what `reader` sees: listed, open to it, at a price that counts."""
    return [
        deal
        for deal in deals
        if deal.state == "live"
        and (deal.valid_until is None or deal.valid_until > now)
        and reader.prices.serves in reader.policy(deal.source).serves
        and granted(deal, reader, now, "")
        and not (_unknown(deal.level) and unknown_stock(deal, reader) == "hide")
    ]


def hidden(deals: Iterable[Deal], reader: Reader, now: datetime) -> bool:
    """Whether there is something to buy, of which brands let `reader` see nothing."""
    seen = [granted(deal, reader, now, "") for deal in deals]
    return bool(seen) and not any(seen)


def deciding(
    deals: Iterable[Deal], reader: Reader, region: str = "", now: datetime | None = None
) -> Deal | None:
    """Of visible deals for one SKU, the one that decides what `reader` sees, or None.

    Deals in bulk come behind those by the piece, what a platform sells itself behind both. A deal
    goes last when none of it can be had: by what is shown at `now`, or else by what is stated. Then
    the cost decides, as it does when an order is bought: a rule for a single source may make
    another one cheaper for the reader, but that is not what it would pay.
    """

    def rank(deal: Deal) -> tuple[bool, int, bool, Decimal, int]:
        stock = stated(deal.level) if now is None else shown(deal, reader, now)
        out = stock.state == "out"
        mode = _MODES.get(deal.mode, 1)
        return (not deal.reaches(region), mode, out, deal.cost, deal.offer_id)

    found = list(deals)
    return min(found, key=rank) if len(found) > 1 else found[0] if found else None


_MODES = {"dropship": 0, "bulk": 1, "affiliate": 2}


def paid(deal: Deal, reader: Reader) -> Decimal:
    """The unit price in CNY that `reader` pays; of goods that a platform sells itself, what it asks
    of everybody: links to them are never marked up."""
    if deal.mode == "affiliate":
        return deal.cost
    return reader.prices.price(deal.cost, deal.goods)


def front(deals: Iterable[Deal], reader: Reader, now: datetime, region: str = "") -> Front:
    """What a list shows `reader` of the SKU that `deals` are for: the same as `display` does."""
    best, seen = _decided(deals, reader, now, region)
    return NOT_FOR_SALE if best is None else Front(*_shown(best, seen, reader, now))


def display(
    deals: Iterable[Deal],
    reader: Reader,
    now: datetime,
    region: str = "",
    policies: Iterable[PricePolicy] = (),
) -> Display:
    """What `reader` sees of the SKU that `deals` are for; `policies` narrow its corridor."""
    best, seen = _decided(deals, reader, now, region)
    if best is None:
        return NOT_FOR_SALE
    bulk = deciding([deal for deal in seen if deal.mode == "bulk"], reader, region, now)
    return Display(
        *_shown(best, seen, reader, now),
        tiers=_tiers(bulk, best, reader) if bulk else None,
        moq=best.moq,
        multiple=best.multiple,
        freight=best.freight,
        ships_within_hours=best.ships_within_hours,
        corridor=corridors.corridor(seen, policies, region, now),
    )


def _tiers(bulk: Deal, best: Deal, reader: Reader) -> list[tuple[int, Decimal]] | None:
    """The quantity breaks of a deal in bulk: never above what fewer cost, be it by another deal."""
    most = min(paid(bulk, reader), paid(best, reader))
    return reader.prices.tiers(bulk.tiers, bulk.goods, most)


def _decided(
    deals: Iterable[Deal], reader: Reader, now: datetime, region: str
) -> tuple[Deal | None, list[Deal]]:
    """The deal that decides what `reader` sees, and all that it is chosen from or shown with."""
    seen = visible(deals, reader, now)
    there = [deal for deal in seen if granted(deal, reader, now, region)] if region else seen
    return deciding(there or seen, reader, region, now), seen


def _shown(
    best: Deal, seen: Sequence[Deal], reader: Reader, now: datetime
) -> tuple[Decimal, Stock, tuple[str, ...], datetime]:
    """The fields of a `Front`."""
    modes = (best.mode,) if len(seen) == 1 else tuple(sorted({deal.mode for deal in seen}))
    return paid(best, reader), shown(best, reader, now), modes, best.as_of


def stated(level: Level | None) -> Stock:
    """A stock level as shown; silence is unknown, never zero."""
    return Stock(level.state, level.quantity) if level else Stock("unknown", None)


def shown(deal: Deal, reader: Reader, now: datetime) -> Stock:
    """What is shown of a deal's stock: the longer ago it was stated and the faster it sells, the
    less. More than that may be ordered, at the risk of a refusal."""
    if deal.level is None:
        return stated(None)
    risk = reader.policy(deal.source).refusal_risk
    return stated(
        publishing.published(deal.level, deal.record.age(deal.level, now), deal.record, risk)
    )


def total(stocks: Iterable[Stock]) -> Stock:
    """The stock of a product from that of its SKUs; a number only if every SKU on hand has one."""
    stocks = list(stocks)
    if len(stocks) == 1 and stocks[0].state != "out":
        return stocks[0]
    on_hand = [stock for stock in stocks if stock.state != "out"]
    for state in ("in_stock", "low", "unknown"):
        if any(stock.state == state for stock in on_hand):
            known = all(stock.quantity is not None for stock in on_hand)
            return Stock(state, sum(stock.quantity or 0 for stock in on_hand) if known else None)
    return Stock("out", 0)


def granted(deal: Deal, reader: Reader, now: datetime, region: str) -> bool:
    """Whether brands let `reader` have this deal in `region`; "" is anywhere at all."""
    grants = reader.grants  # most readers meet no source that uses any
    return not grants.closed or grants.allows(deal.sku_id, deal.goods, region, now)


def unknown_stock(deal: Deal, reader: Reader) -> str:
    """What counts where its source says nothing: sell | ask | hide."""
    return reader.policy(deal.source).unknown_stock


def _unknown(level: Level | None) -> bool:
    return level is None or level.state == "unknown"
