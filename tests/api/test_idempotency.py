"""Idempotency-Key and references: what is asked for twice happens once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import func, select, text

from kit import idempotency
from tests.api.shop import Shop, ordering, served
from trade.invariants import violations
from trade.models import DepositRequest, Order, OrderLine


def test_the_same_key_and_body_get_the_same_answer(shop: Shop) -> None:
    body = ordering(shop.offer(stock=5))
    first = shop.ask("leader", "POST", "/v1/orders", json=body, key="k-1")
    again = shop.ask("leader", "POST", "/v1/orders", json=body, key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"


def test_the_same_key_with_another_body_is_a_conflict(shop: Shop) -> None:
    goods = shop.offer()
    shop.said("leader", "/v1/orders", ordering(goods), key="k-1")
    other = shop.said("leader", "/v1/orders", ordering(goods), 409, key="k-1")
    assert other["code"] == "idempotency_conflict"


def test_a_key_belongs_to_one_party_and_route(shop: Shop) -> None:
    goods = shop.offer()
    shop.said("leader", "/v1/orders", ordering(goods), key="k-1")
    shop.said("other", "/v1/orders", ordering(goods), key="k-1")
    shop.said("leader", "/v1/deposit-requests", {"amount": "1.00", "proof": "8848"}, key="k-1")


def test_while_the_first_still_runs_the_second_is_told_to_wait(shop: Shop) -> None:
    body = {"amount": "1.00", "proof": "8848"}
    party = shop.parties["leader"]
    sent = shop.client.build_request("POST", "/v1/deposit-requests", json=body).content
    hashed = idempotency.request_hash(b"/v1/deposit-requests?\n" + sent)
    with shop.db.as_party(party) as session:
        keyring = shop.app.state.office.terms.desk.keyring
        idempotency.begin(session, keyring, party, "POST /v1/deposit-requests", "k-1", hashed)
    answer = shop.ask("leader", "POST", "/v1/deposit-requests", json=body, key="k-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_progress")
    assert int(answer.headers["retry-after"]) > 0


def test_what_runs_longer_than_its_claim_is_still_done_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "RUNNING_SECONDS", -1)
    body = {"amount": "1.00", "proof": "8848"}

    def ask(_: int) -> int:
        answer = shop.ask("leader", "POST", "/v1/deposit-requests", json=body, key="k-1")
        return answer.status_code

    waiting = text("""SELECT count(*) FROM pg_locks
        WHERE NOT granted AND relation = 'deposit_requests'::regclass""")
    with ThreadPoolExecutor(2) as pool:
        with shop.db.as_system() as session:
            session.execute(text("LOCK TABLE deposit_requests IN SHARE MODE"))
            said = [pool.submit(ask, number) for number in range(2)]
            while session.scalar(waiting) < 2:
                assert not any(one.done() for one in said)
        assert sorted(one.result() for one in said) == [201, 409]
    assert ask(3) == 201
    with shop.db.as_system() as session:
        assert session.scalar(select(func.count()).select_from(DepositRequest)) == 1


def test_a_refusal_is_remembered_too(shop: Shop) -> None:
    goods = shop.offer(stock=1)
    body = ordering(goods, 2)
    first = shop.said("leader", "/v1/orders", body, 409, key="k-1")
    again = shop.ask("leader", "POST", "/v1/orders", json=body, key="k-1")
    assert again.json() == first
    assert again.headers["content-type"] == "application/problem+json"


def test_a_fault_of_ours_is_not_remembered(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"amount": "1.00", "proof": "8848"}
    with monkeypatch.context() as broken:
        broken.setattr("trade.wallets.ask_deposit", None)
        shop.said("leader", "/v1/deposit-requests", body, 500, key="k-1")
    shop.said("leader", "/v1/deposit-requests", body, 201, key="k-1")


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "鍵"])
def test_a_malformed_key_is_refused(shop: Shop, key: str) -> None:
    headers = httpx.Headers(shop.headers("leader"), encoding="utf-8")
    headers["Idempotency-Key"] = key
    body = {"amount": "1.00", "proof": "8848"}
    answer = shop.client.post("/v1/deposit-requests", json=body, headers=headers)
    assert answer.status_code == 422


def test_the_same_reference_is_the_same_order(shop: Shop) -> None:
    goods = shop.offer()
    body = ordering(goods)
    first = shop.said("leader", "/v1/orders", body, 201)
    assert shop.said("leader", "/v1/orders", body, 200)["id"] == first["id"]
    other = shop.said("leader", "/v1/orders", body | {"buyer_note": "快"}, 409)
    assert other["code"] == "reference_conflict"


def test_neither_quote_nor_max_total_is_malformed(shop: Shop) -> None:
    answer = shop.said("leader", "/v1/orders", ordering(shop.offer(), max_total=None), 422)
    assert answer["errors"][0]["field"] == "max_total"


def test_200_concurrent_orders_for_50_pieces_sell_exactly_50(shop: Shop) -> None:
    goods = shop.offer(stock=50)
    with served(shop.app) as address, httpx.Client(base_url=address, timeout=60) as client:

        def buy(number: int) -> int:
            who = ("leader", "other", "buyer")[number % 3]
            answer = client.post("/v1/orders", json=ordering(goods), headers=shop.headers(who))
            return answer.status_code

        with ThreadPoolExecutor(32) as pool:
            got = list(pool.map(buy, range(200)))
    assert sorted(set(got)) == [201, 409]
    assert got.count(201) == 50
    with shop.db.as_system() as session:
        assert session.scalar(select(func.sum(OrderLine.quantity))) == 50
        assert violations(session) == []


def test_one_order_sent_twenty_times_at_once_is_one(shop: Shop) -> None:
    body = ordering(shop.offer(stock=100))

    def buy(number: int) -> int:
        key = None if number % 2 else "k-1"
        return shop.ask("leader", "POST", "/v1/orders", json=body, key=key).status_code

    with ThreadPoolExecutor(10) as pool:
        got = set(pool.map(buy, range(20)))
    assert got <= {200, 201, 409}
    with shop.db.as_system() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1
