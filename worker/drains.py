"""What a wake-up does: thin ways into trade and sync. True: there is more, but the turn is up."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast, get_args

from connectors.errors import SupplierError
from kit import clock
from kit.errors import Problem
from kit.log import get
from sync import gallery
from sync import pull as pulling
from sync.lease import Fenced
from sync.pull import Stream
from sync.runs import RunReport
from sync.wake import BETWEEN
from trade import cutoff_sheets, following, rerouting
from trade import submit as submitting
from trade.after_sales import taking_back
from trade.desk import readership
from trade.order_sheets import placing
from trade.orders import OrderRequest
from trade.planning import Draft
from trade.refusal import HELD
from trade.settling import commissions
from worker.turns import Turn
from worker.workshop import Workshop

_log = get(__name__)


def submit(shop: Workshop, source: str, turn: Turn) -> bool:
    """Submit the due purchases of one source."""

    def until(end: datetime) -> None:
        submitting.drain(shop.db, shop.desk, source, shop.seller, end)

    return _slice_by_slice(until, turn)


def reroute(shop: Workshop, key: str, turn: Turn) -> bool:
    """Find other offers for units that a source refused."""

    def until(end: datetime) -> None:
        platforms = shop.platforms
        rerouting.drain(shop.db, shop.desk, end, held=key == HELD, platforms=platforms)

    return _slice_by_slice(until, turn)


def follow(shop: Workshop, source: str, turn: Turn) -> bool:
    """Ask a platform what became of our purchases there."""

    def until(end: datetime) -> None:
        following.drain(shop.db, source, shop.seller, end)

    return _slice_by_slice(until, turn)


def read_commissions(shop: Workshop, source: str, turn: Turn) -> bool:
    """What a platform pays for goods bought through leaders' links."""

    def until(end: datetime) -> None:
        commissions.drain(shop.db, shop.desk, source, shop.source, end)

    return _slice_by_slice(until, turn)


def order_sheet(shop: Workshop, key: str, turn: Turn) -> bool:
    """Read a leader's sheet, or place what is confirmed of it; `key` is its number."""

    def ask(party_id: int, request: OrderRequest) -> Draft | None:
        return shop.hearing(party_id).heard(request)

    def until(end: datetime) -> None:
        placing.drain(shop.db, shop.desk, int(key), end, ask)

    return _slice_by_slice(until, turn)


def send_sheets(shop: Workshop, source: str, turn: Turn) -> bool:
    """Send a supplier the sheets that were made for it."""

    def until(end: datetime) -> None:
        cutoff_sheets.drain(shop.db, shop.desk, source, shop.source, end)

    return _slice_by_slice(until, turn)


def take_back(shop: Workshop, source: str, turn: Turn) -> bool:
    """Make claims at a platform, and ask how those that were made stand."""

    def until(end: datetime) -> None:
        taking_back.drain(shop.db, shop.desk, source, shop.seller, end)

    return _slice_by_slice(until, turn)


def tell(shop: Workshop, _key: str, turn: Turn) -> bool:
    """Send endpoints their messages, beside whoever else is at it."""
    readers = readership(shop.settings, shop.book)
    return shop.lanes.tell(shop.desk, readers, turn.slices())


def pictures(shop: Workshop, _key: str, turn: Turn) -> bool:
    """Fetch the pictures that somebody wants to see, and draw them anew."""
    rules = gallery.rules(shop.settings.media)

    def until(end: datetime) -> None:
        gallery.drain(shop.db, rules, end)

    return _slice_by_slice(until, turn)


def pull(shop: Workshop, key: str, turn: Turn) -> bool:
    """Read one stream of one source into the catalogue; `key` is `code/stream`."""
    code, _, stream = key.partition(BETWEEN)
    if stream not in get_args(Stream):
        raise ValueError(f"{key!r} names no stream of a source")

    def go_on(_run: int) -> None:
        if shop.stopping.is_set():
            raise Ending

    try:
        report = pulling.run(
            shop.db, shop.source(code), cast(Stream, stream), until=turn.end(), told=go_on
        )
    except Ending:
        return True  # whoever takes it up goes on behind the last commit
    except (Problem, SupplierError) as error:
        _log.warning("A source was not read", source=code, stream=stream, why=str(error))
        return False  # its state says when it is due again
    except Fenced as error:
        _log.warning("A source is read by another worker", source=code, why=str(error))
        return False
    if report is not None:
        _log.info("source_read", source=code, stream=stream, **_told(report))
    return False


def _told(report: RunReport) -> dict[str, Any]:
    """What a person looks for in the log of a reading."""
    names = ("run_id", "seen", "changed", "rejected", "held")
    return {name: getattr(report, name) for name in names}


class Ending(Exception):
    """The process was told to end; the reading is left at its last commit."""


def _slice_by_slice(drain: Callable[[datetime], None], turn: Turn) -> bool:
    """Whether the turn ended before the work: a drain that ends early has found nothing left."""
    for end in turn.slices():
        drain(end)
        if clock.now() < end:
            return False
    return True
