"""The GBA context of AUTHENTICATE: bootstrapping and NAF keys on the card (TS 31.102 7.1.1.3; TS 33.220 5, Annex B).

Bootstrapping runs AKA with MAC* in AUTN and keeps Ks = CK || IK instead of giving it away; a NAF then gets Ks_ext_NAF.
Clauses from memory. The session is the cell `gba/` + ADF path: RAND 16, Ks 32.
"""

import hashlib
import hmac
from typing import Final

from . import statuswords as sw
from .chip import Chip
from .errors import StatusWordError
from .files import File
from .milenage import xor

BOOTSTRAPPING, NAF_DERIVATION = 0xDD, 0xDE
_BOOTSTRAP_FIDS: Final = (0x6FD6, 0x6FD5)  # EF.GBABP of a USIM, of an ISIM
_FC: Final = b"\x01"
_EXTERNAL: Final = b"gba-me"


def unmasked(mac: bytes, ik: bytes) -> bytes:
    """MAC out of MAC*: the first bytes of SHA-1(IK) taken off (TS 33.220 5.3.2)."""
    return xor(mac, hashlib.sha1(ik, usedforsecurity=False).digest())


def keep(chip: Chip, adf: File, rand: bytes, ck: bytes, ik: bytes) -> None:
    """Store a bootstrapped session; the terminal finds RAND in EF.GBABP, where there is one and it fits."""
    chip.memory.write(_cell(adf), rand + ck + ik)
    field = bytes((len(rand),)) + rand
    file = next((found for fid in _BOOTSTRAP_FIDS if (found := adf.children.get(fid)) is not None), None)
    if file is not None and file.transparent and file.size >= len(field):
        chip.memory.write(file.cell, field + b"\xff" * (file.size - len(field)))


def naf_key(chip: Chip, adf: File, naf_id: bytes, impi: bytes) -> bytes:
    """Ks_ext_NAF, 32 bytes.

    :raises StatusWordError: 6985 before a bootstrapping.
    """
    session = chip.memory.cells.get(_cell(adf), b"")
    if not session:
        raise StatusWordError(sw.CONDITIONS)
    return derive(session[16:], (_EXTERNAL, session[:16], impi, naf_id))


def derive(ks: bytes, parameters: tuple[bytes, ...]) -> bytes:
    """The key derivation function of TS 33.220 B.2: HMAC-SHA-256 over FC and each parameter with its length."""
    text = _FC + b"".join(part + len(part).to_bytes(2, "big") for part in parameters)
    return hmac.digest(ks, text, "sha256")


def _cell(adf: File) -> str:
    return f"gba/{adf.path}"
