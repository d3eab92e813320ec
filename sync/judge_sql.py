"""The statements that judge a staged listing: what differs, what would vanish, what is harmful."""

# ruff: noqa: S608 - composed of our own names and whole numbers only
from sync.staging import keys_of, rows_of


def keep_last(table: str) -> str:
    """Of what a paged reading gave more than once, the last stands: it was read latest."""
    return f"""DELETE FROM {table} t USING (SELECT external_id, max(n) AS n FROM {table}
      GROUP BY external_id HAVING count(*) > 1) last
      WHERE t.external_id = last.external_id AND t.n < last.n"""


def doubled(run_id: int) -> str:
    """Rows of a file whose external id stood further up already."""
    keys = keys_of(run_id)
    return f"""DELETE FROM {keys} k USING (SELECT external_id, min(n) AS n FROM {keys}
      GROUP BY external_id HAVING count(*) > 1) first
      WHERE k.external_id = first.external_id AND k.n > first.n RETURNING k.n"""


def diff(run_id: int) -> str:
    """Staged rows that differ from the offers we hold (`n`), and offers that are absent
    (`offer_id` alone), in one join over both."""
    return f"""CREATE TEMP TABLE diff ON COMMIT DROP AS
      SELECT k.n, o.id AS offer_id, o.external_id, o.seen_at, o.state
      FROM (SELECT * FROM {keys_of(run_id)} WHERE n IS NOT NULL) k
      FULL JOIN (SELECT id, external_id, content_hash, state, seen_at FROM offers
        WHERE source = :source) o ON o.external_id = k.external_id
      WHERE o.id IS NULL OR k.n IS NULL AND o.state <> 'gone'
        OR k.n IS NOT NULL AND (o.content_hash <> k.hash OR o.state = 'gone')"""


DIFFERENT = "COPY (SELECT n FROM diff WHERE n IS NOT NULL) TO STDOUT"


def drop_equal(run_id: int) -> str:
    """Of rows that were staged whole, those that say nothing new."""
    return f"""DELETE FROM {rows_of(run_id)} r WHERE NOT r.leaves
      AND NOT EXISTS (SELECT FROM diff d WHERE d.n = r.n)"""


def stage_leaving(run_id: int) -> str:
    """Offers that are absent from a complete listing, as rows behind all others.

    What is there, though its row could not be read, is not absent.
    """
    unread = f"(SELECT external_id FROM {keys_of(run_id)} WHERE n IS NULL)"
    return f"""INSERT INTO {rows_of(run_id)} (n, external_id, hash, leaves)
      SELECT (SELECT next_row FROM runs WHERE id = :run) - 1
          + row_number() OVER (ORDER BY offer_id), external_id, '', true
      FROM diff d WHERE n IS NULL AND seen_at <= (SELECT as_of FROM runs WHERE id = :run)
        AND external_id NOT IN {unread}
        AND NOT EXISTS (SELECT FROM offers o WHERE o.id = d.offer_id AND o.listing IN {unread})
        AND NOT EXISTS (SELECT FROM {rows_of(run_id)} r
          WHERE r.leaves AND r.external_id = d.external_id)"""


def leave(run_id: int) -> str:
    """SKUs or listings that the source itself calls gone, as rows in their place."""
    return f"""INSERT INTO {rows_of(run_id)} (n, external_id, hash, leaves)
      SELECT :first - 1 + row_number() OVER (ORDER BY external_id), external_id, '', true FROM (
        SELECT external_id FROM offers WHERE source = :source AND external_id = ANY(:ids)
        UNION SELECT external_id FROM offers WHERE source = :source AND listing = ANY(:ids)) o"""


AWAITED = """SELECT DISTINCT o.id FROM reservations r JOIN offers o ON o.id = r.offer_id
  WHERE r.released_at IS NULL AND r.known_at < :as_of AND o.source = :source"""
"""Offers of which we have bought what their source knew of at that moment."""


def stated_again(rows: str) -> str:
    """Stock of `:offers` that some rows state as we hold it is as young as they are.

    Else what was bought would be taken off for ever from a number that never changes.
    """
    return f"""UPDATE stocks k SET as_of = :as_of FROM (
      SELECT k.offer_id FROM offers o JOIN {rows} r
        ON r.external_id = o.external_id AND r.hash = o.content_hash
      JOIN stocks k ON k.offer_id = o.id AND k.region = '' AND k.as_of < :as_of
      WHERE o.id = ANY(:offers) AND o.source = :source AND o.state <> 'gone'
      ORDER BY k.offer_id FOR UPDATE OF k) again
    WHERE k.offer_id = again.offer_id AND k.region = ''"""


LIVE = "SELECT count(*) FROM offers WHERE source = :source AND state = 'live'"


_MOVED = """bool_or(abs(x.price / nullif(p.price, 0) - 1) > :band
    OR abs(x.least / nullif(p.least, 0) - 1) > :band
    OR p.mode <> 'affiliate' AND x.price > r.msrp AND (p.price > s.msrp) IS NOT TRUE
    OR x.price IS NULL
      AND coalesce(r.dropship_price, r.bulk_price, r.affiliate_price) IS NOT NULL)"""
"""Beyond the band, for one piece or for many; above what its source recommends for retail, as where
two columns changed places; or no longer sold in some mode."""


def _least(tiers: str, price: str) -> str:
    """What a piece costs at most pieces."""
    return f"""coalesce((SELECT min((tier ->> 1)::numeric)
      FROM jsonb_array_elements(nullif({tiers}, 'null')) tier), {price})"""


def harm(run_id: int) -> str:
    """What a person should see first, with what was and what would be: rows that vanish (they are
    absent, withdrawn, or their prices are over), fall to no stock, move in price, no longer state
    the stock that they stated (unless such a listing is `:silent` on it), or become other goods: by
    their pack, or by a title to be compared (`retitled`)."""
    return f"""CREATE UNLOGGED TABLE staging.harm_{run_id} AS
      SELECT r.n, h.kind, r.external_id, coalesce(r.title, o.title) AS title, h.was, h.now
      FROM {rows_of(run_id)} r
      JOIN offers o ON o.source = :source AND o.external_id = r.external_id AND o.state = 'live'
      JOIN skus s ON s.id = o.sku_id
      LEFT JOIN LATERAL (SELECT jsonb_object_agg(p.mode, p.price::text) AS was, {_MOVED} AS moved
        FROM (SELECT mode, price, {_least("tiers", "price")} AS least FROM prices
          WHERE offer_id = o.id) p
        LEFT JOIN LATERAL (VALUES ('dropship', r.dropship_price, r.dropship_price),
          ('bulk', r.bulk_price, {_least("r.tiers::jsonb", "r.bulk_price")}),
          ('affiliate', r.affiliate_price, r.affiliate_price)) x(mode, price, least)
          ON x.mode = p.mode) p ON true
      LEFT JOIN stocks k ON k.offer_id = o.id AND k.region = '',
      LATERAL (SELECT r.leaves OR r.state <> 'live' OR r.valid_until <= clock_timestamp() AS over,
        CASE WHEN NOT r.leaves THEN jsonb_strip_nulls(jsonb_build_object(
          'state', coalesce(r.state, 'live'), 'valid_until', r.valid_until)) END AS said,
        jsonb_build_object('stock', k.state, 'quantity', k.quantity) AS had,
        jsonb_build_object('stock', r.stock_state, 'quantity', r.stock_quantity) AS has,
        coalesce(r.pack, 1) <> o.pack AS repacked,
        r.title <> o.title AND (r.gtin = o.gtin) IS NOT TRUE AS retitled) w,
      LATERAL (VALUES
        ('vanished', w.over, jsonb_build_object('price', p.was, 'stock', k.state), w.said),
        ('zeroed', r.stock_state = 'out' AND k.state IS DISTINCT FROM 'out', w.had, w.has),
        ('unstated', coalesce(r.stock_state, 'unknown') = 'unknown' AND NOT :silent
          AND (k.state = 'out' OR k.quantity IS NOT NULL), w.had, w.has),
        ('moved', p.moved, jsonb_build_object('price', p.was),
          jsonb_build_object('price', jsonb_strip_nulls(jsonb_build_object(
            'dropship', r.dropship_price::text, 'bulk', r.bulk_price::text,
            'affiliate', r.affiliate_price::text)))),
        (CASE WHEN w.repacked THEN 'renamed' ELSE 'retitled' END, w.repacked OR w.retitled,
          jsonb_build_object('title', o.title, 'pack', o.pack, 'unit', o.unit),
          jsonb_build_object('title', r.title, 'pack', coalesce(r.pack, 1), 'unit', r.unit))
        ) h(kind, counts, was, now)
      WHERE h.counts AND (h.kind = 'vanished' OR NOT r.leaves)"""


def retitled(run_id: int) -> str:
    """Goods with another title: what they were called, and are called."""
    return f"""SELECT n, was ->> 'title' AS was, now ->> 'title' AS now
      FROM staging.harm_{run_id} WHERE kind = 'retitled'"""


def renamed(run_id: int) -> str:
    """Of the goods with another title, only `:others` are other goods."""
    return f"""UPDATE staging.harm_{run_id} SET kind = 'renamed'
      WHERE kind = 'retitled' AND n = ANY(:others)"""


def alike(run_id: int) -> str:
    """The rest of them is no harm."""
    return f"DELETE FROM staging.harm_{run_id} WHERE kind = 'retitled'"


def measured(run_id: int) -> str:
    """How many rows of each kind of harm."""
    return f"SELECT kind, count(*) FROM staging.harm_{run_id} GROUP BY kind"
