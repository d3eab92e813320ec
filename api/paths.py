"""Addresses with an id or a name that somebody outside made up: it may hold a slash (`A%2F1`)."""

from urllib.parse import unquote

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

_SLASH = "\udc2f"
"""Stands for a slash within an id while an address is routed: no address decodes to it."""


class Named(APIRoute):
    """A route whose address holds such an id, percent-encoded: one segment, whatever is in it.

    Servers decode a path before it is routed, which makes an id's own slash a separator; so it is
    routed by what was sent. What is no route of this kind never meets such an address.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, by the path with the slashes of ids told apart from its own."""
        raw: bytes = scope.get("raw_path") or b""
        if b"%2f" not in raw.lower():
            return super().matches(scope)
        match, found = super().matches({**scope, "path": _path(raw)})
        if match is not Match.NONE:
            found["path_params"] = {
                name: value.replace(_SLASH, "/") if isinstance(value, str) else value
                for name, value in found["path_params"].items()
            }
        return match, found


def _path(raw: bytes) -> str:
    parts = raw.decode("ascii", "replace").split("/")
    return "/".join(unquote(part).replace("/", _SLASH) for part in parts)
