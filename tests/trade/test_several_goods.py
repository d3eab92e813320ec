"""Several goods with their numbers in one cell: read where certain, else asked or refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trade.market import Market
from tests.trade.order_sheets import HEADER, NANSHAN, confirmed, picked, row, seen, sent, xlsx
from trade.order_sheets import several

PERSON = ["张三", "13800138000", NANSHAN]
NAMES = st.text("红绿茶杯ABC019 -.", min_size=1, max_size=8).map(lambda x: f"茶{x.strip()}器")
COUNTED = st.tuples(
    NAMES, st.sampled_from(["x", " x", "*", "×", " * ", "X "]), st.integers(1, 9999)
)


@given(st.lists(COUNTED, min_size=2, max_size=5), st.sampled_from("，,；;、+＋\n"), st.data())
def test_pieces_are_read_as_they_were_written_and_never_without_a_number(
    wanted: list[tuple[str, str, int]], between: str, data: Any
) -> None:
    said = [f"{name}{sign}{many}" for name, sign, many in wanted]
    read = several.split(between.join(said))
    told = [(" ".join(name.split()), many) for name, _, many in wanted]
    assert [(one.name, one.quantity) for one in read] == told
    assert several.split(said[0]) == ()
    bare = data.draw(st.integers(0, len(said) - 1))
    said[bare] = wanted[bare][0]
    assert several.split(between.join(said)) == ()


def test_a_number_behind_a_measure_is_known_to_be_one() -> None:
    names = [
        "500ml",
        "茶 2斤",
        "10包",
        "6*12",
        "纸10包装",
        "5装",
        "1.5L",
        "茶",
        "A001",
        "B-2",
        "2024春茶",
    ]
    measured = [several.Piece(name, 2, "").measured for name in names]
    assert measured == [True] * 7 + [False] * 4


@pytest.mark.parametrize(
    "cell",
    [
        *("2斤", "500ml*2", "6x330ml", "茶", "茶 x2", "A*1,000", "红茶+绿茶组合*1", "茶2盒+杯1盒"),
        *("MAX2;BOX1", "6x330ml+2x500ml", "茶*0+杯*1", "茶*1.5+杯*1", "茶*2斤+杯*1", "*2+*3", ""),
    ],
)
def test_what_may_be_a_specification_is_not_taken_apart(cell: str) -> None:
    assert several.split(cell) == ()


def test_several_goods_of_a_cell_are_lines_of_one_order(market: Market) -> None:
    party = market.party(money=100_000)
    for code in ("A001", "B002", "红茶"):
        picked(market, party, code)
    cells = [("A001*2，B002*1", ""), ("红茶×2+B002 x3份", 1), ("A001*1\nB002*1", "")]
    lines = [row(f"T{n}", cell, many) for n, (cell, many) in enumerate(cells)]
    told = seen(market, party, name := sent(market, party, xlsx(*lines)))
    assert (told["orders"], told["rejected"], told["needs_mapping"]) == (3, [], [])
    assert told["possible_duplicates"] == []
    assert confirmed(market, party, name)["placed"] == 3
    bare = [[*PERSON, "A001*2;B002*5"], [*PERSON[:1], "13800138009", NANSHAN, "A001"]]
    told = seen(market, party, sent(market, party, xlsx(*bare, header=HEADER[1:5])))
    assert (told["orders"], [one["row"] for one in told["rejected"]]) == (1, [3])


def test_what_is_not_certain_of_a_cell_is_asked_or_refused(market: Market) -> None:
    party = market.party(money=100_000)
    for code in ("茶", "杯", "茶*2+杯*1", "茶 500ml*2", "茶 500ml", "茶 250ml"):
        picked(market, party, code)
    cells = [
        ("茶*2+杯*1", 3),  # one of the leader's goods, three times
        ("茶*2+杯*1", ""),  # the same, of which nobody says how many
        ("茶*2+杯*2", 2),  # four units, or two sets
        ("茶 500ml*2+杯*1", ""),  # one of two, or two of one
        ("水 500ml*2+杯*1", ""),
        ("茶 250ml*12+杯*1", 1),  # twelve, or one case
        ("茶*2+壶*1", ""),  # 壶 is asked
    ]
    lines = [row(f"T{n}", cell, many) for n, (cell, many) in enumerate(cells)]
    told = seen(market, party, sent(market, party, xlsx(*lines)))
    assert [one["code"] for one in told["needs_mapping"]] == ["茶*2+杯*2", "茶 250ml*12+杯*1", "壶"]
    assert [one["row"] for one in told["rejected"]] == [3, 5, 6]
    assert {one["column"] for one in told["rejected"]} == {"数量"}
    assert (told["orders"], told["total"]) == (4, "30.00")
