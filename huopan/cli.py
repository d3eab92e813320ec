"""The command line: every module of `huopan.commands` brings its own commands.

Exit code 0: done; 1: finished with findings or rejected rows; 2: wrong use; 3: the outside failed.
"""

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from huopan import commands
from huopan.servers import ServersError
from huopan.up import UpError
from kit.errors import Problem
from kit.log import masked
from kit.settings import SettingsError

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
    except (SettingsError, UpError) as error:
        _leave(str(error), WRONG_USE)
    except Problem as problem:
        _leave(problem.detail, WRONG_USE)
    except ServersError as error:
        _leave(str(error), OUTSIDE_FAILED)
    except OperationalError as error:
        _leave(f"The database does not answer: {error.orig}", OUTSIDE_FAILED)
    except RedisError as error:
        _leave(f"Redis does not answer: {error}", OUTSIDE_FAILED)


def _leave(sentence: str, code: int) -> None:
    sys.stderr.write(f"huopan: {masked(sentence)}\n")
    sys.exit(code)
