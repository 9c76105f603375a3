"""Opening a secure session: one INITIALIZE UPDATE, one EXTERNAL AUTHENTICATE, nothing ever tried again.

GPCS D.1.3, E.1.2 to E.1.4; Amd D 5.3. A wrong key costs a try and tries can be few, so the card's cryptogram is
compared first: where it differs, EXTERNAL AUTHENTICATE is never sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cardkit.apps.gp.discovery import OK, Exchange
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.gp.tags import CardCapabilities, CardRecognitionData
from cardkit.crypto.cardkeys import CardKeySet, KeySetSpec
from cardkit.crypto.keystore import KeyStore
from cardkit.errors import (
    CardkitError,
    EncodingError,
    ProfileError,
    ProtocolError,
    SecurityStatusError,
    StatusError,
)
from cardkit.secure import opening as secure
from cardkit.secure.greeting import Greeting, initialize_update, parse_initialize_update
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import SCP01, SCP02, SCP03, Parameters, Quirks, decode_parameters
from cardkit.secure.session import SecureSession

SYMMETRIC = (SCP01, SCP02, SCP03)
_USUAL_OPTION = 0x15
"""What SCP01 and SCP02 cards have that say nothing of themselves."""

_NO_QUIRKS = Quirks()

_KEYS_LOCKED, _WRONG_LENGTH = 0x6982, 0x6700
_SECURITY_STOP_EXIT = 5


@dataclass(frozen=True, slots=True)
class Opening:
    """How a session is to be opened.

    :param level: protection wanted, one the protocol allows; None for the strongest it has.
    :param host_challenge: 8 bytes, 16 where S16 may be met; surplus is not sent.
    :param offered: protocols that may be used: one where the profile says which, those the card names, or none where
        nothing is known.
    :param max_data: longest data field the card takes.
    """

    level: SecurityLevel | None
    host_challenge: bytes
    offered: tuple[Parameters, ...] = ()
    quirks: Quirks = _NO_QUIRKS
    max_data: int = 255

    @property
    def challenge(self) -> bytes:
        """The part of the host challenge that is sent.

        :raises ProfileError: when no protocol offered has the level.  :raises EncodingError: on a short challenge.
        """
        fitting = [item for item in self.offered if self.level_in(item)]
        if self.offered and not fitting:
            names = ", ".join(map(str, self.offered))
            raise ProfileError(f"security level {self.level:02X}: {names} cannot have it; nothing was sent")
        size = fitting[0].challenge_size if fitting else 8
        if len(self.host_challenge) < size:
            raise EncodingError(f"host challenge: got {len(self.host_challenge)} bytes, expected {size}")
        return self.host_challenge[:size]

    def agreed(self, greeting: Greeting) -> Parameters:
        """Return the protocol a card's greeting means.

        :raises ProtocolError: when it is none of those offered: a card does not choose a weaker one.
        """
        if not self.offered:
            return any_parameters(greeting)
        fitting = [item for item in self.offered if item.scp == greeting.scp and greeting.i in (None, item.i)]
        if not fitting:
            option = "" if greeting.i is None else f" i={greeting.i:02X}"
            names = ", ".join(map(str, self.offered))
            raise ProtocolError(f"INITIALIZE UPDATE: card uses SCP{greeting.scp:02X}{option}, expected one of {names}")
        return next((item for item in fitting if self.level_in(item)), fitting[0])

    def level_in(self, parameters: Parameters) -> bool:
        """Whether a protocol allows the level wanted."""
        return self.level is None or self.level in parameters.levels


def any_parameters(greeting: Greeting) -> Parameters:
    """Return the protocol a greeting means where nothing else is known of the card: i=15 where it does not say."""
    return decode_parameters(greeting.scp, _USUAL_OPTION if greeting.i is None else greeting.i)


def discovered(data: CardRecognitionData | None, capabilities: CardCapabilities | None = None) -> list[Parameters]:
    """Return the protocols a card names that keys of ENC, MAC and DEK open, in its order.

    :param data: goes before capabilities, which are read where it names none.
    """
    pairs = [(item.scp, item.i_byte) for item in data.protocols] if data else []
    found = _decoded(pairs)
    if not found and capabilities:
        found = _decoded((item.scp, i) for item in capabilities.protocols for i in item.values)
    return found


def _decoded(pairs: Iterable[tuple[int, int | None]]) -> list[Parameters]:
    found = []
    for scp, i in pairs:
        if scp in SYMMETRIC and i is not None:
            try:
                found.append(decode_parameters(scp, i))
            except ProfileError:
                continue
    return found


def greet(exchange: Exchange, kvn: int, challenge: bytes, *, le: bool = True) -> Greeting:
    """Send INITIALIZE UPDATE, once.

    :param kvn: key version, 0 for the card's default set.  :param challenge: 8 or 16 bytes.
    :param le: false for a card that takes no Le here.
    :raises StatusError: when the card refuses; a security stop where its keys are locked (6982, 6983).
    :raises ProtocolError: on another key version than asked for, an unknown protocol, and on a wrong length.
    """
    response = exchange(initialize_update(kvn, challenge, le=le))
    if response.sw != OK:
        raise _refused(kvn, challenge, response.sw)
    return parse_initialize_update(response.data, asked_kvn=kvn, parameters=None)


def _refused(kvn: int, challenge: bytes, sw: int) -> StatusError:
    what = f"INITIALIZE UPDATE with key version {kvn:02X}"
    meaning = ""
    if sw == _WRONG_LENGTH:
        other = 24 - len(challenge)
        meaning = f"wrong length: {len(challenge)} bytes of challenge were sent, a card in the other mode wants {other}"
    error = status_error(what, sw, meaning="the keys are locked" if sw == _KEYS_LOCKED else meaning)
    if isinstance(error, SecurityStatusError):
        error.security_stop = True
        error.exit_code = _SECURITY_STOP_EXIT
    return error


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that is open.

    :param keys: this card's set, with the version the card named.  :param greeting: its answer to INITIALIZE UPDATE;
        None for an implicit session.
    """

    session: SecureSession
    keys: CardKeySet
    greeting: Greeting | None


def open_session(
    exchange: Exchange, keystore: KeyStore, keys: KeySetSpec | CardKeySet, opening: Opening, aid: bytes
) -> Opened:
    """Open an explicit session: INITIALIZE UPDATE and EXTERNAL AUTHENTICATE, each once.

    :param keys: a set to be diversified with the card's KDD, or this card's own.
    :param aid: of the security domain, as the card registered it: a pseudo-random challenge is checked with it; empty
        where the card does not say, then it is not checked.
    Errors as :meth:`SecurityDomain.open`.
    """
    challenge = opening.challenge
    greeting = greet(exchange, keys.kvn, challenge)
    parameters = opening.agreed(greeting)
    card_keys = keys.for_card(greeting.kdd) if isinstance(keys, KeySetSpec) else keys
    session = greeted_session(keystore, card_keys, opening, parameters, greeting, aid)
    try:
        session.authenticated(exchange(session.external_authenticate()))
    except CardkitError:
        session.close()
        raise
    return Opened(session, card_keys, greeting)


def greeted_session(
    keystore: KeyStore, keys: CardKeySet, opening: Opening, parameters: Parameters, greeting: Greeting, aid: bytes
) -> SecureSession:
    """Return a session whose card has proved that it has the keys, ready for EXTERNAL AUTHENTICATE.

    :raises AuthenticationError: when the cryptogram or the challenge is wrong; nothing may be sent then.
    """
    challenge = opening.challenge
    level = parameters.levels[-1] if opening.level is None else opening.level
    derived = secure.session_keys(keystore, keys, parameters, challenge, greeting)
    session = secure.open_session(
        parameters, greeting, challenge, derived, level, quirks=opening.quirks, max_data=opening.max_data
    )
    try:
        if aid:
            secure.check_card_challenge(parameters, greeting, aid, keystore=keystore, keys=keys, quirks=opening.quirks)
    except CardkitError:
        session.close()
        raise
    return session


def open_implicit_session(
    keystore: KeyStore, keys: CardKeySet, opening: Opening, aid: bytes, sequence: bytes
) -> Opened:
    """Return an implicit SCP02 session: its first command opens it, nothing is sent here.

    :param keys: this card's set.  :param aid: of the security domain.  :param sequence: its counter, 2 bytes (C1).
    """
    (parameters,) = opening.offered
    derived = secure.implicit_session_keys(keystore, keys, parameters, sequence)
    session = secure.open_implicit_session(parameters, aid, derived, quirks=opening.quirks, max_data=opening.max_data)
    return Opened(session, keys, None)
