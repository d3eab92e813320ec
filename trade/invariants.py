"""What must always hold in trade, as queries: run by `huopan check`, by cron, and in tests.

Each query names the rows that break its rule; an empty answer is good. They run in system scope.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.orm import Session

from trade import version_checks
from trade.after_sales import claim_checks
from trade.settling import settlement_checks
from trade.states import Units, order_status


@dataclass(frozen=True)
class Violation:
    """A rule that does not hold for a row."""

    rule: str
    subject: str
    detail: str


QUERIES: dict[str, str] = (
    settlement_checks.QUERIES
    | claim_checks.QUERIES
    | version_checks.QUERIES
    | {
        "units ordered = unrouted + in purchases + cancelled": """
        SELECT 'order line ' || l.id, l.quantity || ' ordered, ' || l.unrouted || ' unrouted, '
               || l.cancelled || ' cancelled, ' || coalesce(p.units, 0) || ' in purchases'
        FROM order_lines l LEFT JOIN (
            SELECT order_line_id, sum(quantity - cancelled) AS units
            FROM purchase_lines GROUP BY order_line_id) p ON p.order_line_id = l.id
        WHERE l.quantity <> l.unrouted + l.cancelled + coalesce(p.units, 0)""",
        "units shipped of an order line = of its purchase lines = in its parcels": """
        SELECT 'order line ' || l.id, l.shipped || ' shipped, ' || coalesce(p.units, 0)
               || ' by purchases, ' || coalesce(c.units, 0) || ' in parcels'
        FROM order_lines l
        LEFT JOIN (SELECT order_line_id, sum(shipped) AS units
                   FROM purchase_lines GROUP BY order_line_id) p ON p.order_line_id = l.id
        LEFT JOIN (SELECT x.order_line_id, sum(x.quantity) AS units
                   FROM parcel_lines x JOIN parcels a ON a.id = x.parcel_id
                   WHERE a.claim_id IS NULL GROUP BY x.order_line_id) c ON c.order_line_id = l.id
        WHERE l.shipped <> coalesce(p.units, 0) OR l.shipped <> coalesce(c.units, 0)""",
        "units delivered of an order line = in its parcels that arrived": """
        SELECT 'order line ' || l.id, l.delivered || ' delivered, ' || coalesce(c.units, 0)
               || ' in parcels that arrived'
        FROM order_lines l
        LEFT JOIN (SELECT x.order_line_id, sum(x.quantity) AS units
                   FROM parcel_lines x JOIN parcels a ON a.id = x.parcel_id
                   WHERE a.claim_id IS NULL AND a.delivered_at IS NOT NULL
                   GROUP BY x.order_line_id) c ON c.order_line_id = l.id
        WHERE l.delivered <> coalesce(c.units, 0)""",
        "held money = open units + freight not yet captured": """
        SELECT 'order ' || o.id, o.held || ' fen held, ' || coalesce(l.fen, 0) || ' in goods, '
               || coalesce(p.fen, 0) || ' in freight'
        FROM orders o
        LEFT JOIN (SELECT order_id, sum(amount - amount * (shipped + cancelled) / quantity) AS fen
                   FROM order_lines GROUP BY order_id) l ON l.order_id = o.id
        LEFT JOIN (SELECT order_id, sum(freight_price) AS fen FROM purchases p
                   WHERE NOT EXISTS (SELECT FROM purchase_lines x
                                     WHERE x.purchase_id = p.id AND x.shipped > 0)
                   GROUP BY order_id) p ON p.order_id = o.id
        WHERE o.held <> coalesce(l.fen, 0) + coalesce(p.fen, 0)""",
        "a party's held balance = what its orders hold": """
        SELECT 'balance held:' || o.party_id,
               coalesce(b.amount, 0) || ' fen, orders hold ' || o.held
        FROM (SELECT party_id, sum(held) AS held FROM orders GROUP BY party_id) o
        LEFT JOIN balances b ON b.account = 'held:' || o.party_id
        WHERE coalesce(b.amount, 0) <> o.held""",
        "money captured of an order = its postings": """
        SELECT 'order ' || o.id, coalesce(x.fen, 0) || ' fen posted, ' || coalesce(p.fen, 0)
               || ' captured'
        FROM orders o
        LEFT JOIN (SELECT order_id, sum(amount) AS fen FROM postings
                   WHERE kind = 'capture' GROUP BY order_id) x ON x.order_id = o.id
        LEFT JOIN (SELECT p.order_id, sum(l.captured + CASE WHEN l.begun THEN p.freight_price
                                          ELSE 0 END) AS fen
                   FROM purchases p JOIN (
                       SELECT purchase_id, sum(captured) AS captured, sum(shipped) > 0 AS begun
                       FROM purchase_lines GROUP BY purchase_id) l ON l.purchase_id = p.id
                   GROUP BY p.order_id) p ON p.order_id = o.id
        WHERE coalesce(x.fen, 0) <> coalesce(p.fen, 0)""",
        "every kept balance = its postings": """
        SELECT 'balance ' || b.account, b.amount || ' fen, postings say ' || coalesce(x.fen, 0)
        FROM balances b LEFT JOIN (
            SELECT account, sum(fen) AS fen FROM (
                SELECT destination AS account, amount AS fen FROM postings
                UNION ALL SELECT source, -amount FROM postings) both_ends
            GROUP BY account) x ON x.account = b.account
        WHERE b.amount <> coalesce(x.fen, 0)""",
        "no purchase is submitting unattended past its lease": """
        SELECT 'purchase ' || our_ref, 'due since ' || due_at FROM purchases
        WHERE state = 'submitting' AND due_at < clock_timestamp() - interval '10 minutes'""",
        "no platform order is found under two purchases": """
        SELECT 'source ' || p.source, 'external order ' || r.ref
        FROM purchases p, unnest(p.external_refs) AS r (ref)
        GROUP BY p.source, r.ref HAVING count(*) > 1""",
        "a purchase's state is what its last move says": """
        SELECT 'purchase ' || p.our_ref, p.state || ', last move ' || coalesce(m.now, 'none')
        FROM purchases p LEFT JOIN LATERAL (
            SELECT now FROM purchase_moves m WHERE m.purchase_id = p.id
            ORDER BY m.id DESC LIMIT 1) m ON true
        WHERE p.state <> coalesce(m.now, 'ready')""",
        "another address is asked only for goods of which none left": """
        SELECT 'purchase ' || p.our_ref, p.state || ', and another address is asked'
        FROM address_requests r JOIN purchases p ON p.id = r.purchase_id
        WHERE r.state = 'asked'
          AND p.state NOT IN ('ready', 'submitting', 'submitted', 'accepted')""",
        "reserved units = units that a purchase line still buys": """
        SELECT 'purchase line ' || p.id, coalesce(r.units, 0) || ' reserved, '
               || (p.quantity - p.cancelled) || ' bought'
        FROM purchase_lines p LEFT JOIN reservations r ON r.reference = 'purchase_line:' || p.id
        WHERE (r.id IS NULL OR r.released_at IS NULL OR r.units = 0)
          AND coalesce(r.units, 0) <> p.quantity - p.cancelled""",
    }
)
"""Rule → query of (subject, detail)."""


def _statuses(session: Session) -> list[tuple[str, str]]:
    rows = session.execute(
        text("""
            SELECT o.id, o.status, l.quantity - l.replaced AS quantity, l.unrouted, l.shipped,
                   l.cancelled - l.replaced AS cancelled, l.delivered,
                   l.held_reason IS NOT NULL AS held, o.completed_at IS NOT NULL AS completed,
                   ARRAY(SELECT state FROM purchases p WHERE p.order_id = o.id) AS states
            FROM orders o JOIN order_lines l ON l.order_id = o.id ORDER BY o.id
        """)
    )
    wrong = []
    for (order_id, status), found in groupby(rows, key=lambda row: (row.id, row.status)):
        lines = list(found)
        units = [
            Units(x.quantity, x.unrouted, x.shipped, x.cancelled, x.held, x.delivered)
            for x in lines
        ]
        right = order_status(units, lines[0].states, completed=lines[0].completed)
        if status != right:
            wrong.append((f"order {order_id}", f"{status} is stored, {right} is right"))
    return wrong


FUNCTIONS: dict[str, Callable[[Session], list[tuple[str, str]]]] = {
    "an order's status is the function of its lines and purchases": _statuses,
}


def violations(session: Session) -> list[Violation]:
    """Every rule that does not hold, by name and row; empty is good."""
    found = []
    for rule, query in QUERIES.items():
        found += [Violation(rule, *row) for row in session.execute(text(query))]
    for rule, check in FUNCTIONS.items():
        found += [Violation(rule, *row) for row in check(session)]
    return found
