"""Issuer Application Data, tag 9F10: which format it has, and its card verification results in words.

EMV 4.4 Book 3 C7 and C9 for the Common Core Definitions; the formats of M/Chip and VSDC are recognised as published
decoders do, in their order (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.emv.bits.model import BitTable, Word, table

CVR_CCD = table(
    "Card Verification Results, CCD",
    5,
    """
    1.8-7 second GENERATE AC: 00 AAC, 01 TC, 10 not requested
    1.6-5 first GENERATE AC: 00 AAC, 01 TC, 10 ARQC
    1.4 CDA performed
    1.3 offline DDA performed
    1.2 issuer authentication not performed
    1.1 issuer authentication failed
    2.8-5 #low nibble of the PIN try counter
    2.4 offline PIN verification performed
    2.3 offline PIN verification performed and PIN not successfully verified
    2.2 PIN try limit exceeded
    2.1 last online transaction not completed
    3.8 lower offline transaction count limit exceeded
    3.7 upper offline transaction count limit exceeded
    3.6 lower cumulative offline amount limit exceeded
    3.5 upper cumulative offline amount limit exceeded
    3.4-1 #issuer-discretionary bits
    4.8-5 #successfully processed issuer script commands
    4.4 issuer script processing failed
    4.3 offline data authentication failed on previous transaction
    4.2 go online on next transaction was set
    4.1 unable to go online
    """,
    clause="EMV 4.4 Book 3 C9",
)

CVR_MCHIP = table(
    "Card Verification Results, M/Chip",
    6,
    """
    1.8-7 second GENERATE AC: 00 AAC, 01 TC, 10 not requested
    1.6-5 first GENERATE AC: 00 AAC, 01 TC, 10 ARQC
    1.4 date check failed
    1.3 offline PIN verification performed
    1.2 offline encrypted PIN verification performed
    1.1 offline PIN verification successful
    2.8 DDA returned
    2.7 CDA returned in first GENERATE AC
    2.6 CDA returned in second GENERATE AC
    2.5 issuer authentication performed
    2.4 CIAC-default skipped on CAT3
    2.3 offline change PIN result successful
    2.2-1 #issuer-discretionary bits
    3.8-5 #script counter
    3.4-1 #PIN try counter
    4.8 last online transaction not completed
    4.7 unable to go online
    4.6 offline PIN verification not performed
    4.5 offline PIN verification failed
    4.4 PIN try limit exceeded
    4.3 international transaction
    4.2 domestic transaction
    4.1 terminal erroneously considers offline PIN OK
    5.8 lower consecutive counter 1 limit exceeded
    5.7 upper consecutive counter 1 limit exceeded
    5.6 lower cumulative accumulator 1 limit exceeded
    5.5 upper cumulative accumulator 1 limit exceeded
    5.4 go online on next transaction was set
    5.3 issuer authentication failed
    5.2 script received
    5.1 script failed
    6.8 lower consecutive counter 2 limit exceeded
    6.7 upper consecutive counter 2 limit exceeded
    6.6 lower cumulative accumulator 2 limit exceeded
    6.5 upper cumulative accumulator 2 limit exceeded
    6.4 maximum transaction amount exceeded
    6.3 number of days offline limit exceeded
    6.2 match found in additional check table
    6.1 no match found in additional check table
    """,
    clause="M/Chip, unverified",
)

_VSDC_FIELDS = """
    {0}.8-7 second GENERATE AC: 00 AAC, 01 TC, 10 not requested
    {0}.6-5 first GENERATE AC or GPO: 00 AAC, 01 TC, 10 ARQC
    {0}.4 issuer authentication failed
    {0}.3 offline PIN (or consumer device) verification performed
    {0}.2 offline PIN verification failed
    {0}.1 unable to go online
    {1}.8 last online transaction not completed
    {1}.7 PIN try limit exceeded
    {1}.6 velocity checking counters exceeded
    {1}.5 new card
    {1}.4 issuer authentication failed on last online transaction
    {1}.3 issuer authentication not performed after online authorisation
    {1}.2 application blocked because PIN try limit exceeded
    {1}.1 SDA failed on last transaction
    {2}.8-5 #issuer script commands
    {2}.4 issuer script processing failed
    {2}.3 DDA failed on last transaction
    {2}.2 DDA performed
    {2}.1 PIN verification command not received for a PIN-expecting card
"""

CVR_VSDC = table(
    "Card Verification Results, VSDC formats 0, 1, 3",
    4,
    "1.8-1 #length" + _VSDC_FIELDS.format(2, 3, 4),
    clause="VIS, unverified",
)

CVR_VSDC_2 = table(
    "Card Verification Results, VSDC formats 2, 4",
    5,
    _VSDC_FIELDS.format(1, 2, 3),
    clause="VIS, unverified",
)

_CCD_LENGTH, _CCD_CVNS = 32, (0xA5, 0xA6)
_MCHIP_LEAST, _VSDC_LEAST = 18, 7
_VSDC_2_FIRST = 0x1F


@dataclass(frozen=True, slots=True)
class IssuerApplicationData:
    """The fields of a 9F10.

    :ivar format: ``CCD``, ``M/Chip``, ``VSDC 0``, ``VSDC 1``, ``VSDC 3``, ``VSDC 2``, ``VSDC 4`` or ``unknown``.
    :ivar key_index: derivation key index, 1 byte.  :ivar cvn: cryptogram version, 1 byte.
    :ivar cvr: card verification results, 4 to 6 bytes; empty where the format is unknown.
    :ivar table: of the card verification results; None where the format is unknown.
    """

    value: bytes
    format: str
    key_index: int | None = None
    cvn: int | None = None
    cvr: bytes = b""
    table: BitTable | None = None

    @classmethod
    def parse(cls, value: bytes) -> IssuerApplicationData:
        """Recognise the format, in the order of the published test: CCD, M/Chip, VSDC; never fails.

        >>> IssuerApplicationData.parse(bytes.fromhex("06010A03A00000")).format
        'VSDC 0'
        """
        if _is_ccd(value):
            return cls(value, "CCD", value[2], value[1], value[3:8], CVR_CCD)
        if len(value) >= _MCHIP_LEAST and value[1] & 0xF0 == 0x10 and not value[1] & 0x0A:
            return cls(value, "M/Chip", value[0], value[1], value[2:8], CVR_MCHIP)
        if len(value) >= _VSDC_LEAST and value[0] == 0x06 and value[3] == 0x03 and value[2] >> 4 in (0, 1, 3):
            return cls(value, f"VSDC {value[2] >> 4}", value[1], value[2], value[3:7], CVR_VSDC)
        if _is_vsdc_2(value):
            return cls(value, f"VSDC {value[1] >> 4}", value[2], value[1], value[3:8], CVR_VSDC_2)
        return cls(value, "unknown")

    def words(self) -> tuple[Word, ...]:
        """Return format, key index, version and results in words."""
        if self.table is None:
            return (Word("", f"format unknown, {len(self.value)} bytes"),)
        head = Word("", f"{self.format}: key index {self.key_index:02X}, cryptogram version {self.cvn:02X}")
        return (head, *(Word(f"CVR {word.position}", word.text) for word in self.table.words(self.cvr)))


def _is_ccd(value: bytes) -> bool:
    return len(value) == _CCD_LENGTH and value[0] == 0x0F and value[1] in _CCD_CVNS and value[16] == 0x0F


def _is_vsdc_2(value: bytes) -> bool:
    return len(value) == _CCD_LENGTH and value[0] == _VSDC_2_FIRST and value[8] >> 4 == 0 and value[1] >> 4 in (2, 4)
