"""A reader at any moment of the past: by the price rules, the grants and its own place of then."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from catalog.grants import ALWAYS_OPEN, PastGrants
from catalog.pricebook import Pricebook
from catalog.pricing import Buyer
from catalog.readers import Readership
from catalog.shelf import Reader
from kit.statements import Query, send

KEPT_SINCE: Query = ("SELECT rules_since, terms_since FROM feed_head", ())
"""What `of_today` asks; `taken` reads the row."""


def of_today(
    session: Session, since: datetime, *more: str, terms: Collection[str] = ()
) -> list[str]:
    """What an answer about the time from `since` on takes from today: what brands' wordings stand
    for, and `more`; `rules`, where grants, price policies and levels of then may have ended before
    they were kept, and those of `terms` (`parts` of bundles, `freight` templates) alike."""
    return taken(send(session, KEPT_SINCE)[0], since, *more, terms=terms)


def taken(
    rows: Sequence[Any], since: datetime, *more: str, terms: Collection[str] = ()
) -> list[str]:
    """As `of_today`, by the answer to `KEPT_SINCE`."""
    [[rules_since, terms_since]] = rows
    kept = dict.fromkeys(terms, terms_since) | {"rules": rules_since}
    unkept = [name for name, begin in kept.items() if begin is not None and since < begin]
    return ["names", *more, *unkept]


@dataclass(frozen=True)
class Hindsight:
    """`at` says how somebody read at a moment; between two of its `turns`, in their order, that was
    by the same prices, and by grants that say themselves when they hold."""

    at: Callable[[datetime], Reader]
    turns: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class Whose:
    """Whose eyes: where it stood at a moment, when it came to stand elsewhere, and all that it was
    ever granted."""

    role: str
    stood: Callable[[datetime], Buyer]
    moved: Iterable[datetime | None] = ()
    grants: PastGrants = ALWAYS_OPEN


def of(
    readership: Readership, books: Sequence[tuple[datetime, Pricebook]], whose: Whose
) -> Hindsight:
    """How a reader read while `books` were in force, set after set. The terms of sources are those
    of today, and so is what a brand's wordings stand for. Pure."""

    def at(moment: datetime) -> Reader:
        known = (book for began, book in reversed(books) if began <= moment)
        then = replace(readership, book=next(known, Pricebook()))
        buyer = whose.stood(moment)
        reader = then.reader(whose.role, buyer, moment)
        return replace(reader, grants=whose.grants.at(moment, buyer))

    turns = {*_turns(books), *whose.moved, *whose.grants.turns()}
    return Hindsight(at, tuple(sorted(turn for turn in turns if turn is not None)))


def _turns(books: Iterable[tuple[datetime, Pricebook]]) -> Iterator[datetime | None]:
    for began, book in books:
        yield began
        for rule in book.rules:
            yield from (rule.valid_from, rule.valid_until)
