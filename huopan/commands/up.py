"""`up` and `migrate`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kit.settings import Settings

app = typer.Typer()


@app.command()
def up(
    host: Annotated[str | None, typer.Option(help="Where the API listens.")] = None,
    port: Annotated[int | None, typer.Option(help="Where the API listens.")] = None,
    data: Annotated[Path | None, typer.Option(help="Where servers and indexes live.")] = None,
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="With two invented suppliers and four accounts.")
    ] = False,
) -> None:
    """All of it on one machine: servers, schema, API, worker and cron. Ctrl-C stops it."""
    from huopan.up import ROLES, run

    chosen = _chosen(host=host, port=port, data=data)
    if not demo:
        run(chosen, say=typer.echo)
        return
    from huopan.demo.opening import Demo

    shown = Demo(chosen, typer.echo)
    _allow_pictures(chosen, shown.platforms.host)
    roles = shown.platforms.roles() | ROLES
    run(chosen, say=typer.echo, commands=roles, prepare=shown.prepare, ready=shown.ready)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from huopan.backing import backing
    from huopan.standing import newest_schema, schema
    from kit import settings

    chosen = settings.load()
    with backing(chosen) as servers:
        if schema(servers.database_url) is None:  # the first host makes the key, others get a copy
            chosen.ensure_key()
        newest_schema(servers.database_url)
    typer.echo("The database has the newest schema.")


def _allow_pictures(chosen: "Settings", host: str) -> None:
    """Let our children fetch the pictures of the sandbox, which lie on this very machine."""
    from kit import settings

    allowed = [*chosen.media.private_hosts, host]
    os.environ[f"{settings.PREFIX}MEDIA__PRIVATE_HOSTS"] = json.dumps(allowed)


def _chosen(*, host: str | None, port: int | None, data: Path | None) -> "Settings":
    """The settings, with what the command line says in place of them, for our children too."""
    from kit import settings

    said = {"API__HOST": host, "API__PORT": port, "DATA__DIR": data}
    for name, value in said.items():
        if value is not None:
            os.environ[f"{settings.PREFIX}{name}"] = str(value)
    return settings.load()
