"""The spiders that come with the house: marked-up pages, sitemaps, and lists by CSS."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import scrapy
from scrapy.http import Response, TextResponse
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import SitemapSpider

from . import schema

Row = dict[str, str]
GIVEN = "HUOPAN_GIVEN"
"""The setting with what the source's settings say."""


def rows_of(response: Response, given: dict[str, Any]) -> Iterator[Row]:
    """The goods of a page, if it is a page and one that may have goods."""
    if isinstance(response, TextResponse) and re.search(given["product_urls"], response.url):
        yield from schema.rows(response.text, response.url)


class JsonLd(scrapy.Spider):
    """Follows a site's links and reads what its pages mark up."""

    name = "jsonld"

    @property
    def given(self) -> dict[str, Any]:
        """What the source's settings say."""
        return dict(self.settings.getdict(GIVEN))

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """The pages where the crawl begins."""
        for url in self.given["start_urls"]:
            yield scrapy.Request(url)

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        """Goods of a page, and the links on it."""
        given = self.given
        yield from rows_of(response, given)
        if isinstance(response, TextResponse):
            links = LinkExtractor(allow=given["follow"] or ())
            for link in links.extract_links(response):
                yield response.follow(link, callback=self.parse)


class Sitemap(SitemapSpider):
    """Reads the pages that a site's sitemaps name."""

    name = "sitemap"

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
        """A spider whose sitemaps and rules come from the settings."""
        given = crawler.settings.getdict(GIVEN)
        rules = [(given["product_urls"], "parse_goods")]
        ours = {
            "sitemap_urls": given["start_urls"],
            "sitemap_rules": rules,
            "sitemap_follow": [given["follow"]],
        }
        return super().from_crawler(crawler, *args, **ours, **kwargs)

    def parse_goods(self, response: Response) -> Iterator[Row]:
        """Goods of a page."""
        yield from rows_of(response, self.settings.getdict(GIVEN))


class ByCss(JsonLd):
    """Reads cards of goods on lists, page after page; or the pages that cards lead to."""

    name = "listing"

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        """The cards of a list, and the next list."""
        given = self.given
        if not isinstance(response, TextResponse):
            return
        for card in response.css(given["item"]):
            link = card.css(given["link"]).get() if given["link"] else None
            if link:
                yield response.follow(link, callback=self.parse_page)
            elif row := self._row(card, response):
                yield row
        if given["next"] and (following := response.css(given["next"]).get()):
            yield response.follow(following, callback=self.parse)

    def parse_page(self, response: Response) -> Iterator[Row]:
        """The one product of a page."""
        if isinstance(response, TextResponse) and (row := self._row(response, response)):
            yield row

    def _row(self, card: Any, response: TextResponse) -> Row:
        row = {}
        for name, css in self.given["fields"].items():
            texts = [" ".join(text.split()) for text in card.css(css).getall()]
            found = [text for text in texts if text]
            if name in ("images", "materials"):
                found = [response.urljoin(one) for one in found]
            if found:
                row[name] = " ".join(found)
        return row


BUILT_IN = {spider.name: spider for spider in (JsonLd, Sitemap, ByCss)}
