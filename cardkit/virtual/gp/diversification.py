"""Key sets that differ from chip to chip: derived from a master key and the chip's key diversification data.

EMV CPS 2.0: K = 3DES(KMC)[x || F0 || c || x || 0F || c], c the number of the key. "cps" takes as x the rightmost six
bytes of the ten of KEYDATA, "visa2" the first two and the four behind the next two.
"""

from dataclasses import replace
from typing import Final

from ..errors import ImageError
from . import crypto, keycells
from .keysets import CardKeyEntry

FORMS: Final = ("cps", "visa2")


def derived_key(master: bytes, kdd: bytes, form: str, kid: int) -> bytes:
    """A card's key of 16 bytes.

    :param master: KMC, 16 bytes.  :param kdd: 10 bytes.  :param kid: 1 ENC, 2 MAC, 3 DEK.
    """
    own = kdd[4:] if form == "cps" else kdd[:2] + kdd[4:8]
    return crypto.des3_ecb(master, own + bytes((0xF0, kid)) + own + bytes((0x0F, kid)))


def check_form(form: str) -> str:
    """Refuse a form that is not known.

    :raises ImageError: naming those that are.
    """
    if form not in FORMS:
        raise ImageError(f"keys: derive = {form!r}, expected one of {', '.join(FORMS)}")
    return form


def of_chip(cell: bytes, kdd: bytes, form: str) -> bytes:
    """The cell of a key set of master keys, as a chip with that key diversification data is delivered."""

    def derive(key: CardKeyEntry) -> CardKeyEntry:
        return replace(key, value=derived_key(key.value, kdd, form, key.kid))

    return keycells.changed(cell, derive)
