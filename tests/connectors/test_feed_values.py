"""What sellers type, read exactly: never a float, never anything but a value or a reason."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.feed import cells, columns, prices, values, words
from connectors.feed.freight import freight
from connectors.feed.readings import readings
from connectors.feed.text import Bad, number, plain
from kit.clock import SHANGHAI

TODAY = date(2026, 11, 24)
PRICE = st.decimals("0.0001", "10000000", places=4)
TYPED = st.text(
    st.one_of(
        st.sampled_from(
            "0123456789０１２９.,，．:：;；-~元￥¥$件箱kg克续首满包邮%税年月日 起止天小时+≥<>=#'\""
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=24,
)
READINGS = readings(TODAY, "kg")


def wide(text: str) -> str:
    """ASCII as full-width characters."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@pytest.mark.parametrize("name", sorted(READINGS))
@given(text=TYPED)
@example("1E400")
@example("9" * 4000)
@example("²³")
@example("١٢٣")
def test_a_value_is_read_or_refused_with_a_sentence(name: str, text: str) -> None:
    reading = READINGS[name]
    reason = "read"
    read: object = None
    try:
        read = reading.parse(text)
    except Bad as bad:
        reason = str(bad)
    assert reason == "read" or len(reason) > 10
    flat = read if isinstance(read, tuple) else (read,)
    assert not any(isinstance(value, float) for value in flat)


@pytest.mark.parametrize("name", [n for n, r in sorted(READINGS.items()) if r.plain])
@given(
    texts=st.lists(
        st.one_of(
            TYPED.filter(bool),
            st.from_regex(r"[0-9]{1,7}(\.[0-9]{1,4})?", fullmatch=True),
            st.from_regex(r"[0-9]{13}", fullmatch=True),
            st.from_regex(r"69[0-9]{11}", fullmatch=True),
            st.from_regex(r"https://[a-z]{1,5}/[a-z0-9]{1,5}", fullmatch=True),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_the_fast_way_and_the_slow_way_agree(name: str, texts: list[str]) -> None:
    reading = READINGS[name]
    series = pl.Series("text", texts)
    slow = cells.Reading(reading.gives, reading.parse)
    assert cells.read(series, reading).equals(cells.read(series, slow))


@given(PRICE)
def test_a_price_comes_back_as_it_was_written(amount: Decimal) -> None:
    for form in ("{}", "￥{}", "{}元", "{}元/件", "￥{}/件", "{} CNY", "RMB {}", " {} "):
        assert prices.price(form.format(amount)).amount == amount
    assert prices.price(f"{amount:,f}").amount == amount
    assert prices.price(f"{amount}元/件").per == "件"


@given(PRICE)
def test_full_width_reads_like_half_width(amount: Decimal) -> None:
    assert prices.price(wide(f"{amount}元/件")) == prices.price(f"{amount}元/件")
    assert number(wide(f"{amount:,f}")) == amount


@given(st.lists(st.tuples(st.integers(1, 10**6), PRICE), min_size=1, max_size=6))
def test_tiers_are_read_back_or_refused(breaks: list[tuple[int, Decimal]]) -> None:
    text = ";".join(f"{quantity}:{price}" for quantity, price in breaks)
    rising = sorted(breaks)
    sound = len({q for q, _ in breaks}) == len(breaks) and all(
        a >= b for (_, a), (_, b) in pairwise(rising)
    )
    if sound:
        assert prices.tiers(text) == tuple(rising)
        assert prices.tiers(wide(text)) == tuple(rising)
    else:
        with pytest.raises(Bad):
            prices.tiers(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "10:9.5;100:8.8",
            "10：9.5；100：8.8",
            "10=9.5,100=8.8",
            "100:8.8;10:9.5",
            "≥10:9.5|≥100:8.8",
        ),
        *("10-99件 9.5元；100件以上 8.8元", "10~99:9.5 ; 100+:8.8", "10件起9.5元，100件起8.8元"),
        "10:9.50元，100:8.80元",
        "满10件9.5；满100件8.8元",
        *("10:￥9.50元/件;100:￥8.80元/件", "10@9.5\n100@8.8"),
    ],
)
def test_tiers_in_many_spellings(text: str) -> None:
    assert prices.tiers(text) == ((10, Decimal("9.5")), (100, Decimal("8.8")))


def test_thousands_within_tiers_are_no_separators() -> None:
    assert prices.tiers("1,000:1,280.00,2,000:1,270") == (
        (1000, Decimal(1280)),
        (2000, Decimal(1270)),
    )


def test_a_higher_break_never_costs_more_a_piece() -> None:
    with pytest.raises(Bad, match="cost more"):
        prices.tiers("10:9.5;100:9.6")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "12-15",
            "12.8~15",
            "￥12至15",
            "12.8—15元",
            "12..15",
            "12,80",
            "1.280,00",
            "12.8.0",
            "1,28",
        ),
        *("12块5", "12元50", "￥12.5￥10", "39 35", "12 .5", "1元2"),
    ],
)
def test_an_ambiguous_price_is_refused(text: str) -> None:
    with pytest.raises(Bad):
        prices.price(text)


@given(st.integers(0, 10**12 - 1))
def test_a_gtin_needs_its_check_digit(body: int) -> None:
    digits = f"69{body % 10**10:010d}"
    check = -sum(int(d) * (3 if at % 2 else 1) for at, d in enumerate(digits)) % 10
    assert values.gtin(f"{digits}{check}") == f"0{digits}{check}"
    assert values.gtin(f"{digits}{(check + 1) % 10}") is None


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40))
def test_an_identifier_stays_as_it_is(text: str) -> None:
    try:
        read = values.identifier(text)
    except Bad:
        return
    assert read in (text, text.removeprefix("'"), text[2:-1])


@pytest.mark.parametrize(
    "text", ["7", "0007", "００７", "1-2", "A.1", "1E", "E12", "12345678901234567890"]
)
def test_no_identifier_is_read_as_a_number(text: str) -> None:
    assert values.identifier(text) == text


@pytest.mark.parametrize("text", ["1.0E+13", "6.90123E+12", "1e5", "１．０Ｅ＋１３", "#REF!"])
def test_an_identifier_that_lost_digits_is_refused(text: str) -> None:
    with pytest.raises(Bad):
        values.identifier(text)


@given(st.integers(0, 10**9))
def test_only_a_stated_number_is_a_quantity(quantity: int) -> None:
    state = "in_stock" if quantity else "out"
    for form in ("{}", "{:,}", "{}件", " {} 个", "{}.0"):
        assert values.stock(form.format(quantity)) == (state, quantity)
    for form in ("{}+", "≥{}", ">{}", "{}以上", "{}件以上", "大于{}"):
        assert values.stock(form.format(quantity))[1] is None


def test_words_for_money_and_groups_of_digits_are_read() -> None:
    texts = ["￥ 1 280.50", "人民币1280.5元整", "1280.50 CNY", "CNY ¥1,280.5", "１ ２８０.５元"]
    assert {prices.price(text).amount for text in texts} == {Decimal("1280.5")}


def test_what_is_not_short_is_there() -> None:
    assert values.stock("不缺货") == ("in_stock", None)
    assert {values.stock(text) for text in ("缺货", "待补货", "×", "断码")} == {("out", None)}
    assert values.stock("√") == ("in_stock", None)


@pytest.mark.parametrize(
    "text", ["-1", "-1.0", "有货", "99+", "库存充足", "现货", "in stock", "无货", "售罄"]
)
def test_a_word_for_stock_is_no_number(text: str) -> None:
    assert values.stock(text)[1] is None


@given(st.dates(date(2000, 1, 1), date(2099, 12, 30)))
def test_a_date_is_the_first_moment_of_the_day_in_shanghai(day: date) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    serial = (day - date(1899, 12, 30)).days
    for text in (
        *(day.isoformat(), f"{day:%Y/%m/%d}", f"{day:%Y%m%d}", str(serial)),
        f"{day.year}年{day.month}月{day.day}日起",
    ):
        assert values.moment(text, TODAY) == start
        assert values.moment(text, TODAY, end=True) == start + timedelta(days=1)


def test_a_date_without_year_is_the_nearest() -> None:
    assert values.moment("1月5日", TODAY).date() == date(2027, 1, 5)
    assert values.moment("12月1日起", TODAY).astimezone(UTC) == datetime(
        2026, 11, 30, 16, tzinfo=UTC
    )
    assert values.moment("10月30日", TODAY).date() == date(2026, 10, 30)


@given(st.integers(0, 999999), st.integers(1, 99), st.integers(0, 9999))
def test_freight_conserves_every_fen(first: int, size: int, further: int) -> None:
    one, more = Decimal(first) / 100, Decimal(further) / 100
    read = json.loads(freight(f"首{size}kg{one}元，续1kg{more}元"))
    assert (read["first_g"], read["next_g"]) == (size * 1000, 1000)
    assert (Decimal(read["first"]), Decimal(read["next"])) == (one, more)
    assert all(not isinstance(value, float) for value in read.values())


def test_missing_freight_is_never_free() -> None:
    assert json.loads(freight("满99包邮")) == {"kind": "amount", "fee": None, "free_from": "99.00"}


@pytest.mark.parametrize(
    ("text", "prefixes"),
    [
        ("新疆、西藏", ["54", "65"]),
        ("内蒙古自治区 港澳台", None),
        ("650000,540102", ["540102", "65"]),
    ],
)
def test_regions(text: str, prefixes: list[str] | None) -> None:
    if prefixes is None:
        with pytest.raises(Bad, match="港澳台"):
            words.regions(text)
    else:
        assert json.loads(words.regions(text)) == prefixes


@given(st.text())
def test_plain_text_stays_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize("text", ["100以内", "不到100", "近100件", "100以下", "10-20"])
def test_a_bound_is_no_quantity(text: str) -> None:
    with pytest.raises(Bad):
        values.stock(text)


def test_zero_is_stated_and_empty_is_unknown() -> None:
    assert values.stock("0") == ("out", 0)
    read = cells.read(pl.Series("text", ["0", None], dtype=pl.String), READINGS["stock"])
    assert read.rows() == [("out", 0, None), (None, None, None)]


def test_an_attribute_says_what_goods_are_and_never_how_many_or_for_how_much() -> None:
    parts = [f"attributes/{name}" for name in ("颜色", "数量", "价格", "供应商", "型号")]
    found = columns.guess(["sku", "title", "price", "attributes", *parts], {})
    assert found.labels == {
        "sku": "sku", "title": "title", "mpn": "attributes/型号", "price": "price",
        "attributes": "attributes",
    }  # fmt: skip
    assert found.ignored == []
    told = columns.guess(["sku", "title", "price", "attributes", *parts], {"stock": parts[1]})
    assert told.labels["stock"] == "attributes/数量"
