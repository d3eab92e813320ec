"""The statements that apply one batch of staged rows, in the order in which they are executed.

`{rows}` is the table of staged rows. `batch` is narrow: what a row is to become, and what its
offer was before the first statement touched it.
"""

# One look-up a row (LIMIT 1) keeps the planner from reading a whole table for a batch.
# ruff: noqa: S608 - composed of our own column names only; values are bound
_SPAN_IDS = """o.source = :source AND o.external_id = ANY(ARRAY(
    SELECT external_id FROM {rows} WHERE n > :mark AND n <= :upto))"""
_LOCK_OFFERS = f"SELECT FROM offers o WHERE {_SPAN_IDS} ORDER BY o.id FOR UPDATE"
_LOCK_STOCKS = f"""SELECT FROM stocks k WHERE offer_id = ANY(ARRAY(
    SELECT o.id FROM offers o WHERE {_SPAN_IDS})) ORDER BY offer_id, region FOR UPDATE"""

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


_TOLD_WAS = _object([(c, f"o.{c}") for c, _ in _OFFER] + [(c, was) for c, was, _ in _TERMS])
_TOLD_NOW = _object(list(_OFFER) + [(c, now) for c, _, now in _TERMS])
_REST_WAS = _object(
    [
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

_BATCH = f"""CREATE TEMP TABLE batch ON COMMIT DROP AS SELECT b.*,
    told_was || rest_was AS image,
    NOT leaves AND phase <> 'planned' AND NOT silent AND NOT younger_price AS sets_price,
    NOT leaves AND (says_stock OR NOT :states_stock) AND NOT younger_stock AS sets_stock
  FROM (SELECT r.n, o.id AS offer_id, o.sku_id, k.product_id, o.id IS NULL AS fresh,
    coalesce(o.version, 0) + 1 AS version, r.leaves, coalesce(o.state = 'live', false) AS was_live,
    NOT r.leaves AND coalesce(r.state, 'live') = 'live' AS is_live,
    CASE WHEN r.valid_from > clock_timestamp() THEN 'planned'
      WHEN r.valid_until <= clock_timestamp() THEN 'over' ELSE 'now' END AS phase,
    :quotes AND r.dropship_price IS NULL AND r.bulk_price IS NULL AND r.affiliate_price IS NULL
      AS silent,
    r.stock_state IS NOT NULL AS says_stock,
    :newer_wins AND coalesce(p.as_of > :as_of, false) AS younger_price,
    :newer_wins AND coalesce(st.as_of > :as_of, false) AS younger_stock,
    coalesce(p.was, '{{}}') AS price_was, p.tiers AS tiers_was,
    CASE WHEN st.state IS NOT NULL THEN
      jsonb_build_object('state', st.state, 'quantity', st.quantity) END AS stock_was,
    r.listing,
    CASE WHEN o.id IS NOT NULL THEN {_TOLD_WAS} END AS told_was,
    CASE WHEN o.id IS NOT NULL THEN {_REST_WAS} END AS rest_was,
    CASE WHEN o.id IS NOT NULL AND NOT r.leaves THEN {_TOLD_NOW} END AS told
  FROM {{rows}} r LEFT JOIN {_OLD_OFFER} ON true
  LEFT JOIN LATERAL (SELECT * FROM skus WHERE id = o.sku_id LIMIT 1) k ON true
  LEFT JOIN {_OLD_PRICES} ON true LEFT JOIN {_OLD_TERMS} ON true LEFT JOIN LATERAL (
    SELECT * FROM stocks WHERE offer_id = o.id AND region = '' LIMIT 1) st ON true
  WHERE r.n > :mark AND r.n <= :upto AND (NOT r.leaves OR o.state <> 'gone')
    AND NOT (:newer_wins AND coalesce(o.seen_at > :as_of, false))) b"""

_KEEP_IMAGES = """INSERT INTO run_images (run_id, offer_id, image)
  SELECT :run, offer_id, image FROM batch WHERE NOT fresh AND :keep"""

_MATCH = """UPDATE batch b SET sku_id = k.id FROM (
    SELECT r.n, min(k.id) AS id FROM batch f JOIN {rows} r ON r.n = f.n JOIN skus k
      ON k.gtin = r.gtin AND k.pack = coalesce(r.pack, 1)
      AND (k.unit = r.unit OR k.unit IS NULL OR r.unit IS NULL)
    WHERE f.fresh AND substr(r.gtin, 2, 2) !~ '^(02|2.)'
      AND NOT EXISTS (SELECT FROM {twins} t WHERE t.gtin = r.gtin)
    GROUP BY r.n HAVING count(*) = 1) k WHERE k.n = b.n"""
_JOIN_LISTING = """UPDATE batch b SET product_id = l.product_id FROM (
    SELECT f.listing, min(k.product_id) AS product_id
    FROM (SELECT DISTINCT listing FROM batch WHERE sku_id IS NULL) f
      JOIN offers o ON o.source = :source AND o.listing = f.listing JOIN skus k ON k.id = o.sku_id
    GROUP BY f.listing) l WHERE l.listing = b.listing AND b.sku_id IS NULL"""
_NEW_LISTINGS = """WITH l AS MATERIALIZED (  -- once: a subquery is read again for every row
    SELECT listing, nextval('products_id_seq') AS id FROM (SELECT DISTINCT listing FROM batch
      WHERE sku_id IS NULL AND product_id IS NULL AND listing IS NOT NULL) x)
    UPDATE batch b SET product_id = l.id FROM l
    WHERE l.listing = b.listing AND b.sku_id IS NULL AND b.product_id IS NULL"""
_NEW_PRODUCTS = """UPDATE batch SET product_id = nextval('products_id_seq')
    WHERE sku_id IS NULL AND product_id IS NULL"""
_PRODUCTS = """UPDATE batch b SET product_id = p.id FROM (SELECT l, alone,
      nextval('products_id_seq') AS id FROM (
        SELECT DISTINCT coalesce(r.listing, f.n::text) AS l, r.listing IS NULL AS alone
        FROM batch f JOIN {rows} r ON r.n = f.n
        WHERE f.sku_id IS NULL AND f.product_id IS NULL) x) p, {rows} r
    WHERE r.n = b.n AND b.sku_id IS NULL AND b.product_id IS NULL
      AND p.l = coalesce(r.listing, b.n::text) AND p.alone = (r.listing IS NULL)"""
_PRODUCTS = """INSERT INTO products (id, title, brand, category, description, images)
    SELECT DISTINCT ON (b.product_id) b.product_id, r.title, r.brand, r.category, r.description,
      r.images::jsonb
    FROM batch b JOIN {rows} r ON r.n = b.n WHERE b.sku_id IS NULL ORDER BY b.product_id, b.n
    ON CONFLICT DO NOTHING"""
_NEW_IDS = """UPDATE batch SET offer_id = coalesce(offer_id, nextval('offers_id_seq')),
    sku_id = coalesce(sku_id, nextval('skus_id_seq')), image = CASE WHEN sku_id IS NULL
      THEN '{"new": true}'::jsonb END WHERE fresh"""
_SKUS = """INSERT INTO skus (id, product_id, gtin, pack, unit, attributes, msrp)
    SELECT b.sku_id, b.product_id, r.gtin, coalesce(r.pack, 1), r.unit, r.attributes::jsonb, r.msrp
    FROM batch b JOIN {rows} r ON r.n = b.n WHERE b.fresh AND b.image IS NOT NULL"""

_NAMES = ", ".join(name for name, _ in _OFFER)
_VALUES = ", ".join(value for _, value in _OFFER)
_OFFERS_NEW = f"""INSERT INTO offers (id, source, external_id, sku_id, {_NAMES}, state, version,
      content_hash, seen_at)
    SELECT b.offer_id, :source, r.external_id, b.sku_id, {_VALUES}, coalesce(r.state, 'live'),
      b.version, r.hash, :as_of
    FROM batch b JOIN {{rows}} r ON r.n = b.n WHERE b.fresh ORDER BY b.offer_id"""
_OFFERS_AGAIN = f"""UPDATE offers o SET ({_NAMES}, state, version, content_hash, seen_at)
      = ROW({_VALUES}, coalesce(r.state, 'live'), b.version, r.hash, :as_of)
    FROM batch b JOIN {{rows}} r ON r.n = b.n
    WHERE o.id = b.offer_id AND NOT b.fresh AND NOT b.leaves"""
_OFFERS_GONE = """UPDATE offers o SET state = 'gone', version = b.version FROM batch b
    WHERE o.id = b.offer_id AND b.leaves"""
_LEADS = """b.offer_id = (SELECT min(o.id) FROM offers o JOIN skus k ON k.id = o.sku_id
      WHERE k.product_id = b.product_id)"""
_PRODUCTS_AGAIN = f"""UPDATE products p SET title = r.title, brand = r.brand,
      category = r.category, description = coalesce(r.description, p.description),
      images = coalesce(r.images::jsonb, p.images)
    FROM batch b JOIN {{rows}} r ON r.n = b.n WHERE p.id = b.product_id AND NOT b.fresh
      AND NOT b.leaves AND {_LEADS}
      AND (p.title, p.brand, p.category, p.description, p.images) IS DISTINCT FROM
        (r.title, r.brand, r.category, coalesce(r.description, p.description),
         coalesce(r.images::jsonb, p.images))"""
_SKUS_AGAIN = """UPDATE skus k SET attributes = r.attributes::jsonb, msrp = r.msrp
    FROM batch b JOIN {rows} r ON r.n = b.n WHERE k.id = b.sku_id AND NOT b.fresh AND NOT b.leaves
      AND (k.attributes, k.msrp) IS DISTINCT FROM (r.attributes::jsonb, r.msrp)
      AND b.offer_id = (SELECT min(id) FROM offers o WHERE o.sku_id = k.id)"""

_MODES = """LATERAL (VALUES ('dropship', r.dropship_price, NULL::jsonb),
      ('bulk', r.bulk_price, r.tiers::jsonb), ('affiliate', r.affiliate_price, NULL)
      ) m(mode, price, tiers)"""
_SOLD_BY = "(m.price IS NOT NULL OR b.silent AND (m.mode = 'dropship' OR m.mode = 'bulk'"
_SOLD_BY += " AND coalesce(r.moq::text, r.tiers, r.bulk_terms) IS NOT NULL))"
_TERMS_NEW = f"""INSERT INTO terms (offer_id, mode, moq, multiple, freight, ships_within_hours,
      cutoff, presale_ship_by, commission_rate, more)
    SELECT b.offer_id, m.mode, CASE m.mode WHEN 'bulk' THEN coalesce(r.moq, 1) ELSE 1 END,
      coalesce(r.multiple, 1), r.freight::jsonb, r.ships_within_hours, r.cutoff, r.presale_ship_by,
      CASE m.mode WHEN 'affiliate' THEN r.commission_rate END,
      CASE m.mode WHEN 'bulk' THEN r.bulk_terms::jsonb END
    FROM batch b JOIN {{rows}} r ON r.n = b.n, {_MODES}
    WHERE NOT b.leaves AND {_SOLD_BY}"""
_TERMS_AGAIN = f"""{_TERMS_NEW} AND NOT b.fresh
    ON CONFLICT (offer_id, mode) DO UPDATE SET (moq, multiple, freight, ships_within_hours, cutoff,
      presale_ship_by, commission_rate, more) = ROW(excluded.moq, excluded.multiple,
      excluded.freight, excluded.ships_within_hours, excluded.cutoff, excluded.presale_ship_by,
      excluded.commission_rate, excluded.more)
    WHERE terms IS DISTINCT FROM excluded"""
_TERMS_OVER = f"""DELETE FROM terms t USING batch b JOIN {{rows}} r ON r.n = b.n
    WHERE t.offer_id = b.offer_id AND NOT b.fresh AND NOT b.leaves AND NOT b.silent
      AND NOT EXISTS (SELECT FROM {_MODES} WHERE m.mode = t.mode AND m.price IS NOT NULL)"""

_CURRENT = "b.sets_price AND b.phase = 'now' AND m.price IS NOT NULL"
_PRICES_OVER = f"""DELETE FROM prices p USING batch b JOIN {{rows}} r ON r.n = b.n
    WHERE p.offer_id = b.offer_id AND NOT b.fresh AND b.sets_price AND NOT EXISTS (
      SELECT FROM {_MODES} WHERE m.mode = p.mode AND m.price IS NOT NULL AND b.phase = 'now')"""
_PRICES_NEW = f"""INSERT INTO prices (offer_id, mode, price, tiers, valid_until, as_of)
    SELECT b.offer_id, m.mode, m.price, m.tiers, r.valid_until, :as_of
    FROM batch b JOIN {{rows}} r ON r.n = b.n, {_MODES} WHERE {_CURRENT}"""
_PRICES_AGAIN = f"""{_PRICES_NEW} AND NOT b.fresh ON CONFLICT (offer_id, mode) DO UPDATE
    SET price = excluded.price, tiers = excluded.tiers, valid_until = excluded.valid_until,
      as_of = excluded.as_of"""
_POINTS = f"""INSERT INTO price_points (offer_id, mode, version, price, tiers, at)
    SELECT b.offer_id, m.mode, b.version, m.price, m.tiers, clock_timestamp()
    FROM batch b JOIN {{rows}} r ON r.n = b.n, {_MODES}
    WHERE {_CURRENT} AND (b.price_was ->> m.mode IS DISTINCT FROM m.price::text
      OR m.mode = 'bulk' AND b.tiers_was IS DISTINCT FROM m.tiers)"""
_PLANNED = f"""INSERT INTO planned_prices (offer_id, mode, valid_from, valid_until, price, tiers,
      as_of)
    SELECT b.offer_id, m.mode, r.valid_from, r.valid_until, m.price, m.tiers, :as_of
    FROM batch b JOIN {{rows}} r ON r.n = b.n, {_MODES}
    WHERE NOT b.leaves AND b.phase = 'planned' AND m.price IS NOT NULL
    ON CONFLICT (offer_id, mode, valid_from) DO UPDATE SET price = excluded.price,
      tiers = excluded.tiers, valid_until = excluded.valid_until, as_of = excluded.as_of"""

_STOCKS_OVER = """DELETE FROM stocks k USING batch b WHERE k.offer_id = b.offer_id
    AND k.region = '' AND b.sets_stock AND NOT b.says_stock AND NOT b.fresh"""
_STOCKS_NEW = """INSERT INTO stocks (offer_id, region, state, quantity, as_of)
    SELECT b.offer_id, '', r.stock_state, r.stock_quantity, :as_of
    FROM batch b JOIN {rows} r ON r.n = b.n WHERE b.sets_stock AND b.says_stock"""
_STOCKS_AGAIN = f"""{_STOCKS_NEW} AND NOT b.fresh ORDER BY b.offer_id
    ON CONFLICT (offer_id, region) DO UPDATE SET state = excluded.state,
      quantity = excluded.quantity, as_of = excluded.as_of"""

_PRICE_NOW = """CASE WHEN NOT b.sets_price THEN b.price_was WHEN b.phase = 'over' THEN '{}'
      ELSE jsonb_strip_nulls(jsonb_build_object('dropship', r.dropship_price::text,
        'bulk', r.bulk_price::text, 'affiliate', r.affiliate_price::text)) END"""
_STOCK_NOW = """CASE WHEN NOT b.sets_stock THEN b.stock_was WHEN b.says_stock THEN
      jsonb_build_object('state', r.stock_state, 'quantity', r.stock_quantity) END"""
_CHANGES = f"""INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
    SELECT b.offer_id, b.version, e.kind, b.sku_id, e.was, e.now, clock_timestamp()
    FROM batch b JOIN {{rows}} r ON r.n = b.n,
    LATERAL (SELECT {_PRICE_NOW} AS price, {_STOCK_NOW} AS stock) x, LATERAL (VALUES
      ('listed', NULL::jsonb, jsonb_build_object('price', x.price, 'stock', x.stock),
        b.is_live AND NOT b.was_live),
      ('gone', jsonb_build_object('price', b.price_was, 'stock', b.stock_was), NULL,
        b.was_live AND NOT b.is_live),
      ('price', b.price_was, x.price,
        b.was_live AND b.is_live AND b.price_was IS DISTINCT FROM x.price),
      ('stock', b.stock_was, x.stock,
        b.was_live AND b.is_live AND b.stock_was IS DISTINCT FROM x.stock)
      ) e(kind, was, now, happened) WHERE e.happened"""
_RETOLD_EVENTS = """INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
    SELECT b.offer_id, b.version, 'product', b.sku_id, d.was, d.now, clock_timestamp()
    FROM batch b, LATERAL (SELECT jsonb_object_agg(key, b.told_was -> key) AS was,
        jsonb_object_agg(key, value) AS now
      FROM jsonb_each(b.told) WHERE value IS DISTINCT FROM b.told_was -> key) d
    WHERE b.was_live AND b.is_live AND b.told <> b.told_was"""
_FIGURES = """INSERT INTO figures (offer_id, kind, source, due_at)
    SELECT b.offer_id, kind, :source, clock_timestamp()
    FROM batch b, unnest(CAST(:figures AS text[])) kind
    WHERE b.fresh ON CONFLICT DO NOTHING"""

_STATISTICS = "ANALYZE batch (n, offer_id, fresh, leaves)"
BEFORE = (_LOCK_OFFERS, _LOCK_STOCKS, _BATCH, _STATISTICS)
CENSUS = """SELECT count(*) AS all, count(*) FILTER (WHERE fresh) AS fresh,
  count(*) FILTER (WHERE leaves) AS leaves,
  count(*) FILTER (WHERE NOT fresh AND NOT leaves) AS again,
  count(*) FILTER (WHERE phase = 'planned') AS planned,
  count(*) FILTER (WHERE fresh AND listing IS NOT NULL)
  AS grouped FROM batch"""
MATCH = _MATCH
LISTINGS = (_JOIN_LISTING, _NEW_LISTINGS)
FRESH = (
    _NEW_PRODUCTS,
    _PRODUCTS,
    _NEW_IDS,
    _SKUS,
    _OFFERS_NEW,
    f"{_TERMS_NEW} AND b.fresh",
    f"{_PRICES_NEW} AND b.fresh",
    f"{_STOCKS_NEW} AND b.fresh",
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
EVENTS = (_POINTS, _CHANGES)
FIGURES = _FIGURES
