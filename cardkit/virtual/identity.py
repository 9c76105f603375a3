"""GET IDENTITY: the card computes the SUCI itself (3GPP TS 31.102 7.5; TS 33.501 C.3; TS 24.501 9.11.3.4)."""

from collections.abc import Iterator
from typing import Final

from . import statuswords as sw
from . import tlv
from .algorithms.suci import PROFILE_A, PROFILE_B, conceal
from .authenticate import PIN1, has_service
from .chip import Answer, Chip, Command
from .errors import ImageError, StatusWordError
from .files import File

_SUCI, _SUCI_NSWO = 0x01, 0x02
_NULL: Final = 0
_SERVICES: Final = {_SUCI: (124, 125), _SUCI_NSWO: (124, 125, 142)}  # SUCI calculation, by the USIM; 5G NSWO
_USIM: Final = bytes.fromhex("A0000000871002")
_SUCI_TAG: Final = 0xA1
_IMSI_TYPE: Final = 0x01  # SUPI format IMSI, type of identity SUCI

# Below the ADF
_UST, _IMSI, _AD = "6F38", "6F07", "6FAD"
_SAIP_CALC_INFO, _CALC_INFO, _ROUTING_INDICATOR = "5FD0/4F01", "5FC0/4F07", "5FC0/4F0A"
_NO_ROUTING: Final = b"\xf0\xff"  # the digit 0: none configured


def valid_identity(p1: int, p2: int) -> bool:
    """P1 00; P2 01 SUCI, 02 SUCI for 5G NSWO."""
    return p1 == 0 and p2 in _SERVICES


def get_identity(chip: Chip, command: Command) -> Answer:
    """GET IDENTITY in an active USIM whose services 124 and 125 are on: `A1 L SUCI`.

    :raises StatusWordError: 6985 in another application, without these services, or without an IMSI; 6982 without PIN1.
    """
    adf = command.channel.adf
    if adf is None or not adf.aid.startswith(_USIM):
        raise StatusWordError(sw.CONDITIONS)
    table = chip.body(f"{adf.path}/{_UST}")
    if not all(has_service(table, service) for service in _SERVICES[command.p2]):
        raise StatusWordError(sw.CONDITIONS)
    chip.require((frozenset((PIN1,)),), command.channel)
    return tlv.build(_SUCI_TAG, _suci(chip, adf)), sw.OK


def _suci(chip: Chip, adf: File) -> bytes:
    imsi = _imsi(chip.body(f"{adf.path}/{_IMSI}"))
    mnc_size = chip.body(f"{adf.path}/{_AD}")[3:4] or b"\x02"
    split = 3 + (3 if mnc_size[0] & 0x0F == 3 else 2)
    routing = chip.body(f"{adf.path}/{_ROUTING_INDICATOR}")[:2]
    head = bytes((_IMSI_TYPE,)) + _plmn(imsi[:split]) + (_NO_ROUTING if routing in (b"", b"\xff\xff") else routing)
    plaintext = _swapped(imsi[split:])
    for scheme, key_id, key in _schemes(chip, adf):
        try:
            output = conceal(scheme, key, plaintext, chip.random.randbytes)
        except ValueError:
            continue  # no key of that curve: the next scheme in order of priority
        return head + bytes((scheme, key_id)) + output
    return head + bytes((_NULL, 0)) + plaintext


def _schemes(chip: Chip, adf: File) -> Iterator[tuple[int, int, bytes]]:
    """Scheme, key identifier and key in order of priority, up to the null scheme.

    From the file only the card reads, or else from the one of DF.5GS; without either there is the null scheme alone.
    """
    bodies = (chip.body(f"{adf.path}/{name}") for name in (_SAIP_CALC_INFO, _CALC_INFO))
    body = next((body for body in bodies if body.strip(b"\xff")), b"")
    try:
        parts = dict(tlv.parse(_without_fill(body)))
        keys = list(tlv.parse(parts.get(0xA1, b"")))
    except ImageError:
        return
    pairs = list(zip(keys[::2], keys[1::2], strict=False))
    order = parts.get(0xA0, b"")
    for scheme, index in zip(order[::2], order[1::2], strict=False):
        if scheme == _NULL:
            return
        if scheme in (PROFILE_A, PROFILE_B) and 1 <= index <= len(pairs):
            (_, key_id), (_, key) = pairs[index - 1]
            yield scheme, (key_id or b"\x00")[0], key


def _without_fill(body: bytes) -> bytes:
    """What stands in front of the FF tail: whole TLVs A0 and A1."""
    at = 0
    while body[at : at + 1] not in (b"", b"\xff"):
        try:
            _, _, at = next(tlv.spans(body, at))
        except ImageError:
            return b""
    return body[:at]


def _imsi(body: bytes) -> str:
    """The digits of EF.IMSI.

    :raises StatusWordError: 6985 when there are none.
    """
    nibbles = "".join(f"{byte & 15:X}{byte >> 4:X}" for byte in body[1 : 1 + body[0]]) if body else ""
    digits = nibbles[1:].rstrip("F")
    if not (digits.isdecimal() and 6 <= len(digits) <= 15):
        raise StatusWordError(sw.CONDITIONS)
    return digits


def _plmn(digits: str) -> bytes:
    mcc, mnc = digits[:3], digits[3:].ljust(3, "F")
    return bytes.fromhex(f"{mcc[1]}{mcc[0]}{mnc[2]}{mcc[2]}{mnc[1]}{mnc[0]}")


def _swapped(digits: str) -> bytes:
    padded = digits + "F" * (len(digits) % 2)
    return bytes.fromhex("".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2)))
