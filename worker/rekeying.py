"""One key takes another's place: every envelope is re-wrapped, keyed hashes are made anew.

Orders go on meanwhile: what is under a former key of the ring opens, and is looked for, as before.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from kit import canaries
from kit.crypto import Keyring
from kit.db import Database
from kit.errors import Problem
from kit.rewrapping import Place, Walk
from sync.sources import RECORDED
from trade import audits
from trade.sealed import PLACES as TRADE

PLACES: tuple[Place, ...] = (*TRADE, RECORDED)
"""Wherever envelopes are."""


@dataclass(frozen=True)
class KeyUse:
    """A key and what is sealed with it. `role`: current, former, or missing from the ring."""

    key: str
    role: str
    envelopes: int
    places: dict[str, int]


def uses(session: Session, keyring: Keyring, places: Sequence[Place] = PLACES) -> list[KeyUse]:
    """Every key of the ring, and every other one that something is sealed with."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for place in places:
        for key, count in place.count(session).items():
            found[key][place.name] += count
    ring = [keyring.name, *keyring.former]
    roles = dict.fromkeys(ring, "former") | {keyring.name: "current"}
    return [
        KeyUse(key, roles.get(key, "missing"), found[key].total(), dict(found[key]))
        for key in dict.fromkeys([*ring, *sorted(found)])
    ]


def further(session: Session, keyring: Keyring, last: dict[str, Any]) -> dict[str, Any]:
    """One window of a walk through every place, from where `last` says; what to say next time."""
    canaries.leave(session, keyring)
    walk = Walk(**last) if last.get("key") == keyring.name else Walk(keyring.name)
    if walk.over:
        walk = Walk(keyring.name)
    walk.step(session, keyring, PLACES)
    if walk.over and walk.done:
        detail = {"key": walk.key, "envelopes": walk.done, "broken": walk.broken}
        audits.note(session, "key rotation", "keys.rotate", f"key {walk.key}", detail)
    return asdict(walk)


def rotate(db: Database, keyring: Keyring, step: Callable[[int], object]) -> Walk:
    """Walk until nothing is left that a former key of the ring opens; `step` hears of each window.

    What others hold locked is taken by the next walk.
    """
    whole = Walk(keyring.name)
    while True:
        state: dict[str, Any] = {}
        while not state.get("over"):
            with db.as_system() as session:
                state = further(session, keyring, state)
            step(whole.rows + state["rows"])
        whole.rows += state["rows"]
        whole.done += state["done"]
        whole.broken = state["broken"]
        if not state["done"]:
            return whole


def retire(session: Session, keyring: Keyring, key: str) -> int:
    """Let go of a former key that nothing is sealed with; returns how many envelopes still are.

    Raises Problem 409 for the current key, 404 for one that was never here.
    """
    if key == keyring.name:
        raise Problem(409, "current_key", f"{key} is the current key: make another one current")
    left = sum(use.envelopes for use in uses(session, keyring) if use.key == key)
    if not left:
        if key not in keyring.former and key not in canaries.known(session):
            raise Problem(404, "not_found", f"there is no key {key!r} here")
        canaries.remove(session, key)
    return left
