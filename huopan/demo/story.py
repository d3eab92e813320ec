"""What a new user is told once everything runs: logins, a first call, and a story to walk.

Every line that is indented by four spaces is a command; together they run as they stand in a shell.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from huopan import show
from huopan.demo.people import Person


@dataclass(frozen=True)
class Stage:
    """Where the story plays: the API's address, how the command line is called (as a shell takes
    it), Python, the current, the data and the demo's folder, a SKU that can be bought, and an order
    number that is not used yet."""

    address: str
    huopan: str
    python: str
    here: Path
    data: Path
    folder: Path
    sku: str
    reference: str


def told(stage: Stage, accounts: Sequence[Person]) -> str:
    """Accounts, a first call and the story in one text."""
    words = {name: shlex.quote(str(value)) for name, value in vars(stage).items()}
    plain = {name: str(getattr(stage, name)) for name in ("address", "sku", "reference", "huopan")}
    number = "".join(char for char in stage.reference if char.isdigit())
    known = words | plain | {"keys": _keys(accounts, stage.huopan), "number": number}
    from_anywhere = "cd {here} && HUOPAN_DATA__DIR={data} {huopan}".format(**known)
    first = (
        "A first call:\n"
        f'    curl -sS -G -H "Authorization: Bearer {_token(accounts[0], from_anywhere)}"'
        f" --data-urlencode q=纸尿裤 {stage.address}/v1/products"
    )
    told = files(__package__).joinpath("story.txt").read_text(encoding="utf-8").format(**known)
    return "\n" + "\n\n".join((_logins(accounts), first, told))


def _logins(accounts: Sequence[Person]) -> str:
    rows = [
        (person.role, person.name, person.password or "as at the first start", person.id)
        for person in accounts
    ]
    return show.table(("role", "login", "password", "party"), rows)


def _token(person: Person, huopan: str) -> str:
    """The token, or at a later start the command that makes a further one."""
    return person.token or f"$({huopan} token {person.id})"


def _keys(accounts: Sequence[Person], huopan: str) -> str:
    return "\n".join(f"    {person.role.upper()}={_token(person, huopan)}" for person in accounts)
