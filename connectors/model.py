"""The words that every source is translated into, before anything of ours looks at it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from connectors.settings import SourceSettings

if TYPE_CHECKING:
    import polars as pl

Cursor = dict[str, Any]
"""How far a reading has come, in the source's own words: a JSON object, kept as it is given."""

BULK_TERMS = ("counts", "mixed_quantity", "mixed_amount", "many_addresses")
"""Keys of `bulk_terms`: whose pieces tiers and MOQ count together in one purchase ("sku", the
default, or "listing"), the mixed batch's minimum in pieces or in CNY (decimal text), and whether
one purchase may go to many addresses (bool)."""


@dataclass(frozen=True)
class Reject:
    """A row that could not be read, and why, in words that its author understands.

    `cells` are the row's own, by the words above its columns, as a JSON object of text; empty where
    they are not known, or told with another fault of the same row.
    """

    file: str
    line: int
    column: str
    value: str
    reason: str
    cells: str = ""


@dataclass(frozen=True)
class Page:
    """Some rows of a source's listing, in the shape of `LISTING`, and the rows that failed.

    `cursor` is where a reading that broke off after this page goes on; None: this source can only
    start again. `gone` are external ids of which the source itself says that it sells them no
    more; ids that are merely absent do not belong here. `unread` are external ids or listings that
    are there, but failed: they are not absent, and stay as they were.
    """

    rows: "pl.DataFrame"
    rejects: list[Reject] = field(default_factory=list)
    cursor: Cursor | None = None
    gone: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """One reading of a source.

    `as_of` is when its figures were true (a file's modification time, a reply's date), aware UTC.
    `complete`: what is absent here is no longer offered. `notes` are the guesses made (encoding,
    header row, columns), shown to people. `pages` is read once; a source that breaks off raises
    SupplierError from it, and then nothing is concluded from absence. `watermark` is taken before
    the first page is asked for: what `items(since=…)` of the next reading gets, the source's own
    overlap included; None: it cannot tell what changed since, and is always read in full.
    `pages_expected`, where the source says so, is for people who wait.
    """

    as_of: datetime
    complete: bool
    notes: dict[str, Any]
    pages: Iterator[Page]
    watermark: Cursor | None = None
    pages_expected: int | None = None


@dataclass(frozen=True)
class Watched:
    """One thing that a source without a full listing is asked to follow.

    `value` is an external id, an address, or a query in the source's own form (its words, or JSON
    text); `pages` is how many pages of a query are read at most.
    """

    kind: Literal["id", "link", "query"]
    value: str
    pages: int = 5


@dataclass(frozen=True)
class PriceFact:
    """What one SKU costs now, tax-inclusive, in CNY a selling unit.

    A mode that is None is not offered; all three None: no price is quoted, it cannot be bought.
    `tiers` are [quantity, price] with quantities rising, of bulk only.
    """

    external_id: str
    dropship: Decimal | None = None
    bulk: Decimal | None = None
    tiers: tuple[tuple[int, Decimal], ...] = ()
    affiliate: Decimal | None = None
    commission_rate: Decimal | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True)
class StockFact:
    """What a source has of one SKU in one region ("" is everywhere).

    `quantity` None: no number is stated; −1, "有货" and the like are never quantities.
    """

    external_id: str
    state: Literal["in_stock", "low", "out", "unknown"]
    quantity: int | None = None


@dataclass(frozen=True)
class Message:
    """A hint that something happened; the fact is read again, never taken from here.

    `id` is what `ack` takes. `external_ids` are the SKUs (or the listings, where the source's
    messages name only those) to be read again. `topic`: item (anything of it, its coming and going
    included), price, stock; order, parcel, claim (`refs` name what the platform calls them);
    other: nothing that we act upon. `replacement` is a new order, which takes the place of goods
    under the claim that `refs` name.
    """

    id: str
    topic: Literal["item", "price", "stock", "order", "parcel", "claim", "other"]
    external_ids: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    at: datetime | None = None
    replacement: str | None = None


@dataclass(frozen=True)
class ShipTo:
    """A recipient in clear, only on its way to a source. Never stored or logged."""

    name: str
    mobile: str
    region: str
    address: str

    def __repr__(self) -> str:
        return f"ShipTo(region={self.region!r})"


@dataclass(frozen=True)
class OrderLine:
    """One line of a purchase: `cost` is the highest unit price in CNY that we accept."""

    external_id: str
    quantity: int
    cost: Decimal


@dataclass(frozen=True)
class PurchaseOrder:
    """What a source is asked to sell under `our_ref`, which never changes for this purchase.

    `freight` is what the transport may cost in CNY, beside what the goods cost less than their
    lines allow; None: whatever it costs.
    """

    our_ref: str
    lines: tuple[OrderLine, ...]
    ship_to: ShipTo
    note: str = ""
    freight: Decimal | None = None


@dataclass(frozen=True)
class Placed:
    """A source holds our purchase under `external_refs`.

    `awaits_supplier`: the supplier has yet to accept it by hand. `refused` are external ids of
    lines it declined while taking the others. `held`: the goods are only set aside, and go back
    unless `Confirms.confirm` follows. `units` are the pieces by external id that `find` saw there;
    empty: it does not say. `amount` is what the source asks in all, `freight` the part
    of it for the transport, in CNY, where it says so. `raw` is the reply that this was read from.
    """

    external_refs: tuple[str, ...]
    awaits_supplier: bool
    refused: tuple[str, ...] = ()
    held: bool = False
    units: dict[str, int] = field(default_factory=dict)
    amount: Decimal | None = None
    freight: Decimal | None = None
    raw: bytes = field(default=b"", repr=False, compare=False)


class Source(Protocol):
    """What every source has. What it can do, `isinstance` with the protocols below tells."""

    @property
    def code(self) -> str: ...

    @property
    def settings(self) -> SourceSettings: ...


@runtime_checkable
class Lists(Protocol):
    """A source whose goods can be read as listings.

    `since` is the watermark of an earlier reading: only what changed since, with an overlap of the
    source's own, and then the listing is not complete; None: all of it. `after` is the cursor of
    the last page that was kept: the same reading goes on behind it.
    """

    def items(self, since: Cursor | None = None, *, after: Cursor | None = None) -> Listing: ...


@runtime_checkable
class Follows(Protocol):
    """A source without a full listing: it reads what it is asked to follow.

    The listing is never complete: absence means nothing here. `after` as in `Lists`. `id_of` is
    the id that an id, or a link to a page of its own, names; None: it names nothing there.
    """

    def follow(self, watched: Sequence[Watched], *, after: Cursor | None = None) -> Listing: ...

    def id_of(self, watched: Watched) -> str | None: ...


@runtime_checkable
class Names(Protocol):
    """A source whose settings name some of what it follows, beside the watch list."""

    @property
    def named(self) -> Sequence[Watched]: ...


@runtime_checkable
class Reads(Protocol):
    """A source that reads single items again, `read_batch` external ids at a time at most.

    One call, one page. Ids of messages that name listings are answered with every SKU of them.
    """

    @property
    def read_batch(self) -> int: ...

    def read(self, external_ids: Sequence[str]) -> Page: ...


@runtime_checkable
class Prices(Protocol):
    """A source that answers for the prices of up to `price_batch` SKUs in one call.

    Of a SKU that is absent from the answer nothing is concluded. Safe to call from threads.
    """

    @property
    def price_batch(self) -> int: ...

    def prices(self, external_ids: Sequence[str]) -> Sequence[PriceFact]: ...


@runtime_checkable
class Stocks(Protocol):
    """A source that answers for the stock of up to `stock_batch` SKUs in one call.

    `region` is a GB/T 2260 code, or "" where the source knows no regions. Of a SKU that is absent
    from the answer nothing is concluded. Safe to call from threads.
    """

    @property
    def stock_batch(self) -> int: ...

    def stock(self, external_ids: Sequence[str], region: str = "") -> Sequence[StockFact]: ...


@runtime_checkable
class Notifies(Protocol):
    """A source that keeps messages for us until they are acknowledged.

    `changes` is one call: the next messages, in whatever order and however often they come; empty:
    nothing waits. `ack` is called after what they hint at was read again and committed.
    """

    def changes(self) -> Sequence[Message]: ...

    def ack(self, messages: Sequence[Message]) -> None: ...


@runtime_checkable
class Hears(Protocol):
    """A source that pushes messages to us over HTTP.

    `heard` verifies and reads one push: raises Refused when its signature is wrong.
    """

    def heard(self, headers: Mapping[str, str], body: bytes) -> Sequence[Message]: ...


@runtime_checkable
class Authorises(Protocol):
    """A source whose account holder lets us in on the platform's own page.

    `authorise_page` is its address; `authorise` takes the code that comes back from there, which
    serves once, and keeps the token. Raises SupplierError.
    """

    def authorise_page(self, redirect_uri: str, state: str) -> str: ...

    def authorise(self, code: str, redirect_uri: str) -> None: ...


@runtime_checkable
class Sells(Protocol):
    """A source that takes purchases. `find` answers whether it already holds `our_ref`.

    `place` raises PriceChanged rather than buy above a line's `cost`. A source that is paid as soon
    as it is placed, so that nothing can be compared before, also does where goods and freight cost
    more in all than the order allows; of what is only `held`, that is compared before it is
    confirmed. `cancel` raises Refused where the source keeps it, and TryLater while a person there
    has yet to answer. What else a source can do about purchases stands in `connectors.trading`.
    """

    def place(self, order: PurchaseOrder) -> Placed: ...

    def find(self, our_ref: str) -> Placed | None: ...

    def cancel(self, our_ref: str, reason: str) -> None: ...


def page(
    rows: Iterable[dict[str, Any]], *, cursor: Cursor | None = None, gone: tuple[str, ...] = ()
) -> Page:
    """A page from rows with any of the columns of `LISTING`; missing ones are null."""
    import polars as pl  # imported here: who only opens a source has no use for it

    from connectors.columns import LISTING

    frame = pl.DataFrame(list(rows), schema=LISTING, orient="row", strict=False)
    return Page(frame, cursor=cursor, gone=gone)
