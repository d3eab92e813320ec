"""What a wake-up does: thin ways into trade and sync. True: there is more, but the turn is up."""

from collections.abc import Callable
from datetime import datetime

from kit import clock
from kit.errors import Problem
from kit.log import get
from sync.guard import GuardLimits
from sync.importer import run_listing
from trade import rerouting
from trade import submit as submitting
from worker.turns import Turn
from worker.workshop import Workshop

HELD = "held"
"""The key by which lines that wait for a person are tried once more as well."""

_log = get(__name__)


def submit(shop: Workshop, source: str, turn: Turn) -> bool:
    """Submit the due purchases of one source."""

    def until(end: datetime) -> None:
        submitting.drain(shop.db, shop.desk, source, shop.seller, end)

    return _slice_by_slice(until, turn)


def reroute(shop: Workshop, key: str, turn: Turn) -> bool:
    """Find other offers for units that a source refused."""

    def until(end: datetime) -> None:
        rerouting.drain(shop.db, shop.desk, end, held=key == HELD)

    return _slice_by_slice(until, turn)


def pull(shop: Workshop, source: str, _turn: Turn) -> bool:
    """Read the listing of one source into the catalogue."""
    limit = shop.source_settings(source).vanish_limit
    try:
        report = run_listing(
            shop.db, source, shop.lister(source).items(), guard=GuardLimits(vanish=limit)
        )
    except Problem as problem:
        if problem.code != "run_alive":
            raise
        return False  # somebody reads it already
    _log.info(
        "source_read",
        source=source,
        run=report.run_id,
        seen=report.seen,
        changed=report.changed,
        rejected=report.rejected,
        held=report.held,
    )
    return False


def _slice_by_slice(drain: Callable[[datetime], None], turn: Turn) -> bool:
    """Whether the turn ended before the work: a drain that ends early has found nothing left."""
    for end in turn.slices():
        drain(end)
        if clock.now() < end:
            return False
    return True
