"""The statements that apply one batch of staged rows, in the order in which they are executed.

`{rows}` are the staged rows of the batch's span. `batch` has them with what they are to become, and
what their offers were before the first statement touched them; nothing is joined with it again.
"""

# One look-up a row (LIMIT 1) keeps the planner from reading a whole table for a batch.
# ruff: noqa: S608 - composed of our own column names only; values are bound
IDS = """o.source = :source AND o.external_id = ANY(ARRAY(SELECT external_id FROM {rows} r))"""
LOCK_OFFERS = f"SELECT FROM offers o WHERE {IDS} ORDER BY o.id FOR UPDATE"
LOCK_STOCKS = f"""SELECT FROM stocks k WHERE offer_id = ANY(ARRAY(
    SELECT o.id FROM offers o WHERE {IDS})) ORDER BY offer_id, region FOR UPDATE"""

_OFFER = (  # column, what a staged row makes of it
    ("listing", "r.listing"),
    ("seller", "r.seller"),
    ("title", "r.title"),
    ("brand", "r.brand"),
    ("category", "r.category"),
    ("gtin", "r.gtin"),
    ("mpn", "r.mpn"),
    ("pack", "coalesce(r.pack, 1)"),
    ("unit", "r.unit"),
    ("attributes", "r.attributes::jsonb"),
    ("tax_rate", "r.tax_rate"),
    ("tax_code", "r.tax_code"),
    ("invoice", "r.invoice"),
    ("min_retail", "r.min_retail"),
    ("max_retail", "r.max_retail"),
    ("weight_g", "r.weight_g"),
    ("returnable", "r.returnable"),
    ("expires_on", "r.expires_on"),
    ("ships_from", "r.ships_from"),
    ("not_delivered_to", "r.not_delivered_to::jsonb"),
)
_TERMS = (  # staged column, what the terms hold, what the staged row makes of it
    ("moq", "t.moq", "CASE WHEN r.bulk_price IS NOT NULL THEN coalesce(r.moq, 1) END"),
    ("multiple", "t.multiple", "coalesce(r.multiple, 1)"),
    ("freight", "t.freight", "r.freight::jsonb"),
    ("ships_within_hours", "t.ships_within_hours", "r.ships_within_hours"),
    ("cutoff", "t.cutoff", "r.cutoff"),
    ("presale_ship_by", "t.presale_ship_by", "r.presale_ship_by"),
    ("commission_rate", "t.commission_rate", "r.commission_rate"),
    ("bulk_terms", "t.more", "r.bulk_terms::jsonb"),
    ("tiers", "p.tiers", "r.tiers::jsonb"),
)


def _object(pairs: list[tuple[str, str]]) -> str:
    return "jsonb_build_object(" + ", ".join(f"'{name}', {value}" for name, value in pairs) + ")"


_OLD = [(c, f"o.{c}") for c, _ in _OFFER] + [(c, was) for c, was, _ in _TERMS]
_NEW = list(_OFFER) + [(c, now) for c, _, now in _TERMS]
_RETOLD = f"({', '.join(v for _, v in _OLD)}) IS DISTINCT FROM ({', '.join(v for _, v in _NEW)})"
_IMAGE = _object(
    [
        *_OLD,
        ("external_id", "o.external_id"),
        ("state", "o.state"),
        ("hash", "encode(o.content_hash, 'hex')"),
        ("msrp", "k.msrp"),
        ("dropship_price", "p.dropship"),
        ("bulk_price", "p.bulk"),
        ("affiliate_price", "p.affiliate"),
        ("valid_until", "p.valid_until"),
        ("stock_state", "st.state"),
        ("stock_quantity", "st.quantity"),
        ("price_as_of", "p.as_of"),
        ("stock_as_of", "st.as_of"),
    ]
)

_OLD_OFFER = """LATERAL (SELECT * FROM offers
  WHERE source = :source AND external_id = r.external_id LIMIT 1) o"""
_OLD_PRICES = """LATERAL (SELECT jsonb_object_agg(mode, price::text) AS was, max(as_of) AS as_of,
    max(price) FILTER (WHERE mode = 'dropship') AS dropship,
    max(price) FILTER (WHERE mode = 'bulk') AS bulk,
    max(price) FILTER (WHERE mode = 'affiliate') AS affiliate, max(valid_until) AS valid_until,
    (array_agg(tiers) FILTER (WHERE mode = 'bulk'))[1] AS tiers
  FROM prices WHERE offer_id = o.id) p"""
_OLD_TERMS = """LATERAL (SELECT max(moq) FILTER (WHERE mode = 'bulk') AS moq,
    max(multiple) AS multiple, (array_agg(freight))[1] AS freight,
    max(ships_within_hours) AS ships_within_hours, max(cutoff) AS cutoff,
    max(presale_ship_by) AS presale_ship_by, max(commission_rate) AS commission_rate,
    (array_agg(more) FILTER (WHERE mode = 'bulk'))[1] AS more
  FROM terms WHERE offer_id = o.id) t"""

_SPAN = f"""SELECT b.*,
    NOT leaves AND phase <> 'planned' AND NOT silent AND NOT younger_price AS sets_price,
    NOT leaves AND (says_stock OR NOT :states_stock) AND NOT younger_stock AS sets_stock
  FROM (SELECT r.*, coalesce(o.id, nextval('offers_id_seq')) AS offer_id,
    coalesce(o.sku_id, nextval('skus_id_seq')) AS sku_id,
    coalesce(k.product_id, nextval('products_id_seq')) AS product_id,
    o.id IS NULL AS fresh, o.id IS NULL AS new_sku,
    coalesce(o.version, 0) + 1 AS version, coalesce(o.state = 'live', false) AS was_live,
    NOT r.leaves AND coalesce(r.state, 'live') = 'live' AS is_live,
    CASE WHEN r.valid_from > clock_timestamp() THEN 'planned'
      WHEN r.valid_until <= clock_timestamp() THEN 'over' ELSE 'now' END AS phase,
    :quotes AND r.dropship_price IS NULL AND r.bulk_price IS NULL AND r.affiliate_price IS NULL
      AS silent,
    r.stock_state IS NOT NULL AS says_stock,
    coalesce(p.as_of > CAST(:since AS timestamptz), false) AS younger_price,
    coalesce(st.as_of > CAST(:since AS timestamptz), false) AS younger_stock,
    coalesce(p.was, '{{}}') AS price_was, p.tiers AS tiers_was,
    CASE WHEN st.state IS NOT NULL THEN
      jsonb_build_object('state', st.state, 'quantity', st.quantity) END AS stock_was,
    CASE WHEN o.id IS NOT NULL AND :keep THEN {_IMAGE} END AS image, k.msrp AS msrp_was,
    retold, CASE WHEN retold THEN {_object(_OLD)} END AS told_was,
    CASE WHEN retold THEN {_object(_NEW)} END AS told
  FROM {{rows}} r LEFT JOIN {_OLD_OFFER} ON true
  LEFT JOIN LATERAL (SELECT * FROM skus WHERE id = o.sku_id LIMIT 1) k ON true
  LEFT JOIN {_OLD_PRICES} ON true LEFT JOIN {_OLD_TERMS} ON true LEFT JOIN LATERAL (
    SELECT * FROM stocks WHERE offer_id = o.id AND region = '' LIMIT 1) st ON true,
  LATERAL (SELECT o.id IS NOT NULL AND NOT r.leaves AND {_RETOLD} AS retold) c
  WHERE (NOT r.leaves OR o.state <> 'gone')
    AND NOT coalesce(o.seen_at > CAST(:since AS timestamptz), false)) b"""

_KEEP_IMAGES = """INSERT INTO run_images (run_id, offer_id, image)
  SELECT :run, offer_id, image FROM batch WHERE NOT fresh AND :keep"""

_JOIN_LISTING = """UPDATE batch b SET product_id = coalesce(l.held, l.first) FROM (
    SELECT f.listing, f.first, (SELECT min(k.product_id) FROM offers o
        JOIN skus k ON k.id = o.sku_id WHERE o.source = :source AND o.listing = f.listing) AS held
    FROM (SELECT listing, min(product_id) AS first FROM batch
      WHERE new_sku AND listing IS NOT NULL GROUP BY listing) f) l
    WHERE l.listing = b.listing AND b.new_sku"""
_SHOWN = "coalesce(b.shown, b.title)"
"""A product's title is without names of platforms and shops; its offers keep their sources'."""
_PRODUCTS = f"""INSERT INTO products (id, title, brand, category, description, images, materials)
    SELECT DISTINCT ON (b.product_id) b.product_id, {_SHOWN}, b.brand, b.category, b.description,
      b.images::jsonb, b.materials::jsonb
    FROM batch b WHERE b.new_sku ORDER BY b.product_id, b.n
    ON CONFLICT DO NOTHING"""
OWN_PRODUCTS = f"""INSERT INTO products (id, title, brand, category, description, images, materials)
    SELECT b.product_id, {_SHOWN}, b.brand, b.category, b.description, b.images::jsonb,
      b.materials::jsonb
    FROM batch b WHERE b.new_sku"""
SKUS = """INSERT INTO skus (id, product_id, gtin, pack, unit, attributes, msrp)
    SELECT b.sku_id, b.product_id, b.gtin, coalesce(b.pack, 1), b.unit, b.attributes::jsonb, b.msrp
    FROM batch b WHERE b.new_sku"""

_NAMES = ", ".join(name for name, _ in _OFFER)
_VALUES = ", ".join(value.replace("r.", "b.") for _, value in _OFFER)
OFFERS_NEW = f"""INSERT INTO offers (id, source, external_id, sku_id, {_NAMES}, state, version,
      content_hash, seen_at)
    SELECT b.offer_id, :source, b.external_id, b.sku_id, {_VALUES}, coalesce(b.state, 'live'),
      b.version, b.hash, :as_of
    FROM batch b WHERE b.fresh"""
_OFFERS_AGAIN = f"""UPDATE offers o SET ({_NAMES}, state, version, content_hash, seen_at)
      = ROW({_VALUES}, coalesce(b.state, 'live'), b.version, CASE WHEN NOT :newer_wins
        AND (b.younger_price OR b.younger_stock) THEN ''::bytea ELSE b.hash END, :as_of)
    FROM batch b
    WHERE o.id = b.offer_id AND NOT b.fresh AND NOT b.leaves"""
_OFFERS_GONE = """UPDATE offers o SET state = 'gone', version = b.version FROM batch b
    WHERE o.id = b.offer_id AND b.leaves"""
_LEADS = """b.offer_id = (SELECT min(o.id) FROM offers o JOIN skus k ON k.id = o.sku_id
      WHERE k.product_id = b.product_id)"""
_PRODUCTS_AGAIN = f"""UPDATE products p SET title = {_SHOWN}, brand = b.brand,
      category = b.category, description = coalesce(b.description, p.description),
      images = coalesce(b.images::jsonb, p.images),
      materials = coalesce(b.materials::jsonb, p.materials)
    FROM batch b WHERE p.id = b.product_id AND NOT b.fresh
      AND NOT b.leaves AND {_LEADS}
      AND (p.title, p.brand, p.category, p.description, p.images, p.materials)
        IS DISTINCT FROM (
        {_SHOWN}, b.brand, b.category, coalesce(b.description, p.description),
        coalesce(b.images::jsonb, p.images), coalesce(b.materials::jsonb, p.materials))"""
_SKUS_AGAIN = """UPDATE skus k SET attributes = b.attributes::jsonb, msrp = b.msrp
    FROM batch b WHERE k.id = b.sku_id AND NOT b.fresh AND NOT b.leaves
      AND (b.retold OR b.msrp IS DISTINCT FROM b.msrp_was)
      AND (k.attributes, k.msrp) IS DISTINCT FROM (b.attributes::jsonb, b.msrp)
      AND b.offer_id = (SELECT min(id) FROM offers o WHERE o.sku_id = k.id)"""

_MODES = """LATERAL (VALUES ('dropship', b.dropship_price, NULL::jsonb),
      ('bulk', b.bulk_price, b.tiers::jsonb), ('affiliate', b.affiliate_price, NULL)
      ) m(mode, price, tiers)"""
_SOLD_BY = "(m.price IS NOT NULL OR b.silent AND (m.mode = 'dropship' OR m.mode = 'bulk'"
_SOLD_BY += " AND coalesce(b.moq::text, b.tiers, b.bulk_terms) IS NOT NULL))"
_TERMS_NEW = f"""INSERT INTO terms (offer_id, mode, moq, multiple, freight, ships_within_hours,
      cutoff, presale_ship_by, commission_rate, more)
    SELECT b.offer_id, m.mode, CASE m.mode WHEN 'bulk' THEN coalesce(b.moq, 1) ELSE 1 END,
      coalesce(b.multiple, 1), b.freight::jsonb, b.ships_within_hours, b.cutoff, b.presale_ship_by,
      CASE m.mode WHEN 'affiliate' THEN b.commission_rate END,
      CASE m.mode WHEN 'bulk' THEN b.bulk_terms::jsonb END
    FROM batch b, {_MODES}
    WHERE NOT b.leaves AND {_SOLD_BY}"""
_TERMS_AGAIN = f"""{_TERMS_NEW} AND NOT b.fresh
    ON CONFLICT (offer_id, mode) DO UPDATE SET (moq, multiple, freight, ships_within_hours, cutoff,
      presale_ship_by, commission_rate, more) = ROW(excluded.moq, excluded.multiple,
      excluded.freight, excluded.ships_within_hours, excluded.cutoff, excluded.presale_ship_by,
      excluded.commission_rate, excluded.more)
    WHERE terms IS DISTINCT FROM excluded"""
_TERMS_OVER = f"""DELETE FROM terms t USING batch b
    WHERE t.offer_id = b.offer_id AND NOT b.fresh AND NOT b.leaves AND NOT b.silent
      AND NOT EXISTS (SELECT FROM {_MODES} WHERE m.mode = t.mode AND m.price IS NOT NULL)"""

_CURRENT = "b.sets_price AND b.phase = 'now' AND m.price IS NOT NULL"
_PRICES_OVER = f"""WITH over AS (DELETE FROM prices p USING batch b
    WHERE p.offer_id = b.offer_id AND NOT b.fresh AND b.sets_price AND NOT EXISTS (
      SELECT FROM {_MODES} WHERE m.mode = p.mode AND m.price IS NOT NULL AND b.phase = 'now')
    RETURNING p.offer_id, p.mode, b.version)
    INSERT INTO price_points (offer_id, mode, version, at)
    SELECT offer_id, mode, version, clock_timestamp() FROM over"""
_PRICES_NEW = f"""INSERT INTO prices (offer_id, mode, price, tiers, valid_until, as_of)
    SELECT b.offer_id, m.mode, m.price, m.tiers, b.valid_until, coalesce(b.price_as_of, :as_of)
    FROM batch b, {_MODES} WHERE {_CURRENT}"""
_PRICES_AGAIN = f"""{_PRICES_NEW} AND NOT b.fresh ON CONFLICT (offer_id, mode) DO UPDATE
    SET price = excluded.price, tiers = excluded.tiers, valid_until = excluded.valid_until,
      as_of = excluded.as_of"""
_POINTS = f"""INSERT INTO price_points (offer_id, mode, version, price, tiers, at)
    SELECT b.offer_id, m.mode, b.version, m.price, m.tiers, clock_timestamp()
    FROM batch b, {_MODES}
    WHERE {_CURRENT} AND (b.price_was ->> m.mode IS DISTINCT FROM m.price::text
      OR m.mode = 'bulk' AND b.tiers_was IS DISTINCT FROM m.tiers)"""
_PLANNED = f"""INSERT INTO planned_prices (offer_id, mode, valid_from, valid_until, price, tiers,
      as_of)
    SELECT b.offer_id, m.mode, b.valid_from, b.valid_until, m.price, m.tiers, :as_of
    FROM batch b, {_MODES}
    WHERE NOT b.leaves AND b.phase = 'planned' AND m.price IS NOT NULL
    ON CONFLICT (offer_id, mode, valid_from) DO UPDATE SET price = excluded.price,
      tiers = excluded.tiers, valid_until = excluded.valid_until, as_of = excluded.as_of"""

_STOCKS_OVER = """DELETE FROM stocks k USING batch b WHERE k.offer_id = b.offer_id
    AND k.region = '' AND b.sets_stock AND NOT b.says_stock AND NOT b.fresh"""
STOCKS_NEW = """INSERT INTO stocks (offer_id, region, state, quantity, as_of)
    SELECT b.offer_id, '', b.stock_state, b.stock_quantity, coalesce(b.stock_as_of, :as_of)
    FROM batch b WHERE b.sets_stock AND b.says_stock"""
_STOCKS_AGAIN = f"""{STOCKS_NEW} AND NOT b.fresh ORDER BY b.offer_id
    ON CONFLICT (offer_id, region) DO UPDATE SET state = excluded.state,
      quantity = excluded.quantity, as_of = excluded.as_of"""

REOPENED = """UPDATE reservations SET released_at = NULL WHERE id IN (
    SELECT r.id FROM reservations r JOIN batch b USING (offer_id)
    WHERE b.sets_stock AND b.stock_as_of <= r.known_at AND r.released_at IS NOT NULL AND r.units > 0
    ORDER BY r.reference FOR UPDATE OF r)"""
"""What a statement did not count in that stands again, though a later one had."""

_PRICE_NOW = """CASE WHEN NOT b.sets_price THEN b.price_was WHEN b.phase = 'over' THEN '{}'
      ELSE jsonb_strip_nulls(jsonb_build_object('dropship', b.dropship_price::text,
        'bulk', b.bulk_price::text, 'affiliate', b.affiliate_price::text)) END"""
_STOCK_NOW = """CASE WHEN NOT b.sets_stock THEN b.stock_was WHEN b.says_stock THEN
      jsonb_build_object('state', b.stock_state, 'quantity', b.stock_quantity) END"""
_LISTED = f"""INSERT INTO changes (offer_id, version, kind, sku_id, now, at)
    SELECT b.offer_id, b.version, 'listed', b.sku_id, jsonb_build_object('price', {_PRICE_NOW},
      'stock', {_STOCK_NOW}), clock_timestamp()
    FROM batch b WHERE b.is_live AND NOT b.was_live"""
_CHANGES = f"""INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
    SELECT b.offer_id, b.version, e.kind, b.sku_id, e.was, e.now, clock_timestamp()
    FROM batch b,
    LATERAL (SELECT {_PRICE_NOW} AS price, {_STOCK_NOW} AS stock) x, LATERAL (VALUES
      ('gone', jsonb_build_object('price', b.price_was, 'stock', b.stock_was), NULL, NOT b.is_live),
      ('price', b.price_was, x.price, b.is_live AND b.price_was IS DISTINCT FROM x.price),
      ('stock', b.stock_was, x.stock, b.is_live AND b.stock_was IS DISTINCT FROM x.stock)
      ) e(kind, was, now, happened) WHERE b.was_live AND e.happened"""
_RETOLD_EVENTS = """INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
    SELECT b.offer_id, b.version, 'product', b.sku_id, d.was, d.now, clock_timestamp()
    FROM batch b, LATERAL (SELECT jsonb_object_agg(key, b.told_was -> key) AS was,
        jsonb_object_agg(key, value) AS now
      FROM jsonb_each(b.told) WHERE value IS DISTINCT FROM b.told_was -> key) d
    WHERE b.was_live AND b.is_live AND b.retold"""
_FIGURES = """INSERT INTO figures (offer_id, kind, source, due_at)
    SELECT b.offer_id, kind, :source, clock_timestamp()
    FROM batch b, unnest(CAST(:figures AS text[])) kind
    WHERE b.fresh ON CONFLICT DO NOTHING"""

BATCH = f"CREATE TEMP TABLE batch ON COMMIT DROP AS {_SPAN}"
STATISTICS = "ANALYZE batch (n, offer_id, fresh, new_sku, leaves)"
CENSUS = """SELECT count(*) AS all, count(*) FILTER (WHERE fresh) AS fresh,
  count(*) FILTER (WHERE leaves) AS leaves,
  count(*) FILTER (WHERE NOT fresh AND NOT leaves) AS again,
  count(*) FILTER (WHERE phase = 'planned') AS planned,
  count(*) FILTER (WHERE stock_as_of IS NOT NULL) AS restored,
  count(*) FILTER (WHERE fresh AND listing IS NOT NULL)
  AS grouped FROM batch"""
LISTINGS = (_JOIN_LISTING, _PRODUCTS)
FRESH = (
    SKUS,
    OFFERS_NEW,
    f"{_TERMS_NEW} AND b.fresh",
    f"{_PRICES_NEW} AND b.fresh",
    f"{STOCKS_NEW} AND b.fresh",
)
AGAIN = (
    _OFFERS_AGAIN,
    _PRODUCTS_AGAIN,
    _SKUS_AGAIN,
    _TERMS_OVER,
    _TERMS_AGAIN,
    _PRICES_OVER,
    _PRICES_AGAIN,
    _STOCKS_OVER,
    _STOCKS_AGAIN,
    _RETOLD_EVENTS,
)
GONE = _OFFERS_GONE
PLANNED = _PLANNED
IMAGES = _KEEP_IMAGES
EVENTS = (_POINTS, _LISTED)
LOOK_UPS = ("SET LOCAL enable_hashjoin = off", "SET LOCAL enable_mergejoin = off")
JOINS = ("SET LOCAL enable_hashjoin = on", "SET LOCAL enable_mergejoin = on")
"""A batch of known offers finds its rows by their keys, however large the tables are."""
CHANGES = _CHANGES
FIGURES = _FIGURES
