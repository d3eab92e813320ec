"""TOP envelopes and values: every form that the gateway is known to send."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors import jsontext
from connectors.errors import Unreadable
from connectors.top import envelope, values
from connectors.top.envelope import body, records, refusal, root, scalars
from connectors.top.values import Bad

ONSALE = "taobao.items.onsale.get"


def test_a_root_is_named_after_the_api() -> None:
    assert root(ONSALE) == "items_onsale_get_response"
    assert root("tmall.item.price.update") == "tmall_item_price_update_response"


def test_a_success_is_read_with_its_root_and_without() -> None:
    assert body({"items_onsale_get_response": {"total_results": 0}}, ONSALE) == {"total_results": 0}
    simplified = {"total_results": 0, "request_id": "r"}
    assert body(simplified, ONSALE) == simplified


@pytest.mark.parametrize(
    "reply", [{}, {"trades_sold_get_response": {}}, {"items_onsale_get_response": "x"}]
)
def test_an_answer_to_another_question_is_unreadable(reply: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        body(reply, ONSALE)


@pytest.mark.parametrize(
    "wrapped",
    [
        {"items": {"item": [{"id": 1}, {"id": 2}]}},
        {"items": {"renamed_type_d_o": [{"id": 1}, {"id": 2}]}},
        {"items": [{"id": 1}, {"id": 2}]},
    ],
)
def test_a_list_is_read_under_any_inner_key_and_plain(wrapped: dict[str, object]) -> None:
    assert [one["id"] for one in records(wrapped, "items")] == [1, 2]


@pytest.mark.parametrize("empty", [{}, {"items": {}}, {"items": None}, {"items": {"item": []}}])
def test_an_empty_list_may_be_absent_or_an_empty_object(empty: dict[str, object]) -> None:
    assert records(empty, "items") == []
    assert scalars(empty, "items") == []


def test_a_list_of_one_may_come_as_the_object() -> None:
    assert records({"items": {"item": {"id": 1, "title": "a"}}}, "items") == [
        {"id": 1, "title": "a"}
    ]
    assert records({"items": {"id": 1, "title": "a"}}, "items") == [{"id": 1, "title": "a"}]


def test_a_list_of_numbers_is_read_under_any_inner_key() -> None:
    assert scalars({"ids": {"number": [1, 2]}}, "ids") == ["1", "2"]
    assert scalars({"ids": {"string": "a"}}, "ids") == ["a"]
    assert scalars({"ids": [3]}, "ids") == ["3"]


def test_text_where_a_list_was_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        records({"items": "none"}, "items")


def test_an_error_is_read_with_int_and_text_codes_and_without_sub_code() -> None:
    told = refusal({"error_response": {"code": 22, "msg": "Invalid method"}})
    assert told == envelope.Told("22", "Invalid method", "", "")
    told = refusal({"error_response": {"code": "15", "msg": "m", "sub_code": "isp.x"}})
    assert told is not None
    assert (told.code, told.sub_code) == ("15", "isp.x")
    assert refusal({"items_onsale_get_response": {}}) is None


def test_an_id_above_2_to_the_53_keeps_its_digits() -> None:
    read = jsontext.parse(b'{"tid":9007199254740993,"oid":"9007199254740995"}')
    assert values.text(read, "tid") == "9007199254740993"
    assert values.whole(read, "oid") == 9007199254740995


def test_numbers_and_text_drift() -> None:
    assert values.whole({"n": "5"}, "n") == values.whole({"n": 5}, "n") == 5
    assert values.yuan({"p": "5.10"}, "p") == Decimal("5.10")
    assert values.yuan(jsontext.parse('{"p": 5.1}'), "p") == Decimal("5.1")
    assert values.fen({"p": "1999"}, "p") == Decimal("19.99")
    assert values.flag({"f": "true"}, "f") is values.flag({"f": 1}, "f") is True


def test_unknown_is_not_zero() -> None:
    for absent in ({}, {"n": None}, {"n": ""}):
        assert values.quantity(absent, "n") is None
        assert values.yuan(absent, "n") is None
    assert values.quantity({"n": -1}, "n") is None
    assert values.quantity({"n": 0}, "n") == 0


@pytest.mark.parametrize(
    "read",
    [
        lambda: values.whole({"n": "1.0E+13"}, "n"),
        lambda: values.yuan({"n": "包邮"}, "n"),
        lambda: values.yuan({"n": "-1.00"}, "n"),
        lambda: values.text({"n": ["a"]}, "n"),
        lambda: values.moment({"n": "yesterday"}, "n"),
        lambda: values.flag({"n": "maybe"}, "n"),
    ],
)
def test_a_value_in_another_form_is_refused(read: object) -> None:
    assert callable(read)
    with pytest.raises(Bad):
        read()


def test_moments_are_the_platforms_zone_whatever_ours_is() -> None:
    at = datetime(2026, 1, 1, 20, 30, tzinfo=UTC)
    assert values.stamp(at) == "2026-01-02 04:30:00"
    assert values.moment({"t": "2026-01-02 04:30:00"}, "t") == at


def test_a_picture_without_scheme_becomes_https() -> None:
    assert values.picture("//img.example/a.jpg") == "https://img.example/a.jpg"
    assert values.picture("http://img.example/a.jpg") == "http://img.example/a.jpg"
