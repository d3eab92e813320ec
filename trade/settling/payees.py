"""To whom a party's money is paid out. What the bank needs is sealed; everybody sees a mask."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from stdnum.cn import ric, uscc

from kit.crypto import Keyring
from kit.errors import Problem, invalid
from trade.models import Payee
from trade.settling.withholding import KINDS

CONTEXT = "payee"
_ACCOUNT = re.compile(r"\d{8,32}")
NOT_STATED = {"number": None, "bank": None, "account": None}
"""The mask of a payee who stated nothing."""


@dataclass(frozen=True)
class Account:
    """A payee in clear: `number` is a person's identity card, or a firm's 统一社会信用代码."""

    name: str
    number: str
    bank: str
    account: str


def put(
    session: Session, keyring: Keyring, party_id: int, kind: str, account: Account, now: datetime
) -> dict[str, Any]:
    """State the party's payee; payouts that were asked for before keep theirs.

    Raises Problem 422 for a number that is none of its kind, or an impossible account.
    """
    clear = _checked(kind, account)
    row = {
        "party_id": party_id,
        "kind": kind,
        "name": clear.name,
        "envelope": keyring.seal(orjson.dumps(vars(clear)), CONTEXT),
        "mask": {
            "number": f"{clear.number[:3]}***{clear.number[-2:]}",
            "bank": clear.bank,
            "account": f"***{clear.account[-4:]}",
        },
        "updated_at": now,
    }
    write = insert(Payee).values(row)
    session.execute(write.on_conflict_do_update(index_elements=["party_id"], set_=row))
    return get(session, party_id)


def get(session: Session, party_id: int) -> dict[str, Any]:
    """The party's payee, masked. Raises Problem 404 when it stated none."""
    row = session.get(Payee, party_id, populate_existing=True)
    if row is None:
        raise Problem(404, "not_found", "no payee is stated yet; put one at /v1/payee")
    return {"kind": row.kind, "name": row.name, **row.mask, "updated_at": row.updated_at}


def opened(keyring: Keyring, envelope: bytes) -> Account:
    """A payee in clear. Raises CannotOpen."""
    return Account(**orjson.loads(keyring.open(envelope, CONTEXT)))


def _checked(kind: str, account: Account) -> Account:
    if kind not in KINDS:
        raise invalid("kind", f"a payee is one of {', '.join(KINDS)}")
    number = account.number.strip().upper()
    if kind == "person" and not ric.is_valid(number):
        raise invalid("number", "this is no identity card number; it has 18 digits")
    if kind != "person" and not uscc.is_valid(number):
        raise invalid("number", "this is no 统一社会信用代码; it has 18 characters")
    digits = re.sub(r"[\s-]", "", account.account)
    if not _ACCOUNT.fullmatch(digits):
        raise invalid("account", "a bank account has 8 to 32 digits")
    return Account(account.name.strip(), number, account.bank.strip(), digits)
