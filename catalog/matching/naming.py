"""What brands are called: names in a brand column, and those that titles put beside them. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from catalog import dictionaries
from catalog.matching.lexicon import Scanner, lexicon
from catalog.matching.text import normalise

_SPLIT = re.compile(r"[/()|·,;、（）]+")
_HAN = re.compile(r"[一-鿿]")
_NOT_NAMES = frozenset(("无", "其他", "其它", "无品牌", "-", "其他品牌", "other", "none", "国产"))
_LATIN = r"[a-z][a-z .&'-]{1,24}[a-z]"
_BESIDE = (
    re.compile(rf"([一-鿿]{{2,8}})\s?\(\s?({_LATIN})\s?\)"),
    re.compile(rf"(?<![a-z])({_LATIN})\s?\(\s?([一-鿿]{{2,8}})\s?\)"),
)
_TOGETHER = re.compile(r"([一-鿿]{2,})\s?([a-z][a-z .&'-]*)|([a-z][a-z .&'-]*)\s?([一-鿿]{2,})")
_RUNS = re.compile(r"[一-鿿]+|[A-Za-z][A-Za-z .&'-]*")
_NO_ALIAS = frozenset(
    [
        "new",
        "pro",
        "max",
        "plus",
        "mini",
        "lite",
        "air",
        "ultra",
        "se",
        "the",
        "set",
        "led",
        "usb",
        "wifi",
        "hot",
        "box",
        "diy",
        "ins",
    ]
)


@lru_cache(maxsize=20_000)
def brand_names(written: str | None) -> tuple[str, ...]:
    """The names in a brand column, normalised: `启萌（QIMENG）` are two."""
    if not written:
        return ()
    parts = (part.strip(" .-") for part in _SPLIT.split(normalise(written)))
    return tuple(dict.fromkeys(part for part in parts if part and part not in _NOT_NAMES))


def rivals(names: Sequence[str]) -> tuple[str, ...]:
    """Which of the names in a brand column may be the brand's: the Chinese ones, else all."""
    return tuple(name for name in names if _HAN.search(name)) or tuple(names)


def joint(names: Iterable[str]) -> str:
    """What goods are of that bear the names of several brands: none of them."""
    return _JOINT.join(sorted(names))


def is_joint(brand: str) -> bool:
    """Whether it is made by `joint`: no single name has the sign in it."""
    return _JOINT in brand


_JOINT = "/"


def parted(name: str) -> tuple[str, str] | None:
    """The Chinese and the Latin part of a name in both scripts with nothing between them."""
    if not (found := _TOGETHER.fullmatch(name)):
        return None
    han, latin = sorted((part.strip() for part in found.groups() if part), key=str.isascii)
    return han, latin


def written_as(written: str, brand: str) -> str | None:
    """A brand's own name as it is written in a wording for it; None: it is not there."""
    parts = [written, *_SPLIT.split(written), *_RUNS.findall(written)]
    names = (part.strip(" .-") for part in parts)
    return next((name for name in names if name and normalise(name) == brand), None)


def told(
    written: str | None, title: str | None = None, known: Collection[str] = ()
) -> list[tuple[str, str]]:
    """(name, brand) as a brand column and its title say. One brand's name is its Chinese one.

    `启萌/QIMENG` says that the two are one; so does `启萌(QIMENG)奶粉` where 启萌 is the brand of
    the column or one of the `known`.
    """
    names = brand_names(written)
    brands = rivals(names)
    brand = brands[0] if len(brands) == 1 else None
    pairs = [(name, brand if brand and _other_script(name, brand) else name) for name in names]
    if title and ("(" in title or "（" in title):
        pairs += _beside(normalise(title), {*names}, known)
    return pairs


def _other_script(name: str, brand: str) -> bool:
    """Whether one is written in Chinese and the other in Latin letters: 红米/小米 are two."""
    return bool(_HAN.search(name)) != bool(_HAN.search(brand))


def _beside(
    title: str, names: Collection[str], known: Collection[str]
) -> Iterable[tuple[str, str]]:
    for pattern in _BESIDE:
        for found in pattern.finditer(title):
            one, other = (name.strip() for name in found.groups())
            han, latin = (other, one) if one.isascii() else (one, other)
            if latin in _NO_ALIAS:
                continue
            ends = [han[i:] for i in range(len(han) - 1)]
            if brand := next((end for end in ends if end in names or end in known), None):
                yield latin, brand
            elif latin in names:
                yield latin, han


def settled(told: Iterable[tuple[str, str]]) -> dict[str, str]:
    """name → brand out of all that was said: another's word outweighs a name's own, unless
    several brands claim it.
    """
    said: dict[str, set[str]] = {}
    for name, brand in told:
        said.setdefault(name, set()).add(brand)
    chosen = {}
    for name, brands in said.items():
        others = sorted(brands - {name})
        chosen[name] = others[0] if len(others) == 1 else name
    return {name: chosen.get(brand, brand) for name, brand in chosen.items()}


@cache
def famous() -> Mapping[str, str]:
    """Names that everybody knows, from the data file: `伊利 yili`."""
    return dict(lexicon().brands)


@lru_cache(maxsize=50_000)
def sounded(name: str) -> str:
    """A Chinese name as its owner writes it in Latin letters, most often: 启萌 is `qimeng`."""
    return "".join(dictionaries.said(name)) if _HAN.search(name) else name.replace(" ", "")


def alike(name: str, brand: str) -> bool:
    """Whether one name sounds as the other: of 启萌 and `qi meng` nobody need say that."""
    return sounded(name) == sounded(brand)


@dataclass(frozen=True)
class Brands:
    """Names of brands as the catalogue and its operators know them: normalised name → brand."""

    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stated = {n: b for n, b in self.names.items() if b != n or n not in famous()}
        names = {**famous(), **stated}  # that a name is a brand's own says less than an alias
        spoken: dict[str, set[str]] = {}
        for name, brand in names.items():
            if _HAN.search(name):
                spoken.setdefault(sounded(name), set()).add(brand)
        for sound, brands in spoken.items():
            if len(sound) >= _SOUND and len(brands) == 1 and names.get(sound, sound) == sound:
                names[sound] = next(iter(brands))
        object.__setattr__(self, "_known", names)
        known = {name: brand for name, brand in names.items() if len(name) > 1}
        object.__setattr__(self, "_scanner", Scanner(known))

    def of(self, written: str | None) -> frozenset[str]:
        """The brands that a brand column names: `启萌/QIMENG` is one with two names, and so perhaps
        is `启萌QIMENG`.
        """
        known: Mapping[str, str] = self._known  # type: ignore[attr-defined]
        found: list[str] = []
        for name in brand_names(written):
            alone = known.get(name, name) == name
            found += (parted(name) if alone else None) or (name,)
        return frozenset(known.get(name, name) for name in found)

    def brand_of(self, written: str) -> str:
        """The one brand that a wording stands for: of `雀语QUEYU` 雀语, of `红米/小米` neither,
        until a person says which.

        What names none stands for itself, so that whoever names 无品牌 means the goods worded so.
        """
        names = rivals(brand_names(written))
        if not names:
            return normalise(written)
        brands = {self._one(name) for name in names}
        return brands.pop() if len(brands) == 1 else self._led(joint(names))

    def _one(self, name: str) -> str:
        """The brand that one name stands for."""
        brand = self._led(name)
        if brand == name and (parts := parted(name)):
            han, latin = parts
            led = self._led(han)
            if led == self._led(latin) or alike(latin, han):
                return led
        return brand

    def _led(self, name: str) -> str:
        """Where the names lead from one: names that lead in a circle are the first of them."""
        known: Mapping[str, str] = self._known  # type: ignore[attr-defined]
        passed = [name]
        while (name := known.get(name, name)) not in passed:
            passed.append(name)
        return min(passed[passed.index(name) :])

    def within(self, text: str) -> list[tuple[int, str, str]]:
        """(position, name, brand) of the known names in a normalised title.

        A name that only everybody knows counts where it stands first, or is no word besides: a
        小熊 in a book's title makes no brand.
        """
        scanner: Scanner[str] = self._scanner  # type: ignore[attr-defined]
        found = list(scanner.find(text))
        if all(name in self.names for _, name, _ in found):
            return found
        head = len(text) - len(_HEAD.sub("", text, count=1))
        told = any(name in self.names for _, name, _ in found)
        sure = {
            brand
            for at, name, brand in found
            if name in self.names or _is_name(name) or (at <= head and not told)
        }
        return [one for one in found if one[2] in sure]


_HEAD = re.compile(r"^(?:【[^】]*】|\[[^]]*\]|官方|正品|旗舰店|[^a-z0-9一-鿿])*")


@lru_cache(maxsize=5_000)
def _is_name(name: str) -> bool:
    """Whether a name means nothing else."""
    return bool(_HAN.search(name)) and (len(name) > 2 or not dictionaries.is_word(name))


_SOUND = 5
"""Letters from which on a name's sound is taken for its Latin name; shorter ones mean anything."""
