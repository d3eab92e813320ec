"""Which column of a leader's sheet is which: what platforms, mini programs and people write. Pure.

Names of the one who pays or sends (下单人, 买家昵称, 寄件人) are never taken for the recipient's.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from connectors.feed.columns import word
from connectors.feed.text import plain
from trade.counted import units
from trade.order_sheets import several

Merged = tuple[int, int, int]
"""First row, column, last row of cells merged downwards, 0-based."""

DEEPEST = 30
"""The header stands within so many rows."""

_TABLE = """
reference: 订单号 订单编号 主订单编号 主订单号 订单id 商家订单号 外部订单号 外部单号 平台订单号
    交易单号 原始单号 线上订单号 order orderno order_no order_id orderid reference order_number
name: 收件人 收货人 收件人姓名 收货人姓名 收件姓名 收货姓名 收件人名称 收货人名称 姓名 联系人 名字
    name receiver receiver_name consignee recipient recipient_name full_name contact
phone: 电话 手机 手机号 手机号码 电话号码 联系电话 联系手机 联系方式 收件人电话 收货人电话
    收件人手机 收货人手机 收件人手机号 收货人手机号 收件电话 收货电话 收件手机 收件人联系方式
    收货人联系方式 联系人手机 联系人电话 mobile phone tel telephone receiver_mobile receiver_phone
    phone_number mobile_number phone_no mobile_no contact_number
address: 地址 收货地址 收件地址 详细地址 收件人地址 收货人地址 收货详细地址 收件详细地址 配送地址
    送货地址 收件人详细地址 详细收货地址 address receiver_address shipping_address delivery_address
ship_to: 收货信息 收件信息 收货人信息 收件人信息 收货资料 收件资料 地址信息 ship_to
province: 省 省份 收货省份 收件省份 收货人省份 收件人省份 province state
city: 市 城市 收货城市 收件城市 收货人城市 收件人城市 city
district: 区 区县 区/县 县 县区 收货区县 收件区县 收货人区县 收件人地区
    收货人地区 收货地区 收件地区 地区 district county
street: 街道 乡镇 镇街 街道/乡镇 街道乡镇 street town
code: 商家编码 商品编码 货号 编码 规格编码 商家sku编码 sku编码 sku sku_id 商品货号 外部编码 款号
    商品代码 商品规格编码 商家编码-规格维度 商家编码-商品维度 code sku_code item_code seller_sku
title: 商品名称 商品 品名 商品标题 宝贝标题 货品名称 产品名称 产品 宝贝名称 选购商品 商品名 货品
    title product product_name item
spec: 规格 商品规格 规格名称 宝贝种类 商品属性 销售属性 规格型号 款式 颜色规格 spec
    specification variant
quantity: 数量 件数 商品数量 购买数量 订购数量 宝贝总数量 份数 商品件数 下单数量 quantity qty num
    count
note: 买家备注 备注 买家留言 留言 订单备注 客户备注 团员备注 用户备注 买家附言 note remark
    buyer_note comment
retail: 零售价 售价 销售价 销售单价 零售单价 retail_price
"""
"""Our name of a column: what is written above it, best first."""

_WORDS: dict[str, tuple[str, int]] = {
    word(said): (entry.split(":")[0], rank)
    for entry in re.sub(r"\n +", " ", _TABLE.strip()).split("\n")
    for rank, said in enumerate(entry.split(":")[1].split())
}
_ENDINGS = (
    "收件人姓名",
    "收货人姓名",
    "手机号",
    "电话",
    "详细地址",
    "收货地址",
    "商家编码",
    "数量",
)
_OTHERS = re.compile(
    r"下单|买家(?!备注|留言|附言)|团长|发件|寄件|发货|客服|自提|退货|推广|支付|总数量"
)
_BRACKETS = re.compile(r"[(\[【<{].*?[)\]】>}]")
_TOGETHER = (re.compile(r"地址"), re.compile(r"电话|手机|联系方式"))
"""Words of a header above one column with name, telephone and address."""
_NO_GOODS = re.compile(
    r"序号?$|编号|单号|金额|合计|小计|总[计额价数]|备注|留言|时间|日期|状态|昵称|自提|微信|运费|快递|邮编"
    r"|单价|价格|原价|售价|数量?$|[件份人]数|重量|楼号|房号|门牌|年龄|会员|积分|余额|支付|付款|跟团|团号|佣金|优惠|id$|^no",
    re.IGNORECASE,
)
"""Headers of columns with numbers that count no goods."""
_ALTERNATIVES = ("name", "phone")
"""Of these a sheet may have several columns, such as 手机 and 电话: rows fill one or the other."""

REJECTED = ("行 row", "列 column", "值 value", "原因 reason")
"""What stands behind the columns of rejected rows when they are given back to be corrected."""

NAMES = tuple(dict.fromkeys(name for name, _ in _WORDS.values()))
PLACE = ("province", "city", "district", "street")
"""Parts of an address that some sheets have in columns of their own."""


@dataclass(frozen=True)
class Header:
    """`row` is the header's, 1-based; `at` our name → column, `labels` our name → its word there;
    `cells` are all its words. `more` are further columns of one name. `goods` are columns that are
    named after goods and count them (接龙), with their words; `counted`: there is no column of
    numbers, and cells of goods have theirs in them."""

    row: int
    at: Mapping[str, int]
    labels: Mapping[str, str]
    cells: tuple[str, ...]
    more: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    goods: Mapping[int, str] = field(default_factory=dict)
    counted: bool = False

    @property
    def missing(self) -> list[str]:
        """What no order can be read without, in the words of a sheet."""
        lacks = []
        if not {"address", "ship_to"} & self.at.keys():
            lacks.append("地址")
        if not {"code", "title"} & self.at.keys() and not self.goods:
            lacks.append("商家编码 or 商品名称")
        if "quantity" not in self.at and not self.goods and not self.counted:
            lacks.append("数量")
        return lacks


def find(rows: Sequence[Sequence[str]], merged: Iterable[Merged] = ()) -> Header | None:
    """The row that names the most columns of an order; None where none names two. A cell that is
    merged downwards into it names its column too."""
    best: Header | None = None
    for number, cells in enumerate(rows[:DEEPEST], start=1):
        header = guess(number, _spread_down(rows, number - 1, cells, merged))
        if header.missing and {"address", "ship_to"} & header.at.keys():
            header = replace(header, goods=_goods(header, rows[number:]))
        if header.missing == ["数量"]:
            header = replace(header, counted=_counted(header, rows[number:]))
        score = (-len(header.missing), len(header.at))
        if best is None or score > (-len(best.missing), len(best.at)):
            best = header
    return best if best is not None and len(best.at) > 1 else None


def _spread_down(
    rows: Sequence[Sequence[str]], at: int, cells: Sequence[str], merged: Iterable[Merged]
) -> Sequence[str]:
    spread = list(cells)
    for first, column, last in merged:
        if first < at <= last and column < len(rows[first]):
            spread += [""] * (column + 1 - len(spread))
            spread[column] = spread[column] or rows[first][column]
    return spread


def _goods(header: Header, below: Sequence[Sequence[str]]) -> dict[int, str]:
    """The columns without another meaning in which there are numbers of units and nothing else."""
    if {"code", "title", "quantity"} & header.at.keys():
        return {}
    taken = {*header.at.values(), *(one for more in header.more.values() for one in more)}
    found = {}
    for column, label in enumerate(header.cells):
        if not label or column in taken or _NO_GOODS.search(plain(label)):
            continue
        cells = (row[column].strip() for row in below if column < len(row))
        counts = [units(cell) for cell in cells if cell]
        if any(counts) and None not in counts:
            found[column] = plain(label)[:200]
    return found


def _counted(header: Header, below: Sequence[Sequence[str]]) -> bool:
    """Whether a cell of goods names several, each with its number."""
    at = [header.at[name] for name in ("code", "title") if name in header.at]
    return any(several.split(row[column]) for row in below for column in at if column < len(row))


def guess(number: int, cells: Sequence[str]) -> Header:
    """The columns that a row names; of two with one meaning the better word, then the first."""
    taken: dict[str, list[tuple[int, int]]] = {}
    for column, label in enumerate(cells):
        if found := _meaning(label):
            name, rank = found
            taken.setdefault(name, []).append((rank, column))
    best = {name: sorted(taken[name]) for name in NAMES if name in taken}
    at = {name: told[0][1] for name, told in best.items()}
    labels = {name: " ".join(cells[column].split()) for name, column in at.items()}
    more = {n: tuple(c for _, c in best[n][1:]) for n in _ALTERNATIVES if len(best.get(n, ())) > 1}
    return Header(number, at, labels, tuple(" ".join(cell.split()) for cell in cells), more)


@lru_cache(4096)
def _meaning(label: str) -> tuple[str, int] | None:
    if len(label) > 60:
        return None
    bare = word(_BRACKETS.sub("", "".join(plain(label).split())))
    for text in (word(label), word(_BRACKETS.sub("", plain(label))), bare, bare.split("/")[0]):
        if text in _WORDS:
            return _WORDS[text]
    if _OTHERS.search(bare) or len(bare) > 20:
        return None
    if all(words.search(bare) for words in _TOGETHER):
        return _WORDS["收货信息"]
    ending = next((one for one in _ENDINGS if bare.endswith(one)), None)
    return (_WORDS[word(ending)][0], 50) if ending and len(bare) <= 12 else None
