"""The dictionary of payment tags: those of the EMV books, and overlays by kernel, template and rule set.

A bare tag has another meaning in each kernel from 9F50 on, so :func:`lookup` takes where it was met.
"""

from __future__ import annotations

from cardkit.apps.emv.tags import biometrics, card, kernel2, kernel3, kernel8, kernels4to7, private, terminal
from cardkit.apps.emv.tags.model import Lengths, Source, TagInfo, tag_bytes

__all__ = ["DICTIONARY", "Lengths", "Source", "TagInfo", "lookup", "meanings", "name_of", "tag_bytes"]

DICTIONARY: tuple[TagInfo, ...] = (
    *card.TEMPLATES,
    *card.SELECTION,
    *card.RECORDS,
    *card.ANSWERS,
    *card.DATA,
    *terminal.ISSUER,
    *terminal.TERMINAL,
    *biometrics.TEMPLATES,
    *biometrics.HEADER,
    *biometrics.VERIFICATION,
    *biometrics.TRIES,
    *biometrics.ATTEMPTS,
    *kernel2.CARD,
    *kernel2.READER,
    *kernel3.CARD,
    *kernel3.READER,
    *kernels4to7.C4_CARD,
    *kernels4to7.C4_READER,
    *kernels4to7.C5_READER,
    *kernels4to7.C6_READER,
    *kernels4to7.C6_CARD,
    *kernels4to7.C7_CARD,
    *kernels4to7.C7_READER,
    *kernel8.CARD,
    *kernel8.READER,
    *private.MCHIP,
    *private.INTERINDUSTRY,
    *private.GLOBALPLATFORM,
)
"""Every entry; no two have the same tag and context."""


def _by_tag() -> dict[bytes, tuple[TagInfo, ...]]:
    found: dict[bytes, tuple[TagInfo, ...]] = {}
    for info in DICTIONARY:
        found[info.tag] = (*found.get(info.tag, ()), info)
    return found


_BY_TAG = _by_tag()


def meanings(tag: bytes) -> tuple[TagInfo, ...]:
    """Return everything a tag can mean, the EMV books first."""
    return _BY_TAG.get(tag, ())


def lookup(tag: bytes, context: str = "") -> TagInfo | None:
    """Return what a tag means.

    :param tag: 1 to 3 bytes.
    :param context: where it was met: a kernel (``C-2`` to ``C-8``), ``M/Chip``, ``ISO``, ``GP``, or the template
        around it in hex (``BF4C``).
    :returns: the meaning in that context; else that of the EMV books; else the only one there is; None where nobody
        knows it, or several do and the context does not say which.

    >>> lookup(bytes.fromhex("9F38")).name
    'Processing Options Data Object List (PDOL)'
    >>> lookup(bytes.fromhex("9F6C"), "C-3").name
    'Card Transaction Qualifiers'
    >>> lookup(bytes.fromhex("9F6C")) is None
    True
    """
    known = _BY_TAG.get(tag, ())
    for wanted in (context, ""):
        for info in known:
            if info.context == wanted:
                return info
    return known[0] if len(known) == 1 else None


def name_of(tag: bytes, context: str = "") -> str:
    """Return a tag's name; where several meanings are possible, all of them with their contexts.

    >>> name_of(bytes.fromhex("9F6C"))
    'Mag-stripe Application Version Number (Card) (C-2) or Card Transaction Qualifiers (C-3)'
    """
    info = lookup(tag, context)
    if info is not None:
        return info.name
    return " or ".join(f"{each.name} ({each.context})" for each in meanings(tag)) or "unknown tag"
