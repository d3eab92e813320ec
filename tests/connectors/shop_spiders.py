"""A spider of one's own, as an operator may bring it."""

from collections.abc import Iterator
from typing import Any

import scrapy


class OwnSpider(scrapy.Spider):
    """Reads the first list of the shop and nothing else."""

    name = "own"

    def start_requests(self) -> Iterator[scrapy.Request]:
        for url in self.settings.getdict("HUOPAN_GIVEN")["start_urls"]:
            yield scrapy.Request(url)

    async def start(self) -> Any:
        for request in self.start_requests():
            yield request

    def parse(self, response: Any) -> Iterator[dict[str, str]]:
        for card in response.css(".card"):
            yield {
                "sku": card.attrib["data-sku"],
                "title": card.css("h3::text").get(),
                "price": card.css(".price::text").get(),
            }
