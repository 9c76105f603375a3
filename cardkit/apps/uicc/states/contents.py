"""What goes into files that have no codec of their own: keys, PIN files, sequence numbers, the plant's marker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.iso7816.commands import code_field
from cardkit.apps.uicc.schema import AuthBlock, SecretModel
from cardkit.apps.uicc.states.targets import Target
from cardkit.crypto import Secret
from cardkit.desired import Content
from cardkit.errors import EncodingError

SECRET_BYTES = 8
SHORTEST_PIN = 4
SQN_BYTES = 6

# Lowest bit of a PIN file's state byte.
PIN_DISABLED = 0x01

# First flag byte of a sequence number file; the low nibble is the number of IND bits.
DELTA_CHECK, AGE_CHECK, SQN_CHECK = 0x40, 0x20, 0x10
# Second flag byte: SQN is concealed by AK in AUTS (b2) and AUTN (b1).
CONCEALED = 0x03


def secret_field(record: Mapping[str, Any], name: str) -> Secret:
    """Return a field that must be a secret.

    :raises EncodingError: when the record has no such field, or it is not declared secret.
    """
    value = record.get(name)
    if not isinstance(value, Secret):
        raise EncodingError(f"{name}: got {type(value).__name__}, expected a field of class secret or type key")
    return value


def pin_value(secret: Secret) -> tuple[bytes | Secret, ...]:
    """Return a PIN of 4 to 8 digits padded with FF to 8 bytes. TS 102 221 9.5.1

    :raises EncodingError: on another length.
    """
    if len(secret) < SHORTEST_PIN:
        raise EncodingError(f"{secret.name}: got {len(secret)} digits, expected {SHORTEST_PIN} to {SECRET_BYTES}")
    return code_field(secret)


def whole_secret(secret: Secret) -> Secret:
    """Return a PUK or ADM of exactly 8 bytes.  :raises EncodingError: on another length."""
    if len(secret) != SECRET_BYTES:
        raise EncodingError(f"{secret.name}: got {len(secret)} bytes, expected {SECRET_BYTES}")
    return secret


def pin_file(model: SecretModel, pin: Secret, puk: Secret, *, enabled: bool) -> Content:
    """Return state, tries left and maximum, PIN, the PUK's tries left and maximum, PUK: 21 bytes."""
    head = bytes((model.state | (0 if enabled else PIN_DISABLED), model.tries, model.tries))
    return (head, *pin_value(pin), bytes((model.unblock_tries, model.unblock_tries)), whole_secret(puk))


def sqn_file(auth: AuthBlock) -> bytes:
    """Return flags 2, delta 6, age limit 6 and one freshness value of 6 bytes for each IND, all as SQN.

    The index of ``sqn_start`` holds it, the others 0.
    """
    fresh = [bytes(SQN_BYTES)] * (1 << auth.ind_bits)
    fresh[auth.sqn_start & (len(fresh) - 1)] = sqn_start(auth)
    return sqn_policy_file(auth) + b"".join(fresh)


def sqn_policy_file(auth: AuthBlock) -> bytes:
    """Return flags 2, delta 6 and age limit 6, as SQN: what a sequence number file begins with."""
    age_check = AGE_CHECK if auth.age_limit else 0
    flags = bytes((DELTA_CHECK | age_check | SQN_CHECK | auth.ind_bits, CONCEALED))
    limits = (auth.delta << auth.ind_bits, auth.age_limit << auth.ind_bits)
    return flags + b"".join(limit.to_bytes(SQN_BYTES, "big") for limit in limits)


def sqn_start(auth: AuthBlock) -> bytes:
    """Return the SQN a card begins with: 6 bytes."""
    return auth.sqn_start.to_bytes(SQN_BYTES, "big")


def filled(content: Content, target: Target) -> Content:
    """Return a key file's content with FF up to the end of its file.  :raises EncodingError: if it is too long."""
    rest = target.size - _size(content)
    if rest <= 0:
        return fits(content, target)
    padding = b"\xff" * rest
    return content + padding if isinstance(content, bytes) else (*content, padding)


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else sum(len(part) for part in content)


def fits(content: Content, target: Target) -> Content:
    """Return the content if it fills its file.  :raises EncodingError: if not."""
    size = _size(content)
    if size != target.size:
        raise EncodingError(f"{target.name}: got {size} bytes of content, this chip's file has {target.size}")
    return content
