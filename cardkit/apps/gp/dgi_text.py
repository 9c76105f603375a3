"""Data groupings as text, for exchange and comparison: one ``DGIxxxx=hex`` a line."""

from __future__ import annotations

import re

from cardkit.apps.gp.storedata import Grouping, is_secret
from cardkit.errors import EncodingError

_LINE = re.compile(r"DGI\s*([0-9A-F]{4})\s*=\s*((?:[0-9A-F]{2}\s*)*)", re.IGNORECASE)


def parse_dgi_text(text: str, where: str = "DGI file") -> list[Grouping]:
    """Read groupings in order; blank lines and lines that begin with ``#`` are skipped.

    Those with identifiers 8xxx are taken as secret.

    :param where: the file's name, for errors; a line's content never stands in one.
    :raises EncodingError: on a line of another form, and on a file without groupings.

    >>> [(f"{item.tag:04X}", item.secret) for item in parse_dgi_text("DGI0101=70 02 57 00\\nDGI8000=" + "00" * 16)]
    [('0101', False), ('8000', True)]
    """
    groupings = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise EncodingError(f"{where}: line {number}: expected DGIxxxx=hex")
        tag = int(match[1], 16)
        groupings.append(Grouping(tag, bytes.fromhex(match[2]), secret=is_secret(tag)))
    if not groupings:
        raise EncodingError(f"{where}: no data grouping in it, expected lines DGIxxxx=hex")
    return groupings
