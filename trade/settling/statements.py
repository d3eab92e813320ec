"""Statements: what moved a party's money, from where the former statement ended.

One is issued each month, and whenever an operator asks for one. It says what the postings of its
span say: the accounts of the party are added up, moves between them cancel out, and each line names
the postings that explain it. A posting is never edited, so a statement never changes; a correction
is a posting of its own and comes in the next one.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from kit.db import take_turn
from kit.errors import Problem
from kit.ids import inside, outside
from kit.money import yuan
from trade import events
from trade.models import Party, Statement
from trade.paging import newest
from trade.settling import statement_lines

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before every posting."""

HOUSE = ("sales", "cost", "loss:claims")
"""What the operator's own statement is about: its result."""

KINDS = {
    "deposit": "充值",
    "capture": "货款及运费",
    "refund": "售后退款",
    "freight_back": "售后退运费",
    "freight_returned": "平台退运费",
    "freight_borne": "平台承担的售后运费",
    "postage": "退货邮费",
    "absorb": "供货涨价补差",
    "absorb_back": "供货涨价补差退回",
    "advance": "售后垫付",
    "taken_back": "垫付收回",
    "written_off": "垫付核销",
    "settled": "垫付结清",
    "payable": "应付货款",
    "clawback": "退款冲减货款",
    "supplier_payment": "货款支付",
    "earning": "帮卖收益",
    "earning_back": "帮卖收益冲回",
    "debt_written_off": "收益欠款核销",
    "commission": "推广佣金",
    "commission_back": "推广佣金冲回",
    "platform_commission": "平台佣金收入",
    "platform_commission_back": "平台佣金冲回",
    "payout": "提现",
    "payout_tax": "代扣个税",
    "payout_returned": "提现退回",
    "payout_tax_returned": "代扣个税退回",
    "reconciled": "对账调整",
    "platform_debit": "平台扣款及退款",
}
"""What a line is called on paper."""


def accounts(party: Party) -> list[str]:
    """The accounts that a party's statement is about."""
    if party.role == "operator":
        return list(HOUSE)
    own = [f"{purse}:{party.id}" for purse in ("wallet", "held", "paying", "frozen", "earned")]
    return [*own, f"payable:{party.source}"] if party.source else own


def month_start(now: datetime) -> datetime:
    """When the month of `now` began in Shanghai, in UTC."""
    local = now.astimezone(SHANGHAI)
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def quiet_until(session: Session) -> datetime:
    """Nothing that is still open can post anything before this moment."""
    found: datetime = session.execute(text("SELECT quiet_until()")).scalar_one()
    return found


def due(session: Session, since: datetime, until: datetime, *, after: int, limit: int) -> list[int]:
    """Parties beyond `after` whose money moved in the span, without a statement up to its end."""
    asked = {"since": since, "until": until, "after": after, "limit": limit}
    found = session.scalars(_DUE, asked)
    return list(found)


def issue(session: Session, party_id: int, until: datetime, now: datetime) -> int | None:
    """State what moved before `until`; returns the statement's id, or None where nothing did.

    Again changes nothing. System scope; no open transaction may post anything before `until`.
    """
    party = session.get_one(Party, party_id)
    take_turn(session, f"statements {party_id}")
    before = session.scalars(
        select(Statement)
        .where(Statement.party_id == party_id)
        .order_by(Statement.until.desc())
        .limit(1)
    ).one_or_none()
    since = before.until if before else FIRST
    if until <= since:
        return None
    own = accounts(party)
    asked = {"own": own, "since": since, "until": until}
    count, fen = statement_lines.moved(session, own, since, until)
    if not count:
        return None
    opening = before.closing if before else 0
    balances = {row.account: int(row.fen) for row in session.execute(_BALANCES, asked)}
    row = Statement(
        party_id=party_id,
        period=f"{(until - timedelta(microseconds=1)).astimezone(SHANGHAI):%Y-%m}",
        since=since,
        until=until,
        accounts=own,
        opening=opening,
        closing=opening + fen,
        balances={account: balances.get(account, 0) for account in own},
        state="issued",
        issued_at=now,
    )
    session.add(row)
    session.flush()
    statement_lines.write(session, row, house=party.role == "operator")
    events.of_statement(session, row, now)
    return row.id


def confirm(session: Session, party_id: int, statement: str, now: datetime) -> dict[str, Any]:
    """Its party agrees; again changes nothing. Raises Problem 404."""
    row = _own(session, party_id, statement)
    if row.state != "confirmed":
        row.state, row.answered_at = "confirmed", now
    return view(session, row)


def dispute(
    session: Session, party_id: int, statement: str, reason: str, now: datetime
) -> dict[str, Any]:
    """Its party does not agree; an operator looks into it. Raises Problem 404, 409 `wrong_state`
    once it was confirmed."""
    row = _own(session, party_id, statement)
    if row.state == "confirmed":
        raise Problem(409, "wrong_state", "this statement was confirmed; write to your operator")
    row.state, row.reason, row.answered_at = "disputed", reason, now
    return view(session, row)


def answer(session: Session, statement: str, words: str, now: datetime) -> dict[str, Any]:
    """The operator's answer to a dispute; what was wrong is corrected by postings of their own.

    System scope. Raises Problem 404, 409 `wrong_state`.
    """
    row = _locked(session, statement)
    if row.state != "disputed":
        raise Problem(409, "wrong_state", f"this statement is {row.state}, not disputed")
    row.state, row.answer, row.answered_at = "answered", words, now
    return view(session, row)


def find(session: Session, party_id: int | None, statement: str) -> Statement:
    """A statement of the party (None: anybody's, for operators). Raises Problem 404."""
    row = session.get(Statement, inside("stm", statement), populate_existing=True)
    if row is None or party_id not in (None, row.party_id):
        raise _unknown(statement)
    return row


def page(
    session: Session,
    party_id: int | None,
    *,
    period: str | None = None,
    status: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> tuple[list[dict[str, Any]], int | None]:
    """Statements of a party (None: of all), the newest first, without their lines."""
    found = select(Statement)
    if party_id is not None:
        found = found.where(Statement.party_id == party_id)
    if period is not None:
        found = found.where(Statement.period == period)
    if status is not None:
        found = found.where(Statement.state == status)
    rows, following = newest(session, found, Statement.id, limit=limit, before=before)
    return [view(session, row) for row in rows], following


def view(session: Session, row: Statement) -> dict[str, Any]:
    """A statement with its sums by kind."""
    totals = session.execute(_TOTALS, {"statement": row.id})
    return {
        "id": outside("stm", row.id),
        "party": outside("pty", row.party_id),
        "period": row.period,
        "from": None if row.since == FIRST else row.since,
        "until": row.until,
        "status": row.state,
        "opening": yuan(row.opening),
        "closing": yuan(row.closing),
        "totals": {one.kind: yuan(int(one.fen)) for one in totals},
        "balances": _balances(row),
        "reason": row.reason,
        "answer": row.answer,
        "answered_at": row.answered_at,
        "issued_at": row.issued_at,
    }


def _balances(row: Statement) -> dict[str, str]:
    """By the kind of account; a supplier's says only that it is payable."""
    names = {account: account.partition(":")[0] for account in row.balances}
    return {names[account]: yuan(fen) for account, fen in row.balances.items()}


def _own(session: Session, party_id: int, statement: str) -> Statement:
    row = _locked(session, statement)
    if row.party_id != party_id:
        raise _unknown(statement)
    return row


def _locked(session: Session, statement: str) -> Statement:
    number = inside("stm", statement)
    row = session.get(Statement, number, with_for_update=True, populate_existing=True)
    if row is None:
        raise _unknown(statement)
    return row


def _unknown(statement: str) -> Problem:
    return Problem(404, "not_found", f"there is no statement {statement!r}")


_BALANCES = text("""
    SELECT account, sum(fen) AS fen FROM (
        SELECT destination AS account, amount AS fen FROM postings
        WHERE destination = ANY(:own) AND at < :until
        UNION ALL SELECT source, -amount FROM postings
        WHERE source = ANY(:own) AND at < :until) ends
    GROUP BY account
""")
_TOTALS = text("""
    SELECT kind, sum(amount) AS fen FROM statement_lines WHERE statement_id = :statement
    GROUP BY kind ORDER BY min(line)
""")
_DUE = text("""
    WITH seen AS (
        SELECT party_id, source, destination FROM postings WHERE at >= :since AND at < :until
    )
    SELECT p.id FROM parties p
    WHERE (p.id IN (SELECT party_id FROM seen)
           OR 'payable:' || p.source IN (SELECT destination FROM seen
                                         UNION ALL SELECT source FROM seen)
           OR (p.role = 'operator' AND EXISTS (SELECT FROM seen)))
      AND p.id > :after AND NOT EXISTS (
          SELECT FROM statements s WHERE s.party_id = p.id AND s.until >= :until)
    ORDER BY p.id LIMIT :limit
""")
