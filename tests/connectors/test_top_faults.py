"""Each documented code of TOP maps to the class that docs/platforms/taobao.md states."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors import errors
from connectors.calls import Call
from connectors.errors import SupplierError
from connectors.top import faults
from connectors.top.envelope import Told

PAGE = Path(__file__).parents[2] / "docs" / "platforms" / "taobao.md"
NOW = datetime(2026, 5, 6, 10, 0, tzinfo=UTC)


def _documented() -> list[tuple[str, str, str]]:
    """(code, class of a read, class of a write) of every row of the page's table."""
    rows = re.findall(r"^\| (`[^|]*) \| (\w+) \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    found = []
    for codes, read, write in rows:
        for code in re.findall(r"`([^`]+)`", re.sub(r"\(.*?\)", "", codes)):
            found.append((code, read, write))
    assert len(found) > 70
    return found


def _told(code: str, message: str = "") -> Told:
    if code.isdigit():
        return Told(code, "said", "", message)
    return Told("15", "Remote service error", code, message)


def _error(told: Told, *, writes: bool) -> SupplierError:
    return faults.failure(told, NOW).error(Call("x", writes=writes))


@pytest.mark.parametrize(("code", "read", "write"), _documented())
def test_a_code_is_the_class_that_the_page_states(code: str, read: str, write: str) -> None:
    assert type(_error(_told(code), writes=False)) is getattr(errors, read)
    assert type(_error(_told(code), writes=True)) is getattr(errors, write)


@pytest.mark.parametrize("code", sorted(faults.MAIN | faults.ALLIANCE))
def test_a_code_of_the_table_stands_on_the_page(code: str) -> None:
    assert code in {documented for documented, _, _ in _documented()}


def test_a_ban_lasts_as_long_as_it_says() -> None:
    message = "This ban will last for 31062 more seconds"
    failure = faults.failure(
        Told("7", "App Call Limited", "accesscontrol.limited-by-app-access-count", message), NOW
    )
    assert failure.fault.ban
    assert failure.wait == 31062


def test_a_ban_that_says_nothing_is_short_for_an_api_and_long_for_the_app() -> None:
    api = Told("7", "App Call Limited", "accesscontrol.limited-by-api-access-count", "")
    assert _error(api, writes=False).wait == faults.SHORT_BAN
    assert _error(Told("7", "App Call Limited", "", ""), writes=False).wait == faults.LONG_BAN


def test_the_report_is_closed_until_midnight_in_beijing() -> None:
    assert _error(Told("3000", "", "", ""), writes=False).wait == 6 * 3600


def test_a_session_fault_asks_for_a_new_session() -> None:
    for code in ("26", "27", "session-expired", "invalid-sessionkey"):
        assert faults.fault(_told(code)).stale_token


def test_43_about_an_access_token_is_the_accounts_fault() -> None:
    told = Told("43", "invalid access_token", "", "")
    assert isinstance(_error(told, writes=False), errors.NotAuthorised)
