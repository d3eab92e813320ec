"""Messages of 1688: signed, in both spellings of `data`, and only hints."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from connectors.ali1688 import following, messages, sign
from connectors.errors import Refused, Unreadable
from connectors.model import Watched

SECRET = "geheim"


def envelope(kind: str, data: Any, **more: Any) -> dict[str, Any]:
    told = {"msgId": 2415078050, "gmtBorn": 1527680058000, "data": data, "userInfo": "b2b-1"}
    return {**told, "type": kind, "extraInfo": None, **more}


def push(message: dict[str, Any], secret: str = SECRET) -> bytes:
    text = json.dumps(message, ensure_ascii=False)
    form = {"message": text}
    return urlencode({**form, sign.SIGNATURE: sign.signature("", form, secret)}).encode()


ORDER = {"orderId": 167539019420540001, "currentStatus": "waitsellersend"}
TRACE = {
    "logisticsId": "L1",
    "mailNo": "1",
    "orderLogsItems": [{"orderId": 5, "orderEntryId": 6}, {"orderId": 5, "orderEntryId": 7}],
}
INVENTORY = [{"offerId": 11, "skuId": 1, "quantity": 3}, {"offerId": 12, "skuId": 2}]


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("kind", "data", "topic", "external_ids", "refs"),
    [
        ("ORDER_BUYER_VIEW_ORDER_PAY", ORDER, "order", (), ("167539019420540001",)),
        (
            "ORDER_BUYER_VIEW_ORDER_COMFIRM_RECEIVEGOODS",
            ORDER,
            "order",
            (),
            (str(ORDER["orderId"]),),
        ),
        (
            "ORDER_BUYER_VIEW_ORDER_BUYER_REFUND_IN_SALES",
            ORDER,
            "claim",
            (),
            (str(ORDER["orderId"]),),
        ),
        ("ORDER_BUYER_VIEW_ORDER_REFUND_AFTER_SALES", ORDER, "claim", (), (str(ORDER["orderId"]),)),
        ("LOGISTICS_BUYER_VIEW_TRACE", {"OrderLogisticsTracingModel": TRACE}, "parcel", (), ("5",)),
        ("LOGISTICS_MAIL_NO_CHANGE", {"MailNoChangeModel": TRACE}, "parcel", (), ("5",)),
        ("PRODUCT_RELATION_VIEW_PRODUCT_EXPIRE", {"productIds": "1,2"}, "item", ("1", "2"), ()),
        ("PRODUCT_PFT_SHELF", {"productIds": "3"}, "item", ("3",), ()),
        (
            "PRODUCT_PRODUCT_INVENTORY_CHANGE",
            {"OfferInventoryChangeList": INVENTORY},
            "stock",
            ("11", "12"),
            (),
        ),
        ("FENXIAO_PRICE_CHANGE", {"productIds": "9"}, "price", ("9",), ()),
        ("CAIGOU_MSG", {"quotationId": 1}, "other", (), ()),
    ],
)
def test_a_push_is_a_hint(
    kind: str,
    data: Any,
    topic: str,
    external_ids: tuple[str, ...],
    refs: tuple[str, ...],
    as_text: bool,  # noqa: FBT001
) -> None:
    body = push(envelope(kind, json.dumps(data) if as_text else data))
    (message,) = messages.heard(body, SECRET)
    assert (message.id, message.topic) == ("2415078050", topic)
    assert (message.external_ids, message.refs) == (external_ids, refs)
    assert message.at is not None
    assert message.at.isoformat() == "2018-05-30T11:34:18+00:00"


def test_a_push_without_our_secret_is_refused() -> None:
    message = envelope("ORDER_BUYER_VIEW_ORDER_PAY", ORDER)
    for body in (push(message, "another"), b"", b"message=%7B%7D", b"\xff\xfe"):
        with pytest.raises(Refused):
            messages.heard(body, SECRET)


def test_a_signed_push_of_no_form_we_know_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        messages.heard(push({"type": "x"}), SECRET)


def test_a_page_of_missed_messages() -> None:
    told = [envelope("ORDER_BATCH_PAY", {"orderIds": [1, 2]}), envelope("x", "not json", msgId=7)]
    found = messages.fetched({"pushMessagePage": {"datas": told, "totalCount": 2}})
    assert [one.refs for one in found] == [("1", "2"), ()]
    assert messages.fetched({"pushMessageList": told}) == found
    assert messages.fetched({"pushMessagePage": {"totalCount": 0}}) == []


def test_a_watch_list_becomes_legs_each_offer_once() -> None:
    watched = [
        Watched("id", "554456348334"),
        Watched("link", "https://detail.1688.com/offer/554456348334.html?spm=1"),
        Watched("link", "https://m.1688.com/page?offerId=620201390233&x=1"),
        Watched("id", "620201390234:aa"),
        Watched("link", "https://example.com/"),
        Watched("query", "茶", 2),
        Watched("query", "茶", 3),
    ]
    legs, rejects = following.legs(watched)
    assert legs[0].offers == ("554456348334", "620201390233", "620201390234")
    assert [(leg.query, leg.number) for leg in legs[1:]] == [("茶", 1), ("茶", 2), ("茶", 3)]
    assert [(one.line, one.column) for one in rejects] == [(5, "link")]
    assert following.mark(legs) != following.mark(legs[:2])
    many = [Watched("id", str(10**10 + n)) for n in range(45)]
    assert [len(leg.offers) for leg in following.legs(many)[0]] == [20, 20, 5]
