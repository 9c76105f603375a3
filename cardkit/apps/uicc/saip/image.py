"""A package compiled into the image of a virtual card: the card an eUICC would be with this profile enabled.

The card reads no package: the image says of each file what SELECT answers and what is in it. Like the package it holds
keys and codes in clear. What a virtual card cannot be is left out and said in ``problems``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from cardkit.apps.uicc.codecs.cardmodel import SQN
from cardkit.apps.uicc.codecs.fields import to_hex
from cardkit.apps.uicc.saip.authentication import Authentication, read_authentications
from cardkit.apps.uicc.saip.codes import PinCode, read_codes
from cardkit.apps.uicc.saip.control import parameters
from cardkit.apps.uicc.saip.domains import Domains
from cardkit.apps.uicc.saip.drafts import CardFile, Path, path_text
from cardkit.apps.uicc.saip.filesystem import FileSystem, read_files
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.schema import IND_BITS, MILENAGE, TEST_ALGORITHM, TUAK
from cardkit.apps.uicc.saip.tomltext import inline, quoted
from cardkit.apps.uicc.schema import Algorithm, AuthBlock, TuakBlock
from cardkit.apps.uicc.states.authentication import WITH_OPC, key_file
from cardkit.crypto import Secret
from cardkit.crypto.secret import joined
from cardkit.desired import Content
from cardkit.errors import EncodingError

# TS, then: T=1 and T=0, a card with an MF, files by path and SFI, pre-issuing data "C", "SAIP"; then TCK.
_ATR_START, _ATR = 0x3B, bytes.fromhex("9F968091FE1FC7 8031A073BE2113 67 4353414950 0001")
_SPARE_MEMORY = 65536

# Where keys, constants and sequence numbers lie: the package has no files for them.
_KEY, _CONSTANTS, _SQN = 0xAF20, 0xAF21, 0xAF30
_SQN_BYTES = 206
_SERVICES = {"ADF.USIM": 0x6F38, "ADF.ISIM": 0x6F07}
_ALGORITHMS: dict[int, Algorithm] = {MILENAGE: "milenage", TUAK: "tuak", TEST_ALGORITHM: "xor"}

# State of a code: valid, changeable, can be unblocked, can be disabled; disabled.
_VALID, _CHANGEABLE, _CAN_UNBLOCK, _CAN_DISABLE, _DISABLED = 0x80, 0x40, 0x20, 0x10, 0x01


@dataclass(frozen=True, slots=True)
class CardImage:
    """An image as TOML, keys and codes in clear.

    :param problems: what of the package is not in it, and why.
    """

    text: str = field(repr=False)
    problems: tuple[str, ...]


def card_image(package: Package, name: str) -> CardImage:
    """Return the image of a package.

    :param name: of the chip.
    :raises EncodingError: when the package makes no MF, or a number does not fit its field.
    """
    files = read_files(package)
    if () not in files.files:
        raise EncodingError("profile package: it makes no MF, and no card is without")
    codes = read_codes(package, files.contexts)
    problems = list(files.problems)
    writer, domains = _Writer(files, codes, problems), Domains(package, files, codes, problems)
    head = ["# Compiled from a profile package: holds its keys and codes in clear."]
    head += [] if codes else ["secrets = []"]
    lines = [
        *head,
        *_chip(package, name, with_domains=domains.issuer is not None),
        *writer.files_made(),
        *writer.authentications(read_authentications(package, files.contexts)),
        *writer.secrets(),
        *domains.lines(),
    ]
    return CardImage("\n".join([*lines, ""]), tuple(problems))


def _chip(package: Package, name: str, *, with_domains: bool) -> Iterator[str]:
    check = 0
    for byte in _ATR:
        check ^= byte
    kind = package.header.first("profileType")
    yield "[chip]"
    if with_domains:
        yield 'system = "uicc-globalplatform"'
    yield f"name = {quoted(name)}"
    yield f"title = {quoted(kind.text if kind else 'profile package')}"
    yield f"atr = {quoted(to_hex(bytes((_ATR_START, *_ATR, check))))}"
    yield "protocols = [1, 0]"
    yield "classes = [0x00, 0xA0]"
    yield "arr = 0"
    yield f"nvm = {_SPARE_MEMORY}"
    yield ""
    yield "[rules]"
    yield 'none = "80017F 9700"'
    yield ""
    yield "[files]"


@dataclass(slots=True)
class _Writer:
    """Writes the tables of an image.

    :ivar slots: lines of the ``[[authenticate]]`` tables by path of the application.
    """

    files: FileSystem
    codes: tuple[PinCode, ...]
    problems: list[str]
    slots: dict[Path, list[str]] = field(default_factory=dict)

    def files_made(self) -> Iterator[str]:
        """Yield one line a file of the package."""
        taken: set[tuple[Path, int]] = set()
        for file in self.files.files.values():
            kept = self._with_own_sfi(file, taken)
            fields: dict[str, object] = {
                "name": kept.name.rpartition("/")[2],
                "fcp": to_hex(parameters(kept, self.codes)),
            }
            if kept.link is not None:
                fields["link"] = path_text(kept.link)
            elif kept.shape is not None and kept.shape.structure.has_records:
                fields["data"] = [to_hex(record) for record in kept.records()]
            elif kept.body:
                fields["data"] = to_hex(kept.body)
            yield _line(kept.path, fields)

    def _with_own_sfi(self, file: CardFile, taken: set[tuple[Path, int]]) -> CardFile:
        """Return the file, without its short identifier where another one of the directory has it."""
        number = file.fid & 0x1F if file.sfi is None else file.sfi
        if file.is_directory or not number:
            return file
        place = (file.path[:-1], number)
        if place in taken:
            self.problems.append(f"{file.name}: short identifier {number} is another file's, this one has none")
            return replace(file, sfi=0)
        taken.add(place)
        return file

    # Authentication

    def authentications(self, given: Sequence[Authentication]) -> Iterator[str]:
        """Yield the key files, then the tables that name them."""
        for one in given:
            if not one.source:
                yield from self._own(one)
        for one in given:
            if one.source:
                self._shared(one)
        for path, lines in self.slots.items():
            yield from ("", "[[authenticate]]", f"adf = {quoted(path_text(path))}", *lines)

    def _own(self, given: Authentication) -> Iterator[str]:
        place = given.directory
        algorithm = _ALGORITHMS.get(given.algorithm)
        if place not in self.files.files or algorithm is None or given.k is None or given.opc is None:
            self.problems.append(f"{self.files.name_of(place)}: {given.name}: no virtual card has it")
            return
        block = AuthBlock(algorithm=algorithm, k="", tuak=TuakBlock(iterations=given.iterations))
        opc = given.opc if algorithm in WITH_OPC else None
        contents = {_KEY: key_file(block, algorithm, given.k, opc), _SQN: _sequence_numbers(given)}
        if algorithm == "tuak":
            self.problems.append(
                f"{self.files.name_of(place)}: TUAK with RES of 64 bits, CK and IK of 128: options not read"
            )
        if not given.usual_constants:
            contents[_CONSTANTS] = given.rotations + given.constants
        for fid, content in contents.items():
            yield _key_line((*place, fid), content)
        self.slots[place] = list(self._slot(place, contents))

    def _slot(self, place: Path, contents: Iterable[int]) -> Iterator[str]:
        for word, fid in (("key", _KEY), ("sqn", _SQN), ("constants", _CONSTANTS)):
            if fid in contents:
                yield f"{word} = {quoted(path_text((*place, fid)))}"
        table = (*place, _SERVICES.get(self.files.name_of(place), 0))
        if table in self.files.files:
            yield f"services = {quoted(path_text(table))}"

    def _shared(self, given: Authentication) -> None:
        owner = next((path for path in self.slots if self.files.files[path].aid == given.source), None)
        if owner is None or given.directory not in self.files.files:
            self.problems.append(
                f"{self.files.name_of(given.directory)}: shares the keys of {to_hex(given.source)}: not there"
            )
            return
        self.slots[given.directory] = [line for line in self.slots[owner] if not line.startswith("services")]

    # Codes

    def secrets(self) -> Iterator[str]:
        """Yield one table a code; a virtual card has local ones in applications only."""
        for code in self.codes:
            directory = self.files.files.get(code.directory)
            if code.directory and (directory is None or not directory.aid):
                self.problems.append(f"{code.name} of {directory.name if directory else 'nothing'}: in no application")
                continue
            yield from ("", "[[secrets]]", f"reference = 0x{code.reference:02X}")
            if code.directory:
                yield f"adf = {quoted(path_text(code.directory))}"
            yield f"state = {quoted(to_hex(joined(_state(code))))}"


def _state(code: PinCode) -> tuple[bytes | Secret, ...]:
    flags = _VALID
    flags |= _CHANGEABLE if code.changeable else 0
    flags |= _CAN_UNBLOCK if code.puk is not None else 0
    flags |= _CAN_DISABLE if code.can_be_disabled else 0
    flags |= 0 if code.enabled else _DISABLED
    parts = (bytes((flags, code.tries.left, code.tries.most)), code.value)
    if code.puk is None:
        return parts
    return (*parts, bytes((code.puk.tries.left, code.puk.tries.most)), code.puk.value)


def _sequence_numbers(given: Authentication) -> bytes:
    """Return the file of a card that checks SEQ and its step; the age limit stays off."""
    fresh = [seq << IND_BITS | ind if seq else 0 for ind, seq in enumerate(given.sqn)]
    policy = {
        "checks": ["sqn", "delta"],
        "ind_bits": IND_BITS,
        "options": ["conceal_sqn_in_autn", "conceal_sqn_in_auts"],
        "delta_max": given.delta << IND_BITS,
        "age_limit": 0,
        "freshness": fresh,
    }
    return SQN.encode(policy, _SQN_BYTES)


def _key_line(path: Path, content: Content) -> str:
    """Return the line of a file that nobody reads or writes."""
    body = joined(content)
    head = {"name": f"EF.{path[-1]:04X}", "size": len(body), "arr": 0, "access": "none"}
    return _line(path, {**head, "data": to_hex(body)})


def _line(path: Path, fields: dict[str, object]) -> str:
    return f"{quoted(path_text(path))} = {inline(fields)}"
