"""A platform by the name of its kind; above this room no platform is imported."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, get_args

from pydantic import SecretStr, ValidationError

from kit import faults
from kit.settings import SettingsError

from .model import Source
from .settings import SourceSettings
from .surroundings import Surroundings

KINDS: dict[str, str] = {
    "feed": "feed.source:FeedSource",
    "ali1688": "ali1688.source:Ali1688",
    "site": "site.source:SiteSource",
    "taobao_shop": "taobao_shop.source:TaobaoShop",
    "jd_vop": "jd_vop.source:VopSource",
    "taobao_tbk": "taobao_tbk.source:TaobaoTbk",
    "jd_union": "jd_union.source:UnionSource",
    "taobao_fenxiao": "taobao_fenxiao.source:TaobaoFenxiao",
}
"""One line a kind: the module in this room and the class there. Imported when first opened."""


@cache
def _kind(kind: str) -> Any:
    """The class of a kind: it has `Settings` and is made of (code, settings, surroundings)."""
    module, _, name = KINDS[kind].partition(":")
    return getattr(import_module(f"{__package__}.{module}"), name)


def read_settings(code: str, config: Mapping[str, object]) -> SourceSettings:
    """The checked settings of source `code`. Raises SettingsError that names each key at fault."""
    kind = config.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SettingsError(
            f"sources.{code}.kind: {kind!r} is no kind of source; there are {', '.join(KINDS)}"
        )
    model: type[SourceSettings] = _kind(kind).Settings
    try:
        return model.model_validate(dict(config))
    except ValidationError as error:
        raise SettingsError(faults.of_keys(error, model, f"sources.{code}.")) from error


def unreadable(sources: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Of these sources by code those whose settings cannot be read, and each key at fault."""
    found = {}
    for code, config in sources.items():
        try:
            read_settings(code, config)
        except SettingsError as error:
            found[code] = str(error)
    return found


def can(config: Mapping[str, object], capability: type) -> bool:
    """Whether sources of this kind have a capability (a protocol), without opening one."""
    return issubclass(_kind(str(config["kind"])), capability)


def secret_keys(config: Mapping[str, object]) -> set[str]:
    """Which keys of a source's config are secrets. Raises SettingsError for an unknown kind."""
    kind = config.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SettingsError(f"kind: {kind!r} is no kind of source; there are {', '.join(KINDS)}")
    fields = _kind(kind).Settings.model_fields
    return {name for name, field in fields.items() if _is_secret(field.annotation)}


def open_source(
    code: str, config: Mapping[str, object], around: Surroundings | None = None
) -> Source:
    """The source that `config` describes; ask `isinstance(source, Sells)` what it can do.

    `around` are the budgets, tokens and clocks that it shares with other sources and workers;
    without it the source keeps its own. Raises SettingsError that names each key at fault. Talks
    to nobody yet. A source that has `close()` holds connections: close it, or keep it.
    """
    settings = read_settings(code, config)
    source: Source = _kind(settings.kind)(code, settings, around or Surroundings())
    return source


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))
