"""What products are called before readers who may not know the source: by a list of words.

An offer keeps its source's title. A product's is made from that once, when it is written, so that
no reader, index, sheet or page has to. Products that were there before the list was edited are
written again behind it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog import marks
from catalog.shop_names import Rules, holding
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


_WORDS = text("SELECT word, stays FROM shop_words WHERE NOT gone ORDER BY id")
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
_ATTRIBUTES = text("""
    SELECT product_id, string_agg(attributes::text, ' ') AS told FROM skus
    WHERE product_id = ANY(:ids) AND attributes IS NOT NULL GROUP BY product_id
""")
_MARKED = "SELECT product_id FROM unnest(CAST(:ids AS bigint[])) AS r(product_id)"


def rules(session: Session) -> Rules:
    """The list as it is now."""
    return Rules((row.word, row.stays) for row in session.execute(_WORDS))


def rename(session: Session, last: dict[str, Any]) -> dict[str, Any]:
    """Name some products anew where the list was edited since the walk that `last` tells of, and
    have the search index read those again whose attributes hold an edited word.

    Returns how far it came; `more`: there are others behind them.
    """
    words = [[row.word, row.stays] for row in session.execute(_WORDS)]
    walking = last.get("words") == words
    if walking and not last.get("more"):
        return last
    after = int(last["after"]) if walking else 0
    # Of a walk that another edit broke off nothing counts as done.
    former = last.get("former" if last.get("more") else "words", [])
    rows = session.execute(_LED, {"after": after, "limit": _PORTION}).all()
    names = Rules((word, stays) for word, stays in words)
    titles = {row.id: names.shown(row.title, row.seller, row.brand, row.category) for row in rows}
    other = {row.id: titles[row.id] for row in rows if titles[row.id] != row.now}
    if other:
        session.execute(_RENAME, {"ids": list(other), "titles": list(other.values())})
    edited = {word for word, stays in words if [word, stays] not in former}
    edited |= {word for word, stays in former if [word, stays] not in words}
    held = _holding(session, [row.id for row in rows], edited)
    if again := sorted(held | other.keys()):
        marks.mark(session, _MARKED, {"ids": again})
    more = len(rows) == _PORTION
    done = {"words": words, "renamed": len(other), "again": len(again), "more": more}
    return done | ({"after": rows[-1].id, "former": former} if more else {})


def _holding(session: Session, ids: Sequence[int], edited: Collection[str]) -> set[int]:
    """Those of these products whose attributes hold one of the words."""
    if not (ids and edited):
        return set()
    rows = session.execute(_ATTRIBUTES, {"ids": ids})
    return holding({row.product_id: row.told for row in rows}, edited)
