"""The public page of a share: HTML from the server, without script; its pictures are ours."""

import base64
import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from html import escape

from kit.clock import SHANGHAI
from trade.sharing.share_pages import Good, PublicPage

_STYLE = """
body{font:16px/1.6 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:1rem;color:#222}
h1{font-size:1.3rem}.price{color:#c00;font-size:1.6rem;font-weight:700}
.good{border:1px solid #ddd;border-radius:8px;margin:.6rem 0;padding:.6rem .8rem}
.good{overflow:hidden}.good img{aspect-ratio:1;background:#f5f5f5;border-radius:6px;float:left;
margin-right:.8rem;object-fit:cover;width:6rem}
.stock{color:#080}.out{color:#999}.said{background:#f5f5f5;border-radius:8px;padding:.6rem .8rem}
.wrong{background:#fee;border-radius:8px;padding:.6rem .8rem}label{display:block;margin:.6rem 0}
input,select,textarea{box-sizing:border-box;font:inherit;padding:.4rem;width:100%}
button{background:#c00;border:0;border-radius:8px;color:#fff;font:inherit;padding:.6rem;width:100%}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; img-src 'self'; style-src 'sha256-{_HASH}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Of every page: nothing of others is loaded, nothing framed or kept."""

_STOCK = {"in_stock": "有货", "low": "库存紧张", "out": "已售罄", "unknown": "以团长确认为准"}
_STATUS = {
    "closed": "本团已关闭",
    "ended": "本团已结束",
    "scheduled": "本团尚未开始",
    "sold_out": "本团商品已售罄",
}
NOTICES = {
    "done": "已接龙，团长会联系您。报名不收款。",
    "again": "您已经提交过了，无需重复提交。",
}


@dataclass(frozen=True)
class Filled:
    """What a customer has written into the form."""

    sku: str = ""
    quantity: str = "1"
    name: str = ""
    mobile: str = ""
    address: str = ""
    note: str = ""


def share(
    page: PublicPage, token: str, *, notice: str = "", wrong: str = "", kept: Filled | None = None
) -> str:
    """The page; `token` is of its form, `notice` says what was done, `wrong` what was not, and then
    the form stands as it was filled in."""
    until = _moment("开团时间", page.since) if page.status == "scheduled" else ""
    until += _moment("截止时间", page.until)
    said = f'<p class="said">{escape(NOTICES[notice])}</p>' if notice else ""
    said += f'<p class="wrong">{escape(wrong)}</p>' if wrong else ""
    goods = "".join(_good(one) for one in page.goods)
    status = page.status
    if status == "open" and all(one.stock == "out" for one in page.goods):
        status = "sold_out"
    form = _form(page, token, kept or Filled()) if status == "open" else f"<p>{_STATUS[status]}</p>"
    return _whole(
        f"{page.leader}的团购",
        f"<h1>{escape(page.leader)}的团购</h1>{said}"
        f'<p class="price">¥{escape(page.price)}</p>{until}{goods}{form}',
    )


def missing() -> str:
    """What stands at an address that is none."""
    return _whole("没有这个页面", "<h1>没有这个页面</h1><p>请向团长要新的链接。</p>")


def busy(seconds: int) -> str:
    """What stands there when one address looks too often."""
    return _whole("请稍后再试", f"<h1>请稍后再试</h1><p>访问过于频繁，请 {seconds} 秒后刷新。</p>")


def _moment(what: str, at: datetime | None) -> str:
    return "" if at is None else f"<p>{what}：{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}</p>"


def _good(good: Good) -> str:
    kind = "out" if good.stock == "out" else "stock"
    picture = ""
    if good.picture is not None:
        picture = f'<img src="{escape(good.picture)}" alt="" loading="lazy">'
    return (
        f'<div class="good">{picture}<strong>{escape(good.title)}</strong>'
        f"<div>{escape(good.spec)}</div>"
        f'<div class="{kind}">{_STOCK.get(good.stock, _STOCK["unknown"])}</div></div>'
    )


def _option(good: Good, chosen: str) -> str:
    state = " selected" if good.sku == chosen else ""
    told = f"{good.title} {good.spec}".strip()
    if good.stock == "out":
        state, told = " disabled", f"{told}（{_STOCK['out']}）"
    return f'<option value="{escape(good.sku)}"{state}>{escape(told)}</option>'


def _form(page: PublicPage, token: str, kept: Filled) -> str:
    options = "".join(_option(one, kept.sku) for one in page.goods)
    said = {name: escape(value) for name, value in asdict(kept).items()}
    return (
        f'<form method="post" action="/s/{escape(page.code)}" accept-charset="utf-8">'
        f'<input type="hidden" name="token" value="{escape(token)}">'
        f'<label>商品<select name="sku" required>{options}</select></label>'
        '<label>数量<input name="quantity" type="number" min="1" max="999"'
        f' value="{said["quantity"]}" required></label>'
        '<label>姓名<input name="name" maxlength="50" autocomplete="name"'
        f' value="{said["name"]}" required></label>'
        '<label>手机<input name="mobile" type="tel" maxlength="30" autocomplete="tel"'
        f' value="{said["mobile"]}" required></label>'
        '<label>收货地址（省市区、街道门牌；自提可不填）<textarea name="address" rows="2"'
        f' maxlength="200" autocomplete="street-address">{said["address"]}</textarea></label>'
        f'<label>备注<input name="note" maxlength="100" value="{said["note"]}"></label>'
        "<p>报名不收款；姓名、手机和地址加密保存，只用于团长为您下单。</p>"
        "<button>接龙</button></form>"
    )


def _whole(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{body}</html>"
    )
