"""Findings as people may see them: contents of files with personal data become lengths (security.md 1, L1)."""

from __future__ import annotations

import re
from dataclasses import replace

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.files.spec import Secrecy
from cardkit.desired import Finding

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
# Words about a personal file may stay; a run of digits this long may be the number itself.
_NUMBER = re.compile(r"[0-9A-Fa-f]{5,}")


def masked(finding: Finding) -> Finding:
    """Return the finding without personal data; where contents differ is still said.

    >>> from cardkit.desired import Severity
    >>> masked(Finding("UICC-030", Severity.ERROR, "", "ADF.USIM/EF.IMSI", "0809101000", "0809101001", "x")).decoded
    'byte 5 of 5 differs'
    """
    kind = _secrecy(finding.where)
    if kind is Secrecy.PUBLIC:
        return finding
    expected, actual = (_without_contents(text, kind) for text in (finding.expected, finding.actual))
    return replace(finding, expected=expected, actual=actual, decoded=_places(finding.expected, finding.actual))


def _secrecy(where: str) -> Secrecy:
    """Class of a file by its name, ``ADF.USIM/EF.SMSP#1``; an unknown file is taken for a secret one."""
    spec = CATALOGUE.get(where.partition("#")[0])
    if spec is not None:
        return spec.secrecy
    return Secrecy.SECRET if "EF." in where else Secrecy.PUBLIC


def _without_contents(text: str, kind: Secrecy) -> str:
    if _HEX.fullmatch(text):
        return f"<{len(text) // 2}:{kind.name}>"
    return _NUMBER.sub(f"<{kind.name}>", text)


def _places(expected: str, actual: str) -> str:
    if not (_HEX.fullmatch(expected) and _HEX.fullmatch(actual) and len(expected) == len(actual)):
        return ""
    pairs = zip(bytes.fromhex(expected), bytes.fromhex(actual), strict=True)
    places = [str(place) for place, (want, got) in enumerate(pairs, 1) if want != got]
    if not places:
        return ""
    verb = "byte {} of {} differs" if len(places) == 1 else "bytes {} of {} differ"
    return verb.format(", ".join(places), len(expected) // 2)
