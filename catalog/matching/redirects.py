"""Where SKUs that were merged lead to, now and at any moment before."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from kit.statements import ids_text, send

_LED = "SELECT from_sku, to_sku FROM sku_redirects WHERE from_sku = ANY(%s)"


def current(session: Session, skus: Iterable[int]) -> dict[int, int]:
    """Each SKU and the one that now stands for it: itself, unless it was merged."""
    asked = list(dict.fromkeys(skus))
    led = dict(send(session, (_LED, [ids_text(asked)]))[0])
    return {sku: led.get(sku, sku) for sku in asked}


def among(session: Session, asked: Iterable[int], there: Iterable[int]) -> dict[int, int]:
    """Each asked SKU as the one of those that are `there` under whose name it goes: itself, or one
    that stands for the same goods since a merge; the others are left out."""
    asked, there = list(asked), set(there)
    found = {sku: sku for sku in asked if sku in there}
    if strange := [sku for sku in asked if sku not in there]:
        led = current(session, [*strange, *there])
        standing = {led[sku]: sku for sku in sorted(there, reverse=True)}
        found |= {sku: standing[led[sku]] for sku in strange if led[sku] in standing}
    return found


def with_led(session: Session, skus: Iterable[int]) -> list[int]:
    """These SKUs and those that now stand for them, in the order of their ids."""
    return sorted({sku for pair in current(session, skus).items() for sku in pair})


class Merge(NamedTuple):
    """A SKU that was merged into another at `at`; it may have been undone."""

    to_sku: int
    at: datetime
    undone_at: datetime | None

    def held(self, moment: datetime) -> bool:
        """Whether it counted at `moment`."""
        return self.at <= moment and (self.undone_at is None or moment < self.undone_at)


@dataclass(frozen=True)
class Leads:
    """All merges of some SKUs and of those that they ever led to, by SKU, in their order."""

    merges: Mapping[int, Sequence[Merge]] = field(default_factory=dict)

    def to(self, sku: int, moment: datetime) -> int:
        """The SKU for which it stood at `moment`: itself, unless it was merged away then."""
        passed = set[int]()
        while sku not in passed:
            passed.add(sku)
            held = (one for one in reversed(self.merges.get(sku, ())) if one.held(moment))
            last = next(held, None)
            sku = sku if last is None else last.to_sku
        return sku


NOWHERE = Leads()

_EVER = """
    WITH RECURSIVE led AS (
      SELECT unnest(CAST(%s AS bigint[])) AS sku
      UNION SELECT r.to_sku FROM led JOIN regroupings r
        ON r.from_sku = led.sku AND r.kind = 'merge')
    SELECT from_sku, to_sku, at, undone_at FROM regroupings
    WHERE kind = 'merge' AND from_sku IN (SELECT sku FROM led) ORDER BY id
"""


def ever(session: Session, skus: Collection[int]) -> Leads:
    """What is known of where these SKUs led."""
    if not skus:
        return NOWHERE
    merges: dict[int, list[Merge]] = {}
    for from_sku, *merge in send(session, (_EVER, [ids_text(skus)]))[0]:
        merges.setdefault(from_sku, []).append(Merge(*merge))
    return Leads(merges)
