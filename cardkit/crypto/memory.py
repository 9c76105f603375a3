"""A key store in memory, for tests and virtual cards: its file accepts only obvious test keys."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from cardkit.crypto import digest, wrap
from cardkit.crypto import marker as marking
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.keystore import KeyInfo
from cardkit.crypto.marker import Binding, MarkerState
from cardkit.crypto.secret import Secret
from cardkit.crypto.testkeys import known_test_key
from cardkit.crypto.wrap import Wrapping
from cardkit.errors import KeyStoreError


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    usage: Usage
    hex: str
    algorithm: str = ""
    kvn: int | None = None


class MemoryKeyStore:
    """Keys by reference, in the clear memory of this process; always of kind TEST.

    :param keys: Key or (for usage card-secret) Secret by reference ``scheme:name``.
    """

    kind: Literal["TEST"] = "TEST"

    def __init__(self, keys: Mapping[str, Secret] | None = None) -> None:
        self._keys: dict[str, Secret] = {}
        for reference, key in (keys or {}).items():
            self.add(reference, key)

    @classmethod
    def from_toml(cls, path: Path) -> MemoryKeyStore:
        """Read a test key file: ``kind = "TEST"``, then ``[scheme] name = { usage, hex, algorithm, kvn }``.

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

    def find(self, reference: str) -> KeyInfo:
        """Return a key's public facts; KeyStoreError where there is none."""
        key = self._get(reference)
        if isinstance(key, Key):
            return KeyInfo(reference, key.algorithm, key.bits, key.usage, key.kvn, key.kcv)
        return KeyInfo(reference, "", 8 * len(key), Usage.CARD_SECRET, None, None)

    def kcv(self, reference: str, method: KCVMethod) -> str:
        """Return a key's check value by a named method, upper hex."""
        key = self._key(reference)
        with key.reveal() as clear:
            return kcv(key.algorithm, clear, method)

    def card_secret(self, reference: str) -> Secret:
        """Return a value that is presented to the card in clear; KeyStoreError for any other key."""
        secret = self._get(reference)
        if isinstance(secret, Key):
            raise KeyStoreError(f"key {reference}: usage {secret.usage}, expected {Usage.CARD_SECRET}")
        return secret

    def unwrap(self, reference: str, wrapped: bytes, wrapping: Wrapping) -> bytearray:
        """Return the clear value of a wrapped order field; the caller wipes it."""
        return wrap.unwrap(self._key(reference), wrapped, wrapping)

    def marker(self, reference: str, binding: Binding, state: MarkerState) -> bytes:
        """Return the 18-byte marker of a binding under a batch key."""
        return marking.marker(self._key(reference), binding, state)

    def dup_digest(self, reference: str, kind: str, value: str) -> bytes:
        """Return the 32-byte keyed digest of a business key."""
        return digest.dup_digest(self._key(reference), kind, value)

    def _get(self, reference: str) -> Secret:
        try:
            return self._keys[reference]
        except KeyError:
            raise KeyStoreError(f"key {reference}: not in this key store, which holds {len(self._keys)} keys") from None

    def _key(self, reference: str) -> Key:
        key = self._get(reference)
        if not isinstance(key, Key):
            raise KeyStoreError(
                f"key {reference}: usage {Usage.CARD_SECRET}, it is presented to a card and nothing else"
            )
        return key


def _read_entry(path: Path, reference: str, data: object) -> Secret:
    try:
        entry = msgspec.convert(data, _Entry)
        value = bytearray.fromhex(entry.hex)
    except ValueError as error:
        raise KeyStoreError(f"{path}: {reference}: {_describe(error)}") from None
    if not value or known_test_key(value) is None:
        raise KeyStoreError(f"{path}: {reference}: not an obvious test key (published, counting or repeated bytes)")
    if entry.usage is Usage.CARD_SECRET:
        return Secret(value, reference)
    return Key(value, reference, entry.algorithm, entry.usage, kvn=entry.kvn)


def _describe(error: ValueError) -> str:
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    return "hex: expected pairs of hex digits"  # the text of the error may hold the value


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
