"""Our orders of one day against a platform's own list of that day's new orders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.trading import Checked
from kit.money import yuan
from trade.settling.reconciling import Finding, Reconciliation, accepted, freight_returned, span


@dataclass(frozen=True)
class Ordered:
    """A purchase that a platform took that day: its orders there, and what we owe in fen, with what
    was accepted before of its own amounts."""

    purchase: str
    refs: frozenset[str]
    units: int
    amount: int


_ORDERED = text("""
    SELECT p.our_ref, p.external_refs, p.freight_cost + sum(l.cost) AS fen, sum(l.quantity) AS units
    FROM purchases p JOIN purchase_lines l ON l.purchase_id = p.id
    WHERE p.source = :source AND EXISTS (SELECT FROM purchase_moves m
      WHERE m.purchase_id = p.id AND m.was = 'submitting' AND m.now IN ('submitted', 'accepted')
        AND m.at >= :since AND m.at < :until)
    GROUP BY p.id ORDER BY p.id
""")
_KNOWN = text("""
    SELECT DISTINCT ref FROM purchases p, unnest(p.external_refs) AS r (ref)
    WHERE p.source = :source AND p.external_refs && CAST(:refs AS text[])
""")


def reconcile_orders(
    session: Session, source: str, day: date, listed: Sequence[Checked]
) -> Reconciliation:
    """What the platform took from us on `day` (in Shanghai), held against its own list.

    Runs in system scope; the list was asked for before, with no transaction open.
    """
    since, until = span(day)
    rows = session.execute(_ORDERED, {"source": source, "since": since, "until": until})
    taken = rows.all()
    settled = accepted(session, source, [row.our_ref for row in taken])
    more = {purchase: sum(fen for _, fen in found) for purchase, found in settled.items()}
    ours = [
        Ordered(
            row.our_ref,
            frozenset(row.external_refs),
            int(row.units),
            int(row.fen) + more.get(row.our_ref, 0),
        )
        for row in taken
    ]
    asked = {"source": source, "refs": [one.ref for one in listed]}
    known = set(session.scalars(_KNOWN, asked))
    return Reconciliation(
        source,
        day,
        purchases=len(ours),
        parcels=0,
        units=sum(one.units for one in ours),
        amount=sum(one.amount for one in ours),
        compared=True,
        findings=compare_orders(ours, listed, known) + freight_returned(session, source, day),
    )


def compare_orders(
    ours: Iterable[Ordered], listed: Iterable[Checked], known: Iterable[str]
) -> list[Finding]:
    """Every difference. `known` are the platform's orders that any purchase of ours holds. Pure."""
    theirs = {one.ref: int(one.amount * 100) for one in listed}
    found = []
    for one in ours:
        there = one.refs & theirs.keys()
        if not there:
            detail = f"we ordered for {yuan(one.amount)}, the source lists no order of it"
            found.append(Finding("only_ours", one.purchase, detail))
        elif there == one.refs and (asked := sum(theirs[ref] for ref in there)) != one.amount:
            detail = f"we owe {yuan(one.amount)}, the source asks {yuan(asked)}"
            found.append(Finding("amount_differs", one.purchase, detail, asked - one.amount))
    for ref in sorted(theirs.keys() - set(known)):
        detail = f"order {ref} for {yuan(theirs[ref])} is under none of our purchases"
        found.append(Finding("only_theirs", ref, detail))
    return found
