"""Short messages that carry secured packets (3GPP TS 23.040 9.2; TS 31.115 4).

A packet of up to 137 bytes is one message; a longer one is cut, and its parts say how they belong together.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cardkit.encoding.digits import encode_dialling
from cardkit.errors import EncodingError

MOST_USER_DATA = 140
# Information elements: parts of a message with one and two bytes of reference, command and response packet.
_PART, _PART_LONG, _COMMAND, _RESPONSE = 0x00, 0x08, 0x70, 0x71
_COMMAND_HEADER = bytes((0x02, _COMMAND, 0x00))
_RESPONSE_HEADER = bytes((0x02, _RESPONSE, 0x00))
MOST_PACKET = MOST_USER_DATA - len(_COMMAND_HEADER)
"""Bytes of a packet that one message carries."""
_FIRST_PART = MOST_USER_DATA - 8
_NEXT_PART = MOST_USER_DATA - 6
_MOST_PARTS = 255

# First byte of a message: type in b2 b1, form of the validity period in b5 b4, b7 user data begins with a header.
_TYPE, _PERIOD, _PERIOD_SHIFT, _HAS_HEADER = 0x03, 0x18, 3, 0x40
_DELIVER, _SUBMIT = 0x00, 0x01
_PERIOD_BYTES = (0, 7, 1, 7)
_PROTOCOL, _CODING = 0x7F, 0xF6
"""(U)SIM data download, and data of class 2: for the card."""

NO_TIME = bytes.fromhex("00101000000000")
"""Service centre time stamp of 1 January 2000."""


@dataclass(frozen=True, slots=True)
class Address:
    """A number a message comes from.

    :param digits: ``0`` to ``9``, ``*``, ``#``.  :param kind: type of number and plan; 91 international, 81 unknown.
    """

    digits: str
    kind: int = 0x81

    def build(self) -> bytes:
        """Return the number of digits, the kind, and the digits (TS 23.040 9.1.2.5).

        >>> Address("12345678").build().hex()
        '088121436587'
        """
        return bytes((len(self.digits), self.kind)) + encode_dialling(self.digits)


class Part(NamedTuple):
    """Where user data belongs in a longer message."""

    reference: int
    total: int
    number: int


_WHOLE = Part(0, 1, 1)


@dataclass(frozen=True, slots=True)
class UserData:
    """User data with a header.

    :param elements: information elements, by identifier.  :param body: what follows the header.
    """

    elements: dict[int, bytes]
    body: bytes

    @classmethod
    def parse(cls, data: bytes) -> UserData:
        """Read header and body.

        :raises EncodingError: when the header is cut short, or names an element twice.

        >>> UserData.parse(bytes.fromhex("07 0003 2A0201 7000 0042")).part
        Part(reference=42, total=2, number=1)
        """
        length = data[0] if data else 0
        header, body = data[1 : 1 + length], data[1 + length :]
        if not data or len(header) < length:
            raise EncodingError(f"user data header: got {len(header)} bytes, its length says {length}")
        elements: dict[int, bytes] = {}
        while header:
            identifier, size = header[0], header[1] if len(header) > 1 else len(header)
            value, header = header[2 : 2 + size], header[2 + size :]
            if len(value) < size or identifier in elements:
                raise EncodingError(f"user data header: element {identifier:02X} is cut short or there twice")
            elements[identifier] = value
        return cls(elements, body)

    @property
    def part(self) -> Part:
        """Where it belongs; EncodingError where that is malformed."""
        short, long = self.elements.get(_PART), self.elements.get(_PART_LONG)
        if short is None and long is None:
            return _WHOLE
        size, value = (1, short) if short is not None else (2, long or b"")
        if len(value) != size + 2 or not 1 <= value[-1] <= value[-2]:
            raise EncodingError(f"user data header: part {value.hex().upper()}, expected reference, total and number")
        return Part(int.from_bytes(value[:size]), value[-2], value[-1])


def command_messages(packet: bytes, reference: int = 0) -> list[bytes]:
    """Return the user data of the messages that carry a command packet.

    :param reference: of the parts, one byte: another for each long packet that is under way.
    :raises EncodingError: on a packet of more than 255 parts.

    >>> [len(part) for part in command_messages(bytes(137))], [len(part) for part in command_messages(bytes(138))]
    ([140], [140, 12])
    """
    if len(packet) <= MOST_PACKET:
        return [_COMMAND_HEADER + packet]
    cuts = [0, *range(_FIRST_PART, len(packet), _NEXT_PART), len(packet)]
    total = len(cuts) - 1
    if total > _MOST_PARTS:
        raise EncodingError(f"packet of {len(packet)} bytes: {total} messages, expected {_MOST_PARTS} at most")
    messages = []
    for number, (start, end) in enumerate(itertools.pairwise(cuts), 1):
        part = bytes((_PART, 3, reference & 0xFF, total, number)) + (_COMMAND_HEADER[1:] if number == 1 else b"")
        messages.append(bytes((len(part),)) + part + packet[start:end])
    return messages


def command_packet(messages: Iterable[bytes]) -> bytes:
    """Return the command packet that user data carries, its parts in any order.

    :raises EncodingError: when parts are missing or do not belong together, or it is no command packet.
    """
    return _joined(messages, _COMMAND, "command")


def response_data(messages: Iterable[bytes]) -> bytes:
    """Return the response packet that user data carries, behind the header ``027100`` its checksum covers.

    :raises EncodingError: as :func:`command_packet`.
    """
    return _RESPONSE_HEADER + _joined(messages, _RESPONSE, "response")


def carries_response(message: bytes) -> bool:
    """Whether user data is the response packet, or its first part."""
    return _RESPONSE in UserData.parse(message).elements


def _joined(messages: Iterable[bytes], identifier: int, what: str) -> bytes:
    parts = [UserData.parse(message) for message in messages]
    places = [part.part for part in parts]
    first = next((part for part in parts if part.part.number == 1), None)
    if first is None or identifier not in first.elements:
        raise EncodingError(f"short message: no {what} packet begins here, expected element {identifier:02X}")
    total = places[0].total
    if sorted(places) != [Part(places[0].reference, total, number) for number in range(1, total + 1)]:
        got = ", ".join(f"{place.number} of {place.total} ({place.reference})" for place in places)
        raise EncodingError(f"short messages: got parts {got}, expected all parts of one message")
    return b"".join(part.body for _, part in sorted(zip(places, parts, strict=True), key=lambda pair: pair[0]))


def deliver(user_data: bytes, sender: Address, timestamp: bytes = NO_TIME) -> bytes:
    """Return an SMS-DELIVER for the card.

    :param user_data: header included, 140 bytes at most.  :param timestamp: 7 bytes, of the service centre.
    :raises EncodingError: on longer user data.
    TS 23.040 9.2.2.1
    """
    if len(user_data) > MOST_USER_DATA:
        raise EncodingError(f"short message: {len(user_data)} bytes of user data, expected {MOST_USER_DATA} at most")
    head = bytes((_DELIVER | _HAS_HEADER,)) + sender.build() + bytes((_PROTOCOL, _CODING))
    return head + timestamp + bytes((len(user_data),)) + user_data


def user_data_of(tpdu: bytes) -> bytes:
    """Return the user data, header first, of an SMS-DELIVER or of an SMS-SUBMIT such as a card sends.

    :raises EncodingError: on another type, without a header, or where lengths are wrong.
    """
    try:
        data = _user_data(tpdu)
    except IndexError:
        raise EncodingError(f"short message: {len(tpdu)} bytes, it ends before its user data") from None
    if not tpdu[0] & _HAS_HEADER:
        raise EncodingError(f"short message: first byte {tpdu[0]:02X}, its user data has no header")
    return data


def _user_data(tpdu: bytes) -> bytes:
    kind = tpdu[0] & _TYPE
    if kind not in (_DELIVER, _SUBMIT):
        raise EncodingError(f"short message: first byte {tpdu[0]:02X}, expected an SMS-DELIVER or SMS-SUBMIT")
    address = 1 if kind == _DELIVER else 2
    behind = address + 2 + (tpdu[address] + 1) // 2 + 2
    period = 7 if kind == _DELIVER else _PERIOD_BYTES[(tpdu[0] & _PERIOD) >> _PERIOD_SHIFT]
    at = behind + period
    length, data = tpdu[at], tpdu[at + 1 :]
    if length != len(data):
        raise EncodingError(f"short message: user data of {len(data)} bytes, its length says {length}")
    return data


def submitted(tpdus: Iterable[bytes]) -> bytes:
    """Return the response packet a card sent as short messages of its own.

    :raises EncodingError: when they carry none.
    """
    return response_data(user_data_of(tpdu) for tpdu in tpdus)
