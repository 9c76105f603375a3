"""Whose package it is: the values of a record that stand in its files, and where a text has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cardkit.apps.uicc.saip.drafts import CardFile
from cardkit.apps.uicc.saip.filesystem import FileSystem
from cardkit.errors import ProfileError

_NUMBER = re.compile(r"\+(\d{5,15})")
_ACCESS_CLASS = "ADF.USIM/EF.ACC"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Numbers of a package.

    :param values: ``iccid``, ``imsi`` and, where there is one, ``msisdn``.  :param mnc: 2 or 3 digits.
    """

    values: Mapping[str, str]
    mnc: str

    def templated(self, name: str, value: Any) -> Any:
        """Return a decoded value with the record's numbers named: ``sip:{imsi}@...``.

        :param name: of the file: the access class follows from the IMSI.
        """
        if name == _ACCESS_CLASS and value == {"classes": [int(self.values["imsi"][-1])]}:
            return {"raw": "{imsi|acc}"}
        if isinstance(value, Mapping):
            return {field: self.templated("", part) for field, part in value.items()}
        if isinstance(value, list):
            return [self.templated("", part) for part in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = text.replace("{", "{{").replace("}", "}}")
        for field, digits in self.values.items():
            text = re.sub(rf"(?<![0-9A-Za-z]){digits}(?![0-9A-Za-z])", f"{{{field}}}", text)
        return text


def read_subscriber(files: FileSystem) -> Subscriber:
    """Return the numbers of a package.  :raises ProfileError: when it has no ICCID or no IMSI."""
    iccid = _decoded(files, "MF/EF.ICCID").get("iccid")
    imsi = _decoded(files, "ADF.USIM/EF.IMSI").get("imsi")
    if not isinstance(iccid, str) or not isinstance(imsi, str):
        raise ProfileError("profile package: expected an ICCID in MF/EF.ICCID and an IMSI in ADF.USIM/EF.IMSI")
    number = _NUMBER.fullmatch(str(_decoded(files, "ADF.USIM/EF.MSISDN").get("number", "")))
    length = _decoded(files, "ADF.USIM/EF.AD").get("mnc_length")
    values = {"iccid": iccid, "imsi": imsi, **({"msisdn": number[1]} if number else {})}
    return Subscriber(values, imsi[3:6] if length == 3 else imsi[3:5])


def _decoded(files: FileSystem, name: str) -> Mapping[str, Any]:
    """Return a file's first record, decoded; nothing where there is none."""
    file: CardFile | None = files.named(name)
    records = file.records() if file else []
    return file.spec.decode(records[0]) if file and file.spec and records else {}
