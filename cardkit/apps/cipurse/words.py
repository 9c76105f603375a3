"""Rules of files and keys as people read them."""

from __future__ import annotations

from typing import Any

from cardkit.apps.cipurse.access import STANDARD, FileRules, GroupTable, Security
from cardkit.apps.cipurse.attributes import KeyAttributes, KeyRight

_KEY_RIGHTS = {
    KeyRight.SELF_ONLY: "changed by itself only",
    KeyRight.NO_KEK: "no keys under it",
    KeyRight.INVALID: "invalid",
}


def rules(security: Security | None, groups: GroupTable = STANDARD.file) -> dict[str, Any]:
    """Return who may do what, and how protected; rights nobody needs a name for stay numbers."""
    if security is None:
        return {"rules": "none"}
    who = {f"key {number}" if number else "anybody": right for number, right in enumerate(security.art)}
    shown = FileRules(security, groups)
    levels = {f"{operation}": str(shown.pair(operation)) for operation in groups if groups[operation].messaging}
    return {
        "rights": {name: _rights(art, groups) or "nothing" for name, art in who.items()},
        "messaging": {name: level for name, level in levels.items() if level != "plain/plain"},
    }


def _rights(art: int, groups: GroupTable) -> str:
    """Return the operations of one byte of rights, and the bits no operation is known for."""
    known = {groups[operation].right: f"{operation}".replace("_", " ") for operation in reversed(list(groups))}
    names = [known.get(group, f"group {group}") for group in range(1, 9) if art >> (group - 1) & 1]
    return ", ".join(names)


def key(told: KeyAttributes) -> str:
    """Return what a card says of a key."""
    rights = [text for bit, text in _KEY_RIGHTS.items() if told.attribute & bit]
    if not told.attribute & KeyRight.CHANGEABLE:
        rights.append("frozen")
    return ", ".join((f"version {told.add_info:02X}", f"KVV {told.kvv.hex().upper()}", *rights))
