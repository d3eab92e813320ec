"""What sources said live about goods for an address, kept for as long as a quote is good.

A price is a fact about an offer and goes into the catalogue. Whether so many units are sold and
sent there, and for what freight, is a word about these very units: it counts for whoever asks for
the same again, in a quote or in the order that follows it, and is forgotten afterwards.

| The source was asked about an address | its word counts for |
|---|---|
| in a district where it wants no town | the district |
| that names the town it wants | addresses of the district that name one as well |
| that names none, whether the source found one itself or would refuse it | that very address |
| that is in no district it knows | that very address |

Whoever asks about a whole district, without an address, hears all that was said of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import heard_prices
from catalog.heard_prices import Heard
from connectors import regions
from connectors.model import ShipTo
from kit.crypto import Keyring
from kit.money import yuan
from kit.statements import Query, insert, send
from trade import towns
from trade.models import LiveAnswer
from trade.routing.takes import Supply, Word

ADDRESS = "address_incomplete"
"""The code of a line that is not sold because of how the address is written."""


@dataclass(frozen=True)
class Said:
    """What a source said of `units` of an offer, of the `wanted` ones that a line asks for; `code`
    says why it does not sell them, `price` is CNY a unit."""

    offer_id: int
    external_id: str
    units: int
    wanted: int
    code: str | None = None
    price: Decimal | None = None


@dataclass(frozen=True)
class Answer:
    """What one seller of a source would sell to a region together. `freight` in fen, None where it
    was not said; `parcels` alike. `incomplete`: an order to the very address that was asked about
    would be refused as it is written. `towns`: it is said of addresses that name one of these."""

    source: str
    seller: str | None
    region: str
    at: datetime
    lines: tuple[Said, ...]
    freight: int | None = None
    parcels: int | None = None
    incomplete: bool = False
    towns: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all of it is sold."""
        return all(line.code is None for line in self.lines)

    def fits(self, address: str) -> bool:
        """Whether it is said of addresses like this one, and not of the one alone that was asked
        about. Pure."""
        if self.incomplete:
            return False
        return not self.towns or regions.mentioned(address, self.towns) != ""

    def at_address(self) -> "Answer":
        """What it says of an order to the address that was asked about. Pure."""
        if not self.incomplete:
            return self
        lines = [replace(line, code=line.code or ADDRESS) for line in self.lines]
        return replace(self, lines=tuple(lines))


_PURPOSE = "asked about"
_LINES = TypeAdapter(tuple[Said, ...])


def applied(
    supplies: Iterable[Supply], wanted: Mapping[int, int], answers: Iterable[Answer]
) -> list[Supply]:
    """The supplies as these answers have them, the youngest last; `wanted` are units by SKU.

    A refusal counts where the same number of that line is wanted again; all else where everything
    that was asked for together is. Pure.
    """
    by_offer = {supply.offer_id: supply for supply in supplies}
    for answer in answers:
        again = [
            line
            for line in answer.lines
            if (supply := by_offer.get(line.offer_id)) and wanted.get(supply.sku_id) == line.wanted
        ]
        for line in again:
            if line.code is not None or len(again) == len(answer.lines):
                by_offer[line.offer_id] = _told(by_offer[line.offer_id], line, answer)
    return list(by_offer.values())


def _told(supply: Supply, line: Said, answer: Answer) -> Supply:
    word = Word(answer.at, line.code, answer.parcels if answer.whole else None)
    if line.code is not None:
        return replace(supply, word=word)
    told = replace(supply, word=word, unknown_stock="sell")
    if line.price is not None and not _risen(supply, line.price, answer.at):
        told = replace(told, cost=line.price, priced_at=answer.at)
    if answer.whole and answer.freight is not None:
        freight = {"kind": "flat", "fee": yuan(answer.freight), "free_from": None}
        told = replace(told, freight=freight)
    return told


def _risen(supply: Supply, price: Decimal, at: datetime) -> bool:
    """Whether the source has stated a higher price since. A lower one may be that of one unit."""
    if supply.cost is None or supply.priced_at is None:
        return False
    return supply.priced_at > at and supply.cost > price


def write(session: Session, keyring: Keyring, answers: Sequence[Answer], to: ShipTo) -> None:
    """Keep what was answered about goods for `to`, and the prices as the newest facts. System
    scope."""
    if not answers:
        return
    heard = [
        Heard(line.offer_id, line.units, line.price)
        for answer in answers
        for line in answer.lines
        if line.price is not None
    ]
    heard_prices.write(session, heard, min(answer.at for answer in answers))
    address = towns.spoken(to)
    only = keyring.fingerprint(address, _PURPOSE)
    rows = [_row(one) | {"address": None if one.fits(address) else only} for one in answers]
    send(session, insert(LiveAnswer, rows))


def question(
    keyring: Keyring, offers: str, asked: Mapping[str, Any], to: ShipTo, now: datetime, minutes: int
) -> Query:
    """What `read` needs: younger words than `minutes` about any of `offers`, a query for their ids
    by `asked`, for the same district; of an address the ones that may be said of it."""
    only = "AND (address IS NULL OR address = ANY(%(addresses)s))" if to.address else ""
    addresses = list(keyring.fingerprints(towns.spoken(to), _PURPOSE)) if to.address else []
    since = now - timedelta(minutes=minutes)
    return (
        f"""SELECT source, seller, region, at, lines, freight, parcels, incomplete, towns,
                   address IS NOT NULL AS alone FROM live_answers
            WHERE region = %(region)s AND at > %(since)s AND offers && ARRAY({offers}) {only}
            ORDER BY at, id""",  # noqa: S608 - no value in it
        {**asked, "region": to.region[:6], "addresses": addresses, "since": since},
    )


def told(
    session: Session,
    keyring: Keyring,
    supplies: Sequence[Supply],
    wanted: Mapping[int, int],
    to: ShipTo,
    now: datetime,
    minutes: int,
) -> list[Supply]:
    """The supplies as words younger than `minutes` about them have them. System scope."""
    about = {"ids": [supply.offer_id for supply in supplies]}
    offers = "SELECT unnest(%(ids)s::bigint[])"
    return applied(supplies, wanted, heard(session, keyring, offers, about, to, now, minutes))


def heard(
    session: Session,
    keyring: Keyring,
    offers: str,
    asked: Mapping[str, Any],
    to: ShipTo,
    now: datetime,
    minutes: int,
) -> list[Answer]:
    """The answers to `question`, as `read` tells them."""
    [rows] = send(session, question(keyring, offers, asked, to, now, minutes))
    return read(rows, to)


def read(rows: Iterable[Any], to: ShipTo) -> list[Answer]:
    """The answers to `question` as they stand for an order to `to`, the oldest first."""
    found, address = [], towns.spoken(to)
    for row in rows:
        fields = row._asdict()
        alone = fields.pop("alone")
        fields |= {"lines": _LINES.validate_python(row.lines), "towns": tuple(row.towns)}
        answer = Answer(**fields)
        if not to.address:
            found.append(answer)
        elif alone or answer.fits(address):
            found.append(answer.at_address())
    return found


def forget(session: Session, offer_ids: Sequence[int]) -> None:
    """What was said of these offers is known to be so no more."""
    session.execute(
        text("DELETE FROM live_answers WHERE offers && CAST(:offers AS bigint[])"),
        {"offers": list(offer_ids)},
    )


def prune(session: Session, before: datetime) -> int:
    """Forget older words; returns how many."""
    gone = session.execute(text("DELETE FROM live_answers WHERE at < :before"), {"before": before})
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _row(answer: Answer) -> dict[str, Any]:
    return {
        "source": answer.source,
        "seller": answer.seller,
        "region": answer.region[:6],
        "at": answer.at,
        "offers": [line.offer_id for line in answer.lines],
        "lines": Jsonb(_LINES.dump_python(answer.lines, mode="json")),
        "freight": answer.freight,
        "parcels": answer.parcels,
        "incomplete": answer.incomplete,
        "towns": list(answer.towns),
    }
