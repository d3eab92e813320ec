"""Where a text says that something goes: its county, and its town where it names one. Pure."""

from dataclasses import dataclass

from trade import sighting, towns
from trade.places import County
from trade.sighting import City, Sighting


@dataclass(frozen=True)
class Place:
    """What a text says: one of `counties` is meant, which is the one of `region` (6 or 9 digits)
    where that is certain. From `start` to `end` stand their names."""

    counties: tuple[County, ...]
    start: int
    end: int
    region: str | None = None


def locate(text: str) -> Place | None:
    """The place that a text names: its county, or the county that has the town it names. None where
    it names no county and no city."""
    seen = sighting.sight(text)
    if seen is None:
        city = sighting.within(text)
        return None if city is None else _in_city(city, towns.deciding(city, text), text)
    city = sighting.within(text) if _may_be_a_town(seen, text) else None
    if city and (of_town := towns.behind(city, text, seen.end)):
        return _in_city(city, of_town, text)
    found = (seen.county, *seen.others)
    having = _having(found, seen, text) if seen.others else ()
    return _place(having or found, text, seen.start, seen.end)


def completed(code: str, text: str) -> str:
    """A region of six digits with the town of its county that a text names, as it is otherwise."""
    if len(code) > 6:
        return code
    seen = sighting.sight(text)
    start = end = 0
    if seen is not None and code in {one.code for one in (seen.county, *seen.others)}:
        start, end = seen.start, seen.end
    elif (city := sighting.within(text)) and code in {one.code for one in city.counties}:
        start, end = city.start, city.end
    return towns.named(code, text, start, end) or code


def _having(found: tuple[County, ...], seen: Sighting, text: str) -> tuple[County, ...]:
    """Of counties that are all called so, those that have the town which the text names."""
    if seen.against or {one.name for one in found} != {seen.county.name}:
        return ()
    in_each = [(one, towns.named(one.code, text, seen.start, seen.end)) for one in found]
    return tuple(one for one, town in in_each if town and towns.wholly(town, text))


def _may_be_a_town(seen: Sighting, text: str) -> bool:
    """Whether what looks like a county may be the beginning of a town's name: 江汉二桥街道."""
    name = seen.county.name
    return len(name) < 3 or not text[seen.start : seen.end].endswith(name)


def _in_city(city: City, found: tuple[County, ...], text: str) -> Place:
    """One of a city's counties, as the town decides; without its help none is certain."""
    open_ = found == city.counties
    return (
        Place(found, city.start, city.end) if open_ else _place(found, text, city.start, city.end)
    )


def _place(counties: tuple[County, ...], text: str, start: int, end: int) -> Place:
    if len(counties) > 1:
        return Place(counties, start, end)
    code = counties[0].code
    return Place(counties, start, end, towns.named(code, text, start, end) or code)
