"""Every registered kind in front of what it reads: a folder of files, or the sandbox.

A new kind needs a stand here; the suite itself knows no platform.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.model import ShipTo, Watched
from sandbox.ali1688 import platform as ali
from sandbox.jd.gate import APPS, PASSWORD, USER
from sandbox.top import platform as top
from sandbox.top.alliance import ADZONE
from tests.stage import Stage

Config = Callable[[Stage, Path], dict[str, Any]]
Watching = Callable[[Stage], list[Watched]]

TO = ShipTo("周某某", "13900000000", "440305", "粤海街道科苑路 15 号")
SHEET = "货号,品名,供货价,库存\n0007,壶,88.00,9\nA1,盏,12.80,\nA2,盘,7.5,0\n"


@dataclass(frozen=True)
class Stand:
    """How one kind is opened. `platform` is its mount in the sandbox, "" where there is none.

    `watched` is what a source without a listing follows. `orders_at_platform`: what it is asked to
    sell becomes an order over there, which the sandbox can show.
    """

    kind: str
    config: Config
    platform: str = ""
    label: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    watched: Watching | None = None
    orders_at_platform: bool = False
    submit: str = "*"

    def __str__(self) -> str:
        return self.label or self.kind


def _feed(_: Stage, folder: Path) -> dict[str, Any]:
    (folder / "list.csv").write_text(SHEET)
    return {"kind": "feed", "location": str(folder / "list.csv"), "password": "env:S_FEED"}


def _vop(protocol: str) -> Config:
    def config(stage: Stage, _: Path) -> dict[str, Any]:
        address = f"{stage.url}/jd"
        return {
            "kind": "jd_vop",
            "protocol": protocol,
            "base_url": address if protocol == "classic" else f"{address}/routerjson",
            "oauth_url": address,
            "redirect_uri": "https://example.com/back",
            "client_id": "env:S_JD_ID",
            "client_secret": "env:S_JD_SECRET",
            "username": "env:S_JD_USER",
            "password": "env:S_JD_PASSWORD",
            "calls_per_second": 5000,
            "sku_batch": 10,
            "page_size": 20,
        }

    return config


def _union(stage: Stage, _: Path) -> dict[str, Any]:
    return {
        "kind": "jd_union",
        "base_url": f"{stage.url}/jd/routerjson",
        "app_key": "env:S_UNION_KEY",
        "app_secret": "env:S_UNION_SECRET",
        "site_id": "435676",
        "calls_per_second": 5000,
        "history": "2h",
    }


def _top(kind: str, **more: Any) -> Config:
    def config(stage: Stage, _: Path) -> dict[str, Any]:
        return {
            "kind": kind,
            "base_url": f"{stage.url}/top/router/rest",
            "app_key": top.APP_KEY,
            "app_secret": "env:S_TOP_SECRET",
            "session": "env:S_TOP_SESSION",
            "calls_per_second": 5000,
            **more,
        }

    return config


def _ali(stage: Stage, _: Path) -> dict[str, Any]:
    return {
        "kind": "ali1688",
        "base_url": f"{stage.url}/ali1688/openapi",
        "app_key": ali.APP_KEY,
        "app_secret": "env:S_ALI_SECRET",
        "access_token": "env:S_ALI_TOKEN",
        "refresh_token": "env:S_ALI_REFRESH",
        "calls_per_second": 5000,
    }


def _site(stage: Stage, folder: Path) -> dict[str, Any]:
    return {
        "kind": "site",
        "start_urls": [f"{stage.url}/shop/c/1"],
        "spider": "listing",
        "item": ".card",
        "next": "a.next::attr(href)",
        "fields": {"sku": "::attr(data-sku)", "title": "h3::text", "price": ".price::text"},
        "allow_http": True,
        "allow_private_hosts": True,
        "delay": 0,
        "cache": False,
    }


def _offers(stage: Stage) -> list[Watched]:
    known = stage.act("ali1688", "offers", limit=12)
    return [Watched("id", str(offer["offer"])) for offer in known]


def _words(*words: str) -> Watching:
    return lambda _: [Watched("query", each, pages=2) for each in words]


VOP_ID, VOP_SECRET = next(iter(APPS.items()))
JD = {
    "S_JD_ID": VOP_ID,
    "S_JD_SECRET": VOP_SECRET,
    "S_JD_USER": USER,
    "S_JD_PASSWORD": PASSWORD,
}
UNION = {"S_UNION_KEY": "TESTKEY001", "S_UNION_SECRET": APPS["TESTKEY001"]}
TOP = {"S_TOP_SECRET": top.SECRET, "S_TOP_SESSION": top.SESSION}
ALI = {"S_ALI_SECRET": ali.APP_SECRET, "S_ALI_TOKEN": ali.TOKEN, "S_ALI_REFRESH": ali.REFRESH}

STANDS = [
    Stand("feed", _feed, secrets={"S_FEED": "hunter2-feed"}),
    *(
        Stand(
            "jd_vop",
            _vop(protocol),
            "jd",
            f"jd_vop-{protocol}",
            JD,
            orders_at_platform=True,
            submit="*submitOrder",
        )
        for protocol in ("classic", "router")
    ),
    Stand("jd_union", _union, "jd", secrets=UNION, watched=_words("炒锅", '{"eliteId": 22}')),
    Stand("taobao_fenxiao", _top("taobao_fenxiao"), "top", secrets=TOP),
    Stand("taobao_shop", _top("taobao_shop", lower_stock=False), "top", secrets=TOP),
    Stand(
        "taobao_tbk",
        _top("taobao_tbk", adzone_id=f"mm_1_2_{ADZONE}", report_days=1),
        "top",
        secrets=TOP,
        watched=_words("炒锅"),
    ),
    Stand("site", _site),
    Stand(
        "ali1688",
        _ali,
        "ali1688",
        secrets=ALI,
        watched=_offers,
        orders_at_platform=True,
        submit="*[oO]rder*",
    ),
]
