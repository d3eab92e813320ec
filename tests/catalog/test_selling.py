"""Why a SKU cannot be sold, and that it is so until the moment that is told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from catalog import selling
from catalog.changes import Event, Told, deals_of
from catalog.corridors import PricePolicy
from catalog.grants import OPEN, Grant, Grants
from catalog.scopes import Scope
from catalog.selling import Facts
from catalog.shelf import Reader

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MIDNIGHT = selling.end_of_day(NOW)
SAID = Event(0, "listed", 1, 1, "a", "1", None, None, None, None, NOW)
OFFER = Told(listed=True, price={"dropship": "10"}, retail=(None, Decimal(50)))

bounds = st.none() | st.integers(40, 60).map(Decimal)
limits = st.none() | st.integers(1, 6)
moments = st.none() | st.integers(-2, 3).map(lambda halves: MIDNIGHT + timedelta(hours=6 * halves))
spans = st.tuples(moments, moments).filter(lambda span: None in span or span[0] < span[1])
scopes = st.builds(
    lambda regions, span: Scope("a", None, None, None, regions, *span),
    st.sampled_from([(), ("44",), ("11",)]),
    spans,
)
grants = st.builds(Grant, st.integers(1, 9), scopes, st.none(), st.none(), limits, limits)
readers = st.lists(grants, min_size=1, max_size=4).map(
    lambda named: Grants(frozenset("a"), tuple(named))
)
policies = st.lists(st.builds(PricePolicy, scopes, bounds, bounds), max_size=5).map(tuple)


def _codes(granted: Grants, facts: Facts, quantity: int, now: datetime) -> dict[str, object]:
    had = facts.had if now < MIDNIGHT else {}
    then = Facts(asks=facts.asks, policies=facts.policies, had=had)
    reader = Reader("leader", grants=granted)
    deals = deals_of(SAID, OFFER)
    found = selling.reasons(deals, reader, now, "440305", quantity, then)
    return {reason.code: reason.until for reason in found}


@given(st.tuples(readers, st.just(())) | st.tuples(st.just(OPEN), policies), limits, limits)
def test_a_reason_holds_until_the_moment_that_is_told(
    ruled: tuple[Grants, tuple[PricePolicy, ...]], had: int | None, wanted: int | None
) -> None:
    granted, allowed = ruled
    quantity = wanted or 1
    facts = Facts(asks=frozenset("a"), policies=allowed, had={"a": had or 0})
    turns = {NOW, MIDNIGHT, *granted.turns()}
    turns |= {at for one in allowed for at in (one.scope.since, one.scope.until)}
    known = sorted(at for at in turns if at is not None and at >= NOW)
    for code, until in _codes(granted, facts, quantity, NOW).items():
        held = [at for at in known if code in _codes(granted, facts, quantity, at)]
        ended = [at for at in known if at not in held]
        assert until == (ended[0] if ended else None), code
