"""Files in and out: a sheet that is sent as a form or as the body itself, and one that is given."""

from dataclasses import replace
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from api.callers import Writer
from kit.errors import Problem

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
BINARY = {"type": "string", "format": "binary"}
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": BINARY},
                }
            },
            "application/octet-stream": {"schema": BINARY},
        },
    }
}
"""How an upload is described."""


def given(kind: str, what: str) -> dict[int | str, dict[str, Any]]:
    """How a file that is answered is described."""
    return {200: {"content": {kind: {"schema": BINARY}}, "description": what}}


class Upload(NamedTuple):
    """A file that was sent; of one that is the body itself nobody knows what it is called."""

    content: bytes
    name: str | None


async def _upload(request: Request) -> Upload:
    """The `file` of a form, or the body itself. Raises Problem 422."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        async with request.form(max_files=1, max_fields=10) as form:
            file = form.get("file")
            if isinstance(file, UploadFile):
                return Upload(await file.read(), file.filename)
            raise Problem(422, "invalid", "file: send the sheet as a file field named file")
    return Upload(await request.body(), None)


Uploaded = Annotated[Upload, Depends(_upload)]
"""An uploaded sheet."""


def _content(upload: Uploaded) -> bytes:
    return upload.content


Sheet = Annotated[bytes, Depends(_content)]
"""The content of an uploaded sheet."""


def writer(caller: Writer, content: bytes) -> Writer:
    """The caller of this upload, told apart by its content. Raises Problem 422 for an empty one."""
    if not content:
        raise Problem(422, "unreadable_sheet", "the file is empty; send the file itself")
    return replace(caller, body=caller.body + content)


def download(content: bytes, kind: str, name: str) -> Response:
    """A file to be kept under `name`."""
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, named, kind)
