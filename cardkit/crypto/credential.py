"""What is kept of a person's password: a salt and a digest of the stretched password, bound to the person's name."""

from __future__ import annotations

import hashlib
import hmac
from typing import Self

import msgspec

from cardkit.crypto.passphrase import Stretching
from cardkit.crypto.secret import Secret


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password that can be checked and not read.

    :param check: digest of the stretched password, 32 bytes in lower hex.
    security.md R1: no fast hash; Argon2id, scrypt where the library has none.
    """

    kdf: Stretching
    check: str

    @classmethod
    def new(cls, label: bytes, name: str, password: Secret) -> Self:
        """Return the credential of a password.

        :param label: what the digest is for, so that it fits nowhere else.  :param name: whose it is.
        """
        kdf = Stretching.new()
        return cls(kdf, _digest(label, name, kdf.stretch(password)))

    def accepts(self, label: bytes, name: str, password: Secret) -> bool:
        """Whether a password is this one; takes as long for a wrong one."""
        return hmac.compare_digest(self.check, _digest(label, name, self.kdf.stretch(password)))


def _digest(label: bytes, name: str, stretched: Secret) -> str:
    with stretched.reveal() as clear:
        digest = hashlib.sha256(label + b"\0" + name.encode() + b"\0" + clear).hexdigest()
    stretched.wipe()
    return digest
