"""A price list that a supplier hands in: the importer's road, guard and all, whoever drives it.

What differs in few rows counts when the answer is there; more is staged and judged by then, and a
worker applies it.
"""

import re
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from connectors.errors import SupplierError, Unreadable
from connectors.model import Listing, Lists
from connectors.registry import open_source, read_settings
from kit.db import Database
from kit.errors import Problem
from kit.ids import inside, outside
from sync import importer, listings, pull, runs
from sync.importer import Reading
from sync.lease import held
from sync.models import Run
from sync.wake import wake

AT_ONCE = 5_000
MOST_ROWS = 200_000
MOST_BYTES = 256 * 2**20
"""Of a file, unpacked."""

STATES = {"held": "review", "done": "live", "failed": "refused", "discarded": "refused"}
"""A run's states as its supplier is told; any other is a draft: nothing of it counts yet."""

_STRANGE = re.compile(r"[^\w.\- ()（）]")
"""What the name of a file is kept without."""
_LONGEST = 60

_reading = threading.BoundedSemaphore(2)
"""Unpacked files are large: a process reads two at a time."""


def take(
    db: Database,
    source: str,
    config: Mapping[str, Any],
    sheet: tuple[bytes, str | None],
    *,
    whole: bool,
) -> int:
    """Load a file, with its name if it has one, as what `source` offers; `whole`: what is absent
    from it is offered no more.

    Returns the run's id. Raises Problem 409 `platform_source`, or `run_alive` while the source is
    read; 422 `unreadable_sheet` that says why nothing was taken.
    """
    terms = listings.terms_of(config)
    guard = pull.limits(read_settings(source, terms))
    reading = Reading(guard=guard, most=AT_ONCE)
    with _reading, tempfile.TemporaryDirectory(prefix="huopan-handed-") as folder:
        content, name = sheet
        file = Path(folder) / (_STRANGE.sub("_", name or "")[-_LONGEST:].lstrip(".~_") or "upload")
        file.write_bytes(content)
        given = {"location": str(file), "max_bytes": MOST_BYTES, "max_rows": MOST_ROWS}
        try:
            with held(db, source) as lease:
                listing = _opened(source, config, terms | given | {"complete": whole})
                importer.finish(db, lease, reading)
                run_id = importer.load(db, lease, listing, reading).run_id
        except SupplierError as error:
            raise Problem(422, "unreadable_sheet", error.message) from error
    with db.as_system() as session:
        if runs.named(session, run_id).state == "judged":
            wake(session, source, "listing")
    return run_id


def find(session: Session, source: str, run: str) -> Run:
    """A run of this source. Raises Problem 404."""
    row = session.get(Run, inside("run", run), populate_existing=True)
    if row is None or row.source != source:
        raise Problem(404, "not_found", f"there is no import {run!r}")
    return row


def view(row: Run) -> dict[str, Any]:
    """What became of a file, as its supplier is told."""
    return {
        "id": outside("run", row.id),
        "state": STATES.get(row.state, "draft"),
        "rows": row.seen,
        "changed": row.changed,
        "withdrawn": row.gone,
        "rejected": row.rejected,
        "reason": row.failure,
        "guess": [_guess(one) for one in row.notes.get("files", ())],
        "started_at": row.started_at,
        "ended_at": row.ended_at,
    }


def _opened(source: str, config: Mapping[str, Any], form: dict[str, Any]) -> Listing:
    """The file as the supplier's own sheets look, else as it can be guessed."""
    if own := config.get("columns"):
        with suppress(Unreadable):
            return _items(source, form | {"columns": own})
    return _items(source, form)


def _items(source: str, form: dict[str, Any]) -> Listing:
    opened = open_source(source, form)
    assert isinstance(opened, Lists)  # noqa: S101 - a feed always does
    return opened.items()


def _guess(sheet: Mapping[str, Any]) -> dict[str, Any]:
    """How one sheet was read."""
    names = ("sheet", "header_row", "columns", "ignored", "left_out")
    return {name: sheet[name] for name in names if sheet.get(name)}
