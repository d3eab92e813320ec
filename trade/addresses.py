"""A recipient as people give one: in fields, or pasted whole as it came in a chat. Pure."""

import re
import unicodedata

from connectors.model import ShipTo
from kit.errors import FieldError, Problem
from trade import places

_EXTENSION = r"(?:\s*(?:-|—|转|分机|#|,|，|ext\.?)\s*(\d{1,6}))?"
_MOBILE = re.compile(
    rf"(?<!\d)(?:(?:\+|00)?86[-\s]?)?(1[3-9]\d)[-\s]?(\d{{4}})[-\s]?(\d{{4}})(?!\d){_EXTENSION}"
)
_LANDLINE = re.compile(
    rf"(?<!\d)(?:(?:\+|00)?86[-\s]?)?\(?(0(?:10|2\d|[3-9]\d{{2}}))\)?[-\s]?(\d{{7,8}})(?!\d){_EXTENSION}"
)
_LABELS = re.compile(
    r"(收货人|收件人|联系人|姓名|手机号码|手机号|手机|联系电话|联系方式|电话号码|电话|所在地区|所在地|地区|"
    r"详细地址|收货地址|收件地址|地址|省市区|邮编|邮政编码)\s*[:：]?\s*"
)
_NUMBERED_POST = re.compile(r"(?<!\d)\d{6}(?!\d)")
_CHUNKS = re.compile(r"[\n\r\t,，;；、|]+|\s{2,}|\s(?=\S)")
_STREETS = (*"路街号室栋幢楼村镇乡巷弄园苑区", "街道", "大厦", "广场")
_LONGEST_NAME = 25
_DIALLED = str.maketrans("０１２３４５６７８９＋－（）", "0123456789+-()")


def phone(text: str) -> str | None:
    """A number as it is dialled: `13800138000`, `13800138000-1234`, `0755-26001234-8`; or None."""
    plain = _legible(text).strip()
    if found := _MOBILE.fullmatch(plain):
        return "".join(found.group(1, 2, 3)) + _extended(found[4])
    if found := _LANDLINE.fullmatch(plain):
        return f"{found[1]}-{found[2]}{_extended(found[3])}"
    return None


def from_fields(name: str, mobile: str, region: str | None, address: str) -> ShipTo:
    """A recipient from its fields; `region` is a code, names, or None where the address has it.

    Raises Problem 422 that names each field at fault.
    """
    faults = []
    number = phone(mobile)
    if number is None:
        faults.append(
            _fault(
                "mobile",
                "give a mobile of 11 digits, a landline such as 0755-26001234, or a virtual"
                " number with its extension such as 13800138000-1234",
            )
        )
    code = _region(region, address)
    if isinstance(code, FieldError):
        faults.append(code)
    for field, value in (("name", name), ("address", address)):
        if not value.strip():
            faults.append(_fault(field, "this is empty"))
    if faults or number is None or isinstance(code, FieldError):
        raise _invalid(faults)
    return ShipTo(name.strip(), number, code, address.strip())


def from_text(text: str) -> ShipTo:
    """A recipient from one pasted text, in any order and with or without labels.

    Raises Problem 422 that says what could not be found in it.
    """
    rest, number = _take_phone(_legible(text))
    rest = _LABELS.sub("\n", rest)
    seen = places.sight(rest)
    faults = []
    if number is None:
        faults.append(_fault("text", "no telephone number is found in it"))
    if seen is None:
        faults.append(_fault("text", "no province, city and district are found in it"))
    elif seen.others:
        faults.append(_ambiguous("text", seen))
    if faults or number is None or seen is None:
        raise _invalid(faults)
    before, after = rest[: seen.start], rest[seen.end :]
    address, name = _parted(before, after)
    if not name:
        faults.append(_fault("text", "no name is found in it; give name, mobile and address"))
    if not address:
        faults.append(_fault("text", "no street and number are found behind the district"))
    if faults:
        raise _invalid(faults)
    return ShipTo(name, number, seen.county.code, address)


def _legible(text: str) -> str:
    """Without the invisible marks that chats and address books put around numbers, and with digits
    and signs of numbers as they are dialled where they are full-width."""
    return "".join(c for c in text.translate(_DIALLED) if unicodedata.category(c) != "Cf")


def _take_phone(text: str) -> tuple[str, str | None]:
    for pattern in (_MOBILE, _LANDLINE):
        if found := pattern.search(text):
            return f"{text[: found.start()]}\n{text[found.end() :]}", phone(found.group())
    return text, None


def _parted(before: str, after: str) -> tuple[str, str]:
    """(address, name): the name stands before the district, or in a chunk behind the address."""
    names = [chunk for chunk in _chunks(before) if _like_name(chunk)]
    lines = [line.strip(" \t,，;；:：") for line in re.split(r"[\n\r]+", after)]
    parts = [chunk for line in lines for chunk in re.split(r"[,，;；|\t]|\s+", line) if chunk]
    if not names:
        for chunk in (*parts[::-1],):
            if len(parts) > 1 and _like_name(chunk) and not _like_street(chunk):
                names, parts = [chunk], [one for one in parts if one is not chunk]
                break
    address = " ".join(one for one in parts if not _NUMBERED_POST.fullmatch(one))
    return address, names[-1] if names else ""


def _chunks(text: str) -> list[str]:
    return [part for chunk in _CHUNKS.split(text) if (part := chunk.strip(" :：。.")) != ""]


def _like_name(chunk: str) -> bool:
    return len(chunk) <= _LONGEST_NAME and not re.search(r"\d", chunk)


def _like_street(chunk: str) -> bool:
    return chunk.endswith(_STREETS)


def _region(region: str | None, address: str) -> str | FieldError:
    given = (region or "").strip()
    if given.isdecimal():
        code = places.resolve(given)
        return code or _fault(
            "region",
            f"{given} is no county of GB/T 2260; give 6, 9 or 12 digits that name the district",
        )
    seen = places.sight(f"{given}{address}")
    if seen is None:
        message = "give the district's GB/T 2260 code, or province, city and district"
        return _fault("region", message)
    return _ambiguous("region", seen) if seen.others else seen.county.code


def _ambiguous(field: str, seen: places.Sighting) -> FieldError:
    said = "、".join(one.spelled for one in (seen.county, *seen.others)[:4])
    return _fault(field, f"this may be {said}; write province and city too")


def _extended(extension: str | None) -> str:
    return f"-{extension}" if extension else ""


def _fault(field: str, message: str) -> FieldError:
    return FieldError(f"ship_to.{field}", "invalid", message)


def _invalid(errors: list[FieldError]) -> Problem:
    told = "; ".join(f"{error.field}: {error.message}" for error in errors)
    return Problem(422, "invalid", told, errors=errors)
