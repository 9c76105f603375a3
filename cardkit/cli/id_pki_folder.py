"""The folder of a test issuing PKI: certificates and lists anybody may see, and an index that names their keys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.issuing import Place
from cardkit.apps.pki.names import Name
from cardkit.apps.pki.signing import SigningKey
from cardkit.crypto import KeyStore, Usage
from cardkit.crypto.durable import replace_file
from cardkit.crypto.management import ManagedKeyStore, NewKey
from cardkit.errors import EncodingError, KeyStoreError

INDEX = "pki.json"
Kind = Literal["csca", "link", "ds", "list-signer", "cvca", "dv", "is"]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One certificate: its file in the folder, its key in the key store."""

    kind: Kind
    file: str
    key: str


class Revoked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One revoked certificate: serial number, upper hex, and when."""

    serial: str
    at: datetime


class Index(msgspec.Struct, forbid_unknown_fields=True):
    """Whose PKI it is, and what has been issued.

    :param country: two letters.  :param state: three, as in the zone.  :param uri: of the authority.
    :param explicit: whether curve parameters are written out.
    """

    country: str
    state: str
    organization: str
    uri: str
    explicit: bool = False
    crl_number: int = 0
    list_number: int = 0
    lines: list[Line] = msgspec.field(default_factory=list)
    revoked: list[Revoked] = msgspec.field(default_factory=list)


class PkiFolder:
    """An open folder; made by :meth:`create` and :meth:`open`, saved by :meth:`save`."""

    def __init__(self, path: Path, index: Index) -> None:
        self.path = path
        self.index = index

    @classmethod
    def create(cls, path: Path, index: Index) -> PkiFolder:
        """Begin a folder; EncodingError where there is a PKI in it."""
        if (path / INDEX).exists():
            raise EncodingError(f"{path / INDEX}: is there already, and is never overwritten")
        path.mkdir(parents=True, exist_ok=True)
        return cls(path, index)

    @classmethod
    def open(cls, path: Path) -> PkiFolder:
        """Open a folder.  :raises EncodingError: where it is none, or its index is malformed."""
        try:
            return cls(path, msgspec.json.decode((path / INDEX).read_bytes(), type=Index))
        except (OSError, msgspec.DecodeError) as error:
            raise EncodingError(f"{path / INDEX}: no issuing PKI: {error}") from None

    def save(self) -> None:
        """Write the index."""
        replace_file(self.path / INDEX, msgspec.json.format(msgspec.json.encode(self.index), indent=2))

    def add(self, kind: Kind, key: str, content: bytes, suffix: str = "cer") -> Path:
        """Write a certificate under the next free name of its kind, and list it."""
        number = 1 + sum(1 for line in self.index.lines if line.kind == kind)
        name = f"{kind}-{number}.{suffix}"
        written = self.write(name, content)
        self.index.lines.append(Line(kind, name, key))
        return written

    def write(self, name: str, content: bytes) -> Path:
        """Write a file; EncodingError where there is one."""
        path = self.path / name
        if path.exists():
            raise EncodingError(f"{path}: is there already, and is never overwritten")
        replace_file(path, content)
        return path

    def newest(self, kind: Kind) -> Line:
        """Return the newest certificate of a kind.  :raises EncodingError: where there is none."""
        for line in reversed(self.index.lines):
            if line.kind == kind:
                return line
        raise EncodingError(f"{self.path}: no certificate of kind {kind} yet")

    def content(self, line: Line) -> bytes:
        """Return a certificate as it is in the folder."""
        return (self.path / line.file).read_bytes()

    def authority(self, keystore: KeyStore) -> tuple[Certificate, SigningKey]:
        """Return the newest CSCA: its certificate and its key."""
        line = self.newest("csca")
        return Certificate.parse(self.content(line)), SigningKey(keystore, line.key)

    @property
    def place(self) -> Place:
        """State and addresses, as certificates have them."""
        uri = self.index.uri
        return Place(self.index.state, uri, f"{uri.rstrip('/')}/{self.index.state}.crl")

    def name(self, unit: str, common: str) -> Name:
        """Return a name under this PKI's country and organization."""
        return Name(self.index.country, self.index.organization, unit, common)


def signing_key(keystore: ManagedKeyStore, reference: str, algorithm: str) -> SigningKey:
    """Return a key of the store; in a store of test keys it is made where there is none.

    :raises KeyStoreError: in a live store, whose keys two custodians make.
    """
    if not any(entry.reference == reference for entry in keystore.entries()):
        if keystore.kind != "TEST":
            raise KeyStoreError(f"key {reference}: not in this live store; make it with: cardkit keys generate")
        keystore.generate(NewKey(reference, algorithm, Usage.SIGN))
    return SigningKey(keystore, reference)


def moment_of(text: str | None, now: datetime) -> datetime:
    """Return a time given as ISO 8601, UTC where it says nothing; `now` where there is none, in whole seconds.

    :raises EncodingError: on another form.
    """
    if not text:
        return now.replace(microsecond=0)
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise EncodingError(f"time {text!r}: expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ss") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)
