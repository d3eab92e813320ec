"""A shop's stock, written back.

Only full quantities are written: repeating one does no harm, while an increment that is repeated
after a timeout counts twice. After an unknown outcome the shop is read before it is written again.
"""

from collections.abc import Mapping

from connectors.errors import OutcomeUnknown, OutOfStock
from connectors.top import goods
from connectors.top.gateway import Gateway

from . import mapping, pull
from .calls import ITEMS, SET_ITEM_STOCK, SET_SKU_STOCK, SKUS
from .lowering import Lowering, Lowerings
from .settings import ShopSettings

FULL = 1


class Stock:
    """What a shop shows of its SKUs, and how purchases lower it, each one once."""

    def __init__(self, gateway: Gateway, given: ShopSettings, lowerings: Lowerings) -> None:
        self._gateway = gateway
        self._given = given
        self._lowerings = lowerings

    def shown(self, external_ids: list[str]) -> dict[str, int]:
        """The quantities that the shop shows now, nothing subtracted; unknown ids are absent."""
        listings = list(dict.fromkeys(goods.listing_of(one) for one in external_ids))
        found: dict[str, int] = {}
        for start in range(0, len(listings), ITEMS):
            batch = listings[start : start + ITEMS]
            for item in pull.details(self._gateway, self._given, batch, urgent=True):
                found |= mapping.quantities(item)
        return {one: found[one] for one in external_ids if one in found}

    def write(self, levels: Mapping[str, int]) -> None:
        """Set what the shop shows. Raises SupplierError; what was set before stays set."""
        by_listing: dict[str, dict[str, int]] = {}
        for external, level in levels.items():
            if level < 0:
                raise ValueError(f"{external}: {level} is no quantity")
            by_listing.setdefault(goods.listing_of(external), {})[external] = level
        for wanted in by_listing.values():
            pairs = list(wanted.items())
            for start in range(0, len(pairs), SKUS):
                self._surely(dict(pairs[start : start + SKUS]))

    def lower(self, our_ref: str, wanted: Mapping[str, int]) -> list[str]:
        """Take a purchase's units off the shop's stock, once; returns the ids it is short of.

        Raises OutOfStock when it is short of all of them: then nothing was taken.
        """
        with self._lowerings.alone():
            return self._lower(our_ref, wanted)

    def _lower(self, our_ref: str, wanted: Mapping[str, int]) -> list[str]:
        known = self._lowerings.of(our_ref)
        shown = self.shown(list(wanted))
        if not known:
            short = [one for one, units in wanted.items() if shown.get(one, 0) < units]
            if len(short) == len(wanted):
                raise OutOfStock("stock", f"the shop is short of {', '.join(short)}")
            known = [
                Lowering(one, units, shown[one] - units)
                for one, units in wanted.items()
                if one not in short
            ]
            self._lowerings.begin(our_ref, known)
        for one in known:
            if one.state == "begun":
                self._lowered(one, shown.get(one.external_id))
                self._lowerings.mark(our_ref, {one.external_id: "done"})
        return [one for one in wanted if one not in {each.external_id for each in known}]

    def restore(self, our_ref: str) -> None:
        """Give a cancelled purchase's units back, once. They are noted as given back first:
        better too little on the shelf than the same unit twice."""
        with self._lowerings.alone():
            done = [one for one in self._lowerings.of(our_ref) if one.state == "done"]
            shown = self.shown([one.external_id for one in done])
            self._lowerings.mark(our_ref, {one.external_id: "restored" for one in done})
            self.write(
                {
                    one.external_id: shown[one.external_id] + one.units
                    for one in done
                    if one.external_id in shown
                }
            )

    def taken(self, our_ref: str) -> dict[str, int]:
        """The units that a purchase has taken; empty when it has not, or not all of them yet."""
        known = [one for one in self._lowerings.of(our_ref) if one.state != "restored"]
        if any(one.state == "begun" for one in known):
            return {}
        return {one.external_id: one.units for one in known}

    def _lowered(self, one: Lowering, shown: int | None) -> None:
        """Bring one SKU down; what the shop shows tells whether that was done before."""
        if shown is None or shown <= one.target:
            return
        self.write({one.external_id: max(0, min(one.target, shown - one.units))})

    def _surely(self, wanted: dict[str, int]) -> None:
        try:
            self._set(wanted)
        except OutcomeUnknown:
            shown = self.shown(list(wanted))
            if left := {one: level for one, level in wanted.items() if shown.get(one) != level}:
                self._set(left)

    def _set(self, wanted: dict[str, int]) -> None:
        listing = goods.listing_of(next(iter(wanted)))
        if wanted.keys() == {listing}:
            self._gateway.ask(SET_ITEM_STOCK, num_iid=listing, quantity=wanted[listing], type=FULL)
            return
        pairs = ";".join(f"{goods.sku_of(one)}:{level}" for one, level in wanted.items())
        self._gateway.ask(SET_SKU_STOCK, num_iid=listing, skuid_quantities=pairs, type=FULL)
