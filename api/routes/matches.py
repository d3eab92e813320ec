"""Operators: which offers are one SKU, what brands are called, and taking products apart."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.paths import Named
from api.replies import Reply
from api.shapes.base import NO_NUL, Cursor, IdPath, In, Key, Limit, Listed, Text
from api.shapes.matches import (
    BrandNameOut,
    LeafOut,
    LearntOut,
    MappingOut,
    MatchOut,
    SplitOut,
    UnmappedOut,
    UnsureOut,
)
from catalog.matching import brands, categories, queue, wordings
from catalog.matching.queue import Claim
from catalog.matching.tree import tree as our_tree
from kit import clock
from kit.ids import inside, outside
from trade import audits

router = APIRouter(prefix="/v1", tags=["operators"], route_class=Named)

Reads = Annotated[Caller, Depends(allow("matches:read"))]
Writes = Annotated[Writer, Depends(allow_write("matches:write"))]


class OfferName(In):
    """An offer by its source's code and its id there."""

    source: Key
    external_id: Text


class SplitIn(In):
    """The offers that do not belong to the product."""

    offers: list[OfferName] = Field(min_length=1, max_length=200)


class BrandNameIn(In):
    """The brand that a name stands for."""

    brand: Text


class BrandWordingIn(In):
    """Which brand goods are of that bear the names of several."""

    wording: Text
    brand: Text


class LearnIn(In):
    """The source whose categories are looked at."""

    source: Key


class MappingIn(In):
    """What a source calls a category, and the category of ours that it is."""

    source: Key
    theirs: Text
    ours: Key


@router.get("/matches", response_model=Listed[MatchOut], summary="Offers that may be one SKU")
def page(
    caller: Reads,
    state: Annotated[Literal["review", "joined", "accepted", "rejected"], Query()] = "review",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The oldest first, each with the evidence for and against."""
    after = replies.number_cursor(cursor) or 0
    with caller.system() as session:
        found, more = queue.page(session, state, limit=limit, after=after)
    return replies.page([_view(one) for one in found], more)


@router.post("/matches/{match_id}/accept", response_model=MatchOut, summary="They are one SKU")
def accept(caller: Writes, match_id: IdPath) -> Response:
    """The offer's own SKU is merged into the other and leads on to it; a split takes it back, and
    accepting what was rejected or split puts it together again."""

    def work(session: Session) -> Reply:
        found = queue.accept(session, inside("mat", match_id), caller.actor, clock.now())
        audits.note(session, caller.actor, "match.accept", match_id)
        return Reply(200, _view(found))

    return caller.do(work)


@router.post("/matches/{match_id}/reject", response_model=MatchOut, summary="They are two")
def reject(caller: Writes, match_id: IdPath) -> Response:
    """The offer is never proposed for that SKU again."""

    def work(session: Session) -> Reply:
        found = queue.reject(session, inside("mat", match_id), caller.actor, clock.now())
        audits.note(session, caller.actor, "match.reject", match_id)
        return Reply(200, _view(found))

    return caller.do(work)


@router.post("/products/{product_id}/split", response_model=SplitOut, summary="Take offers out")
def split(caller: Writes, product_id: IdPath, asked: SplitIn) -> Response:
    """They go back to the SKU that they were merged from, or get one of their own."""

    def work(session: Session) -> Reply:
        named = [(one.source, one.external_id) for one in asked.offers]
        product = inside("prd", product_id)
        moved = queue.split(session, product, named, caller.actor, clock.now())
        audits.note(session, caller.actor, "product.split", product_id, {"offers": len(named)})
        shown = [
            {"from": outside("sku", one.from_sku), "to": outside("sku", one.to_sku)}
            for one in moved
        ]
        return Reply(200, {"moved": shown})

    return caller.do(work)


@router.get("/brand-names", response_model=Listed[BrandNameOut], summary="What brands are called")
def names(
    caller: Reads,
    brand: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
) -> Response:
    """By name. Sources' names are learnt; an operator's word outlives them."""
    with caller.system() as session:
        found = brands.page(session, brand=brand, limit=limit + 1, after=cursor or "")
    return _page(found, limit, "name")


@router.put("/brand-names/{name}", response_model=BrandNameOut, summary="Call a brand by a name")
def call(
    caller: Writes,
    name: Annotated[str, Path(min_length=1, max_length=200, pattern=NO_NUL)],
    asked: BrandNameIn,
) -> Response:
    """Rules and goods that are worded so turn at once; matching reads offers so that come from now
    on, and searches follow in seconds."""

    def work(session: Session) -> Reply:
        said = brands.call(session, name, asked.brand)
        wordings.resolve(session)
        audits.note(session, caller.actor, "brand.call", said.name, {"brand": said.brand})
        return Reply(200, vars(said))

    return caller.do(work)


@router.get(
    "/brand-wordings/unsure",
    response_model=Listed[UnsureOut],
    summary="What names several brands",
)
def unsure(
    caller: Reads,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=500, pattern=NO_NUL)] = None,
) -> Response:
    """Wordings of goods that name several brands, by their words. They count for none of these, in
    rules, grants and searches, until somebody says which brand they are."""
    with caller.system() as session:
        found = wordings.unsure(session, limit=limit + 1, after=cursor or "")
    return _page(found, limit, "wording")


@router.put("/brand-wordings", response_model=BrandNameOut, summary="Say whose several names are")
def decide(caller: Writes, asked: BrandWordingIn) -> Response:
    """Of goods that bear the names of several brands, in whatever order: which brand they are."""

    def work(session: Session) -> Reply:
        said = brands.decide(session, asked.wording, asked.brand)
        wordings.resolve(session)
        audits.note(session, caller.actor, "brand.decide", said.name, {"brand": said.brand})
        return Reply(200, vars(said))

    return caller.do(work)


@router.get("/category-tree", response_model=Listed[LeafOut], summary="Our categories")
def tree(caller: Reads) -> Response:
    """Every category with its code, each before those below it."""
    shown = [{"code": one.code, "name": one.name} for one in our_tree().values()]
    return replies.page(shown, None)


@router.get(
    "/category-mappings", response_model=Listed[MappingOut], summary="What sources' categories are"
)
def mappings(
    caller: Reads,
    source: Annotated[str, Query(max_length=64, pattern=NO_NUL)],
    state: Annotated[Literal["learnt", "confirmed"] | None, Query()] = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
) -> Response:
    """By their words."""
    with caller.system() as session:
        found = categories.page(session, source, state=state, limit=limit + 1, after=cursor or "")
    return _page(found, limit, "theirs")


@router.get(
    "/category-mappings/unmapped",
    response_model=Listed[UnmappedOut],
    summary="What is in no category",
)
def unmapped(
    caller: Reads,
    source: Annotated[str, Query(max_length=64, pattern=NO_NUL)],
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
) -> Response:
    """What a source calls categories that neither a mapping nor their name places, by their words.
    Readers find such goods under the last of these words."""
    with caller.system() as session:
        found = categories.unmapped(session, source, limit=limit + 1, after=cursor or "")
    return _page(found, limit, "theirs")


@router.post(
    "/category-mappings/learn", response_model=LearntOut, summary="Learn what categories are"
)
def learn(caller: Writes, asked: LearnIn) -> Response:
    """From their names, and from products that the source shares with confirmed ones."""

    def work(session: Session) -> Reply:
        learnt = categories.learn(session, asked.source)
        audits.note(session, caller.actor, "category.learn", asked.source, {"learnt": learnt})
        return Reply(200, {"learnt": learnt})

    return caller.do(work)


@router.put("/category-mappings", response_model=MappingOut, summary="Say what a category is")
def confirm(caller: Writes, asked: MappingIn) -> Response:
    """A person's word is never learnt over. Goods move to it within seconds."""

    def work(session: Session) -> Reply:
        said = categories.confirm(session, asked.source, asked.theirs, asked.ours)
        audits.note(session, caller.actor, "category.confirm", said.theirs, {"ours": said.ours})
        return Reply(200, vars(said))

    return caller.do(work)


def _page(found: Sequence[Any], limit: int, key: str) -> Response:
    """One page of what was looked for by one more than fit, and the key behind which it goes on."""
    more = getattr(found[limit - 1], key) if len(found) > limit else None
    return replies.answer({"items": [vars(one) for one in found[:limit]], "next": more})


def _view(claim: Claim) -> dict[str, Any]:
    return {
        "id": outside("mat", claim.id),
        "kind": claim.kind,
        "state": claim.state,
        "score": float(claim.score),
        "evidence": claim.evidence,
        "offer": {
            "source": claim.source,
            "external_id": claim.external_id,
            "seller": claim.seller,
            "title": claim.title,
            "brand": claim.brand,
            "attributes": claim.attributes,
            "sku": outside("sku", claim.own_sku_id),
        },
        "sku": outside("sku", claim.sku_id),
        "product": {"id": outside("prd", claim.product_id), "title": claim.product_title},
        "created_at": claim.created_at,
        "decided_at": claim.decided_at,
        "decided_by": claim.decided_by,
    }
