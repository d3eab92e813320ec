"""Spans of time as settings write them."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(span: str) -> int:
    """`30s`, `5m`, `1h`, `1d` in seconds."""
    return int(span[:-1]) * _UNITS[span[-1]]
