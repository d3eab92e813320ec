"""What strangers call a picture: only pixels come out, and nothing too large is unpacked."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from connectors.errors import Unreadable
from connectors.pictures import Limits, Picture, redrawn

LIMITS = Limits(pixels=1_000_000, side=200)


def saved(picture: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def photo(size: tuple[int, int] = (60, 40), mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, 0 if mode in ("P", "L", "1") else "green")


@pytest.fixture
def shown(tmp_path: Path) -> Any:
    def show(content: bytes, limits: Limits = LIMITS) -> tuple[Picture, Image.Image]:
        (tmp_path / "given").write_bytes(content)
        found = redrawn(tmp_path / "given", limits)
        return found, Image.open(io.BytesIO(found.content))

    return show


def test_metadata_place_and_comments_stay_behind(shown: Any) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret-shop"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (30.0, 15.0, 10.0)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    given = saved(photo(), "JPEG", exif=exif, comment=b"secret-shop", icc_profile=srgb, dpi=(7, 7))
    assert b"secret-shop" in given
    found, picture = shown(given + b"secret-shop")  # and what hides behind the end
    assert found.kind == "image/jpeg"
    assert b"secret-shop" not in found.content
    assert not picture.getexif()
    assert not {"exif", "comment", "icc_profile", "xmp"} & picture.info.keys()


def test_a_picture_stands_as_its_camera_meant(shown: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    _, picture = shown(saved(photo((60, 40)), "JPEG", exif=exif))
    assert picture.size == (40, 60)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "JPEG"])
def test_every_common_format_is_drawn_anew(shown: Any, kind: str) -> None:
    found, picture = shown(saved(photo(), kind))
    assert (found.kind, picture.format, picture.size) == ("image/jpeg", "JPEG", (60, 40))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_mode_of_colour_is_drawn(shown: Any, mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    found, _ = shown(saved(Image.new(mode, (30, 20)), kind))
    assert found.kind == ("image/webp" if mode in ("RGBA", "LA") else "image/jpeg")


def test_what_can_be_seen_through_stays_so(shown: Any) -> None:
    found, picture = shown(saved(Image.new("RGBA", (30, 20), (9, 9, 9, 0)), "PNG"))
    assert (found.kind, picture.getpixel((1, 1))[3]) == ("image/webp", 0)


def test_a_large_picture_goes_out_smaller(shown: Any) -> None:
    _, picture = shown(saved(photo((1000, 500)), "PNG"))
    assert picture.size == (200, 100)


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is large."""

    def part(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    zeros = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zeros) + part(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HOSTILE = {
    "bomb": bomb(10_000, 10_000),
    "bomb beyond numbers": bomb(2**31 - 1, 2**31 - 1),
    "no size": bomb(0, 0),
    "cut": saved(photo((300, 300)), "JPEG")[:400],
    "cut head": saved(photo(), "PNG")[:20],
    "svg": SVG,
    "html": b"<html><script>alert(1)</script></html>",
    "nothing": b"",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    "scans": saved(photo(), "JPEG") + b"\xff\xda" * 200,
    "zip": b"PK\x03\x04" + bytes(100),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_picture_is_refused_before_it_is_unpacked(shown: Any, content: bytes) -> None:
    with pytest.raises(Unreadable):
        shown(content)
