"""`api`."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def api(
    host: Annotated[str | None, typer.Option(help="Where it listens.")] = None,
    port: Annotated[int | None, typer.Option(help="Where it listens.")] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="So many on one port.")] = 1,
) -> None:
    """The HTTP API for leaders, suppliers, buyers and operators."""
    import os
    from threading import Event

    from huopan.pool import listening, run_pool
    from huopan.role import role
    from kit.settings import PREFIX

    for name, value in {"API__HOST": host, "API__PORT": port}.items():
        if value is not None:
            os.environ[f"{PREFIX}{name}"] = str(value)
    stopping = Event()
    with role(stopping) as (settings, servers):
        if processes == 1:
            from huopan.serving import serve  # imported here: who keeps a pool serves nothing

            serve(settings, servers)
        else:
            with listening(settings.api.host, settings.api.port) as shared:
                run_pool([("api", "--processes", "1")] * processes, stopping, shared)
