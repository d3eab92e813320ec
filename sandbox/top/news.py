"""Simulated TMC: messages of a group, given again until they are confirmed, in no good order."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.frame import Clock
from sandbox.world import number

from .shop import FORM, invalid
from .wire import Many

AGAIN = timedelta(minutes=5)
FIRST_ID = 9_007_199_254_740_993


@dataclass
class News:
    """`given` is when a message was last handed out."""

    clock: Clock
    waiting: dict[int, dict[str, Any]] = field(default_factory=dict)
    given: dict[int, Any] = field(default_factory=dict)
    shuffled: bool = False
    confirmed: int = 0
    count: int = 0

    def tell(self, topic: str, content: dict[str, Any], *, copies: int = 1) -> None:
        """A message comes, or several of the same words."""
        for _ in range(copies):
            self.count += 1
            name = FIRST_ID + self.clock.begun + self.count
            self.waiting[name] = {
                "id": name,
                "topic": topic,
                "content": json.dumps(content),
                "pub_time": self.clock.beijing().strftime(FORM),
                "pub_app_key": "12497914",
                "user_nick": "沙盘旗舰店",
            }

    def consume(self, params: dict[str, str]) -> dict[str, Any]:
        """The next messages; those handed out lately wait for their confirmation."""
        quantity = int(params.get("quantity", "100"))
        if not 10 <= quantity <= 200:
            raise invalid("quantity")
        now = self.clock.now()
        ready = [one for one in self.waiting if one not in self.given or now >= self.given[one]]
        if self.shuffled:
            ready.sort(key=lambda one: number("news", one))
        for one in ready[:quantity]:
            self.given[one] = now + AGAIN
        return {"messages": Many("tmc_message", [self.waiting[one] for one in ready[:quantity]])}

    def confirm(self, params: dict[str, str]) -> dict[str, Any]:
        """Messages that will not come again."""
        ids = params["s_message_ids"].split(",")
        if len(ids) > 200:
            raise invalid("s_message_ids")
        for one in ids:
            self.confirmed += self.waiting.pop(int(one), None) is not None
        return {"is_success": True}
