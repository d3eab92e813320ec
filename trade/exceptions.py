"""What waits for a person, as one list: computed from the rows as they are, kept nowhere.

Each case says why it waits, how much money is at stake, until when, and what may safely be done.
Which actions a case has is a pure function of its kind and state; `api.workbench` does them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import inside, outside
from trade.desk import Desk
from trade.exception_cases import CASES
from trade.paging import Cursor
from trade.parcels.parcel_news import LONG_AGO

Kind = Literal[
    "order_held",
    "purchase_stuck",
    "purchase_unsent",
    "balance_short",
    "shipment_late",
    "charged_more",
    "cancel_unanswered",
    "left_anyway",
    "address_asked",
    "claim_unanswered",
    "parcel_stuck",
    "claim_refused_by_source",
    "claim_replaced",
    "replacement_unwanted",
    "claim_difference",
    "freight_returned",
    "deposit_waiting",
    "payout_waiting",
    "earnings_owed",
    "statement_disputed",
    "books_differ",
    "listing_held",
    "sheet_not_sent",
    "webhook_failing",
    "application_waiting",
    "supplier_lapsing",
]
KINDS: tuple[str, ...] = get_args(Kind)

_PLACES = 100
"""More than there are kinds: a row and a kind make one number."""
_QUERY = text(f"""
    SELECT * FROM (
        SELECT kind, about, id, key, state, code, detail, money, since,
               coalesce(deadline, since + :answer) AS deadline,
               coalesce(since, timestamptz '2200-01-01 00:00+00') AS at,
               key * {_PLACES} + array_position(CAST(:kinds AS text[]), kind) AS place
        FROM ({CASES}) waiting
        WHERE (CAST(:kind AS text) IS NULL OR kind = :kind)
          AND (CAST(:key AS bigint) IS NULL OR key = :key)) cases
    WHERE CAST(:at AS timestamptz) IS NULL OR (at, place) > (:at, :place)
    ORDER BY at, place LIMIT :limit
""")  # noqa: S608 - our own words

_CAUSES: Mapping[str, str] = {
    "order_held": "No source has these units at the agreed price",
    "purchase_stuck": "It is not known whether the source holds this purchase",
    "purchase_unsent": "This purchase could not be placed so far",
    "balance_short": "Our account at a source does not cover what is to be bought there",
    "shipment_late": "The supplier has not sent what was promised",
    "charged_more": "The platform charges more than was agreed; what it only holds is not paid",
    "cancel_unanswered": "The leader asked to cancel, and the supplier has not answered",
    "left_anyway": "Goods left although their source had taken them back; the leader pays nothing",
    "address_asked": "The leader wants it sent elsewhere; its supplier has not answered",
    "claim_unanswered": "Nobody acted on this claim in time",
    "parcel_stuck": "This parcel does not move",
    "claim_refused_by_source": "The platform takes no claim about these goods",
    "claim_replaced": "The platform sends new goods under an order of its own",
    "replacement_unwanted": "A sheet says to send goods again that nobody wants any more",
    "claim_difference": "The platform gave back another amount than was due",
    "freight_returned": "The platform gave freight back beyond the goods",
    "deposit_waiting": "Money is said to have been paid in; look at the bank",
    "payout_waiting": "A party asks to be paid out",
    "earnings_owed": "Goods came back after what was earned on them was paid out",
    "statement_disputed": "A party disputes its statement",
    "books_differ": "A source's books differ from ours",
    "listing_held": "A reading would do harm, and was not applied",
    "sheet_not_sent": "A supplier's sheet has not left",
    "webhook_failing": "An endpoint does not take its messages",
    "application_waiting": "Somebody asks to trade here; look at the papers and answer",
    "supplier_lapsing": "A supplier's papers expire; without newer ones its goods are not sold",
}

_CLAIM: Mapping[str, tuple[str, ...]] = {
    "refund open": ("approve", "refuse", "advance"),
    "return open": ("approve", "refuse", "advance"),
    "exchange open": ("approve", "refuse"),
    "reissue open": ("approve", "refuse", "reissue"),
    "return approved": ("received", "advance"),
    "exchange approved": ("received",),
    "reissue approved": ("reissue",),
    "return returning": ("received", "refuse", "advance"),
    "exchange returning": ("received", "refuse"),
    "return received": ("refuse",),
    "exchange received": ("reissue", "refuse"),
}
_OF_CLAIM = {
    **_CLAIM,
    **{f"{now} advanced": tuple(x for x in may if x != "advance") for now, may in _CLAIM.items()},
}
_SENT_ANEW = {
    f"{kind} {state}": ("reissue",)
    for kind in ("exchange", "reissue")
    for state in ("open", "approved", "returning", "received")
}
"""The platform has sent new goods for it: nothing is left to refuse."""
_OPEN = {"door": ("refused",), "platform": ("ask",), "submitting": ("ask",)}
"""A platform is asked, and says itself what it will not send; a supplier may have said so by
telephone."""

ACTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "order_held": {"held": ("reroute", "cancel", "extend")},
    "purchase_stuck": {
        "unknown": ("ask", "found", "not_placed"),
        "resting": ("found", "not_placed"),
    },
    "purchase_unsent": {"ready": ("retry",), "resting": ()},
    "balance_short": {"short": ("retry",)},
    "shipment_late": _OPEN,
    "charged_more": {"held": ("accept", "refuse"), "open": ("accept",), "gone": ("dismiss",)},
    "cancel_unanswered": _OPEN,
    "left_anyway": {
        "open": ("intercept", "accept", "dismiss"),
        "stopping": ("accept", "dismiss"),
    },
    "address_asked": {"asked": ("accept", "refuse")},
    "claim_unanswered": _OF_CLAIM,
    "parcel_stuck": {"stuck": ("delivered",)},
    "claim_refused_by_source": _OF_CLAIM,
    "claim_replaced": _OF_CLAIM | _SENT_ANEW,
    "replacement_unwanted": {"asked": ("refused", "reissue"), "sent": ("dismiss",)},
    "claim_difference": {"refunded": ("counted", "dismiss")},
    "freight_returned": {"open": ("accept", "dismiss")},
    "deposit_waiting": {"open": ("confirm", "refuse")},
    "payout_waiting": {"requested": ("approve", "refuse")},
    "earnings_owed": {"covered": ("set_off", "write_off"), "bare": ("write_off",)},
    "statement_disputed": {"disputed": ("answer",)},
    "books_differ": {"entry": ("accept", "dismiss"), "no_entry": ("dismiss",)},
    "listing_held": {"held": ("release", "discard")},
    "sheet_not_sent": {"failed": ("send", "sent"), "erased": ("sent",)},
    "webhook_failing": {"failing": ("resume",), "disabled": ("resume",)},
    "application_waiting": {"open": ("refuse",)},
    "supplier_lapsing": {"lapsing": ("extend",)},
}
"""Kind → state → what may safely be done; what is not here must not be done from here."""


def actions(kind: str, state: str) -> tuple[str, ...]:
    """What may be done about a case of this kind in this state."""
    return ACTIONS.get(kind, {}).get(state, ())


def known_actions(kind: str) -> tuple[str, ...]:
    """What may be done about cases of this kind in any state."""
    return tuple(dict.fromkeys(one for each in ACTIONS.get(kind, {}).values() for one in each))


def waiting(
    session: Session,
    desk: Desk,
    now: datetime,
    *,
    kind: str | None = None,
    key: int | None = None,
    limit: int = 200,
    after: Cursor | None = None,
) -> list[dict[str, Any]]:
    """The cases that wait longest, first, behind the `place` of another.

    Money is in fen, None where none is at stake or it is not known. What no rule or promise gives a
    deadline is to be answered within the desk's own time.
    """
    asked: dict[str, Any] = {
        "now": now,
        "kind": kind,
        "key": key,
        "platforms": [code for code, terms in desk.sources.items() if terms.platform],
        "delivery": timedelta(days=desk.claims.delivery_days),
        "long_ago": LONG_AGO,
        "answer": timedelta(hours=desk.answer_hours),
        "limit": limit,
        "kinds": list(KINDS),
        "at": after and after[0],
        "place": after and after[1],
    }
    return [
        {
            "id": outside_id(row.kind, row.key),
            "kind": row.kind,
            "about": (row.about, row.id),
            "code": row.code,
            "cause": _CAUSES[row.kind],
            "detail": row.detail,
            "money": row.money,
            "deadline": row.deadline,
            "actions": actions(row.kind, row.state),
            "since": row.since,
            "place": (row.at, row.place),
        }
        for row in session.execute(_QUERY, asked)
    ]


def outside_id(kind: str, key: int) -> str:
    """How a case is named outside: its kind, and the id of the row that makes it one."""
    return outside(kind, key)


def inside_id(name: str) -> tuple[str, int]:
    """Kind and row of a case. Raises Problem 404."""
    kind, _, tail = name.rpartition("_")
    if kind not in KINDS:
        raise Problem(404, "not_found", f"there is no exception {name!r}")
    try:
        return kind, inside("exc", f"exc_{tail}")
    except Problem as problem:
        raise Problem(404, "not_found", f"there is no exception {name!r}") from problem
