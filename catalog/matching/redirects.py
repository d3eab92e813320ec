"""Where SKUs that were merged lead to."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from kit.statements import ids_text, send

_LED = "SELECT from_sku, to_sku FROM sku_redirects WHERE from_sku = ANY(%s)"


def current(session: Session, skus: Iterable[int]) -> dict[int, int]:
    """Each SKU and the one that now stands for it: itself, unless it was merged."""
    asked = list(dict.fromkeys(skus))
    led = dict(send(session, (_LED, [ids_text(asked)]))[0])
    return {sku: led.get(sku, sku) for sku in asked}


def with_led(session: Session, skus: Iterable[int]) -> list[int]:
    """These SKUs and those that now stand for them, in the order of their ids."""
    return sorted({sku for pair in current(session, skus).items() for sku in pair})
