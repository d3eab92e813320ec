"""Every job there is: topic of the outbox → what is done, in which queue, for how long at most."""

from collections.abc import Callable
from dataclasses import dataclass

from sync.gallery import MEDIA
from sync.wake import PULL
from trade.after_sales.platform_claims import TAKE_BACK
from trade.buying import SUBMIT
from trade.cutoff_sheets import SHEETS
from trade.events import HOOK
from trade.following import NEWS
from trade.order_sheets.placing import IMPORT
from trade.refusal import REROUTE
from trade.settling.commissions import COMMISSIONS
from worker import drains
from worker.queues import HOOKS, ORDERS, PICTURES, SYNC
from worker.turns import Turn
from worker.workshop import Workshop

PERFORM = "worker.perform.perform"
"""The one function that the queues name; its arguments are a topic and a key."""


@dataclass(frozen=True)
class Job:
    """`work` takes the workshop, the key and its turn; `timeout` in seconds ends it by force.
    `alike`: all jobs of its queue do the same, and one is no reason to end another."""

    work: Callable[[Workshop, str, Turn], bool]
    queue: str
    timeout: int
    alike: bool = False


JOBS: dict[str, Job] = {
    SUBMIT: Job(drains.submit, ORDERS, 180),
    REROUTE: Job(drains.reroute, ORDERS, 180),
    NEWS: Job(drains.follow, ORDERS, 180),
    SHEETS: Job(drains.send_sheets, ORDERS, 180),
    IMPORT: Job(drains.order_sheet, ORDERS, 180),
    TAKE_BACK: Job(drains.take_back, ORDERS, 180),
    HOOK: Job(drains.tell, HOOKS, 180, alike=True),
    MEDIA: Job(drains.pictures, PICTURES, 180),
    COMMISSIONS: Job(drains.read_commissions, SYNC, 180),
    PULL: Job(drains.pull, SYNC, 3600),
}
