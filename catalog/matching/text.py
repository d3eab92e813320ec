"""Titles in one form: half-width, lower case, simplified characters, one word for one thing. Pure.

`normalise` is idempotent. What it gives is for comparing, never for showing.
"""

import re
import unicodedata
from functools import lru_cache

from catalog.matching.lexicon import lexicon, replaced
from kit import hanzi

_PLAIN = re.compile(r"[ -~　-〃一-鿿！-～×·【】《》()（）]*")
"""Characters for which one pass of folding is known to be enough."""
_BLANKS = re.compile(r"\s+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MEASURED = (
    "段代级层件支瓶罐听盒袋包提箱条片抽张粒颗枚个只卷双节把杯桶套册本根筒组对口"
    "号寸斤轴入连电人键打米度年布块位折份餐丸管板扎串束副付页碗盆壶沓帖贴枝捆朵顶台枚合步孔色阶目档挡速座股头齿格副叶折芯版期类"
)
_NUMERAL = re.compile(rf"([零一二两三四五六七八九十百]+)(?=[{_MEASURED}])")
_LETTERED = re.compile(rf"(?<=[a-z])(?=[零一二两三四五六七八九十百]+[{_MEASURED}])")
"""Between letters and a Chinese number, lest mesh两只 become the model mesh2."""
_COUNTING = re.compile(r"[零一二两三四五六七八九十百半双单对打]")
_HALF = re.compile(r"半(?=[斤打升])")
_PAIR = re.compile(r"双(?=[支瓶包盒罐袋条件只联桶拍层]装?)")
_SINGLE = re.compile(r"单(?=[支瓶包盒罐只个条杯片把册件本块卷袋桶拍层])")
_COUPLE = re.compile(r"(?<![面成核校\d])对[装拍]")
_DOZEN = re.compile(r"(\d+(?:\.\d+)?)打")
_BY = re.compile(
    r"(?<=\d)(\s?(?:ml|kg|cm|mm|毫升|千克|公斤|厘米|毫米|[glmw]|[升克片包袋瓶罐听盒箱支条个只卷双粒枚张抽杯桶件套册本米斤寸入])?)"
    r"\s?x\s?(?=\d)"
)
"""The letter x for times; `x20` alone is a model."""
_UNSETTLED = re.compile(
    r"[零一二两三四五六七八九十百半双单对打x公糖薯]|[^ -~　-〃一-鿿×·【】《》]|\d-|\d,"
)
"""What another pass might change; most titles hold none of it after the first."""
_PRO_PLUS = re.compile(r"(?<=pro)\+(?!\d)")
_TEN_THOUSAND = re.compile(r"(\d+(?:\.\d+)?)万(?=毫安|ma|转)")
"""2万毫安 are 20000."""
_LENS = re.compile(r"(?<![\w.])-(\d{1,2}\.\d{2})(?!\d)")


def normalise(text: str) -> str:
    """The comparable form of a title, brand, unit or attribute."""
    folded = _fold(text)
    while _UNSETTLED.search(folded) and (again := _fold(folded)) != folded:
        folded = again
    return folded


@lru_cache(maxsize=50_000)
def short(text: str) -> str:
    """`normalise` for units, attributes and categories, which thousands of offers share."""
    return normalise(text)


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).lower().replace("\x00", "")
    if not _PLAIN.fullmatch(text):
        text = unicodedata.normalize("NFKC", text.casefold())
    text = _regional(hanzi.simplified(_PRO_PLUS.sub(" plus", text)))
    text = _BLANKS.sub(" ", text.replace("×", "*").replace("✕", "*")).strip()
    text = _BY.sub(r"\1*", _THOUSANDS.sub("", text))
    if text.isascii():
        return text
    if _COUNTING.search(text):
        text = _counted(text)
    if "万" in text:
        text = _TEN_THOUSAND.sub(lambda found: f"{float(found.group(1)) * 10_000:.0f}", text)
    return _LENS.sub(lambda found: f" {float(found.group(1)) * 100:g}度", text)


def _counted(text: str) -> str:
    text = _HALF.sub("0.5", _PAIR.sub("2", _SINGLE.sub("1", text)))
    text = _LETTERED.sub(" ", text)
    text = _NUMERAL.sub(lambda found: str(hanzi.number(found.group(1))), text)
    text = _COUPLE.sub("2支装", text)
    return _DOZEN.sub(lambda found: f"{float(found.group(1)) * 12:g}支", text)


def _regional(text: str) -> str:
    return text if text.isascii() else replaced(text, lexicon().regional)
