"""What waits for a person, as one list: computed from the rows as they are, kept nowhere."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

_QUERY = text("""
    SELECT kind, about, id, detail, since FROM (
        SELECT 'order_held' AS kind, 'ord' AS about, o.id, min(l.held_reason) AS detail,
               o.updated_at AS since
        FROM order_lines l JOIN orders o ON o.id = l.order_id
        WHERE l.unrouted > 0 AND l.held_reason IS NOT NULL GROUP BY o.id
        UNION ALL
        SELECT 'purchase_stuck', 'pur', id, coalesce(failure, 'no answer from its source'), due_at
        FROM purchases WHERE state = 'submitting' AND due_at < :now - interval '10 minutes'
        UNION ALL
        SELECT 'shipment_late', 'pur', id, 'was to leave by ' || ship_by, ship_by
        FROM purchases
        WHERE state IN ('submitted', 'accepted', 'partly_shipped') AND ship_by < :now
        UNION ALL
        SELECT 'cancel_unanswered', 'pur', id, cancel_reason, updated_at
        FROM purchases
        WHERE state IN ('submitting', 'submitted', 'accepted', 'partly_shipped')
          AND cancel_reason IS NOT NULL AND updated_at < :now - interval '1 day'
        UNION ALL
        SELECT 'claim_unanswered', 'clm', id, state || ': ' || reason, escalated_at
        FROM claims WHERE escalated_at IS NOT NULL
          AND state IN ('open', 'approved', 'returning', 'received')
        UNION ALL
        SELECT 'parcel_stuck', 'pur', purchase_id,
               carrier || ' ' || tracking_number || ': ' || state || ', no news since '
               || coalesce(last_event_at, shipped_at), stuck_at
        FROM parcels WHERE stuck_at IS NOT NULL AND delivered_at IS NULL
        UNION ALL
        SELECT 'claim_refused_by_source', 'clm', p.claim_id, coalesce(p.message, 'no reason told'),
               p.updated_at
        FROM platform_claims p JOIN claims c ON c.id = p.claim_id
        WHERE p.state = 'failed' AND c.state IN ('open', 'approved', 'returning', 'received')
        UNION ALL
        SELECT 'claim_replaced', 'clm', p.claim_id,
               'tell the waybill of the new order ' || coalesce(p.replacement, ''), p.updated_at
        FROM platform_claims p JOIN claims c ON c.id = p.claim_id
        WHERE p.state = 'replaced' AND c.state IN ('open', 'approved', 'returning', 'received')
        UNION ALL
        SELECT 'claim_difference', 'clm', d.claim_id,
               coalesce(d.refunded::text, 'an unknown number of') || ' fen came back of the '
               || d.expected || ' that were due', d.updated_at
        FROM (
            SELECT p.claim_id, p.refunded, p.updated_at,
                   (l.owed * x.asked / greatest(l.captured, 1)) * p.quantity / x.quantity
                       AS expected
            FROM platform_claims p
            JOIN claim_lines x ON x.claim_id = p.claim_id
             AND x.purchase_line_id = p.purchase_line_id
            JOIN purchase_lines l ON l.id = p.purchase_line_id
            WHERE p.state = 'refunded' AND p.updated_at > :now - interval '30 days') d
        WHERE d.refunded IS NULL OR abs(d.refunded - d.expected) > 1
        UNION ALL
        SELECT 'deposit_waiting', 'dep', id, proof, created_at
        FROM deposit_requests WHERE state = 'open'
        UNION ALL
        SELECT 'payout_waiting', 'pay', id, payee, created_at
        FROM payouts WHERE state = 'requested'
        UNION ALL
        SELECT 'statement_disputed', 'stm', id, reason, answered_at
        FROM statements WHERE state = 'disputed'
        UNION ALL
        SELECT 'books_differ', 'dif', d.id, d.source || ' ' || d.purchase || ': ' || d.detail,
               r.made_at
        FROM differences d JOIN reconciliations r ON r.id = d.reconciliation_id
        WHERE d.state = 'open'
        UNION ALL
        SELECT 'listing_held', 'run', id, coalesce(failure, 'held'), ended_at
        FROM runs r WHERE state = 'held' AND NOT EXISTS (
            SELECT FROM runs n WHERE n.source = r.source AND n.id > r.id AND n.state = 'done')
        UNION ALL
        SELECT 'sheet_not_sent', 'sht', id, coalesce(failure, 'not sent'), created_at
        FROM supplier_sheets
        WHERE state = 'failed' OR (
            state IN ('made', 'sending') AND created_at < :now - interval '1 hour')
        UNION ALL
        SELECT 'webhook_failing', 'whk', id, state || ': ' || coalesce(failure, ''), failing_since
        FROM webhooks WHERE state IN ('failing', 'disabled')
    ) waiting
    WHERE CAST(:kind AS text) IS NULL OR kind = :kind
    ORDER BY since NULLS LAST, kind, id LIMIT :limit
""")


def waiting(
    session: Session, now: datetime, *, kind: str | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """The cases that wait longest, first: kind, the thing concerned (prefix and id), why, since."""
    rows = session.execute(_QUERY, {"now": now, "kind": kind, "limit": limit})
    return [
        {"kind": row.kind, "about": (row.about, row.id), "detail": row.detail, "since": row.since}
        for row in rows
    ]
