"""Columns of text into columns of values: the regular form by expression, the rest one by one.

A column's few odd spellings are parsed once each in Python; what already has the plain form never
leaves Polars. Both ways must agree, which the tests hold them to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from .text import NOTHING, Bad

_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]"


@dataclass(frozen=True)
class Reading:
    """How one column is read.

    `gives` are the columns it becomes; `parse` reads one text into their values (a tuple where
    there are several) or raises Bad. `plain` is the pattern of texts that `fast` reads by itself.
    """

    gives: Mapping[str, pl.DataType]
    parse: Callable[[str], Any]
    plain: str | None = None
    fast: Callable[[pl.Expr], list[pl.Expr]] | None = None
    longest: int = 500


FAULT = "fault"


def tidy(column: str) -> pl.Expr:
    """Text without control characters and outer white space; null where it says nothing."""
    text = pl.col(column).str.replace_all(_CONTROL, "").str.strip_chars()
    return pl.when(text != "").then(text).alias(column)


def said(column: str) -> pl.Expr:
    """Null also for `-`, `/`, `N/A` and the like."""
    text = pl.col(column)
    return pl.when(~text.str.to_lowercase().is_in(list(NOTHING))).then(text).alias(column)


def read(texts: pl.Series, reading: Reading) -> pl.DataFrame:
    """The columns that `texts` becomes, and `fault`: why a text could not be read, else null."""
    frame = texts.alias("text").to_frame()
    if reading.plain is None or reading.fast is None:
        return _one_by_one(frame, reading)
    clean = frame.get_column("text").str.contains(reading.plain).fill_null(value=True)
    if clean.all():
        return _fast(frame, reading)
    odd = _one_by_one(frame.select(pl.when(~clean).then("text")), reading)
    fast = _fast(frame.select(pl.when(clean).then("text")), reading)
    return pl.select(
        *(pl.coalesce(fast[name], odd[name]).alias(name) for name in reading.gives), odd[FAULT]
    )


def _fast(frame: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    assert reading.fast is not None  # noqa: S101  # the caller looked
    values = [
        value.cast(dtype).alias(name)
        for (name, dtype), value in zip(
            reading.gives.items(), reading.fast(pl.col("text")), strict=True
        )
    ]
    return frame.select(*values, pl.lit(None, pl.String).alias(FAULT))


def _one_by_one(frame: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    texts = frame.get_column("text").drop_nulls().unique().to_list()
    values: list[tuple[Any, ...]] = []
    faults: list[str | None] = []
    for text in texts:
        try:
            if len(text) > reading.longest:
                raise Bad(f"the text is longer than {reading.longest:,} characters")
            value = reading.parse(text)
        except Bad as bad:
            values.append((None,) * len(reading.gives))
            faults.append(str(bad))
        else:
            values.append(value if len(reading.gives) > 1 else (value,))
            faults.append(None)
    known = pl.DataFrame(
        [
            pl.Series("text", texts, pl.String),
            *(
                pl.Series(name, [value[at] for value in values], dtype)
                for at, (name, dtype) in enumerate(reading.gives.items())
            ),
            pl.Series(FAULT, faults, pl.String),
        ]
    )
    return frame.join(known, on="text", how="left", maintain_order="left").drop("text")


PLAIN_PRICE = r"^(?:[1-9][0-9]{0,5}(\.[0-9]{1,4})?|0\.[0-9]{0,3}[1-9])$"
PLAIN_WHOLE = r"^[0-9]{1,9}$"
PLAIN_GTIN = r"^[0-9]{13}$"
PLAIN_ADDRESS = r"^https?://[A-Za-z0-9._~:/?#@!$&'()*+=%-]{1,1000}$"


def checked_gtin(text: pl.Expr) -> pl.Expr:
    """13 digits as GTIN-14, null where the check digit is wrong or the number is the shop's own."""
    digits = text.cast(pl.Int64)
    total = pl.sum_horizontal(
        (digits // 10**place % 10) * (3 if place % 2 else 1) for place in range(13)
    )
    prefix = digits // 10**11
    in_store = prefix.is_in([2, 4]) | (prefix // 10 == 2) | (digits == 0)
    return pl.when((total % 10 == 0) & ~in_store).then(pl.concat_str(pl.lit("0"), text))
