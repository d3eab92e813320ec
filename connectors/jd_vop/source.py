"""JD VOP as a source: it lists completely, notifies, quotes, sells and takes back."""

from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.errors import (
    NoSuchThing,
    NotDeliverable,
    OutcomeUnknown,
    OutOfStock,
    PriceChanged,
    Refused,
    TryLater,
)
from connectors.jd.reading import batches, rows, text
from connectors.model import (
    Cursor,
    Listing,
    Message,
    OrderLine,
    Page,
    Placed,
    PriceFact,
    PurchaseOrder,
    ShipTo,
    StockFact,
)
from connectors.surroundings import Surroundings
from connectors.trading import (
    Booking,
    Checked,
    CheckList,
    ClaimState,
    Part,
    Progress,
    ReturnOptions,
    SourceClaim,
    SourceQuote,
)
from kit.money import yuan

from . import mapping, orders, quoting, statements
from .after_sale import AfterSale
from .areas import NO_PLACE, Areas
from .classic import Classic
from .mapping import Price
from .router import Router
from .settings import VopSettings
from .shelves import Pools, Shelves
from .token import VopAuthority
from .wire import Area, Said, Wire, area_of

_MOST_MESSAGES = 100
_ROUNDS = 3
_NAMED = (OutOfStock, NoSuchThing, NotDeliverable)


class VopSource:
    """One VOP contract. Close it when done. Safe to use from many threads."""

    Settings = VopSettings

    def __init__(self, code: str, settings: VopSettings, around: Surroundings) -> None:
        self.code = code
        self.settings = settings
        self._now = around.now
        kind = Classic if settings.protocol == "classic" else Router
        self.wire: Wire = kind(code, settings, around)
        self.wire.road.authorised_by(VopAuthority(settings, self.wire.road, around))
        self.areas = Areas(self.wire, around.now)
        self._shelves = Shelves(self.wire, settings)
        self._after_sale = AfterSale(self.wire, settings, self.areas)

    @property
    def price_batch(self) -> int:
        return self.settings.price_batch

    @property
    def stock_batch(self) -> int:
        return self.settings.stock_batch

    @property
    def read_batch(self) -> int:
        return self.settings.sku_batch

    def close(self) -> None:
        """Close the connections."""
        self.wire.road.close()

    def items(self, since: Cursor | None = None, *, after: Cursor | None = None) -> Listing:
        """Every SKU of the contract's pools. JD cannot tell what changed: messages do."""
        pools = Pools(self.wire, self.settings, self._shelves)
        as_of, names = self._now(), pools.names()
        return Listing(as_of, True, {"pools": names}, pools.pages(names, after))  # noqa: FBT003

    def read(self, external_ids: Sequence[str]) -> Page:
        """Single SKUs again, one page."""
        return self._shelves.page(list(dict.fromkeys(external_ids)))

    def prices(self, external_ids: Sequence[str]) -> Sequence[PriceFact]:
        """One call; more where JD refuses some ids by name."""
        return self._shelves.price_facts(external_ids)

    def stock(self, external_ids: Sequence[str], region: str = "") -> Sequence[StockFact]:
        """One call for one region."""
        area = self.areas.rough(region) if region else area_of(self.settings.default_area)
        return list(self._shelves.stock([(sku, 1) for sku in external_ids], area).values())

    def changes(self) -> Sequence[Message]:
        """The messages that wait; they come again until they are acknowledged."""
        types = self.settings.message_types or mapping.MESSAGE_TYPES
        found = rows(self.wire.messages(types).result)
        if mapping.area_changed(found):
            self.areas.forget()
        return [mapping.message(row) for row in found]

    def ack(self, messages: Sequence[Message]) -> None:
        """Delete messages whose facts were read again and kept."""
        for batch in batches([message.id for message in messages], _MOST_MESSAGES):
            self.wire.forget(batch)

    def quote(self, lines: Sequence[OrderLine], ship_to: ShipTo) -> SourceQuote:
        """What JD says now: price, sale check, area limits, stock and freight, side by side.

        It is `incomplete` for an address in which JD finds no district, or no town where it wants
        one.
        """
        try:
            area = self.areas.exact(ship_to.region, ship_to.address)
        except NotDeliverable as error:
            return quoting.undelivered(lines, error)
        skus = list(dict.fromkeys(line.external_id for line in lines))
        units = {sku: sum(x.quantity for x in lines if x.external_id == sku) for sku in skus}
        wanted = list(units.items())
        with ThreadPoolExecutor(5, thread_name_prefix="vop-quote") as pool:
            prices = pool.submit(self._shelves.prices, skus, urgent=True)
            checks = pool.submit(self._shelves.checks, skus)
            limits = pool.submit(self._shelves.restricted, skus, area)
            stock = pool.submit(self._shelves.stock, wanted, area, urgent=True)
            freight = pool.submit(self._shelves.freight, wanted, area)
            said = quoting.Heard(
                prices.result()[0], checks.result(), limits.result(), stock.result()
            )
        told = tuple(said.line(line) for line in lines)
        towns = tuple(self.areas.towns(area))
        incomplete = bool(towns) and area.town == NO_PLACE
        return SourceQuote(told, freight.result(), incomplete=incomplete, towns=towns)

    def place(self, order: PurchaseOrder) -> Placed:
        """Hold (or buy) it under our reference, at no more than we accept.

        The price is asked right before; JD is told the price we saw and refuses another one. Lines
        that JD refuses by name are left out and reported, as long as others remain.
        """
        if len(order.lines) > self.settings.max_lines:
            raise Refused("lines", f"a JD order takes {self.settings.max_lines} SKUs at most")
        if told := orders.too_long(order.ship_to):
            raise Refused("address", told)
        area = self.areas.delivered(order.ship_to.region, order.ship_to.address)
        prices = self._acceptable(order)
        refused: list[str] = []
        for _ in range(_ROUNDS):
            self._payable(order, area, prices)
            try:
                answer = self.wire.submit(self._fields(order, area, prices))
                break
            except _NAMED as error:
                named = mapping.blamed(error.message)
                left = tuple(line for line in order.lines if line.external_id not in named)
                if not left or len(left) == len(order.lines):
                    raise
                refused += [x.external_id for x in order.lines if x.external_id in named]
                order = replace(order, lines=left)
        else:
            raise Refused("lines", f"JD went on refusing lines: {', '.join(refused)}")
        return self._checked(order, answer, tuple(refused))

    def find(self, our_ref: str) -> Placed | None:
        """The order under our reference, unless there is none or JD has cancelled it."""
        answer = self.wire.find(our_ref)
        order_id = text(answer.result)
        if not order_id or answer.code == "3401":
            return None
        leaves = orders.leaves(self.wire.order(order_id).result)
        states = {orders.state(leaf) for leaf in leaves}
        if states == {"cancelled"}:
            return None
        refs = tuple(text(leaf.get("jdOrderId")) for leaf in leaves) or (order_id,)
        amount, freight = orders.amounts(leaves[0]) if len(leaves) == 1 else (None, None)
        return Placed(
            refs if len(refs) > 1 else (order_id,),
            awaits_supplier=False,
            held="held" in states,
            units=orders.units(leaves),
            amount=amount,
            freight=freight,
            raw=answer.raw,
        )

    def confirm(self, our_ref: str, most: Decimal | None = None) -> Placed:
        """Buy what is held, at the price that it was held for."""
        order_id = self._order_id(our_ref)
        answer = self.wire.confirm(order_id)
        return Placed((order_id,), awaits_supplier=False, raw=answer.raw)

    def cancel(self, our_ref: str, reason: str) -> None:
        """Give a hold back; JD refuses once it is confirmed. What is not there needs no cancel."""
        try:
            order_id = self._order_id(our_ref)
        except NoSuchThing:
            return
        self.wire.cancel(order_id, reason)

    def track(self, our_ref: str) -> Progress:
        """The whole tree as it is now, each leaf with its parcels."""
        order_id = self._order_id(our_ref)
        answer = self.wire.order(order_id)
        parts = tuple(self._part(leaf, order_id) for leaf in orders.leaves(answer.result))
        return Progress(our_ref, tuple(part.ref for part in parts), parts, answer.raw)

    def replaced(self, replacement: str) -> tuple[Part, ...]:
        """The leaves of an order that JD made in the place of claimed goods."""
        answer = self.wire.order(replacement)
        return tuple(self._part(leaf, replacement) for leaf in orders.leaves(answer.result))

    def options(self, ref: str, external_id: str) -> ReturnOptions:
        """What JD takes back of a SKU of a leaf."""
        return self._after_sale.options(ref, external_id)

    def find_claim(self, claim: SourceClaim, others: Collection[str] = ()) -> str | None:
        """The service that was applied for under our claim, if any; it bears our name."""
        return self._after_sale.find(claim)

    def claim(self, claim: SourceClaim) -> str:
        """Apply for after-sale service."""
        return self._after_sale.claim(claim)

    def claim_state(self, claim_ref: str) -> ClaimState:
        """How it stands."""
        return self._after_sale.state(claim_ref)

    def sent_back(self, claim_ref: str, carrier: str, tracking_number: str) -> None:
        """Tell JD by which parcel the goods come back."""
        self._after_sale.sent_back(claim_ref, carrier, tracking_number)

    def withdraw(self, claim_ref: str, reason: str) -> None:
        """Take a claim back."""
        self._after_sale.cancel(claim_ref, reason)

    def balance(self) -> Decimal:
        """What our account at JD holds, in CNY."""
        return statements.balance(self.wire)

    def bookings(self, first: date, last: date) -> Sequence[Booking]:
        """Every movement of that account, both days included."""
        return list(statements.bookings(self.wire, self.settings, first, last))

    def checklist(self, day: date, what: CheckList) -> Sequence[Checked]:
        """JD's own list of a past day's orders; today's is never complete."""
        return list(statements.checklist(self.wire, what, day, self._now()))

    def invoice(self, deed: str, given: dict[str, Any]) -> Any:
        """submit, select, items, waybill or cancel an invoice, in JD's own fields."""
        return self.wire.invoice(deed, given).result

    def _acceptable(self, order: PurchaseOrder) -> dict[str, Price]:
        skus = list(dict.fromkeys(line.external_id for line in order.lines))
        prices: dict[str, Price] = {}
        for batch in batches(skus, self.settings.price_batch):
            prices |= self._shelves.prices(batch, urgent=True)[0]
        for line in order.lines:
            price = prices.get(line.external_id)
            if price is None:
                raise NoSuchThing("no-price", f"[{line.external_id}] JD quotes no price for it")
            if orders.dearer(line, price.gross, self.settings):
                told = f"[{line.external_id}] JD asks {price.gross}, we accept {line.cost}"
                asked = {sku: one.gross for sku, one in prices.items()}
                raise PriceChanged("price", told, prices=asked)
        return prices

    def _payable(self, order: PurchaseOrder, area: Area, prices: dict[str, Price]) -> None:
        """What is paid with the submit is asked with its freight before; what is held, after."""
        if self.settings.submit == "hold" or order.freight is None:
            return
        units: Counter[str] = Counter()
        for line in order.lines:
            units[line.external_id] += line.quantity
        freight = self._shelves.freight(list(units.items()), area)
        if freight is None:
            told = "JD does not say what the transport costs, and is paid with the submit"
            raise TryLater("freight-untold", told)
        asked, most = orders.in_all(order, prices, freight, self.settings)
        if asked > most:
            told = f"JD asks {yuan(asked)} in all, {freight} of it freight; we accept {yuan(most)}"
            goods = {sku: one.gross for sku, one in prices.items()}
            raise PriceChanged("freight", told, prices=goods, freight=freight)

    def _fields(self, order: PurchaseOrder, area: Any, prices: dict[str, Price]) -> dict[str, Any]:
        classic = self.settings.protocol == "classic"
        make = orders.classic_order if classic else orders.router_order
        return make(order, area, prices, self.settings)

    def _checked(self, order: PurchaseOrder, answer: Said, refused: tuple[str, ...]) -> Placed:
        """What came of a submit; 0008 is the order that was there already, if it is the same."""
        placed = replace(orders.placed(answer, self.settings), refused=refused)
        if answer.code == "0008":
            if told := orders.differences(answer, order):
                raise Refused("0008", told)
            placed = replace(self._there(order.our_ref), refused=refused)
        if not placed.external_refs[0]:
            raise OutcomeUnknown("no-id", f"JD took {order.our_ref} and names no order")
        asked = orders.unit_prices(answer)
        for line in order.lines:
            if orders.dearer(line, asked.get(line.external_id), self.settings) and placed.held:
                self.wire.cancel(placed.external_refs[0], "price changed")
                told = f"[{line.external_id}] JD charges {asked[line.external_id]}"
                raise PriceChanged("price", f"{told}, we accept {line.cost}", prices=asked)
        return placed

    def _there(self, our_ref: str) -> Placed:
        """The order that JD says it holds already."""
        found = self.find(our_ref)
        if found is None:
            raise OutcomeUnknown("0008", f"JD holds {our_ref} and does not show it")
        return found

    def _order_id(self, our_ref: str) -> str:
        answer = self.wire.find(our_ref)
        if answer.code == "3401" or not text(answer.result):
            raise NoSuchThing("3401", f"JD holds no order under {our_ref}")
        return text(answer.result)

    def _part(self, leaf: dict[str, Any], root: str) -> Part:
        ref = text(leaf.get("jdOrderId")) or root
        state, parcels = orders.state(leaf), []
        try:
            if state != "held":
                parcels = orders.parcels(self.wire.track(ref).result, ref)
        except Refused:
            if state != "cancelled":  # of that JD need not know any way
                raise
        return orders.part(leaf | {"jdOrderId": ref}, parcels)
