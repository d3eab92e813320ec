"""The settings of a `kind = "taobao_tbk"` source."""

from typing import Literal

from pydantic import Field

from connectors.settings import Span
from connectors.top.settings import TopSettings
from kit.faults import form


class TbkSettings(TopSettings):
    """An alliance account and the adzone that its links carry."""

    kind: Literal["taobao_tbk"]
    adzone_id: str = Field(
        pattern=form(r"^(mm_\d+_\d+_)?\d+$", "give its digits, or the whole pid: mm_1_2_3"),
        description="third part of the pid, or the whole pid",
    )
    site_id: str = Field(
        "", pattern=form(r"^\d*$", "give digits"), description="second part of the pid, for links"
    )
    api: Literal["classic", "upgrade"] = Field(
        "classic", description="upgrade: opaque item ids; new apps have only that"
    )
    material_id: int | None = None
    leader_param: Literal["external_id", "relation_id", "special_id"] = Field(
        "external_id", description="how a link carries the leader"
    )
    report_window: Span = Field("3h", description="of one question for orders; 20m in promotions")
    report_by: Literal["created", "paid", "settled", "updated"] = "updated"
    report_days: int = Field(30, ge=1, le=90, description="how far back the first report reaches")
    order_scenes: list[Literal[1, 2, 3]] = Field([1], description="1 normal, 2 channel, 3 member")
    own_adzone_only: bool = Field(
        default=False, description="true: rows of the account's other adzones are another source's"
    )
    overlap: Span = Field("30m", description="read again before the last watermark")
    calls_per_second: float = Field(10.0, gt=0, description="the report allows about 40 by API")

    @property
    def adzone(self) -> str:
        """The adzone's own number."""
        return self.adzone_id.rpartition("_")[2]

    @property
    def site(self) -> str:
        """The site's own number, from the pid where it is whole."""
        return self.site_id or (self.adzone_id.split("_")[2] if "_" in self.adzone_id else "")
