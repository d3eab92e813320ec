"""Operators: their own rules of routing, and what others would have done to past orders."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import owners, replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.routing import ReplayIn, ReplayOut, RoutingRuleIn, RoutingRulesIn, RoutingRulesOut
from kit import clock
from kit.ids import given as named
from kit.ids import outside
from kit.money import yuan
from trade import audits, refusal
from trade.routing import routing_rules, routing_trials
from trade.routing.routing_rules import DERIVED, Rule, Rulebook, When
from trade.routing.routing_trials import Trial

router = APIRouter(prefix="/v1/routing-rules", tags=["operators"])

Reads = Annotated[Caller, Depends(allow("routing:read"))]
Writes = Annotated[Writer, Depends(allow_write("routing:write"))]


@router.get("", response_model=RoutingRulesOut, summary="The rules of routing in force")
def get(caller: Reads) -> Response:
    """Version 0 is before the first rule."""
    with caller.system() as session:
        return replies.answer(_view(routing_rules.current(session)))


@router.put("", response_model=RoutingRulesOut, summary="Put other rules of routing in force")
def put(caller: Writes, asked: RoutingRulesIn) -> Response:
    """All of them at once, for the next order on; orders that are placed keep their purchases, and
    units that are held are looked for again."""

    rules = _rules(asked.rules)

    def work(session: Session) -> Reply:
        _check(session, caller, rules)
        former = routing_rules.current(session)
        book = routing_rules.put(
            session,
            rules,
            version=asked.version,
            actor=caller.actor,
            note=asked.note,
            now=clock.now(),
        )
        refusal.look_again(session)
        detail = {"note": asked.note, **routing_rules.differences(former, book)}
        audits.note(session, caller.actor, "routing.put", str(book.version), detail)
        return Reply(200, _view(book))

    return caller.do(work)


@router.post("/replay", response_model=ReplayOut, summary="What other rules would have done")
def replay(caller: Reads, asked: ReplayIn) -> Response:
    """Changes nothing. Each order's first routing is made again by what was known at its time."""
    until = asked.until or clock.now()
    since = asked.since or until - timedelta(days=30)
    rules = _rules(asked.rules)
    with caller.system() as session:
        _check(session, caller, rules)
        found = routing_trials.replay(session, rules, since, until, asked.limit)
    served = [(one.landed, one.then) for one in found.trials if one.then is not None]
    return replies.answer(
        {
            "items": [_tried(one) for one in found.trials],
            "replayed": len(found.trials),
            "changed": sum(one.changed for one in found.trials),
            "unserved": len(found.trials) - len(served),
            "landed": yuan(sum(landed for landed, _ in served)),
            "landed_then": yuan(sum(then for _, then in served)),
            "of_today": ["names"],
            "not_replayable": found.not_replayable,
        }
    )


def _rules(given: Sequence[RoutingRuleIn]) -> list[Rule]:
    return [_rule(place, one) for place, one in enumerate(given)]


def _check(session: Session, caller: Caller, rules: Sequence[Rule]) -> None:
    """Raises Problem 422 for a source that is not there."""
    named = ((f"rules.{place}.when.source", one.when.source) for place, one in enumerate(rules))
    owners.check_sources(session, caller, named)


def _rule(place: int, given: RoutingRuleIn) -> Rule:
    values: dict[str, Any] = given.model_dump()
    sku = given.when.sku
    number = None if sku is None else named("sku", sku, f"rules.{place}.when.sku")
    values["when"] = When(**values["when"] | {"sku": number})
    for name in ("per_unit", "percent"):
        values[name] = Decimal(values[name])
    return Rule(**values)


def _view(book: Rulebook) -> dict[str, Any]:
    counting = {rule.id for rule in book.in_force(clock.now())}
    return {
        "version": book.version,
        "rules": [_shown(rule) | {"in_force": rule.id in counting} for rule in book.rules],
    }


def _shown(rule: Rule) -> dict[str, Any]:
    return vars(rule) | {
        "when": _when(rule.when),
        "per_unit": f"{rule.per_unit:f}",
        "percent": f"{rule.percent:f}",
    }


def _when(when: When) -> dict[str, Any]:
    shown = {name: value for name, value in vars(when).items() if name not in DERIVED}
    return shown | {"sku": when.sku and outside("sku", when.sku)}


def _tried(one: Trial) -> dict[str, Any]:
    return {
        "order": outside("ord", one.order_id),
        "at": one.at,
        "changed": one.changed,
        "sources": one.sources,
        "sources_then": one.sources_then,
        "landed": yuan(one.landed),
        "landed_then": None if one.then is None else yuan(one.then),
        "unsellable": {str(key): code for key, code in one.unsellable.items()},
    }
