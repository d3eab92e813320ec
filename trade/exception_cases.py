"""The query of everything that waits for a person, of every kind; see `trade.exceptions`.

Each row: kind, what it is about, its row, the state that decides what may be done, a code, a
detail, fen at stake, a deadline where a rule or promise gives one, and since when it waits.
"""

from trade.charging import AGREED
from trade.short_balance import SHORT

_PURCHASE = """(SELECT coalesce(sum((x.quantity - x.shipped - x.cancelled) * x.cost
    / greatest(x.quantity, 1)), 0)::bigint FROM purchase_lines x WHERE x.purchase_id = p.id)"""
"""Fen of goods that are bought and have not left."""
_CLAIM = """(SELECT coalesce(sum(CASE WHEN c.kind IN ('refund', 'return') THEN x.asked - x.refunded
        ELSE x.quantity * y.cost / greatest(y.quantity, 1) END), 0)::bigint + c.advanced
    FROM claim_lines x JOIN purchase_lines y ON y.id = x.purchase_line_id
    WHERE x.claim_id = c.id)"""
"""Fen asked and not paid, or that the goods cost which are to be sent, and what was advanced."""
_OF_CLAIM = """c.kind || ' ' || c.state || CASE WHEN c.advanced > 0 THEN ' advanced' ELSE '' END"""
_OPEN = """(SELECT coalesce(sum((x.quantity - x.shipped - x.cancelled) * x.cost
        / greatest(x.quantity, 1)), 0)::bigint
    FROM (SELECT id FROM purchases WHERE source = {0} AND state IN ('ready', 'submitting')
        UNION ALL SELECT id FROM purchases
        WHERE source = {0} AND state IN ('submitted', 'accepted', 'partly_shipped')) y
    JOIN purchase_lines x ON x.purchase_id = y.id)"""
"""Fen of goods that are bought at a source and have not left."""
_UNTOLD = """(
    SELECT e.order_id FROM (
        SELECT e.order_id, e.kind FROM deliveries d
        JOIN events e ON e.seq = d.place AND e.about = d.about WHERE d.webhook_id = w.id
        UNION ALL (SELECT order_id, kind FROM events
            WHERE party_id = w.party_id AND seq > w.told_events ORDER BY seq LIMIT 10000)
        UNION ALL (SELECT order_id, kind FROM events
            WHERE supplier_id = w.party_id AND seq > w.told_events ORDER BY seq LIMIT 10000)
        UNION ALL (SELECT order_id, kind FROM events
            WHERE h.role = 'operator' AND seq > w.told_events ORDER BY seq LIMIT 10000)) e
    WHERE split_part(e.kind, '.', 1) || '.*' = ANY(w.events))"""
"""Orders of which an endpoint was not told everything; of very many, those that come first."""
_YUAN = "to_char(({0}) / 100.0, 'FM999999990.00')"
"""Fen as people write money."""
_DAY = "to_char(({0}) AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI')"
"""A moment as people read it, in China's time."""
_WHY = """substr(failure,
    CASE WHEN starts_with(failure, source || ': ') THEN length(source) + 3 ELSE 1 END)"""
"""What went wrong, without the source where that begins it."""
_RESTS = """LEFT JOIN LATERAL (
    SELECT (m.detail ->> 'until')::timestamptz AS until FROM purchase_moves m
    WHERE m.purchase_id = p.id ORDER BY m.id DESC LIMIT 1) r ON r.until > :now"""
"""Until when nothing is asked at the source of a purchase, as its last try has learnt."""
_AGAIN = """coalesce('; nothing is asked there before '
    || to_char(r.until AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI:SS')
    || ', and then by itself', '')"""
_WHERE = "CASE WHEN p.source = ANY(:platforms) THEN 'platform' ELSE 'door' END"

CASES = f"""
    SELECT 'order_held' AS kind, 'ord' AS about, o.id, o.id AS key,
           'held' AS state, 'no_source' AS code, min(l.held_reason) AS detail,
           (sum(l.amount * l.unrouted / l.quantity)
               + coalesce(min((h.content ->> 'spare')::bigint), 0))::bigint AS money,
           min(h.deadline) AS deadline, coalesce(min(h.held_since), o.updated_at) AS since
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    LEFT JOIN proposals h ON h.order_id = o.id
    WHERE l.unrouted > 0 AND l.held_reason IS NOT NULL GROUP BY o.id
    UNION ALL
    SELECT 'purchase_stuck', 'pur', id, id,
           CASE WHEN leased_until > :now THEN 'asked_now'
                WHEN r.until IS NULL THEN 'unknown' ELSE 'resting' END, 'outcome_unknown',
           source || ': ' || coalesce({_WHY}, 'no answer') || {_AGAIN}, {_PURCHASE}, ship_by, due_at
    FROM purchases p {_RESTS} WHERE state = 'submitting' AND (due_at < :now - interval '10 minutes'
        OR attempts >= 3 AND failure IS NOT NULL)
    UNION ALL
    SELECT 'purchase_unsent', 'pur', id, id,
           CASE WHEN r.until IS NULL THEN 'ready' ELSE 'resting' END, 'not_placed',
           source || ': ' || coalesce({_WHY}, 'no worker has taken it up') || {_AGAIN}, {_PURCHASE},
           ship_by, created_at
    FROM purchases p {_RESTS} WHERE state = 'ready' AND short_since IS NULL
        AND (due_at < :now - interval '1 hour' OR attempts >= 3 AND failure IS NOT NULL)
    UNION ALL
    SELECT 'balance_short', 'pur', min(id), min(id), 'short', 'balance_short',
           source || ': ' || count(*) || ' waiting for money, the first to leave is tried first',
           sum({_PURCHASE})::bigint, min(ship_by), min(short_since)
    FROM purchases p WHERE {SHORT}
    GROUP BY source
    UNION ALL
    SELECT 'shipment_late', 'pur', id, id, {_WHERE}, 'late',
           source || ' was to send it by ' || {_DAY.format("ship_by")}, {_PURCHASE},
           ship_by, ship_by
    FROM purchases p
    WHERE state IN ('submitted', 'accepted', 'partly_shipped') AND ship_by < :now
    UNION ALL
    SELECT 'charged_more', 'pur', id, id,
           CASE WHEN state NOT IN ('submitted', 'accepted') THEN 'gone'
                WHEN held_word = 'give_up' THEN 'given_up'
                WHEN held_since IS NOT NULL THEN 'held' ELSE 'open' END,
           CASE WHEN overcharged > 0 THEN 'dearer' ELSE 'not_told' END,
           'its source ' || CASE WHEN overcharged > 0
               THEN 'asks ' || {_YUAN.format("c.agreed + overcharged")}
                    || CASE WHEN asked_freight IS NULL THEN ' in all'
                       ELSE ' with ' || {_YUAN.format("asked_freight")} || ' freight' END
               ELSE 'does not say what it asks' END
           || '; agreed were ' || {_YUAN.format("c.agreed")}
           || ' with ' || {_YUAN.format("freight_cost")} || ' freight'
           || CASE WHEN held_since IS NULL THEN '' ELSE '; it is held and not paid' END,
           CASE WHEN overcharged > 0 THEN overcharged ELSE c.agreed END, ship_by,
           coalesce(held_since, updated_at)
    FROM purchases p, LATERAL (SELECT {AGREED} AS agreed) c
    WHERE (overcharged > 0 OR held_since IS NOT NULL)
      AND (held_word IS NULL OR held_since < :now - interval '1 day')
    UNION ALL
    SELECT 'cancel_unanswered', 'pur', id, id,
           CASE state WHEN 'submitting' THEN state ELSE {_WHERE} END, 'no_answer',
           source || ': ' || cancel_reason, {_PURCHASE}, ship_by, updated_at
    FROM purchases p
    WHERE state IN ('submitting', 'submitted', 'accepted', 'partly_shipped')
      AND cancel_reason IS NOT NULL AND updated_at < :now - interval '1 day'
    UNION ALL
    SELECT 'left_anyway', 'pur', p.id, p.id,
           CASE WHEN bool_and(s.state = 'stopping') THEN 'stopping' ELSE 'open' END, p.state,
           p.source || ': ' || string_agg(
               s.quantity || ' × ' || x.title || ' with ' || c.carrier || ' '
               || c.tracking_number || ', ' || c.state, '; ' ORDER BY s.id)
           || CASE WHEN p.unwanted THEN '; paid back to the leader'
              ELSE '; looked for elsewhere since' END,
           sum(s.cost)::bigint, NULL, min(s.found_at)
    FROM strays s JOIN purchases p ON p.id = s.purchase_id
    JOIN purchase_lines x ON x.id = s.purchase_line_id JOIN parcels c ON c.id = s.parcel_id
    WHERE s.state IN ('open', 'stopping') GROUP BY p.id
    UNION ALL
    SELECT 'address_asked', 'pur', p.id, r.id, 'asked', 'no_answer',
           p.source || ': another address in the same district is asked for', {_PURCHASE},
           r.answer_by, r.asked_at
    FROM address_requests r JOIN purchases p ON p.id = r.purchase_id
    WHERE r.state = 'asked' AND p.state IN ('submitted', 'accepted')
    UNION ALL
    SELECT 'claim_unanswered', 'clm', id, id, {_OF_CLAIM}, state,
           kind || ', ' || state || ': ' || reason || CASE WHEN advanced > 0
               THEN '; ' || {_YUAN.format("advanced")} || ' was advanced' ELSE '' END,
           {_CLAIM}, due_at, escalated_at
    FROM claims c WHERE escalated_at IS NOT NULL
      AND state IN ('open', 'approved', 'returning', 'received')
      AND NOT EXISTS (SELECT FROM platform_claims p
                      WHERE p.claim_id = c.id AND p.state IN ('failed', 'replaced'))
    UNION ALL
    SELECT 'parcel_stuck', 'pur', purchase_id, id, 'stuck', state,
           carrier || ' ' || tracking_number || ': ' || state || ', no news since '
           || {_DAY.format("coalesce(last_event_at, shipped_at)")},
           (SELECT coalesce(sum(x.captured * y.quantity / greatest(x.shipped, 1)), 0)::bigint
            FROM parcel_lines y JOIN purchase_lines x ON x.id = y.purchase_line_id
            WHERE y.parcel_id = p.id),
           CASE WHEN state <> 'returned' THEN
               greatest(shipped_at + :delivery, last_event_at + :long_ago) END, stuck_at
    FROM parcels p WHERE stuck_at IS NOT NULL AND delivered_at IS NULL
        AND NOT EXISTS (SELECT FROM parcel_lines y JOIN purchase_lines x
                        ON x.id = y.purchase_line_id WHERE y.parcel_id = p.id
                        HAVING sum(x.captured) > 0 AND sum(x.captured) = sum(x.refunded))
    UNION ALL
    SELECT 'claim_refused_by_source', 'clm', c.id, p.id, {_OF_CLAIM}, 'refused',
           coalesce(p.message, 'no reason told'), {_CLAIM}, c.due_at, p.updated_at
    FROM platform_claims p JOIN claims c ON c.id = p.claim_id
    WHERE p.state = 'failed' AND c.state IN ('open', 'approved', 'returning', 'received')
    UNION ALL
    SELECT 'claim_replaced', 'clm', c.id, p.id, {_OF_CLAIM}, 'replaced',
           'tell the waybill of its new order'
               || coalesce(' ' || p.replacement, ', which it has not named'), {_CLAIM},
           c.due_at, p.updated_at
    FROM platform_claims p JOIN claims c ON c.id = p.claim_id
    WHERE p.state = 'replaced' AND c.state IN ('open', 'approved', 'returning', 'received')
    UNION ALL
    SELECT 'replacement_unwanted', 'clm', id, id, recall,
           CASE recall WHEN 'asked' THEN 'no_answer' ELSE 'sent_anyway' END,
           kind || ' ' || state || CASE recall
               WHEN 'asked' THEN '; its supplier has not said that it keeps the goods'
               ELSE '; they left with ' || coalesce((
                   SELECT string_agg(x.carrier || ' ' || x.tracking_number, ', ')
                   FROM parcels x WHERE x.claim_id = c.id), 'a parcel') END,
           (SELECT coalesce(sum(x.quantity * y.cost / greatest(y.quantity, 1)), 0)::bigint
            FROM claim_lines x JOIN purchase_lines y ON y.id = x.purchase_line_id
            WHERE x.claim_id = c.id), NULL, recalled_at
    FROM claims c WHERE recall IN ('asked', 'sent')
    UNION ALL
    SELECT 'claim_difference', 'clm', d.claim_id, d.id, 'refunded', 'other_amount',
           coalesce({_YUAN.format("d.refunded")}, 'an unknown amount') || ' came back of the '
           || {_YUAN.format("d.expected")} || ' that was due',
           abs(d.expected - coalesce(d.refunded, 0))::bigint, NULL, d.updated_at
    FROM (
        SELECT p.id, p.claim_id, p.refunded - p.freight AS refunded, p.updated_at,
               x.asked_cost * p.quantity / x.quantity AS expected
        FROM platform_claims p
        JOIN claim_lines x ON x.claim_id = p.claim_id AND x.purchase_line_id = p.purchase_line_id
        WHERE p.state = 'refunded' AND p.settled_at IS NULL) d
    WHERE d.refunded IS NULL OR abs(d.refunded - d.expected) > 1
    UNION ALL
    SELECT 'freight_returned', 'pur', p.id, p.id, 'open', 'beyond_goods',
           'beyond the goods its freight came back; proposed: payable:' || p.source || ' to cost',
           sum(c.freight)::bigint, NULL, min(c.updated_at)
    FROM platform_claims c JOIN purchases p ON p.id = c.purchase_id
    WHERE c.freight_state = 'open' GROUP BY p.id
    UNION ALL
    SELECT 'deposit_waiting', 'dep', d.id, d.id, d.state, 'not_confirmed',
           p.name || ': ' || d.proof, d.amount, NULL, d.created_at
    FROM deposit_requests d JOIN parties p ON p.id = d.party_id WHERE d.state = 'open'
    UNION ALL
    SELECT 'payout_waiting', 'pay', id, id, state, 'not_approved',
           payee || CASE WHEN envelope IS NULL THEN ': has stated no bank account' ELSE '' END
           || CASE WHEN reduced > 0 THEN
               ': less ' || {_YUAN.format("reduced")} || ', as goods came back' ELSE '' END,
           amount, NULL, created_at
    FROM payouts WHERE state = 'requested'
    UNION ALL
    SELECT 'earnings_owed', 'pty', p.id, p.id,
           CASE WHEN b.amount > 0 THEN 'covered' ELSE 'bare' END, 'owed',
           p.name || ': later earnings are set against it; its wallet holds '
           || {_YUAN.format("greatest(coalesce(b.amount, 0), 0)")}, owed.fen, NULL, owed.since
    FROM parties p LEFT JOIN balances b ON b.account = 'wallet:' || p.id
    CROSS JOIN LATERAL (
        SELECT sum(fen)::bigint AS fen, max(at) FILTER (WHERE kind LIKE '%_back') AS since FROM (
            SELECT amount AS fen, at, kind FROM postings WHERE source = 'earned:' || p.id
            UNION ALL SELECT -amount, at, '' FROM postings WHERE destination = 'earned:' || p.id
        ) ends
    ) owed
    WHERE owed.fen > 0 AND p.id IN (
        SELECT party_id FROM payouts WHERE earnings > 0 AND state NOT IN ('failed', 'returned'))
    UNION ALL
    SELECT 'statement_disputed', 'stm', s.id, s.id, s.state, 'disputed',
           p.name || ', ' || s.period || ': ' || s.reason, abs(s.closing), NULL, s.answered_at
    FROM statements s JOIN parties p ON p.id = s.party_id WHERE s.state = 'disputed'
    UNION ALL
    SELECT 'books_differ', 'dif', d.id, d.id,
           CASE WHEN coalesce(d.amount, 0) = 0 THEN 'no_entry' ELSE 'entry' END, d.code,
           concat_ws(' ', d.source, nullif(d.purchase, '')) || ': ' || d.detail,
           coalesce(abs(d.amount), (
               SELECT sum(x.cost)::bigint FROM purchases y
               JOIN purchase_lines x ON x.purchase_id = y.id
               WHERE y.our_ref = d.purchase AND y.source = d.source)), NULL, r.made_at
    FROM differences d JOIN reconciliations r ON r.id = d.reconciliation_id
    WHERE d.state = 'open' AND d.code <> 'freight_returned'
    UNION ALL
    SELECT 'listing_held', 'run', id, id, state, 'harmful',
           source || ': ' || coalesce({_WHY}, 'held'),
           {_OPEN.format("r.source")}, NULL, ended_at
    FROM runs r WHERE state = 'held' AND NOT EXISTS (
        SELECT FROM runs n WHERE n.source = r.source AND n.id > r.id AND n.state = 'done')
    UNION ALL
    SELECT 'sheet_not_sent', 'sht', id, id,
           CASE WHEN state = 'failed' AND may_have_left AND body = '' THEN 'erased' ELSE state END,
           'not_sent', source || ': ' || coalesce({_WHY}, 'not sent')
           || CASE WHEN may_have_left THEN '; it may have arrived' ELSE '' END,
           (SELECT coalesce(sum(x.cost), 0)::bigint FROM sheet_purchases y
            JOIN purchase_lines x ON x.purchase_id = y.purchase_id WHERE y.sheet_id = h.id)
           + (SELECT coalesce(sum(x.asked_cost), 0)::bigint FROM sheet_claims y
              JOIN claim_lines x ON x.claim_id = y.claim_id WHERE y.sheet_id = h.id),
           cutoff_at, created_at
    FROM supplier_sheets h
    WHERE state = 'failed' OR (
        state IN ('made', 'sending') AND created_at < :now - interval '1 hour')
    UNION ALL
    SELECT 'webhook_failing', 'whk', w.id, w.id, state, state,
           h.name || ', ' || split_part(w.url, '?', 1) || ': ' || coalesce(failure, state),
           CASE WHEN NOT w.events && ARRAY['order.*', 'purchase.*', 'parcel.*', 'claim.*'] THEN NULL
           WHEN h.role = 'brand' THEN (
               SELECT coalesce(sum(x.cost), 0)::bigint FROM purchases y
               JOIN purchase_lines x ON x.purchase_id = y.id
               WHERE y.supplier_id = w.party_id AND y.order_id IN {_UNTOLD})
           ELSE (SELECT coalesce(sum(o.total), 0)::bigint FROM orders o WHERE o.id IN {_UNTOLD})
           END, NULL, failing_since
    FROM webhooks w JOIN parties h ON h.id = w.party_id WHERE state IN ('failing', 'disabled')
    UNION ALL
    SELECT 'application_waiting', 'app', id, id, state, 'not_answered',
           role || ' ' || coalesce(name, uscc, ''), (
               SELECT sum({_OPEN.format("h.source")})::bigint FROM parties h
               WHERE h.role = 'brand' AND a.role = 'brand' AND h.id IN (
                   SELECT f.party_id FROM applications f
                   WHERE f.uscc = a.uscc AND f.state = 'approved')), NULL, created_at
    FROM applications a WHERE state = 'open'
    UNION ALL
    SELECT 'supplier_lapsing', 'pty', p.id, p.id, 'lapsing',
           CASE WHEN h.qualified_until <= :now THEN 'lapsed' ELSE 'lapsing' END,
           p.name || ': papers end ' || {_DAY.format("h.qualified_until")},
           {_OPEN.format("h.source")}, h.qualified_until,
           h.qualified_until - interval '30 days'
    FROM source_states h JOIN parties p ON p.source = h.source AND p.role = 'brand' AND p.active
    WHERE h.qualified_until <= :now + interval '30 days'
"""  # noqa: S608 - our own words
