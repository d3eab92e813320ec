"""`doctor`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from huopan.checks import Check

app = typer.Typer()


@app.command()
def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """Versions, connections, schema, roles, sources' credentials, clock, disk; exit code 1 when
    something is wrong."""
    from huopan.backing import backing
    from huopan.checkup import examine
    from kit import settings

    chosen = settings.load()
    with backing(chosen) as servers:
        checks = examine(chosen, servers)
    typer.echo(json.dumps([asdict(check) for check in checks]) if as_json else _table(checks))
    if any(check.advice for check in checks):
        raise typer.Exit(1)


def _table(checks: list["Check"]) -> str:
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        mark = "!" if check.advice else " "
        lines.append(f"{mark} {check.name:<{width}}  {check.found}")
        if check.advice:
            lines.append(f"  {'':<{width}}  → {check.advice}")
    return "\n".join(lines)
