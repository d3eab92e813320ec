"""`import`, `sync`, `sources`, `search`, `reindex`: a price list becomes goods that are found."""

import csv
from pathlib import Path

from tests.huopan.conftest import BAD_ROW, GOODS, Cli


def test_a_price_list_is_guessed_shown_and_found(huopan: Cli) -> None:
    path = huopan.file("报价单.csv", GOODS.encode("gb18030"))
    done = huopan("import", path, "--source", "teahouse")
    assert done.code == 0
    assert "encoding gb18030, header in row 3" in done.out
    assert "sku=货号" in done.out
    assert "price=供货价" in done.out
    assert "2 good rows, 0 rejected, 2 changed" in done.out
    (found,) = huopan("search", "纸尿裤", "--json").json
    assert found["price_from"] == "59.90"
    assert found["stock"] == {"state": "in_stock", "quantity": None}


def test_rejected_rows_are_told_and_downloaded_and_the_others_load(huopan: Cli) -> None:
    path, out = huopan.file("goods.csv", GOODS + BAD_ROW), huopan.folder / "bad.csv"
    done = huopan("import", path, "--source", "teahouse", "--rejects", str(out))
    assert done.code == 1
    assert "goods.csv line 6, 供货价 '面议'" in done.out
    assert "2 good rows, 1 rejected" in done.out
    header, row = csv.reader(out.read_text("utf-8-sig").splitlines())
    assert header[-5:] == ["文件 file", "行 line", "列 column", "值 value", "原因 reason"]
    assert row[-5:-1] == ["goods.csv", "6", "供货价", "面议"]
    row[header.index("供货价")] = "3"
    corrected = huopan.file("corrected.csv", "\n".join(",".join(x) for x in (header, row)))
    again = huopan("import", corrected, "--source", "teahouse", "--json")
    assert (again.json["seen"], again.json["changed"], again.json["held"]) == (1, 1, None)


def test_a_dry_run_reads_and_writes_nothing(huopan: Cli) -> None:
    path = huopan.file("goods.csv", GOODS + BAD_ROW)
    done = huopan("import", path, "--source", "teahouse", "--dry-run", "--json")
    assert done.code == 1
    assert done.json["run"] is None
    assert (done.json["seen"], done.json["rejected"]) == (2, 1)
    assert done.json["rejects"][0]["line"] == 6
    assert huopan("sources", "--json").json == []


def test_columns_may_be_named(huopan: Cli) -> None:
    path = huopan.file("odd.csv", "甲,乙,丙\n0007,茉莉花茶,12.80\n")
    assert huopan("import", path, "--source", "tea").code == 2
    named = huopan("import", path, "--source", "tea", "--columns", "sku=甲,title=乙,price=丙")
    assert named.code == 0, named.err


def test_the_same_list_again_changes_nothing(huopan: Cli) -> None:
    again = huopan.stocked()("import", "goods.csv", "--source", "teahouse", "--json")
    assert (again.code, again.json["changed"], again.json["new_source"]) == (0, 0, False)


def test_a_list_that_would_do_harm_is_held_and_a_part_is_not(huopan: Cli) -> None:
    short = "\n".join(GOODS.splitlines()[2:4])
    path = huopan.stocked().file("short.csv", short)
    held = huopan("import", path, "--source", "teahouse")
    assert held.code == 1
    assert "held" in held.out
    assert "--partial" in held.out
    assert huopan("sources", "--json").json[0]["health"] == "held"
    part = huopan("import", path, "--source", "teahouse", "--partial")
    assert part.code == 0, part.out
    assert huopan("sources", "--json").json[0]["offers"] == 2


def test_a_source_is_pulled_from_where_its_settings_say(huopan: Cli) -> None:
    path = huopan.file("goods.csv", GOODS)
    huopan.file("settings.toml", f'[sources.tea-house]\nkind = "feed"\nlocation = "{path}"\n')
    pulled = huopan("sync", "tea-house", "--json")
    assert pulled.code == 0, pulled.err
    assert {"run", "pages", "seen", "changed", "rejected", "held"} <= pulled.json.keys()
    assert (pulled.json["seen"], pulled.json["changed"]) == (2, 2)
    assert pulled.json["run"].startswith("run_")
    (one,) = huopan("sources", "--json").json
    assert (one["code"], one["kind"], one["health"], one["offers"]) == (
        "tea-house",
        "feed",
        "ok",
        2,
    )
    assert one["fresh_p95"] < 60


def test_a_source_that_failed_is_pulled_at_once_when_a_person_says_so(huopan: Cli) -> None:
    path = huopan.folder / "late.csv"
    huopan.set("SOURCES__TEA_HOUSE__KIND", "feed")  # a code has no _: it stands for -
    huopan.set("SOURCES__TEA_HOUSE__LOCATION", str(path))
    for _ in range(2):
        failed = huopan("sync", "tea-house")
        assert failed.code == 3
        assert "late.csv" in failed.err
    huopan.file("late.csv", GOODS)
    assert huopan("sync", "tea-house").code == 0


def test_sources_are_a_table(huopan: Cli) -> None:
    assert "no source yet" in huopan("sources").out
    header, row = huopan.stocked()("sources").out.splitlines()
    assert header.split()[:4] == ["code", "kind", "health", "offers"]
    assert row.split()[:4] == ["teahouse", "feed", "ok", "2"]


def test_reindex_builds_the_index_from_the_catalogue(huopan: Cli) -> None:
    assert huopan.stocked()("reindex", "--json").json == {"products": 2, "asked": False}
    assert Path(huopan.folder / "var" / "search" / "current").exists()


def test_check_is_quiet_while_all_holds(huopan: Cli) -> None:
    done = huopan.stocked()("check")
    assert done.code == 0
    assert "rules hold" in done.out
    assert huopan("check", "--json").json == []
