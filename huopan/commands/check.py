"""`check`."""

import typer

from huopan.show import AsJson

app = typer.Typer()


@app.command()
def check(*, as_json: AsJson = False) -> None:
    """What must always hold of orders, units and money; exit code 1 when something does not."""
    from huopan import show
    from huopan.house import opened
    from trade.invariants import FUNCTIONS, QUERIES, violations

    with opened() as house, house.db.as_system() as session:
        found = violations(session)
    rules = len(QUERIES) + len(FUNCTIONS)
    text = f"All {rules} rules hold."
    if found:
        rows = [(one.rule, one.subject, one.detail) for one in found]
        broken = len({one.rule for one in found})
        text = (
            f"{show.table(('rule', 'where', 'what'), rows)}\n"
            f"{broken} of {rules} rules do not hold. Stop deposits and payouts, keep a copy of the"
            " database, and report these lines."
        )
    show.told([vars(one) for one in found], text, as_json=as_json)
    if found:
        raise typer.Exit(1)
