"""Waking whoever pulls a source: one topic of the outbox, a key for each stream of each source."""

from sqlalchemy.orm import Session

from kit.outbox import say
from sync.pull import Stream

PULL = "sync.pull"
BETWEEN = "/"
"""Stands between a source's code, which has none, and the stream that is read."""


def key(source: str, stream: Stream) -> str:
    """The wake-up of one stream."""
    return f"{source}{BETWEEN}{stream}"


def wake(session: Session, source: str, stream: Stream) -> None:
    """Have a stream pulled soon after this commit."""
    say(session, PULL, key(source, stream))
