"""Refunds and returns at 1688 into our words, and ours into its. Pure; amounts there are fen."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from connectors.errors import NoSuchThing, Refused
from connectors.trading import ClaimKind, ClaimState, SourceClaim, SourceRefund
from kit.money import portion, split

from . import orders, values
from .orders import Order
from .values import Record

STATES = {
    "waitselleragree": "open",
    "waitbuyermodify": "refused",
    "waitbuyersend": "approved",
    "waitsellerreceive": "returning",
    "refundsuccess": "refunded",
    "refundclose": "cancelled",
}
CLOSED = frozenset({"refundclose"})
OVER = CLOSED | {"refundsuccess"}
COMPANIES = {
    "顺丰": "SF",
    "中通": "ZTO",
    "圆通": "YTO",
    "申通": "STO",
    "韵达": "YUNDA",
    "极兔": "JTSD",
    "京东": "JD",
    "邮政ems": "EMS",
    "邮政": "POSTB",
    "德邦": "DBKD",
    "百世": "HTKY",
}
"""Carriers by the names that suppliers write, and their codes there."""
_DISPUTES: dict[ClaimKind, str] = {"refund": "refund", "return": "returnRefund"}
SHORTEST, LONGEST = 2, 150
"""Characters of a description."""
MOST_VOUCHERS = 5


def entry_of(found: Order, external: str) -> Record:
    """The line of a SKU. Raises NoSuchThing."""
    entry = found.entry(external)
    if entry is None:
        raise NoSuchThing("no-such-line", f"order {found.ref} has no line of {external}")
    return entry


def goods_status(found: Order, *, returns: bool) -> str:
    """Where the goods are, in the words that a refund is asked in."""
    if found.state in ("completed", "delivered") and found.status != "signinsuccess":
        return "aftersaleBuyerReceived" if returns else "aftersaleBuyerNotReceived"
    if found.status == "waitsellersend":
        return "refundWaitSellerSend"
    return (
        "refundBuyerReceived"
        if returns or found.status == "signinsuccess"
        else "refundWaitBuyerReceive"
    )


def kinds(found: Order) -> tuple[ClaimKind, ...]:
    """What may be asked for while an order stands so; goods go back once they have arrived."""
    if found.state in ("held", "cancelled"):
        return ()
    return ("refund",) if found.state == "open" else ("refund", "return")


def open_refund(entry: Record) -> str | None:
    """The refund that an order line is already under."""
    status = (values.text(entry, "refundStatus") or "").replace("_", "").lower()
    over = "close" in status or "success" in status
    return None if over else values.text(entry, "refundId", "refundIdForAs")


def reason(reasons: Iterable[Record], wanted: str) -> Record:
    """The platform's reason that says what we say, else one without voucher. Raises Refused."""
    listed = list(reasons)
    alike = [one for one in listed if (name := values.text(one, "name")) and name in wanted]
    plain = [one for one in listed if str(one.get("needVoucher")).lower() != "true"]
    chosen = (alike or plain or listed)[:1]
    if not chosen:
        raise Refused("5004", "1688 offers no reason for such a claim")
    return chosen[0]


def application(claim: SourceClaim, found: Order, why: Record) -> dict[str, Any]:
    """The parameters of a new refund. Raises Refused or Bad."""
    if claim.kind not in _DISPUTES or claim.kind not in kinds(found):
        raise Refused("5010", f"1688 takes no {claim.kind} of an order that is {found.status}")
    entry = entry_of(found, claim.external_id)
    bought = values.whole(entry, "quantity") or 0
    if not 1 <= claim.quantity <= bought:
        raise Refused("5013", f"{bought} pieces were bought, {claim.quantity} are claimed")
    unshipped = found.state == "open"
    if unshipped and claim.quantity < bought:
        raise Refused("5013", "before shipment 1688 refunds a line only as a whole")
    line = values.number(entry, "itemAmount") or Decimal(0)
    whole = int((line * 100).to_integral_value())
    carriage = 0
    if unshipped and str(why.get("noRefundCarriage")).lower() != "true":
        carriage = carriages(found)[found.entries.index(entry)]
    entry_id = int(orders.entry_id(entry))
    asked = portion(whole, 0, claim.quantity, bought)
    if claim.amount is not None:
        if unshipped or claim.kind != "refund":
            raise Refused("5011", "1688 pays back a part only of goods that were sent and are kept")
        asked = min(asked, int((claim.amount * 100).to_integral_value()))
    some = claim.kind == "return" and claim.quantity < bought
    return {
        "orderId": found.ref,
        "orderEntryIds": [entry_id],
        "disputeRequest": _DISPUTES[claim.kind],
        "applyPayment": asked,
        "applyCarriage": carriage,
        "applyReasonId": values.needed(why, "id"),
        "description": _described(claim.reason),
        "goodsStatus": goods_status(found, returns=claim.kind == "return"),
        "vouchers": list(claim.images[:MOST_VOUCHERS]) or None,
        "orderEntryCountList": [{"id": entry_id, "count": claim.quantity}] if some else None,
    }


def carriages(found: Order) -> list[int]:
    """The fen of an order's freight that fall to each of its lines by their amounts: 1688 names no
    other rule for a part. All lines together are all of it; nothing once anything has left."""
    if any(map(orders.moving, found.entries)):
        return [0] * len(found.entries)
    whole = int(((found.freight or Decimal(0)) * 100).to_integral_value())
    return split(whole, _weights(found.entries))


def _weights(entries: Sequence[Record]) -> list[int]:
    """The fen of order lines, by which what is of all of them is shared."""
    amounts = [values.number(one, "itemAmount") or Decimal(0) for one in entries]
    weights = [int((one * 100).to_integral_value()) for one in amounts]
    return weights if any(weights) else [1] * len(weights)


def carriage_back(listed: Iterable[Record], entries: Sequence[Record]) -> Decimal:
    """The freight in CNY that came back with refunds of these lines of an order, among all of the
    order's. Raises Bad."""
    back = 0
    for one in listed:
        if _about(one, entries) and _succeeded(one):
            back += values.fen(one, "refundCarriage") or 0
    return values.from_fen(back)


def asked_after(found: Order) -> bool:
    """Whether a refund is told, of whatever end, of any line that has left."""
    keys = "refundStatus", "refundId", "refundIdForAs"
    told = [one for one in found.entries if values.text(one, *keys)]
    return any(map(orders.moving, told))


def given(listed: Iterable[Record], found: Order) -> tuple[SourceRefund, ...]:
    """What came back for lines of an order that had left, among all of the order's refunds; one of
    several lines is one of each. Raises Bad."""
    back = []
    for model in filter(_succeeded, listed):
        about = _about(model, found.entries)
        for entry in filter(orders.moving, about):
            key = orders.entry_id(entry)
            amount = values.fen(of_line(model, found, key), "refundPayment", "applyPayment")
            name = values.needed(model, "refundId")
            ref = name if len(about) == 1 else f"{name}:{found.ref}:{key}"
            if amount:
                paid = values.from_fen(amount)
                back.append(SourceRefund(ref, orders.entry_sku(entry), paid))
    return tuple(back)


def of_line(model: Record, found: Order, key: str) -> Record:
    """A refund of several lines as that of one, with its share by the lines' amounts. Raises
    Bad."""
    about = _about(model, found.entries)
    keys = [orders.entry_id(one) for one in about]
    if key not in keys:
        raise values.Bad("orderEntryIdList", key, "the refund is not about this line")
    shares = {
        name: split(whole, _weights(about))[keys.index(key)]
        for name in ("refundPayment", "applyPayment", "refundCarriage")
        if (whole := values.fen(model, name)) is not None
    }
    return {**model, **shares}


def _about(model: Record, entries: Iterable[Record]) -> list[Record]:
    """Those of an order's lines that a refund is about: all, where it names none."""
    known = model.get("orderEntryIdList")
    named = {str(each) for each in known} if isinstance(known, list) else None
    return [one for one in entries if named is None or orders.entry_id(one) in named]


def _succeeded(model: Record) -> bool:
    return (values.text(model, "status") or "").lower() == "refundsuccess"


def _described(words: str) -> str:
    told = " ".join(words.split())[:LONGEST]
    return told if len(told) >= SHORTEST else f"申请退款{told}"


def model_of(reply: Record) -> Record:
    """The refund in a reply, at whatever depth it lies. Raises Bad."""
    waiting: list[Any] = [reply]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict):
            if values.text(one, "status") and values.text(one, "refundId", "orderId"):
                return one
            waiting += list(one.values())
        elif isinstance(one, list):
            waiting += one
    raise values.Bad("status", "", "the reply has no refund in it")


def of_entry(
    listed: Iterable[Record], entry_id: str, *, ended: frozenset[str] = OVER
) -> list[Record]:
    """The refunds of an order line among an order's, without those that ended so."""
    found = []
    for one in listed:
        entries = one.get("orderEntryIdList")
        known = [str(each) for each in entries] if isinstance(entries, list) else [entry_id]
        if entry_id in known and values.text(one, "status") not in ended:
            found.append(one)
    return found


def company(name: str) -> str:
    """1688's code of a carrier; the name itself where it has no code that we know."""
    return COMPANIES.get(name, name)


def state(model: Record, claim_ref: str) -> ClaimState:
    """How a refund stands. Raises Bad."""
    status = values.needed(model, "status")
    known = STATES.get(status.lower(), "open")
    paid = values.fen(model, "refundPayment")
    carriage = values.fen(model, "refundCarriage")
    refunded = known == "refunded" and paid is not None
    back = [values.text(model, key) for key in ("sellerReceiveAddress", "sellerRealName")]
    back.append(values.text(model, "sellerMobile", "sellerTel"))
    return ClaimState(
        claim_ref,
        known,  # type: ignore[arg-type]  # the table above has nothing else
        values.text(model, "rejectReason") or status,
        values.from_fen((paid or 0) + (carriage or 0)) if refunded else None,
        " ".join(one for one in back if one),
        freight=values.from_fen(carriage) if refunded and carriage is not None else None,
    )
