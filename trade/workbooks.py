"""Workbooks that people open: every cell is text, so that nothing in it is ever a formula and no
number loses its digits."""

from collections.abc import Iterable, Sequence
from io import BytesIO

import xlsxwriter


def workbook(
    title: str, columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[str]]
) -> bytes:
    """One sheet as XLSX; `columns` are headers and widths."""
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet(title)
        as_text = book.add_format({"num_format": "@"})
        bold = book.add_format({"bold": True})
        for column, (name, width) in enumerate(columns):
            sheet.set_column(column, column, width, as_text)
            sheet.write_string(0, column, name, bold)
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value, as_text)
        sheet.freeze_panes(1, 0)
    return buffer.getvalue()
