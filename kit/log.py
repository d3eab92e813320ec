"""Structured logs: one JSON object a line, with the request's id, never a secret or a recipient."""

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

import structlog

SECRET_KEYS = re.compile(
    r"secret|password|token|authorization|cookie|api_?key|session|signature", re.IGNORECASE
)
RECIPIENT_KEYS = frozenset(
    ["ship_to", "recipient", "name", "mobile", "phone", "address", "text", "收件人", "电话", "地址"]
)
_LOOKED_INTO = re.compile(r"1[3-9]\d{9}|bearer|hp_|://|DETAIL:", re.IGNORECASE)
"""What any text has that something is masked in: nearly all have none of it."""
_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
_BEARER = re.compile(r"(?i)(bearer\s+|hp_)[\w.~+/-]{8,}=*")
_ROW = re.compile(
    r"(DETAIL:  (?:Failing row contains |Key \([^\n]*?\)=)\().*?(?=\)(?: |\.\n|\.$))", re.DOTALL
)
"""What PostgreSQL quotes of the row that it refused."""
_URL_PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s@]+@")

bind = structlog.contextvars.bind_contextvars
unbind = structlog.contextvars.unbind_contextvars
clear = structlog.contextvars.clear_contextvars


def masked(text: str) -> str:
    """`text` without tokens, passwords in addresses, whole mobile numbers, or a refused row."""
    if not _LOOKED_INTO.search(text):
        return text
    text = _MOBILE.sub(r"\1****\2", text)
    text = _ROW.sub(r"\1***", text)
    text = _BEARER.sub(r"\1***", text)
    return _URL_PASSWORD.sub(r"\1***@", text)


def _mask(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: _mask_named(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(item) for item in value]
    return value


def _mask_named(key: str, value: Any) -> Any:
    return "***" if _hides(key) else _mask(value)


@lru_cache(maxsize=4096)
def _hides(key: str) -> bool:
    return key in RECIPIENT_KEYS or SECRET_KEYS.search(key) is not None


def mask_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that masks what must not be logged."""
    return {
        key: _mask(value) if key == "event" else _mask_named(key, value)
        for key, value in event.items()
    }


def configure(*, level: str = "INFO") -> None:
    """Send our logs and every library's to standard error as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel("WARNING")  # its INFO lines carry whole addresses


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
