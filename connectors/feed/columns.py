"""Which column of a sheet is which of ours: Chinese and English names, guessed and overridable."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from .text import plain

_TABLE = """
sku: 货号 商品编码 商品编号 产品编码 产品编号 商家编码 sku编码 sku编号 sku码 skuid sku_id 物料编码
    物料号 编码 编号 货品编号 商品货号 款号 商品代码 产品代码 代码 item_no itemno itemcode
    item_code item_number product_code productcode article_number supplier_aid supplier_pid id
    商品id offerid
title: 商品名称 产品名称 品名 商品标题 货品名称 标题 名称 商品 产品 宝贝标题 宝贝名称 物料名称
    商品全称 name product_name productname item_name description_short
brand: 品牌 品牌名称 商标 brand_name manufacturer_name
category: 类目 分类 商品分类 产品分类 品类 商品类目 类别 系列 product_type google_product_category
    categories
gtin: 条码 条形码 商品条码 国际条码 69码 69条码 ean upc barcode ean13 gtin13 gtin14 国条 单品条码
    international_aid
mpn: 厂家型号 制造商型号 厂商型号 原厂编码 型号 model manufacturer_aid manufacturer_pid
seller: 供应商 供货商 卖家 店铺 厂家 供应商名称 supplier vendor
listing: spu spu编码 spuid spu_id 商品组 款式编码 主货号 父商品编码 item_group_id parent_sku
    group_id
price: 供货价 供价 结算价 分销价 采购价 批发价 拿货价 出厂价 进货价 进价 成本价 协议价 底价
    到手供价 含税价 未税价 单价 价格 价钱 wholesale_price cost cost_price unit_price unitprice
    supply_price price_amount
dropship_price: 代发价 一件代发价 一件代发 代发 代发价格 一件价 单件代发价 dropshipping_price
    drop_ship_price
msrp: 建议零售价 零售价 市场价 吊牌价 官方零售价 指导价 建议售价 日常售价 售价 销售价 原价
    retail_price list_price rrp
min_retail: 最低零售价 最低售价 限价 控价 最低限价 控价线 最低控价 map minimum_price
max_retail: 最高零售价 最高售价 最高限价 maximum_price
stock: 库存 库存数量 可用库存 可售库存 现货库存 库存量 库存数 可发库存 实时库存 剩余库存 数量
    现货 货源 库存状态 quantity qty inventory availability stock_quantity quantity_available
    in_stock qty_on_hand on_hand
unit: 单位 计量单位 销售单位 order_unit uom
pack: 装箱数 箱规 装箱量 包装数 箱入数 每箱数量 件装数 pack_size multipack quantity_per_unit
    content_quantity
moq: 起订量 起批量 最小起订量 最低起订量 起订 起批 起售数量 min_order quantity_min
    min_order_quantity
multiple: 倍数 起订倍数 订购倍数 加订倍数 quantity_interval order_multiple
tiers: 阶梯价 阶梯价格 批量价 梯度价 数量折扣 price_breaks quantity_breaks
tax_rate: 税率 增值税率 税点 进项税率 vat tax
tax_code: 税收编码 税收分类编码 税务编码 商品税收编码
tax_included: 含税 是否含税 含税否 价格含税
invoice: 发票 发票类型 开票 票种 可开发票 是否开票
freight: 运费 邮费 运费模板 快递费 运费说明 物流费 shipping shipping_cost
ships_within: 发货时效 发货时间 发货期 货期 发货周期 交期 handling_time lead_time delivery_time
cutoff: 截单时间 截单 当日截单 cut_off
presale_ship_by: 预售发货时间 预售发货日 预计发货 availability_date
valid_from: 生效日期 生效时间 执行日期 调价日期 执行时间 价格生效日期 起始日期 开始日期
    effective_date valid_start_date
valid_until: 失效日期 截止日期 有效期至 价格有效期 结束日期 报价有效期 valid_to expiration_date
    valid_end_date
expires_on: 保质期至 到期日 到期日期 效期 有效日期 best_before expiry_date
returnable: 七天无理由 7天无理由 支持退货 可退货 是否可退 7天无理由退货 七天无理由退货
weight: 重量 毛重 净重 商品重量 单件重量 shipping_weight gross_weight
images: 图片 主图 商品图片 图片链接 主图链接 图片地址 image image_link image_url pictures picture
    additional_image_link mime_source
description: 描述 商品描述 详情 商品详情 卖点 简介 description_long desc
attributes: 规格属性 销售属性 属性 商品属性
materials: 素材 素材链接 文案素材 素材包
state: 状态 上下架 商品状态 上架状态 status
ships_from: 发货地 产地仓 仓库 发货仓 仓库地址 ships_from_location
not_delivered_to: 不发货地区 不配送地区 偏远不发 不发地区 不包邮地区 停发地区
"""
"""Unified name: what sellers call it, best first; every name also stands for itself."""

SYNONYMS: dict[str, list[str]] = {
    name: [name, *words.split()]
    for name, words in (
        entry.split(":") for entry in re.sub(r"\n +", " ", _TABLE).split("\n") if entry
    )
}
"""Unified name → the words for it in a header, best first."""

VARIANT = (
    "规格",
    "颜色",
    "尺码",
    "尺寸",
    "型号规格",
    "款式",
    "口味",
    "容量",
    "净含量",
    "材质",
    "color",
    "size",
    "material",
    "规格型号",
)
"""Columns that tell one SKU of a product from another: kept as attributes under their own name."""

REQUIRED = ("sku", "title", "price")
_PRICED = ("price", "dropship_price")

_WORD: dict[str, tuple[str, int]] = {
    word: (name, rank) for name, words in SYNONYMS.items() for rank, word in enumerate(words)
}
_ENDINGS = [known for known in _WORD if len(known) > 1 and not known.isascii()]
_BRACKETS = re.compile(r"[(\[【<{].*?[)\]】>}]")
_NOISE = re.compile(r"[\s*:：·、.。\"'“”]+|必填|选填")
_EXACT, _BARE, _ENDING, _INNER = 0, 1, 2, 3
_ASIDE = re.compile(r"shipping|delivery|tax|freight|deposit|discount|installment|sale|member")


@dataclass(frozen=True)
class Columns:
    """A guess: `chosen` unified name → position, `variant` attribute name → position.

    `labels` are the header's own words for what was chosen, `ignored` for what was not.
    """

    chosen: dict[str, int]
    variant: dict[str, int]
    labels: dict[str, str]
    ignored: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """Required names without a column; a one-piece price serves as the price."""
        return [
            name
            for name in REQUIRED
            if name not in self.chosen and not (name == "price" and "dropship_price" in self.chosen)
        ]

    def shown(self) -> str:
        """`sku=货号, title=品名`: the guess in the form that `--columns` takes."""
        return ", ".join(f"{name}={self.labels[name]}" for name in self.chosen)


def word(label: str) -> str:
    """A header cell as it is compared: half-width, lower case, no stars, spaces or colons."""
    return _NOISE.sub("", plain(label).lower().removeprefix("g:").replace(" ", "_").strip("_"))


@lru_cache(4096)
def meaning(label: str) -> tuple[str, int, int] | None:
    """(unified name, how loosely it was found, rank among its synonyms), or None."""
    exact = word(label)
    bare = word(_BRACKETS.sub("", plain(label)))
    for looseness, text in ((_EXACT, exact), (_BARE, bare)):
        for form in (text, text.replace("_", ""), re.sub(r"/?(元|rmb|cny)$", "", text)):
            if form in _WORD:
                name, rank = _WORD[form]
                return name, looseness, rank
    outer, _, inner = label.rpartition("/")
    if outer.isascii() and outer and not _ASIDE.search(outer.lower()) and (found := meaning(inner)):
        return found[0], _INNER, found[2]
    if len(bare) > 16 or bare.isascii():
        return None
    endings = [known for known in _ENDINGS if bare.endswith(known)]
    if not endings:
        return None
    name, rank = _WORD[max(endings, key=len)]
    return name, _ENDING, rank


def guess(labels: Sequence[str], override: Mapping[str, str]) -> Columns:
    """The best reading of a header row. `override` is unified name → the header's own word."""
    taken: dict[str, tuple[int, int, int]] = {}
    variant: dict[str, int] = {}
    claimed = {word(label) for label in override.values()}
    inside = _inside_attributes(labels)
    for position, label in enumerate(labels):
        if not label or word(label) in claimed:
            continue
        if word(_BRACKETS.sub("", label)) in VARIANT:
            variant.setdefault(" ".join(label.split()), position)
        elif (found := meaning(label)) and found[0] not in override:
            name, looseness, rank = found
            if position in inside and name not in _OF_GOODS:
                continue
            taken[name] = min(taken.get(name, (9, 0, 0)), (looseness, rank, position))
    chosen = {name: place[2] for name, place in taken.items()} | _overridden(labels, override)
    ordered = {name: chosen[name] for name in SYNONYMS if name in chosen}
    used = {*ordered.values(), *variant.values(), *inside}
    return Columns(
        ordered,
        variant,
        {name: " ".join(labels[at].split()) for name, at in ordered.items()},
        [" ".join(label.split()) for at, label in enumerate(labels) if label and at not in used],
    )


_OF_GOODS = frozenset({"mpn", "gtin", "brand", "weight"})
"""What an attribute may say: what goods are, never how many there are, who sells them or for how
much."""


def _inside_attributes(labels: Sequence[str]) -> set[int]:
    """Where the parts of an attributes column stand on their own (`attributes/数量`)."""
    whole = [x for x in labels if x and (found := meaning(x)) and found[:2] == ("attributes", 0)]
    heads = tuple(f"{one}/" for one in whole)
    return {position for position, label in enumerate(labels) if label.startswith(heads)}


def _overridden(labels: Sequence[str], override: Mapping[str, str]) -> dict[str, int]:
    at = {word(label): position for position, label in reversed(list(enumerate(labels))) if label}
    return {name: at[word(label)] for name, label in override.items() if word(label) in at}


def unknown_names(override: Iterable[str]) -> list[str]:
    """Names in `override` that are none of ours."""
    return [name for name in override if name not in SYNONYMS]
