"""Yes and no, invoices, states, times of day and lists of addresses, as sellers write them."""

import re

import orjson

from .text import Bad, plain

_YES = frozenset(
    {
        "是",
        "有",
        "可",
        "可以",
        "支持",
        "能",
        "√",
        "✓",
        "对",
        "y",
        "yes",
        "true",
        "1",
        "1.0",
        "七天无理由",
        "7天无理由",
    }
)
_NO = frozenset(
    {
        "否",
        "无",
        "不",
        "不可",
        "不可以",
        "不支持",
        "不能",
        "×",
        "✗",
        "x",
        "n",
        "no",
        "false",
        "0",
        "0.0",
    }
)


def yes(text: str) -> bool:
    """`是`, `否`, `支持`, `√`, `yes`. Raises Bad."""
    rest = plain(text).lower()
    if rest in _YES or rest.startswith("支持"):
        return True
    if rest in _NO or rest.startswith(("不支持", "不可")):
        return False
    raise Bad(f"“{text}” is neither 是 nor 否")


def invoice(text: str) -> str:
    """special (`专票`), ordinary (`普票`, `可开票`) or none (`不开票`). Raises Bad."""
    rest = plain(text).lower()
    if re.search(r"不开|不可|不含票|无票|无发票|不提供|none", rest) or rest in _NO:
        return "none"
    if re.search(r"专|增票|special", rest):
        return "special"
    if re.search(r"普|ordinary|电子发票|可开|开票|有票", rest) or rest in _YES:
        return "ordinary"
    raise Bad(f"“{text}” is not an invoice; write 专票, 普票 or 不开票")


def state(text: str) -> str:
    """live (`上架`, `在售`) or off (`下架`, `停产`, a draft). Raises Bad."""
    rest = plain(text).lower()
    if re.search(
        r"下架|停售|停产|停用|禁用|删除|作废|^off$|inactive|archived|草稿|^draft$|^否$|^0$", rest
    ):
        return "off"
    if re.search(r"上架|在售|正常|启用|销售中|有效|^live$|^on$|^active$|新品|^是$|^1$", rest):
        return "live"
    raise Bad(f"“{text}” is not a state; write 在售 or 下架")


_TIME = re.compile(
    r"^(?:每天|每日|下午|上午)?\s*(\d{1,2})\s*(?:[:点时]\s*(\d{1,2})?(?::\d{2})?)?\s*(?:分|前|之前|截单|整|半)*$"
)


def cutoff(text: str) -> str:
    """`16:00`, `下午4点前` as `16:00`. Raises Bad."""
    rest = plain(text)
    found = _TIME.match(rest)
    if found:
        hour = int(found.group(1)) + (
            12 if rest.startswith("下午") and int(found.group(1)) < 12 else 0
        )
        minute = int(found.group(2) or (30 if "半" in rest else 0))
        if hour < 24 and minute < 60:
            return f"{hour:02d}:{minute:02d}"
    raise Bad(f"“{text}” is not a time of day; write it like 16:00")


def addresses(text: str) -> str:
    """Web addresses, parted in any usual way or a JSON list, as a JSON list. Raises Bad."""
    if text.startswith("["):
        try:
            listed = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise Bad("the list of addresses is not valid JSON") from error
        found = [str(item.get("url", "") if isinstance(item, dict) else item) for item in listed]
    else:
        found = re.split(r"[\s;|，、；]+|,(?=\s*(?:https?:)?//)", text)
    found = [part.strip(" ,") for part in found if part.strip(" ,")]
    found = [f"https:{part}" if part.startswith("//") else part for part in found]
    for part in found:
        if not re.match(r"^https?://[^\s/]+\S*$", part) or len(part) > 2000:
            raise Bad(f"“{part[:80]}” is not a web address; it starts with https://")
    return orjson.dumps(list(dict.fromkeys(found))).decode()


def attributes(text: str) -> str:
    """`颜色:红;尺码:L` or JSON as a JSON object of strings; bare text is 规格. Raises Bad."""
    if text.startswith("{"):
        try:
            stated = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise Bad("the attributes are not valid JSON") from error
        pairs = {
            str(k): v if isinstance(v, str) else orjson.dumps(v).decode() for k, v in stated.items()
        }
        return spelled(pairs)
    pairs = {}
    for piece in re.split(r"[;；\n|]", text):
        key, colon, value = piece.replace("：", ":").partition(":")
        if piece.strip() and not colon:
            return spelled({"规格": " ".join(text.split())})
        if key.strip() and value.strip():
            pairs[key.strip()] = value.strip()
    return spelled(pairs)


def spelled(pairs: dict[str, str]) -> str:
    """Attributes in their one spelling: keys sorted, null where empty."""
    return orjson.dumps(pairs, option=orjson.OPT_SORT_KEYS).decode()


_GBT_2260 = """
11北京 12天津 13河北 14山西 15内蒙 21辽宁 22吉林 23黑龙江 31上海 32江苏 33浙江 34安徽 35福建 36江西
37山东 41河南 42湖北 43湖南 44广东 45广西 46海南 50重庆 51四川 52贵州 53云南 54西藏 61陕西 62甘肃
63青海 64宁夏 65新疆 71台湾 81香港 82澳门
"""
_PROVINCES = {entry[2:]: entry[:2] for entry in _GBT_2260.split()}
"""The first level of GB/T 2260: how a province's name begins, and its two digits."""


def regions(text: str) -> str:
    """`新疆、西藏` or GB/T 2260 numbers, as a JSON list of GB/T 2260 prefixes. Raises Bad."""
    found = []
    for part in re.split(r"[\s,;、|/和及]+", plain(text)):
        if not part or part in {"等", "不发货", "不配送", "除外", "以外"}:
            continue
        found.append(_region(part, text))
    return orjson.dumps(sorted(set(found))).decode()


def _region(part: str, text: str) -> str:
    if re.fullmatch(r"\d{2}|\d{4}|\d{6}", part):
        return part.removesuffix("0000") if len(part) == 6 else part
    for name, prefix in _PROVINCES.items():
        if part.startswith(name):
            return prefix
    raise Bad(f"“{text}” names no province or area number that we know: {part}")
