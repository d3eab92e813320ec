"""Places by code and by name, and recipients as people paste them."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connectors import regions, towns
from kit.errors import Problem
from trade import addresses, places, sighting
from trade.locating import locate

WRITTEN = Path(__file__).with_name("written_addresses.txt")
DIVISIONS = Path(__file__).parents[3] / "shared/data/divisions/areas.csv"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("440305", "440305"),
        ("440305007", "440305007"),
        ("440305007001", "440305007"),
        ("440305000000", "440305"),
        ("441900", "441900"),
        ("441900003", "441900003"),
        ("442000", "442000"),
        ("460400", "460400"),
        ("620200", "620200"),
        ("460003", "460400"),
        ("110103", "110101"),
        ("310108", "310106"),
        ("320571", "320571"),
        ("330113", "330113"),
        ("330204", "330212"),
        ("429001", "429001"),
    ],
)
def test_a_code_resolves(given: str, kept: str) -> None:
    assert places.resolve(given) == kept


@pytest.mark.parametrize(
    "given", ["", "44", "4403", "440300", "440000", "000000", "999999", "44030", "4403051", "abc"]
)
def test_what_names_no_county_does_not(given: str) -> None:
    assert places.resolve(given) is None


@pytest.mark.skipif(not DIVISIONS.exists(), reason="the table of divisions is not here")
def test_every_county_of_the_statistics_resolves() -> None:
    with DIVISIONS.open() as rows:
        codes = [row["code"] for row in csv.DictReader(rows)]
    assert [code for code in codes if places.resolve(code) is None] == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("440305", "广东省深圳市南山区"),
        ("110105", "北京市朝阳区"),
        ("441900003", "广东省东莞市"),
        ("320571", "江苏省苏州市"),
        ("429004", "湖北省仙桃市"),
        ("659001", "新疆维吾尔自治区石河子市"),
        ("330114", "浙江省杭州市钱塘区"),
        ("232761", "黑龙江省大兴安岭地区加格达奇区"),
        ("140311", "山西省阳泉市郊区"),
    ],
)
def test_a_code_is_spelled_in_names(code: str, names: str) -> None:
    assert places.spelled(code) == names


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("科技园 1 号", "广东省深圳市南山区科技园 1 号"),
        ("广东省深圳市南山区科技园 1 号", "广东省深圳市南山区科技园 1 号"),
        ("广东深圳科技园 1 号", "广东深圳科技园 1 号"),
    ],
)
def test_an_address_is_written_with_its_place_once(address: str, written: str) -> None:
    assert places.whole("440305", address) == written


def test_written_addresses_are_certain_or_asked_back_and_never_guessed() -> None:
    told = [line for line in WRITTEN.read_text("utf-8").splitlines() if not line.startswith("#")]
    wrong = []
    for line in told:
        written, wanted = (part.strip() for part in line.rsplit("|", 1))
        county, _, town = wanted.partition("/")
        place = locate(written)
        names = [one.spelled for one in place.counties] if place else []
        region = place.region if place else None
        if county == "-":
            right = not names
        elif county[0] == "?" or (county[0] == "+" and not towns.there()):
            right = region is None and county[1:] in names
        else:
            right = region is not None and names == [county.removeprefix("+")]
            if town and towns.there():
                right = right and (towns.name(region or "") or "-") == town
        if not right:
            wrong.append((written, wanted, names[:4], region))
    assert len(told) > 280
    assert wrong == []


def test_every_county_is_known_by_its_names() -> None:
    missed = []
    for county in places.all_counties()[::7]:
        above = county.city or county.province
        spoken = f"{regions.short(above)}{county.name}人民路1号"
        for written in (f"{county.spelled}人民路1号", spoken):
            seen = sighting.sight(written)
            if seen is None or seen.others or seen.county != county:
                missed.append(written)
    assert missed == []


@pytest.mark.skipif(not DIVISIONS.exists(), reason="the table of divisions is not here")
def test_names_of_streets_lead_to_no_other_county() -> None:
    places_by_code = {county.code: county for county in places.all_counties()}
    with DIVISIONS.with_name("streets.csv").open() as rows:
        streets = [row for row in csv.DictReader(rows) if row["areaCode"] in places_by_code][::40]
    for row in streets:
        county = places_by_code[row["areaCode"]]
        seen = sighting.sight(f"{county.spelled}{row['name']}1号")
        assert (seen and seen.county, seen and seen.others) == (county, ())
    assert len(streets) > 900


@pytest.mark.parametrize(
    ("text", "name", "mobile", "region", "address"),
    [
        (
            "张三 13800138000 广东省深圳市南山区粤海街道科技园1号",
            "张三",
            "13800138000",
            "440305",
            "粤海街道科技园1号",
        ),
        (
            "收货人：李四\n手机号码：138 0013 8000\n所在地区：北京市 朝阳区\n"
            "详细地址：建国路88号3栋201室",
            "李四",
            "13800138000",
            "110105",
            "建国路88号3栋201室",
        ),
        (
            "浙江杭州余杭区文一西路969号 王小明 13912345678-4567",
            "王小明",
            "13912345678-4567",
            "330110",
            "文一西路969号",
        ),
        (
            "王五，0755-26001234，广东省东莞市长安镇上角村1号",
            "王五",
            "0755-26001234",
            "441900",
            "长安镇上角村1号",
        ),
        (
            "赵六 13800138000转1234 上海市浦东新区世纪大道1号",
            "赵六",
            "13800138000-1234",
            "310115",
            "世纪大道1号",
        ),
        (
            "欧阳娜娜 +86 13800138000 内蒙古自治区呼和浩特市新城区新华大街1号 010010",
            "欧阳娜娜",
            "13800138000",
            "150102",
            "新华大街1号",
        ),
        (
            "收件人：张三 号码：13800138000 所在地区：广东省深圳市南山区 详细地址：科技园1号",
            "张三",
            "13800138000",
            "440305",
            "科技园1号",
        ),
        (
            "收货人：张三\n收货电话：13800138000\n收货地址：广东省深圳市福田区华强北手机城3楼",
            "张三",
            "13800138000",
            "440304",
            "华强北手机城3楼",
        ),
        (
            "张三 13800138000 中国 新疆 阿克苏地区 温宿县 托甫汗镇1号 邮编843100",
            "张三",
            "13800138000",
            "652922",
            "托甫汗镇1号",
        ),
        (
            "张三 13800138000 深圳市科技园南山区粤海街道1号",
            "张三",
            "13800138000",
            "440305",
            "深圳市科技园 粤海街道1号",
        ),
        (
            "科技园1号 南山区 深圳市 广东省 张三收 13800138000",
            "张三",
            "13800138000",
            "440305",
            "科技园1号",
        ),
        (
            "张三，广东省深圳市南山区科技园1号，13800138000，2份",
            "张三",
            "13800138000",
            "440305",
            "科技园1号 2份",
        ),
        (
            "张三[4321] 17199998888转4321 广东省深圳市南山区科技园1号[4321]",
            "张三[4321]",
            "17199998888-4321",
            "440305",
            "科技园1号[4321]",
        ),
        (
            "John Smith 13800138000/13900139000 广东省深圳市南山区科技园1号",
            "John Smith",
            "13800138000",
            "440305",
            "科技园1号",
        ),
        (
            "电话13800138000 姓名张三 地址广东省东莞市长安镇1号",
            "张三",
            "13800138000",
            "441900",
            "长安镇1号",
        ),
    ],
)
def test_a_pasted_recipient_is_read(
    text: str, name: str, mobile: str, region: str, address: str
) -> None:
    read = addresses.from_text(text)
    assert (read.name, read.mobile, read.address) == (name, mobile, address)
    assert read.region.startswith(region)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("张三 广东省深圳市南山区科技园1号", "telephone"),
        ("张三 13800138000 科技园1号", "district"),
        ("张三 13800138000 朝阳区建国路88号", "长春市朝阳区"),
        ("张三 138****8000 广东省深圳市南山区科技园1号", "masked"),
        ("张三 13800138000 广东省深圳市南山区****1号", "masked"),
        ("张三 13800138000 台北市大安区忠孝东路1号", "not delivered"),
        ("张三 13800138000 广东省深圳市朝阳区建国路88号", "深圳市罗湖区"),
        ("张三 13800138000 深圳市科技园1号", "深圳市罗湖区"),
        ("13800138000 广东省深圳市南山区科技园1号", "name"),
        ("张三 13800138000 广东省深圳市南山区", "street"),
        ("", "telephone"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, said: str) -> None:
    with pytest.raises(Problem, match=said) as problem:
        addresses.from_text(text)
    assert problem.value.status == 422


@given(some.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = addresses.from_text(text)
    except Problem:
        return
    assert read.name
    assert read.address


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("13800138000", "13800138000"),
        (" +86 138-0013-8000 ", "13800138000"),
        ("13800138000-1234", "13800138000-1234"),
        ("13800138000,1234", "13800138000-1234"),
        ("13800138000 转 12", "13800138000-12"),
        ("075526001234", "0755-26001234"),
        ("(010)65001234", "010-65001234"),
        ("0755-26001234-808", "0755-26001234-808"),
        ("0086 13800138000", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("138０0138000", "13800138000"),
        ("（０７５５）２６００１２３４－８", "0755-26001234-8"),
        ("\u202d138\u200b00138000\u202c", "13800138000"),
        ("13800138000(1234)", "13800138000-1234"),
        ("13800138000【转1234】", "13800138000-1234"),
        ("13800138000_1234", "13800138000-1234"),
        ("'13800138000", "13800138000"),
        ("13800138000.0", "13800138000"),
        ("手机：13800138000", "13800138000"),
        ("010 6500 1234", "010-65001234"),
        ("12345", None),
        ("23800138000", None),
        ("1380013800", None),
        ("138001380001", None),
    ],
)
def test_a_number_as_it_is_dialled(given: str, kept: str | None) -> None:
    assert addresses.phone(given) == kept


def test_full_width_digits_and_invisible_marks_of_a_pasted_text_do_no_harm() -> None:
    told = addresses.from_text("张三\n\u202d１３８００１３８０００\u202c\n深圳市南山区科技园路１号")
    assert (told.name, told.mobile, told.region) == ("张三", "13800138000", "440305")


def test_of_several_numbers_in_one_cell_the_first_is_dialled() -> None:
    to = addresses.from_fields("张三", "13800138000/0755-26001234", "440305", "科技园1号")
    assert to.mobile == "13800138000"
    with pytest.raises(Problem, match="11 digits"):
        addresses.from_fields("张三", "13800138000/1390013", "440305", "科技园1号")


def test_a_region_may_be_given_in_names_or_stand_in_the_address() -> None:
    by_names = addresses.from_fields("张三", "13800138000", "广东深圳南山区", "科技园 1 号")
    in_address = addresses.from_fields("张三", "13800138000", None, "广东省深圳市南山区科技园 1 号")
    assert by_names.region == in_address.region == "440305"


def test_a_code_and_an_address_in_different_provinces_are_not_taken() -> None:
    with pytest.raises(Problem, match="上海市浦东新区; correct whichever") as caught:
        addresses.from_fields("张三", "13800138000", "440305", "上海市浦东新区世纪大道 1 号")
    assert [error.field for error in caught.value.errors] == ["ship_to.region"]
    for address in ("深圳市宝安区 1 号", "北京路 1 号", "上海大厦 3 楼", "滨海新区 1 号"):
        to = addresses.from_fields("张三", "13800138000", "440305", address)
        assert to.region == "440305"


def test_a_masked_address_reaches_nobody() -> None:
    with pytest.raises(Problem, match="masked") as caught:
        addresses.from_fields("张*", "13800138000", "440305", "粤海街道***")
    assert [error.field for error in caught.value.errors] == ["ship_to.address"]


def test_every_field_at_fault_is_named() -> None:
    with pytest.raises(Problem) as problem:
        addresses.from_fields(" ", "12", "999999", "")
    assert [error.field for error in problem.value.errors] == [
        "ship_to.mobile",
        "ship_to.region",
        "ship_to.name",
        "ship_to.address",
    ]
