"""From a dump, as :mod:`.dump` makes it and `cardkit dump --json` prints it, to the picture the rules look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.cat import ProactiveCommand
from cardkit.apps.uicc.fcp import FCI, FCP, Fcp
from cardkit.apps.uicc.files import CATALOGUE, DIRECTORIES, FileSpec
from cardkit.apps.uicc.files.phonebook import phone_book
from cardkit.apps.uicc.gsm import GsmStatus
from cardkit.apps.uicc.picture import CardPicture, Control
from cardkit.apps.uicc.pin import CodeState, CodeStatus
from cardkit.apps.uicc.suci import Suci
from cardkit.errors import EncodingError

OBSERVED, PRESENTED, DOMAIN = "observed", "presented", "globalplatform"
"""Parts of a document: what a card did when it was asked, secrets presented before, and its security domain."""

SECRET = "a secret, which the card does not give"  # noqa: S105  (words)
_STATUS = re.compile(r"card answered ([0-9A-F]{4}[^,]*)")
PBR = "EF.PBR"


def picture_of_dump(document: Mapping[str, Any]) -> CardPicture:
    """Return the picture of a dumped card.

    :raises EncodingError: when something is not as a dump has it.
    """
    try:
        return _Reader(document).picture()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise EncodingError(
            f"dump: {type(error).__name__} {error}, expected what `cardkit dump --json` prints"
        ) from None


class _Reader:
    """One document on its way to a picture."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._names: set[str] = set()
        self._controls: dict[str, Control] = {}
        self._faults: dict[str, str] = {}
        self._bodies: dict[str, bytes] = {}
        self._blanks: dict[str, bool] = {}
        self._refused: dict[str, str] = {}
        self._specs: dict[str, FileSpec] = {}

    def picture(self) -> CardPicture:
        """Read everything."""
        for directory in self._document["directories"]:
            self._directory(directory)
        return CardPicture(
            names=frozenset(self._names),
            controls=self._controls,
            faults=self._faults,
            bodies=self._bodies,
            blanks=self._blanks,
            refused=self._refused,
            specs=self._specs,
            unasked=self._unasked(),
            domain=_domain(self._document),
            **_observed(self._document.get(OBSERVED, {})),
        )

    def _unasked(self) -> frozenset[str] | None:
        """Return what was read, where nothing had been presented before."""
        if self._document.get(PRESENTED):
            return None
        return frozenset(name.partition("#")[0] for name in (*self._bodies, *self._blanks))

    def _directory(self, entry: Mapping[str, Any]) -> None:
        name = str(entry["name"])
        self._entry(name, entry)
        files = entry.get("files", [])
        self._specs |= {spec.name: spec for spec in _phone_book(name, files) if spec.name not in CATALOGUE}
        for file in files:
            full = f"{name}/{file['name']}"
            self._entry(full, file)
            self._contents(full, file)

    def _entry(self, name: str, entry: Mapping[str, Any]) -> None:
        self._names.add(name)
        if "fcp" not in entry:
            error = str(entry.get("error", "no answer of SELECT"))
            (self._refused if _STATUS.search(error) else self._faults)[name] = _short(error)
            return
        answer = bytes.fromhex(entry["fcp"])
        new = answer[:1] in (bytes((FCP,)), bytes((FCI,)))
        self._controls[name] = Fcp.parse(answer) if new else GsmStatus.parse(answer)

    def _contents(self, name: str, file: Mapping[str, Any]) -> None:
        parts = {f"{name}#{int(record['number'])}": record for record in file.get("records", [])} or {name: file}
        for where, part in parts.items():
            if "body" in part:
                self._bodies[where] = bytes.fromhex(part["body"])
            elif "blank" in part:
                self._blanks[where] = bool(part["blank"])
        if name not in self._controls:
            return
        if "error" in file:
            self._refused[name] = _short(str(file["error"]))
        elif file.get("hidden") and "blank" not in file:
            self._refused[name] = SECRET


def _short(error: str) -> str:
    """Return the status word of an error and what it means, the whole text where there is none."""
    found = _STATUS.search(error)
    return found.group(1) if found else error


def _phone_book(directory: str, files: list[Mapping[str, Any]]) -> list[FileSpec]:
    """Return the files the card's own EF.PBR names."""
    records = [record["value"] for file in files if file["name"] == PBR for record in file.get("records", [])]
    return phone_book(directory, DIRECTORIES[directory].path, records) if directory in DIRECTORIES else []


def _domain(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what rules ask of a security domain, None where the card has none."""
    if DOMAIN not in document:
        return None
    found = document[DOMAIN]
    return {"card_locked": bool(found["card_locked"]), "keys": [{"kvn": key["kvn"]} for key in found.get("keys", [])]}


# What a card did


def _observed(found: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "codes": {
            name: CodeStatus(CodeState[item["state"]], item["left"]) for name, item in found.get("codes", {}).items()
        },
        "by_sfi": {name: bytes.fromhex(body) for name, body in found.get("by_sfi", {}).items()},
    }
    if "chv" in found:
        parts["chv"] = GsmStatus.parse(bytes.fromhex(found["chv"]))
    if "identities" in found:
        parts["identities"] = tuple(Suci.parse(bytes.fromhex(item)) for item in found["identities"])
    if "asked" in found:
        parts["asked"] = tuple(ProactiveCommand.parse(bytes.fromhex(item)) for item in found["asked"])
    return parts
