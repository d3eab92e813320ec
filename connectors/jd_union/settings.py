"""The settings of a `kind = "jd_union"` source."""

from typing import Literal

from pydantic import Field

from connectors.settings import ADDRESS, SourceSettings, Span
from kit.settings import Secret


class UnionSettings(SourceSettings):
    """One application at JD Union."""

    kind: Literal["jd_union"]
    base_url: str = Field("https://api.jd.com/routerjson", pattern=ADDRESS)
    app_key: Secret = Field(description="of the application, not of the union account")
    app_secret: Secret
    site_id: str = Field(description="the site, app or media id that links are made for")
    position_id: str = ""
    union_id: str = Field("", description="for calls that name the account")
    sign_method: Literal["", "md5", "hmacmd5", "hmacsha256"] = "md5"
    scene: Literal[1, 2] = Field(1, description="2 needs JD's permission, and reads SKU ids")
    links: Literal["common", "sub_union"] = Field("common", description="which call makes links")
    coupon_price: bool = Field(default=False, description="the price after the best coupon")
    calls_per_second: float = Field(5.0, gt=0)
    calls_per_day: int | None = Field(None, ge=1)
    page_size: int = Field(30, ge=1, le=30)
    rows_page: int = Field(200, ge=1, le=500)
    history: Span = Field("7d", description="how far back order rows are read the first time")
    overlap: Span = Field("5m", description="order rows are written late, so it is read again")

    @property
    def address(self) -> str:
        """Where the calls go."""
        return self.base_url
