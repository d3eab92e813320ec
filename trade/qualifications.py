"""Until when a supplier may sell: its papers expire, and goods of one who has none are not sold.

Of papers of one kind the one that holds longest counts. A supplier whose papers name no end, or
who never handed in any, is qualified: an operator let it in. While newer papers are on their way an
operator may vouch for it, for a while that is written down.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from kit.errors import invalid
from trade.models import Application, ApplicationDocument, Party


@dataclass(frozen=True)
class Paper:
    """One qualification and its last day; None: it holds for ever."""

    kind: str
    expires_on: date | None


VOUCHED = timedelta(days=30)
"""So far ahead an operator may vouch for a supplier whose newer papers are on their way."""

_WRITE = text("""
    INSERT INTO source_states AS s (source, failures, qualified_until) VALUES (:source, 0, :until)
    ON CONFLICT (source) DO UPDATE SET qualified_until = CASE
        WHEN excluded.qualified_until IS NOT NULL
        THEN greatest(excluded.qualified_until, s.vouched_until) END
""")
_VOUCH = text("""
    UPDATE source_states SET vouched_until = :until, qualified_until = :until
    WHERE source = :source AND qualified_until <= :until RETURNING true
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


def vouch(session: Session, party: Party, day: date, now: datetime) -> None:
    """An operator has seen newer papers: until `day` is over the party's goods are sold. Again
    changes nothing.

    Raises Problem 422 for a day before what holds already, or beyond `VOUCHED`.
    """
    if day > (now + VOUCHED).astimezone(SHANGHAI).date():
        raise invalid("until", f"at most {VOUCHED.days} days from now; ask for the papers")
    if not session.scalar(_VOUCH, {"source": party.source, "until": until(day)}):
        raise invalid("until", "it ends before what holds already")


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
