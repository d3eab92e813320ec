"""Operators: the price rules in force, and what others would do."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import owners, replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.pricing import PreviewIn, PreviewOut, RuleIn, RulesIn, RulesOut
from catalog import pricebook, reads
from catalog.pricebook import Pricebook
from catalog.pricing import Rule
from kit import clock
from kit.ids import given, outside
from kit.money import price_text, yuan
from trade import audits, price_trials

router = APIRouter(prefix="/v1/pricing-rules", tags=["operators"])

Reads = Annotated[Caller, Depends(allow("pricing:read"))]
Writes = Annotated[Writer, Depends(allow_write("pricing:write"))]
Version = Annotated[int | None, Query(ge=0, le=2**31)]

SAMPLE = 50
_PRICES = ("cost_from", "cost_below", "floor", "ceiling", "ending")


@router.get("", response_model=RulesOut, summary="The price rules in force")
def get(caller: Reads, version: Version = None) -> Response:
    """Version 0 is before the first rule. With `version`, the set that this one was."""
    with caller.own() as session:
        if version is None:
            book = pricebook.current(session)
        else:
            book = pricebook.version(session, version)
        return replies.answer(_view(caller, book))


@router.put("", response_model=RulesOut, summary="Put other price rules in force")
def put(caller: Writes, asked: RulesIn) -> Response:
    """All of them at once; the former set stays readable, and orders keep their prices."""

    rules = _rules(asked.rules)

    def work(session: Session) -> Reply:
        _check(session, caller, rules)
        book = pricebook.put(
            session,
            rules,
            version=asked.version,
            actor=caller.actor,
            note=asked.note,
        )
        audits.note(session, caller.actor, "pricing.put", str(book.version))
        return Reply(200, _view(caller, book))

    answer = caller.do(work)
    caller.office.refresh(at_once=True)
    return answer


@router.post("/preview", response_model=PreviewOut, summary="What other price rules would do")
def preview(caller: Reads, asked: PreviewIn) -> Response:
    """Changes nothing. Without SKUs a sample of the catalogue; the last 30 days of orders. What a
    party pays is of the goods that brands let it have."""
    rules = _rules(asked.rules)
    pricebook.check(rules)
    now = clock.now()
    until = asked.until or now
    since = asked.since or until - timedelta(days=30)
    here = caller.office.terms.readership
    with caller.system() as session:
        _check(session, caller, rules)
        reading = price_trials.Reading(now, asked.at or now)
        if asked.party:
            reading = price_trials.reading(session, given("pty", asked.party, "party"), reading)
        named = enumerate(asked.skus or ())
        wanted = [given("sku", sku, f"skus.{place}") for place, sku in named]
        if asked.skus is None:
            wanted = price_trials.sample(session, SAMPLE)
        trials = price_trials.preview(session, here, rules, wanted, reading)
        earned = price_trials.replay(session, here.lists["resale"], rules, since, until)
        taken = reads.of_today(session, since, "offers")
    return replies.answer(
        {
            "items": [
                {
                    "sku": outside("sku", one.sku_id),
                    "title": one.title,
                    "cost": price_text(one.cost),
                    "price": price_text(one.now),
                    "price_then": price_text(one.then),
                    "rule": one.rule,
                }
                for one in trials
            ],
            "history": {
                "lines": earned.lines,
                "earned": yuan(earned.earned),
                "would_have_earned": yuan(earned.would_have),
                "dearer": earned.dearer,
                "cheaper": earned.cheaper,
                "below_cost": earned.below_cost,
                "of_today": taken,
            },
        }
    )


def _rules(asked: Sequence[RuleIn]) -> list[Rule]:
    return [_rule(number, one) for number, one in enumerate(asked, start=1)]


def _check(session: Session, caller: Caller, rules: Sequence[Rule]) -> None:
    """Raises Problem 422 for a party or a source that is not there."""
    price_trials.check_parties(session, rules)
    named = ((f"rules.{place}.source", rule.source) for place, rule in enumerate(rules))
    owners.check_sources(session, caller, named)


def _rule(number: int, asked: RuleIn) -> Rule:
    values: dict[str, Any] = asked.model_dump()
    for name in (*_PRICES, "markup_percent"):
        values[name] = None if values[name] is None else Decimal(values[name])
    for name in ("group", "party"):
        if values[name] is not None:
            values[name] = given("pty", values[name], f"rules.{number - 1}.{name}")
    return Rule(number, **values)


def _view(caller: Caller, book: Pricebook) -> dict[str, Any]:
    default = caller.office.terms.settings.pricing.markup_percent
    return {
        "version": book.version,
        "markup_percent": f"{default.normalize():f}",
        "rules": [_shown(rule) for rule in book.rules],
    }


def _shown(rule: Rule) -> dict[str, Any]:
    shown: dict[str, Any] = vars(rule) | {
        "rule": rule.id,
        "markup_percent": f"{rule.markup_percent:f}",
        "group": rule.group and outside("pty", rule.group),
        "party": rule.party and outside("pty", rule.party),
    }
    del shown["id"], shown["brand_of"]
    for name in _PRICES:
        shown[name] = None if shown[name] is None else price_text(shown[name])
    return shown
