"""The simulated platforms over real HTTP: one process, one platform a mount, controls beside them.

POST /_control/reset    {seed?, size?}                 everything anew
POST /_control/faults   {platform, mode, call?, times?, skip?, seconds?, status?, args?}
DELETE /_control/faults                                none, and no bans
POST /_control/limits   {platform, per_second}         more calls are throttled
POST /_control/latency  {seconds}                      before every answer of a platform
POST /_control/clock    {ahead}                        seconds that the platforms' clocks are ahead
POST /_control/drift    {platform?, ticks?}            prices and stock move
POST /_control/goods    {platform, key, price?, stock?}   nailed, price in fen
POST /_control/act      {platform, deed, …}            something happens over there
GET  /pictures/…                                       a picture, the same for the same path
GET  /_control/orders?platform=…                       what the platform holds
GET  /_control/calls?platform=…                        {items: [{call, at, fault}], …} since reset
"""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from importlib import import_module
from typing import Any

import httpx
import uvicorn

from .faults import AFTER, BEFORE, ENVELOPED, Bucket, Fault, Faults
from .frame import Answer, Asked, Clock, Platform
from .pictures import drawn
from .world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PLATFORMS: dict[str, str] = {
    "jd": "jd.app:Jd",
    "top": "top.platform:Top",
    "ali1688": "ali1688.platform:Ali1688",
    "shop": "shop.platform:Shop",
}
"""One line a platform: its mount, and the module in this room with the class there."""

PICTURES = "pictures"
PAGE = "<!DOCTYPE html><html><body><h1>系统繁忙，请稍后再试</h1></body></html>".encode()
ROBOTS = "robots.txt"
"""Belongs to a whole host; the shop answers for ours."""
CONTROL = b"\x00\x0b\x1f"


@dataclass
class Sandbox:
    """Every platform, as an ASGI application."""

    seed: str = "huopan"
    size: int = 200
    latency: float = 0.0
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    limits: dict[str, Bucket] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    worlds: dict[str, World] = field(default_factory=dict)
    platforms: dict[str, Platform] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reset({})

    def reset(self, given: dict[str, Any]) -> None:
        """Everything as it was in the beginning."""
        self.seed = given.get("seed", self.seed)
        self.size = given.get("size", self.size)
        self.latency, self.clock.ahead = 0.0, timedelta(0)
        self.faults, self.limits, self.calls = Faults(), {}, []
        self.worlds = {name: World(f"{self.seed}:{name}", self.size) for name in PLATFORMS}
        self.platforms = {name: _made(name, self.worlds[name], self.clock) for name in PLATFORMS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        asked, send = await _asked(scope, receive), self._dated(send)
        mount, _, rest = asked.path.removeprefix("/").partition("/")
        if mount == ROBOTS:
            mount, rest = "shop", ROBOTS
        if mount == "_control":
            await _give(send, self._control(rest, asked))
            for platform in self.platforms.values():
                _push(platform)
        elif mount == PICTURES:
            await _give(send, Answer(drawn(rest), kind="image/jpeg"))
        elif mount in self.platforms:
            await self._serve(mount, replace(asked, path=f"/{rest}"), send)
        else:
            await _give(send, Answer(b'{"error":"no such platform"}', 404))

    def _dated(self, send: Send) -> Send:
        """Answers carry the date of the platforms' clock."""

        async def dated(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self.clock.now(), usegmt=True).encode()
                message["headers"] = [*message["headers"], (b"date", date)]
            await send(message)

        return dated

    async def _serve(self, name: str, asked: Asked, send: Send) -> None:
        platform, at = self.platforms[name], time.monotonic()
        call = platform.call_of(asked)
        fault = self.faults.take(name, call, at)
        if fault is None and not self.limits.get(name, Bucket()).allows(at):
            fault = Fault(name, "throttle", call)
        self.calls.append({"platform": name, "call": call, "at": at, "fault": _mode(fault)})
        if self.latency:
            await asyncio.sleep(self.latency)
        if fault is not None and fault.mode in BEFORE:
            await _before(send, fault)
            return
        if fault is not None and fault.mode in ENVELOPED:
            answer = platform.refuse(asked, fault)
        else:
            answer = platform.answer(replace(asked, fault=fault))
        _push(platform)
        if fault is not None and fault.mode in AFTER:
            await _after(send, fault, answer)
            return
        await _give(send, answer)

    def _control(self, path: str, asked: Asked) -> Answer:
        given = json.loads(asked.body) if asked.body else {}
        doors: dict[tuple[str, str], Callable[[], Any]] = {
            ("POST", "reset"): lambda: self.reset(given),
            ("POST", "faults"): lambda: self.faults.waiting.append(Fault(**given)),
            ("DELETE", "faults"): lambda: setattr(self, "faults", Faults()),
            ("POST", "limits"): lambda: self.limits.update(
                {given["platform"]: Bucket(given["per_second"])}
            ),
            ("POST", "latency"): lambda: setattr(self, "latency", given["seconds"]),
            ("POST", "clock"): lambda: setattr(
                self.clock, "ahead", timedelta(seconds=given["ahead"])
            ),
            ("POST", "drift"): lambda: self._drift(given),
            ("POST", "goods"): lambda: self.worlds[given["platform"]].fix(
                given["key"], price=given.get("price"), stock=given.get("stock")
            ),
            ("POST", "act"): lambda: self.platforms[given["platform"]].act(given["deed"], given),
            ("GET", "orders"): lambda: {"items": self._of(asked).orders()},
            ("GET", "calls"): lambda: {"items": self._calls(asked)},
        }
        door = doors.get((asked.method, path))
        if door is None:
            return Answer(b'{"error":"no such control"}', 404)
        try:
            done = door()
        except (KeyError, TypeError, ValueError) as error:
            return Answer(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode(), 422)
        return Answer(json.dumps(done, ensure_ascii=False).encode())

    def _drift(self, given: dict[str, Any]) -> None:
        for name, world in self.worlds.items():
            if given.get("platform") in (None, name):
                world.tick += given.get("ticks", 1)

    def _of(self, asked: Asked) -> Platform:
        return self.platforms[asked.query["platform"]]

    def _calls(self, asked: Asked) -> list[dict[str, Any]]:
        wanted = asked.query.get("platform")
        return [call for call in self.calls if wanted in (None, call["platform"])]


def _made(name: str, world: World, clock: Clock) -> Platform:
    module, _, kind = PLATFORMS[name].partition(":")
    made: Platform = getattr(import_module(f"{__package__}.{module}"), kind)(world, clock)
    return made


def _mode(fault: Fault | None) -> str | None:
    return fault.mode if fault else None


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _asked(scope: Scope, receive: Receive) -> Asked:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Asked(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)


async def _before(send: Send, fault: Fault) -> None:
    match fault.mode:
        case "html":
            await _give(send, Answer(PAGE, kind="text/html"))
        case "empty":
            await _give(send, Answer(b""))
        case "status":
            await _give(send, Answer(PAGE, fault.status, kind="text/html"))
        case _:
            await _break(send)


async def _after(send: Send, fault: Fault, answer: Answer) -> None:
    match fault.mode:
        case "lost":
            await _break(send)
        case "stall":
            await asyncio.sleep(fault.seconds)
            await _give(send, answer)
        case "html_after":
            await _give(send, Answer(PAGE, kind="text/html"))
        case "empty_after":
            await _give(send, Answer(b""))
        case "bom":
            await _give(send, replace(answer, body=b"\xef\xbb\xbf" + answer.body))
        case _:
            await _give(send, replace(answer, body=CONTROL + answer.body + CONTROL))


async def _give(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.kind.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.encode(), value.encode()) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _break(send: Send) -> None:
    """More is promised than comes: the server cuts the connection."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{"})


def _push(platform: Platform) -> None:
    for push in platform.outgoing():
        asyncio.get_running_loop().run_in_executor(None, _post, push)


def _post(push: Any) -> None:
    with contextlib.suppress(httpx.HTTPError):  # as platforms do: whoever is away hears later
        httpx.post(push.url, content=push.body, headers=dict(push.headers), trust_env=False)


def server(sandbox: Sandbox, host: str, port: int) -> uvicorn.Server:
    """A server that is not yet running; nothing is logged, broken connections are on purpose."""
    config = uvicorn.Config(
        sandbox,
        host=host,
        port=port,
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def running(sandbox: Sandbox) -> Iterator[str]:
    """The address of the sandbox, served by a thread on a free port while the block runs."""
    serving = server(sandbox, "127.0.0.1", 0)
    thread = threading.Thread(target=serving.run, daemon=True)
    thread.start()
    try:
        while not serving.started:
            if not thread.is_alive():
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.01)
        port = serving.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        serving.should_exit = True
        thread.join()
