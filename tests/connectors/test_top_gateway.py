"""The gateway over real HTTP: sessions, clocks, bans, broken replies, files, secrets."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from email import message_from_bytes
from threading import Thread
from typing import Any

import pytest

from connectors.budgets import Budgets
from connectors.calls import Call
from connectors.errors import NotAuthorised, OutcomeUnknown, Refused, SupplierError, TryLater
from connectors.model import Authorises, OrderLine, PurchaseOrder, ShipTo, Watched
from connectors.tokens import Token, Tokens
from connectors.top import multipart
from connectors.top.multipart import Upload
from connectors.top.sessions import levels
from kit.crypto import Keyring
from kit.db import Database
from kit.redis import connect
from sandbox.top.alliance import ADZONE
from sandbox.top.platform import SECRET, SESSION
from sandbox.top.shop import ITEM_ID
from sandbox.top.supply import PID
from tests.top_stage import Stage

SHELF = "taobao.items.onsale.get"
TO = ShipTo("张三", "13800001234", "330106", "文三路 1 号")


@pytest.fixture
def stage(top: Stage) -> Stage:
    return top


def _pages(listing: Any) -> int:
    return sum(len(page.rows) for page in listing.pages)


def _order(external_id: str) -> PurchaseOrder:
    return PurchaseOrder("P-1", (OrderLine(external_id, 1, Decimal(10_000)),), TO)


def _tbk(stage: Stage) -> Any:
    return stage.source("taobao_tbk", adzone_id=ADZONE)


READS: dict[str, Callable[[Stage], Callable[[], Any]]] = {
    "shop items": lambda stage: lambda: _pages(stage.source("taobao_shop").items()),
    "shop read": lambda stage: lambda: stage.source("taobao_shop").read([str(ITEM_ID)]),
    "shop prices": lambda stage: lambda: stage.source("taobao_shop").prices([str(ITEM_ID)]),
    "shop stock": lambda stage: lambda: stage.source("taobao_shop").stock([str(ITEM_ID)]),
    "shop changes": lambda stage: lambda: stage.source("taobao_shop").changes(),
    "tbk follow": lambda stage: lambda: _pages(_tbk(stage).follow([Watched("query", " ")])),
    "tbk read": lambda stage: lambda: _tbk(stage).read([str(ITEM_ID)]),
    "tbk prices": lambda stage: lambda: _tbk(stage).prices([str(ITEM_ID)]),
    "tbk link": lambda stage: lambda: _tbk(stage).link(str(ITEM_ID), "L1"),
    "tbk commissions": lambda stage: lambda: _tbk(stage).commissions(),
    "fenxiao items": lambda stage: lambda: _pages(stage.source("taobao_fenxiao").items()),
    "fenxiao read": lambda stage: lambda: stage.source("taobao_fenxiao").read([str(PID)]),
    "fenxiao prices": lambda stage: lambda: stage.source("taobao_fenxiao").prices([str(PID)]),
    "fenxiao stock": lambda stage: lambda: stage.source("taobao_fenxiao").stock([str(PID)]),
    "fenxiao changes": lambda stage: lambda: stage.source("taobao_fenxiao").changes(),
}
WRITES: dict[str, Callable[[Stage], Callable[[], Any]]] = {
    "shop ship": lambda stage: (
        lambda: stage.source("taobao_shop").shipping.ship(
            str(stage.top.shop.trades[0].tid), "SF", "SF1"
        )
    ),
    "fenxiao place": lambda stage: (
        lambda: stage.source("taobao_fenxiao").place(_order(next(iter(_dealt(stage)))))
    ),
    "shop stock written": lambda stage: (
        lambda: stage.source("taobao_shop").levels.write(
            {str(ITEM_ID + next(i for i in range(60) if stage.top.shop.is_plain(i))): 5}
        )
    ),
}
CALLS_OF_WRITES = {
    "shop ship": "*.offline.send",
    "fenxiao place": "*.requisitionorder.create",
    "shop stock written": "*.quantity.update",
}


def _dealt(stage: Stage) -> Iterator[str]:
    for index in range(60):
        if index % 4 != 2 and stage.top.shop.is_plain(index):
            yield str(PID + index)


@pytest.mark.parametrize("mode", ["html", "empty", "status", "drop", "isp"])
@pytest.mark.parametrize("method", READS)
def test_a_read_is_repeated_and_then_given_up(stage: Stage, method: str, mode: str) -> None:
    stage.fault(mode)
    READS[method](stage)()
    stage.fault(mode, times=0)
    with pytest.raises(TryLater):
        READS[method](stage)()


@pytest.mark.parametrize("mode", ["bom", "control"])
@pytest.mark.parametrize("method", READS)
def test_a_mark_and_control_characters_are_forgiven(stage: Stage, method: str, mode: str) -> None:
    stage.fault(mode, times=0)
    READS[method](stage)()


@pytest.mark.parametrize("mode", ["lost", "html_after", "empty_after", "isp_after"])
@pytest.mark.parametrize("method", WRITES)
def test_a_write_is_not_repeated_when_unknown(stage: Stage, method: str, mode: str) -> None:
    call = CALLS_OF_WRITES[method]
    stage.fault(mode, call)
    try:
        WRITES[method](stage)()
    except OutcomeUnknown:
        assert method == "fenxiao place"  # the others read again what became of it
    assert len([one for one in stage.calls() if one["call"].endswith(call[2:])]) == 1


@pytest.mark.parametrize("method", [*READS, *WRITES])
def test_a_ban_is_obeyed_to_the_second(stage: Stage, method: str) -> None:
    stage.fault("ban", seconds=30)
    run = (READS | WRITES)[method](stage)
    with pytest.raises(TryLater) as caught:
        run()
    assert 28 <= (caught.value.wait or 0) <= 31
    for _ in range(3):
        with pytest.raises(TryLater):
            (READS | WRITES)[method](stage)()
    assert len(stage.calls()) == 1


def test_a_throttled_call_is_repeated_after_its_second(stage: Stage) -> None:
    stage.fault("throttle")
    with pytest.raises(TryLater):  # time stands still here, so the second does not pass
        stage.source("taobao_shop").stock([str(ITEM_ID)])
    assert len(stage.calls()) == 1
    assert stage.slept[-1] == 1


def test_a_ban_that_one_worker_met_holds_for_all(stage: Stage, redis_url: str) -> None:
    stage.fault("ban", seconds=30)
    stage.budgets = Budgets(connect(redis_url))
    with pytest.raises(TryLater):
        stage.source("taobao_shop").stock([str(ITEM_ID)])
    stage.budgets = Budgets(connect(redis_url))
    with pytest.raises(TryLater):
        stage.source("taobao_shop").stock([str(ITEM_ID)])
    assert len(stage.calls()) == 1


@pytest.mark.parametrize("method", READS)
def test_a_session_that_is_over_is_renewed_once_else_the_seller_is_told(
    stage: Stage, method: str
) -> None:
    if method in ("tbk follow", "tbk read", "tbk prices", "tbk commissions") or (
        method.endswith("changes")
    ):
        assert READS[method](stage)() is not None  # these need none
        return
    stage.act("expire")
    with pytest.raises(NotAuthorised):
        READS[method](stage)()


def test_a_session_is_renewed_where_the_app_may(stage: Stage) -> None:
    shop = stage.source("taobao_shop", refresh_token="env:TOP_REFRESH")
    stage.act("expire")
    assert shop.stock([str(ITEM_ID)])
    assert stage.act("state")["refreshes"] == 1
    token = stage.tokens.get("taobao-shop", shop.gateway.sessions.origin, lambda _: None)
    assert token.facts["nick"] == "沙盘"
    assert levels(token)["w2"] < levels(token)["r1"]
    assert token.expires_at == levels(token)["w2"], "renewed before its shortest level ends"


def test_a_session_that_may_write_no_more_still_reads(stage: Stage) -> None:
    shop = stage.source("taobao_shop")
    over = dict.fromkeys(("w1", "w2"), "2024-01-02T00:00:00+00:00")
    stage.tokens.put("taobao-shop", shop.gateway.sessions.origin, Token(SESSION, facts=over))
    assert shop.stock([str(ITEM_ID)])
    with pytest.raises(NotAuthorised, match="read but write no more"):
        shop.levels.write({str(ITEM_ID): 3})
    assert stage.calls("quantity.update") == []


@pytest.mark.parametrize("kind", ["taobao_shop", "taobao_fenxiao", "taobao_tbk"])
def test_a_seller_lets_us_in_on_the_platforms_page(stage: Stage, kind: str) -> None:
    more = {"adzone_id": ADZONE} if kind == "taobao_tbk" else {}
    source = stage.source(kind, session=None, oauth_url=f"{stage.url}/top", **more)
    assert isinstance(source, Authorises)
    page = source.authorise_page("https://example.com/back?x=1", "state-9")
    assert page.startswith(f"{stage.url}/top/authorize?response_type=code&client_id=12345678&")
    assert "redirect_uri=https%3A%2F%2Fexample.com%2Fback%3Fx%3D1&state=state-9" in page
    asked = (
        (lambda: source.link(str(ITEM_ID), "L1"))
        if kind == "taobao_tbk"
        else (lambda: source.stock([str(ITEM_ID), str(PID)]))
    )
    with pytest.raises(NotAuthorised):
        asked()
    source.authorise("code-1", "https://example.com/back")
    assert asked()
    with pytest.raises(NotAuthorised, match="code"):
        source.authorise("code-1", "https://example.com/back")


def test_two_workers_with_one_expired_session_renew_it_once(
    stage: Stage, database: Database
) -> None:
    stage.act("expire")
    workers = []
    for _ in range(2):
        stage.tokens = Tokens(database, Keyring(bytes(32)))
        workers.append(stage.source("taobao_shop", refresh_token="env:TOP_REFRESH"))
    found: list[Any] = []
    threads = [
        Thread(target=lambda one=one: found.append(one.stock([str(ITEM_ID)]))) for one in workers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert stage.act("state")["refreshes"] == 1


@pytest.mark.parametrize("ahead", [-900, 900, 86_400])
def test_a_wrong_clock_is_set_by_the_platforms(stage: Stage, ahead: int) -> None:
    stage.ahead(ahead)
    shop = stage.source("taobao_shop")
    assert shop.stock([str(ITEM_ID)])
    before = len(stage.calls())
    assert shop.stock([str(ITEM_ID)])
    assert len(stage.calls()) == before + 1
    assert abs(shop.gateway.now() - stage.top.clock.now()) < timedelta(seconds=3)


def test_a_wrong_secret_is_the_accounts_fault_and_is_never_shown(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOP_SECRET", "quite-another")
    with pytest.raises(NotAuthorised) as caught:
        stage.source("taobao_shop").stock([str(ITEM_ID)])
    for secret in ("quite-another", SECRET, SESSION):
        assert secret not in f"{caught.value} {caught.value!r}"
    assert "quite-another" not in repr(stage.opened[-1].settings)


def test_the_format_is_always_stated_since_xml_is_the_default(stage: Stage) -> None:
    shop = stage.source("taobao_shop")
    out = shop.gateway._dialect.outgoing(Call(SHELF), {"q": ""}, None, shop.gateway.now())
    assert out.query["format"] == "json"
    assert "q" not in (out.form or {})
    assert "session" not in out.query


def test_trades_are_shipped_once_and_corrected(stage: Stage) -> None:
    shop = stage.source("taobao_shop")
    tid = str(stage.top.shop.trades[0].tid)
    for _ in range(2):  # the second time the platform says B04, and holds the same waybill
        shop.shipping.ship(tid, "SF", "SF100")
    with pytest.raises(Refused) as caught:
        shop.shipping.ship(tid, "SF", "SF200")
    assert caught.value.code.endswith("B04")
    other = str(stage.top.shop.trades[1].tid)
    with pytest.raises(Refused) as caught:
        shop.shipping.ship(other, "SF", "SF100")
    assert caught.value.code.endswith("B60")
    shop.shipping.correct(tid, "ZTO", "ZTO9")
    parcel = shop.shipping.shipped(tid)[0]
    assert (parcel.waybill, parcel.company) == ("ZTO9", "ZTO")
    assert shop.shipping.trace(tid)[0].steps[0].text == "已揽收"
    assert shop.shipping.companies()["顺丰速运"] == "SF"
    with pytest.raises(Refused, match="50"):
        shop.shipping.ship(other, "SF", "SF9", [str(number) for number in range(51)])


def test_fenxiao_orders_are_shipped_by_their_fenxiao_id(stage: Stage) -> None:
    account = stage.source("taobao_fenxiao")
    now = account.gateway.now()
    demand = next(account.demand(now - timedelta(days=6), now))
    account.shipping.ship(demand.ref, "SF", "SF777")
    assert account.shipping.shipped(demand.ref)[0].waybill == "SF777"


def test_trades_are_read_in_windows_and_recipients_are_left_there(stage: Stage) -> None:
    shop = stage.source("taobao_shop")
    now = shop.gateway.now()
    found = list(shop.trades.demand(now - timedelta(days=3), now))
    assert {one.ref for one in found} == {str(trade.tid) for trade in stage.top.shop.trades}
    assert all(int(one.ref) > 2**53 for one in found)
    assert "张" not in repr(found)
    assert "文三路" not in repr(found)


def test_refunds_are_decided_at_the_version_that_was_read(stage: Stage) -> None:
    shop = stage.source("taobao_shop")
    tid = stage.act("buy", index=1)
    small, large, third = (stage.act("ask_back", tid=tid, fen=fen) for fen in (990, 200_000, 50))
    now = shop.gateway.now()
    found = {one.refund_id: one for one in shop.trades.refunds(now - timedelta(hours=1), now)}
    assert found[small].amount == Decimal("9.90")
    shop.trades.agree(found[small])
    with pytest.raises(Refused):
        shop.trades.agree(found[small])
    with pytest.raises(Refused, match="短信"):
        shop.trades.agree(found[large])
    shop.trades.agree(found[large], sms_code="246810")
    assert shop.trades.refund(small).status == "SUCCESS"
    proof = Upload("证明.jpg", b"\xff\xd8\x00\r\n--", "image/jpeg")
    shop.trades.refuse(shop.trades.refund(third), "商品已签收", proof)
    assert shop.trades.refund(third).status == "SELLER_REFUSE_BUYER"


def test_a_form_with_a_file_carries_its_bytes_and_signs_only_its_texts() -> None:
    data = b"\x00\r\n--x\xff"
    body, kind = multipart.encoded({"a": "中"}, {"f": Upload('p"\r\n.jpg', data, "image/jpeg")})
    parts = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body).get_payload()
    assert isinstance(parts, list)
    text, file = parts
    assert text.get_payload(decode=True) == "中".encode()
    assert file.get_payload(decode=True) == data
    assert re.fullmatch(r'[^"\r\n]+', str(file.get_filename()))


def test_no_error_of_any_mode_shows_a_secret_or_a_recipient(stage: Stage) -> None:
    for mode in ("html", "isp", "expired_token", "lost"):
        stage.fault(mode, "*.requisitionorder.create")
        with pytest.raises(SupplierError) as caught:
            stage.source("taobao_fenxiao").place(_order(next(_dealt(stage))))
        for secret in (SECRET, SESSION, "张三", "13800001234", "文三路"):
            assert secret not in f"{caught.value!r} {caught.value}"
