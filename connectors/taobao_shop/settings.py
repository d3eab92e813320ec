"""The settings of a `kind = "taobao_shop"` source."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from connectors.settings import Span
from connectors.top.settings import TopSettings

FIELDS = (
    "num_iid,title,nick,cid,outer_id,barcode,price,num,pic_url,item_img,prop_img,sku,props_name,"
    "property_alias,approve_status,type,is_fenxiao,sub_stock,with_hold_quantity,has_invoice,"
    "freight_payer,postage_id,express_fee,item_weight,sell_point,violation,modified"
)
BANNERS = ["for_shelved", "sold_out", "violation_off_shelf"]
TYPES = ["guarantee_trade", "auto_delivery", "ec", "cod", "step", "fenxiao"]


class ShopSettings(TopSettings):
    """A shop whose orders its brand ships."""

    kind: Literal["taobao_shop"]
    brand: str | None = Field(None, description="of goods that name none")
    cost_percent: Decimal = Field(
        Decimal(100), gt=0, le=100, description="what the brand is paid, of its shop price"
    )
    invoice: Literal["special", "ordinary", "none"] | None = Field(
        None, description="that the brand gives for goods marked as coming with one"
    )
    tax_rate: Decimal | None = Field(None, ge=0, le=Decimal("0.17"))
    weight_unit: Literal["kg", "g"] = Field("kg", description="of item_weight")
    withheld: Literal["subtract", "ignore"] = Field(
        "subtract", description="units of unpaid orders, where stock is taken at payment"
    )
    item_fields: str = Field(FIELDS, description="what is asked of each item; skus are named sku")
    banners: list[str] = Field(BANNERS, description="shelves of goods that are not on sale")
    deep_page_limit: int = Field(
        20_000, ge=200, description="page × size beyond which pages fail; documents say 100000 too"
    )
    last_inventory_page: int = Field(101, ge=1, description="of goods that are not on sale")
    overlap: Span = Field("10m", description="read again before the last watermark")
    follow_trades: bool = Field(
        default=True, description="goods of changed trades are read again: they take stock"
    )
    trade_types: list[str] = Field(TYPES, description="fenxiao trades must be asked for by name")
    trade_window: Span = Field("30m", description="of one question for changed trades, ≤ 1d")
    group_name: str = Field("", description="of TMC messages; empty: the default group")
    accept: Literal["on_export", "manual"] = "on_export"
    lower_stock: bool = Field(
        default=True, description="purchases lower the shop's own stock, each one once"
    )
