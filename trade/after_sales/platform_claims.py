"""Rows of what is asked of platforms: written with a claim, found when due, leased to a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.errors import SupplierError
from connectors.model import ShipTo
from connectors.trading import ClaimState, Part, SourceClaim
from kit.crypto import CannotOpen
from kit.errors import Problem
from kit.money import split
from kit.outbox import say
from trade import recipients
from trade.desk import Desk
from trade.models import Claim, ClaimLine, PlatformClaim, Purchase
from trade.parcels import carriers

TAKE_BACK = "claims.take_back"
"""The topic by which claims at a platform wake their drain; its key is the source."""

BATCH = 8
LEASE = timedelta(minutes=2)

_ALIVE = "('new', 'asking', 'open', 'approved', 'returning', 'received', 'replacing')"
_DUE = f"""
    SELECT id FROM platform_claims WHERE source = :source AND state IN {_ALIVE} AND due_at <= :now
    ORDER BY due_at, id LIMIT :batch FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - our own words


@dataclass(frozen=True)
class Job:
    """One part of a claim that is ours to work until its lease ends.

    `asked` None: it is not known yet which leaf holds the units. `doubt`: it may be claimed
    already. `others` are the platform's claims that are other parts of ours. `back` is the waybill
    (carrier, number) that the platform is still to be told.
    """

    id: int
    lease: str
    our_ref: str
    attempts: int
    state: str
    doubt: bool
    asked: SourceClaim | None
    claim_ref: str | None
    others: tuple[str, ...] = ()
    back: tuple[str, str] | None = None
    withdraw: bool = False
    fault: str = ""
    replacement: str | None = None
    """The platform's new order, once it is this that is asked about."""


@dataclass(frozen=True)
class Heard:
    """What came of talking: leaves, the claim's name there, how it stands, what became of the new
    order in its place, or why nothing."""

    parts: tuple[Part, ...] | None = None
    replaced: tuple[Part, ...] | None = None
    claim_ref: str | None = None
    state: ClaimState | None = None
    told: str | None = None
    error: SupplierError | None = None
    unknown: bool = False


def intend(session: Session, claim: Claim, purchase: Purchase, lines: Sequence[ClaimLine]) -> None:
    """Write down, with a new claim, what is to be asked of its platform."""
    names: dict[int, str] = dict(
        session.execute(
            text("SELECT id, external_id FROM purchase_lines WHERE purchase_id = :purchase"),
            {"purchase": purchase.id},
        ).all()
    )
    for line in lines:
        session.add(
            PlatformClaim(
                claim_id=claim.id,
                purchase_id=purchase.id,
                purchase_line_id=line.purchase_line_id,
                source=purchase.source,
                external_id=names[line.purchase_line_id],
                quantity=line.quantity,
            )
        )
    say(session, TAKE_BACK, purchase.source)


def withdraw(session: Session, claim: Claim, source: str, now: datetime) -> bool:
    """Whether a claim can be withdrawn at once; else its platform is asked to let it go."""
    rows = session.scalars(
        select(PlatformClaim).where(PlatformClaim.claim_id == claim.id).with_for_update()
    ).all()
    asked = False
    for row in rows:
        if row.state == "new" and row.lease is None:
            row.state = "cancelled"
        elif row.state in ("new", "asking", "open", "approved"):
            row.withdraw, row.due_at, asked = True, now, True
    if asked:
        say(session, TAKE_BACK, source)
    return not asked


def sends_anew(session: Session, claim: Claim) -> bool:
    """Whether its platform sends new goods for a claim, or has sent them."""
    anew = PlatformClaim.claim_id == claim.id, PlatformClaim.state.in_(("replacing", "replaced"))
    return session.scalar(select(PlatformClaim.id).where(*anew).limit(1)) is not None


def wake(session: Session, claim_id: int, source: str, now: datetime) -> None:
    """There is something to tell the platform about a claim."""
    session.execute(
        text(f"""UPDATE platform_claims SET due_at = :now
            WHERE claim_id = :claim AND state IN {_ALIVE}"""),  # noqa: S608 - our own words
        {"claim": claim_id, "now": now},
    )
    say(session, TAKE_BACK, source)


def hear(session: Session, source: str, refs: Sequence[str], now: datetime) -> int:
    """A message spoke of these orders: claims on them are due at once; returns how many."""
    rows = session.execute(
        text(f"""UPDATE platform_claims SET due_at = least(due_at, :now)
            WHERE source = :source AND ref = ANY(:refs) AND state IN {_ALIVE}
            RETURNING id"""),  # noqa: S608 - our own words
        {"source": source, "refs": list(refs), "now": now},
    ).all()
    if rows:
        say(session, TAKE_BACK, source)
    return len(rows)


def replaced(
    session: Session, source: str, refs: Sequence[str], replacement: str, now: datetime
) -> int:
    """A message spoke of a new order in the place of a claim's goods: it is due at once, and from
    now on asked about that; returns how many."""
    rows = session.execute(
        text(f"""UPDATE platform_claims SET due_at = :now, state = 'replacing', replacement = :new
            WHERE source = :source AND known_as = ANY(:refs) AND ref <> :new
              AND (state IN {_ALIVE} OR state = 'replaced') AND replaced_number IS NULL
              AND replacement IS DISTINCT FROM :new RETURNING id"""),  # noqa: S608 - our own words
        {"source": source, "refs": list(refs), "new": replacement, "now": now},
    ).all()
    if rows:
        say(session, TAKE_BACK, source)
    return len(rows)


def due(session: Session, now: datetime) -> list[str]:
    """Sources with claims to work now: the sweeper's question."""
    found = text(f"""SELECT DISTINCT source FROM platform_claims
        WHERE state IN {_ALIVE} AND due_at <= :now ORDER BY source""")  # noqa: S608 - our own words
    return list(session.scalars(found, {"now": now}))


def take(session: Session, desk: Desk, source: str, now: datetime) -> list[Job]:
    """Lease a batch. What is about to be claimed is written down as asked before it is."""
    ids = session.scalars(text(_DUE), {"source": source, "now": now, "batch": BATCH}).all()
    return [_taken(session, desk, session.get_one(PlatformClaim, one), now) for one in ids]


def _taken(session: Session, desk: Desk, row: PlatformClaim, now: datetime) -> Job:
    claim = session.get_one(Claim, row.claim_id)
    purchase = session.get_one(Purchase, row.purchase_id)
    doubt = row.state == "asking"
    if row.state == "new" and row.ref is not None and not row.withdraw:
        row.state = "asking"
    row.lease, row.due_at, row.updated_at = uuid4().hex, now + LEASE, now
    row.attempts += 1
    asked, fault = None, ""
    if row.ref is not None and row.state != "replacing":
        try:
            to = recipients.reveal(
                session, desk.keyring, purchase.recipient_id, None, "claim at the source"
            )
        except (Problem, CannotOpen) as error:
            to, fault = ShipTo("", "", "", ""), str(error)
        asked = _source_claim(session, row, row.ref, claim, to)
    others = session.scalars(
        select(PlatformClaim.claim_ref).where(
            PlatformClaim.purchase_id == row.purchase_id,
            PlatformClaim.id != row.id,
            PlatformClaim.claim_ref.is_not(None),
        )
    ).all()
    back = None
    if claim.back_number is not None and claim.back_number != row.told_number:
        back = (carriers.name(claim.back_carrier or ""), claim.back_number)
    return Job(
        id=row.id,
        lease=row.lease,
        our_ref=purchase.our_ref,
        attempts=row.attempts,
        state=row.state,
        doubt=doubt,
        asked=asked,
        claim_ref=row.claim_ref,
        others=tuple(one for one in others if one),
        back=back,
        withdraw=row.withdraw,
        fault=fault,
        replacement=row.replacement if row.state == "replacing" else None,
    )


def parts_of(session: Session, claim_id: int) -> Sequence[PlatformClaim]:
    """All parts of a claim, in their order."""
    own = PlatformClaim.claim_id == claim_id
    return session.scalars(select(PlatformClaim).where(own).order_by(PlatformClaim.id)).all()


def shares(asked_cost: int, rows: Sequence[PlatformClaim]) -> dict[int, int]:
    """Fen of our cost that each part of a claimed line should bring back, by its id; `rows` are all
    parts of the line, in their order, and together bring all of it. Pure."""
    costs = split(asked_cost, [row.quantity for row in rows])
    return {row.id: cost for row, cost in zip(rows, costs, strict=True)}


def _source_claim(
    session: Session, row: PlatformClaim, ref: str, claim: Claim, to: ShipTo
) -> SourceClaim:
    """What is asked; an amount only where the leader asks for less than the units cost her."""
    part = session.execute(
        text("""SELECT x.asked, x.asked_cost, x.quantity, l.captured, l.shipped FROM claim_lines x
            JOIN purchase_lines l ON l.id = x.purchase_line_id
            WHERE x.claim_id = :claim AND x.purchase_line_id = :line"""),
        {"claim": row.claim_id, "line": row.purchase_line_id},
    ).one()
    amount = None
    whole = part.captured * part.quantity // part.shipped
    if claim.kind == "refund" and part.asked < whole:
        line = row.purchase_line_id
        rows = [one for one in parts_of(session, row.claim_id) if one.purchase_line_id == line]
        amount = Decimal(shares(part.asked_cost, rows)[row.id]) / 100
    images = [item["item"] for item in claim.evidence if item["item"].startswith("https://")]
    return SourceClaim(
        our_claim=f"C{row.id}",
        ref=ref,
        external_id=row.external_id,
        quantity=row.quantity,
        kind=claim.kind,  # type: ignore[arg-type]  # our kinds are among the platforms'
        reason=claim.reason,
        collect_from=to,
        images=tuple(images),
        amount=amount,
    )
