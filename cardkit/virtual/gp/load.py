"""LOAD: blocks, the structure of the load file, its DAPs and hash; the last block registers it (GPCS 9.3, 11.6, C)."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import cap, management, memoryuse, signatures
from .chip import Answer, Channel, GpChip, PlainCommand
from .crypto import AES_BLOCK, DES_BLOCK, KEY_AES, PaddingError, aes_cbc_decrypt, des3_cbc_decrypt, unpad80
from .keysets import CardKeyEntry
from .privileges import Privilege
from .registry import LOADED, PERSONALIZED, Entry, Kind

_LAST: Final = 0x80
_DAP, _CLEAR, _ICV, _CIPHERED = 0xE2, 0xC4, 0xD3, 0xD4
_SIGNER, _SIGNATURE = 0x4F, 0xC3
_HASHES: Final = {20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}  # Table C-3, by length
_LONG: Final = (0x81, 0x82, 0x83)


@dataclass(slots=True)
class Load:
    """A load in progress.

    :ivar aid: AID of the load file to be.  :ivar domain: AID of its security domain.
    :ivar digest: hash of the load file data block, empty when INSTALL gave none.
    :ivar combined: an INSTALL [for install] will end it.  :ivar message: what a token over both signs first.
    :ivar next: number of the next LOAD.  :ivar block: the load file data block, once all is there and verified.
    """

    aid: bytes
    domain: bytes
    digest: bytes
    combined: bool
    message: bytes
    next: int = 0
    data: bytearray = field(default_factory=bytearray)
    block: bytes | None = None


def load(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """LOAD; the last block of a delegated load is confirmed by a receipt (C.5).

    :raises StatusWordError: 6985 out of turn, 6A86 P1; 6A84 memory; at the last block also 6A80, 6982; the load is over
        then and nothing of it stays.
    """
    running, channel.load = channel.load, None
    if command.p1 not in (0, _LAST):
        raise StatusWordError(sw.WRONG_P1P2)
    if running is None or running.block is not None or command.p2 != running.next or not command.data:
        raise StatusWordError(sw.CONDITIONS)
    running.data += command.data
    memoryuse.require(chip, len(running.data))
    running.next = running.next + 1 & 0xFF
    if command.p1 == _LAST:
        running.block = _verified(chip, running)
        if not running.combined:
            finish(chip, running)
            return management.confirmation(chip, entry, running.aid, running.domain), sw.OK
    channel.load = running
    return b"\x00", sw.OK


def finish(chip: GpChip, running: Load) -> None:
    """Register the load file.

    :raises StatusWordError: 6A80 when the code is no package, or another one than announced; 6A84.
    """
    block = running.block or b""
    package = cap.walk(block)
    if package.aid != running.aid:
        raise StatusWordError(sw.WRONG_DATA)
    memoryuse.require(chip, len(block))
    entry = Entry(
        aid=running.aid,
        kind=Kind.LOAD_FILE,
        state=LOADED,
        domain=running.domain,
        version=package.version,
        modules=package.applets,
        size=len(block),
    )
    chip.registry.put(entry)


def _verified(chip: GpChip, running: Load) -> bytes:
    """The load file data block in clear, its hash and signatures checked.

    :raises StatusWordError: 6A80, 6982, 6985.
    """
    objects = _objects(bytes(running.data))
    tags = [tag for tag, _ in objects]
    daps = [value for tag, value in objects if tag == _DAP]
    body = tags[len(daps) :]
    if tags[: len(daps)] != [_DAP] * len(daps) or body not in ([_CLEAR], [_CIPHERED], [_ICV, _CIPHERED]):
        raise StatusWordError(sw.WRONG_DATA)
    block = objects[-1][1]
    if body[-1] == _CIPHERED:
        block = _decipher(chip, running, block, objects[-2][1] if _ICV in body else b"")
    required = _verifiers(chip, running)
    if (daps or required or body[-1] == _CIPHERED) and not running.digest:
        raise StatusWordError(sw.CONDITIONS)
    if running.digest:
        name = _HASHES.get(len(running.digest))
        if name is None or not hmac.compare_digest(hashlib.new(name, block).digest(), running.digest):
            raise StatusWordError(sw.WRONG_DATA)
    _check_daps(chip, running, daps, required)
    return block


def _verifiers(chip: GpChip, running: Load) -> set[bytes]:
    """The security domains whose signature there must be (9.2.1)."""
    mandated = {
        entry.aid
        for entry in chip.registry
        if entry.has(Privilege.MANDATED_DAP) and (entry.kind is Kind.ISD or entry.state == PERSONALIZED)
    }
    own = chip.registry.domain(running.domain)
    return mandated | ({own.aid} if own.has(Privilege.DAP_VERIFICATION) else set())


def _check_daps(chip: GpChip, running: Load, daps: list[bytes], required: set[bytes]) -> None:
    """Each signature is over the hash of the load file data block (C.3).

    :raises StatusWordError: 6A80 malformed, 6A88 unknown signer, 6982 wrong, 6985 one is missing.
    """
    signed = set()
    for dap in daps:
        objects = _objects(dap)
        if [tag for tag, _ in objects] != [_SIGNER, _SIGNATURE]:
            raise StatusWordError(sw.WRONG_DATA)
        (_, aid), (_, signature) = objects
        signer = chip.registry.domain(aid)
        if not signer.has(Privilege.DAP_VERIFICATION):
            raise StatusWordError(sw.CONDITIONS)
        key = signatures.find(chip.keys(aid).ring(), signatures.DAP)
        signatures.verify(key, running.digest, signature)
        signed.add(aid)
    if not required <= signed:
        raise StatusWordError(sw.CONDITIONS)


def _decipher(chip: GpChip, running: Load, block: bytes, icv: bytes) -> bytes:
    """C.6: CBC under the key of the security domain with the Ciphered Load File Data Block privilege.

    :raises StatusWordError: 6985 no such privilege or key, 6982 wrong padding, 6A80 wrong sizes.
    """
    domain = chip.registry.domain(running.domain)
    if not domain.has(Privilege.CIPHERED_LOAD):
        raise StatusWordError(sw.CONDITIONS)
    key = signatures.find(chip.keys(domain.aid).ring(), signatures.CIPHERED_LOAD)
    size = AES_BLOCK if key.type == KEY_AES else DES_BLOCK
    if not block or len(block) % size or len(icv) not in (0, size):
        raise StatusWordError(sw.WRONG_DATA)
    return _unpadded(key, block, icv or bytes(size), size)


def _unpadded(key: CardKeyEntry, block: bytes, icv: bytes, size: int) -> bytes:
    decrypt = aes_cbc_decrypt if key.type == KEY_AES else des3_cbc_decrypt
    try:
        return unpad80(decrypt(key.value, block, icv), size)
    except PaddingError:
        raise StatusWordError(sw.SECURITY_STATUS) from None


def _objects(data: bytes) -> list[tuple[int, bytes]]:
    """TLV objects with one byte of tag and lengths up to `83 xxxxxx`.

    :raises StatusWordError: 6A80.
    """
    found, at = [], 0
    while at < len(data):
        tag, first = data[at], data[at + 1] if at + 1 < len(data) else 0x80
        extra = first - 0x80 if first in _LONG else 0
        start = at + 2 + extra
        end = start + (int.from_bytes(data[at + 2 : start], "big") if extra else first)
        if end > len(data) or (first >= 0x80 and not extra):
            raise StatusWordError(sw.WRONG_DATA)
        found.append((tag, data[start:end]))
        at = end
    return found
