"""What every source keeps to, whatever its platform: one suite for all that are registered."""

import contextlib
import json
from collections.abc import Iterable
from decimal import Decimal
from itertools import count
from typing import Any

import polars as pl
import pytest

from connectors import model, trading
from connectors.budgets import Budgets
from connectors.columns import LISTING
from connectors.errors import (
    NoSuchThing,
    OutcomeUnknown,
    PriceChanged,
    Refused,
    SupplierError,
    TryLater,
)
from connectors.model import Listing, OrderLine, PurchaseOrder
from connectors.registry import KINDS, open_source
from kit.settings import SettingsError
from tests.contract.conftest import Open
from tests.contract.stands import STANDS, TO, Stand
from tests.stage import Stage

READS = (model.Lists, model.Follows)


def listing_of(source: Any, stand: Stand, stage: Stage, after: Any = None) -> Listing:
    if isinstance(source, model.Lists):
        return source.items(after=after)
    assert isinstance(source, model.Follows)
    assert stand.watched is not None
    return source.follow(stand.watched(stage), after=after)


def rows_of(source: Any, stand: Stand, stage: Stage) -> pl.DataFrame:
    return pl.concat([page.rows for page in listing_of(source, stand, stage).pages])


def some(source: Any, stand: Stand, stage: Stage, count: int = 3) -> list[str]:
    """Ids of goods that can be bought now, with their prices."""
    rows = rows_of(source, stand, stage).filter(pl.col("state").fill_null("live") == "live")
    enough = pl.col("stock_quantity").is_null() | (pl.col("stock_quantity") > 2)
    found = rows.filter(enough & (pl.col("stock_state").fill_null("in_stock") != "out"))
    return found["external_id"].to_list()[:count]


def order_of(source: Any, skus: Iterable[str], ref: str, cost: Decimal) -> PurchaseOrder:
    return PurchaseOrder(ref, tuple(OrderLine(sku, 1, cost) for sku in skus), TO)


def orders_under(stage: Stage, stand: Stand, ref: str) -> list[dict[str, Any]]:
    """What the platform holds under a reference and has not cancelled."""
    alive = [one for one in stage.orders(stand.platform) if one["our_ref"] == ref]
    return [one for one in alive if "cancel" not in str(one.get("state", one.get("status")))]


def test_every_kind_has_a_stand() -> None:
    assert {stand.kind for stand in STANDS} == set(KINDS)


def test_a_source_knows_its_name_and_what_it_can(source: Any, stand: Stand) -> None:
    assert source.code == stand.kind
    assert source.settings.kind == stand.kind
    able = [each for each in READS if isinstance(source, each)]
    assert len(able) == 1
    if isinstance(source, trading.Promotes):
        assert not isinstance(source, model.Sells)
    if isinstance(source, trading.Confirms):
        assert isinstance(source, model.Sells)


def test_an_unknown_setting_is_refused_by_its_name(opened: Open) -> None:
    with pytest.raises(SettingsError, match="no_such_key"):
        opened(no_such_key=1)


def test_secrets_never_show(opened: Open, stand: Stand, stage: Stage) -> None:
    source = opened()
    shown = repr(source.settings) + str(source.settings)
    for mode in ("html", "drop", "status"):
        if stand.platform:
            stage.fault(stand.platform, mode, times=0)
            with pytest.raises(SupplierError) as caught:
                rows_of(source, stand, stage)
            shown += str(caught.value) + repr(caught.value) + caught.value.message
            stage.calm()
    for secret in stand.secrets.values():
        assert secret not in shown


def test_pages_end_and_have_the_shape_of_a_listing(source: Any, stand: Stand, stage: Stage) -> None:
    listing = listing_of(source, stand, stage)
    assert listing.as_of.tzinfo is not None
    assert isinstance(source, model.Lists) or not listing.complete
    pages = list(listing.pages)
    rows = pl.concat([page.rows for page in pages])
    assert dict(rows.schema) == LISTING
    assert rows.height > 0
    for row in rows.iter_rows(named=True):
        assert row["external_id"] == row["external_id"].strip() != ""
        assert row["title"].strip()
        assert not any(isinstance(value, float) for value in row.values())
        prices = [row["dropship_price"], row["bulk_price"], row["affiliate_price"]]
        assert any(prices) or row["state"] == "off"
        assert row["stock_quantity"] is None or row["stock_quantity"] >= 0
        assert row["stock_state"] in ("in_stock", "low", "out", None)
    json.dumps(listing.watermark)


def test_a_reading_goes_on_behind_any_page(source: Any, stand: Stand, stage: Stage) -> None:
    pages = list(listing_of(source, stand, stage).pages)
    whole = {sku for page in pages for sku in page.rows["external_id"]}
    for stop, page in list(enumerate(pages, start=1))[::3]:
        if page.cursor is None:
            continue
        cursor = json.loads(json.dumps(page.cursor))
        rest = list(listing_of(source, stand, stage, cursor).pages)
        kept = {sku for early in pages[:stop] for sku in early.rows["external_id"]}
        assert kept | {sku for late in rest for sku in late.rows["external_id"]} == whole


def test_single_goods_are_read_again(source: Any, stand: Stand, stage: Stage) -> None:
    if not isinstance(source, model.Reads):
        pytest.skip(f"{stand} reads no single goods")
    assert source.read_batch >= 1
    skus = some(source, stand, stage)
    page = source.read([*skus[: source.read_batch], skus[0]])
    assert set(skus) <= set(page.rows["external_id"])
    assert page.rows["external_id"].is_unique().all()


def test_prices_and_stock_answer_only_what_was_asked(
    source: Any, stand: Stand, stage: Stage
) -> None:
    skus = some(source, stand, stage)
    if isinstance(source, model.Prices):
        assert source.price_batch >= 1
        facts = source.prices(skus)
        assert {fact.external_id for fact in facts} == set(skus)
        for fact in facts:
            told = [fact.dropship, fact.bulk, fact.affiliate]
            assert any(isinstance(price, Decimal) and price > 0 for price in told)
    if isinstance(source, model.Stocks):
        assert source.stock_batch >= 1
        for known in source.stock(skus):
            assert known.external_id in skus
            assert known.quantity is None or known.quantity >= 0
            assert known.state in ("in_stock", "low", "out", "unknown")


@pytest.mark.parametrize("mode", ["html", "empty", "status", "drop"])
def test_a_bad_moment_is_nobodys_fault(opened: Open, stand: Stand, stage: Stage, mode: str) -> None:
    if not stand.platform:
        pytest.skip(f"{stand} is no platform")
    source = opened()
    calm = rows_of(source, stand, stage)
    stage.fault(stand.platform, mode, times=2)
    assert rows_of(source, stand, stage).height == calm.height
    stage.fault(stand.platform, mode, times=0)
    with pytest.raises(TryLater):
        rows_of(source, stand, stage)


@pytest.mark.parametrize("mode", ["bom", "control"])
def test_dirt_around_a_reply_is_overlooked(
    opened: Open, stand: Stand, stage: Stage, mode: str
) -> None:
    if not stand.platform:
        pytest.skip(f"{stand} is no platform")
    source = opened()
    calm = rows_of(source, stand, stage)
    stage.fault(stand.platform, mode, times=0)
    assert rows_of(source, stand, stage).equals(calm)


@pytest.mark.parametrize("mode", ["throttle", "ban"])
def test_no_call_at_all_leaves_while_a_budget_rests(
    opened: Open, stand: Stand, stage: Stage, mode: str
) -> None:
    if not stand.platform:
        pytest.skip(f"{stand} is no platform")
    budgets = Budgets()
    source = opened(budgets)
    skus = some(source, stand, stage, 1)
    stage.fault(stand.platform, mode, times=1, seconds=30)
    with pytest.raises(TryLater) as caught:
        source.prices(skus)
    assert caught.value.wait is not None
    assert caught.value.wait > 0
    asked = len(stage.calls(stand.platform))
    for again in (source, opened(budgets)):
        with pytest.raises(TryLater):
            again.prices(skus)
    assert len(stage.calls(stand.platform)) == asked


def test_messages_stay_until_they_are_acknowledged(source: Any, stand: Stand, stage: Stage) -> None:
    if not isinstance(source, model.Notifies):
        pytest.skip(f"{stand} sends no messages")
    stage.post("drift", platform=stand.platform, ticks=3)
    first = source.changes()
    assert {one.id for one in first} <= {one.id for one in source.changes()} | {
        one.id for one in first
    }
    source.ack(first)
    source.ack(first)
    assert not {one.id for one in first} & {one.id for one in source.changes()}


def test_an_unknown_reference_is_not_found(source: Any, stand: Stand) -> None:
    if isinstance(source, model.Sells):
        assert source.find("HP-never") is None
        with contextlib.suppress(NoSuchThing):
            source.cancel("HP-never", "nothing there")
    if isinstance(source, trading.Ships):
        with pytest.raises(NoSuchThing):
            source.track("HP-never")


def _selling(source: Any, stand: Stand, stage: Stage) -> str:
    if not (isinstance(source, model.Sells) and stand.orders_at_platform):
        pytest.skip(f"{stand} takes no orders over there")
    return some(source, stand, stage, 1)[0]


def test_twice_under_one_reference_is_one_order(source: Any, stand: Stand, stage: Stage) -> None:
    sku = _selling(source, stand, stage)
    order = order_of(source, [sku], "HP-twice", Decimal(100_000))
    assert source.find(order.our_ref) is None
    first = source.place(order)
    assert first.external_refs
    assert all(ref and isinstance(ref, str) for ref in first.external_refs)
    found = source.find(order.our_ref)
    assert found is not None
    assert found.external_refs == first.external_refs
    if len(orders_under(stage, stand, order.our_ref)) == 1:
        try:
            again = source.place(order)
        except Refused:
            again = first
        assert again.external_refs == first.external_refs
    assert len(orders_under(stage, stand, order.our_ref)) == 1


def test_nothing_is_bought_above_what_we_accept(source: Any, stand: Stand, stage: Stage) -> None:
    sku = _selling(source, stand, stage)
    with pytest.raises(PriceChanged):
        source.place(order_of(source, [sku], "HP-dear", Decimal("0.01")))
    assert orders_under(stage, stand, "HP-dear") == []


@pytest.mark.parametrize("mode", ["lost", "html_after", "empty_after"])
def test_a_timeout_after_success_never_doubles_an_order(
    source: Any, stand: Stand, stage: Stage, mode: str
) -> None:
    sku = _selling(source, stand, stage)
    order = order_of(source, [sku], f"HP-{mode}", Decimal(100_000))
    for turn in count():
        stage.fault(stand.platform, mode, skip=turn)
        try:
            source.place(order)
        except OutcomeUnknown:
            break
        except TryLater:
            stage.calm()
            continue
        stage.calm()
        if turn > 12:
            pytest.skip(f"{stand} never left us in doubt")
        with contextlib.suppress(TryLater):  # some platforms want a hold to rest a while
            source.cancel(order.our_ref, "again")
        order = order_of(source, [sku], f"HP-{mode}-{turn}", Decimal(100_000))
    found = source.find(order.our_ref) or source.place(order)
    if found.held and isinstance(source, trading.Confirms):
        source.confirm(order.our_ref)
    assert len(orders_under(stage, stand, order.our_ref)) == 1


def test_a_held_purchase_is_confirmed_once_however_often_it_is_told(
    source: Any, stand: Stand, stage: Stage
) -> None:
    sku = _selling(source, stand, stage)
    if not isinstance(source, trading.Confirms):
        pytest.skip(f"{stand} holds nothing")
    placed = source.place(order_of(source, [sku], "HP-hold", Decimal(100_000)))
    assert placed.held
    assert not source.confirm("HP-hold").held
    assert not source.confirm("HP-hold").held
    found = source.find("HP-hold")
    assert found is not None
    assert not found.held
    progress = source.track("HP-hold")
    assert set(progress.refs) == set(placed.external_refs)
    assert {sku for part in progress.parts for sku, _ in part.lines} == {sku}


def test_a_quote_speaks_of_every_line(source: Any, stand: Stand, stage: Stage) -> None:
    if not isinstance(source, trading.Quotes):
        pytest.skip(f"{stand} quotes nothing")
    sku = some(source, stand, stage, 1)[0]
    said = source.quote([OrderLine(sku, 1, Decimal(100_000))], TO)
    assert [line.external_id for line in said.lines] == [sku]
    assert said.sellable
    assert said.lines[0].price is not None
    assert said.freight is None or said.freight >= 0


def test_commissions_are_read_to_now_and_links_name_their_leader(
    source: Any, stand: Stand, stage: Stage
) -> None:
    if not isinstance(source, trading.Promotes):
        pytest.skip(f"{stand} pays no commissions")
    since: Any = None
    for _ in range(500):
        read = source.commissions(since)
        since = json.loads(json.dumps(read.cursor))
        if not read.more:
            break
    else:
        pytest.fail("the rows never end")
    assert source.link(some(source, stand, stage, 1)[0], "L7").url.startswith("http")


def test_a_source_alone_needs_nobody(stand: Stand, stage: Stage, tmp_path: Any) -> None:
    source = open_source("alone", stand.config(stage, tmp_path))
    assert source.code == "alone"
