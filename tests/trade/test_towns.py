"""The town of an address: told where it is certain, by the table that set-up brings."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import towns as table
from connectors.model import ShipTo
from kit.errors import Problem
from tests.towns import using, whole
from trade import addresses, places, towns
from trade.locating import completed, locate

EVERY = 17
TAILS = ("科技园1号", "人民路88号3栋", "和平村5组", "中心小学", "1号")


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    file = whole()
    if file is None:
        pytest.skip("set-up has not brought the table of towns; run make extras")
    with using(file):
        yield


def rows() -> list[dict[str, str]]:
    with table.FILE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))[::EVERY]


def test_of_a_whole_address_the_town_is_read_and_never_another_one() -> None:
    found: Counter[str] = Counter()
    wrong = []
    for number, row in enumerate(rows()):
        county = places.county(row["areaCode"])
        if county is None:  # a development zone
            continue
        written = f"{county.spelled}{row['name']}{TAILS[number % len(TAILS)]}"
        place = locate(written)
        region = place and place.region
        found["right" if region == row["code"] else "open"] += 1
        if region not in (row["code"], county.code):
            wrong.append((written, region))
    assert wrong == []
    assert found["right"] / found.total() > 0.945  # of the rest nearly all are estates and offices


def test_a_city_and_a_town_decide_no_district_wrongly() -> None:
    found: Counter[str] = Counter()
    wrong = []
    for row in rows():
        county = places.county(row["areaCode"])
        if county is None or not county.city or not row["name"].endswith(("街道", "镇", "乡")):
            continue
        place = locate(f"{county.city}{row['name']}科技园1号")
        region = place and place.region
        found["decided" if region else "asked"] += 1
        if region and region[:6] != county.code:
            wrong.append((county.spelled, row["name"], region))
        if place and not region and county not in place.counties:
            wrong.append((county.spelled, row["name"], "not asked about"))
    assert wrong == []
    assert found["decided"] / found.total() > 0.9


def test_a_town_that_several_districts_have_is_asked_back_with_these() -> None:
    with pytest.raises(Problem) as caught:
        addresses.from_text("张三 13800138000 郑州市城关镇1号")
    [error] = caught.value.errors
    for name in ("荥阳市", "新密市", "新郑市"):
        assert name in error.message
    assert "金水区" not in error.message


def test_a_code_of_nine_digits_stays_and_six_are_completed_by_the_address() -> None:
    assert completed("440305", "粤海街道科技园1号") == "440305007"
    assert completed("440305", "深圳市粤海街道科技园1号") == "440305007"
    assert completed("440305", "深圳市南山区粤海街道科技园1号") == "440305007"
    assert completed("440305008", "粤海街道科技园1号") == "440305008"
    assert completed("440305", "宝安区西乡街道1号") == "440305"
    assert completed("440305", "科技园1号") == "440305"
    assert addresses.from_text("张三 13800138000 科技园1号", "440305008").region == "440305008"


def test_without_the_table_addresses_are_read_to_the_district(tmp_path: Path) -> None:
    with using(tmp_path / "none.csv"):
        read = addresses.from_text("张三 13800138000 深圳市南山区粤海街道科技园1号")
        assert (read.region, read.address) == ("440305", "粤海街道科技园1号")
        with pytest.raises(Problem, match="南山区"):
            addresses.from_text("张三 13800138000 深圳市粤海街道科技园1号")


def test_what_a_region_says_besides_the_address() -> None:
    assert towns.stated("440305007", "粤海街道 1 号") == "440305"
    assert towns.stated("440305007", "科技园 1 号") == "440305007"
    to = ShipTo("张三", "13800138000", "440305007", "科技园 1 号")
    assert towns.spoken(to) == "粤海街道科技园 1 号"
    assert places.levels("440305007") == {
        "province": "广东省",
        "city": "深圳市",
        "county": "南山区",
        "town": "粤海街道",
    }
    assert places.levels("110105")["city"] is None
