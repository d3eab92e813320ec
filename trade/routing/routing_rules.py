"""Operators' own rules of routing: set after set, each a version that is never edited.

A rule with `then` "never" is a kill switch: for the goods that it names, or for another rule. It
wins over every other rule and ends by itself. Of the others the first that fits decides: the higher
priority, then the one for fewer goods, then the later in the list.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.deals import Deal
from catalog.matching import tree, wordings
from kit.clock import first
from kit.errors import FieldError, Problem, version_changed
from kit.statements import Query, send
from trade.models import RoutingVersion
from trade.routing.takes import Ruling, Supply, Then

MOST_RULES = 500

_LOCK = 0x48505252  # "HPRR"
_FITS = text(f"""
    SELECT EXISTS (SELECT FROM offers o
        WHERE (CAST(:source AS text) IS NULL OR source = :source)
          AND (CAST(:seller AS text) IS NULL OR seller = :seller)
          AND (CAST(:sku AS bigint) IS NULL OR sku_id = ANY(:skus))
          AND (CAST(:brand AS text) IS NULL OR {wordings.BRAND_OF} = :brand)
          AND (CAST(:category AS text) IS NULL OR category = :category
               OR starts_with(category, :category || ' > ')))
""")  # noqa: S608 - words of ours
_FITTED = ("source", "seller", "sku", "brand", "category")
_ALIKE = """
    SELECT jsonb_object_agg(n.sku, n.skus)::text FROM (
        SELECT a.sku, array_agg(DISTINCT x.sku) AS skus FROM ({named}) a
        LEFT JOIN sku_redirects l ON l.from_sku = a.sku
        CROSS JOIN LATERAL (
            SELECT coalesce(l.to_sku, a.sku) AS sku UNION SELECT a.sku
            UNION SELECT from_sku FROM sku_redirects WHERE to_sku = coalesce(l.to_sku, a.sku)) x
        GROUP BY a.sku) n"""
"""SKUs that rules name → those that are one with them, by the merges there are; JSON as text."""
_NAMED = """
    SELECT DISTINCT CAST(one #>> '{when,sku}' AS bigint) AS sku
    FROM jsonb_array_elements(rules) one WHERE one #>> '{when,sku}' IS NOT NULL"""
_OF_THESE = text(_ALIKE.format(named="SELECT unnest(CAST(:skus AS bigint[])) AS sku"))
_NEWEST = f"""SELECT id, rules::text AS rules, {wordings.meaning("routing_versions")} AS brands,
    ({_ALIKE.format(named=_NAMED)}) AS alike
    FROM routing_versions ORDER BY id DESC LIMIT 1"""  # noqa: S608 - columns of ours


DERIVED = frozenset({"brand_of", "skus"})
"""Of what a rule is for, what its writer did not say."""


@dataclass(frozen=True)
class When:
    """What a rule is for; None names all. `region` is the beginning of a division's code,
    `rule` the id of a rule that is switched off. `brand` is as its writer worded it, `brand_of`
    what that stands for; None: itself. `skus` are one with the SKU, by merges."""

    source: str | None = None
    seller: str | None = None
    sku: int | None = None
    brand: str | None = None
    category: str | None = None
    region: str | None = None
    rule: str | None = None
    brand_of: str | None = None
    skus: frozenset[int] = field(default=frozenset(), compare=False)

    @property
    def named(self) -> int:
        """How many things it names."""
        return len(self.stated)

    @property
    def stated(self) -> dict[str, Any]:
        """What it names, as its writer did."""
        said = {name: one for name, one in vars(self).items() if one is not None}
        return {name: one for name, one in said.items() if name not in DERIVED}

    def fits(self, supply: Supply | Deal, region: str) -> bool:
        """Whether an offer for delivery to `region` is among what it names."""
        return (
            self.rule is None
            and (self.source is None or self.source == supply.source)
            and (self.seller is None or self.seller == supply.seller)
            and (self.sku is None or supply.sku_id == self.sku or supply.sku_id in self.skus)
            and (self.brand is None or supply.goods.brand == (self.brand_of or self.brand))
            and (self.category is None or supply.goods.is_in(self.category))
            and (self.region is None or region.startswith(self.region))
        )


@dataclass(frozen=True)
class Rule:
    """One rule; `per_unit` (CNY) and `percent` (of the cost) are what "prefer" adds, or takes off.

    It counts until `until`; None is until it is removed.
    """

    id: str
    then: Then
    when: When = When()
    priority: int = 0
    per_unit: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)
    until: datetime | None = None
    note: str | None = None


@dataclass(frozen=True)
class Rulebook:
    """The rules of one version; version 0 is the installation before its first rule."""

    version: int = 0
    rules: tuple[Rule, ...] = ()

    def in_force(self, now: datetime) -> list[Rule]:
        """The rules that count at `now`, each before those that it beats."""
        holding = [rule for rule in self.rules if rule.until is None or now < rule.until]
        off = {rule.when.rule for rule in holding}
        return sorted((rule for rule in reversed(holding) if rule.id not in off), key=_rank)

    def freed(self, offer: Supply | Deal, region: str, now: datetime) -> datetime | None:
        """When no rule stops an offer for `region` any more, as far as that is known at `now`."""

        def free(moment: datetime) -> bool:
            found = (rule for rule in self.in_force(moment) if rule.when.fits(offer, region))
            rule = next(found, None)
            return rule is None or rule.then != "never"

        return first((rule.until for rule in self.rules), now, free)


def _rank(rule: Rule) -> tuple[bool, int, int]:
    return rule.then != "never", -rule.priority, -rule.when.named


def applied(book: Rulebook, supplies: Iterable[Supply], region: str, now: datetime) -> list[Supply]:
    """The supplies for delivery to `region`, each with the rule that decides about it. Pure."""
    rules = book.in_force(now)
    if not rules:
        return list(supplies)
    return [
        replace(one, ruling=_ruling(book, rule, one, region, now))
        if (rule := next((x for x in rules if x.when.fits(one, region)), None))
        else one
        for one in supplies
    ]


def _ruling(book: Rulebook, rule: Rule, supply: Supply, region: str, now: datetime) -> Ruling:
    until = book.freed(supply, region, now) if rule.then == "never" else rule.until
    return Ruling(rule.id, rule.then, rule.per_unit, rule.percent, until)


QUESTION: Query = (_NEWEST, {})
"""What `answered` needs to know, to be asked along with other things."""


def answered(rows: Sequence[Any]) -> Rulebook:
    """The rules in force, by the answer to `QUESTION`."""
    if not rows:
        return Rulebook()
    [row] = rows
    return Rulebook(row.id, _rules(row.rules, row.brands, row.alike))


def current(session: Session) -> Rulebook:
    """The rules in force now."""
    return answered(send(session, QUESTION)[0])


def put(
    session: Session,
    rules: Sequence[Rule],
    *,
    version: int,
    actor: str,
    note: str | None,
    now: datetime,
) -> Rulebook:
    """Put a new set in force, made from `version`.

    Raises Problem 409 `version_changed` when another set came into force meanwhile, 422 for rules
    that cannot be meant, among them new kill switches that fit nothing: misspelt, they would stop
    nothing while somebody relies on them.
    """
    check(rules)
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    former = current(session)
    if former.version != version:
        raise version_changed(version, former.version, "/v1/routing-rules")
    named = wordings.stated(session, [rule.when.brand for rule in rules])
    rules = _merged(_branded(rules, named), _alike(session, rules))
    for place, rule in enumerate(rules):
        if rule.until is not None and rule.until <= now and rule not in former.rules:
            raise _invalid(f"rules.{place}.until", "it would have ended already")
        if rule.then == "never" and rule not in former.rules:
            _check_fits(session, f"rules.{place}.when", rule.when)
    row = RoutingVersion(
        rules=[_plain(rule) for rule in rules], brands=sorted(named), note=note, actor=actor
    )
    session.add(row)
    session.flush()
    return Rulebook(row.id, tuple(rules))


def meant(session: Session, rules: Sequence[Rule]) -> list[Rule]:
    """Rules that are not in force, with what the brands that they name stand for."""
    named = [rule.when.brand for rule in rules if rule.when.brand is not None]
    found = wordings.meant(session, named)
    branded = _branded(rules, {word: one.brand for word, one in found.items()})
    return _merged(branded, _alike(session, rules))


def _alike(session: Session, rules: Sequence[Rule]) -> Mapping[str, Sequence[int]]:
    """The SKUs that rules name, in the words of JSON, and those that are one with them."""
    skus = sorted({rule.when.sku for rule in rules if rule.when.sku is not None})
    found = session.scalar(_OF_THESE, {"skus": skus}) if skus else None
    return orjson.loads(found or "{}")  # type: ignore[no-any-return]


def _merged(rules: Iterable[Rule], alike: Mapping[str, Sequence[int]]) -> list[Rule]:
    return [
        replace(rule, when=replace(rule.when, skus=frozenset(alike.get(str(rule.when.sku), ()))))
        if rule.when.sku is not None
        else rule
        for rule in rules
    ]


def _branded(rules: Iterable[Rule], brands: Mapping[str, str]) -> list[Rule]:
    return [
        rule
        if rule.when.brand is None
        else replace(rule, when=replace(rule.when, brand_of=brands.get(rule.when.brand)))
        for rule in rules
    ]


def differences(former: Rulebook, book: Rulebook) -> dict[str, list[str]]:
    """Which rules, by their ids, one set has beyond another, lacks, or has otherwise. Pure."""
    was, now = ({rule.id: rule for rule in one.rules} for one in (former, book))
    return {
        "added": [name for name in now if name not in was],
        "changed": [name for name in now if name in was and now[name] != was[name]],
        "removed": [name for name in was if name not in now],
    }


def _check_fits(session: Session, field: str, when: When) -> None:
    if when.stated.keys() <= {"source"} or when.rule is not None:
        return  # a source may be stopped before it has goods
    asked = {name: value for name, value in vars(when).items() if name in _FITTED}
    asked["brand"], asked["skus"] = when.brand_of or when.brand, sorted(when.skus)
    if when.category is not None and tree.meant(when.category) is not None:
        asked["category"] = None  # one of ours: what is in it may change
    if not session.scalar(_FITS, asked):
        raise _invalid(field, "no goods are offered that it fits, so it would stop nothing")


def check(rules: Sequence[Rule]) -> None:
    """Raises Problem 422 that names the first rule and field at fault."""
    if len(rules) > MOST_RULES:
        raise _invalid("rules", f"there are at most {MOST_RULES} rules")
    by_id = {rule.id: rule for rule in rules}
    seen: set[str] = set()
    for place, rule in enumerate(rules):
        field, fault = ("id", "another rule has this id") if rule.id in seen else _fault(rule)
        if not fault and rule.when.rule is not None:
            field, fault = "when.rule", _switched(by_id.get(rule.when.rule))
        if fault:
            raise _invalid(f"rules.{place}.{field}", fault)
        seen.add(rule.id)


def _fault(rule: Rule) -> tuple[str, str | None]:
    if rule.then == "never" and rule.until is None:
        return "until", "a kill switch ends by itself: say when"
    if rule.then == "never" and rule.when.named == 0:
        return "when", "it would stop every order: name a source, a SKU or the like"
    if rule.when.rule is not None and (rule.then != "never" or rule.when.named > 1):
        return "when.rule", "only a kill switch names a rule, and then nothing else"
    weighs = rule.per_unit != 0 or rule.percent != 0
    if weighs != (rule.then == "prefer"):
        return "per_unit", 'give per_unit or percent, other than 0, with "prefer" and only there'
    if not -100 < rule.percent <= 1000:
        return "percent", "it is above -100 and at most 1000"
    return "", None


def _switched(rule: Rule | None) -> str | None:
    if rule is None:
        return "no rule of this set has this id"
    return None if rule.when.rule is None else "that rule switches another one off itself"


@lru_cache(maxsize=8)
def _rules(stored: str, brands: str | None, alike: str | None) -> tuple[Rule, ...]:
    """The rules of a version in their order; the same text is read once."""
    rules = [_rule(one) for one in orjson.loads(stored)]
    return tuple(
        _merged(_branded(rules, orjson.loads(brands or "{}")), orjson.loads(alike or "{}"))
    )


def _rule(stored: Mapping[str, Any]) -> Rule:
    values = {x.name: stored[x.name] for x in fields(Rule) if x.name in stored}
    values["when"] = When(**stored["when"])
    for name in ("per_unit", "percent"):
        values[name] = Decimal(values[name])
    if "until" in values:
        values["until"] = datetime.fromisoformat(values["until"])
    return Rule(**values)


def _plain(rule: Rule) -> dict[str, Any]:
    values = {name: value for name, value in asdict(rule).items() if value is not None}
    values["when"] = rule.when.stated
    for name in ("per_unit", "percent"):
        values[name] = f"{values[name]:f}"
    return values | ({"until": rule.until.isoformat()} if rule.until else {})


def _invalid(field: str, message: str) -> Problem:
    return Problem(
        422, "invalid", f"{field}: {message}", errors=[FieldError(field, "invalid", message)]
    )
