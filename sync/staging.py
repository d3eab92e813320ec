"""Where a run's rows wait between reading and applying: two tables of its own, without a log.

They survive the death of any process of ours and vanish with one DROP. After a crash of the
database itself they are empty; `intact` tells, and the run is read again (decision 0019).
"""

# ruff: noqa: S608 - composed of our own names and whole numbers only
from collections.abc import Iterable

import orjson
import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session
from xxhash import xxh3_128_hexdigest

from catalog import titles
from catalog.shop_names import Rules, seller_names
from connectors.columns import LISTING
from connectors.model import Reject
from kit.db import cursor

MAPPING = 2
"""Goes into every hash: raise it when the way from a source's row to our tables changes."""

_TYPES = {
    "pack": "int",
    "moq": "bigint",
    "multiple": "bigint",
    "stock_quantity": "bigint",
    "ships_within_hours": "int",
    "weight_g": "bigint",
    "presale_ship_by": "date",
    "expires_on": "date",
    "valid_from": "timestamptz",
    "valid_until": "timestamptz",
    "returnable": "boolean",
    "tax_rate": "numeric(5,4)",
    "commission_rate": "numeric(5,4)",
    "external_id": 'text COLLATE "C"',
    "listing": 'text COLLATE "C"',
    "gtin": 'text COLLATE "C"',
} | dict.fromkeys(
    (
        "dropship_price",
        "bulk_price",
        "affiliate_price",
        "msrp",
        "min_retail",
        "max_retail",
    ),
    "numeric(14,4)",
)
CONTENT = tuple(name for name in LISTING if name not in ("file", "line"))
"""What a row says, apart from where it stood."""

_JSON = (
    "attributes",
    "images",
    "materials",
    "tiers",
    "freight",
    "not_delivered_to",
    "bulk_terms",
)

ROW_TYPES = ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in CONTENT) + (
    ", shown text, price_as_of timestamptz, stock_as_of timestamptz"
)
"""JSON stays text here: only what changed is ever cast. `shown` is the title as products bear it,
where that differs; the moments say since when a price or stock is so, where that is not the run's
`as_of`. They are no content, and no part of the hash."""

FORM = xxh3_128_hexdigest(ROW_TYPES.encode(), MAPPING)
"""How rows are staged, as a comment on their table: those of another version are read again."""

_SLICE = 5_000
"""Rows that are text in memory at a time."""
_MOMENT = "%Y-%m-%d %H:%M:%S%.6f+00"


def keys_of(run_id: int) -> str:
    """The table of every row's external id and hash; without a number, what was there unread."""
    return f"staging.keys_{run_id}"


def rows_of(run_id: int) -> str:
    """The table of the rows that differ from what we hold."""
    return f"staging.rows_{run_id}"


def create(session: Session, run_id: int) -> None:
    """Empty tables for one run."""
    kinds = (
        (keys_of(run_id), 'n bigint, external_id text COLLATE "C", hash bytea'),
        (rows_of(run_id), f"n bigint, hash bytea, leaves boolean DEFAULT false, {ROW_TYPES}"),
    )
    for table, columns in kinds:
        session.execute(text(f"CREATE UNLOGGED TABLE {table} ({columns})"))
    session.execute(text(f"ALTER TABLE {rows_of(run_id)} ADD PRIMARY KEY (n)"))
    session.execute(text(f"COMMENT ON TABLE {rows_of(run_id)} IS '{FORM}'"))


def drop(session: Session, run_id: int) -> None:
    """Forget what a run has staged."""
    for kind in ("keys", "rows", "harm"):
        session.execute(text(f"DROP TABLE IF EXISTS staging.{kind}_{run_id}"))


def holds(session: Session, table: str, expected: int) -> bool:
    """Whether a table of this run is there with so many rows; a crashed server empties it."""
    there = session.execute(text("SELECT to_regclass(:t)"), {"t": table}).scalar_one()
    if there is None:
        return False
    return bool(session.execute(text(f"SELECT count(n) = {expected} FROM {table}")).scalar_one())


def fits(session: Session, run_id: int) -> bool:
    """Whether this version has staged the rows of a run, and so can apply them."""
    form = text("SELECT obj_description(to_regclass(:t), 'pg_class')")
    return bool(session.execute(form, {"t": rows_of(run_id)}).scalar_one() == FORM)


def hashed(rows: pl.DataFrame, first: int) -> pl.DataFrame:
    """The rows with `n`, counted from `first`, and `hash`, the hexadecimal digest of what they say.

    Stable across versions, machines and the other rows of the page: every value is written behind
    its column's name and its own length, unknown ones not at all.
    """
    rows = _sound(rows)
    said = [_said(name) for name in _stated(rows)]
    spelled = rows.select(pl.concat_str(said, ignore_nulls=True).cast(pl.Binary)).to_series()
    digests = ["\\x" + xxh3_128_hexdigest(spelling, MAPPING) for spelling in spelled.to_list()]
    return rows.with_columns(
        pl.int_range(first, first + len(rows), dtype=pl.Int64).alias("n"),
        pl.Series("hash", digests, pl.String),
    )


def _said(name: str) -> pl.Expr:
    value = pl.col(name).cast(pl.String)
    length = value.str.len_bytes().cast(pl.String)
    return pl.concat_str(pl.lit(f"\x1e{name}\x1f"), length, pl.lit(":"), value)


def _sound(rows: pl.DataFrame) -> pl.DataFrame:
    """Without NUL, which no text and no JSON of a database holds."""
    for name in _JSON:
        if (found := rows[name].str.contains(r"\u0000", literal=True).fill_null(value=False)).any():
            values = zip(rows[name].to_list(), found.to_list(), strict=True)
            clean = [_without_nul(value) if odd else value for value, odd in values]
            rows = rows.with_columns(pl.Series(name, clean, pl.String))
    return rows


def _without_nul(document: str) -> str:
    def clean(value: object) -> object:
        if isinstance(value, str):
            return value.replace("\0", "")
        if isinstance(value, list):
            return [clean(one) for one in value]
        if isinstance(value, dict):
            return {clean(key): clean(one) for key, one in value.items()}
        return value

    return orjson.dumps(clean(orjson.loads(document))).decode()


def _stated(rows: pl.DataFrame) -> list[str]:
    return [
        name for name in CONTENT if name == "external_id" or rows[name].null_count() < len(rows)
    ]


def copy(session: Session, table: str, rows: pl.DataFrame) -> None:
    """COPY the frame's columns, by their names, into a table."""
    if rows.is_empty():
        return
    columns = ", ".join(rows.columns)
    with cursor(session) as at, at.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as to:
        for some in rows.iter_slices(_SLICE):
            shown = some.write_csv(None, include_header=False, datetime_format=_MOMENT)
            to.write(shown.encode().replace(b"\0", b""))


def slim(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows from `hashed` without the columns of which nothing is stated."""
    return rows.select("n", "hash", *_stated(rows))


def titled(rows: pl.DataFrame, names: Rules) -> pl.DataFrame:
    """Rows from `slim` with the titles that products bear by `names`, where any differs."""
    shown = _shown(rows, names)
    return rows if shown.null_count() == len(rows) else rows.with_columns(shown)


def _shown(rows: pl.DataFrame, names: Rules) -> pl.Series:
    if "title" not in rows.columns:
        return pl.Series("shown", [None] * len(rows), pl.String)
    telling = pl.col("title").str.contains_any(names.words, ascii_case_insensitive=True)
    if "seller" in rows.columns:
        sellers = rows["seller"].drop_nulls().unique().to_list()
        called = {one: (seller_names(one) or (None,))[-1] for one in sellers}
        name = pl.col("seller").replace_strict(called, default=None, return_dtype=pl.String)
        title = pl.col("title").str.to_lowercase()
        telling = telling | title.str.contains(name, literal=True).fill_null(value=False)
    told = ("n", "title", "seller", "brand", "category")
    some = rows.filter(telling).select(*(name for name in told if name in rows.columns))
    found = {}
    for row in some.iter_rows(named=True):
        title = row["title"]
        shown = names.shown(title, row.get("seller"), row.get("brand"), row.get("category"))
        if shown != title:
            found[row["n"]] = shown
    return pl.Series("shown", [found.get(n) for n in rows["n"].to_list()], pl.String)


def name(session: Session, table: str, names: Rules) -> None:
    """Give staged rows the titles that products bear by this list."""
    asked = text(
        f"SELECT n, title, seller, brand, category, shown FROM {table} WHERE title IS NOT NULL"
    )
    told: dict[int, str | None] = {}
    for row in session.execute(asked, execution_options={"yield_per": _SLICE}):
        shown = names.shown(row.title, row.seller, row.brand, row.category)
        if (other := None if shown == row.title else shown) != row.shown:
            told[row.n] = other
    session.execute(
        text(f"""UPDATE {table} r SET shown = s.shown
            FROM unnest(CAST(:n AS bigint[]), CAST(:shown AS text[])) AS s(n, shown)
            WHERE r.n = s.n"""),
        {"n": list(told), "shown": list(told.values())},
    )


def follow(session: Session, run_id: int) -> None:
    """Name a run's rows anew where the list of shops' words was edited since they were read."""
    if session.execute(_EDITED, {"run": run_id}).scalar_one():
        name(session, rows_of(run_id), titles.rules(session))


_EDITED = text("""
    SELECT EXISTS (SELECT FROM shop_words w JOIN runs r ON r.id = :run
      WHERE w.updated_at > r.started_at - interval '5 seconds')
""")
"""Seconds for edits that were not committed yet when the run began."""


def reject(session: Session, run_id: int, rejects: Iterable[Reject]) -> None:
    """Keep the rows that could not be read."""
    into = 'COPY run_rejects (run_id, file, line, "column", value, reason, cells) FROM STDIN'
    with cursor(session) as at, at.copy(into) as to:
        for one in rejects:
            told = (one.file, one.column, one.value, one.reason, one.cells)
            texts = [t.replace("\0", "") for t in told]
            to.write_row((run_id, texts[0], one.line, *texts[1:]))
