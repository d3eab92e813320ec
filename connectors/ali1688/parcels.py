"""Parcels of 1688's orders into our words, with what is in each. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from connectors.trading import SourceParcel, TrackEvent

from . import sign, values
from .orders import Order, entry_id, entry_sku
from .values import Record

GOODS = ("logisticsOrderGoods", "logisticsOrderSendGood")
"""Two keys of one thing: which order lines are in a parcel, with the pieces of each."""


def parcels(
    reply: Record, traces: Mapping[str, Sequence[TrackEvent]], found: Order
) -> list[SourceParcel]:
    """The parcels of a logistics reply with their steps by logisticsId, and the lines of their
    order that are in them; cancelled ones left out. Raises Bad."""
    told = {}
    for one in values.parts(reply, "result"):
        number = values.text(one, "logisticsBillNo")
        if number is None or values.text(one, "status") == "CANCEL":
            continue
        carrier = values.text(one, "logisticsCompanyName", "logisticsCompanyNo") or ""
        events = tuple(traces.get(values.text(one, "logisticsId") or number, ()))
        told[number] = SourceParcel(carrier, number, events, _inside(one, found))
    return list(told.values())


def _inside(parcel: Record, found: Order) -> tuple[tuple[str, int], ...]:
    """(external id, pieces) of the order's lines in a parcel: as many of each as it says, which is
    never more than were ordered. Where it names lines without pieces they are in it whole, but a
    line that is in it alone with as many as are sent; empty where it names none, or others."""
    if stated := _stated(parcel, found.entries):
        return stated
    named = {entry_id(one): one for one in found.entries}
    if len(named) == 1:  # an order that has one line is named itself
        named[found.ref] = found.entries[0]
    ids = [one.strip() for one in (values.text(parcel, "orderEntryIds") or "").split(",")]
    if any(one not in named for one in ids):
        return ()
    held = [(entry_sku(named[one]), _ordered(named[one])) for one in ids]
    goods = values.parts(parcel, "sendGoods")
    if len(held) == len(goods) == 1 and (pieces := values.whole(goods[0], "quantity")):
        held = [(held[0][0], min(pieces, held[0][1]))]
    return tuple(held)


def _stated(parcel: Record, entries: Sequence[Record]) -> tuple[tuple[str, int], ...]:
    """What a parcel says line by line; empty where it says nothing, or of lines of others. Its
    lines may go by the numbers that have lost digits."""
    exact = {entry_id(one): one for one in entries}
    rough = [values.text(one, "subItemID") or "" for one in entries]
    named = {key: one for key, one in zip(rough, entries, strict=True) if rough.count(key) == 1}
    own = values.text(parcel, "logisticsId")
    pieces: Counter[str] = Counter()
    for good in values.parts(parcel, *GOODS):
        if values.text(good, "logisticsId") not in (None, own):
            continue
        entry = (named | exact).get(values.text(good, "tradeOrderItemId") or "")
        count = values.whole(good, "quantity")
        if entry is None or not count or count < 0:
            return ()
        pieces[entry_id(entry)] += count
    return tuple(
        (entry_sku(exact[key]), min(count, _ordered(exact[key]))) for key, count in pieces.items()
    )


def _ordered(entry: Record) -> int:
    return values.whole(entry, "quantity") or 0


def steps(reply: Record) -> dict[str, tuple[TrackEvent, ...]]:
    """What carriers told, by logisticsId, in order of time."""
    found = {}
    for one in values.parts(reply, "logisticsTrace", "result"):
        told = [
            TrackEvent(at, values.text(step, "remark") or "")
            for step in values.parts(one, "logisticsSteps")
            if (at := sign.instant(step.get("acceptTime"))) is not None
        ]
        key = values.text(one, "logisticsId", "logisticsBillNo")
        if key is not None:
            found[key] = tuple(sorted(told, key=lambda event: event.at))
    return found
