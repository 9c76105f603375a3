"""Normal forms a layout may declare for a text field; every change is counted in the import."""

from __future__ import annotations

import re

# Modifier letter turned comma, which Uzbek Latin o and g carry, and the six ways files write it.
TURNED_COMMA = "\u02bb"
_UZ = re.compile("(?<=[oOgG])[\u02bb\u02bc\u2018\u2019'`]")


def uz_apostrophe(text: str) -> str:
    """Return Uzbek Latin text with U+02BB after o and g, whichever apostrophe the file has.

    >>> uz_apostrophe("O'zbekiston") == "O\u02bbzbekiston"
    True
    """
    return _UZ.sub(TURNED_COMMA, text)
