"""Files made to hurt: refused quickly and in words, before they can fill memory or disk."""

import contextlib
import csv
import io
import struct
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from connectors.errors import SupplierError, Unreadable
from connectors.feed.readers import zipped
from connectors.feed.rejects import rejects_csv
from connectors.model import Reject
from connectors.registry import open_source

WORKBOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="价目" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)
ROOT = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{}</sheetData></worksheet>"
)


def read(path: Path, **config: object) -> tuple[list[dict[str, object]], list[Reject]]:
    listing = open_source("s", {"kind": "feed", "location": str(path)} | config).items()
    pages = list(listing.pages)
    return (
        [row for page in pages for row in page.rows.to_dicts()],
        [reject for page in pages for reject in page.rejects],
    )


def refusal(path: Path, **config: object) -> SupplierError:
    with pytest.raises(SupplierError) as caught:
        read(path, **config)
    return caught.value


def workbook(path: Path, sheet: str | bytes, **parts: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("_rels/.rels", ROOT)
        book.writestr("xl/workbook.xml", WORKBOOK)
        book.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        book.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in parts.items():
            book.writestr(name.replace("__", "/"), content)
    return path


def cell(name: str, text: str) -> str:
    return f'<c r="{name}" t="inlineStr"><is><t>{text}</t></is></c>'


def test_a_zip_that_unpacks_a_thousand_times_is_not_opened(tmp_path: Path) -> None:
    bomb = workbook(tmp_path / "b.xlsx", "<x/>", xl__media__a=b"\0" * (60 * 1024**2))
    assert refusal(bomb).code == "zip-bomb"


def test_a_zip_that_lies_about_its_sizes_is_not_unpacked_further(tmp_path: Path) -> None:
    lying = workbook(tmp_path / "b.xlsx", SHEET.format("<row/>" * 2_000_000))
    content = bytearray(lying.read_bytes())
    real = struct.pack("<I", len(SHEET.format("")) + 6 * 2_000_000)
    assert content.count(real) >= 2
    lying.write_bytes(content.replace(real, struct.pack("<I", 1000)))
    error = refusal(lying)
    assert error.code == "zip-bomb"
    assert "larger than it states" in error.message


@pytest.mark.parametrize(
    "sheet",
    [
        SHEET.format(
            '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"/></row>'
        ),
        SHEET.format('<row r="1048576"><c r="XFD1048576"/></row><row r="1"><c r="A1"/></row>'),
        SHEET.format("<row r='1'><c r='A1'/></row><row r='1048576'><c r='XFD1048576'/></row>"),
        SHEET.format('<row\tr="1"><c\nr = "A1"/></row><row r="9"><c\tr="XFD1048576"/></row>'),
        SHEET.format('<row r="1">' + "<c/>" * 16384 + '</row><row r="1048576"><c/></row>'),
    ],
)
def test_two_cells_far_apart_do_not_fill_memory(sheet: str, tmp_path: Path) -> None:
    error = refusal(workbook(tmp_path / "wide.xlsx", sheet))
    assert error.code in ("too-large-area", "too-wide")


def test_markup_without_ends_is_looked_through_in_linear_time(tmp_path: Path) -> None:
    markup = '<f "e"' + '<c t="e" r="A1" ' * 200_000
    started = time.process_time()
    assert refusal(workbook(tmp_path / "m.xlsx", SHEET.format(markup))).code == "not-excel"
    assert time.process_time() - started < 5


def test_a_sheet_of_many_columns_is_refused(tmp_path: Path) -> None:
    row = "".join(cell(f"{letters}1", "x") for letters in ("A", "XFD"))
    wide = workbook(tmp_path / "w.xlsx", SHEET.format(f'<row r="1">{row}</row>'))
    assert refusal(wide).code == "too-wide"


def test_entities_in_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    row = '<row r="1">' + cell("A1", "货号") + cell("B1", "品名") + cell("C1", "供货价") + "</row>"
    row += '<row r="2">' + cell("A2", "1") + cell("B2", "&b;") + cell("C2", "1") + "</row>"
    path = workbook(tmp_path / "e.xlsx", laughs + SHEET.format(row))
    rows: list[dict[str, object]] = []
    with contextlib.suppress(Unreadable):
        rows, _ = read(path)
    assert not any("aaaa" in str(row) for row in rows)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04", b"PK\x03\x04" + b"\0" * 500, b"PK\x05\x06" + b"\0" * 18]
)
def test_a_damaged_workbook_says_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "d.xlsx"
    path.write_bytes(content)
    assert refusal(path).code == "not-excel"


def test_a_workbook_cut_off_in_transfer_says_so(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "whole.xlsx") as book:
        sheet = book.add_worksheet()
        for row in range(500):
            sheet.write_row(row, 0, ["货号", "品名", str(row)])
    whole = (tmp_path / "whole.xlsx").read_bytes()
    for share in (0.3, 0.6, 0.9, 0.99):
        (tmp_path / "cut.xlsx").write_bytes(whole[: int(len(whole) * share)])
        assert refusal(tmp_path / "cut.xlsx").code == "not-excel"


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_in_a_workbook_never_crash(seed: int, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "w.xlsx") as book:
        book.add_worksheet().write_row(0, 0, ["货号", "品名", "供货价"])
        book.worksheets()[0].write_row(1, 0, ["A", "壶", 1])
    content = bytearray((tmp_path / "w.xlsx").read_bytes())
    for step in range(8):
        content[(seed * 7919 + step * 104_729) % len(content)] ^= 1 << (seed + step) % 8
    (tmp_path / "w.xlsx").write_bytes(content)
    rows: list[dict[str, object]] = []
    with contextlib.suppress(SupplierError):
        rows, _ = read(tmp_path / "w.xlsx")
    assert len(rows) <= 1


def test_a_protected_or_old_binary_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "locked.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096)
    assert refusal(path).code == "not-excel"


def test_a_web_page_that_is_called_a_workbook_is_read_by_its_table(tmp_path: Path) -> None:
    head = "<tr><td rowspan='2'>货号</td><td rowspan='2'>品名</td><td colspan='2'>价格</td></tr>"
    rows = (
        "<tr><th>供货价</th><th>零售价</th></tr>"
        "<tr><td x:num='6901234567892'>6.9E+12</td><td rowspan='2'>绿茶<br>罐装</td>"
        "<td>12.50</td><td>19.9</td></tr><tr><td>0007</td><td>3</td><td>5</td></tr>"
    )
    page = f"<html><table><tr><td>菜单</td></tr></table><table border=1>{head}{rows}</table></html>"
    for name, code in (("a.xls", "utf-8"), ("b.xls", "gb18030")):
        (tmp_path / name).write_bytes(page.encode(code))
        found, rejects = read(tmp_path / name)
        told = [(one["external_id"], one["title"], str(one["dropship_price"])) for one in found]
        assert told == [("6901234567892", "绿茶罐装", "12.5000"), ("0007", "绿茶罐装", "3.0000")]
        assert not rejects


@pytest.mark.parametrize(
    "page",
    [
        "<html><body>请登录</body></html>",
        "<table><tr><td>货号</td></tr></table>",
        "<html",
    ],
)
def test_a_web_page_without_a_list_says_so(page: str, tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_text(page, "utf-8")
    assert refusal(tmp_path / "a.xls").code == "no-list"


def test_a_sparse_file_of_ten_gigabytes_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)
    started = time.process_time()
    error = refusal(path)
    assert error.code == "too-large"
    assert "max_bytes" in error.message
    assert time.process_time() - started < 1


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_one_endless_line_is_refused(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"line.{form}"
    head = {
        "csv": "货号,品名,供货价\n",
        "jsonl": '{"sku":"A","title":"b","price":1}\n',
        "json": '[{"sku":"',
    }
    path.write_text(head[form] + "长" * 6_000_000)
    assert refusal(path).code in ("long-line", "not-json", "no-list", "no-good-rows")


def test_more_rows_than_allowed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("货号,品名,供货价\n" + "".join(f"A{n},壶,1\n" for n in range(30)))
    assert refusal(path, max_rows=20).code == "too-many-rows"
    assert len(read(path, max_rows=30)[0]) == 30


def test_a_pattern_leads_out_of_its_folder_neither_by_dots_nor_by_links(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("货号,品名,供货价\nS,壶,1\n")
    inbox = tmp_path / "inbox"
    (inbox / "teahouse").mkdir(parents=True)
    for pattern in ("*/../../*.csv", "teahouse/../../*.csv"):
        error = refusal(inbox / pattern) if pattern[0] == "*" else None
        assert error is None or error.code == "outside"
    (inbox / "link.csv").symlink_to(secret)
    assert refusal(inbox / "*.csv").code == "outside"


def test_half_written_and_lock_files_are_not_read(tmp_path: Path) -> None:
    for name in (".list.csv.swp", "~$list.csv", "list.csv"):
        (tmp_path / name).write_text(f"货号,品名,供货价\n{name},壶,1\n")
    rows, _ = read(tmp_path / "*")
    assert [row["external_id"] for row in rows] == ["list.csv"]


def test_no_file_is_never_an_empty_shop(tmp_path: Path) -> None:
    for location in (tmp_path / "none.csv", tmp_path / "*.csv", tmp_path):
        assert refusal(location).code == "no-file"


def test_nothing_is_left_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "temporary"
    own.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(own))
    path = tmp_path / "list.csv"
    path.write_text("货号,品名,供货价\nA,壶,1\nB,杯,-1\n")
    source = open_source("s", {"kind": "feed", "location": str(path)})
    list(source.items().pages)
    abandoned = source.items().pages
    next(abandoned)
    del abandoned
    source.items()
    (tmp_path / "bad.csv").write_text("货号\n")
    refusal(tmp_path / "bad.csv")
    assert list(own.iterdir()) == []


def test_contradictions_are_found_across_files_and_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.feed.readers.csv._BLOCK", 256)
    lines = "".join(f"A{n},壶,1\n" for n in range(60))
    (tmp_path / "1.csv").write_text(f"货号,品名,供货价\n{lines}A7,壶,2\nA8,壶,1\n")
    (tmp_path / "2.csv").write_text("货号,品名,供货价\nA9,壶,3\nB1,壶,1\n")
    rows, rejects = read(tmp_path / "*.csv")
    assert len(rows) == 60 - 2 + 1
    assert sorted((r.file, r.line, r.value) for r in rejects) == [
        ("1.csv", 9, "A7"),
        ("1.csv", 11, "A9"),
        ("1.csv", 62, "A7"),
        ("2.csv", 2, "A9"),
    ]
    assert "line 62" in next(r.reason for r in rejects if r.line == 9)
    assert "2.csv line 2" in next(r.reason for r in rejects if r.line == 11)


def test_records_across_blocks_are_all_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.feed.readers.xml._BLOCK", 500)
    monkeypatch.setattr("connectors.feed.readers.xml._MOST_SIBLINGS", 5)
    noise = "<log><e>x</e></log>" * 200
    goods = "".join(
        f"<g><sku>A{n}</sku><title>壶</title><price>{n + 1}</price></g>" for n in range(300)
    )
    (tmp_path / "a.xml").write_text(f"<r><logs>{noise}</logs><all>{goods}</all></r>")
    rows, _ = read(tmp_path / "a.xml")
    assert [row["external_id"] for row in rows] == [f"A{n}" for n in range(300)]


def test_codes_that_are_no_gtin_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("货号,品名,供货价,条码\nA,壶,1,SHOP-7\nB,壶,1,6901234567892\nC,壶,1,\n")
    listing = open_source("s", {"kind": "feed", "location": str(path)}).items()
    assert sum(len(page.rows) for page in listing.pages) == 3
    assert listing.notes["left_out"] == {"gtin": 1}


def test_rejects_open_in_a_spreadsheet_without_running_anything() -> None:
    nasty = ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "＝1", "a\0b", 'q"uote', "two\nlines"]
    content = rejects_csv(
        Reject("=f.csv", n, "供货价", text, "因为") for n, text in enumerate(nasty)
    )
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))[1:]
    assert [row[2] for row in rows] == [str(n) for n in range(len(nasty))]
    for row in rows:
        assert not any(
            text.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "＝")) for text in row
        )
    assert rows[8][0] == rows[8][4] == 'q"uote'


def test_a_column_name_reads_like_excel_writes_it() -> None:
    assert zipped.place("A1") == (0, 0)
    assert zipped.place("AA10") == (9, 26)
    assert zipped.place("XFD1048576") == (1_048_575, 16_383)


@pytest.mark.parametrize(
    ("form", "head", "bad"),
    [
        ("csv", '货号,品名,供货价\nA,"壶",1\n', 'B,"x"y,1\n'),
        ("jsonl", '{"sku":"A","title":"壶","price":1}\n', "{nonsense}\n"),
    ],
)
def test_a_file_of_another_form_is_given_up(
    form: str, head: str, bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.feed.table.MOST_UNCUT", 20)
    path = tmp_path / f"list.{form}"
    path.write_text(head + bad * 20)
    rows, rejects = read(path)
    assert (len(rows), len(rejects)) == (1, 20)
    path.write_text(head + bad * 21)
    assert refusal(path).code == "not-this-form"
