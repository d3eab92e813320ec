"""Every chore there is: its name in the table, how often it is due, what is done.

A chore runs in the transaction that holds its row, so it is one at a time on however many hosts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from catalog import media, stock, stock_records, titles, turning
from catalog.matching import categories, remaking, wordings
from catalog.reads.changes import KEPT
from catalog.search import roll_sales
from catalog.sequencer import forget_changes
from connectors.trading import Ships
from kit import canaries, clock, idempotency, log, outbox, partitions
from sync import due, figures, planned, verdicts
from sync.gallery import MEDIA
from sync.wake import PULL, key
from trade import (
    address_answers,
    ageing,
    applications,
    cutoff_sheets,
    demand,
    event_feed,
    events,
    following,
    held_orders,
    invariants,
    live_answers,
    rerouting,
    stock_claims,
    submit,
    telling,
)
from trade.after_sales import claim_deadlines as deadlines
from trade.after_sales import evidence, platform_claims
from trade.buying import SUBMIT
from trade.order_sheets import files as order_files
from trade.order_sheets import placing
from trade.parcels import tracking
from trade.refusal import HELD, REROUTE
from trade.settling import commissions, earnings, holding_back, statements
from worker import rekeying, relay
from worker.workshop import Workshop

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SHOWN = 20
"""So many violations of an invariant are kept in the chore's result."""

_log = log.get(__name__)

Result = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """`work` gets its own last result, and returns the next one; `more: True` asks for a next turn
    at once. `wakes`: it needs Redis."""

    every: float
    work: Callable[[Workshop, Session, Result], Result]
    wakes: bool = False


def sweep(shop: Workshop, session: Session, _last: Result) -> Result:
    """Wake whoever has due rows: what makes a wiped Redis harmless."""
    wakeups = [(SUBMIT, source) for source in submit.due(session, clock.now())]
    wakeups += [(following.NEWS, source) for source in _followed(shop, session)]
    wakeups += [
        (platform_claims.TAKE_BACK, one) for one in platform_claims.due(session, clock.now())
    ]
    if rerouting.waiting(session, limit=1):
        wakeups.append((REROUTE, "all"))
    if media.due(session, clock.now()):
        wakeups.append((MEDIA, "all"))
    wakeups += [(cutoff_sheets.SHEETS, one) for one in cutoff_sheets.due(session, clock.now())]
    wakeups += [(placing.IMPORT, str(sheet)) for sheet in placing.due(session)]
    wakeups += [(events.HOOK, hand) for hand in telling.hands(session, clock.now())]
    relay.wake(shop.redis, wakeups)
    return {"due": len(wakeups)}


def _followed(shop: Workshop, session: Session) -> list[str]:
    """Platforms with purchases to ask about; suppliers at our own door tell us themselves."""
    found = shop.sources(following.due(session, clock.now()))
    return [source.code for source in found if isinstance(source, Ships)]


def sources_due(shop: Workshop, session: Session, _last: Result) -> Result:
    """Wake the readers of whatever is due of every source: listings, messages, figures."""
    shop.refresh()
    sources = shop.sources(sorted(shop.settings.sources))
    found = due.due(session, clock.now(), sources)
    relay.wake(shop.redis, [(PULL, key(one.source, one.stream)) for one in found])
    return {"due": len(found)}


def held_lines(shop: Workshop, session: Session, _last: Result) -> Result:
    """Lines without a source are tried once more: a source may have it again."""
    found = len(rerouting.waiting(session, held=True))
    if found:
        relay.wake(shop.redis, [(REROUTE, HELD)])
    return {"orders": found}


def planned_prices(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Announced prices whose date has come, and prices whose time is over."""
    most = 5_000
    touched = planned.turn(session, most)
    return {"offers": touched, "more": touched >= most}


def turned_rules(_shop: Workshop, session: Session, last: Result) -> Result:
    """Price rules, price policies and grants whose time begins or ends: the feed tells of them."""
    now = clock.now()
    since = datetime.fromisoformat(last["upto"]) if "upto" in last else now
    return {"rules": turning.turn(session, since, now), "upto": now.isoformat()}


def match_offers(_shop: Workshop, session: Session, last: Result) -> Result:
    """New offers that wait to meet the catalogue; while none do, keys of an older version."""
    return remaking.turn(session, last)


def shelve(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Goods that new mappings move to another category."""
    return {"mappings": categories.shelve(session)}


def follow_brands(_shop: Workshop, session: Session, last: Result) -> Result:
    """Brands that other names are known for now, or that goods are worded by for the first time."""
    return wordings.follow(session, last)


def rename(_shop: Workshop, session: Session, last: Result) -> Result:
    """Products that an edited list of shops' names calls otherwise."""
    return titles.rename(session, last)


def learn_categories(shop: Workshop, session: Session, _last: Result) -> Result:
    """What sources' categories are, by their names and by goods shared with confirmed ones."""
    shop.refresh()
    return {"learnt": sum(categories.learn(session, one) for one in sorted(shop.settings.sources))}


def settle_reservations(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Reservations that a younger statement of their source counts in."""
    return {"settled": stock.settle(session)}


def check_invariants(_shop: Workshop, session: Session, _last: Result) -> Result:
    """What must always hold; a violation is an alarm, and changes nothing by itself."""
    found = invariants.violations(session)
    for one in found[:SHOWN]:
        _log.error("An invariant does not hold", rule=one.rule, subject=one.subject, why=one.detail)
    return {"violations": len(found), "first": [vars(one) for one in found[:SHOWN]]}


def claim_deadlines(shop: Workshop, session: Session, _last: Result) -> Result:
    """A claim that nobody acted on in time; one a turn."""
    found = deadlines.work_one(session, shop.desk, clock.now())
    return {"more": found}


def held_deadlines(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Held units whose leader did not choose in time; one order a turn."""
    return {"more": held_orders.work_one(session, clock.now())}


def address_deadlines(_shop: Workshop, session: Session, _last: Result) -> Result:
    """An address that a supplier was asked for and said nothing about in time; one a turn."""
    return {"more": address_answers.work_one(session, clock.now())}


def parcels(shop: Workshop, session: Session, _last: Result) -> Result:
    """Parcels that arrived or are stuck, orders that are over; one a turn."""
    return {"more": tracking.work_one(session, shop.desk, clock.now())}


def prune_evidence(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Evidence that no claim named in time, or that was kept long enough."""
    return {"gone": evidence.prune(session, clock.now())}


def prune_applications(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Papers of those who were refused, and applications that nobody answered."""
    return {"gone": applications.prune(session, clock.now())}


def prune_outbox(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Wake-ups relayed over a day ago."""
    return {"gone": outbox.prune(session)}


def prune_idempotency(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Idempotency keys older than seven days."""
    return {"gone": idempotency.prune(session)}


def prune_answers(_shop: Workshop, session: Session, _last: Result) -> Result:
    """What sources said live to quotes that are over."""
    return {"gone": live_answers.prune(session, clock.now() - timedelta(days=1))}


def months_ahead(_shop: Workshop, session: Session, _last: Result) -> Result:
    """The partitions of the months to come."""
    return {"made": partitions.ahead(session)}


def prune_feed(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Months of changes that no cursor may read any more."""
    return {"months": forget_changes(session, clock.now() - KEPT - timedelta(days=1))}


def prune_events(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Months of events that no cursor may read any more, and no webhook waits before."""
    telling.pass_by(session)
    return {"months": events.prune(session, clock.now() - event_feed.KEPT - timedelta(days=1))}


def seal_people(shop: Workshop, session: Session, _last: Result) -> Result:
    """People's details whose orders were delivered long enough ago."""
    sealed, more = ageing.seal(session, shop.desk.ages, clock.now())
    return {"sealed": sealed, "more": more}


def shred_people(shop: Workshop, session: Session, _last: Result) -> Result:
    """The same, so long ago that nobody may know them any more; and whom only a quote names."""
    shredded, more = ageing.shred(session, shop.desk.ages, clock.now())
    return {"shredded": shredded, "more": more}


def prune_waybills(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Suppliers' sheets of waybills that came long ago."""
    most = 50
    gone = ageing.forget_sheets(session, clock.now(), most)
    return {"gone": gone, "more": gone >= most}


def rotate_keys(shop: Workshop, session: Session, last: Result) -> Result:
    """Envelopes under former keys of the ring: a window a turn, all of them again after a day."""
    keyring = shop.desk.keyring
    ring = [keyring.name, *keyring.former]
    same = last.get("ring") == ring
    rested = clock.now().timestamp() - float(last.get("at", 0)) > DAY
    if same and not rested and last["walk"]["over"] and not last["walk"]["done"]:
        return last
    if lost := canaries.unopened(session, keyring):
        _log.error("Keys that once sealed something here do not open it", keys=lost)
    walk = rekeying.further(session, keyring, last["walk"] if same else {})
    at = clock.now().timestamp()
    return {"ring": ring, "walk": walk, "at": at, "more": not walk["over"]}


def sales(_shop: Workshop, session: Session, last: Result) -> Result:
    """What is picked and sells, in full once an hour and by new orders in between: which goods are
    found first, and which are worth calls."""
    at, now = float(last.get("in_full_at", 0)), clock.now().timestamp()
    if now - at < HOUR:
        line, skus = demand.add(session, int(last["line"]))
        changed, ranked = len(skus), roll_sales(session, skus) if skus else 0
    else:
        changed, line, at = demand.tell(session), demand.newest_line(session), now
        ranked = roll_sales(session)
    return {"skus": changed, "ranked": ranked, "line": line, "in_full_at": at}


def worth(shop: Workshop, session: Session, _last: Result) -> Result:
    """What moves, and whose stock proved false: where the calls of each source are worth most, and
    how much of a stated stock is shown."""
    paced, judged = stock_records.roll(session), stock_claims.tell(session)
    for source in shop.sources(sorted(shop.settings.sources)):
        figures.rate(session, source)
    return {"paced": paced, "judged": judged}


def prune_media(shop: Workshop, session: Session, _last: Result) -> Result:
    """Pictures that nobody looks at any more, and failures that may be tried anew."""
    most = 500
    kept = timedelta(days=shop.settings.media.keep_days)
    gone = media.prune(session, clock.now(), kept, most)
    return {"gone": gone, "more": gone >= most}


def make_cutoff_sheets(shop: Workshop, session: Session, _last: Result) -> Result:
    """The sheet of every supplier whose cut-off has come."""
    shop.refresh()
    return {"made": cutoff_sheets.make_due(session, shop.desk, clock.now())}


def prune_supplier_sheets(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Sheets that suppliers got long ago."""
    return {"gone": cutoff_sheets.prune(session, clock.now())}


def prune_order_sheets(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Leaders' sheets whose time is over, and the recipients in them."""
    most = 50
    gone = order_files.prune(session, clock.now(), most)
    return {"gone": gone, "more": gone >= most}


def prune_images(_shop: Workshop, session: Session, _last: Result) -> Result:
    """What offers were before runs that nobody will take back any more."""
    return {"gone": verdicts.forget_images(session, clock.now() - KEPT)}


def commissions_due(shop: Workshop, session: Session, _last: Result) -> Result:
    """Wake the reading of platforms' commissions."""
    promoting = [
        one.code for one in shop.sources(sorted(shop.settings.sources)) if commissions.promotes(one)
    ]
    found = commissions.due(session, promoting, clock.now())
    relay.wake(shop.redis, [(commissions.COMMISSIONS, source) for source in found])
    return {"due": len(found)}


def release_earnings(shop: Workshop, session: Session, last: Result) -> Result:
    """Earnings on goods that can no longer come back."""
    most, after = 200, int(last.get("after", 0)) if last.get("more") else 0
    found = earnings.due(session, shop.desk, clock.now(), after=after, limit=most)
    for order in found:
        earnings.release(session, shop.desk, order, clock.now())
    more = len(found) == most
    return {"orders": len(found), "after": found[-1] if more else 0, "more": more}


def hold_payouts_back(_shop: Workshop, session: Session, _last: Result) -> Result:
    """Payouts of parties that came to owe earnings back."""
    found = holding_back.waiting(session)
    for party in found:
        holding_back.hold_back(session, party, clock.now())
    return {"parties": len(found)}


def issue_statements(_shop: Workshop, session: Session, last: Result) -> Result:
    """Statements of the month that is over, an hour after its end."""
    until = statements.month_start(clock.now() - timedelta(hours=1))
    upto = datetime.fromisoformat(last["upto"]) if "upto" in last else statements.FIRST
    if upto >= until or statements.quiet_until(session) < until:
        return last
    most = 100
    after = int(last.get("after", 0))
    found = statements.due(session, upto, until, after=after, limit=most)
    for party in found:
        statements.issue(session, party, until, clock.now())
    if len(found) == most:
        return {"upto": upto.isoformat(), "after": found[-1], "more": True}
    return {"upto": until.isoformat()}


CHORES: dict[str, Kind] = {
    "sweep": Kind(5.0, sweep, wakes=True),
    "sources_due": Kind(5.0, sources_due, wakes=True),
    "held_lines": Kind(10 * MINUTE, held_lines, wakes=True),
    "planned_prices": Kind(10.0, planned_prices),
    "turned_rules": Kind(10.0, turned_rules),
    "match_offers": Kind(1.0, match_offers),
    "shelve": Kind(2.0, shelve),
    "rename": Kind(5.0, rename),
    "brands": Kind(5.0, follow_brands),
    "learn_categories": Kind(HOUR, learn_categories),
    "settle_reservations": Kind(MINUTE, settle_reservations),
    "invariants": Kind(15 * MINUTE, check_invariants),
    "sales": Kind(MINUTE, sales),
    "held_deadlines": Kind(MINUTE, held_deadlines),
    "claim_deadlines": Kind(MINUTE, claim_deadlines),
    "address_deadlines": Kind(MINUTE, address_deadlines),
    "parcels": Kind(MINUTE, parcels),
    "worth": Kind(HOUR, worth),
    "commissions_due": Kind(MINUTE, commissions_due, wakes=True),
    "release_earnings": Kind(HOUR, release_earnings),
    "hold_payouts_back": Kind(MINUTE, hold_payouts_back),
    "issue_statements": Kind(10 * MINUTE, issue_statements),
    "prune_images": Kind(HOUR, prune_images),
    "prune_media": Kind(HOUR, prune_media),
    "cutoff_sheets": Kind(10.0, make_cutoff_sheets),
    "prune_supplier_sheets": Kind(HOUR, prune_supplier_sheets),
    "prune_order_sheets": Kind(HOUR, prune_order_sheets),
    "prune_evidence": Kind(HOUR, prune_evidence),
    "prune_applications": Kind(DAY, prune_applications),
    "seal_people": Kind(HOUR, seal_people),
    "shred_people": Kind(HOUR, shred_people),
    "prune_waybills": Kind(HOUR, prune_waybills),
    "rotate_keys": Kind(10 * MINUTE, rotate_keys),
    "prune_outbox": Kind(HOUR, prune_outbox),
    "prune_idempotency": Kind(HOUR, prune_idempotency),
    "prune_answers": Kind(HOUR, prune_answers),
    "months_ahead": Kind(HOUR, months_ahead),
    "prune_feed": Kind(HOUR, prune_feed),
    "prune_events": Kind(HOUR, prune_events),
}
