"""Raw text columns into the shape of `LISTING`, and the rows that could not be read.

Which price is which:

* A sheet with a one-piece price (代发价): that is `dropship_price`; its `price` is `bulk_price`.
* A sheet without: `price` is the one-piece price where the order may be one piece (no MOQ, or 1),
  and also the bulk price where the row has quantity breaks or an MOQ above 1.
* Breaks without a price: the first break is the bulk price, its quantity the MOQ.
* Net prices (不含税) are grossed up with the row's, else the source's tax rate; without a known
  rate the row is refused. Retail prices (msrp, min_retail, max_retail) are always gross.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import orjson
import polars as pl

from connectors.columns import LISTING
from connectors.model import Page, Reject

from . import cells, terms
from .cells import FAULT
from .freight import freight
from .readings import readings
from .text import plain

TEXTS = (
    "title",
    "description",
    "listing",
    "brand",
    "category",
    "mpn",
    "seller",
    "unit",
    "tax_code",
    "ships_from",
)
_ERROR = r"^#(?:REF|NAME|VALUE|DIV/0|NULL|NUM|公式未计算)[!?]$"
_NO_RESULT = "the formula has no result; open the file in Excel, correct the formula and save"
VARIANT = "variant:"
"""Prefix of raw columns that become attributes."""


@dataclass(frozen=True)
class Defaults:
    """What holds for rows that say nothing themselves."""

    freight: str | None = None
    tax_included: bool = True
    tax_rate: Decimal | None = None
    invoice: str | None = None
    weight_unit: str = "kg"


class Normaliser:
    """Reads the pages of one listing. `left_out` counts values that rows were loaded without."""

    def __init__(self, defaults: Defaults, today: date) -> None:
        self.left_out: dict[str, int] = {}
        self._defaults = defaults
        self._freight = freight(defaults.freight) if defaults.freight else None
        self._readings = {unit: readings(today, unit) for unit in ("kg", "g")}

    def __call__(self, raw: pl.DataFrame, labels: Mapping[str, str]) -> Page:
        """Good rows as `LISTING`, and what failed. `raw` has `file`, `line` and unified names as
        text."""
        raw, uncomputed = _without_errors(_tidied(raw))
        frame = raw.select("file", "line", *(_text(name, raw) for name in TEXTS))
        found = uncomputed + terms.required(raw) + terms.too_long(raw, TEXTS)
        for name, reading in self._readings[self._weight_unit(labels)].items():
            if name in raw.columns:
                done = cells.read(raw[name], reading)
                found.append((name, done[FAULT]))
                self._count(name, raw, done)
                frame = frame.hstack(done.drop(FAULT))
            else:
                frame = frame.with_columns(
                    pl.lit(None, dtype).alias(column) for column, dtype in reading.gives.items()
                )
        frame = self._with_defaults(_taxed_by_header(_with_variants(frame, raw), labels))
        frame, contradictions = terms.settled(frame, has_dropship="dropship_price" in raw.columns)
        found += contradictions
        good = pl.select(~pl.any_horizontal(fault.is_not_null() for _, fault in found)).to_series()
        rows = frame.filter(good)
        page = rows.select(
            (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in LISTING.items()
        )
        unread = frame.filter(~good)["external_id"].drop_nulls()
        return Page(page, _rejects(raw, found, labels), unread=tuple(unread))

    def _count(self, name: str, raw: pl.DataFrame, done: pl.DataFrame) -> None:
        """A shop's own codes in the barcode column are no GTINs; their rows load without one."""
        if name == "gtin":
            nothing = done["gtin"].is_null() & done[FAULT].is_null() & raw["gtin"].is_not_null()
            self.left_out[name] = self.left_out.get(name, 0) + int(nothing.sum())

    def _weight_unit(self, labels: Mapping[str, str]) -> str:
        label = plain(labels.get("weight", "")).lower()
        if re.search(r"kg|公斤|千克", label):
            return "kg"
        return "g" if re.search(r"克|\bg\b", label) else self._defaults.weight_unit

    def _with_defaults(self, frame: pl.DataFrame) -> pl.DataFrame:
        given = self._defaults
        return frame.with_columns(
            pl.col("freight").fill_null(pl.lit(self._freight, pl.String)),
            pl.col("invoice").fill_null(pl.lit(given.invoice, pl.String)),
            pl.col("tax_rate").fill_null(pl.lit(given.tax_rate, LISTING["tax_rate"])),
            pl.col("tax_included").fill_null(given.tax_included),
            pl.col("state").fill_null("live"),
        )


def _taxed_by_header(frame: pl.DataFrame, labels: Mapping[str, str]) -> pl.DataFrame:
    """`供货价（不含税）` speaks for every cell below it that says nothing itself."""
    for name in ("price", "dropship_price"):
        label = plain(labels.get(name, ""))
        if re.search(r"含税|未税", label):
            gross = not re.search(r"不含税|未含税|未税", label)
            frame = frame.with_columns(pl.col(f"{name}_tax").fill_null(gross))
    return frame


def _tidied(raw: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in raw.columns if name not in ("file", "line")]
    raw = raw.with_columns(cells.tidy(name) for name in names)
    return raw.with_columns(cells.said(name) for name in names if name not in ("sku", "stock"))


def _without_errors(raw: pl.DataFrame) -> tuple[pl.DataFrame, list[terms.Fault]]:
    """Cells like `#REF!` say nothing and are refused, in whichever column they stand."""
    faults: list[terms.Fault] = []
    for name in raw.columns:
        if name in ("file", "line"):
            continue
        if not raw[name].str.starts_with("#").any():
            continue
        wrong = raw[name].str.contains(_ERROR).fill_null(value=False)
        if wrong.any():
            faults.append((name, pl.select(pl.when(wrong).then(pl.lit(_NO_RESULT))).to_series()))
    return raw, faults


def _text(name: str, raw: pl.DataFrame) -> pl.Expr:
    if name not in raw.columns:
        return pl.lit(None, pl.String).alias(name)
    return pl.col(name) if name == "description" else pl.col(name).str.replace_all(r"\s+", " ")


def _with_variants(frame: pl.DataFrame, raw: pl.DataFrame) -> pl.DataFrame:
    """规格, 颜色, 尺码 columns join what the attributes column says."""
    names = sorted(name for name in raw.columns if name.startswith(VARIANT))
    if not names:
        return frame
    keys = [name.removeprefix(VARIANT) for name in names]
    combined = raw.select(pl.struct(names).alias("v")).unnest("v").unique()
    spelled = [_object(keys, row) for row in combined.iter_rows()]
    known = combined.with_columns(pl.Series("spelled", spelled, pl.String))
    joined = raw.select(names).join(
        known, on=names, how="left", nulls_equal=True, maintain_order="left"
    )["spelled"]
    both = frame.get_column("attributes")
    if both.null_count() == len(both):
        return frame.with_columns(joined.alias("attributes"))
    merged = [_merged(a, b) for a, b in zip(both.to_list(), joined.to_list(), strict=True)]
    return frame.with_columns(pl.Series("attributes", merged, pl.String))


def _object(keys: list[str], row: tuple[str | None, ...]) -> str | None:
    pairs = {key: " ".join(value.split()) for key, value in zip(keys, row, strict=True) if value}
    return orjson.dumps(pairs, option=orjson.OPT_SORT_KEYS).decode() if pairs else None


def _merged(first: str | None, second: str | None) -> str | None:
    if first is None or second is None:
        return first or second
    pairs = orjson.loads(second) | orjson.loads(first)
    return orjson.dumps(pairs, option=orjson.OPT_SORT_KEYS).decode()


_MOST_CELLS = 20_000
"""Characters of a rejected row that are kept to be corrected."""


def _rejects(
    raw: pl.DataFrame, found: list[tuple[str, pl.Series]], labels: Mapping[str, str]
) -> list[Reject]:
    """One reject for every cell at fault, in the order of the file."""
    parts = [
        raw.select(
            "file",
            "line",
            pl.lit(labels.get(name, name)).alias("column"),
            (pl.col(name) if name in raw.columns else pl.lit(None, pl.String)).alias("value"),
            fault.alias("reason"),
        ).filter(pl.col("reason").is_not_null())
        for name, fault in found
        if fault.null_count() < len(fault)
    ]
    if not parts:
        return []
    listed = (
        pl.concat(parts)
        .unique(["file", "line", "column"], keep="first", maintain_order=True)
        .sort("file", "line", maintain_order=True)
    )
    whole = _whole(raw, listed.select("file", "line"), labels)
    return [
        Reject(f, n, c, (v or "")[:200], r, whole.pop((f, n), ""))
        for f, n, c, v, r in listed.iter_rows()
    ]


def _whole(
    raw: pl.DataFrame, places: pl.DataFrame, labels: Mapping[str, str]
) -> dict[tuple[str, int], str]:
    """The cells of the rows at these places, by file and line, under the words of their sheet."""
    names = [name for name in raw.columns if name not in ("file", "line")]
    heads = [labels.get(name, name.removeprefix(VARIANT)) for name in names]
    rows = raw.join(places, on=["file", "line"], how="semi").select("file", "line", *names)
    told = {}
    for file, line, *texts in rows.iter_rows():
        said = {head: text for head, text in zip(heads, texts, strict=True) if text is not None}
        cells_told = orjson.dumps(said).decode()
        told[file, line] = cells_told if len(cells_told) <= _MOST_CELLS else ""
    return told
