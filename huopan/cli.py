"""The command line: every module of `huopan.commands` brings its own commands.

Exit code 0: done; 1: finished with findings or rejected rows; 2: wrong use; 3: the outside failed.
"""

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer

from huopan import commands
from kit.errors import Problem
from kit.log import configure, masked
from kit.memory import seek_cycles_seldom

WRONG_USE = 2
OUTSIDE_FAILED = 3


def _app() -> typer.Typer:
    app = typer.Typer(
        help="货盘: supply-chain aggregation and dropshipping for private-domain commerce.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in iter_modules(commands.__path__):
        app.add_typer(import_module(f"{commands.__name__}.{module.name}").app)
    return app


def main() -> None:
    """Run one command; what a person can mend is told in a sentence, without a traceback."""
    seek_cycles_seldom()
    configure(level="WARNING")  # what a command has to say is its answer, not its log
    try:
        _app()(prog_name="huopan")
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        sentence, code = told
        sys.stderr.write(f"huopan: {masked(sentence)}\n")
        sys.exit(code)


def _told(error: Exception) -> tuple[str, int] | None:
    """The sentence and the exit code of an expected error; None for a fault of ours."""
    from redis.exceptions import RedisError  # imported here: `huopan --help` needs none of these
    from sqlalchemy.exc import OperationalError

    from connectors.errors import SupplierError
    from huopan.errors import HouseError, UpError
    from huopan.servers.errors import ServersError
    from kit.crypto import CannotOpen
    from kit.settings import SettingsError

    match error:
        case SettingsError() | UpError() | HouseError():
            return str(error), WRONG_USE
        case Problem():
            faults = "".join(f"\n  {fault.field}: {fault.message}" for fault in error.errors)
            return error.detail + (faults if len(error.errors) > 1 else ""), WRONG_USE
        case CannotOpen():
            return f"[security] key: {error}", WRONG_USE
        case OSError(filename=str() as name, strerror=str() as why):
            return f"{name}: {why}", WRONG_USE
        case ServersError() | SupplierError():
            return str(error), OUTSIDE_FAILED
        case OperationalError():
            return _database(str(error.orig)), OUTSIDE_FAILED
        case RedisError():
            return (
                f"Redis does not answer: {error}. Is [redis] url in settings.toml right?",
                OUTSIDE_FAILED,
            )
    return None


def _database(said: str) -> str:
    """What PostgreSQL said on connecting, with what to do about it."""
    said = " ".join(said.split())
    if "authentication failed" in said or "no password supplied" in said:
        return (
            f"The database refuses this login: {said}. Correct user and password in [database] url."
        )
    if "does not exist" in said:
        return f"The database is not there: {said}. Create it, or correct [database] url."
    return f"The database does not answer: {said}. Start it, or correct [database] url."
