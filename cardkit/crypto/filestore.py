"""The key store in an encrypted file: a passphrase or m of n people open it, keys are in memory while it is open."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, Self

import msgspec

from cardkit.crypto import blockpolicy, keyblock, keymaking, shamir
from cardkit.crypto.custodians import Custodian
from cardkit.crypto.durable import replace_file
from cardkit.crypto.filestoreformat import FORMAT, VERSION, Document, Entry, Sealer, Unlock, parse
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.keystore import KeyInfo
from cardkit.crypto.management import NO_METHOD, Clock, KeyEntry, NewKey, State, check_usable, utc_now
from cardkit.crypto.operations import check_usage
from cardkit.crypto.passphrase import ROOT_BYTES, Stretching, check_new_passphrase
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.secret import Secret
from cardkit.crypto.shamir import Share
from cardkit.crypto.soft import SoftKeyStore
from cardkit.crypto.statickey import ClearKey
from cardkit.crypto.testkeys import refuse_test_key
from cardkit.errors import KeyStoreError

Kind = Literal["TEST", "LIVE"]
PROTECTING = (Usage.BLOCK_PROTECTION,)


class FileKeyStore(SoftKeyStore):
    """An open key store file; close it, or use it in a ``with`` block, so that its keys are wiped.

    Made by :meth:`create`, :meth:`create_shared` and :meth:`open`.
    """

    def __init__(self, path: Path, document: Document, sealer: Sealer, clock: Clock) -> None:
        super().__init__()
        self._path = path
        self._document = document
        self._sealer = sealer
        self._clock = clock
        self._digest = b""

    @classmethod
    def create(
        cls,
        path: Path,
        kind: Kind,
        passphrase: Secret,
        *,
        custodians: Sequence[Custodian] = (),
        clock: Clock = utc_now,
    ) -> Self:
        """Make a new store that a passphrase opens; KeyStoreError where there is a file, or the passphrase is short."""
        check_new_passphrase(passphrase)
        kdf = Stretching.new()
        return cls._create(path, _new(kind, kdf, Unlock("passphrase"), custodians), kdf.stretch(passphrase), clock)

    @classmethod
    def create_shared(
        cls, path: Path, kind: Kind, m: int, n: int, *, custodians: Sequence[Custodian] = (), clock: Clock = utc_now
    ) -> tuple[Self, list[Share]]:
        """Make a new store that any m of n shares open, and return the shares."""
        root = Secret(os.urandom(ROOT_BYTES), "root")
        shares = shamir.split(root, m, n, [Secret(os.urandom(ROOT_BYTES), "coefficient") for _ in range(m - 1)])
        return cls._create(path, _new(kind, None, Unlock("shares", m, n), custodians), root, clock), shares

    @classmethod
    def _create(cls, path: Path, document: Document, root: Secret, clock: Clock) -> Self:
        if path.exists():
            raise KeyStoreError(f"{path}: is there already; a key store is never overwritten")
        store = cls(path, document, _sealer(root, document.id), clock)
        store._write(document)
        return store

    @classmethod
    def open(cls, path: Path, unlock: Secret | Sequence[Share], *, clock: Clock = utc_now) -> Self:
        """Open a store with its passphrase, or with as many shares as it asks for.

        :raises KeyStoreError: on a file that is no key store or was changed, or where passphrase or shares are wrong.
        """
        data = _read(path)
        document = parse(data, str(path))
        store = cls(path, document, _sealer(_root(path, document, unlock), document.id), clock)
        store._sealer.check(document, str(path))
        store._digest = hashlib.sha256(data).digest()
        for entry in document.entries:
            store._load(entry)
        return store

    @property
    def kind(self) -> Kind:
        """Whether it holds test keys or live ones."""
        return "LIVE" if self._document.kind == "live" else "TEST"

    @property
    def custodians(self) -> Sequence[Custodian]:
        """Who may bring components."""
        return self._document.custodians

    @property
    def counter(self) -> int:
        """How often the store was written; with :attr:`sha256` in an audit, an old copy is found out."""
        return self._document.counter

    @property
    def sha256(self) -> str:
        """Digest of the file as it was written last, lower hex."""
        return self._digest.hex()

    def close(self) -> None:
        """Wipe every key."""
        super().close()
        self._sealer.wipe()

    def entries(self) -> list[KeyEntry]:
        """Return the inventory, sorted by reference."""
        return _inventory(self._document)

    def find(self, reference: str) -> KeyInfo:
        """Return a key's public facts, and of a card secret its fingerprint; KeyStoreError where there is none."""
        found = super().find(reference)
        if found.usage is not Usage.CARD_SECRET:
            return found
        return dataclasses.replace(found, fingerprint=self._sealer.fingerprint(reference, self._get(reference)))

    def generate(self, new: NewKey) -> KeyEntry:
        """Make a random key; a card secret is never made here, for it comes with the cards."""
        if new.usage is Usage.CARD_SECRET:
            raise KeyStoreError(f"key {new.reference}: usage {new.usage}, a code comes with its cards: import it")
        value = keymaking.random_key(new.algorithm)
        try:
            return self.import_key(new, value)
        finally:
            value[:] = bytes(len(value))

    def check_new(self, new: NewKey) -> None:
        """Refuse a name that is taken, before anybody types a component."""
        if any(entry.label == new.reference for entry in self._document.entries):
            raise KeyStoreError(
                f"key {new.reference}: is in this store already; destroy it first, or take another name"
            )

    def import_key(self, new: NewKey, value: bytearray) -> KeyEntry:
        """Take a key or a card secret in; the caller wipes the buffer. A private key is DER: PKCS#8, PKCS#1, SEC 1."""
        self.check_new(new)
        if self.kind == "LIVE":
            refuse_test_key(new.reference, new.algorithm, value)
        is_code = new.usage is Usage.CARD_SECRET
        key = keymaking.code_of(new.reference, value) if is_code else keymaking.key_of(new, value)
        with key.reveal() as clear:
            entry = self._sealer.seal(_public(new, key, self._clock()), clear)
        self._write(msgspec.structs.replace(self._document, entries=(*self._document.entries, entry)))
        self._keys[new.reference] = key
        return _shown(entry)

    def import_block(self, new: NewKey, block: str, protection: str) -> KeyEntry:
        """Take a key in from a TR-31 key block; usage, mode, algorithm and exportability are those of the block."""
        read = keyblock.read_block(self._protection(protection), block)
        try:
            keymaking.check_block(new, read)
            with read.key.reveal() as clear:
                return self.import_key(new, clear)
        finally:
            read.key.wipe()

    def export_block(self, reference: str, protection: str) -> str:
        """Return an exportable key as a TR-31 key block: version D under an AES key, B under a 3DES key."""
        key = self._key(reference)
        if not self._entry(reference).exportable:
            raise KeyStoreError(f"key {reference}: not exportable")
        protecting = self._protection(protection)
        header = blockpolicy.header_for(key.usage, key.algorithm, protecting.algorithm)
        return keyblock.write_block(protecting, header, key, os.urandom)

    def set_state(self, reference: str, state: State) -> KeyEntry:
        """Suspend, retire or activate a key again; a retired one stays retired."""
        entry = self._entry(reference)
        if entry.state is State.RETIRED:
            raise KeyStoreError(f"key {reference}: {State.RETIRED}, which is for good")
        clear = self._sealer.open(entry)
        try:
            changed = self._sealer.seal(msgspec.structs.replace(entry, state=state), clear)
        finally:
            clear[:] = bytes(len(clear))
        self._write(self._without(reference, changed))
        return _shown(changed)

    def destroy(self, reference: str) -> None:
        """Delete a key and read the file back without it. Older copies of the file still hold it."""
        self._entry(reference)
        self._write(self._without(reference))
        self._keys.pop(reference).wipe()
        kept = parse(_read(self._path), str(self._path))
        if any(entry.label == reference for entry in kept.entries):
            raise KeyStoreError(f"{self._path}: key {reference} is still in the file")

    def _without(self, reference: str, *instead: Entry) -> Document:
        others = tuple(entry for entry in self._document.entries if entry.label != reference)
        return msgspec.structs.replace(self._document, entries=others + instead)

    def _entry(self, reference: str) -> Entry:
        super()._get(reference)
        return next(entry for entry in self._document.entries if entry.label == reference)

    def _get(self, reference: str) -> Secret:
        key = super()._get(reference)
        entry = self._entry(reference)
        check_usable(reference, entry.state, _date(entry.not_after), self._clock)
        return key

    def _protection(self, reference: str) -> ClearKey:
        key = self._key(reference)
        check_usage(reference, key.usage, "protecting a key block", PROTECTING)
        return ClearKey(key)

    def _load(self, entry: Entry) -> None:
        clear = self._sealer.open(entry)
        try:
            self._keys[entry.label] = keymaking.stored_key(entry.label, entry.algorithm, entry.usage, clear, entry.kvn)
        finally:
            clear[:] = bytes(len(clear))

    def _write(self, document: Document) -> None:
        """Write the next version of the file; KeyStoreError where somebody else wrote one meanwhile."""
        if self._digest and hashlib.sha256(_read(self._path)).digest() != self._digest:
            raise KeyStoreError(f"{self._path}: was changed by another program meanwhile: open it again")
        signed = self._sealer.sign(msgspec.structs.replace(document, counter=document.counter + 1))
        data = msgspec.json.format(msgspec.json.encode(signed), indent=1) + b"\n"
        try:
            replace_file(self._path, data)
        except OSError as error:
            raise KeyStoreError(f"{self._path}: cannot be written: {error.strerror or error}") from None
        self._document, self._digest = signed, hashlib.sha256(data).digest()


def inventory(path: Path) -> tuple[Kind, list[KeyEntry]]:
    """Return kind and public facts of a store without opening it; they are as trustworthy as the file."""
    document = parse(_read(path), str(path))
    return ("LIVE" if document.kind == "live" else "TEST"), _inventory(document)


def unlocking(path: Path) -> Unlock:
    """Return what a store asks for to be opened."""
    return parse(_read(path), str(path)).unlock


def _new(kind: Kind, kdf: Stretching | None, unlock: Unlock, custodians: Sequence[Custodian]) -> Document:
    return Document(
        format=FORMAT,
        version=VERSION,
        kind="live" if kind == "LIVE" else "test",
        id=os.urandom(16).hex(),
        kdf=kdf,
        unlock=unlock,
        custodians=tuple(custodians),
        counter=0,
        entries=(),
    )


def _root(path: Path, document: Document, unlock: Secret | Sequence[Share]) -> Secret:
    if isinstance(unlock, Secret):
        if document.unlock.by != "passphrase" or document.kdf is None:
            raise KeyStoreError(
                f"{path}: opened by {document.unlock.m} of {document.unlock.n} shares, not a passphrase"
            )
        return document.kdf.stretch(unlock)
    if document.unlock.by != "shares":
        raise KeyStoreError(f"{path}: opened by a passphrase, not by shares")
    if len(unlock) < document.unlock.m:
        raise KeyStoreError(f"{path}: {len(unlock)} shares, expected {document.unlock.m}")
    return shamir.combine(unlock)


def _sealer(root: Secret, store_id: str) -> Sealer:
    try:
        return Sealer(root, store_id)
    except ValueError:
        raise KeyStoreError(f"key store id {store_id!r}: expected hex digits") from None
    finally:
        root.wipe()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyStoreError(f"{path}: key store: {error.strerror or error}") from None


def _public(new: NewKey, value: Secret, now: datetime) -> Entry:
    key = value if isinstance(value, Key | PrivateKey) else None  # no key: a card secret
    return Entry(
        label=new.reference,
        algorithm=new.algorithm,
        bits=8 * len(value) if key is None else key.bits,
        usage=new.usage,
        customer=new.customer,
        kvn=new.kvn,
        kcv="" if key is None else key.kcv or "",
        kcv_method=NO_METHOD if key is None else keymaking.method_name(key),
        state=State.ACTIVE,
        created=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        not_after=new.not_after.isoformat() if new.not_after else "",
        exportable=new.exportable,
        custodian=new.custodian,
    )


def _inventory(document: Document) -> list[KeyEntry]:
    return [_shown(entry) for entry in sorted(document.entries, key=lambda entry: entry.label)]


def _shown(entry: Entry) -> KeyEntry:
    return KeyEntry(
        reference=entry.label,
        algorithm=entry.algorithm,
        bits=entry.bits,
        usage=entry.usage,
        customer=entry.customer,
        kvn=entry.kvn,
        kcv=entry.kcv,
        kcv_method=entry.kcv_method,
        state=entry.state,
        created=_time(entry.created),
        not_after=_date(entry.not_after),
        exportable=entry.exportable,
        custodian=entry.custodian,
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise KeyStoreError(f"key store: date {text!r}, expected YYYY-MM-DD") from None


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise KeyStoreError(f"key store: time {text!r}, expected YYYY-MM-DDThh:mm:ssZ") from None
