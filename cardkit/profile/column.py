"""One column of an order or output file: where it stands, and what its values are (production.md 9)."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from cardkit.profile.field import OPTIONS, Field

Position = tuple[int, int]

_PATH = re.compile(r"([A-Za-z_][\w.-]*/)*@?[A-Za-z_][\w.-]*")


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a field stands in a row, and its rule where the profile's ``[record]`` has none.

    :param at: column of a delimited file, from 1; of XML the path below the record: ``pan``, ``@exp``, ``sim/iccid``.
    :param column: its name in the file's header, where that is another.
    :param bytes: fixed files: first byte from 1 and length; else the option of the rule.
    :param pad: side that is filled up (fixed files).  :param fill: the character it is filled with.
    :param start: the file gives the first value only: ``count`` counts on, ``luhn`` appends the check digit.
    """

    name: str
    at: int | str | None = None
    column: str | None = None
    bytes: Position | int | None = None
    pad: Literal["left", "right"] | None = None
    fill: str = " "
    start: Literal["count", "luhn"] | None = None
    type: str | None = None
    min: int | None = None
    max: int | None = None
    check: str | None = None
    key: str | None = None
    class_: str | None = msgspec.field(default=None, name="class")
    values: tuple[str, ...] | None = None
    value: str | None = None
    format: str | None = None
    algorithm: str | None = None
    transport: str | None = None
    wrap: str | None = None
    kcv: str | None = None
    normalize: str | None = None
    make: str | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that is no rule; msgspec turns ValueError into an error with the path."""
        if len(self.fill) != 1:
            raise ValueError(f'"fill" must be one character, got {len(self.fill)}')
        if isinstance(self.at, int) and self.at < 1:
            raise ValueError(f'"at" is {self.at}, columns count from 1')
        if isinstance(self.bytes, tuple) and (self.bytes[0] < 1 or self.bytes[1] < 1):
            raise ValueError('"bytes" must be [first byte from 1, length of 1 or more]')
        if isinstance(self.at, str) and not _PATH.fullmatch(self.at):
            raise ValueError(f'"at" is "{self.at[:80]}", expected names of elements, the last one "@name" or a name')
        self.rule()

    @property
    def label(self) -> str:
        """Its name in the file."""
        return self.column or self.name

    @property
    def place(self) -> Position:
        """First byte and length of a column in a fixed file; (0, 0) where it has none."""
        return self.bytes if isinstance(self.bytes, tuple) else (0, 0)

    def rule(self) -> Field | None:
        """Return the field's rule, or None where the profile's ``[record]`` has it; ValueError on a bad one."""
        options = {option: value for option in _RULE_OPTIONS if (value := getattr(self, option)) is not None}
        if not isinstance(self.bytes, int):
            options.pop("bytes", None)
        if self.class_ is not None:
            options["class"] = self.class_
        if self.type is None:
            if options:
                raise ValueError(f'"{min(options)}" needs a "type": a rule stands whole here or in [record]')
            return None
        try:
            return msgspec.convert(options, Field)
        except msgspec.ValidationError as error:
            raise ValueError(str(error).partition(" - at ")[0]) from None


_RULE_OPTIONS = frozenset().union(*OPTIONS.values(), {"type", "key"})
