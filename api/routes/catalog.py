"""What can be bought: every role reads it, each in its own way."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api import hindsight, present, replies
from api.callers import Caller, allow
from api.doors import Door, Straight, waiting
from api.queries import parameters, queried
from api.shapes.base import NO_NUL, REGION, IdPath, Key, Listed, Moment
from api.shapes.catalog import (
    CardOut,
    CategoriesOut,
    FacetsOut,
    HistoryOut,
    LookupIn,
    LookupOut,
    ProductOut,
    SellableOut,
    ThenOut,
)
from api.shapes.search import REGION_SAID, SearchIn, SearchPageIn
from catalog import reads, search
from catalog.search import Asked
from kit import clock
from kit.errors import FieldError, Problem, invalid
from kit.ids import inside
from trade import addresses, limits, orderable, places, selections
from trade.orderable import Inquiry

router = APIRouter(prefix="/v1", tags=["catalogue"])
busiest = APIRouter(prefix="/v1", tags=["catalogue"], route_class=Straight)

Reads = Annotated[Caller, Depends(allow("catalog:read"))]
Region = Annotated[str | None, Query(pattern=REGION, description=REGION_SAID)]


def asked_for(given: SearchIn) -> Asked:
    """A search as its query says it. Raises Problem 422."""
    low, high = _decimal(given.price_min), _decimal(given.price_max)
    if low is not None and high is not None and low > high:
        message = f"nothing costs at least {given.price_min} and at most {given.price_max}"
        raise invalid("price_min", message, "above_price_max")
    return Asked(
        text=given.q,
        category=given.category,
        brand=given.brand,
        gtin=given.gtin,
        mode=given.mode,
        price_min=low,
        price_max=high,
        margin_min=_decimal(given.margin_min),
        in_stock=given.in_stock,
        region=_place(given.region),
        source=given.source,
        sort=given.sort,
    )


@busiest.get(
    "/products",
    response_model=Listed[CardOut],
    summary="Find products",
    openapi_extra=parameters(SearchPageIn),
)
async def products(
    door: Annotated[Door, Depends(waiting("catalog:read"))],
    given: Annotated[SearchPageIn, Depends(queried(SearchPageIn))],
) -> Response:
    """Products that can be bought, at most 1,000 a search. Chinese words are cut as people read;
    other words for the same goods, pinyin, initials and slips are understood.

    `source` counts for operators and buyers only.
    """

    def page(caller: Caller) -> Response:
        asked, index, reader = asked_for(given), caller.office.index, caller.reader
        now = clock.now()
        found = search.found(caller.ask, index, asked, reader, now, given.limit, given.cursor)
        shown = [present.card(one) for one in found.items]
        return replies.answer({"items": shown, "next": found.next})

    return await door.answer(page)


@router.get("/products/{product_id}", response_model=ProductOut, summary="One product")
def product(caller: Reads, product_id: IdPath, region: Region = None) -> Response:
    """A product with all its SKUs; what is not for sale at the moment has no price."""
    number, place = inside("prd", product_id), resolved(region)
    with caller.own() as session:
        found = reads.product(session, number, caller.reader, clock.now(), place)
    if found is None:
        raise Problem(404, "not_found", f"there is no product {product_id!r}")
    return replies.answer(present.product(found))


@router.post("/skus/lookup", response_model=LookupOut, summary="Many SKUs at once")
def lookup(caller: Reads, asked: LookupIn) -> Response:
    """Up to 500 SKUs by our ids, GTINs or your own codes; one answer for each."""
    known = {sku: _sku(sku) for sku in asked.skus}
    with caller.own() as session:
        codes = selections.by_code(session, caller.party_id, asked.codes) if asked.codes else {}
        found = reads.lookup(
            session,
            caller.reader,
            clock.now(),
            sku_ids=[number for number in known.values() if number is not None],
            gtins=asked.gtins,
            codes={code: codes.get(code) for code in asked.codes},
            region=resolved(asked.region),
        )
    by_key = {one.asked: [present.sku(each) for each in one.skus] for one in found}
    return replies.answer(
        {
            "items": [
                *(_found("sku", sku, by_key.get(known[sku] or 0, [])) for sku in asked.skus),
                *(_found("gtin", gtin, by_key.get(gtin, [])) for gtin in asked.gtins),
                *(_found("code", code, by_key.get(code, [])) for code in asked.codes),
            ]
        }
    )


@router.get(
    "/skus/{sku_id}/price-history", response_model=HistoryOut, summary="What a SKU has cost"
)
def price_history(
    caller: Reads,
    sku_id: IdPath,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
) -> Response:
    """Prices as this reader paid them, the last 90 days unless asked otherwise: by the price rules,
    its level and what brands had opened to it at the time."""
    now = clock.now()
    end = until or now
    begin = since or end - timedelta(days=90)
    if begin > end:
        raise invalid("from", "it lies behind `to`", "empty_span")
    begin, end = min(begin, now), min(end, now)  # what is planned is no history
    with caller.own() as session:
        number = inside("sku", sku_id)
        _must_exist(caller, session, number, sku_id)
        eyes, _ = hindsight.of(session, caller, begin, end)
        points = reads.price_history(session, number, begin, end, eyes)
        taken = reads.of_today(session, begin, "sources", "offers", terms=["parts"])
    return replies.answer({"items": [present.point(one) for one in points], "of_today": taken})


@router.get("/skus/{sku_id}/at", response_model=ThenOut, summary="A SKU as it was")
def as_it_was(
    caller: Reads,
    sku_id: IdPath,
    moment: Moment,
    region: Region = None,
    party: Annotated[
        Key | None, Query(pattern=NO_NUL, description="Operators: what somebody else saw.")
    ] = None,
) -> Response:
    """Price, stock, corridor and whether it was for sale at `moment`, as this reader would have
    seen them: by the price rules, grants and price policies of that moment, and where the reader
    stood then. Stock is what was stated, less what we had reserved. `of_today` names what the
    answer had to take from today.

    Before the 30 days for which events are kept only prices are known: the rest is null.
    """
    now = clock.now()
    if moment > now:
        raise invalid("moment", "it has not come yet")
    with caller.seeing() as session:
        number = inside("sku", sku_id)
        _must_exist(caller, session, number, sku_id)
        eyes, rules = hindsight.of(session, caller, moment, moment, party)
        found = reads.as_it_was(session, number, eyes.at(moment), moment, now, resolved(region))
    return replies.answer(present.then(sku_id, moment, rules, found))


@router.get("/skus/{sku_id}/sellable", response_model=SellableOut, summary="Can it be sold there")
def sellable(
    caller: Reads,
    sku_id: IdPath,
    region: Region = None,
    quantity: Annotated[int, Query(ge=1, le=100_000)] = 1,
    mobile: Annotated[
        str | None,
        Query(
            max_length=40,
            pattern=NO_NUL,
            description="The recipient's: brands limit what one person gets in a day.",
        ),
    ] = None,
) -> Response:
    """Whether so many can be sold to that region by the piece, why not, and until when as far as
    that is known. Your own retail price, where you have picked the SKU, must be allowed there.

    With a region the answer is what a quote would say: units may come from several places, limits
    count, and `freight_amount` is what they cost to send. A platform is asked, for three seconds at
    most, where it alone can tell. Without a region, what it is to be asked does not count."""
    number, place = inside("sku", sku_id), resolved(region)
    recipient = _phone(mobile)
    now = clock.now()
    here, party, scopes = caller.office, caller.party_id, caller.identity.scopes
    desk = here.terms.desk
    had, met, stopped = {}, None, None
    orders = place and "orders:write" in scopes
    if "orders:read" in scopes or caller.grants.named:
        with caller.system() as session:  # what was bought lies behind the wall
            had = limits.had_today(session, party, number, now)
            if "orders:read" in scopes and not orders:
                stopped = orderable.ruled_out(session, desk, number, place, now)
    if orders:
        inquiry = Inquiry(party, number, quantity, place, recipient)
        met = orderable.verdict(here.platforms, inquiry)
    with caller.own() as session:
        asks = desk.asked
        found = reads.sellable(
            session, number, place, quantity, caller.reader, now, had=had, asks=asks
        )
        if found is not None and met is not None:
            found = orderable.joined(found, met)
        if found is not None:
            found = found.unless(stopped)
        if found is not None and "selections:read" in scopes:
            own = selections.price_reason(session, desk, party, number, place, now)
            found = found.unless(own)
    if found is None:
        raise Problem(404, "not_found", f"there is no SKU {sku_id!r}")
    return replies.answer(present.sellable(found))


@router.get("/categories", response_model=CategoriesOut, summary="Every category")
def categories(caller: Reads) -> Response:
    """Our tree as far as there are goods that you see, each category before those below it; then
    what sources call goods that are in no category of ours yet. `category=` takes code or name."""
    found = caller.office.index.categories(caller.reader)
    return replies.answer({"items": [vars(one) for one in found]})


@router.get("/brands", response_model=FacetsOut, summary="Every brand")
def brands(caller: Reads) -> Response:
    """Brands of goods that you see, by name."""
    found = caller.office.index.brands(caller.reader)
    items = [{"name": one.value, "products": one.products} for one in found]
    return replies.answer({"items": items})


def _place(region: str | None) -> str:
    """As `resolved`, or a whole province or city, as a facet names it."""
    if region is not None and len(region) < 6 and places.division(region):
        return region
    return resolved(region)


def resolved(region: str | None) -> str:
    """A region as we keep it; "" for none. Raises Problem 422."""
    if region is None:
        return ""
    code = places.resolve(region)
    if code is None:
        message = f"{region} is no county of GB/T 2260; name the district by 6, 9 or 12 digits"
        raise Problem(
            422, "invalid", f"region: {message}", errors=[FieldError("region", "invalid", message)]
        )
    return code


def _phone(mobile: str | None) -> str | None:
    """A recipient's number as orders keep it. Raises Problem 422."""
    if mobile is None:
        return None
    number = addresses.phone(mobile)
    if number is None:
        message = "give a mobile of 11 digits, a landline, or a virtual number with its extension"
        raise Problem(
            422, "invalid", f"mobile: {message}", errors=[FieldError("mobile", "invalid", message)]
        )
    return number


def _must_exist(caller: Caller, session: Any, number: int, sku_id: str) -> None:
    if not reads.lookup(session, caller.reader, clock.now(), sku_ids=[number])[0].skus:
        raise Problem(404, "not_found", f"there is no SKU {sku_id!r}")


def _found(kind: str, asked: str, skus: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": kind, "asked": asked, "found": bool(skus), "skus": skus}


def _sku(text: str) -> int | None:
    try:
        return inside("sku", text)
    except Problem:  # an id of another form stands for nothing here
        return None


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
