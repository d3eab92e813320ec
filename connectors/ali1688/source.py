"""A buyer's account at 1688 as a source: it follows offers, and buys by the piece and in bulk."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from connectors.errors import TryLater
from connectors.model import (
    Cursor,
    Listing,
    Message,
    OrderLine,
    Page,
    Placed,
    PriceFact,
    PurchaseOrder,
    ShipTo,
    StockFact,
    Watched,
)
from connectors.surroundings import Surroundings
from connectors.trading import ClaimState, Progress, ReturnOptions, SourceClaim, SourceQuote
from kit import log

from . import faults, following, products, values
from . import messages as hints
from .buying import Buying
from .calls import CONFIRM_MESSAGES, MESSAGES, RELATE
from .following import Reader
from .gateway import Gateway
from .returns import Returns
from .settings import AliSettings

logger = log.get(__name__)

ANSWER_SECONDS = 300
"""So soon a seller is looked at again who was asked to pay back what is not sent."""

Fact = TypeVar("Fact", PriceFact, StockFact)


class Ali1688:
    """One account: goods that are followed, messages, orders, parcels, refunds.

    An order takes one seller; `place` makes it unpaid (held), `confirm` pays it by agreement.
    """

    Settings = AliSettings
    read_batch = price_batch = stock_batch = RELATE

    def __init__(self, code: str, settings: AliSettings, around: Surroundings) -> None:
        self.code = code
        self.settings = settings
        self.gateway = Gateway(code, settings, around)
        self._reader = Reader(self.gateway, settings)
        self.buying = Buying(self.gateway, settings)
        self.returns = Returns(self.gateway, self.buying)

    def close(self) -> None:
        """Close the connections."""
        self.gateway.road.close()

    def authorise_page(self, redirect_uri: str, state: str) -> str:
        """Where the buyer authorises this app."""
        return self.gateway.page(redirect_uri, state)

    def authorise(self, code: str, redirect_uri: str) -> None:
        """Keep the token that the code stands for."""
        self.gateway.authorise(code, redirect_uri)

    @property
    def named(self) -> list[Watched]:
        """What the settings name to be followed."""
        given = self.settings
        own = [Watched("link", one) for one in given.items]
        return own + [Watched("query", one, given.query_pages) for one in given.queries]

    def follow(self, watched: Sequence[Watched], *, after: Cursor | None = None) -> Listing:
        """Offers and searches that are followed. Never complete: absence means nothing."""
        legs, rejects = following.legs(watched)
        pages = self._reader.pages(legs, rejects, after)
        expected = len(legs) + bool(rejects)
        return Listing(
            self.gateway.now(), complete=False, notes={}, pages=pages, pages_expected=expected
        )

    def read(self, external_ids: Sequence[str]) -> Page:
        """Offers again, all SKUs of each; what 1688 denies, or an offer no longer has, is gone."""
        offers = list(dict.fromkeys(products.offer_of(one) for one in external_ids))
        found = self._reader.read(offers)
        living = set(found.rows["external_id"])
        whole = set(found.rows["listing"]) - {
            one.file.removeprefix("offer ") for one in found.rejects
        }
        gone = [
            one
            for one in external_ids
            if products.offer_of(one) in found.gone
            or (products.spec_of(one) and products.offer_of(one) in whole and one not in living)
        ]
        return replace(found, gone=tuple(dict.fromkeys(gone)))

    def id_of(self, watched: Watched) -> str | None:
        """The offer that an id or a link names."""
        return following.id_of(watched)

    def prices(self, external_ids: Sequence[str]) -> list[PriceFact]:
        """What these SKUs cost now."""
        return self._facts(external_ids, products.priced)

    def stock(self, external_ids: Sequence[str], region: str = "") -> list[StockFact]:
        """What sellers have of these SKUs; 1688 knows no regions."""
        return self._facts(external_ids, products.stocked)

    def changes(self) -> list[Message]:
        """Messages that were missed, or not confirmed yet."""
        how = self.settings.messages
        batch = self.settings.message_batch
        asked = {"page": 1, "pageSize": batch} if how == "query" else {"quantity": batch}
        return hints.fetched(self.gateway.ask(MESSAGES[how], **asked))

    def ack(self, messages: Sequence[Message]) -> None:
        """Confirm messages whose facts were read again and committed."""
        if not messages:
            return
        reply = self.gateway.ask(CONFIRM_MESSAGES, msgIdList=[int(one.id) for one in messages])
        if faults.truth(reply.get("isSuccess")) is False:
            raise TryLater("not-confirmed", "1688 did not confirm the messages")

    def heard(self, headers: Mapping[str, str], body: bytes) -> list[Message]:
        """One push to our hook. Raises Refused when it is not signed with the app's secret."""
        return hints.heard(body, self.settings.app_secret.get_secret_value())

    def quote(self, lines: Sequence[OrderLine], ship_to: ShipTo) -> SourceQuote:
        """What an order would cost; see Buying."""
        return self.buying.quote(lines, ship_to)

    def place(self, order: PurchaseOrder) -> Placed:
        """An unpaid order; see Buying."""
        return self.buying.place(order)

    def find(self, our_ref: str) -> Placed | None:
        """The orders under our reference."""
        return self.buying.find(our_ref)

    def confirm(self, our_ref: str, most: Decimal | None = None) -> Placed:
        """Pay by agreement, no more than `most`."""
        return self.buying.confirm(our_ref, most)

    def cancel(self, our_ref: str, reason: str) -> None:
        """Close what is unpaid, and ask for the money of what is paid and not sent. Raises Refused
        where its seller keeps it, or it has left, TryLater until its seller has answered."""
        waits = [self.returns.unsent(one, reason) for one in self.buying.cancel(our_ref, reason)]
        if any(waits):
            told = f"{our_ref} is paid: its seller was asked to pay it back, and has not answered"
            raise TryLater("refund-asked", told, wait=ANSWER_SECONDS)

    def track(self, our_ref: str) -> Progress:
        """Orders and parcels as they are now."""
        return self.buying.track(our_ref)

    def options(self, ref: str, external_id: str) -> ReturnOptions:
        """What may be asked back."""
        return self.returns.options(ref, external_id)

    def find_claim(self, claim: SourceClaim, others: Collection[str] = ()) -> str | None:
        """The refund of a line that is none of the others, if any."""
        return self.returns.find(claim, others)

    def claim(self, claim: SourceClaim) -> str:
        """A refund or return."""
        return self.returns.claim(claim)

    def claim_state(self, claim_ref: str) -> ClaimState:
        """How a refund stands."""
        return self.returns.claim_state(claim_ref)

    def sent_back(self, claim_ref: str, carrier: str, tracking_number: str) -> None:
        """Tell the waybill of goods on their way back."""
        self.returns.sent_back(claim_ref, carrier, tracking_number)

    def _facts(
        self,
        external_ids: Sequence[str],
        reading: Callable[[values.Record], Iterable[Fact]],
    ) -> list[Fact]:
        wanted = set(external_ids)
        offers = list(dict.fromkeys(products.offer_of(one) for one in external_ids))
        found: list[Fact] = []
        for told in self._reader.told(offers):
            try:
                found += [one for one in reading(told) if one.external_id in wanted]
            except values.Bad as bad:
                logger.warning("unreadable_offer", source=self.code, column=bad.column)
        return found
