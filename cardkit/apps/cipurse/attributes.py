"""What a card says of its files and keys: answers to READ FILE ATTRIBUTES, parts of CREATE FILE (sheet 2.3).

Parsing and building are lossless, unknown objects of control parameters included.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cardkit.apps.cipurse.access import MOST_KEYS, SMR_BYTES, Security
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

AES = bytes.fromhex("1009")
"""Algorithm and key length byte of the one kind of key there is."""

FCP, DF_NAME, SECURITY_OBJECT, REGISTERED = 0x62, 0x84, 0x86, 0xD4
"""Tags: control parameters, AID, proprietary security attributes, PxSE the application is registered in."""

_KEY_BYTES = 7
_MEMORY_BYTES = 3
_EF_BYTES, _DF_BYTES = 6, 7


class FileType(IntEnum):
    """File descriptor byte; ``T`` files hold changes until a transaction is performed."""

    BINARY = 0x01
    LINEAR = 0x02
    CYCLIC = 0x06
    BINARY_T = 0x11
    LINEAR_T = 0x12
    CYCLIC_T = 0x16
    VALUE = 0x1E
    VALUE_T = 0x1F
    DIRECTORY = 0x38
    PXSE = 0x3F

    @property
    def transactional(self) -> bool:
        """Whether changes wait for PERFORM TRANSACTION."""
        return self in (self.BINARY_T, self.LINEAR_T, self.CYCLIC_T, self.VALUE_T)

    @property
    def binary(self) -> bool:
        """Whether it is one string of bytes; else it has records."""
        return self in (self.BINARY, self.BINARY_T)

    @property
    def cyclic(self) -> bool:
        """Whether a new record takes the place of the oldest."""
        return self in (self.CYCLIC, self.CYCLIC_T)

    @property
    def counting(self) -> bool:
        """Whether its records are counters."""
        return self in (self.VALUE, self.VALUE_T)


_FILES: dict[int, FileType] = {int(kind): kind for kind in FileType if kind not in (FileType.DIRECTORY, FileType.PXSE)}


class KeyRight(IntEnum):
    """Bits of a key attribute."""

    SELF_ONLY = 0x01
    CHANGEABLE = 0x02
    NO_KEK = 0x04
    INVALID = 0x80


@dataclass(frozen=True, slots=True)
class EfAttributes:
    """A file of an application.

    :param size: bytes of a binary file.  :param records, record_size: of the others.
    :param security: None where it has no rules.
    """

    type: int
    sfid: int
    fid: int
    size: int = 0
    records: int = 0
    record_size: int = 0
    security: Security | None = None

    @property
    def kind(self) -> FileType:
        """What kind of file it is.  :raises EncodingError: on a descriptor that is none of a file."""
        kind = _FILES.get(self.type)
        if kind is None:
            raise EncodingError(f"file {self.fid:04X}: unknown descriptor {self.type:02X}")
        return kind

    def build(self) -> bytes:
        """Return the string of syntax V2 and V3, which is what cards answer."""
        where = bytes((self.type, self.sfid)) + self.fid.to_bytes(2)
        extent = self.size.to_bytes(2) if self.kind.binary else bytes((self.records, self.record_size))
        rules = b"" if self.security is None else bytes((self.security.keys,)) + self.security.build()
        return where + extent + rules

    @classmethod
    def parse(cls, data: bytes) -> EfAttributes:
        """Read it.  :raises EncodingError: on another length, or a descriptor that is none of a file."""
        if len(data) < _EF_BYTES:
            raise EncodingError(f"file attributes: {len(data)} bytes, expected {_EF_BYTES} or more")
        type_, sfid, fid, extent, rules = data[0], data[1], int.from_bytes(data[2:4]), data[4:6], data[6:]
        security = None
        if rules:
            security = _security(rules[1:], rules[0])
        bare = cls(type_, sfid, fid, security=security)
        size, records, record_size = (int.from_bytes(extent), 0, 0) if bare.kind.binary else (0, *extent)
        return cls(type_, sfid, fid, size, records, record_size, security)


def _security(data: bytes, keys: int) -> Security:
    if len(data) != SMR_BYTES + 1 + keys:
        raise EncodingError(f"file rules: {len(data)} bytes for {keys} keys, expected {SMR_BYTES + 1 + keys}")
    return Security(data[:SMR_BYTES], data[SMR_BYTES:])


@dataclass(frozen=True, slots=True)
class KeyAttributes:
    """What a directory says of a key.

    :param add_info: the issuer's key version.  :param attribute: bits of :class:`KeyRight`.
    :param kvv: key verification value, 3 bytes.  :param algorithm: 2 bytes.
    """

    add_info: int
    attribute: int
    kvv: bytes
    algorithm: bytes = AES

    def build(self) -> bytes:
        """Return it as READ FILE ATTRIBUTES answers it."""
        return bytes((self.add_info,)) + self.algorithm + bytes((self.attribute,)) + self.kvv

    @classmethod
    def parse(cls, data: bytes) -> KeyAttributes:
        """Read 7 bytes."""
        return cls(data[0], data[3], data[4:7], data[1:3])


@dataclass(frozen=True, slots=True)
class DfAttributes:
    """A directory: MF, application (ADF), or list of applications (PxSE).

    :param kind: profile and registration bits of an application, 0 for the others.  :param files, sfids: room.
    :param security: None where it has no keys.  :param parameters: control parameters (62), whole.
    :param memory: total and free bytes of the card, of the MF only.
    """

    type: int
    kind: int
    fid: int
    files: int
    sfids: int
    keys: tuple[KeyAttributes, ...] = ()
    security: Security | None = None
    parameters: bytes = b""
    memory: tuple[int, int] | None = None

    @property
    def aid(self) -> bytes:
        """Its AID, empty where it has none.  :raises EncodingError: on control parameters that are no TLV."""
        return self.objects().get(DF_NAME, b"")

    def objects(self) -> dict[int, bytes]:
        """Return its control parameters by tag.  :raises EncodingError: where they are no TLV."""
        outer = tlv.parse(self.parameters)
        inner = [tlv.parse(item.value) for item in outer if item.tag == FCP]
        return {item.tag: item.value for objects in inner for item in objects}

    def build(self) -> bytes:
        """Return it as READ FILE ATTRIBUTES answers it."""
        head = bytes((self.type, self.kind)) + self.fid.to_bytes(2) + bytes((self.files, self.sfids, len(self.keys)))
        rules = b"" if self.security is None else self.security.build()
        keys = b"".join(key.build() for key in self.keys)
        memory = b"".join(size.to_bytes(_MEMORY_BYTES) for size in self.memory or ())
        return head + rules + keys + self.parameters + memory

    @classmethod
    def parse(cls, data: bytes) -> DfAttributes:
        """Read it.  :raises EncodingError: where it ends early, or goes on behind its end."""
        if len(data) < _DF_BYTES:
            raise EncodingError(f"directory attributes: {len(data)} bytes, expected {_DF_BYTES} or more")
        count, place = data[6], _DF_BYTES
        if count > MOST_KEYS:
            raise EncodingError(f"directory attributes: {count} keys, expected {MOST_KEYS} or fewer")
        security: Security | None = None
        keys: tuple[KeyAttributes, ...] = ()
        if count:
            end = place + SMR_BYTES + 1 + count
            security = _security(data[place:end], count)
            place = end + count * _KEY_BYTES
            keys = tuple(_key(data, at) for at in range(end, place, _KEY_BYTES))
        parameters, rest = _parameters(data[place:])
        memory = None
        if len(rest) == 2 * _MEMORY_BYTES:
            memory = int.from_bytes(rest[:_MEMORY_BYTES]), int.from_bytes(rest[_MEMORY_BYTES:])
        elif rest:
            raise EncodingError(f"directory attributes: {len(rest)} bytes at their end, expected 6 of memory or none")
        fid = int.from_bytes(data[2:4])
        return cls(data[0], data[1], fid, data[4], data[5], keys, security, parameters, memory)


def _key(data: bytes, at: int) -> KeyAttributes:
    record = data[at : at + _KEY_BYTES]
    if len(record) != _KEY_BYTES:
        raise EncodingError(f"directory attributes: they end in the key at byte {at}")
    return KeyAttributes.parse(record)


def _parameters(data: bytes) -> tuple[bytes, bytes]:
    """Cut control parameters off, and return what follows."""
    if data[:1] != bytes((FCP,)):
        return b"", data
    if len(data) < 2 or data[1] >= 0x80 or len(data) < 2 + data[1]:
        raise EncodingError("directory attributes: they end in their control parameters")
    return data[: 2 + data[1]], data[2 + data[1] :]
