"""The process that crawls: settings come as JSON on its input, rows and a report go into files.

`python -m connectors.site.child < settings.json`. It holds no secrets of the house: its
environment is bare, and what a page does to it ends with it.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.spiderloader import SpiderLoader

from .spiders import BUILT_IN, GIVEN
from .wall import ALLOW_PRIVATE, DOMAINS, SCHEMES, held_back

ROWS, REPORT = "rows.jsonl", "report.json"
_WALL = "connectors.site.wall"
_GONE = ("404", "410")


def settings_of(given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Scrapy's settings for a crawl. Pure."""
    return {
        "ROBOTSTXT_OBEY": given["obey_robots"],
        "USER_AGENT": given["user_agent"],
        "DOWNLOAD_DELAY": given["delay"],
        "CONCURRENT_REQUESTS": given["concurrency"],
        "CONCURRENT_REQUESTS_PER_DOMAIN": given["concurrency"],
        "AUTOTHROTTLE_ENABLED": given["delay"] > 0,
        "AUTOTHROTTLE_START_DELAY": given["delay"],
        "DOWNLOAD_TIMEOUT": given["timeout"],
        "DOWNLOAD_MAXSIZE": given["max_page_bytes"],
        "DOWNLOAD_WARNSIZE": 0,
        "RETRY_TIMES": given["retries"],
        "DEPTH_LIMIT": given["max_depth"],
        "CLOSESPIDER_TIMEOUT": given["max_seconds"],
        "CLOSESPIDER_PAGECOUNT": given["max_pages"],
        "CLOSESPIDER_ITEMCOUNT": given["max_rows"],
        "EXTENSIONS": {
            "scrapy.extensions.memusage.MemoryUsage": None,
            "connectors.site.memory.Held": 0,
        },
        "MEMUSAGE_LIMIT_MB": given["max_megabytes"],
        "MEMUSAGE_CHECK_INTERVAL_SECONDS": 2.0,
        "HTTPCACHE_ENABLED": bool(given["cache_dir"]),
        "HTTPCACHE_DIR": given["cache_dir"],
        "HTTPCACHE_POLICY": "scrapy.extensions.httpcache.RFC2616Policy",
        "HTTPCACHE_GZIP": True,
        "TWISTED_DNS_RESOLVER": f"{_WALL}.Resolver",
        "DOWNLOADER_MIDDLEWARES": {f"{_WALL}.Gate": 990},
        "DOWNLOAD_HANDLERS": dict.fromkeys(("file", "data", "s3", "ftp")),
        "HTTPPROXY_ENABLED": False,
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "REFERER_ENABLED": False,
        "LOG_LEVEL": "ERROR",
        "FEEDS": {str(folder / ROWS): {"format": "jsonlines", "encoding": "utf8"}},
        "SPIDER_MODULES": given["spider_modules"],
        ALLOW_PRIVATE: given["allow_private_hosts"],
        SCHEMES: ["https", "http"] if given["allow_http"] else ["https"],
        DOMAINS: given["domains"],
        GIVEN: given,
    }


def report_of(stats: dict[str, Any], held: dict[str, int]) -> dict[str, Any]:
    """What the parent needs to know of a crawl's statistics. Pure."""
    statuses = _under(stats, "httperror/response_ignored_status_count/")
    broken = _under(stats, "downloader/exception_type_count/")
    broken.pop("scrapy.exceptions.IgnoreRequest", None)  # robots.txt and the wall
    again = sum(n for why, n in _under(stats, "retry/reason_count/").items() if why in broken)
    lost = sum(count for status, count in statuses.items() if status not in _GONE)
    offsite = held.get("offsite", 0) + stats.get("offsite/filtered", 0)
    answered = stats.get("response_received_count", 0) - stats.get("robotstxt/response_count", 0)
    return {
        "reason": stats.get("finish_reason", ""),
        "rows": stats.get("item_scraped_count", 0),
        "pages": answered - sum(statuses.values()),
        "lost": lost + sum(broken.values()) - again,
        "statuses": statuses,
        "errors": sum(_under(stats, "spider_exceptions/").values()),
        "forbidden": stats.get("robotstxt/forbidden", 0),
        "held_back": {**held, "offsite": offsite} if offsite else held,
    }


def _under(stats: dict[str, Any], start: str) -> dict[str, int]:
    return {key.removeprefix(start): n for key, n in stats.items() if key.startswith(start)}


def main() -> int:
    """Crawl as the input says; 0 also when nothing was found: the report tells."""
    given = json.load(sys.stdin)
    folder = Path(given["folder"])
    hosts = {urlsplit(url).hostname or "" for url in given["start_urls"]}
    given["domains"] = sorted(hosts | set(given["allowed_domains"]))
    for pattern in ("follow", "product_urls"):
        re.compile(given[pattern])
    process = AsyncCrawlerProcess(settings_of(given, folder))
    kind: Any = BUILT_IN.get(given["spider"])
    if kind is None:
        kind = SpiderLoader.from_settings(process.settings).load(given["spider"])
    crawler: Crawler = process.create_crawler(kind)
    process.crawl(crawler, allowed_domains=given["domains"])
    process.start()
    stats = dict(crawler.stats.get_stats()) if crawler.stats else {}
    told = report_of(stats, dict(held_back))
    (folder / REPORT).write_text(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
