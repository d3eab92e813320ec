"""The index is a read model: it may be lost, broken, rebuilt or killed, and pages stay whole."""

import shutil
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import tantivy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from catalog.pricing import price_lists
from catalog.readers import Readership
from catalog.search import DEEPEST, Asked, Indexer, SearchIndex, ask_rebuild, open_indexer
from catalog.search import folder as folders
from catalog.search import index as index_module
from catalog.search import schema as fields
from catalog.search import walk as walk_module
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from kit.db import Database
from kit.errors import Problem
from tests.catalog.goods import NOW, Made, Supply, product, reprice

LISTS = price_lists(Decimal(0))
READERS = Readership(LISTS).per_list(NOW)
LEADER = Reader("leader", LISTS["resale"])
SORTS = ["relevance", "price", "-price", "-margin", "-sales", "newest"]


def add(database: Database, count: int, price: str = "10") -> list[Made]:
    with database.as_system() as session:
        made = [product(session, f"绿茶{n}", Supply(price=price)) for n in range(count)]
        number_changes(session)
    return made


def sync(writer: Indexer) -> None:
    while writer.step():
        continue


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return folders.root(tmp_path)


@pytest.mark.parametrize("harm", ["deleted", "no current", "corrupt meta", "segment lost"])
def test_a_lost_or_broken_index_is_built_again_by_itself(
    database: Database, tmp_path: Path, build: Path, harm: str
) -> None:
    made = add(database, 3)
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
    current = folders.current(build)
    assert current is not None
    match harm:
        case "deleted":
            shutil.rmtree(build)
        case "no current":
            (build / folders.CURRENT).unlink()
        case "corrupt meta":
            (current / "meta.json").write_text("{")
        case "segment lost":
            for file in current.glob("*.fast"):
                file.unlink()
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
    found = SearchIndex(tmp_path).search(Asked("绿茶"), LEADER, 10).ids
    assert sorted(found) == [one.product_id for one in made]


def test_an_indexer_goes_on_where_it_stopped(database: Database, tmp_path: Path) -> None:
    made = add(database, 2)
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
    current = folders.current(folders.root(tmp_path))
    with database.as_system() as session:
        reprice(session, made[0], 2, "99")
        number_changes(session)
    with open_indexer(database, tmp_path, READERS) as writer:
        assert writer.step() == 1
        assert writer.step() == 0
    assert folders.current(folders.root(tmp_path)) == current
    found = SearchIndex(tmp_path).search(Asked(sort="-price"), LEADER, 10).ids
    assert found == [made[0].product_id, made[1].product_id]


def test_other_prices_make_another_index(database: Database, tmp_path: Path) -> None:
    add(database, 2)
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
    dearer = price_lists(Decimal(50))
    with open_indexer(database, tmp_path, Readership(dearer).per_list(NOW)) as writer:
        sync(writer)
    reader = Reader("leader", dearer["resale"])
    index = SearchIndex(tmp_path)
    assert index.search(Asked(price_min=Decimal("14.9")), reader, 10).ids == [2, 1]
    assert len(list(folders.root(tmp_path).glob("build-*"))) == 1


def test_an_index_ahead_of_a_restored_database_is_built_again(
    database: Database, tmp_path: Path
) -> None:
    add(database, 3)
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
    with database.as_system() as session:
        session.execute(text("DELETE FROM changes WHERE seq > 1"))
        session.execute(text("DELETE FROM products WHERE id > 1"))
        session.execute(text("UPDATE feed_head SET seq = 1"))
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
    assert SearchIndex(tmp_path).search(Asked(), LEADER, 10).ids == [1]


def test_a_rebuild_that_was_asked_for_is_made_once_by_the_running_indexer(
    database: Database, tmp_path: Path
) -> None:
    add(database, 2)
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
        before = folders.current(folders.root(tmp_path))
        ask_rebuild(tmp_path)
        sync(writer)
        after = folders.current(folders.root(tmp_path))
        sync(writer)
    assert before != after == folders.current(folders.root(tmp_path))
    assert SearchIndex(tmp_path).search(Asked(), LEADER, 10).ids == [2, 1]


def test_one_indexer_writes_a_data_directory(database: Database, tmp_path: Path) -> None:
    with open_indexer(database, tmp_path, READERS):
        second = open_indexer(database, tmp_path, READERS)
        with pytest.raises(Problem, match="another process writes"):
            second.__enter__()
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)


def test_searches_go_on_while_the_index_is_rebuilt(database: Database, tmp_path: Path) -> None:
    add(database, 50)
    index = SearchIndex(tmp_path)
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
        done = threading.Event()
        failures: list[object] = []

        def look() -> None:
            while not done.is_set():
                try:
                    found = index.search(Asked("绿茶"), LEADER, 100).ids
                except Exception as error:  # shown below: a thread's failure must fail the test
                    failures.append(error)
                else:
                    if len(found) != 50:
                        failures.append(found)

        looking = [threading.Thread(target=look) for _ in range(2)]
        for thread in looking:
            thread.start()
        for _ in range(5):
            assert writer.rebuild() == 50
        done.set()
        for thread in looking:
            thread.join()
    assert failures == []


def test_a_build_that_has_just_begun_is_not_searched_instead_of_the_one_that_counts(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(database, 2)
    monkeypatch.setattr(index_module, "NAMED_SECONDS", 60)
    index = SearchIndex(tmp_path)
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
        assert index.search(Asked(), LEADER, 10).ids == [2, 1]
        writer.rebuild()  # the one that was searched is gone
        ask_rebuild(tmp_path)
        writer.step()  # and another has begun
        assert index.search(Asked(), LEADER, 10).ids == [2, 1]


def test_a_search_ends_at_a_thousand(tmp_path: Path) -> None:
    index = _bare(tmp_path, {n: n for n in range(1, DEEPEST + 201)})
    found, after = [], None
    while True:
        page = index.search(Asked(sort="price"), LEADER, 300, after)
        found += page.ids
        after = page.next
        if after is None:
            break
    assert found == list(range(1, DEEPEST + 1))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    prices=st.dictionaries(st.integers(1, 60), st.integers(1, 9), min_size=1, max_size=40),
    moves=st.lists(st.dictionaries(st.integers(1, 60), st.none() | st.integers(1, 9), max_size=8)),
    sort=st.sampled_from(SORTS),
    words=st.sampled_from(["", "绿茶", "绿茶 红"]),
    limit=st.integers(1, 7),
    top=st.sampled_from([3, 12, 5_000]),
)
def test_pages_neither_skip_nor_repeat_an_unchanged_product_across_commits(
    tmp_path_factory: pytest.TempPathFactory,
    prices: dict[int, int],
    moves: list[dict[int, int | None]],
    sort: str,
    words: str,
    limit: int,
    top: int,
) -> None:
    folder = tmp_path_factory.mktemp("index")
    index = _bare(folder, prices)
    expected = index.search(Asked(words, sort=sort), LEADER, 100).ids
    touched: set[int] = set()
    found: list[int] = []
    after = None
    with pytest.MonkeyPatch.context() as few:
        few.setattr(walk_module, "TOP", top)
        while True:
            page = index.search(Asked(words, sort=sort), LEADER, limit, after)
            found += page.ids
            after = page.next
            if after is None:
                break
            if moves:
                move = moves.pop()
                touched |= set(move)
                _rewrite(folder, move)
    unchanged = [one for one in found if one not in touched]
    assert unchanged == [one for one in expected if one not in touched]
    shutil.rmtree(folder, ignore_errors=True)  # a thread of the engine may write at its end


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prices=st.dictionaries(st.integers(1, 90), st.integers(1, 9), min_size=30),
    moves=st.dictionaries(st.integers(1, 90), st.none() | st.integers(1, 9), max_size=30),
    words=st.sampled_from(["绿茶", "绿茶 红"]),
    limit=st.integers(1, 12),
    fore=st.integers(1, 20),
)
def test_the_first_of_all_goods_are_the_same_as_among_all(
    tmp_path_factory: pytest.TempPathFactory,
    prices: dict[int, int],
    moves: dict[int, int | None],
    words: str,
    limit: int,
    fore: int,
) -> None:
    folder = tmp_path_factory.mktemp("index")
    index = _bare(folder, prices)
    with pytest.MonkeyPatch.context() as few:
        for name, value in {"FORE": fore, "ALIKE": 2, "SPARE": 0}.items():
            few.setattr(walk_module, name, value)
        among_first = index.search(Asked(words), LEADER, limit)
        _rewrite(folder, moves)  # what was worked out about the former state still counts
        then = index.search(Asked(words), LEADER, limit)
    assert then == SearchIndex(folder).search(Asked(words), LEADER, limit)
    _rewrite(folder, {number: prices.get(number) for number in moves})
    assert among_first == index.search(Asked(words), LEADER, limit)
    shutil.rmtree(folder, ignore_errors=True)


def _bare(data_dir: Path, prices: dict[int, int]) -> SearchIndex:
    """An index without a database: invented products at these prices."""
    folder = folders.root(data_dir)
    folder.mkdir()
    build = folders.new_build(folder, "test")
    index = tantivy.Index(fields.schema(LISTS), str(build))
    _write(index, dict(prices), sorted(prices, key=lambda one: one * 7919 % 101))
    folders.switch(folder, build)
    return SearchIndex(data_dir)


def _rewrite(data_dir: Path, move: dict[int, int | None]) -> None:
    build = folders.current(folders.root(data_dir))
    assert build is not None
    _write(tantivy.Index.open(str(build)), move, sorted(move))


def _write(index: tantivy.Index, prices: dict[int, int | None], order: list[int]) -> None:
    writer = index.writer(15_000_000, 1)
    writer.delete_documents_by_query(
        tantivy.Query.term_set_query(index.schema, "id", sorted(prices))
    )
    for number in order:
        price = prices[number]
        if price is not None:
            writer.add_document(tantivy.Document.from_dict(_fields(number, price), index.schema))
    writer.commit()
    writer.wait_merging_threads()


def _fields(number: int, price: int) -> dict[str, object]:
    cost = Decimal(price)
    words = "绿茶 红" if price % 2 else "绿茶"
    title = words if number % 3 else "茶具"
    known: dict[str, Any] = {
        "on_hand": price > 4,
        "sold": price // 2,
        "margin": cost if price % 2 else None,
        "product_id": number,
    }
    return {
        "id": number,
        "flag": ["for:resale"],
        "code": ["绿茶"] if number % 11 == 0 else [],
        "title": title,
        "words": words,
        "characters": "绿 茶 绿+茶",
        "price_resale": fields.price_units(cost),
        "by_price_resale": fields.by_price(cost, number),
        "by_margin_resale": fields.by_margin(cost if price % 2 else None, number),
        "by_sales": fields.by_sales(price // 2, number),
        "rank_resale": (rank := fields.rank(**known, words_in_title=price * 3)),
        "step_resale": fields.step(rank),
        "worth_resale": fields.worth(**known),
    }


INDEXER = """
import sys
from decimal import Decimal
from pathlib import Path
from catalog.pricing import price_lists
from catalog.readers import Readership
from catalog.search import open_indexer
from kit import clock
from kit.db import Database

database = Database(sys.argv[1])
readers = Readership(price_lists(Decimal(0))).per_list(clock.now())
with open_indexer(database, Path(sys.argv[2]), readers) as writer:
    writer.step()
    print("up", flush=True)
    while True:
        writer.rebuild() if sys.argv[3] == "rebuild" else writer.step()
"""


@pytest.mark.parametrize("work", ["rebuild", "step"])
def test_an_indexer_killed_anywhere_leaves_an_index_that_is_gone_on_with(
    database: Database, database_url: str, tmp_path: Path, work: str
) -> None:
    made = add(database, 30)
    child = subprocess.Popen(
        [sys.executable, "-c", INDEXER, database_url, str(tmp_path), work],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    assert any(line == b"up\n" for line in iter(child.stdout.readline, b""))
    for version, one in enumerate(made[:20], start=2):
        with database.as_system() as session:
            reprice(session, one, version, str(100 + version))
            number_changes(session)
    child.kill()
    child.wait()
    child.stdout.close()
    with open_indexer(database, tmp_path, READERS) as writer:
        sync(writer)
    found = SearchIndex(tmp_path).search(Asked(sort="-price"), LEADER, 100).ids
    dearest_first = [one.product_id for one in reversed(made[:20])]
    assert found == dearest_first + [one.product_id for one in reversed(made[20:])]
