"""What must always hold of earnings and payouts; `trade.invariants` runs these with the others."""

QUERIES: dict[str, str] = {
    "money held for payouts = payouts that are not settled": """
        SELECT 'paying:' || party_id, held || ' fen held, payouts ask for ' || asked FROM (
            SELECT party_id, sum(held) AS held, sum(asked) AS asked FROM (
                SELECT party_id, 0 AS held, amount AS asked FROM payouts
                WHERE state IN ('requested', 'approved')
                UNION ALL SELECT party_id, amount, 0 FROM postings
                WHERE destination = 'paying:' || party_id
                UNION ALL SELECT party_id, -amount, 0 FROM postings
                WHERE source = 'paying:' || party_id) parts
            GROUP BY party_id) sums
        WHERE held <> asked""",
    "a paid payout left as net and tax, once": """
        SELECT 'payout ' || p.id, coalesce(x.fen, 0) || ' fen left, ' || p.amount || ' were due'
        FROM payouts p LEFT JOIN LATERAL (
            SELECT sum(amount) AS fen FROM postings
            WHERE reference IN ('payout-net:' || p.id, 'payout-tax:' || p.id)) x ON true
        WHERE coalesce(x.fen, 0)
              <> CASE WHEN p.state IN ('paid', 'returned') THEN p.amount ELSE 0 END""",
    "a returned payout came back whole, once": """
        SELECT 'payout ' || p.id, coalesce(x.fen, 0) || ' fen came back, ' || p.amount || ' left'
        FROM payouts p LEFT JOIN LATERAL (
            SELECT sum(amount) AS fen FROM postings
            WHERE reference IN ('payout-returned-earned:' || p.id,
                'payout-returned-wallet:' || p.id, 'payout-returned-tax:' || p.id)) x ON true
        WHERE coalesce(x.fen, 0) <> CASE WHEN p.state = 'returned' THEN p.amount ELSE 0 END""",
    "frozen earnings = their account": """
        SELECT 'frozen:' || party_id, fen || ' fen frozen, postings say ' || posted FROM (
            SELECT party_id, sum(fen) AS fen, sum(posted) AS posted FROM (
                SELECT party_id, accrued - clawed - released AS fen, 0 AS posted FROM earnings
                UNION ALL SELECT party_id, 0, amount FROM postings
                WHERE destination = 'frozen:' || party_id
                UNION ALL SELECT party_id, 0, -amount FROM postings
                WHERE source = 'frozen:' || party_id) parts
            GROUP BY party_id) sums
        WHERE fen <> posted""",
    "earnings that are payable = released + commissions - paid out = their account": """
        SELECT 'earned:' || party_id, fen || ' fen payable, postings say ' || posted FROM (
            SELECT party_id, sum(fen) AS fen, sum(posted) AS posted FROM (
                SELECT party_id, released AS fen, 0 AS posted FROM earnings
                UNION ALL SELECT party_id, earned, 0 FROM commissions WHERE party_id IS NOT NULL
                UNION ALL SELECT party_id, -earnings, 0 FROM payouts
                WHERE state NOT IN ('failed', 'returned')
                UNION ALL SELECT party_id, 0, amount FROM postings
                WHERE destination = 'earned:' || party_id
                  AND kind NOT IN ('set_off', 'debt_written_off')
                UNION ALL SELECT party_id, 0, -amount FROM postings
                WHERE source = 'earned:' || party_id) parts
            GROUP BY party_id) sums
        WHERE fen <> posted""",
    "a sharer earns with the units that ship, and loses with what is refunded": """
        SELECT 'earning ' || e.id, e.accrued || ' fen for ' || l.shipped || ' of ' || l.quantity
               || ' units, ' || e.clawed || ' taken back'
        FROM earnings e JOIN order_lines l ON l.id = e.order_line_id
        JOIN orders o ON o.id = e.order_id
        WHERE e.accrued <> e.amount * l.shipped / l.quantity OR o.share_id <> e.share_id
           OR o.party_id = e.party_id
           OR (l.refunded > 0 AND l.cancelled = 0 AND l.refunded = l.amount
               AND e.clawed <> e.accrued AND NOT EXISTS (
                   SELECT FROM claims c WHERE c.order_id = o.id AND c.advanced > 0))""",
    "what platforms have settled = their accounts": """
        SELECT 'affiliate:' || source, booked || ' fen settled, postings say ' || posted FROM (
            SELECT source, sum(booked) AS booked, sum(posted) AS posted FROM (
                SELECT source, booked, 0 AS posted FROM commissions
                UNION ALL SELECT substr(source, 11), 0, amount FROM postings
                WHERE source LIKE 'affiliate:%'
                UNION ALL SELECT substr(destination, 11), 0, -amount FROM postings
                WHERE destination LIKE 'affiliate:%') parts
            GROUP BY source) sums
        WHERE booked <> posted""",
    "a statement's lines lead from its opening to its closing, and there the next one opens": """
        SELECT 'statement ' || s.id, s.opening || ' + ' || coalesce(l.fen, 0) || ' for '
               || s.closing || ', after ' || coalesce(b.closing, 0)
        FROM statements s
        LEFT JOIN (SELECT statement_id, sum(amount) AS fen FROM statement_lines
                   GROUP BY statement_id) l ON l.statement_id = s.id
        LEFT JOIN LATERAL (SELECT closing FROM statements e
                           WHERE e.party_id = s.party_id AND e.until <= s.since
                           ORDER BY e.until DESC LIMIT 1) b ON true
        WHERE s.opening + coalesce(l.fen, 0) <> s.closing OR s.opening <> coalesce(b.closing, 0)""",
    "a party's newest statement closes with what its postings add up to": """
        SELECT 'statement ' || s.id,
               s.closing || ' stated, ' || coalesce(sum(p.fen), 0) || ' posted'
        FROM (SELECT DISTINCT ON (party_id) * FROM statements ORDER BY party_id, until DESC) s
        CROSS JOIN LATERAL jsonb_array_elements_text(s.accounts) AS own (account)
        LEFT JOIN LATERAL (
            SELECT sum(fen) AS fen FROM (
                SELECT amount AS fen FROM postings
                WHERE destination = own.account AND at < s.until
                UNION ALL SELECT -amount FROM postings
                WHERE source = own.account AND at < s.until) ends) p ON true
        GROUP BY s.id, s.closing HAVING s.closing <> coalesce(sum(p.fen), 0)""",
}
"""Rule → query of (subject, detail)."""
