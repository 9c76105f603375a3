"""Key custodians of a key store without a plant around it: names with passphrases, kept by the key store (K4)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cardkit.crypto.credential import Credential
from cardkit.crypto.passphrase import Stretching, check_new_passphrase
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

_LABEL = b"cardkit-custodian-1"


class Custodian(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may bring a component.

    :param check: digest of the stretched passphrase, 32 bytes in lower hex.
    """

    name: str
    kdf: Stretching
    check: str

    @classmethod
    def new(cls, name: str, passphrase: Secret) -> Custodian:
        """Enrol a custodian; KeyStoreError on an empty name or a short passphrase."""
        if not name.strip() or not name.isprintable():
            raise KeyStoreError(f"custodian {name!r}: expected a name")
        check_new_passphrase(passphrase)
        made = Credential.new(_LABEL, name, passphrase)
        return cls(name, made.kdf, made.check)

    def log_in(self, passphrase: Secret) -> None:
        """Check a passphrase; KeyStoreError when it is wrong."""
        if not Credential(self.kdf, self.check).accepts(_LABEL, self.name, passphrase):
            raise KeyStoreError(f"custodian {self.name}: wrong passphrase")


def enrol(people: Sequence[tuple[str, Secret]]) -> list[Custodian]:
    """Enrol custodians, each a different person.

    :param people: names and passphrases.
    :raises KeyStoreError: on a name twice, or two people with the same passphrase.
    """
    names = [name.strip().casefold() for name, _ in people]
    if len(set(names)) != len(names):
        raise KeyStoreError(f"custodians {', '.join(name for name, _ in people)}: the same person twice")
    for at, (name, passphrase) in enumerate(people):
        if any(passphrase == other for _, other in people[:at]):
            raise KeyStoreError(f"custodian {name}: has the passphrase of another custodian")
    return [Custodian.new(name.strip(), passphrase) for name, passphrase in people]


def find(custodians: Sequence[Custodian], name: str) -> Custodian:
    """Return the custodian of a name; KeyStoreError where the store has none."""
    for custodian in custodians:
        if custodian.name.casefold() == name.strip().casefold():
            return custodian
    known = ", ".join(custodian.name for custodian in custodians) or "none"
    raise KeyStoreError(f"custodian {name!r}: unknown to this key store, which has {known}")
