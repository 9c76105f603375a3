"""Where the keys of a job are, and what opens them: each process of the job opens its own session."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from cardkit.crypto.filestore import FileKeyStore, unlocking
from cardkit.crypto.keystore import KeyStore
from cardkit.crypto.management import ManagedKeyStore
from cardkit.crypto.pack import pack, unpack
from cardkit.crypto.secret import Secret
from cardkit.crypto.shamir import Share
from cardkit.errors import EncodingError, KeyStoreError

FILE = "file:"
PKCS11 = "pkcs11:"


class OpenKeyStore(KeyStore, AbstractContextManager["OpenKeyStore"], Protocol):
    """A key store that a ``with`` block closes."""

    def close(self) -> None:
        """Let go of every key."""
        ...


class OpenManagedKeyStore(ManagedKeyStore, AbstractContextManager["OpenManagedKeyStore"], Protocol):
    """A key store whose keys are kept, and that a ``with`` block closes."""

    def close(self) -> None:
        """Let go of every key."""
        ...


@dataclass(frozen=True, slots=True)
class KeySource:
    """A key store that is not open yet.

    :param url: ``file:PATH`` or ``pkcs11:...`` (RFC 7512).
    :param unlock: what opens it, in order: a passphrase, a PIN, or shares as their text.
    """

    url: str
    unlock: tuple[Secret, ...]

    @property
    def single_thread(self) -> bool:
        """Whether one thread of a process may work with it: the binding of PKCS#11 is not safe for more."""
        return self.url.startswith(PKCS11)

    def open(self) -> OpenManagedKeyStore:
        """Open the key store once more; close it, or use it in a ``with`` block.

        :raises KeyStoreError: on another form of URL, or where the store does not open.
        """
        if self.url.startswith(PKCS11):
            from cardkit.crypto.pkcs11store import Pkcs11KeyStore  # noqa: PLC0415  an extra: not everybody has it

            with self.unlock[0].reveal() as clear:
                return Pkcs11KeyStore.open(self.url, Secret(clear, self.unlock[0].name))  # which is the store's to wipe
        path = file_path(self.url)
        if unlocking(path).by == "passphrase":
            return FileKeyStore.open(path, self.unlock[0])
        return FileKeyStore.open(path, [_share(text) for text in self.unlock])

    def wipe(self) -> None:
        """Overwrite what opens the store."""
        for secret in self.unlock:
            secret.wipe()

    def to_bytes(self) -> bytearray:
        """Return it in clear, for another process: seal it in an envelope, then wipe it."""
        return pack({"url": self.url, **{str(number): secret for number, secret in enumerate(self.unlock)}})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` gave; EncodingError on anything else."""
        values = unpack(data)
        url = values.pop("url", None)
        unlock = [values.get(str(number)) for number in range(len(values))]
        secrets = tuple(secret for secret in unlock if isinstance(secret, Secret))
        if not isinstance(url, str) or len(secrets) != len(values):
            raise EncodingError("key source: other values than a URL and what opens it")
        return cls(url, secrets)


def file_path(url: str) -> Path:
    """Return the path of a ``file:`` URL, or of a bare path; KeyStoreError where there is none."""
    path = url.removeprefix(FILE)
    if not path:
        raise KeyStoreError(f"key store {url!r}: expected file:PATH")
    return Path(path)


def what_opens(url: str) -> list[str]:
    """Return what a person is asked for to open a key store, in order.

    :raises KeyStoreError: on another form of URL, or where there is no key file.
    """
    if url.startswith(PKCS11):
        return ["PIN of the token"]
    if not url.startswith(FILE):
        raise KeyStoreError(f"key store {url!r}: expected file:PATH or pkcs11:...")
    path = file_path(url)
    unlock = unlocking(path)
    if unlock.by == "passphrase":
        return [f"passphrase of {path}"]
    return [f"share {number} of {unlock.m} for {path}" for number in range(1, unlock.m + 1)]


def _share(text: Secret) -> Share:
    with text.reveal() as clear:
        return Share.from_text(clear.decode("utf-8", "replace"))
