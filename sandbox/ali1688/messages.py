"""Messages of the simulated 1688: kept until they are confirmed, and pushed once."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.frame import Asked, Clock

SMALLEST, LARGEST = 20, 200


class Messages:
    """Every message of the account. Every other one has its `data` as text."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[int, dict[str, Any]] = {}
        self._fresh: list[dict[str, Any]] = []
        self._next = 2415078050 + clock.begun

    def say(self, kind: str, data: dict[str, Any]) -> None:
        """Something happened."""
        self._next += 1
        born = int(self._clock.now().timestamp() * 1000)
        told: Any = json.dumps(data) if self._next % 2 else data
        message = {"msgId": self._next, "gmtBorn": born, "data": told, "userInfo": "b2b-10086"}
        message |= {"type": kind, "extraInfo": None}
        self._kept[self._next] = message
        self._fresh.append(message)

    def fresh(self) -> list[dict[str, Any]]:
        """What was not pushed yet, once."""
        found, self._fresh = self._fresh, []
        return found

    def doors(self) -> dict[str, Any]:
        """The calls about messages."""
        return {
            "cn.alibaba.open/push.query.messageList": self._query,
            "cn.alibaba.open/push.cursor.messageList": self._cursor,
            "cn.alibaba.open/push.message.confirm": self._confirm,
        }

    def do_message(self, args: Mapping[str, Any]) -> None:
        """Say anything: {type, data}."""
        self.say(args["type"], args["data"])

    def do_waiting(self, args: Mapping[str, Any]) -> int:
        """How many are not confirmed."""
        return len(self._kept)

    def _query(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        size = min(max(int(fields.get("pageSize", "20")), SMALLEST), LARGEST)
        at = (int(fields.get("page", "1")) - 1) * size
        found = list(self._kept.values())
        page: dict[str, Any] = {"totalCount": len(found)}
        if found[at : at + size]:
            page["datas"] = found[at : at + size]
        return {"pushMessagePage": page}

    def _cursor(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        size = min(max(int(fields["quantity"]), SMALLEST), LARGEST)
        found = list(self._kept.values())[:size]
        for one in found:
            del self._kept[one["msgId"]]
        return {"pushMessageList": found}

    def _confirm(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        for one in json.loads(fields["msgIdList"]):
            self._kept.pop(int(one), None)
        return {"isSuccess": True}
