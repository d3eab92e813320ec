"""A web shop: pages with JSON-LD and with microdata, lists, a sitemap, and a robots.txt.

Mounted at `/shop`; `/robots.txt` of the whole host is answered here too. Goods with an even number
are marked up in JSON-LD (every fourth of them as a group of variants), those with an odd one in
microdata. Deeds: `layout` {bare}: pages without any markup; `hide` {share}: only the first part of
the goods is listed; `redirect` {to}: every product page leads elsewhere; `forbid`: robots.txt
forbids everything; `page` {path, body}: a page with any content.
"""

import gzip
import html
import json
from collections.abc import Mapping
from typing import Any

from sandbox.faults import Fault
from sandbox.frame import Answer, Asked, Clock, Push
from sandbox.world import Listing, Sku, World

PAGE = 12
HTML = "text/html; charset=utf-8"


class Shop:
    """One supplier's site."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._bare = False
        self._share = 1.0
        self._to = ""
        self._forbid = False
        self._pages: dict[str, str] = {}

    def call_of(self, asked: Asked) -> str:
        """The first part of the path: p, c, sitemap.xml, …"""
        return asked.path.strip("/").partition("/")[0] or "home"

    def answer(self, asked: Asked) -> Answer:
        """A page."""
        parts = asked.path.strip("/").split("/")
        if asked.path in self._pages:
            return Answer(self._pages[asked.path].encode(), kind=HTML)
        match parts:
            case ["robots.txt"]:
                rules = "Disallow: /" if self._forbid else "Disallow: /shop/private/"
                return Answer(f"User-agent: *\n{rules}\n".encode(), kind="text/plain")
            case ["sitemap.xml"]:
                return Answer(self._sitemaps(asked), kind="application/xml")
            case ["goods.xml.gz"]:
                return Answer(gzip.compress(self._sitemap(asked)), kind="application/x-gzip")
            case [""]:
                links = "".join(f'<a href="/shop/c/{n}">{n}</a>' for n in range(1, 2))
                return self._html(f'{links}<a href="/shop/private/prices">x</a>')
            case ["c", number] if number.isdigit():
                return self._list(int(number))
            case ["p", number] if number.isdigit() and int(number) < self._shown:
                return self._product(int(number), asked)
            case ["private", *_]:
                return self._html(_ld({"@type": "Product", "name": "秘密", "sku": "PRIVATE"}))
        return Answer(b"<h1>404</h1>", 404, HTML)

    def refuse(self, asked: Asked, fault: Fault) -> Answer:
        """A shop that has had enough of us."""
        return Answer(b"<h1>429</h1>", 429, HTML)

    def orders(self) -> list[dict[str, Any]]:
        """A shop takes none of ours."""
        return []

    def outgoing(self) -> list[Push]:
        """It says nothing by itself."""
        return []

    def act(self, deed: str, args: Mapping[str, Any]) -> Any:
        """See above; `goods` is the truth about everything that is shown."""
        match deed:
            case "goods":
                return [self._truth(n, sku) for n in range(self._shown) for sku in self._of(n).skus]
            case "layout":
                self._bare = args["bare"]
            case "hide":
                self._share = args["share"]
            case "redirect":
                self._to = args["to"]
            case "forbid":
                self._forbid = True
            case "page":
                self._pages[args["path"]] = args["body"]
            case _:
                raise ValueError(f"there is no deed {deed}")
        return None

    @property
    def _shown(self) -> int:
        return int(self._world.size * self._share)

    def _of(self, number: int) -> Listing:
        return self._world.listing(number)

    def _truth(self, number: int, sku: Sku) -> dict[str, Any]:
        listing = self._of(number)
        return {
            "sku": sku.key,
            "title": listing.title,
            "brand": listing.brand,
            "gtin": sku.gtin,
            "price": self._world.price(sku),
            "stock": self._world.stock(sku),
        }

    def _html(self, body: str) -> Answer:
        page = f"<!DOCTYPE html><html><head><title>店</title></head><body>{body}</body></html>"
        return Answer(page.encode(), kind=HTML, headers={"cache-control": "max-age=60"})

    def _list(self, number: int) -> Answer:
        first = (number - 1) * PAGE
        cards = "".join(self._card(n) for n in range(first, min(first + PAGE, self._shown)))
        following = f'<a class="next" href="/shop/c/{number + 1}">下一页</a>'
        return self._html(cards + (following if first + PAGE < self._shown else ""))

    def _card(self, number: int) -> str:
        listing, sku = self._of(number), self._of(number).skus[0]
        return (
            f'<div class="card" data-sku="{sku.key}"><a href="/shop/p/{number}">'
            f"<h3>{html.escape(listing.title)}</h3></a>"
            f'<img src="/shop/img/{number}.jpg">'
            f"<span class=price>￥{self._world.price(sku) / 100:.2f}</span></div>"
        )

    def _product(self, number: int, asked: Asked) -> Answer:
        if self._to:
            return Answer(b"", 302, HTML, {"location": self._to})
        listing = self._of(number)
        home = '<a href="/shop/">首页</a>'
        if self._bare:
            return self._html(f"<h1>{listing.title}</h1>{home}")
        told = self._json_ld(listing) if number % 2 == 0 else self._microdata(listing)
        return self._html(told + home)

    def _json_ld(self, listing: Listing) -> str:
        if listing.index % 4:
            things = [self._thing(listing, sku) for sku in listing.skus]
            return _ld({"@context": "https://schema.org", "@graph": [{"@type": "WebPage"}, things]})
        group = {
            "@context": "https://schema.org/",
            "@type": "ProductGroup",
            "name": listing.title,
            "brand": {"@type": "Brand", "name": listing.brand},
            "productGroupID": f"G{listing.index}",
            "hasVariant": [
                {"@type": "Product", "color": next(iter(sku.spec.values())), **self._own(sku)}
                for sku in listing.skus
            ],
        }
        return _ld(group)

    def _thing(self, listing: Listing, sku: Sku) -> dict[str, Any]:
        return {
            "@type": ["Product"],
            "name": listing.title,
            "brand": listing.brand,
            "image": [f"https://img.example.com/{one}" for one in listing.images],
            **self._own(sku),
        }

    def _own(self, sku: Sku) -> dict[str, Any]:
        stock = self._world.stock(sku)
        offer = {
            "@type": "Offer",
            "price": self._world.price(sku) / 100,
            "priceCurrency": "CNY",
            "availability": f"https://schema.org/{'InStock' if stock else 'OutOfStock'}",
        }
        return {"sku": sku.key, "gtin13": sku.gtin, "offers": offer}

    def _microdata(self, listing: Listing) -> str:
        return "".join(self._marked(listing, sku) for sku in listing.skus)

    def _marked(self, listing: Listing, sku: Sku) -> str:
        stock = self._world.stock(sku)
        word = "InStock" if stock else "SoldOut"
        return (
            '<div itemscope itemtype="https://schema.org/Product">'
            f'<h1 itemprop="name">{html.escape(listing.title)}</h1>'
            f'<meta itemprop="sku" content="{sku.key}">'
            f'<meta itemprop="gtin13" content="{sku.gtin}">'
            '<div itemprop="brand" itemscope itemtype="https://schema.org/Brand">'
            f'<span itemprop="name">{listing.brand}</span></div>'
            '<div itemprop="offers" itemscope itemtype="https://schema.org/Offer">'
            f'<span itemprop="price" content="{self._world.price(sku) / 100:.2f}">￥</span>'
            '<meta itemprop="priceCurrency" content="CNY">'
            f'<link itemprop="availability" href="https://schema.org/{word}"></div></div>'
        )

    def _sitemaps(self, asked: Asked) -> bytes:
        host = f"http://{asked.headers['host']}"
        return (
            '<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
            f"<sitemap><loc>{host}/shop/goods.xml.gz</loc></sitemap></sitemapindex>"
        ).encode()

    def _sitemap(self, asked: Asked) -> bytes:
        host = f"http://{asked.headers['host']}"
        pages = "".join(
            f"<url><loc>{host}/shop/p/{number}</loc></url>" for number in range(self._shown)
        )
        start = '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        return f"{start}{pages}<url><loc>{host}/shop/about</loc></url></urlset>".encode()


def _ld(told: dict[str, Any]) -> str:
    text = json.dumps(told, ensure_ascii=False)
    return f'<script type="application/ld+json">{text}</script>'
