"""`huopan keys`, and keys that come from outside: named, validated, never shown."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from huopan import keys
from huopan.servers import Endpoints
from huopan.standing import make_ready
from kit import canaries, settings
from kit.crypto import Keyring, new_key
from kit.db import Database
from kit.settings import SettingsError, load
from tests.huopan.conftest import Cli
from tests.trade.market import HOME, Market, make_desk
from trade import recipients


def _sealed(database: Database, keyring: Keyring) -> None:
    party = Market(database, make_desk()).party()
    with database.as_system() as session:
        canaries.leave(session, keyring)
        recipients.seal(session, keyring, party, HOME)


def _guarded(folder: Path, text: str, code: int = 0) -> str:
    """A program that guards a key."""
    program = folder / f"guard-{abs(hash((text, code)))}.py"
    program.write_text(f"import sys\nprint({text!r})\nprint('hush', file=sys.stderr)\n")
    program.write_text(program.read_text() + f"sys.exit({code})\n")
    return f"command:{shlex.join([sys.executable, str(program)])}"


def test_a_key_is_turned_by_command_and_its_end_is_told(huopan: Cli, database: Database) -> None:
    old = load().keyring()
    _sealed(database, old)
    fresh = huopan.folder / "next.key"
    assert huopan("keys", "new", str(fresh)).code == 0
    assert fresh.stat().st_mode & 0o777 == 0o600
    assert "never written over" in huopan("keys", "new", str(fresh)).err
    huopan.set("SECURITY__KEY", _guarded(huopan.folder, fresh.read_text().strip()))
    huopan.set("SECURITY__PREVIOUS_KEYS", json.dumps([f"file:{huopan.folder}/var/secret.key"]))
    shown = huopan("keys")
    assert (shown.code, "huopan keys rotate" in shown.out) == (0, True)
    assert [one["envelopes"] for one in huopan("keys", "--json").json] == [0, 1]
    early = huopan("keys", "retire", old.name)
    assert (early.code, "1 envelopes are sealed" in early.out) == (1, True)
    done = huopan("keys", "rotate", "--json")
    assert done.json == {"key": load().keyring().name, "envelopes": 1, "broken": 0}
    late = huopan("keys", "retire", old.name)
    assert (late.code, "Take it out" in late.out) == (0, True)
    huopan.set("SECURITY__PREVIOUS_KEYS", "[]")
    assert "only one" in huopan("keys", "rotate").out
    told = "".join(one.out + one.err for one in (shown, early, done, late))
    assert fresh.read_text().strip() not in told


def test_a_missing_key_is_named_with_what_it_sealed(huopan: Cli, database: Database) -> None:
    other = Keyring(b"o" * 32)
    servers = Endpoints(load().database.url, load().redis.url)
    found = keys.opens(load(), servers)
    assert found is not None
    assert found.advice == ""
    _sealed(database, other)
    found = keys.opens(load(), servers)
    assert found is not None
    assert f"{other.name} (1 envelopes)" in found.found
    assert "previous_keys" in found.advice
    assert huopan("keys").code == 1


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [("too short", 0, "32 bytes"), (new_key(), 3, "ended with 3"), ("=", 0, "security.key")],
    ids=["too short", "program fails", "no base64"],  # a key of its own each run is no name
)
def test_a_key_from_a_program_is_validated_and_never_shown(
    tmp_path: Path, text: str, code: int, says: str
) -> None:
    chosen = settings.load(security={"key": _guarded(tmp_path, text, code)})
    with pytest.raises(SettingsError, match=says) as refused:
        chosen.keyring()
    assert text not in str(refused.value) or text == "="


@pytest.mark.parametrize("command", ["command:", "command:/no/such/program", "command:'"])
def test_a_program_that_cannot_be_run_is_a_sentence(command: str) -> None:
    with pytest.raises(SettingsError, match="command"):
        settings.load(security={"key": command}).keyring()


def test_a_key_file_that_everybody_reads_is_a_finding(tmp_path: Path) -> None:
    chosen = settings.load(data={"dir": tmp_path})
    chosen.ensure_key()
    assert keys.readable(chosen).advice == ""
    (tmp_path / "secret.key").chmod(0o644)
    assert "chmod 600" in keys.readable(chosen).advice


def test_a_key_is_not_made_anew_where_something_may_be_sealed(
    huopan: Cli, database: Database
) -> None:
    first, lost = huopan.folder / "first.key", huopan.folder / "mistyped.key"
    huopan.set("SECURITY__KEY", f"file:{first}")
    make_ready(load(), load().database.url)
    _sealed(database, load().keyring())
    huopan.set("SECURITY__KEY", f"file:{lost}")
    make_ready(load(), load().database.url)
    assert not lost.exists()
    done = huopan("keys")
    assert done.code == 2
    assert f"security.key: cannot read {lost}" in done.err


def test_the_same_key_twice_is_one_key() -> None:
    text = new_key()
    assert Keyring.from_text(text, [text]).former == ()
