"""What a pasted text says besides its place: labels, the name, and what remains is the address.
Pure."""

import re

from trade.place_names import longest_at

_LABELLED = (
    *("收货人姓名", "收件人姓名", "收货人", "收件人", "收货姓名", "收件姓名", "姓名", "名字"),
    *("收货人电话", "收件人电话", "收货电话", "收件电话", "收货手机", "收件手机", "联系电话"),
    *("手机号码", "电话号码", "手机号", "联系方式", "联系手机", "联系人"),
    *("收货详细地址", "详细地址", "收货地址", "收件地址", "配送地址", "邮寄地址", "寄送地址"),
    *("所在地区", "所在省市", "省市区县", "省市区", "邮政编码", "收货信息", "收件信息"),
)
_ALSO_WORDS = ("手机", "电话", "地址", "地区", "号码", "所在地", "街道", "邮编", "收货", "收件")
"""Labels that are parts of addresses too (手机城, 喀什地区): they are labels before a colon."""
_LABEL = re.compile(
    rf"(?<![^\s,，;；、。|(\[【])(?:(?:{'|'.join(_LABELLED)})[\s:：]*"
    rf"|(?:{'|'.join(_ALSO_WORDS)})(?:\s*[:：]\s*|(?=\s|$)))"
)
_POSTED = re.compile(r"(?:邮编|邮政编码)[\s:：]*\d{6}")
_BEFORE_PHONE = re.compile(
    r"(?:收货|收件|联系)?人?(?:手机|电话|联系方式|号码)(?:号码?)?\s*[:：]?\s*$"
)
_CHUNKS = re.compile(r"[\n\r\t,，;；、|]+|\s+")
_POSTCODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
_NUMBERS = re.compile(r"[\d\-+*]{1,2}|[\d\-+*]{11,}")
_STREETS = (*"路街号室栋幢楼村镇乡巷弄园苑区省市县座层店柜", "街道", "大厦", "广场", "大学", "驿站")
_NO_NAMES = frozenset(
    (
        *_LABELLED,
        *_ALSO_WORDS,
        "中国",
        "你好",
        "您好",
        "谢谢",
        "亲",
        "麻烦",
        "寄",
        "收",
        "备注",
        "地址如下",
    )
)
_LONGEST_NAME = 25
_TO = re.compile(r"(?<=..)[(（]?(?:亲?收|敬收)[)）]?$")
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高梁郑谢宋唐许韩邓冯曹彭曾肖萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔"
    "谭陆范汪廖石金韦贾夏付傅方邹熊白孟秦邱侯江尹薛闫阎段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向汤常温康施牛樊葛邢安齐"
    "易乔伍庞颜倪庄聂章鲁岳翟申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙"
    "鲍华喻祁房屈解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师仇"
)


def unlabelled(text: str) -> str:
    """The text without 收货人, 电话, 地址 and the like, each of which begins a line instead."""
    return _LABEL.sub("\n", _POSTED.sub("\n", text))


def without_phone_label(text: str) -> str:
    """What stands before a telephone number, without the word for it."""
    return _BEFORE_PHONE.sub("", text)


def parted(before: str, after: str) -> tuple[str, str]:
    """(address, name) of what stands before and behind the names of the place; "" where there is
    none. The name is the word most like one, before rather than behind."""
    ahead, behind = _words(before), _words(after)
    name = _most_like(ahead)
    if name:
        ahead.remove(name)
    elif len(behind) > 1 or any(_like_address(word) for word in ahead):
        name = _most_like(behind[::-1])
        behind = [word for word in behind if word is not name]
    rest = [word for word in ahead if _like_address(word)] + behind
    address = " ".join(word for word in rest if not _POSTCODE.fullmatch(word))
    return address, _TO.sub("", name)


def _words(text: str) -> list[str]:
    """The words of a text; those of a name in Latin letters are one."""
    words: list[str] = []
    for chunk in _CHUNKS.split(text):
        word = chunk.strip(" :：。./")
        latin = bool(re.fullmatch(r"[A-Za-z.'’-]+", word))
        if latin and words and re.fullmatch(r"[A-Za-z.'’ -]+", words[-1]):
            words[-1] += f" {word}"
        elif word:
            words.append(word)
    return words


def _most_like(words: list[str]) -> str:
    """The word most like a name, of those alike the last before the place, the first behind it."""
    names = [word for word in words if _like_name(word)]
    return max(reversed(names), key=_likeness, default="")


def _like_name(word: str) -> bool:
    plain = re.sub(r"[\[(【（]\d{1,6}[\])】）]$", "", word)
    fits = len(plain) <= _LONGEST_NAME and not re.search(r"\d", plain) and plain not in _NO_NAMES
    return fits and not _like_address(plain)


def _likeness(word: str) -> int:
    if word[0] in _SURNAMES and re.fullmatch(r"[一-鿿]{2,4}([(（]?收[)）]?)?", word):
        return 2
    return int(bool(re.fullmatch(r"[一-鿿·]{2,12}|[A-Za-z.'’ -]+", word)))


def _like_address(word: str) -> bool:
    """Whether this is part of an address, and no name; a bare number is neither."""
    if word in _NO_NAMES or _NUMBERS.fullmatch(word):
        return False
    named = (longest_at(word, at) for at in range(len(word) - 1))
    whole = any(one is not None and one.whole for one in named)
    return whole or word.endswith(_STREETS) or re.search(r"\d", word) is not None
