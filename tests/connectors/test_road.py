"""The one road to the network: what each way of failing allows the caller to do next."""

import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from connectors import jsontext
from connectors.budgets import Budgets
from connectors.calls import CLOCK, EXPIRED, REFUSED, Call, Failure, Limit, Outgoing, Reply, banned
from connectors.errors import (
    NotAuthorised,
    OutcomeUnknown,
    Refused,
    SupplierError,
    TryLater,
    Unreadable,
)
from connectors.http import ATTEMPTS, Road
from connectors.surroundings import Surroundings
from connectors.tokens import Token
from tests.far_servers import Web, web_server

READ = Call("/read")
WRITE = Call("/write", bucket="order", writes=True)


class Plain:
    """A platform of few words: `{"code": …}` is a failure."""

    limits = {"read": Limit(1000), "order": Limit(1000)}

    def __init__(self, url: str) -> None:
        self.url = url
        self.sent: list[str] = []

    def outgoing(
        self, call: Call, args: Mapping[str, Any], token: Token | None, now: datetime
    ) -> Outgoing:
        self.sent.append(token.access if token else "")
        return Outgoing(f"{self.url}{call.name}", form={"a": "鞋", **args})

    def failure(self, reply: Reply) -> Failure | None:
        code = reply.data.get("code") if isinstance(reply.data, dict) else None
        fault = {"ban": banned(30), "old": EXPIRED, "time": CLOCK}.get(code, REFUSED)
        return Failure(fault, code, "no") if code else None


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as running:
        yield running


def road_to(url: str, **around: Any) -> Road:
    return Road("acc", Plain(url), Surroundings(sleep=lambda _: None, **around))


def caught(road: Road, call: Call) -> SupplierError:
    with pytest.raises(SupplierError) as error:
        road.call(call, {})
    road.close()
    return error.value


@pytest.mark.parametrize(
    ("body", "read", "write"),
    [
        (b"", TryLater, OutcomeUnknown),
        (b"  \r\n", TryLater, OutcomeUnknown),
        (b"<!DOCTYPE html><html>busy</html>", TryLater, OutcomeUnknown),
        (b"\xef\xbb\xbf\n<html/>", TryLater, OutcomeUnknown),
        (b'{"a":', Unreadable, OutcomeUnknown),
        (b'{"a":NaN}', Unreadable, OutcomeUnknown),
        (b"[" * 100_000, Unreadable, OutcomeUnknown),
        (b'{"a":' + b"9" * 5000 + b"}", Unreadable, OutcomeUnknown),
        (b'{"code":"other"}', Refused, Refused),
    ],
)
def test_a_body_that_says_nothing_leaves_a_write_in_doubt(
    web: Web, body: bytes, read: type[SupplierError], write: type[SupplierError]
) -> None:
    web.file("/read", body)
    web.file("/write", body)
    assert type(caught(road_to(web.url), READ)) is read
    assert type(caught(road_to(web.url), WRITE)) is write
    assert len([path for path, _ in web.seen if path == "/write"]) == 1


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (500, TryLater, OutcomeUnknown),
        (502, TryLater, OutcomeUnknown),
        (429, TryLater, TryLater),
        (401, NotAuthorised, NotAuthorised),
        (403, NotAuthorised, NotAuthorised),
        (302, Unreadable, OutcomeUnknown),
    ],
)
def test_a_status_says_what_may_be_done_next(
    web: Web, status: int, read: type[SupplierError], write: type[SupplierError]
) -> None:
    web.file("/read", b"<html/>", status)
    web.file("/write", b"<html/>", status)
    assert type(caught(road_to(web.url), READ)) is read
    assert type(caught(road_to(web.url), WRITE)) is write


def test_never_left_the_machine_is_try_later_also_for_a_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert type(caught(road_to(f"http://127.0.0.1:{port}"), WRITE)) is TryLater


def _hang_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def _half(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    request.wfile.write(b"{")


@pytest.mark.parametrize("break_off", [_hang_up, _half])
def test_write_is_not_repeated_when_unknown(
    web: Web, break_off: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    web.pages["/read"] = web.pages["/write"] = break_off
    assert type(caught(road_to(web.url), WRITE)) is OutcomeUnknown
    assert type(caught(road_to(web.url), READ)) is TryLater
    assert [path for path, _ in web.seen].count("/write") == 1
    assert [path for path, _ in web.seen].count("/read") == ATTEMPTS


def test_a_reply_is_read_exactly_and_kept_raw(web: Web) -> None:
    raw = b'\xef\xbb\xbf{"id":90071992547409931,\x0b"price":105.84,"t":"a\x01\tb","x":1e-7}\r\n'
    web.file("/read", raw)
    road = road_to(web.url)
    reply = road.call(READ, {})
    road.close()
    assert reply.raw == raw
    assert reply.data["id"] == 90071992547409931
    assert reply.data["price"] == Decimal("105.84")
    assert isinstance(reply.data["price"], Decimal)
    assert reply.data["t"] == "a\tb"
    assert reply.data["x"] == Decimal("1E-7")


def test_prices_leave_as_exact_numbers_and_chinese_as_it_is() -> None:
    said = {"price": Decimal("21.30"), "ids": [1, "0007"], "名": None, "q": 'a"b'}
    assert jsontext.dumps(said) == '{"price":21.30,"ids":[1,"0007"],"名":null,"q":"a\\"b"}'
    assert jsontext.dumps(Decimal("1E+3")) == "1000"


def test_not_one_call_leaves_on_a_banned_budget(web: Web) -> None:
    web.file("/read", b'{"code":"ban"}')
    web.file("/write", b"{}")
    clock = [1000.0]
    road = road_to(web.url, budgets=Budgets(monotonic=lambda: clock[0]))
    with pytest.raises(TryLater) as first:
        road.call(READ, {})
    assert first.value.wait == 30
    web.file("/read", b"{}")
    for clock[0] in (1000.0, 1015.0, 1029.9):
        with pytest.raises(TryLater) as later:
            road.call(READ, {}, urgent=True)
        assert later.value.wait == pytest.approx(1030 - clock[0])
    assert [path for path, _ in web.seen] == ["/read"]
    road.call(WRITE, {})  # another budget of the same account
    clock[0] = 1030.1
    road.call(READ, {})
    road.close()
    assert [path for path, _ in web.seen] == ["/read", "/write", "/read"]


def test_who_queued_when_a_ban_began_does_not_call(web: Web) -> None:
    web.file("/read", b"{}")
    budgets = Budgets()

    def sleep(_: float) -> None:
        budgets.ban("acc", "read", 30)

    dialect = Plain(web.url)
    dialect.limits = {"read": Limit(0.5)}
    road = Road("acc", dialect, Surroundings(budgets, sleep=sleep))
    road.call(READ, {})
    road.call(READ, {})
    with pytest.raises(TryLater) as caught:
        road.call(READ, {})
    assert caught.value.wait == pytest.approx(30, abs=1)
    road.close()
    assert len(web.seen) == 2


def test_a_429_rests_the_budget_as_long_as_it_says(web: Web) -> None:
    web.file("/read", b"", 429, Retry_After="17")
    road = road_to(web.url)
    for _ in range(2):
        with pytest.raises(TryLater) as error:
            road.call(READ, {})
        assert error.value.wait == pytest.approx(17, abs=1)
    road.close()
    assert len(web.seen) == 1


class Desk:
    """Gives tokens "t1", "t2", …"""

    origin = "app"

    def __init__(self) -> None:
        self.given = 0

    def obtain(self, former: Token | None) -> Token:
        self.given += 1
        return Token(f"t{self.given}")


def test_a_refused_token_is_renewed_once_and_the_call_repeated(web: Web) -> None:
    answers = iter([b'{"code":"old"}', b"{}"])
    web.pages["/write"] = lambda request: _answer(request, next(answers))
    dialect, desk = Plain(web.url), Desk()
    road = Road("acc", dialect, Surroundings(sleep=lambda _: None))
    road.authorised_by(desk)
    assert road.call(WRITE, {}).data == {}
    assert dialect.sent == ["t1", "t2"]
    assert desk.given == 2
    road.close()


def test_a_new_token_that_is_refused_too_is_the_accounts_fault(web: Web) -> None:
    web.file("/read", b'{"code":"old"}')
    dialect, desk = Plain(web.url), Desk()
    road = Road("acc", dialect, Surroundings(sleep=lambda _: None))
    road.authorised_by(desk)
    assert type(caught(road, READ)) is NotAuthorised
    assert dialect.sent == ["t1", "t2"]


def test_a_refused_timestamp_sets_the_clock_and_the_call_is_repeated_once(web: Web) -> None:
    answers = iter([b'{"code":"time"}', b"{}", b"{}"])
    web.pages["/write"] = lambda request: _answer(request, next(answers))
    road = road_to(web.url, now=lambda: datetime(2020, 1, 1, tzinfo=UTC))
    assert road.call(WRITE, {}).data == {}
    assert abs(road.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert road.call(WRITE, {}).data == {}
    assert len(web.seen) == 3
    road.close()


def test_a_timestamp_that_is_refused_with_the_clock_set_is_the_accounts_fault(web: Web) -> None:
    web.file("/write", b'{"code":"time"}')
    assert type(caught(road_to(web.url), WRITE)) is NotAuthorised
    assert len(web.seen) == 2


def test_no_secret_shows_in_an_error(web: Web) -> None:
    road = road_to("http://127.0.0.1:9/?token=hunter2")
    assert "hunter2" not in str(caught(road, READ))
    assert "t1" not in repr(Token("t1", "r1"))


def _answer(request: BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
