"""``cardkit gp load``, ``delete`` and ``store-data``; the other verbs that change a card stand in modules beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click

from cardkit.apps.gp import cap
from cardkit.apps.gp import domain_content as content
from cardkit.apps.gp import domain_lifecycle as lifecycle
from cardkit.apps.gp.cap import CapFile
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.dap import DapBlock, sign_dap, verify_dap
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.dgi_text import parse_dgi_text
from cardkit.apps.gp.domain_content import Delegation
from cardkit.apps.gp.domain_data import P1Choice, groupings_commands, objects_commands, store
from cardkit.apps.gp.install import Install, for_install, for_load
from cardkit.apps.gp.lifecycle import dangers
from cardkit.apps.gp.load import LoadFile, load_blocks
from cardkit.apps.gp.storedata import Grouping
from cardkit.apps.gp.tags import Privileges, StatusEntry
from cardkit.cli.gp_keys import put_key, rotate
from cardkit.cli.gp_registry import install, lock, set_state, unlock
from cardkit.cli.gp_task import Document, Task, aid_from, byte_from, delegated, receipt_document, task
from cardkit.cli.hexadecimal import from_hex
from cardkit.crypto import KeyStore
from cardkit.errors import EncodingError

__all__ = ["delete", "install", "load", "lock", "put_key", "rotate", "set_state", "store_data", "unlock"]

_NO_HASH, _USUAL_HASH = "none", "sha256"
_HASHES = (_NO_HASH, "sha1", _USUAL_HASH, "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Package:
    """A CAP file made ready for a card.

    :param announce: INSTALL [for load].  :param installs: what follows it.
    :param algorithm: of the hash in `announce`, ``none`` without one.
    :param together: load and install are one sequence.
    """

    code: CapFile
    load_file: LoadFile
    announce: Install
    installs: tuple[Install, ...]
    algorithm: str
    together: bool

    @property
    def digest(self) -> str:
        """The hash as it is announced, upper hex; empty without one."""
        return self.announce.fields[2].hex().upper()

    def document(self, blocks: int) -> Document:
        """Return what was loaded."""
        package = self.code.package
        return {
            "loaded": package.aid.hex().upper(),
            "version": f"{package.major}.{package.minor}",
            "bytes": len(self.load_file.block),
            "blocks": blocks,
            "hash": {self.algorithm: self.digest} if self.digest else None,
            "installed": [command.fields[2].hex().upper() for command in self.installs],
        }


@click.command()
@click.argument("cap_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.cap")
@click.option("--to", "target", metavar="AID", help="Security domain it goes to; by default the one that loads it.")
@click.option(
    "--hash", "algorithm", type=click.Choice(_HASHES), default=_NO_HASH, show_default=True,
    help="Announce the block's hash; sha256 where a token or DAP needs one.",
)  # fmt: skip
@click.option("--dap", "daps", multiple=True, metavar="AID=REF", help="Sign for a security domain with its DAP key.")
@click.option(
    "--descriptor", "with_descriptor", is_flag=True, help="Send the Descriptor component too; the hash differs then."
)
@click.option("--install-all", is_flag=True, help="Then install every applet of it under the applet's own AID.")
@click.option("--together", is_flag=True, help="Load and install its one applet in one sequence, under one token.")
@click.option("--signed", "signatures", multiple=True, metavar="AID=REF=FILE", help="A DAP signature made elsewhere.")
@click.option("--any-imports", is_flag=True, help="Load even where the card seems to lack a package it needs.")
@task
@delegated
def load(
    cap_file: Path,
    target: str | None,
    algorithm: str,
    daps: tuple[str, ...],
    with_descriptor: bool,
    install_all: bool,
    together: bool,
    signatures: tuple[str, ...],
    any_imports: bool,
    task: Task,
    delegation: Delegation | None,
) -> None:
    """Load a CAP file. Imports are checked against the card first, and the registry is read afterwards."""
    if algorithm == _NO_HASH and (daps or signatures or (delegation and delegation.token)):
        algorithm = _USUAL_HASH
    code = CapFile.parse(cap_file.read_bytes())
    if together and len(code.applets) != 1:
        raise EncodingError(f"--together: {cap_file.name} has {len(code.applets)} applets, expected one")
    block = code.load_file_data_block(descriptor=with_descriptor)
    digest = b"" if algorithm == _NO_HASH else cap.digest(block, algorithm)
    store = task.access.keystore
    package = Package(
        code,
        LoadFile(
            block,
            (
                *(dap_block(store, text, digest) for text in daps),
                *(signed_block(store, text, digest) for text in signatures),
            ),
        ),
        for_load(code.package.aid, aid_from(target, "--to") if target else b"", digest=digest),
        tuple(
            for_install((code.package.aid, aid), aid, Privileges()) for aid in code.applets if install_all or together
        ),
        algorithm,
        together,
    )
    document = carry_out(task, package, delegation, any_imports=any_imports)
    task.report(document, f"loaded {code.package} in {document['blocks']} blocks")


def dap_block(keystore: KeyStore, text: str, digest: bytes) -> DapBlock:
    """Sign a hash as ``--dap`` says.  :raises EncodingError: when it is not ``AID=REF``."""
    aid, separator, reference = text.partition("=")
    if not separator:
        raise EncodingError(f"--dap {text}: expected AID=REF")
    return sign_dap(keystore, reference, aid_from(aid, "--dap"), digest)


def signed_block(keystore: KeyStore, text: str, digest: bytes) -> DapBlock:
    """Take a signature somebody else made as ``--signed`` says, once it was checked.

    :raises EncodingError: when it is not ``AID=REF=FILE``.  :raises AuthenticationError: when it is wrong.
    """
    aid, _, rest = text.partition("=")
    reference, separator, path = rest.partition("=")
    if not separator:
        raise EncodingError(f"--signed {text}: expected AID=REF=FILE")
    block = DapBlock(aid_from(aid, "--signed"), Path(path).read_bytes())
    verify_dap(keystore, reference, block, digest)
    return block


def carry_out(task: Task, package: Package, delegation: Delegation | None, *, any_imports: bool) -> Document:
    """Load a package and install what is in it, once the plan was agreed to; return what was done."""
    aid = package.code.package.aid
    with task.opened() as (_, domain):
        links = content.check_loadable(domain, package.code, any_imports=any_imports)
        blocks = sum(1 for _ in load_blocks(package.load_file.build(), domain.max_command_data))
        hashed = f", {package.algorithm} {package.digest}" if package.digest else ""
        task.confirm(
            [
                *(f"{name} must be there: {link}" for name, link in links),
                f"load {package.code.package}: {len(package.load_file.block)} bytes in {blocks} blocks{hashed}",
                *(f"install {command.fields[2].hex().upper()}, selectable" for command in package.installs),
            ]
        )
        if package.together:
            receipt = content.load_and_install(
                domain, package.load_file, package.announce, package.installs[0], delegation=delegation
            )
        else:
            receipt = content.load(domain, aid, package.load_file, announce=package.announce, delegation=delegation)
            for command in package.installs:
                content.install(domain, command, delegation=delegation)
    imports = {str(name): str(link) for name, link in links}
    return {**package.document(blocks), "imports": imports, **receipt_document(receipt)}


@click.command()
@click.argument("aid", required=False)
@click.option("--related", is_flag=True, help="Of a load file, its applications go with it.")
@click.option("--key-version", "kvn", metavar="KVN", help="Delete every key of this version instead.")
@task
@delegated
def delete(aid: str | None, related: bool, kvn: str | None, task: Task, delegation: Delegation | None) -> None:
    """Delete an application, a load file, or a key set. What goes is listed before anything is sent."""
    if (aid is None) is (kvn is None):
        raise click.UsageError("expected an AID, or --key-version KVN")
    with task.opened() as (_, domain):
        if kvn is not None:
            version = byte_from(kvn, "--key-version")
            task.confirm([f"delete key set {version:02X}"])
            lifecycle.delete_key_set(domain, version)
            task.report({"deleted_keys": f"{version:02X}"}, f"deleted key set {version:02X}")
            return
        command = Delete(aid_from(aid or ""), related=related)
        goes = lifecycle.what_goes(domain, command.aid, related=related)
        task.confirm([f"delete {_shown(entry)}" for entry in goes], dangers(command))
        receipt = lifecycle.delete(domain, command, delegation=delegation)
    names = [entry.aid.hex().upper() for entry in goes]
    task.report({"deleted": names, **receipt_document(receipt)}, f"deleted {', '.join(names)}")


def _shown(entry: StatusEntry) -> str:
    return f"{entry.kind} {entry.aid.hex().upper()} ({entry.state})"


@click.command("store-data")
@click.option("--aid", metavar="AID", help="The application the data is for; by default the domain itself.")
@click.option(
    "--dgi", "files", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Data groupings, one DGIxxxx=hex a line; those with identifiers 8xxx are secret.",
)  # fmt: skip
@click.option("--object", "objects", multiple=True, metavar="HEX", help="A BER-TLV object instead of groupings.")
@click.option("--secret", "secrets", multiple=True, metavar="DGI", help="This grouping is secret too.")
@click.option("--clear", "clears", multiple=True, metavar="DGI", help="This grouping is not secret.")
@click.option("--ciphered", is_flag=True, help="Secret values are under the card's DEK already.")
@click.option("--mixed", is_flag=True, help="Send secret and clear groupings in the same commands (P1 28).")
@click.option("--p1", "single", multiple=True, metavar="N=HEX", help="All of P1 of block N, or of the 'last' one.")
@task
def store_data(
    aid: str | None,
    files: tuple[Path, ...],
    objects: tuple[str, ...],
    secrets: tuple[str, ...],
    clears: tuple[str, ...],
    ciphered: bool,
    mixed: bool,
    single: tuple[str, ...],
    task: Task,
) -> None:
    """Personalize an application or the security domain itself.

    P1 of every block is taken from what is in it, structure and encryption; --p1 overrides it for chips that want
    another.
    """
    if bool(files) is bool(objects):
        raise click.UsageError("expected --dgi FILE or --object HEX, one of the two")
    instance = None if aid is None else aid_from(aid, "--aid")
    marks = dict.fromkeys(map(_tag, secrets), True) | dict.fromkeys(map(_tag, clears), False)
    groupings = [marked(item, marks, plain=not ciphered) for path in files for item in read_groupings(path)]
    data = b"".join(map(from_hex, objects))
    choice = P1Choice(single=dict(map(override, single)), mixed=mixed)
    with task.opened() as (_, domain):
        commands = groupings_commands(domain, groupings, choice) if files else objects_commands(domain, data, choice)
        task.confirm([*_target(domain, instance), *(f"{c.nc} bytes, P1 {c.p1:02X} P2 {c.p2:02X}" for c in commands)])
        store(domain, commands, instance)
    blocks = [{"p1": f"{command.p1:02X}", "bytes": command.nc} for command in commands]
    target = instance.hex().upper() if instance else None
    task.report({"stored": target, "blocks": blocks}, f"stored {len(commands)} blocks")


def read_groupings(path: Path) -> list[Grouping]:
    """Read a file of groupings.  :raises EncodingError: on a malformed line, and on what is no text."""
    return parse_dgi_text(path.read_text(encoding="utf-8", errors="replace"), path.name)


def marked(item: Grouping, marks: dict[int, bool], *, plain: bool) -> Grouping:
    """Return a grouping as ``--secret``, ``--clear`` and ``--ciphered`` say."""
    return replace(item, secret=marks.get(item.tag, item.secret), plain=plain)


def override(text: str) -> tuple[int, int]:
    """Read ``--p1``.  :raises EncodingError: when it is not ``N=HEX``.

    >>> override("last=88"), override("0=08")
    ((-1, 136), (0, 8))
    """
    place, separator, value = text.partition("=")
    if not separator or not (place == "last" or place.isdecimal()):
        raise EncodingError(f"--p1 {text}: expected N=HEX or last=HEX")
    return (-1 if place == "last" else int(place)), byte_from(value, "--p1")


def _tag(text: str) -> int:
    tag = from_hex(text)
    if len(tag) != 2:
        raise EncodingError(f"data grouping {text}: expected four hex digits")
    return int.from_bytes(tag, "big")


def _target(domain: SecurityDomain, instance: bytes | None) -> list[str]:
    name = f"application {instance.hex().upper()}" if instance else f"security domain {domain.aid.hex().upper()}"
    return [f"personalize {name}"]
