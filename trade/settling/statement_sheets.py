"""A statement on paper: XLSX with every line, PDF with the sums and the first lines."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fpdf import FPDF
from fpdf.fonts import FontFace
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from trade.models import Party, Statement
from trade.settling import statement_lines, typeface
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
_NUMBERS = {"金额（元）", "分录数"}
"""Columns whose digits stand one under the other."""
MOST_ON_PAPER = 2_000
"""Lines of a PDF; the sheet has all of them."""


def as_sheet(session: Session, row: Statement) -> bytes:
    """Every line as XLSX, and the sums on a sheet behind."""
    party, told = session.get_one(Party, row.party_id), view(session, row)
    sums: list[tuple[str | Decimal, ...]] = [("对账单", f"{row.period}　{told['id']}")]
    sums += [("单位", party.name), ("期间", _span(row))]
    sums += [(name, Decimal(amount)) for name, amount in (*_moved(told), *_left(told))]
    whole = ("汇总", (("项目", 16), ("金额（元）", 48)), sums)
    return workbook(f"对账单{row.period}", COLUMNS, map(_summed, _all_lines(session, row)), whole)


def as_pdf(session: Session, row: Statement) -> bytes:
    """The statement as PDF, in Noto Sans SC. Raises Problem 503 where the font is not built."""
    party = session.get_one(Party, row.party_id)
    told = view(session, row)
    paper = _Paper(format="A4")
    paper.add_font("noto", fname=typeface.file())
    paper.set_title(typeface.drawable(f"对账单 {told['id']}"))
    paper.set_creation_date(row.issued_at)
    paper.add_page()
    _say(paper, 16, f"对账单 {row.period}")
    _say(paper, 10, f"{party.name}　{told['id']}　{STATES[row.state]}")
    _say(paper, 10, _span(row))
    _table(paper, ("项目", "金额（元）"), _moved(told), (3, 2))
    _table(paper, ("期末构成", "金额（元）"), _left(told), (3, 2))
    lines: list[list[str]] = []
    for line in _all_lines(session, row):
        if len(lines) == MOST_ON_PAPER:
            _say(paper, 8, f"明细超过 {MOST_ON_PAPER} 行，全部明细见电子表格。")
            break
        lines.append(line)
    _table(paper, [name for name, _ in COLUMNS], lines, (2, 5, 4, 7, 4, 2))
    return bytes(paper.output())


class _Paper(FPDF):
    """Pages that say which they are."""

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font("noto", size=8)
        self.cell(0, 6, f"第 {self.page_no()} 页，共 {{nb}} 页", align="C")


def _span(row: Statement) -> str:
    since = "开户" if row.since == FIRST else f"{row.since.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    return f"{since} 至 {row.until.astimezone(SHANGHAI):%Y-%m-%d %H:%M}（北京时间）"


def _moved(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was there, what moved it, what is there."""
    moved = [(KINDS.get(kind, kind), amount) for kind, amount in told["totals"].items()]
    return [("期初余额", told["opening"]), *moved, ("期末余额", told["closing"])]


def _left(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(ACCOUNTS.get(name, name), amount) for name, amount in told["balances"].items()]


def _all_lines(session: Session, row: Statement) -> Iterator[list[str]]:
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


def _say(paper: FPDF, size: float, words: str) -> None:
    paper.set_font("noto", size=size)
    paper.multi_cell(0, size * 0.55, typeface.drawable(words), new_x="LMARGIN", new_y="NEXT")


def _table(
    paper: FPDF, head: Sequence[str], rows: Sequence[Sequence[str]], widths: tuple[int, ...]
) -> None:
    paper.ln(4)
    paper.set_font("noto", size=8)
    aligned = ["RIGHT" if name in _NUMBERS else "LEFT" for name in head]
    plain = FontFace(emphasis=None)
    with paper.table(col_widths=widths, text_align=aligned, headings_style=plain) as table:
        for cells in (head, *rows):
            table.row([typeface.drawable(cell) for cell in cells])
