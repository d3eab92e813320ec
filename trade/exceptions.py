"""What waits for a person, as one list: computed from the rows as they are, kept nowhere.

Each case says why it waits, how much money is at stake, until when, and what may safely be done.
Which actions a case has is a pure function of its kind and state; `api.workbench` does them.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import inside, outside

Kind = Literal[
    "order_held",
    "purchase_stuck",
    "purchase_unsent",
    "shipment_late",
    "cancel_unanswered",
    "claim_unanswered",
    "parcel_stuck",
    "claim_refused_by_source",
    "claim_replaced",
    "claim_difference",
    "deposit_waiting",
    "payout_waiting",
    "statement_disputed",
    "books_differ",
    "listing_held",
    "sheet_not_sent",
    "webhook_failing",
    "application_waiting",
    "supplier_lapsing",
]
KINDS: tuple[str, ...] = get_args(Kind)

_PURCHASE = """(SELECT coalesce(sum((x.quantity - x.shipped - x.cancelled) * x.cost
    / greatest(x.quantity, 1)), 0)::bigint FROM purchase_lines x WHERE x.purchase_id = p.id)"""
"""Fen of goods that are bought and have not left."""
_CLAIM = """(SELECT coalesce(sum(x.asked - x.refunded), 0)::bigint FROM claim_lines x
    WHERE x.claim_id = c.id)"""
"""Fen asked and not paid."""
_WHERE = "CASE WHEN p.source = ANY(:platforms) THEN 'platform' ELSE 'door' END"

_CASES = f"""
    SELECT 'order_held' AS kind, 'ord' AS about, o.id, o.id AS key,
           'held' AS state, 'no_source' AS code, min(l.held_reason) AS detail,
           sum(l.amount * l.unrouted / l.quantity)::bigint AS money,
           min(h.deadline) AS deadline, coalesce(min(h.held_since), o.updated_at) AS since
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    LEFT JOIN proposals h ON h.order_id = o.id
    WHERE l.unrouted > 0 AND l.held_reason IS NOT NULL GROUP BY o.id
    UNION ALL
    SELECT 'purchase_stuck', 'pur', id, id,
           CASE WHEN leased_until > :now THEN 'asked_now' ELSE 'unknown' END, 'outcome_unknown',
           coalesce(failure, 'no answer from its source'), {_PURCHASE}, ship_by, due_at
    FROM purchases p WHERE state = 'submitting' AND (due_at < :now - interval '10 minutes'
        OR attempts >= 3 AND failure IS NOT NULL)
    UNION ALL
    SELECT 'purchase_unsent', 'pur', id, id, 'ready', 'not_placed',
           coalesce(failure, 'no worker has taken it up'), {_PURCHASE}, ship_by, created_at
    FROM purchases p WHERE state = 'ready' AND (due_at < :now - interval '1 hour'
        OR attempts >= 3 AND failure IS NOT NULL)
    UNION ALL
    SELECT 'shipment_late', 'pur', id, id, {_WHERE}, 'late', 'was to leave by ' || ship_by,
           {_PURCHASE}, ship_by, ship_by
    FROM purchases p
    WHERE state IN ('submitted', 'accepted', 'partly_shipped') AND ship_by < :now
    UNION ALL
    SELECT 'cancel_unanswered', 'pur', id, id,
           CASE state WHEN 'submitting' THEN state ELSE {_WHERE} END, 'no_answer', cancel_reason,
           {_PURCHASE}, ship_by, updated_at
    FROM purchases p
    WHERE state IN ('submitting', 'submitted', 'accepted', 'partly_shipped')
      AND cancel_reason IS NOT NULL AND updated_at < :now - interval '1 day'
    UNION ALL
    SELECT 'claim_unanswered', 'clm', id, id, kind || ' ' || state, state, state || ': ' || reason,
           {_CLAIM}, due_at, escalated_at
    FROM claims c WHERE escalated_at IS NOT NULL
      AND state IN ('open', 'approved', 'returning', 'received')
    UNION ALL
    SELECT 'parcel_stuck', 'pur', purchase_id, id, 'stuck', state,
           carrier || ' ' || tracking_number || ': ' || state || ', no news since '
           || coalesce(last_event_at, shipped_at),
           (SELECT coalesce(sum(x.captured * y.quantity / greatest(x.shipped, 1)), 0)::bigint
            FROM parcel_lines y JOIN purchase_lines x ON x.id = y.purchase_line_id
            WHERE y.parcel_id = p.id), NULL, stuck_at
    FROM parcels p WHERE stuck_at IS NOT NULL AND delivered_at IS NULL
    UNION ALL
    SELECT 'claim_refused_by_source', 'clm', c.id, p.id, c.kind || ' ' || c.state, 'refused',
           coalesce(p.message, 'no reason told'), {_CLAIM}, c.due_at, p.updated_at
    FROM platform_claims p JOIN claims c ON c.id = p.claim_id
    WHERE p.state = 'failed' AND c.state IN ('open', 'approved', 'returning', 'received')
    UNION ALL
    SELECT 'claim_replaced', 'clm', c.id, p.id, c.kind || ' ' || c.state, 'replaced',
           'tell the waybill of the new order ' || coalesce(p.replacement, ''), {_CLAIM},
           c.due_at, p.updated_at
    FROM platform_claims p JOIN claims c ON c.id = p.claim_id
    WHERE p.state = 'replaced' AND c.state IN ('open', 'approved', 'returning', 'received')
    UNION ALL
    SELECT 'claim_difference', 'clm', d.claim_id, d.id, 'refunded', 'other_amount',
           coalesce(d.refunded::text, 'an unknown number of') || ' fen came back of the '
           || d.expected || ' that were due', (d.expected - coalesce(d.refunded, 0))::bigint,
           NULL, d.updated_at
    FROM (
        SELECT p.id, p.claim_id, p.refunded, p.updated_at,
               x.asked_cost * p.quantity / x.quantity AS expected
        FROM platform_claims p
        JOIN claim_lines x ON x.claim_id = p.claim_id AND x.purchase_line_id = p.purchase_line_id
        WHERE p.state = 'refunded' AND p.updated_at > :now - interval '30 days') d
    WHERE d.refunded IS NULL OR abs(d.refunded - d.expected) > 1
    UNION ALL
    SELECT 'deposit_waiting', 'dep', id, id, state, 'not_confirmed', proof, amount, NULL,
           created_at
    FROM deposit_requests WHERE state = 'open'
    UNION ALL
    SELECT 'payout_waiting', 'pay', id, id, state, 'not_approved', payee, amount, NULL, created_at
    FROM payouts WHERE state = 'requested'
    UNION ALL
    SELECT 'statement_disputed', 'stm', id, id, state, 'disputed', reason, NULL, NULL, answered_at
    FROM statements WHERE state = 'disputed'
    UNION ALL
    SELECT 'books_differ', 'dif', d.id, d.id,
           CASE WHEN coalesce(d.amount, 0) = 0 THEN 'no_entry' ELSE 'entry' END, d.code,
           d.source || ' ' || d.purchase || ': ' || d.detail, abs(d.amount), NULL, r.made_at
    FROM differences d JOIN reconciliations r ON r.id = d.reconciliation_id
    WHERE d.state = 'open'
    UNION ALL
    SELECT 'listing_held', 'run', id, id, state, 'harmful', coalesce(failure, 'held'), NULL, NULL,
           ended_at
    FROM runs r WHERE state = 'held' AND NOT EXISTS (
        SELECT FROM runs n WHERE n.source = r.source AND n.id > r.id AND n.state = 'done')
    UNION ALL
    SELECT 'sheet_not_sent', 'sht', id, id, state, 'not_sent', coalesce(failure, 'not sent'),
           NULL, NULL, created_at
    FROM supplier_sheets
    WHERE state = 'failed' OR (
        state IN ('made', 'sending') AND created_at < :now - interval '1 hour')
    UNION ALL
    SELECT 'webhook_failing', 'whk', id, id, state, state, state || ': ' || coalesce(failure, ''),
           NULL, NULL, failing_since
    FROM webhooks WHERE state IN ('failing', 'disabled')
    UNION ALL
    SELECT 'application_waiting', 'app', id, id, state, 'not_answered',
           role || ' ' || coalesce(name, uscc, ''), NULL, NULL, created_at
    FROM applications WHERE state = 'open'
    UNION ALL
    SELECT 'supplier_lapsing', 'pty', p.id, p.id, 'lapsing',
           CASE WHEN h.qualified_until <= :now THEN 'lapsed' ELSE 'lapsing' END,
           p.name || ': papers end ' || h.qualified_until, NULL, h.qualified_until,
           h.qualified_until - interval '30 days'
    FROM source_states h JOIN parties p ON p.source = h.source AND p.role = 'brand' AND p.active
    WHERE h.qualified_until <= :now + interval '30 days'
"""  # noqa: S608 - our own words
_QUERY = text(f"""
    SELECT kind, about, id, key, state, code, detail, money, deadline, since
    FROM ({_CASES}) waiting
    WHERE (CAST(:kind AS text) IS NULL OR kind = :kind)
      AND (CAST(:key AS bigint) IS NULL OR key = :key)
    ORDER BY since NULLS LAST, kind, id, key LIMIT :limit
""")  # noqa: S608 - our own words

_CAUSES: Mapping[str, str] = {
    "order_held": "No source has these units at the agreed price",
    "purchase_stuck": "It is not known whether the source holds this purchase",
    "purchase_unsent": "This purchase could not be placed so far",
    "shipment_late": "The supplier has not sent what was promised",
    "cancel_unanswered": "The leader asked to cancel, and the supplier has not answered",
    "claim_unanswered": "Nobody acted on this claim in time",
    "parcel_stuck": "This parcel does not move",
    "claim_refused_by_source": "The platform takes no claim about these goods",
    "claim_replaced": "The platform sends new goods under an order of its own",
    "claim_difference": "The platform gave back another amount than was due",
    "deposit_waiting": "Money is said to have been paid in; look at the bank",
    "payout_waiting": "A party asks to be paid out",
    "statement_disputed": "A party disputes its statement",
    "books_differ": "A source's books differ from ours",
    "listing_held": "A reading would do harm, and was not applied",
    "sheet_not_sent": "A supplier's sheet has not left",
    "webhook_failing": "An endpoint does not take its messages",
    "application_waiting": "Somebody asks to trade here; look at the papers and answer",
    "supplier_lapsing": "A supplier's papers expire; without newer ones its goods are not sold",
}

_OF_CLAIM: Mapping[str, tuple[str, ...]] = {
    "refund open": ("approve", "refuse", "advance"),
    "return open": ("approve", "refuse", "advance"),
    "exchange open": ("approve", "refuse"),
    "reissue open": ("approve", "refuse", "reissue"),
    "return approved": ("received", "advance"),
    "exchange approved": ("received",),
    "reissue approved": ("reissue",),
    "return returning": ("received", "refuse", "advance"),
    "exchange returning": ("received", "refuse"),
    "return received": ("refuse",),
    "exchange received": ("reissue", "refuse"),
}
_REFUSED = {"door": ("refused",)}
"""A platform says itself what it will not send; a supplier may have said so by telephone."""

ACTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "order_held": {"held": ("reroute", "cancel", "extend")},
    "purchase_stuck": {"unknown": ("ask", "found", "not_placed")},
    "purchase_unsent": {"ready": ("retry",)},
    "shipment_late": _REFUSED,
    "cancel_unanswered": _REFUSED,
    "claim_unanswered": _OF_CLAIM,
    "parcel_stuck": {"stuck": ("delivered",)},
    "claim_refused_by_source": _OF_CLAIM,
    "claim_replaced": _OF_CLAIM,
    "deposit_waiting": {"open": ("confirm", "refuse")},
    "payout_waiting": {"requested": ("approve", "refuse")},
    "statement_disputed": {"disputed": ("answer",)},
    "books_differ": {"entry": ("accept", "dismiss"), "no_entry": ("dismiss",)},
    "listing_held": {"held": ("release", "discard")},
    "sheet_not_sent": {"failed": ("send",)},
    "webhook_failing": {"failing": ("resume",), "disabled": ("resume",)},
}
"""Kind → state → what may safely be done; what is not here must not be done from here."""


def actions(kind: str, state: str) -> tuple[str, ...]:
    """What may be done about a case of this kind in this state."""
    return ACTIONS.get(kind, {}).get(state, ())


def known_actions(kind: str) -> tuple[str, ...]:
    """What may be done about cases of this kind in any state."""
    return tuple(dict.fromkeys(one for each in ACTIONS.get(kind, {}).values() for one in each))


def waiting(
    session: Session,
    now: datetime,
    *,
    kind: str | None = None,
    key: int | None = None,
    platforms: Collection[str] = (),
    limit: int = 200,
) -> list[dict[str, Any]]:
    """The cases that wait longest, first. `platforms` are sources that say themselves what becomes
    of a purchase. Money is in fen, None where none is at stake or it is not known."""
    asked = {"now": now, "kind": kind, "key": key, "platforms": list(platforms), "limit": limit}
    return [
        {
            "id": outside_id(row.kind, row.key),
            "kind": row.kind,
            "about": (row.about, row.id),
            "code": row.code,
            "cause": _CAUSES[row.kind],
            "detail": row.detail,
            "money": row.money,
            "deadline": row.deadline,
            "actions": actions(row.kind, row.state),
            "since": row.since,
        }
        for row in session.execute(_QUERY, asked)
    ]


def outside_id(kind: str, key: int) -> str:
    """How a case is named outside: its kind, and the id of the row that makes it one."""
    return outside(kind, key)


def inside_id(name: str) -> tuple[str, int]:
    """Kind and row of a case. Raises Problem 404."""
    kind, _, tail = name.rpartition("_")
    if kind not in KINDS:
        raise Problem(404, "not_found", f"there is no exception {name!r}")
    return kind, inside("exc", f"exc_{tail}")
