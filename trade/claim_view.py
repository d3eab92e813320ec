"""What a leader sees of a claim, in its order and by itself: a pure function of her own rows."""

from collections.abc import Sequence
from typing import Any

from kit.ids import outside
from kit.money import yuan
from trade.models import Claim, ClaimLine, Parcel


def claim_view(
    claim: Claim, lines: Sequence[ClaimLine], names: dict[int, str], parcels: Sequence[Parcel]
) -> dict[str, Any]:
    """A claim as its leader sees it; `names` are outside SKU ids by order line, `parcels` those
    that came in the place of others."""
    return {
        "id": outside("clm", claim.id),
        "order": outside("ord", claim.order_id),
        "kind": claim.kind,
        "cause": claim.cause,
        "status": claim.state,
        "reason": claim.reason,
        "evidence": claim.evidence,
        "answer": claim.answer,
        "approved": None if claim.approved is None else yuan(claim.approved),
        "freight_refunded": yuan(claim.freight_refunded),
        "postage": postage_view(claim, "refunded", claim.postage_refunded),
        "sent_back": waybill_view(claim.back_carrier, claim.back_number),
        "reissued": parcel_view(next((p for p in parcels if p.claim_id == claim.id), None)),
        "due_at": claim.due_at,
        "escalated_at": claim.escalated_at,
        "lines": [
            {
                "sku": names[line.order_line_id],
                "quantity": line.quantity,
                "amount": yuan(line.asked),
                "refunded": yuan(line.refunded),
            }
            for line in lines
        ],
        "created_at": claim.created_at,
        "updated_at": claim.updated_at,
    }


def postage_view(claim: Claim, name: str, given: int) -> dict[str, str] | None:
    """What sending goods back has cost, and what was `given` for it, where it was asked for."""
    return {"asked": yuan(claim.postage), name: yuan(given)} if claim.postage else None


def waybill_view(carrier: str | None, number: str | None) -> dict[str, Any] | None:
    """A waybill, where there is one."""
    return None if number is None else {"carrier": carrier, "tracking_number": number}


def parcel_view(parcel: Parcel | None) -> dict[str, Any] | None:
    """The waybill of a parcel, where there is one."""
    return None if parcel is None else waybill_view(parcel.carrier, parcel.tracking_number)
