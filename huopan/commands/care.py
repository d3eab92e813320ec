"""`replay`, `forget` and `hold`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from huopan.show import AsJson

if TYPE_CHECKING:
    from trade.forgetting import Forgotten

app = typer.Typer()


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID…]")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what they do.")] = False,
    as_json: AsJson = False,
) -> None:
    """Dead letters again: what came in and was stored, but not handled to its end.

    Safe to repeat. Exit code 1 when one still cannot be handled.
    """
    from huopan import show
    from huopan.house import opened
    from kit import clock
    from kit.errors import Problem
    from trade import replaying

    results, failed = [], 0
    with opened() as house:
        with house.db.as_system() as session:
            letters = replaying.waiting(session, clock.now(), ids or ())
        for letter in letters:
            would: dict[str, Any] = {}
            try:
                if dry_run:
                    would = replaying.preview(house.db, house.desk, letter, clock.now())
                    result = _would(would["would"])
                else:
                    replaying.replay(house.db, house.desk, letter, clock.now())
                    result = "handled"
            except Problem as problem:
                result, failed = problem.detail, failed + 1
            results.append({**vars(letter), "result": result, **would})
    rows = [[one[key] for key in ("id", "sender", "received_at", "result")] for one in results]
    text = show.table(("id", "from", "received", "result"), rows)
    show.told(results, text if rows else "There are no dead letters.", as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _would(steps: list[dict[str, Any]]) -> str:
    """What a letter would do, one line for each step."""
    lines = []
    for one in steps:
        row = f"row {one['row']}: " if "row" in one else ""
        if one["does"] == "fails":
            lines.append(f"{row}fails: {one['message']}")
        elif one["does"] == "asks":
            lines.append(f"asks {one['of']} about {one['purchase']}")
        else:
            what = f"{one['carrier']} {', '.join(one['numbers'])}".strip()
            lines.append(f"{row}{one['does']} {what} for {one['purchase']}")
    return "\n".join(lines) or "does nothing"


@app.command()
def forget(
    name: Annotated[str, typer.Option(help="The person's name, as on the parcel.")],
    mobile: Annotated[str, typer.Option(help="The person's number.")],
    *,
    as_json: AsJson = False,
) -> None:
    """A person's deletion request: erases what no open order needs, and tells what must wait.

    Exit code 1 when something must wait.
    """
    from dataclasses import asdict

    from huopan import show
    from huopan.house import opened
    from kit import clock
    from trade.forgetting import forget as shred

    with opened() as house, house.db.as_system() as session:
        done = shred(session, house.desk.keyring, name, mobile, clock.now())
    show.told(asdict(done), _told(done), as_json=as_json)
    if done.waiting:
        raise typer.Exit(1)


@app.command()
def hold(
    order: Annotated[str, typer.Argument(help="The order's id.")],
    reason: Annotated[str, typer.Option(help="What the details are needed for.")] = "",
    *,
    release: Annotated[bool, typer.Option("--release", help="They are needed no more.")] = False,
    as_json: AsJson = False,
) -> None:
    """A legal hold: what names people of an order is erased neither by age nor on request."""
    from huopan import show
    from huopan.house import opened
    from trade.ageing import hold as keep

    if release == bool(reason):
        raise typer.BadParameter("give a --reason, or --release")
    with opened() as house, house.db.as_system() as session:
        keep(session, order, None if release else reason, "command line")
    text = f"{order} is held." if reason else f"{order} is held no more."
    show.told({"order": order, "hold": reason or None}, text, as_json=as_json)


def _told(done: "Forgotten") -> str:
    from huopan import show

    lines = []
    if done.recipients or done.sheets:
        lines.append(
            f"Erased: {done.recipients} recipients, notes of {done.orders} orders, what was said in"
            f" {done.claims} claims, {done.evidence} pieces of evidence, {done.sheets} sheets."
        )
    if done.waiting:
        rows = [(one.order, one.reference, one.status, one.why) for one in done.waiting]
        lines.append(show.table(("order", "reference", "status", "must wait because"), rows))
        lines.append("Run this again when these orders are through.")
    elif not lines:
        lines.append("Nobody of this name and number is known here.")
    if done.others:
        lines.append(f"{done.others} envelopes with this number carry another name and were kept.")
    return "\n".join(lines)
