"""Several goods with their numbers in one cell: `A001*2，B002*1`, `红茶×2+绿茶×3`. Pure.

Each piece has a number of its own behind a sign, or the cell is one name: what stands without one,
and what may be a specification (6x330ml, 500mlx2, 2斤), is never counted.
"""

import re
from dataclasses import dataclass

from connectors.feed.text import plain
from trade.counted import units

_BETWEEN = re.compile(r"[\n,，;；、+＋]")
_PIECE = re.compile(r"(.*\S)(?:\s*[*×]|(?<=[一-鿿)])x|\sx)\s*(\d{1,5}\s*\D?)", re.IGNORECASE)
_MEASURE = re.compile(
    r"\d\s*([千毫]克|[公市]斤|[毫厘分][升米]|kg|g|mg|ml|l|cl|mm|cm|m|w|v|[一-鿿]?装?)(?<!\d)$"
    r"|[x×*]\s*\d+$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Piece:
    """So many units of goods; `said` is the piece as it is written, with its number."""

    name: str
    quantity: int
    said: str

    @property
    def measured(self) -> bool:
        """Whether the number may belong to a measure before it: 500ml*2."""
        return _MEASURE.search(self.name) is not None


def split(text: str) -> tuple[Piece, ...]:
    """Two pieces or more, each with its number; nothing for a cell that is anything else."""
    said = [plain(piece) for piece in _BETWEEN.split(text)]
    found = [_piece(piece) for piece in said if piece]
    pieces = tuple(piece for piece in found if piece is not None)
    return pieces if len(pieces) == len(found) > 1 else ()


def _piece(said: str) -> Piece | None:
    found = _PIECE.fullmatch(said)
    many = units(found[2]) if found else None
    return Piece(found[1][:200], many, said) if found and many else None
