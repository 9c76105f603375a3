"""The name field of a machine readable zone: primary and secondary identifier, and what to do when they are too long.

ICAO Doc 9303-3 4.6, 9303-4 4.2.3, 9303-5 4.2.3, 9303-6 4.2.3
"""

from __future__ import annotations

from cardkit.errors import EncodingError

_FILLER = "<"
_BETWEEN = "<<"
_LEAST_SECONDARY = 1


def name_field(primary: str, secondary: str, size: int) -> str:
    """Return the field, filled up, or truncated so that its last place is a letter.

    The last components of the secondary identifier are shortened first, then those of the primary.

    :param primary, secondary: components with ``<`` or spaces between them, in the characters of a zone.
    :param size: characters of the field.
    :raises EncodingError: where there is no primary identifier.

    >>> name_field("ERIKSSON", "ANNA MARIA", 31)
    'ERIKSSON<<ANNA<MARIA<<<<<<<<<<<'
    >>> name_field("NILAVADHANANANDA", "CHAYAPA DEJTHAMRONG KRASUANG", 39)
    'NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K'
    """
    first, second = _components(primary), _components(secondary)
    if not first:
        raise EncodingError("name: the primary identifier is empty")
    if not second:
        return _cut(first, size).ljust(size, _FILLER)
    whole = first + _BETWEEN + second
    if len(whole) <= size:
        return whole.ljust(size, _FILLER)
    kept = _cut(first, size - len(_BETWEEN) - _LEAST_SECONDARY)
    return (kept + _BETWEEN + _cut(second, size - len(kept) - len(_BETWEEN))).ljust(size, _FILLER)


def split_name(field: str) -> tuple[str, str]:
    """Return primary and secondary identifier of a field, spaces in place of fillers.

    >>> split_name("ERIKSSON<<ANNA<MARIA<<<<")
    ('ERIKSSON', 'ANNA MARIA')
    """
    primary, _, secondary = field.partition(_BETWEEN)
    return _words(primary), _words(secondary)


def _components(text: str) -> str:
    return _words(text).replace(" ", _FILLER)


def _words(text: str) -> str:
    return " ".join(text.replace(_FILLER, " ").split())


def _cut(text: str, room: int) -> str:
    """Return as much as there is room for, ending in a letter: a component before gives one up for it if it must."""
    if len(text) <= room:
        return text
    cut = text[:room]
    if not cut.endswith(_FILLER):
        return cut
    parts = text[: room + 1].split(_FILLER)  # the last part is the one letter that has to find its place
    for at in range(len(parts) - 2, -1, -1):
        if len(parts[at]) > 1:
            parts[at] = parts[at][:-1]
            return _FILLER.join(parts)
    return cut.rstrip(_FILLER)
