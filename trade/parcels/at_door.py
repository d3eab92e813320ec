"""Parcels as suppliers tell of them at our own door, each in a transaction of its own."""

from collections.abc import Sequence
from datetime import datetime

from kit.db import Database
from kit.errors import Problem
from trade.parcels import strays
from trade.parcels.shipping import Shipment, ship
from trade.purchases import Supplier


def ship_batch(
    db: Database, supplier: Supplier, shipments: Sequence[Shipment | Problem], now: datetime
) -> list[Shipment | Problem]:
    """Each shipment in a transaction of its own; returns it, or what went wrong with it, also
    before it came here."""
    results: list[Shipment | Problem] = []
    for shipment in shipments:
        if isinstance(shipment, Problem):
            results.append(shipment)
            continue
        try:
            with db.as_system() as session:
                ship(session, supplier, shipment, now)
            results.append(shipment)
        except Problem as problem:
            not_taken(db, supplier, shipment, problem, now)
            results.append(problem)
    return results


def not_taken(
    db: Database, supplier: Supplier, shipment: Shipment, problem: Problem, now: datetime
) -> bool:
    """A shipment is refused with this problem; where its supplier had given the goods back, and has
    a waybill for them all the same, that is written down. Always False: it stays refused."""
    if problem.code == "wrong_state":
        with db.as_system() as session:
            strays.at_door(session, supplier, shipment, now)
    return False
