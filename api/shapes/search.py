"""What a search can be narrowed by, what may be meant, and which words mean the same."""

from pydantic import Field

from api.shapes.base import In, Out, Text


class ValueOut(Out):
    """A value to narrow by, and how many products it leaves."""

    value: str
    products: int


class NarrowingOut(Out):
    """Facets by their name; `source` for operators and buyers only.

    `price` and `margin` are from-below spans in CNY and percent, `region` is a province.
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
