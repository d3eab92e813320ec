"""What TOP wraps around a reply: its root, its doubly wrapped lists, its errors. Pure.

Success stands under a root named after the API, or (with `simplify`, at most gateways) without
one; lists are `{"items": {"item": […]}}` or plain; what is empty is absent. Errors stand under
`error_response` either way, with HTTP 200.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import Unreadable

Record = dict[str, Any]

ERROR = "error_response"
_KEPT = 300
"""Characters of an unreadable reply that its error shows."""


@dataclass(frozen=True)
class Told:
    """An error as TOP tells it; `sub_code` says more than `code` where there is one."""

    code: str
    message: str
    sub_code: str
    sub_message: str

    @property
    def line(self) -> str:
        """The error in one line, for people."""
        code = f"{self.code} {self.sub_code}".strip()
        said = " ".join(part for part in (self.message, self.sub_message) if part)
        return f"{code}: {said}"


def root(api: str) -> str:
    """`taobao.items.onsale.get` → `items_onsale_get_response`; other prefixes are kept."""
    return f"{api.removeprefix('taobao.').replace('.', '_')}_response"


def refusal(reply: Mapping[str, Any]) -> Told | None:
    """The error that a reply tells, if it tells one."""
    error = reply.get(ERROR)
    if error is None:
        return None
    if not isinstance(error, dict):
        return Told("", str(error)[:_KEPT], "", "")
    return Told(
        *(str(error.get(key) or "").strip() for key in ("code", "msg", "sub_code", "sub_msg"))
    )


def body(reply: Record, api: str) -> Record:
    """The fields of a success. Raises Unreadable when the reply answers another question."""
    if root(api) in reply:
        content = reply[root(api)]
        if isinstance(content, dict):
            return content
        raise Unreadable("envelope", f"{api}: nothing under {root(api)}: {_shown(str(content))}")
    if reply and not any(key.endswith("_response") for key in reply):
        return reply
    names = ", ".join(sorted(reply)) or "nothing at all"
    raise Unreadable("envelope", f"{api} is answered by {names[:_KEPT]}")


def records(node: Mapping[str, Any], key: str) -> list[Record]:
    """The objects of a list, however it is wrapped; absent and empty are no objects at all.

    The inner key changes when the platform renames a type, so any single one will do. A list of
    one may arrive as the object itself.
    """
    found = _inside(node.get(key))
    if isinstance(found, dict):
        found = [found] if found else []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable("envelope", f"{key} is no list of objects: {_shown(str(found))}")
    return found


def scalars(node: Mapping[str, Any], key: str) -> list[str]:
    """The texts or numbers of a list as text, however it is wrapped."""
    found = node.get(key)
    if isinstance(found, dict):
        found = next(iter(found.values()), []) if len(found) <= 1 else found
    if found is None or found == "":
        return []
    if isinstance(found, str | int):
        return [str(found)]
    if not isinstance(found, list) or any(isinstance(one, dict | list) for one in found):
        raise Unreadable("envelope", f"{key} is no plain list: {_shown(str(found))}")
    return [str(one) for one in found if one is not None]


def _inside(found: Any) -> Any:
    if found is None or found == "":
        return []
    if isinstance(found, dict) and len(found) == 1:
        inner = next(iter(found.values()))
        if isinstance(inner, list | dict):
            return inner
        if inner is None or inner == "":
            return []
    return found


def _shown(written: str) -> str:
    return " ".join(written[:_KEPT].split())
