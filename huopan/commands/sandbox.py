"""`huopan sandbox`: the simulated platforms, for trying things out without anybody's account."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from huopan.processes import follow_parent

app = typer.Typer()

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
"""A platform's numbers go on from one start to the next: so many hundredths of a second since."""


@app.command()
def sandbox(
    host: Annotated[str, typer.Option(help="where it listens")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8090,
    seed: Annotated[str, typer.Option(help="another word, another world")] = "huopan",
    size: Annotated[int, typer.Option(min=1, help="listings of each platform")] = 200,
) -> None:
    """The simulated platforms: JD, Taobao and 1688, each under its own path."""
    from kit import clock
    from sandbox.frame import Clock
    from sandbox.server import Sandbox, server

    follow_parent()
    typer.echo(f"The sandbox listens at http://{host}:{port}")
    begun = int((clock.now() - BEGINNING) / timedelta(milliseconds=10))
    server(Sandbox(seed, size, clock=Clock(begun=begun)), host, port).run()
