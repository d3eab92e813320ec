"""How many rows a site usually has: those of the last crawl that was read to its end."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Database, Utc


class SiteCrawl(Base):
    """The last whole crawl of one source."""

    __tablename__ = "site_crawls"

    source: Mapped[str] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    crawled_at: Mapped[Utc]


class Usual:
    """The figure of one source; without a database it lives in this process only."""

    def __init__(self, source: str, database: Database | None) -> None:
        self._source = source
        self._database = database
        self._own: int | None = None

    def rows(self) -> int | None:
        """How many there were; None before the first crawl."""
        if self._database is None:
            return self._own
        with self._database.as_system() as session:
            found = session.get(SiteCrawl, self._source)
            return found.rows if found else None

    def remember(self, rows: int, at: datetime) -> None:
        """This many is usual from now on."""
        self._own = rows
        if self._database is not None:
            with self._database.as_system() as session:
                session.merge(SiteCrawl(source=self._source, rows=rows, crawled_at=at))
