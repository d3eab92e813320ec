"""What products are called before readers who may not know the source: by a list of words.

An offer keeps its source's title. A product's is made from that once, when it is written, so that
no reader, index, sheet or page has to. Products that were there before the list was edited are
written again behind it.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog import marks
from catalog.shop_names import Rules
from kit.db import NOW, Base, Id, Utc
from kit.errors import FieldError, Problem
from kit.ids import inside, outside
from kit.statements import Ask

LONGEST_WORD = 40
_PORTION = 5_000
"""Products that are looked at in one turn."""


class ShopWord(Base):
    """A word that titles lose; or, where it `stays`, a name with such a word in it."""

    __tablename__ = "shop_words"

    id: Mapped[Id]
    word: Mapped[str] = mapped_column(unique=True)
    stays: Mapped[bool] = mapped_column(server_default="false")
    gone: Mapped[bool] = mapped_column(server_default="false")
    """Forgotten; the row stays, so that readings which wait learn of it as of any other edit."""
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


@dataclass(frozen=True)
class Word:
    """One word, by its outside id."""

    id: str
    word: str
    stays: bool


def every(ask: Ask) -> list[Word]:
    """The list, oldest first."""
    (rows,) = ask(("SELECT id, word, stays FROM shop_words WHERE NOT gone ORDER BY id", ()))
    return [Word(outside("word", row.id), row.word, row.stays) for row in rows]


def put(session: Session, word: str, *, stays: bool) -> Word:
    """A word more, or another meaning of one that is there. Raises Problem 422 for no word."""
    word = word.strip()
    if not 1 < len(word) <= LONGEST_WORD:
        message = f"give a word of 2 to {LONGEST_WORD} characters"
        raise Problem(422, "invalid", message, errors=[FieldError("word", "invalid", message)])
    new = insert(ShopWord).values(word=word, stays=stays)
    row = session.execute(
        new.on_conflict_do_update(
            index_elements=["word"], set_={"stays": stays, "gone": False, "updated_at": NOW}
        ).returning(ShopWord.id)
    ).one()
    return Word(outside("word", row.id), word, stays)


def remove(session: Session, word: str) -> None:
    """Forget a word. Raises Problem 404."""
    gone = session.execute(
        update(ShopWord)
        .where(ShopWord.id == inside("word", word), ~ShopWord.gone)
        .values(gone=True, updated_at=NOW)
        .returning(ShopWord.id)
    )
    if gone.first() is None:
        raise Problem(404, "not_found", f"there is no word {word!r}")


_WORDS = text("SELECT word, stays FROM shop_words WHERE NOT gone")
_EDITION = text("SELECT concat_ws(' ', count(*), max(id), max(updated_at)) FROM shop_words")
_LED = text("""
    SELECT p.id, p.title AS now, o.title, o.seller, o.brand, o.category FROM products p,
      LATERAL (SELECT o.* FROM skus k JOIN offers o ON o.sku_id = k.id WHERE k.product_id = p.id
        ORDER BY o.id LIMIT 1) o
    WHERE p.id > :after ORDER BY p.id LIMIT :limit
""")
_RENAME = text("""
    UPDATE products p SET title = n.title
    FROM unnest(CAST(:ids AS bigint[]), CAST(:titles AS text[])) AS n(id, title) WHERE p.id = n.id
""")
_RENAMED = "SELECT product_id FROM unnest(CAST(:ids AS bigint[])) AS r(product_id)"


def rules(session: Session) -> Rules:
    """The list as it is now."""
    return Rules((row.word, row.stays) for row in session.execute(_WORDS))


def rename(session: Session, last: dict[str, Any]) -> dict[str, Any]:
    """Name some products anew where the list was edited since the walk that `last` tells of.

    Returns how far it came; `more`: there are others behind them.
    """
    edition = session.execute(_EDITION).scalar_one()
    walking = last.get("edition") == edition
    if walking and not last.get("more"):
        return last
    after = int(last["after"]) if walking else 0
    rows = session.execute(_LED, {"after": after, "limit": _PORTION}).all()
    names = rules(session)
    titles = {row.id: names.shown(row.title, row.seller, row.brand, row.category) for row in rows}
    other = {row.id: titles[row.id] for row in rows if titles[row.id] != row.now}
    if other:
        asked = {"ids": list(other), "titles": list(other.values())}
        session.execute(_RENAME, asked)
        marks.mark(session, _RENAMED, {"ids": list(other)})
    more = len(rows) == _PORTION
    done = {"edition": edition, "renamed": len(other), "more": more}
    return done | ({"after": rows[-1].id} if more else {})
