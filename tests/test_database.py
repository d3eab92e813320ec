"""The pool of connections, and whole transactions in one round trip."""

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from kit import db as kit_db
from kit.db import Database, dsn
from kit.log import masked


def _end_every_connection(database: Database) -> None:
    """As a server does that restarts; other databases' connections stay."""
    url = database.engine.url.render_as_string(hide_password=False)
    with psycopg.connect(dsn(url), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_schemas_are_known_by_the_names_of_their_scripts() -> None:
    scripts = ScriptDirectory(str(kit_db.MIGRATIONS))
    assert kit_db.newest_schema() == scripts.get_current_head()
    assert kit_db.known_schemas() == {script.revision for script in scripts.walk_revisions()}


@pytest.mark.parametrize("idle", [0.0, kit_db.IDLE_SECONDS])
def test_a_connection_that_the_server_has_ended_is_not_handed_out(
    database: Database, monkeypatch: pytest.MonkeyPatch, idle: float
) -> None:
    monkeypatch.setattr(kit_db, "IDLE_SECONDS", idle)
    with database.as_nobody() as one, database.as_nobody() as two:
        one.execute(text("SELECT 1"))
        two.execute(text("SELECT 1"))
    _end_every_connection(database)
    with database.as_nobody() as session:
        assert session.scalar(text("SELECT 1")) == 1
    assert database.ask_as_party(1, ("SELECT 1 AS one", ())) == [[(1,)]]


def test_questions_are_asked_in_the_scope_of_the_party_and_in_no_other(database: Database) -> None:
    told = (
        "SELECT current_setting('huopan.party') AS party, current_setting('huopan.system') AS all"
    )
    (rows,) = database.ask_as_party(7, (told, ()))
    assert (rows[0].party, rows[0].all) == ("7", "off")
    assert database.ask_as_system((told, ()), ("SELECT %s::int", (2,))) == [[("", "on")], [(2,)]]
    with database.engine.connect() as connection:  # nothing of it stays behind
        assert connection.exec_driver_sql(told).one() == ("", "")


def test_a_refused_question_is_told_without_its_values_and_harms_no_other(
    database: Database,
) -> None:
    with pytest.raises(DBAPIError) as refused:
        database.ask_as_party(1, ("SELECT %s::int / 0", (4711,)), ("SELECT 1", ()))
    assert "4711" not in str(refused.value)
    assert database.ask_as_party(1, ("SELECT 1 AS one", ()))[0][0].one == 1


def test_an_error_that_is_logged_names_nobody(database: Database) -> None:
    words = "找张三，住金蝶软件园"
    broken = text("INSERT INTO signups (note, party_id) VALUES (:note, NULL)")
    with pytest.raises(IntegrityError) as caught, database.as_system() as session:
        session.execute(broken, {"note": words})
    assert words not in masked(str(caught.value))
