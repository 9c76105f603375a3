"""A key store in memory, for tests and virtual cards: its file accepts only obvious test keys."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from cardkit.crypto.key import Key, Usage
from cardkit.crypto.private import PrivateKey, private_key_of_pem
from cardkit.crypto.secret import Secret
from cardkit.crypto.soft import SoftKeyStore
from cardkit.crypto.testkeys import CARD_DEFAULTS, known_test_key
from cardkit.errors import KeyStoreError

TEST_PEM = b"TEST KEY"
"""How a line in front of a private key begins that may stand in a file anybody can read."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    usage: Usage
    hex: Secret | None = None
    algorithm: str = ""
    kvn: int | None = None
    pem: str = ""

    def __post_init__(self) -> None:
        if (self.hex is None) == (not self.pem):
            raise ValueError("expected hex or pem, and one of them only")


class MemoryKeyStore(SoftKeyStore):
    """Keys by reference, in the clear memory of this process; always of kind TEST.

    :param keys: Key, PrivateKey or (for usage card-secret) Secret by reference ``scheme:name``.

    >>> MemoryKeyStore.with_published_test_keys().find("test:gp-default").kcv
    '504A77'
    """

    kind: Literal["TEST"] = "TEST"

    def __init__(self, keys: Mapping[str, Secret] | None = None) -> None:
        super().__init__()
        for reference, key in (keys or {}).items():
            self.add(reference, key)

    @classmethod
    def with_published_test_keys(cls) -> MemoryKeyStore:
        """Return a store of the keys cards are delivered with: ``test:gp-default``, ``test:gp-default-3des`` ..."""
        return cls(
            {
                reference: Key(bytes.fromhex(value), reference, algorithm, Usage.SECURE_CHANNEL)
                for reference, (algorithm, value) in CARD_DEFAULTS.items()
            }
        )

    @classmethod
    def from_toml(cls, path: Path) -> MemoryKeyStore:
        """Read a test key file: ``kind = "TEST"``, then ``[scheme] name = { usage, hex, algorithm, kvn }``.

        A private key lies in a PEM file beside it, ``{ usage, pem = "issuer.pem" }``, behind a line ``TEST KEY ...``.

        :raises KeyStoreError: on a file that cannot be read, an unknown key, or a value that is no obvious test key.
        """
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise KeyStoreError(f"{path}: test key file cannot be read: {_first_line(error)}") from None
        if document.pop("kind", None) != "TEST":
            raise KeyStoreError(f'{path}: kind: expected "TEST": only test keys may stand in a file of clear values')
        store = cls()
        for scheme, names in document.items():
            if not isinstance(names, dict):
                raise KeyStoreError(f"{path}: {scheme}: expected a table of keys")
            for name, entry in names.items():
                store.add(f"{scheme}:{name}", _read_entry(path, f"{scheme}:{name}", entry))
        return store

    def add(self, reference: str, key: Secret) -> None:
        """Hold one more key; KeyStoreError where the reference is malformed or taken."""
        scheme, _, name = reference.partition(":")
        if not scheme or not name:
            raise KeyStoreError(f"key reference {reference!r}: expected scheme:name")
        if reference in self._keys:
            raise KeyStoreError(f"key {reference}: given twice")
        self._keys[reference] = key


def _read_entry(path: Path, reference: str, data: object) -> Secret:
    try:
        entry = msgspec.convert(data, _Entry, dec_hook=_from_hex)
    except msgspec.ValidationError as error:
        raise KeyStoreError(f"{path}: {reference}: {error}") from None
    if entry.hex is None:
        return _read_pem(path.parent / Path(entry.pem).name, reference, entry.usage)
    with entry.hex.reveal() as value:
        if not value or known_test_key(value) is None:
            raise KeyStoreError(f"{path}: {reference}: not an obvious test key (published, counting or repeated bytes)")
        if entry.usage is Usage.CARD_SECRET:
            return Secret(value, reference)
        return Key(value, reference, entry.algorithm, entry.usage, kvn=entry.kvn)


def _read_pem(path: Path, reference: str, usage: Usage) -> PrivateKey:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KeyStoreError(f"{path}: {reference}: cannot be read: {error.strerror or error}") from None
    if not content.startswith(TEST_PEM):
        raise KeyStoreError(f'{path}: {reference}: expected a first line that begins with "{TEST_PEM.decode()}"')
    return private_key_of_pem(content, reference, usage)


def _from_hex(kind: type, value: object) -> Secret:  # noqa: ARG001 - msgspec's signature
    try:
        return Secret(bytes.fromhex(str(value)), "hex")
    except ValueError:
        raise ValueError("hex: expected pairs of hex digits") from None  # the text of the error may hold the value


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
