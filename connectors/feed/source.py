"""A supplier of files: its price list is read from wherever it lies, and it sells at our door."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from connectors.errors import Unreadable
from connectors.model import Listing, Page, Placed, PurchaseOrder

from . import locate, readers
from .locate import Found
from .normalise import Defaults, Normaliser
from .settings import FeedSettings
from .sheet import Sheet, open_sheet
from .spool import Spool
from .table import Options
from .values import SHANGHAI


class FeedSource:
    """One file supplier. Lists and Sells."""

    def __init__(self, code: str, settings: FeedSettings) -> None:
        self.code = code
        self.settings = settings

    def items(self, since: str | None = None) -> Listing:
        """The whole price list; `since` changes nothing, a file is always read in full.

        Raises Unreadable here when there is no file or its first header cannot be found, and from
        the pages when a later part cannot be read; TryLater when the far end does not answer.
        """
        if not self.settings.location:
            raise Unreadable("no-location", f"source {self.code} has no location to read from")
        files = locate.local(self.settings.location, self.settings.max_bytes)
        as_of = min(file.as_of for file in files)
        notes: dict[str, Any] = {"files": []}
        sheets = self._sheets(files, notes["files"])
        first = next(sheets, None)
        if first is None:
            raise Unreadable(
                "empty", f"{', '.join(f.name for f in files)}: there are no goods in it"
            )
        return Listing(
            as_of,
            self.settings.complete,
            notes,
            self._pages(first, sheets, as_of.astimezone(SHANGHAI).date()),
        )

    def place(self, order: PurchaseOrder) -> Placed:
        """The purchase waits at the supplier's own door, under our reference."""
        return Placed((order.our_ref,), awaits_supplier=self.settings.accept == "manual")

    def find(self, our_ref: str) -> Placed | None:
        """None: a file supplier holds nothing that is not in our own purchases."""
        return None

    def cancel(self, our_ref: str, reason: str) -> None:
        """Nothing to tell: the supplier sees the purchase's state at its own door."""

    def _sheets(self, files: list[Found], notes: list[dict[str, Any]]) -> Iterator[Sheet]:
        given = self.settings
        options = Options(given.encoding, given.delimiter, given.sheet, given.max_bytes)
        for file in files:
            read = readers.of(file.path, given.format)
            for table in read(file.path, file.name, options):
                sheet = open_sheet(table, given.columns, given.header_row)
                if sheet is not None:
                    notes.append(sheet.notes)
                    yield sheet

    def _pages(self, first: Sheet, rest: Iterator[Sheet], today: date) -> Iterator[Page]:
        given = self.settings
        normalise = Normaliser(
            Defaults(
                given.freight, given.tax_included, given.tax_rate, given.invoice, given.weight_unit
            ),
            today,
        )
        with Spool(given.max_rows) as spool:
            seen = 0
            for sheet in (first, *rest):
                for batch in sheet.batches:
                    seen += len(batch)
                    if len(batch):
                        rows, rejects = normalise(batch, sheet.columns.labels)
                        spool.add(Page(rows, rejects), sheet.columns.labels["sku"])
            if not seen:
                raise Unreadable("no-goods", f"{first.name} has a header but no goods below it")
            yield from spool.pages()
