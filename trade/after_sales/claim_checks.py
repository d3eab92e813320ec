"""What must always hold for claims, as queries; see `trade.invariants`."""

QUERIES: dict[str, str] = {
    "refunds of claims = of purchase lines, and never more than was captured": """
        SELECT 'purchase line ' || p.id, p.refunded || ' of ' || p.captured || ' fen refunded, '
               || coalesce(c.fen, 0) || ' by claims; ' || p.charged || ' charged, '
               || coalesce(c.charged, 0) || ' by claims; ' || p.credited || ' credited, '
               || coalesce(c.credited, 0) || ' by claims'
        FROM purchase_lines p
        LEFT JOIN (SELECT purchase_line_id, sum(refunded) AS fen, sum(charged) AS charged,
                          sum(credited) AS credited
                   FROM claim_lines GROUP BY purchase_line_id) c ON c.purchase_line_id = p.id
        WHERE p.refunded <> coalesce(c.fen, 0) OR p.refunded > p.captured
           OR p.charged <> coalesce(c.charged, 0) OR p.credited <> coalesce(c.credited, 0)""",
    "no more is asked of a supplier than it is owed, nor given back than was asked": """
        SELECT 'purchase line ' || p.id, p.owed || ' fen owed, ' || p.credited || ' given back, '
               || coalesce(c.fen, 0) || ' asked for, ' || coalesce(c.over, 0) || ' claims over'
        FROM purchase_lines p
        JOIN (SELECT x.purchase_line_id,
                     sum(x.asked_cost) FILTER (WHERE c.state IN
                         ('open', 'approved', 'returning', 'received')) AS fen,
                     count(*) FILTER (WHERE x.credited > x.asked_cost) AS over
              FROM claim_lines x JOIN claims c ON c.id = x.claim_id
              WHERE NOT EXISTS (SELECT FROM platform_claims y WHERE y.claim_id = c.id)
              GROUP BY x.purchase_line_id) c ON c.purchase_line_id = p.id
        WHERE p.credited + coalesce(c.fen, 0) > p.owed OR c.over > 0""",
    "refunds of an order's lines = of its claims = what postings gave the leader": """
        SELECT 'order ' || o.id, coalesce(l.fen, 0) || ' fen on lines, ' || coalesce(c.fen, 0)
               || ' by claims, ' || coalesce(x.fen, 0) || ' posted'
        FROM orders o
        LEFT JOIN (SELECT order_id, sum(refunded) AS fen FROM order_lines
                   GROUP BY order_id) l ON l.order_id = o.id
        LEFT JOIN (SELECT c.order_id, sum(x.refunded) AS fen FROM claims c
                   JOIN claim_lines x ON x.claim_id = c.id GROUP BY c.order_id) c
               ON c.order_id = o.id
        LEFT JOIN (SELECT order_id, sum(CASE kind WHEN 'taken_back' THEN -amount ELSE amount END)
                          AS fen
                   FROM postings WHERE kind IN ('refund', 'advance', 'taken_back')
                   GROUP BY order_id) x ON x.order_id = o.id
        WHERE coalesce(l.fen, 0) <> coalesce(c.fen, 0)
           OR coalesce(l.fen, 0) <> coalesce(x.fen, 0)""",
    "freight goes back once, as it was paid; postage up to what was asked": """
        SELECT 'claim ' || c.id, c.freight_refunded || ' of ' || p.freight_price || ' fen freight, '
               || c.freight_credited || ' of ' || p.freight_cost || ' borne by its supplier, '
               || c.postage_refunded || ' fen postage; posted ' || coalesce(x.freight, 0) || ', '
               || coalesce(x.freight_credit, 0) || ', ' || coalesce(x.postage, 0) || ', '
               || coalesce(x.postage_credit, 0)
        FROM claims c JOIN purchases p ON p.id = c.purchase_id
        LEFT JOIN LATERAL (
            SELECT sum(amount) FILTER (WHERE reference = 'freight_back:' || p.id) AS freight,
                   sum(amount) FILTER (WHERE reference = 'freight_back-clawback:' || p.id)
                       AS freight_credit,
                   sum(amount) FILTER (WHERE reference = 'postage:' || c.id) AS postage,
                   sum(amount) FILTER (WHERE reference = 'postage-clawback:' || c.id)
                       AS postage_credit
            FROM postings WHERE reference IN (
                'freight_back:' || p.id, 'freight_back-clawback:' || p.id, 'postage:' || c.id,
                'postage-clawback:' || c.id)) x ON true
        WHERE (c.freight_refunded > 0 OR c.freight_credited > 0)
              AND (c.freight_refunded <> p.freight_price OR c.freight_credited > p.freight_cost
                   OR c.freight_refunded <> coalesce(x.freight, 0)
                   OR c.freight_credited <> coalesce(x.freight_credit, 0)
                   OR c.state <> 'refunded' OR EXISTS (
                     SELECT FROM purchase_lines l WHERE l.purchase_id = p.id
                     AND l.refunded <> l.captured))
           OR c.postage_refunded <> coalesce(x.postage, 0)
           OR c.postage_credited <> coalesce(x.postage_credit, 0)""",
    "what is advanced on claims = the account of advances": """
        SELECT 'account advances', coalesce(x.fen, 0) || ' fen by postings, ' || c.fen
               || ' by claims'
        FROM (SELECT coalesce(sum(advanced), 0) AS fen FROM claims) c,
             (SELECT sum(CASE source WHEN 'advances' THEN amount ELSE -amount END) AS fen
              FROM postings WHERE 'advances' IN (source, destination)) x
        WHERE c.fen <> coalesce(x.fen, 0)""",
    "no unit is under two claims, or under claim once it came back": """
        SELECT 'purchase line ' || p.id, p.shipped || ' shipped, ' || p.returned || ' came back, '
               || c.units || ' under claim'
        FROM purchase_lines p
        JOIN (SELECT x.purchase_line_id, sum(x.quantity) AS units FROM claim_lines x
              JOIN claims c ON c.id = x.claim_id
              WHERE c.state IN ('open', 'approved', 'returning', 'received')
              GROUP BY x.purchase_line_id) c ON c.purchase_line_id = p.id
        WHERE c.units + p.returned > p.shipped""",
    "units that came back = units of paid returns": """
        SELECT 'purchase line ' || p.id, p.returned || ' came back, ' || coalesce(c.units, 0)
               || ' by claims'
        FROM purchase_lines p
        LEFT JOIN (SELECT x.purchase_line_id, sum(x.quantity) AS units FROM claim_lines x
                   JOIN claims c ON c.id = x.claim_id
                   WHERE c.kind = 'return' AND c.state = 'refunded'
                   GROUP BY x.purchase_line_id) c ON c.purchase_line_id = p.id
        WHERE p.returned <> coalesce(c.units, 0)""",
    "a parcel in the place of others carries the units of its claim": """
        SELECT 'claim ' || c.id, c.state || ', ' || x.units || ' claimed, ' || coalesce(p.units, 0)
               || ' sent again'
        FROM claims c
        JOIN (SELECT claim_id, sum(quantity) AS units FROM claim_lines
              GROUP BY claim_id) x ON x.claim_id = c.id
        LEFT JOIN (SELECT a.claim_id, sum(l.quantity) AS units FROM parcels a
                   JOIN parcel_lines l ON l.parcel_id = a.id
                   GROUP BY a.claim_id) p ON p.claim_id = c.id
        WHERE coalesce(p.units, 0) <> x.units AND (c.state = 'reissued' OR p.units > 0 AND (
            p.units > x.units OR c.state NOT IN ('open', 'approved', 'returning', 'received')))""",
    "a claim's state is what its last move says": """
        SELECT 'claim ' || c.id, c.state || ', last move ' || coalesce(m.now, 'none')
        FROM claims c LEFT JOIN LATERAL (
            SELECT now FROM claim_moves m WHERE m.claim_id = c.id
            ORDER BY m.id DESC LIMIT 1) m ON true
        WHERE c.state <> coalesce(m.now, '')""",
    "no claim is being made at a platform unattended past its lease": """
        SELECT 'claim ' || claim_id, 'at ' || source || ', due since ' || due_at
        FROM platform_claims
        WHERE state = 'asking' AND due_at < clock_timestamp() - interval '10 minutes'""",
    "what is asked of platforms for a claim is about its units": """
        SELECT 'claim ' || p.claim_id, p.units || ' units at the platform, '
               || coalesce(x.quantity, 0) || ' claimed'
        FROM (SELECT claim_id, purchase_line_id, sum(quantity) AS units FROM platform_claims
              GROUP BY claim_id, purchase_line_id) p
        LEFT JOIN claim_lines x ON x.claim_id = p.claim_id
              AND x.purchase_line_id = p.purchase_line_id
        WHERE p.units <> coalesce(x.quantity, 0)""",
    "what platforms gave back is booked, as far as it was owed": """
        SELECT 'claim ' || p.claim_id, p.refunded || ' fen came back, '
               || coalesce(x.fen, 0) || ' booked'
        FROM (SELECT claim_id, sum(refunded - freight) AS refunded FROM platform_claims
              WHERE state = 'refunded' AND refunded IS NOT NULL GROUP BY claim_id) p
        LEFT JOIN (SELECT c.claim_id,
                          sum(CASE o.source WHEN 'cost' THEN -o.amount ELSE o.amount END) AS fen
                   FROM platform_claims c
                   JOIN postings o ON o.reference IN ('clawback:' || c.claim_id || ':' || c.id,
                                                      'counted:' || c.claim_id || ':' || c.id)
                   GROUP BY c.claim_id) x ON x.claim_id = p.claim_id
        JOIN (SELECT claim_id, sum(owed - l.credited) AS open FROM claim_lines y
              JOIN purchase_lines l ON l.id = y.purchase_line_id GROUP BY claim_id) r
              ON r.claim_id = p.claim_id
        WHERE p.refunded > coalesce(x.fen, 0) AND r.open > 0""",
    "no claim is forgotten: whoever is to act has a deadline, or an operator is told": """
        SELECT 'claim ' || id, state || ' since ' || updated_at FROM claims
        WHERE state IN ('open', 'approved', 'returning', 'received')
          AND due_at IS NULL AND escalated_at IS NULL""",
}
"""Rule → query of (subject, detail)."""
