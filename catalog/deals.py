"""Every way to buy some SKUs: one deal per offer and mode, as the catalogue holds it now."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from catalog import freight_templates, stock
from catalog.matching.tree import Place, Said, placed
from catalog.matching.wordings import BRAND_OF
from catalog.pricing import Goods
from catalog.publishing import HEARD, Record
from catalog.stock import Level
from kit.statements import Query, ids_text, send


class Deal(NamedTuple):
    """One offer in one mode (dropship or bulk). `cost` is what its source asks, in CNY a unit.

    `level` is what can be ordered, None where the source says nothing of its stock; `record` says
    how much of it is shown.
    """

    product_id: int
    sku_id: int
    offer_id: int
    source: str
    external_id: str
    seller: str | None
    brand: str | None
    category: str | None
    state: str
    tax_rate: Decimal | None
    tax_code: str | None
    invoice: str | None
    min_retail: Decimal | None
    max_retail: Decimal | None
    not_delivered_to: list[str] | None
    mode: str
    cost: Decimal
    tiers: list[Any] | None
    valid_until: datetime | None
    price_as_of: datetime
    moq: int
    multiple: int
    freight: dict[str, Any] | None
    ships_within_hours: int | None
    cutoff: str | None
    presale_ship_by: date | None
    level: Level | None
    record: Record = Record()
    ours: str | None = None
    """The category of ours that is written down for its source's one."""
    by_person: bool = False
    weight_g: int | None = None
    brand_of: str | None = None
    """The brand that its source's word stands for."""
    template: str | None = None
    """The freight template that the offer names; `freight` and `not_delivered_to` are by it."""

    @property
    def goods(self) -> Goods:
        """What pricing rules may look at."""
        return Goods(self.source, self.brand_of or self.brand, self.category, self.ours)

    @property
    def as_of(self) -> datetime:
        """When the older of its facts was true."""
        return min(self.price_as_of, self.level.as_of) if self.level else self.price_as_of

    def reaches(self, region: str) -> bool:
        """Whether the offer is delivered to a GB/T 2260 code; "" asks for no place."""
        return not any(region.startswith(code) for code in self.not_delivered_to or () if region)


_DEALS = """
    SELECT s.product_id, s.id AS sku_id, o.id AS offer_id, o.source, o.external_id, o.seller,
           o.brand, o.category, o.state, o.tax_rate, o.tax_code, o.invoice, o.min_retail,
           o.max_retail, o.not_delivered_to, p.mode, p.price, p.tiers, p.valid_until, p.as_of,
           {terms},
           coalesce((SELECT v.per_hour FROM stock_pace v WHERE v.offer_id = o.id), 0) AS per_hour,
           coalesce((SELECT c.tried FROM stock_claims c WHERE c.source = o.source), 0) AS tried,
           coalesce((SELECT c.short FROM stock_claims c WHERE c.source = o.source), 0) AS short,
           {heard} AS heard_at,
           (SELECT CASE m.state WHEN 'confirmed' THEN '+' ELSE '-' END || m.ours
            FROM category_mappings m WHERE m.source = o.source AND m.theirs = o.category) AS mapped,
           o.weight_g, {brand_of} AS brand_of,
           {template} AS template,
           {stated} AS stated{more}
    FROM {goods} {offers}
    WHERE {which} = ANY(%(ids)s)
    ORDER BY s.product_id, s.id, o.id, p.mode
"""
# Each look-up by a whole key stands by itself: as joins they make planning four times as long.
_OWN = "JOIN offers o ON o.sku_id = s.id JOIN prices p ON p.offer_id = o.id"
_OWN_IF_ANY = "LEFT JOIN (offers o JOIN prices p ON p.offer_id = o.id) ON o.sku_id = s.id"
_LED = """LEFT JOIN sku_redirects r ON r.from_sku = s.id
    JOIN offers o ON o.sku_id = coalesce(r.to_sku, s.id) JOIN prices p ON p.offer_id = o.id"""
_JOIN_TERMS = "LEFT JOIN terms t ON t.offer_id = o.id AND t.mode = p.mode"
_TERMS = """coalesce(t.moq, 1) AS moq, coalesce(t.multiple, 1) AS multiple, t.freight,
           t.ships_within_hours, t.cutoff, t.presale_ship_by"""
_TEMPLATE = """(SELECT f.content FROM freight_templates f
            WHERE f.source = o.source AND f.name = t.freight ->> 'name')"""
_NO_TERMS = """1 AS moq, 1 AS multiple, NULL AS freight,
           NULL AS ships_within_hours, NULL AS cutoff, NULL AS presale_ship_by"""


def _asking(
    which: str, offers: str, goods: str = "skus s", more: str = "", *, terms: bool = True
) -> str:
    """For the deals of some ids."""
    return _DEALS.format(
        which=which,
        offers=f"{offers} {_JOIN_TERMS}" if terms else offers,
        goods=goods,
        more=more,
        terms=_TERMS if terms else _NO_TERMS,
        template=_TEMPLATE if terms else "NULL",
        heard=HEARD,
        brand_of=BRAND_OF,
        stated=stock.STATED.format(offer="o.id"),
    )


_OF_PRODUCTS = _asking("s.product_id", _OWN)
_OF_SKUS = _asking("s.id", _LED)


def asking_with(*columns: str, terms: bool = True) -> str:
    """As `question`, for products: these columns of products `g` and their SKUs `s` come with every
    deal, and in a row without one of what is not offered.

    Without `terms` every deal is of one unit, and nothing tells how it is sent, nor where a freight
    template has it not go: that is a seventh less for the server to do.
    """
    goods = "products g JOIN skus s ON s.product_id = g.id"
    more = "".join(f", {one}" for one in columns)
    return _asking("g.id", _OWN_IF_ANY, goods, more, terms=terms)


def of_products(session: Session, ids: Collection[int], region: str = "") -> list[Deal]:
    """Every deal for these products, in the order of product, SKU and offer."""
    return answered(send(session, asked(_OF_PRODUCTS, ids, region))[0], region)


def of_skus(session: Session, ids: Collection[int], region: str = "") -> list[Deal]:
    """Every deal for these SKUs, in the order of product, SKU and offer.

    A SKU that was merged into another has the other's deals.
    """
    return answered(send(session, question(ids, region))[0], region)


def place(own: str | None, deals: Iterable[Deal]) -> Place:
    """Where the product of these deals stands in our tree; `own` is the category it came with.

    It is the same for every reader, and tells nobody how many offers there are. Pure.
    """
    said = {deal.offer_id: Said(deal.category, deal.ours, deal.by_person) for deal in deals}
    return placed(own, tuple(said.values()))


_FACTS = Deal._fields.index("level")
_READ = _FACTS + 9
"""Columns of a deal's row."""


def _deal(row: Sequence[Any], region: str) -> Deal:
    velocity, tried, short, heard, mapped, weight, brand_of, template, stated = row[_FACTS:_READ]
    level = stock.level(stated, region)
    ours, by_person = (mapped[1:], mapped[0] == "+") if mapped else (None, False)
    record = Record(velocity, tried, short, heard)
    deal = Deal._make((*row[:_FACTS], level, record, ours, by_person, weight, brand_of, None))
    if deal.freight is None or deal.freight["kind"] != "template":
        return deal
    return deal._replace(
        template=deal.freight["name"],
        freight=freight_templates.resolved(deal.freight, template, region),
        not_delivered_to=freight_templates.beyond(deal.not_delivered_to, template),
    )


def question(ids: Collection[int], region: str = "") -> Query:
    """What `of_skus` asks; `answered` reads the rows."""
    return asked(_OF_SKUS, ids, region)


def asked(asking: str, ids: Collection[int], region: str) -> Query:
    """A statement for deals, asked for these ids."""
    return asking, {"ids": ids_text(ids), "region": region}


def answered(rows: Iterable[Any], region: str = "") -> list[Deal]:
    """The deals that were asked for."""
    return [_deal(row, region) for row in rows if row.offer_id is not None]
