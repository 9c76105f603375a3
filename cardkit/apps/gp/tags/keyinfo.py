"""Key information template, tag E0: which keys a security domain holds (GPCS 11.3.3.1.1, 11.1.8 to 11.1.10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cardkit.encoding import tlv
from cardkit.errors import EncodingError

TEMPLATE, _KEY = 0xE0, 0xC0
EXTENDED = 0xFF
CURVE_REFERENCE = 0xF0
INITIAL_KVN = 0xFF
"""What most cards call the chip maker's first key set."""

_COMPONENT_FROM = 0x80

# GPCS Table 11-16.
KEY_TYPES = {
    0x80: "DES", 0x81: "DES", 0x82: "3DES-CBC", 0x83: "DES-ECB", 0x84: "DES-CBC", 0x85: "TLS-PSK", 0x88: "AES",
    0x90: "HMAC-SHA1", 0x91: "HMAC-SHA1-160",
    0xA0: "RSA public e", 0xA1: "RSA public N", 0xA2: "RSA private N", 0xA3: "RSA private d", 0xA4: "RSA CRT P",
    0xA5: "RSA CRT Q", 0xA6: "RSA CRT PQ", 0xA7: "RSA CRT DP1", 0xA8: "RSA CRT DQ1",
    0xB0: "EC public", 0xB1: "EC private", 0xB2: "EC P", 0xB3: "EC A", 0xB4: "EC B", 0xB5: "EC G", 0xB6: "EC N",
    0xB7: "EC cofactor", 0xF0: "EC curve",
}  # fmt: skip
# GPCS Table B-2.
CURVES = {
    0x00: "P-256", 0x01: "P-384", 0x02: "P-521", 0x03: "brainpoolP256r1", 0x04: "brainpoolP256t1",
    0x05: "brainpoolP384r1", 0x06: "brainpoolP384t1", 0x07: "brainpoolP512r1", 0x08: "brainpoolP512t1",
}  # fmt: skip
# GPCS Table 11-17; a second byte 80 says key agreement.
_USAGES = {
    0x14: "C-MAC", 0x24: "R-MAC", 0x34: "C-MAC and R-MAC", 0x18: "C-ENC", 0x28: "R-ENC", 0x38: "C-ENC and R-ENC",
    0x48: "C-DEK", 0x82: "public key of an entity", 0x81: "token", 0x44: "receipt", 0x84: "DAP", 0x00: "",
}  # fmt: skip
_KEY_AGREEMENT = 0x80
# GPCS Table 11-18.
_ACCESS = {0x00: "domain and its applications", 0x01: "domain only", 0x02: "applications only", 0xFF: "nobody"}


@dataclass(frozen=True, slots=True)
class KeyComponent:
    """One component of a key.

    :param type: GPCS Table 11-16.
    :param length: as coded: bytes; of F0 in the basic form the curve; 0 in the basic form means 256 or more.
    :param prefixed: in the extended form, whether FF stands before the type.
    """

    type: int
    length: int
    prefixed: bool = False

    @property
    def name(self) -> str:
        """Type in words with its length in bits: ``AES 128``, ``EC curve P-256``."""
        name = KEY_TYPES.get(self.type, f"type {self.type:02X}")
        if self.type == CURVE_REFERENCE:
            return f"{name} {CURVES.get(self.length, f'{self.length:02X}')}"
        return f"{name} {8 * self.length}" if self.length else f"{name} of 256 bytes or more"


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key.

    :param kid: key identifier.  :param kvn: key version number.
    :param usage: usage qualifier of 0 to 2 bytes, None where the card gives none (basic form).
    :param access: access conditions, None as above.  :param length_size: of the object's length field, 0: shortest.
    """

    kid: int
    kvn: int
    components: tuple[KeyComponent, ...]
    usage: bytes | None = None
    access: bytes | None = None
    length_size: int = 0

    @classmethod
    def parse(cls, data: bytes) -> KeyEntry:
        """Read the value of one object C0.

        :raises EncodingError: if it is neither the basic nor the extended form.

        >>> KeyEntry.parse(bytes.fromhex("01 FF 80 10"))
        KeyEntry(kid=1, kvn=255, components=(KeyComponent(type=128, length=16, prefixed=False),), usage=None, \
access=None, length_size=0)
        """
        if len(data) < 4:
            raise EncodingError(f"key information: entry of {len(data)} bytes, expected KID, KVN, type and length")
        kid, kvn, body = data[0], data[1], data[2:]
        if body[0] == EXTENDED:
            return _extended(kid, kvn, body)
        if len(body) % 2:
            raise EncodingError(f"key information: key {kid:02X}/{kvn:02X} has {len(body)} bytes of types and lengths")
        pairs = zip(body[::2], body[1::2], strict=True)
        return cls(kid, kvn, tuple(KeyComponent(kind, length) for kind, length in pairs))

    @property
    def extended(self) -> bool:
        """Whether the entry has the extended form."""
        return self.components[0].prefixed

    @property
    def type(self) -> int:
        """Type of the first component, which names the key."""
        return self.components[0].type

    @property
    def size_bytes(self) -> int:
        """Length of the first component; 0 means 256 or more in the basic form."""
        return self.components[0].length

    @property
    def name(self) -> str:
        """The key in words: ``AES 128``."""
        return ", ".join(component.name for component in self.components)

    @property
    def usage_name(self) -> str:
        """What the key is for, in words; empty where the card does not say."""
        if not self.usage:
            return ""
        name = _USAGES.get(self.usage[0], f"usage {self.usage[0]:02X}")
        agreement = "key agreement" if self.usage[1:] and self.usage[1] & _KEY_AGREEMENT else ""
        return ", ".join(filter(None, (name, agreement)))

    @property
    def access_name(self) -> str:
        """Who may use the key, in words; empty where the card does not say."""
        if not self.access:
            return ""
        return _ACCESS.get(self.access[0], f"access {self.access[0]:02X}")

    def encode(self) -> bytes:
        """Return the value of the object C0."""
        body = b"".join(map(self._component, self.components))
        fields = b"".join(bytes((len(field),)) + field for field in (self.usage, self.access) if field is not None)
        return bytes((self.kid, self.kvn)) + body + fields

    def _component(self, component: KeyComponent) -> bytes:
        if not self.extended:
            return bytes((component.type, component.length))
        prefix = bytes((EXTENDED,)) if component.prefixed else b""
        return prefix + bytes((component.type,)) + component.length.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class KeyInformation:
    """All keys of a security domain.

    :param entries: in the card's order.
    :param template: bytes of the length field of the template E0, 0 for the shortest; None if the keys stood alone.
    """

    entries: tuple[KeyEntry, ...]
    template: int | None = None

    @classmethod
    def parse(cls, data: bytes) -> KeyInformation:
        """Read ``E0{C0...}``, or its value as a card gives it for class 00.

        :raises EncodingError: on other objects, and on entries that are malformed.
        """
        items = tlv.parse(data)
        template = None
        if len(items) == 1 and items[0].tag == TEMPLATE:
            template = items[0].length_size
            items = items[0].children()
        return cls(tuple(map(_entry, items)), template)

    def encode(self) -> bytes:
        """Return the bytes, as they were read."""
        body = b"".join(tlv.Tlv(_KEY, entry.encode(), entry.length_size).build() for entry in self.entries)
        return body if self.template is None else tlv.Tlv(TEMPLATE, body, self.template).build()

    def set_of(self, kvn: int) -> tuple[KeyEntry, ...]:
        """Return the keys of one version, in the card's order."""
        return tuple(entry for entry in self.entries if entry.kvn == kvn)

    @property
    def versions(self) -> tuple[int, ...]:
        """Key version numbers in the card's order, each once."""
        return tuple(dict.fromkeys(entry.kvn for entry in self.entries))

    def find(self, kvn: int, kid: int) -> KeyEntry | None:
        """Return one key, None if it is not there."""
        return next((entry for entry in self.entries if (entry.kvn, entry.kid) == (kvn, kid)), None)

    def __iter__(self) -> Iterator[KeyEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def _entry(item: tlv.Tlv) -> KeyEntry:
    if item.tag != _KEY:
        raise EncodingError(f"key information: got tag {item.tag:02X}, expected C0")
    entry = KeyEntry.parse(item.value)
    return KeyEntry(entry.kid, entry.kvn, entry.components, entry.usage, entry.access, item.length_size)


def _extended(kid: int, kvn: int, body: bytes) -> KeyEntry:
    """Read components, then usage and access: what is below 80 cannot begin a component (seen: FF left out)."""
    where = f"key information: key {kid:02X}/{kvn:02X}"
    components: list[KeyComponent] = []
    rest = body
    while rest and rest[0] >= _COMPONENT_FROM:
        prefixed = rest[0] == EXTENDED
        fields, rest = rest[prefixed : prefixed + 3], rest[prefixed + 3 :]
        if len(fields) < 3:
            raise EncodingError(f"{where}: component {len(components) + 1} ends early")
        components.append(KeyComponent(fields[0], int.from_bytes(fields[1:], "big"), prefixed))
    usage, rest = _field(rest, where)
    access, rest = _field(rest, where)
    if rest:
        raise EncodingError(f"{where}: {len(rest)} surplus bytes")
    return KeyEntry(kid, kvn, tuple(components), usage, access)


def _field(data: bytes, where: str) -> tuple[bytes | None, bytes]:
    """Split off usage or access, with its length byte; None at the end of the entry."""
    if not data:
        return None, b""
    end = 1 + data[0]
    if end > len(data):
        raise EncodingError(f"{where}: usage or access announces {end - 1} bytes, {len(data) - 1} are there")
    return data[1:end], data[end:]
