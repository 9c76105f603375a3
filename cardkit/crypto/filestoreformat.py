"""The file of an encrypted key store, version 1: its fields, and what seals them (security.md 5).

Public fields stand in clear and are bound to their key by the associated data; one MAC binds everything together.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cardkit.crypto.custodians import Custodian
from cardkit.crypto.key import Usage
from cardkit.crypto.management import State
from cardkit.crypto.passphrase import Stretching
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

FORMAT = "cardkit-keystore"
VERSION = 1
NONCE_BYTES = 12
MOST_BYTES = 16 << 20


class Unlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the store is opened: by a passphrase, or by m of n shares (m and n are 0 for a passphrase)."""

    by: Literal["passphrase", "shares"]
    m: int = 0
    n: int = 0


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key or card secret: public facts in clear, the value itself in ``ct``.

    :param algorithm: empty for a card secret, whose ``kcv`` is empty too: a short code could be found by it.
    :param created: ``YYYY-MM-DDThh:mm:ssZ``.  :param not_after: ``YYYY-MM-DD``, or empty.
    :param nonce: 12 bytes in hex.  :param ct: AES-256-GCM of the key, in hex.
    """

    label: str
    algorithm: str
    bits: int
    usage: Usage
    customer: str
    kvn: int | None
    kcv: str
    kcv_method: str
    state: State
    created: str
    not_after: str
    exportable: bool
    custodian: str
    nonce: str = ""
    ct: str = ""


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    format: str
    version: int
    kind: Literal["test", "live"]
    id: str
    kdf: Stretching | None
    unlock: Unlock
    custodians: tuple[Custodian, ...]
    counter: int
    entries: tuple[Entry, ...]
    mac: str = ""


def canonical(value: object) -> bytes:
    """Return JSON with sorted keys and no blanks: the same value, the same bytes (RFC 8785 for what occurs here)."""
    return msgspec.json.encode(value, order="sorted")


def parse(data: bytes, where: str) -> Document:
    """Read a key store file; nothing in it is trusted before :meth:`Sealer.check`.

    :param where: the file's name, for messages.
    :raises KeyStoreError: on bytes that are no such file.
    """
    if len(data) > MOST_BYTES:
        raise KeyStoreError(f"{where}: {len(data)} bytes, a key store has {MOST_BYTES} at most")
    try:
        head: dict[str, Any] = msgspec.json.decode(data, type=dict[str, Any])
        if (head.get("format"), head.get("version")) != (FORMAT, VERSION):
            raise KeyStoreError(f"{where}: no key store, or not of version {VERSION}")
        document = msgspec.convert(head, Document)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise KeyStoreError(f"{where}: no key store: {error}") from None
    labels = [entry.label for entry in document.entries]
    if len(set(labels)) != len(labels):
        raise KeyStoreError(f"{where}: a label twice")
    return document


class Sealer:
    """Encrypts entries and authenticates the file, under the keys of one root.

    :param root: 32 bytes: the stretched passphrase or the shared secret; not kept.  :param store_id: the file's id.
    """

    __slots__ = ("_aead", "_code_key", "_mac_key", "_store_id")

    def __init__(self, root: Secret, store_id: str) -> None:
        self._store_id = store_id
        encryption = _derived(root, store_id, b"cardkit-ks-enc-1")
        with encryption.reveal() as clear:
            self._aead = AESGCM(clear)
        encryption.wipe()
        self._mac_key = _derived(root, store_id, b"cardkit-ks-mac-1")
        self._code_key = _derived(root, store_id, b"cardkit-ks-code-1")

    def seal(self, entry: Entry, value: bytes | bytearray) -> Entry:
        """Return an entry with its key in cipher."""
        nonce = os.urandom(NONCE_BYTES)
        ct = self._aead.encrypt(nonce, value, self._associated_data(entry))
        return msgspec.structs.replace(entry, nonce=nonce.hex(), ct=ct.hex())

    def open(self, entry: Entry) -> bytearray:
        """Return an entry's key in clear, which the caller wipes; KeyStoreError where it was changed."""
        try:
            nonce, ct = bytes.fromhex(entry.nonce), bytes.fromhex(entry.ct)
            return bytearray(self._aead.decrypt(nonce, ct, self._associated_data(entry)))
        except (InvalidTag, ValueError):
            raise KeyStoreError(f"key {entry.label}: its entry was changed") from None

    def fingerprint(self, reference: str, code: Secret) -> str:
        """Return the digest of a code under a key of this store, lower hex: whoever cannot open it can try no codes."""
        with self._code_key.reveal() as key, code.reveal() as clear:
            digest = hmac.new(key, f"{reference}\0".encode(), hashlib.sha256)
            digest.update(clear)
        return digest.hexdigest()

    def sign(self, document: Document) -> Document:
        """Return a document with its MAC."""
        return msgspec.structs.replace(document, mac=self._mac(document))

    def check(self, document: Document, where: str) -> None:
        """Raise KeyStoreError where passphrase or shares are wrong, or anything in the file was changed."""
        if not hmac.compare_digest(self._mac(document).encode(), document.mac.encode()):
            raise KeyStoreError(f"{where}: wrong passphrase or shares, or the file was changed")

    def wipe(self) -> None:
        """Forget the keys."""
        self._mac_key.wipe()
        self._code_key.wipe()

    def _mac(self, document: Document) -> str:
        fields = msgspec.to_builtins(document)
        del fields["mac"]
        with self._mac_key.reveal() as key:
            return hmac.new(key, canonical(fields), hashlib.sha256).hexdigest()

    def _associated_data(self, entry: Entry) -> bytes:
        fields = msgspec.to_builtins(entry)
        del fields["nonce"], fields["ct"]
        return canonical({**fields, "store": self._store_id})


def _derived(root: Secret, store_id: str, info: bytes) -> Secret:
    with root.reveal() as clear:
        value = bytearray(HKDF(SHA256(), 32, salt=bytes.fromhex(store_id), info=info).derive(bytes(clear)))
    try:
        return Secret(value, info.decode())
    finally:
        value[:] = bytes(len(value))
