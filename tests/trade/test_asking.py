"""Talks with platforms that a person waits for: never more than allowed, and each for its goods."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.model import OrderLine, ShipTo
from connectors.trading import QuotedLine, SourceQuote
from trade import live_answers
from trade.asking import Question, Talks
from trade.live_answers import Answer, Said
from trade.routing.takes import Supply

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
HOME = ShipTo("张三", "13800138000", "440305", "粤海街道科技园 1 号")


class Slow:
    """A source that answers when it is let."""

    code = "slow"

    def __init__(self) -> None:
        self.may = threading.Event()

    def quote(self, lines: Sequence[OrderLine], ship_to: ShipTo) -> SourceQuote:
        assert self.may.wait(60)
        told = (QuotedLine(x.external_id, x.quantity, sellable=True, price=x.cost) for x in lines)
        return SourceQuote(tuple(told), Decimal(6))


def asked(number: int) -> Question:
    line, cost = Said(number, str(number), 1, 1), OrderLine(str(number), 1, Decimal(20))
    return Question("slow", None, "440305", (line,), (cost,))


def test_a_talk_that_is_given_up_counts_until_it_has_ended() -> None:
    source: Any = Slow()
    talks = Talks(3.0, most=2)
    first, second, third = (asked(number) for number in range(3))
    answers, busy = talks.hold([first, second, third], lambda _: source, HOME, 0)
    assert (answers, busy) == ([], [third])
    assert talks.hold([third], lambda _: source, HOME, 0) == ([], [third])
    source.may.set()
    talks.close()

    again = Talks(3.0, most=2)
    [answer], busy = again.hold([third], lambda _: source, HOME, 60)
    assert (answer.freight, answer.lines[0].price, busy) == (600, 20, [])
    again.close()


def test_an_answer_counts_for_the_same_goods_in_the_same_numbers() -> None:
    supplies = [
        Supply(offer, offer, "jd", str(offer), Decimal(20), priced_at=AT) for offer in (1, 2)
    ]
    lines = (Said(1, "1", 2, 2, price=Decimal(21)), Said(2, "2", 1, 1, price=Decimal(22)))
    answer = Answer("jd", None, "440305", AT, lines, 600)

    def costs(wanted: dict[int, int], told: Answer = answer) -> list[Decimal | None]:
        return [one.cost for one in live_answers.applied(supplies, wanted, [told])]

    assert costs({1: 2, 2: 1}) == [21, 22]
    assert costs({1: 3, 2: 1}) == costs({1: 2}) == [20, 20]
    later = AT + timedelta(minutes=1)
    risen = [replace(one, priced_at=later, cost=one.offer_id * Decimal(15)) for one in supplies]
    told = live_answers.applied(risen, {1: 2, 2: 1}, [answer])
    assert [one.cost for one in told] == [21, 30]  # only what has risen since is not what was said
    one, two = live_answers.applied(supplies, {1: 2, 2: 1}, [answer])
    assert one.freight == two.freight == {"kind": "flat", "fee": "6.00", "free_from": None}
    refused = replace(answer, lines=(replace(lines[0], code="out_of_stock"), lines[1]))
    one, two = live_answers.applied(supplies, {1: 2}, [answer, refused])
    assert (one.word and one.word.code, two.word) == ("out_of_stock", None)
    one, two = live_answers.applied(supplies, {1: 2, 2: 1}, [refused, answer])
    assert (one.word and one.word.code, two.cost) == (None, 22)  # the youngest word counts
