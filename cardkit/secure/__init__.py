"""Secure channels as pure objects: parameters, a state, wrap and unwrap. No I/O, no clock, no randomness inside.

GlobalPlatform: ``decode_parameters``, ``initialize_update``, ``parse_initialize_update``, ``session_keys``,
``open_session``; then ``external_authenticate`` and ``authenticated`` of the session, which goes into
``Channel.secure``.
"""

from __future__ import annotations

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
from cardkit.secure.session import SecureSession

__all__ = [
    "Dek",
    "Greeting",
    "Parameters",
    "Quirks",
    "SecureSession",
    "SecurityLevel",
    "card_cryptogram",
    "check_card_challenge",
    "decode_parameters",
    "implicit_session_keys",
    "initialize_update",
    "open_implicit_session",
    "open_session",
    "parse_initialize_update",
    "session_keys",
]
