"""AUTHENTICATE (3GPP TS 31.102 7.1, TS 31.103 7.1) and the 2G algorithm behind it and RUN GSM ALGORITHM.

Which algorithm runs is written in the key file: see keyfile.py.
"""

import hmac
from typing import Final, NamedTuple

from . import gba, keyfile
from . import statuswords as sw
from .chip import Answer, Chip, Command
from .errors import StatusWordError
from .files import File
from .image import KeySlot
from .milenage import Aka, kc, xor
from .sqn import CONCEAL_AUTN, CONCEAL_AUTS, KEEP_AMF, LEAST_SIZE, SequenceNumbers

_GSM, _AKA, _VGCS, _GBA = 0x80, 0x81, 0x82, 0x84
_GSM_SERVICE: Final = 27  # "GSM access": Kc goes with a 3G answer
_GBA_SERVICES: Final = {0x1002: 68, 0x1004: 2}  # by application code: in UST, in IST
PIN1: Final = 0x01
_DF_GSM: Final = 0x7F20
_RAND: Final = 16
_AUTN_SIZES: Final = (16, 24, 40)  # SQN 6, AMF 2, MAC of 8 to 32 bytes
_SUCCESS, _SYNCHRONISE = b"\xdb", b"\xdc"


class _Challenge(NamedTuple):
    """RAND, and the three parts of AUTN."""

    rand: bytes
    sqn: bytes
    amf: bytes
    mac: bytes


def valid_context(p1: int, p2: int) -> bool:
    """P1 00; P2 80 GSM, 81 3G and IMS, 84 GBA, 82 VGCS (known, not offered)."""
    return p1 == 0 and p2 in (_GSM, _AKA, _VGCS, _GBA)


def authenticate(chip: Chip, command: Command) -> Answer:
    """AUTHENTICATE in the active application.

    3G context: `10 RAND 10 AUTN` -> `DB RES CK IK [Kc]`, or `DC AUTS` when the SQN is not fresh, or 9862 and nothing.
    GSM context: `10 RAND` -> `04 SRES 08 Kc`. GBA context: `DD 10 RAND 10 AUTN` -> `DB RES` or `DC AUTS`;
    `DE L NAF_ID L IMPI` -> `DB Ks_ext_NAF`.
    """
    if command.p2 == _VGCS:
        raise StatusWordError(sw.NO_CONTEXT)
    if command.p2 == _GBA:
        return _gba(chip, command), sw.OK
    data = command.data
    if command.p2 == _GSM:
        if len(data) != 1 + _RAND:
            raise StatusWordError(sw.WRONG_LENGTH)
        if data[0] != _RAND:
            raise StatusWordError(sw.WRONG_DATA)
        short, key = run_gsm(chip, command, data[1:])
        return b"\x04" + short + b"\x08" + key, sw.OK
    challenge = _challenge(data)
    adf, slot = _application(chip, command.channel.adf)
    _need_pin1(chip, command)
    return _aka(chip, adf, slot, challenge), sw.OK


def run_gsm(chip: Chip, command: Command, rand: bytes) -> tuple[bytes, bytes]:
    """SRES and Kc from the 2G key file, or on a card without one from the application's (TS 51.011 8.16).

    :raises StatusWordError: 6985 outside DF.GSM and ADF.USIM, or without a key; 6982 without PIN1.
    """
    channel, slots = command.channel, chip.image.key_slots
    own = slots.get(channel.adf.path) if channel.adf is not None else None
    if channel.df.fid != _DF_GSM and own is None:
        raise StatusWordError(sw.CONDITIONS)
    slot = slots.get("") or own
    if slot is None:
        raise StatusWordError(sw.CONDITIONS)
    _need_pin1(chip, command)
    return keyfile.triplet(chip.body(slot.key), rand, chip.body(slot.constants))


def _challenge(data: bytes) -> _Challenge:
    """`10 RAND L AUTN`.

    :raises StatusWordError: 6700, 6A80.
    """
    if len(data) - 2 - _RAND not in _AUTN_SIZES:
        raise StatusWordError(sw.WRONG_LENGTH)
    if data[0] != _RAND or data[17] != len(data) - 18:
        raise StatusWordError(sw.WRONG_DATA)
    return _Challenge(data[1:17], data[18:24], data[24:26], data[26:])


def _application(chip: Chip, adf: File | None) -> tuple[File, KeySlot]:
    slot = chip.image.key_slots.get(adf.path) if adf is not None else None
    if adf is None or slot is None:
        raise StatusWordError(sw.CONDITIONS)
    return adf, slot


def _need_pin1(chip: Chip, command: Command) -> None:
    chip.require((frozenset((PIN1,)),), command.channel)


def _aka(chip: Chip, adf: File, slot: KeySlot, challenge: _Challenge, *, bootstrapping: bool = False) -> bytes:
    body = chip.body(slot.key)
    functions = keyfile.aka(body, chip.body(slot.constants))
    numbers = _numbers(chip, slot)
    rand, amf = challenge.rand, challenge.amf
    sqn = xor(challenge.sqn, functions.anonymity(rand)) if numbers.conceals(CONCEAL_AUTN) else challenge.sqn
    mac = gba.unmasked(challenge.mac, functions.keys(rand)[1]) if bootstrapping else challenge.mac
    if not hmac.compare_digest(functions.mac(rand, sqn, amf), mac):
        raise StatusWordError(sw.WRONG_MAC)
    if not numbers.is_fresh(sqn):
        return _SYNCHRONISE + _lv(_auts(functions, numbers, rand, amf))
    chip.memory.write(chip.cell(slot.sqn), numbers.accept(sqn))
    res, (ck, ik) = keyfile.response(body, functions, rand), functions.keys(rand)
    if bootstrapping:
        gba.keep(chip, adf, rand, ck, ik)
        return _SUCCESS + _lv(res)
    with_kc = slot.services and has_service(chip.body(slot.services), _GSM_SERVICE)
    return _SUCCESS + b"".join(map(_lv, (res, ck, ik, kc(ck, ik)) if with_kc else (res, ck, ik)))


def _numbers(chip: Chip, slot: KeySlot) -> SequenceNumbers:
    body = chip.body(slot.sqn)
    if len(body) < LEAST_SIZE:
        raise StatusWordError(sw.CONDITIONS)
    return SequenceNumbers(body)


def _gba(chip: Chip, command: Command) -> bytes:
    """The GBA context, for an application whose service table offers it.

    :raises StatusWordError: 9864 when it does not; 6700, 6A80; 6982; 6985; 9862.
    """
    data = command.data
    adf, slot = _application(chip, command.channel.adf)
    service = _GBA_SERVICES.get(int.from_bytes(adf.aid[5:7], "big") & 0xFFFF)
    if service is None or not has_service(chip.body(slot.services), service):
        raise StatusWordError(sw.NO_CONTEXT)
    if data[0] == gba.BOOTSTRAPPING:
        challenge = _challenge(data[1:])
        _need_pin1(chip, command)
        return _aka(chip, adf, slot, challenge, bootstrapping=True)
    if data[0] != gba.NAF_DERIVATION:
        raise StatusWordError(sw.WRONG_DATA)
    naf_id, impi = _two(data[1:])
    _need_pin1(chip, command)
    return _SUCCESS + _lv(gba.naf_key(chip, adf, naf_id, impi))


def _two(data: bytes) -> tuple[bytes, bytes]:
    """Two values, each behind its length of one byte.

    :raises StatusWordError: 6A80.
    """
    first = data[0] + 1 if data else 0
    second = data[first:]
    if not first or not second or len(second) != second[0] + 1:
        raise StatusWordError(sw.WRONG_DATA)
    return data[1:first], second[1:]


def _auts(functions: Aka, numbers: SequenceNumbers, rand: bytes, amf: bytes) -> bytes:
    sqn_ms = numbers.highest
    mac = functions.mac_resync(rand, sqn_ms, amf if numbers.conceals(KEEP_AMF) else bytes(2))
    return (xor(sqn_ms, functions.anonymity_resync(rand)) if numbers.conceals(CONCEAL_AUTS) else sqn_ms) + mac


def _lv(value: bytes) -> bytes:
    return bytes((len(value),)) + value


def has_service(table: bytes, service: int) -> bool:
    """Is bit `service`, counted from 1 on, set in a service table?"""
    at = (service - 1) // 8
    return at < len(table) and bool(table[at] >> (service - 1) % 8 & 1)
