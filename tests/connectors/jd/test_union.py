"""JD Union: offers with commissions, links that name a leader, order rows through splits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import NotAuthorised, Refused, Unreadable
from connectors.jd_union import mapping
from connectors.jd_union.source import UnionSource
from connectors.model import Follows, Lists, Prices, Reads, Sells, Watched
from connectors.registry import open_source
from connectors.surroundings import Surroundings
from connectors.trading import Commission, Promotes
from kit import clock
from tests.stage import Stage


def config(stage: Stage, **given: Any) -> dict[str, Any]:
    return {
        "kind": "jd_union",
        "base_url": f"{stage.url}/jd/routerjson",
        "app_key": "env:T_UNION_KEY",
        "app_secret": "env:T_UNION_SECRET",
        "site_id": "435676",
        "calls_per_second": 5000,
        **given,
    }


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T_UNION_KEY", "TESTKEY001")
    monkeypatch.setenv("T_UNION_SECRET", "TESTSECRET002")


@pytest.fixture
def union(stage: Stage) -> Iterator[UnionSource]:
    source = open_source("union", config(stage))
    assert isinstance(source, UnionSource)
    yield source
    source.close()


def all_rows(source: UnionSource, since: dict[str, Any] | None = None) -> list[Commission]:
    found: list[Commission] = []
    while True:
        page = source.commissions(since)
        found += page.rows
        since = page.cursor
        if not page.more:
            return found


def test_union_promotes_and_never_sells(union: UnionSource) -> None:
    assert all(isinstance(union, each) for each in (Follows, Reads, Prices, Promotes))
    assert not isinstance(union, Sells)
    assert not isinstance(union, Lists)


@pytest.mark.parametrize("method", ["", "md5", "hmacmd5", "hmacsha256"])
def test_every_signature_is_accepted(stage: Stage, method: str) -> None:
    source = open_source("union", config(stage, sign_method=method))
    assert isinstance(source, UnionSource)
    listing = source.follow([Watched("query", "炒锅", pages=1)])
    assert not listing.complete
    (page,) = listing.pages
    assert page.rows.height > 0
    assert all("炒锅" in title for title in page.rows["title"])
    source.close()


def test_ids_links_and_queries_become_affiliate_offers(stage: Stage, union: UnionSource) -> None:
    skus = [str(sku) for sku in stage.act("jd", "skus")[:3]]
    watched = [
        Watched("id", skus[0]),
        Watched("link", f"https://item.jd.com/{skus[1]}.html"),
        Watched("query", '{"eliteId": 22}', pages=2),
    ]
    pages = list(union.follow(watched).pages)
    assert [page.rows.height for page in pages] == [2, 30, 30]
    row = pages[0].rows.row(0, named=True)
    good = stage.act("jd", "good", sku=int(skus[0]))
    assert row["external_id"] == skus[0]
    assert row["affiliate_price"] == Decimal(good["price"]) / 100
    assert Decimal("0.03") <= row["commission_rate"] <= Decimal("0.20")
    assert row["dropship_price"] is None
    assert row["bulk_price"] is None
    rest = list(union.follow(watched, after=pages[0].cursor).pages)
    assert [page.rows["external_id"].to_list() for page in rest] == [
        page.rows["external_id"].to_list() for page in pages[1:]
    ]


def test_goods_without_promotion_are_simply_missing(stage: Stage, union: UnionSource) -> None:
    sku = str(stage.act("jd", "skus")[0])
    facts = union.prices([sku, "999999999999"])
    assert [fact.external_id for fact in facts] == [sku]


def test_a_link_names_its_leader(stage: Stage, union: UnionSource) -> None:
    link = union.link("100000000000", "L42")
    assert link.url.startswith("https://u.jd.com/")
    (asked,) = stage.act("jd", "union_links")
    assert asked["subUnionId"] == "L42"
    assert asked["siteId"] == "435676"
    assert asked["materialId"] == "https://item.jd.com/100000000000.html"
    with pytest.raises(Refused):
        union.link("100000000000", "x" * 81)


def test_order_rows_are_read_through_a_split(stage: Stage, union: UnionSource) -> None:
    sku = stage.act("jd", "skus")[0]
    stage.act("jd", "union_order", id="r1", sku=sku, num=2, leader="L1")
    (row,) = all_rows(union)
    assert (row.id, row.state, row.leader, row.quantity) == ("r1", "paid", "L1", 2)
    assert row.actual is None
    assert row.expected == (row.paid * row.rate).quantize(Decimal("0.01"), "ROUND_DOWN")
    stage.act("jd", "union_split", id="r1")
    found = {row.id: row for row in all_rows(union)}
    assert found["r1"].state == "invalid"
    assert found["r1"].reason == "无效-拆单"
    assert found["r1c"].state == "paid"
    assert found["r1c"].parent_ref == found["r1"].order_ref
    done = {"validCode": 17, "actualFee": 1.5, "actualCosPrice": 20, "payMonth": 0}
    stage.act("jd", "union_change", id="r1c", fields=done)
    found = {row.id: row for row in all_rows(union)}
    assert (found["r1c"].state, found["r1c"].actual) == ("finished", Decimal("1.5"))
    stage.act("jd", "union_change", id="r1c", fields={"payMonth": "20240120"})
    assert {row.id: row.state for row in all_rows(union)}["r1c"] == "settled"


def test_windows_reach_from_the_last_reading_to_now(stage: Stage) -> None:
    source = open_source("union", config(stage, history="3h", rows_page=1, overlap="10m"))
    assert isinstance(source, UnionSource)
    for number in range(3):
        stage.act("jd", "union_order", id=f"r{number}", sku=stage.act("jd", "skus")[0], leader="L")
    assert [row.id for row in all_rows(source)] == ["r0", "r1", "r2"]
    calls = [each for each in stage.calls("jd") if "order.row" in each["call"]]
    assert len(calls) == 3 - 1 + 3  # two hours without rows, three pages in the last
    since: dict[str, Any] | None = None
    while True:
        page = source.commissions(since)
        since = page.cursor
        if not page.more:
            break
    again = datetime.fromisoformat(since["from"])
    assert timedelta(minutes=9) < clock.now() - again < timedelta(minutes=11)
    assert len(all_rows(source, since)) == 3  # the overlap
    source.close()


def test_a_wrong_clock_is_set_by_the_gateways(stage: Stage, union: UnionSource) -> None:
    stage.post("clock", ahead=700)
    assert union.prices(["100000000000"])
    assert union.prices(["100000000000"])


def test_a_wrong_secret_is_the_accounts_fault(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T_UNION_SECRET", "wrong")
    source = open_source("union", config(stage), Surroundings())
    assert isinstance(source, UnionSource)
    with pytest.raises(NotAuthorised) as caught:
        source.prices(["100000000000"])
    assert caught.value.code == "12"
    assert "wrong" not in str(caught.value)
    source.close()


@pytest.mark.parametrize(
    ("code", "state"),
    [(15, "ordered"), (24, "ordered"), (16, "paid"), (17, "finished"), (18, "settled")]
    + [(code, "invalid") for code in (*mapping.REASONS, 25, 28, 29)],
)
def test_every_valid_code_has_a_state(code: int, state: str) -> None:
    raw = {"id": "1", "orderId": 1, "validCode": code, "orderTime": "2024-01-02 03:04:05"}
    found = mapping.commission(raw, datetime(2024, 1, 3, tzinfo=UTC))
    assert found.state == state
    assert bool(found.reason) is (state == "invalid")


def test_a_row_without_its_code_is_not_guessed() -> None:
    with pytest.raises(Unreadable):
        mapping.commission({"id": "1"}, datetime(2024, 1, 3, tzinfo=UTC))


def test_products_without_a_sku_are_known_by_their_union_id() -> None:
    assert mapping.external_id({"skuId": None, "itemId": "abc"}) == "abc"
    assert mapping.material("abc") == "https://jingfen.jd.com/detail/abc.html"
    assert mapping.material("https://u.jd.com/x") == "https://u.jd.com/x"
