"""The public page of a share, and its form: no token is needed, and nothing is paid.

The form carries a token of ours that is bound to the page, to a cookie of this browser and to some
hours: another site cannot send it, and sending it twice signs up once.
"""

import secrets
import time
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, Response

from api import pages
from api.office import Office, office
from kit import clock
from kit.crypto import Keyring
from kit.errors import Problem
from trade.sharing import share_pages, signups

router = APIRouter(prefix="/s", tags=["help-selling"])

LOOKS, SIGNS = 60, 10
"""Pages and forms from one address within ten seconds."""

_COOKIE = "huopan_page"
_GOOD_FOR = 12 * 3600
_PURPOSE = "signup"

Word = Annotated[str, Form()]


@router.get("/{code}", response_class=HTMLResponse, summary="A share's public page")
def look(request: Request, code: str) -> Response:
    """Goods, the leader's price, stock and end, and a form to sign up (接龙)."""
    here = office(request)
    try:
        here.limiter.count(f"page:{_address(request)}", LOOKS)
    except Problem as problem:
        wait = problem.retry_after or 1
        return HTMLResponse(pages.busy(wait), 429, pages.HEADERS | {"Retry-After": str(wait)})
    return _answer(here, request, code, 200)


@router.post("/{code}", response_class=HTMLResponse, summary="Sign up on a share's page")
def sign(
    request: Request,
    code: str,
    token: Word = "",
    sku: Word = "",
    quantity: Word = "",
    name: Word = "",
    mobile: Word = "",
    address: Word = "",
    note: Word = "",
) -> Response:
    """Without payment. What is wrong is said on the page."""
    here = office(request)
    desk = here.terms.desk
    filled = pages.Filled(sku, quantity, name, mobile, address, note)
    try:
        here.limiter.count(f"signup:{_address(request)}", SIGNS)
        nonce = _opened(desk.keyring, code, token, request.cookies.get(_COOKIE, ""))
        with here.db.as_system() as session:
            new = signups.sign_up(
                session,
                desk,
                code,
                sku,
                int(quantity) if quantity.isdecimal() and len(quantity) < 6 else 0,
                {"name": name, "mobile": mobile, "address": address, "note": note},
                nonce,
                clock.now(),
            )
    except Problem as problem:
        return _answer(here, request, code, problem.status, wrong=problem, kept=filled)
    return _answer(here, request, code, 200, notice="done" if new else "again")


def _answer(
    here: Office,
    request: Request,
    code: str,
    status: int,
    *,
    notice: str = "",
    wrong: Problem | None = None,
    kept: pages.Filled | None = None,
) -> Response:
    desk = here.terms.desk
    try:
        with here.db.as_system() as session:
            page = share_pages.page(session, desk, code, clock.now())
    except Problem:
        return HTMLResponse(pages.missing(), 404, pages.HEADERS)
    browser = request.cookies.get(_COOKIE) or secrets.token_urlsafe(16)
    token = _token(desk.keyring, code, browser)
    told = "" if wrong is None else _in_chinese(wrong)
    shown = pages.share(page, token, notice=notice, wrong=told, kept=kept)
    answer = HTMLResponse(shown, status, pages.HEADERS)
    if wrong is not None and wrong.retry_after is not None:
        answer.headers["Retry-After"] = str(wrong.retry_after)
    answer.set_cookie(
        _COOKIE,
        browser,
        max_age=_GOOD_FOR,
        path="/s/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


def _token(keyring: Keyring, code: str, browser: str) -> str:
    said = f"{secrets.token_hex(8)}.{int(time.time()) + _GOOD_FOR}"
    return f"{said}.{keyring.sign(_message(code, browser, said), _PURPOSE)}"


def _opened(keyring: Keyring, code: str, token: str, browser: str) -> str:
    """The nonce of a token that we gave this browser for this page. Raises Problem 403 for any
    other one, and when its time is over."""
    said, _, signature = token.rpartition(".")
    nonce, _, until = said.partition(".")
    ours = browser and keyring.verify(_message(code, browser, said), signature, _PURPOSE)
    if not ours or int(until) <= time.time():
        raise Problem(403, "page_expired", "load the page anew")
    return nonce


def _message(code: str, browser: str, said: str) -> bytes:
    return f"{code}|{browser}|{said}".encode()


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


_WORDS = {
    "sku": "请选择商品",
    "quantity": "数量应为 1 到 999",
    "name": "请填写姓名，最多 50 字",
    "mobile": "请填写 11 位手机号",
    "region": "地址请写明省、市、区（县）",
    "address": "请填写街道和门牌，最多 200 字",
    "note": "备注最多 100 字",
}
_REASONS = {
    "page_expired": "页面已过期，请核对后重新提交。",
    "out_of_stock": "该商品已售罄，请选择其他商品。",
    "full": "报名人数已满，请联系团长。",
    "too_many_requests": "提交过于频繁，请稍后再提交。",
}


def _in_chinese(problem: Problem) -> str:
    """What a customer is told: the fields at fault, or that the page takes nothing now."""
    fields = [error.field.rpartition(".")[2] for error in problem.errors]
    told = [_WORDS[field] for field in fields if field in _WORDS]
    return "；".join(told) or _REASONS.get(problem.code, "现在不能报名，请联系团长。")
