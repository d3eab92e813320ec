"""The fields of the search index, and the numbers that it is sorted by.

Sorting is by one number a product and order, unique because the product's id is its last part: so
a cursor is such a number, and holds however the index was rebuilt or merged in between.
"""

from collections.abc import Iterable
from decimal import Decimal

from tantivy import Schema, SchemaBuilder, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

VERSION = 3
"""Part of every index's identity: an index of another version is built again."""

ID_BITS = 27
MOST_ID = (1 << ID_BITS) - 1
_MOST_PRICE = (1 << 37) - 1
_ZERO_MARGIN = 1 << 36

HEAD = "head"
"""The flag of the one document that is no product: its `seq` says how far the index has read."""


def schema(lists: Iterable[str]) -> Schema:
    """The schema for these price lists."""
    builder = SchemaBuilder()
    builder.add_unsigned_field("id", indexed=True, fast=True)
    builder.add_unsigned_field("seq", fast=True)
    builder.add_text_field("flag", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("code", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("title", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("title_sound", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("sound", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("characters", tokenizer_name="characters", index_option="position")
    builder.add_text_field("suggest", tokenizer_name="raw", index_option="basic")
    for name in ("brand", "category", "source"):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for one in lists:
        for name in (f"mode_{one}", f"refuses_{one}"):
            builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field(f"price_{one}", fast=True)
        builder.add_integer_field(f"margin_{one}", fast=True)
        builder.add_unsigned_field(f"rank_{one}", fast=True)
        builder.add_unsigned_field(f"by_price_{one}", fast=True)
        builder.add_unsigned_field(f"by_margin_{one}", fast=True)
    return builder.build()


def character_analyzer() -> TextAnalyzer:
    """Splits plain text as `words.characters` does."""
    return TextAnalyzerBuilder(Tokenizer.regex(r"[a-z]+|[0-9]+|[\p{L}\p{Nl}\p{No}]")).build()


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


def rank(*, on_hand: bool, words_in_title: int, product_id: int) -> int:
    """Smaller is better: on hand first, then short titles, then new products."""
    return (not on_hand) << 40 | min(words_in_title, 255) << 32 | (MOST_ID - product_id)


def product_of_rank(number: int) -> int:
    """The product that `rank` was made for."""
    return MOST_ID - (number & 0xFFFF_FFFF)


def product_of_key(number: int) -> int:
    """The product that `by_price` or `by_margin` was made for."""
    return number & MOST_ID
