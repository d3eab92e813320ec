"""What brands let an order have: goods that are granted, and how many units of them.

Units count from the purchases themselves, so that what a source refuses or a leader cancels may be
ordered again. Orders that share a limit queue for it before they count. System scope.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.grants import Grant, Grants
from catalog.matching.redirects import current
from catalog.selling import start_of_day
from kit.crypto import Keyring
from trade.routing.routing import Supply

Had = Mapping[tuple[str, int], int]
"""Units by source and SKU."""


@dataclass(frozen=True)
class Asking:
    """Who orders what was granted, for delivery where and to whom.

    `mobiles` are the keyed hashes of the recipient's number, the one of today's key first; `order`
    is one that is placed already and looks for other sources.
    """

    party_id: int
    grants: Grants
    region: str
    mobiles: tuple[bytes, ...] = ()
    order: int | None = None


def keyed(keyring: Keyring, mobile: str) -> tuple[bytes, ...]:
    """The hashes that a recipient's number may be kept under."""
    return keyring.fingerprints(mobile, "mobile")


def applied(
    session: Session, supplies: Iterable[Supply], asks: Asking, now: datetime, *, lock: bool
) -> list[Supply]:
    """The supplies with what their brands allow; `lock` holds the limits until the transaction
    ends."""
    supplies = list(supplies)
    decided = {
        supply.offer_id: asks.grants.deciding(supply.sku_id, supply.goods, asks.region, now)
        for supply in supplies
        if asks.grants.restricts(supply.source)
    }
    limited = [s for s in supplies if (grant := decided.get(s.offer_id)) and _limits(grant)]
    counts = _counted(session, limited, decided, asks, now, lock=lock) if limited else {}
    return [
        _told(supply, decided[supply.offer_id], counts) if supply.offer_id in decided else supply
        for supply in supplies
    ]


def granted(supplies: Iterable[Supply], asks: Asking, now: datetime) -> list[Supply]:
    """As `applied`, as if nothing had been ordered yet: who may, and how many in one order."""
    return [
        _told(supply, asks.grants.deciding(supply.sku_id, supply.goods, asks.region, now), {})
        if asks.grants.restricts(supply.source)
        else supply
        for supply in supplies
    ]


def counted(supplies: Iterable[Supply], asks: Asking, now: datetime) -> bool:
    """Whether what was ordered before counts for any of these."""
    for supply in supplies:
        if asks.grants.restricts(supply.source):
            grant = asks.grants.deciding(supply.sku_id, supply.goods, asks.region, now)
            if grant is not None and _limits(grant):
                return True
    return False


def had_today(session: Session, party_id: int, sku_id: int, now: datetime) -> dict[str, int]:
    """Units of a SKU that the party has ordered today, by source."""
    asked = {
        "skus": [current(session, [sku_id])[sku_id]],
        "party": party_id,
        "since": start_of_day(now),
    }
    return {source: units for (source, _), units in _had(session, _PARTY, asked).items()}


_UNITS = """
    SELECT p.source, coalesce(led.to_sku, ol.sku_id), sum(pl.quantity - pl.cancelled)
    FROM {start}
    JOIN purchase_lines pl ON pl.purchase_id = p.id
    JOIN order_lines ol ON ol.id = pl.order_line_id
    LEFT JOIN sku_redirects led ON led.from_sku = ol.sku_id
    WHERE {which} AND coalesce(led.to_sku, ol.sku_id) = ANY(:skus) GROUP BY 1, 2
"""
"""What was ordered of a SKU before it was merged counts for the one that it leads to."""
_JOINED = "orders o JOIN purchases p ON p.order_id = o.id"
_ORDER = text(_UNITS.format(start=_JOINED, which="o.id = :order"))
_PARTY = text(
    _UNITS.format(
        start=_JOINED,
        which="o.party_id = :party AND o.updated_at >= :since AND o.created_at >= :since",
    )
)
_RECIPIENT = text(
    _UNITS.format(
        start="recipients r JOIN purchases p ON p.recipient_id = r.id"
        " JOIN orders o ON o.id = p.order_id",
        which="r.mobile_hash = ANY(:mobiles) AND o.created_at >= :since",
    )
)
_LOCK = text("""
    SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
    FROM unnest(CAST(:keys AS text[])) AS key
""")


def _limits(grant: Grant) -> bool:
    return (grant.max_per_order, grant.max_per_day, grant.max_per_recipient) != (None, None, None)


def _counted(
    session: Session,
    limited: Sequence[Supply],
    decided: Mapping[int, Grant | None],
    asks: Asking,
    now: datetime,
    *,
    lock: bool,
) -> dict[str, Had]:
    """Units that count against each kind of limit, by its code."""
    grants = [(supply, grant) for supply in limited if (grant := decided[supply.offer_id])]
    by_day = {supply.sku_id for supply, grant in grants if grant.max_per_day is not None}
    by_person = {supply.sku_id for supply, grant in grants if grant.max_per_recipient is not None}
    if not asks.mobiles:
        by_person = set()
    if lock:
        keys = {f"limit:{sku}:party:{asks.party_id}" for sku in by_day}
        keys |= {f"limit:{sku}:to:{one.hex()}" for sku in by_person for one in asks.mobiles}
        session.execute(_LOCK, {"keys": sorted(keys)})
    since = start_of_day(now)
    counts: dict[str, Had] = {}
    if asks.order is not None:
        skus = sorted({supply.sku_id for supply in limited})
        counts["limit_per_order"] = _had(session, _ORDER, {"order": asks.order, "skus": skus})
    if by_day:
        asked = {"party": asks.party_id, "since": since, "skus": sorted(by_day)}
        counts["limit_per_day"] = _had(session, _PARTY, asked)
    if by_person:
        person = {"mobiles": list(asks.mobiles), "since": since, "skus": sorted(by_person)}
        counts["limit_per_recipient"] = _had(session, _RECIPIENT, person)
    return counts


def _had(
    session: Session, statement: object, asked: Mapping[str, object]
) -> dict[tuple[str, int], int]:
    rows = session.execute(statement, asked)  # type: ignore[call-overload]
    return {(source, sku): int(units) for source, sku, units in rows}


def _told(supply: Supply, grant: Grant | None, counts: Mapping[str, Had]) -> Supply:
    if grant is None:
        return replace(supply, granted=False)
    most = {
        "limit_per_order": grant.max_per_order,
        "limit_per_day": grant.max_per_day,
        "limit_per_recipient": grant.max_per_recipient,
    }
    left = {
        code: max(0, limit - counts.get(code, {}).get((supply.source, supply.sku_id), 0))
        for code, limit in most.items()
        if limit is not None
    }
    if not left:
        return supply
    tightest = min(left, key=lambda code: left[code])
    return replace(supply, allowed=left[tightest], limit=tightest, renewed=most[tightest])
