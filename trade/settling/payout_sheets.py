"""Payouts as sheets: the one the bank pays from, and the list of incomes of a quarter.

Both open what is sealed of payees, and whoever has them made is in the audit.
"""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from kit.crypto import Keyring
from kit.ids import outside
from kit.money import yuan
from trade.models import Payout
from trade.settling import debts, holding_back, payees
from trade.settling.payees import Account
from trade.workbooks import workbook

KINDS = {"person": "个人", "individual_business": "个体工商户", "company": "企业"}
BANK = (
    ("付款编号", 18),
    ("收款人", 24),
    ("收款账号", 28),
    ("开户行", 28),
    ("金额（元）", 14),
    ("用途", 16),
    ("应付（元）", 14),
    ("代扣个税（元）", 14),
    ("备注", 24),
)
INCOME = (
    ("季度", 10),
    ("姓名/名称", 24),
    ("类型", 12),
    ("证件号/统一社会信用代码", 26),
    ("收入额（元）", 16),
    ("已扣税额（元）", 16),
    ("实付（元）", 16),
    ("笔数", 8),
    ("计税规则", 20),
    ("退回（元）", 16),
    ("退回税额（元）", 16),
)
_NOBODY = Account("", "", "", "")


def for_bank(session: Session, keyring: Keyring, now: datetime, *, new: bool = False) -> bytes:
    """Every approved payout that is not confirmed yet, the oldest first; only `new`: those that
    stood in no sheet before. What parties owe is taken out of these first. System scope.

    Whatever stood in a sheet before says so: the bank may have paid it.
    """
    approved = select(Payout).where(Payout.state == "approved")
    fresh = approved.where(Payout.exported_at.is_(None))
    for party in holding_back.in_order(session.scalars(fresh.with_only_columns(Payout.party_id))):
        holding_back.hold_back(session, party, now)
    rows = session.scalars(
        (fresh if new else approved)
        .order_by(Payout.approved_at, Payout.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    content = workbook("待付款", BANK, [_bank_row(keyring, row) for row in rows])
    for row in rows:
        if row.exported_at is None:
            row.exported_at = row.updated_at = now
    return content


def incomes(session: Session, keyring: Keyring, year: int, quarter: int) -> bytes:
    """Who earned how much in a quarter, by what was paid in it. System scope.

    What platforms report of each quarter by 《互联网平台企业涉税信息报送规定》(国务院令第810号):
    name, kind, number, income, and the tax withheld. Deposits given back are no income, and what a
    party paid back in that quarter of what it had earned (`debts.set_off`) stands beside it once.
    So does what was paid in an earlier quarter and came back from the bank in this one, with its
    tax; what came back in its own quarter is no income at all.
    """
    months = [3 * quarter - 2, 3 * quarter + 1]
    since, until = (
        datetime(year + (month > 12), (month - 1) % 12 + 1, 1, tzinfo=SHANGHAI).astimezone(UTC)
        for month in months
    )
    newest = func.max(Payout.id)
    found = session.execute(
        select(newest, func.sum(Payout.earnings), func.sum(Payout.tax), func.count())
        .where(
            Payout.earnings > 0,
            Payout.paid_at >= since,
            Payout.paid_at < until,
            Payout.returned_at.is_(None) | (Payout.returned_at >= until),
        )
        .group_by(Payout.party_id, Payout.kind, Payout.payee, Payout.rule)
        .order_by(newest)
    ).all()
    back = _back(session, since, until)
    rows = []
    for payout_id, income, tax, count in found:
        row = session.get_one(Payout, payout_id)
        money = int(income), int(tax), *back.pop(row.party_id, (0, 0))
        rows.append(_income(keyring, f"{year}Q{quarter}", row, count, *money))
    for party, returned in sorted(back.items()):  # paid out in an earlier quarter
        last = select(newest).where(Payout.party_id == party, Payout.paid_at.is_not(None))
        row = session.get_one(Payout, session.scalars(last.where(Payout.earnings > 0)).one())
        rows.append(_income(keyring, f"{year}Q{quarter}", row, 0, 0, 0, *returned))
    return workbook("收入信息", INCOME, rows)


def _back(session: Session, since: datetime, until: datetime) -> dict[int, tuple[int, int]]:
    """Of income before, what went back in a span and the tax on it, in fen, by party."""
    found = {party: (fen, 0) for party, fen in debts.paid_back(session, since, until).items()}
    returned = session.execute(
        select(Payout.party_id, func.sum(Payout.earnings), func.sum(Payout.tax))
        .where(
            Payout.earnings > 0,
            Payout.paid_at < since,
            Payout.returned_at >= since,
            Payout.returned_at < until,
        )
        .group_by(Payout.party_id)
    )
    for party, fen, tax in returned:
        found[party] = found.get(party, (0, 0))[0] + int(fen), int(tax)
    return found


def _income(
    keyring: Keyring,
    quarter: str,
    row: Payout,
    count: int,
    income: int,
    tax: int,
    back: int,
    tax_back: int,
) -> list[str | Decimal]:
    who = [row.payee, KINDS[row.kind], _payee(keyring, row).number]
    money = [_amount(income), _amount(tax), _amount(income - tax)]
    return [quarter, *who, *money, str(count), row.rule, _amount(back), _amount(tax_back)]


def _bank_row(keyring: Keyring, row: Payout) -> list[str | Decimal]:
    to = _payee(keyring, row)
    return [
        outside("pay", row.id),
        row.payee,
        to.account,
        to.bank,
        _amount(row.amount - row.tax),
        "佣金" if row.earnings else "预付款退回",
        _amount(row.amount),
        _amount(row.tax),
        "；".join(_remarks(row)),
    ]


def _amount(fen: int) -> Decimal:
    return Decimal(yuan(fen))


def _remarks(row: Payout) -> list[str]:
    found = [] if row.envelope else ["收款账号未登记"]
    if row.exported_at is not None:
        found.append(f"{row.exported_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} 已导出，请勿重复付款")
    return found


def _payee(keyring: Keyring, row: Payout) -> Account:
    return payees.opened(keyring, row.envelope) if row.envelope else _NOBODY
