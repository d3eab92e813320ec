"""What workers and cron did is on the same page of numbers, whichever process is asked."""

from kit import chores, tally
from tests.api.shop import Shop


def numbers(shop: Shop) -> list[str]:
    return shop.client.get("/metrics").text.splitlines()


def test_jobs_chores_and_broken_rules_are_counted(shop: Shop) -> None:
    tally.add(
        shop.app.state.office.redis,
        "jobs",
        {"purchases.submit:done": 2, "purchases.submit:seconds": 0.5, "sync.pull:failed": 1},
    )
    with shop.db.as_system() as session:
        chore = chores.take(session, "invariants")
        assert chore
        chores.done(session, chore, {"violations": 3}, 0.0)
    with shop.db.as_system() as session:
        chores.failed(session, "sweep", "ZeroDivisionError", 60.0)
    found = numbers(shop)
    assert 'huopan_jobs_total{outcome="done",topic="purchases.submit"} 2.0' in found
    assert 'huopan_jobs_total{outcome="failed",topic="sync.pull"} 1.0' in found
    assert 'huopan_job_seconds_total{topic="purchases.submit"} 0.5' in found
    assert "huopan_invariant_violations 3.0" in found
    assert 'huopan_chore_failing{chore="sweep"} 1.0' in found
    assert 'huopan_chore_failing{chore="invariants"} 0.0' in found
    assert any(line.startswith('huopan_chore_age_seconds{chore="invariants"}') for line in found)
