"""Rows that keep every rule, straight to the bytes their records are packed as: no value is made of them on the way.

One regular expression is compiled from the rules of a row's columns. A row that it does not match is not judged here:
the row reader says which field is wrong, and why. production.md 9
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

import msgspec

from cardkit.crypto.key import ALGORITHMS, Key, Usage
from cardkit.crypto.pack import Value, pack
from cardkit.crypto.secret import Secret
from cardkit.encoding.digits import luhn_valid
from cardkit.profile.field import Field
from cardkit.profile.reading import FieldError
from cardkit.profile.record import ROW_NO, RecordSchema
from cardkit.profile.rows import Cell

# Stands between the cells that are matched together. No pattern admits it: a match has each cell as the file cut it.
_BETWEEN = "\0"
_HEX_DIGIT = "[0-9A-Fa-f]"
# What a text must not hold: categories Cc, Cs, Zl and Zp, and U+FEFF.
_TEXT = "[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff\\ufeff]"

# A mapping of one value, as it is packed, begins with so many bytes that are not the value's own.
_MAP_OF_ONE = 1

_ROW_NO_HEAD = bytes(pack({ROW_NO: 0})[_MAP_OF_ONE:-1])

Part = Callable[[Any], bytes]


class PackedRow(NamedTuple):
    """One good row.

    :param data: of the record as it is packed, secrets in clear: seal it at once.  :param keys: its business keys.
    """

    data: bytes
    keys: dict[str, str]


class RowPacker:
    """Packs rows of cells.

    :param rules: of the columns and of all fields of the schema.
    :param readers: name of each column, and what reads one of its cells.
    :param opened: columns whose cells are no text.
    :param supplied: values that each record has without a column.  :param makers: what makes those of each record.
    :ivar normalized: values changed to a declared normal form, so far.
    """

    def __init__(
        self,
        schema: RecordSchema,
        rules: Mapping[str, Field],
        readers: Sequence[tuple[str, Callable[[Any], Value]]],
        opened: Collection[str],
        supplied: Mapping[str, Value],
        makers: Sequence[tuple[str, Callable[[], Value]]],
    ) -> None:
        found = [None if name in opened else _pattern(rules[name]) for name, _ in readers]
        patterns = [(name, pattern) for (name, _), pattern in zip(readers, found, strict=True) if pattern is not None]
        others = [(place, *readers[place]) for place, pattern in enumerate(found) if pattern is None]
        self._schema = schema
        self._matched = [pattern is not None for pattern in found]
        self._match = re.compile(_BETWEEN.join(f"({pattern})" for _, pattern in patterns)).fullmatch
        self._others = [(place, read) for place, _, read in others]
        self._supplied = list(supplied.values())
        self._makers = [make for _, make in makers]

        texts = [name for name, _ in patterns]
        names = [*texts, *(name for _, name, _ in others), *supplied, *(name for name, _ in makers)]
        self._luhn = [index for index, name in enumerate(texts) if rules[name].check == "luhn"]
        self._head = _map_head([*(packed for _, packed in schema.packed), ROW_NO])
        self._parts: list[tuple[int, Part]] = [
            (names.index(name), _text_part(packed, name, rules[name]) if name in texts else _value_part(packed))
            for packed, name in sorted((packed, name) for name, packed in schema.packed)
        ]
        self._keys = [(name, names.index(name)) for name, rule in schema.fields.items() if rule.key is not None]
        self._normal = [(place, names.index(name)) for place, name, _ in others if rules[name].normalize]
        self.normalized = 0

    def packed(self, row_no: int, cells: Sequence[Cell]) -> PackedRow | None:
        """Return a good row packed; None for any other.

        :param row_no: data row, from 1.
        """
        if len(cells) != len(self._matched):
            return None
        match = self._match(_BETWEEN.join(compress(cells, self._matched)))  # type: ignore[arg-type]  # those are texts
        if match is None:
            return None
        row: list[Any] = [*match.groups()]
        for index in self._luhn:
            if not (row[index] and luhn_valid(row[index])):
                return None
        try:
            row += [read(cells[place]) for place, read in self._others]
        except FieldError:
            return None
        row += self._supplied
        row += [make() for make in self._makers]
        for place, index in self._normal:
            self.normalized += row[index] != cells[place]
        parts = [part(row[index]) for index, part in self._parts]
        data = b"".join((self._head, *parts, _ROW_NO_HEAD, msgspec.msgpack.encode(row_no)))
        return PackedRow(data, self._schema.keys_of({name: row[index] for name, index in self._keys}))


def _pattern(field: Field) -> str | None:
    """Return what exactly the good texts of a field match; None where a pattern cannot say it."""
    pattern = _PATTERNS.get(field.type)
    return None if pattern is None else pattern(field)


def _repeated(characters: str, field: Field) -> str:
    most = "" if field.max is None else field.max
    return f"{characters}{{{field.least},{most}}}"


def _hex(field: Field) -> str | None:
    if field.bytes is None:
        return f"(?:{_HEX_DIGIT}{{2}})+"
    return f"{_HEX_DIGIT}{{{2 * field.bytes}}}" if field.bytes else None


def _key(field: Field) -> str | None:
    """Not all 3DES keys of the right length are good ones: those with equal halves are none."""
    algorithm = field.algorithm or ""
    return None if algorithm.startswith("3DES") else f"{_HEX_DIGIT}{{{2 * ALGORITHMS[algorithm][0]}}}"


def _one_of(texts: Sequence[str]) -> str | None:
    return None if not texts or any(_BETWEEN in text for text in texts) else "|".join(map(re.escape, texts))


_PATTERNS: Mapping[str, Callable[[Field], str | None]] = {
    "digits": lambda field: _repeated("[0-9]", field),
    "ascii": lambda field: _repeated("[ -~]", field),
    "text": lambda field: None if field.normalize else _repeated(_TEXT, field),
    "hex": _hex,
    "key": _key,
    "enum": lambda field: _one_of(field.values or ()),
    "const": lambda field: _one_of((field.value or "",)),
}


class _Heads(dict[int, bytes]):
    """What stands before a value in a packed record, by the value's size: it depends on nothing else.

    :param packed: name of the field in the record.  :param made: bytes -> a value of that size.
    """

    def __init__(self, packed: str, made: Callable[[bytes], Value]) -> None:
        super().__init__()
        self._packed = packed
        self._made = made

    def __missing__(self, size: int) -> bytes:
        alone = bytes(pack({self._packed: self._made(bytes(size))}))
        head = self[size] = alone[_MAP_OF_ONE : len(alone) - size]
        return head


def _text_part(packed: str, name: str, field: Field) -> Part:
    """Return what packs a text that matched."""
    decoded: Callable[[str], bytes] = bytes.fromhex if field.type in ("hex", "key") else str.encode
    if field.type == "key":
        algorithm = field.algorithm or ""
        heads = _Heads(packed, lambda clear: Key(clear, name, algorithm, Usage.CARD_KEY))
    elif field.is_secret:
        heads = _Heads(packed, lambda clear: Secret(clear, name))
    else:
        heads = _Heads(packed, bytes if field.type == "hex" else bytes.decode)

    def part(text: str) -> bytes:
        value = decoded(text)
        return heads[len(value)] + value

    return part


def _value_part(packed: str) -> Part:
    """Return what packs any value."""
    return lambda value: bytes(pack({packed: value})[_MAP_OF_ONE:])


def _map_head(names: Sequence[str]) -> bytes:
    """Return what a mapping with these names begins with, as it is packed."""
    whole = pack(dict.fromkeys(names, 0))
    return bytes(whole[: len(whole) - sum(len(_value_part(name)(0)) for name in names)])
