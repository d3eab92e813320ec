"""Sources held open by a process: each opened once, again when its settings changed."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.model import Source
from connectors.registry import open_source
from connectors.surroundings import Surroundings


@dataclass
class OpenSources:
    """Sources by code, over what they share. Safe to use from many threads."""

    around: Surroundings
    _open: dict[str, tuple[Mapping[str, Any], Source]] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def get(self, code: str, config: Mapping[str, Any]) -> Source:
        """Source `code` under these settings. Raises SettingsError. Talks to nobody yet."""
        with self._lock:
            held = self._open.get(code)
            if held is not None and held[0] == config:
                return held[1]
            source = open_source(code, config, self.around)
            self._open[code] = (dict(config), source)
        if held is not None:
            _close(held[1])
        return source

    def close(self) -> None:
        """Let go of every connection."""
        with self._lock:
            for _, source in self._open.values():
                _close(source)
            self._open.clear()


def _close(source: Source) -> None:
    close = getattr(source, "close", None)
    if close is not None:
        close()
