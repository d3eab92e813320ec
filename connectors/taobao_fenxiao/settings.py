"""The settings of a `kind = "taobao_fenxiao"` source."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from connectors.settings import Span
from connectors.top.settings import TopSettings


class FenxiaoSettings(TopSettings):
    """A supplier's or a distributor's account."""

    kind: Literal["taobao_fenxiao"]
    role: Literal["supplier", "distributor"] = Field(
        "supplier", description="whose session it is: who lists the products, and which orders"
    )
    suppliers: list[str] = Field([], description="nicks whose products a distributor lists")
    brand: str | None = None
    agent_goods: Literal["off", "sell"] = Field(
        "off", description="goods of mode AGENT cannot be bought by requisition"
    )
    withheld: Literal["subtract", "ignore"] = Field(
        "subtract", description="reserved_quantity of unpaid orders"
    )
    invoice: Literal["special", "ordinary", "none"] | None = Field(
        None, description="that the supplier gives for goods marked as coming with one"
    )
    tax_rate: Decimal | None = Field(None, ge=0, le=Decimal("0.17"))
    logistics_type: Literal["LOGISTICS", "SELF_PICKUP"] = "LOGISTICS"
    applier_identity: Literal[1, 2] = Field(2, description="in requisitions: 1 supplier, 2 buyer")
    close_reason: int = Field(1, description="the platform's number for a withdrawn requisition")
    trade_types: list[int] = Field([1, 2], description="of orders: 1 agent, 2 dealer, 5, 6")
    channel_codes: list[int] = Field([], description="of orders; empty: the platform's default")
    follow_orders: bool = Field(
        default=True, description="goods of changed orders are read again: they take stock"
    )
    overlap: Span = Field("10m", description="read again before the last watermark")
    group_name: str = Field("", description="of TMC messages; empty: the default group")
