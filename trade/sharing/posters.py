"""A leader's poster: picture, title, her price and the code of her page, for a chat or moments.

Drawn from what it is given and nothing else, so that the same poster is the same file.
"""

import hashlib
import io
import threading
from dataclasses import dataclass
from functools import cache, lru_cache

import segno
from PIL import Image, ImageDraw, ImageFont, ImageOps

from trade.settling import typeface
from trade.sharing import typesetting

WIDTH, HEIGHT = 750, 1334
MEDIA_TYPE = "image/png"
VERSION = "1"
"""Of the drawing: a changed one is another file."""

_MARGIN = 48
_PHOTO = 750
_PANEL = 716
"""Where the white sheet begins, over the lower edge of the picture."""
_FOOT = 1080
_CODE = 190
_RED, _INK, _SOFT, _LINE = (214, 40, 40), (34, 34, 34), (120, 116, 112), (232, 226, 220)
_PAPER, _TINT, _WHITE = (255, 255, 255), (253, 240, 232), (255, 255, 255)
_TOP, _BOTTOM = (226, 74, 58), (176, 24, 44)
"""The ground of a poster without a picture."""
_WIDEST, _NARROWEST = 1.34, 0.75
"""Pictures beyond these proportions are shown whole on white, others fill the square."""

_drawing = threading.BoundedSemaphore(2)
"""Unpacked pictures are large: a process draws two at a time."""


@dataclass(frozen=True)
class Poster:
    """What stands on it; `price` is CNY as text. None: it has none."""

    leader: str
    title: str
    points: tuple[str, ...]
    price: str | None
    link: str | None


def tag(poster: Poster, picture: bytes | None) -> str:
    """A name for the drawing of these; `picture` is a digest of it."""
    said = repr((VERSION, poster, picture)).encode()
    return hashlib.sha256(said).hexdigest()[:32]


@lru_cache(maxsize=8)
def drawn(poster: Poster, picture: bytes | None) -> bytes:
    """The poster as PNG; `picture` is a file of ours. Raises Problem 503 without the font."""
    typeface.file()
    with _drawing:
        sheet = _Sheet(poster)
        if picture is None:
            sheet.ground()
        else:
            sheet.photo(picture)
        sheet.panel(with_title=picture is not None)
        sheet.foot()
        out = io.BytesIO()
        sheet.image.save(out, "PNG", compress_level=6)
    return out.getvalue()


class _Sheet:
    """The poster while it is drawn, from the top down."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster
        self.image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
        self._draw = ImageDraw.Draw(self.image)

    def photo(self, picture: bytes) -> None:
        """The picture over the whole width; its proportions are kept."""
        with Image.open(io.BytesIO(picture), formats=("JPEG", "WEBP")) as found:
            shown = found.convert("RGBA")
        ratio = shown.width / shown.height
        size = (_PHOTO, _PHOTO)
        if _NARROWEST <= ratio <= _WIDEST:
            shown = ImageOps.fit(shown, size, Image.Resampling.LANCZOS)
            at = (0, 0)
        else:  # clear of the panel's edge
            shown = ImageOps.contain(shown, (_PHOTO, _PANEL), Image.Resampling.LANCZOS)
            at = ((_PHOTO - shown.width) // 2, (_PANEL - shown.height) // 2)
        self.image.paste(shown, at, shown)

    def ground(self) -> None:
        """Where there is no picture the title stands large on a coloured ground."""
        for row in range(_PHOTO):
            part = row / _PHOTO
            colour = tuple(round(a + (b - a) * part) for a, b in zip(_TOP, _BOTTOM, strict=True))
            self._draw.line([(0, row), (WIDTH, row)], fill=colour)
        wide = WIDTH - 2 * 72
        told = typesetting.lines(self._words(self._poster.title), _font(64).getlength, wide, 5)
        top = (_PANEL - 92 * len(told)) // 2
        self._draw.line([(72, top - 28), (152, top - 28)], fill=_WHITE, width=6)
        for index, line in enumerate(told):
            self._bold((72, top + 92 * index), line, 64, _WHITE)

    def panel(self, *, with_title: bool) -> None:
        """Price, title and points on white."""
        edge = Image.new("L", (WIDTH * 4, (HEIGHT - _PANEL) * 4))
        shape = (0, 0, edge.width, edge.height + 400)  # larger first: its corners come out smooth
        ImageDraw.Draw(edge).rounded_rectangle(shape, radius=36 * 4, fill=255)
        self.image.paste(_PAPER, (0, _PANEL), edge.reduce(4))
        top = self._price(_PANEL + 36)
        if with_title:
            size = 38
            told = self._lines(self._poster.title, size, 2)
            for index, line in enumerate(told):
                self._bold((_MARGIN, top + 54 * index), line, size, _INK)
            top += 54 * len(told) + 14
        for point in self._poster.points:
            if top + 40 > _FOOT - 16:
                break
            self._draw.ellipse((_MARGIN + 2, top + 16, _MARGIN + 10, top + 24), fill=_RED)
            short = typesetting.lines(self._words(point), _font(26).getlength, 620, 1)
            self._draw.text((_MARGIN + 24, top), "".join(short), _SOFT, _font(26))
            top += 42

    def foot(self) -> None:
        """Who recommends it, and the code that leads to her page."""
        self._draw.rectangle((0, _FOOT, WIDTH, HEIGHT), fill=_TINT)
        middle = _FOOT + (HEIGHT - _FOOT) // 2
        wide = WIDTH - 2 * _MARGIN
        if self._poster.link is not None:
            wide -= _CODE + 72
            self._code(self._poster.link, middle)
        name = typesetting.lines(
            self._words(self._poster.leader) or "团长", _font(36).getlength, wide, 1
        )
        self._bold((_MARGIN, middle - 76), "".join(name), 36, _INK)
        self._draw.text((_MARGIN, middle - 18), "为您推荐", _SOFT, _font(26))
        scan = "长按识别二维码，查看商品" if self._poster.link else "联系我即可下单"
        self._draw.text((_MARGIN, middle + 38), scan, _RED, _font(26))

    def _price(self, top: int) -> int:
        """The price, large; returns where to go on below it."""
        price = self._poster.price
        if price is None:
            return top + 6
        whole, _, cents = price.partition(".")
        base = top + 66
        left: float = _MARGIN
        for text, size in (("¥", 40), (whole, 76), (f".{cents}" if cents else "", 44)):
            self._bold((left, base), text, size, _RED, anchor="ls")
            left += _font(size).getlength(text) + (4 if text else 0)
        self._draw.text((left + 14, base), "团购价", _SOFT, _font(26), anchor="ls")
        return base + 28

    def _code(self, link: str, middle: int) -> None:
        code = segno.make_qr(link, error="m")
        scale = max(1, _CODE // len(code.matrix))
        matrix = [list(row) for row in code.matrix_iter(scale=scale, border=0)]
        size = len(matrix)
        dots = bytes(0 if dark else 255 for row in matrix for dark in row)
        left = WIDTH - _MARGIN - size - 4 * scale
        top = middle - size // 2
        quiet = 4 * scale
        box = (left - quiet, top - quiet, left + size + quiet, top + size + quiet)
        self._draw.rounded_rectangle(box, radius=12, fill=_WHITE)
        self.image.paste(Image.frombytes("L", (size, size), dots), (left, top))

    def _lines(self, text: str, size: int, most: int) -> list[str]:
        return typesetting.lines(
            self._words(text), _font(size).getlength, WIDTH - 2 * _MARGIN, most
        )

    def _words(self, text: str) -> str:
        return typesetting.plain(text, typeface.drawable)

    def _bold(
        self,
        at: tuple[float, float],
        text: str,
        size: int,
        fill: tuple[int, int, int],
        anchor: str = "la",
    ) -> None:
        """The typeface comes in one weight: a stroke around it makes it heavier."""
        self._draw.text(at, text, fill, _font(size), anchor, stroke_width=1, stroke_fill=fill)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(typeface.file(), size, layout_engine=ImageFont.Layout.BASIC)
