"""Data groups of one value: DG1 (the zone), DG15 (a public key), and those without structure (ICAO Doc 9303-10 4.7)."""

from __future__ import annotations

from cardkit.apps.emrtd.lds import DATA_GROUPS, Opened, open_file
from cardkit.apps.emrtd.mrz import Mrz
from cardkit.encoding import der, tlv
from cardkit.errors import EncodingError

_MRZ = 0x5F1F


def open_group(number: int, data: bytes) -> Opened:
    """Open a data group: of DG6, DG8 to DG10 and DG13 the content is opaque.

    :param number: 1 to 16.  :raises EncodingError: where it does not begin with its tag, or is not whole.
    """
    return open_file(f"EF.DG{number}", data)


def build_group(number: int, content: bytes) -> bytes:
    """Return a data group of its content."""
    return tlv.build(DATA_GROUPS[number].tag, content)


def parse_dg1(data: bytes) -> Mrz:
    """Return the zone of DG1; its check digits are not looked at. 9303-10 4.7.1

    :raises EncodingError: where it is not one 5F1F with a zone in it.
    """
    value = open_group(1, data).objects().first(_MRZ)
    if value is None:
        raise EncodingError("EF.DG1: 5F1F is missing")
    return Mrz.parse(value.decode("latin-1"))


def build_dg1(mrz: Mrz) -> bytes:
    """Return DG1, without line breaks."""
    return build_group(1, tlv.build(_MRZ, mrz.text.encode("ascii")))


def parse_dg15(data: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of DG15, the active authentication key. 9303-10 4.7.15

    :raises EncodingError: where it is not one SEQUENCE.
    """
    return der.only(open_group(15, data).content, der.Tag.SEQUENCE, "EF.DG15").build()


def build_dg15(public_key: bytes) -> bytes:
    """Return DG15.  :param public_key: SubjectPublicKeyInfo, DER."""
    return build_group(15, public_key)
