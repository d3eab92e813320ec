"""One listing at a time, as its supplier sends it: the same fields, checks and events as a sheet.

A listing goes through the feed's own reader, so that a price, a stock or a freight is read in one
way only, however it came. All of it runs in system scope and filters by source.
"""

import tempfile
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args

import orjson
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from catalog.matching.gtin import as_printed
from catalog.models import Offer
from connectors.errors import SupplierError
from connectors.feed import values
from connectors.feed.prices import LARGEST
from connectors.feed.text import Bad
from connectors.model import Lists, Page, PriceFact, StockFact
from connectors.registry import open_source
from kit.errors import FieldError, Problem, invalid
from kit.ids import outside
from kit.money import price_text
from sync import figures, messages, runs
from sync.apply import Traits
from sync.figures import Answer

StockState = Literal["in_stock", "low", "out"]
_STATED: tuple[StockState, ...] = get_args(StockState)

_OWN = ("location", "format", "columns", "encoding", "sheet", "header_row", "complete")
"""Keys of a feed that say how its files look: what is handed in has a form of its own."""


def put(
    session: Session,
    source: str,
    config: Mapping[str, Any] | None,
    external_id: str,
    fields: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """Offer `external_id` with these unified fields, or change what is offered; returns its view.

    `config` are the source's settings, where it has any: what they say of tax and freight holds.
    Raises Problem 422 that says which field cannot be read, 409 for a platform's source.
    """
    page = _read(source, config or {"kind": "feed"}, external_id, fields, now)
    named = str(page.rows["external_id"][0])  # as a sheet's would be: without outer blanks
    run_id = runs.begin(session, source, kind="messages", as_of=now)
    changed, gone = messages.write(session, run_id, source, page, now, Traits(), [named])
    session.execute(
        text("UPDATE runs SET pages = 1, seen = 1, changed = :c, gone = :g WHERE id = :run"),
        {"c": changed, "g": gone, "run": run_id},
    )
    runs.end(session, run_id, "done")
    return get(session, source, named)


def stock_said(words: str) -> tuple[StockState, int | None]:
    """Stock as a row of a price list states it: `30`, `有货`, `0`. Raises Problem 422."""
    try:
        state, quantity = values.stock(words)
    except Bad as error:
        raise invalid("stock", str(error), "unreadable") from error
    if state not in _STATED:
        raise invalid("stock", f"“{words}” says nothing of stock; write a number, 有货 or 无货")
    return state, quantity


def set_stock(
    session: Session,
    source: str,
    external_id: str,
    state: StockState,
    quantity: int | None,
    now: datetime,
) -> dict[str, Any]:
    """What there is of it now; `quantity` None: no number is stated. Raises Problem 404."""
    offer = _own(session, source, external_id)
    fact = StockFact(external_id, state, quantity)
    answer = Answer([(offer.id, external_id)], now, "", [fact])
    figures.record(session, source, figures.STOCK, [answer], {})
    return get(session, source, external_id)


def set_price(
    session: Session,
    source: str,
    external_id: str,
    price: Decimal,
    now: datetime,
) -> dict[str, Any]:
    """What a piece costs now, tax included; bulk prices stay. Raises Problem 404, and 422 for a
    price that no price list may state."""
    if not 0 < price <= LARGEST:
        raise invalid("price", f"a price is more than 0 and at most {LARGEST:,}", "out_of_range")
    offer = _own(session, source, external_id)
    bulk = session.execute(_BULK, {"offer": offer.id}).one_or_none()
    tiers = tuple((int(n), Decimal(cost)) for n, cost in (bulk.tiers or ())) if bulk else ()
    fact = PriceFact(external_id, price, bulk.price if bulk else None, tiers)
    answer = Answer([(offer.id, external_id)], now, "", [fact])
    figures.record(session, source, figures.PRICE, [answer], {})
    return get(session, source, external_id)


def get(session: Session, source: str, external_id: str) -> dict[str, Any]:
    """One listing as its supplier sees it. Raises Problem 404."""
    offer = _own(session, source, external_id)
    row = session.execute(_PAGE, _asked(source, external_id=offer.external_id)).one()
    return _view(row)


def terms_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a file supplier's settings say, but for the form of its files.

    Raises Problem 409 for a platform's source.
    """
    if config.get("kind") != "feed":
        raise Problem(
            409, "platform_source", "what this source offers is read from its platform, not here"
        )
    return {name: value for name, value in config.items() if name not in _OWN}


def page(
    session: Session, source: str, *, limit: int = 50, after: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """A supplier's listings, the oldest first, and where the next page starts."""
    rows = session.execute(_PAGE, _asked(source, after=after or 0, limit=limit + 1)).all()
    more = len(rows) > limit
    return [_view(row) for row in rows[:limit]], rows[limit - 1].id if more else None


_BULK = text("SELECT price, tiers FROM prices WHERE offer_id = :offer AND mode = 'bulk'")
_PAGE = text("""
    SELECT o.id, o.external_id, o.sku_id, o.title, o.brand, o.category, o.gtin, o.state, o.seen_at,
           d.price AS dropship, b.price AS bulk, b.tiers, t.moq, t.freight,
           s.state AS stock_state, s.quantity
    FROM offers o
    LEFT JOIN prices d ON d.offer_id = o.id AND d.mode = 'dropship'
    LEFT JOIN prices b ON b.offer_id = o.id AND b.mode = 'bulk'
    LEFT JOIN terms t ON t.offer_id = o.id AND t.mode = 'dropship'
    LEFT JOIN stocks s ON s.offer_id = o.id AND s.region = ''
    WHERE o.source = :source AND o.id > :after
      AND (CAST(:external_id AS text) IS NULL OR o.external_id = :external_id)
    ORDER BY o.id LIMIT :limit
""")


def _asked(
    source: str, *, external_id: str | None = None, after: int = 0, limit: int = 1
) -> dict[str, Any]:
    return {"source": source, "external_id": external_id, "after": after, "limit": limit}


def _view(row: Any) -> dict[str, Any]:
    return {
        "external_id": row.external_id,
        "sku": outside("sku", row.sku_id),
        "title": row.title,
        "brand": row.brand,
        "category": row.category,
        "gtin": as_printed(row.gtin),
        "state": "draft" if row.state == "off" else row.state,
        "price": None if row.dropship is None else price_text(row.dropship),
        "bulk_price": None if row.bulk is None else price_text(row.bulk),
        "tiers": [{"quantity": int(n), "price": price_text(Decimal(p))} for n, p in row.tiers]
        if row.tiers
        else None,
        "freight": row.freight,
        "stock": {"state": row.stock_state or "unknown", "quantity": row.quantity},
        "seen_at": row.seen_at,
    }


def _own(session: Session, source: str, external_id: str) -> Offer:
    row = session.scalar(
        select(Offer)
        .where(Offer.source == source, Offer.external_id == external_id)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise Problem(404, "not_found", f"you have no listing {external_id!r}")
    return row


def _read(
    source: str,
    config: Mapping[str, Any],
    external_id: str,
    fields: Mapping[str, Any],
    now: datetime,
) -> Page:
    kept = terms_of(config)
    given = {"sku": external_id} | {name: _text(value) for name, value in fields.items()}
    with tempfile.TemporaryDirectory(prefix="huopan-listing-") as folder:
        file = Path(folder) / "listing.jsonl"
        file.write_bytes(orjson.dumps(given))
        form = {"location": str(file), "format": "jsonl", "complete": False}
        form["columns"] = {name: name for name in given}
        opened = open_source(source, kept | form)
        if not isinstance(opened, Lists):
            raise Problem(409, "platform_source", "this source lists nothing here")
        found: list[Page] = []
        try:
            for one in opened.items().pages:
                found.append(one)
        except SupplierError as error:
            if not any(one.rejects for one in found):
                raise _unreadable(error.message) from error
    rejects = [reject for one in found for reject in one.rejects]
    if rejects:
        errors = [FieldError(one.column, "unreadable", one.reason) for one in rejects]
        raise _unreadable(f"{errors[0].field}: {errors[0].message}", errors)
    return next(one for one in found if len(one.rows))


def _unreadable(message: str, errors: list[FieldError] | None = None) -> Problem:
    return Problem(422, "invalid", message, errors=errors or [])


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
