"""What a changed rule affects: one row of the change feed, however many goods and readers that are.

Price rules, levels, price policies and grants write no offer and no selection. A row says which
goods and whose eyes they concern, and everybody whom it concerns reads the goods again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, Literal, TypeVar

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog.pricing import Buyer, Goods, Rule
from kit.db import NOW, Base, Id, Utc
from kit.ids import outside

Kind = Literal["pricing", "level", "corridor", "grant", "freight", "category", "brand", "bundle"]
T = TypeVar("T")

MOST_NAMED = 100
"""A row names so many goods and readers; what affects more is said to affect everything."""


class RuleChange(Base):
    """A changed rule; `seq` is of the same numbers as that of `changes`, given after the commit."""

    __tablename__ = "rule_changes"

    id: Mapped[Id]
    seq: Mapped[int | None]
    kind: Mapped[str]
    """pricing | level | corridor | grant | freight | category | brand | bundle."""
    reach: Mapped[list[Any]] = mapped_column(JSONB)
    """Each a `Reach` without what it leaves open."""
    at: Mapped[Utc] = mapped_column(server_default=NOW)


@dataclass(frozen=True)
class Reach:
    """Some goods in some readers' eyes; None names all. `group` is a party and all under it.

    `brand` is as somebody worded it, `brand_of` what that stands for; None: itself.
    """

    source: str | None = None
    sku: int | None = None
    brand: str | None = None
    category: str | None = None
    party: int | None = None
    group: int | None = None
    level: str | None = None
    brand_of: str | None = None

    @property
    def personal(self) -> bool:
        """Whether it names readers."""
        return (self.party, self.group, self.level) != (None, None, None)

    def touches(self, sku_id: int, goods: Goods) -> bool:
        """Whether this SKU, as one source offers it, is among the goods."""
        return (
            self.source in (None, goods.source)
            and self.sku in (None, sku_id)
            and (self.brand is None or goods.brand == (self.brand_of or self.brand))
            and (self.category is None or goods.is_in(self.category))
        )

    def is_for(self, buyer: Buyer) -> bool:
        """Whether `buyer` is among the readers."""
        return (
            self.party in (None, buyer.party)
            and (self.group in (None, buyer.party) or self.group in buyer.above)
            and self.level in (None, buyer.level)
        )

    def told(self, *, source: bool, readers: bool) -> dict[str, Any]:
        """In the words of somebody who may know its source, and whom else it is for."""
        said = {
            "source": self.source if source else None,
            "sku": self.sku and outside("sku", self.sku),
            "brand": self.brand,
            "category": self.category,
        }
        if readers:
            said |= {
                "party": self.party and outside("pty", self.party),
                "group": self.group and outside("pty", self.group),
                "level": self.level,
            }
        return _stated(said)


@dataclass(frozen=True)
class Ruling:
    """A numbered row of `rule_changes`."""

    seq: int
    kind: str
    reach: tuple[Reach, ...]
    at: datetime


def ruling(seq: int, kind: str, reach: Iterable[dict[str, Any]], at: datetime) -> Ruling:
    """A row as it is stored."""
    return Ruling(seq, kind, tuple(Reach(**one) for one in reach), at)


def tell(session: Session, kind: Kind, reach: Iterable[Reach]) -> None:
    """Write one row, in the transaction that changes the rule; nothing affected, no row."""
    named = list(dict.fromkeys(reach))
    if len(named) > MOST_NAMED:
        named = [Reach()]
    if named:
        stored = [_stated(asdict(one)) for one in named]
        session.execute(insert(RuleChange).values(kind=kind, reach=stored))


def of_rules(former: Sequence[Rule], rules: Sequence[Rule]) -> list[Reach]:
    """What differs between two sets of price rules: rules that came, went or changed places. Pure.

    Their numbers do not matter, only the order in which they decide.
    """
    return [
        Reach(
            source=one.source,
            brand=one.brand,
            brand_of=one.brand_of,
            category=one.category,
            party=one.party,
            group=one.group,
            level=one.level,
        )
        for one in differing(_decided(former), _decided(rules))
    ]


def differing(before: Sequence[T], after: Sequence[T]) -> list[T]:
    """What is in one of two sequences only, or elsewhere in the other. Pure."""
    same = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        one for how, a, b, c, d in same if how != "equal" for one in (*before[a:b], *after[c:d])
    ]


def _decided(rules: Sequence[Rule]) -> list[Rule]:
    return [replace(one, id=0) for one in sorted(rules, key=lambda rule: rule.rank)]


def _stated(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}
