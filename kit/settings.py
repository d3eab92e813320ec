"""Settings: `settings.toml`, then the environment (`HUOPAN_SECTION__KEY`); unknown keys are errors.

Secrets stand in neither: they are named as `"env:NAME"` or `"file:PATH"`.
"""

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from kit import faults
from kit.crypto import Keyring, new_key
from kit.references import SettingsError as SettingsError
from kit.references import key_text
from kit.references import secret as secret

PREFIX = "HUOPAN_"
DEFAULT_KEY = "file:var/secret.key"


class Opened(SecretStr):
    """A secret that was unsealed: it is what it says, and names nothing."""


def _resolved(reference: SecretStr) -> SecretStr:
    if isinstance(reference, Opened):
        return reference
    try:
        return SecretStr(secret(reference.get_secret_value()))
    except SettingsError as error:
        raise ValueError(str(error)) from error


Secret = Annotated[SecretStr, AfterValidator(_resolved)]
"""A secret setting of a source, resolved when it is read and never shown."""


class Section(BaseModel):
    """A table of settings.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Section):
    """Where the truth is."""

    url: str = Field("embedded", description="embedded, or postgresql://user@host/name")
    connections: int = Field(10, ge=2, le=100, description="the pool of one API process")


class RedisSettings(Section):
    """Where job ids, budgets and caches are."""

    url: str = Field(
        "embedded",
        description="embedded, redis://, rediss:// or redis+sentinel://host:port,host:port/name/0",
    )


class ApiSettings(Section):
    """Where the API listens."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    public_url: str = Field(
        "",
        pattern=faults.form(
            r"^(https?://[^\s/?#]+[^\s?#]*)?$", "give an address such as https://shop.example"
        ),
        description="where customers reach us, for links on kits and posters; empty: where the"
        " leader's own request came to",
    )
    requests_per_minute: int = Field(
        60_000, ge=1, description="of one token; beyond it the answer is 429 with Retry-After"
    )
    pages_at_once: int = Field(
        1,
        ge=1,
        le=40,
        description="searches that one process answers at a time, the others wait their turn; more"
        " help where PostgreSQL is another machine",
    )


class DataSettings(Section):
    """Where rebuildable files are."""

    dir: Path = Field(Path("var"), description="embedded servers, search index, caches")


class SecuritySettings(Section):
    """Keys for sealed data and signatures."""

    key: str = Field(
        DEFAULT_KEY,
        description="made at the first `up`; the same on every host; env:NAME, file:PATH, or"
        " command:PROGRAM, which prints it",
    )
    previous_keys: list[str] = Field([], description="other keys that envelopes still need")


class MailSettings(Section):
    """How mail leaves."""

    smtp: str = Field(
        "", description="smtp://USER@HOST:587 (STARTTLS), smtps://USER@HOST, or empty"
    )
    password: Secret | None = Field(None, description='"env:NAME" or "file:PATH"')
    sender: str = Field("", description="the address that mail comes from; else the user's")


class PricingSettings(Section):
    """What a leader pays where no rule says otherwise."""

    markup_percent: Decimal = Field(
        Decimal(0), ge=0, le=1000, description="on top of the source's cost"
    )


class StockSettings(Section):
    """How much of a stated stock is shown."""

    refusal_risk: float = Field(
        0.02,
        ge=0,
        le=0.5,
        description="the chance of a refusal for as many units as are shown; old figures of goods"
        " that sell fast, and of sources that proved false, are shown lower",
    )


class PayoutSettings(Section):
    """How what people earn is paid out."""

    person_rule: Literal["labour-2018-61", "platform-2025-16"] = Field(
        "labour-2018-61", description="by which rule tax is withheld from natural persons"
    )
    affiliate_percent: int = Field(
        100, ge=0, le=100, description="a leader's part of the commission that a platform settles"
    )


class MediaSettings(Section):
    """Pictures of goods, fetched when somebody looks at them and drawn anew."""

    max_bytes: int = Field(10_000_000, ge=1000, le=100_000_000, description="of one that is read")
    max_megapixels: int = Field(25, ge=1, le=200, description="of one that is read")
    side: int = Field(1600, ge=200, le=8000, description="the longest side of what is shown")
    keep_days: int = Field(30, ge=1, description="after the last look; then fetched anew")
    private_hosts: list[str] = Field(
        [], description="host:port inside our own network that pictures may come from as well"
    )
    allow_http: bool = True
    """Pictures without TLS as well: platforms name many so."""


class ClaimSettings(Section):
    """After-sales: how long each side may take, and what happens when it says nothing."""

    return_days: int = Field(15, ge=0, le=365, description="claims are taken so long after arrival")
    delivery_days: int = Field(
        7, ge=0, le=90, description="after so long a parcel of which nobody tells has arrived"
    )
    answer_hours: int = Field(48, ge=1, le=720, description="so long a supplier may be silent")
    when_silent: Literal["approve", "escalate"] = Field(
        "approve", description="approve: silence is consent; escalate: an operator decides"
    )
    silent_most: Decimal = Field(
        Decimal(500),
        ge=0,
        decimal_places=2,
        description="CNY of one claim that silence may agree to at most",
    )
    send_back_days: int = Field(7, ge=1, le=90, description="until a return is on its way back")
    receive_days: int = Field(
        10, ge=1, le=90, description="after so long on its way back a return counts as received"
    )
    postage_most: Decimal = Field(
        Decimal(20),
        ge=0,
        decimal_places=2,
        description="CNY that sending goods back may have cost a leader at most",
    )
    advance_most: Decimal = Field(
        Decimal(200),
        ge=0,
        decimal_places=2,
        description="CNY of one claim that operators may pay before an answer",
    )
    advance_total: Decimal = Field(
        Decimal(2000),
        ge=0,
        decimal_places=2,
        description="CNY that may be so advanced to one leader at a time",
    )


class HeldSettings(Section):
    """Orders whose units no source has as agreed: how long their leader may take to choose."""

    hours: int = Field(24, ge=1, le=720, description="until the rule below acts by itself")
    when_due: Literal["refund", "wait"] = Field(
        "refund", description="refund: held units are cancelled and paid back; wait: nothing"
    )


class ExceptionSettings(Section):
    """What waits for an operator."""

    answer_hours: int = Field(
        24, ge=1, le=720, description="the deadline of what no rule or promise gives one"
    )


class TrackingSettings(Section):
    """Parcels: after how many hours without news one counts as stuck, by where it is."""

    shipped_hours: int = Field(48, ge=1, le=720, description="no carrier has it yet")
    moving_hours: int = Field(72, ge=1, le=720, description="on its way")
    delivery_hours: int = Field(48, ge=1, le=720, description="out for delivery")
    problem_hours: int = Field(24, ge=1, le=720, description="its carrier tells of a problem")


class RecipientSettings(Section):
    """How long people's names, numbers and addresses are kept."""

    seal_days: int = Field(180, ge=1, description="after delivery; then only operators open them")
    shred_days: int = Field(1095, ge=1, description="after delivery; then they are erased")
    unused_days: int = Field(30, ge=1, description="of quotes that nobody ordered by")

    @model_validator(mode="after")
    def _in_order(self) -> "RecipientSettings":
        if self.shred_days < self.seal_days:
            raise ValueError("shred_days is at least seal_days: nobody is erased before")
        return self


class WebhookSettings(Section):
    """Where messages to other programs may go."""

    allow_private_hosts: bool = False
    """Endpoints inside our own network as well."""
    allow_http: bool = False
    """Endpoints without TLS as well."""


class _Environment(EnvSettingsSource):
    """The environment, where `_` stands for `-` in a source's code."""

    def __init__(self, settings_cls: type[BaseSettings], codes: list[str]) -> None:
        super().__init__(settings_cls)
        self._codes = {code.replace("-", "_").lower(): code for code in codes}

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        if sources := found.get("sources"):
            found["sources"] = {self._code(name): keys for name, keys in sources.items()}
        return found

    def _code(self, name: str) -> str:
        return self._codes.get(name, name.replace("_", "-"))


class Settings(BaseSettings):
    """Everything that can be set. `sources` is validated by each source's own kind."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    api: ApiSettings = ApiSettings()
    data: DataSettings = DataSettings()
    security: SecuritySettings = SecuritySettings()
    mail: MailSettings = MailSettings()
    pricing: PricingSettings = PricingSettings()
    stock: StockSettings = StockSettings()
    media: MediaSettings = MediaSettings()
    claims: ClaimSettings = ClaimSettings()
    held: HeldSettings = HeldSettings()
    exceptions: ExceptionSettings = ExceptionSettings()
    tracking: TrackingSettings = TrackingSettings()
    recipients: RecipientSettings = RecipientSettings()
    webhooks: WebhookSettings = WebhookSettings()
    payouts: PayoutSettings = PayoutSettings()
    sources: dict[str, dict[str, Any]] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, settings_file())
        environment = _Environment(settings_cls, list(toml().get("sources", {})))
        return init_settings, environment, toml

    def keyring(self) -> Keyring:
        """The keys of `[security]`. Raises SettingsError when one is missing or malformed."""
        try:
            return Keyring.from_text(
                key_text(self._key()), [key_text(key) for key in self.security.previous_keys]
            )
        except (ValueError, SettingsError) as error:
            raise SettingsError(f"security.key: {error}") from error

    def key_files(self) -> list[str]:
        """The files that keys are read from."""
        named = [self._key(), *self.security.previous_keys]
        return [one.removeprefix("file:") for one in named if one.startswith("file:")]

    def ensure_key(self) -> None:
        """Make the key file when there is none yet, readable by its owner only."""
        kind, _, name = self._key().partition(":")
        path = Path(name)
        if kind != "file" or path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(new_key() + "\n")
        try:
            path.hardlink_to(fresh)
        except FileExistsError:  # another process was first: its key stands
            return
        finally:
            fresh.unlink()

    def _key(self) -> str:
        """The key's reference; the default follows the data folder."""
        if self.security.key == DEFAULT_KEY:
            return f"file:{self.data.dir / 'secret.key'}"
        return self.security.key


def settings_file() -> Path:
    """`HUOPAN_SETTINGS`, or `settings.toml` in the current folder."""
    return Path(os.environ.get("HUOPAN_SETTINGS", "settings.toml"))


def load(**overrides: Any) -> Settings:
    """Read the settings. Raises SettingsError that names every key at fault."""
    named = os.environ.get("HUOPAN_SETTINGS")
    if named and not Path(named).is_file():
        raise SettingsError(f"HUOPAN_SETTINGS names {named}, which is not a file")
    _refuse_unknown_variables()
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(f"settings: {faults.of_keys(error, Settings)}") from error
    except ValueError as error:
        raise SettingsError(f"{settings_file()}: {error}") from error


def _refuse_unknown_variables() -> None:
    for name in os.environ:
        section = name.removeprefix(PREFIX).partition("__")[0].lower()
        if name.startswith(PREFIX) and "__" in name and section not in Settings.model_fields:
            raise SettingsError(f"{name}: there is no settings section [{section}]")
