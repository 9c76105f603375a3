"""What GlobalPlatform objects look like in words and in JSON."""

from __future__ import annotations

from datetime import date
from typing import Any

from cardkit.apps.gp.aids import aid_name
from cardkit.apps.gp.tags import (
    CPLC,
    CardCapabilities,
    CardRecognitionData,
    KeyEntry,
    Memory,
    Privileges,
    StatusEntry,
    cplc_date,
)
from cardkit.apps.gp.tags.cplc import DATES
from cardkit.apps.gp.tags.keyinfo import CURVES
from cardkit.errors import EncodingError

Document = dict[str, Any]

_CONTACTLESS, _CONTACT, _CHANNEL = 0x80, 0x40, 0x1F


def upper_hex(value: bytes | None) -> str | None:
    """Return bytes in upper hex, None for none."""
    return None if value is None else value.hex().upper()


def words(name: str) -> str:
    """Return a privilege or field name as people write it: ``card lock``."""
    return name.lower().replace("_", " ")


def privilege_words(privileges: Privileges | None) -> list[str]:
    """Return privileges in words, bits without a meaning by their value."""
    if privileges is None:
        return []
    reserved = [f"reserved bits {privileges.reserved:06X}"] if privileges.reserved else []
    return [words(name) for name in privileges.names] + reserved


def entry_document(entry: StatusEntry) -> Document:
    """Return a registry entry as ``--json`` shows it: only what the card gives."""
    found: Document = {
        "kind": str(entry.kind),
        "aid": upper_hex(entry.aid),
        "name": aid_name(entry.aid) or None,
        "state": entry.state,
        "life_cycle": f"{entry.life_cycle:02X}",
        "privileges": privilege_words(entry.privileges) if entry.privileges is not None else None,
        "domain": upper_hex(entry.domain),
        "load_file": upper_hex(entry.load_file),
        "version": version_text(entry.version),
        "modules": [upper_hex(module) for module in entry.modules] or None,
        "implicit_selections": [selection_words(value) for value in entry.implicit_selections] or None,
        "unknown": {f"{item.tag:02X}": upper_hex(item.value) for item in entry.unknown} or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def version_text(version: bytes | None) -> str | None:
    """Return the version of a load file: ``1.2``; hex where it is not two bytes."""
    if not version:
        return None
    return f"{version[0]}.{version[1]}" if len(version) == 2 else version.hex().upper()


def selection_words(value: int) -> str:
    """Say where an application is selected by itself (GPCS 11.1.7).

    >>> selection_words(0xC1)
    'contactless, contact, channel 1'
    """
    names = ((_CONTACTLESS, "contactless"), (_CONTACT, "contact"))
    return ", ".join([*(name for bit, name in names if value & bit), f"channel {value & _CHANNEL}"])


def key_document(entry: KeyEntry) -> Document:
    """Return one key of the key information template."""
    return {
        "kvn": f"{entry.kvn:02X}",
        "kid": f"{entry.kid:02X}",
        "type": entry.name,
        "usage": entry.usage_name,
        "access": entry.access_name,
    }


def recognition_document(data: CardRecognitionData) -> Document:
    """Return card recognition data."""
    return {
        "version": data.version,
        "protocols": [str(option) for option in data.protocols],
        "identifies_itself": data.uniquely_identifiable,
        "configuration": data.configuration,
        "chip": data.chip,
        "findings": list(data.findings),
    }


def capabilities_document(data: CardCapabilities) -> Document:
    """Return card capability information."""
    return {
        "protocols": [
            {
                "scp": f"{item.scp:02X}",
                "i": [f"{option:02X}" for option in item.values],
                "aes_bits": list(item.aes_bits),
            }
            for item in data.protocols
        ],
        "domain_privileges": privilege_words(data.domain_privileges),
        "application_privileges": privilege_words(data.application_privileges),
        "load_file_hashes": list(data.hashes),
        "load_file_ciphers": list(data.ciphers),
        "tokens": list(data.tokens),
        "receipts": list(data.receipts),
        "daps": list(data.daps),
        "curves": [CURVES.get(curve, f"{curve:02X}") for curve in data.curves],
        "findings": ["67 stands inside 67"] if data.nested else [],
    }


def capability_lines(document: Document) -> list[tuple[str, str]]:
    """Return what :func:`capabilities_document` says as name and words, those the card gives."""
    lines = [("protocols", "; ".join(map(_protocol_text, document["protocols"])))]
    lines += [(words(name), ", ".join(document[name])) for name in document if name not in ("protocols", "findings")]
    return [(name, text) for name, text in lines if text]


def _protocol_text(item: Document) -> str:
    sizes = f" AES-{'/'.join(map(str, item['aes_bits']))}" if item["aes_bits"] else ""
    return f"SCP{item['scp']} i={'/'.join(item['i'])}{sizes}"


def cplc_document(data: CPLC, today: date) -> Document:
    """Return every field of the production data: its hex, and the day where it is a date."""
    return {name: {"hex": upper_hex(value), **_meaning(data, name, value, today)} for name, value in data.items()}


def _meaning(data: CPLC, name: str, value: bytes, today: date) -> Document:
    if name == "ic_fabricator" and data.fabricator_name:
        return {"means": data.fabricator_name}
    if name not in DATES:
        return {}
    try:
        day = cplc_date(value, today)
    except EncodingError:
        return {"means": "no date"}
    return {"means": day.isoformat() if day else "not set"}


def memory_document(data: Memory) -> Document:
    """Return the room on a card, in bytes."""
    return {"applications": data.applications, "free_nvm": data.free_nvm, "free_ram": data.free_ram}
