"""One real PostgreSQL on one data folder: made, started, asked, stopped."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
from psycopg import sql

from huopan.processes import die_with_parent
from huopan.servers import binaries, processes
from huopan.servers.errors import NO_SPACE, ServersError, explained, no_space
from huopan.servers.layout import PORT, Layout, refuse_foreign

NAME = "huopan"
"""The login role, and the database that it owns."""

SUPERUSER = "postgres"
"""Used to make the role and the database, and for nothing else."""

START_SECONDS = 120.0
"""Enough to replay `max_wal_size` on a slow disk."""

SHARED_MEMORY = "pre-existing shared memory block"
"""What PostgreSQL says when a killed server's memory is not freed yet."""

_STOP = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""Fast shutdown first, then immediate, then by force: the WAL brings everything back."""


@dataclass
class Postgres:
    """The server of one layout. Only the supervisor makes one, under its lock."""

    layout: Layout
    durable: bool
    version: int
    programs: binaries.Binaries
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @classmethod
    def prepare(cls, layout: Layout, *, version: int, durable: bool) -> "Postgres":
        """Find the programs, end leftovers, and make the data folder when there is none yet.

        An existing folder keeps its version. Raises ServersError.
        """
        version = existing_version(layout.postgres) or version
        server = cls(layout, durable, version, binaries.find(version, layout.owner))
        if layout.postgres.exists():
            refuse_foreign(layout.postgres, layout.owner.uid)
            server.end_leftovers()
        if not (layout.postgres / "PG_VERSION").exists():
            server._initdb()
        return server

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServersError with the server's own reason."""
        self.end_leftovers()
        deadline = time.monotonic() + START_SECONDS
        while not self._launch(deadline):
            time.sleep(0.2)
        try:
            self._bootstrap()
        except psycopg.errors.DiskFull as error:
            raise no_space(self.layout.home) from error
        except psycopg.Error as error:
            raise self._failure(str(error)) from error

    def _launch(self, deadline: float) -> bool:
        """One try; False when only the memory of a former server, not yet freed, is in the way."""
        errors = self.layout.home / "postgres.err"
        with explained(self.layout.home), errors.open("wb") as stderr:
            self.child = subprocess.Popen(  # noqa: S603 - our own program and arguments
                [self.programs.postgres, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd=self.layout.home.anchor,
                env=_environment(),
                preexec_fn=lambda: die_with_parent(signal.SIGINT),
                start_new_session=True,
                **self.layout.owner.popen(),
            )
        while not self._answers():
            late = time.monotonic() > deadline
            if self.child.poll() is not None:
                said = errors.read_text(errors="replace")
                if SHARED_MEMORY in said and not late:
                    return False
                raise self._failure(said)
            if late:
                self.stop()
                raise ServersError(
                    f"PostgreSQL did not answer within {START_SECONDS:.0f} seconds:"
                    f" see {self.layout.postgres / 'log'} and start again."
                )
            time.sleep(0.05)
        return True

    def stop(self) -> None:
        """An orderly stop within its time, by force after it."""
        if self.child and (process := processes.reap(self.child)):
            processes.stop([process], _STOP)
            self.child.wait()
        self.end_leftovers()

    def end_leftovers(self) -> None:
        """End servers that work on this folder although nobody supervises them any more.

        They are known by program and working folder, which no reused process id can imitate. Only
        when none is left are stale lock files removed: a zombie or a stranger with the id in them
        would otherwise keep the server from starting for ever.
        """
        pidfile = self.layout.postgres / "postmaster.pid"
        found = processes.inside(self.layout.postgres, "postgres")
        if head := [process for process in found if process.pid == _postmaster(pidfile)]:
            processes.stop(head, _STOP)
        living = processes.wait_gone(found, 5.0)
        living = processes.stop(living, [(signal.SIGKILL, 5.0)])
        if living:
            raise ServersError(
                f"The process {living[0].pid} still uses {self.layout.postgres} and cannot be"
                " ended: end it and start again."
            )
        for stale in (pidfile, *self.layout.sockets.glob(f".s.PGSQL.{PORT}*")):
            stale.unlink(missing_ok=True)

    def _initdb(self) -> None:
        """Make the folder beside its place and move it in whole: an interrupted one is redone."""
        fresh = self.layout.home / "postgres.new"
        with explained(self.layout.home):
            shutil.rmtree(fresh, ignore_errors=True)
            self.layout.owner.folder(fresh)
        done = subprocess.run(  # noqa: S603 - our own program and arguments
            [
                self.programs.initdb,
                *("-D", fresh, "-U", SUPERUSER, "--locale=C", "--encoding=UTF8"),
                *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),
                *(() if self.durable else ("--no-sync",)),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=self.layout.home.anchor,
            env=_environment(),
            **self.layout.owner.popen(),
        )
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise self._failure(done.stdout + done.stderr)
        with explained(self.layout.home):
            fresh.rename(self.layout.postgres)

    def _bootstrap(self) -> None:
        """The role and the database, whichever is missing."""
        with self._connect("postgres") as connection:
            name = sql.Identifier(NAME)
            if not _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s"):
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB NOSUPERUSER").format(name)
                )
            if not _exists(connection, "SELECT FROM pg_database WHERE datname = %s"):
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))

    def _answers(self) -> bool:
        try:
            with self._connect("postgres") as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.layout.sockets),
            port=PORT,
            user=SUPERUSER,
            dbname=database,
            connect_timeout=3,
            autocommit=True,
        )

    def _arguments(self) -> list[str]:
        options = settings(self.layout.sockets, durable=self.durable)
        pairs = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return ["-D", str(self.layout.postgres), *pairs]

    def _failure(self, said: str) -> ServersError:
        """Why it could not start, from what it wrote last."""
        said += _latest_log(self.layout.postgres / "log")
        if NO_SPACE in said:
            return no_space(self.layout.home)
        lines = [line for line in said.splitlines() if "FATAL" in line or "PANIC" in line]
        last = (lines or said.strip().splitlines() or ["it ended without a word"])[-1]
        reason = last.partition("FATAL:")[2] or last.partition("PANIC:")[2] or last
        return ServersError(
            f"PostgreSQL could not start on {self.layout.postgres}: {reason.strip()}."
            f" Its log is in {self.layout.postgres / 'log'}; a damaged folder must be restored from"
            " a backup or moved away before the next start."
        )


def existing_version(folder: Path) -> int | None:
    """The PostgreSQL version that made `folder`; None where there is nothing yet.

    Raises ServersError when the folder is incomplete or no carried version can run it.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return None
    try:
        made_by = int((folder / "PG_VERSION").read_text())
    except (OSError, ValueError):
        made_by = 0
    if not made_by or not (folder / "global" / "pg_control").is_file():
        raise ServersError(
            f"The database folder {folder} is not complete (PG_VERSION or global/pg_control is"
            " missing): restore it from a backup, or move it away to start with an empty one."
        )
    if made_by > binaries.NEWEST:
        raise ServersError(
            f"The database folder {folder} was made by PostgreSQL {made_by}, newer than the"
            f" {binaries.NEWEST} that is installed here: update huopan, or name another folder"
            " with --data."
        )
    if made_by not in binaries.POSTGRES_FOLDERS:
        carried = " and ".join(str(known) for known in sorted(binaries.POSTGRES_FOLDERS))
        raise ServersError(
            f"The database folder {folder} was made by PostgreSQL {made_by}; this huopan carries"
            f" {carried}. Dump it with that version's pg_dump, move it away and load it again."
        )
    return made_by


def settings(sockets: Path, *, durable: bool) -> dict[str, str]:
    """The server's settings for one machine with a few cores, shared with everything else."""
    megabytes = psutil.virtual_memory().total // 2**20
    chosen = {
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "listen_addresses": "",
        "port": str(PORT),
        "max_connections": "200",
        "shared_buffers": f"{max(32, min(1024, megabytes // 8))}MB",
        "effective_cache_size": f"{max(128, megabytes // 2)}MB",
        "work_mem": "8MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "wal_compression": "pglz",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "idle_in_transaction_session_timeout": "5min",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": "log",
        "log_filename": "postgresql-%a.log",  # a week, each day over the one of a week ago
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        # Rows and parameters hold recipients: neither reaches the log.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
    }
    if not durable:
        # A commit still reaches the kernel, so a killed server loses nothing; a power cut may.
        chosen |= {"fsync": "off", "full_page_writes": "off"}
    return chosen


def _environment() -> dict[str, str]:
    """Nothing of the caller's: PGDATA and the like would lead the server astray."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _postmaster(pidfile: Path) -> int | None:
    try:
        return int(pidfile.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):  # an empty file is of a full disk or a crash
        return None


def _latest_log(folder: Path) -> str:
    if not folder.is_dir():
        return ""
    logs = sorted(folder.glob("*.log"), key=lambda log: log.stat().st_mtime)
    return logs[-1].read_text(errors="replace")[-4000:] if logs else ""


def _exists(connection: psycopg.Connection[tuple[object, ...]], query: LiteralString) -> bool:
    return connection.execute(sql.SQL(query), [NAME]).fetchone() is not None
