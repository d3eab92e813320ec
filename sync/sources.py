"""The sources of an installation: those of settings.toml, and those recorded in the database.

Settings win: a source that they name is read-only in the database. Whoever needs sources asks for
settings that know both, with `with_recorded`. Secrets are sealed in the database and opened there.
"""

import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.registry import read_settings, secret_keys
from kit import log
from kit.crypto import CannotOpen, Keyring, wrapped_by
from kit.errors import FieldError, Problem
from kit.rewrapping import Place, Turn
from kit.settings import Opened, Settings, SettingsError
from kit.statements import Query
from sync.models import Source

_log = log.get(__name__)

HIDDEN = "***"
"""What a secret is shown as."""

SEALED = "sealed"
MARK: Query = (
    "SELECT md5(string_agg(code || ' ' || config::text, ' ' ORDER BY code)) AS mark FROM sources",
    (),
)
"""Names what is recorded: another text once a source changes. Opening the secrets of hundreds to
see that nothing did would take long."""
_REMOTE = ("https", "sftp", "ftp", "http")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


def with_recorded(session: Session, settings: Settings) -> Settings:
    """`settings` with the sources of the database added to its own. Raises SettingsError."""
    recorded = {
        row.code: _unsealed(row.code, row.config, settings)
        for row in session.execute(select(Source.code, Source.config))
        if row.code not in settings.sources
    }
    return settings.model_copy(update={"sources": {**recorded, **settings.sources}})


def config_of(settings: Settings, code: str) -> Mapping[str, Any]:
    """What is set for `code`. Raises Problem 404 that names the sources there are."""
    if code in settings.sources:
        return settings.sources[code]
    raise _unknown(settings, code)


def keys_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config as it may be shown: secrets only say that they are there."""
    return {
        name: HIDDEN if isinstance(value, SecretStr) or _names_secret(value) else value
        for name, value in config.items()
    }


def from_outside(
    session: Session, settings: Settings, code: str, config: Mapping[str, Any], *, new: bool
) -> None:
    """Record what an operator sent: its secrets are themselves, and are sealed.

    For a source that is there already the keys given replace its own, None removes one, and a
    secret that is only shown as hidden stays. Raises Problem 409 `source_exists` or
    `defined_in_settings`, 404, 422 naming each key at fault.
    """
    held = session.get(Source, code, with_for_update=True)
    if new and held is not None:
        raise Problem(409, "source_exists", f"there is a source {code} already; PATCH changes it")
    if not new and held is None and code not in settings.sources:
        raise _unknown(with_recorded(session, settings), code)
    given = {name: value for name, value in config.items() if value != HIDDEN}
    whole = {**(held.config if held else {}), **given}
    whole = {name: value for name, value in whole.items() if value is not None}
    try:
        if str(whole.get("location", "https://")).partition("://")[0] not in _REMOTE:
            raise SettingsError(f"sources.{code}.location: name an {' or '.join(_REMOTE)} address")
        secrets = secret_keys(whole)
        for name in secrets & given.keys():
            if not isinstance(given[name], str | None):
                raise SettingsError(f"sources.{code}.{name}: a secret is a text")
        sealed = {
            name: _sealed(code, name, value, settings) if name in secrets else value
            for name, value in whole.items()
        }
        record(session, settings, code, sealed)
    except SettingsError as error:
        raise _faulty(code, str(error)) from error


def _faulty(code: str, told: str) -> Problem:
    """422 for a key of a source, as settings name it: `sources.CODE.KEY: what is wrong`."""
    key, _, words = told.removeprefix(f"sources.{code}.").partition(": ")
    errors = [FieldError(key, "invalid", words)] if words and " " not in key else []
    return Problem(422, "invalid", told, errors=errors)


def is_ours(session: Session, settings: Settings, code: str) -> bool:
    """Whether the database may hold `code`: it does already, or settings.toml does not name it."""
    return code not in settings.sources or session.get(Source, code) is not None


def record(session: Session, settings: Settings, code: str, config: Mapping[str, Any]) -> None:
    """Keep a source in the database; one that is there already gets the new config.

    Raises Problem 422 for a malformed code, 409 `defined_in_settings`; SettingsError for a config
    that its kind does not understand.
    """
    if not _CODE.fullmatch(code):
        raise Problem(
            422,
            "malformed_code",
            f"{code!r} cannot name a source; use letters, digits and -, such as teahouse",
        )
    if not is_ours(session, settings, code):
        raise Problem(
            409, "defined_in_settings", f"{code} is set in settings.toml; change it there"
        )
    kind = read_settings(code, _unsealed(code, config, settings)).kind
    values = {"kind": kind, "config": dict(config)}
    session.execute(
        insert(Source)
        .values(code=code, **values)
        .on_conflict_do_update(index_elements=["code"], set_=values)
    )


class _Recorded:
    """The secrets of recorded sources, as a place of envelopes; there are few."""

    name = "sources.config"

    def count(self, session: Session) -> Counter[str]:
        """How many secrets are under which key, by its name."""
        configs = session.scalars(select(Source.config))
        return Counter(
            wrapped_by(b64decode(one)) for config in configs for one in _envelopes(config)
        )

    def turn(self, session: Session, keyring: Keyring, after: list[Any] | None) -> Turn:
        """Re-wrap every secret that stands under a former key of the ring."""
        del after  # it is one window
        rows = session.scalars(select(Source).order_by(Source.code).with_for_update()).all()
        done = broken = 0
        for row in rows:
            config = dict(row.config)
            for name, value in row.config.items():
                envelope = b64decode(value[SEALED]) if _is_sealed(value) else b""
                if wrapped_by(envelope) not in keyring.former:
                    continue
                try:
                    fresh = keyring.rewrap(envelope, _context(row.code, name))
                except CannotOpen as error:
                    broken += 1
                    _log.error("A secret cannot be opened", source=row.code, why=str(error))
                    continue
                config[name], done = {SEALED: b64encode(fresh).decode()}, done + 1
            row.config = config
        session.flush()
        return Turn(len(rows), done, broken)


RECORDED: Place = _Recorded()


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {SEALED}


def _envelopes(config: Mapping[str, Any]) -> Iterator[str]:
    return (value[SEALED] for value in config.values() if _is_sealed(value))


def _unsealed(code: str, config: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Sealed values opened; all others as they are."""
    opened = dict(config)
    for name, value in config.items():
        if _is_sealed(value):
            clear = settings.keyring().open(b64decode(value[SEALED]), _context(code, name))
            opened[name] = Opened(clear.decode())
    return opened


def _sealed(code: str, name: str, value: Any, settings: Settings) -> Any:
    if isinstance(value, dict):
        return value  # held as it was
    envelope = settings.keyring().seal(str(value).encode(), _context(code, name))
    return {SEALED: b64encode(envelope).decode()}


def _context(code: str, name: str) -> str:
    return f"source:{code}:{name}"


def _names_secret(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("env:", "file:"))


def _unknown(settings: Settings, code: str) -> Problem:
    known = ", ".join(sorted(settings.sources)) or "none yet"
    return Problem(
        404,
        "unknown_source",
        f"there is no source {code!r} (there are: {known}); record it with POST"
        f" /v1/sources, name it under [sources.{code}] in settings.toml, or bring its price list"
        f" with `huopan import FILE --source {code}`",
    )
