"""One finding of `huopan doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing looked at; `advice` is empty when it is as it should be."""

    name: str
    found: str
    advice: str = ""
