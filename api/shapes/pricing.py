"""Price rules, as operators send and see them."""

from pydantic import Field

from api.shapes.base import CATEGORY, OF_TODAY, SIGNED, In, Key, Moment, Note, Out, PriceText, Text

_PERCENT = SIGNED


class RuleIn(In):
    """A mark-up on the cost for the goods and readers that it names; what is left out names all.

    `group` is a party and all that stand under it. `ending` such as 0.9 raises the price to the
    next that ends so. The first rule that fits decides: the higher priority, then the one for
    fewer readers, then for fewer goods, then the later in the list.
    """

    markup_percent: str = Field(pattern=_PERCENT, examples=["15"])
    priority: int = Field(0, strict=True, ge=-1000, le=1000)
    source: Key | None = None
    brand: Text | None = None
    category: Text | None = Field(None, description=CATEGORY)
    cost_from: PriceText | None = Field(None, description="CNY a unit, included.")
    cost_below: PriceText | None = Field(None, description="CNY a unit, excluded.")
    level: Key | None = None
    group: Key | None = Field(None, description="A party's id.")
    party: Key | None = Field(None, description="A party's id.")
    floor: PriceText | None = Field(None, description="The lowest price, CNY a unit.")
    ceiling: PriceText | None = Field(None, description="The highest price, CNY a unit.")
    ending: PriceText | None = Field(None, examples=["0.9"])
    valid_from: Moment | None = None
    valid_until: Moment | None = None


class RulesIn(In):
    """The whole set; `version` is the one that it was made from."""

    version: int = Field(strict=True, ge=0, le=2**31)
    rules: list[RuleIn] = Field(max_length=2_000)
    note: Note | None = None


class RuleOut(Out):
    """A rule; `rule` is its place in the set."""

    rule: int
    markup_percent: str
    priority: int
    source: str | None
    brand: str | None
    category: str | None
    cost_from: str | None
    cost_below: str | None
    level: str | None
    group: str | None
    party: str | None
    floor: str | None
    ceiling: str | None
    ending: str | None
    valid_from: str | None
    valid_until: str | None


class RulesOut(Out):
    """The set in force. Without a rule that fits, `markup_percent` counts."""

    version: int
    markup_percent: str
    rules: list[RuleOut]


class PreviewIn(In):
    """Rules to try: on these SKUs or a sample, for everybody or one party; and on past orders."""

    rules: list[RuleIn] = Field(max_length=2_000)
    skus: list[Key] | None = Field(None, max_length=500)
    party: Key | None = None
    at: Moment | None = Field(
        None, description="By the rules that hold at that moment, for those that begin later."
    )
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")


class TrialOut(Out):
    """What a SKU costs, is sold for, and would be sold for."""

    sku: str
    title: str
    cost: str
    price: str
    price_then: str
    rule: int | None


class EarnedOut(Out):
    """Order lines of the period: what they earned, and what they would have. CNY."""

    lines: int
    earned: str
    would_have_earned: str
    dearer: int
    cheaper: int
    below_cost: int
    of_today: list[str] = Field(description=OF_TODAY)


class PreviewOut(Out):
    """What the rules would do."""

    items: list[TrialOut]
    history: EarnedOut
