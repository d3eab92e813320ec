"""How each unified column is read: declared once, for the fast way and the slow way."""

from datetime import UTC, date
from functools import partial

import orjson
import polars as pl

from connectors.columns import LISTING, PRICE
from kit.money import price_text

from . import cells, prices, values, words
from .cells import Reading
from .freight import freight
from .terms import IDENTIFIER

_LONG = 20_000
_INSTANT = LISTING["valid_from"]


def _price(text: str) -> tuple[object, ...]:
    stated = prices.price(text)
    return stated.amount, stated.per, stated.tax_included


def _fast_price(text: pl.Expr) -> list[pl.Expr]:
    nothing = pl.lit(None)
    return [text.cast(PRICE), nothing.cast(pl.String), nothing.cast(pl.Boolean)]


def _tiers(text: str) -> str:
    return orjson.dumps([[n, price_text(p)] for n, p in prices.tiers(text)]).decode()


def _fast_stock(text: pl.Expr) -> list[pl.Expr]:
    quantity = text.cast(pl.Int64)
    state = pl.when(quantity > 0).then(pl.lit("in_stock")).when(quantity == 0).then(pl.lit("out"))
    return [state, quantity]


def price(name: str) -> Reading:
    """A price column, with the unit and the tax that single cells state."""
    gives = {name: PRICE, f"{name}_per": pl.String(), f"{name}_tax": pl.Boolean()}
    return Reading(
        gives, _price, r"^(?:[1-9][0-9]{0,5}(\.[0-9]{1,4})?|0\.[0-9]{0,3}[1-9])$", _fast_price
    )


def addresses(name: str) -> Reading:
    """A column of web addresses; one alone is the plain form."""

    def fast(text: pl.Expr) -> list[pl.Expr]:
        return [pl.concat_str(pl.lit('["'), text, pl.lit('"]'))]

    return Reading({name: pl.String()}, words.addresses, cells.PLAIN_ADDRESS, fast, _LONG)


def readings(today: date, weight_unit: str) -> dict[str, Reading]:
    """Every column that is more than text. `today` is the listing's date in Shanghai."""

    def instant(text: str, *, end: bool) -> object:
        return values.moment(text, today, end=end).astimezone(UTC)

    return {
        "sku": IDENTIFIER,
        **{
            name: price(name)
            for name in ("price", "dropship_price", "msrp", "min_retail", "max_retail")
        },
        "gtin": Reading(
            {"gtin": pl.String()}, values.gtin, cells.PLAIN_GTIN, lambda t: [cells.checked_gtin(t)]
        ),
        "stock": Reading(
            {"stock_state": pl.String(), "stock_quantity": pl.Int64()},
            values.stock,
            cells.PLAIN_WHOLE,
            _fast_stock,
        ),
        "pack": Reading({"pack": pl.Int32()}, values.pack),
        "moq": Reading({"moq": pl.Int64()}, values.quantity),
        "multiple": Reading({"multiple": pl.Int64()}, values.quantity),
        "tiers": Reading({"tiers": pl.String()}, _tiers),
        "tax_rate": Reading({"tax_rate": LISTING["tax_rate"]}, prices.tax_rate),
        "tax_included": Reading({"tax_included": pl.Boolean()}, prices.tax_included),
        "invoice": Reading({"invoice": pl.String()}, words.invoice),
        "freight": Reading({"freight": pl.String()}, freight),
        "ships_within": Reading({"ships_within_hours": pl.Int32()}, values.hours),
        "cutoff": Reading({"cutoff": pl.String()}, words.cutoff),
        "presale_ship_by": Reading(
            {"presale_ship_by": pl.Date()}, partial(values.day, today=today)
        ),
        "valid_from": Reading({"valid_from": _INSTANT}, partial(instant, end=False)),
        "valid_until": Reading({"valid_until": _INSTANT}, partial(instant, end=True)),
        "expires_on": Reading({"expires_on": pl.Date()}, partial(values.day, today=today)),
        "returnable": Reading({"returnable": pl.Boolean()}, words.yes),
        "weight": Reading({"weight_g": pl.Int64()}, partial(values.weight, unit=weight_unit)),
        "images": addresses("images"),
        "materials": addresses("materials"),
        "attributes": Reading({"attributes": pl.String()}, words.attributes, longest=_LONG),
        "state": Reading({"state": pl.String()}, words.state),
        "not_delivered_to": Reading({"not_delivered_to": pl.String()}, words.regions),
    }
