"""Leaders see pictures under names of ours: fetched once through the wall, drawn anew, kept."""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import text

from api import pictures
from catalog import media
from connectors import fetch, hosts
from kit import clock
from kit.settings import MediaSettings
from sync import gallery
from tests.api.shop import HOME, Shop
from tests.far_servers import Web, web_server
from tests.stage import Stage

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def jpeg(size: tuple[int, int] = (60, 40)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "green").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "FIRST_PAUSE", 0)
    monkeypatch.setattr(pictures, "PATIENCE", 0)


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as running:
        yield running


def listed(shop: Shop, *images: str, description: str | None = None) -> tuple[str, str]:
    """Goods with these pictures, indexed; the ids of product and SKU."""
    goods = shop.offer()
    with shop.db.as_system() as session:
        session.execute(
            text(
                "UPDATE products SET description = :told,"
                " images = to_jsonb(CAST(:images AS text[]))"
                " WHERE id = (SELECT product_id FROM skus WHERE id = :sku)"
            ),
            {"images": list(images), "told": description, "sku": goods.sku_id},
        )
    shop.index()
    return shop.got("leader", "/v1/products")["items"][0]["id"], goods.sku


def drain(shop: Shop, *inside: str) -> int:
    """Fetch what is wanted; `inside` are hosts of ours that may be asked."""
    rules = gallery.rules(MediaSettings(max_bytes=100_000, private_hosts=list(inside)))
    return gallery.drain(shop.db, rules, clock.now() + timedelta(seconds=20))


def road(shop: Shop, *images: str) -> str:
    """Where the first picture of goods with these is shown."""
    product, _ = listed(shop, *images)
    return str(shop.got("leader", f"/v1/products/{product}")["images"][0])


def test_a_leader_sees_no_address_but_ours(shop: Shop, web: Web) -> None:
    told = f"""<style>b{{background:url({web.url}/s.png)}}</style><p>好茶</p>
        <a href="//item.jd.com/1">去京东 item.jd.com/1.html 看</a>
        <img src="x.gif" data-lazyload="{web.url}/detail.jpg">
        <img src=x onerror=alert(1)><script>alert(1)</script>"""
    product, sku = listed(shop, f"{web.url}/a.jpg", "//img.jd.example/b.jpg", description=told)
    shop.ask("leader", "PUT", f"/v1/selections/{sku}", json={"markup_percent": "20"})
    quoted = {"lines": [{"sku": sku, "quantity": 1}], "ship_to": HOME}
    page = shop.got("leader", f"/v1/products/{product}")
    answers = [
        shop.got("leader", "/v1/products"),
        page,
        shop.got("leader", "/v1/selections"),
        shop.got("brand", f"/v1/products/{product}"),
        shop.said("leader", "/v1/skus/lookup", {"skus": [sku]}, 200),
        shop.said("leader", "/v1/quotes", quoted),
    ]
    for answer in answers:
        for word in ("http", "127.0.0.1", "jd.", "a.jpg", "alert", "onerror", "originals"):
            assert word not in str(answer), word
    assert len(page["images"]) == 2
    assert answers[0]["items"][0]["images"] == answers[2]["items"][0]["images"] == page["images"]
    assert page["description"].startswith('<p>好茶</p>\n<img src="/media/')
    web.file("/detail.jpg", jpeg(), Content_Type="image/jpeg")
    inner = page["description"].split('"')[1]
    assert shop.client.get(inner).status_code == 503
    drain(shop, web.host)
    assert shop.client.get(inner).status_code == 200


def test_only_whoever_may_know_sources_learns_where_pictures_lie(shop: Shop) -> None:
    product, _ = listed(shop, "https://img.example/a.jpg", description="<b>http://x.example</b>")
    for role in ("operator", "buyer"):
        page = shop.got(role, f"/v1/products/{product}")
        assert page["originals"] == ["https://img.example/a.jpg"]
        assert page["images"][0].startswith("/media/")
        assert page["description"] == "<b>http://x.example</b>"
    for name in ("x", "0" * 32, f"{'0' * 32}-{product}", f"{'a' * 32}-prd_mUk5Z1", "..%2f..%2fetc"):
        answer = shop.client.get(f"/media/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_picture_is_fetched_once_at_the_first_look_and_kept_by_caches(
    shop: Shop, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "CHUNK", 1000)  # it is kept, and comes, in parts
    web.file("/a.jpg", jpeg((2400, 1800)), Content_Type="image/jpeg")
    path = road(shop, f"{web.url}/a.jpg")
    first = shop.client.get(path)
    assert (first.status_code, first.json()["code"]) == (503, "media_pending")
    assert int(first.headers["retry-after"]) > 0
    assert drain(shop, web.host) == 1
    found = shop.client.get(path)  # without a token
    assert found.status_code == 200
    assert found.headers["content-type"] == "image/jpeg"
    assert "immutable" in found.headers["cache-control"]
    assert found.headers["x-content-type-options"] == "nosniff"
    assert Image.open(io.BytesIO(found.content)).size == (1600, 1200)
    again = shop.client.get(path, headers={"If-None-Match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert drain(shop, web.host) == 0
    assert len(web.seen) == 1


HOSTILE: dict[str, dict[str, Any]] = {
    "svg": {"content": SVG, "Content_Type": "image/svg+xml"},
    "svg in disguise": {"content": SVG, "Content_Type": "image/jpeg"},
    "page": {"content": b"<html>", "Content_Type": "text/html"},
    "picture as page": {"content": jpeg(), "Content_Type": "text/html"},
    "huge": {"content": jpeg() + bytes(200_000), "Content_Type": "image/jpeg"},
    "loopback": {"content": b"", "status": 302, "Location": "http://127.0.0.1:1/x.jpg"},
    "gone": {"content": b"", "status": 404},
}


def test_what_is_no_picture_is_never_shown(
    shop: Shop, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, how in enumerate(HOSTILE.values()):
        web.file(f"/{number}.jpg", **how)
    addresses = [f"{web.url}/{number}.jpg" for number in range(len(HOSTILE))]
    product, _ = listed(shop, *addresses, f"http://127.0.0.1:{web.port + 1}/inside.jpg")
    images = shop.got("leader", f"/v1/products/{product}")["images"]
    roads = dict(zip([*HOSTILE, "inside our network"], images, strict=True))
    for path in roads.values():
        shop.client.get(path)
    real = hosts.checked  # only the far server itself counts as public
    monkeypatch.setattr(
        hosts, "checked", lambda host, port, **_: real(host, port, allow_private=port == web.port)
    )
    assert drain(shop) == len(roads)
    for what, path in roads.items():
        answer = shop.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "media_unavailable"), what
        assert answer.headers["content-type"] == "application/problem+json"
    seen = len(web.seen)
    assert drain(shop) == 0  # remembered
    assert len(web.seen) == seen


def test_a_host_that_is_away_is_asked_so_often_and_no_more(shop: Shop, web: Web) -> None:
    web.file("/a.jpg", b"", 503)
    path = road(shop, f"{web.url}/a.jpg")
    shop.client.get(path)
    for _ in range(media.TRIES):
        assert drain(shop, web.host) == 1
        assert drain(shop, web.host) == 0  # not before its pause is over
        with shop.db.as_system() as session:
            session.execute(text("UPDATE media SET due_at = now()"))
    assert drain(shop, web.host) == 0
    web.file("/a.jpg", jpeg(), Content_Type="image/jpeg")
    assert shop.client.get(path).status_code == 404
    with shop.db.as_system() as session:  # a day later
        assert media.prune(session, clock.now(), timedelta(days=30), 10) == 1
    assert shop.client.get(path).status_code == 503
    drain(shop, web.host)
    assert shop.client.get(path).status_code == 200


def test_a_picture_nobody_looks_at_is_forgotten(shop: Shop, web: Web) -> None:
    web.file("/a.jpg", jpeg(), Content_Type="image/jpeg")
    path = road(shop, f"{web.url}/a.jpg")
    shop.client.get(path)
    drain(shop, web.host)
    with shop.db.as_system() as session:
        session.execute(text("UPDATE media SET used_at = now() - interval '20 days'"))
    assert shop.client.get(path).status_code == 200  # which is a look
    with shop.db.as_system() as session:
        assert media.prune(session, clock.now(), timedelta(days=10), 10) == 0
        assert media.prune(session, clock.now() + timedelta(days=11), timedelta(days=10), 10) == 1
        assert session.scalar(text("SELECT count(*) FROM media_chunks")) == 0


def test_readers_wait_for_a_picture_that_is_on_its_way(
    shop: Shop, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{stage.url}/pictures/jd/goods/0/0.jpg"
    assert b"sandbox" in httpx.get(address, trust_env=False).content  # its camera's note
    path = road(shop, address)
    monkeypatch.setattr(pictures, "PATIENCE", 20)
    monkeypatch.setattr(pictures, "LOOK", 0.01)
    real = media.find

    def found(session: Any, hash_: bytes) -> Any:  # the worker comes while the reader waits
        row = real(session, hash_)
        if row is not None and row.state == "wanted" and row.tries == 0:
            drain(shop, stage.url.removeprefix("http://"))
        return row

    monkeypatch.setattr(media, "find", found)
    shown = shop.client.get(path)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert b"sandbox" not in shown.content
