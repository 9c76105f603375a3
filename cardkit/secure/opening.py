"""Opening a session from the card's greeting: session keys, cryptograms, challenge (GPCS D.4, E.4; Amd D 6.2)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace

from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import CardKeySet, SessionKeys
from cardkit.errors import AuthenticationError, EncodingError, ProfileError
from cardkit.secure import scp01, scp02, scp03
from cardkit.secure.greeting import Greeting
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import SCP01, SCP02, SCP03, Parameters, Quirks
from cardkit.secure.session import SHORT_NC, SecureSession, Terms

Cryptogram = Callable[[Parameters, SessionKeys, bytes, Greeting], bytes]

_CARD_CRYPTOGRAMS: dict[int, Cryptogram] = {
    SCP01: scp01.card_cryptogram,
    SCP02: scp02.card_cryptogram,
    SCP03: scp03.card_cryptogram,
}
_HOST_CRYPTOGRAMS: dict[int, Cryptogram] = {
    SCP01: scp01.host_cryptogram,
    SCP02: scp02.host_cryptogram,
    SCP03: scp03.host_cryptogram,
}
_SESSIONS: dict[int, Callable[[Terms, SessionKeys, bytes], SecureSession]] = {
    SCP01: scp01.Scp01Session,
    SCP02: scp02.Scp02Session,
    SCP03: scp03.Scp03Session,
}

_NO_QUIRKS = Quirks()
_HIGHEST_SEQUENCE = 0xFFFF
_SEQUENCE_SIZE = 2


def session_keys(
    keystore: KeyStore, keys: CardKeySet, parameters: Parameters, host_challenge: bytes, greeting: Greeting
) -> SessionKeys:
    """Return the session keys, derived where the static keys live.

    :raises ProfileError: when three keys are given for a protocol with one base key, or SCP11 is asked for.
    :raises KeyStoreError: when the store has no such keys.
    GPCS D.4.1, E.4.1; Amd D 6.2.1
    """
    _check(parameters, host_challenge, greeting)
    static = _static_keys(keys, parameters)
    if parameters.scp == SCP01:
        return keystore.scp01_session(static, host_challenge, greeting.challenge)
    if parameters.scp == SCP02:
        return keystore.scp02_session(static, greeting.sequence or b"")
    return keystore.scp03_session(static, host_challenge + greeting.challenge)


def implicit_session_keys(keystore: KeyStore, keys: CardKeySet, parameters: Parameters, sequence: bytes) -> SessionKeys:
    """Return the keys of an implicit SCP02 session: S-MAC from the counter as it is, the others from the next.

    :param sequence: the card's counter, 2 bytes (GET DATA C1).
    :raises EncodingError: on another length.  :raises ProfileError: when the counter is used up, or keys do not fit.
    GPCS E.4.1, E.1.2.1
    """
    if len(sequence) != _SEQUENCE_SIZE:
        raise EncodingError(f"sequence counter: got {len(sequence)} bytes, expected {_SEQUENCE_SIZE}")
    count = int.from_bytes(sequence)
    if count == _HIGHEST_SEQUENCE:
        raise ProfileError("sequence counter FFFF: this key set opens no further session")
    static = _static_keys(keys, parameters)
    now = keystore.scp02_session(static, sequence)
    then = keystore.scp02_session(static, (count + 1).to_bytes(_SEQUENCE_SIZE))
    SessionKeys(enc=then.enc, mac=then.mac, rmac=now.rmac, dek=now.dek).wipe()
    return SessionKeys(enc=now.enc, mac=now.mac, rmac=then.rmac, dek=then.dek)


def card_cryptogram(parameters: Parameters, keys: SessionKeys, host_challenge: bytes, greeting: Greeting) -> bytes:
    """Return the card cryptogram these session keys give: which keys fit is decided with it, offline.

    :raises KeyStoreError: when the keys are of another cipher than the protocol's.
    """
    _check(parameters, host_challenge, greeting)
    return _CARD_CRYPTOGRAMS[parameters.scp](parameters, keys, host_challenge, greeting)


def open_session(  # noqa: PLR0913  (two of them have defaults)
    parameters: Parameters,
    greeting: Greeting,
    host_challenge: bytes,
    keys: SessionKeys,
    level: SecurityLevel,
    *,
    quirks: Quirks = _NO_QUIRKS,
    max_data: int = SHORT_NC,
) -> SecureSession:
    """Return a session that is ready for EXTERNAL AUTHENTICATE, once the card has proved that it has the keys.

    :param host_challenge: the one of INITIALIZE UPDATE.  :param keys: the session's from here on: it wipes them.
    :param max_data: the longest data field the card takes, protection included (tag 9F65 of its FCI).
    :raises AuthenticationError: when the card cryptogram is wrong: nothing may be sent after it, nothing is retried.
    :raises ProfileError: when these parameters do not have the level.
    """
    terms = Terms(parameters, level, quirks, max_data)
    expected = card_cryptogram(parameters, keys, host_challenge, greeting)
    if not hmac.compare_digest(expected, greeting.cryptogram):
        keys.wipe()
        raise AuthenticationError(
            f"{parameters}: wrong card cryptogram with key version {greeting.kvn:02X}: the card has other keys; "
            "stopped before EXTERNAL AUTHENTICATE, no try was spent"
        )
    proof = _HOST_CRYPTOGRAMS[parameters.scp](parameters, keys, host_challenge, greeting)
    return _SESSIONS[parameters.scp](terms, keys, proof)


def open_implicit_session(
    parameters: Parameters,
    aid: bytes,
    keys: SessionKeys,
    *,
    quirks: Quirks = _NO_QUIRKS,
    max_data: int = SHORT_NC,
) -> SecureSession:
    """Return an implicit SCP02 session: its first command opens it, and the first answer tells.

    A command that goes past the session ends it on the card: open another with the counter read again.

    :param aid: of the selected application, as registered.  :param keys: of :func:`implicit_session_keys`.
    :raises ProfileError: for any other protocol.
    GPCS E.1.2.1, E.3.2
    """
    if parameters.scp != SCP02 or parameters.explicit:
        raise ProfileError(f"{parameters}: expected SCP02 with implicit initiation")
    terms = Terms(parameters, SecurityLevel.C_MAC, quirks, max_data)
    return scp02.Scp02Session(terms, keys, None, aid)


def check_card_challenge(
    parameters: Parameters,
    greeting: Greeting,
    aid: bytes,
    *,
    keystore: KeyStore,
    keys: CardKeySet,
    quirks: Quirks = _NO_QUIRKS,
) -> None:
    """Recompute a pseudo-random card challenge; one that is meant to be random passes.

    :param aid: of the application that runs the channel, as registered.
    :raises AuthenticationError: when it differs: the card, or somebody between, repeats an old challenge.
    GPCS E.4.2.3; Amd D 6.2.2.1
    """
    if not parameters.pseudo_random:
        return
    sequence = greeting.sequence or b""
    static = _static_keys(keys, parameters)
    if parameters.scp == SCP02:
        session = keystore.scp02_session(static, sequence)
        expected = [scp02.card_challenge(session, aid)]
        session.wipe()
    else:
        counters = [sequence, *_before(sequence)] if quirks.scp03_challenge_old_counter else [sequence]
        size = parameters.challenge_size
        expected = [keystore.scp03_card_challenge(static.enc, counter, aid, size) for counter in counters]
    if not any(hmac.compare_digest(value, greeting.challenge) for value in expected):
        raise AuthenticationError(
            f"{parameters}: the card challenge is not the one of sequence counter {sequence.hex().upper()} and AID "
            f"{aid.hex().upper()}"
        )


def _before(sequence: bytes) -> list[bytes]:
    count = int.from_bytes(sequence)
    return [(count - 1).to_bytes(len(sequence))] if count else []


def _check(parameters: Parameters, host_challenge: bytes, greeting: Greeting) -> None:
    if not parameters.explicit:
        raise ProfileError(f"{parameters}: not opened by INITIALIZE UPDATE")
    if len(host_challenge) != parameters.challenge_size:
        raise EncodingError(
            f"{parameters}: host challenge of {len(host_challenge)} bytes, expected {parameters.challenge_size}"
        )
    if greeting.scp != parameters.scp or greeting.i not in (None, parameters.i):
        raise ProfileError(f"{parameters}: the card greeted with SCP{greeting.scp:02X}")


def _static_keys(keys: CardKeySet, parameters: Parameters) -> CardKeySet:
    """Return the keys to derive from: with one base key, the same for all (GPCS E.2.1)."""
    if parameters.three_keys:
        return keys
    if len({key.reference for key in (keys.enc, keys.mac, keys.dek)}) > 1:
        raise ProfileError(f"{parameters} has one base key, the key set names several")
    return replace(keys, mac=keys.enc, dek=keys.enc)
