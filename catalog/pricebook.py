"""The price rules of an installation: set after set, each a version that is never edited."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog import rule_changes
from catalog.matching import wordings
from catalog.pricing import Rule
from kit.db import NOW, Base, Id, Utc
from kit.errors import FieldError, Problem, version_changed
from kit.statements import Query

MOST_RULES = 2_000
MOST_LEVELS = 7
"""Each level has price lists of its own in the search index, at most sixteen in all."""

_LOCK = 0x48505052  # "HPPR"
_DECIMALS = frozenset(["markup_percent", "cost_from", "cost_below", "floor", "ceiling", "ending"])
_MOMENTS = frozenset(["valid_from", "valid_until"])
STORED = f"id, rules::text AS rules, {wordings.meaning('pricing_versions')} AS brands"
"""The columns of a version that `read` needs."""
_NEWEST = f"SELECT {STORED} FROM pricing_versions"  # noqa: S608 - columns of ours
_BETWEEN = f"""
    SELECT id, at, {wordings.meaning("pricing_versions")} AS brands,
        (SELECT coalesce(jsonb_agg(said.one ORDER BY said.place), '[]')::text
         FROM jsonb_array_elements(rules) WITH ORDINALITY said (one, place)
         WHERE coalesce(CAST(said.one ->> 'party' AS bigint) = :party, true)) AS rules
    FROM pricing_versions WHERE at <= :until AND id >= coalesce(
      (SELECT max(id) FROM pricing_versions WHERE at <= :since), 0) ORDER BY id
"""  # noqa: S608 - columns of ours
MARK: Query = (
    f"""SELECT (SELECT concat_ws(' ', id, brands)
    FROM ({_NEWEST} ORDER BY id DESC LIMIT 1) newest) AS mark""",  # noqa: S608 - columns of ours
    (),
)
"""Names the rules in force, and what the brands that they name stand for."""
_NAMES = [field.name for field in fields(Rule) if field.name not in ("id", "brand_of")]


class PricingVersion(Base):
    """A whole set of rules, in force from `at` until the next version."""

    __tablename__ = "pricing_versions"

    id: Mapped[Id]
    rules: Mapped[list[Any]] = mapped_column(JSONB)
    brands: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    """The brands that they name, as they word them."""
    note: Mapped[str | None]
    actor: Mapped[str]
    at: Mapped[Utc] = mapped_column(server_default=NOW)


@dataclass(frozen=True)
class Pricebook:
    """The rules of one version; version 0 is the installation before its first rule."""

    version: int = 0
    rules: tuple[Rule, ...] = ()

    @property
    def levels(self) -> list[str]:
        """Reseller levels that a rule names."""
        return sorted({rule.level for rule in self.rules if rule.level is not None})


def current(session: Session) -> Pricebook:
    """The rules in force now."""
    return _read(session, f"{_NEWEST} ORDER BY id DESC LIMIT 1")


def between(
    session: Session, since: datetime, until: datetime, party: int
) -> list[tuple[datetime, Pricebook]]:
    """The rules that were in force from `since` to `until`, set after set, and since when: but for
    those for single parties other than `party`, which may be most of them."""
    asked = {"since": since, "until": until, "party": party}
    rows = session.execute(text(_BETWEEN), asked)
    return [(row.at, read(row.id, row.rules, row.brands)) for row in rows]


def version(session: Session, number: int) -> Pricebook:
    """The rules of a version. Raises Problem 404."""
    found = _read(session, f"{_NEWEST} WHERE id = :number", number=number)
    if found.version != number:
        raise Problem(404, "not_found", f"there is no version {number} of the price rules")
    return found


def put(
    session: Session, rules: Sequence[Rule], *, version: int, actor: str, note: str | None
) -> Pricebook:
    """Put a new set in force, made from `version`.

    Raises Problem 409 `version_changed` when another set came into force meanwhile, 422 for rules
    that cannot be meant.
    """
    check(rules)
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    former = current(session)
    if former.version != version:
        raise version_changed(version, former.version, "/v1/pricing-rules")
    named = wordings.stated(session, [rule.brand for rule in rules])
    row = PricingVersion(
        rules=[_plain(rule) for rule in rules], brands=sorted(named), note=note, actor=actor
    )
    session.add(row)
    session.flush()
    book = Pricebook(row.id, tuple(_branded(rules, named)))
    rule_changes.tell(session, "pricing", rule_changes.of_rules(former.rules, book.rules))
    return book


def meant(session: Session, rules: Sequence[Rule]) -> list[Rule]:
    """Rules that are not in force, with what the brands that they name stand for."""
    found = wordings.meant(session, [rule.brand for rule in rules if rule.brand is not None])
    return _branded(rules, {word: one.brand for word, one in found.items()})


def _branded(rules: Sequence[Rule], brands: Mapping[str, str]) -> list[Rule]:
    return [
        rule if rule.brand is None else replace(rule, brand_of=brands.get(rule.brand))
        for rule in rules
    ]


def check(rules: Sequence[Rule]) -> None:
    """Raises Problem 422 that names the first rule and field at fault."""
    if len(rules) > MOST_RULES:
        raise _invalid("rules", f"there are at most {MOST_RULES} rules")
    if len(Pricebook(0, tuple(rules)).levels) > MOST_LEVELS:
        raise _invalid("rules", f"they name more than {MOST_LEVELS} levels")
    for place, rule in enumerate(rules):
        field, fault = _fault(rule)
        if fault:
            raise _invalid(f"rules.{place}.{field}", fault)


def _fault(rule: Rule) -> tuple[str, str | None]:
    if not -100 < rule.markup_percent <= 10_000:
        return "markup_percent", "a mark-up is above -100 and at most 10000 percent"
    if rule.ending is not None and not 0 <= rule.ending < 1:
        return "ending", "an ending is at least 0 and below 1, such as 0.9"
    if rule.floor is not None and rule.ceiling is not None and rule.floor > rule.ceiling:
        return "ceiling", "the ceiling is below the floor"
    if _empty(rule.cost_from, rule.cost_below):
        return "cost_below", "no cost is from cost_from on and below cost_below"
    if _empty(rule.valid_from, rule.valid_until):
        return "valid_until", "it would end before it begins"
    if rule.group is not None and rule.party is not None:
        return "party", "name a group or a party, not both"
    return "", None


def _empty(low: Any, high: Any) -> bool:
    return low is not None and high is not None and high <= low


def _read(session: Session, newest: str, **bound: Any) -> Pricebook:
    row = session.execute(text(newest), bound).one_or_none()
    return Pricebook() if row is None else read(row.id, row.rules, row.brands)


def read(version: int, stored: str, brands: str | None) -> Pricebook:
    """A version with its rules as they are stored, and what the brands that they name stand for."""
    return Pricebook(version, _rules(stored, brands))


@lru_cache(maxsize=8)
def _rules(stored: str, brands: str | None) -> tuple[Rule, ...]:
    """The rules of a version, numbered in their order; the same text is read once."""
    rules = [_rule(number, one) for number, one in enumerate(orjson.loads(stored), start=1)]
    return tuple(_branded(rules, orjson.loads(brands or "{}")))


def _rule(number: int, stored: Mapping[str, Any]) -> Rule:
    values = {name: _value(name, stored[name]) for name in _NAMES if name in stored}
    return Rule(number, **values)


def _value(name: str, stored: Any) -> Any:
    if name in _DECIMALS:
        return Decimal(stored)
    return datetime.fromisoformat(stored) if name in _MOMENTS else stored


def _plain(rule: Rule) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else _text(value)
        for name, value in asdict(rule).items()
        if name in _NAMES and value is not None
    }


def _text(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _invalid(field: str, message: str) -> Problem:
    return Problem(
        422, "invalid", f"{field}: {message}", errors=[FieldError(field, "invalid", message)]
    )
