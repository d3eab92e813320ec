"""Every column of ours that holds envelopes: what a new key must reach, and a deletion too.

A test walks the tables and fails where a column of bytes is neither here nor known to be none.
Sources' own secrets, inside their settings, are `sync.sources.RECORDED`.
"""

import orjson
from sqlalchemy import func

from connectors.tokens import SourceToken
from kit.crypto import Keyring
from kit.idempotency import IdempotencyKey
from kit.inbox import Inbox
from kit.rewrapping import OF_FILES, Column
from trade import accepting, recipients
from trade.models import (
    Application,
    ApplicationDocument,
    Claim,
    Evidence,
    ImportedOrder,
    Order,
    OrderImport,
    OrderImportPart,
    Payee,
    Payout,
    Recipient,
    SupplierSheet,
    Webhook,
)


def _of_row(keyring: Keyring, sealed: bytes) -> dict[str, bytes]:
    _, mobile, *_ = orjson.loads(sealed)
    return {"mobile_hash": keyring.fingerprint(mobile, "mobile")}


RECIPIENTS: tuple[Column, ...] = (
    Column(Recipient.envelope, "recipient", remake=recipients.hashes),
    Column(
        Order.content_hash,
        accepting.CONTEXT,
        only=func.length(Order.content_hash) > accepting.KEYED,
    ),
    Column(ImportedOrder.sealed, "order sheet recipient:{import_id}", remake=_of_row),
    Column(OrderImportPart.body, "order sheet:{party_id}:{import_id}:{number}", window=OF_FILES),
    Column(OrderImport.rejects, "order sheet rejects:{party_id}:{id}:0", window=OF_FILES),
    Column(Inbox.body, "{sender}", only=Inbox.sender.startswith("waybills:"), window=OF_FILES),
    Column(SupplierSheet.body, "supplier sheet:{source}:{id}", window=OF_FILES),
    Column(Evidence.content, "evidence", window=OF_FILES),
)
"""What may name a person who gets parcels, or goes when such a person is erased."""

OTHERS: tuple[Column, ...] = (
    Column(Claim.return_to, "return_to"),
    Column(Application.contact, "application"),
    Column(ApplicationDocument.content, "application", window=OF_FILES),
    Column(Payee.envelope, "payee"),
    Column(Payout.envelope, "payee"),
    Column(Webhook.secret, "webhook:{party_id}"),
    Column(Webhook.former_secret, "webhook:{party_id}"),
    Column(SourceToken.envelope, "source-token:{source}"),
    Column(SourceToken.origin, "source-token-origin:{source}"),
    Column(
        IdempotencyKey.body, "answer:{party_id}:{route}:{key}", only=IdempotencyKey.sealed.is_(True)
    ),
)
"""What is of parties, and of this installation."""

PLACES = RECIPIENTS + OTHERS
