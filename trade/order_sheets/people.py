"""Recipients as sheets have them: name, telephone and address apart, or all in one cell. Pure."""

import re
from dataclasses import dataclass, field

from connectors.model import ShipTo
from kit.errors import Problem
from trade import addresses
from trade.locating import locate
from trade.places import County

MOST_CANDIDATES = 40
_LONGEST_NAME = 50
_LONGEST_ADDRESS = 300
_NUMBER = re.compile(r"[Ee]\+\d")

Fault = tuple[str, str]
"""The field at fault (name, mobile, address, ship_to) and the reason."""


@dataclass(frozen=True)
class Said:
    """What a row says of its recipient; `whole` is one cell with everything."""

    name: str
    phone: str
    address: str
    whole: str = ""

    @property
    def nobody(self) -> bool:
        """Whether the row names no recipient at all."""
        return not (self.name or self.phone or self.address or self.whole)

    def __repr__(self) -> str:
        return "Said()"


@dataclass(frozen=True)
class Open:
    """An address that may lie in several places; `address` is what was written."""

    address: str
    candidates: tuple[County, ...]

    def __repr__(self) -> str:
        return f"Open({len(self.candidates)} candidates)"


Found = tuple[ShipTo | None, Open | None, list[Fault]]


@dataclass
class Reader:
    """Reads recipients; one that stands in many rows is read once."""

    _known: dict[tuple[Said, str | None], Found] = field(default_factory=dict)

    def __call__(self, said: Said, region: str | None = None) -> Found:
        """The recipient, or the place that is open, or what is at fault; `region` was told."""
        key = (said, region)
        if key not in self._known:
            self._known[key] = _read(said, region)
        return self._known[key]


def _read(said: Said, region: str | None) -> Found:
    whole = said.whole
    if not (said.name and said.phone) and addresses.has_phone(f"{said.phone} {said.address}"):
        whole = whole or f"{said.name} {said.phone} {said.address}"
    if not (whole or said.name or said.phone):
        whole = said.address
    try:
        if whole:
            to = addresses.from_text(whole, region)
        else:
            to = addresses.from_fields(said.name, said.phone, region, _bare(said))
    except Problem as problem:
        faults = [_fault(error.field, error.message, said) for error in problem.errors]
        return None, _open(whole or said.address, [name for name, _ in faults]), faults
    faults = []
    if len(to.name) > _LONGEST_NAME:
        faults.append(("name", f"a name has at most {_LONGEST_NAME} characters"))
    if len(to.address) > _LONGEST_ADDRESS:
        faults.append(("address", f"an address has at most {_LONGEST_ADDRESS} characters"))
    return (None if faults else to), None, faults


def _bare(said: Said) -> str:
    """The address without the name and the number that other cells have."""
    if not (said.name and said.phone and said.phone in said.address):
        return said.address
    rest = said.address.replace(said.phone, " ")
    return " ".join(word for word in rest.split() if word.strip("，,;；") != said.name)


def _fault(field_name: str, message: str, said: Said) -> Fault:
    name = field_name.removeprefix("ship_to.")
    if name == "text":
        return ("ship_to" if said.whole else "address"), message
    if name == "mobile" and _NUMBER.search(said.phone):
        return name, "digits are lost in this number; format the column as text and export again"
    return ("address" if name == "region" else name), message


def _open(address: str, faults: list[str]) -> Open | None:
    """The places that an address may mean, where that is all that is wrong with it."""
    if faults not in (["address"], ["ship_to"]):
        return None
    place = locate(address)
    found = place.counties if place else ()
    return Open(address, found[:MOST_CANDIDATES]) if len(found) > 1 else None
