"""Fields of fixed size that the layouts are made of; each is a construct.

A field value that would not rebuild to the same bytes reads as ``{"raw": "HEX"}``, so that one odd field does not
hide the others.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from construct import Construct, stream_read

from cardkit.encoding import digits
from cardkit.encoding.text import AlphaForm, decode_alpha, encode_alpha
from cardkit.errors import EncodingError

_HEX = re.compile(r"[0-9A-Fa-f]*")


def to_hex(data: bytes) -> str:
    """Return upper-case hexadecimal digits."""
    return data.hex().upper()


def from_hex(text: Any) -> bytes:
    """Read hexadecimal digits.  :raises EncodingError: on anything else."""
    if not isinstance(text, str) or len(text) % 2 or not _HEX.fullmatch(text):
        raise EncodingError("got something else, expected an even number of hexadecimal digits")
    return bytes.fromhex(text)


@contextmanager
def within(name: str) -> Iterator[None]:
    """Put the name of a field in front of what is wrong with it."""
    try:
        yield
    except EncodingError as error:
        raise EncodingError(f"{name}: {error}") from None


class Field(Construct, ABC):  # type: ignore[misc]  # construct has no types
    """A value of fixed size; a kind of field says how it is read and written.

    :param size: bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    @abstractmethod
    def read(self, data: bytes) -> Any:
        """Return the value of `size` bytes.  :raises EncodingError: if they mean nothing."""

    @abstractmethod
    def write(self, value: Any) -> bytes:
        """Return `size` bytes.  :raises EncodingError: if the value does not fit."""

    def decode(self, data: bytes) -> Any:
        """Return the value, or ``{"raw": ...}`` if it would not come back as these bytes."""
        try:
            value = self.read(data) if len(data) == self.size else None
            if value is not None and self.write(value) == data:
                return value
        except EncodingError:
            pass
        return {"raw": to_hex(data)}

    def encode(self, value: Any) -> bytes:
        """Return `size` bytes.  :raises EncodingError: if the value does not fit."""
        if isinstance(value, Mapping) and set(value) == {"raw"}:
            data = from_hex(value["raw"])
            if len(data) != self.size:
                raise EncodingError(f"raw: got {len(data)} bytes, expected {self.size}")
            return data
        return self.write(value)

    def _parse(self, stream: BytesIO, context: Any, path: str) -> Any:  # noqa: ARG002  (construct's signature)
        return self.decode(stream_read(stream, self.size, path))

    def _build(self, obj: Any, stream: BytesIO, context: Any, path: str) -> Any:  # noqa: ARG002
        stream.write(self.encode(obj))
        return obj

    def _sizeof(self, context: Any, path: str) -> int:  # noqa: ARG002
        return self.size


class Hex(Field):
    """Bytes without inner structure, as hexadecimal digits."""

    def read(self, data: bytes) -> str:
        """Return 2 digits a byte."""
        return to_hex(data)

    def write(self, value: Any) -> bytes:
        """Accept exactly 2 digits a byte."""
        data = from_hex(value)
        if len(data) != self.size:
            raise EncodingError(f"got {len(data)} bytes, expected {self.size}")
        return data


class Filled(Hex):
    """Bytes without inner structure, FF behind them."""

    def read(self, data: bytes) -> str:
        """Return 2 digits a byte, those of the fill left out."""
        return to_hex(data.rstrip(b"\xff"))

    def write(self, value: Any) -> bytes:
        """Accept 2 digits a byte, as many as fit."""
        return super().write(to_hex(from_hex(value).ljust(self.size, b"\xff")))


class Number(Field):
    """An unsigned number, most significant byte first."""

    def read(self, data: bytes) -> int:
        """Return the number."""
        return int.from_bytes(data, "big")

    def write(self, value: Any) -> bytes:
        """Accept 0 to the largest number that fits."""
        top = (1 << 8 * self.size) - 1
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= top:
            raise EncodingError(f"got {value!r}, expected a number from 0 to {top}")
        return value.to_bytes(self.size, "big")


class Coded(Number):
    """One byte that stands for a word; a byte without a word reads as its number.

    :param words: value -> word.
    """

    def __init__(self, words: Mapping[int, str]) -> None:
        super().__init__(1)
        self._words = dict(words)
        self._codes = {word: code for code, word in words.items()}

    def read(self, data: bytes) -> Any:
        """Return the word, or the number."""
        return self._words.get(data[0], data[0])

    def write(self, value: Any) -> bytes:
        """Accept a word of the table or a number from 0 to 255."""
        if isinstance(value, str):
            if value not in self._codes:
                raise EncodingError(f"got {value!r}, expected one of {', '.join(self._codes)}")
            return bytes((self._codes[value],))
        return super().write(value)


class Flags(Field):
    """Bits of one byte as a list of the words whose bit is 1, lowest bit first; a bit without a word is ``b1``-``b8``.

    :param words: words for b1, b2 ... ; None for a bit without one.
    :param invert: whether 0 means that the word holds.
    """

    def __init__(self, *words: str | None, invert: bool = False) -> None:
        super().__init__(1)
        names = [word or f"b{bit}" for bit, word in enumerate(words, 1)]
        self._names = names + [f"b{bit}" for bit in range(len(names) + 1, 9)]
        self._mask = 0xFF if invert else 0

    def read(self, data: bytes) -> list[str]:
        """Return the words that hold."""
        bits = data[0] ^ self._mask
        return [name for index, name in enumerate(self._names) if bits >> index & 1]

    def write(self, value: Any) -> bytes:
        """Accept a list of words of this field."""
        bits = 0
        for word in as_list(value):
            if word not in self._names:
                raise EncodingError(f"got {word!r}, expected some of {', '.join(self._names)}")
            bits |= 1 << self._names.index(word)
        return bytes((bits ^ self._mask,))


def as_text(value: Any) -> str:
    """Return text as it is.  :raises EncodingError: on anything else."""
    if not isinstance(value, str):
        raise EncodingError(f"got {type(value).__name__}, expected text")
    return value


def as_list(value: Any) -> list[Any]:
    """Return a sequence as a list.  :raises EncodingError: on anything else, text included."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise EncodingError(f"got {type(value).__name__}, expected a list")
    return list(value)


class Bits(Field):
    """Numbered bits over several bytes, as a sorted list of numbers.

    :param first: number of the lowest bit of the first byte.
    :param big_endian: whether the last byte holds the lowest numbers.
    """

    def __init__(self, size: int, *, first: int = 0, big_endian: bool = False) -> None:
        super().__init__(size)
        self._first = first
        self._order = "big" if big_endian else "little"

    def read(self, data: bytes) -> list[int]:
        """Return the numbers whose bit is 1."""
        bits = int.from_bytes(data, self._order)  # type: ignore[arg-type]
        return [self._first + index for index in range(8 * self.size) if bits >> index & 1]

    def write(self, value: Any) -> bytes:
        """Accept a list of numbers within the field."""
        top = self._first + 8 * self.size - 1
        bits = 0
        for number in as_list(value):
            if not isinstance(number, int) or isinstance(number, bool) or not self._first <= number <= top:
                raise EncodingError(f"got {number!r}, expected numbers from {self._first} to {top}")
            bits |= 1 << number - self._first
        return bits.to_bytes(self.size, self._order)  # type: ignore[arg-type]


class Plmn(Field):
    """A network: "001-01" or "334-020"; "" if unused (FFFFFF); "?" for a wildcard digit (D). TS 24.008 10.5.1.13

    >>> Plmn().decode(bytes.fromhex("330420"))
    '334-020'
    """

    _FORM = re.compile(r"([0-9?]{3})-([0-9?]{2,3})")
    _UNUSED = b"\xff\xff\xff"

    def __init__(self) -> None:
        super().__init__(3)

    def read(self, data: bytes) -> str:
        """Return MCC-MNC."""
        if data == self._UNUSED:
            return ""
        mcc2, mcc1, mnc3, mcc3, mnc2, mnc1 = list(to_hex(data).replace("D", "?"))
        return f"{mcc1}{mcc2}{mcc3}-{mnc1}{mnc2}{'' if mnc3 == 'F' else mnc3}"

    def write(self, value: Any) -> bytes:
        """Accept "MCC-MNC" with 2 or 3 digits of MNC, or ""."""
        if value == "":
            return self._UNUSED
        form = self._FORM.fullmatch(value) if isinstance(value, str) else None
        if form is None:
            raise EncodingError(f"got {value!r}, expected a network such as 001-01 or 334-020")
        mcc, mnc = (part.replace("?", "D") for part in form.groups())
        third = mnc[2:] or "F"
        return bytes.fromhex(mcc[1] + mcc[0] + third + mcc[2] + mnc[1] + mnc[0])


class Digits(Field):
    """Decimal digits with swapped nibbles, filled up with F.

    :param least: fewest digits accepted.

    >>> Digits(4).decode(bytes.fromhex("17FFFFFF"))
    '71'
    """

    def __init__(self, size: int, least: int = 0) -> None:
        super().__init__(size)
        self._least = least

    def read(self, data: bytes) -> str:
        """Return the digits before the fill."""
        return digits.decode_swapped(data).rstrip("F")

    def write(self, value: Any) -> bytes:
        """Accept decimal digits only, as many as fit."""
        most = 2 * self.size
        if not isinstance(value, str) or (value and not (value.isascii() and value.isdigit())):
            raise EncodingError("got something else, expected decimal digits as text")
        if not self._least <= len(value) <= most:
            raise EncodingError(f"got {len(value)} digits, expected {self._least} to {most}")
        return digits.encode_swapped(value, self.size)


class Text(Field):
    """ASCII letters; padding FF reads as nothing.

    :param size: bytes.
    """

    def read(self, data: bytes) -> str:
        """Return the text before the padding."""
        try:
            return data.rstrip(b"\xff").decode("ascii")
        except UnicodeDecodeError:
            raise EncodingError("got bytes above 7F, expected ASCII") from None

    def write(self, value: Any) -> bytes:
        """Accept ASCII text that fits."""
        if not isinstance(value, str) or not value.isascii() or len(value) > self.size:
            raise EncodingError(f"got {value!r}, expected ASCII text of {self.size} letters or fewer")
        return value.encode("ascii").ljust(self.size, b"\xff")


class Alpha(Field):
    """A name in GSM 7-bit or one of the UCS2 forms, FF behind it. TS 102 221 annex A

    Text in its shortest form reads as text, in another form as ``{"text": ..., "form": ...}``.
    """

    def read(self, data: bytes) -> Any:
        """Return the text, with its form where that is not the one we would choose."""
        alpha = decode_alpha(data)
        if alpha.shortest:
            return alpha.text
        return {"text": alpha.text, "form": alpha.form.name}

    def write(self, value: Any) -> bytes:
        """Accept text that fits, or a table of text and form."""
        form = None
        if isinstance(value, Mapping) and set(value) == {"text", "form"}:
            if as_text(value["form"]) not in AlphaForm.__members__:
                raise EncodingError(f"form: got {value['form']!r}, expected one of {', '.join(AlphaForm.__members__)}")
            form, value = AlphaForm[value["form"]], value["text"]
        return encode_alpha(as_text(value), self.size, form)
