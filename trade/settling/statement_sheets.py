"""A statement on paper: XLSX with every line, PDF with the sums and the first lines."""

from collections.abc import Iterator, Sequence
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
MOST_ON_PAPER = 2_000
"""Lines of a PDF; the sheet has all of them."""


def as_sheet(session: Session, row: Statement) -> bytes:
    """Every line as XLSX."""
    return workbook(f"对账单{row.period}", COLUMNS, _all_lines(session, row))


def as_pdf(session: Session, row: Statement) -> bytes:
    """The statement as PDF, in Noto Sans SC. Raises Problem 503 where the font is not built."""
    party = session.get_one(Party, row.party_id)
    told = view(session, row)
    paper = FPDF(format="A4")
    paper.add_font("noto", fname=typeface.file())
    paper.set_title(typeface.drawable(f"对账单 {told['id']}"))
    paper.set_creation_date(row.issued_at)
    paper.add_page()
    _say(paper, 16, f"对账单 {row.period}")
    since = "开户" if row.since == FIRST else f"{row.since.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    _say(paper, 10, f"{party.name}　{told['id']}　{STATES[row.state]}")
    _say(paper, 10, f"{since} 至 {row.until.astimezone(SHANGHAI):%Y-%m-%d %H:%M}（北京时间）")
    sums = [("期初余额", told["opening"])]
    sums += [(KINDS.get(kind, kind), amount) for kind, amount in told["totals"].items()]
    _table(paper, ("项目", "金额（元）"), [*sums, ("期末余额", told["closing"])], (3, 2))
    shown = [(ACCOUNTS.get(name, name), amount) for name, amount in told["balances"].items()]
    _table(paper, ("期末构成", "金额（元）"), shown, (3, 2))
    lines: list[list[str]] = []
    for line in _all_lines(session, row):
        if len(lines) == MOST_ON_PAPER:
            _say(paper, 8, f"明细超过 {MOST_ON_PAPER} 行，全部明细见电子表格。")
            break
        lines.append(line)
    _table(paper, [name for name, _ in COLUMNS], lines, (2, 5, 4, 7, 4, 2))
    return bytes(paper.output())


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


def _say(paper: FPDF, size: float, words: str) -> None:
    paper.set_font("noto", size=size)
    paper.multi_cell(0, size * 0.55, typeface.drawable(words), new_x="LMARGIN", new_y="NEXT")


def _table(
    paper: FPDF, head: Sequence[str], rows: Sequence[Sequence[str]], widths: tuple[int, ...]
) -> None:
    paper.ln(4)
    paper.set_font("noto", size=8)
    with paper.table(col_widths=widths, headings_style=FontFace(emphasis=None)) as table:
        for cells in (head, *rows):
            table.row([typeface.drawable(cell) for cell in cells])
