"""`party`, `token` and `deposit`."""

import sys
from typing import Annotated

import typer

from huopan.show import AsJson

app = typer.Typer()
party = typer.Typer(help="Accounts: leaders, brands, buyers, operators.", no_args_is_help=True)
app.add_typer(party, name="party")


@party.command()
def add(
    role: Annotated[str, typer.Option(help="leader, brand, buyer or operator.")],
    name: Annotated[str, typer.Option(help="What the party is called; also its login.")],
    source: Annotated[
        str | None, typer.Option(metavar="CODE", help="A brand supplies this source.")
    ] = None,
    *,
    password: Annotated[
        bool, typer.Option("--password", help="It may log in; asked for, or read from a pipe.")
    ] = False,
    word: Annotated[
        str | None,
        typer.Argument(metavar="[PASSWORD]", help="After --password, instead of being asked."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A new account; prints its id and its token, which is shown this once."""
    from huopan import show
    from huopan.house import opened
    from kit.ids import outside
    from trade import parties, tokens

    if word is not None and not password:
        raise typer.BadParameter(f"{word!r} belongs to no option; did you mean --password {word}?")
    secret = (word or _asked()) if password else None
    with opened() as house, house.db.as_system() as session:
        party_id = parties.create(session, role, name, source=source, password=secret)
        token = tokens.issue(session, party_id).text
        plain = parties.get(session, party_id).name
    view = {"id": outside("pty", party_id), "role": role, "name": plain, "token": token}
    text = "\n".join(f"{key:<6} {value}" for key, value in view.items())
    if source and source not in house.settings.sources:
        _aside(f"There is no source {source!r} yet: bring its price list with `huopan import`.")
    show.told(view, text, as_json=as_json)
    if not as_json:
        _aside("Keep the token: it is shown this once. `huopan token` makes another.")


@party.command("list")
def list_(
    role: Annotated[str | None, typer.Option(help="Only leaders, brands, …")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Every account, the oldest first."""
    from huopan import show
    from huopan.house import opened
    from trade import parties

    found, after = [], None
    with opened() as house, house.db.as_system() as session:
        while True:
            views, after = parties.page(session, role=role, limit=500, after=after)
            found += views
            if after is None:
                break
    columns = ("id", "role", "name", "source", "active")
    text = show.table(columns, [[view[column] for column in columns] for view in found])
    show.told(
        found,
        text if found else "There is no account yet: `huopan party add` makes one.",
        as_json=as_json,
    )


@app.command()
def token(
    party_id: Annotated[str, typer.Argument(metavar="PARTY_ID")],
    scope: Annotated[
        list[str] | None, typer.Option(help="Only this, such as orders:read; may be repeated.")
    ] = None,
    expires: Annotated[str | None, typer.Option(help="90d, 12h, 4w or 1y; else never.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """One more token for a party, on a line of its own; it is shown this once."""
    from huopan import show
    from huopan.house import opened
    from kit import clock
    from kit.ids import outside
    from trade import tokens

    until = tokens.expiry(expires, clock.now()) if expires else None
    wanted = [one for given in scope or () for one in given.split(",") if one]
    with opened() as house, house.db.as_system() as session:
        issued = tokens.issue(session, _party(party_id), scopes=wanted, expires_at=until)
    view = {
        "id": outside("tok", issued.id),
        "party": party_id,
        "token": issued.text,
        "expires_at": issued.expires_at,
    }
    show.told(view, issued.text, as_json=as_json)


@app.command()
def deposit(
    to: Annotated[str, typer.Argument(metavar="PARTY")],
    amount: Annotated[str, typer.Argument(help="CNY, such as 500.00.")],
    reference: Annotated[str, typer.Option(help="The bank's; the same one again adds nothing.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Money that has arrived for a party, into its wallet; once per reference."""
    from huopan import show
    from huopan.house import opened
    from kit.money import yuan
    from trade import wallets

    fen = _fen(amount)
    with opened() as house, house.db.as_system() as session:
        party_id = _party(to)
        new = wallets.deposit(session, party_id, fen, reference)
        wallet = wallets.wallet(session, party_id)
    view = {"party": to, "amount": yuan(fen), "reference": reference, "new": new, **wallet}
    done = "are in the wallet" if new else "were in the wallet already, so nothing was added"
    text = f"{yuan(fen)} CNY under {reference} {done}; the balance is {wallet['balance']}."
    show.told(view, text, as_json=as_json)


def _party(text: str) -> int:
    from kit.errors import Problem
    from kit.ids import inside

    try:
        return inside("pty", text)
    except Problem as problem:
        message = f"there is no party {text!r}; `huopan party list` shows those there are"
        raise Problem(problem.status, problem.code, message) from problem


def _fen(amount: str) -> int:
    from kit.errors import Problem
    from kit.money import fen

    try:
        return fen(amount.replace(",", ""))
    except ValueError as error:
        raise Problem(422, "invalid", f"{error}; write an amount in CNY, such as 500.00") from error


def _asked() -> str:
    """The password, typed twice without being shown, or the first line of a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _aside(text: str) -> None:
    """A word to the person, which is no part of the answer."""
    typer.echo(text, err=True)
