"""What consumers have ordered at a brand: trades and fenxiao orders. Pure values.

They take stock there. Recipients are not asked for: where the platform sends them all the same
they are masked, and they are dropped here.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DemandLine:
    """Units of one SKU in an order. `taking`: they are paid or waited for, and not yet shipped."""

    ref: str
    external_id: str | None
    quantity: int
    taking: bool
    status: str | None
    refund_status: str | None = None


@dataclass(frozen=True)
class Demand:
    """One order of a consumer; `ref` is its id at the platform."""

    ref: str
    status: str
    modified: datetime | None
    lines: tuple[DemandLine, ...]
