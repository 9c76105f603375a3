"""Session keys that count up, and openings without a card."""

from __future__ import annotations

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Key, Usage
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.secure import Quirks, SecurityLevel, Terms, decode_parameters
from cardkit.secure.scp01 import Scp01Session
from cardkit.secure.scp02 import Scp02Session
from cardkit.secure.scp03 import Scp03Session
from tests.unit.secure.naive import retail

ENC, MAC, RMAC, DEK = (bytes(range(first, first + 32)) for first in (0x40, 0x60, 0x80, 0xA0))


def key(value: bytes, name: str = "test", family: str = "AES") -> Key:
    return Key(value, name, f"{family}-{8 * len(value)}", Usage.DATA_ENC)


def aes_keys(size: int = 16) -> SessionKeys:
    return SessionKeys(enc=key(ENC[:size]), mac=key(MAC[:size]), rmac=key(RMAC[:size]), dek=key(DEK[:size]))


def des_keys() -> SessionKeys:
    return SessionKeys(*(key(value[:16], family="3DES") for value in (ENC, MAC, RMAC, DEK)))


OK = ResponseAPDU(b"", 0x9000)
GET_DATA = CommandAPDU(0x80, 0xCA, 0x00, 0x66, ne=256)
PROOF = b"host cry"
CLASSES = {1: Scp01Session, 2: Scp02Session, 3: Scp03Session}
ALL = [pytest.param(1, 0x05, id="scp01"), pytest.param(2, 0x35, id="scp02"), pytest.param(3, 0x70, id="scp03")]


def greeted(scp: int = 3, i: int = 0x70, level: int = 0x01, quirks: Quirks = Quirks(), max_data: int = 255):  # noqa: B008
    terms = Terms(decode_parameters(scp, i), SecurityLevel(level), quirks, max_data)
    return CLASSES[scp](terms, aes_keys() if scp == 3 else des_keys(), PROOF)


def opened(*args, **kwargs):
    session = greeted(*args, **kwargs)
    session.external_authenticate()
    session.authenticated(OK)
    return session


def r_mac_02(ricv: bytes, block: str, body: bytes, sw: int) -> bytes:
    return retail(RMAC[:16], bytes.fromhex(block) + bytes([len(body)]) + body + sw.to_bytes(2, "big"), ricv)


def ea_mac(level: int) -> bytes:
    """C-MAC of EXTERNAL AUTHENTICATE: the R-MAC chain begins with it."""
    return retail(MAC[:16], bytes([0x84, 0x82, level, 0, 16]) + PROOF)


GET_DATA_BLOCK = "80CA006600"
