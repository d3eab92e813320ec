"""Workbooks that people open: text stays text, so that nothing in it is ever a formula and no
number loses its digits; only amounts are numbers, so that they can be added up."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import BytesIO

import xlsxwriter

Columns = Sequence[tuple[str, int]]
"""Headers and widths."""
Rows = Iterable[Sequence[str | Decimal]]
"""Texts, and amounts in CNY."""


def workbook(
    title: str, columns: Columns, rows: Rows, *further: tuple[str, Columns, Rows]
) -> bytes:
    """One sheet as XLSX, and `further` ones behind it."""
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        as_text = book.add_format({"num_format": "@"})
        as_amount = book.add_format({"num_format": "#,##0.00"})
        bold = book.add_format({"bold": True})
        for name, headers, content in ((title, columns, rows), *further):
            sheet = book.add_worksheet(name)
            for column, (header, width) in enumerate(headers):
                sheet.set_column(column, column, width, as_text)
                sheet.write_string(0, column, header, bold)
            for number, row in enumerate(content, start=1):
                for column, value in enumerate(row):
                    if isinstance(value, Decimal):
                        sheet.write_number(number, column, value, as_amount)
                    else:
                        sheet.write_string(number, column, value, as_text)
            sheet.freeze_panes(1, 0)
    return buffer.getvalue()
