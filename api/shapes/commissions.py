"""Links to goods that platforms sell, and what they earn."""

from pydantic import Field

from api.shapes.base import Out


class LinkOut(Out):
    """A link of your own: goods bought through it earn you a commission."""

    url: str
    short_url: str
    password: str = Field(
        description="Words to paste into the platform's app, where there are any."
    )
    valid_until: str | None


class CommissionOut(Out):
    """Goods bought through a link; what a platform calls them is for operators."""

    id: str
    title: str
    quantity: int
    returned: int
    status: str = Field(description="expected | payable | reversed")
    paid: str
    expected: str
    earned: str
    plan: str
    ordered_at: str
    changed_at: str
    party: str | None = None
    source: str | None = None
    order_ref: str | None = None
    state: str | None = None
    reason: str | None = None
    booked: str | None = None
