"""The search index from the command line: brought abreast here unless another process does it."""

from catalog.search import ask_rebuild, open_indexer
from catalog.sequencer import number_changes
from huopan.house import House
from kit import clock
from kit.errors import Problem


def abreast(house: House) -> None:
    """Bring the index up to the catalogue; a running `huopan cron` does that by itself."""
    try:
        with open_indexer(
            house.db, house.settings.data.dir, house.readership.per_list(clock.now())
        ) as indexer:
            _number(house)
            while indexer.step():
                continue
    except Problem as problem:
        if problem.code != "indexer_running":
            raise


def rebuilt(house: House) -> int | None:
    """Build the index anew; returns its products, or None where the process that writes it was
    asked to."""
    try:
        with open_indexer(
            house.db, house.settings.data.dir, house.readership.per_list(clock.now())
        ) as indexer:
            _number(house)
            return indexer.rebuild()
    except Problem as problem:
        if problem.code != "indexer_running":
            raise
        ask_rebuild(house.settings.data.dir)
        return None


def _number(house: House) -> None:
    """Number what has committed, batch by batch: only numbered changes are indexed."""
    numbered = 1
    while numbered:
        with house.db.as_system() as session:
            numbered = number_changes(session)
