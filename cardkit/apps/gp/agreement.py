"""Opening an SCP11 session: certificates, one key agreement, nothing ever tried again (Amd F, from memory)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.discovery import OK, DataTag, get_data
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.gp.tags import CardRecognitionData
from cardkit.channel import Channel
from cardkit.crypto import KeyStore
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProfileError, ProtocolError
from cardkit.secure.certificates import Certificate, parse_certificates
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import SCP11, Parameters, Quirks, decode_parameters
from cardkit.secure.scp11 import Scp11, Variant, point, present_certificates
from cardkit.secure.session import SecureSession, Terms

_CONTROL, _KEY_REFERENCE = 0xA6, 0x83
_NO_QUIRKS = Quirks()


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """Who the host is, for variants a and c.

    :param reference: its private key in the key store.  :param chain: certificates, the leaf last.
    :param kvn: version and :param kid: identifier of the CA key on the card that verifies the first.
    """

    reference: str
    chain: tuple[Certificate, ...]
    kvn: int
    kid: int = 0x10


@dataclass(frozen=True, slots=True)
class Agreement:
    """How an SCP11 session is to be opened.

    :param kvn: version of the security domain's key.  :param level: 11 or 33.
    :param ephemeral: the host's key for this session only.
    :param card_key: the security domain's static key, trusted: by its chain (:func:`trusted_key`), or pinned.
    :param host: None in variant b.  :param key_size: of the session keys, 16, 24 or 32 bytes.
    :param parameters: protocol options; None takes what the card names.
    """

    variant: Variant
    kvn: int
    level: SecurityLevel
    ephemeral: ec.EllipticCurvePrivateKey
    card_key: ec.EllipticCurvePublicKey
    host: HostIdentity | None = None
    key_size: int = 16
    parameters: Parameters | None = None
    quirks: Quirks = _NO_QUIRKS


def named_parameters(data: CardRecognitionData | None) -> Parameters:
    """Return the SCP11 options a card names.

    :raises ProfileError: when it names none, or one no card may have.
    """
    options = [item.i for item in data.protocols if item.scp == SCP11] if data else []
    if not options:
        raise ProfileError("SCP11: the card does not name it among its protocols; say which options it has")
    return decode_parameters(SCP11, int.from_bytes(options[0], "big"))


def get_certificates(kvn: int, kid: int) -> CommandAPDU:
    """Ask for the certificate chain of a key of the security domain.

    >>> get_certificates(0x01, 0x13).encode().hex()
    '80cabf2106a6048302130100'
    """
    return get_data(DataTag.CERTIFICATES, tlv.build(_CONTROL, tlv.build(_KEY_REFERENCE, bytes((kid, kvn)))))


def read_certificates(channel: Channel, kvn: int, kid: int) -> list[Certificate]:
    """Return the certificate chain of a key of the security domain, the leaf last (GET DATA BF21).

    :raises StatusError: when the card has none.  :raises ProtocolError: when it is malformed.
    """
    response = channel.send(get_certificates(kvn, kid))
    what = f"GET DATA BF21 of key {kid:02X}/{kvn:02X}"
    if response.sw != OK:
        raise status_error(what, response.sw)
    try:
        return parse_certificates(response.data)
    except EncodingError as error:
        raise ProtocolError(f"{what}: {error}") from None


def agree(
    channel: Channel, keystore: KeyStore, agreement: Agreement, parameters: Parameters, max_data: int
) -> SecureSession:
    """Present the host's certificates, agree on keys, check the receipt; each command is sent once.

    :param max_data: longest data field the card takes.
    :raises AuthenticationError: when the card refuses the host, or its receipt is wrong.
    :raises StatusError: on another refusal.  :raises ProfileError: when variant, keys and host do not go together.
    """
    terms = Terms(parameters, agreement.level, agreement.quirks, max_data)
    host = agreement.host
    agreed = None if host is None else keystore.agree(host.reference, point(agreement.card_key))
    try:
        opening = Scp11(
            agreement.variant,
            agreement.kvn,
            terms,
            agreement.ephemeral,
            agreement.card_key,
            agreed=agreed,
            key_size=agreement.key_size,
        )
        if host is not None:
            _present(channel, host, max_data)
        return opening.finish(channel.send(opening.authenticate()))
    finally:
        if agreed is not None:
            agreed.wipe()


def _present(channel: Channel, host: HostIdentity, max_data: int) -> None:
    """Send the certificates; in segments of P1 bit 8 where the card takes neither long commands nor ISO chaining."""
    for number, command in enumerate(present_certificates(host.chain, host.kvn, host.kid), 1):
        whole = command.nc <= max_data or channel.extended or channel.chaining
        response = channel.send(command) if whole else channel.send_segments(command, size=max_data)
        if response.sw != OK:
            raise status_error(f"PERFORM SECURITY OPERATION, certificate {number} of {len(host.chain)}", response.sw)
