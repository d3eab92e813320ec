"""The command line: every module of `huopan.commands` brings its own commands.

Exit code 0: done; 1: finished with findings or rejected rows; 2: wrong use; 3: the outside failed.
"""

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer

from huopan import commands
from kit.errors import Problem
from kit.log import masked

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
    try:
        _app()()
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

    from huopan.servers import ServersError
    from huopan.up import UpError
    from kit.settings import SettingsError

    match error:
        case SettingsError() | UpError():
            return str(error), WRONG_USE
        case Problem():
            return error.detail, WRONG_USE
        case ServersError():
            return str(error), OUTSIDE_FAILED
        case OperationalError():
            return f"The database does not answer: {error.orig}", OUTSIDE_FAILED
        case RedisError():
            return f"Redis does not answer: {error}", OUTSIDE_FAILED
    return None
