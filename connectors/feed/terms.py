"""What a row's cells mean together: required facts, units, tax, dropship and bulk terms."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

import orjson
import polars as pl

from connectors.columns import PRICE
from kit.money import price_text

from . import values
from .cells import Reading
from .prices import PLACES

Fault = tuple[str, pl.Series]
"""A unified column, and for every row why its cell is refused, else null."""

IDENTIFIER = Reading(
    {"external_id": pl.String()},
    values.identifier,
    r"^(?:[0-9]{1,40}|[0-9A-DF-Za-df-z_-]{1,40})$",
    lambda t: [t],
)
"""Whatever could be scientific notation or quoting takes the slow way."""

_OURS = ("price", "dropship_price")
_SHORT, _LONG = 500, 20_000
_FIRST_BREAK = r'^\[\[([0-9]+),"([0-9.]+)"'


def required(raw: pl.DataFrame) -> list[Fault]:
    """Rows whose code, title or price is an empty cell."""
    priced = [pl.col(name) for name in (*_OURS, "tiers") if name in raw.columns]
    name = "price" if "price" in raw.columns else "dropship_price"
    return [
        _fault(
            raw, "sku", pl.col("sku").is_null(), "the cell is empty; every row needs its own code"
        ),
        _fault(
            raw, "title", pl.col("title").is_null(), "the cell is empty; every row needs a title"
        ),
        _fault(
            raw,
            name,
            pl.all_horizontal(*(p.is_null() for p in priced)),
            "the cell is empty; every row needs a price",
        ),
    ]


def too_long(raw: pl.DataFrame, texts: Iterable[str]) -> list[Fault]:
    """Texts beyond what a catalogue holds; usually a quotation mark was lost."""
    faults = []
    for name in texts:
        most = _LONG if name == "description" else _SHORT
        if name in raw.columns and (raw[name].str.len_bytes() > most).any():
            long = pl.col(name).str.len_chars() > most
            faults.append(_fault(raw, name, long, f"the text is longer than {most:,} characters"))
    return faults


def settled(frame: pl.DataFrame, *, has_dropship: bool) -> tuple[pl.DataFrame, list[Fault]]:
    """The frame with tax-inclusive `dropship_price` and `bulk_price`, and its contradictions."""
    faults = _units(frame) + _net_without_rate(frame)
    unit = pl.coalesce("unit", "price_per", "dropship_price_per")
    frame = _modes(_grossed(frame.with_columns(unit.alias("unit"))), has_dropship=has_dropship)
    return frame, faults + _contradictions(frame)


def _fault(frame: pl.DataFrame, name: str, wrong: pl.Expr, reason: str | pl.Expr) -> Fault:
    words = pl.lit(reason) if isinstance(reason, str) else reason
    return name, frame.select(pl.when(wrong).then(words).alias("fault")).to_series()


def _units(frame: pl.DataFrame) -> list[Fault]:
    """`￥1.20/斤` in a row sold by the 箱 is no price of that 箱."""
    return [
        _fault(
            frame,
            name,
            pl.col(f"{name}_per") != pl.col("unit"),
            pl.format("the price is for one {}, but the row is sold by {}", f"{name}_per", "unit"),
        )
        for name in _OURS
    ]


def _net(name: str) -> pl.Expr:
    return ~pl.coalesce(pl.col(f"{name}_tax"), pl.col("tax_included"))


def _net_without_rate(frame: pl.DataFrame) -> list[Fault]:
    reason = (
        "the price is without tax and no tax rate is known; add a tax rate column or set "
        "tax_rate for this source"
    )
    return [
        _fault(
            frame,
            name,
            pl.col(name).is_not_null() & _net(name) & pl.col("tax_rate").is_null(),
            reason,
        )
        for name in _OURS
    ]


def _grossed(frame: pl.DataFrame) -> pl.DataFrame:
    """Net prices with tax, rounded half up to four places, in integers of a ten-thousandth."""
    if not frame.select(pl.any_horizontal(_net(name) for name in _OURS).any()).item():
        return frame
    rate = (pl.col("tax_rate") * 10_000).cast(pl.Int64)
    gross = [
        pl.when(_net(name))
        .then(
            ((_units_of(name) * (10_000 + rate) + 5_000) // 10_000).cast(pl.Decimal(18, 4)) / 10_000
        )
        .otherwise(pl.col(name))
        .cast(PRICE)
        .alias(name)
        for name in _OURS
    ]
    breaks = [
        _breaks_with_tax(text, rate) if net and text and rate is not None else text
        for text, rate, net in frame.select("tiers", "tax_rate", _net("price")).iter_rows()
    ]
    return frame.with_columns(*gross, pl.Series("tiers", breaks, pl.String))


def _units_of(name: str) -> pl.Expr:
    return (pl.col(name) * 10_000).cast(pl.Int64)


def _breaks_with_tax(text: str, rate: Decimal) -> str:
    return orjson.dumps(
        [
            [n, price_text((Decimal(p) * (1 + rate)).quantize(PLACES, rounding=ROUND_HALF_UP))]
            for n, p in orjson.loads(text)
        ]
    ).decode()


def _modes(frame: pl.DataFrame, *, has_dropship: bool) -> pl.DataFrame:
    first = pl.col("tiers").str.extract(_FIRST_BREAK, 2).cast(PRICE)
    start = pl.col("tiers").str.extract(_FIRST_BREAK, 1).cast(pl.Int64)
    by_lot = pl.lit(has_dropship) | pl.col("tiers").is_not_null() | (pl.col("moq") > 1)
    bulk = pl.coalesce(pl.when(by_lot.fill_null(value=False)).then("price"), first)
    by_piece = pl.col("dropship_price")
    if not has_dropship:
        by_piece = pl.when(pl.col("moq").fill_null(1) <= 1).then("price")
    moq = pl.when(pl.col("price").is_null()).then(pl.coalesce("moq", start)).otherwise("moq")
    return frame.with_columns(
        by_piece.alias("dropship_price"),
        bulk.alias("bulk_price"),
        moq.alias("moq"),
        first.alias("first"),
    )


def _contradictions(frame: pl.DataFrame) -> list[Fault]:
    return [
        _fault(
            frame,
            "tiers",
            pl.col("first") > pl.col("bulk_price"),
            pl.format(
                "the first break costs {} a piece, more than the price {}", "first", "bulk_price"
            ),
        ),
        _fault(
            frame,
            "min_retail",
            pl.col("min_retail") > pl.col("max_retail"),
            pl.format("the lowest retail price is above the highest, {}", "max_retail"),
        ),
        _fault(
            frame,
            "valid_until",
            pl.col("valid_until") <= pl.col("valid_from"),
            "the price ends before it begins",
        ),
    ]
