"""What descriptions and attributes lose before they may be read by somebody who may not know the
source. Pure.

A title that names a shop loses the name; running text loses the clause around it as well, for what
is left of such a clause says nothing. So it does with what would reach a seller past the house.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from catalog.shop_names import Rules

_CLAUSE = re.compile(
    r"(?:[^，。！？；、!?;,\n]|,(?=\d))+(?:[，。！？；、!?;,\n]+|$)|[，。！？；、!?;,\n]+"
)
_LOOSE = " ,，、；;:：\n"
_TELEPHONE = r"(?<![\d.-])(?:1[3-9]\d{9}|0\d{2,3}-\d{7,8}|[48]00-\d{3,4}-?\d{3,4})(?![\d.-])"
_CALLED = r"(?:微信|薇信|威信|v信|vx|wechat|qq|扣扣|旺旺|whatsapp|telegram)"
_CONTACT = re.compile(
    rf"{_TELEPHONE}|{_CALLED}(?:号码?|id|群)?\s*[:：]\s*[\w-]{{4,}}"
    r"|(?:加|联系|咨询)\S{0,6}(?:微信|薇信|v信|vx|wechat|qq|扣扣)|[\w.+-]+@[\w-]+\.[\w.-]+",
    re.IGNORECASE,
)
_SELLERS = """
店铺 店铺名 店铺名称 店名 网店 网店名称 供应商 供应商名称 供应商编码 供货商 供货商名称 供货方
卖家 卖家昵称 卖家名称 商家 商家名称 经销商 代理商 批发商 seller shop store vendor supplier dealer
货源 货源平台 货源渠道 货源链接 来源平台 销售平台 销售渠道 旺旺 旺旺号 微信 微信号 qq qq号 公众号
联系人 联系方式 联系电话 电话 手机 手机号 客服 客服电话 contact phone wechat
"""
_WHO = frozenset(_SELLERS.split())
"""Attributes that say who sells it, and nothing of the goods. Who made it may be known."""


class Sold(Protocol):
    """An offer, as far as it says who sells what."""

    @property
    def seller(self) -> str | None: ...
    @property
    def brand(self) -> str | None: ...


@dataclass(frozen=True)
class Discretion:
    """The list of shops' words, and who sells the goods: (seller, brand) of their offers."""

    names: Rules
    sold_by: frozenset[tuple[str | None, str | None]]

    def text(self, told: str) -> str:
        """Running text without the clauses that name a shop or a way to it."""
        kept = "".join(part for part in _CLAUSE.findall(told) if not self._tells(part))
        return told if kept == told else kept.strip().rstrip(_LOOSE)

    def attributes(self, told: Mapping[str, Any] | None) -> dict[str, Any]:
        """Attributes without those that say who sells it, and without shops' names in the rest."""
        shown = {}
        for name, value in (told or {}).items():
            if "".join(name.split()).lower() in _WHO or self._tells(name):
                continue
            said = self._value(value) if isinstance(value, str) else value
            if value in ("", None) or said:
                shown[name] = said
        return shown

    def _value(self, value: str) -> str:
        return "" if _CONTACT.search(value) else self.names.stripped(value, self.sold_by)

    def _tells(self, told: str) -> bool:
        if _CONTACT.search(told) is not None:
            return True
        return self.names.stripped(told, self.sold_by) != told


def of(names: Rules, offers: Iterable[Sold]) -> Discretion:
    """Discretion about the goods of these offers."""
    return Discretion(names, frozenset((one.seller, one.brand) for one in offers))
