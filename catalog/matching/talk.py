"""What sellers say beside the thing: gifts, for whom, promises. Pure, on normalised text."""

import re

_PERSONS = (
    "孕产妇|孕妇|产妇|儿童|婴幼儿|婴儿|幼儿|新生儿|宝宝|老人|老年人|中老年人|中老年|学生|成人|大人|小孩|孩子"
    "|男女|男士|女士|男生|女生|男性|女性|情侣|青少年|妈妈|长辈|女友|男友|全家|老少"
)
_OF_PERSONS = frozenset("妇儿婴幼宝老学成大孩男女情青妈长友全")
"""Every name of persons has one of these."""
_FOR_ALL = re.compile(rf"(?:(?:{_PERSONS})[、/和及, ]?){{2,}}")
"""孕妇儿童, 男女宝宝: several kinds of people one after another are a public, not a variant."""
_OCCASION = re.compile(
    rf"(?:{_PERSONS})(?:专用|营养|成长|居家)?"
    r"(?=早餐|零食|小零食|辅食|礼物|礼品|礼盒|学习|考试|上学|下午茶|晚餐|食品|玩具|汽车|书桌|宿舍|通用|家用|大礼包|房)"
)
_GIFT = re.compile(r"(?<![配派运直])(?:附赠|赠送|送|赠)(?!\d)[一-鿿]{1,8}")
_BOUGHT = re.compile(r"买\d+送\d+")
_NEW = re.compile(r"20\d\d年?(?=新货|新米|新款|新品|新版|新茶|新鲜|当季)")
_BRACKETED = re.compile(r"【([^】\d]{1,12})】")
_MADE_FOR = re.compile(
    r"(?:适用于?|适合|兼容)(?:[一-鿿a-z0-9/、+ ]{0,24}?(?:手机|笔记本|平板|电脑)|[一-鿿、/]+)"
)
_FITS = re.compile(r"适用于?|适合|兼容")
_LATIN = re.compile(r"[a-z0-9][a-z0-9 +/]*")
_SCHOOLS = re.compile(r"幼儿园|小学生|中小学生?|初中生|高中生|大学生")


def plain(text: str) -> str:
    """The text without gifts, publics, occasions and the shouts in 【】."""
    if "【" in text:
        text = _BRACKETED.sub(" ", text)
    if "送" in text or "赠" in text:
        text = _GIFT.sub(" ", _BOUGHT.sub(" ", text))
    if not _OF_PERSONS.isdisjoint(text):
        text = _OCCASION.sub("", _FOR_ALL.sub(" ", _SCHOOLS.sub(" ", text)))
    if "20" in text:
        text = _NEW.sub("", text)
    return _MADE_FOR.sub(_device, text) if "适" in text or "兼容" in text else text


def _device(found: re.Match[str]) -> str:
    """What is left of 适用…手机: the device's own name, which tells one case from another. A name
    with a number behind it is a device's: 适用朗越2022款.
    """
    behind = found.string[found.end() : found.end() + 1]
    if behind.isascii() and behind.isalnum():
        return f" {_FITS.sub('', found.group())}"
    return f" {' '.join(_LATIN.findall(found.group()))} "
