"""The set-wise statements that write prices and stock read by calls of their own.

`facts` holds what was answered, `told` what it changes; both live until the transaction's end.
"""

# ruff: noqa: S608 - composed of our own column names only; values are bound
PRICE_COLUMNS = (
    'external_id text COLLATE "C", dropship numeric(14,4), bulk numeric(14,4),'
    " affiliate numeric(14,4), commission_rate numeric(5,4), tiers text, valid_until timestamptz,"
    " as_of timestamptz"
)
STOCK_COLUMNS = (
    'external_id text COLLATE "C", region text, state text, quantity bigint, as_of timestamptz'
)

LOCK = """SELECT FROM offers o WHERE o.source = :source AND o.external_id = ANY(ARRAY(
    SELECT external_id FROM facts)) ORDER BY o.id FOR UPDATE"""
_OFFER = """LATERAL (SELECT * FROM offers WHERE source = :source
    AND external_id = f.external_id LIMIT 1) o"""
_MODES = """LATERAL (VALUES ('dropship', t.dropship, NULL::jsonb), ('bulk', t.bulk, t.tiers),
    ('affiliate', t.affiliate, NULL)) m(mode, price, tiers)"""

PRICES_TOLD = f"""CREATE TEMP TABLE told ON COMMIT DROP AS
    SELECT t.*, live AND was <> now AS moved, was <> now OR tiers_was IS DISTINCT FROM tiers AS new
    FROM (SELECT DISTINCT ON (o.id) o.id AS offer_id, o.sku_id, o.version + 1 AS version,
        o.state = 'live' AS live, f.dropship, f.bulk, f.affiliate, f.commission_rate,
        f.tiers::jsonb AS tiers, f.valid_until, f.as_of, coalesce(p.was, '{{}}') AS was,
        p.tiers AS tiers_was, jsonb_strip_nulls(jsonb_build_object('dropship', f.dropship::text,
          'bulk', f.bulk::text, 'affiliate', f.affiliate::text)) AS now
      FROM facts f JOIN {_OFFER} ON true LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(mode, price::text) AS was, max(as_of) AS as_of,
          (array_agg(prices.tiers) FILTER (WHERE mode = 'bulk'))[1] AS tiers
        FROM prices WHERE offer_id = o.id) p ON true
      WHERE p.as_of IS NULL OR p.as_of <= f.as_of ORDER BY o.id, f.as_of DESC) t"""
PRICES = (
    f"""WITH over AS (DELETE FROM prices p USING told t WHERE p.offer_id = t.offer_id
        AND NOT EXISTS (SELECT FROM {_MODES} WHERE m.mode = p.mode AND m.price IS NOT NULL)
        RETURNING p.offer_id, p.mode, t.version)
      INSERT INTO price_points (offer_id, mode, version, at)
      SELECT offer_id, mode, version, clock_timestamp() FROM over""",
    f"""INSERT INTO prices (offer_id, mode, price, tiers, valid_until, as_of)
      SELECT t.offer_id, m.mode, m.price, m.tiers, t.valid_until, t.as_of FROM told t, {_MODES}
      WHERE m.price IS NOT NULL ON CONFLICT (offer_id, mode) DO UPDATE SET price = excluded.price,
      tiers = excluded.tiers, valid_until = excluded.valid_until, as_of = excluded.as_of""",
    f"""INSERT INTO price_points (offer_id, mode, version, price, tiers, at)
      SELECT t.offer_id, m.mode, t.version, m.price, m.tiers, clock_timestamp()
      FROM told t, {_MODES} WHERE t.new AND m.price IS NOT NULL
        AND (t.was ->> m.mode IS DISTINCT FROM m.price::text
          OR m.mode = 'bulk' AND t.tiers_was IS DISTINCT FROM m.tiers)""",
    f"""INSERT INTO terms (offer_id, mode, commission_rate)
      SELECT t.offer_id, m.mode, CASE m.mode WHEN 'affiliate' THEN t.commission_rate END
      FROM told t, {_MODES} WHERE m.price IS NOT NULL AND (t.new OR m.mode = 'affiliate')
      ON CONFLICT (offer_id, mode) DO UPDATE SET commission_rate = excluded.commission_rate
      WHERE excluded.mode = 'affiliate'
        AND terms.commission_rate IS DISTINCT FROM excluded.commission_rate""",
    """INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
      SELECT offer_id, version, 'price', sku_id, was, now, clock_timestamp() FROM told
      WHERE moved UNION ALL
      SELECT offer_id, version, 'product', sku_id, jsonb_build_object('tiers', tiers_was),
        jsonb_build_object('tiers', tiers), clock_timestamp() FROM told
      WHERE live AND new AND NOT moved""",
)

STOCK_TOLD = f"""CREATE TEMP TABLE told ON COMMIT DROP AS
    SELECT t.*, was IS DISTINCT FROM now AS new
    FROM (SELECT DISTINCT ON (o.id, f.region) o.id AS offer_id, o.sku_id, o.version + 1 AS version,
        o.state = 'live' AS live, f.region, f.state, f.quantity, f.as_of,
        CASE WHEN k.state IS NOT NULL THEN
          jsonb_build_object('state', k.state, 'quantity', k.quantity) END AS was,
        jsonb_build_object('state', f.state, 'quantity', f.quantity) AS now
      FROM facts f JOIN {_OFFER} ON true LEFT JOIN LATERAL (SELECT * FROM stocks
        WHERE offer_id = o.id AND region = f.region LIMIT 1) k ON true
      WHERE k.as_of IS NULL OR k.as_of <= f.as_of ORDER BY o.id, f.region, f.as_of DESC) t"""
STOCK_LOCK = """SELECT FROM stocks WHERE offer_id = ANY(ARRAY(SELECT o.id FROM facts f
    JOIN offers o ON o.source = :source AND o.external_id = f.external_id))
    ORDER BY offer_id, region FOR UPDATE"""
STOCK = (
    """INSERT INTO stocks (offer_id, region, state, quantity, as_of)
      SELECT offer_id, region, state, quantity, as_of FROM told ORDER BY offer_id, region
      ON CONFLICT (offer_id, region) DO UPDATE SET state = excluded.state,
        quantity = excluded.quantity, as_of = excluded.as_of""",
    """INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
      SELECT offer_id, version, 'stock', sku_id, was, now, clock_timestamp() FROM told
      WHERE new AND live AND region = '' UNION ALL
      SELECT offer_id, version, 'product', sku_id,
        jsonb_build_object('stock', jsonb_object_agg(region, was)),
        jsonb_build_object('stock', jsonb_object_agg(region, now)), clock_timestamp() FROM told
      WHERE new AND live AND region <> '' GROUP BY offer_id, version, sku_id""",
)
VERSIONS = """UPDATE offers o SET version = t.version, content_hash = ''
    FROM (SELECT DISTINCT offer_id, version FROM told WHERE new) t WHERE o.id = t.offer_id"""
"""The hash no longer speaks of all that we hold: the next listing looks at the offer again."""

DUE = """SELECT f.offer_id, o.external_id FROM figures f JOIN offers o ON o.id = f.offer_id
    WHERE f.source = :source AND f.kind = :kind AND f.due_at <= :began
      AND o.state <> 'gone' ORDER BY f.due_at LIMIT :most"""
COUNTS = """SELECT worth, count(*) FROM figures WHERE source = :source AND kind = :kind
    GROUP BY worth"""
ASKED = """UPDATE figures f SET due_at = a.at + make_interval(secs => coalesce(
      CAST(:spans AS jsonb) ->> f.worth::text, '3600')::float8),
    read_at = CASE WHEN a.answered THEN a.at ELSE f.read_at END
    FROM unnest(CAST(:offers AS bigint[]), CAST(:at AS timestamptz[]),
      CAST(:answered AS boolean[])) a(offer_id, at, answered)
    WHERE f.offer_id = a.offer_id AND f.kind = :kind"""
PRUNE = """DELETE FROM figures f USING offers o WHERE o.id = f.offer_id AND o.source = :source
    AND o.state = 'gone'"""
ADD = """INSERT INTO figures (offer_id, kind, source, due_at)
    SELECT id, :kind, source, clock_timestamp() FROM offers
    WHERE source = :source AND state <> 'gone' ON CONFLICT DO NOTHING"""
STANDING = """SELECT f.offer_id, coalesce(d.picked, 0) AS picked, coalesce(d.sold, 0) AS sold,
      coalesce(c.moves, 0) AS moves, f.worth
    FROM figures f JOIN offers o ON o.id = f.offer_id LEFT JOIN demand d ON d.sku_id = o.sku_id
    LEFT JOIN (SELECT offer_id, count(*) AS moves FROM changes
      WHERE at > clock_timestamp() - interval '7 days' AND kind IN ('price', 'stock')
      GROUP BY offer_id) c ON c.offer_id = f.offer_id
    WHERE f.source = :source AND f.kind = :kind
      AND (f.worth > 0 OR d.sku_id IS NOT NULL OR c.offer_id IS NOT NULL)"""
PROMOTE = """UPDATE figures f SET worth = w.worth,
      due_at = CASE WHEN w.worth > f.worth THEN least(f.due_at, clock_timestamp()) ELSE f.due_at END
    FROM unnest(CAST(:offers AS bigint[]), CAST(:worths AS int[])) w(offer_id, worth)
    WHERE f.offer_id = w.offer_id AND f.kind = :kind"""
