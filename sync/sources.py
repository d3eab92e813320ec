"""The sources of an installation: those of settings.toml, and those recorded in the database.

Settings win: a source that they name is read-only in the database. Whoever needs sources asks for
settings that know both, with `with_recorded`.
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.registry import read_settings
from kit.errors import Problem
from kit.settings import Settings
from sync.models import Source

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


def with_recorded(session: Session, settings: Settings) -> Settings:
    """`settings` with the sources of the database added to its own."""
    recorded = {row.code: row.config for row in session.execute(select(Source.code, Source.config))}
    return settings.model_copy(update={"sources": {**recorded, **settings.sources}})


def config_of(settings: Settings, code: str) -> Mapping[str, Any]:
    """What is set for `code`. Raises Problem 404 that names the sources there are."""
    if code in settings.sources:
        return settings.sources[code]
    known = ", ".join(sorted(settings.sources)) or "none yet"
    raise Problem(
        404,
        "unknown_source",
        f"there is no source {code!r} (there are: {known}); name one under [sources.{code}] in"
        f" settings.toml, or bring its price list with `huopan import FILE --source {code}`",
    )


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
    kind = read_settings(code, config).kind
    values = {"kind": kind, "config": dict(config)}
    session.execute(
        insert(Source)
        .values(code=code, **values)
        .on_conflict_do_update(index_elements=["code"], set_=values)
    )
