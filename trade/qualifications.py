"""Until when a supplier may sell: its papers expire, and goods of one who has none are not sold.

Of papers of one kind the one that holds longest counts. A supplier whose papers name no end, or
who never handed in any, is qualified: an operator let it in.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from trade.models import Application, ApplicationDocument, Party


@dataclass(frozen=True)
class Paper:
    """One qualification and its last day; None: it holds for ever."""

    kind: str
    expires_on: date | None


_WRITE = text("""
    INSERT INTO source_states (source, failures, qualified_until) VALUES (:source, 0, :until)
    ON CONFLICT (source) DO UPDATE SET qualified_until = excluded.qualified_until
""")


def last_day(papers: Iterable[Paper]) -> date | None:
    """The last day on which there is a paper of each kind that holds. Pure."""
    kinds: dict[str, list[date | None]] = defaultdict(list)
    for paper in papers:
        kinds[paper.kind].append(paper.expires_on)
    ends = [max(filter(None, days)) for days in kinds.values() if None not in days]
    return min(ends, default=None)


def until(day: date | None) -> datetime | None:
    """The moment in Shanghai at which `day` is over. Pure."""
    return None if day is None else datetime.combine(day + timedelta(1), time(), SHANGHAI)


def renew(session: Session, party: Party) -> None:
    """Write down until when the party's source is qualified, by all papers that were approved."""
    if party.source is None:
        return
    found = session.execute(
        select(ApplicationDocument.kind, ApplicationDocument.expires_on)
        .join(Application, Application.id == ApplicationDocument.application_id)
        .where(Application.party_id == party.id, Application.state == "approved")
    )
    end = until(last_day(Paper(*row) for row in found))
    session.execute(_WRITE, {"source": party.source, "until": end})
