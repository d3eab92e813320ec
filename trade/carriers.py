"""Carriers by any of their names, as suppliers write them on sheets."""

import re

NAMES: dict[str, tuple[str, ...]] = {
    "sf": ("顺丰", "顺丰速运", "顺丰快递", "顺丰标快", "顺丰特快", "shunfeng", "sfexpress"),
    "zto": ("中通", "中通快递", "中通速递", "zhongtong"),
    "yto": ("圆通", "圆通速递", "圆通快递", "yuantong"),
    "sto": ("申通", "申通快递", "申通e物流", "shentong"),
    "yunda": ("韵达", "韵达快递", "韵达速递", "yd"),
    "jt": ("极兔", "极兔速递", "极兔快递", "jtexpress", "j&t"),
    "jd": ("京东", "京东快递", "京东物流", "jdl", "jingdong"),
    "ems": ("邮政ems", "中国邮政ems", "ems快递", "邮政特快", "邮政特快专递", "特快专递"),
    "chinapost": ("邮政", "中国邮政", "邮政快递包裹", "邮政包裹", "邮政小包", "平邮", "youzheng"),
    "deppon": ("德邦", "德邦快递", "德邦物流", "dbl", "dbkd"),
    "best": ("百世", "百世快递", "百世汇通", "汇通", "htky"),
    "danniao": ("丹鸟", "丹鸟物流", "菜鸟速递", "菜鸟裹裹", "菜鸟"),
    "kye": ("跨越", "跨越速运", "跨越物流", "kysy"),
    "zjs": ("宅急送",),
    "uc": ("优速", "优速快递", "uce"),
    "ane": ("安能", "安能物流", "安能快递"),
    "suer": ("速尔", "速尔快递"),
    "fengwang": ("丰网", "丰网速运"),
    "tiantian": ("天天", "天天快递", "ttkd"),
    "self": ("自提", "商家自送", "自送", "送货上门"),
}
"""Our code → the other names that people and platforms use."""

_CODES = {name: code for code, names in NAMES.items() for name in (code, *names)}


def name(code: str) -> str:
    """What people call a carrier of ours."""
    return NAMES[code][0] if code in NAMES else code


def code(name: str) -> str | None:
    """Our code of a carrier by any of its names, or None."""
    plain = re.sub(r"[\s()（）\[\]【】_-]|有限公司|公司", "", name).lower()
    return _CODES.get(plain)
