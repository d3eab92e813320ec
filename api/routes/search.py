"""Beside a search: what narrows it, what may be meant, and which words mean the same."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.queries import parameters, queried
from api.replies import Reply
from api.routes.catalog import asked_for
from api.shapes.base import NO_NUL, IdPath
from api.shapes.search import (
    NarrowingOut,
    SearchIn,
    ShopWordIn,
    ShopWordOut,
    ShopWordsOut,
    SuggestionsOut,
    SynonymsIn,
    SynonymsListOut,
    SynonymsOut,
)
from catalog import synonyms, titles
from trade import audits

router = APIRouter(prefix="/v1", tags=["catalogue"])

Reads = Annotated[Caller, Depends(allow("catalog:read"))]
Edits = Annotated[Writer, Depends(allow_write("synonyms:write"))]
Removes = Annotated[Caller, Depends(allow("synonyms:write"))]


@router.get(
    "/products/facets",
    response_model=NarrowingOut,
    summary="What narrows a search",
    openapi_extra=parameters(SearchIn),
)
def facets(caller: Reads, given: Annotated[SearchIn, Depends(queried(SearchIn))]) -> Response:
    """Each value with the products that it leaves, as this reader sees prices and grants.

    A facet in use counts its other values too, so that another one can be chosen.
    """
    index = caller.office.index
    found = index.facets(asked_for(given), caller.reader, index.thesaurus(caller.ask))
    shown = {name: [vars(value) for value in values] for name, values in found.items()}
    return replies.answer({"facets": shown})


@router.get("/suggestions", response_model=SuggestionsOut, summary="What may be meant")
def suggestions(
    caller: Reads,
    q: Annotated[str, Query(max_length=64, pattern=NO_NUL)] = "",
    limit: Annotated[int, Query(ge=1, le=20)] = 8,
) -> Response:
    """Completions of what is being typed, in characters, in pinyin or by initials."""
    index = caller.office.index
    found = index.suggest(q, caller.reader, limit, index.thesaurus(caller.ask))
    return replies.answer({"items": [vars(one) for one in found]})


@router.get("/synonyms", response_model=SynonymsListOut, summary="Words that mean the same")
def every(caller: Reads) -> Response:
    """Searches for one word of a group find goods with any other."""
    return replies.answer({"items": [vars(one) for one in synonyms.every(caller.ask)]})


@router.post("/synonyms", status_code=201, response_model=SynonymsOut, summary="A new group")
def add(caller: Edits, asked: SynonymsIn) -> Response:
    """Counts within seconds."""

    def work(session: Session) -> Reply:
        group = synonyms.add(session, asked.words)
        audits.note(session, caller.actor, "synonyms.add", group.id)
        return Reply(201, vars(group))

    return caller.do(work)


@router.put("/synonyms/{group_id}", response_model=SynonymsOut, summary="Other words for a group")
def change(caller: Edits, group_id: IdPath, asked: SynonymsIn) -> Response:
    """Counts within seconds."""

    def work(session: Session) -> Reply:
        group = synonyms.change(session, group_id, asked.words)
        audits.note(session, caller.actor, "synonyms.change", group_id)
        return Reply(200, vars(group))

    return caller.do(work)


@router.delete("/synonyms/{group_id}", status_code=204, summary="Forget a group")
def remove(caller: Removes, group_id: IdPath) -> Response:
    """Counts within seconds."""
    with caller.system() as session:
        synonyms.remove(session, group_id)
        audits.note(session, caller.actor, "synonyms.remove", group_id)
    return Response(status_code=204)


@router.get("/shop-words", response_model=ShopWordsOut, summary="What titles lose")
def shop_words(caller: Removes) -> Response:
    """Names of platforms and kinds of shops that no product's title has, and names that stay."""
    return replies.answer({"items": [vars(one) for one in titles.every(caller.ask)]})


@router.post("/shop-words", status_code=201, response_model=ShopWordOut, summary="A word more")
def put_shop_word(caller: Edits, asked: ShopWordIn) -> Response:
    """Goods that are loaded from now on lose it at once, the others within minutes."""

    def work(session: Session) -> Reply:
        word = titles.put(session, asked.word, stays=asked.stays)
        audits.note(session, caller.actor, "shop_words.put", word.id)
        return Reply(201, vars(word))

    return caller.do(work)


@router.delete("/shop-words/{word_id}", status_code=204, summary="Forget a word")
def remove_shop_word(caller: Removes, word_id: IdPath) -> Response:
    """Titles that have lost it get it back within minutes."""
    with caller.system() as session:
        titles.remove(session, word_id)
        audits.note(session, caller.actor, "shop_words.remove", word_id)
    return Response(status_code=204)
