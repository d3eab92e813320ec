"""Operators' rules of routing, as they send and see them."""

from typing import Annotated, Literal

from pydantic import Field

from api.shapes.base import CATEGORY, OF_TODAY, In, Key, Moment, Note, Out, Text
from api.shapes.brands import Region
from kit.faults import form

_SIGNED = form(
    r"^-?[0-9]{1,6}(\.[0-9]{1,4})?$",
    'give a decimal as text with at most four places, such as "-1.50" or "5"',
)
Then = Literal["never", "prefer", "last"]


class WhenIn(In):
    """The offers that a rule is for; what is left out names all. Or a `rule` to switch off."""

    source: Key | None = None
    seller: Text | None = None
    sku: Key | None = None
    brand: Text | None = None
    category: Text | None = Field(None, description=CATEGORY)
    region: Region | None = Field(
        None, description="Where goods go: a division's code, or the beginning of one."
    )
    rule: Key | None = Field(None, description='With "never" alone: the id of another rule.')


class RoutingRuleIn(In):
    """What routing does with the offers that fit.

    `never` buys nothing of them, or switches another rule off, until `until`; it wins over all
    other rules. `last` takes only units that no other offer can serve. `prefer` weighs them as if
    they cost more, or less where negative: `per_unit` in CNY, `percent` of the goods' cost. Of
    `last` and `prefer` the first that fits decides: the higher priority, then the one for fewer
    goods, then the later in the list.
    """

    id: Key
    then: Then
    when: WhenIn = WhenIn()
    priority: int = Field(0, strict=True, ge=-1000, le=1000)
    per_unit: str = Field("0", pattern=_SIGNED, examples=["-1.50"])
    percent: str = Field("0", pattern=_SIGNED, examples=["5"])
    until: Moment | None = Field(None, description='Needed with "never"; it ends by itself.')
    note: Note | None = None


Rules = Annotated[list[RoutingRuleIn], Field(max_length=500)]


class RoutingRulesIn(In):
    """The whole set; `version` is the one that it was made from."""

    version: int = Field(strict=True, ge=0, le=2**31)
    rules: Rules
    note: Note | None = None


class WhenOut(Out):
    """The offers that a rule is for."""

    source: str | None
    seller: str | None
    sku: str | None
    brand: str | None
    category: str | None
    region: str | None
    rule: str | None


class RoutingRuleOut(Out):
    """A rule, and whether it counts now: it has not ended, and no kill switch holds it."""

    id: str
    then: Then
    when: WhenOut
    priority: int
    per_unit: str
    percent: str
    until: str | None
    note: str | None
    in_force: bool


class RoutingRulesOut(Out):
    """The set in force."""

    version: int
    rules: list[RoutingRuleOut]


class ReplayIn(In):
    """Rules to try on past orders: the latest `limit` of the period, which is the last 30 days
    unless given."""

    rules: Rules
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")
    limit: int = Field(200, strict=True, ge=1, le=1000)


class ReplayedOut(Out):
    """An order as it was routed, and as it would have been. CNY at the sources' prices, with
    freight; `landed_then` is null where `unsellable` lines (by number, from 0) had no source."""

    order: str
    at: str
    changed: bool
    sources: list[str]
    sources_then: list[str]
    landed: str
    landed_then: str | None
    unsellable: dict[str, str]


class ReplayOut(Out):
    """What the rules would have done. The sums are over orders that both ways serve whole."""

    items: list[ReplayedOut]
    replayed: int
    changed: int
    unserved: int
    landed: str
    landed_then: str
    of_today: list[str] = Field(description=OF_TODAY)
    not_replayable: dict[str, int]
