"""Under which keys an offer is looked up when likenesses are sought. Pure.

Two offers are compared only if they share a key, so that a new one meets a few others and not a
million. Keys are hashes of 60 bits under four bits of their version, so that those of an older one
stand by themselves; a chance collision costs one comparison.
"""

from collections.abc import Iterable

import xxhash

from catalog.matching.facts import VERSION, Facts

_SPAN = 1 << 63
_HASHED = 60
"""Bits of a key that tell what it stands for; those above are its version."""


def keys(facts: Facts) -> list[int]:
    """The keys of an offer, at most about ten, as signed 64-bit numbers."""
    return sorted({_hash(text) for text in _texts(facts)})


def owner(source: str, seller: str | None) -> int:
    """Whose offers these are, as a signed 32-bit number: nobody lists one thing twice."""
    return xxhash.xxh32_intdigest(f"{source}\x1f{seller or ''}".encode()) - (1 << 31)


def _texts(facts: Facts) -> Iterable[str]:
    if facts.gtin:
        yield f"g{facts.gtin}"
    for model in facts.models:
        yield from (f"m{tail}" for tail in model if len(tail) >= 3)
    words = _fewest(_said(facts))
    for brand in sorted(facts.brands)[:2] or [""]:
        if brand:
            yield from (f"a{brand}|{size}" for size in _amounts(facts))
        for word in words[:1]:
            yield from (f"c{brand}|{size}|{word}" for size in _amounts(facts))
        if words:
            yield f"w{brand}|{'|'.join(words[:2])}"
        if brand:
            yield from (f"b{brand}|{tail}" for model in facts.models for tail in model)
            yield from (f"n{brand}|{number}" for number in sorted(facts.sizes.numbers)[:2])
            yield from (f"k{brand}|{kind}" for kind in _fewest(facts.kinds)[:2])


def _said(facts: Facts) -> set[str]:
    values = {value for found in facts.traits.values() for value in found}
    return values or set(facts.words)


def _fewest(words: Iterable[str]) -> list[str]:
    """Words in an order that is the same for every title: by hash."""
    return sorted(words, key=lambda word: xxhash.xxh32_intdigest(word.encode()))[:3]


def _amounts(facts: Facts) -> list[str]:
    """What both titles state if they state anything alike: content, else pieces, else measures."""
    if facts.sizes.content:
        return [f"{kind}{value:f}" for kind, value in sorted(facts.sizes.content)[:3]]
    if facts.sizes.counted or facts.pack > 1:
        pieces = facts.sizes.pieces if facts.sizes.counted else {facts.pack}
        return [f"x{count}" for count in sorted(pieces)[:2]]
    measures = facts.sizes.measures
    return [f"{kind}{min(measures[kind]):f}" for kind in sorted(measures)[:1]]


def current() -> tuple[int, int]:
    """The lowest and the highest key of this version."""
    lowest = (VERSION % 16 << _HASHED) - _SPAN
    return lowest, lowest + (1 << _HASHED) - 1


def _hash(text: str) -> int:
    return (xxhash.xxh64_intdigest(text.encode()) >> 64 - _HASHED) + current()[0]
