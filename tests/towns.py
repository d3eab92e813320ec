"""Tables of towns for tests: a small one, the whole one where it is there, and none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors import towns as table
from trade import towns

SHARED = Path(__file__).parents[2] / "shared/data/divisions/streets.csv"
FEW = """code,name,areaCode,provinceCode,cityCode
440304001,"园岭街道",440304,44,4403
440305007,"粤海街道",440305,44,4403
440305008,"桃源街道",440305,44,4403
"""


def whole() -> Path | None:
    """The table that set-up brings, wherever it is; None where it is not."""
    return next((one for one in (table.FILE, SHARED) if one.is_file()), None)


@contextmanager
def using(file: Path) -> Iterator[None]:
    """Addresses are read by this table."""
    before = table.FILE
    try:
        _read(file)
        yield
    finally:
        _read(before)


def few(folder: Path) -> Path:
    """A table of three towns."""
    file = folder / "streets.csv"
    file.write_text(FEW, "utf-8")
    return file


def _read(file: Path) -> None:
    table.FILE = file
    for kept in (table._by_county, table.of, towns._words, towns._city):
        kept.cache_clear()
