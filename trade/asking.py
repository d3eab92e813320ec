"""Asking platforms before a leader is told a price: what would you sell now, there, for how much?

Only sources that routing would buy from are asked, side by side, for a few seconds in all: a plan
is made, its sources are asked, and where an answer changes the plan, those of the new one are. A
source whose stock or freight is to be asked for counts as a hope until it has said. Who is late or
fails is left as it was known before. No connection to the database is held meanwhile.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from catalog.freight import Piece, parcel_freight
from connectors.errors import SupplierError
from connectors.model import OrderLine, ShipTo, Source
from connectors.trading import QuotedLine, Quotes
from kit import clock, log
from kit.db import Database
from kit.errors import Problem
from kit.money import line_amount
from trade import live_answers
from trade.desk import Desk
from trade.live_answers import Answer, Said
from trade.planning import Draft, Loaded
from trade.routing.routing import PlannedPurchase, Supply

ROUNDS = 3
"""So many plans of one quote are asked about."""
TALKS = 8
"""So many talks a process has at once; one that is given up counts until it has ended."""

SOMEBODY, SOME_NUMBER = "收件人", "13800138000"
"""Stand for a person where a platform wants one: a service number of the carrier's."""

ASKED = ("stock_unknown", "freight_unknown")
"""Why a line cannot be bought until its platform has said more."""

CODES = {
    "out_of_stock": "out_of_stock",
    "not_deliverable": "not_deliverable",
    "no_such_thing": "not_sold",
    "no_price": "not_sold",
}
"""Why a source does not sell a line, in our words; anything else is a limit of its own."""

OpenSource = Callable[[str], Source]
Load = Callable[[Session, Desk], Loaded]
"""Reads what is known of some lines."""

logger = log.get(__name__)


@dataclass(frozen=True)
class Question:
    """What one seller of a source is asked to price together."""

    source: str
    seller: str | None
    region: str
    lines: tuple[Said, ...]
    costs: tuple[OrderLine, ...] = field(compare=False)


@dataclass
class Found:
    """What came of asking: answers, the youngest last, and what nobody had time to ask."""

    answers: list[Answer] = field(default_factory=list)
    asked: set[Question] = field(default_factory=set)
    busy: list[Question] = field(default_factory=list)


class Talks:
    """The talks of one process with platforms that a person waits for, `patience` seconds each."""

    def __init__(self, patience: float, most: int = TALKS) -> None:
        self.patience = patience
        self._free = threading.BoundedSemaphore(most)
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="quote")

    def hold(
        self,
        questions: Collection[Question],
        open_source: OpenSource,
        ship_to: ShipTo,
        seconds: float,
    ) -> tuple[list[Answer], list[Question]]:
        """The answers that come in time, and the questions for which no talk was free."""
        busy: list[Question] = []
        going: dict[Future[Answer | None], Question] = {}
        for one in questions:
            if not self._free.acquire(blocking=False):
                busy.append(one)
                continue
            future = self._pool.submit(_talk, one, open_source, ship_to)
            future.add_done_callback(lambda _: self._free.release())
            going[future] = one
        done, late = wait(going, timeout=max(0.0, seconds))
        for future in late:
            logger.warning("quote_late", source=going[future].source)
        return [told for future in done if (told := future.result())], busy

    def close(self) -> None:
        """Wait for the talks that go on."""
        self._pool.shutdown()


@dataclass(frozen=True)
class Platforms:
    """Whom one process can ask, and where it writes down what they say."""

    db: Database
    desk: Desk
    talks: Talks
    open_source: OpenSource

    def known(self, load: Load) -> Loaded:
        """What is known before anybody is asked."""
        with self.db.as_system() as session:
            return load(session, self.desk)

    def ask(self, known: Sequence[Loaded], ship_to: ShipTo) -> Found:
        """What platforms say of lines that go to `ship_to`, each of `known` for itself, written
        down; nothing where nobody is to be asked. No transaction may be open."""
        found = settled(self.desk, known, self.talks, self.open_source, ship_to)
        if found.answers:
            with self.db.as_system() as session:
                live_answers.write(session, self.desk.keyring, found.answers, ship_to)
        return found

    def heard(self, known: Loaded, load: Load, ship_to: ShipTo) -> Draft | None:
        """What can be bought now that platforms were asked about what is `known`; None where nobody
        is to be asked.

        Raises Problem 503 `busy`.
        """
        found = self.ask([known], ship_to)
        if not found.asked:
            return None
        draft = self.known(load).latest()
        check_heard(draft, found)
        return draft


def questions(desk: Desk, draft: Draft, wanted: dict[int, int]) -> list[Question]:
    """What the sources of a plan can be asked. Pure."""
    region = draft.plan.facts.region
    return [
        _question(purchase, region, wanted)
        for purchase in draft.plan.purchases
        if desk.terms(purchase.source).asks
    ]


def settled(
    desk: Desk, known: Sequence[Loaded], talks: Talks, open_source: OpenSource, ship_to: ShipTo
) -> Found:
    """Ask until each plan rests on what was said, or the time or the rounds are over.

    Platforms are told where it goes, and not who lives there: nothing is bought yet.
    """
    found, until = Found(), time.monotonic() + talks.patience
    place = replace(ship_to, name=SOMEBODY, mobile=SOME_NUMBER)
    for _ in range(ROUNDS):
        fresh = list(dict.fromkeys(q for one in known for q in wanting(desk, one, found)))
        left = until - time.monotonic()
        if not fresh or left <= 0:
            break
        answers, busy = talks.hold(fresh, open_source, place, left)
        found.answers += answers
        found.busy += busy
        found.asked.update(fresh)
    return found


def wanting(desk: Desk, known: Loaded, found: Found) -> list[Question]:
    """What is still to be asked about the plan as it now is. Pure."""
    if not any(desk.terms(supply.source).asks for supply in known.bought.offers):
        return []
    settled = {line.offer_id for one in found.asked for line in one.lines}
    settled -= {line.offer_id for one in found.answers if not one.whole for line in one.lines}
    hopes = [
        supply if supply.offer_id in settled else _hoped(desk, supply)
        for supply in known.bought.offers
    ]
    told = live_answers.applied(hopes, known.wanted, found.answers)
    draft = known.draft(told)
    return [one for one in questions(desk, draft, known.wanted) if one not in found.asked]


def unheard(desk: Desk, known: Loaded) -> bool:
    """Whether the lines would be bought, if all goes well, from a source that alone knows its stock
    or freight, and has not said it a short time ago. Pure."""
    told = live_answers.applied(known.bought.offers, known.wanted, known.answers)
    hopes = [_hoped(desk, supply) for supply in told]
    hoped = {hope.offer_id for hope, supply in zip(hopes, told, strict=True) if hope is not supply}
    plan = known.draft(hopes).plan
    return any(take.supply.offer_id in hoped for buy in plan.purchases for take in buy.takes)


def waits(draft: Draft) -> bool:
    """Whether a line fails for want of something that a source may know."""
    return any(line.code in ASKED for line in draft.unsellable)


def check_heard(draft: Draft, found: Found) -> None:
    """Raises Problem 503 where a line fails for want of an answer that no talk was free for."""
    if found.busy and waits(draft):
        raise busy()


def busy() -> Problem:
    """What is answered where nobody has time to ask."""
    words = "too many prices are being asked for at the moment; ask again"
    return Problem(503, "busy", words, retry_after=1)


def _hoped(desk: Desk, supply: Supply) -> Supply:
    """An offer that could be asked for its stock and freight, as if it had said yes for nothing."""
    if not desk.terms(supply.source).asks:
        return supply
    if supply.unknown_stock == "ask" and supply.unstated:
        supply = replace(supply, unknown_stock="sell")
    if parcel_freight([Piece(supply.freight, 1, supply.weight_g, 0)]) is None:
        supply = replace(supply, freight={"kind": "free"})
    return supply


def _question(purchase: PlannedPurchase, region: str, wanted: dict[int, int]) -> Question:
    units: Counter[int] = Counter()
    offers = {take.supply.offer_id: take.supply for take in purchase.takes}
    for take in purchase.takes:  # a SKU may be asked for alone and in a bundle
        units[take.supply.offer_id] += take.units
    lines, costs = [], []
    for offer, supply in sorted(offers.items()):
        assert supply.cost is not None  # noqa: S101 - only offers with a price are taken
        name, count = supply.external_id, units[offer]
        lines.append(Said(offer, name, count, wanted[supply.sku_id]))
        costs.append(OrderLine(name, count, supply.cost))
    return Question(purchase.source, purchase.seller, region, tuple(lines), tuple(costs))


def _talk(asked: Question, open_source: OpenSource, ship_to: ShipTo) -> Answer | None:
    """What the source says; None where it says nothing."""
    at = clock.now()
    try:
        source = open_source(asked.source)
        if not isinstance(source, Quotes):
            return None
        told = source.quote(asked.costs, ship_to)
        lines = told.lines
        if len(lines) > 1 and not any(line.sellable for line in lines):
            # for one bad line a platform may refuse all: each is asked alone
            lines = tuple(
                one for cost in asked.costs for one in source.quote([cost], ship_to).lines
            )
    except (SupplierError, Problem) as error:
        logger.warning("quote_not_told", source=asked.source, code=error.code)
        return None
    said = {line.external_id: line for line in lines}
    heard = tuple(_said(line, said[line.external_id]) for line in asked.lines)
    freight = None if told.freight is None else line_amount(told.freight, 1)
    to = (asked.source, asked.seller, asked.region)
    return Answer(*to, at, heard, freight, told.parcels, told.incomplete, told.towns)


def _said(line: Said, told: QuotedLine) -> Said:
    code = None if told.sellable else CODES.get(told.code, "limited")
    return replace(line, code=code, price=told.price)
