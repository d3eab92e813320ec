"""The goods of a simulated platform: invented, the same for the same seed, and restless.

Prices and stock are functions of (seed, SKU, tick). `tick` moves when somebody moves it, so a test
decides when the world changes. Money is fen.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

_BRANDS = ("青禾", "北岸", "暖山", "拾光", "木野", "云栖", "半亩", "朝露", "白石", "南舟")
_KINDS = (
    ("厨房用品", "锅具", "炒锅", 8900, 1800),
    ("厨房用品", "杯壶", "保温杯", 4500, 420),
    ("食品生鲜", "粮油", "五常大米", 6900, 5000),
    ("食品生鲜", "坚果", "每日坚果", 9900, 750),
    ("食品生鲜", "茶叶", "白毫银针", 15800, 150),
    ("个护清洁", "洗护", "氨基酸洗发水", 5900, 600),
    ("个护清洁", "纸品", "抽纸整箱", 3990, 3200),
    ("家居家纺", "床品", "全棉四件套", 26900, 2400),
    ("家居家纺", "收纳", "抽屉收纳盒", 2990, 900),
    ("数码办公", "文具", "中性笔", 1290, 120),
    ("数码办公", "配件", "数据线", 1990, 60),
    ("母婴玩具", "玩具", "木质积木", 12900, 1500),
)
_SPECS = {
    "颜色": ("米白", "雾蓝", "豆绿", "焦糖"),
    "规格": ("小号", "中号", "大号", "家庭装"),
}


def number(*words: object) -> int:
    """A number that is always the same for the same words, evenly spread over 64 bits."""
    text = "\x1f".join(map(str, words)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def gtin13(body: int) -> str:
    """A GTIN-13 of a Chinese prefix with its check digit."""
    digits = f"690{body % 10**9:09d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


@dataclass(frozen=True)
class Sku:
    """One thing that can be bought; `key` names it in this world, `base_price` is in fen."""

    key: str
    spec: dict[str, str]
    gtin: str
    base_price: int


@dataclass(frozen=True)
class Listing:
    """A product page with its SKUs."""

    index: int
    title: str
    brand: str
    category: tuple[str, str, str]
    unit: str
    weight_g: int
    tax_percent: int
    origin: str
    images: tuple[str, ...]
    skus: tuple[Sku, ...]


@dataclass
class World:
    """`size` listings of one platform. `taken` counts the pieces that were sold by key."""

    seed: str
    size: int
    tick: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    _fixed_prices: dict[str, int] = field(default_factory=dict)
    _fixed_stock: dict[str, int] = field(default_factory=dict)

    def listing(self, index: int) -> Listing:
        """The listing with a number from 0 to `size - 1`."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        return _listing(self.seed, index)

    def price(self, sku: Sku) -> int:
        """What a piece costs now, in fen: it moves by up to a tenth, some SKUs every tick."""
        if sku.key in self._fixed_prices:
            return self._fixed_prices[sku.key]
        share = number(self.seed, "price", sku.key, self._epoch(sku.key, 8)) % 2001
        return max(1, sku.base_price * (9000 + share) // 10000)

    def stock(self, sku: Sku) -> int:
        """How many pieces there are now, less what was sold."""
        if sku.key in self._fixed_stock:
            level = self._fixed_stock[sku.key]
        else:
            drawn = number(self.seed, "stock", sku.key, self._epoch(sku.key, 4))
            level = 0 if drawn % 20 == 0 else drawn % 400
        return max(0, level - self.taken[sku.key])

    def fix(self, key: str, *, price: int | None = None, stock: int | None = None) -> None:
        """Nail a SKU's price (fen) or stock; what was sold before no longer counts."""
        if price is not None:
            self._fixed_prices[key] = price
        if stock is not None:
            self._fixed_stock[key] = stock
            self.taken[key] = 0

    def moved(self, key: str) -> bool:
        """Whether a SKU's price or stock may have changed with the last tick."""
        return any(self.tick % (1 + number(key, span) % span) == 0 for span in (8, 4))

    def _epoch(self, key: str, span: int) -> int:
        return self.tick // (1 + number(key, span) % span)


@lru_cache(200_000)
def _listing(seed: str, index: int) -> Listing:
    drawn = number(seed, index)
    top, middle, kind, price, weight = _KINDS[drawn % len(_KINDS)]
    brand = _BRANDS[drawn // 16 % len(_BRANDS)]
    axis = ("颜色", "规格")[drawn // 256 % 2]
    base = price * (70 + drawn // 512 % 61) // 100
    skus = tuple(
        Sku(
            f"{index}.{place}",
            {axis: value},
            gtin13(number(seed, index, place)),
            base + place * (base // 10),
        )
        for place, value in enumerate(_SPECS[axis][: 1 + drawn // 65536 % 4])
    )
    return Listing(
        index=index,
        title=f"{brand} {kind} {drawn % 9000 + 1000}",
        brand=brand,
        category=(top, middle, kind),
        unit="件",
        weight_g=weight,
        tax_percent=9 if top == "食品生鲜" else 13,
        origin=("浙江杭州", "广东深圳", "山东青岛", "四川成都")[drawn // 1024 % 4],
        images=tuple(f"goods/{index}/{place}.jpg" for place in range(1 + drawn // 4096 % 3)),
        skus=skus,
    )
