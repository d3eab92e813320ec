"""The platforms' pictures: drawn when somebody asks, the same for the same path."""

import hashlib
import io
from functools import lru_cache

from PIL import Image, ImageDraw

SIDE = 480


@lru_cache(maxsize=256)
def drawn(path: str) -> bytes:
    """A JPEG of a few shapes in colours of the path, with the note of a camera in it."""
    dice = hashlib.sha256(path.encode()).digest()
    picture = Image.new("RGB", (SIDE, SIDE), _pale(dice[:3]))
    pen = ImageDraw.Draw(picture)
    for at in range(3, 24, 7):
        x, y, size = dice[at] * SIDE // 255, dice[at + 1] * SIDE // 255, 60 + dice[at + 2] // 2
        box = (x - size, y - size, x + size, y + size)
        colour = (dice[at + 3], dice[at + 4], dice[at + 5])
        (pen.ellipse if dice[at + 6] % 2 else pen.rectangle)(box, fill=colour)
    exif = Image.Exif()
    exif[0x010E] = f"sandbox {path}"
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80, exif=exif)
    return out.getvalue()


def _pale(colour: bytes) -> tuple[int, int, int]:
    red, green, blue = (160 + part * 95 // 255 for part in colour)
    return red, green, blue
