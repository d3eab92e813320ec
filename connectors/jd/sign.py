"""JD's signatures and sealed fields. Pure: text and keys in, text out."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

HMACS = {"hmacmd5": "md5", "hmacsha256": "sha256"}


def router(params: Mapping[str, str], secret: str, method: str = "") -> str:
    """The `sign` of a router call over the raw, not yet URL-encoded parameters.

    `sign` itself, `other` and whatever has no name or value are left out. `method` is md5 (also
    when empty), hmacmd5 or hmacsha256.
    """
    joined = "".join(
        f"{name}{params[name]}"
        for name in sorted(params)
        if name and params[name] and name not in ("sign", "other")
    )
    if method in HMACS:
        mac = hmac.new(secret.encode(), joined.encode(), HMACS[method])
        return mac.hexdigest().upper()
    return md5(f"{secret}{joined}{secret}").upper()


def vop_token(fields: Mapping[str, str], secret: str) -> str:
    """The `sign` of a classic VOP token call; `password` is the MD5 in lower hex already."""
    order = ("timestamp", "client_id", "username", "password", "grant_type", "scope")
    return md5(secret + "".join(fields.get(name, "") for name in order) + secret).upper()


def md5(text: str) -> str:
    """MD5 in lower hex over UTF-8: JD's choice, not ours."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def des_opened(sealed: str, kind: str, client_id: str) -> str:
    """A field of an order in clear; `kind` is NA for names, AD for addresses, MO for mobiles.

    What is not sealed comes back as it is.
    """
    try:
        data = bytes.fromhex(sealed)
        decryptor = _des(kind, client_id).decryptor()
        unpadder = padding.PKCS7(64).unpadder()
        clear = unpadder.update(decryptor.update(data) + decryptor.finalize())
        return (clear + unpadder.finalize()).decode()
    except ValueError:
        return sealed


def des_sealed(clear: str, kind: str, client_id: str) -> str:
    """The same field as JD sends it, in lower hex."""
    padder = padding.PKCS7(64).padder()
    encryptor = _des(kind, client_id).encryptor()
    data = padder.update(clear.encode()) + padder.finalize()
    return (encryptor.update(data) + encryptor.finalize()).hex()


def rsa_password(password: str, key: str) -> str:
    """The password of `authorizeForVOP`: its MD5, under our *private* key, in base64."""
    private = _private(key)
    size = (private.key_size + 7) // 8
    text = md5(password).encode()
    block = b"\x00\x01" + b"\xff" * (size - len(text) - 3) + b"\x00" + text
    numbers = private.private_numbers()
    sealed = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n)
    return base64.b64encode(sealed.to_bytes(size, "big")).decode()


def rsa_opened(sealed: str, key: str) -> str:
    """A sensitive after-sale field in clear; what is not sealed comes back as it is."""
    try:
        return _private(key).decrypt(base64.b64decode(sealed, validate=True), PKCS1v15()).decode()
    except ValueError:
        return sealed


def _des(kind: str, client_id: str) -> Cipher[modes.CBC]:
    word = f"{kind}{client_id}".encode()[:8]
    return Cipher(TripleDES(word * 3), modes.CBC(word))


def _private(key: str) -> RSAPrivateKey:
    if "BEGIN" in key:
        loaded = load_pem_private_key(key.encode(), None)
    else:
        loaded = load_der_private_key(base64.b64decode(key), None)
    if not isinstance(loaded, RSAPrivateKey):
        raise ValueError("the private key is no RSA key")
    return loaded
