"""What a first import consists of, in one statement: rows that are new and stand alone.

The same rows written by the general statements of `apply_sql` cost half as much again: here nothing
is looked up, no table is made, and only the modes that occur are written.
"""

# ruff: noqa: S608 - composed of our own column names only; values are bound
from functools import cache

from sync.apply_sql import IDS, OFFERS_NEW, OWN_PRODUCTS, SKUS, STOCKS_NEW

ASKED = """SELECT coalesce(bool_and(NOT leaves AND listing IS NULL AND valid_from IS NULL
        AND valid_until IS NULL), false) AS plain,
    bool_or(dropship_price IS NOT NULL) AS dropship, bool_or(bulk_price IS NOT NULL) AS bulk,
    bool_or(affiliate_price IS NOT NULL) AS affiliate,
    bool_and(dropship_price IS NOT NULL OR bulk_price IS NOT NULL OR affiliate_price IS NOT NULL)
      AS priced
  FROM {rows} r"""
"""Whether rows, of which none is held yet, stand alone (no group, no date), in which modes they
are sold, and whether each is sold at all."""

_BATCH = """SELECT r.*, nextval('offers_id_seq') AS offer_id, nextval('skus_id_seq') AS sku_id,
    nextval('products_id_seq') AS product_id, 1 AS version, true AS fresh, true AS new_sku,
    coalesce(r.state, 'live') = 'live' AS is_live, true AS sets_stock,
    r.stock_state IS NOT NULL AS says_stock FROM {rows} r"""


def _terms(mode: str) -> str:
    bulk = mode == "bulk"
    return f"""INSERT INTO terms (offer_id, mode, moq, multiple, freight, ships_within_hours,
      cutoff, presale_ship_by, commission_rate, more)
    SELECT b.offer_id, '{mode}', {"coalesce(b.moq, 1)" if bulk else "1"}, coalesce(b.multiple, 1),
      b.freight::jsonb, b.ships_within_hours, b.cutoff, b.presale_ship_by,
      {"b.commission_rate" if mode == "affiliate" else "NULL"},
      {"b.bulk_terms::jsonb" if bulk else "NULL"}
    FROM batch b WHERE b.{mode}_price IS NOT NULL"""


def _prices(mode: str) -> str:
    tiers = "b.tiers::jsonb" if mode == "bulk" else "NULL"
    return f"""INSERT INTO prices (offer_id, mode, price, tiers, as_of)
    SELECT b.offer_id, '{mode}', b.{mode}_price, {tiers}, :as_of
    FROM batch b WHERE b.{mode}_price IS NOT NULL"""


def _points(mode: str) -> str:
    tiers = "b.tiers::jsonb" if mode == "bulk" else "NULL"
    return f"""INSERT INTO price_points (offer_id, mode, version, price, tiers, at)
    SELECT b.offer_id, '{mode}', 1, b.{mode}_price, {tiers}, clock_timestamp()
    FROM batch b WHERE b.{mode}_price IS NOT NULL"""


def _listed(modes: tuple[str, ...]) -> str:
    pairs = ", ".join(f"'{mode}', b.{mode}_price::text" for mode in modes)
    price = f"jsonb_build_object({pairs})"
    price = price if len(modes) == 1 else f"jsonb_strip_nulls({price})"
    return f"""INSERT INTO changes (offer_id, version, kind, sku_id, now, at)
    SELECT b.offer_id, 1, 'listed', b.sku_id, jsonb_build_object('price', {price}, 'stock',
      CASE WHEN b.says_stock THEN jsonb_build_object('state', b.stock_state,
        'quantity', b.stock_quantity) END), clock_timestamp()
    FROM batch b WHERE b.is_live"""


QUEUE = "INSERT INTO match_queue SELECT offer_id FROM batch ORDER BY offer_id"
"""They wait to be matched behind the run: see catalog.matching.settling."""


@cache
def write(modes: tuple[str, ...]) -> str:
    """The statement that writes rows sold in these modes, each row in one of them at least."""
    statements = [OWN_PRODUCTS, SKUS, OFFERS_NEW, STOCKS_NEW, _listed(modes), QUEUE]
    for mode in modes:
        statements += [_terms(mode), _prices(mode), _points(mode)]
    parts = ", ".join(f"i{at} AS ({statement})" for at, statement in enumerate(statements))
    return f"WITH batch AS MATERIALIZED ({_BATCH}), {parts} SELECT count(*) FROM batch"


FIGURES = f"""INSERT INTO figures (offer_id, kind, source, due_at)
    SELECT o.id, kind, o.source, clock_timestamp()
    FROM offers o, unnest(CAST(:figures AS text[])) kind WHERE {IDS} ON CONFLICT DO NOTHING"""
