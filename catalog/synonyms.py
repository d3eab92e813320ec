"""Groups of words for the same goods, as operators keep them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit.db import NOW, Base, Id, Utc
from kit.errors import FieldError, Problem
from kit.ids import inside, outside
from kit.statements import Ask

MOST_WORDS = 50
LONGEST_WORD = 40


class Synonyms(Base):
    """Words that searches take for one another."""

    __tablename__ = "synonyms"

    id: Mapped[Id]
    words: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


@dataclass(frozen=True)
class Group:
    """One group, by its outside id."""

    id: str
    words: list[str]


def every(ask: Ask) -> list[Group]:
    """All groups, oldest first."""
    (rows,) = ask(("SELECT id, words FROM synonyms ORDER BY id", ()))
    return [Group(outside("syn", row.id), row.words) for row in rows]


def add(session: Session, words: Sequence[str]) -> Group:
    """A new group. Raises Problem 422 for fewer than two words, or one that is none."""
    row = Synonyms(words=_checked(words))
    session.add(row)
    session.flush()
    return Group(outside("syn", row.id), row.words)


def change(session: Session, group: str, words: Sequence[str]) -> Group:
    """Give a group other words. Raises Problem 404, or 422 as `add` does."""
    row = session.get(Synonyms, inside("syn", group), with_for_update=True)
    if row is None:
        raise _unknown(group)
    row.words = _checked(words)
    return Group(group, row.words)


def remove(session: Session, group: str) -> None:
    """Forget a group. Raises Problem 404."""
    gone = session.execute(
        delete(Synonyms).where(Synonyms.id == inside("syn", group)).returning(Synonyms.id)
    )
    if gone.first() is None:
        raise _unknown(group)


def _checked(words: Sequence[str]) -> list[str]:
    kept = list(dict.fromkeys(stripped for word in words if (stripped := word.strip())))
    if not 1 < len(kept) <= MOST_WORDS or any(len(word) > LONGEST_WORD for word in kept):
        message = f"give 2 to {MOST_WORDS} different words of up to {LONGEST_WORD} characters"
        raise Problem(422, "invalid", message, errors=[FieldError("words", "invalid", message)])
    return kept


def _unknown(group: str) -> Problem:
    return Problem(404, "not_found", f"there is no group of synonyms {group!r}")
