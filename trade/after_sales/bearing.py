"""Why a claim is made, and who bears what is paid for it: stated rules over words. Pure."""

from collections.abc import Collection
from typing import Literal, get_args

Cause = Literal[
    "damaged",
    "spoiled",
    "missing",
    "wrong_goods",
    "quality",
    "not_as_described",
    "lost",
    "late",
    "no_reason",
    "intercept",
    "other",
]
Bearer = Literal["supplier", "platform", "house", "leader"]
Outcome = Literal["agreed", "silent", "refused"]
"""What its supplier said: yes, nothing in time, no."""

CAUSES: tuple[str, ...] = get_args(Cause)

_WORDS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    ("intercept", ("拦截", "截回", "追回")),
    ("lost", ("丢件", "丢失", "遗失", "没收到", "未收到")),
    ("spoiled", ("坏果", "腐", "烂", "变质", "霉", "过期", "死亡", "化冻", "不新鲜", "发臭", "馊")),
    (
        "missing",
        (
            "少件",
            "缺件",
            "漏发",
            "漏寄",
            "漏装",
            "少发",
            "缺少",
            "空包",
            "少了",
            "短装",
            "数量不对",
        ),
    ),
    (
        "damaged",
        ("破损", "损坏", "碎", "漏", "压坏", "坏了", "挤压", "变形", "裂", "划痕", "刮花", "磕"),
    ),
    (
        "wrong_goods",
        (
            "错发",
            "发错",
            "错货",
            "货不对",
            "颜色不对",
            "尺码不对",
            "款式不对",
            "规格不对",
            "型号不对",
        ),
    ),
    ("not_as_described", ("描述不符", "与描述", "不符", "假货", "色差")),
    ("quality", ("质量", "瑕疵", "不能用", "故障", "异味")),
    ("late", ("超时", "太慢", "迟发", "延误", "不发货")),
    (
        "no_reason",
        ("七天无理由", "7天无理由", "无理由", "不想要", "不喜欢", "拍错", "多拍", "买错"),
    ),
)
"""Cause → words that people give as their reason; the first that is found decides."""

BUYERS_OWN: frozenset[str] = frozenset({"no_reason", "intercept"})
"""Causes with no fault of whoever sold and sent the goods."""

FAULTS: frozenset[str] = frozenset(CAUSES) - BUYERS_OWN - {"other"}
"""Causes that lie with the goods or with how they were sent."""


def cause_of(reason: str) -> Cause:
    """The cause that a reason speaks of: its own name, or words that people use."""
    plain = reason.strip().lower().replace(" ", "_").replace("-", "_")
    if plain in CAUSES:
        return plain  # type: ignore[return-value]  # one of the names, as was just seen
    return next((cause for cause, words in _WORDS if any(w in reason for w in words)), "other")


def bearer(cause: str, outcome: Outcome, *, platform: bool) -> Bearer:
    """Who bears what the leader is paid.

    | its supplier | a cause of the goods | the buyer changed her mind |
    |---|---|---|
    | agreed, or silent past the stated time | the supplier, or the platform | the same |
    | refused, after money was advanced | the house, which chose to advance | the leader |
    """
    if outcome != "refused":
        return "platform" if platform else "supplier"
    return "leader" if cause in BUYERS_OWN else "house"


def carriage(causes: Collection[str], who: Bearer) -> Bearer:
    """Who bears freight and postage of goods that `who` pays back, for all these causes.

    | | a fault of goods or sending | her own wish, or none stated |
    |---|---|---|
    | freight, once all goods of a purchase are paid back | who bears these | the leader |
    | postage, with its proof and up to `postage_most` | who bears these | the leader |

    What a platform bears it says itself, with the sum that it gives back (`freight_returns`): for
    these the house bears what goes beyond that.
    """
    if not causes or not FAULTS.issuperset(causes):
        return "leader"
    return "house" if who == "platform" else who
