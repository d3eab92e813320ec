"""Following, reading, messages, tokens and limits of 1688 against the sandbox."""

import json
import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from connectors.ali1688.source import Ali1688
from connectors.errors import NotAuthorised, Refused, SupplierError, TryLater, Unreadable
from connectors.model import Follows, Hears, Lists, Notifies, Prices, Reads, Stocks, Watched
from connectors.registry import read_settings
from connectors.tokens import Tokens
from connectors.trading import SourceClaim
from kit.crypto import Keyring, new_key
from kit.db import Database
from kit.settings import SettingsError
from tests.ali_stage import (
    ENVIRONMENT,
    KEYS,
    NAME,
    SHIP_TO,
    an_offer,
    close_all,
    count,
    offers,
    opened,
    order,
)
from tests.stage import Stage

PRODUCT = "*productInfo*"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield
    close_all()


@pytest.fixture
def source(stage: Stage) -> Ali1688:
    return opened(stage)


def ids(stage: Stage, limit: int) -> list[Watched]:
    return [Watched("id", str(one["offer"])) for one in offers(stage, limit)]


def rows(source: Ali1688, watched: list[Watched], after: Any = None) -> dict[str, Any]:
    found = {}
    for page in source.follow(watched, after=after).pages:
        assert page.rejects == []
        for row in page.rows.to_dicts():
            found[row["external_id"]] = row
    return found


def test_it_follows_and_never_lists(source: Ali1688) -> None:
    for protocol in (Follows, Reads, Prices, Stocks, Notifies, Hears):
        assert isinstance(source, protocol)
    assert not isinstance(source, Lists)


@pytest.mark.parametrize("api", ["fenxiao", "cross", "crossborder"])
def test_what_is_followed_is_read_as_it_is(stage: Stage, api: str) -> None:
    source = opened(stage, product_api=api)
    found = rows(source, ids(stage, 30))
    told = {sku["external_id"]: (offer, sku) for offer in offers(stage) for sku in offer["skus"]}
    assert found.keys() == told.keys()
    for name, row in found.items():
        offer, sku = told[name]
        assert row["title"] == offer["title"]
        assert row["seller"] == offer["seller"]
        assert row["listing"] == str(offer["offer"])
        assert row["stock_quantity"] == sku["stock"]
        assert row["stock_state"] == ("in_stock" if sku["stock"] else "out")
        assert row["moq"] == offer["moq"]
        if sku["piece_price"] is not None:
            assert row["dropship_price"] == Decimal(sku["piece_price"]) / 100
        elif offer["moq"] > 1:
            assert row["dropship_price"] is None
        assert row["bulk_price"] is not None
        assert (row["freight"] is not None) == (api == "crossborder" and offer["free"])


@pytest.mark.parametrize("relation", ["push", "follow"])
def test_an_offer_is_related_before_it_is_read(stage: Stage, relation: str) -> None:
    source = opened(stage, relation=relation)
    assert len(rows(source, ids(stage, 25))) >= 25
    calls = [one["call"] for one in stage.calls(NAME)]
    first_read = next(at for at, call in enumerate(calls) if "productInfo" in call)
    assert any("Pushed" in call or "follow" in call for call in calls[:first_read])
    related = count(stage, "Pushed") + count(stage, "product.follow")
    rows(source, ids(stage, 25))
    assert count(stage, "Pushed") + count(stage, "product.follow") == related


def test_without_a_relation_an_offer_is_a_reject_and_costs_no_other(stage: Stage) -> None:
    source = opened(stage, relation="none")
    (page,) = source.follow(ids(stage, 2)).pages
    assert len(page.rows) == 0
    assert [one.file for one in page.rejects] == [
        f"offer {one['offer']}" for one in offers(stage, 2)
    ]
    assert page.gone == ()


def test_absence_means_nothing_and_denial_is_gone(stage: Stage, source: Ali1688) -> None:
    offer = offers(stage, 1)[0]
    assert source.follow(ids(stage, 1)).complete is False
    name = offer["skus"][0]["external_id"]
    stage.act(NAME, "offer", offer=offer["offer"], status="expired")
    assert source.read([name]).rows["state"].to_list()[0] == "off"
    stage.act(NAME, "offer", offer=offer["offer"], status="gone")
    assert source.read([name]).gone == (name,)
    assert source.read([f"{offers(stage, 2)[1]['offer']}:nospec"]).gone != ()


def test_searches_are_read_as_far_as_their_budget_goes(stage: Stage) -> None:
    source = opened(stage, query_page_size=10)
    found = rows(source, [Watched("query", "白毫", 1)])
    assert count(stage, "keywordQuery") == 1
    assert 0 < len({row["listing"] for row in found.values()}) <= 10
    everything = rows(source, [Watched("query", json.dumps({"keyword": "白毫"}), 50)])
    calls = count(stage, "keywordQuery")
    assert calls < 30
    assert all("白毫" in row["title"] for row in everything.values())
    assert rows(source, [Watched("query", "没有这种货", 5)]) == {}
    assert count(stage, "keywordQuery") == calls + 1


def test_what_the_settings_follow_is_followed_too(stage: Stage) -> None:
    offer = offers(stage, 1)[0]["offer"]
    link = f"https://detail.1688.com/offer/{offer}.html"
    source = opened(stage, items=[link], queries=["白毫"], query_pages=1)
    assert str(offer) in {row["listing"] for row in rows(source, source.named).values()}


def test_a_reading_that_broke_off_goes_on_behind_its_last_page(
    stage: Stage, source: Ali1688
) -> None:
    watched = [*ids(stage, 50), Watched("query", "白毫", 2)]
    whole = rows(opened(stage), watched)
    pages = source.follow(watched).pages
    kept = [next(pages), next(pages)]
    stage.fault(NAME, "status", PRODUCT, times=0)
    with pytest.raises(TryLater):
        next(pages)
    stage.calm()
    cursor = kept[-1].cursor
    assert cursor == json.loads(json.dumps(cursor))
    rest = rows(opened(stage), watched, cursor)
    before = {name for page in kept for name in page.rows["external_id"].to_list()}
    assert before | rest.keys() == whole.keys()
    assert len(rest) < len(whole)


def test_prices_and_stock_move(stage: Stage, source: Ali1688) -> None:
    offer = an_offer(stage, skus=2)
    names = [sku["external_id"] for sku in offer["skus"]]
    source.read(names)
    stage.post("goods", platform=NAME, key=offer["skus"][0]["key"], price=12345, stock=7)
    stocks = {one.external_id: one for one in source.stock(names)}
    assert stocks.keys() == set(names)
    assert (stocks[names[0]].state, stocks[names[0]].quantity) == ("in_stock", 7)
    prices = {one.external_id: one for one in source.prices(names)}
    fresh = next(one for one in offers(stage, 60) if one["offer"] == offer["offer"])
    for sku in fresh["skus"]:
        if sku["external_id"] in prices:
            assert prices[sku["external_id"]].bulk == Decimal(sku["price"]) / 100


def test_links_that_lead_nowhere_are_rejects(stage: Stage, source: Ali1688) -> None:
    pages = list(source.follow([Watched("link", "https://example.com/"), *ids(stage, 1)]).pages)
    assert [one.column for one in pages[0].rejects] == ["link"]
    assert len(pages[1].rows) > 0


def test_missed_messages_wait_until_they_are_acknowledged(stage: Stage, source: Ali1688) -> None:
    source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    source.confirm("HP-1")
    ref = stage.orders(NAME)[0]["ref"]
    stage.act(NAME, "ship", order=ref)
    stage.act(NAME, "change_waybill", order=ref)
    told = source.changes()
    assert [one.topic for one in told] == ["order", "order", "order", "parcel"]
    assert all(one.refs == (ref,) for one in told)
    assert source.changes() == told
    source.ack(told[:3])
    source.ack(told[:3])
    assert [one.id for one in source.changes()] == [told[3].id]
    source.ack(told)
    assert source.changes() == []
    source.ack([])


def test_stock_messages_name_offers(stage: Stage, source: Ali1688) -> None:
    offer = an_offer(stage)
    stage.act(NAME, "restock", offer=offer["offer"], key=offer["skus"][0]["key"], stock=3)
    (message,) = source.changes()
    assert (message.topic, message.external_ids) == ("stock", (str(offer["offer"]),))
    page = source.read(message.external_ids)
    levels = dict(zip(page.rows["external_id"], page.rows["stock_quantity"], strict=True))
    assert levels[offer["skus"][0]["external_id"]] == 3


class _Hook(socketserver.ThreadingTCPServer):
    """Somebody's hook: it keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.came = threading.Semaphore(0)
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()
                hook.came.release()

            def log_message(self, format: str, *args: Any) -> None:
                """Tests are quiet."""

        super().__init__(("127.0.0.1", 0), Handler)


def test_pushes_come_signed_twice_and_out_of_order(stage: Stage, source: Ali1688) -> None:
    with _Hook() as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{hook.server_address[1]}/hooks/ali"
        stage.act(NAME, "hook", url=url, unruly=True)
        stage.act(NAME, "message", type="FENXIAO_PRICE_CHANGE", data={"productIds": "1"})
        stage.act(NAME, "message", type="FENXIAO_PRICE_CHANGE", data={"productIds": "2"})
        for _ in range(4):
            assert hook.came.acquire(timeout=10)
        hook.shutdown()
    heard = [source.heard({}, body)[0] for body in hook.bodies]
    assert sorted(one.external_ids[0] for one in heard) == ["1", "1", "2", "2"]
    assert len({one.id for one in heard}) == 2
    for body in hook.bodies:
        with pytest.raises(Refused):
            source.heard({}, body.replace(b"FENXIAO", b"XIAOFEN"))


def test_an_expired_token_is_renewed_once_and_the_call_goes_on(
    stage: Stage, source: Ali1688
) -> None:
    stage.fault(NAME, "expired_token", "*buyerView*")
    assert source.find("HP-1") is None
    stage.post("clock", ahead=11 * 3600)
    assert source.find("HP-1") is None
    assert stage.act(NAME, "tokens")["refreshed"] == 1


def test_two_workers_with_one_expired_token_make_one_refresh(
    stage: Stage, database: Database
) -> None:
    keyring = Keyring.from_text(new_key(), [])
    workers = [opened(stage, Tokens(database, keyring), access_token=None) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda one: one.find("HP-1"), workers)) == [None] * 4
    assert stage.act(NAME, "tokens")["refreshed"] == 1
    expires, for_good, _ = Tokens(database, keyring).expiry("ali")
    assert expires is not None
    assert for_good is not None


def test_a_token_that_cannot_be_renewed_pauses_the_account(stage: Stage) -> None:
    source = opened(stage, refresh_token=None)
    stage.post("clock", ahead=11 * 3600)
    with pytest.raises(NotAuthorised) as caught:
        source.find("HP-1")
    assert "authorise" in str(caught.value)


def test_an_account_may_be_authorised_after_it_was_recorded(stage: Stage) -> None:
    source = opened(stage, access_token=None, refresh_token=None)
    with pytest.raises(NotAuthorised):
        source.find("HP-1")
    assert source.gateway.exchanged("code-0", "https://example.com/back").access
    assert source.changes() == []


def test_an_authorisation_code_is_exchanged(stage: Stage, source: Ali1688) -> None:
    page = source.gateway.page("https://example.com/back", "state-1")
    assert page.startswith("https://auth.1688.com/oauth/authorize?client_id=1234567&site=1688&")
    token = source.gateway.exchanged("code-0", "https://example.com/back")
    assert (token.access, token.facts["memberId"]) == ("ali-token-1", "b2b-10086")
    assert token.expires_at is not None
    assert token.refresh_expires_at is not None
    with pytest.raises(SupplierError):
        source.gateway.exchanged("used", "https://example.com/back")


def test_a_wrong_secret_is_told_apart(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALI_SECRET", "another")
    with pytest.raises(NotAuthorised) as caught:
        opened(stage).find("HP-1")
    assert caught.value.code == "gw.SignatureInvalid"
    assert "another" not in str(caught.value)


def test_after_a_qos_limit_nothing_leaves(stage: Stage, source: Ali1688) -> None:
    stage.fault(NAME, "throttle")
    with pytest.raises(TryLater) as caught:
        source.find("HP-1")
    assert caught.value.wait == 10
    before = len(stage.calls(NAME))
    for call in (lambda: source.find("HP-1"), source.changes, lambda: source.stock(["1"])):
        with pytest.raises(TryLater):
            call()
    assert len(stage.calls(NAME)) == before


READS = {
    "read": lambda source: source.read(["554456348334"]),
    "stock": lambda source: source.stock(["554456348334"]),
    "prices": lambda source: source.prices(["554456348334"]),
    "changes": lambda source: source.changes(),
    "find": lambda source: source.find("HP-1"),
    "ack": lambda source: source.ack(source.changes()),
}


@pytest.mark.parametrize("mode", ["html", "empty", "status", "drop", "lost", "bom", "control"])
@pytest.mark.parametrize("method", READS)
def test_a_read_outlives_one_fault(stage: Stage, source: Ali1688, method: str, mode: str) -> None:
    stage.act(NAME, "message", type="ORDER_BATCH_PAY", data={"orderIds": [1]})
    calm = READS[method](opened(stage))
    if method == "ack":
        stage.act(NAME, "message", type="ORDER_BATCH_PAY", data={"orderIds": [1]})
    stage.fault(NAME, mode)
    stormy = READS[method](source)
    if method == "read":
        assert stormy.rows.equals(calm.rows)
    else:
        assert stormy == calm


@pytest.mark.parametrize("mode", ["html", "empty", "status", "drop"])
def test_a_read_that_never_comes_is_for_later(stage: Stage, source: Ali1688, mode: str) -> None:
    stage.fault(NAME, mode, times=0)
    with pytest.raises((TryLater, Unreadable)):
        source.find("HP-1")


def test_refunds_go_their_way(stage: Stage, source: Ali1688) -> None:
    name = an_offer(stage, free=False)["skus"][0]["external_id"]
    source.place(order("HP-1", (name, 4)))
    ref = stage.orders(NAME)[0]["ref"]
    assert source.options(ref, name).kinds == ()
    source.confirm("HP-1")
    options = source.options(ref, name)
    assert (options.kinds, options.quantity) == (("refund",), 4)
    assert "不想买了" in options.message
    wanted = SourceClaim("C-1", ref, name, 4, "refund", "买家不想买了", SHIP_TO)
    with pytest.raises(Refused):
        source.claim(SourceClaim("C-0", ref, name, 1, "refund", "x", SHIP_TO))
    with pytest.raises(Refused):
        source.claim(SourceClaim("C-0", ref, name, 4, "return", "x", SHIP_TO))
    claim = source.claim(wanted)
    assert source.claim(wanted) == claim
    (truth,) = stage.act(NAME, "refunds")
    assert truth["payment"] + truth["carriage"] == stage.orders(NAME)[0]["total"]
    assert source.claim_state(claim).state == "open"
    assert source.options(ref, name).kinds == ()
    stage.act(NAME, "refund", refund=claim, status="refundsuccess")
    state = source.claim_state(claim)
    assert state.state == "refunded"
    assert state.refunded == Decimal(stage.orders(NAME)[0]["total"]) / 100
    with pytest.raises(SupplierError):
        source.claim_state("TQ404")


def test_goods_that_arrived_go_back_in_part(stage: Stage, source: Ali1688) -> None:
    name = an_offer(stage)["skus"][0]["external_id"]
    source.place(order("HP-1", (name, 4)))
    source.confirm("HP-1")
    ref = stage.orders(NAME)[0]["ref"]
    stage.act(NAME, "ship", order=ref)
    stage.act(NAME, "status", order=ref, status="signinsuccess")
    assert source.options(ref, name).kinds == ("refund", "return")
    claim = source.claim(SourceClaim("C-1", ref, name, 1, "return", "不想买了", SHIP_TO))
    for status, state in (("waitbuyermodify", "refused"), ("waitbuyersend", "approved")):
        stage.act(NAME, "refund", refund=claim, status=status)
        assert source.claim_state(claim).state == state
    assert "金华" in source.claim_state(claim).return_to
    source.sent_back(claim, "YTO", "YT123")
    assert source.claim_state(claim).state == "returning"
    assert stage.act(NAME, "refunds")[0]["waybill"] == "YT123"
    stage.act(NAME, "refund", refund=claim, status="refundclose")
    assert source.claim_state(claim).state == "cancelled"


def test_a_refund_whose_reply_was_lost_is_found(stage: Stage, source: Ali1688) -> None:
    name = an_offer(stage)["skus"][0]["external_id"]
    source.place(order("HP-1", (name, 4)))
    source.confirm("HP-1")
    ref = stage.orders(NAME)[0]["ref"]
    stage.fault(NAME, "lost", "*createRefund")
    claim = source.claim(SourceClaim("C-1", ref, name, 4, "refund", "不想买了", SHIP_TO))
    assert [one["id"] for one in stage.act(NAME, "refunds")] == [claim]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"product_api": "taobao"}, "sources.ali.product_api"),
        ({"flow": "best"}, "sources.ali.flow"),
        ({"message_batch": 10}, "sources.ali.message_batch"),
        ({"app_key": "env:NOT_THERE"}, "NOT_THERE"),
    ],
)
def test_a_wrong_setting_names_itself(config: dict[str, Any], says: str) -> None:
    whole = {key: value for key, value in {**KEYS, **config}.items() if value is not None}
    with pytest.raises(SettingsError) as caught:
        read_settings("ali", whole)
    assert says in str(caught.value)
