"""How much harm a listing would do, and whether that is more than its source may do alone. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GuardLimits:
    """Shares (0 to 1) of a source's live offers that one listing may change unseen.

    `move` counts prices that move by more than the share `band` of what they were, or above what
    the source itself recommends for retail.
    """

    vanish: float = 0.2
    zero: float = 0.5
    move: float = 0.3
    band: float = 0.5
    rename: float = 0.2


@dataclass(frozen=True)
class Radius:
    """What a listing would do to `live` offers: `vanished`, fallen to no stock, moved in price,
    no longer stating their stock, become other goods. It has `stated` so many rows."""

    live: int
    stated: int = 0
    vanished: int = 0
    zeroed: int = 0
    moved: int = 0
    unstated: int = 0
    renamed: int = 0


FEW = 5
"""So many goods that state no stock any more, or became others, are no correction by hand; each of
the latter is asked about anyway."""
MANY = 20
"""From so many rows on it is no chance that most of a short listing moved in price."""


def objection(radius: Radius, limits: GuardLimits) -> str | None:
    """Why a person should look first, or None. A source without offers is never held."""
    live = radius.live
    if live == 0:
        return None
    far = f"moved in price by more than {limits.band:.0%}, or above their retail price"
    found = [
        f"{count} of {live} offers {words}"
        for count, limit, least, words in (
            (radius.vanished, limits.vanish, 1, "are missing from the listing"),
            (radius.zeroed, limits.zero, 1, "fell to no stock"),
            (radius.moved, limits.move, 1, far),
            (radius.unstated, limits.zero, FEW, "no longer state their stock"),
            (radius.renamed, limits.rename, FEW, "became other goods"),
        )
        if count > limit * live and count >= least
    ]
    if not found and MANY <= radius.moved > limits.move * radius.stated:
        found = [f"{radius.moved} of the {radius.stated} goods that are listed {far}"]
    return "; ".join(found) or None
