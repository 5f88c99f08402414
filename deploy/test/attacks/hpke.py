"""The seal of proto/src/seal, written a second time: HPKE in authenticated mode, export only (RFC 9180), then
ChaCha20-Poly1305 (RFC 8439). An attacker knows all of it; what he lacks is a key."""

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\xff\xff"
AUTH = b"\x02"
TO_BRIDGE = b"teleinfo/2 bridge<".ljust(32, b"\0")
HEADER, KEY = 60, 32


def to_reader(boot):
    """What a session to this run of a reader is for."""
    return b"teleinfo/2 reader<".ljust(24, b"\0") + boot.to_bytes(8, "big")


def _mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def _extract(suite, salt, label, ikm):
    return _mac(salt or bytes(32), b"HPKE-v1" + suite + label + ikm)


def _expand(suite, key, label, info):
    """32 bytes, which is one block."""
    return _mac(key, b"\x00\x20HPKE-v1" + suite + label + info + b"\x01")


def _exported(shared, context, info):
    secret = _expand(KEM, _extract(KEM, b"", b"eae_prk", shared), b"shared_secret", context)
    of_nothing, of_info = _extract(SUITE, b"", b"psk_id_hash", b""), _extract(SUITE, b"", b"info_hash", info)
    schedule = AUTH + of_nothing + of_info
    exporter = _expand(SUITE, _extract(SUITE, secret, b"secret", b""), b"exp", schedule)
    return _expand(SUITE, exporter, b"sec", b"teleinfo/2 messages")


class Identity:
    """A key pair."""

    def __init__(self):
        self.secret = X25519PrivateKey.from_private_bytes(os.urandom(32))
        self.public = self.secret.public_key().public_bytes_raw()
        self.id = key_id(self.public)

    def agree(self, public):
        return self.secret.exchange(X25519PublicKey.from_public_bytes(public))


def key_id(public):
    return hashlib.sha3_256(b"teleinfo key id 2" + public).digest()[:8]


class Session:
    """One direction, from one process to one key: the sender's end."""

    def __init__(self, own, to, info=TO_BRIDGE):
        fresh = Identity()
        self.own, self.to, self.session, self.number = own, to, fresh.public, 0
        context = fresh.public + to + own.public
        self.cipher = ChaCha20Poly1305(_exported(fresh.agree(to) + own.agree(to), context, info))

    def seal(self, kind, expression, plain, number=None):
        """`kind` 2 and 3 carry the sender's key."""
        self.number = self.number + 1 if number is None else number
        count = self.number.to_bytes(8, "big")
        clear = bytes([2, kind, 0, 0]) + self.own.id + key_id(self.to) + count + self.session
        clear += self.own.public if kind in (2, 3) else b""
        return clear + self.cipher.encrypt(bytes(4) + count, plain, clear + expression.encode())


def opened(own, sender, info, expression, message):
    """What `sender` has sealed for us."""
    split = HEADER + (KEY if message[1] in (2, 3) else 0)
    clear, session = message[:split], message[28:60]
    context = session + own.public + sender
    cipher = ChaCha20Poly1305(_exported(own.agree(session) + own.agree(sender), context, info))
    return cipher.decrypt(bytes(4) + clear[20:28], message[split:], clear + expression.encode())
