"""One field of a record: what it may hold, and how its text becomes a value (production.md 9)."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from cardkit.crypto.key import ALGORITHMS
from cardkit.crypto.wrap import Wrapping

FieldType = Literal["digits", "hex", "ascii", "text", "enum", "date", "const", "base64", "number", "key"]

# Options that mean something for some types only; the others hold for every type.
OPTIONS: dict[str, frozenset[str]] = {
    "digits": frozenset({"min", "max", "check", "transport", "wrap", "kcv", "make"}),
    "ascii": frozenset({"min", "max", "transport", "wrap", "kcv"}),
    "text": frozenset({"min", "max", "normalize"}),
    "number": frozenset({"min", "max"}),
    "hex": frozenset({"bytes", "transport", "wrap", "kcv", "make"}),
    "base64": frozenset({"bytes"}),
    "enum": frozenset({"values"}),
    "const": frozenset({"value"}),
    "date": frozenset({"format"}),
    "key": frozenset({"algorithm", "transport", "wrap", "kcv", "make"}),
}
REQUIRED = {"enum": "values", "const": "value", "date": "format", "key": "algorithm"}
_DATE_FORMAT = re.compile(r"(?:%[Yymd]|[^%])*")
_KCV = re.compile(r"[0-9A-F]{6}([0-9A-F]{4})?|header\.[a-z][a-z0-9_]*")
_TYPED = frozenset().union(*OPTIONS.values())


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rule of one field.

    :param min: fewest characters (digits, ascii, text, number).  :param max: most characters.
    :param bytes: length of the value (hex, base64).  :param key: kind of the duplicate digest this field is part of.
    :param class_: ``class`` in TOML; a key is always secret.  :param format: strftime form with %Y %y %m %d.
    :param transport: key reference, or ``header.NAME`` for a key index of the order; empty for a clear value.
    :param kcv: check value of the transport key, hex, or ``header.NAME`` where the order has it.
    :param make: ``random``: the plant makes the value where the order has no such column.
    :param default: text used where the order has no such column.
    """

    type: FieldType
    min: int | None = None
    max: int | None = None
    bytes: int | None = None
    check: Literal["luhn"] | None = None
    key: str | None = None
    class_: Literal["public", "personal", "secret"] = msgspec.field(default="public", name="class")
    values: tuple[str, ...] | None = None
    value: str | None = None
    format: str | None = None
    algorithm: str | None = None
    transport: str | None = None
    wrap: Wrapping | None = None
    kcv: str | None = None
    make: Literal["random"] | None = None
    normalize: Literal["uz-apostrophe"] | None = None
    default: str | None = None

    def __post_init__(self) -> None:
        """Refuse options that do not fit the type; msgspec turns ValueError into an error with the path."""
        for option in sorted(_TYPED - OPTIONS[self.type]):
            if getattr(self, option) is not None:
                raise ValueError(f'"{option}" has no meaning for type "{self.type}"')
        needed = REQUIRED.get(self.type)
        if needed and getattr(self, needed) is None:
            raise ValueError(f'type "{self.type}" needs "{needed}"')
        self._check_numbers()
        self._check_names()
        self._check_secrecy()

    def _check_names(self) -> None:
        if self.algorithm is not None and self.algorithm not in ALGORITHMS:
            raise ValueError(f'algorithm "{self.algorithm}", expected one of {", ".join(ALGORITHMS)}')
        if self.format is not None and not _DATE_FORMAT.fullmatch(self.format):
            raise ValueError(f'date format "{self.format}": only %Y, %y, %m and %d are known')
        for option in ("wrap", "kcv"):
            if getattr(self, option) is not None and not self.transport:
                raise ValueError(f'"{option}" needs "transport"')
        if self.kcv is not None and not _KCV.fullmatch(self.kcv):
            raise ValueError('"kcv" must be 6 or 10 hex digits, or header.NAME')

    def _check_secrecy(self) -> None:
        if self.is_secret and (self.default is not None or self.type == "const"):
            raise ValueError("a secret never stands in a profile: no default, no const")
        if self.make is not None and not (self.is_secret and self._has_one_length):
            raise ValueError('"make" is for a secret of one length: "min" = "max", or "bytes"')
        if self.key is not None and (self.is_secret or self.type in ("hex", "base64")):
            raise ValueError('"key" is for values that stand in text and are not secret')

    def _check_numbers(self) -> None:
        for option in ("min", "max", "bytes"):
            number = getattr(self, option)
            if number is not None and not 0 <= number <= 1 << 16:
                raise ValueError(f'"{option}" is {number}, expected 0 to 65536')
        if self.max is not None and self.max < self.least:
            raise ValueError(f'"max" is {self.max}, less than "min", which is {self.least}')
        if self.type == "number" and (self.max is None or self.max > 18 or self.least < 1):
            raise ValueError('type "number" needs "max" of 18 digits or fewer, and "min" of 1 or more')

    @property
    def _has_one_length(self) -> bool:
        return self.type == "key" or self.bytes is not None or (self.max is not None and self.least == self.max)

    @property
    def least(self) -> int:
        """Fewest characters: 1 unless declared."""
        return 1 if self.min is None else self.min

    @property
    def is_secret(self) -> bool:
        """Whether its value is a Secret or Key."""
        return self.class_ == "secret" or self.type == "key"

    @property
    def is_supplied(self) -> bool:
        """Whether a record has it without a column: a constant, a default, or a value the plant makes."""
        return self.type == "const" or self.default is not None or self.make is not None

    @property
    def is_masked(self) -> bool:
        """Whether no message may show its value."""
        return self.is_secret or self.class_ == "personal"
