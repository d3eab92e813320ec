"""What operators read of matching."""

from typing import Any

from pydantic import Field

from api.shapes.base import Out


class EvidenceOut(Out):
    """One observation, for programs and for people; its weight speaks for or against."""

    code: str
    weight: float
    words: str


class MatchOfferOut(Out):
    """The offer that was compared, and the SKU it stands under now."""

    source: str
    external_id: str
    seller: str | None
    title: str
    brand: str | None
    attributes: dict[str, Any] | None
    sku: str


class MatchProductOut(Out):
    """The product of the SKU that it was compared with."""

    id: str
    title: str


class MatchOut(Out):
    """The claim that an offer is for a SKU."""

    id: str
    kind: str = Field(description="match | drift: the source re-used an id")
    state: str = Field(description="review | joined (without a person) | accepted | rejected")
    score: float
    evidence: list[EvidenceOut]
    offer: MatchOfferOut
    sku: str
    product: MatchProductOut
    created_at: str
    decided_at: str | None
    decided_by: str | None


class MovedOut(Out):
    """Offers went from one SKU to another."""

    from_: str = Field(alias="from")
    to: str


class SplitOut(Out):
    """What a split moved."""

    moved: list[MovedOut]


class BrandNameOut(Out):
    """A name that a brand goes by, in the form in which names are compared."""

    name: str
    brand: str
    by: str = Field(description="source | operator")


class UnsureOut(Out):
    """A wording that names several brands."""

    wording: str
    brands: list[str]
    offers: int


class LeafOut(Out):
    """A category of ours."""

    code: str
    name: str


class MappingOut(Out):
    """What a source calls a category, and the category of ours that it is."""

    source: str
    theirs: str
    ours: str
    state: str = Field(description="learnt | confirmed")
    votes: int = Field(description="Shared products that say so; 0: its name, or a person")


class UnmappedOut(Out):
    """What a source calls a category that is none of ours."""

    theirs: str
    offers: int


class LearntOut(Out):
    """How many mappings were written."""

    learnt: int
