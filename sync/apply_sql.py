"""The set-wise statements of a run, in the order in which they are executed."""

# ruff: noqa: S608 - composed of our own column names only; values are bound
from connectors.model import LISTING

_TYPES = {
    "line": "bigint",
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
    "attributes": "jsonb",
    "images": "jsonb",
    "tiers": "jsonb",
    "freight": "jsonb",
    "not_delivered_to": "jsonb",
}
_TYPES |= dict.fromkeys(
    ("dropship_price", "bulk_price", "msrp", "min_retail", "max_retail"), "numeric(14,4)"
)
_CONTENT = ", ".join(c for c in LISTING if c not in ("file", "line"))
_COLUMNS = ", ".join(f"{c} {_TYPES.get(c, 'text')}" for c in LISTING)

STAGE = (
    f"CREATE TEMP TABLE staged ({_COLUMNS}, n bigint GENERATED ALWAYS AS IDENTITY,"
    " hash bytea, offer_id bigint, sku_id bigint, product_id bigint, fresh boolean,"
    " same boolean, back boolean DEFAULT false, version int,"
    " price_was jsonb, stock_was jsonb) ON COMMIT DROP"
)

_PRICE = (
    "jsonb_strip_nulls(jsonb_build_object("
    "'dropship', s.dropship_price::text, 'bulk', s.bulk_price::text))"
)
_STOCK = (
    "CASE WHEN s.stock_state IS NOT NULL THEN jsonb_build_object("
    "'state', s.stock_state, 'quantity', s.stock_quantity) END"
)
_NOW = "(s.valid_from IS NULL OR s.valid_from <= clock_timestamp())"
_MODES = (
    "LATERAL (VALUES ('dropship', s.dropship_price, NULL::jsonb),"
    " ('bulk', s.bulk_price, s.tiers)) m(mode, price, tiers)"
)

_JUDGED = (
    """INSERT INTO run_rejects (run_id, file, line, "column", value, reason)
    SELECT :run, coalesce(file, ''), coalesce(line, 0), 'external_id', external_id,
      'this SKU stands in the list more than once; the first row counts'
    FROM staged s WHERE EXISTS (SELECT FROM staged f
      WHERE f.external_id = s.external_id AND f.n < s.n)""",
    """DELETE FROM staged s USING staged f WHERE f.external_id = s.external_id AND f.n < s.n""",
    f"UPDATE staged SET hash = decode(md5('1' || ROW({_CONTENT})::text), 'hex')",
    """UPDATE staged s SET offer_id = o.id, sku_id = o.sku_id, version = o.version + 1,
      back = o.state = 'gone',
      same = o.content_hash = s.hash AND o.state <> 'gone'
    FROM offers o WHERE o.source = :source AND o.external_id = s.external_id""",
)

RADIUS = """SELECT count(*), count(*) FILTER (WHERE s.n IS NULL), count(*) FILTER (WHERE
    s.stock_state = 'out' AND k.state IN ('in_stock', 'low'))
  FROM offers o LEFT JOIN staged s ON s.offer_id = o.id
  LEFT JOIN stocks k ON k.offer_id = o.id AND k.region = ''
  WHERE o.source = :source AND o.state = 'live'"""

_MATCH = """UPDATE staged s SET sku_id = k.id FROM (
    SELECT s.n, min(k.id) AS id FROM staged s JOIN skus k ON k.gtin = s.gtin
      AND k.pack = coalesce(s.pack, 1) AND (k.unit = s.unit OR k.unit IS NULL OR s.unit IS NULL)
    WHERE s.offer_id IS NULL AND substr(s.gtin, 2, 2) !~ '^(02|2.)'
      AND NOT EXISTS (SELECT FROM staged t WHERE t.gtin = s.gtin AND t.n <> s.n)
    GROUP BY s.n HAVING count(*) = 1) k WHERE k.n = s.n"""

APPLY = (
    "DELETE FROM staged WHERE same",
    "SELECT id FROM offers WHERE id IN (SELECT offer_id FROM staged) ORDER BY id FOR UPDATE",
    "SELECT 1 FROM stocks WHERE offer_id IN (SELECT offer_id FROM staged)"
    " ORDER BY offer_id, region FOR UPDATE",
    _MATCH,
    """UPDATE staged s SET product_id = k.product_id FROM offers o JOIN skus k ON k.id = o.sku_id
    WHERE s.sku_id IS NULL AND o.source = :source AND o.listing = s.listing""",
    """UPDATE staged s SET product_id = p.id FROM (SELECT coalesce(listing, 'n' || n) AS l,
      listing IS NULL AS alone, nextval('products_id_seq') AS id FROM staged
      WHERE sku_id IS NULL AND product_id IS NULL GROUP BY 1, 2) p
    WHERE s.sku_id IS NULL AND s.product_id IS NULL
      AND p.l = coalesce(s.listing, 'n' || s.n) AND p.alone = (s.listing IS NULL)""",
    """INSERT INTO products (id, title, brand, category, description, images)
    SELECT DISTINCT ON (product_id) product_id, title, brand, category, description, images
    FROM staged WHERE sku_id IS NULL ORDER BY product_id, n ON CONFLICT DO NOTHING""",
    """UPDATE staged SET sku_id = nextval('skus_id_seq'), fresh = true WHERE sku_id IS NULL""",
    """INSERT INTO skus (id, product_id, gtin, pack, unit, attributes, msrp)
    SELECT sku_id, product_id, gtin, coalesce(pack, 1), unit, attributes, msrp
    FROM staged WHERE fresh""",
    """UPDATE staged s SET price_was = (SELECT jsonb_object_agg(mode, price::text) FROM prices p
      WHERE p.offer_id = s.offer_id), stock_was = (SELECT jsonb_build_object('state', k.state,
      'quantity', k.quantity) FROM stocks k WHERE k.offer_id = s.offer_id AND k.region = '')""",
    """UPDATE staged SET fresh = offer_id IS NULL, version = coalesce(version, 1),
      offer_id = coalesce(offer_id, nextval('offers_id_seq'))""",
    """INSERT INTO offers (id, source, external_id, sku_id, listing, seller, title, brand, category,
      gtin, mpn, pack, unit, attributes, tax_rate, tax_code, invoice, min_retail, max_retail,
      weight_g, returnable, expires_on, ships_from, not_delivered_to, state, version,
      content_hash, seen_at)
    SELECT offer_id, :source, external_id, sku_id, listing, seller, title, brand, category,
      gtin, mpn, coalesce(pack, 1), unit, attributes, tax_rate, tax_code, invoice, min_retail,
      max_retail, weight_g, returnable, expires_on, ships_from, not_delivered_to,
      coalesce(state, 'live'), version, hash, :as_of FROM staged ORDER BY offer_id
    ON CONFLICT (source, external_id) DO UPDATE SET (listing, seller, title, brand, category, gtin,
      mpn, pack, unit, attributes, tax_rate, tax_code, invoice, min_retail, max_retail, weight_g,
      returnable, expires_on, ships_from, not_delivered_to, state, version, content_hash, seen_at)
      = ROW(excluded.listing, excluded.seller, excluded.title, excluded.brand, excluded.category,
      excluded.gtin, excluded.mpn, excluded.pack, excluded.unit, excluded.attributes,
      excluded.tax_rate, excluded.tax_code, excluded.invoice, excluded.min_retail,
      excluded.max_retail, excluded.weight_g, excluded.returnable, excluded.expires_on,
      excluded.ships_from, excluded.not_delivered_to, excluded.state, excluded.version,
      excluded.content_hash, excluded.seen_at)""",
    "DELETE FROM terms WHERE offer_id IN (SELECT offer_id FROM staged)",
    f"""INSERT INTO terms (offer_id, mode, moq, multiple, freight, ships_within_hours, cutoff,
      presale_ship_by) SELECT offer_id, m.mode, CASE m.mode WHEN 'bulk' THEN coalesce(moq, 1)
      ELSE 1 END, coalesce(multiple, 1), freight, ships_within_hours, cutoff, presale_ship_by
    FROM staged s, {_MODES} WHERE m.price IS NOT NULL""",
    f"""DELETE FROM prices p USING staged s WHERE p.offer_id = s.offer_id AND {_NOW}""",
    f"""INSERT INTO prices (offer_id, mode, price, tiers, valid_until, as_of)
    SELECT offer_id, m.mode, m.price, m.tiers, valid_until, :as_of FROM staged s, {_MODES}
    WHERE m.price IS NOT NULL AND {_NOW}""",
    f"""INSERT INTO price_points (offer_id, mode, version, price, tiers, at)
    SELECT offer_id, m.mode, version, m.price, m.tiers, clock_timestamp() FROM staged s, {_MODES}
    WHERE m.price IS NOT NULL AND {_NOW}
      AND (fresh OR price_was ->> m.mode IS DISTINCT FROM m.price::text)""",
    f"""INSERT INTO planned_prices (offer_id, mode, valid_from, valid_until, price, tiers, as_of)
    SELECT offer_id, m.mode, valid_from, valid_until, m.price, m.tiers, :as_of
    FROM staged s, {_MODES} WHERE m.price IS NOT NULL AND NOT {_NOW}
    ON CONFLICT (offer_id, mode, valid_from) DO UPDATE SET price = excluded.price,
      tiers = excluded.tiers, valid_until = excluded.valid_until, as_of = excluded.as_of""",
    "DELETE FROM stocks k USING staged s WHERE k.offer_id = s.offer_id AND k.region = ''"
    " AND s.stock_state IS NULL",
    """INSERT INTO stocks (offer_id, region, state, quantity, as_of)
    SELECT offer_id, '', stock_state, stock_quantity, :as_of FROM staged
    WHERE stock_state IS NOT NULL ORDER BY offer_id ON CONFLICT (offer_id, region) DO UPDATE
    SET state = excluded.state, quantity = excluded.quantity, as_of = excluded.as_of""",
    f"""INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
    SELECT s.offer_id, s.version, e.kind, s.sku_id, e.was, e.now, clock_timestamp()
    FROM staged s, LATERAL (VALUES
      ('listed', NULL::jsonb, jsonb_build_object('price',
        CASE WHEN {_NOW} THEN {_PRICE} ELSE '{{}}' END, 'stock', {_STOCK}), fresh OR back),
      ('price', price_was, {_PRICE}, NOT fresh AND NOT back AND {_NOW}
        AND price_was IS DISTINCT FROM {_PRICE}),
      ('stock', stock_was, {_STOCK}, NOT fresh AND NOT back AND stock_was IS DISTINCT FROM {_STOCK})
      ) e(kind, was, now, happened) WHERE e.happened""",
)

GONE = (
    """WITH lost AS (UPDATE offers o SET state = 'gone', version = version + 1
      WHERE o.source = :source AND o.state <> 'gone' AND o.seen_at <= :as_of
        AND EXISTS (SELECT FROM kept) AND NOT EXISTS (SELECT FROM kept k
          WHERE k.external_id = o.external_id) RETURNING o.id, o.version, o.sku_id)
    INSERT INTO changes (offer_id, version, kind, sku_id, was, at)
    SELECT id, version, 'gone', sku_id, jsonb_build_object(
      'price', coalesce((SELECT jsonb_object_agg(mode, price::text) FROM prices p
        WHERE p.offer_id = lost.id), '{}'),
      'stock', (SELECT jsonb_build_object('state', k.state, 'quantity', k.quantity) FROM stocks k
        WHERE k.offer_id = lost.id AND k.region = '')), clock_timestamp() FROM lost""",
)

PREPARE: tuple[str, ...] = (
    *_JUDGED,
    "CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT external_id FROM staged",
)

COUNTS = """SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM staged),
  (SELECT count(*) FROM run_rejects WHERE run_id = :run)"""
