"""`import`, `sync` and `sources`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huopan.show import AsJson

if TYPE_CHECKING:
    from huopan.pricelists import Report

app = typer.Typer()


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="A price list: CSV, XLSX, XLS, JSON, JSONL or XML.")],
    source: Annotated[str, typer.Option(metavar="CODE", help="Whose list it is.")],
    columns: Annotated[
        str, typer.Option(help="Where the guess is wrong: sku=货号,price=供货价.")
    ] = "",
    rejects: Annotated[
        Path | None, typer.Option(metavar="OUT.csv", help="Rows that did not load, and why.")
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and judge only.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="What the list leaves out goes on being offered.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """A supplier's price list now: the guess is shown, good rows load, bad ones are told.

    Exit code 1 when rows were rejected or the list is held because it would do too much harm.
    """
    from huopan import pricelists
    from huopan.house import opened

    given = pricelists.Given(
        file, source, pricelists.columns(columns), partial=partial, rejects=rejects
    )
    with opened() as house:
        report = pricelists.bring(house, given, dry_run=dry_run)
    _tell(report, as_json=as_json)


@app.command()
def sync(
    code: Annotated[str, typer.Argument(metavar="CODE")],
    *,
    full: Annotated[bool, typer.Option("--full", help="All of it, not what changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """One pull of a source now; exit code 1 with rejected rows or a held listing.

    Another source that is set wrongly is named, and stops nothing; exit code 2 where it is this
    one.
    """
    from connectors.registry import unreadable
    from huopan import pricelists
    from huopan.house import opened

    with opened() as house:
        for other, why in unreadable(house.settings.sources).items():
            if other != code:
                typer.echo(f"{why}\n{other} is neither read nor sold until then.", err=True)
        report = pricelists.pull(house, code, full=full)
    _tell(report, as_json=as_json)


@app.command()
def sources(*, as_json: AsJson = False) -> None:
    """Every source: how it is, how many offers it has, how old its figures are."""
    from huopan import show
    from huopan.calls import calls_left
    from huopan.house import opened
    from kit import clock
    from sync.overview import overview

    now = clock.now()
    with opened() as house, house.db.as_system() as session:
        found = overview(session, house.settings, now, calls_left(house, now))
    header = ("code", "kind", "health", "offers", "last run", "p50", "p95", "calls left")
    rows = [
        (
            one.code,
            one.kind,
            one.health,
            f"{one.offers:,}",
            one.last_run and f"{show.age(now - one.last_run)} ago",
            show.age(one.fresh_p50),
            show.age(one.fresh_p95),
            one.calls_left,
        )
        for one in found
    ]
    text = (
        show.table(header, rows)
        if rows
        else (
            "There is no source yet: `huopan import FILE --source CODE` brings a supplier's"
            " price list, or name one in settings.toml."
        )
    )
    notes = [f"{one.code}: {one.note}" for one in found if one.note]
    show.told([one.view() for one in found], "\n".join([text, *notes]), as_json=as_json)


def _tell(report: "Report", *, as_json: bool) -> None:
    from huopan import show

    show.told(report.view(), report.text(), as_json=as_json)
    if report.rejected or report.held:
        raise typer.Exit(1)
