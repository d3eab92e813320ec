"""The settings of a `kind = "site"` source."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from connectors.feed.columns import unknown_names
from connectors.settings import SEND_TO, TIME_OF_DAY, SourceSettings
from kit.faults import form

BUILT_IN = ("jsonld", "sitemap", "listing")


def _known_columns(columns: dict[str, str]) -> dict[str, str]:
    if unknown := unknown_names(columns):
        told = ", ".join(unknown)
        raise ValueError(f"{told} is none of the unified columns; docs/feeds.md lists them")
    return columns


class SiteSettings(SourceSettings):
    """A supplier whose goods stand on web pages. Politeness is on unless it is switched off."""

    kind: Literal["site"]
    spider: str = Field(
        "jsonld",
        pattern=form(r"^[\w.-]{1,100}$", "name a spider by letters, digits and _ . -"),
        description="jsonld, sitemap, listing, or your own's name",
    )
    spider_modules: list[str] = Field([], description="Python modules with spiders of your own")
    start_urls: list[str] = Field(
        min_length=1, description="where the crawl begins; of sitemap: sitemaps or robots.txt"
    )
    allowed_domains: list[str] = Field([], description="beside the hosts of start_urls")
    follow: str = Field("", description="pattern of links to follow; empty: all of the site")
    product_urls: str = Field("", description="pattern of pages with goods; empty: all")
    item: str = Field("", description="listing: CSS of one card of goods")
    link: str = Field("", description="listing: CSS of a card's link, where goods have own pages")
    next: str = Field("", description="listing: CSS of the link to the next page")
    fields: Annotated[dict[str, str], AfterValidator(_known_columns)] = Field(
        {}, description="listing: unified name = CSS, such as { title = 'h3::text' }"
    )

    obey_robots: bool = Field(default=True, description="robots.txt is kept")
    delay: float = Field(1.0, ge=0, le=600, description="seconds between pages, jittered")
    concurrency: int = Field(1, ge=1, le=8, description="pages of one site at once")
    user_agent: str = Field("Huopan (reads the price list of a supplier)", min_length=1)
    cache: bool = Field(default=True, description="pages are kept as long as the site allows")
    cache_dir: str = Field("", description="empty: a private folder for temporary files")
    retries: int = Field(2, ge=0, le=10)
    timeout: float = Field(30.0, gt=0, le=600, description="seconds for one page")

    max_pages: int = Field(20_000, ge=1, description="a crawl that reaches it is not complete")
    max_rows: int = Field(500_000, ge=1)
    max_depth: int = Field(20, ge=1)
    max_seconds: int = Field(3 * 3600, ge=1, le=24 * 3600)
    max_page_bytes: int = Field(8 * 1024**2, ge=1024)
    max_megabytes: int = Field(1024, ge=128, description="memory of the crawl")
    least_rows: int = Field(1, ge=1, description="a crawl with fewer rows has failed")
    least_share: float = Field(
        0.7, ge=0, le=1, description="a crawl with a smaller share of the usual rows has failed"
    )

    allow_http: bool = Field(default=False, description="http:// too, where there is no TLS")
    allow_private_hosts: bool = Field(
        default=False, description="hosts that are not on the public internet"
    )
    complete: bool = Field(default=True, description="false: absent goods go on being offered")
    freight: str | None = Field(None, description="for goods that state none: 包邮, 8")
    tax_included: bool = True
    tax_rate: Decimal | None = Field(None, ge=0, le=Decimal("0.17"))
    invoice: Literal["special", "ordinary", "none"] | None = None
    weight_unit: Literal["kg", "g"] = "kg"
    accept: Literal["on_export", "manual"] = "on_export"
    cutoff: str = Field("16:00", pattern=TIME_OF_DAY)
    send_to: str = Field("", pattern=SEND_TO)

    @model_validator(mode="after")
    def _whole(self) -> "SiteSettings":
        schemes = ("https://", "http://") if self.allow_http else ("https://",)
        for url in self.start_urls:
            if not url.startswith(schemes):
                raise ValueError(f"start_urls: {url} does not start with {' or '.join(schemes)}")
        if self.spider == "listing" and not (self.item and self.fields):
            raise ValueError("spider = listing needs item and fields")
        if self.spider not in BUILT_IN and not self.spider_modules:
            raise ValueError(f"{self.spider} is none of {', '.join(BUILT_IN)}; name spider_modules")
        return self
