"""Other people's pictures, drawn anew: what comes out is pixels under a format of ours. Pure.

Only raster formats that we name are opened, none by what its sender called it; size is judged by
the header, before anything is unpacked. Metadata, thumbnails, animation and whatever else was in
the file stay behind.
"""

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

from .errors import Unreadable

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_MOST_SCANS = 100
"""A progressive JPEG has about ten; every one of them costs as much as the whole picture."""
_QUALITY = 85

Image.MAX_IMAGE_PIXELS = None  # `Limits` decides, before pixels are unpacked


@dataclass(frozen=True)
class Limits:
    """`pixels` may come in, and no side longer than `side` goes out."""

    pixels: int = 25_000_000
    side: int = 1600


@dataclass(frozen=True)
class Picture:
    """A picture as it is shown."""

    kind: str
    """image/jpeg, or image/webp for one that can be seen through."""
    content: bytes


def redrawn(path: Path, limits: Limits) -> Picture:
    """The picture in a file. Raises Unreadable for what is none, or too large to unpack."""
    return drawn_anew(path.read_bytes(), limits)


def drawn_anew(content: bytes, limits: Limits) -> Picture:
    """The same of the content of a file."""
    if content[:2] == b"\xff\xd8" and content.count(b"\xff\xda") > _MOST_SCANS:
        raise Unreadable("picture", "a JPEG with so many scans is not unpacked")
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as found:
            return _drawn(found, limits)
    except Unreadable:
        raise
    except Exception as error:  # the many readers of Pillow raise whatever they stumble on
        raise Unreadable("picture", f"this is no picture: {type(error).__name__}") from error


def _drawn(found: Image.Image, limits: Limits) -> Picture:
    width, height = found.size
    if width * height > limits.pixels or width < 1 or height < 1:
        raise Unreadable(
            "picture-size",
            f"{width} by {height} pixels are more than {limits.pixels:,} (media.max_megapixels)",
        )
    found.draft("RGB", (limits.side, limits.side))  # a JPEG is unpacked no larger than needed
    turned = ImageOps.exif_transpose(found)
    clear = turned.has_transparency_data
    drawn = _in_srgb(turned).convert("RGBA" if clear else "RGB")
    drawn.thumbnail((limits.side, limits.side), Image.Resampling.LANCZOS)
    drawn.info.clear()  # comments and profiles would be written along
    out = io.BytesIO()
    if clear:
        drawn.save(out, "WEBP", quality=_QUALITY)
        return Picture("image/webp", out.getvalue())
    drawn.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return Picture("image/jpeg", out.getvalue())


def _in_srgb(picture: Image.Image) -> Image.Image:
    """With the colours that its profile means; a profile that cannot be read means nothing."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return picture
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        done = ImageCms.profileToProfile(
            picture, given, ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError):
        return picture
    return done or picture
