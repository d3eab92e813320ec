"""JD's goods: pools to the end, whole batches that fail, silent drops, thresholds as stock."""

from decimal import Decimal

import pytest

from connectors.errors import NotDeliverable, TryLater, Unreadable
from connectors.jd_vop.source import VopSource
from connectors.model import Lists, Message, Notifies, Prices, Reads, Sells, Stocks
from connectors.trading import Confirms, Promotes, Quotes, Reconciles, Ships, TakesBack
from tests.connectors.jd.conftest import Open, calm
from tests.stage import Stage

STRANGER = 999999999999


def test_what_vop_can_do(vop: VopSource) -> None:
    able = (Lists, Reads, Prices, Stocks, Notifies, Quotes, Sells, Confirms, Ships, TakesBack)
    assert all(isinstance(vop, each) for each in (*able, Reconciles))
    assert not isinstance(vop, Promotes)


def test_every_sku_of_every_pool_is_read_once(stage: Stage, opened: Open) -> None:
    stage.reset(size=40)
    source = opened(page_size=30, sku_batch=20)
    listing = source.items()
    assert listing.complete
    pages = list(listing.pages)
    ids = [sku for page in pages for sku in page.rows["external_id"]]
    assert ids == [str(sku) for sku in stage.act("jd", "skus")]
    assert not any(page.rejects for page in pages)
    row = pages[0].rows.row(0, named=True)
    good = stage.act("jd", "good", sku=int(row["external_id"]))
    assert row["dropship_price"] == row["bulk_price"] == Decimal(good["price"]) / 100
    assert row["gtin"] == good["gtin"].zfill(14)
    assert row["tax_rate"] in (Decimal("0.09"), Decimal("0.13"))
    assert row["category"] == "电脑、办公 > 办公设备 > 文具"
    assert row["images"].startswith('["http://img13.360buyimg.com/n0/goods/0/0.jpg"')
    assert row["state"] == "live"
    assert row["invoice"] == "special"


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_reading_that_broke_off_goes_on_behind_its_last_page(
    stage: Stage, opened: Open, stop: int
) -> None:
    stage.reset(size=40)
    source = opened(page_size=30, sku_batch=20)
    whole = list(source.items().pages)
    ids = [sku for page in whole for sku in page.rows["external_id"]]
    kept = whole[:stop]
    rest = list(source.items(after=kept[-1].cursor).pages)
    again = [sku for page in (*kept, *rest) for sku in page.rows["external_id"]]
    assert set(again) == set(ids)
    assert again[: len(ids)] == ids


def test_cursor_paging_never_runs_in_circles(
    stage: Stage, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.reset(size=10)
    source = opened(paging="cursor", page_size=5)
    real = source.wire.pool_cursor
    monkeypatch.setattr(source.wire, "pool_cursor", lambda pool, _, size: real(pool, "0", size))
    with pytest.raises(Unreadable, match="again"):
        list(source.items().pages)


def test_ids_outside_the_pool_have_no_price_and_spoil_nothing(stage: Stage, vop: VopSource) -> None:
    skus = [str(sku) for sku in stage.act("jd", "skus")[:5]]
    facts = {fact.external_id: fact for fact in vop.prices([*skus, str(STRANGER)])}
    assert facts[str(STRANGER)].dropship is None
    for sku in skus:
        good = stage.act("jd", "good", sku=int(sku))
        assert facts[sku].dropship == Decimal(good["price"]) / 100


def test_naked_prices_are_grossed_up(stage: Stage, vop: VopSource) -> None:
    sku = stage.act("jd", "skus")[0]
    stage.act("jd", "naked", on=True)
    good = stage.act("jd", "good", sku=sku)
    assert vop.prices([str(sku)])[0].dropship == Decimal(good["price"]) / 100


def test_one_stranger_does_not_cost_a_whole_batch_its_stock(stage: Stage, vop: VopSource) -> None:
    skus = stage.act("jd", "skus")[:4]
    for sku, left in zip(skus, (0, 7, 60, 300), strict=True):
        stage.post("goods", platform="jd", key=stage.act("jd", "good", sku=sku)["key"], stock=left)
    facts = vop.stock([*(str(sku) for sku in skus), str(STRANGER)], "440304")
    said = {fact.external_id: (fact.state, fact.quantity) for fact in facts}
    assert [said[str(sku)] for sku in skus] == [
        ("out", None),
        ("in_stock", 7),
        ("in_stock", None),
        ("in_stock", None),
    ]
    assert said[str(STRANGER)] == ("out", None)


def test_numbers_that_come_as_texts_are_read_alike(stage: Stage, vop: VopSource) -> None:
    sku = str(stage.act("jd", "skus")[0])
    before = vop.prices([sku]), vop.stock([sku])
    stage.fault("jd", "flip", times=2)
    assert (vop.prices([sku]), vop.stock([sku])) == before


def test_a_region_unknown_to_jd_is_not_deliverable(vop: VopSource) -> None:
    with pytest.raises(NotDeliverable):
        vop.stock(["100000000000"], "710000")


def test_a_price_message_is_a_hint_that_stays_until_acknowledged(
    stage: Stage, vop: VopSource
) -> None:
    sku = stage.act("jd", "skus")[0]
    stage.act("jd", "pool", sku=sku, inside=False)
    stage.act("jd", "tell", type=2, result={"skuId": sku, "price": "", "jdPrice": 9})
    stage.act("jd", "tell", type=48, result='{"poolType":"cate_pool","page_num":"1","state":1}')
    first = vop.changes()
    assert [(message.topic, message.external_ids) for message in first] == [
        ("item", (str(sku),)),
        ("price", (str(sku),)),
        ("other", ()),
    ]
    assert vop.changes() == first
    vop.ack(first[:1])
    assert vop.changes() == first[1:]
    vop.ack(first)
    vop.ack(first)
    assert vop.changes() == []


def test_ten_thousand_messages_leave_in_hundreds(stage: Stage, vop: VopSource) -> None:
    stage.act("jd", "tell", type=16, result={"skuId": 1}, copies=250)
    stage.fault("jd", "reordered", call="*essage*", times=1)
    seen: list[Message] = []
    while found := vop.changes():
        assert len(found) <= 100
        seen += found
        vop.ack(found)
    assert len({message.id for message in seen}) == 250


def test_drift_is_told_by_messages_and_true_when_read_again(stage: Stage, vop: VopSource) -> None:
    stage.post("drift", platform="jd")
    told = {sku for message in vop.changes() for sku in message.external_ids}
    assert told
    for fact in vop.prices(sorted(told)[:20]):
        good = stage.act("jd", "good", sku=int(fact.external_id))
        assert fact.dropship == Decimal(good["price"]) / 100


@pytest.mark.parametrize("mode", ["html", "empty", "status", "drop", "bom", "control"])
def test_a_bad_moment_is_got_over(stage: Stage, opened: Open, mode: str) -> None:
    source = opened(calm())
    skus = [str(sku) for sku in stage.act("jd", "skus")[:2]]
    before = source.prices(skus)
    stage.fault("jd", mode, call="*getSellPrice", times=2)
    assert source.prices(skus) == before
    stage.fault("jd", mode, call="*getSellPrice", times=3)
    if mode in ("bom", "control"):
        assert source.prices(skus) == before
    else:
        with pytest.raises(TryLater):
            source.prices(skus)


def test_too_many_calls_rest_the_budget(stage: Stage, vop: VopSource) -> None:
    vop.prices(["100000000000"])
    stage.fault("jd", "throttle", call="*getSellPrice")
    before = len(stage.calls("jd"))
    for _ in range(3):
        with pytest.raises(TryLater) as caught:
            vop.prices(["100000000000"])
        assert caught.value.wait is not None
        assert caught.value.wait > 30
    assert len(stage.calls("jd")) == before + 1


def test_an_expired_token_is_refreshed_once(stage: Stage, vop: VopSource) -> None:
    vop.prices(["100000000000"])
    assert stage.act("jd", "grants") == 1
    stage.act("jd", "expire_tokens")
    assert vop.prices(["100000000000"])
    assert stage.act("jd", "grants") == 2
    stage.fault("jd", "expired_token", call="*getSellPrice")
    vop.prices(["100000000000"])
    assert stage.act("jd", "grants") == 3
