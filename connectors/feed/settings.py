"""The settings of a `kind = "feed"` source."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from connectors.settings import SEND_TO, TIME_OF_DAY, SourceSettings
from kit.faults import form
from kit.settings import Secret

from .columns import unknown_names
from .encoding import KNOWN
from .freight import freight
from .text import Bad

Format = Literal["auto", "csv", "xlsx", "xls", "json", "jsonl", "xml", "google"]


def _known_columns(columns: dict[str, str]) -> dict[str, str]:
    if unknown := unknown_names(columns):
        told = ", ".join(unknown)
        raise ValueError(f"{told} is none of the unified columns; docs/feeds.md lists them")
    return columns


def _known_encoding(encoding: str | None) -> str | None:
    if encoding is not None and encoding.lower() not in KNOWN:
        raise ValueError(f"use one of {', '.join(KNOWN)}, or leave it out to guess")
    return encoding.lower() if encoding else None


def _readable_freight(text: str | None) -> str | None:
    try:
        if text is not None:
            freight(text)
    except Bad as error:
        raise ValueError(str(error)) from error
    return text


class FeedSettings(SourceSettings):
    """A supplier who sends price lists as files."""

    kind: Literal["feed"]
    location: str = Field("", description="path, glob, https://, sftp:// or ftp://")
    format: Format = Field("auto", description="auto looks into the file")
    columns: Annotated[dict[str, str], AfterValidator(_known_columns)] = Field(
        {}, description="unified name = the sheet's own column name; the rest is guessed"
    )
    encoding: Annotated[str | None, AfterValidator(_known_encoding)] = None
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    sheet: str | None = Field(None, description="one sheet by name; else all visible ones")
    header_row: int | None = Field(None, ge=1, description="1-based; else it is looked for")
    freight: Annotated[str | None, AfterValidator(_readable_freight)] = Field(
        None, description="for rows that state none: 包邮, 8, 首1kg8续1kg2"
    )
    tax_included: bool = Field(default=True, description="false: the list's prices are without tax")
    tax_rate: Decimal | None = Field(
        None, ge=0, le=Decimal("0.17"), description="for rows without one"
    )
    invoice: Literal["special", "ordinary", "none"] | None = None
    weight_unit: Literal["kg", "g"] = Field("kg", description="of weights without unit")
    complete: bool = Field(
        default=True, description="false: goods absent from it go on being offered"
    )
    username: str = Field("", description="at https://, sftp:// and ftp:// servers")
    password: Secret | None = Field(None, description='"env:NAME" or "file:PATH"')
    host_key: str | None = Field(
        None,
        pattern=form(
            r"^SHA256:[A-Za-z0-9+/=]{43,44}$",
            "give SHA256: and the key's fingerprint, as `ssh-keygen -lf` prints it",
        ),
        description="of an sftp:// server",
    )
    known_hosts: str | None = Field(None, description="file of trusted keys of sftp:// servers")
    allow_http: bool = Field(default=False, description="http:// too, where there is no TLS")
    allow_private_hosts: bool = Field(
        default=False, description="hosts that are not on the public internet, on your own premises"
    )
    max_bytes: int = Field(2 * 1024**3, ge=1, description="a larger file is refused")
    max_rows: int = Field(5_000_000, ge=1, description="a longer listing is refused")
    accept: Literal["on_export", "manual"] = "on_export"
    cutoff: str = Field("16:00", pattern=TIME_OF_DAY)
    send_to: str = Field("", pattern=SEND_TO)
