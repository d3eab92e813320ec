"""Carriers by any of their names, as people write them on sheets and platforms in replies; and
whose number a waybill number can be. The one home of carrier codes.
"""

import re

NAMES: dict[str, tuple[str, ...]] = {
    "sf": (
        "顺丰",
        "顺丰速运",
        "顺丰快递",
        "顺丰标快",
        "顺丰特快",
        "shunfeng",
        "sfexpress",
        "顺风",
        "顺风快递",
        "顺风速运",
        "顺丰速递",
        "顺丰到付",
        "顺丰航空",
        "顺丰快运",
    ),
    "zto": ("中通", "中通快递", "中通速递", "中通速运", "zhongtong"),
    "yto": ("圆通", "圆通速递", "圆通快递", "yuantong"),
    "sto": ("申通", "申通快递", "申通速递", "申通快件", "申通e物流", "shentong"),
    "yunda": ("韵达", "韵达快递", "韵达速递", "韵达速运", "运达", "yd"),
    "jt": (
        "极兔",
        "极兔速递",
        "极兔快递",
        "极兔速递j&t",
        "极免",
        "jtexpress",
        "j&t",
        "jtsd",
        "htjt",
    ),
    "jd": (
        "京东",
        "京东快递",
        "京东物流",
        "京东配送",
        "京配",
        "京东大件",
        "京东快运",
        "jdl",
        "jingdong",
        "jdkd",
    ),
    "ems": (
        *("邮政ems", "中国邮政ems", "ems快递", "邮政特快", "邮政特快专递", "特快专递"),
        *("ems经济快递", "ems标准快递", "eyb", "邮政速递"),
    ),
    "chinapost": (
        *(
            "邮政",
            "中国邮政",
            "邮政快递包裹",
            "中国邮政快递包裹",
            "邮政标准快递",
            "邮政包裹",
            "邮政小包",
            "平邮",
            "youzheng",
        ),
        *("邮政国内小包", "postb", "post", "youzhengguonei", "yzpy"),
    ),
    "deppon": (
        "德邦",
        "德邦快递",
        "德邦物流",
        "德邦快运",
        "德邦大件",
        "dbl",
        "dbkd",
        "debangwuliu",
        "debangkuaidi",
    ),
    "best": ("百世", "百世快递", "百世汇通", "汇通", "htky", "huitongkuaidi"),
    "danniao": ("丹鸟", "丹鸟物流", "菜鸟速递", "菜鸟裹裹", "菜鸟", "菜鸟直送", "cnss"),
    "kye": ("跨越", "跨越速运", "跨越物流", "kysy", "cn7000001003751", "kuayue"),
    "zjs": ("宅急送", "宅急送快递", "zhaijisong"),
    "uc": ("优速", "优速快递", "uce", "youshuwuliu"),
    "ane": ("安能", "安能物流", "安能快递", "2608021499235", "ane66", "annengwuliu"),
    "suer": ("速尔", "速尔快递", "sure", "suer"),
    "fengwang": ("丰网", "丰网速运", "fw"),
    "tiantian": ("天天", "天天快递", "ttkd", "ttkdex", "hhtt"),
    "yimidida": ("壹米滴答", "壹米", "ymdd"),
    "zhongtongkuaiyun": ("中通快运", "ztoky"),
    "shunxin": ("顺心捷达", "sxjd"),
    "baishikuaiyun": ("百世快运", "bestky", "btwl"),
    "rrs": ("日日顺", "日日顺物流"),
    "self": ("自提", "商家自送", "自送", "送货上门", "其他", "other", "others"),
}
"""Our code → the other names that people, JD, Taobao and 1688 use; the first is the usual one."""

_CODES = {name: code for code, names in NAMES.items() for name in (code, *names)}

_PREFIXES: tuple[tuple[str, frozenset[str]], ...] = (
    ("SF", frozenset({"sf", "fengwang"})),
    ("YT", frozenset({"yto"})),
    ("JDKY", frozenset({"jd"})),
    ("JD", frozenset({"jd"})),
    ("JT", frozenset({"jt"})),
    ("DPK", frozenset({"deppon"})),
    ("DPL", frozenset({"deppon"})),
    ("KYE", frozenset({"kye"})),
    ("ZJS", frozenset({"zjs"})),
)
"""Letters with which only the numbers of some carriers begin; the first that fits decides."""

_MOBILE = re.compile(r"1[3-9]\d{9}")


def name(code: str) -> str:
    """What people call a carrier of ours."""
    return NAMES[code][0] if code in NAMES else code


def code(name: str) -> str | None:
    """Our code of a carrier by any of its names, or None; a branch behind it is left out, as in
    韵达快递（济南）."""
    whole, first = (
        re.sub(r"[\s()（）\[\]【】_-]|股份|有限公司|公司", "", said).lower()
        for said in (name, re.split(r"[(（\[【]|(?<=[一-鿿])[-—]", name)[0])
    )
    return _CODES.get(whole) or _CODES.get(first)


def objection(carrier: str, number: str) -> tuple[str, str] | None:
    """Why a number cannot be this carrier's: a code and a sentence. Numbers that only look unusual
    pass; carriers change theirs more often than anybody is told."""
    if carrier == "self":
        return None
    if _MOBILE.fullmatch(number):
        return "telephone", f"{number} is a telephone number; write the waybill number"
    owners = next((who for letters, who in _PREFIXES if number.startswith(letters)), None)
    if owners is None or carrier in owners:
        return None
    whose = " or ".join(name(one) for one in sorted(owners))
    return (
        "carrier_differs",
        f"{number} is a number of {whose}, not of {name(carrier)}; correct whichever is wrong",
    )
