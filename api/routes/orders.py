"""Quotes and orders of leaders."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import batches, replies
from api.callers import Caller, Writer, allow, allow_write
from api.office import BATCH_SECONDS, PATIENCE
from api.owners import order_owner
from api.replies import Reply
from api.shapes.base import Batch, Cursor, IdPath, Limit, Listed, Moment, decimal
from api.shapes.office import DearerIn, DearerOut, DecisionsOut
from api.shapes.orders import (
    AddressIn,
    CancelIn,
    CancelLineIn,
    LineIn,
    OrderIn,
    OrderLineIn,
    OrderOut,
    OrdersIn,
    ProposalIn,
    QuoteIn,
    QuoteOut,
    ShipToIn,
)
from connectors.model import ShipTo
from kit import clock
from kit.errors import Problem, invalid
from kit.ids import inside, outside
from kit.money import fen
from trade import (
    addresses,
    audits,
    cancelling,
    dearer,
    decisions,
    held_orders,
    order_batches,
    order_views,
    orders,
    quotes,
    readdressing,
)
from trade.hearing import helps_held
from trade.orders import OrderRequest
from trade.planning import LineRequest
from trade.quotes import Quoting

router = APIRouter(prefix="/v1", tags=["orders"])

Reads = Annotated[Caller, Depends(allow("orders:read"))]
Writes = Annotated[Writer, Depends(allow_write("orders:write"))]
Status = Literal[
    "pending",
    "processing",
    "held",
    "partly_shipped",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
    "partly_cancelled",
]


@router.post("/quotes", response_model=QuoteOut, status_code=201, summary="Ask what it would cost")
def quote(caller: Writes, asked: QuoteIn) -> Response:
    """Prices, freight and promises for these lines to this address, for some minutes.

    Platforms are asked, for three seconds at most; `as_of` says how fresh each line is.
    """
    lines = [_line(one) for one in asked.lines]
    quoting = Quoting(caller.party_id, lines, recipient(asked.ship_to), asked.share)

    return caller.do_each(lambda: Reply(201, quotes.tell(caller.office.platforms, quoting)))


@router.get("/quotes/{quote_id}", response_model=QuoteOut, summary="A quote made before")
def get_quote(caller: Reads, quote_id: IdPath) -> Response:
    """As it was told."""
    with caller.own() as session:
        return replies.answer(quotes.get(session, caller.party_id, quote_id))


@router.get("/order-policy", response_model=DearerOut, summary="Your rule for dearer goods")
def get_policy(caller: Reads) -> Response:
    """What becomes of what you ordered where it costs more when it is bought."""
    with caller.own() as session:
        return replies.answer(dearer.view(dearer.rule_of(session, caller.party_id)))


@router.put("/order-policy", response_model=DearerOut, summary="Set your rule for dearer goods")
def set_policy(caller: Writes, asked: DearerIn) -> Response:
    """It counts from now on, for what waits already as well."""

    def work(session: Session) -> Reply:
        party = caller.party_id
        most = None if asked.absorb_most is None else fen(asked.absorb_most)
        dearer.set_rule(session, party, then=asked.when_dearer, most=most)
        told = dearer.view(dearer.rule_of(session, party))
        name = outside("pty", party)
        audits.note(session, caller.actor, "party.dearer", name, told, party_id=party)
        return Reply(200, told)

    return caller.do(work)


@router.post(
    "/orders",
    response_model=OrderOut,
    status_code=201,
    responses={200: {"model": OrderOut, "description": "The same order was placed before."}},
    summary="Place an order",
)
def place(caller: Writes, asked: OrderIn) -> Response:
    """Holds the money and buys; or refuses whole, saying why, and leaves nothing behind.

    The same `reference` with the same content answers 200 and the order placed before. Without a
    quote, platforms are asked what only they know, for three seconds at most.
    """
    request = ordered(asked)
    hearing = caller.office.hearing(caller.party_id, PATIENCE)

    def work(session: Session) -> Reply:
        desk, party = caller.office.terms.desk, caller.party_id
        order_id, new = orders.place(session, desk, party, request, clock.now())
        return Reply(201 if new else 200, order_views.by_id(session, party, order_id))

    return caller.do(work, remedy=lambda problem: hearing.helps(request, problem))


@router.post("/orders/batch", response_model=Batch[OrderOut], summary="Place many orders")
def batch(caller: Writes, asked: OrdersIn) -> Response:
    """Each is placed or refused on its own; references make the batch safe to repeat."""
    requests = batches.each(asked.items, ordered)
    hearing = caller.office.hearing(caller.party_id, BATCH_SECONDS)

    def work() -> Reply:
        here = caller.office
        results = order_batches.place_many(
            here.db, here.terms.desk, caller.party_id, requests, clock.now(), hearing
        )
        told = [
            one if isinstance(one, Problem) else (201 if one[1] else 200, one[0]) for one in results
        ]
        return Reply(200, batches.told(told))

    return caller.do_each(work)


@router.get("/orders", response_model=Listed[OrderOut], summary="Your orders")
def page(
    caller: Reads,
    status: Status | None = None,
    updated_after: Moment | None = None,
    since: Annotated[Moment | None, Query(alias="from", description="Placed from then on.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Placed before then.")] = None,
    party: Annotated[
        str | None, Query(max_length=64, description="Whose orders; for operators only.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """From the oldest change on."""
    after = replies.moment_cursor(cursor)
    with caller.seeing() as session:
        return replies.page(
            *order_views.page(
                session,
                _whose(caller, party),
                status=status,
                updated_after=updated_after,
                placed_from=since,
                placed_to=until,
                limit=limit,
                after=after,
            )
        )


@router.get("/orders/{order_id}", response_model=OrderOut, summary="One order")
def get(caller: Reads, order_id: IdPath) -> Response:
    """With parcels, timeline and claims."""
    number = inside("ord", order_id)
    with caller.seeing() as session:
        owner = order_owner(session, caller, number)
        return replies.answer(order_views.by_id(session, owner, number))


@router.post("/orders/{order_id}/cancel", response_model=OrderOut, summary="Cancel an order")
def cancel(caller: Writes, order_id: IdPath, asked: CancelIn) -> Response:
    """At once where no sender has it; otherwise the sender is asked. Again changes nothing."""
    number = inside("ord", order_id)

    def work(session: Session) -> Reply:
        party = caller.party_id
        skus, units = _meant(asked.lines)
        cancelling.cancel(session, party, number, asked.reason, clock.now(), skus=skus, units=units)
        session.flush()
        return Reply(200, order_views.by_id(session, party, number))

    return caller.do(work)


@router.post(
    "/orders/{order_id}/proposal", response_model=OrderOut, summary="Choose what becomes of it"
)
def choose(caller: Writes, order_id: IdPath, asked: ProposalIn) -> Response:
    """Held units are bought at the new price, bought as another SKU, or paid back; in one step.

    Platforms are asked what only they know, for three seconds at most.
    """
    number = inside("ord", order_id)
    most = None if asked.max_total is None else fen(asked.max_total)
    choice = held_orders.Choice(asked.take, asked.lines, asked.sku, most)

    def work(session: Session) -> Reply:
        desk, party = caller.office.terms.desk, caller.party_id
        held_orders.choose(session, desk, party, number, choice, clock.now())
        session.flush()
        return Reply(200, order_views.by_id(session, party, number))

    platforms = caller.office.platforms
    return caller.do(work, remedy=lambda problem: helps_held(platforms, number, problem))


@router.post(
    "/orders/{order_id}/address",
    response_model=OrderOut,
    responses={202: {"model": OrderOut, "description": "A sender is asked."}},
    summary="Another address",
)
def address(caller: Writes, order_id: IdPath, asked: AddressIn) -> Response:
    """Within the same district. At once where no sender has the order; otherwise the sender is
    asked, and the former address stands until it agrees."""
    number, to = inside("ord", order_id), recipient(asked.ship_to)

    def work(session: Session) -> Reply:
        desk, party = caller.office.terms.desk, caller.party_id
        asked = readdressing.readdress(session, desk, party, number, to, clock.now())
        session.flush()
        return Reply(202 if asked else 200, order_views.by_id(session, party, number))

    return caller.do(work)


@router.get(
    "/orders/{order_id}/decision", response_model=DecisionsOut, summary="Why it was routed so"
)
def decision(
    caller: Annotated[Caller, Depends(allow("parties:read"))], order_id: IdPath
) -> Response:
    """For operators: why this source, why each alternative lost, and who refused it then."""
    number = inside("ord", order_id)
    with caller.system() as session:
        found = decisions.of_order(session, number)
        refused = decisions.refusals(session, number)
    return replies.answer({"items": found, "refused": refused})


def recipient(given: ShipToIn) -> ShipTo:
    """Where it goes. Raises Problem 422 that names each field at fault."""
    fields = (given.name, given.mobile, given.region, given.address)
    if given.text is not None:
        if any(field is not None for field in fields):
            raise invalid("ship_to", "give either text or fields, not both")
        return addresses.from_text(given.text)
    missing = [
        name for name, value in (("name", given.name), ("mobile", given.mobile)) if value is None
    ]
    if missing or (given.address is None):
        raise invalid(f"ship_to.{(missing or ['address'])[0]}", "this is missing")
    return addresses.from_fields(
        given.name or "", given.mobile or "", given.region, given.address or ""
    )


def ordered(asked: OrderIn) -> OrderRequest:
    """An order as the desk takes it. Raises Problem 422."""
    return OrderRequest(
        reference=asked.reference,
        lines=tuple(_order_line(one) for one in asked.lines),
        ship_to=recipient(asked.ship_to),
        quote=asked.quote,
        max_total=None if asked.max_total is None else fen(asked.max_total),
        share=asked.share,
        buyer_note=asked.buyer_note,
    )


def _line(asked: LineIn) -> LineRequest:
    return LineRequest(asked.quantity, asked.sku, asked.code)


def _order_line(asked: OrderLineIn) -> LineRequest:
    return LineRequest(asked.quantity, asked.sku, asked.code, decimal(asked.retail_price))


def _whose(caller: Caller, party: str | None) -> int:
    if not caller.operates:
        return caller.party_id
    if party is None:
        raise invalid("party", "say whose: give a party's id")
    return inside("pty", party)


def _meant(
    lines: Sequence[str | CancelLineIn] | None,
) -> tuple[Sequence[str] | None, dict[str, int]]:
    """The SKUs that are named, and how many of those that are named with a quantity."""
    skus: list[str] = []
    units: dict[str, int] = {}
    for index, line in enumerate(lines or ()):
        sku = line if isinstance(line, str) else line.sku
        try:
            inside("sku", sku)
        except Problem as problem:
            raise invalid(f"lines.{index}", problem.detail) from problem
        many = None if isinstance(line, str) else line.quantity
        if sku in skus and (many is not None or sku in units):
            raise invalid(f"lines.{index}", f"{sku} is named twice; name it once", "twice")
        skus.append(sku)
        if many is not None:
            units[sku] = many
    return (None if lines is None else skus), units
