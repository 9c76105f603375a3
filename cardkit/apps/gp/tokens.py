"""Tokens of delegated management, and the receipts a card gives for it (GPCS 9.1.3, 11.1.6, C.4, C.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.install import Install, Purpose, length_value
from cardkit.crypto import KeyStore
from cardkit.encoding.length import read_length
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError

_COUNTER_BYTES = 2
NO_CONFIRMATION = (b"", b"\x00")
"""Answers of a card that gives no receipt."""


class Signed(Protocol):
    """A command a token may sign."""

    @property
    def signed_data(self) -> bytes:
        """The message."""
        ...


def make_token(keystore: KeyStore, reference: str, *commands: Signed) -> bytes:
    """Return the token of a command, or of the two ends of a combined sequence (C.4).

    :param reference: the token key, private or symmetric.  :raises KeyStoreError: where it is not for signing.
    """
    return keystore.sign_content(reference, b"".join(command.signed_data for command in commands))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a card answers to a command it gives a receipt for (Table 11-18).

    :param counter: confirmation counter, 0 to 65535, one more with every receipt.
    :param domain_data: what identifies the security domain: the values of 42 and 45.
    :param token_id, token_digest: of the command's token; None where the card leaves them out.
    """

    receipt: bytes
    counter: int
    domain_data: bytes
    token_id: bytes | None = None
    token_digest: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> Confirmation:
        """Read the answer's data field.

        :raises EncodingError: on fields missing, truncated or surplus.

        >>> Confirmation.parse(bytes.fromhex("02AABB 020003 02FFFE")).counter
        3
        """
        fields = _length_values(data)
        if not 3 <= len(fields) <= 5 or not fields[0] or len(fields[1]) != _COUNTER_BYTES:
            sizes = ", ".join(str(len(field)) for field in fields)
            raise EncodingError(
                f"confirmation: got fields of {sizes or 'no'} bytes, expected receipt, counter of 2, domain data "
                "and at most token id and digest"
            )
        return cls(fields[0], int.from_bytes(fields[1], "big"), *fields[2:])

    @property
    def signed_data(self) -> bytes:
        """The part of it that the receipt signs; the AIDs concerned follow (C.5)."""
        optional = (field for field in (self.token_id, self.token_digest) if field is not None)
        fields = (self.counter.to_bytes(_COUNTER_BYTES, "big"), self.domain_data, *optional)
        return b"".join(map(length_value, fields))

    def build(self) -> bytes:
        """Return the data field."""
        return length_value(self.receipt) + self.signed_data


def receipt_fields(command: Install | Delete, domain: bytes, *, install: Install | None = None) -> tuple[bytes, ...]:
    """Return what a receipt names of a command, after the confirmation's own data (C.5.1 to C.5.6).

    :param domain: AID of the security domain that got the command; of an extradition, the one that gives away.
    :param install: the last INSTALL of a combined sequence whose first is `command`.

    >>> from cardkit.apps.gp.install import for_load
    >>> receipt_fields(for_load(bytes(5)), bytes(7)) == (bytes(5), bytes(7))
    True
    """
    if isinstance(command, Delete):
        return (command.aid,)
    fields = command.fields
    if install is not None:
        return (fields[0], install.fields[2], fields[1] or domain)
    purpose = command.purpose
    if purpose is Purpose.LOAD:
        return (fields[0], fields[1] or domain)
    if purpose is Purpose.EXTRADITION:
        return (domain, fields[2], fields[0])
    if purpose is Purpose.REGISTRY_UPDATE:
        return (domain, fields[2], fields[0], fields[3], fields[4])
    return (fields[0], fields[2])


def verify_receipt(
    keystore: KeyStore, reference: str, answer: bytes, fields: tuple[bytes, ...], *, after: int | None = None
) -> Confirmation:
    """Check the receipt in a card's answer.

    :param reference: the receipt key.  :param fields: see :func:`receipt_fields`.
    :param after: the counter of the last receipt known of this card.
    :raises ProtocolError: when there is none, it is malformed, or its counter is an old one.
    :raises AuthenticationError: when it is wrong.
    """
    if answer in NO_CONFIRMATION:
        raise ProtocolError("receipt: the card gave none, expected a confirmation")
    try:
        confirmation = Confirmation.parse(answer)
    except EncodingError as error:
        raise ProtocolError(str(error)) from None
    if after is not None and confirmation.counter <= after:
        raise AuthenticationError(f"receipt: counter {confirmation.counter}, expected more than {after}")
    message = confirmation.signed_data + b"".join(map(length_value, fields))
    keystore.verify_content(reference, message, confirmation.receipt)
    return confirmation


def _length_values(data: bytes) -> list[bytes]:
    """Split a run of length-value fields."""
    fields = []
    offset = 0
    while offset < len(data):
        try:
            length, start = read_length(data, offset)
        except IndexError:
            raise EncodingError(f"confirmation: it ends in the length at byte {offset}") from None
        offset = start + length
        if offset > len(data):
            raise EncodingError(f"confirmation: a field of {length} bytes announced, {len(data) - start} are there")
        fields.append(data[start:offset])
    return fields
