"""When a parcel leaves: the supplier's own words turned into one moment. Pure."""

from datetime import UTC, date, datetime, time, timedelta

from kit.clock import SHANGHAI


def ships_by(
    now: datetime,
    *,
    within_hours: int | None,
    cutoff: str | None,
    presale_ship_by: date | None,
) -> datetime | None:
    """The latest moment of shipping promised for an order taken at `now`, or None: no promise.

    Hours count from now, or from the next morning (Asia/Shanghai) once `cutoff` ("16:00") has
    passed; a presale ships by the end of its stated day at the latest.
    """
    if presale_ship_by is not None and presale_ship_by >= now.astimezone(SHANGHAI).date():
        end = datetime.combine(presale_ship_by + timedelta(days=1), time(), SHANGHAI)
        return end.astimezone(UTC)
    if within_hours is None:
        return None
    return _counts_from(now, cutoff) + timedelta(hours=within_hours)


def keeps(by: datetime | None, promised: datetime | None, now: datetime) -> bool:
    """Whether a parcel that leaves by `by` leaves on the promised day (Asia/Shanghai) or before.

    A promise that was never made, or that is broken already, forbids nothing.
    """
    if promised is None or _day(promised) < _day(now):
        return True
    return by is not None and _day(by) <= _day(promised)


def _day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def _counts_from(now: datetime, cutoff: str | None) -> datetime:
    if cutoff is None:
        return now
    here = now.astimezone(SHANGHAI)
    if here.time() < time.fromisoformat(cutoff):
        return now
    return datetime.combine(here.date() + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)
