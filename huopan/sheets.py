"""A supplier's sheet on disk: what it promises is committed only once it is written."""

import os
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from huopan.house import House
from sync.sources import config_of
from trade.models import Purchase
from trade.sheets import SHOWN, export
from trade.suppliers import supplier_of


def write(house: House, code: str, path: Path, now: datetime) -> int:
    """Write what waits to be sent to `path`; returns how many purchases, 0 writes nothing.

    Purchases count as accepted with the sheet, so it is on disk before that is committed. Raises
    Problem 404 for an unknown source, OSError where the sheet cannot be written.
    """
    config_of(house.settings, code)
    with house.db.as_system() as session:
        waiting = select(func.count()).where(Purchase.source == code, Purchase.state.in_(SHOWN))
        count = session.scalar(waiting) or 0
        if not count:
            return 0
        content = export(session, house.desk, supplier_of(session, code), now)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return count
