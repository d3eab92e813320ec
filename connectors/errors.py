"""What may go wrong at a source, named by what the caller may do next.

SupplierError(code, wait)
├── TryLater         nothing happened; repeat after `wait`
├── OutcomeUnknown   a write may have taken effect: ask find() before repeating
├── Refused          understood and declined; never repeat unchanged
│   ├── OutOfStock
│   ├── PriceChanged
│   ├── NotDeliverable
│   ├── NoSuchThing
│   └── BalanceShort
├── NotAuthorised    the account is at fault: pause it, tell a person
└── Unreadable       a reply or file in no form we know: keep it, alert, skip the record
"""

from collections.abc import Mapping
from decimal import Decimal


class SupplierError(Exception):
    """A source did not do what was asked.

    `code` is the source's own code (or ours where it has none), `message` a sentence for people,
    `wait` the seconds to wait before any further call, where the source says so.
    """

    def __init__(self, code: str, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.wait = wait


class TryLater(SupplierError):
    """Nothing happened; the same call may be repeated after `wait` seconds."""


class OutcomeUnknown(SupplierError):
    """A write may have taken effect: ask `find()` before repeating it."""


class Refused(SupplierError):
    """The source understood and declined; the same call must not be repeated unchanged."""


class OutOfStock(Refused):
    """The source has not enough of it."""


class PriceChanged(Refused):
    """The source asks another price than the one offered to it.

    `prices` are what it asks now, in CNY a unit by external id, as far as it was told; a line that
    is not among them may have kept its price. `freight` is what it asks for the transport, where
    that is what made it too dear.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        wait: float | None = None,
        prices: Mapping[str, Decimal] | None = None,
        freight: Decimal | None = None,
    ) -> None:
        super().__init__(code, message, wait=wait)
        self.prices = dict(prices or {})
        self.freight = freight


class NotDeliverable(Refused):
    """The source does not ship this to that address."""


class NoSuchThing(Refused):
    """The source knows no such item, order or area."""


class BalanceShort(Refused):
    """Our prepaid balance at the source does not cover the call."""


class NotAuthorised(SupplierError):
    """Credentials or permissions are at fault: the account pauses and a person is told."""


class Unreadable(SupplierError):
    """A reply or file in no form we know."""
