"""Hostile and messy files, each with what must come out of it.

`tests/wire/feed/NAME.expected.json` stands beside its file. `rows` name the columns that matter,
in order; `rejects` are [line, column, part of the reason]; `error` is [code, part of the message].
`encode` turns the committed UTF-8 text into another encoding first; a `.book.json` describes a
workbook that is built for the test.
"""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
import xlwt

from connectors.columns import LISTING
from connectors.errors import SupplierError
from connectors.model import Reject
from connectors.registry import open_source

WIRE = Path(__file__).parent.parent / "wire" / "feed"
CASES = sorted(path.name.removesuffix(".expected.json") for path in WIRE.glob("*.expected.json"))
AS_OF = datetime(2026, 11, 24, 4, tzinfo=UTC)


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES)
def test_a_messy_file_gives_what_is_written_beside_it(case: str, tmp_path: Path) -> None:
    expected = json.loads((WIRE / f"{case}.expected.json").read_text())
    path = _laid_out(case, expected, tmp_path)
    os.utime(path, (AS_OF.timestamp(), AS_OF.timestamp()))
    config = {"kind": "feed", "location": str(path)} | expected.get("config", {})
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    failed: SupplierError | None = None
    try:
        listing = open_source("case", config).items()
        for page in listing.pages:
            assert dict(page.rows.schema) == LISTING
            rows += page.rows.to_dicts()
            rejects += page.rejects
        assert listing.as_of == AS_OF
        _same_notes(listing.notes, expected.get("notes", {}))
    except SupplierError as error:
        failed = error
    told = [] if failed is None else [failed.code, failed.message]
    assert told[:1] == expected.get("error", [])[:1], told
    assert expected.get("error", ["", ""])[1] in "".join(told[1:])
    _same_rejects(rejects, expected.get("rejects", []))
    _same_rows(rows, expected.get("rows", []))


def _same_rows(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    shown = [{name: _shown(row[name]) for name in want} for row, want in zip(rows, expected)]  # noqa: B905  # the next line compares the lengths
    assert shown == expected
    assert len(rows) == len(expected), [row["external_id"] for row in rows]


def _same_rejects(rejects: list[Reject], expected: list[list[Any]]) -> None:
    found = [(reject.line, reject.column, reject.reason) for reject in rejects]
    assert [(line, column) for line, column, _ in found] == [(a, b) for a, b, _ in expected], found
    for (_, _, reason), (_, _, says) in zip(found, expected, strict=True):
        assert says in reason


def _same_notes(notes: dict[str, Any], expected: dict[str, Any]) -> None:
    first = notes["files"][0]
    assert {name: first.get(name) for name in expected} == expected


def _shown(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int):
        return value
    return str(value)


def _laid_out(case: str, expected: dict[str, Any], folder: Path) -> Path:
    given = next(p for p in WIRE.glob(f"{case}.*") if not p.name.endswith(".expected.json"))
    if given.name.endswith(".book.json"):
        return _built(json.loads(given.read_text()), folder / case)
    path = folder / given.name
    text = given.read_bytes()
    if code := expected.get("encode"):
        bom = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(code, b"")
        bare = expected.get("without_bom", False)
        text = (b"" if bare else bom) + text.decode().encode(code)
    path.write_bytes(text)
    return path


def _built(book: dict[str, Any], path: Path) -> Path:
    make = {"xlsx": _by_xlsxwriter, "uncomputed": _by_openpyxl, "xls": _by_xlwt}
    target = path.with_suffix(".xls" if book["form"] == "xls" else ".xlsx")
    make[book["form"]](book["sheets"], target)
    return target


def _by_xlsxwriter(sheets: list[dict[str, Any]], path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        date = book.add_format({"num_format": "yyyy-mm-dd"})
        for spec in sheets:
            sheet = book.add_worksheet(spec["name"])
            if spec.get("hidden"):
                sheet.hide()
            top = spec.get("top", 0)
            left = spec.get("left", 0)
            for r, row in enumerate(spec["rows"], top):
                for c, cell in enumerate(row, left):
                    if isinstance(cell, dict) and "formula" in cell:
                        sheet.write_formula(r, c, cell["formula"], None, cell["value"])
                    elif isinstance(cell, dict):
                        sheet.write_datetime(r, c, datetime.fromisoformat(cell["date"]), date)
                    elif isinstance(cell, str):
                        sheet.write_string(r, c, cell)
                    elif cell is not None:
                        sheet.write(r, c, cell)
            for area in spec.get("merge", []):
                _merge(sheet, area, spec["rows"])
        book.get_worksheet_by_name(
            next(s["name"] for s in sheets if not s.get("hidden"))
        ).activate()


def _merge(sheet: Any, area: list[int], rows: list[list[Any]]) -> None:
    top, left, bottom, right = area
    sheet.merge_range(top, left, bottom, right, rows[top][left])


def _by_openpyxl(sheets: list[dict[str, Any]], path: Path) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for spec in sheets:
        sheet = book.create_sheet(spec["name"])
        for row in spec["rows"]:
            sheet.append(row)
    book.save(path)


def _by_xlwt(sheets: list[dict[str, Any]], path: Path) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    for spec in sheets:
        sheet = book.add_sheet(spec["name"])
        sheet.visibility = 1 if spec.get("hidden") else 0
        for r, row in enumerate(spec["rows"]):
            for c, cell in enumerate(row):
                if cell is not None:
                    sheet.write(r, c, cell)
    book.save(str(path))
