"""How `huopan doctor` looks at sources: settings that can be read, tokens that do not run out,
platforms' clocks that agree with ours."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import select

from connectors import clocks
from connectors.errors import TryLater
from connectors.registry import read_settings
from connectors.tokens import SourceToken
from huopan.checks import Check
from huopan.house import entered
from huopan.servers import Endpoints
from kit import clock
from kit.settings import Settings, SettingsError

SOON = timedelta(days=7)
"""So long before its end a person should see to what cannot be renewed by itself."""
PLATFORM_TOLERANCE = timedelta(minutes=1)
"""The strictest platform refuses calls whose clock is six minutes off; a clock that drifts so far
gives notice before."""


def examine_sources(settings: Settings, servers: Endpoints) -> Iterator[Check]:
    """A check for every source of settings and database. The schema must be the newest."""
    with entered(settings, servers) as house:
        with house.db.as_system() as session:
            tokens = {row.source: row for row in session.scalars(select(SourceToken))}
        hosts: dict[str, str] = {}
        for code, config in sorted(house.settings.sources.items()):
            try:
                given = read_settings(code, config)
            except SettingsError as error:
                yield Check(f"source {code}", "its settings cannot be read", str(error))
                continue
            yield credentials(code, given.kind, tokens.get(code), clock.now())
            if given.address:
                hosts.setdefault(urlsplit(given.address).netloc, given.address)
    yield from (platform_clock(host, address) for host, address in hosts.items())


def credentials(code: str, kind: str, token: SourceToken | None, now: datetime) -> Check:
    """What is known of a source's access token, and what to do before it runs out. Pure."""
    name = f"source {code}"
    if token is None:
        return Check(name, kind)
    if token.failure is not None:
        advice = "correct its credentials" if token.refused else "it is tried again by itself"
        return Check(name, f"{kind}, no new token: {token.failure}", advice)
    last = token.refresh_expires_at or token.expires_at
    if last is None:
        return Check(name, f"{kind}, its token does not expire")
    found = f"{kind}, authorised until {last.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}"
    if last <= now:
        return Check(name, found, f"authorise again: GET /v1/sources/{code}/authorize")
    renewable = token.refresh_expires_at is None and token.envelope is not None
    soon = last - now < SOON and not (renewable and _short_lived(token))
    advice = f"authorise again before then: GET /v1/sources/{code}/authorize" if soon else ""
    return Check(name, found, advice)


def platform_clock(host: str, address: str) -> Check:
    """Whether the platform behind `address` answers, and its clock is ours."""
    name = f"clock of {host}"
    try:
        skew = clocks.skew(address)
    except TryLater as error:
        return Check(name, error.message, "see whether this machine reaches it")
    advice = "set this machine's clock by NTP" if skew > PLATFORM_TOLERANCE else ""
    return Check(name, f"{skew.total_seconds():.0f} s from ours", advice)


def _short_lived(token: SourceToken) -> bool:
    """Whether the token was made to last less than a week: then it is renewed all the time."""
    return token.expires_at is not None and token.expires_at - token.updated_at < SOON
