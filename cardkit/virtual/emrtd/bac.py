"""Basic access control, the chip's side (ICAO Doc 9303-11 4.3)."""

import hashlib
import hmac
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.crypto import DES_BLOCK, retail_mac
from . import keys
from .document import Document
from .groups import Random
from .messaging import SecureMessaging
from .session import Access, Answer, Command, Session
from .suites import ENCRYPTION, MAC, MAC_SIZE, TRIPLE_DES

CHALLENGE: Final = 8
_KEY: Final = 16
_CRYPTOGRAM: Final = 2 * CHALLENGE + _KEY
_SEED: Final = 16
WRONG: Final = b"\x63\x00"


def authenticate(document: Document, session: Session, command: Command, random: Random) -> Answer:
    """EXTERNAL AUTHENTICATE of basic access control: `E_IFD M_IFD` against `E_IC M_IC`.

    :raises StatusWordError: 6985 without a challenge or without BAC, 6700, 6300.
    """
    if not keys.mrz_uses(document) & keys.FOR_BAC:
        raise StatusWordError(sw.CONDITIONS)
    if len(command.data) != _CRYPTOGRAM + MAC_SIZE:
        raise StatusWordError(sw.WRONG_LENGTH)
    challenge = session.take_challenge()
    seed = hashlib.sha1(keys.password(document, keys.MRZ), usedforsecurity=False).digest()[:_SEED]
    encryption, mac = (TRIPLE_DES.derive(seed, counter) for counter in (ENCRYPTION, MAC))
    cryptogram, checksum = command.data[:_CRYPTOGRAM], command.data[_CRYPTOGRAM:]
    plain = TRIPLE_DES.decrypt(encryption, cryptogram)
    theirs, ours, key = plain[:CHALLENGE], plain[CHALLENGE : 2 * CHALLENGE], plain[2 * CHALLENGE :]
    right_mac = hmac.compare_digest(retail_mac(mac, cryptogram), checksum)
    if not (right_mac and hmac.compare_digest(ours, challenge)):
        document.count_failure()
        raise StatusWordError(WRONG)
    own = random(_KEY)
    _open(session, bytes(a ^ b for a, b in zip(key, own, strict=True)), challenge, theirs)
    document.clear_failures()
    answer = TRIPLE_DES.encrypt(encryption, challenge + theirs + own)
    return answer + retail_mac(mac, answer), sw.OK


def _open(session: Session, seed: bytes, ours: bytes, theirs: bytes) -> None:
    encryption, mac = (TRIPLE_DES.derive(seed, counter) for counter in (ENCRYPTION, MAC))
    half = DES_BLOCK // 2
    counter = int.from_bytes(ours[half:] + theirs[half:], "big")
    session.next = SecureMessaging(TRIPLE_DES, encryption, mac, counter)
    session.access = Access.BAC
