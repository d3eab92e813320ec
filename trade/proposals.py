"""What the leader of a held order may choose from, and until when: the units at a new price, other
goods of the same product, or the money back.

It is computed from the facts of the moment, by the same functions that are run again, under locks,
when the leader agrees. Amounts are fen. No source, seller or cost is in it. In system scope.

The new price is what the leader's price list makes of the cheapest sources that are left, and never
less than these ask. Other goods are SKUs of the same product with the same pack and unit, which
brands let the leader sell at the same retail price. Parts of bundles, and orders under a share
(whose price another party has set), are only paid back.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from catalog import corridors, discretion, titles
from catalog.shop_names import Rules
from kit.errors import Problem
from kit.ids import outside
from kit.money import price_text
from kit.statements import send
from trade import (
    books,
    dearer,
    live_answers,
    planning,
    pricing,
    recipients,
    remaining,
    retail_prices,
    selections,
    supplies,
)
from trade.desk import Desk
from trade.live_answers import Answer
from trade.models import Order, OrderLine, Proposal, Recipient
from trade.planning import Bought, Draft, Loaded, Resolved, Terms, Unsellable
from trade.routing import routing
from trade.routing.routing import Supply

MOST_SHOWN = 3
"""Other goods that are proposed for one line, those first that cost least."""
MOST_TRIED = 20
"""SKUs of a product that are looked at for one line, and lines that other goods are looked for."""

_ALIKE = text("""
    SELECT l.sku AS held, s.id, s.attributes
    FROM unnest(CAST(:skus AS bigint[])) AS l (sku)
    LEFT JOIN sku_redirects r ON r.from_sku = l.sku
    JOIN skus own ON own.id = coalesce(r.to_sku, l.sku)
    CROSS JOIN LATERAL (
        SELECT x.id, x.attributes FROM skus x
        WHERE x.product_id = own.product_id AND x.id <> own.id AND x.pack = own.pack
          AND x.unit IS NOT DISTINCT FROM own.unit AND x.id <> ALL(:ordered)
          AND NOT EXISTS (SELECT FROM sku_redirects g WHERE g.from_sku = x.id)
          AND NOT EXISTS (SELECT FROM sku_parts b WHERE b.sku_id = x.id)
        ORDER BY x.id LIMIT :most) s
    ORDER BY held, s.id
""")


@dataclass(frozen=True)
class Wish:
    """The waiting units of a held line, to be bought as `sku_id`."""

    line: OrderLine
    sku_id: int

    @property
    def resolved(self) -> Resolved:
        """The wish as a line that is asked for; its index is the held line's number."""
        line = self.line
        code = line.code if self.sku_id == line.sku_id else None
        return Resolved(line.line, self.sku_id, code, line.unrouted, line.retail_price)


@dataclass(frozen=True)
class Facts:
    """What held units can be bought from now, by SKU, what their leader pays for it, what sources
    said live of it, and the names that the leader may not read. `declined` are offers that refused
    the order."""

    offers: Mapping[int, Sequence[Supply]]
    terms: Terms
    region: str
    now: datetime
    names: Rules
    answers: tuple[Answer, ...]
    declined: frozenset[int]

    def loaded(self, asked: Sequence[Resolved]) -> Loaded:
        """Some lines with what is known of what they can be bought from. Pure."""
        offers = [one for line in asked for one in self.offers.get(line.sku_id, ())]
        bought = Bought(offers, {}, self.region, self.now)
        return Loaded(tuple(asked), (), bought, self.terms, self.answers)


@dataclass(frozen=True)
class Offered:
    """How wishes can be fulfilled. `amounts` are the goods of each line, by its number; `more` is
    what has to be held for the order than before, below 0 where it gets cheaper."""

    draft: Draft
    amounts: Mapping[int, int]
    more: int

    def unit_price(self, wish: Wish) -> Decimal:
        """What a unit costs the leader, in CNY."""
        return planning.mean(self.amounts[wish.line.line], wish.line.unrouted)

    def ships_by(self, now: datetime) -> str | None:
        """When the last of it leaves at the latest; None where that is not promised."""
        moments = [planning.promise(one, now) for one in self.draft.plan.purchases]
        known = [moment for moment in moments if moment is not None]
        return max(known).isoformat() if len(known) == len(moments) else None


def held_lines(session: Session, order: Order) -> list[OrderLine]:
    """The lines of a locked order whose units wait for a decision."""
    found = select(OrderLine).where(
        OrderLine.order_id == order.id,
        OrderLine.unrouted > 0,
        OrderLine.held_reason.is_not(None),
    )
    return list(session.scalars(found.order_by(OrderLine.line)))


def fixed(order: Order, line: OrderLine) -> bool:
    """Whether the line is bought as it was agreed or not at all."""
    return order.share_id is not None or line.bundle_sku is not None


def alike(session: Session, order: Order, lines: Collection[OrderLine]) -> list[Any]:
    """Other SKUs that may take the place of these lines': (held, id, attributes)."""
    ordered = list(session.scalars(select(OrderLine.sku_id).where(OrderLine.order_id == order.id)))
    skus = sorted({line.sku_id for line in lines})
    asked = {"skus": skus, "ordered": ordered, "most": MOST_TRIED}
    return list(session.execute(_ALIKE, asked))


def read(
    session: Session,
    desk: Desk,
    order: Order,
    sku_ids: Collection[int],
    now: datetime,
    *,
    lock: bool,
) -> Facts:
    """The facts about these SKUs; `lock` keeps stock and limits as they are.

    What refused the order is left out, but for offers that only asked more and have stated since
    how much: these a leader may agree to.
    """
    reader = pricing.leader(session, desk, order.party_id, now)
    offers = remaining.market(session, desk, order, sku_ids, reader, now, lock=lock)
    held = held_lines(session, order)
    back = dearer.waiting(session, order, held).back(held, offers)
    refused = {row.offer_id for row in remaining.declined(session, order)}
    offers = routing.without(offers, refused - {one.offer_id for one in back})
    recipient = session.get_one(Recipient, order.recipient_id)
    chosen, allowed = send(
        session,
        selections.question(order.party_id, sku_ids),
        corridors.question(sku_ids, now),
    )
    terms = Terms(reader, selections.answered(chosen), corridors.answered(session, allowed))
    by_sku: dict[int, list[Supply]] = {}
    for one in offers:
        by_sku.setdefault(one.sku_id, []).append(one)
    answers = _said(session, desk, sku_ids, recipient, now) if desk.asks else ()
    names = titles.rules(session)
    return Facts(by_sku, terms, recipient.region, now, names, answers, frozenset(refused))


def _said(
    session: Session, desk: Desk, sku_ids: Collection[int], recipient: Recipient, now: datetime
) -> tuple[Answer, ...]:
    """What sources said live about these SKUs for this recipient, a short time ago."""
    to, about = recipients.place(desk.keyring, recipient), {"skus": list(sku_ids)}
    kept = desk.answers_count
    return tuple(
        live_answers.heard(session, desk.keyring, supplies.IDS, about, to, now, minutes=kept)
    )


def offered(facts: Facts, wishes: Sequence[Wish], spare: int) -> Offered | Sequence[Unsellable]:
    """All of the wishes together, or why some cannot be fulfilled. `spare` is freight money that
    is free for them. Pure. Raises ValueError where two wish for one SKU."""
    draft = facts.loaded([wish.resolved for wish in wishes]).latest()
    if draft.unsellable:
        return draft.unsellable
    amounts = {
        one.line.index: max(one.amount, sum(t.cost for t in draft.plan.takes(one.line.index)))
        for one in draft.lines
    }
    held = spare + sum(books.held_for(wish.line, wish.line.unrouted) for wish in wishes)
    return Offered(draft, amounts, sum(amounts.values()) + draft.freight - held)


def retail(facts: Facts, found: Offered) -> Mapping[int, Decimal | None] | None:
    """The retail price of each line; None where a brand does not allow one of them."""
    try:
        return retail_prices.checked(found.draft, facts.region, facts.now)
    except Problem:
        return None


def renew(session: Session, desk: Desk, order: Order, now: datetime) -> bool:
    """Bring the proposal of a locked order up to date; whether it says something new. The deadline
    stays what it was when the order began to be held."""
    held = held_lines(session, order)
    if not held:
        return False
    content = _content(session, desk, order, held, now)
    row = session.get(Proposal, order.id)
    new = row is None or _lasting(row.content) != _lasting(content)
    if row is None:
        row = Proposal(order_id=order.id, party_id=order.party_id, held_since=now)
        row.deadline = now + timedelta(hours=desk.held.hours)
        session.add(row)
    row.content = content
    return new


def _lasting(content: Mapping[str, Any]) -> Any:
    """What is said but for promises, which move on with the clock."""
    lines = [
        {name: _undated(told) for name, told in line.items()} for line in content["lines"].values()
    ]
    return dict(content) | {"lines": lines}


def _undated(told: Any) -> Any:
    if isinstance(told, list):
        return [_undated(one) for one in told]
    return {k: v for k, v in told.items() if k != "ships_by"} if isinstance(told, dict) else told


def deadline(session: Session, order: Order) -> dict[str, Any]:
    """The deadline of a held order, for its timeline."""
    row = session.get(Proposal, order.id)
    until = None if row is None or row.deadline is None else row.deadline.isoformat()
    return {"deadline": until}


def ways_out(session: Session, desk: Desk, order: Order, now: datetime) -> list[Loaded]:
    """What may become of held units, each way with what is known of it, for whoever asks platforms
    about it: bought as agreed of others than refused them; at a new price, together and each line
    alone; or as other goods, those first that cost least."""
    held = held_lines(session, order)
    if not held:
        return []
    free, others = _free(session, order, held)
    also = {row.id for some in others.values() for row in some}
    skus = {line.sku_id for line in held} | also
    facts = read(session, desk, order, skus, now, lock=False)
    units: Counter[int] = Counter()
    for line in held:
        units[line.sku_id] += line.unrouted
    agreed = [Resolved(at, sku, None, n, None) for at, (sku, n) in enumerate(units.items())]
    singly = [Wish(line, line.sku_id) for line in free]
    instead = [Wish(line, row.id) for line in free for row in others.get(line.sku_id, ())]
    instead.sort(key=lambda wish: _cheapest(facts.offers.get(wish.sku_id, ())))
    wishes = [[one] for one in (*singly, *instead)]
    if len(singly) > 1 and _at_once(held, free):
        wishes.insert(0, singly)
    return [
        facts.loaded(agreed).without(facts.declined),
        *(facts.loaded([wish.resolved for wish in some]) for some in wishes),
    ]


def _cheapest(offers: Sequence[Supply]) -> Decimal:
    """The least that a unit is known to cost; what is not sold comes last."""
    known = [one.cost for one in offers if one.live and one.cost is not None]
    return min(known, default=Decimal("Infinity"))


def _free(
    session: Session, order: Order, held: Sequence[OrderLine]
) -> tuple[list[OrderLine], dict[int, list[Any]]]:
    """The held lines that more may be chosen for than the money back, and other goods for them, by
    the SKU that they would take the place of."""
    free = [line for line in held if not fixed(order, line)]
    others: dict[int, list[Any]] = {}
    for row in alike(session, order, free[:MOST_TRIED]) if free else ():
        others.setdefault(row.held, []).append(row)
    return free, others


def _at_once(held: Sequence[OrderLine], free: Sequence[OrderLine]) -> bool:
    """Whether all that is held may be bought together."""
    return len(free) == len(held) == len({line.sku_id for line in held})


def _content(
    session: Session, desk: Desk, order: Order, held: Sequence[OrderLine], now: datetime
) -> dict[str, Any]:
    givers = remaining.givers(session, remaining.refused(session, order))
    spare = sum(purchase.freight_price for purchase in givers)
    free, others = _free(session, order, held)
    skus = {line.sku_id for line in free} | {x.id for some in others.values() for x in some}
    facts = read(session, desk, order, skus, now, lock=False) if free else None
    lines: dict[str, Any] = {}
    for line in held:
        told: dict[str, Any] = {"units": line.unrouted, "new_price": None, "substitutes": []}
        if facts is not None and line in free:
            own = spare if len(held) == 1 else 0
            told["new_price"] = _option(facts, Wish(line, line.sku_id), own)
            told["substitutes"] = _substitutes(facts, line, others.get(line.sku_id, ()), own)
        lines[str(line.line)] = told
    together = None
    if facts is not None and _at_once(held, free):
        whole = offered(facts, [Wish(line, line.sku_id) for line in held], spare)
        together = {"more": whole.more} if isinstance(whole, Offered) else None
    then = desk.held.when_due
    return {"lines": lines, "new_price": together, "spare": spare, "then": then}


def _option(facts: Facts, wish: Wish, spare: int) -> dict[str, Any] | None:
    found = offered(facts, [wish], spare)
    return _told(found, wish, facts.now) if isinstance(found, Offered) else None


def _substitutes(
    facts: Facts, line: OrderLine, others: Sequence[Any], spare: int
) -> list[dict[str, Any]]:
    options = []
    for other in others:
        wish = Wish(line, other.id)
        found = offered(facts, [wish], spare)
        if isinstance(found, Offered) and retail(facts, found) is not None:
            discreet = discretion.of(facts.names, facts.offers.get(other.id, ()))
            shown = discreet.attributes(other.attributes)
            name = {"sku": outside("sku", other.id), "attributes": shown}
            options.append(name | _told(found, wish, facts.now))
    return sorted(options, key=lambda one: (one["more"], one["sku"]))[:MOST_SHOWN]


def _told(found: Offered, wish: Wish, now: datetime) -> dict[str, Any]:
    return {
        "unit_price": price_text(found.unit_price(wish)),
        "amount": found.amounts[wish.line.line],
        "freight": found.draft.freight,
        "ships_by": found.ships_by(now),
        "more": found.more,
    }
