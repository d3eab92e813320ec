"""Bundles: SKUs made of parts, sold by the piece from what their parts are offered for.

A bundle with a live offer of its own is sold by that offer. Else there are as many as its scarcest
part allows, and it costs what its parts cost under the reader's price rules. A part is no bundle.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import gcd, lcm

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog import bundle_versions, marks, rule_changes, shelf
from catalog import deals as all_deals
from catalog.corridors import PricePolicy
from catalog.deals import Deal
from catalog.matching.redirects import current
from catalog.models import Product, Sku
from catalog.rule_changes import Reach
from catalog.shelf import NOT_FOR_SALE, Display, Front, Reader, Stock
from kit.db import NOW, Base, OutsideId, Ref, Utc, read_clock, take_turn
from kit.errors import invalid
from kit.ids import outside
from kit.statements import Ask, Query, ids_text, send

LED_PARTS = """(
        SELECT p.sku_id, coalesce(r.to_sku, p.part_id) AS part_id, sum(p.units)::int AS units
        FROM sku_parts p LEFT JOIN sku_redirects r ON r.from_sku = p.part_id
        WHERE p.sku_id = ANY({skus}) GROUP BY 1, 2)"""
"""SQL: the parts of the SKUs in an array. One that was merged is the SKU that it leads to: two that
became one share its stock."""
MADE_OF = f"""CASE WHEN EXISTS (SELECT FROM sku_parts b WHERE b.sku_id = {{sku}}) THEN (
        SELECT json_agg(json_build_array(b.sku_id, b.part_id, b.units) ORDER BY b.part_id)
        FROM {LED_PARTS.format(skus="ARRAY[{sku}]")} b) END"""  # noqa: S608 - a query of ours
"""SQL: what `answered` reads, of one SKU; NULL where it is no bundle."""

MOST_PARTS = 20
MOST_UNITS = 1000


class Bundle(Base):
    """Whose bundle a SKU is; "" is the operators' own."""

    __tablename__ = "bundles"

    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[OutsideId]
    party_id: Mapped[Ref]
    """Who wrote it last."""
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class SkuPart(Base):
    """So many units of a part are in one bundle."""

    __tablename__ = "sku_parts"

    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    part_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    units: Mapped[int]


@dataclass(frozen=True)
class Part:
    """A part of a bundle with everything that is offered for it."""

    sku_id: int
    units: int
    deals: Sequence[Deal] = ()

    @property
    def by_piece(self) -> list[Deal]:
        """The deals that count: bundles are sold by the piece."""
        return [deal for deal in self.deals if deal.mode == "dropship"]


Parts = Mapping[int, Sequence[Part]]
"""By bundle."""


def made_of(deals: Iterable[Deal], parts: Sequence[Part]) -> Sequence[Part]:
    """The parts by which a SKU is sold; none where it has a live offer of its own, or no parts."""
    own = parts and any(deal.state == "live" and deal.mode == "dropship" for deal in deals)
    return () if own else parts


def display(
    deals: Sequence[Deal],
    parts: Sequence[Part],
    reader: Reader,
    now: datetime,
    region: str = "",
    policies: Iterable[PricePolicy] = (),
) -> Display:
    """What `reader` sees of a SKU that may be a bundle. Pure."""
    if not (sold_by := made_of(deals, parts)):
        return shelf.display(deals, reader, now, region, policies)
    return composed([(p.units, shelf.display(p.by_piece, reader, now, region)) for p in sold_by])


def front(
    deals: Sequence[Deal], parts: Sequence[Part], reader: Reader, now: datetime, region: str = ""
) -> Front:
    """What a list shows of it: the same as `display` does. Pure."""
    if made_of(deals, parts):
        return display(deals, parts, reader, now, region)
    return shelf.front(deals, reader, now, region)


def hidden(deals: Sequence[Deal], parts: Sequence[Part], reader: Reader, now: datetime) -> bool:
    """Whether brands let `reader` see nothing of it; of a bundle, of one of its parts. Pure."""
    sold_by = made_of(deals, parts)
    if not sold_by:
        return shelf.hidden(deals, reader, now)
    return any(shelf.hidden(part.by_piece, reader, now) for part in sold_by)


def composed(parts: Sequence[tuple[int, Display]]) -> Display:
    """A bundle from (units, what is seen of the part); not for sale if one part is not. Pure."""
    prices = [units * shown.price for units, shown in parts if shown.price is not None]
    if len(prices) < len(parts):
        return NOT_FOR_SALE
    free = all(shown.freight == {"kind": "free"} for _, shown in parts)
    waits = [shown.ships_within_hours for _, shown in parts]
    known = [wait for wait in waits if wait is not None]
    multiple = lcm(*(shown.multiple // gcd(shown.multiple, units) for units, shown in parts))
    least = max(-(-shown.moq // units) for units, shown in parts)
    return Display(
        price=sum(prices[1:], prices[0]),
        tiers=None,
        moq=-(-least // multiple) * multiple,
        multiple=multiple,
        stock=scarcest([(units, shown.stock) for units, shown in parts]),
        freight={"kind": "free"} if free else None,
        ships_within_hours=max(known) if len(known) == len(waits) else None,
        corridor=(None, None),
        modes=("dropship",),
        as_of=min((shown.as_of for _, shown in parts if shown.as_of), default=None),
    )


def scarcest(parts: Iterable[tuple[int, Stock]]) -> Stock:
    """How many bundles the parts allow. A part that is there without a number limits nothing, one
    of which nothing is known makes that of the bundle unknown, and neither is zero. Pure."""
    parts = list(parts)
    limits = [stock.quantity // units for units, stock in parts if stock.quantity is not None]
    least = min(limits, default=None)
    states = {stock.state for _, stock in parts}
    if "out" in states or least == 0:
        return Stock("out", 0)
    if "unknown" in states:
        return Stock("unknown", None)
    return Stock("low" if "low" in states else "in_stock", least)


def definitions(session: Session, sku_ids: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """(part, units) of those of these SKUs that are bundles."""
    return answered(send(session, question(sku_ids))[0])


def question(sku_ids: Collection[int]) -> Query:
    """What `definitions` asks; `answered` reads the rows."""
    return (_PARTS, [ids_text(sku_ids)])


def answered(rows: Iterable[Sequence[int]]) -> dict[int, list[tuple[int, int]]]:
    """(part, units) by bundle, from rows of SKU, part and units."""
    found: dict[int, list[tuple[int, int]]] = {}
    for sku_id, part_id, units in rows:
        found.setdefault(sku_id, []).append((part_id, units))
    return found


def parts(session: Session, sku_ids: Collection[int], region: str = "") -> Parts:
    """The parts of those of these SKUs that are bundles, with their deals."""
    return with_deals(partial(send, session), definitions(session, sku_ids), region)


def with_deals(ask: Ask, found: Mapping[int, Sequence[tuple[int, int]]], region: str = "") -> Parts:
    """(part, units) of bundles with what is offered for the parts; asks only if there are any."""
    if not found:
        return {}
    wanted = sorted({part for of_sku in found.values() for part, _ in of_sku})
    by_sku: dict[int, list[Deal]] = {}
    for deal in all_deals.answered(ask(all_deals.question(wanted, region))[0], region):
        by_sku.setdefault(deal.sku_id, []).append(deal)
    return {
        sku: [Part(part, units, by_sku.get(part, [])) for part, units in of_sku]
        for sku, of_sku in found.items()
    }


def create(
    session: Session, title: str, brand: str | None, category: str | None, images: Sequence[str]
) -> int:
    """A product of one SKU that nobody offers, to be made a bundle; returns the SKU's id."""
    product = Product(title=title, brand=brand, category=category, images=list(images) or None)
    session.add(product)
    session.flush()
    sku = Sku(product_id=product.id)
    session.add(sku)
    session.flush()
    return sku.id


def put(
    session: Session, sku_id: int, units: Mapping[int, int], source: str, party_id: int
) -> Bundle:
    """Make a SKU of these parts, or of others than before; it stays whose it is. System scope.

    Raises Problem 422 for parts that are none, or that `source` does not offer ("": any may do).
    """
    take_turn(session, _WRITERS)
    led = current(session, units)
    made: Counter[int] = Counter()
    for part, count in units.items():
        made[led[part]] += count
    _check(session, sku_id, made, source)
    row = session.get(Bundle, sku_id)
    if row is None:
        row = Bundle(sku_id=sku_id, source=source)
        session.add(row)
    row.party_id = party_id
    row.updated_at = read_clock(session)
    session.execute(delete(SkuPart).where(SkuPart.sku_id == sku_id))
    session.add_all(SkuPart(sku_id=sku_id, part_id=part, units=n) for part, n in made.items())
    session.flush()
    bundle_versions.keep(session, sku_id, made, row.updated_at)
    _tell(session, sku_id)
    return row


def get(session: Session, sku_id: int) -> Bundle | None:
    """Whose bundle a SKU is; None: it is none."""
    return session.get(Bundle, sku_id, populate_existing=True)


def offered(session: Session, sku_ids: Collection[int], source: str) -> set[int]:
    """Those of these SKUs that a source offers."""
    return set(session.scalars(_OWN, {"skus": list(sku_ids), "source": source}))


def remove(session: Session, sku_id: int) -> None:
    """Make a SKU of parts no longer; orders that were placed stay. System scope."""
    take_turn(session, _WRITERS)
    session.execute(delete(SkuPart).where(SkuPart.sku_id == sku_id))
    session.execute(delete(Bundle).where(Bundle.sku_id == sku_id))
    bundle_versions.keep(session, sku_id, {}, read_clock(session))
    _tell(session, sku_id)


def page(
    session: Session, source: str | None, *, limit: int, after: int | None
) -> tuple[list[Bundle], int | None]:
    """Bundles of a source (None: of all) by SKU, and where the next page starts."""
    wanted = select(Bundle).where(Bundle.sku_id > (after or 0))
    if source is not None:
        wanted = wanted.where(Bundle.source == source)
    rows = list(session.scalars(wanted.order_by(Bundle.sku_id).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].sku_id if len(rows) > limit else None


_WRITERS = "bundles"
"""Two writers could else make bundles of one another."""
_PARTS = f"""
    SELECT sku_id, part_id, units FROM {LED_PARTS.format(skus="%s")} b ORDER BY sku_id, part_id
"""  # noqa: S608 - a query of ours
_KNOWN = text("SELECT id FROM skus WHERE id = ANY(:skus)")
_OWN = text("""
    SELECT DISTINCT sku_id FROM offers WHERE sku_id = ANY(:skus) AND source = :source
""")


def _check(session: Session, sku_id: int, units: Mapping[int, int], source: str) -> None:
    if not 0 < len(units) <= MOST_PARTS:
        raise invalid("parts", f"give between 1 and {MOST_PARTS} parts", "count")
    if not all(0 < count <= MOST_UNITS for count in units.values()):
        raise invalid("parts", f"give 1 to {MOST_UNITS} units of a part", "out_of_range")
    if sku_id in units:
        raise invalid("parts", "a bundle is no part of itself", "itself")
    known = set(session.scalars(_KNOWN, {"skus": list(units)}))
    if strange := [outside("sku", part) for part in units if part not in known]:
        raise invalid("parts", f"there is no SKU {strange[0]!r}", "unknown_sku")
    if definitions(session, units):
        raise invalid("parts", "a part is a bundle itself; name its parts", "nested")
    if session.scalar(select(SkuPart.sku_id).where(SkuPart.part_id == sku_id).limit(1)):
        raise invalid("parts", "this SKU is a part of another bundle", "nested")
    if source and set(units) - offered(session, units, source):
        raise invalid("parts", "bundle your own goods only", "not_offered")


def _tell(session: Session, sku_id: int) -> None:
    """Search reads it anew, and readers are told that something about it changed."""
    marks.mark(session, "SELECT product_id FROM skus WHERE id = :sku", {"sku": sku_id})
    rule_changes.tell(session, "bundle", [Reach(sku=sku_id)])
