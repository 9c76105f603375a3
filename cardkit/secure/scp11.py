"""SCP11: sessions from certificates, key agreement and a receipt; then they go on as SCP03 (Amd F, from memory).

Variant a proves both sides, b the card only, c both with a card that needs no randomness.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from enum import Enum
from typing import NoReturn, SupportsIndex

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Key, Usage
from cardkit.crypto.agreement import public_point
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.crypto.mac import cmac, x963_kdf
from cardkit.encoding import tlv
from cardkit.errors import AuthenticationError, EncodingError, ProfileError, ProtocolError
from cardkit.secure.certificates import Certificate
from cardkit.secure.parameters import SCP11
from cardkit.secure.scp03 import Scp03Session
from cardkit.secure.session import SHORT_NE, SecureSession, Terms, refusal

_PERFORM_SECURITY_OPERATION = 0x2A
_MUTUAL_AUTHENTICATE, _INTERNAL_AUTHENTICATE = 0x82, 0x88
_MORE_CERTIFICATES = 0x80
_SUCCESS = 0x9000

_CONTROL_TEMPLATE, _PROTOCOL, _KEY_USAGE, _KEY_TYPE, _KEY_LENGTH = 0xA6, 0x90, 0x95, 0x80, 0x81
_PUBLIC_KEY, _RECEIPT = 0x5F49, 0x86
_AES = 0x88
_RECEIPT_SIZE = 16

# Key usage qualifier: C-MAC, R-MAC, and both encryptions (GPCS table 11-17).
_USAGES = {0x11: 0x34, 0x33: 0x3C}
_KEY_SIZES = (16, 24, 32)

# In the order of derivation.
_DERIVED = (
    ("receipt key", Usage.DATA_MAC),
    ("S-ENC", Usage.DATA_ENC),
    ("S-MAC", Usage.DATA_MAC),
    ("S-RMAC", Usage.DATA_MAC),
    ("S-DEK", Usage.TRANSPORT_OUT),
)


class Variant(Enum):
    """Which side proves itself, and how: key identifier, parameter and instruction of each."""

    A = (0x11, 0x01, _MUTUAL_AUTHENTICATE)
    B = (0x13, 0x00, _INTERNAL_AUTHENTICATE)
    C = (0x15, 0x03, _MUTUAL_AUTHENTICATE)

    @property
    def kid(self) -> int:
        """Key identifier of the security domain's private key."""
        return self.value[0]

    @property
    def parameter(self) -> int:
        """Second byte of tag 90."""
        return self.value[1]

    @property
    def ins(self) -> int:
        """Instruction of the key agreement."""
        return self.value[2]


def present_certificates(chain: Sequence[Certificate], kvn: int, kid: int) -> list[CommandAPDU]:
    """Return the commands that prove the off-card entity's key to the card (variants a and c).

    Long ones are sent by extended length or ISO chaining (``Channel.send``), or for cards that want P1 bit 8 in
    segments (``Channel.send_segments``). Each must answer 9000.

    :param chain: the leaf last; a self-signed root may be left out.
    :param kvn: version and :param kid: identifier of the CA key that verifies the first (10, 20 to 2F).
    :raises EncodingError: on an empty chain.
    """
    if not chain:
        raise EncodingError("SCP11: no certificate to present, expected one at least")
    last = len(chain) - 1
    return [
        CommandAPDU(
            0x80,
            _PERFORM_SECURITY_OPERATION,
            kvn,
            kid | (_MORE_CERTIFICATES if number < last else 0),
            certificate.raw,
            SHORT_NE,
        )
        for number, certificate in enumerate(chain)
    ]


class Scp11:
    """The opening of one SCP11 session: one command out, its answer in, then the session.

    :param variant: a, b or c.  :param kvn: version of the security domain's key.
    :param terms: parameters, level 11 or 33, quirks, longest data field.
    :param ephemeral: the host's key for this session only.
    :param card_key: the security domain's static key, trusted: from :func:`trusted_key`, or pinned.
    :param agreed: ``keystore.agree`` of the off-card entity's static key with ``card_key``; None in variant b.
        It is wiped with the session's keys.
    :param key_size: of the session keys, 16, 24 or 32 bytes.
    :raises ProfileError: when these do not go together.
    """

    def __init__(  # noqa: PLR0913  (the last two may be left out)
        self,
        variant: Variant,
        kvn: int,
        terms: Terms,
        ephemeral: ec.EllipticCurvePrivateKey,
        card_key: ec.EllipticCurvePublicKey,
        *,
        agreed: Key | None = None,
        key_size: int = 16,
    ) -> None:
        if terms.parameters.scp != SCP11 or key_size not in _KEY_SIZES:
            raise ProfileError(f"{terms.parameters}, keys of {key_size} bytes: expected SCP11, and 16, 24 or 32")
        if (agreed is None) != (variant is Variant.B):
            raise ProfileError(f"SCP11 {variant.name.lower()}: a static key of the host is for variants a and c")
        if ephemeral.curve.name != card_key.curve.name:
            raise ProfileError(f"SCP11: ephemeral key on {ephemeral.curve.name}, the card's on {card_key.curve.name}")
        self._variant = variant
        self._kvn = kvn
        self._terms = terms
        self._ephemeral = ephemeral
        self._card_key = card_key
        self._agreed = agreed
        self._key_size = key_size
        self._info = bytes((_USAGES[terms.level], _AES, key_size))
        self._data = self._command_data()

    def _command_data(self) -> bytes:
        usage, kind, size = (bytes((value,)) for value in self._info)
        control = (
            tlv.build(_PROTOCOL, bytes((SCP11, self._variant.parameter)))
            + tlv.build(_KEY_USAGE, usage)
            + tlv.build(_KEY_TYPE, kind)
            + tlv.build(_KEY_LENGTH, size)
        )
        return tlv.build(_CONTROL_TEMPLATE, control) + tlv.build(_PUBLIC_KEY, point(self._ephemeral.public_key()))

    def authenticate(self) -> CommandAPDU:
        """Return MUTUAL AUTHENTICATE, or INTERNAL AUTHENTICATE in variant b."""
        return CommandAPDU(0x80, self._variant.ins, self._kvn, self._variant.kid, self._data, SHORT_NE)

    def finish(self, response: ResponseAPDU) -> SecureSession:
        """Check the card's answer and return the open session.

        :raises AuthenticationError: when the receipt is wrong, or the card refuses with 63xx or 6982.
        :raises StatusError: on another status word.
        :raises ProtocolError: on a malformed answer, or a point that is not on the curve.
        """
        if response.sw != _SUCCESS:
            raise refusal("SCP11 key agreement", response)
        card_point, receipt = _read(response.data)
        if self._variant is Variant.C and not hmac.compare_digest(card_point, point(self._card_key)):
            raise AuthenticationError("SCP11 c: the card answered with another key than its static one")
        receipt_key, keys = self._derived(card_point)
        with receipt_key.reveal() as key:
            expected = cmac(key, self._data + tlv.build(_PUBLIC_KEY, card_point))
        if not hmac.compare_digest(expected, receipt):
            keys.wipe()
            raise AuthenticationError("SCP11: wrong receipt, the card does not have the key it should; stopped")
        return Scp03Session(self._terms, keys, None, chain=receipt)

    def __repr__(self) -> str:
        terms = self._terms
        return f"<{terms.parameters} {self._variant.name.lower()} kvn={self._kvn:02X} level={terms.level:02X}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{self!r} refuses to be pickled or copied")

    def _derived(self, card_point: bytes) -> tuple[Key, SessionKeys]:
        """Agree on secrets with both keys of the card and derive the session's keys (GPCS B.4.5)."""
        try:
            card_ephemeral = public_point(self._ephemeral.curve, card_point)
        except EncodingError as error:
            raise ProtocolError(f"SCP11 key agreement: {error}") from None
        secret = bytearray(self._ephemeral.exchange(ec.ECDH(), card_ephemeral))
        if self._agreed is None:
            secret += self._ephemeral.exchange(ec.ECDH(), self._card_key)
        else:
            with self._agreed.reveal() as static:
                secret += static
            self._agreed.wipe()
        size = self._key_size
        material = x963_kdf(secret, self._info, 5 * size)
        secret[:] = bytes(len(secret))
        receipt, enc, mac, rmac, dek = (
            Key(material[i * size : (i + 1) * size], f"SCP11 {name}", f"AES-{8 * size}", usage)
            for i, (name, usage) in enumerate(_DERIVED)
        )
        return receipt, SessionKeys(enc=enc, mac=mac, rmac=rmac, dek=dek, receipt=receipt)


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as the uncompressed point ``04 X Y``."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _read(data: bytes) -> tuple[bytes, bytes]:
    """Return point and receipt of the card's answer."""
    try:
        objects = tlv.parse(data)
    except EncodingError as error:
        raise ProtocolError(f"SCP11 key agreement: {error}") from None
    tags = [item.tag for item in objects]
    if tags != [_PUBLIC_KEY, _RECEIPT] or len(objects[1].value) != _RECEIPT_SIZE:
        raise ProtocolError("SCP11 key agreement: expected a point 5F49 and a receipt 86 of 16 bytes")
    return objects[0].value, objects[1].value
