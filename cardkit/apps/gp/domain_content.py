"""Card content through a security domain: load, install, extradite, update the registry (GPCS 9.3, 9.4).

Every change is read back from the registry: an answer 9000 alone proves nothing. Nothing is ever sent twice; where an
answer is lost or unclear, the caller reads the registry before deciding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from cardkit.apps.gp import install as commands
from cardkit.apps.gp.cap import CapFile, Package
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.install import Install, Purpose
from cardkit.apps.gp.load import LoadFile, load_blocks
from cardkit.apps.gp.tags import ApplicationState, Privileges, StatusEntry, StatusKind
from cardkit.apps.gp.tags.lifecycle import LOCKED
from cardkit.apps.gp.tokens import Confirmation, make_token, receipt_fields, verify_receipt
from cardkit.crypto import KeyStore
from cardkit.errors import ProfileError, ProtocolError

Signed = TypeVar("Signed", Install, Delete)

# RIDs of packages that are part of the platform: many cards hold them in ROM and list them nowhere.
_PLATFORM = (bytes.fromhex("A000000062"), bytes.fromhex("A00000015100"))


@dataclass(frozen=True, slots=True)
class Delegation:
    """The keys of delegated management.

    :param token: reference of the key that signs commands, empty for none.
    :param receipt: reference of the key that checks receipts, empty where none are expected.
    :param after: the counter of the last receipt known of this card.
    """

    keystore: KeyStore
    token: str = ""
    receipt: str = ""
    after: int | None = None

    def signed(self, command: Signed) -> Signed:
        """Return the command with its token, where there is a key for one."""
        return command.with_token(make_token(self.keystore, self.token, command)) if self.token else command

    def check(self, answer: bytes, fields: tuple[bytes, ...]) -> Confirmation | None:
        """Check a receipt, where there is a key for it.  Errors as :func:`verify_receipt`."""
        if not self.receipt:
            return None
        return verify_receipt(self.keystore, self.receipt, answer, fields, after=self.after)


class Linked(StrEnum):
    """Whether a card has a package that code is linked with."""

    PRESENT = "present"
    PLATFORM = "not listed, taken as part of the platform"
    OLDER = "older version"
    MISSING = "missing"


def check_imports(imports: Iterable[Package], entries: Iterable[StatusEntry]) -> list[tuple[Package, Linked]]:
    """Compare the imports of a CAP file with the load files of a card.

    A package fits with the same major version and no smaller minor (JCVM 4.5). Where the card says no version, it is
    taken as present.
    """
    held = {entry.aid: entry.version for entry in entries}
    return [(package, _linked(package, held)) for package in imports]


def _linked(package: Package, held: dict[bytes, bytes | None]) -> Linked:
    if package.aid not in held:
        return Linked.PLATFORM if package.aid.startswith(_PLATFORM) else Linked.MISSING
    version = held[package.aid]
    if not version or len(version) != 2:
        return Linked.PRESENT
    return Linked.PRESENT if version[0] == package.major and version[1] >= package.minor else Linked.OLDER


def check_loadable(domain: SecurityDomain, cap: CapFile, *, any_imports: bool = False) -> list[tuple[Package, Linked]]:
    """Read the card's load files and say whether a CAP file can be loaded.

    :param any_imports: accept imports the card lacks or has in an older version.
    :returns: its imports and whether the card has them.
    :raises ProfileError: when an import is missing or older, or the package is there already.
    """
    entries = domain.status(StatusKind.LOAD_FILES)
    if any(entry.aid == cap.package.aid for entry in entries):
        raise ProfileError(f"load file {cap.package.aid.hex().upper()}: it is on the card already")
    links = check_imports(cap.imports, entries)
    bad = [f"{package} ({link})" for package, link in links if link in (Linked.MISSING, Linked.OLDER)]
    if bad and not any_imports:
        raise ProfileError(f"load file {cap.package.aid.hex().upper()}: the card lacks {', '.join(bad)}")
    return links


def load(
    domain: SecurityDomain,
    aid: bytes,
    load_file: LoadFile,
    *,
    announce: Install | None = None,
    delegation: Delegation | None = None,
) -> Confirmation | None:
    """Load a load file.

    :param aid: of the load file.  :param announce: INSTALL [for load] where it names a domain, hash or parameters;
        without token, that comes from `delegation`.
    :returns: the receipt, checked; None where none is expected.
    :raises StatusError: when the card refuses: it has dropped what was loaded.
    :raises ProtocolError: when the registry does not show it afterwards.
    """
    command = announce or commands.for_load(aid)
    command = delegation.signed(command) if delegation else command
    name = aid.hex().upper()
    domain.send_segments(command.command(), what=f"INSTALL for load {name}")
    answer = b""
    for block in load_blocks(load_file.build(), domain.max_command_data):
        answer = domain.send(block, what=f"LOAD {name}, block {block.p2:02X}")
    receipt = delegation.check(answer, receipt_fields(command, domain.aid)) if delegation else None
    require_entry(domain, StatusKind.LOAD_FILES, aid)
    return receipt


def load_and_install(
    domain: SecurityDomain,
    load_file: LoadFile,
    announce: Install,
    installation: Install,
    *,
    delegation: Delegation | None = None,
) -> Confirmation | None:
    """Load a load file, install its application and make it selectable in one sequence, under one token (11.5.2.1).

    :param announce: INSTALL [for load].  :param installation: INSTALL [for install].
    :returns: the receipt, checked; None where none is expected.  Errors as :func:`load`.
    """
    first, last = commands.combined(announce, installation)
    if delegation and delegation.token:
        last = last.with_token(make_token(delegation.keystore, delegation.token, first, last))
    instance = last.fields[2]
    domain.send_segments(first.command(), what="INSTALL, first of load and install")
    for block in load_blocks(load_file.build(), domain.max_command_data):
        domain.send(block, what=f"LOAD, block {block.p2:02X}")
    answer = domain.send_segments(last.command(), what=f"INSTALL {instance.hex().upper()}, last of load and install")
    receipt = delegation.check(answer, receipt_fields(first, domain.aid, install=last)) if delegation else None
    require_entry(domain, StatusKind.APPLICATIONS, instance)
    return receipt


def install(domain: SecurityDomain, command: Install, *, delegation: Delegation | None = None) -> Confirmation | None:
    """Install an application, make one selectable, extradite, or update the registry.

    :param command: of :mod:`cardkit.apps.gp.install`; its token comes from `delegation`.
    :returns: the receipt, checked; None where none is expected.
    :raises ProfileError: on privileges that contradict each other; nothing was sent.
    :raises ProtocolError: when the registry does not show it afterwards.
    """
    new_domain, aid, privileges = command.fields[0], command.fields[2], command.fields[3]
    if privileges and (contradictions := Privileges.parse(privileges).contradictions()):
        raise ProfileError(f"privileges of {aid.hex().upper()}: {'; '.join(contradictions)}")
    command = delegation.signed(command) if delegation else command
    what = f"INSTALL {purpose_name(command.purpose)} {aid.hex().upper() or 'the card'}"
    answer = domain.send_segments(command.command(), what=what)
    receipt = delegation.check(answer, receipt_fields(command, domain.aid)) if delegation else None
    if command.purpose & (Purpose.INSTALL | Purpose.MAKE_SELECTABLE):
        _check_state(require_entry(domain, StatusKind.APPLICATIONS, aid), command.purpose)
    elif command.purpose is Purpose.EXTRADITION:
        _check_moved(domain, aid, new_domain)
    return receipt


def purpose_name(purpose: Purpose) -> str:
    """Say what INSTALL is for: ``for install and make selectable``."""
    names = [str(item.name).lower().replace("_", " ") for item in Purpose if item in purpose]
    return f"for {' and '.join(names)}"


def find_entry(domain: SecurityDomain, kind: StatusKind, aid: bytes) -> StatusEntry | None:
    """Return the registry entry with exactly this AID, None if the domain sees none."""
    return next((entry for entry in domain.status(kind, aid) if entry.aid == aid), None)


def require_entry(domain: SecurityDomain, kind: StatusKind, aid: bytes) -> StatusEntry:
    """Return the registry entry with exactly this AID.

    :raises ProtocolError: when the card does not show it.
    """
    entry = find_entry(domain, kind, aid)
    if entry is None:
        raise ProtocolError(f"{aid.hex().upper()}: the card answered 9000 and does not list it")
    return entry


def _check_state(entry: StatusEntry, purpose: Purpose) -> None:
    """Compare the life cycle an application has now with the one it was given."""
    state = entry.life_cycle & ~LOCKED
    selectable = state & ApplicationState.SELECTABLE == ApplicationState.SELECTABLE
    if selectable is not bool(purpose & Purpose.MAKE_SELECTABLE):
        raise ProtocolError(f"{entry.aid.hex().upper()}: the card answered 9000, its state is {entry.state}")


def _check_moved(domain: SecurityDomain, aid: bytes, new_domain: bytes) -> None:
    """Compare the security domain an entry has now, where this one still sees it (11.4.3)."""
    for kind in (StatusKind.APPLICATIONS, StatusKind.LOAD_FILES):
        entry = find_entry(domain, kind, aid)
        if entry is not None and entry.domain not in (None, new_domain):
            raise ProtocolError(
                f"{aid.hex().upper()}: the card answered 9000, it belongs to {(entry.domain or b'').hex().upper()}"
            )
