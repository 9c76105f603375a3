"""What a security domain tells without a session, as plain data: no key is used, no try is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeVar

from cardkit.apps.gp import words
from cardkit.apps.gp.aids import aid_name
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.discovery import DataTag
from cardkit.apps.gp.words import Document
from cardkit.channel import Channel
from cardkit.errors import ProtocolError, StatusError

PART = "globalplatform"

T = TypeVar("T")

# Objects that are a number or a name.
VALUES = {
    "issuer_number": DataTag.ISSUER_NUMBER,
    "card_number": DataTag.CARD_NUMBER,
    "sequence_counter": DataTag.SEQUENCE_COUNTER,
    "confirmation_counter": DataTag.CONFIRMATION_COUNTER,
    "diversification_data": DataTag.DIVERSIFICATION_DATA,
}

# What only a security domain has.
_TELLING = ("recognition", "capabilities", "keys", "cplc")


def look(channel: Channel, today: date) -> Document:
    """Return the issuer security domain's part of a dump.

    :param today: the latest day a date can be.
    :raises CardError: when no such domain answers.  :raises TransportError: when the link fails.
    """
    found = read_domain(SecurityDomain.select(channel), today)
    if not any(name in found for name in _TELLING):
        raise ProtocolError("what was selected tells nothing that a security domain does")
    return {"class": "GlobalPlatform", PART: found}


def read_domain(domain: SecurityDomain, today: date) -> Document:
    """Read one object after another; what the card refuses or garbles stands under ``troubles``.

    :returns: only what the card gives.
    """
    return _Survey(domain, today).document()


class _Survey:
    def __init__(self, domain: SecurityDomain, today: date) -> None:
        self._domain = domain
        self._today = today
        self._troubles: dict[str, str] = {}

    def document(self) -> Document:
        """Read everything."""
        domain = self._domain
        found: Document = {
            "domain": words.upper_hex(domain.aid) or None,
            "card_locked": domain.card_locked,
            "max_command_data": domain.fci.max_command_data,
            "recognition": self._read("recognition", domain.card_data, words.recognition_document),
            "capabilities": self._read("capabilities", domain.capabilities, words.capabilities_document),
            "keys": self._read("keys", domain.key_information, lambda keys: list(map(words.key_document, keys))),
            "cplc": self._read("cplc", domain.cplc, lambda cplc: words.cplc_document(cplc, self._today)),
            "memory": self._read("memory", domain.memory, words.memory_document),
            "applications": self._read(
                "applications", domain.applications, lambda aids: list(map(words.upper_hex, aids))
            ),
        }
        found |= {name: self._value(name, tag) for name, tag in VALUES.items()}
        found |= {"findings": list(domain.fci.findings), "troubles": self._troubles}
        return {name: value for name, value in found.items() if value is not None}

    def _value(self, name: str, tag: DataTag) -> str | None:
        value: str | None = self._read(name, lambda: self._domain.value(tag), words.upper_hex)
        return value

    def _read(self, name: str, read: Callable[[], T | None], describe: Callable[[T], Any]) -> Any:
        try:
            value = read()
        except (StatusError, ProtocolError) as error:
            self._troubles[name] = str(error)
            return None
        return None if value is None else describe(value)


# Its places, one by one


class _Place(NamedTuple):
    """What stands at a place, and what it means where the value alone does not say."""

    where: str
    value: str
    meaning: str = ""


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: ``CPLC ic serial``, ``key 01 of key set 30``."""
    yield from ((place.where, place.value) for place in _places(document[PART]))


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the places as lines of an indented tree."""
    aid = document[PART].get("domain", "")
    yield f"  security domain {aid or 'that does not say its AID'}"
    for where, value, meaning in filter(lambda place: place.value, _places(document[PART])):
        yield f"    {where}: {value}{f' ({meaning})' if meaning else ''}"
    for finding in document[PART]["findings"]:
        yield f"    ! {finding}"


def _places(found: Document) -> Iterator[_Place]:
    aid = found.get("domain", "")
    yield _Place("AID", aid, aid_name(bytes.fromhex(aid)))
    yield _Place("card locked", "yes" if found["card_locked"] else "no")
    yield _Place("longest command data", str(found["max_command_data"]))
    yield from _templates(found)
    for name, value in found.get("memory", {}).items():
        yield _Place(f"room (FF21): {words.words(name)}", str(value))
    for key in found.get("keys", ()):
        about = ", ".join(filter(None, (key["type"], key["usage"], key["access"])))
        yield _Place(f"key {key['kid']} of key set {key['kvn']}", about)
    for name, item in found.get("cplc", {}).items():
        yield _Place(f"CPLC {words.words(name)}", item["hex"], item.get("means", ""))
    if "applications" in found:
        yield _Place("applications (2F00)", ", ".join(found["applications"]))
    yield from (
        _Place(f"{words.words(name)} ({tag:02X})", found[name]) for name, tag in VALUES.items() if name in found
    )
    yield from (_Place(f"{words.words(name)} cannot be read", text) for name, text in found["troubles"].items())


def _templates(found: Document) -> Iterator[_Place]:
    for name, value in found.get("recognition", {}).items():
        text = ", ".join(value) if isinstance(value, list) else value
        if text not in (None, ""):
            yield _Place(f"card recognition data (66): {words.words(name)}", str(text))
    for name, text in words.capability_lines(found["capabilities"]) if "capabilities" in found else ():
        yield _Place(f"card capabilities (67): {name}", text)
