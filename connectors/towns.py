"""The towns and streets (乡, 镇, 街道) of a county: nine digits and a name, from the statistics.

The table is one of the files that set-up brings. Where it is not there no county has any. It is
read once, when it is first asked for, and of a county no row is looked at before that county is.
"""

import csv
import re
from collections.abc import Mapping
from functools import cache

from kit import extras

FILE = extras.STREETS

_COUNTY = re.compile(rb"^(\d{6})\d{3},.*(?:\n\1.*)*", re.MULTILINE)


def there() -> bool:
    """Whether set-up has brought the table."""
    return FILE.is_file()


def counties() -> tuple[str, ...]:
    """The six digits of every county that has towns; development zones are among them."""
    return tuple(_by_county())


@cache
def of(county: str) -> Mapping[str, str]:
    """The names of a county's towns by their nine digits; none for one that is not known."""
    rows = csv.reader(_by_county().get(county, b"").decode().splitlines())
    return {code: name for code, name, *_ in rows}


def name(code: str) -> str:
    """The name of the town in a code of 9 or 12 digits; "" for one without."""
    return of(code[:6]).get(code[:9], "")


@cache
def _by_county() -> Mapping[str, bytes]:
    """The rows of each county, unread."""
    if not there():
        return {}
    return {rows[1].decode(): rows[0] for rows in _COUNTY.finditer(FILE.read_bytes())}
