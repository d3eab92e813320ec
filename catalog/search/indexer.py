"""Keeps the index abreast of the catalogue: the one writer of a data directory.

It reads numbered changes, and marks beside them, and writes each product anew, with the last
numbers read in the same commit, so that it goes on where it stopped. An index that is missing,
broken, of another schema, of other prices or ahead of the database is built again beside the old
one.
"""

import fcntl
import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import tantivy
from sqlalchemy import text
from sqlalchemy.orm import Session
from tantivy import Document, Index, IndexWriter, Query, Schema

from catalog import deals as all_deals
from catalog import marks
from catalog.search import folder as folders
from catalog.search import schema as fields
from catalog.search.documents import Goods, document
from catalog.shelf import Reader
from kit import clock, log
from kit.db import Database
from kit.errors import Problem

BATCH = 5_000
_HEAP = 128_000_000

_log = log.get(__name__)

_CHANGED = text("""
    SELECT max(c.seq) AS seq, array_agg(DISTINCT s.product_id) AS products FROM (
        SELECT seq, sku_id FROM changes WHERE seq > :after ORDER BY seq LIMIT :limit
    ) c LEFT JOIN skus s ON s.id = c.sku_id
""")
_NEXT_PRODUCTS = text("SELECT id FROM products WHERE id > :after ORDER BY id LIMIT :limit")
_HEAD = text("SELECT seq FROM feed_head")
_PRODUCTS = text("""
    SELECT p.id, p.title, p.brand, p.category, coalesce(m.sold, 0) AS sold
    FROM products p LEFT JOIN product_marks m ON m.product_id = p.id WHERE p.id = ANY(:ids)
""")
_SKUS = text("""
    SELECT product_id, id, gtin, attributes, msrp FROM skus WHERE product_id = ANY(:ids)
""")
_MPNS = text("""
    SELECT DISTINCT s.product_id, o.mpn FROM skus s JOIN offers o ON o.sku_id = s.id
    WHERE s.product_id = ANY(:ids) AND o.mpn IS NOT NULL
""")


@contextmanager
def open_indexer(
    database: Database, data_dir: Path, readers: Sequence[Reader]
) -> Iterator["Indexer"]:
    """The writer of the index under `data_dir`, for one reader per price list.

    Raises Problem 409 `indexer_running` while another process writes it.
    """
    folder = folders.root(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / folders.LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Problem(
                409,
                "indexer_running",
                f"another process writes the search index in {folder}; one is enough",
                retry_after=30,
            ) from error
        folders.sweep(folder)
        writer = Indexer(database, folder, readers)
        try:
            yield writer
        finally:
            writer.close()


def ask_rebuild(data_dir: Path) -> None:
    """Have the index built anew by the process that writes it, while searches go on."""
    folders.wish(folders.root(data_dir))


class Indexer:
    """Writes the index; made by `open_indexer`, which holds the lock."""

    def __init__(self, database: Database, folder: Path, readers: Sequence[Reader]) -> None:
        self._database = database
        self._folder = folder
        self._readers = readers
        self._schema = fields.schema(reader.prices.id for reader in readers)
        self._identity = _identity(readers)
        self._writer: IndexWriter | None = None
        self._read = _Read(0, 0)

    def step(self) -> int:
        """Apply the next changes and marks; returns how many were read. 0: it is abreast.

        The first step opens the index, or builds it when it cannot be used. A new build that
        somebody asked for (`ask_rebuild`) is made here.
        """
        if folders.take_wish(self._folder) or not self._usable():
            return self.rebuild()
        assert self._writer is not None  # noqa: S101 - `_usable` opened it
        with self._database.as_system() as session:
            asked = {"after": self._read.seq, "limit": BATCH}
            found = session.execute(_CHANGED, asked).one()
            marked, mark = marks.following(session, self._read.mark, BATCH)
            now = _Read(self._read.seq if found.seq is None else found.seq, mark)
            if now == self._read:
                return 0
            products = list({*marked, *(one for one in found.products or () if one is not None)})
            documents = _documents(session, products, self._schema, self._readers)
        former = Query.term_set_query(self._schema, "id", products)
        self._writer.delete_documents_by_query(former)
        for one in documents:
            self._writer.add_document(one)
        read = now.seq - self._read.seq + len(marked)
        self._commit(self._writer, now)
        return read

    def rebuild(self) -> int:
        """Write a new index of the whole catalogue; searches go on in the old one meanwhile.

        Returns how many products it holds.
        """
        self.close()
        build = folders.new_build(self._folder, self._identity)
        writer = _open_new(self._schema, build)
        with self._database.as_system() as session:
            head = _newest(session)  # what comes later is applied again
        products = self._write_everything(writer)
        self._commit(writer, head)
        folders.switch(self._folder, build)
        folders.sweep(self._folder)
        self._writer = writer
        _log.info("search index built", products=products, seq=head.seq)
        return products

    def _write_everything(self, writer: IndexWriter) -> int:
        after = written = 0
        while True:
            with self._database.as_system() as session:
                asked = {"after": after, "limit": BATCH}
                ids = list(session.execute(_NEXT_PRODUCTS, asked).scalars())
                documents = _documents(session, ids, self._schema, self._readers)
            if not ids:
                return written
            for one in documents:
                writer.add_document(one)
            after, written = ids[-1], written + len(documents)

    def _usable(self) -> bool:
        """Whether the current build can be gone on with; opens its writer."""
        build = folders.current(self._folder)
        if self._writer is not None and build is not None and (build / "meta.json").exists():
            return True
        self.close()
        if build is None or folders.identity(build) != self._identity:
            return False
        try:
            index = Index.open(str(build))
            index.register_tokenizer("characters", fields.character_analyzer())
            self._read = _read_up_to(index)
            self._writer = index.writer(_HEAP, 1)
        except (ValueError, OSError) as error:
            _log.warning("search index cannot be read and is built again", error=str(error))
            return False
        with self._database.as_system() as session:
            newest = _newest(session)
        ahead = self._read.seq > newest.seq or self._read.mark > newest.mark
        if ahead:
            _log.warning("search index is ahead of the database and is built again")
            self.close()
        return not ahead

    def close(self) -> None:
        """Let go of the build that was written last, and of the threads that tidy it."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            try:
                writer.wait_merging_threads()
            except ValueError as error:  # its files may be what was lost
                _log.warning("search index closed untidily", error=str(error))

    def _commit(self, writer: IndexWriter, read: "_Read") -> None:
        """Commit what was written together with how far it has read."""
        writer.delete_documents_by_query(Query.term_query(self._schema, "flag", fields.HEAD))
        head = {"flag": [fields.HEAD], "seq": read.seq, "mark": read.mark}
        writer.add_document(Document.from_dict(head, self._schema))
        writer.commit()
        self._read = read


class _Read(NamedTuple):
    """The last number of the feed, and the last mark beside it."""

    seq: int
    mark: int


def _newest(session: Session) -> _Read:
    return _Read(session.execute(_HEAD).scalar_one(), marks.highest(session))


def _open_new(schema: Schema, build: Path) -> IndexWriter:
    index = Index(schema, str(build))
    index.register_tokenizer("characters", fields.character_analyzer())
    return index.writer(_HEAP, 1)


def _read_up_to(index: tantivy.Index) -> _Read:
    """How far it had read when it was committed. Raises ValueError."""
    searcher = index.searcher()
    head = searcher.search(Query.term_query(index.schema, "flag", fields.HEAD), 1).hits
    if not head:
        raise ValueError("it does not say how far it has read")
    where = [head[0][1]]
    seq, mark = (searcher.fast_field_values(name, where)[0] for name in ("seq", "mark"))
    if not isinstance(seq, int) or not isinstance(mark, int):
        raise ValueError("it does not say how far it has read")
    return _Read(seq, mark)


def _identity(readers: Sequence[Reader]) -> str:
    """Names schema, price lists and policies: an index made under others is not gone on with."""
    said = [
        (
            reader.prices.id,
            reader.prices.mark,
            reader.prices.serves,
            sorted(
                (code, p.unknown_stock, sorted(p.serves), p.refusal_risk)
                for code, p in reader.policies.items()
            ),
            reader.ordinary.refusal_risk,
        )
        for reader in readers
    ]
    return hashlib.sha256(repr((fields.VERSION, said)).encode()).hexdigest()[:12]


def _documents(
    session: Session, ids: Collection[int], schema: Schema, readers: Sequence[Reader]
) -> list[Document]:
    now = clock.now()
    asked = {"ids": list(ids)}
    skus: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(_SKUS, asked):
        skus[row[0]].append(row[1:])
    mpns: dict[int, list[str]] = defaultdict(list)
    for row in session.execute(_MPNS, asked):
        mpns[row[0]].append(row[1])
    deals: Mapping[int, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for deal in all_deals.of_products(session, ids):
        deals[deal.product_id][deal.sku_id].append(deal)
    found = (
        document(
            Goods(
                row.id,
                row.title,
                row.brand,
                row.category,
                skus[row[0]],
                mpns[row[0]],
                deals[row[0]],
                row.sold,
            ),
            readers,
            now,
        )
        for row in session.execute(_PRODUCTS, asked)
    )
    return [Document.from_dict(one, schema) for one in found if one is not None]
