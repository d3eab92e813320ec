"""A supplier's sheet on disk: what it promises is committed only once it is written."""

import os
from datetime import datetime
from pathlib import Path

from huopan.house import House
from sync.sources import config_of
from trade.sheets import Written, export
from trade.suppliers import supplier_of


def write(house: House, code: str, path: Path, now: datetime) -> Written:
    """Write what waits to be sent to `path`, where there is anything.

    Purchases count as accepted with the sheet, so it is on disk before that is committed. Raises
    Problem 404 for an unknown source, OSError where the sheet cannot be written.
    """
    config_of(house.settings, code)
    with house.db.as_system() as session:
        sheet = export(session, house.desk, supplier_of(session, code), now)
        if sheet.purchases or sheet.claims:
            with path.open("wb") as file:
                file.write(sheet.content)
                file.flush()
                os.fsync(file.fileno())
    return sheet
