"""Whether this process lives, can serve, and how it does."""

from collections.abc import Iterable

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from api import replies
from api.background import Background
from api.office import Office, office
from kit import log
from kit.db import newest_schema

router = APIRouter(tags=["health"])

_log = log.get(__name__)

_GAUGES = text("""
    SELECT
        (SELECT count(*) FROM outbox WHERE relayed_at IS NULL) AS outbox_waiting,
        (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)
         FROM outbox WHERE relayed_at IS NULL) AS outbox_oldest_seconds,
        (SELECT count(*) FROM purchases
         WHERE state IN ('ready', 'submitting') AND due_at <= clock_timestamp()) AS purchases_due,
        (SELECT count(*) FROM changes WHERE seq IS NULL) AS changes_unnumbered,
        (SELECT seq FROM feed_head) AS changes_head,
        (SELECT count(*) FROM events WHERE seq IS NULL) AS events_unnumbered,
        (SELECT count(*) FROM deliveries WHERE due_at <= clock_timestamp()) AS webhooks_due
""")
_MEANING = {
    "outbox_waiting": "Wake-ups that wait for the relay",
    "outbox_oldest_seconds": "Age of the oldest wake-up that waits",
    "purchases_due": "Purchases that a worker should submit now",
    "changes_unnumbered": "Events of the feed that wait for their number",
    "changes_head": "The newest number of the change feed",
    "events_unnumbered": "Events for webhooks that wait for their number",
    "webhooks_due": "Messages that endpoints should have by now",
}


@router.get("/healthz", summary="Does it live", include_in_schema=False)
async def healthz() -> Response:
    """Whether the process answers; it asks nobody else."""
    return replies.answer({"status": "ok"})


@router.get("/readyz", summary="Can it serve", include_in_schema=False)
def readyz(request: Request) -> Response:
    """503 without the database or with another schema; Redis may be away, nothing true is in it."""
    here = office(request)
    try:
        with here.db.as_nobody() as session:
            found = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
        database = "ok" if found == newest_schema() else "run `huopan migrate` (another schema)"
    except SQLAlchemyError as error:
        _log.error("database_away", error=type(error).__name__)
        database = "away"
    told = {
        "database": database,
        "redis": "ok" if here.limiter.answers() else "away (limits are counted here)",
    }
    ready = database == "ok"
    return replies.answer(
        {"status": "ready" if ready else "not ready", **told}, 200 if ready else 503
    )


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """For Prometheus."""
    content = exposition.generate_latest(request.app.state.registry)
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")


class Queues(Collector):
    """Lengths of queues and the feed's head, read from the database when somebody asks."""

    def __init__(self, here: Office) -> None:
        self._office = here

    def collect(self) -> Iterable[Metric]:
        """The gauges; none while the database is away."""
        try:
            with self._office.db.as_system() as session:
                row = session.execute(_GAUGES).one()._asdict()
        except SQLAlchemyError as error:
            _log.error("database_away", error=type(error).__name__)
            return
        for name, value in row.items():
            yield GaugeMetricFamily(f"huopan_{name}", _MEANING[name], value=float(value or 0))
        pool = self._office.db.engine.pool
        taken = getattr(pool, "checkedout", lambda: 0)()
        yield GaugeMetricFamily(
            "huopan_database_connections_taken", "Connections in use", value=taken
        )

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked while the collector is registered."""
        return ()


def registry(here: Office) -> CollectorRegistry:
    """The registry of one application."""
    made = CollectorRegistry()
    made.register(Queues(here))
    made.register(Background(here))
    return made
