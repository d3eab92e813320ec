"""`huopan sandbox`: the simulated platforms, for trying things out without anybody's account."""

from typing import Annotated

import typer

from huopan.processes import follow_parent

app = typer.Typer()


@app.command()
def sandbox(
    host: Annotated[str, typer.Option(help="where it listens")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8090,
    seed: Annotated[str, typer.Option(help="another word, another world")] = "huopan",
    size: Annotated[int, typer.Option(min=1, help="listings of each platform")] = 200,
) -> None:
    """The simulated platforms: JD, Taobao and 1688, each under its own path."""
    from sandbox.server import Sandbox, server

    follow_parent()
    typer.echo(f"The sandbox listens at http://{host}:{port}")
    server(Sandbox(seed, size), host, port).run()
