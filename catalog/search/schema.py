"""The fields of the search index, and the numbers that it is sorted by.

Sorting is by one number a product and order, unique because the product's id is its last part: so
a cursor is such a number, and holds however the index was rebuilt or merged in between.
"""

from collections.abc import Iterable
from decimal import Decimal

from tantivy import Schema, SchemaBuilder

VERSION = 11
"""Part of every index's identity: an index of another version is built again."""

ID_BITS = 27
MOST_ID = (1 << ID_BITS) - 1
_MOST_PRICE = (1 << 37) - 1
_ZERO_MARGIN = 1 << 36
_STEP_BITS = 35
"""Of `rank`, below what goods are alike in to be on one step."""

HEAD = "head"
"""The flag of the one document that is no product: it says how far the index has read the feed
(`seq`) and the marks beside it (`mark`)."""

GOODS = "goods"
"""The flag of every product: where as many bear that of a list, its readers see all of them."""


def schema(lists: Iterable[str]) -> Schema:
    """The schema for these price lists."""
    builder = SchemaBuilder()
    builder.add_unsigned_field("id", indexed=True, fast=True)
    builder.add_unsigned_field("seq", fast=True)
    builder.add_unsigned_field("mark", fast=True)
    builder.add_unsigned_field("by_sales", fast=True)
    builder.add_text_field("flag", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("code", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("title", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("title_sound", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("sound", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("characters", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("suggest", tokenizer_name="raw", index_option="basic")
    for name in ("brand", "category", "source"):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for one in lists:
        for name in (f"mode_{one}", f"refuses_{one}"):
            builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field(f"price_{one}", fast=True)
        builder.add_integer_field(f"margin_{one}", fast=True)
        builder.add_unsigned_field(f"rank_{one}", fast=True)
        builder.add_unsigned_field(f"step_{one}", indexed=True)
        builder.add_unsigned_field(f"worth_{one}", fast=True)
        builder.add_unsigned_field(f"by_price_{one}", fast=True)
        builder.add_unsigned_field(f"by_margin_{one}", fast=True)
    return builder.build()


def sku_code(sku_id: int) -> str:
    """The code under which a SKU's own id is indexed."""
    return f"sku {sku_id}"


def price_units(price: Decimal) -> int:
    """A price in the index's unit: 1/10,000 CNY."""
    return min(int(price * 10_000), _MOST_PRICE)


def margin_units(percent: Decimal) -> int:
    """A margin in the index's unit: 1/100 percent."""
    return int(percent * 100)


def by_price(price: Decimal, product_id: int) -> int:
    """Rises with the price, then with the id."""
    return price_units(price) << ID_BITS | product_id


def by_margin(percent: Decimal | None, product_id: int) -> int:
    """Rises with the margin, then with the id; an unknown margin is below every known one."""
    if percent is None:
        return product_id
    units = min(max(margin_units(percent) + _ZERO_MARGIN, 1), _MOST_PRICE)
    return units << ID_BITS | product_id


def by_sales(sold: int, product_id: int) -> int:
    """Rises with the units sold in 30 days, then with the id."""
    return min(sold, _MOST_PRICE) << ID_BITS | product_id


def worth(*, on_hand: bool, sold: int, margin: Decimal | None, product_id: int) -> int:
    """Smaller is better: on hand, then what sells, then what leaves a margin, then new products.

    Sales count by doublings and margins by steps of five percent: who is ahead by less is not.
    """
    return (not on_hand) << 37 | _unworthy(sold, margin) << ID_BITS | (MOST_ID - product_id)


def rank(
    *, on_hand: bool, words_in_title: int, sold: int, margin: Decimal | None, product_id: int
) -> int:
    """Smaller is better: on hand, then titles that say little else, then by `worth`.

    The length of a title is part of how well it answers, so it comes first, but only by bands: the
    exact number of words decides among goods of one band that sell alike.
    """
    words = min(words_in_title, 255)
    return (
        (not on_hand) << 48
        | _band(words) << 45
        | _unworthy(sold, margin) << _STEP_BITS
        | words << ID_BITS
        | (MOST_ID - product_id)
    )


def step(rank: int) -> int:
    """The coarse part of a rank: all goods of a step come before those of the next."""
    return rank >> _STEP_BITS


def product_of_rank(number: int) -> int:
    """The product that `rank` or `worth` was made for."""
    return MOST_ID - (number & MOST_ID)


def product_of_key(number: int) -> int:
    """The product that `by_price`, `by_margin` or `by_sales` was made for."""
    return number & MOST_ID


def _band(words: int) -> int:
    """0 to 5: fewer than eight words, then by doublings."""
    return (words // 8).bit_length()


def _unworthy(sold: int, margin: Decimal | None) -> int:
    """Ten bits, smaller is better: doublings of sales, then steps of margin; unknown is none."""
    doublings = min(sold.bit_length(), 31)
    steps = min(max(int(margin // 5), -1), 20) if margin is not None else 0
    return (31 - doublings) << 5 | (20 - steps)
