"""Who is told next: endpoints of many parties that share a few lanes. Pure.

Parties take turns, and within a party its endpoints: the one that was served least recently comes
first. An endpoint, and a party, has only so many messages out, and a party gets a further lane only
while more lanes are free than it holds: however slow some are, lanes are left for the others.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Call:
    """A lane's turn at an endpoint, from `next` until `back` or `leave`."""

    endpoint: int
    party: int
    news: int
    """How much had been heard of the endpoint when the turn began."""


@dataclass
class Rota:
    """Endpoints that something is to be done for, and what is out; not safe for threads."""

    lanes: int
    of_party: int
    of_endpoint: int
    _round: OrderedDict[int, OrderedDict[int, None]] = field(default_factory=OrderedDict)
    """Parties, and each one's endpoints, the one served least recently first."""
    _out: Counter[int] = field(default_factory=Counter)
    _out_of: Counter[int] = field(default_factory=Counter)
    _news: Counter[int] = field(default_factory=Counter)

    @property
    def out(self) -> int:
        """How many lanes are taken."""
        return self._out.total()

    @property
    def over(self) -> bool:
        """Nobody is in the round and nothing is out."""
        return not self._round and not self.out

    def join(self, endpoint: int, party: int) -> None:
        """Something is to be done there; who joins comes last, who is in the round stays put."""
        self._news[endpoint] += 1
        self._round.setdefault(party, OrderedDict()).setdefault(endpoint)

    def next(self) -> Call | None:
        """Who is served by a free lane; None: nobody may be."""
        free = self.lanes - self.out
        for party, endpoints in self._round.items():
            if self._out[party] >= min(self.of_party, free):
                continue
            for endpoint in endpoints:
                if self._out_of[endpoint] < self.of_endpoint:
                    endpoints.move_to_end(endpoint)
                    self._round.move_to_end(party)
                    self._out[party] += 1
                    self._out_of[endpoint] += 1
                    return Call(endpoint, party, self._news[endpoint])
        return None

    def back(self, call: Call) -> None:
        """Its message is settled; the next about the same object may be due now."""
        self._free(call)
        self.join(call.endpoint, call.party)

    def leave(self, call: Call) -> None:
        """There was nothing to claim: it leaves the round, unless there was news meanwhile."""
        self._free(call)
        if self._news[call.endpoint] == call.news:
            self._drop(call)

    def fall_out(self, call: Call) -> None:
        """Nothing can be done there: it leaves the round, whatever else was heard of it."""
        self._free(call)
        self._drop(call)

    def _free(self, call: Call) -> None:
        for counter, key in ((self._out, call.party), (self._out_of, call.endpoint)):
            counter[key] -= 1
            if not counter[key]:
                del counter[key]

    def _drop(self, call: Call) -> None:
        endpoints = self._round.get(call.party, OrderedDict())
        endpoints.pop(call.endpoint, None)
        if not endpoints:
            self._round.pop(call.party, None)
