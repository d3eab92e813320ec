"""A supplier's web shop as a source: crawled in a child process into a feed, then read as one.

A crawl that found fewer rows than usual, or none, has failed: nothing is concluded from it. The
exit code of a crawl says nothing (it is 0 when not a single page came), so rows are counted.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from connectors.errors import Refused, TryLater, Unreadable
from connectors.feed.settings import FeedSettings
from connectors.feed.source import FeedSource
from connectors.model import Cursor, Listing, Page, Placed, PurchaseOrder
from connectors.surroundings import Surroundings
from kit import log

from .settings import SiteSettings
from .usual import Usual

GRACE = 60.0
"""Seconds beyond the crawl's own limit before it is stopped."""
ROWS, REPORT = "rows.jsonl", "report.json"
_ROOT = Path(__file__).parents[2]
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")

_REFUSED = {
    "private": (
        "private-host",
        "the site leads to a machine that is not on the public internet; if this is meant, set "
        "allow_private_hosts = true for this source",
    ),
    "scheme": ("scheme", "the site leads to an address that is not https (allow_http)"),
    "offsite": ("offsite", "the site leads to another one (allowed_domains)"),
}

logger = log.get(__name__)


class SiteSource:
    """One supplier's site. Lists and Sells, at our own door as a file supplier does."""

    Settings = SiteSettings

    def __init__(self, code: str, settings: SiteSettings, around: Surroundings) -> None:
        self.code = code
        self.settings = settings
        self._around = around
        self._usual = Usual(code, around.tokens.database)

    def items(self, since: Cursor | None = None, *, after: Cursor | None = None) -> Listing:
        """Everything that the site shows; a site is always read in full, from its beginning.

        Raises TryLater when the site is away, Refused when its robots.txt or our wall forbids it,
        Unreadable when it shows no goods or fewer than usual.
        """
        began = self._around.now()
        folder = Path(tempfile.mkdtemp(prefix="huopan-site-"))
        try:
            report = self._crawled(folder)
            self._judge(report)
            listing = self._feed(folder / ROWS).items()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        whole = report["reason"] == "finished" and not report["lost"] and not report["errors"]
        notes = {**listing.notes, "crawl": report}
        pages = self._pages(listing, report["rows"] if whole else None)
        weakref.finalize(pages, shutil.rmtree, folder, ignore_errors=True)
        complete = whole and self.settings.complete
        return replace(listing, as_of=began, complete=complete, notes=notes, pages=pages)

    def place(self, order: PurchaseOrder) -> Placed:
        """The purchase waits at the supplier's own door, under our reference."""
        return Placed((order.our_ref,), awaits_supplier=self.settings.accept == "manual")

    def find(self, our_ref: str) -> Placed | None:
        """None: the supplier holds nothing that is not in our own purchases."""
        return None

    def cancel(self, our_ref: str, reason: str) -> None:
        """Nothing to tell: the supplier sees the purchase's state at its own door."""

    def _crawled(self, folder: Path) -> dict[str, Any]:
        """The report of a crawl whose rows now lie in `folder`. Raises TryLater, Unreadable."""
        given = {**self.settings.model_dump(mode="json"), "folder": str(folder)}
        given["cache_dir"] = self._cache_dir() if self.settings.cache else ""
        environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join([str(_ROOT), str(Path.cwd())])
        with (folder / "log").open("wb") as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", "connectors.site.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )
            try:
                child.communicate(json.dumps(given).encode(), self.settings.max_seconds + GRACE)
            except subprocess.TimeoutExpired as error:
                raise TryLater("crawl-stuck", f"{self.code}: the crawl did not end") from error
            finally:
                _end(child)
        report = folder / REPORT
        if child.returncode or not report.exists():
            told = (folder / "log").read_text(errors="replace").strip()[-500:]
            raise Unreadable("crawl", f"{self.code}: the crawl broke down: {told}")
        found: dict[str, Any] = json.loads(report.read_text())
        return found

    def _judge(self, report: dict[str, Any]) -> None:
        """Raise what a crawl without enough rows means."""
        rows, code = report["rows"], self.code
        if rows == 0 and report["pages"] <= 0:
            if why := next(iter(report["held_back"]), None):
                raise Refused(_REFUSED[why][0], f"{code}: {_REFUSED[why][1]}")
            if report["forbidden"]:
                raise Refused("robots", f"{code}: robots.txt forbids the pages to read")
            raise TryLater("site-away", f"{code}: not one page was read {report['statuses']}")
        usual = self._usual.rows()
        least = max(self.settings.least_rows, int((usual or 0) * self.settings.least_share))
        if rows < least:
            beside = f", usually {usual}" if usual else ""
            kind = TryLater if report["lost"] else Unreadable
            raise kind(
                "too-few-rows",
                f"{code}: the crawl found {rows} rows on {report['pages']} pages{beside}; nothing "
                "is concluded. If the site has changed, look at its pages; if it really offers "
                "less, lower least_share or least_rows for one reading",
            )

    def _feed(self, rows: Path) -> FeedSource:
        given = self.settings
        feed = FeedSettings(
            kind="feed",
            location=str(rows),
            format="jsonl",
            encoding="utf-8",
            freight=given.freight,
            tax_included=given.tax_included,
            tax_rate=given.tax_rate,
            invoice=given.invoice,
            weight_unit=given.weight_unit,
        )
        return FeedSource(self.code, feed)

    def _pages(self, listing: Listing, rows: int | None) -> Iterator[Page]:
        yield from listing.pages
        if rows is not None:
            self._usual.remember(rows, self._around.now())

    def _cache_dir(self) -> str:
        """A folder that nobody else can write to: what lies in it is believed."""
        given = self.settings.cache_dir
        path = Path(given) if given else Path(tempfile.gettempdir()) / f"huopan-site-{os.getuid()}"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = path.stat()
        if state.st_uid != os.getuid() or state.st_mode & 0o022:
            logger.warning("cache_not_private", source=self.code, folder=str(path))
            return ""
        return str(path / self.code)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """No crawl outlives its reading."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
