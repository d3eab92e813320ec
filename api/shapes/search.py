"""What a search can be narrowed by, what may be meant, and which words mean the same."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from api.shapes.base import GTIN, NO_NUL, PLACE, PRICE, SHARE, In, Out, Text

REGION_SAID = "GB/T 2260: 6, 9 or 12 digits."
PLACE_SAID = "GB/T 2260: 6, 9 or 12 digits; 2 or 4 where it is to reach a whole province or city."

Word = Annotated[str, Field(max_length=200, pattern=NO_NUL)]
Price = Annotated[str, Field(pattern=PRICE)]
Percent = Annotated[str, Field(pattern=SHARE)]


def _digits(given: Any) -> Any:
    """A number as it is printed, in groups: 6 901234 567892."""
    return "".join(given.replace("-", " ").split()) if isinstance(given, str) else given


class SearchIn(BaseModel):
    """The query of a search."""

    q: Word = ""
    category: Word | None = None
    brand: Word | None = None
    gtin: Annotated[str, BeforeValidator(_digits), Field(pattern=GTIN)] | None = None
    mode: Literal["dropship", "bulk", "affiliate"] | None = None
    price_min: Price | None = Field(None, description="CNY")
    price_max: Price | None = Field(None, description="CNY")
    margin_min: Percent | None = Field(None, description="Percent")
    in_stock: bool | None = None
    region: Annotated[str, Field(pattern=PLACE)] | None = Field(None, description=PLACE_SAID)
    source: Word | None = None
    sort: Literal["relevance", "price", "-price", "-margin", "-sales", "newest"] = "relevance"


class SearchPageIn(SearchIn):
    """The query of a page of it."""

    limit: int = Field(50, ge=1, le=200, description="How many items a page has at most.")
    cursor: Annotated[str, Field(max_length=500, pattern=NO_NUL)] | None = None


class ValueOut(Out):
    """A value to narrow by, and how many products it leaves."""

    value: str
    products: int


class NarrowingOut(Out):
    """Facets by their name; `source` for operators and buyers only.

    `price` is spans in CNY with both their ends, for `price_min` and `price_max`; `margin` is from
    so many percent on, for `margin_min`; `region` is a province.
    """

    facets: dict[str, list[ValueOut]]


class SuggestionOut(Out):
    """A whole text to search for, and how many products its last word is in."""

    text: str
    products: int


class SuggestionsOut(Out):
    """The likeliest first."""

    items: list[SuggestionOut]


class SynonymsIn(In):
    """Words that searches take for one another."""

    words: list[Text] = Field(min_length=2, max_length=50)


class SynonymsOut(Out):
    """A group of words."""

    id: str
    words: list[str]


class ShopWordIn(In):
    """A word that titles lose, or a name that stays although such a word is in it."""

    word: Text
    stays: bool = False


class ShopWordOut(Out):
    """One of these words."""

    id: str
    word: str
    stays: bool


class ShopWordsOut(Out):
    """All of them."""

    items: list[ShopWordOut]


class SynonymsListOut(Out):
    """All groups."""

    items: list[SynonymsOut]
