"""AUTHENTICATE (3GPP TS 31.102 7.1, TS 31.103 7.1) and the 2G algorithm behind it and RUN GSM ALGORITHM.

Key file: configuration, K 16, OP or OPc 16. Configuration: low nibble 4 Milenage, E XOR-2G, F XOR; b5 the second value
is OPc; b6 SRES by variant 2 of c2; b7 RES of 4 bytes. FF is a key file nobody has written.
"""

import hmac

from . import statuswords as sw
from .chip import Answer, Chip, Command
from .errors import StatusWordError
from .files import File
from .image import KeySlot
from .milenage import Aka, Milenage, XorAka, kc, sres, xor
from .sqn import CONCEAL_AUTN, CONCEAL_AUTS, KEEP_AMF, SequenceNumbers

_UNWRITTEN = 0xFF
_MILENAGE, _XOR_2G, _XOR = 0x04, 0x0E, 0x0F
_IS_OPC, _SRES_VARIANT_2, _SHORT_RES = 0x10, 0x20, 0x40
_GSM, _AKA, _OTHER_CONTEXTS = 0x80, 0x81, (0x82, 0x84)
_GSM_SERVICE = 27  # "GSM access": Kc goes with a 3G answer
_PIN1 = 0x01
_DF_GSM = 0x7F20


def valid_context(p1: int, p2: int) -> bool:
    """P1 00; P2 80 GSM, 81 3G and IMS, 82 VGCS and 84 GBA (known, not offered)."""
    return p1 == 0 and p2 in (_GSM, _AKA, *_OTHER_CONTEXTS)


def authenticate(chip: Chip, command: Command) -> Answer:
    """AUTHENTICATE in the active application.

    3G context: `10 RAND 10 AUTN` -> `DB RES CK IK [Kc]`, or `DC AUTS` when the SQN is not fresh, or 9862 and nothing.
    GSM context: `10 RAND` -> `04 SRES 08 Kc`.
    """
    if command.p2 in _OTHER_CONTEXTS:
        raise StatusWordError(sw.NO_CONTEXT)
    data = command.data
    if len(data) != (17 if command.p2 == _GSM else 34):
        raise StatusWordError(sw.WRONG_LENGTH)
    if data[0] != 16 or data[17:18] not in (b"", b"\x10"):
        raise StatusWordError(sw.WRONG_DATA)
    if command.p2 == _GSM:
        short, key = run_gsm(chip, command, data[1:17])
        return b"\x04" + short + b"\x08" + key, sw.OK
    slot = _slot(chip, command.channel.adf)
    _need_pin1(chip, command)
    return _aka(chip, slot, data[1:17], data[18:34]), sw.OK


def run_gsm(chip: Chip, command: Command, rand: bytes) -> tuple[bytes, bytes]:
    """SRES and Kc from the 2G key file, or on a card without one from the application's (TS 51.011 8.16).

    :raises StatusWordError: 6985 outside DF.GSM and ADF.USIM, or without a key; 6982 without PIN1.
    """
    channel = command.channel
    if channel.df.fid != _DF_GSM and (channel.adf is None or not chip.image.key_slots.get(channel.adf.path)):
        raise StatusWordError(sw.CONDITIONS)
    slot = chip.image.key_slots.get("")
    if slot is None:
        raise StatusWordError(sw.CONDITIONS)
    _need_pin1(chip, command)
    body = chip.memory.cells[slot.key]
    if body[0] != _UNWRITTEN and body[0] & 0x0F == _XOR_2G:
        mixed = xor(body[1:17], rand)
        return mixed[:4], mixed[4:12]
    functions = _functions(body)
    return sres(functions.response(rand), variant2=bool(body[0] & _SRES_VARIANT_2)), kc(*functions.keys(rand))


def _slot(chip: Chip, adf: File | None) -> KeySlot:
    slot = chip.image.key_slots.get(adf.path) if adf is not None else None
    if slot is None:
        raise StatusWordError(sw.CONDITIONS)
    return slot


def _need_pin1(chip: Chip, command: Command) -> None:
    chip.require((frozenset((_PIN1,)),), command.channel)


def _functions(body: bytes) -> Aka:
    """The algorithm a key file configures.

    :raises StatusWordError: 6985 for an unwritten file or an algorithm this chip does not have.
    """
    kind = body[0] & 0x0F
    if body[0] == _UNWRITTEN or kind not in (_MILENAGE, _XOR):
        raise StatusWordError(sw.CONDITIONS)
    if kind == _XOR:
        return XorAka(body[1:17])
    return Milenage(body[1:17], body[17:33], derive=not body[0] & _IS_OPC)


def _aka(chip: Chip, slot: KeySlot, rand: bytes, autn: bytes) -> bytes:
    body = chip.memory.cells[slot.key]
    functions = _functions(body)
    numbers = SequenceNumbers(chip.memory.cells[slot.sqn])
    sqn, amf = autn[:6], autn[6:8]
    if numbers.conceals(CONCEAL_AUTN):
        sqn = xor(sqn, functions.anonymity(rand))
    if not hmac.compare_digest(functions.mac(rand, sqn, amf), autn[8:]):
        raise StatusWordError(sw.WRONG_MAC)
    if not numbers.is_fresh(sqn):
        return b"\xdc\x0e" + _auts(functions, numbers, rand, amf)
    chip.memory.write(slot.sqn, numbers.accept(sqn))
    response = functions.response(rand)
    ck, ik = functions.keys(rand)
    parts = [response[:4] if body[0] & _SHORT_RES else response, ck, ik]
    if slot.services and _has_service(chip.memory.cells[slot.services], _GSM_SERVICE):
        parts.append(kc(ck, ik))
    return b"\xdb" + b"".join(bytes((len(part),)) + part for part in parts)


def _auts(functions: Aka, numbers: SequenceNumbers, rand: bytes, amf: bytes) -> bytes:
    sqn_ms = numbers.highest
    mac = functions.mac_resync(rand, sqn_ms, amf if numbers.conceals(KEEP_AMF) else bytes(2))
    return (xor(sqn_ms, functions.anonymity_resync(rand)) if numbers.conceals(CONCEAL_AUTS) else sqn_ms) + mac


def _has_service(table: bytes, service: int) -> bool:
    return bool(table[(service - 1) // 8] >> (service - 1) % 8 & 1)
