"""The concealed identity of a subscriber as phone and card send it (3GPP TS 24.501 9.11.3.4; TS 33.501 C)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.iso7816.commands import ANY_LENGTH
from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.codecs.fields import Plmn
from cardkit.crypto import Secret
from cardkit.crypto.suci import Scheme, conceal, deconceal
from cardkit.encoding import tlv
from cardkit.encoding.digits import decode_swapped, encode_swapped
from cardkit.errors import EncodingError, ProtocolError

# First byte: SUPI format in bits 7 to 5, type of identity in bits 3 to 1.
IMSI_FORMAT, SUCI_TYPE = 0, 1
HEAD_BYTES = 8
ROUTING_BYTES = 2
SCHEME_MASK = 0x0F
KEY_IDS = range(1, 0xFF)
PLMN = Plmn()
_NETWORK = re.compile(r"[0-9]{3}-[0-9]{2,3}")

# TS 31.102 7.5
ASK_FOR_SUCI = CommandAPDU(0x80, 0x78, 0x00, 0x01, ne=ANY_LENGTH)
SUCI_TAG = 0xA1


@dataclass(frozen=True, slots=True)
class Suci:
    """A subscription concealed identifier that holds an IMSI.

    :param plmn: home network, ``001-01``.  :param routing: routing indicator, 1 to 4 digits.
    :param scheme: protection scheme.  :param key_id: of the home network's key, 0 with the null scheme.
    :param output: what the scheme made of the MSIN.
    :raises EncodingError: when a value does not fit its field.

    >>> Suci.parse(bytes.fromhex("0100f110f0ff000000010000f0")).output.hex()
    '00010000f0'
    """

    plmn: str
    routing: str
    scheme: Scheme
    key_id: int
    output: bytes

    def __post_init__(self) -> None:
        if not _NETWORK.fullmatch(self.plmn):
            raise EncodingError(f"SUCI: network {self.plmn!r}, expected one such as 001-01 or 334-020")
        if not 1 <= len(self.routing) <= 2 * ROUTING_BYTES or not _is_number(self.routing):
            raise EncodingError(f"routing indicator must be 1 to 4 digits, got {self.routing!r}")
        if self.key_id not in ((0,) if self.scheme is Scheme.NULL else KEY_IDS):
            raise EncodingError(f"SUCI: home network key id {self.key_id} with scheme {self.scheme.name}")

    @classmethod
    def of_imsi(
        cls,
        imsi: str,
        plmn: str,
        routing: str,
        scheme: Scheme = Scheme.NULL,
        key: tuple[int, bytes] = (0, b""),
        ephemeral: Secret | None = None,
    ) -> Suci:
        """Conceal an IMSI.

        :param key: id and bytes of the home network's public key.  :param ephemeral: 32 random bytes, for this once.
        :raises EncodingError: when the IMSI is not of that network, or the scheme cannot use the key.
        """
        home = plmn.replace("-", "")
        if not imsi.startswith(home) or not _is_number(imsi) or not len(home) < len(imsi) <= 15:
            raise EncodingError(f"IMSI of {len(imsi)} characters: expected up to 15 digits that begin with {home}")
        plaintext = encode_swapped(imsi[len(home) :])
        return cls(plmn, routing, scheme, key[0], conceal(scheme, plaintext, key[1], ephemeral))

    @classmethod
    def parse(cls, data: bytes) -> Suci:
        """Read a mobile identity without its length.

        :raises EncodingError: unless it is a SUCI that holds an IMSI.
        """
        if len(data) <= HEAD_BYTES or data[0] != IMSI_FORMAT << 4 | SUCI_TYPE:
            raise EncodingError(
                f"mobile identity: {len(data)} bytes, first {data[:1].hex()}, expected 01: SUCI of an IMSI"
            )
        routing = decode_swapped(data[4:6]).rstrip("F")
        scheme = data[6] & SCHEME_MASK
        if data[6] != scheme or scheme not in tuple(Scheme):
            raise EncodingError(f"SUCI: protection scheme {data[6]:02X}, expected 00 to 02")
        return cls(PLMN.decode(data[1:4]), routing, Scheme(scheme), data[7], data[HEAD_BYTES:])

    @classmethod
    def of_answer(cls, data: bytes) -> Suci:
        """Read what GET IDENTITY answers.

        :raises EncodingError: unless it holds one SUCI of an IMSI.
        TS 31.102 7.5
        """
        found = [cls.parse(item.value) for item in tlv.parse(data).find(SUCI_TAG)]
        if len(found) != 1:
            raise EncodingError(f"{len(found)} SUCIs, expected one")
        return found[0]

    def build(self) -> bytes:
        """Return the mobile identity without its length."""
        head = bytes((IMSI_FORMAT << 4 | SUCI_TYPE,)) + PLMN.encode(self.plmn)
        return head + encode_swapped(self.routing, ROUTING_BYTES) + bytes((self.scheme, self.key_id)) + self.output

    def imsi(self, home_private: Secret | None = None) -> str:
        """Return the IMSI, as the home network does.

        :param home_private: private key, 32 bytes; not for the null scheme.
        :raises AuthenticationError: when it was concealed for another key, or changed.
        :raises EncodingError: when what was concealed is no MSIN.
        """
        digits = decode_swapped(deconceal(self.scheme, self.output, home_private))
        msin = digits.removesuffix("F")
        home = self.plmn.replace("-", "")
        if not _is_number(msin) or len(home) + len(msin) > 15:
            raise EncodingError(f"SUCI: what was concealed is no MSIN: {len(digits)} half-bytes")
        return home + msin


def get_identity(session: UiccSession) -> Suci:
    """Ask a card that conceals the identity itself for a SUCI.

    Services 124 and 125 must be on; every call makes another one, but with the null scheme.

    :param session: with the USIM selected.  :raises StatusError: when the card refuses.
    :raises ProtocolError: on an answer that holds no SUCI of an IMSI.
    TS 31.102 7.5
    """
    answer = session.require(ASK_FOR_SUCI, "GET IDENTITY")
    try:
        return Suci.of_answer(answer)
    except EncodingError as error:
        raise ProtocolError(f"GET IDENTITY: card answered {len(answer)} bytes: {error}") from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
