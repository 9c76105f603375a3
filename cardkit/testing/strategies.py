"""Hypothesis strategies: commands, responses, TLV objects and rows of an order, all of them valid.

>>> from hypothesis import given
>>> from cardkit.testing import strategies
>>> @given(strategies.commands())
... def test_a_command_survives_the_wire(command):
...     assert CommandAPDU.parse(command.encode()) == command
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.key import ALGORITHMS
from cardkit.encoding.digits import luhn_digit
from cardkit.encoding.length import shortest_size
from cardkit.encoding.tlv import Tlv
from cardkit.errors import ProfileError

if TYPE_CHECKING:
    from cardkit.profile.field import Field
    from cardkit.profile.record import RecordSchema

_BYTE = st.integers(0, 0xFF)
_FORMULA = "=+-@"  # how a spreadsheet formula begins: refused in orders


def commands(*, max_nc: int = 255, max_ne: int = 256) -> st.SearchStrategy[CommandAPDU]:
    """Commands of all four cases; extended ones where the limits ask for them (ISO/IEC 7816-3 12.1.3).

    :param max_nc: most data bytes, up to 65,535.  :param max_ne: most expected bytes, up to 65,536.
    """
    data = st.just(b"") | st.binary(min_size=1, max_size=min(max_nc, 255))
    ne = st.just(0) | st.integers(1, min(max_ne, 256))
    if max_nc > 255:
        data |= st.binary(min_size=256, max_size=max_nc)
    if max_ne > 256:
        ne |= st.integers(257, max_ne)
    # CLA FF is never a class byte (ISO/IEC 7816-4 5.4.1).
    return st.builds(CommandAPDU, st.integers(0, 0xFE), _BYTE, _BYTE, _BYTE, data, ne)


def responses(*, max_data: int = 256) -> st.SearchStrategy[ResponseAPDU]:
    """Responses with any status word that a card may send: 61xx to 6Fxx, 90xx to 9Fxx (ISO/IEC 7816-4 5.6)."""
    words = st.one_of(st.just(0x9000), st.integers(0x6100, 0x6FFF), st.integers(0x9000, 0x9FFF))
    return st.builds(ResponseAPDU, st.binary(max_size=max_data), words)


def tlvs(*, max_leaves: int = 8, max_value: int = 140) -> st.SearchStrategy[Tlv]:
    """BER-TLV objects, nested, with tags of one to three bytes and lengths in short and longer forms.

    :param max_leaves: most primitive objects in one.  :param max_value: most bytes in a primitive value.
    """
    leaves = st.builds(_object, _tags(constructed=False), st.binary(max_size=max_value), st.integers(0, 2))

    def around(children: st.SearchStrategy[Tlv]) -> st.SearchStrategy[Tlv]:
        values = st.lists(children, max_size=4).map(lambda items: b"".join(item.build() for item in items))
        return st.builds(_object, _tags(constructed=True), values, st.integers(0, 2))

    return st.recursive(leaves, around, max_leaves=max_leaves)


def _object(tag: int, value: bytes, surplus: int) -> Tlv:
    """One object whose length field is `surplus` bytes longer than needed."""
    return Tlv(tag, value, shortest_size(len(value)) + surplus if surplus else 0)


def _tags(*, constructed: bool) -> st.SearchStrategy[int]:
    """Tags of ISO/IEC 7816-4 5.2.2.1; 00 is padding, and the second byte of a long one is not 80."""
    form = 0x20 if constructed else 0
    classes = st.sampled_from((0x00, 0x40, 0x80, 0xC0))
    one = st.builds(lambda c, n: c | form | n, classes, st.integers(1, 0x1E))
    two = st.builds(lambda c, n: (c | form | 0x1F) << 8 | n, classes, st.integers(0x1F, 0x7F))
    three = st.builds(
        lambda c, m, n: (c | form | 0x1F) << 16 | (0x80 | m) << 8 | n,
        classes,
        st.integers(1, 0x7F),
        st.integers(0, 0x7F),
    )
    return st.one_of(one, two, three)


def records(schema: RecordSchema) -> st.SearchStrategy[dict[str, str]]:
    """Rows of an order, by field name, that the schema accepts.

    :raises ProfileError: for a field that comes wrapped under a transport key: only its owner can make one up.
    """
    fields = {name: field_text(name, field) for name, field in schema.fields.items()}
    return st.fixed_dictionaries(fields).map(lambda row: {name: row[name] for name in fields})


def field_text(name: str, field: Field) -> st.SearchStrategy[str]:
    """Text that one field accepts.

    :raises ProfileError: as :func:`records`.
    """
    if field.transport:
        raise ProfileError(f"record.{name}: wrapped under {field.transport}, got no key to wrap a made-up value with")
    return _TEXTS[field.type](field)


def _sizes(field: Field, usual: int) -> tuple[int, int]:
    return field.least, field.least + usual if field.max is None else field.max


def _digits(field: Field) -> st.SearchStrategy[str]:
    least, most = _sizes(field, 12)
    if field.check != "luhn":
        return st.text("0123456789", min_size=least, max_size=most)
    body = st.text("0123456789", min_size=max(least - 1, 0), max_size=most - 1)
    return body.map(lambda digits: digits + luhn_digit(digits))


def _ascii(field: Field) -> st.SearchStrategy[str]:
    least, most = _sizes(field, 32)
    characters = st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters=_FORMULA + ',;"|')
    return st.text(characters, min_size=least, max_size=most)


def _words(field: Field) -> st.SearchStrategy[str]:
    least, most = _sizes(field, 32)
    characters = st.characters(categories=("L", "N", "Zs"), exclude_characters="\N{MODIFIER LETTER TURNED COMMA}")
    return st.text(characters, min_size=least, max_size=most)


def _hex(field: Field) -> st.SearchStrategy[str]:
    return _octets(field.bytes).map(lambda value: value.hex().upper())


def _key(field: Field) -> st.SearchStrategy[str]:
    algorithm = field.algorithm or ""
    values = _octets(ALGORITHMS[algorithm][0])
    if algorithm.startswith("3DES"):
        values = values.filter(lambda value: value[:8] != value[8:16] != value[16:24])
    return values.map(lambda value: value.hex().upper())


def _base64(field: Field) -> st.SearchStrategy[str]:
    return _octets(field.bytes).map(lambda value: base64.b64encode(value).decode())


def _octets(size: int | None) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=1, max_size=32) if size is None else st.binary(min_size=size, max_size=size)


def _days(field: Field) -> st.SearchStrategy[str]:
    # The years that two digits can name without doubt.
    return st.dates(date(1970, 1, 1), date(2068, 12, 31)).map(lambda day: day.strftime(field.format or ""))


_TEXTS: dict[str, Callable[[Field], st.SearchStrategy[str]]] = {
    "digits": _digits,
    "number": _digits,
    "ascii": _ascii,
    "text": _words,
    "hex": _hex,
    "key": _key,
    "base64": _base64,
    "date": _days,
    "enum": lambda field: st.sampled_from(field.values or ()),
    "const": lambda field: st.just(field.value or ""),
}
