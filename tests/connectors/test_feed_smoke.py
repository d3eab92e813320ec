"""A price list on disk becomes pages of listings."""

from pathlib import Path

import openpyxl

from connectors.model import LISTING, Lists, Sells
from connectors.registry import open_source


def test_csv_is_read_with_notes_above_and_totals_below(tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text(
        "某某茶业报价单,,,\n货号,品名,供货价,库存\n0007,紫砂杯,￥12.80/件,库存充足\n"
        "0009,坏杯,-3,12\n合计,,9.8,\n",
        encoding="gb18030",
    )
    source = open_source("teahouse", {"kind": "feed", "location": str(sheet)})
    assert isinstance(source, Lists)
    assert isinstance(source, Sells)
    listing = source.items()
    pages = list(listing.pages)
    assert [page.rows.schema for page in pages] == [dict(LISTING)] * len(pages)
    rows = [row for page in pages for row in page.rows.to_dicts()]
    rejects = [reject for page in pages for reject in page.rejects]
    assert [(row["external_id"], str(row["dropship_price"])) for row in rows] == [
        ("0007", "12.8000")
    ]
    assert [(r.line, r.column, r.value) for r in rejects] == [(4, "供货价", "-3")]
    assert listing.notes["files"][0]["encoding"] == "gb18030"


def test_number_cells_give_ids_without_decimal_point(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["货号", "品名", "供货价"])
    sheet.append([7, "杯", 12.8])
    book.save(tmp_path / "list.xlsx")
    listing = open_source("t", {"kind": "feed", "location": str(tmp_path / "*.xlsx")}).items()
    rows = [row for page in listing.pages for row in page.rows.to_dicts()]
    assert [row["external_id"] for row in rows] == ["7"]
