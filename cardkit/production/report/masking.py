"""Findings as people may see them: contents that are not public become lengths (security.md 1, L1).

What is public only the application knows, so that each finding brings its own class.
"""

from __future__ import annotations

import re
from dataclasses import replace

from cardkit.desired import Finding, Secrecy

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
# Words about a personal file may stay; a run of digits this long may be the number itself.
_NUMBER = re.compile(r"[0-9A-Fa-f]{5,}")


def masked(finding: Finding) -> Finding:
    """Return the finding without personal data; where contents differ is still said.

    >>> from cardkit.desired import Severity
    >>> masked(Finding("UICC-030", Severity.ERROR, "", "ADF.USIM/EF.IMSI", "0809101000", "0809101001", "x")).decoded
    'byte 5 of 5 differs'
    """
    if finding.secrecy is Secrecy.PUBLIC:
        return finding
    expected, actual = (_without_contents(text, finding.secrecy) for text in (finding.expected, finding.actual))
    return replace(finding, expected=expected, actual=actual, decoded=_places(finding.expected, finding.actual))


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
