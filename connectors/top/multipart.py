"""A form with files, as bytes. Pure: the same parts give the same bytes but for the boundary."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4


@dataclass(frozen=True)
class Upload:
    """A file parameter; TOP refuses files without a name."""

    name: str
    data: bytes = field(repr=False)
    kind: str = "application/octet-stream"


def encoded(texts: Mapping[str, str], files: Mapping[str, Upload]) -> tuple[bytes, str]:
    """(body, its Content-Type)."""
    boundary = uuid4().hex
    body = bytearray()
    for key, value in texts.items():
        body += _head(boundary, f'name="{key}"', "text/plain; charset=UTF-8") + value.encode()
        body += b"\r\n"
    for key, file in files.items():
        name = file.name.replace('"', "%22").replace("\r", "").replace("\n", "")
        body += _head(boundary, f'name="{key}"; filename="{name}"', file.kind) + file.data
        body += b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return bytes(body), f"multipart/form-data; boundary={boundary}"


def _head(boundary: str, disposition: str, kind: str) -> bytes:
    told = f"Content-Disposition: form-data; {disposition}\r\nContent-Type: {kind}\r\n\r\n"
    return f"--{boundary}\r\n{told}".encode()
