"""From a supplier's price list to a shipped order and a refund, through the real doors.

API (two processes), workers, relay and cron are processes of their own on servers of their own;
leader and supplier come in over HTTP, the price list and the check by the command line.
"""

import contextlib
import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import openpyxl
import pytest

from tests.journeys.town import Caller, Town, eventually, town

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("town")]

HOME = {"name": "张三", "mobile": "13800138000", "region": "440305", "address": "科技园 1 号"}
SOURCE = "qingshan"
SCARCE = 50
CLIENTS_KEEP = 6
"""Longer, in seconds, than httpx keeps an idle connection."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def here() -> Iterator[Town]:
    with town() as made:
        yield made


@dataclass(frozen=True)
class Cast:
    """Who takes part."""

    operator: Caller
    leader: Caller
    supplier: Caller
    leader_id: str


@pytest.fixture(scope="module")
def cast(here: Town) -> Cast:
    operator = here.caller(
        here.command("party", "add", "--role", "operator", "--name", "掌柜")["token"]
    )
    made = {
        role: operator.post("/v1/parties", {"role": role, "name": f"{role} 甲"} | more)
        for role, more in {"leader": {}, "brand": {"source": SOURCE}}.items()
    }
    tokens = {
        role: operator.post(f"/v1/parties/{party['id']}/tokens", {})["token"]
        for role, party in made.items()
    }
    leader_id = made["leader"]["id"]
    deposit = {"amount": "100000.00", "reference": "银行回单 1"}
    operator.post(f"/v1/parties/{leader_id}/deposits", deposit)
    return Cast(operator, here.caller(tokens["leader"]), here.caller(tokens["brand"]), leader_id)


@pytest.fixture(scope="module")
def goods(here: Town, cast: Cast) -> dict[str, str]:
    """The supplier's sheet in the catalogue: title → SKU, as the leader finds it in Chinese."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [
        ["青山日用 2026 年三月报价单"],
        ["联系人 张经理 13900000000", None, "含税价"],
        [],
        ["货号", "品名", "供货价(元)", "库存", "运费"],
        ["0007", "茉莉花茶 浓香型 250g", "￥12.80/盒", 500, "包邮"],
        ["0008", "龙井绿茶 礼盒装", "１２８.５元", SCARCE, "包邮"],
        ["0009", "陈年普洱 饼茶", "面议", 10, "包邮"],
        ["合计", None, None, 560, None],
    ]:
        sheet.append(row)
    path = here.folder / "报价单.xlsx"
    book.save(path)
    report = here.command("import", str(path), "--source", SOURCE, code=1)
    assert (report["seen"], report["rejected"]) == (2, 1)
    return {word: _found(cast.leader, word) for word in ("茉莉花茶", "龙井")}


def _found(leader: Caller, word: str) -> str:
    (card,) = eventually(lambda: leader.get(f"/v1/products?q={word}")["items"])
    (sku,) = leader.get(f"/v1/products/{card['id']}")["skus"]
    return str(sku["id"])


def ordering(sku: str, quantity: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "reference": f"J{next(_numbers)}",
        "max_total": "9999.00",
        "lines": [{"sku": sku, "quantity": quantity}],
        "ship_to": HOME,
    } | fields


def purchase_of(cast: Cast, reference: str) -> dict[str, Any]:
    """The purchase that the supplier sees for an order, once a worker has submitted it."""

    def look() -> list[dict[str, Any]]:
        items = cast.supplier.get("/v1/purchases?limit=100")["items"]
        return [one for one in items if one["reference"] == reference]

    (purchase,) = eventually(look)
    return purchase


def nothing(_here: Town) -> None:
    """A calm day."""


def redis_wiped(here: Town) -> None:
    here.wipe_redis()


def workers_killed(here: Town) -> None:
    here.kill("worker")
    here.leases_run_out()


def everything_killed(here: Town) -> None:
    here.wipe_redis()
    for role in ("worker", "cron", "api"):
        here.kill(role)
    here.leases_run_out()
    eventually(here.answers)


def test_one_process_runs_what_stands_in_one_town(request: pytest.FixtureRequest) -> None:
    """A group that is not heeded makes every process build a town of its own, and says nothing."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    assert alone or request.node.nodeid.endswith("@town")


@pytest.mark.parametrize("mishap", [nothing, redis_wiped, workers_killed, everything_killed])
def test_a_list_becomes_a_shipped_order_and_the_money_adds_up_to_the_fen(
    here: Town, cast: Cast, goods: dict[str, str], mishap: Callable[[Town], None]
) -> None:
    leader, supplier, sku = cast.leader, cast.supplier, goods["茉莉花茶"]
    before = fen(leader.get("/v1/wallet")["balance"])
    leader.say("PUT", f"/v1/selections/{sku}", {"retail_price": "19.90", "code": "茶-1"})
    asked = {"lines": [{"code": "茶-1", "quantity": 3}], "ship_to": HOME}
    quote = leader.post("/v1/quotes", asked)
    assert (quote["total"], quote["unsellable"]) == ("38.40", [])
    order = leader.post("/v1/orders", ordering(sku, 3, quote=quote["id"], max_total=None))
    mishap(here)
    bought = purchase_of(cast, order["reference"])
    seen = supplier.get(f"/v1/purchases/{bought['id']}")
    assert seen["ship_to"]["mobile"] == HOME["mobile"]
    assert [line["external_id"] for line in seen["lines"]] == ["0007"]
    supplier.post(f"/v1/purchases/{bought['id']}/accept")
    number = f"SF{next(_numbers):010d}"
    parcel = {"carrier": "顺丰", "tracking_number": number}
    for _ in range(2):  # the supplier's program is not sure whether it was heard
        supplier.post(f"/v1/purchases/{bought['id']}/ship", parcel)
    shipped = leader.get(f"/v1/orders/{order['id']}")
    assert (shipped["status"], shipped["held"]) == ("shipped", "0.00")
    assert [one["tracking_number"] for one in shipped["parcels"]] == [number]
    claim = leader.post(
        f"/v1/orders/{order['id']}/claims",
        {"kind": "refund", "lines": [{"sku": sku, "quantity": 1}], "reason": "少了一盒"},
    )["items"][0]
    supplier.post(f"/v1/claims/{claim['id']}/approve")
    wallet = leader.get("/v1/wallet")
    assert before - fen(wallet["balance"]) == 2 * 1280
    mine = [
        one
        for one in supplier.get("/v1/purchases?limit=100")["items"]
        if one["reference"] == order["reference"]
    ]
    assert len(mine) == 1
    assert here.command("check") == []


@dataclass(frozen=True)
class Idle:
    """A connection that was asked something once, and when."""

    connection: HTTPConnection
    since: float

    def live(self) -> int:
        self.connection.request("GET", "/healthz")
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


@pytest.fixture(scope="module")
def idle(here: Town) -> Iterator[Idle]:
    with contextlib.closing(HTTPConnection("127.0.0.1", here.port, timeout=60)) as connection:
        made = Idle(connection, time.monotonic())
        assert made.live() == 200
        yield made


@pytest.mark.usefixtures("idle")
def test_200_at_once_for_50_pieces_sell_exactly_50(
    here: Town, cast: Cast, goods: dict[str, str]
) -> None:
    sku = goods["龙井"]
    with ThreadPoolExecutor(40) as pool:
        codes = Counter(
            pool.map(
                lambda _: cast.leader.http.post("/v1/orders", json=ordering(sku)).status_code,
                range(200),
            )
        )
    assert codes == {201: SCARCE, 409: 200 - SCARCE}
    (found,) = cast.leader.post("/v1/skus/lookup", {"skus": [sku]})["items"]
    assert found["skus"][0]["stock"] == {"state": "out", "quantity": 0}
    assert here.command("check") == []


def test_two_orders_with_one_reference_are_one_order(cast: Cast, goods: dict[str, str]) -> None:
    body = ordering(goods["茉莉花茶"])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: cast.leader.http.post("/v1/orders", json=body), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = body | {"lines": [{"sku": goods["茉莉花茶"], "quantity": 2}]}
    refused = cast.leader.http.post("/v1/orders", json=other)
    assert (refused.status_code, refused.json()["code"]) == (409, "reference_conflict")


def test_the_same_key_with_another_body_is_refused(cast: Cast, goods: dict[str, str]) -> None:
    key = {"Idempotency-Key": f"键-{next(_numbers)}".encode().hex()}
    body = ordering(goods["茉莉花茶"])
    first, again = (cast.leader.http.post("/v1/orders", json=body, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = cast.leader.http.post("/v1/orders", json=ordering(goods["茉莉花茶"]), headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_no_request_is_sent_on_a_connection_that_we_are_about_to_close(idle: Idle) -> None:
    """Whoever keeps idle connections for less long than we do closes them; we never do first."""
    time.sleep(max(0.0, idle.since + CLIENTS_KEEP - time.monotonic()))
    assert idle.live() == 200


def fen(text: str) -> int:
    yuan, _, rest = text.partition(".")
    return int(yuan) * 100 + int(rest)
