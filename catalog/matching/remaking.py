"""Keys of likeness that are made anew when titles come to be read otherwise.

Stored keys of an older version are found by no title that is read now. So some at a time, whenever
no new offer waits: 1. every offer's keys are made; 2. offers that stand alone wait to be matched
once more, but for those of which a person decided something or is asked; 3. the old keys go. How
far it came is the chore's last result, so that a process that is killed loses one portion. When
all is done a turn asks the database for nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import brands, run, settling
from catalog.matching.facts import VERSION, facts
from catalog.matching.keys import current, keys, owner
from catalog.matching.settling import TOLD

PORTION = 1_000
"""Offers that are looked at in one turn."""

OLD_KEYS = 20_000
"""Old keys that go in one turn."""

_OFFERS = text(f"""
    SELECT {TOLD} FROM offers o
    WHERE o.id > :after AND o.state <> 'gone' ORDER BY o.id LIMIT :most
""")  # noqa: S608 - columns of ours
_QUEUE = text("""
    WITH looked AS (
      SELECT id, sku_id, state FROM offers WHERE id > :after ORDER BY id LIMIT :most
    ), queued AS (
      INSERT INTO match_queue SELECT l.id FROM looked l WHERE l.state <> 'gone'
        AND NOT EXISTS (SELECT FROM offers x WHERE x.sku_id = l.sku_id AND x.id <> l.id)
        AND NOT EXISTS (SELECT FROM matches m WHERE m.offer_id = l.id AND m.state <> 'joined')
        AND NOT EXISTS (SELECT FROM matches m
          WHERE m.sku_id = l.sku_id AND m.state IN ('accepted', 'rejected'))
        AND NOT EXISTS (SELECT FROM matches m WHERE m.sku_id = l.sku_id AND m.state = 'review')
      ON CONFLICT DO NOTHING
    )
    SELECT max(id) FROM looked
""")
_FORGET = text("""
    DELETE FROM match_keys k USING (
      SELECT key, owner, offer_id FROM match_keys
      WHERE key BETWEEN :lowest AND :highest ORDER BY key LIMIT :most) old
    WHERE k.key = old.key AND k.owner = old.owner AND k.offer_id = old.offer_id
    RETURNING k.key
""")


def turn(session: Session, last: Mapping[str, Any]) -> dict[str, Any]:
    """Match the next offers that wait; if none do, make some keys anew. `last` is what the turn
    before returned. System scope.
    """
    done = settling.settle(session)
    stand = dict(last.get("keys", {}))
    if not done:
        stand = remake(session, stand)
    more = done == settling.AT_ONCE or (done == 0 and stand["step"] != "done")
    return {"offers": done, "keys": stand, "more": more}


def remake(session: Session, stand: Mapping[str, Any]) -> dict[str, Any]:
    """One portion of the work that `stand` tells of, as (version, step, after); returns how far it
    came."""
    if stand.get("version") != VERSION:
        stand = {"version": VERSION, "step": "keys", "after": 0}
    if stand["step"] == "done" or not settling.alone(session) or settling.waiting(session):
        return dict(stand)
    name, after = stand["step"], stand["after"]
    while name != "done":
        step, follows = _STEPS[name]
        if (reached := step(session, after)) is not None:
            return {"version": VERSION, "step": name, "after": reached}
        name, after = follows, _FIRST.get(follows, 0)
    return {"version": VERSION, "step": name, "after": after}


def _make(session: Session, after: int) -> int | None:
    """Write the keys of the next offers."""
    rows = session.execute(_OFFERS, {"after": after, "most": PORTION}).all()
    if not rows:
        return None
    known = brands.known(session)
    under = {row.id: keys(facts(run.listed(row), known)) for row in rows}
    run.stand(session, under, {row.id: owner(row.source, row.seller) for row in rows})
    return int(rows[-1].id)


def _queue(session: Session, after: int) -> int | None:
    """Let the next offers wait that may join others."""
    asked = {"after": after, "most": PORTION}
    last: int | None = session.execute(_QUEUE, asked).scalar_one()
    return last


def _forget(session: Session, after: int) -> int | None:
    """Delete the next keys of other versions."""
    lowest, highest = current()
    for begin, end in ((after, lowest - 1), (max(after, highest + 1), _HIGHEST)):
        if begin <= end:
            asked = {"lowest": begin, "highest": end, "most": OLD_KEYS}
            if gone := session.scalars(_FORGET, asked).all():
                return int(max(gone))
    return None


_HIGHEST = (1 << 63) - 1


_STEPS: Mapping[str, tuple[Callable[[Session, int], int | None], str]] = {
    "keys": (_make, "pairs"),
    "pairs": (_queue, "old"),
    "old": (_forget, "done"),
}
"""Step → what is done in one turn, and the step that follows when nothing is left."""

_FIRST = {"old": ~_HIGHEST}
"""Where a step begins that does not begin at 0."""
