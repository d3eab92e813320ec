"""What trading needs to know of this installation: keys, mark-up and the terms of each source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

from catalog.media import Album
from catalog.pricebook import Pricebook
from catalog.pricing import PriceList, price_lists
from catalog.publishing import RISK
from catalog.readers import Readership
from catalog.shelf import SourcePolicy
from connectors.hooks import Rules
from connectors.registry import KINDS, can, read_settings
from connectors.settings import SourceSettings
from connectors.trading import Quotes, Ships, TakesBack
from kit.crypto import Keyring
from kit.money import fen
from kit.settings import ClaimSettings, Settings, SettingsError
from trade.settling.withholding import MONTHLY


@dataclass(frozen=True)
class SourceTerms:
    """How one source sells; the defaults hold for a source that no settings name."""

    policy: SourcePolicy = field(default_factory=SourcePolicy)
    accept: Literal["on_export", "manual"] = "on_export"
    cutoff: str | None = None
    send_to: str = ""
    """Where its purchases go as a sheet at cut-off; "" is nowhere."""
    platform: bool = False
    """Claims are made at a platform, not at our own door."""
    door: bool = True
    """Its purchases wait at our own door, where their supplier can be asked."""
    asks: bool = False
    """It can be asked live what it would sell."""
    tolerance: int = 0
    """Fen a unit that its goods may cost more than was agreed."""


@dataclass(frozen=True)
class ClaimTerms:
    """How long each side of a claim may take, and what silence means; money in fen."""

    return_days: int = 15
    delivery_days: int = 7
    answer_hours: int = 48
    when_silent: Literal["approve", "escalate"] = "approve"
    silent_most: int = 500_00
    send_back_days: int = 7
    receive_days: int = 10
    postage_most: int = 20_00
    advance_most: int = 200_00
    advance_total: int = 2000_00


@dataclass(frozen=True)
class TrackingTerms:
    """Hours without news after which a parcel counts as stuck, by where it is."""

    shipped_hours: int = 48
    moving_hours: int = 72
    delivery_hours: int = 48
    problem_hours: int = 24


@dataclass(frozen=True)
class HeldTerms:
    """How long a leader may choose what becomes of held units, and what happens then."""

    hours: int = 24
    when_due: Literal["refund", "wait"] = "refund"


@dataclass(frozen=True)
class AgeTerms:
    """After how many days people's details are sealed, and erased."""

    seal_days: int = 180
    shred_days: int = 1095
    unused_days: int = 30


@dataclass(frozen=True)
class Desk:
    """The terms under which one installation quotes, orders and takes back."""

    keyring: Keyring
    markup_percent: Decimal = Decimal(0)
    sources: Mapping[str, SourceTerms] = field(default_factory=dict)
    quote_minutes: int = 15
    claims: ClaimTerms = field(default_factory=ClaimTerms)
    tracking: TrackingTerms = field(default_factory=TrackingTerms)
    held: HeldTerms = field(default_factory=HeldTerms)
    ages: AgeTerms = field(default_factory=AgeTerms)
    answer_hours: int = 24
    """Until when operators answer what no rule or promise gives a deadline."""
    lease_seconds: int = 120
    refusal_risk: float = RISK
    person_rule: str = MONTHLY
    """By which rule tax is withheld from what people earn."""
    affiliate_percent: int = 100
    """A leader's part of the commission that a platform settles."""
    hooks: Rules = field(default_factory=Rules)
    """Where messages to other programs may go."""

    @property
    def asks(self) -> bool:
        """Whether any source can be asked live."""
        return any(terms.asks for terms in self.sources.values())

    @property
    def answers_count(self) -> int:
        """Minutes that what a source said live counts: a quote ends a little later than what it
        rests on began."""
        return self.quote_minutes + 1

    @property
    def asked(self) -> frozenset[str]:
        """The sources that can be asked live."""
        return frozenset(code for code, terms in self.sources.items() if terms.asks)

    @cached_property
    def ordinary(self) -> SourceTerms:
        """The terms of a source that no settings name."""
        return SourceTerms(SourcePolicy(refusal_risk=self.refusal_risk))

    @cached_property
    def policies(self) -> Mapping[str, SourcePolicy]:
        """The policies of the other sources."""
        return {code: terms.policy for code, terms in self.sources.items()}

    @cached_property
    def lists(self) -> Mapping[str, PriceList]:
        """What readers pay where no rule says otherwise."""
        return price_lists(self.markup_percent)

    def terms(self, source: str) -> SourceTerms:
        """The terms of `source`."""
        return self.sources.get(source, self.ordinary)


def from_settings(settings: Settings) -> Desk:
    """The desk that `settings` describe. Raises SettingsError.

    A source whose settings cannot be read sells nothing, and keeps no other from selling.
    """
    return Desk(
        keyring=settings.keyring(),
        markup_percent=settings.pricing.markup_percent,
        sources={
            code: _terms(code, config, settings.stock.refusal_risk)
            for code, config in settings.sources.items()
        },
        claims=_claims(settings.claims),
        tracking=TrackingTerms(**settings.tracking.model_dump()),
        held=HeldTerms(**settings.held.model_dump()),
        ages=AgeTerms(**settings.recipients.model_dump()),
        answer_hours=settings.exceptions.answer_hours,
        refusal_risk=settings.stock.refusal_risk,
        person_rule=settings.payouts.person_rule,
        affiliate_percent=settings.payouts.affiliate_percent,
        hooks=Rules(settings.webhooks.allow_private_hosts, settings.webhooks.allow_http),
    )


def readership(settings: Settings, book: Pricebook, album: Album | None = None) -> Readership:
    """Who reads the catalogue under `settings` and these rules; pictures are named by `album`.

    Raises SettingsError.

    Only policies that differ from the default are named: a further source with ordinary terms
    does not make another index.
    """
    risk = settings.stock.refusal_risk
    read = {code: _readable(code, config) for code, config in settings.sources.items()}
    policies = {code: _policy(given, risk) for code, given in read.items()}
    ordinary = SourcePolicy(refusal_risk=risk)
    return Readership(
        price_lists(settings.pricing.markup_percent),
        {code: policy for code, policy in policies.items() if policy != ordinary},
        book,
        ordinary,
        album,
    )


def _claims(given: ClaimSettings) -> ClaimTerms:
    money = ("silent_most", "postage_most", "advance_most", "advance_total")
    return ClaimTerms(**given.model_dump() | {name: fen(getattr(given, name)) for name in money})


def _readable(code: str, config: Mapping[str, object]) -> SourceSettings | None:
    try:
        return read_settings(code, config)
    except SettingsError:  # whoever opens the source says why
        return None


def _policy(given: SourceSettings | None, risk: float) -> SourcePolicy:
    if given is None:
        return SourcePolicy("hide", frozenset(), risk)
    own = risk if given.refusal_risk is None else given.refusal_risk
    return SourcePolicy(given.unknown_stock, frozenset(given.serves), own)


def _terms(code: str, config: Mapping[str, object], risk: float) -> SourceTerms:
    given = _readable(code, config)
    policy = _policy(given, risk)
    if given is None:  # nothing of it is decided by silence, whoever it is
        claims = config.get("kind") not in KINDS or can(config, TakesBack)
        return SourceTerms(policy, accept="manual", platform=claims, door=False)
    return SourceTerms(
        policy=policy,
        accept=getattr(given, "accept", "manual"),
        cutoff=getattr(given, "cutoff", None),
        send_to=getattr(given, "send_to", ""),
        platform=can(config, TakesBack),
        door=not can(config, Ships),
        asks=can(config, Quotes),
        tolerance=round(getattr(given, "price_tolerance", 0) * 100),
    )
