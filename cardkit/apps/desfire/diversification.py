"""M, what a key is diversified with: parts in order, some of them the card's (transport sheet 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cardkit.errors import EncodingError


def join_parts(parts: Iterable[str], known: Mapping[str, bytes]) -> bytes:
    """Return M.

    :param parts: names of ``known``, ``hex:...`` or ``ascii:...``.  :raises EncodingError: naming any other part.

    >>> join_parts(["uid", "ascii:UZ"], {"uid": bytes.fromhex("04112233445566")}).hex()
    '04112233445566555a'
    """
    return b"".join(known[part] if part in known else _constant(part, known) for part in parts)


def _constant(part: str, known: Mapping[str, bytes]) -> bytes:
    form, _, text = part.partition(":")
    try:
        if form == "hex":
            return bytes.fromhex(text)
        if form == "ascii":
            return text.encode("ascii")
    except ValueError:
        pass
    raise EncodingError(f"part {part!r} of M: expected {', '.join(known)}, hex:.. or ascii:..")
