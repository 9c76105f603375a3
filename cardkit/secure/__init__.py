"""Secure channels as pure objects: parameters, a state, wrap and unwrap. No I/O, no clock, no randomness inside.

GlobalPlatform: ``decode_parameters``, ``initialize_update``, ``parse_initialize_update``, ``session_keys``,
``open_session``, or ``Scp11``; then ``external_authenticate`` and ``authenticated`` of the session, which goes into
``Channel.secure``.
"""

from __future__ import annotations

from cardkit.secure.certificates import Certificate, parse_certificates, trusted_key
from cardkit.secure.dek import Dek
from cardkit.secure.greeting import Greeting, initialize_update, parse_initialize_update
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.opening import (
    card_cryptogram,
    check_card_challenge,
    implicit_session_keys,
    open_implicit_session,
    open_session,
    session_keys,
)
from cardkit.secure.parameters import Parameters, Quirks, decode_parameters
from cardkit.secure.scp11 import Scp11, Variant, present_certificates
from cardkit.secure.session import SecureSession, Terms

__all__ = [
    "Certificate",
    "Dek",
    "Greeting",
    "Parameters",
    "Quirks",
    "Scp11",
    "SecureSession",
    "SecurityLevel",
    "Terms",
    "Variant",
    "card_cryptogram",
    "check_card_challenge",
    "decode_parameters",
    "implicit_session_keys",
    "initialize_update",
    "open_implicit_session",
    "open_session",
    "parse_certificates",
    "parse_initialize_update",
    "present_certificates",
    "session_keys",
    "trusted_key",
]
