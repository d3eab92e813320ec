"""What bundles were made of, from when until when."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Index, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog.matching import redirects
from catalog.matching.redirects import NOWHERE, Leads
from kit.db import Base, Utc, end_version


class BundleVersion(Base):
    """A SKU was made of these parts from `began_at` until `ended_at`; null: it is still. Never
    deleted."""

    __tablename__ = "bundle_versions"
    __table_args__ = (
        Index(
            "bundle_versions_open",
            "sku_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    began_at: Mapped[Utc] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime | None]
    parts: Mapped[dict[str, int]] = mapped_column(JSONB)
    """Units of each part in one bundle, as they were named then."""


@dataclass(frozen=True)
class Made:
    """What a SKU was made of for some time: units by part, as these were named."""

    began: datetime
    ended: datetime | None
    units: Mapping[int, int]


@dataclass(frozen=True)
class PastBundles:
    """All that some SKUs were ever made of. The default is SKUs that never were bundles."""

    made: Mapping[int, Sequence[Made]] = field(default_factory=dict)
    led: Leads = NOWHERE

    def named(self, sku: int, moment: datetime) -> Mapping[int, int]:
        """Units by part at `moment`, as they were named; none: it was no bundle."""
        for one in self.made.get(sku, ()):
            if one.began <= moment and (one.ended is None or moment < one.ended):
                return one.units
        return {}

    def units(self, sku: int, moment: datetime) -> Mapping[int, int]:
        """As `named`, by the SKUs that these led to then: two that were one share its stock."""
        found: Counter[int] = Counter()
        for part, units in self.named(sku, moment).items():
            found[self.led.to(part, moment)] += units
        return found

    @property
    def parts(self) -> set[int]:
        """Every part that one of them ever had."""
        return {part for spans in self.made.values() for one in spans for part in one.units}

    def turns(self) -> Iterator[datetime]:
        """When one of them came to be made of something else."""
        for spans in self.made.values():
            for one in spans:
                yield from filter(None, (one.began, one.ended))


def ever(session: Session, sku_ids: Collection[int]) -> PastBundles:
    """What these SKUs were ever made of."""
    kept = BundleVersion
    made: dict[int, list[Made]] = {}
    asked = select(kept).where(kept.sku_id.in_(sorted(sku_ids))).order_by(kept.began_at)
    for row in session.scalars(asked):
        units = {int(part): count for part, count in row.parts.items()}
        made.setdefault(row.sku_id, []).append(Made(row.began_at, row.ended_at, units))
    past = PastBundles(made)
    return PastBundles(made, redirects.ever(session, past.parts))


def keep(session: Session, sku_id: int, units: Mapping[int, int], at: datetime) -> None:
    """Write down that a SKU is made of these parts from `at` on; of none: it is no bundle."""
    kept = BundleVersion
    said = {str(part): count for part, count in units.items()}
    own = kept.sku_id == sku_id
    if said == session.scalar(select(kept.parts).where(own, kept.ended_at.is_(None))):
        return
    end_version(session, kept, at, own)
    if said:
        session.add(kept(sku_id=sku_id, began_at=at, parts=said))
    session.flush()
