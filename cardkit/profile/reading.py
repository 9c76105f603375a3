"""Text of an order to values, strictly: no trimming, no case change, no numeric conversion (production.md 9)."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from cardkit.crypto.key import ALGORITHMS, Key, Usage
from cardkit.crypto.keystore import KeyStore
from cardkit.crypto.pack import Value
from cardkit.crypto.secret import Secret
from cardkit.crypto.wrap import Wrapping
from cardkit.encoding.digits import luhn_valid
from cardkit.errors import KeyStoreError
from cardkit.profile.field import Field
from cardkit.profile.normal import uz_apostrophe

_HEX = frozenset("0123456789ABCDEFabcdef")

# A run of hex digits that is as long as a piece of a key, and no decimal number.
_KEY_PIECE = re.compile(r"(?=[0-9]*[A-Fa-f])[0-9A-Fa-f]{12,}")

Reader = Callable[[str], Value]
Opener = Callable[[str], bytearray]
OpenedReader = Callable[[bytes | bytearray], Value]


def printable(text: str) -> str:
    """Return a text of an order for a message: ASCII, 40 characters at most, masked where it may be a piece of a key.

    >>> printable("8,99990E+18"), printable("4ADD1D0011223344")
    ('8,99990E+18', '<16 characters>')
    """
    if _KEY_PIECE.search(text):
        return masked(text)
    return ascii(text[:40])[1:-1]


def masked(text: str) -> str:
    """Return what a message may say of a text that is secret or personal: its length."""
    return f"<{len(text)} characters>"


class FieldError(Exception):
    """A text is refused; becomes one bad row.

    :param code: LENGTH, CHARSET, CHECK_DIGIT ...  :param reason: got and expected, never the value.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Transport:
    """The key a wrapped field is opened with.

    :param context: gives what the value of the present row is bound to, for AES-GCM.
    """

    keystore: KeyStore
    reference: str
    wrapping: Wrapping
    context: Callable[[], bytes] = bytes


def reader(name: str, field: Field, transport: Transport | None) -> Reader:
    """Return the function that turns a field's text into its value, compiled once per order.

    :param transport: None where the text is clear.  :returns: a function that raises FieldError.
    """
    if transport is not None:
        unwrap, read_clear = opener(field, transport), opened_reader(name, field)
        return lambda text: read_clear(unwrap(text))
    if field.type == "key":
        size, make = ALGORITHMS[field.algorithm or ""][0], _key_maker(name, field)
        return lambda text: make(_read_hex(text, size))
    if field.type == "hex":
        return _hex_reader(name, field)
    read = _TEXT_READERS[field.type](field)
    if not field.is_secret:
        return read

    def read_secret(text: str) -> Value:
        read(text)
        return Secret(text.encode(), name)

    return read_secret


def opener(field: Field, transport: Transport) -> Opener:
    """Return the function that unwraps a field's text; it raises FieldError."""
    size = ALGORITHMS[field.algorithm or ""][0] if field.type == "key" else field.bytes
    return lambda text: _unwrap(text, size, transport)


def opened_reader(name: str, field: Field) -> OpenedReader:
    """Return the function that turns what was unwrapped into the field's value; it raises FieldError."""
    if field.type == "key":
        return _key_maker(name, field)
    if field.type == "hex":
        return lambda clear: Secret(clear, name) if field.is_secret else bytes(clear)
    read = _TEXT_READERS[field.type](field)

    def read_clear(clear: bytes | bytearray) -> Value:
        try:
            value = read(clear.decode("ascii"))
        except UnicodeDecodeError:
            raise FieldError("CHARSET", "expected ASCII after unwrapping") from None
        return Secret(clear, name) if field.is_secret else value

    return read_clear


def _check_length(field: Field) -> Callable[[str], None]:
    least, most = field.least, field.max
    expected = f"{least} or more" if most is None else f"{least} to {most}" if most != least else f"{least}"

    def check(text: str) -> None:
        if len(text) < least or (most is not None and len(text) > most):
            raise FieldError("LENGTH", f"got {len(text)} characters, expected {expected}")

    return check


def _digits_reader(field: Field) -> Reader:
    check_length = _check_length(field)
    least, most = field.least, field.max or 0
    luhn = field.check == "luhn"

    def read(text: str) -> str:
        if text and not (text.isascii() and text.isdecimal()):
            raise FieldError("CHARSET", "expected the digits 0 to 9 only")
        if not least <= len(text) <= most:  # asked here first: a call for each cell costs more than the rest
            check_length(text)
        if luhn and not (text and luhn_valid(text)):
            raise FieldError("CHECK_DIGIT", "the Luhn check digit is wrong")
        return text

    return read


def _number_reader(field: Field) -> Reader:
    read_digits = _digits_reader(field)
    return lambda text: int(str(read_digits(text)))


def _ascii_reader(field: Field) -> Reader:
    check_length = _check_length(field)

    def read(text: str) -> str:
        if not (text.isascii() and (text.isprintable() or not text)):
            raise FieldError("CHARSET", "expected printable ASCII")
        check_length(text)
        return text

    return read


def _text_reader(field: Field) -> Reader:
    check_length = _check_length(field)
    normalize = uz_apostrophe if field.normalize else None

    def read(text: str) -> str:
        if not text.isprintable() and any(_is_control(character) for character in text):
            raise FieldError("CHARSET", "expected text without control characters")
        normal = normalize(text) if normalize else text
        check_length(normal)
        return normal

    return read


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character == "\ufeff"


def _enum_reader(field: Field) -> Reader:
    values = field.values or ()

    def read(text: str) -> str:
        if text not in values:
            raise FieldError("ENUM", f"expected one of {', '.join(values)}")
        return text

    return read


def _const_reader(field: Field) -> Reader:
    value = field.value

    def read(text: str) -> str:
        if text != value:
            raise FieldError("CONST", f'expected "{value}"')
        return text

    return read


def _date_reader(field: Field) -> Reader:
    form = field.format or ""

    def read(text: str) -> date:
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007  a calendar day has no zone
        except ValueError:
            raise FieldError("DATE", f"expected a day as {form}") from None
        if day.strftime(form) != text:
            raise FieldError("DATE", f"expected a day as {form}, all digits written")
        return day

    return read


def _base64_reader(field: Field) -> Reader:
    def read(text: str) -> bytes:
        try:
            value = base64.b64decode(text.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise FieldError("CHARSET", "expected base64") from None
        if base64.b64encode(value).decode() != text:
            raise FieldError("CHARSET", "expected base64 in its one canonical form")
        return _check_bytes(value, field.bytes)

    return read


def _check_bytes(value: bytes, size: int | None) -> bytes:
    if size is not None and len(value) != size:
        raise FieldError("LENGTH", f"got {len(value)} bytes, expected {size}")
    if not value:
        raise FieldError("LENGTH", "got nothing")
    return value


def _read_hex(text: str, size: int | None) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if 2 * len(value) != len(text):  # fromhex passes over spaces
        if not _HEX.issuperset(text):
            raise FieldError("CHARSET", "expected hex digits only")
        raise FieldError("LENGTH", f"got {len(text)} hex digits, expected an even number")
    return _check_bytes(value, size)


def _hex_reader(name: str, field: Field) -> Reader:
    if field.is_secret:
        return lambda text: Secret(_read_hex(text, field.bytes), name)
    return lambda text: _read_hex(text, field.bytes)


def _key_maker(name: str, field: Field) -> OpenedReader:
    algorithm = field.algorithm or ""

    def make(value: bytes | bytearray) -> Key:
        try:
            return Key(value, name, algorithm, Usage.CARD_KEY)
        except KeyStoreError as error:
            raise FieldError("KEY", str(error)) from None

    return make


def _unwrap(text: str, size: int | None, transport: Transport) -> bytearray:
    wrapped = _read_hex(text, None)
    try:
        value = transport.keystore.unwrap(transport.reference, wrapped, transport.wrapping, transport.context())
    except KeyStoreError as error:
        raise FieldError("KEY_UNWRAP", str(error)) from None
    if size is not None and len(value) != size:
        raise FieldError("LENGTH", f"got {len(value)} bytes after unwrapping, expected {size}")
    return value


_TEXT_READERS: dict[str, Callable[[Field], Reader]] = {
    "digits": _digits_reader,
    "number": _number_reader,
    "ascii": _ascii_reader,
    "text": _text_reader,
    "enum": _enum_reader,
    "const": _const_reader,
    "date": _date_reader,
    "base64": _base64_reader,
}
