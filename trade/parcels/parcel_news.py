"""What carriers tell of a parcel: read into states, without people and platforms. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.trading import TrackEvent
from kit.log import masked
from trade.desk import TrackingTerms

_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("returned", re.compile(r"退回|退件|拒收|返回寄件")),
    ("problem", re.compile(r"异常|问题件|滞留|破损|无法派送|联系不上|地址不详|改址|延误")),
    (
        "delivered",
        re.compile(
            r"(?<![待未请备后])"
            r"(?:已签收|已由[^，,。；;]{1,12}签收|妥投|签收成功|本人签收|代收|已送达|已取件)"
        ),
    ),
    ("out_for_delivery", re.compile(r"派件|派送|配送中|待取件|投递|已到.{0,8}(?:驿站|自提)")),
    ("collected", re.compile(r"揽收|揽件|已收件|收寄|已取货")),
)
"""State → words of carriers; the first that is found decides."""

_TURNED = re.compile(r"(?<!取消)(?<!撤销)(?<!终止)(?:退回|退件|返回寄件)")
_SENT_AGAIN = re.compile(r"(?:取消|撤销|终止)退|(?:重新|再次|二次|继续)(?:派送|派件|投递)")
"""A parcel turns round, and what is signed for then is signed for by its sender; or it is brought
once more."""
_ARRIVING = ("delivered", "out_for_delivery")
_ADVICE = re.compile(r"(?:如需|如要|如有|若需|若有)[^，,。；;！!]*")
"""What carriers say might be done is no news."""

_PEOPLE = re.compile(
    r"((?:签收人|收件人|收货人|联系人|代收人|取件人|他人代收)[是为]?[:：\s]*)[^\s，,。；;】\])）]{1,12}"
    r"|((?:尊敬的|亲爱的)[【\[(（\s]*)[一-鿿·]{1,6}(?=先生|女士|小姐)"
)
_BY = re.compile(
    r"(?<=由)([【\[(（\s]*)([一-鿿·]{2,6}?)(?=[】\])）\s]*(?:先生|女士|小姐|代)*(?:为)?(?:签|代)收)"
)
"""Who signed for it, a person or a place."""
_NOBODY = re.compile(
    r"本人|家人|家属|亲友|朋友|同事|邻居|他人|客户|用户|前台|门卫|保安|物业|传达|收发|管家|单位|公司"
    r"|学校|宿舍|物流|超市|便利|驿站|快递|菜鸟|丰巢|柜|店|站|点|处|室|所|部"
)
_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)[-\s]?\d{4}[-\s]?(\d{4})(?!\d)")
"""A number as people write it, in groups."""
_PLATFORMS = re.compile(
    r"京东商城|京东|1688|阿里巴巴|淘宝|天猫|(?<![A-Za-z])(?:jd|taobao|tmall|alibaba)(?![A-Za-z])",
    re.IGNORECASE,
)
LONGEST = 300
LONG_AGO = timedelta(days=30)
"""Without news for so long a parcel of which news came has arrived."""


@dataclass(frozen=True)
class News:
    """One step, as it is kept."""

    at: datetime
    state: str
    text: str


def read(events: Sequence[TrackEvent]) -> list[News]:
    """Steps in order of time, each once; on its way back a parcel does not arrive."""
    found = {(one.at, told(one.text)): one.text for one in events}
    news, back = [], False
    for (at, words), text in sorted(found.items()):
        where = state(text)
        back = not _SENT_AGAIN.search(text) and (back or turned(text))
        news.append(News(at, "returned" if back and where in _ARRIVING else where, words))
    return news


def state(words: str) -> str:
    """Where a parcel is that is told of so."""
    plain = _ADVICE.sub("", words)
    return next((where for where, known in _WORDS if known.search(plain)), "in_transit")


def turned(words: str) -> bool:
    """Whether a parcel goes back from there."""
    return _TURNED.search(_ADVICE.sub("", words)) is not None


def arrival(
    shipped_at: datetime,
    delivered_at: datetime | None,
    last_event_at: datetime | None,
    delivery_days: int,
) -> datetime:
    """When a parcel arrived, or is taken to: so many days after it left, or long after the last
    that was told of it."""
    if delivered_at is not None:
        return delivered_at
    silent = shipped_at + timedelta(days=delivery_days)
    return silent if last_event_at is None else max(silent, last_event_at + LONG_AGO)


def told(words: str) -> str:
    """The words as both sides may read them."""
    plain = _MOBILE.sub(r"\1****\2", " ".join(words.split()))
    plain = _BY.sub(_signer, _PEOPLE.sub(r"\1\2***", plain))
    return without_platforms(masked(plain), "")[:LONGEST]


def _signer(found: re.Match[str]) -> str:
    return found[0] if _NOBODY.search(found[2]) else f"{found[1]}***"


def without_platforms(words: str, instead: str) -> str:
    """Words without the names of platforms."""
    return _PLATFORMS.sub(instead, words)


def stuck_after(where: str, terms: TrackingTerms) -> timedelta:
    """So long without news a parcel that is there counts as stuck."""
    hours = {
        "shipped": terms.shipped_hours,
        "out_for_delivery": terms.delivery_hours,
        "problem": terms.problem_hours,
        "returned": terms.problem_hours,
    }.get(where, terms.moving_hours)
    return timedelta(hours=hours)
