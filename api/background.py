"""Numbers of what happens behind the API: jobs by topic, chores, and the invariants' last word."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from api.office import Office
from kit import chores, clock, log, tally
from kit.chores import Chore

_log = log.get(__name__)


class Background(Collector):
    """Read from Redis and the database when somebody asks; they are the same on every host."""

    def __init__(self, here: Office) -> None:
        self._office = here

    def collect(self) -> Iterable[Metric]:
        """Jobs while Redis answers, chores while the database does."""
        try:
            yield from _jobs(tally.read(self._office.redis, "jobs"))
        except RedisError as error:
            _log.warning("redis_away", error=type(error).__name__)
        try:
            with self._office.db.as_system() as session:
                found = chores.overview(session)
        except SQLAlchemyError as error:
            _log.error("database_away", error=type(error).__name__)
            return
        yield from _chores(found)

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked while the collector is registered."""
        return ()


def _jobs(counts: dict[str, float]) -> Iterable[Metric]:
    jobs = CounterMetricFamily("huopan_jobs", "Jobs that ended", labels=["topic", "outcome"])
    seconds = CounterMetricFamily("huopan_job_seconds", "Seconds spent in jobs", labels=["topic"])
    for label, amount in counts.items():
        topic, _, what = label.rpartition(":")
        if what == "seconds":
            seconds.add_metric([topic], amount)
        else:
            jobs.add_metric([topic, what], amount)
    return jobs, seconds


def _chores(found: list[Chore]) -> Iterable[Metric]:
    age = GaugeMetricFamily(
        "huopan_chore_age_seconds", "Since a chore last ended in order", labels=["chore"]
    )
    failing = GaugeMetricFamily(
        "huopan_chore_failing", "Whether its last try went wrong", labels=["chore"]
    )
    broken = GaugeMetricFamily(
        "huopan_invariant_violations", "Rows that break a rule, at the last check"
    )
    now = clock.now()
    for chore in found:
        if chore.ran_at is not None:
            age.add_metric([chore.name], max(0.0, (now - chore.ran_at).total_seconds()))
        failing.add_metric([chore.name], float(chore.failure is not None))
        if "violations" in (chore.result or {}):
            broken.add_metric([], float((chore.result or {})["violations"]))
    return age, failing, broken
