"""GetVersion: which product it is, as far as the card says (transport sheet 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.desfire.fields import Fields

SIZE_BYTES = 28
# Hardware type and versions -> product. Unknown ones are carried on with, by what they can do.
_PRODUCTS = {
    (0x01, 0x00, 0x02): "DESFire (MF3ICD40)",
    (0x01, 0x01, 0x00): "DESFire EV1",
    (0x01, 0x12, 0x00): "DESFire EV2",
    (0x01, 0x22, 0x00): "DESFire EV2 XL",
    (0x01, 0x33, 0x00): "DESFire EV3",
    (0x81, 0x43, 0x01): "DESFire EV3",
    (0x01, 0xA0, 0x00): "DUOX",
    (0x08, 0x30, 0x00): "DESFire Light",
    (0x04, 0x30, 0x00): "NTAG 424 DNA",
    (0x81, 0x42, 0x00): "DESFire EV2 beside EMV",
    (0x02, 0x11, 0x00): "Plus EV1",
    (0x02, 0x22, 0x00): "Plus EV2",
}
_GENERATIONS = {0: "D40", 1: "EV1", 2: "EV2", 3: "EV3"}
NXP = 0x04


@dataclass(frozen=True, slots=True)
class Part:
    """One of hardware and software: 7 bytes of which each is a field."""

    vendor: int
    type: int
    subtype: int
    major: int
    minor: int
    storage: int
    protocol: int

    @property
    def storage_bytes(self) -> tuple[int, int]:
        """From and to how many bytes of memory it has; an odd code lies between two powers of two."""
        low = 1 << (self.storage >> 1)
        return low, low << 1 if self.storage & 1 else low


@dataclass(frozen=True, slots=True)
class Version:
    """What GetVersion answers.

    :param uid: 7 bytes, zeros where the card gives a random one.  :param batch: 5 bytes.
    :param week, year: of production, two decimal digits each as BCD.
    """

    hardware: Part
    software: Part
    uid: bytes
    batch: bytes
    week: int
    year: int
    rest: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> Version:
        """Read the three frames joined.  :raises EncodingError: on fewer than 28 bytes."""
        fields = Fields(data, "GetVersion")
        hardware, software = (Part(*fields.take(7)) for _ in range(2))
        return cls(
            hardware, software, fields.take(7), fields.take(5), fields.number(1), fields.number(1), fields.rest()
        )

    def build(self) -> bytes:
        """Return the bytes that were parsed."""
        parts = (self.hardware, self.software)
        numbers = b"".join(bytes((p.vendor, p.type, p.subtype, p.major, p.minor, p.storage, p.protocol)) for p in parts)
        return numbers + self.uid + self.batch + bytes((self.week, self.year)) + self.rest

    @property
    def product(self) -> str:
        """The product's name, by its hardware; its generation, by its software, where that is unknown."""
        known = _PRODUCTS.get((self.hardware.type, self.hardware.major, self.hardware.minor))
        if known:
            return known
        return f"unknown, DESFire {self.generation or 'of an unknown generation'}"

    @property
    def generation(self) -> str:
        """D40 or EV1 to EV3, by the software; empty where it is of none."""
        return _GENERATIONS.get(self.software.major, "")

    @property
    def made(self) -> str:
        """Week and year of production: ``22/26``."""
        return f"{self.week:02X}/{self.year:02X}"
