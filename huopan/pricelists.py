"""A price list from wherever it lies into the catalogue, and what came of it in words."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from catalog.matching import settling
from connectors.budgets import Budgets
from connectors.errors import Refused, Unreadable
from connectors.feed.header import NoHeader
from connectors.feed.rejects import rejects_csv
from connectors.model import Listing, Lists, Page, Reject
from connectors.registry import open_source, read_settings
from connectors.surroundings import Surroundings
from connectors.tokens import Tokens
from huopan import show
from huopan.house import House
from kit.errors import Problem
from kit.ids import outside
from kit.redis import connect
from sync import pull as pulling
from sync import runs, sources, states
from sync.importer import run_listing
from sync.runs import RunReport

SHOWN = 10
"""So many rejected rows are told on a terminal; the rest with --rejects."""


@dataclass(frozen=True)
class Given:
    """What a person said of a price list on the command line."""

    file: str
    source: str
    columns: dict[str, str] = field(default_factory=dict)
    partial: bool = False
    rejects: Path | None = None


@dataclass
class Report:
    """What one reading did. `run` is its id over HTTP, None where nothing was to be written."""

    source: str
    run: str | None = None
    pages: int = 0
    seen: int = 0
    changed: int | None = None
    rejected: int = 0
    held: str | None = None
    new_source: bool = False
    guess: dict[str, Any] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)

    def view(self) -> dict[str, Any]:
        """For programs; at most a thousand rejects, all of them are in --rejects and the run."""
        first = [vars(one) for one in self.rejects[:1000]]
        return {**vars(self), "rejects": first}

    def text(self) -> str:
        """For people."""
        lines = [*_guess(self.guess)]
        if self.new_source and self.run is not None:
            lines.append(f"{self.source} is a new source; `huopan sources` lists it from now on.")
        lines += [f"  {_place(one)}: {one.reason}" for one in islice(self.rejects, SHOWN)]
        if len(self.rejects) > SHOWN:
            lines.append(f"  … and {len(self.rejects) - SHOWN:,} more: name a file with --rejects.")
        return "\n".join([*lines, self._sum()])

    def _sum(self) -> str:
        counts = f"{self.seen:,} good rows, {self.rejected:,} rejected"
        if self.run is None:
            return f"{counts}; nothing was written (--dry-run)."
        if self.held:
            return (
                f"Run {self.run} is held, nothing of it is applied: {self.held}. If the list is"
                f" right, an operator releases it with POST /v1/runs/{self.run}/release; if it is"
                " only a part, use --partial."
            )
        return f"Run {self.run}: {counts}, {self.changed or 0:,} changed."


def columns(text: str) -> dict[str, str]:
    """`sku=货号,price=供货价` → unified name: the sheet's word. Raises Problem 422."""
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, equals, word = (part.strip() for part in pair.partition("="))
        if not (name and equals and word):
            raise Problem(422, "invalid", f"--columns: {pair!r} is not like sku=货号,price=供货价")
        found[name] = word
    return found


def bring(house: House, given: Given, *, dry_run: bool) -> Report:
    """Read the file that was given as what its source offers now.

    A source that nobody named before is recorded as a supplier of files. Raises Problem 422 for
    what cannot be read, 409 for a source of another kind, SettingsError, TryLater.
    """
    before = house.settings.sources.get(given.source)
    config = dict(before or {"kind": "feed"})
    if config["kind"] != "feed":
        raise Problem(
            409,
            "not_a_feed",
            f"{given.source} is a {config['kind']} source: its goods come by"
            f" `huopan sync {given.source}`; give the price list a source of its own",
        )
    config["location"] = given.file
    config["columns"] = {**config.get("columns", {}), **given.columns}
    config["complete"] = config.get("complete", True) and not given.partial
    report = Report(given.source, new_source=before is None)
    try:
        source = open_source(given.source, config)
        assert isinstance(source, Lists)  # noqa: S101 - a feed always does
        listing = source.items()
        if not dry_run and before is None:
            with house.db.as_system() as session:
                sources.record(session, house.settings, given.source, {"kind": "feed"})
        _read(house, report, listing, config, dry_run=dry_run)
    except NoHeader as error:
        hint = f"{error}, or name them, for example --columns {error.example}"
        raise Problem(422, error.code, hint) from error
    except (Unreadable, Refused) as error:
        raise Problem(422, error.code, str(error)) from error
    if given.rejects is not None:
        given.rejects.write_bytes(rejects_csv(report.rejects))
    return report


def pull(house: House, code: str, *, full: bool) -> Report:
    """One reading of a source, from where its settings say: at once, whoever asks has put right
    what failed before. Raises Problem, SupplierError."""
    config = sources.config_of(house.settings, code)
    with house.db.as_system() as session:
        states.unpause(session, code)
    with connect(house.servers.redis_url) as redis, show.progress(f"Reading {code}") as seen:
        around = Surroundings(Budgets(redis), Tokens(house.db, house.desk.keyring))
        source = open_source(code, config, around)

        def told(run_id: int) -> None:
            with house.db.as_system() as session:
                so_far = runs.report(session, run_id)
            seen(so_far.seen + so_far.rejected)

        with ExitStack() as leaving:
            if close := getattr(source, "close", None):
                leaving.callback(close)
            done = pulling.run(house.db, source, full=full, told=told)
    _match(house)
    return _of_run(house, code, done)


def _of_run(house: House, code: str, done: RunReport | None) -> Report:
    report = Report(code)
    if done is None:
        return report
    with house.db.as_system() as session:
        report.guess = runs.named(session, done.run_id).notes
        report.rejects = runs.rejects(session, done.run_id)
    report.run, report.pages, report.seen = outside("run", done.run_id), done.pages, done.seen
    report.changed, report.rejected, report.held = done.changed, done.rejected, done.held
    return report


def _read(
    house: House, report: Report, listing: Listing, config: dict[str, Any], *, dry_run: bool
) -> None:
    report.guess = listing.notes
    with show.progress(f"Reading {report.source}") as seen:
        pages = _watched(listing.pages, report, seen)
        if dry_run:
            for _ in pages:
                continue
            return
        limits = pulling.limits(read_settings(report.source, config))
        done = run_listing(house.db, report.source, replace(listing, pages=pages), guard=limits)
    _match(house)
    report.run, report.changed = outside("run", done.run_id), done.changed
    report.held = done.held
    report.seen, report.rejected = done.seen, done.rejected


def _match(house: House) -> None:
    """Let new offers meet the catalogue now, where no cron may be running that does it."""
    with show.progress("Matching") as seen:
        matched, done = 0, 1
        while done:
            with house.db.as_system() as session:
                done = settling.settle(session)
            matched += done
            seen(matched)


def _watched(pages: Iterator[Page], report: Report, seen: Any) -> Iterator[Page]:
    for page in pages:
        report.pages += 1
        report.seen += len(page.rows)
        report.rejected += len(page.rejects)
        report.rejects += page.rejects
        seen(report.seen + report.rejected)
        yield page


def _guess(notes: dict[str, Any]) -> list[str]:
    """What was guessed of each sheet, in a line or two."""
    lines = []
    for sheet in notes.get("files", ()):
        if "left_out" in sheet:
            lines.append(f"{sheet['name']}: left out, there are no goods in it")
            continue
        words = {"encoding": "encoding", "sheet": "sheet", "header_row": "header in row"}
        facts = [f"{word} {sheet[key]}" for key, word in words.items() if sheet.get(key)]
        lines.append(
            ", ".join([f"{sheet['name']}: {facts[0]}" if facts else sheet["name"], *facts[1:]])
        )
        lines.append(f"  columns: {sheet['columns']}")
        if sheet.get("ignored"):
            lines.append(f"  not used: {', '.join(sheet['ignored'])}")
        if sheet.get("skipped_rows"):
            lines.append(f"  {sheet['skipped_rows']} rows are titles, totals or notes")
    return lines


def _place(reject: Reject) -> str:
    where = f"{reject.file} line {reject.line}"
    value = f" {reject.value!r}" if reject.value else ""
    return f"{where}, {reject.column}{value}" if reject.column else where
