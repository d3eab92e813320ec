"""What items of every role share: specifications, pictures, bar codes. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence

from stdnum import ean

from . import values

COLON, SEMICOLON = "#cln#", "#scln#"
"""How `:` and `;` are written inside names of properties."""


def external_id(listing: str, sku: str | None) -> str:
    """Our key of a SKU: `listing:sku`; the listing alone where it has no SKUs."""
    return f"{listing}:{sku}" if sku else listing


def listing_of(external: str) -> str:
    """The listing that an external id belongs to."""
    return external.partition(":")[0]


def sku_of(external: str) -> str | None:
    """The platform's SKU id in an external id."""
    return external.partition(":")[2] or None


def named(properties_name: str | None, alias: str | None = None) -> dict[str, str]:
    """`pid:vid:pname:vname;…` as names and values; a seller's own words (`alias`) win.

    Raises Bad when a part has another form.
    """
    own = _aliases(alias)
    found: dict[str, str] = {}
    for part in _parts(properties_name):
        words = part.split(":")
        if len(words) != 4:
            raise values.Bad("properties_name", part, "pid:vid:name:value was expected")
        pid, vid, name, value = words
        said = own.get(f"{pid}:{vid}") or value
        if name and said:
            key = _plain(name)
            found[key] = f"{found[key]} {_plain(said)}" if key in found else _plain(said)
    return found


def attributes(pairs: Mapping[str, str]) -> str | None:
    """Names and values as the catalogue keeps them: a JSON object with sorted keys."""
    return json.dumps(dict(pairs), ensure_ascii=False, sort_keys=True) if pairs else None


def pictures(addresses: Iterable[str | None]) -> str | None:
    """Absolute addresses, each picture once whatever the scheme, in order, as a JSON list."""
    found: dict[str, str | None] = {}
    for one in addresses:
        if one:
            found.setdefault(one.partition("://")[2] or one.removeprefix("//"), values.picture(one))
    return json.dumps(list(found.values()), ensure_ascii=False) if found else None


def gtin(code: str | None) -> str | None:
    """A bar code as GTIN-14; None for a shop's own numbers."""
    if not code or not code.isascii() or not code.isdigit() or len(code) not in (8, 12, 13, 14):
        return None
    whole = code.zfill(14)
    own = whole[1] == "2" or whole[1:3] in ("02", "04") or int(whole) == 0
    return whole if ean.is_valid(code) and not own else None


def matching(properties: str | None, of_pictures: Sequence[tuple[str, str]]) -> list[str]:
    """The addresses of those pictures whose property the SKU has."""
    own = set(_parts(properties))
    return [address for wanted, address in of_pictures if wanted in own]


def _aliases(alias: str | None) -> dict[str, str]:
    found = {}
    for part in _parts(alias):
        pid, _, rest = part.partition(":")
        vid, _, words = rest.partition(":")
        found[f"{pid}:{vid}"] = words
    return found


def _parts(text: str | None) -> list[str]:
    return [part for part in (text or "").split(";") if part.strip()]


def _plain(text: str) -> str:
    return " ".join(text.replace(SEMICOLON, ";").replace(COLON, ":").split())
