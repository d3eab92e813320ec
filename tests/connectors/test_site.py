"""A supplier's site against the sandbox's shop: crawled politely, and believed only when whole."""

import os
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.settings import Settings

from connectors.errors import Refused, SupplierError, TryLater, Unreadable
from connectors.model import Listing, Lists, OrderLine, PurchaseOrder, Sells, ShipTo
from connectors.registry import open_source, read_settings
from connectors.site.settings import SiteSettings
from connectors.site.source import SiteSource
from connectors.site.wall import ALLOW_PRIVATE, DOMAINS, SCHEMES, Gate
from connectors.surroundings import Surroundings
from connectors.tokens import Tokens
from kit.crypto import Keyring, new_key
from kit.db import Database
from kit.settings import SettingsError
from tests.stage import Stage

NAME = "shop"
Open = Callable[..., SiteSource]

LISTING = {
    "spider": "listing",
    "item": ".card",
    "next": "a.next::attr(href)",
    "fields": {
        "sku": "::attr(data-sku)",
        "title": "h3::text",
        "price": ".price::text",
        "images": "img::attr(src)",
    },
}


@pytest.fixture
def shop(stage: Stage, tmp_path: Path) -> Open:
    """Opens the shop of 24 goods in a hurry; politeness is tested by itself."""
    stage.reset(seed="huopan", size=24)

    def make(around: Surroundings | None = None, **config: Any) -> SiteSource:
        whole = {
            "kind": "site",
            "start_urls": [f"{stage.url}/shop/"],
            "allow_http": True,
            "allow_private_hosts": True,
            "delay": 0,
            "concurrency": 8,
            "retries": 1,
            "cache_dir": str(tmp_path / "cache"),
        }
        source = open_source("outlet", whole | config, around)
        assert isinstance(source, SiteSource)
        return source

    return make


def read(listing: Listing) -> dict[str, dict[str, Any]]:
    found = {}
    for page in listing.pages:
        assert page.rejects == []
        for row in page.rows.to_dicts():
            found[row["external_id"]] = row
    return found


def truth(stage: Stage) -> dict[str, dict[str, Any]]:
    return {one["sku"]: one for one in stage.act(NAME, "goods")}


def paths(stage: Stage, what: str) -> int:
    return sum(one["call"] == what for one in stage.calls(NAME))


@pytest.mark.parametrize("spider", ["jsonld", "sitemap"])
def test_marked_up_goods_are_read_as_they_are(stage: Stage, shop: Open, spider: str) -> None:
    start = "/shop/" if spider == "jsonld" else "/shop/sitemap.xml"
    source = shop(spider=spider, start_urls=[f"{stage.url}{start}"], product_urls=r"/p/\d+$")
    listing = source.items()
    found, told = read(listing), truth(stage)
    assert listing.complete
    assert listing.notes["crawl"]["reason"] == "finished"
    assert found.keys() == told.keys()
    for name, row in found.items():
        one = told[name]
        assert (row["title"], row["brand"]) == (one["title"], one["brand"])
        assert row["gtin"] == f"0{one['gtin']}"
        assert row["dropship_price"] == Decimal(one["price"]) / 100
        assert row["stock_state"] == ("in_stock" if one["stock"] else "out")
        assert row["stock_quantity"] in (None, 0)
    assert "PRIVATE" not in found


def test_lists_are_read_by_css_page_after_page(stage: Stage, shop: Open) -> None:
    found = read(shop(**LISTING, start_urls=[f"{stage.url}/shop/c/1"]).items())
    assert len(found) == 24
    assert paths(stage, "c") == 2
    assert paths(stage, "p") == 0
    told = truth(stage)
    for name, row in found.items():
        assert row["dropship_price"] == Decimal(told[name]["price"]) / 100
        assert f"{stage.url}/shop/img/" in row["images"]


def test_a_crawl_is_measured_by_what_it_holds_and_not_by_who_started_it(
    stage: Stage, shop: Open
) -> None:
    bytearray(b"x" * 400_000_000)  # this process was large once
    start = [f"{stage.url}/shop/c/1"]
    assert len(read(shop(**LISTING, start_urls=start, max_megabytes=300).items())) == 24


def test_a_spider_of_ones_own_is_taken_by_its_name(stage: Stage, shop: Open) -> None:
    modules = ["tests.connectors.shop_spiders"]
    source = shop(spider="own", spider_modules=modules, start_urls=[f"{stage.url}/shop/c/1"])
    assert len(read(source.items())) == 12
    with pytest.raises(Unreadable):
        shop(spider="nobody", spider_modules=modules).items()


def test_robots_txt_is_kept_unless_told_otherwise(stage: Stage, shop: Open) -> None:
    assert "PRIVATE" not in read(shop().items())
    assert paths(stage, "private") == 0
    listing = shop(obey_robots=False, product_urls="/p/").items()
    read(listing)
    assert paths(stage, "private") == 1
    stage.act(NAME, "forbid")
    with pytest.raises(Refused) as caught:
        shop().items()
    assert caught.value.code == "robots"


def test_pages_are_asked_for_one_after_another_with_a_delay(stage: Stage, shop: Open) -> None:
    stage.reset(seed="huopan", size=4)
    polite = SiteSettings.model_fields
    assert (polite["delay"].default, polite["obey_robots"].default) == (1.0, True)
    assert (polite["concurrency"].default, polite["cache"].default) == (1, True)
    read(shop(delay=0.2, concurrency=1, start_urls=[f"{stage.url}/shop/c/1"]).items())
    times = [one["at"] for one in stage.calls(NAME) if one["call"] == "p"]
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.09


def test_pages_are_kept_as_long_as_the_site_allows(stage: Stage, shop: Open) -> None:
    source = shop()
    first = read(source.items())
    asked = paths(stage, "p")
    assert read(source.items()).keys() == first.keys()
    assert paths(stage, "p") == asked
    read(shop(cache=False).items())
    assert paths(stage, "p") == 2 * asked


def test_pages_without_goods_are_a_failure_and_not_an_empty_shop(stage: Stage, shop: Open) -> None:
    stage.act(NAME, "layout", bare=True)
    with pytest.raises(Unreadable) as caught:
        shop(cache=False).items()
    assert caught.value.code == "too-few-rows"


def test_fewer_rows_than_usual_are_a_failure(stage: Stage, shop: Open, database: Database) -> None:
    around = Surroundings(tokens=Tokens(database, Keyring.from_text(new_key(), [])))
    usual = len(read(shop(around, cache=False).items()))
    stage.act(NAME, "hide", share=0.9)
    fewer = len(read(shop(around, cache=False).items()))
    assert fewer < usual
    stage.act(NAME, "hide", share=0.4)
    with pytest.raises(Unreadable) as caught:
        shop(around, cache=False).items()
    assert f"usually {fewer}" in caught.value.message
    assert read(shop(around, cache=False, least_share=0.1).items())


def test_a_site_that_is_away_is_for_later(stage: Stage, shop: Open) -> None:
    stage.fault(NAME, "status", times=0)
    with pytest.raises(TryLater):
        shop(cache=False).items()
    with pytest.raises(TryLater):
        shop(cache=False, start_urls=["http://127.0.0.1:9/"]).items()


@pytest.mark.parametrize("mode", ["status", "drop"])
def test_lost_pages_leave_the_listing_incomplete(stage: Stage, shop: Open, mode: str) -> None:
    stage.fault(NAME, mode, "p", times=4)
    listing = shop(cache=False, concurrency=1, retries=0).items()
    found = read(listing)
    assert listing.complete is False
    assert listing.notes["crawl"]["lost"] >= 1
    assert 0 < len(found) < len(truth(stage))


def test_a_crawl_that_reached_a_limit_is_not_complete(stage: Stage, shop: Open) -> None:
    listing = shop(cache=False, max_pages=10, concurrency=1).items()
    assert len(read(listing)) < len(truth(stage))
    assert listing.complete is False
    assert listing.notes["crawl"]["reason"] == "closespider_pagecount"


def test_a_page_that_is_too_large_is_left_out(stage: Stage, shop: Open) -> None:
    stage.act(NAME, "page", path="/p/0", body="<p>" + "x" * 200_000)
    listing = shop(cache=False, max_page_bytes=100_000).items()
    found = read(listing)
    assert 0 < len(found) < len(truth(stage))
    assert listing.complete is False


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_private_machine_is_reached(stage: Stage, shop: Open, host: str) -> None:
    start = stage.url.replace("127.0.0.1", host) + "/shop/p/1"
    with pytest.raises(Refused) as caught:
        shop(allow_private_hosts=False, start_urls=[start]).items()
    assert caught.value.code == "private-host"
    assert stage.calls(NAME) == []


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://169.254.169.254/x", "http://[::1]/"])
def test_a_redirect_is_looked_at_as_its_first_address_was(url: str) -> None:
    settings = Settings(
        {ALLOW_PRIVATE: False, SCHEMES: ["http"], DOMAINS: [urlsplit(url).hostname]}
    )
    gate = Gate(SimpleNamespace(settings=settings))  # type: ignore[arg-type]
    with pytest.raises(IgnoreRequest):
        gate.process_request(Request(url))


def test_another_scheme_is_not_fetched(stage: Stage, shop: Open) -> None:
    stage.act(NAME, "redirect", to="ftp://127.0.0.1/x")
    with pytest.raises(SupplierError):
        shop(cache=False, start_urls=[f"{stage.url}/shop/p/1"]).items()
    with pytest.raises(SettingsError):
        shop(allow_http=False)


def test_a_redirect_off_the_site_is_not_followed(stage: Stage, shop: Open) -> None:
    stage.act(NAME, "redirect", to=stage.url.replace("127.0.0.1", "localhost") + "/shop/private/x")
    with pytest.raises(Refused) as caught:
        shop(cache=False, obey_robots=False, start_urls=[f"{stage.url}/shop/p/1"]).items()
    assert caught.value.code == "offsite"
    assert paths(stage, "private") == 0


def test_a_crawl_knows_none_of_the_houses_secrets(
    stage: Stage, shop: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JD_CLIENT_SECRET", "hunter2")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    spider = tmp_path / "nosy.py"
    spider.write_text(
        "import os, scrapy\n"
        "class Nosy(scrapy.Spider):\n"
        "    name = 'nosy'\n"
        "    def parse(self, response):\n"
        "        yield {'sku': str('JD_CLIENT_SECRET' in os.environ), 'title': 'x', 'price': '1'}\n"
        "    async def start(self):\n"
        "        yield scrapy.Request(self.settings.getdict('HUOPAN_GIVEN')['start_urls'][0])\n"
    )
    monkeypatch.chdir(tmp_path)
    assert read(shop(spider="nosy", spider_modules=["nosy"]).items()).keys() == {"False"}


def test_hostile_titles_stay_text(stage: Stage, shop: Open) -> None:
    told = (
        '{"@type":"Product","sku":"X1","name":"<img src=x onerror=alert(1)>杯&lt;b&gt;",'
        '"offers":{"price":"9","priceCurrency":"CNY"}},'
    )
    abroad = told.replace("CNY", "USD").replace("X1", "X2")
    page = f'<script type="application/ld+json">[{told}{abroad}{{}}]</script>'
    stage.act(NAME, "page", path="/evil", body=page)
    listing = shop(cache=False, start_urls=[f"{stage.url}/shop/evil"]).items()
    (page_read,) = listing.pages
    assert page_read.rows["title"].to_list() == ["杯<b>"]
    assert [reject.value for reject in page_read.rejects] == ["9 USD"]


def test_no_crawl_leaves_a_process_or_a_folder_behind(
    stage: Stage, shop: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    listing = shop().items()
    read(listing)
    del listing
    assert [one for one in os.listdir(tmp_path) if one.startswith("huopan-")] == []


def test_it_lists_and_sells_at_our_own_door(shop: Open) -> None:
    source = shop(accept="manual")
    assert isinstance(source, Lists)
    assert isinstance(source, Sells)
    wanted = PurchaseOrder(
        "HP-1", (OrderLine("x", 1, Decimal(1)),), ShipTo("周", "13900000000", "440305", "路 1 号")
    )
    assert source.place(wanted).awaits_supplier
    assert source.find("HP-1") is None
    source.cancel("HP-1", "x")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"start_urls": []}, "sources.s.start_urls"),
        ({"start_urls": ["http://x.example.com"]}, "does not start with https://"),
        ({"spider": "listing"}, "needs item and fields"),
        ({"spider": "mine"}, "name spider_modules"),
        ({"fields": {"skuu": "a"}}, "skuu is none of the unified columns"),
    ],
)
def test_a_wrong_setting_names_itself(config: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings("s", {"kind": "site", "start_urls": ["https://x.example.com"]} | config)
    assert says in str(caught.value)
