"""Card capability information, tag 67 (GPCS H.4)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.gp.tags.privileges import Privileges
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

CAPABILITIES = 0x67
_PROTOCOL = 0xA0
_SCP, _OPTIONS, _AES_SIZES, _TLS_SUITES, _PSK_SIZE = 0x80, 0x81, 0x82, 0x83, 0x84
_DOMAIN_PRIVILEGES, _APPLICATION_PRIVILEGES = 0x81, 0x82
_HASHES, _CIPHERS, _TOKENS, _RECEIPTS, _DAPS, _CURVES = 0x83, 0x84, 0x85, 0x86, 0x87, 0x88

_SCP11, _SECOND_BYTE = 0x11, 0x80
_AES_BITS = {0x01: 128, 0x02: 192, 0x04: 256}
_HASH_NAMES = {0x01: "SHA-1", 0x02: "SHA-256", 0x03: "SHA-384", 0x04: "SHA-512"}
_CIPHER_NAMES = ("3DES", "AES-128", "AES-192", "AES-256", "", "", "", "ICV")
_SIGNATURE_NAMES = (
    "RSA-1024 SHA-1", "RSA-PSS SHA-256", "DES", "CMAC AES-128", "CMAC AES-192", "CMAC AES-256", "ECC-256", "ECC-384",
    "ECC-512", "ECC-521",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScpCapability:
    """A secure channel protocol with all its options.

    :param options: every value of "i", as the card lists them.
    :param aes_bits: key lengths, empty where the card gives none.
    """

    scp: int
    options: bytes
    aes_bits: tuple[int, ...] = ()

    @property
    def values(self) -> tuple[int, ...]:
        """Every value of "i": one byte each; of SCP11 two where b8 of the first says so.

        >>> [f"{value:02X}" for value in ScpCapability(0x11, bytes.fromhex("179B06")).values]
        ['17', '9B06']
        """
        found: list[int] = []
        rest = self.options
        while rest:
            size = 2 if self.scp == _SCP11 and rest[0] & _SECOND_BYTE else 1
            found.append(int.from_bytes(rest[:size], "big"))
            rest = rest[size:]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class CardCapabilities:
    """What a card can do, as it says itself.

    :param whole: the object as read.  :param objects: what the innermost 67 holds.
    :param nested: 67 stood inside 67, as one real card writes it.

    >>> CardCapabilities.parse(bytes.fromhex("670C A00A 800103 81026070 820107")).protocols
    (ScpCapability(scp=3, options=b'`p', aes_bits=(128, 192, 256)),)
    """

    whole: tlv.TlvList
    objects: tlv.TlvList
    nested: bool = False

    @classmethod
    def parse(cls, data: bytes) -> CardCapabilities:
        """Read the object, or its value alone.

        :raises EncodingError: on another tag, and where a part has an impossible length.
        """
        whole = tlv.parse(data)
        objects = whole
        depth = 0
        while depth < 2 and len(objects) == 1 and objects[0].tag == CAPABILITIES:
            objects, depth = objects[0].children(), depth + 1
        if depth == 0 and (not len(whole) or whole[0].tag not in range(_DOMAIN_PRIVILEGES, _PROTOCOL + 1)):
            got = f"tag {whole[0].tag:02X}" if len(whole) else "nothing"
            raise EncodingError(f"card capabilities: got {got}, expected 67, or A0 and 81 to 88")
        found = cls(whole, objects, nested=depth > 1)
        found._check()
        return found

    def _check(self) -> None:
        for item in self.objects.find(_PROTOCOL):
            _protocol(item)
        for tag in (_DOMAIN_PRIVILEGES, _APPLICATION_PRIVILEGES):
            self._privileges(tag)

    def encode(self) -> bytes:
        """Return the bytes that were read."""
        return self.whole.build()

    @property
    def protocols(self) -> tuple[ScpCapability, ...]:
        """Secure channel protocols with their options."""
        return tuple(_protocol(item) for item in self.objects.find(_PROTOCOL))

    @property
    def domain_privileges(self) -> Privileges | None:
        """Privileges a supplementary security domain may get."""
        return self._privileges(_DOMAIN_PRIVILEGES)

    @property
    def application_privileges(self) -> Privileges | None:
        """Privileges an application may get."""
        return self._privileges(_APPLICATION_PRIVILEGES)

    @property
    def hashes(self) -> tuple[str, ...]:
        """Hashes of a load file data block."""
        return tuple(_HASH_NAMES.get(value, f"{value:02X}") for value in self.objects.first(_HASHES) or b"")

    @property
    def ciphers(self) -> tuple[str, ...]:
        """Ciphers of a ciphered load file data block."""
        return bit_names(self.objects.first(_CIPHERS) or b"", _CIPHER_NAMES)

    @property
    def tokens(self) -> tuple[str, ...]:
        """How a token may be signed."""
        return bit_names(self.objects.first(_TOKENS) or b"", _SIGNATURE_NAMES)

    @property
    def receipts(self) -> tuple[str, ...]:
        """How the card signs a receipt."""
        return bit_names(self.objects.first(_RECEIPTS) or b"", _SIGNATURE_NAMES)

    @property
    def daps(self) -> tuple[str, ...]:
        """How a load file may be signed."""
        return bit_names(self.objects.first(_DAPS) or b"", _SIGNATURE_NAMES)

    @property
    def curves(self) -> bytes:
        """References of elliptic curves, one byte each (Table B-2)."""
        return self.objects.first(_CURVES) or b""

    def offers(self, scp: int, i: int) -> bool:
        """Whether a protocol with this option is among those the card names."""
        return any(item.scp == scp and i in item.values for item in self.protocols)

    def _privileges(self, tag: int) -> Privileges | None:
        value = self.objects.first(tag)
        return None if value is None else Privileges.parse(value)


def bit_names(value: bytes, names: tuple[str, ...]) -> tuple[str, ...]:
    """Name the bits that are set, b1 of the first byte first; a bit without a name by its place.

    >>> bit_names(bytes.fromhex("3B"), _SIGNATURE_NAMES)
    ('RSA-1024 SHA-1', 'RSA-PSS SHA-256', 'CMAC AES-128', 'CMAC AES-192', 'CMAC AES-256')
    """
    bits = [place for place in range(8 * len(value)) if value[place // 8] >> place % 8 & 1]
    named = dict(enumerate(names))
    return tuple(named.get(bit) or f"b{bit % 8 + 1} of byte {bit // 8 + 1}" for bit in bits)


def _protocol(item: tlv.Tlv) -> ScpCapability:
    objects = item.children()
    scp = objects.first(_SCP) or b""
    if len(scp) != 1:
        raise EncodingError(f"card capabilities: SCP of {len(scp)} bytes, expected 1")
    sizes = objects.first(_AES_SIZES) or b"\x00"
    return ScpCapability(
        scp[0], objects.first(_OPTIONS) or b"", tuple(bits for mask, bits in _AES_BITS.items() if sizes[0] & mask)
    )
