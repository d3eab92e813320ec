"""Whether a kept sheet names a person, wherever in it. Pure."""

from collections.abc import Collection

from connectors import uploads
from connectors.errors import Unreadable
from connectors.uploads import Limits

_LIMITS = Limits(rows=100_000)
"""More than any sheet that is taken."""


def mentions(content: bytes, numbers: Collection[str], name: str = "") -> bool:
    """Whether a row of a file, of hidden sheets too and whatever its columns are called, has one of
    these telephone numbers, and the name, in it. A file that cannot be read is taken to."""
    try:
        grids = uploads.read(content, _LIMITS, hidden=True)
    except Unreadable:
        return True
    for cells in (cells for grid in grids for cells in grid.rows):
        digits = ["".join(c for c in cell if c.isdigit()) for cell in cells]
        numbered = any(number in one for one in digits for number in numbers)
        if numbered and any(name.strip() in cell for cell in cells):
            return True
    return False
