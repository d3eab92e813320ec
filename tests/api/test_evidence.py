"""Evidence: drawn anew, sealed, seen by a claim's two sides and nobody else."""

import io
from datetime import timedelta

from PIL import Image
from sqlalchemy import select

from kit import clock
from tests.api.shop import Shop
from trade.after_sales import evidence
from trade.models import Evidence

PDF = b"%PDF-1.7 a letter with a head"


def jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "secret-phone"
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "green").save(out, "JPEG", exif=exif)
    return out.getvalue()


def handed_in(shop: Shop, who: str, content: bytes, status: int = 201) -> str:
    answer = shop.ask(who, "POST", "/v1/evidence", files={"file": ("a.bin", content)})
    assert answer.status_code == status, answer.text
    return str(answer.json().get("id", answer.json().get("code")))


def seen(shop: Shop, who: str, item: str) -> int:
    return shop.ask(who, "GET", f"/v1/evidence/{item}").status_code


def test_both_sides_of_a_claim_see_its_pictures_and_nobody_else(shop: Shop) -> None:
    goods = shop.offer()
    order = shop.shipped(goods, 2)
    picture = handed_in(shop, "leader", jpeg())
    assert [seen(shop, who, picture) for who in ("leader", "brand", "other")] == [200, 404, 404]
    asked = {
        "kind": "refund",
        "lines": [{"sku": goods.sku, "quantity": 1}],
        "reason": "坏果",
        "evidence": [picture],
    }
    own = f"/v1/orders/{order['id']}/claims"
    claim = shop.said("leader", own, asked)["items"][0]
    assert claim["evidence"] == [{"by": "leader", "item": picture}]
    sides = ("leader", "brand", "operator", "other", "rival", "buyer")
    assert [seen(shop, who, picture) for who in sides] == [200, 200, 200, 404, 404, 404]
    shown = shop.ask("brand", "GET", f"/v1/evidence/{picture}")
    assert shown.headers["content-type"] == "image/jpeg"
    assert b"secret-phone" not in shown.content
    letter, photo = handed_in(shop, "brand", PDF), handed_in(shop, "brand", jpeg())
    answer = {"reason": "已签收", "evidence": [letter, photo]}
    assert shop.ask("leader", "POST", own, json=asked | {"evidence": [photo]}).status_code == 422
    shop.said("brand", f"/v1/claims/{claim['id']}/refuse", answer, 200)
    assert [seen(shop, "leader", one) for one in (letter, photo)] == [404, 200]
    assert [seen(shop, "operator", one) for one in (letter, photo)] == [200, 200]


def test_what_is_no_picture_is_refused_and_what_nobody_names_is_forgotten(shop: Shop) -> None:
    for content in (b"<svg><script/></svg>", b"<html>", jpeg()[:200]):
        assert handed_in(shop, "leader", content, 422) == "invalid"
    item = handed_in(shop, "leader", jpeg())
    with shop.db.as_system() as session:
        kept = session.scalars(select(Evidence)).one()
        assert not kept.content.startswith(b"\xff\xd8")  # sealed
        assert evidence.prune(session, clock.now()) == 0
        assert evidence.prune(session, clock.now() + timedelta(days=1, hours=1)) == 1
    assert seen(shop, "leader", item) == 404
