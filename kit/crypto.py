"""Secrets at rest: sealed envelopes, keyed hashes and signatures, all from one key ring.

An envelope holds its own random data key, wrapped by a master key; rotation re-wraps the data
key and never touches the content, and deleting the row shreds it.
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
_KEY = 32
_WRAPPED = _NONCE + _KEY + 16
_KEY_ID = 4
HEAD = _KEY_ID + _WRAPPED
"""Bytes of an envelope before its content: by which key it is wrapped, and its own key."""


class CannotOpen(Exception):
    """An envelope that no key of the ring opens, or that belongs to another context."""


def wrapped_by(envelope: bytes) -> str:
    """The name of the key that an envelope, or the head of one, is wrapped with."""
    return envelope[:_KEY_ID].hex()


def new_key() -> str:
    """A fresh master key as text for a key file."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY)).decode()


def _derive(master: bytes, purpose: str) -> bytes:
    """The key for one purpose."""
    return HKDF(SHA256(), _KEY, salt=None, info=purpose.encode()).derive(master)


@lru_cache(maxsize=256)
def _hasher(master: bytes, purpose: str) -> HMAC:
    """Every fingerprint and signature begins with some of these, always the same ones."""
    return HMAC(_derive(master, purpose), SHA256())


@lru_cache(maxsize=256)
def _wrapper(master: bytes) -> AESGCM:
    """What wraps the data keys of envelopes."""
    return AESGCM(_derive(master, "wrap"))


@dataclass(frozen=True, repr=False)
class Keyring:
    """The current master key and the former ones that old envelopes still need."""

    current: bytes
    previous: tuple[bytes, ...] = ()

    @classmethod
    def from_text(cls, current: str, previous: Sequence[str] = ()) -> "Keyring":
        """Keys as `new_key` writes them. Raises ValueError for anything that is not 32 bytes."""
        keys = [base64.urlsafe_b64decode(text.strip()) for text in (current, *previous)]
        if any(len(key) != _KEY for key in keys):
            raise ValueError("a key must be 32 bytes in URL-safe base64")
        first, *others = dict.fromkeys(keys)
        return cls(first, tuple(others))

    @property
    def name(self) -> str:
        """What the current key is called: eight characters by which nobody learns the key."""
        return _key_id(self.current).hex()

    @property
    def former(self) -> tuple[str, ...]:
        """What the other keys of the ring are called."""
        return tuple(_key_id(key).hex() for key in self.previous)

    def seal(self, plain: bytes, context: str) -> bytes:
        """An envelope of `plain` that opens only with the same `context`."""
        data_key = os.urandom(_KEY)
        return self._wrap(data_key, context) + _encrypt(AESGCM(data_key), plain, context)

    def open(self, envelope: bytes, context: str) -> bytes:
        """The content of `envelope`. Raises CannotOpen."""
        data_key = self._unwrap(envelope[:HEAD], context)
        return _decrypt(AESGCM(data_key), envelope[HEAD:], context)

    def rewrap(self, envelope: bytes, context: str) -> bytes:
        """The same envelope, or its head alone, under the current key. Raises CannotOpen."""
        return self._wrap(self._unwrap(envelope[:HEAD], context), context) + envelope[HEAD:]

    def fingerprint(self, value: str, purpose: str) -> bytes:
        """A keyed hash by which `value` is found without being stored (16 bytes)."""
        return _mac(self.current, f"find:{purpose}", value.encode())[:16]

    def fingerprints(self, value: str, purpose: str) -> tuple[bytes, ...]:
        """The keyed hash under each key of the ring, the current one's first: what is looked for
        while not every hash is made anew."""
        keys = (self.current, *self.previous)
        return tuple(Keyring(key).fingerprint(value, purpose) for key in keys)

    def sign(self, message: bytes, purpose: str) -> str:
        """A signature of `message`, as URL-safe text."""
        mac = _mac(self.current, f"sign:{purpose}", message)
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")

    def verify(self, message: bytes, signature: str, purpose: str) -> bool:
        """Whether any key of the ring signed `message`."""
        return any(
            hmac.compare_digest(Keyring(key).sign(message, purpose), signature)
            for key in (self.current, *self.previous)
        )

    def _wrap(self, data_key: bytes, context: str) -> bytes:
        return _key_id(self.current) + _encrypt(_wrapper(self.current), data_key, context)

    def _unwrap(self, head: bytes, context: str) -> bytes:
        for key in (self.current, *self.previous):
            if _key_id(key) == head[:_KEY_ID]:
                return _decrypt(_wrapper(key), head[_KEY_ID:], context)
        raise CannotOpen(
            f"the key {wrapped_by(head)} that this is sealed with is not here; name it in"
            " [security] previous_keys"
        )


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:_KEY_ID]


def _mac(master: bytes, purpose: str, message: bytes) -> bytes:
    mac = _hasher(master, purpose).copy()
    mac.update(message)
    return mac.finalize()


def _encrypt(cipher: AESGCM, plain: bytes, context: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, plain, context.encode())


def _decrypt(cipher: AESGCM, sealed: bytes, context: str) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("the envelope was altered or belongs elsewhere") from error
