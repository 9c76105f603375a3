"""Keys from passphrases: Argon2id, or scrypt where the library has none; slow on purpose, with fixed costs."""

from __future__ import annotations

import os
from typing import Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

LEAST_CHARACTERS = 8
SALT_BYTES = 16
ROOT_BYTES = 32
# security.md 5: 0.1 to 0.5 s and 64 MiB or more for each guess. A file that names other costs is refused, so that none
# can ask for a weak key or for all the memory there is.
COSTS = {
    "argon2id": {"m_kib": 65536, "t": 3, "p": 4},
    "scrypt": {"n": 1 << 17, "r": 8, "p": 1},
}


class Stretching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a passphrase becomes a key: the function, its costs, and a salt.

    :param costs: those of ``COSTS`` and no others.  :param salt: 16 bytes, lower hex.
    """

    name: Literal["argon2id", "scrypt"]
    costs: dict[str, int]
    salt: str

    @classmethod
    def new(cls) -> Stretching:
        """Return a fresh salt with the best function this machine has."""
        name: Literal["argon2id", "scrypt"] = "argon2id" if has_argon2id() else "scrypt"
        return cls(name, COSTS[name], os.urandom(SALT_BYTES).hex())

    def stretch(self, passphrase: Secret) -> Secret:
        """Return 32 bytes; KeyStoreError on other costs, a malformed salt, or where there is no Argon2id."""
        if self.costs != COSTS[self.name]:
            raise KeyStoreError(f"{self.name}: costs {self.costs}, expected {COSTS[self.name]}")
        salt = self._salt()
        with passphrase.reveal() as clear:
            derived = bytearray(_scrypt(salt, clear) if self.name == "scrypt" else _argon2id(salt, clear))
        try:
            return Secret(derived, f"{self.name} of {passphrase.name}")
        finally:
            derived[:] = bytes(len(derived))

    def _salt(self) -> bytes:
        try:
            salt = bytes.fromhex(self.salt)
        except ValueError:
            salt = b""
        if len(salt) != SALT_BYTES:
            raise KeyStoreError(f"salt of {self.name}: expected {SALT_BYTES} bytes in hex")
        return salt


def check_new_passphrase(passphrase: Secret) -> None:
    """Raise KeyStoreError for a new passphrase that is too short."""
    if len(passphrase) < LEAST_CHARACTERS:
        raise KeyStoreError(f"{passphrase.name}: {len(passphrase)} bytes, expected {LEAST_CHARACTERS} or more")


def has_argon2id() -> bool:
    """Whether this build of OpenSSL has Argon2id (3.2 and later)."""
    try:
        _argon2(bytes(SALT_BYTES))
    except UnsupportedAlgorithm:
        return False
    return True


def _argon2(salt: bytes) -> Argon2id:
    costs = COSTS["argon2id"]
    return Argon2id(salt=salt, length=ROOT_BYTES, iterations=costs["t"], lanes=costs["p"], memory_cost=costs["m_kib"])


def _argon2id(salt: bytes, clear: bytearray) -> bytes:
    try:
        # It takes any buffer, whatever its stubs say; a copy as bytes could not be wiped.
        return _argon2(salt).derive(clear)  # type: ignore[arg-type]
    except UnsupportedAlgorithm:
        raise KeyStoreError("argon2id: not in this build of OpenSSL, expected 3.2 or later") from None


def _scrypt(salt: bytes, clear: bytearray) -> bytes:
    return Scrypt(salt=salt, length=ROOT_BYTES, **COSTS["scrypt"]).derive(clear)
