"""Who is told next: nobody above its cap, nobody forgotten, lanes left for whoever has none."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trade.rota import Call, Rota

LANES, OF_PARTY, OF_ENDPOINT = 8, 3, 2
ENDPOINTS = st.integers(0, 11)


def _party(endpoint: int) -> int:
    return endpoint // 3


class Rounds(RuleBasedStateMachine):
    """Endpoints of four parties come, are served, go, and are slow, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.rota = Rota(LANES, OF_PARTY, OF_ENDPOINT)
        self.out: list[Call] = []
        self.waits: dict[int, int] = {}
        """Endpoints in the round; how often others were served since each could have been."""

    def _held(self, party: int) -> int:
        return sum(call.party == party for call in self.out)

    def _may(self, endpoint: int) -> bool:
        held, of_endpoint = self._held(_party(endpoint)), Counter(one.endpoint for one in self.out)
        free = LANES - len(self.out)
        return held < min(OF_PARTY, free) and of_endpoint[endpoint] < OF_ENDPOINT

    @rule(endpoint=ENDPOINTS)
    def something_is_due(self, endpoint: int) -> None:
        self.rota.join(endpoint, _party(endpoint))
        self.waits.setdefault(endpoint, 0)

    @rule()
    def a_lane_is_free(self) -> None:
        able = {one for one in self.waits if self._may(one)}
        call = self.rota.next()
        assert (call is None) == (not able)
        if call is None:
            return
        assert call.endpoint in able
        assert call.party == _party(call.endpoint)
        for one in able - {call.endpoint}:
            self.waits[one] += 1
            assert self.waits[one] < 12  # so many endpoints there are
        self.waits[call.endpoint] = 0
        self.out.append(call)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def a_message_is_settled(self, data: st.DataObject) -> None:
        call = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.rota.back(call)
        self.waits.setdefault(call.endpoint, 0)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def nothing_can_be_done_there(self, data: st.DataObject) -> None:
        call = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.rota.fall_out(call)
        self.waits.pop(call.endpoint, None)

    @invariant()
    def caps_hold(self) -> None:
        assert self.rota.out == len(self.out)
        assert self.rota.over == (not self.out and not self.waits)
        assert all(self._held(party) <= OF_PARTY for party in range(4))
        for count in Counter(one.endpoint for one in self.out).values():
            assert count <= OF_ENDPOINT


TestRounds = Rounds.TestCase
TestRounds.settings = settings(max_examples=40)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_lanes_are_left_for_others_until_all_but_a_few_hold_one(asking: list[int]) -> None:
    rota = Rota(LANES, OF_PARTY, OF_ENDPOINT)
    for party in asking:  # each has endless work, and none ever answers
        rota.join(party * 2, party)
        rota.join(party * 2 + 1, party)
        while rota.next() is not None:
            pass
    left = LANES - rota.out
    assert left or len(set(asking)) > 3
    rota.join(99, 99)
    assert (rota.next() is not None) == (left > 0)


def test_an_endpoint_that_had_news_while_it_was_asked_stays() -> None:
    rota = Rota(LANES, OF_PARTY, OF_ENDPOINT)
    rota.join(1, 1)
    first, second = rota.next(), rota.next()
    assert first is not None
    assert second is not None
    rota.back(first)  # a message is settled, and the next about its object is due
    rota.leave(second)  # who looked before that saw nothing
    third = rota.next()
    assert third is not None
    rota.leave(third)
    assert rota.over
