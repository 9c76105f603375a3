"""Issuer scripts: commands with a MAC of the issuer (EMV Book 3, 6.5.1 to 6.5.3, 6.5.10; Book 2, 9).

Format 2: the data, enciphered where they are confidential, then 4 to 8 bytes of MAC over header, ATC, first cryptogram
and data. Keys and blocks are those of the cryptogram version.
"""

import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, PlainCommand
from . import crypto, dgis, issuer, reading, versions
from .commands import Operation
from .data import BLOCKED, CONTACTLESS, INTERNAL, PERSONALIZED, TEMPLATE_FILES, check_record
from .transaction import Scene, State
from .versions import Family, Version

_INTEGRITY, _CONFIDENTIALITY = 1, 2  # index of their master keys
_MAC_SIZE: Final = 0xDF02
_UNBLOCK: Final = 0x18
_PIN_UNBLOCK, _PIN_CHANGE_WITH_CURRENT, _PIN_CHANGE = 0x00, 0x01, 0x02
_BLOCK: Final = 8
_FORMAT_2: Final = 0x20 << 56  # of a PIN block, in the place where that of VSDC has 0
_SETTABLE: Final = {
    0x9F54: INTERNAL, 0x9F58: INTERNAL, 0x9F59: INTERNAL, 0x9F5C: INTERNAL, 0x9F6B: CONTACTLESS, 0x9F6C: CONTACTLESS,
}  # fmt: skip

_Work = Callable[[Scene, PlainCommand, bytes], None]  # its data are those without the MAC


def _script(work: _Work, *, proprietary: bool, p1p2: int | None = 0) -> Operation[Scene]:
    def handler(scene: Scene, command: PlainCommand) -> Answer:
        return _run(scene, command, work)

    return Operation(handler, proprietary=proprietary, secured=True, p1p2=p1p2)


def _run(scene: Scene, command: PlainCommand, work: _Work) -> Answer:
    """Check the MAC, then work; what fails is remembered for the next cryptogram.

    :raises StatusWordError: 6700 no room for a MAC, 6985 out of turn.
    """
    size = (scene.data.parameter(INTERNAL, _MAC_SIZE) or bytes((_BLOCK,)))[0]
    if len(command.data) < size:
        raise StatusWordError(sw.WRONG_LENGTH)
    _require_turn(scene, command)
    body, mac = command.data[:-size], command.data[-size:]
    status = sw.SECURITY_STATUS
    if hmac.compare_digest(mac, _mac(scene, command, body)[:size]):
        status = _done(work, scene, command, body)
        scene.transaction.scripts += 1
    _remember(scene, done=status == sw.OK)
    return b"", status


def _done(work: _Work, scene: Scene, command: PlainCommand, body: bytes) -> bytes:
    try:
        work(scene, command, body)
    except StatusWordError as refusal:
        return refusal.sw
    return sw.OK


def _require_turn(scene: Scene, command: PlainCommand) -> None:
    """Between the cryptograms, or after the second; a blocked application may be unblocked after its only one."""
    transaction = scene.transaction
    unblocks = command.ins == _UNBLOCK and scene.data.state == BLOCKED
    after = transaction.state is State.DONE and (transaction.online or (unblocks and transaction.cryptogram))
    if transaction.state is not State.ONLINE and not after:
        raise StatusWordError(sw.CONDITIONS)


def _remember(scene: Scene, *, done: bool) -> None:
    """The first script of a transaction starts the count anew."""
    data, transaction = scene.data, scene.transaction
    known = data.risk if transaction.scripted else replace(data.risk, scripts=0, script_failed=False)
    transaction.scripted = True
    data.risk = replace(known, scripts=min(known.scripts + done, 15), script_failed=known.script_failed or not done)


def _session_key(scene: Scene, version: Version, index: int) -> bytes:
    """Of VSDC over the ATC, else over the first cryptogram, plus the number of commands so far with M/Chip."""
    master, cryptogram = scene.data.master_key(index), scene.transaction.cryptogram
    if version.vis:
        return crypto.vis_session_key(master, scene.data.atc)
    if version.aes:
        return crypto.aes_session_key(master, cryptogram)
    if version.family is Family.MCHIP:
        number = int.from_bytes(cryptogram, "big") + scene.transaction.scripts
        cryptogram = (number % (1 << 64)).to_bytes(_BLOCK, "big")
    return crypto.session_key(master, cryptogram)


def _version(scene: Scene) -> Version:
    return versions.of(scene.data.parameter(INTERNAL, 0x9F10))


def _mac(scene: Scene, command: PlainCommand, body: bytes) -> bytes:
    version = _version(scene)
    header = bytes((0x84 if command.proprietary else 0x04, command.ins, command.p1, command.p2, len(command.data)))
    message = header + scene.data.atc + scene.transaction.cryptogram + body
    key = _session_key(scene, version, _INTEGRITY)
    return crypto.aes_mac(key, message) if version.aes else crypto.mac3(key, message)


def _decipher(scene: Scene, body: bytes) -> bytes:
    """Confidential data of a script.

    :raises StatusWordError: 6A80 when they are no whole blocks, or not padded as the version does it.
    """
    version = _version(scene)
    if not body or len(body) % (2 * _BLOCK if version.aes else _BLOCK):
        raise dgis.refuse()
    key = _session_key(scene, version, _CONFIDENTIALITY)
    if version.family in (Family.VSDC, Family.VSDC_LONG):
        clear = crypto.des3_ecb_decrypt(key, body)
        end = 1 + clear[0]
        if crypto.pad80(clear[:end], _BLOCK) != clear and len(clear) != end:
            raise dgis.refuse()
        return clear[1:end]
    clear = crypto.aes_cbc_decrypt(key, body) if version.aes else crypto.des3_cbc_decrypt(key, body)
    if version.family is Family.MCHIP and len(clear) == _BLOCK:
        return clear
    start = clear.rstrip(b"\x00")
    if not start.endswith(b"\x80"):
        raise dgis.refuse()
    return start[:-1]


def _block_card(scene: Scene, command: PlainCommand, body: bytes) -> None:
    """CARD BLOCK."""
    del command
    _require_empty(body)
    issuer.block_card(scene.chip)


def _become(state: bytes) -> _Work:
    """APPLICATION BLOCK and UNBLOCK."""

    def work(scene: Scene, command: PlainCommand, body: bytes) -> None:
        del command
        _require_empty(body)
        scene.data.put("state", state)

    return work


def _require_empty(body: bytes) -> None:
    if body:
        raise dgis.refuse()


def _change_pin(scene: Scene, command: PlainCommand, body: bytes) -> None:
    """PIN CHANGE/UNBLOCK.

    :raises StatusWordError: 6A86 a form that the version does not have, 6984 no PIN, 6A80.
    """
    data, vsdc = scene.data, _version(scene).family in (Family.VSDC, Family.VSDC_LONG)
    forms = (_PIN_UNBLOCK, _PIN_CHANGE) + ((_PIN_CHANGE_WITH_CURRENT,) if vsdc else ())
    if command.p1 or command.p2 not in forms:
        raise StatusWordError(sw.WRONG_P1P2)
    if not data.get("pin"):
        raise StatusWordError(sw.DATA_INVALIDATED)
    if command.p2 == _PIN_UNBLOCK:
        _require_empty(body)
    else:
        data.put("pin", _new_pin(scene, _decipher(scene, body), with_current=command.p2 == _PIN_CHANGE_WITH_CURRENT))
    limit = data.get("tries")[1]
    data.put("tries", bytes((limit, limit)))


def _new_pin(scene: Scene, block: bytes, *, with_current: bool) -> bytes:
    """The new PIN as a block of format 2.

    VSDC hides it under bytes 5 to 8 of the card's master key, and under the current PIN if that is asked for.
    """
    if len(block) != _BLOCK:
        raise dgis.refuse()
    if _version(scene).family is Family.VSDC or with_current:
        hidden = int.from_bytes(block, "big") ^ int.from_bytes(scene.data.master_key(0)[4:8], "big")
        if with_current:
            hidden ^= int((dgis.pin_digits(scene.data.get("pin")) or "").ljust(2 * _BLOCK, "0"), 16)
        block = (hidden ^ _FORMAT_2).to_bytes(_BLOCK, "big")
    if dgis.pin_digits(block) is None:
        raise dgis.refuse()
    return block


def _put_data(scene: Scene, command: PlainCommand, body: bytes) -> None:
    """PUT DATA: limits of card risk management and contactless choices.

    :raises StatusWordError: 6A88 another tag, 6A80.
    """
    folder = _SETTABLE.get(command.tag)
    if folder is None:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    dgis.check_internal(folder, command.tag, body)
    scene.data.put(f"{folder}/{command.tag:04X}", body)


def _update_record(scene: Scene, command: PlainCommand, body: bytes) -> None:
    """UPDATE RECORD of a record that exists.

    :raises StatusWordError: 6A86, 6982 a file of the card's own, 6A83, 6A80.
    """
    sfi, number = reading.record_reference(command)
    if sfi not in TEMPLATE_FILES:
        raise StatusWordError(sw.SECURITY_STATUS)
    if not scene.data.record(sfi, number):
        raise StatusWordError(sw.RECORD_NOT_FOUND)
    check_record(sfi, body)
    scene.data.put(f"record/{sfi:02X}{number:02X}", body)


OPERATIONS: Final = {
    0x16: _script(_block_card, proprietary=True),
    _UNBLOCK: _script(_become(PERSONALIZED), proprietary=True),
    0x1E: _script(_become(BLOCKED), proprietary=True),
    0x24: _script(_change_pin, proprietary=True, p1p2=None),
    0xDA: _script(_put_data, proprietary=False, p1p2=None),
    0xDC: _script(_update_record, proprietary=False, p1p2=None),
}
