"""A statement as a sheet: every line as XLSX, and what sheet and paper both say of it."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from trade.models import Party, Statement
from trade.settling import statement_lines
from trade.settling.statements import FIRST, KINDS, view
from trade.workbooks import workbook

COLUMNS = (
    ("序号", 8),
    ("时间", 20),
    ("项目", 16),
    ("订单号/凭证号", 24),
    ("金额（元）", 14),
    ("分录数", 8),
)
STATES = {"issued": "待确认", "confirmed": "已确认", "disputed": "有争议", "answered": "已答复"}
ACCOUNTS = {
    "wallet": "钱包余额",
    "held": "订单占用",
    "paying": "提现处理中",
    "frozen": "冻结收益",
    "earned": "可提现收益",
    "payable": "应付货款",
    "sales": "销售收入",
    "cost": "采购成本",
    "loss": "售后损失",
}


def as_sheet(session: Session, row: Statement) -> bytes:
    """Every line as XLSX, and the sums on a sheet behind."""
    party, told = session.get_one(Party, row.party_id), view(session, row)
    sums: list[tuple[str | Decimal, ...]] = [("对账单", f"{row.period}　{told['id']}")]
    sums += [("单位", party.name), ("期间", span(row))]
    sums += [(name, Decimal(amount)) for name, amount in (*moved(told), *left(told))]
    whole = ("汇总", (("项目", 16), ("金额（元）", 48)), sums)
    return workbook(f"对账单{row.period}", COLUMNS, map(_summed, all_lines(session, row)), whole)


def span(row: Statement) -> str:
    """From when to when."""
    since = "开户" if row.since == FIRST else f"{row.since.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    return f"{since} 至 {row.until.astimezone(SHANGHAI):%Y-%m-%d %H:%M}（北京时间）"


def moved(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was there, what moved it, what is there."""
    sums = [(KINDS.get(kind, kind), amount) for kind, amount in told["totals"].items()]
    return [("期初余额", told["opening"]), *sums, ("期末余额", told["closing"])]


def left(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of what accounts the end consists."""
    return [(ACCOUNTS.get(name, name), amount) for name, amount in told["balances"].items()]


def all_lines(session: Session, row: Statement) -> Iterator[list[str]]:
    """The cells of each line, under `COLUMNS`."""
    after: int | None = 0
    while after is not None:
        page, after = statement_lines.page(session, row, limit=500, after=after)
        yield from map(_line, page)


def _line(one: dict[str, Any]) -> list[str]:
    return [
        str(one["line"]),
        f"{one['at'].astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}",
        KINDS.get(one["kind"], one["kind"]),
        one["reference"] or one["order"] or "",
        one["amount"],
        str(one["postings"]),
    ]


def _summed(cells: list[str]) -> list[str | Decimal]:
    """A line whose amount can be added up."""
    return [*cells[:4], Decimal(cells[4]), cells[5]]
