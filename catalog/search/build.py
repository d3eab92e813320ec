"""One build of the index with its writer, and what it was written for.

Beside Tantivy's files lies one of ours: the price lists that the documents were made by, and which
goods are still to be written again since those have changed. It is written before a document is
made by other lists, and after the commit that ends the work: a killed writer repeats, never skips.
"""

import hashlib
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import tantivy
from sqlalchemy.orm import Session
from tantivy import Document, Index, IndexWriter, Query, Schema

from catalog.search import gathering, lists
from catalog.search import schema as fields
from catalog.search.lists import Goods
from catalog.shelf import Reader
from kit import log

PORTION = 500
"""Products that are gathered at once."""
_HEAP = 128_000_000
_WRITTEN = "written.json"

_log = log.get(__name__)


class Read(NamedTuple):
    """The last number of the feed, and the last mark beside it."""

    seq: int
    mark: int


class Build:
    """An index that is being written; made by `begin` or `reopen`."""

    def __init__(
        self, path: Path, readers: Sequence[Reader], writer: IndexWriter, read: Read
    ) -> None:
        self.path = path
        self.readers = readers
        self.read = read
        self.waiting: list[Goods] = []
        """Goods whose documents are by former lists."""
        self.after = 0
        """Up to this product they are written again."""
        self.products = 0
        """Documents that were added."""
        self._said = lists.said(readers)
        self._schema = schema_of(readers)
        self._writer = writer

    def there(self) -> bool:
        """Whether nobody has removed it meanwhile."""
        return (self.path / "meta.json").exists()

    def turn_to(self, readers: Sequence[Reader]) -> bool:
        """Write for these readers from now on; False: they have other lists than this build."""
        said = lists.said(readers)
        goods = lists.affected(self._said, said)
        if goods is None:
            return False
        self.readers, self._said = readers, said
        if goods:
            self.note(lists.merged([*self.waiting, *goods]), 0)
        return True

    def note(self, waiting: list[Goods], after: int) -> None:
        """Write down what is still to be written again, past product `after`."""
        self.waiting, self.after = waiting, after
        fresh = self.path / f".{_WRITTEN}"
        fresh.write_bytes(
            orjson.dumps({"lists": self._said, "waiting": self.waiting, "after": self.after})
        )
        os.replace(fresh, self.path / _WRITTEN)

    def add(self, session: Session, ids: Collection[int]) -> None:
        """Write products that it does not hold yet."""
        found = gathering.documents(session, ids, self.readers)
        for one in found:
            self._writer.add_document(Document.from_dict(one, self._schema))
        self.products += len(found)

    def replace(self, session: Session, ids: Sequence[int]) -> None:
        """Write products anew, some at a time: their rows and documents are held until then."""
        for first in range(0, len(ids), PORTION):
            some = ids[first : first + PORTION]
            found = gathering.documents(session, some, self.readers)
            former = Query.term_set_query(self._schema, "id", some)
            self._writer.delete_documents_by_query(former)
            for one in found:
                self._writer.add_document(Document.from_dict(one, self._schema))

    def commit(self, read: Read) -> None:
        """Commit what was written together with how far it has read."""
        head = {"flag": [fields.HEAD], "seq": read.seq, "mark": read.mark}
        former = Query.term_query(self._schema, "flag", fields.HEAD)
        self._writer.delete_documents_by_query(former)
        self._writer.add_document(Document.from_dict(head, self._schema))
        self._writer.commit()
        self.read = read

    def close(self) -> None:
        """Let go of it, and of the threads that tidy it."""
        try:
            self._writer.wait_merging_threads()
        except ValueError as error:  # its files may be what was lost
            _log.warning("search index closed untidily", error=str(error))


def begin(path: Path, readers: Sequence[Reader], read: Read) -> Build:
    """An empty build in a folder of its own; what comes after `read` is applied to it later."""
    index = Index(schema_of(readers), str(path))
    build = Build(path, readers, index.writer(_HEAP, 1), read)
    build.note([], 0)
    return build


def reopen(path: Path, readers: Sequence[Reader]) -> Build:
    """A build of an earlier process. Raises ValueError or OSError when it cannot be used."""
    written = orjson.loads((path / _WRITTEN).read_bytes())
    index = Index.open(str(path))
    read = _read_up_to(index)
    build = Build(path, readers, index.writer(_HEAP, 1), read)
    waiting = [(one[0], one[1], one[2]) for one in written["waiting"]]
    goods = lists.affected(written["lists"], lists.said(readers))
    if goods is None:
        build.close()
        raise ValueError("it was written for other price lists")
    if goods:
        build.note(lists.merged([*waiting, *goods]), 0)
    else:
        build.waiting, build.after = waiting, written["after"]
    return build


def schema_of(readers: Sequence[Reader]) -> Schema:
    """The schema of an index for one reader a price list."""
    return fields.schema(reader.prices.id for reader in readers)


def identity(readers: Sequence[Reader]) -> str:
    """Names schema and price lists: an index of other fields is not gone on with."""
    said: Any = (fields.VERSION, sorted(reader.prices.id for reader in readers))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


def _read_up_to(index: tantivy.Index) -> Read:
    """How far it had read when it was committed. Raises ValueError."""
    searcher = index.searcher()
    head = searcher.search(Query.term_query(index.schema, "flag", fields.HEAD), 1).hits
    if not head:
        raise ValueError("it does not say how far it has read")
    where = [head[0][1]]
    seq, mark = (searcher.fast_field_values(name, where)[0] for name in ("seq", "mark"))
    if not isinstance(seq, int) or not isinstance(mark, int):
        raise ValueError("it does not say how far it has read")
    return Read(seq, mark)
