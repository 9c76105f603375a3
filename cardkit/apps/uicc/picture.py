"""One picture of a card for the rules: what a verification saw, what a dump holds, or both.

What nobody looked at is absent from its table, or None: a rule says then that it was not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from cardkit.apps.uicc.arr import Condition, FileKind, conditions, parse_rules
from cardkit.apps.uicc.cat import ProactiveCommand
from cardkit.apps.uicc.codecs.base import Value
from cardkit.apps.uicc.fcp import Fcp, PinState
from cardkit.apps.uicc.files import CATALOGUE, FileSpec
from cardkit.apps.uicc.gsm import GsmStatus
from cardkit.apps.uicc.names import PIN1
from cardkit.apps.uicc.pin import CodeStatus
from cardkit.apps.uicc.suci import Suci
from cardkit.errors import EncodingError

Control = Fcp | GsmStatus
"""What SELECT answers, by class of card."""

_DECODED = 4096
MARKERS = 1
"""Files of a chip model that a finished card has no more: the plant's marker."""
DEACTIVATED = 0x04, 0x06


@dataclass(frozen=True, slots=True)
class SeenPacket:
    """A secured packet sent on purpose, and what came back.

    :param kind: ``good``, ``wrong checksum``, ``replayed``, ``unsecured`` or ``foreign application``.
    :param status: of the proof of receipt, None where none came.
    """

    kind: str
    tar: bytes
    status: int | None


@dataclass(frozen=True, repr=False)
class CardPicture:
    """What is known of one card; its holder's data stay out of its ``repr``.

    Files are named as in the catalogue, ``ADF.USIM/EF.IMSI``; records ``ADF.USIM/EF.SMSP#1``.

    :param names: every file and directory that is there; None where nobody looked for all.
    :param declared: files that can be there, by the chip model; None where nobody knows it.
    :param controls: answers of SELECT, of files and directories.  :param faults: those that make no sense, in words.
    :param bodies: contents by name.  :param blanks: of secret files: whether they are as before use.
    :param refused: why a file was not read, in words.  :param specs: files the catalogue does not name.
    :param unasked: files that were read although nothing had been presented; None where nobody tried.
    :param by_sfi: first bytes of files as read by their short identifier, empty where the card refused.
    :param codes: counters: ``01``, ``PUK 01``.  :param presented, changed: outcomes by state name.
    :param proofs: outcomes of AUTHENTICATE by the name of the proof.
    :param sequence: SQN before and after the proofs, by directory.
    :param returned_kc: whether AUTHENTICATE gave Kc.  :param chv: class A0's answer for DF.GSM of a UICC.
    :param rewritten: status words of updating a file PIN1 protects with what it holds, before and after PIN1.
    :param identities: answers to GET IDENTITY.  :param asked: what the card asked of a terminal.
    :param packets: sent over the air.  :param repeated: kinds of number that another card had.
    :param domain: the issuer security domain's part of a dump.
    """

    atr_fits: bool | None = None
    names: frozenset[str] | None = None
    declared: frozenset[str] | None = None
    controls: Mapping[str, Control] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, bytes] = field(default_factory=dict)
    blanks: Mapping[str, bool] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    specs: Mapping[str, FileSpec] = field(default_factory=dict)
    unasked: frozenset[str] | None = None
    by_sfi: Mapping[str, bytes] = field(default_factory=dict)
    codes: Mapping[str, CodeStatus] = field(default_factory=dict)
    presented: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, str] = field(default_factory=dict)
    proofs: Mapping[str, Any] = field(default_factory=dict)
    sequence: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    returned_kc: bool | None = None
    chv: GsmStatus | None = None
    rewritten: tuple[int, int] | None = None
    identities: tuple[Suci, ...] | None = None
    asked: tuple[ProactiveCommand, ...] | None = None
    packets: tuple[SeenPacket, ...] | None = None
    repeated: frozenset[str] | None = None
    domain: Mapping[str, Any] | None = None

    # Files

    @cached_property
    def by_file(self) -> Mapping[str, Mapping[int, bytes]]:
        """Records by file and number; a transparent body is number 0."""
        found: dict[str, dict[int, bytes]] = {}
        for name, body in self.bodies.items():
            file, _, number = name.partition("#")
            found.setdefault(file, {})[int(number or 0)] = body
        return found

    def records(self, file: str) -> Mapping[int, bytes]:
        """Return the bodies of a file by record number, empty where none was read."""
        return self.by_file.get(file, {})

    def has(self, name: str) -> bool:
        """Whether a file or directory is known to be there."""
        return name in (self.names or ()) or name in self.by_file

    def is_deactivated(self, file: str) -> bool:
        """Whether a file or directory is known to be out of use (TS 102 221 11.1.1.4.9)."""
        control = self.controls.get(file)
        if isinstance(control, GsmStatus):
            return control.invalidated
        return control is not None and control.life_cycle in DEACTIVATED

    def spec(self, name: str) -> FileSpec | None:
        """Return what the catalogue, or the card's phone book, says of a file or record."""
        file = name.partition("#")[0]
        return CATALOGUE.get(file) or self.specs.get(file)

    def value(self, name: str) -> Value:
        """Return the decoded body or record; it must have been read."""
        spec = self.spec(name)
        return _decoded(spec, self.bodies[name]) if spec is not None else {"raw": self.bodies[name].hex()}

    def is_blank(self, name: str) -> bool | None:
        """Whether a file or record is as before use, None where nobody saw it."""
        body, spec = self.bodies.get(name), self.spec(name)
        if body is None or spec is None:
            return self.blanks.get(name)
        return not body.strip(b"\xff") or (spec.blank != "op" and body == spec.blank_body(len(body)))

    # Access rules

    @cached_property
    def access(self) -> Mapping[str, Mapping[str, Condition]]:
        """What each operation takes, of every file whose rules the card tells and somebody read."""
        found = {name: self._access(name, control) for name, control in self.controls.items()}
        return {name: conditions for name, conditions in found.items() if conditions is not None}

    def _access(self, name: str, control: Control) -> Mapping[str, Condition] | None:
        if isinstance(control, GsmStatus):
            return control.access or None
        try:
            if control.reference is None:
                return control.conditions()
            record = self.rule_record(name, control) or b""
            return _conditions(record, control.kind) if record.strip(b"\xff") else None
        except EncodingError:
            return None

    def rule_record(self, name: str, control: Fcp) -> bytes | None:
        """Return the record of EF.ARR a file refers to, None where nobody read it."""
        reference = control.reference
        if reference is None:
            return None
        file = self.rule_file(name, reference.fid, is_directory=control.is_directory)
        return self.records(file).get(reference.record) if file else None

    def rule_file(self, name: str, fid: int, *, is_directory: bool) -> str:
        """Return the name of the EF.ARR: in the file's directory, then upwards (TS 102 221 9.2.7); "" for none."""
        places = [name] if is_directory else []
        directory = name if is_directory else name.rpartition("/")[0]
        while directory and directory != "MF":
            places.append(directory)
            directory = directory.rpartition("/")[0]
        for place in (*places, "MF"):
            spec = CATALOGUE.get(f"{place}/EF.ARR")
            if spec is not None and spec.fid == fid and self.has(spec.name):
                return spec.name
        return ""

    @cached_property
    def parameters(self) -> Mapping[str, Control]:
        """The answers of SELECT where they are of all files, nothing where only some were asked for."""
        if self.names is None and self.declared is not None:
            unseen = self.declared - self.controls.keys()
            return {} if len(unseen) > MARKERS else self.controls
        return self.controls

    @cached_property
    def pins(self) -> Mapping[str, list[PinState]]:
        """The keys every directory names, and whether each is enabled."""
        return {
            name: control.pins for name, control in self.controls.items() if isinstance(control, Fcp) and control.pins
        }

    def pin1_asked(self) -> bool | None:
        """Whether PIN1 is enabled, None where no directory says."""
        found = [pin.enabled for pins in self.pins.values() for pin in pins if pin.reference == PIN1]
        old = (control for control in self.controls.values() if isinstance(control, GsmStatus))
        found += [control.chv1_enabled for control in old if control.is_directory]
        return any(found) if found else None


@lru_cache(maxsize=_DECODED)
def _conditions(record: bytes, kind: FileKind) -> Mapping[str, Condition]:
    return conditions(parse_rules(record), kind)


@lru_cache(maxsize=_DECODED)
def _decoded(spec: FileSpec, body: bytes) -> Value:
    return spec.decode(body)
