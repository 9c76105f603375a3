"""What a card's files hold: fields of the profile, filled in from a record, and read again from a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cardkit.apps.desfire.commands import UID_BYTES
from cardkit.apps.desfire.schema import FieldBlock
from cardkit.errors import EncodingError, ProfileError

UID_FIELD = "uid"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field with its place.  :param form: as the profile has it: ``hex``, ``bcd`` ..."""

    name: str
    form: str
    start: int
    size: int

    def decoded(self, body: bytes) -> str:
        """Return what it holds, for people; hexadecimal digits where it is no such thing."""
        value = body[self.start : self.start + self.size]
        if self.form == "ascii" and value.isascii():
            return value.decode().rstrip()
        if self.form == "number":
            return str(int.from_bytes(value, "big"))
        return value.hex().upper()


def place_fields(where: str, blocks: Sequence[FieldBlock], room: int) -> tuple[FieldSpec, ...]:
    """Return the fields of a file with their places.

    :param room: bytes there are.  :raises ProfileError: where they take more, or a UID has another size.
    """
    start, found = 0, []
    for block in blocks:
        if block.as_ == UID_FIELD and block.size != UID_BYTES:
            raise ProfileError(f"{where}: field {block.name}: {block.size} bytes, a UID has {UID_BYTES}")
        found.append(FieldSpec(block.name, block.as_, start, block.size))
        start += block.size
    if start > room:
        raise ProfileError(f"{where}: fields of {start} bytes, the file has {room}")
    return tuple(found)


def encode_fields(where: str, specs: Sequence[FieldSpec], values: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the fields of one card one behind the other; a UID is zeros until the card is known.

    :param values: the profile's fields for this record.  :raises EncodingError: naming the field that does not fit.
    """
    return b"".join(_encoded(where, spec, value["value"]) for spec, value in zip(specs, values, strict=True))


def _encoded(where: str, spec: FieldSpec, value: object) -> bytes:
    try:
        return _encode(spec, str(value))
    except (ValueError, OverflowError, UnicodeEncodeError):
        raise EncodingError(f"{where}: field {spec.name} does not fit {spec.size} bytes as {spec.form}") from None


def _encode(spec: FieldSpec, text: str) -> bytes:
    size = spec.size
    if spec.form == UID_FIELD:
        return bytes(size)
    if spec.form == "number":
        return int(text).to_bytes(size, "big")
    if spec.form == "ascii":
        encoded = text.encode("ascii").ljust(size)
    elif spec.form == "bcd":
        encoded = bytes.fromhex("".join(str(int(digit)) for digit in text).rjust(2 * size, "0"))
    elif spec.form == "date":
        encoded = bytes.fromhex(date.fromisoformat(text).strftime("%Y%m%d"))
    else:
        encoded = bytes.fromhex(text)
    if len(encoded) != size:
        raise ValueError
    return encoded


def with_uid(body: bytes, specs: Sequence[FieldSpec], uid: bytes) -> bytes:
    """Return the fields with the card's UID where it belongs."""
    for spec in specs:
        if spec.form == UID_FIELD:
            body = body[: spec.start] + uid + body[spec.start + spec.size :]
    return body


def differing(specs: Sequence[FieldSpec], expected: bytes, actual: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield name, expected and actual of every field that differs; ``rest`` for what lies behind them."""
    for spec in specs:
        wanted, found = spec.decoded(expected), spec.decoded(actual)
        if expected[spec.start : spec.start + spec.size] != actual[spec.start : spec.start + spec.size]:
            yield spec.name, wanted, found
    end = specs[-1].start + specs[-1].size if specs else 0
    if expected[end:] != actual[end:]:
        yield "rest", expected[end:].hex().upper(), actual[end:].hex().upper()
