"""Endpoints of other programs, and what they are told, as callers send and see it."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from api.shapes.base import In, Out, one_of
from kit.faults import form
from trade import event_feed

Url = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^https?://[\x21-\x7e]+$", "give an https:// address, in ASCII and without spaces"
        ),
        max_length=2000,
    ),
]
CURSOR = form(
    event_feed.CURSOR, "give `next` of GET /v1/events, the cursor of a webhook, 0 or latest"
)
After = Annotated[
    str,
    StringConstraints(
        pattern=CURSOR,
        max_length=40,
    ),
]
EventId = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^(evt|chg)_[0-9A-Za-z]+$", "give the webhook-id of a message, like evt_Xk3vQ9"
        ),
        max_length=40,
    ),
]
_EVENT = form(r"^[a-z_.*]+$", "name events like order.* or price.changed")


class WebhookIn(In):
    """An endpoint, and what it wants to hear."""

    url: Url = Field(examples=["https://example.com/huopan"])
    events: list[Annotated[str, StringConstraints(max_length=40, pattern=_EVENT)]] = Field(
        min_length=1,
        max_length=10,
        description="order.*, purchase.*, parcel.*, claim.*, statement.ready, product.changed,"
        " price.changed, stock.changed; which of them there are is a matter of your role.",
    )


class ReplayIn(In):
    """What to tell again: everything after a cursor, or one event."""

    model_config = ConfigDict(json_schema_extra=one_of("after", "event"))

    after: After | None = Field(
        None, description="A cursor of GET /v1/events or of a webhook: everything after it."
    )
    event: EventId | None = Field(None, description="The `webhook-id` of one message.")
    dry_run: bool = Field(default=False, description="Say what it would tell, and change nothing.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.after is None) == (self.event is None):
            raise ValueError("give either after or event")
        return self


class MissedOut(Out):
    """Messages that it did not take within a day, so that they were given up."""

    messages: int
    after: str = Field(description="The cursor from which a replay tells all of them again.")


class WebhookOut(Out):
    """An endpoint and how it is doing."""

    id: str
    url: str
    events: list[str]
    status: str = Field(description="active | failing | disabled")
    failure: str | None = Field(description="Why the last attempts failed.")
    failing_since: str | None = Field(description="Since when it has taken nothing.")
    paused_until: str | None
    waiting: int = Field(description="Messages that it has not taken yet.")
    missed: MissedOut | None = Field(description="Until a replay has told it again.")
    cursor: str = Field(description="Up to here messages were written down for it.")
    delivered_at: str | None
    created_at: str
    updated_at: str


class WouldTellOut(Out):
    """What a replay would tell."""

    messages: int = Field(description="Of the first 1,000 events after the cursor.")
    types: dict[str, int] = Field(description="How many of them there are of each type.")
    more: bool = Field(description="There are more events than were counted.")


class WebhookReplayedOut(WebhookOut):
    """An endpoint, and what is told again."""

    dry_run: bool
    would: WouldTellOut | None = Field(description="Of a dry run.")


class WebhookSecretOut(WebhookOut):
    """An endpoint with the secret that signs its messages, shown this once."""

    secret: str = Field(examples=["whsec_…"])


class EventOut(Out):
    """What happened; the same as the body of its message, with the message's id."""

    id: str = Field(description="`webhook-id` of its message.")
    type: str
    timestamp: str
    data: dict[str, Any]


class EventsOut(Out):
    """Events, and the cursor to go on from; ask again at once while `more`."""

    items: list[EventOut]
    next: str
    more: bool
