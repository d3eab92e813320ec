"""A statement on paper: PDF with the sums and the first lines."""

from collections.abc import Sequence

from fpdf import FPDF
from fpdf.fonts import FontFace
from sqlalchemy.orm import Session

from trade.models import Party, Statement
from trade.settling import typeface
from trade.settling.statement_sheets import COLUMNS, STATES, all_lines, left, moved, span
from trade.settling.statements import view

_NUMBERS = {"金额（元）", "分录数"}
"""Columns whose digits stand one under the other."""
MOST_ON_PAPER = 2_000
"""Lines of a PDF; the sheet has all of them."""


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
    _say(paper, 10, span(row))
    _table(paper, ("项目", "金额（元）"), moved(told), (3, 2))
    _table(paper, ("期末构成", "金额（元）"), left(told), (3, 2))
    lines: list[list[str]] = []
    for line in all_lines(session, row):
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
