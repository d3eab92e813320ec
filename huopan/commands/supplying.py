"""`purchases export`, `ship-import` and `reconcile`: working with a supplier's sheets."""

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huopan.show import AsJson

if TYPE_CHECKING:
    from trade.settling.reconciling import Reconciliation

app = typer.Typer()
purchases = typer.Typer(help="What suppliers are to send.", no_args_is_help=True)
app.add_typer(purchases, name="purchases")

Code = Annotated[str, typer.Argument(metavar="CODE", help="The source.")]


@purchases.command()
def export(
    code: Code,
    out: Annotated[Path | None, typer.Option(help="Else purchases-CODE-DATE.xlsx here.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """The XLSX sheet of all that waits to be sent; the supplier fills in carrier and waybill."""
    from huopan import sheets, show
    from huopan.house import opened
    from kit import clock

    now = clock.now()
    path = out or Path(f"purchases-{code}-{now.astimezone(clock.SHANGHAI):%Y%m%d-%H%M%S}.xlsx")
    with opened() as house:
        sheet = sheets.write(house, code, path, now)
    some = bool(sheet.purchases or sheet.claims)
    view = {
        "source": code,
        "purchases": sheet.purchases,
        "replacements": sheet.claims,
        "file": str(path) if some else None,
    }
    again = f" and {sheet.claims:,} replacements for claims" if sheet.claims else ""
    text = (
        f"{sheet.purchases:,} purchases{again} are in {path}. Its last two columns are the"
        f" supplier's: bring the sheet back with `huopan ship-import {code} FILE`."
        if some
        else f"Nothing of {code} waits to be sent; no file was written."
    )
    show.told(view, text, as_json=as_json)


@app.command("ship-import")
def ship_import(
    code: Code,
    file: Annotated[Path, typer.Argument(help="XLSX, XLS or CSV with a column 快递单号.")],
    *,
    as_json: AsJson = False,
) -> None:
    """The sheet that comes back: ships what it says; exit code 1 with rows that cannot be used."""
    from huopan import show
    from huopan.house import opened
    from kit import clock
    from sync.sources import config_of
    from trade.parcels.waybills import import_sheet
    from trade.suppliers import supplier_of

    content = file.read_bytes()
    with opened() as house:
        config_of(house.settings, code)
        with house.db.as_system() as session:
            supplier = supplier_of(session, code)
        report = import_sheet(house.db, house.desk, supplier, content, clock.now())
    lines = [f"  row {one['row']}: {one['message']}" for one in report.failed]
    lines.append(
        f"{report.rows:,} rows with a waybill: {report.shipped:,} shipped, {report.unchanged:,}"
        f" known already, {len(report.failed):,} cannot be used;"
        f" {report.without_number:,} without one."
    )
    if report.hidden:
        lines.append(
            f"{len(report.hidden):,} rows are hidden or filtered away and were not shipped; unhide"
            " those that are meant and import the sheet again."
        )
    show.told(vars(report), "\n".join(lines), as_json=as_json)
    if report.failed:
        raise typer.Exit(1)


@app.command()
def reconcile(
    code: Code,
    date: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="In Shanghai, such as 2026-11-26; yesterday without it."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="The supplier's own statement of that day: 采购单号 快递单号 数量 金额."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Our purchases and money of a day against the source's; exit code 1 where they differ.

    A platform lists a day's orders once the day is over in Shanghai.
    """
    from huopan import show
    from huopan.house import opened
    from huopan.orders import platform_orders
    from kit import clock
    from sync.sources import config_of
    from trade.settling import reconciliations, reconciling, sheet_lists

    today = clock.now().astimezone(clock.SHANGHAI).date()
    day = today - timedelta(days=1) if date is None else _day(date)
    content = sheet.read_bytes() if sheet else None
    with opened() as house:
        kind = config_of(house.settings, code)["kind"]
        listed = content is None and kind != "feed"
        _check_over(day, today, listed=listed)
        if listed:
            found = platform_orders(house, code, day)
        else:
            with house.db.as_system() as session:
                reconciliations.alone(session, code)
                theirs = (
                    sheet_lists.from_inbox(session, house.desk.keyring, code, day)
                    if content is None
                    else sheet_lists.from_sheet(session, code, content)
                )
                found = reconciling.reconcile(session, code, day, theirs)
                reconciliations.record(session, found, clock.now())
    late = "" if day < today else "\nThe day is not over: what leaves later is not compared yet."
    show.told(found.view(), _table(found) + late, as_json=as_json)
    if found.findings:
        raise typer.Exit(1)


def _day(text: str) -> date:
    from kit.errors import Problem

    try:
        return date.fromisoformat(text)
    except ValueError:
        told = f"--date: {text!r} is no day; write it like 2026-11-26"
        raise Problem(422, "invalid", told) from None


def _check_over(day: date, today: date, *, listed: bool) -> None:
    """A day can be compared once it has begun; by a platform's list (`listed`) once it is over."""
    from kit.errors import Problem

    if day > today or (listed and day == today):
        has = "has not begun" if day > today else "is not over"
        told = f"--date: {day} {has} in Shanghai"
        if listed:
            told += ", and a platform lists a day's orders once it is over"
        raise Problem(422, "day_not_over", f"{told}; leave it out for yesterday")


def _table(found: "Reconciliation") -> str:
    from huopan import show
    from kit.money import yuan

    rows = [(one.code, one.purchase, one.detail) for one in found.findings]
    lines = [show.table(("difference", "purchase", "what"), rows)] if rows else []
    lines.append(
        f"{found.source} on {found.day}: {found.purchases:,} purchases, {found.parcels:,} parcels,"
        f" {found.units:,} units, {yuan(found.amount)} CNY owed."
    )
    if not found.compared:
        lines.append("No sheet of the supplier came that day: only our own books were compared.")
    elif not rows:
        lines.append("Both sides agree.")
    if rows:
        lines.append(
            "They wait under /v1/reconciliations, with an entry to accept where one helps."
        )
    if found.booked:
        lines.append(f"{found.booked:,} movements of our account there are posted.")
    return "\n".join(lines)
