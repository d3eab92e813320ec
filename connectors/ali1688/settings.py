"""The settings of a `kind = "ali1688"` source; what the documents leave open is a key."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from connectors.settings import ADDRESS, SourceSettings
from kit.settings import Secret, SettingsError, secret

Flow = Literal[
    "", "general", "fenxiao", "saleproxy", "boutiquefenxiao", "boutiquepifa", "paired", "repurchase"
]


def _resolved(text: str) -> str:
    """An app key is no secret: it may stand in the file itself."""
    try:
        return secret(text) if text.startswith(("env:", "file:")) else text
    except SettingsError as error:
        raise ValueError(str(error)) from error


class AliSettings(SourceSettings):
    """An app at open.1688.com, and the buyer's account that authorised it."""

    kind: Literal["ali1688"]
    base_url: str = Field("https://gw.open.1688.com/openapi", pattern=ADDRESS)
    auth_url: str = Field("https://auth.1688.com", pattern=ADDRESS)
    image_url: str = Field("https://cbu01.alicdn.com/", description="before relative images")
    app_key: Annotated[str, AfterValidator(_resolved)] = Field(min_length=1)
    app_secret: Secret = Field(description='"env:NAME" or "file:PATH"')
    access_token: Secret | None = Field(None, description="good for ten hours")
    refresh_token: Secret | None = Field(None, description="good for about half a year")
    calls_per_second: float = Field(10.0, gt=0, description="of the app, by all workers together")
    calls_per_day: int | None = Field(None, gt=0)

    items: list[str] = Field([], description="offers to follow: ids or links")
    queries: list[str] = Field([], description="searches to follow: words, or the query as JSON")
    query_pages: int = Field(5, ge=1, le=100, description="pages of each of these queries")
    query_page_size: int = Field(20, ge=1, le=50)
    country: str = Field("en", description="language of the cross-border APIs; titles stay Chinese")
    product_api: Literal["fenxiao", "cross", "crossborder"] = Field(
        "fenxiao",
        description="alibaba.fenxiao.productInfo.get, alibaba.cross.productInfo, or "
        "product.search.queryProductDetail, which needs no relation",
    )
    relation: Literal["push", "follow", "none"] = Field(
        "push",
        description="how the distribution relation of an offer is made: "
        "alibaba.cross.syncProductListPushed, alibaba.product.follow, or not at all",
    )
    tax_rate: Decimal | None = Field(None, ge=0, le=Decimal("0.17"))
    invoice: Literal["special", "ordinary", "none"] | None = None

    create_api: Literal["fast", "cross"] = Field(
        "fast", description="alibaba.trade.fastCreateOrder or alibaba.trade.createCrossOrder"
    )
    flow: Flow = Field("", description="of one piece; empty: 1688 compares, the cheapest is taken")
    bulk_flow: Flow = Field("", description="of more than one piece")
    trade_type: str = Field("", description="empty: 1688 chooses among what an order allows")
    anonymous_buyer: bool = Field(default=False, description="the parcel does not name the buyer")
    fenxiao_channel: str = Field("", description="the downstream platform, for example weixin")
    address_by: Literal["region", "parse"] = Field(
        "region", description="parse: 1688 reads the address first and names its own code"
    )
    pay: Literal["prepare", "protocol", "person"] = Field(
        "prepare",
        description="protocolPay.preparePay, protocolPay, or a person at 1688's own cashier",
    )
    pay_channel: str = Field("alipay", description="empty: 1688's own order of channels")

    messages: Literal["query", "cursor"] = Field(
        "query", description="how missed messages are fetched; cursor may confirm them itself"
    )
    message_batch: int = Field(100, ge=20, le=200)

    @property
    def address(self) -> str:
        """Where the calls go."""
        return self.base_url
