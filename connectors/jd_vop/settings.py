"""The settings of a `kind = "jd_vop"` source."""

from typing import Literal, Self

from pydantic import Field, model_validator

from connectors.settings import ADDRESS, SourceSettings
from kit.faults import form
from kit.settings import Secret

CLASSIC = "https://bizapi.jd.com"
ROUTER = "https://api.jd.com/routerjson"
CREDIT = 101
"""The payment type of JD's credit (金采), which only buys what was held first."""


class VopSettings(SourceSettings):
    """One VOP contract."""

    kind: Literal["jd_vop"]
    protocol: Literal["classic", "router"] = "classic"
    base_url: str = Field(
        "",
        pattern=form(
            r"^(https?://\S+)?$", "give an address such as https://bizapi.jd.com, or leave it out"
        ),
        description="by protocol if empty",
    )
    oauth_url: str = Field("https://open-oauth.jd.com", pattern=ADDRESS)
    redirect_uri: str = Field("", description="as registered with the router's application")
    client_id: Secret = Field(description="of the router: app_key")
    client_secret: Secret = Field(description="of the router: app_secret")
    username: Secret | None = None
    password: Secret | None = None
    refresh_token: Secret | None = Field(None, description="instead of username and password")
    private_key: Secret | None = Field(None, description="RSA, PEM or Base64; router only")
    sign_method: Literal["", "md5", "hmacmd5", "hmacsha256"] = ""

    calls_per_second: float = Field(20.0, gt=0, description="the account's whole call budget")
    calls_per_day: int | None = Field(None, ge=1)
    order_share: float = Field(0.2, ge=0, le=1, description="of it for orders and live checks")
    price_batch: int = Field(100, ge=1, le=100)
    stock_batch: int = Field(100, ge=1, le=100, description="5 under old contracts")
    sku_batch: int = Field(100, ge=1, le=100, description="of states, images, checks and limits")
    stock_threshold: int = Field(50, ge=1, description="from here on remainNum is no quantity")
    buyable: list[int] = Field([33, 39, 40], description="stock states that can be ordered")
    paging: Literal["page", "cursor"] = Field("page", description="router: cursor only")
    page_size: int = Field(200, ge=1, le=1000, description="of cursor paging")
    pools: list[str] = Field([], description="pool numbers; empty: all of the contract's")
    default_area: str = Field(
        "19_1607_3639_0",
        pattern=form(r"^\d+(_\d+){2,3}$", "give JD's own area, such as 19_1607_3639_0"),
        description="where no region is asked for",
    )
    image_base: str = Field(
        "http://img13.360buyimg.com/n0/",
        pattern=form(r"^https?://\S+/$", "give an address that ends with /"),
    )
    modes: list[Literal["dropship", "bulk"]] = ["dropship", "bulk"]

    price_is_naked: bool = Field(default=False, description="prices come without tax")
    price_exts: str = "marketPrice,containsTax,nakedPrice"
    submit: Literal["hold", "direct"] = Field("hold", description="hold stock, then confirm")
    price_guard: bool = Field(default=True, description="JD refuses another price than we saw")
    price_tolerance: float = Field(0.0, ge=0, description="CNY a unit above the accepted cost")
    max_lines: int = Field(50, ge=1, le=100, description="SKUs of one order")
    payment_type: int = 4
    invoice_state: int = Field(2, description="1 with the goods, 2 in one, 4 after completion")
    invoice_type: int = Field(2, description="1 ordinary, 2 special, 3 electronic")
    invoice_title: str = ""
    invoice_title_kind: int = Field(5, description="4 a person, 5 a company")
    invoice_content: int = 1
    invoice_name: str = ""
    invoice_phone: str = ""
    invoice_area: str = Field("", description="JD ids province_city_county of the addressee")
    invoice_address: str = ""
    email: str = ""
    gifts: bool = Field(default=False, description="ask for gifts too; one that is out refuses all")

    message_types: list[int] = Field([], description="empty: all that mean something to us")
    read_type: int = Field(2, description="router: 2 shared, 3 one's own reading of messages")
    after_sale: Literal["classic", "new"] = "classic"
    return_pickup: int = Field(4, description="4 JD fetches, 7 the customer brings, 40 sends")
    bookings_page: int = Field(100, ge=1, le=1000)

    @property
    def address(self) -> str:
        """Where the calls go."""
        return (self.base_url or (CLASSIC if self.protocol == "classic" else ROUTER)).rstrip("/")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.refresh_token is None and (self.username is None or self.password is None):
            raise ValueError("give username and password, or refresh_token")
        if self.payment_type == CREDIT and self.submit == "direct":
            raise ValueError('payment_type 101 buys only what was held: submit = "hold"')
        return self
