"""A recipient as people give one: in fields, or pasted whole as it came in a chat. Pure."""

import re
import unicodedata
from collections.abc import Sequence

from connectors.model import ShipTo
from kit.errors import FieldError, Problem
from trade import pasted, places, sighting, towns
from trade.locating import completed, locate
from trade.places import County

NO_NUMBER = (
    "give a mobile of 11 digits, a landline such as 0755-26001234, or a virtual number with its"
    " extension such as 13800138000-1234"
)
MASKED = "this number is masked with *; export the recipients with whole numbers"
HIDDEN = "this address is masked with *; export the recipients with whole addresses"
ABROAD = "Hong Kong, Macau and Taiwan are not delivered to: GB/T 2260 names no counties of theirs"

_EXTENSION = (
    r"(?:\s*(?:(?:-|—|_|转|分机|#|ext\.?|[(\[]\s*转?)\s*(\d{1,6})\s*[)\]]?(?![\d栋幢号楼室座份件个箱])"
    r"|[,，]\s*(\d{3,4})(?!\w)))?"
)
"""The extension of a virtual number; behind a comma only what is not the next word's number."""
_MOBILE = re.compile(
    rf"(?<!\d)(?:(?:\+|00)?86[-\s]?)?(1[3-9]\d)[-\s]?(\d{{4}})[-\s]?(\d{{4}})(?!\d){_EXTENSION}"
)
_LANDLINE = re.compile(
    rf"(?<!\d)(?:(?:\+|00)?86[-\s]?)?\(?(0(?:10|2\d|[3-9]\d{{2}}))\)?[-\s]?(\d{{3,4}})[-\s]?(\d{{4}})(?!\d){_EXTENSION}"
)
_MASKED = re.compile(r"1[3-9]\d?[*xX×＊]{3,}\d{2,4}|\d[*＊]{3,}")
_HIDDEN = re.compile(r"[*＊]{2,}")
_AROUND = re.compile(
    r"^['’‘`\"]|^(?:手机号?码?|电话|tel|mobile|phone)\s*[:：]?\s*|\.0+$", re.IGNORECASE
)
"""What stands around a number alone in its cell: Excel's quote, a label, the float's zero."""
_BETWEEN = re.compile(r"\s*[/、;；,，|或\s]\s*")
_DIALLED = str.maketrans("０１２３４５６７８９＋－（）【】", "0123456789+-()[]")


def phone(text: str) -> str | None:
    """A number as it is dialled: `13800138000`, `13800138000-1234`, `0755-26001234-8`; or None."""
    plain = _AROUND.sub("", _legible(text).strip())
    if found := _MOBILE.fullmatch(plain):
        return "".join(found.group(1, 2, 3)) + _extended(found[4] or found[5])
    if found := _LANDLINE.fullmatch(plain):
        return f"{found[1]}-{found[2]}{found[3]}{_extended(found[4] or found[5])}"
    return None


def has_phone(text: str) -> bool:
    """Whether a text has a telephone number somewhere in it."""
    return _take_phone(_legible(text))[1] is not None


def from_fields(name: str, mobile: str, region: str | None, address: str) -> ShipTo:
    """A recipient from its fields; `region` is a code, names, or None where the address has it.

    Raises Problem 422 that names each field at fault.
    """
    faults = []
    number = phone(mobile) or _first_of(mobile)
    if number is None:
        faults.append(_fault("mobile", MASKED if _MASKED.search(mobile) else NO_NUMBER))
    code = _region(region, address)
    if isinstance(code, FieldError):
        faults.append(code)
    for field, value in (("name", name), ("address", address)):
        if not value.strip():
            faults.append(_fault(field, "this is empty"))
    if _HIDDEN.search(address):
        faults.append(_fault("address", HIDDEN))
    if faults or number is None or isinstance(code, FieldError):
        raise _invalid(faults)
    return ShipTo(name.strip(), number, code, address.strip())


def from_text(text: str, region: str | None = None) -> ShipTo:
    """A recipient from one pasted text, in any order and with or without labels; `region` is the
    county that somebody told, where the text leaves it open.

    Raises Problem 422 that says what could not be found in it.
    """
    rest, number = _take_phone(_legible(text))
    rest = pasted.unlabelled(rest)
    code, start, end = _placed(rest, region)
    faults = []
    if number is None:
        masked = _MASKED.search(text)
        faults.append(_fault("text", MASKED if masked else "no telephone number is found in it"))
    if isinstance(code, FieldError):
        faults.append(code)
    if faults or number is None or isinstance(code, FieldError):
        raise _invalid(faults)
    address, name = pasted.parted(rest[:start], rest[end:])
    if not name:
        faults.append(_fault("text", "no name is found in it; give name, mobile and address"))
    if _HIDDEN.search(address):
        faults.append(_fault("text", HIDDEN))
    if not address:
        faults.append(_fault("text", "no street and number are found behind the district"))
    if faults:
        raise _invalid(faults)
    if code != places.resolve(region or "") and not towns.says(address, code):
        code = code[:6]  # its town was taken for the name, or for nothing
    return ShipTo(name, number, code, address)


def _placed(text: str, told: str | None) -> tuple[str | FieldError, int, int]:
    """The region of a text, and from where to where it is named there."""
    if told is not None:
        seen = sighting.sight(text)
        code = places.resolve(told)
        named = seen is not None and places.spelled(told).endswith(seen.county.name)
        start, end = (seen.start, seen.end) if seen is not None and named else (0, 0)
        fault = _fault("text", f"{told} is no county of GB/T 2260")
        return fault if code is None else completed(code, text), start, end
    place = locate(text)
    if place is None:
        return _nowhere("text", text, "no province, city and district are found in it"), 0, 0
    if place.region is None:
        return _ambiguous("text", place.counties), 0, 0
    return place.region, place.start, place.end


def _legible(text: str) -> str:
    """Without the invisible marks that chats and address books put around numbers, and with digits
    and signs of numbers as they are dialled where they are full-width."""
    return "".join(c for c in text.translate(_DIALLED) if unicodedata.category(c) != "Cf")


def _take_phone(text: str) -> tuple[str, str | None]:
    for pattern in (_MOBILE, _LANDLINE):
        if found := pattern.search(text):
            before = pasted.without_phone_label(text[: found.start()])
            return f"{before}\n{text[found.end() :]}", phone(found.group())
    return text, None


def _first_of(text: str) -> str | None:
    """The first of several numbers in one cell, where all that is in it are numbers."""
    numbers = [phone(one) for one in _BETWEEN.split(_legible(text).strip()) if one]
    return numbers[0] if len(numbers) > 1 and None not in numbers else None


def _region(region: str | None, address: str) -> str | FieldError:
    given = (region or "").strip()
    if given.isdecimal():
        code = places.resolve(given)
        if code is None:
            told = "is no county of GB/T 2260; give 6, 9 or 12 digits that name the district"
            return _fault("region", f"{given} {told}")
        return _elsewhere(code, address) or completed(code, address)
    written = f"{given}{address}"
    place = locate(written)
    if place is None:
        message = "give the district's GB/T 2260 code, or province, city and district"
        return _nowhere("region", written, message)
    return place.region or _ambiguous("region", place.counties)


def _elsewhere(code: str, address: str) -> FieldError | None:
    """An address that begins with the names of a city and county in another province than its code
    is of."""
    seen = sighting.sight(address)
    if seen is None or seen.others or seen.county.code[:2] == code[:2]:
        return None
    if seen.start or seen.end <= len(seen.county.name):  # 滨海新区 alone may be one's own
        return None
    told = f"{code} is {places.spelled(code)}, and the address is in {seen.county.spelled}"
    return _fault("region", f"{told}; correct whichever is wrong")


def _nowhere(field: str, text: str, message: str) -> FieldError:
    """No county and no city are named; perhaps a place that has none."""
    return _fault(field, ABROAD if sighting.abroad(text) else message)


def _ambiguous(field: str, found: Sequence[County]) -> FieldError:
    said = "、".join(one.spelled for one in found[:4])
    more = " and others" if len(found) > 4 else ""
    return _fault(field, f"this may be {said}{more}; write province, city and district")


def _extended(extension: str | None) -> str:
    return f"-{extension}" if extension else ""


def _fault(field: str, message: str) -> FieldError:
    return FieldError(f"ship_to.{field}", "invalid", message)


def _invalid(errors: list[FieldError]) -> Problem:
    told = "; ".join(f"{error.field}: {error.message}" for error in errors)
    return Problem(422, "invalid", told, errors=errors)
