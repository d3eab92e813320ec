"""`keys`: what is sealed with which key, a new key, the former one's end."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huopan.show import AsJson

if TYPE_CHECKING:
    from worker.rekeying import KeyUse

app = typer.Typer()
keys = typer.Typer(help="Keys that people's data and secrets are sealed with.")
app.add_typer(keys, name="keys")


@keys.callback(invoke_without_command=True)
def overview(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Which keys there are, and how much is sealed with each. Exit code 1 when one is missing."""
    if context.invoked_subcommand is not None:
        return
    from dataclasses import asdict

    from huopan import show
    from huopan.keys import ring
    from kit import canaries
    from worker.rekeying import uses

    with ring() as (db, keyring), db.as_system() as session:
        canaries.leave(session, keyring)
        found = uses(session, keyring)
    show.told([asdict(one) for one in found], _table(found), as_json=as_json)
    if any(one.role == "missing" for one in found):
        raise typer.Exit(1)


@keys.command()
def new(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; else it is printed.")
    ] = None,
) -> None:
    """A fresh key. A file is made for its owner only, and never written over."""
    from kit.crypto import new_key

    if file is None:
        typer.echo(new_key())
        return
    if file.exists():
        raise typer.BadParameter(f"{file} is there already: a key is never written over")
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(new_key() + "\n")


@keys.command()
def rotate(*, as_json: AsJson = False) -> None:
    """Seal everything with the current key that former ones of [security] still open.

    Safe to repeat, to stop, and while orders come in. Exit code 1 when an envelope does not open.
    """
    from huopan import show
    from huopan.keys import ring
    from worker.rekeying import rotate as walk

    with ring() as (db, keyring), show.progress("Sealing anew") as step:
        whole = walk(db, keyring, step)
    view = {"key": whole.key, "envelopes": whole.done, "broken": whole.broken}
    text = f"{whole.done} envelopes are sealed with {whole.key} now."
    if not keyring.former:
        text = f"There is no former key: {whole.key} is the only one of [security]."
    if whole.broken:
        text += f" {whole.broken} do not open: they were altered, or belong elsewhere."
    show.told(view, text, as_json=as_json)
    if whole.broken:
        raise typer.Exit(1)


@keys.command()
def retire(
    key: Annotated[str, typer.Argument(help="The key's name, as `huopan keys` shows it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Whether a former key may be taken out of [security]. Exit code 1 while it is needed."""
    from huopan import show
    from huopan.keys import ring
    from worker.rekeying import retire as let_go

    with ring() as (db, keyring), db.as_system() as session:
        left = let_go(session, keyring, key)
    text = f"{left} envelopes are sealed with {key}: run `huopan keys rotate` first."
    if not left:
        text = (
            f"Nothing is sealed with {key}. Take it out of [security] on every machine; keep it"
            " apart for as long as you keep backups from before."
        )
    show.told({"key": key, "envelopes": left}, text, as_json=as_json)
    if left:
        raise typer.Exit(1)


def _table(found: list["KeyUse"]) -> str:
    from huopan import show

    rows = [(one.key, one.role, one.envelopes) for one in found]
    text = show.table(("key", "", "envelopes"), rows)
    if any(one.role == "missing" for one in found):
        text += "\n\nWhat a missing key sealed does not open: name it in [security] previous_keys."
    elif any(one.role == "former" and one.envelopes for one in found):
        text += "\n\n`huopan keys rotate` seals with the current key what former ones hold."
    return text
