"""A platform by the name of its kind; above this room no platform is imported."""

from collections.abc import Callable, Mapping

from pydantic import ValidationError

from kit.settings import SettingsError

from .feed.settings import FeedSettings
from .feed.source import FeedSource
from .model import Source
from .settings import SourceSettings

_KINDS: dict[str, tuple[type[SourceSettings], Callable[..., Source]]] = {
    "feed": (FeedSettings, FeedSource),
}


def read_settings(code: str, config: Mapping[str, object]) -> SourceSettings:
    """The checked settings of source `code`. Raises SettingsError that names each key at fault."""
    kind = config.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise SettingsError(
            f"sources.{code}.kind: {kind!r} is no kind of source; there are {', '.join(_KINDS)}"
        )
    model, _ = _KINDS[kind]
    try:
        return model.model_validate(dict(config))
    except ValidationError as error:
        faults = "; ".join(
            f"sources.{code}.{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(faults) from error


def open_source(code: str, config: Mapping[str, object]) -> Source:
    """The source that `config` describes; ask `isinstance(source, Sells)` what it can do.

    Raises SettingsError that names each key at fault. Talks to nobody yet.
    """
    settings = read_settings(code, config)
    _, make = _KINDS[settings.kind]
    return make(code, settings)
