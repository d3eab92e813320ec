"""A supplier of files: its price list is read from wherever it lies, and it sells at our door."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from connectors import mail
from connectors.columns import LISTING
from connectors.errors import Refused, Unreadable
from connectors.fetch import Rules
from connectors.model import Cursor, Listing, Page, Placed, PurchaseOrder, Reject
from connectors.surroundings import Surroundings
from connectors.trading import OutgoingSheet
from kit.clock import SHANGHAI

from . import far, locate, readers
from .header import NoHeader
from .locate import Found
from .normalise import Defaults, Normaliser
from .settings import FeedSettings
from .sheet import Sheet, open_sheet
from .spool import Spool
from .table import Options


class FeedSource:
    """One file supplier. Lists and Sells."""

    Settings = FeedSettings

    def __init__(
        self, code: str, settings: FeedSettings, around: Surroundings | None = None
    ) -> None:
        self.code = code
        self.settings = settings
        self._mail = (around or Surroundings()).mail

    def items(self, since: Cursor | None = None, *, after: Cursor | None = None) -> Listing:
        """The whole price list; a file is always read in full, from its beginning.

        Raises Unreadable here when there is no file or its first header cannot be found, and from
        the pages when a later part cannot be read; TryLater when the far end does not answer.
        """
        if not self.settings.location:
            raise Unreadable(
                "no-location",
                f"source {self.code} has no location to read from: set one under"
                f" [sources.{self.code}], or bring a file with"
                f" `huopan import FILE --source {self.code}`",
            )
        given = self.settings
        folder = tempfile.mkdtemp(prefix="huopan-feed-")
        try:
            files = locate.files(given.location, Path(folder), _rules(given), _login(given))
            as_of = min(file.as_of for file in files)
            notes: dict[str, Any] = {"files": []}
            sheets = self._sheets(files, notes["files"])
            first = next(sheets, None)
            if first is None:
                names = ", ".join(file.name for file in files)
                raise Unreadable("empty", f"{names}: there are no goods in it")
        except BaseException:
            shutil.rmtree(folder)
            raise
        today = as_of.astimezone(SHANGHAI).date()
        normalise = Normaliser(_defaults(given), today)
        notes["left_out"] = normalise.left_out
        pages = self._pages(first, sheets, normalise)
        weakref.finalize(pages, shutil.rmtree, folder)
        complete = given.complete and "corrections" not in first.notes
        return Listing(as_of, complete, notes, pages)

    def place(self, order: PurchaseOrder) -> Placed:
        """The purchase waits at the supplier's own door, under our reference."""
        return Placed((order.our_ref,), awaits_supplier=self.settings.accept == "manual")

    def find(self, our_ref: str) -> Placed | None:
        """None: a file supplier holds nothing that is not in our own purchases."""
        return None

    def cancel(self, our_ref: str, reason: str) -> None:
        """Nothing to tell: the supplier sees the purchase's state at its own door."""

    def deliver(self, sheet: OutgoingSheet) -> None:
        """Send a sheet of purchases to where `send_to` says. Raises SupplierError."""
        given = self.settings
        if given.send_to.startswith("mailto:"):
            mail.send(self._mail, given.send_to, sheet)
        elif given.send_to:
            try:
                url = urlsplit(given.send_to)
                url.port  # noqa: B018 - raises for a malformed one
            except ValueError as error:
                raise Refused("bad-address", "send_to is no address of a server") from error
            far.put(url, sheet.name, sheet.content, _rules(given), _login(given))
        else:
            raise Refused("no-address", f"source {self.code} has no send_to")

    def _sheets(self, files: list[Found], notes: list[dict[str, Any]]) -> Iterator[Sheet]:
        given = self.settings
        options = Options(given.encoding, given.delimiter, given.sheet, given.max_bytes)
        for file in files:
            read = readers.of(file.path, given.format)
            aside: list[NoHeader] = []
            found = False
            for table in read(file.path, file.name, options):
                try:
                    sheet = open_sheet(table, given.columns, given.header_row)
                except NoHeader as error:
                    if error.looks_like_goods:
                        raise
                    aside.append(error)
                    notes.append({"name": table.name, "left_out": error.message})
                    continue
                if sheet is not None:
                    found = True
                    notes.append(sheet.notes)
                    yield sheet
            if aside and not found:
                raise aside[0]

    def _pages(self, first: Sheet, rest: Iterator[Sheet], normalise: Normaliser) -> Iterator[Page]:
        with Spool(self.settings.max_rows) as spool:
            for sheet in chain([first], rest):
                for batch in sheet.batches:
                    spool.add(_page(normalise, sheet, batch), sheet.columns.labels["sku"])
                spool.add(Page(pl.DataFrame(schema=LISTING), _drained(sheet.rejects)), "")
            if spool.empty:
                raise Unreadable("no-goods", f"{first.name} has a header but no goods below it")
            yield from spool.pages()
            if not spool.rows:
                raise Unreadable(
                    "no-good-rows",
                    f"{first.name}: not one row could be read, so nothing is concluded. "
                    f"{_told(spool.first)}The columns were taken as {first.columns.shown()}",
                )


def _page(normalise: Normaliser, sheet: Sheet, batch: pl.DataFrame) -> Page:
    page = normalise(batch, sheet.columns.labels)
    return replace(page, rejects=_drained(sheet.rejects) + page.rejects)


def _told(reject: Reject | None) -> str:
    if reject is None:
        return ""
    return f"Line {reject.line}, {reject.column or 'the whole row'}: {reject.reason}. "


def _drained(rejects: list[Reject]) -> list[Reject]:
    """What has gathered so far; the list is empty afterwards."""
    taken = list(rejects)
    rejects.clear()
    return taken


def _defaults(given: FeedSettings) -> Defaults:
    return Defaults(
        given.freight, given.tax_included, given.tax_rate, given.invoice, given.weight_unit
    )


def _rules(given: FeedSettings) -> Rules:
    return Rules(
        given.max_bytes,
        allow_http=given.allow_http,
        allow_private_hosts=given.allow_private_hosts,
    )


def _login(given: FeedSettings) -> far.Login:
    password = given.password.get_secret_value() if given.password else ""
    return far.Login(given.username or "anonymous", password, given.host_key, given.known_hosts)
