"""A leader's sharing kit and poster: her price inside its corridor, our own pictures, her page."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import segno
from PIL import Image
from sqlalchemy import text

from api import pictures
from connectors import fetch
from kit import clock
from kit.settings import MediaSettings
from sync import gallery
from tests.api.shop import COST, SELLER, SOURCE, Shop
from tests.far_servers import Web, web_server
from tests.trade.market import Goods
from trade.settling import typeface
from trade.sharing import posters, typesetting
from trade.sharing.posters import Poster

LONG = "新疆阿克苏冰糖心苹果（净重 5 斤装，果径 80-85mm）产地直发、坏果包赔，" * 6
needs_font = pytest.mark.skipif(not typeface.FILE.is_file(), reason="make extras was not run")


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as running:
        yield running


def picked(shop: Shop, retail: str = "12.80", **product: Any) -> Goods:
    """Goods that the leader sells at this price, on a product that says so much."""
    goods = shop.offer()
    with shop.db.as_system() as session:
        for name, value in product.items():
            session.execute(
                text(
                    f"UPDATE products SET {name} = :value"  # noqa: S608 - a test's own column
                    " WHERE id = (SELECT product_id FROM skus WHERE id = :sku)"
                ),
                {"value": value, "sku": goods.sku_id},
            )
        session.execute(
            text('UPDATE skus SET attributes = \'{"规格": "500g", "店": "item.jd.com"}\''),
        )
    answer = shop.ask("leader", "PUT", f"/v1/selections/{goods.sku}", json={"retail_price": retail})
    assert answer.status_code == 200, answer.text
    return goods


def kit_of(shop: Shop, goods: Goods) -> Any:
    return shop.got("leader", f"/v1/selections/{goods.sku}/kit")


def poster_of(shop: Shop, goods: Goods, **headers: str) -> Any:
    token = shop.headers("leader", **headers)
    return shop.client.get(f"/v1/selections/{goods.sku}/poster.png", headers=token)


def colours(content: bytes) -> set[Any]:
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("PNG", (750, 1334))
        return {colour for _, colour in image.convert("RGB").getcolors(2**20) or ()}


def pixels(content: bytes, colour: tuple[int, int, int]) -> int:
    with Image.open(io.BytesIO(content)) as image:
        return sum(n for n, one in image.getcolors(2**20) or () if one == colour)


def test_a_kit_says_what_the_page_says_at_the_leaders_price(shop: Shop) -> None:
    told = '<p>好茶</p><img src="https://img.jd.example/detail.jpg">'
    images = '["https://img.jd.example/a.jpg"]'
    goods = picked(shop, brand="闽茶", images=images, description=told)
    kit = kit_of(shop, goods)
    assert kit["title"].startswith("茉莉花茶")
    assert kit["points"][:2] == ["品牌：闽茶", "规格：500g"]
    assert (kit["price"], kit["withheld"], kit["link"]) == ("12.80", None, None)
    assert kit["title"] in kit["text"]
    assert "¥12.80" in kit["text"]
    assert len(kit["images"]) == len(kit["materials"]) == 1
    assert all(road.startswith("/media/") for road in kit["images"] + kit["materials"])
    for word in ("jd.", SOURCE, SELLER, COST, "8.5555"):
        assert word not in str(kit), word
    assert shop.ask("other", "GET", f"/v1/selections/{goods.sku}/kit").status_code == 404
    assert shop.ask("other", "GET", f"/v1/selections/{goods.sku}/poster.png").status_code == 404


def test_the_link_leads_to_the_leaders_own_open_page_and_both_name_one_price(shop: Shop) -> None:
    goods = picked(shop)
    share = {"skus": [goods.sku], "retail_price": "15.00", "commission_ppm": 100_000}
    code = shop.said("leader", "/v1/shares", share)["code"]
    kit = kit_of(shop, goods)
    assert kit["link"].endswith(f"/s/{code}")
    assert kit["link"] in kit["text"]
    assert kit["price"] == "15.00"
    page = shop.client.get(kit["link"])
    assert "¥15.00" in page.text
    own = shop.said("leader", "/v1/shares", share | {"retail_price": "12.80"})["code"]
    shop.said("leader", "/v1/shares", share)
    assert kit_of(shop, goods)["link"].endswith(f"/s/{own}")
    for one in shop.got("leader", "/v1/shares")["items"]:
        assert shop.ask("leader", "DELETE", f"/v1/shares/{one['code']}").status_code == 204
    assert kit_of(shop, goods)["link"] is None


@needs_font
def test_a_price_outside_its_corridor_is_neither_told_nor_printed(shop: Shop) -> None:
    goods = picked(shop)
    before = poster_of(shop, goods)
    policy = {"sku": goods.sku, "min_retail": "20.00"}
    assert shop.ask("brand", "PUT", "/v1/price-policies/p", json=policy).status_code == 200
    kit = kit_of(shop, goods)
    assert kit["price"] is None
    assert "20.00" in kit["withheld"]
    assert "12.8" not in kit["text"]
    after = poster_of(shop, goods)
    assert (before.status_code, after.status_code) == (200, 200)
    red = (214, 40, 40)  # of the price, and of no picture: there is none
    assert pixels(before.content, red) > pixels(after.content, red) + 1000


@needs_font
def test_the_same_poster_is_the_same_file(
    shop: Shop, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "PATIENCE", 0)
    monkeypatch.setattr(fetch, "FIRST_PAUSE", 0)
    out = io.BytesIO()
    Image.new("RGB", (300, 300), (10, 200, 30)).save(out, "JPEG")
    web.file("/a.jpg", out.getvalue(), Content_Type="image/jpeg")
    goods = picked(shop, images=f'["http://127.0.0.1:1/gone.jpg", "{web.url}/a.jpg"]')
    assert poster_of(shop, goods).json()["code"] == "media_pending"
    rules = gallery.rules(MediaSettings(private_hosts=[web.host]))
    gallery.drain(shop.db, rules, clock.now() + timedelta(seconds=20))
    assert poster_of(shop, goods).json()["code"] == "media_pending"  # the second one
    gallery.drain(shop.db, rules, clock.now() + timedelta(seconds=20))
    first = poster_of(shop, goods)
    assert first.headers["content-type"] == "image/png"
    assert any(abs(red - 10) + abs(green - 200) < 8 for red, green, _ in colours(first.content))
    posters.drawn.cache_clear()
    assert poster_of(shop, goods).content == first.content
    again = poster_of(shop, goods, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@needs_font
def test_titles_of_any_length_and_emoji_are_drawn_without_holes() -> None:
    for title in (LONG, "", "x" * 300):
        poster = Poster("👩‍🌾 李姐", title, ("规格：5斤",) * 8, "9999999.99", None)
        assert colours(posters.drawn(poster, None))
    assert typesetting.plain("🔥爆款👩‍🌾 苹果🍎", typeface.drawable) == "爆款 苹果"
    assert typesetting.plain("张\U00020bb7", typeface.drawable) == "张〓"


def test_lines_keep_to_their_width_and_begin_with_no_closing_mark() -> None:
    def wide(said: str) -> float:
        return sum(1 if ord(char) < 128 else 2 for char in said)

    for width in range(8, 40):
        told = typesetting.lines(LONG, wide, width, 4)
        assert len(told) == 4
        assert told[-1].endswith("…")
        assert all(wide(line) <= width for line in told)
        assert all(line[0] not in "，、）" for line in told)
    whole = typesetting.lines("果径 80-85mm 的苹果", wide, 11, 9)
    assert whole == ["果径", "80-85mm 的", "苹果"]
    assert typesetting.lines("  ", wide, 10, 2) == []


def test_without_the_typeface_a_poster_is_refused_and_says_what_to_do(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    goods = picked(shop)
    monkeypatch.setattr(typeface, "FILE", tmp_path / "none.ttf")
    posters.drawn.cache_clear()
    answer = poster_of(shop, goods)
    assert (answer.status_code, answer.json()["code"]) == (503, "font_missing")
    assert "make extras" in answer.json()["detail"]


@needs_font
def test_the_code_on_a_poster_leads_to_the_link() -> None:
    """Its modules, read back from the picture, are those of the code of the link."""
    link = "https://shop.example.com/s/abcdefghjk"
    content = posters.drawn(Poster("王掌柜", "茶", (), "1.00", link), None)
    code = segno.make_qr(link, error="m")
    modules = code.symbol_size(border=0)[0]
    scale = posters._CODE // modules
    with Image.open(io.BytesIO(content)) as image:
        left = 750 - posters._MARGIN - modules * scale - 4 * scale
        top = posters._FOOT + (1334 - posters._FOOT) // 2 - modules * scale // 2
        read = [
            [
                image.getpixel((left + x * scale + scale // 2, top + y * scale + scale // 2))
                == (0, 0, 0)
                for x in range(modules)
            ]
            for y in range(modules)
        ]
    assert read == [[bool(dark) for dark in row] for row in code.matrix]
