"""The public page of a share, and its form: no token is needed, and nothing is paid.

The form carries a token of ours that is bound to the page, to a cookie of this browser and to some
hours: another site cannot send it, and sending it twice signs up once.
"""

import secrets
import time
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import HTMLResponse, Response

from api import pages
from api.office import Office, office
from api.shapes.base import form
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

Code = Annotated[str, Path(pattern=form(r"^[a-z0-9]{1,32}$", "this is no code of a share"))]
Word = Annotated[str, Form(max_length=300)]


@router.get("/{code}", response_class=HTMLResponse, summary="A share's public page")
def look(request: Request, code: Code) -> Response:
    """Goods, the leader's price, stock and end, and a form to sign up (接龙)."""
    here = office(request)
    here.limiter.count(f"page:{_address(request)}", LOOKS)
    return _answer(here, request, code, 200)


@router.post("/{code}", response_class=HTMLResponse, summary="Sign up on a share's page")
def sign(
    request: Request,
    code: Code,
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
    here.limiter.count(f"signup:{_address(request)}", SIGNS)
    keyring = here.terms.desk.keyring
    nonce = _opened(keyring, code, token, request.cookies.get(_COOKIE, ""))
    if nonce is None:
        return _answer(here, request, code, 403, wrong="页面已过期，请重新填写后提交。")
    try:
        with here.db.as_system() as session:
            new = signups.sign_up(
                session,
                keyring,
                code,
                sku,
                int(quantity) if quantity.isdecimal() and len(quantity) < 6 else 0,
                (name, mobile, address),
                note,
                nonce,
                clock.now(),
            )
    except Problem as problem:
        return _answer(here, request, code, problem.status, wrong=_in_chinese(problem))
    return _answer(here, request, code, 200, notice="done" if new else "again")


def _answer(
    here: Office, request: Request, code: str, status: int, *, notice: str = "", wrong: str = ""
) -> Response:
    desk = here.terms.desk
    try:
        with here.db.as_system() as session:
            page = share_pages.page(session, desk, code, clock.now())
    except Problem as problem:
        return HTMLResponse(pages.missing(), problem.status, pages.HEADERS)
    browser = request.cookies.get(_COOKIE) or secrets.token_urlsafe(16)
    token = _token(desk.keyring, code, browser)
    shown = pages.share(page, token, notice=notice, wrong=wrong)
    answer = HTMLResponse(shown, status, pages.HEADERS)
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


def _opened(keyring: Keyring, code: str, token: str, browser: str) -> str | None:
    """The nonce of a token that we gave this browser for this page, and that is still good."""
    said, _, signature = token.rpartition(".")
    nonce, _, until = said.partition(".")
    if not browser or not keyring.verify(_message(code, browser, said), signature, _PURPOSE):
        return None
    return nonce if int(until) > time.time() else None


def _message(code: str, browser: str, said: str) -> bytes:
    return f"{code}|{browser}|{said}".encode()


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


_WORDS = {
    "sku": "请选择商品",
    "quantity": "数量应为 1 到 999",
    "name": "请填写姓名",
    "mobile": "请填写 11 位手机号",
    "region": "地址请写明省、市、区（县）",
    "address": "请填写街道和门牌",
}


def _in_chinese(problem: Problem) -> str:
    """What a customer is told: the fields at fault, or that the page takes nothing now."""
    fields = [error.field.rpartition(".")[2] for error in problem.errors]
    told = [_WORDS[field] for field in fields if field in _WORDS]
    return "；".join(told) or "现在不能报名，请联系团长。"
