"""What operators do about cases that wait: each action calls the function of the domain for it.

A case that waits no more, and an action that its state does not have, are refused. An action that
was done is not done again, and is told as done.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api import owners, workbench_money
from api.callers import Caller
from api.doing import Doing, Work
from api.shapes.workbench import ActionIn
from kit.errors import Problem, invalid
from kit.ids import outside
from sync import verdicts
from trade import (
    address_answers,
    applications,
    audits,
    charging,
    exceptions,
    following,
    held_orders,
    hooks,
    parties,
    purchases,
    qualifications,
    rerouting,
    sent_sheets,
    short_balance,
    unsure,
)
from trade.after_sales import claim_answers, freight_returns, platform_differences, recalls
from trade.models import AddressRequest, Audit, Purchase, SupplierSheet, Webhook
from trade.parcels import strays, tracking
from trade.suppliers import supplier_of


def act(
    session: Session, caller: Caller, name: str, action: str, asked: ActionIn, now: datetime
) -> None:
    """Do `action` about the case `name`, and write down who did it. Runs in system scope.

    Raises Problem 404 (no such case or action), 403 for a token without the right to do it, 409
    `wrong_state`, and what the action itself raises.
    """
    kind, key = exceptions.inside_id(name)
    known = exceptions.known_actions(kind)
    if action not in known:
        can = f"there are {', '.join(known)}" if known else "nothing is done about it from here"
        raise Problem(404, "unknown_action", f"there is no action {action!r} for {kind}; {can}")
    needs, work = _WORK[kind, action]
    if needs not in caller.identity.scopes:
        raise Problem(403, "not_allowed", f"this token may not do that: it needs {needs}")
    takes = _TAKES.get(work, frozenset()) | {"reason"}
    for field in sorted(asked.model_fields_set - takes):
        if getattr(asked, field) is not None:
            raise invalid(
                field, f"{action} of {kind} takes none, and nothing was done", "not_taken"
            )
    found = exceptions.waiting(session, caller.office.terms.desk, now, kind=kind, key=key)
    if not found:
        if _was_done(session, name, action):
            return
        raise Problem(409, "wrong_state", "this does not wait for anybody any more")
    [case] = found
    subject = outside(*case["about"])
    detail = {"subject": subject} | asked.model_dump(mode="json", exclude_none=True)
    detail.pop("return_to", None)  # names a person
    if action not in case["actions"] and _was_done(session, name, action, detail):
        return
    if action not in case["actions"]:
        can = ", ".join(case["actions"]) or "nothing but waiting"
        raise Problem(409, "wrong_state", f"{action} is not safe as it stands; possible: {can}")
    work(Doing(session, caller, key, subject, asked, now))
    audits.note(session, caller.actor, f"exception.{action}", name, detail)


def _was_done(
    session: Session, name: str, action: str, detail: dict[str, Any] | None = None
) -> bool:
    """Whether an action was done about a case, and in the same words where those are given."""
    done = select(Audit.id).where(Audit.subject == name, Audit.action == f"exception.{action}")
    if detail is not None:
        done = done.where(Audit.detail == detail)
    return session.scalar(done.limit(1)) is not None


def _cancel(it: Doing) -> None:
    held_orders.refund(it.session, it.desk, it.key, it.now)


def _extend(it: Doing) -> None:
    held_orders.extend(it.session, it.desk, it.key, it.now)


def _reroute(it: Doing) -> None:
    rerouting.reroute(it.session, it.desk, it.key, it.now)


def _ask(it: Doing) -> None:
    unsure.hurry(it.session, it.key, it.now)


def _topped_up(it: Doing) -> None:
    short_balance.topped_up(it.session, it.key, it.now)


def _look(it: Doing) -> None:
    following.look_now(it.session, it.key, it.now)


def _counted(it: Doing) -> None:
    it.need("amount")
    platform_differences.counted(it.session, it.key, it.amount or 0, it.now)


def _let_be(it: Doing) -> None:
    it.need("reason")
    platform_differences.dismissed(it.session, it.key, it.now)


def _freight(it: Doing) -> None:
    freight_returns.accept(it.session, it.key, it.now)


def _no_freight(it: Doing) -> None:
    it.need("reason")
    freight_returns.dismiss(it.session, it.key, it.now)


def _turn_down(it: Doing) -> None:
    applications.refuse(it.session, it.subject, it.need("reason"), it.now)


def _found(it: Doing) -> None:
    unsure.found(it.session, it.desk, it.key, it.need("platform_ref"), it.now)


def _not_placed(it: Doing) -> None:
    it.need("reason")
    unsure.not_placed(it.session, it.key, it.now)


def _refused(it: Doing) -> None:
    source = it.session.get_one(Purchase, it.key).source
    door, reason = supplier_of(it.session, source), it.need("reason")
    purchases.refuse(it.session, door, it.subject, "told_operator", reason, it.now)


def _accept_address(it: Doing) -> None:
    _answer_address(it, None)


def _refuse_address(it: Doing) -> None:
    _answer_address(it, it.need("reason"))


def _answer_address(it: Doing, refusal: str | None) -> None:
    door = owners.purchase_supplier(it.session, it.caller, it.subject)
    asked_at = it.session.get_one(AddressRequest, it.key).asked_at
    address_answers.answer(
        it.session,
        door,
        it.subject,
        it.now,
        accept=refusal is None,
        message=refusal,
        asked_at=asked_at,
    )


def _accept_charge(it: Doing) -> None:
    charging.accept(it.session, it.subject, it.now)


def _refuse_charge(it: Doing) -> None:
    charging.refuse(it.session, it.subject, it.now)


def _dismiss_charge(it: Doing) -> None:
    it.need("reason")
    charging.dismiss(it.session, it.subject)


def _stop(it: Doing) -> None:
    strays.stop(it.session, it.key, it.now)


def _owe(it: Doing) -> None:
    strays.owe(it.session, it.key, it.amount, it.now)


def _not_owed(it: Doing) -> None:
    it.need("reason")
    strays.settle(it.session, it.key, it.now)


def _delivered(it: Doing) -> None:
    tracking.found_delivered(it.session, it.key, it.now)


def _approve_claim(it: Doing) -> None:
    door = owners.claim_supplier(it.session, it.caller, it.subject)
    claim_answers.approve(
        it.session,
        it.desk,
        door,
        it.subject,
        it.now,
        amount=it.amount,
        return_to=it.asked.return_to,
    )


def _refuse_claim(it: Doing) -> None:
    door = owners.claim_supplier(it.session, it.caller, it.subject)
    claim_answers.refuse(
        it.session,
        it.desk,
        door,
        it.subject,
        it.need("reason"),
        [],
        it.now,
        by=it.caller.party_id,
    )


def _received(it: Doing) -> None:
    door = owners.claim_supplier(it.session, it.caller, it.subject)
    claim_answers.received(it.session, it.desk, door, it.subject, it.now)


def _reissue(it: Doing) -> None:
    door = owners.claim_supplier(it.session, it.caller, it.subject)
    carrier, number = it.need("carrier"), it.need("tracking_number")
    claim_answers.reissue(it.session, it.desk, door, it.subject, carrier, number, it.now)


def _keeps(it: Doing) -> None:
    it.need("reason")
    recalls.agreed(it.session, it.key, it.now)


def _unwanted(it: Doing) -> None:
    it.need("reason")
    recalls.seen(it.session, it.key, it.now)


def _advance(it: Doing) -> None:
    door = owners.claim_supplier(it.session, it.caller, it.subject)
    claim_answers.advance(it.session, it.desk, it.subject, door, it.amount, it.now)


def _release(it: Doing) -> None:
    verdicts.release(it.session, it.key)


def _discard(it: Doing) -> None:
    verdicts.rollback(it.session, it.key, it.now)


def _send(it: Doing) -> None:
    source = it.session.get_one(SupplierSheet, it.key).source
    sent_sheets.send_again(it.session, supplier_of(it.session, source), it.subject, it.now)


def _was_sent(it: Doing) -> None:
    it.need("reason")
    sent_sheets.found_sent(it.session, it.key, it.now)


def _vouch(it: Doing) -> None:
    it.need("reason")
    day = it.asked.until
    if day is None:
        raise invalid("until", "this action needs it", "missing")
    qualifications.vouch(it.session, parties.get(it.session, it.key), day, it.now)


def _resume(it: Doing) -> None:
    party = it.session.get_one(Webhook, it.key).party_id
    hooks.resume(it.session, party, it.subject, it.now)


_TAKES: Mapping[Callable[[Doing], None], frozenset[str]] = {
    _found: frozenset({"platform_ref"}),
    _counted: frozenset({"amount"}),
    _advance: frozenset({"amount"}),
    _owe: frozenset({"amount"}),
    _approve_claim: frozenset({"amount", "return_to"}),
    _reissue: frozenset({"carrier", "tracking_number"}),
    _vouch: frozenset({"until"}),
}
"""What an action can be told beside a reason, which is written down with each. Anything else is
refused: whoever names an amount means that amount."""
_CLAIM: Mapping[str, Work] = {
    "approve": ("claims:answer", _approve_claim),
    "refuse": ("claims:answer", _refuse_claim),
    "received": ("claims:answer", _received),
    "reissue": ("claims:answer", _reissue),
    "advance": ("claims:advance", _advance),
}
_WORK: Mapping[tuple[str, str], Work] = {
    ("order_held", "reroute"): ("purchases:write", _reroute),
    ("order_held", "cancel"): ("purchases:write", _cancel),
    ("order_held", "extend"): ("purchases:write", _extend),
    ("purchase_stuck", "ask"): ("purchases:write", _ask),
    ("purchase_stuck", "found"): ("purchases:write", _found),
    ("purchase_stuck", "not_placed"): ("purchases:write", _not_placed),
    ("purchase_unsent", "retry"): ("purchases:write", _ask),
    ("balance_short", "retry"): ("purchases:write", _topped_up),
    ("shipment_late", "refused"): ("purchases:write", _refused),
    ("charged_more", "accept"): ("purchases:write", _accept_charge),
    ("charged_more", "refuse"): ("purchases:write", _refuse_charge),
    ("charged_more", "dismiss"): ("purchases:write", _dismiss_charge),
    ("cancel_unanswered", "refused"): ("purchases:write", _refused),
    ("left_anyway", "intercept"): ("purchases:write", _stop),
    ("left_anyway", "accept"): ("purchases:write", _owe),
    ("left_anyway", "dismiss"): ("purchases:write", _not_owed),
    ("address_asked", "accept"): ("purchases:write", _accept_address),
    ("address_asked", "refuse"): ("purchases:write", _refuse_address),
    ("shipment_late", "ask"): ("purchases:write", _look),
    ("cancel_unanswered", "ask"): ("purchases:write", _look),
    ("replacement_unwanted", "refused"): ("claims:answer", _keeps),
    ("replacement_unwanted", "reissue"): ("claims:answer", _reissue),
    ("replacement_unwanted", "dismiss"): ("claims:answer", _unwanted),
    ("claim_difference", "counted"): ("claims:answer", _counted),
    ("claim_difference", "dismiss"): ("claims:answer", _let_be),
    ("freight_returned", "accept"): ("claims:answer", _freight),
    ("freight_returned", "dismiss"): ("claims:answer", _no_freight),
    ("application_waiting", "refuse"): ("parties:write", _turn_down),
    ("parcel_stuck", "delivered"): ("purchases:write", _delivered),
    ("listing_held", "release"): ("sources:write", _release),
    ("listing_held", "discard"): ("sources:write", _discard),
    ("sheet_not_sent", "send"): ("purchases:write", _send),
    ("sheet_not_sent", "sent"): ("purchases:write", _was_sent),
    ("webhook_failing", "resume"): ("webhooks:write", _resume),
    ("supplier_lapsing", "extend"): ("parties:write", _vouch),
    **workbench_money.WORK,
} | {
    (kind, action): work
    for kind in ("claim_unanswered", "claim_refused_by_source", "claim_replaced")
    for action, work in _CLAIM.items()
}
"""Kind and action → the right that its own route asks for too, and what is done."""
