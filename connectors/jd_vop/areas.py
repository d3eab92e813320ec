"""From a GB/T 2260 code and an address to JD's four levels: by name, then by JD's own reading.

The lists of places are kept for a day; JD's message about changed areas empties them.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from connectors import regions
from connectors.errors import NotDeliverable, Refused, Unreadable
from connectors.jd.reading import pick, rows, table, text
from connectors.towns import name as town_name

from .wire import Area, Said, Wire

KEPT = timedelta(days=1)
NO_PLACE = "0"


class Areas:
    """The places of one contract, as this process has read them."""

    def __init__(self, wire: Wire, now: Callable[[], datetime]) -> None:
        self._wire = wire
        self._now = now
        self._kept: dict[tuple[int, str], tuple[datetime, dict[str, str]]] = {}

    def forget(self) -> None:
        """Read everything again when it is next asked for."""
        self._kept.clear()

    def rough(self, region: str) -> Area:
        """The area of a code alone, for stock: what cannot be told is 0."""
        found = self._by_names(region, "")
        if found[0] == NO_PLACE:
            raise NotDeliverable("region", f"JD knows no province of the code {region}")
        return Area(*found)

    def exact(self, region: str, address: str) -> Area:
        """The area of a recipient. Raises NotDeliverable when the county cannot be told."""
        found = self._by_names(region, address)
        towns = found[2] != NO_PLACE and self._places(4, found[2])
        if NO_PLACE in found[:3] or (towns and found[3] == NO_PLACE):
            found = self._completed(found, region, address)
        if NO_PLACE in found[:3]:
            raise NotDeliverable("area", f"JD knows no county for {region} and this address")
        return Area(*found)

    def delivered(self, region: str, address: str) -> Area:
        """The area that an order goes to. Raises NotDeliverable, also where JD wants a town and
        the address names none: it would refuse the order."""
        found = self.exact(region, address)
        if found.town == NO_PLACE and (towns := self.towns(found)):
            some = ", ".join(towns[:5])
            raise NotDeliverable("town", f"JD wants the town or street of the address: {some} …")
        return found

    def towns(self, area: Area) -> list[str]:
        """The towns of the county, of which JD wants one."""
        return list(self._places(4, area.county))

    def _by_names(self, region: str, address: str) -> list[str]:
        province, city, county = regions.names(region)
        levels = [self._named(1, "", [province], "")]
        town = town_name(region)
        wanted = ([city, county], [county, city], [town] if town else [])
        for level, names in enumerate(wanted, start=2):
            above = levels[-1]
            known = above != NO_PLACE
            levels.append(self._named(level, above, names, address) if known else NO_PLACE)
        if town and levels[-1] == NO_PLACE != levels[-2]:  # JD may call it by another rank
            levels[-1] = self._named(4, levels[-2], [], town)
        return levels

    def _named(self, level: int, parent: str, names: list[str], address: str) -> str:
        """The place among the children of `parent` that is named, or that the address mentions."""
        places = self._places(level, parent)
        for name in names:
            for place, place_id in places.items():
                if regions.same(place, name):
                    return place_id
        return places.get(regions.mentioned(address, places), NO_PLACE)

    def _completed(self, found: list[str], region: str, address: str) -> list[str]:
        """JD reads the address itself; it must not contradict what the code says."""
        whole = "".join(regions.names(region)) + address
        try:
            answer = table(self._wire.parse_address(whole).result)
        except (Refused, Unreadable):  # what the names gave is all there is
            return found
        names = ("province", "city", "county", "town")
        told = [text(pick(answer, f"{each}Id", each)) for each in names]
        read = [place if place.isdigit() else NO_PLACE for place in told]
        for ours, theirs in zip(found[:3], read, strict=False):
            if NO_PLACE not in (ours, theirs) and ours != theirs:
                return found
        return [
            ours if ours != NO_PLACE else theirs for ours, theirs in zip(found, read, strict=True)
        ]

    def _places(self, level: int, parent: str) -> Mapping[str, str]:
        kept = self._kept.get((level, parent))
        if kept is None or self._now() - kept[0] > KEPT:
            kept = self._now(), _read(self._wire.places(level, parent))
            self._kept[level, parent] = kept
        return kept[1]


def _read(answer: Said) -> dict[str, str]:
    """Name → id, from a map or from a list; a county without towns (3405) has none."""
    if isinstance(answer.result, list):
        found = {text(pick(row, "areaName", "name")): row for row in rows(answer.result)}
        return {name: text(pick(row, "areaId", "id")) for name, row in found.items()}
    return {text(name): text(place_id) for name, place_id in table(answer.result).items()}
