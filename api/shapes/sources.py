"""Sources as operators set them."""

from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from api.shapes.base import SOURCE, In, Key, Out

Keys = dict[str, JsonValue]


class SourceIn(In):
    """A new source: its code, its kind, and the keys that its kind has in settings.toml.

    Secrets are sealed before they are kept, and are never shown again.
    """

    model_config = {"extra": "allow", "frozen": True}

    code: str = Field(pattern=SOURCE)
    kind: Key

    def keys(self) -> dict[str, Any]:
        """The source's config."""
        return {"kind": self.kind, **(self.model_extra or {})}


class SourceChangeIn(In):
    """Keys that change; null removes one, and a secret shown as *** stays as it is."""

    model_config = {"extra": "allow", "frozen": True}

    def keys(self) -> dict[str, Any]:
        """What changes."""
        return dict(self.model_extra or {})


class SourceSetOut(Out):
    """A source's keys; secrets are hidden."""

    code: str
    kind: str
    defined_in: Literal["settings", "database"]
    keys: Keys


class AuthorizeOut(Out):
    """Where the account holder lets this installation in; good for ten minutes."""

    url: str


class AuthorizedOut(Out):
    """The token is kept."""

    source: str
    authorized: bool


class ItemsIn(In):
    """What to follow from now on: ids, links, or saved queries with a page budget each."""

    ids: list[Key] = Field([], max_length=5_000)
    links: list[str] = Field([], max_length=5_000)
    queries: list[str] = Field([], max_length=500)
    pages: int = Field(1, strict=True, ge=1, le=100, description="Pages of each query a reading.")

    @model_validator(mode="after")
    def _something(self) -> "ItemsIn":
        if not (self.ids or self.links or self.queries):
            raise ValueError("give ids, links or queries")
        return self


class ItemsOut(Out):
    """How many of them are new, and how many are followed in all."""

    added: int
    watched: int


class RunIn(In):
    """Which stream to read; the listing unless something else is said."""

    stream: Literal["listing", "messages", "prices", "stock"] = "listing"


class QueuedOut(Out):
    """A worker reads it soon; GET /v1/runs shows what came of it."""

    source: str
    stream: str


class HeardOut(Out):
    """The push is kept."""

    success: bool
