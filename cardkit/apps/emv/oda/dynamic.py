"""What a card signs itself: DDA, CDA and fast DDA (EMV 4.4 Book 2, 6.5.2, 6.6.2; contactless kernel 3)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from cardkit.apps.emv.oda.block import SHA1, Fault, Recovery, Signed, Step, digest_of, hash_faults, open_block
from cardkit.apps.emv.oda.recover import filler_faults
from cardkit.crypto.emvrsa import HASH_BYTES, RsaPublicKey
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

DDA = Signed("SDAD", "Book 2, 6.5.2", 0x05, 25)
CDA = Signed("SDAD", "Book 2, 6.6.2", 0x05, 25)
SDAD_TAG = 0x9F4B
IDN_BYTES = (2, 8)
UNPREDICTABLE_BYTES = 4
_AC_BYTES = 8
_CDA_BYTES = 1 + _AC_BYTES + HASH_BYTES  # behind the dynamic number: CID, cryptogram, transaction data hash
# Fast DDA version 01 (unverified): what is hashed behind the block
_FDDA_TAGS = (b"\x9f\x37", b"\x9f\x02", b"\x5f\x2a", b"\x9f\x69")


@dataclass(frozen=True, slots=True)
class DynamicSignature:
    """What signed dynamic application data (tag 9F4B) say.

    :param data: the whole ICC dynamic data.  :param idn: ICC dynamic number, 2 to 8 bytes: 9F4C of the terminal.
    """

    hash_algorithm: int
    data: bytes
    idn: bytes
    digest: bytes
    plain: bytes


@dataclass(frozen=True, slots=True)
class CombinedSignature(DynamicSignature):
    """What they say in a CDA.

    :param cid: cryptogram information data.  :param cryptogram: 8 bytes: the answer itself has none.
    :param transaction_hash: 20 bytes.
    """

    cid: int
    cryptogram: bytes
    transaction_hash: bytes


def recover_dda(icc: RsaPublicKey, sdad: bytes, terminal_data: bytes) -> Recovery[DynamicSignature]:
    """Recover the answer to INTERNAL AUTHENTICATE, or the signature of a fast DDA.

    :param sdad: tag 9F4B.  :param terminal_data: DDOL data as sent; for a fast DDA those of :func:`fast_dda_data`.
    Book 2, 6.5.2
    """
    opened = _open(DDA, icc, sdad)
    if opened.value is None:
        return Recovery(None, opened.faults)
    return Recovery(opened.value, opened.faults + hash_faults(DDA, opened.value.plain, terminal_data))


def recover_cda(
    icc: RsaPublicKey, sdad: bytes, unpredictable: bytes, transaction: bytes, cid: int
) -> Recovery[CombinedSignature]:
    """Recover the signature of a GENERATE AC.

    :param sdad: tag 9F4B.  :param unpredictable: tag 9F37 as sent, 4 bytes.
    :param transaction: PDOL data, CDOL1 data, for the second cryptogram CDOL2 data, then :func:`without_sdad`.
    :param cid: tag 9F27 of the answer.
    Book 2, 6.6.2
    """
    opened = _open(CDA, icc, sdad)
    if opened.value is None:
        return Recovery(None, opened.faults)
    faults = opened.faults + hash_faults(CDA, opened.value.plain, unpredictable)
    signature = _combined(opened.value)
    if signature is None:
        size = len(opened.value.data) - 1 - len(opened.value.idn)
        return Recovery(None, (*faults, CDA.fault(Step.DYNAMIC, f"{_CDA_BYTES} bytes behind the number", size)))
    if signature.cid != cid:
        faults += (CDA.fault(Step.CID, f"{cid:02X} as in the answer", f"{signature.cid:02X}"),)
    computed = hashlib.sha1(transaction).digest()  # noqa: S324  the only hash EMV has here
    if not hmac.compare_digest(computed, signature.transaction_hash):
        actual = signature.transaction_hash.hex().upper()
        faults += (CDA.fault(Step.TRANSACTION_HASH, computed.hex().upper(), actual),)
    return Recovery(signature, faults)


def without_sdad(answer: bytes) -> bytes:
    """Return the objects of a GENERATE AC's answer in the order sent, the signature left out.

    :param answer: value of the template 77.  :raises EncodingError: where it is not TLV.

    >>> without_sdad(bytes.fromhex("9F2701409F4B0211229F36020010")).hex()
    '9f2701409f36020010'
    """
    return b"".join(item.build() for item in tlv.parse(answer) if item.tag != SDAD_TAG)


def fast_dda_data(values: Mapping[bytes, bytes]) -> bytes:
    """Return what the signature of a fast DDA covers beside its own data.

    :param values: by tag: 9F37, 9F02, 5F2A, and 9F69 as read from the card, whose first byte is the version.
    :raises EncodingError: where one is missing, or the version is not 01.
    Kernel 3 (unverified)
    """
    missing = [tag.hex().upper() for tag in _FDDA_TAGS if tag not in values]
    if missing or values[_FDDA_TAGS[-1]][:1] != b"\x01":
        raise EncodingError(
            f"fast DDA: {', '.join(missing) or 'version'}: expected 9F37, 9F02, 5F2A, 9F69 of version 01"
        )
    return b"".join(values[tag] for tag in _FDDA_TAGS)


def _open(signed: Signed, icc: RsaPublicKey, sdad: bytes) -> Recovery[DynamicSignature]:
    """Open a signature; its hash is left to the caller."""
    if not sdad:
        return signed.missing("9F4B")
    opened = open_block(signed, icc, sdad)
    plain = opened.value
    if plain is None:
        return Recovery(None, opened.faults)
    size = plain[3]
    data, filler = plain[4 : 4 + size], plain[4 + size : -1 - HASH_BYTES]
    least, most = IDN_BYTES
    if size > len(plain) - signed.fixed or not data or not least <= data[0] <= min(most, size - 1):
        stated = f"{size} bytes, number of {data[0] if data else 0}"
        expected = f"up to {len(plain) - signed.fixed} bytes, number of {least} to {most} in them"
        return Recovery(None, (signed.fault(Step.DYNAMIC, expected, stated),))
    faults: tuple[Fault, ...] = ()
    if plain[2] != SHA1:
        faults += (signed.fault(Step.ALGORITHM, f"hash {SHA1:02X}", f"{plain[2]:02X}"),)
    signature = DynamicSignature(plain[2], data, data[1 : 1 + data[0]], digest_of(plain), plain)
    return Recovery(signature, faults + filler_faults(signed, filler))


def _combined(opened: DynamicSignature) -> CombinedSignature | None:
    rest = opened.data[1 + len(opened.idn) :]
    if len(rest) < _CDA_BYTES:
        return None
    cryptogram, transaction_hash = rest[1 : 1 + _AC_BYTES], rest[1 + _AC_BYTES : _CDA_BYTES]
    return CombinedSignature(
        opened.hash_algorithm,
        opened.data,
        opened.idn,
        opened.digest,
        opened.plain,
        rest[0],
        cryptogram,
        transaction_hash,
    )
