"""What the standards say of a file: one line an entry in the tables beside this module.

Clauses of TS 102 221 chapter 8 are from memory.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from cardkit.apps.uicc.codecs.base import Codec, Value
from cardkit.desired import Secrecy
from cardkit.errors import EncodingError

CURRENT_ADF = 0x7FFF
"""FID that stands for the application active on the channel (TS 102 221 8.3)."""


class Structure(Enum):
    """How the body of a file is divided (TS 102 221 8.2.2)."""

    TRANSPARENT = "transparent"
    LINEAR_FIXED = "linear fixed"
    CYCLIC = "cyclic"
    BER_TLV = "BER-TLV"

    @property
    def has_records(self) -> bool:
        """Whether the body is records."""
        return self in {Structure.LINEAR_FIXED, Structure.CYCLIC}


class Condition(Enum):
    """What must be fulfilled before a file is read or updated."""

    ALWAYS = "always"
    PIN1 = "PIN1"
    PIN2 = "PIN2"
    ADM = "ADM"
    NEVER = "never"
    PIN1_OR_ADM = "PIN1 or ADM, the operator's choice"


PUBLIC, PERSONAL, SECRET = Secrecy.PUBLIC, Secrecy.PERSONAL, Secrecy.SECRET

_CONDITIONS = {
    "w": Condition.ALWAYS, "P": Condition.PIN1, "2": Condition.PIN2, "A": Condition.ADM, "n": Condition.NEVER,
    "*": Condition.PIN1_OR_ADM,
}  # fmt: skip
_STRUCTURES = {
    "T": Structure.TRANSPARENT, "L": Structure.LINEAR_FIXED, "C": Structure.CYCLIC, "B": Structure.BER_TLV,
}  # fmt: skip


class EF(NamedTuple):
    """One line of a table.

    :param sfi: 0 if the file has none.
    :param body: structure and bytes (of a record where there are records): ``T 9``, ``L 14+``, ``T 4-6``, ``B``.
    :param access: read / update: w always, P PIN1, 2 PIN2, A ADM, n never, * operator's choice of PIN1 and ADM.
    :param blank: contents before use: hexadecimal digits, the last byte filling up; with ``*`` behind, all repeated;
        ``op`` where the operator says.
    :param service: numbers in the application's service table: ``2|89`` any, ``71&73`` all, empty: the file always is.
    """

    name: str
    fid: int
    sfi: int
    body: str
    access: str
    blank: str
    codec: Codec
    clause: str
    service: str = ""
    secrecy: Secrecy = PUBLIC


@dataclass(frozen=True, slots=True, eq=False)
class FileSpec:
    """An elementary file of the catalogue; each is itself alone, which makes it a quick key of what is kept by file.

    :param name: directory and file: ``ADF.USIM/EF.IMSI``.  :param path: FIDs from the MF on, without the MF itself;
        7FFF where the path starts at an application.
    :param size_min: bytes of the body, of one record where there are records.  :param size_max: None if open.
    """

    name: str
    path: tuple[int, ...]
    sfi: int | None
    structure: Structure
    size_min: int
    size_max: int | None
    read: Condition
    update: Condition
    blank: str
    codec: Codec
    clause: str
    services_any: tuple[int, ...]
    services_all: tuple[int, ...]
    secrecy: Secrecy

    @property
    def fid(self) -> int:
        """File identifier."""
        return self.path[-1]

    @property
    def directory(self) -> str:
        """Name of the directory the file lies in: ``ADF.USIM``, ``ADF.USIM/DF.5GS``, ``MF``."""
        return self.name.rpartition("/")[0]

    @property
    def title(self) -> str:
        """Name of the file itself: ``EF.IMSI``."""
        return self.name.rpartition("/")[2]

    @property
    def conditional(self) -> bool:
        """Whether the file exists only with a service."""
        return bool(self.services_any or self.services_all)

    def offered(self, services: Container[int]) -> bool:
        """Whether a card with these services must have the file (TS 31.102 4.2.8)."""
        chosen = not self.services_any or any(number in services for number in self.services_any)
        return chosen and all(number in services for number in self.services_all)

    def blank_body(self, size: int) -> bytes:
        """Return the body (or record) before use, of `size` bytes.

        :raises EncodingError: where only the operator knows it.
        """
        if self.blank == "op":
            raise EncodingError(f"{self.name}: the standard has no blank content, give one")
        pattern = bytes.fromhex(self.blank.removesuffix("*"))
        if self.blank.endswith("*"):
            return (pattern * (size // len(pattern) + 1))[:size]
        return pattern[:size].ljust(size, pattern[-1:])

    def decode(self, body: bytes) -> Value:
        """Return the named fields of a body or record; never raises."""
        return self.codec.decode(body)

    def encode(self, value: Mapping[str, Any], size: int) -> bytes:
        """Return the body or record of `size` bytes.

        :raises EncodingError: naming file and field, what was got and what is expected.
        """
        try:
            return self.codec.encode(value, size)
        except EncodingError as error:
            raise EncodingError(f"{self.name}: {error}") from None


def expand(directory: str, path: tuple[int, ...], standard: str, line: EF) -> FileSpec:
    """Return the entry of one line.

    :param directory: its name.  :param path: its FIDs.  :param standard: the one the clauses belong to.
    """
    structure, size_min, size_max = _body(line.body)
    read, update = (_CONDITIONS[letter] for letter in line.access.split("/"))
    any_of = tuple(int(number) for number in line.service.split("|") if "&" not in line.service and number)
    all_of = tuple(int(number) for number in line.service.split("&")) if "&" in line.service else ()
    return FileSpec(
        name=f"{directory}/EF.{line.name}",
        path=(*path, line.fid),
        sfi=line.sfi or None,
        structure=structure,
        size_min=size_min,
        size_max=size_max,
        read=read,
        update=update,
        blank=line.blank,
        codec=line.codec,
        clause=line.clause if line.clause.startswith(("TS ", "C.S", "vendor")) else f"{standard} {line.clause}".strip(),
        services_any=any_of,
        services_all=all_of,
        secrecy=line.secrecy,
    )


def _body(text: str) -> tuple[Structure, int, int | None]:
    form = re.fullmatch(r"([TLCB])(?: (\d+)(?:(\+)|-(\d+))?)?", text)
    if form is None:
        raise EncodingError(f"file table: got body {text!r}, expected one such as T 9, L 14+ or B")
    letter, least, more, most = form.groups()
    size = int(least or 1)
    top = int(most) if most else None if more or least is None else size
    return _STRUCTURES[letter], size, top
