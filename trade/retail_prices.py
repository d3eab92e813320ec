"""At what retail prices goods are sold on: inside what brands allow, there and then. Pure."""

from datetime import datetime
from decimal import Decimal

from catalog import corridors
from kit.errors import FieldError, Problem
from trade import selections
from trade.planning import Draft, open_to


def checked(
    draft: Draft, region: str, now: datetime, under: Decimal | None = None
) -> dict[int, Decimal | None]:
    """Each line's retail price: of the share `under` which it is bought, the order's own or the
    selection's, inside the corridor. Raises Problem 409 `outside_corridor`."""
    found: dict[int, Decimal | None] = {}
    faults = []
    for priced in draft.lines:
        line = priced.line
        retail = line.retail_price if under is None else under
        if retail is None and (rule := selections.rule_for(draft.rules, line.named, line.sku_id)):
            retail = rule.retail(priced.unit_price)
        own = draft.supplies.get(line.sku_id, ())  # a bundle may have no offer of its own
        floor, ceiling = corridors.corridor(open_to(own), draft.policies, region, now)
        if fault := selections.corridor_fault(retail, floor, ceiling):
            field = f"lines.{line.index}.retail_price"
            faults.append(FieldError(field, "outside_corridor", fault))
        found[line.index] = retail
    if faults:
        raise Problem(
            409,
            "outside_corridor",
            "a retail price is outside what the brand allows, so nothing was ordered;"
            " change it in the line or in your selection",
            errors=faults,
        )
    return found
