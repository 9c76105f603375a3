"""Security domains and remote file management of a package, for the image of a virtual card (SAIP 8.6, 8.9).

The first security domain becomes the card's. What the text says of access domains was not read: full access (00) opens
everything the package's codes guard, anything else nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cardkit.apps.uicc.codecs.fields import to_hex
from cardkit.apps.uicc.saip.asn1 import Node
from cardkit.apps.uicc.saip.codes import FIRST_LOCAL, PinCode
from cardkit.apps.uicc.saip.drafts import Path, path_text
from cardkit.apps.uicc.saip.filesystem import FileSystem
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.tomltext import inline

# Which protocol a key version is for, and its option i (GPCS UICC configuration; SCP80: TS 102 225).
_PROTOCOLS = ((range(0x01, 0x10), 0x80, 0x00), (range(0x20, 0x30), 0x02, 0x55), (range(0x30, 0x40), 0x03, 0x70))
_KEY_TYPES = frozenset((0x80, 0x88))
_SECURED = 0x0F
_FULL_ACCESS = b"\x00"
# Registered provider and application code, as if the code of an application lay under them (TS 101 220).
_PACKAGE_BYTES = 7
# Production data of a card nobody produced: the layout of GPCS H.6, fabricator "SA", all other numbers zero.
_CPLC = f"5341{40 * '00'}"

Entry = dict[str, object]


@dataclass(slots=True)
class Domains:
    """Writes the tables of a card's security domain and of what works over the air.

    :ivar problems: what of the package will not be on the card.
    """

    package: Package
    files: FileSystem
    codes: tuple[PinCode, ...]
    problems: list[str]

    @property
    def issuer(self) -> Node | None:
        """The security domain that becomes the card's."""
        return next((element for _, element in self.package.all("securityDomain")), None)

    def lines(self) -> Iterator[str]:
        """Yield the tables; none for a package without a security domain."""
        if self.issuer is None:
            return
        yield from self._domain(self.issuer)
        for name, entries in (
            ("applications", self._applications()),
            ("keys", self._keys(self.issuer)),
            ("remote", self._remotes()),
        ):
            for entry in entries:
                yield from ("", f"[[{name}]]", *(f"{field} = {inline(value)}" for field, value in entry.items()))
        self._note_code()

    def _note_code(self) -> None:
        """Name what would be code of the package's own."""
        for _, element in list(self.package.all("securityDomain"))[1:]:
            self._left_out("security domain", element.require("instance"))
        for _, element in self.package.all("application"):
            instances = element.first("instanceList")
            for instance in instances.children if instances else ():
                self._left_out("application", instance)

    def _left_out(self, what: str, instance: Node) -> None:
        aid = to_hex(instance.require("instanceAID").octets)
        self.problems.append(f"{what} {aid}: a virtual card runs no code of a package")

    def _domain(self, element: Node) -> Iterator[str]:
        instance = element.require("instance")
        card: Entry = {
            "aid": to_hex(instance.require("instanceAID").octets),
            "state": _SECURED,
            "privileges": to_hex(instance.require("applicationPrivileges").octets),
            "version": "020301",
            "protocols": [],
            "kdd": "53414950",
            "cplc": _CPLC,
        }
        yield from ("", "[card]", *(f"{name} = {inline(value)}" for name, value in card.items()))
        yield from ("", "[habits]", "ota_sets = true")

    def _applications(self) -> Iterator[Entry]:
        for directory in self.files.directories():
            if directory.aid:
                aid = to_hex(directory.aid)
                yield {"aid": aid, "package": aid[: 2 * _PACKAGE_BYTES]}

    def _keys(self, element: Node) -> Iterator[Entry]:
        listed = element.first("keyList")
        for key in listed.children if listed else ():
            version, number = (key.require(name).byte for name in ("keyVersionNumber", "keyIdentifier"))
            component = key.require("keyComponents").require("component")
            kind = component.require("keyType").byte
            protocol = next((rest for versions, *rest in _PROTOCOLS if version in versions), None)
            if protocol is None or kind not in _KEY_TYPES:
                self.problems.append(f"key {version:02X}/{number:02X}, type {kind:02X}: no virtual card has such a one")
                continue
            value = to_hex(component.require("keyData").octets)
            yield {"kvn": version, "scp": protocol[0], "i": protocol[1], "kid": number, "type": kind, "value": value}

    def _remotes(self) -> Iterator[Entry]:
        for _, element in self.package.all("rfm"):
            yield from self._remote(element)

    def _remote(self, element: Node) -> Iterator[Entry]:
        """Yield one entry a TAR; without an application the MF is selected by default (SAIP, comment in PE-RFM)."""
        tars = element.first("tarList")
        access = element.first("adfRFMAccess")
        directory: Path | None = ()
        domain = element.octets_of("uiccAccessDomain", b"")
        if access is not None:
            aid = access.require("adfAID").octets
            directory = next((file.path for file in self.files.directories() if file.aid == aid), None)
            domain = access.octets_of("adfAccessDomain", b"")
        for tar in tars.children if tars else ():
            if directory is None:
                self.problems.append(f"TAR {to_hex(tar.octets)}: its application is not in the package")
                continue
            yield {
                "tar": to_hex(tar.octets),
                "directory": path_text(directory),
                "level": element.require("minimumSecurityLevel").byte,
                "grants": self._grants(tar, domain, directory),
            }

    def _grants(self, tar: Node, domain: bytes, directory: Path) -> list[int]:
        if domain != _FULL_ACCESS:
            self.problems.append(f"TAR {to_hex(tar.octets)}: access domain {to_hex(domain)} opens nothing here")
            return []
        places = {(), directory}
        found = (code.reference for code in self.codes if code.reference < FIRST_LOCAL or code.directory in places)
        return sorted(set(found))
