"""What a source can do about a purchase beside taking it, and what it pays for goods we recommend.

Every value carries `raw`, the reply that it was read from, where one reply told it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from .model import Cursor, OrderLine, Placed, ShipTo


@dataclass(frozen=True)
class QuotedLine:
    """What a source says now about one line, for one address.

    `code` says why it is not sellable (out_of_stock, not_deliverable, no_such_thing, no_price,
    limited), `message` the same in the source's words. `price` is tax-inclusive, CNY a unit.
    """

    external_id: str
    quantity: int
    sellable: bool
    price: Decimal | None = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class SourceQuote:
    """What a purchase would cost, and into how many parcels it would go.

    `freight` None: the source does not say; it is never to be taken as 0. `incomplete`: it is said
    of the district, and an order to the address as it is written would be refused. `towns`: it is
    said of addresses that name one of these.
    """

    lines: tuple[QuotedLine, ...]
    freight: Decimal | None
    parcels: int | None = None
    valid_until: datetime | None = None
    incomplete: bool = False
    towns: tuple[str, ...] = ()
    raw: bytes = field(default=b"", repr=False, compare=False)

    @property
    def sellable(self) -> bool:
        """Whether all of it can be bought."""
        return all(line.sellable for line in self.lines)


@runtime_checkable
class Quotes(Protocol):
    """A source that answers before it is asked to sell."""

    def quote(self, lines: Sequence[OrderLine], ship_to: ShipTo) -> SourceQuote: ...


@runtime_checkable
class Confirms(Protocol):
    """A source that first holds goods (`Placed.held`) and sells them when told so.

    `confirm` may be repeated; a purchase that is confirmed already stays so. It pays no more than
    `most`, in CNY, where what is held may still become dearer. Raises Refused when the hold is gone
    or cannot be paid, PriceChanged when it costs more; then nothing is bought, and what is held
    stays so until `Sells.cancel` gives it up.
    """

    def confirm(self, our_ref: str, most: Decimal | None = None) -> Placed: ...


@dataclass(frozen=True, repr=False)
class OutgoingSheet:
    """A sheet of purchases for a supplier, the same bytes whenever it is sent.

    `reference` is known to nobody else, `name` is the file's; both are the same at every attempt,
    so that what arrives twice is seen to be one.
    """

    reference: str
    name: str
    subject: str
    text: str
    content: bytes
    at: datetime


@runtime_checkable
class TakesSheets(Protocol):
    """A source that is sent its purchases as a sheet. Raises SupplierError; OutcomeUnknown: it may
    have arrived, and the same sheet may be sent again."""

    def deliver(self, sheet: OutgoingSheet) -> None: ...


@dataclass(frozen=True)
class TrackEvent:
    """One step of a parcel, as the carrier tells it."""

    at: datetime
    text: str


@dataclass(frozen=True)
class SourceParcel:
    """A parcel on its way. Numbers may change later; the newest word counts.

    `lines` are (external id, units) of what is in it; empty where the source does not say.
    """

    carrier: str
    tracking_number: str
    events: tuple[TrackEvent, ...] = ()
    lines: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class SourceRefund:
    """Money that a source gave back for one SKU of a platform order whose goods had left, whoever
    asked for it. `ref` is what `TakesBack.claim_state` takes, `amount` CNY without freight."""

    ref: str
    external_id: str
    amount: Decimal


@dataclass(frozen=True)
class Part:
    """One platform order of a purchase: a leaf of the tree after the last split.

    `lines` are (external id, units); empty where the platform left them out. `gifts` came along
    unasked. States: held, open, shipped, delivered, refused (by the recipient), completed,
    cancelled. `amount` is what this part costs with its freight, in CNY, where the source says so;
    `freight_back` is what of the freight of a cancelled part came back, or was never paid;
    `refunds` are those of goods that had left.
    """

    ref: str
    state: Literal["held", "open", "shipped", "delivered", "refused", "completed", "cancelled"]
    lines: tuple[tuple[str, int], ...]
    parcels: tuple[SourceParcel, ...] = ()
    amount: Decimal | None = None
    freight: Decimal | None = None
    gifts: tuple[tuple[str, int], ...] = ()
    freight_back: Decimal | None = None
    refunds: tuple[SourceRefund, ...] = ()


@dataclass(frozen=True)
class Progress:
    """All of a purchase as the source holds it now; it replaces whatever was known before.

    Parts that were there earlier and are not in here are gone: the platform split them again.
    """

    our_ref: str
    refs: tuple[str, ...]
    parts: tuple[Part, ...]
    raw: bytes = field(default=b"", repr=False, compare=False)


@runtime_checkable
class Ships(Protocol):
    """A source that tells what became of a purchase. Raises NoSuchThing when it holds none."""

    def track(self, our_ref: str) -> Progress: ...


ClaimKind = Literal["refund", "return", "exchange", "reissue", "repair"]


@dataclass(frozen=True)
class ReturnOptions:
    """What may still be asked for one SKU of a platform order, and how goods go back."""

    ref: str
    external_id: str
    kinds: tuple[ClaimKind, ...]
    quantity: int
    ways: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class SourceClaim:
    """What is asked of a source about one SKU of one platform order (a leaf, after splits).

    `our_claim` never changes for this claim. `collect_from` is where goods are picked up, and
    where an exchange is sent. `amount` is what is asked back in CNY, None: all that was paid.
    """

    our_claim: str
    ref: str
    external_id: str
    quantity: int
    kind: ClaimKind
    reason: str
    collect_from: ShipTo
    images: tuple[str, ...] = ()
    amount: Decimal | None = None


@dataclass(frozen=True)
class ClaimState:
    """How a claim stands at the source.

    States: open (being looked at), approved (goods may go back), returning, received, refunded,
    replaced, refused, cancelled. `refunded` in CNY. `replacement` is the platform's new order.
    `known_as` is what the platform's messages call the claim, where that is another name. `freight`
    is what of `refunded` is freight, where the source tells it apart.
    """

    ref: str
    state: Literal[
        "open", "approved", "returning", "received", "refunded", "replaced", "refused", "cancelled"
    ]
    message: str = ""
    refunded: Decimal | None = None
    return_to: str = field(default="", repr=False)
    replacement: str | None = None
    raw: bytes = field(default=b"", repr=False, compare=False)
    known_as: str | None = None
    freight: Decimal | None = None


@runtime_checkable
class TakesBack(Protocol):
    """A source at which claims can be made; `claim` answers what `claim_state` takes.

    `find_claim` answers the same for a claim that was made already, or None: after an unknown
    outcome it is asked before anything is claimed again. `others` are claims known to be not it.
    """

    def options(self, ref: str, external_id: str) -> ReturnOptions: ...

    def find_claim(self, claim: SourceClaim, others: Collection[str] = ()) -> str | None: ...

    def claim(self, claim: SourceClaim) -> str: ...

    def claim_state(self, claim_ref: str) -> ClaimState: ...

    def sent_back(self, claim_ref: str, carrier: str, tracking_number: str) -> None: ...


@runtime_checkable
class Replaces(Protocol):
    """A source that sends other goods for a claim under an order of its own: that order's parts, by
    `ClaimState.replacement`. Raises NoSuchThing when it holds none."""

    def replaced(self, replacement: str) -> tuple[Part, ...]: ...


@runtime_checkable
class Withdraws(Protocol):
    """A source that lets a claim go while it has not decided; else it raises Refused."""

    def withdraw(self, claim_ref: str, reason: str) -> None: ...


@dataclass(frozen=True)
class Link:
    """An attributed link of one leader to one product, and words to paste where there are any."""

    url: str
    short_url: str = ""
    password: str = ""
    valid_until: datetime | None = None


@dataclass(frozen=True)
class Commission:
    """One row of goods bought through a link; a later row with the same `id` replaces it.

    States: ordered, paid, finished (received), settled, invalid (cancelled, split, violating).
    `leader` is the sub-id that the link was made with. Money in CNY: `expected` is what the
    platform estimates, `actual` what it owes, None before it says.
    """

    id: str
    order_ref: str
    parent_ref: str | None
    external_id: str
    title: str
    quantity: int
    returned: int
    state: Literal["ordered", "paid", "finished", "settled", "invalid"]
    leader: str
    paid: Decimal
    rate: Decimal
    expected: Decimal
    actual: Decimal | None
    ordered_at: datetime
    changed_at: datetime
    reason: str = ""


@dataclass(frozen=True)
class Commissions:
    """Some rows, and where the next reading goes on; `more` says whether some wait already."""

    rows: tuple[Commission, ...]
    cursor: Cursor
    more: bool


@runtime_checkable
class Promotes(Protocol):
    """A platform that sells and ships by itself and pays for recommendations. Never routed."""

    def link(self, item: str, leader: str) -> Link: ...

    def commissions(self, since: Cursor | None = None) -> Commissions: ...


@dataclass(frozen=True)
class Booking:
    """One movement of our money at a source; negative amounts are debits, CNY."""

    id: str
    at: datetime
    amount: Decimal
    kind: str
    order_ref: str | None = None
    locked: bool = False
    note: str = ""


@dataclass(frozen=True)
class Checked:
    """One platform order on a day's check list of the source."""

    ref: str
    amount: Decimal
    at: datetime | None
    state: str = ""


CheckList = Literal["new", "delivered", "refused", "completed"]


@runtime_checkable
class Reconciles(Protocol):
    """A source that keeps a prepaid account for us, and lists of a past day's orders."""

    def balance(self) -> Decimal: ...

    def bookings(self, first: date, last: date) -> Sequence[Booking]: ...

    def checklist(self, day: date, what: CheckList) -> Sequence[Checked]: ...
