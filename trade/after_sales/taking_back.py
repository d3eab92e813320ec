"""Claims at platforms: intent (one transaction) → talk (none open) → write down (one).

Each part of a claim is a row before anything is said. First the leaf of the platform's tree is
looked up that holds the units; then it is claimed there, once: what was left in doubt by an unknown
outcome or a dead worker is looked for before it is claimed again. From then on it is asked how it
stands, until it ends. What is due is found from the database alone; a message only makes it due.
"""

from collections.abc import Callable
from datetime import datetime

from connectors.errors import NoSuchThing, NotAuthorised, Refused, SupplierError, TryLater
from connectors.model import Sells
from connectors.trading import ClaimState, Replaces, Ships, SourceClaim, TakesBack, Withdraws
from kit import clock, log
from kit.db import Database
from kit.drains import drained
from trade.after_sales import platform_answers
from trade.after_sales.platform_claims import Heard, Job, take
from trade.desk import Desk

THREADS = 4
NOT_YET = 3600.0
"""Seconds until a platform is asked again that takes nothing back of goods now: it takes them when
they have arrived."""

logger = log.get(__name__)


def drain(
    db: Database, desk: Desk, source: str, open_source: Callable[[str], Sells], until: datetime
) -> int:
    """Work what is due at `source`, until nothing is or it is `until`; returns how many.

    May run any number of times at once, and be killed at any moment.
    """
    platform = open_source(source)
    if not isinstance(platform, TakesBack):
        return 0

    def due() -> list[Job]:
        with db.as_system() as session:
            return take(session, desk, source, clock.now())

    return drained(
        due,
        lambda job: _work(db, desk, platform, job),
        until,
        threads=THREADS,
        name="take-back",
        ends=lambda heard: isinstance(heard.error, NotAuthorised),
    )


def talk(platform: TakesBack, job: Job) -> Heard:
    """One step at the platform."""
    if job.replacement is not None:
        return _new_order(platform, job.replacement)
    if job.asked is None:
        return _looked_up(platform, job)
    if job.claim_ref is None:
        return _claimed(platform, job, job.asked)
    try:
        if job.withdraw and isinstance(platform, Withdraws):
            platform.withdraw(job.claim_ref, job.asked.reason)
        told = None
        if job.back is not None and job.state in ("approved", "returning"):
            platform.sent_back(job.claim_ref, *job.back)
            told = job.back[1]
        return Heard(state=platform.claim_state(job.claim_ref), told=told)
    except SupplierError as error:
        return Heard(error=error)


def _new_order(platform: TakesBack, replacement: str) -> Heard:
    if not isinstance(platform, Replaces):
        return Heard(error=NoSuchThing("no-tree", "this platform says nothing of its new orders"))
    try:
        return Heard(replaced=platform.replaced(replacement))
    except SupplierError as error:
        return Heard(error=error)


def _looked_up(platform: TakesBack, job: Job) -> Heard:
    if not isinstance(platform, Ships):
        return Heard(error=NoSuchThing("no-tree", "this platform does not say what became of it"))
    try:
        return Heard(parts=platform.track(job.our_ref).parts)
    except SupplierError as error:
        return Heard(error=error)


def _claimed(platform: TakesBack, job: Job, asked: SourceClaim) -> Heard:
    if job.fault:
        return Heard(error=Refused("recipient", job.fault))
    if job.doubt:
        try:
            if known := platform.find_claim(asked, job.others):
                return Heard(claim_ref=known)
        except SupplierError as error:
            return Heard(error=error, unknown=True)
    elif job.withdraw:
        return Heard(state=ClaimState("", "cancelled"))
    try:
        left = platform.options(asked.ref, asked.external_id)
        if left.quantity < asked.quantity:
            why = left.message or f"{left.quantity} pieces may be claimed now"
            return Heard(error=TryLater("not-yet", why, wait=NOT_YET))
        return Heard(claim_ref=platform.claim(asked))
    except SupplierError as error:
        certain = isinstance(error, TryLater | NotAuthorised | Refused)
        return Heard(error=error, unknown=not certain)


def _work(db: Database, desk: Desk, platform: TakesBack, job: Job) -> Heard:
    heard = talk(platform, job)
    if heard.error is not None:
        logger.warning("claim_not_worked", claim=f"C{job.id}", code=heard.error.code)
    with db.as_system() as session:
        platform_answers.write_down(session, desk, job, heard, clock.now())
    return heard
