"""GBA with the card: bootstrapping and keys for application servers (3GPP TS 31.102 7.1.2, TS 33.220 5.3).

The tags of the commands are from memory. The card keeps Ks and Ks_int_NAF; compare Ks_ext_NAF with
:mod:`cardkit.crypto.gba`.
"""

from __future__ import annotations

from cardkit.apps.iso7816 import commands
from cardkit.apps.uicc.client import OutOfSync, UiccSession, challenge_part, length_values
from cardkit.apps.uicc.sqn import Vector
from cardkit.crypto import Secret
from cardkit.crypto.gba import bootstrapping_mac
from cardkit.errors import EncodingError, ProtocolError

CONTEXT_GBA = 0x84
BOOTSTRAPPING, NAF_DERIVATION = b"\xdd", b"\xde"
DONE, RESYNCHRONIZE = 0xDB, 0xDC
MAC_AT = 8
AUTS_BYTES, KS_EXT_NAF_BYTES = 14, 32
RES_LENGTHS = range(4, 17)
LONGEST = 255


def bootstrapping_autn(vector: Vector) -> bytes:
    """Return the AUTN of a bootstrapping challenge: that of a vector with MAC* in place of MAC.

    :raises EncodingError: on a vector with a longer MAC or IK.
    TS 33.220 5.3.2
    """
    return vector.autn[:MAC_AT] + bootstrapping_mac(vector.autn[MAC_AT:], vector.ik)


def bootstrap(session: UiccSession, rand: bytes, autn: bytes) -> bytes | OutOfSync:
    """Make the card bootstrap Ks from a challenge and return RES.

    :param session: with a USIM or ISIM selected.  :param rand: 16 bytes.  :param autn: 16 bytes, with MAC*.
    :raises StatusError: 9862 if the card finds the MAC wrong.  :raises ProtocolError: on a malformed answer.
    """
    data = BOOTSTRAPPING + challenge_part("RAND", rand) + challenge_part("AUTN", autn)
    tag, value = _ask(session, data, "AUTHENTICATE (GBA bootstrapping)")
    if tag == DONE and len(value) in RES_LENGTHS:
        return value
    if tag == RESYNCHRONIZE and len(value) == AUTS_BYTES:
        return OutOfSync(value)
    raise ProtocolError(
        f"AUTHENTICATE (GBA bootstrapping): card answered {tag:02X} with {len(value)} bytes, "
        "expected DB and RES or DC and AUTS"
    )


def derive_ks_ext_naf(session: UiccSession, naf: bytes, impi: str) -> Secret:
    """Make the card derive the keys of a server from Ks and return Ks_ext_NAF, 32 bytes.

    :param naf: NAF_ID, at most 255 bytes as IMPI.  :raises EncodingError: on a longer one.
    :raises StatusError: when nothing was bootstrapped.  :raises ProtocolError: on a malformed answer.
    """
    parts = (naf, impi.encode())
    if max(map(len, parts)) > LONGEST:
        raise EncodingError(f"NAF_ID and IMPI must not be longer than {LONGEST} bytes")
    data = NAF_DERIVATION + b"".join(bytes((len(part),)) + part for part in parts)
    tag, value = _ask(session, data, "AUTHENTICATE (NAF derivation)")
    if tag != DONE or len(value) != KS_EXT_NAF_BYTES:
        raise ProtocolError(
            f"AUTHENTICATE (NAF derivation): card answered {tag:02X} with {len(value)} bytes, expected DB with 32"
        )
    return Secret(value, "Ks_ext_NAF")


def _ask(session: UiccSession, data: bytes, what: str) -> tuple[int, bytes]:
    """Send a GBA command and return tag and value of the answer."""
    answer = session.require(commands.authenticate(CONTEXT_GBA, data), what)
    parts = length_values(answer[1:])
    if len(parts) != 1:
        raise ProtocolError(f"{what}: card answered {len(answer)} bytes with {len(parts)} values, expected one")
    return answer[0], parts[0]
