"""The alliance against the sandbox: followed goods, links, and a report that is read to its end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import NoSuchThing, NotAuthorised, TryLater
from connectors.model import Follows, Lists, Prices, Reads, Sells, Watched
from connectors.taobao_tbk import mapping, report, source
from connectors.trading import Commission, Promotes
from sandbox.top.alliance import ADZONE
from sandbox.top.shop import ITEM_ID
from tests.top_stage import Stage

REPORT = "order.details.get"


@pytest.fixture
def stage(top: Stage) -> Stage:
    return top


def tbk(stage: Stage, **config: Any) -> Any:
    return stage.source("taobao_tbk", adzone_id=f"mm_1_2_{ADZONE}", report_days=1, **config)


def followed(listing: Any) -> list[dict[str, Any]]:
    return [row for page in listing.pages for row in page.rows.iter_rows(named=True)]


def reported(account: Any, cursor: Any = None) -> tuple[list[Commission], Any]:
    """Everything that the report has, and where it goes on."""
    rows: list[Commission] = []
    for _ in range(100):
        page = account.commissions(cursor)
        rows += page.rows
        cursor = page.cursor
        if not page.more:
            return rows, cursor
    raise AssertionError("the report does not end")


def test_the_alliance_recommends_and_never_sells(stage: Stage) -> None:
    account = tbk(stage)
    for protocol in (Follows, Reads, Prices, Promotes):
        assert isinstance(account, protocol)
    assert not isinstance(account, Sells)
    assert not isinstance(account, Lists)


@pytest.mark.parametrize("api", ["classic", "upgrade"])
@pytest.mark.parametrize("simplify", ["true", "false"])
def test_saved_queries_are_read_up_to_their_pages(
    stage: Stage, api: str, simplify: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 20)
    account = tbk(stage, api=api, simplify=simplify == "true")
    listing = account.follow([Watched("query", " ", pages=2), Watched("query", '{"cat":"1"}')])
    rows = followed(listing)
    assert not listing.complete
    assert len({row["external_id"] for row in rows[:40]}) == 40
    assert len(rows) == 40 + 60
    row = rows[0]
    assert row["commission_rate"] == Decimal("0.0150")
    assert row["dropship_price"] is row["bulk_price"] is None
    world = stage.top.shop.world
    price = Decimal(world.price(world.listing(0).skus[0])) / 100
    assert row["affiliate_price"] == price
    assert row["msrp"] == price * 2
    assert row["images"].startswith('["https://img.example/')


def test_ids_and_links_are_followed_and_a_reading_goes_on_behind_any_page(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 20)
    account = tbk(stage)
    account.read_batch = 10
    watched = [
        *(Watched("id", str(ITEM_ID + index)) for index in range(25)),
        Watched("link", f"https://item.taobao.com/item.htm?spm=a&id={ITEM_ID + 30}"),
        Watched("link", "https://example.com/nothing"),
        Watched("query", " ", pages=9),
    ]
    listing = account.follow(watched)
    pages = list(listing.pages)
    whole = [row["external_id"] for page in pages for row in page.rows.iter_rows(named=True)]
    assert len(whole) == 26 + 60
    assert listing.notes["links"] == ["no item in https://example.com/nothing"]
    for place, kept in enumerate(pages):
        rest = followed(account.follow(watched, after=kept.cursor))
        first = sum(len(page.rows) for page in pages[: place + 1])
        assert [row["external_id"] for row in rest] == whole[first:]


@pytest.mark.parametrize("api", ["classic", "upgrade"])
def test_items_are_read_again_and_unknown_ones_mean_nothing(stage: Stage, api: str) -> None:
    account = tbk(stage, api=api)
    known = "hp3-uwqenqe" if api == "upgrade" else str(ITEM_ID + 3)
    page = account.read([known, "999"])
    assert page.rows["external_id"].to_list() == [known]
    assert page.gone == ()
    assert account.prices([known])[0].affiliate == page.rows["affiliate_price"][0]
    assert account.read([]).rows.is_empty()


def test_a_link_carries_the_leader_and_its_coupon(stage: Stage) -> None:
    account = tbk(stage)
    assert account.link(str(ITEM_ID + 2), "L9").url == (
        f"https://s.click.example/{ITEM_ID + 2}-{ADZONE}-L9"
    )
    assert "/coupon/" in account.link(str(ITEM_ID + 3), "L9").url
    with pytest.raises(NoSuchThing):
        account.link("999", "L9")


def test_a_link_without_session_says_what_is_missing(stage: Stage) -> None:
    with pytest.raises(NotAuthorised, match="session"):
        tbk(stage, session=None).link(str(ITEM_ID + 2), "L9")
    relation = tbk(stage, session=None, api="upgrade", leader_param="relation_id")
    assert relation.link("hp3-uwqenqe", "77").url == "https://s.click.example/new/3"


@pytest.mark.parametrize("simplify", ["true", "false"])
def test_the_report_is_read_window_after_window_to_its_end(
    stage: Stage, simplify: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 4)
    account = tbk(stage, simplify=simplify == "true")
    made = [stage.act("bought", index=index, leader=f"L{index}", status=12) for index in range(10)]
    stage.ahead(400)
    rows, cursor = reported(account)
    assert [row.id for row in rows] == made
    first = rows[0]
    assert (first.leader, first.state, first.actual) == ("L0", "paid", None)
    assert first.rate == Decimal("0.015")
    assert first.paid > first.expected > 0
    assert first.ordered_at.tzinfo is not None
    stage.act("moved", row=made[3], status=3)
    stage.act("moved", row=made[4], status=13)
    stage.ahead(800)
    account.read([str(ITEM_ID)])  # learns of the platform's clock
    again, _ = reported(account, cursor)
    states = {row.id: row for row in again}
    assert states[made[3]].state == "settled"
    assert states[made[3]].actual == states[made[3]].expected
    assert states[made[4]].state == "invalid"


def test_a_window_that_is_too_long_is_halved(stage: Stage) -> None:
    account = tbk(stage)
    told = {"code": 50, "msg": "m", "sub_code": "2007", "sub_msg": "too long"}
    stage.fault("refuse", f"*{REPORT}", args=told)
    first = account.commissions()
    assert first.more
    place = report.at(first.cursor)
    assert place.seconds == timedelta(hours=1.5).total_seconds()
    reported(account, first.cursor)


def test_a_closed_report_rests_and_goods_go_on(stage: Stage) -> None:
    account = tbk(stage)
    told = {"code": 50, "msg": "m", "sub_code": "3000", "sub_msg": "明日恢复"}
    stage.fault("refuse", f"*{REPORT}", args=told)
    for _ in range(3):
        with pytest.raises(TryLater):
            account.commissions()
    assert len(stage.calls(REPORT)) == 1
    assert account.read([str(ITEM_ID)]).rows.height == 1


@pytest.mark.parametrize(
    ("status", "state"),
    [(11, "ordered"), (12, "paid"), (13, "invalid"), (14, "finished"), (3, "settled")],
)
def test_each_status_of_the_report_has_its_state(status: int, state: str) -> None:
    row = {
        "trade_id": 2**53 + 1,
        "tk_status": str(status),
        "alipay_total_price": "10.00",
        "pub_share_pre_fee": "1.00",
        "pub_share_fee": "0.90",
        "pay_price": "--",
        "item_id": "--",
        "tk_create_time": "2026-01-02 03:04:05",
        "tk_total_rate": "10.00",
    }
    read = mapping.commission(row, "external_id")
    assert (read.id, read.state, read.paid) == (str(2**53 + 1), state, Decimal("10.00"))
    assert read.actual == (Decimal("0.90") if state == "settled" else None)
    assert read.external_id == ""
    assert read.changed_at == datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)
