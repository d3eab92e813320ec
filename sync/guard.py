"""How much harm a listing would do, and whether that is more than its source may do alone. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GuardLimits:
    """Shares (0 to 1) of a source's live offers that one listing may change unseen."""

    vanish: float = 0.2
    zero: float = 0.5


@dataclass(frozen=True)
class Radius:
    """What a listing would do to `live` offers: how many `vanished`, how many fell to no stock."""

    live: int
    vanished: int
    zeroed: int


def objection(radius: Radius, limits: GuardLimits) -> str | None:
    """Why a person should look first, or None. A source without offers is never held."""
    if radius.live == 0:
        return None
    if radius.vanished > limits.vanish * radius.live:
        return f"{radius.vanished} of {radius.live} offers are missing from the listing"
    if radius.zeroed > limits.zero * radius.live:
        return f"{radius.zeroed} of {radius.live} offers fell to no stock"
    return None
