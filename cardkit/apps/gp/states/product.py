"""One product on one chip: the profile's ``[gp]`` and the chip's, read and checked once for every card of it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp import cap
from cardkit.apps.gp.install_parameters import InstallParameters
from cardkit.apps.gp.schema import (
    ApplicationBlock,
    ChipBlock,
    DomainBlock,
    GpBlock,
    GroupingBlock,
    LoadBlock,
)
from cardkit.apps.gp.states.certifying import Certified, certified
from cardkit.apps.gp.states.keysets import KeySet, aid_of, delivered_set, hex_of, key_set, replacing
from cardkit.apps.gp.storedata import Encryption, P1Table, Structure, is_secret
from cardkit.apps.gp.tags import Privilege, Privileges
from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.pinblock import EncipheredPin
from cardkit.errors import EncodingError, ProfileError
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Parameters, Quirks, decode_parameters


@dataclass(frozen=True, slots=True)
class Package:
    """A package that is loaded.

    :param block: load file data block.  :param digest: its hash.  :param cap_sha256: of the CAP file.
    """

    aid: bytes
    version: bytes
    modules: tuple[bytes, ...]
    block: bytes
    digest: bytes
    cap_sha256: bytes
    domain: bytes


@dataclass(frozen=True, slots=True)
class Value:
    """A data grouping of an application, or a data object.

    :param name: of its content.  :param size: bytes as it is sent.  :param given: bytes without padding.
    :param keys: card keys it consists of, which go from the key store under the DEK; then it has no content.
    :param pin: a PIN that does the same, as a block of format 2.
    """

    name: str
    tag: int
    size: int
    given: int
    secret: bool = False
    pad: bool = False
    keys: tuple[CardKey, ...] = ()
    pin: EncipheredPin | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """A supplementary security domain.  :param keys: the first is its own channel set."""

    aid: bytes
    privileges: Privileges
    parameters: bytes
    keys: tuple[KeySet, ...]
    objects: tuple[Value, ...]

    @property
    def verifies(self) -> bool:
        """Whether it checks signatures of load files."""
        return Privilege.DAP_VERIFICATION in self.privileges


@dataclass(frozen=True, slots=True)
class Application:
    """An application."""

    block: ApplicationBlock
    aid: bytes
    load_file: bytes
    module: bytes
    privileges: Privileges
    parameters: bytes
    domain: bytes
    data: tuple[Value, ...]
    single_p1: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Product:
    """All of it.

    :param keys: of the issuer security domain; the first opens the sessions.
    :param objects: of the issuer security domain, in the order they are written.
    """

    block: GpBlock
    chip: ChipBlock
    isd: bytes
    parameters: Parameters
    level: SecurityLevel
    quirks: Quirks
    delivered: KeySet
    keys: tuple[KeySet, ...]
    packages: tuple[Package, ...]
    domains: tuple[Domain, ...]
    applications: tuple[Application, ...]
    objects: tuple[Value, ...]
    p1_table: P1Table
    certified: Certified | None

    @property
    def main(self) -> KeySet:
        """The set the finished card is managed with."""
        return self.keys[0]

    @property
    def all_keys(self) -> tuple[KeySet, ...]:
        """Every set that is loaded, domain by domain."""
        return (*self.keys, *(keys for domain in self.domains for keys in domain.keys))

    def as_taken(self, command: CommandAPDU) -> CommandAPDU:
        """Return a command that changes the card as this chip takes it: some chips want no Le behind data."""
        return replace(command, ne=0) if self.chip.quirks.case4_as_3 and command.nc else command


def build_product(block: GpBlock, chip: ChipBlock, files: Mapping[str, bytes]) -> Product:
    """Join a profile's block with its chip's.

    :param files: contents of the files the block names.
    :raises ProfileError: naming the entry that is wrong, or what this chip cannot do.
    """
    parameters = decode_parameters(block.channel.scp, block.channel.i)
    level = SecurityLevel(block.channel.level)
    if not any((item.scp, item.i) == (parameters.scp, parameters.i) for item in chip.protocols):
        raise ProfileError(f"gp.channel: {parameters}: this chip has no such protocol")
    if not parameters.explicit or level not in parameters.levels:
        raise ProfileError(
            f"gp.channel: {parameters} at level {level:02X}: expected an explicit one that has the level"
        )
    delivered = delivered_set(chip)
    keys = tuple(key_set(item, f"gp.keys[{index}]") for index, item in enumerate(block.keys))
    if not keys or not keys[0].opens_channel or keys[0].kvn == delivered.kvn:
        raise ProfileError("gp.keys: the first is a channel set of another version than the delivered one")
    if chip.delivered.removal == "replace":
        keys = (replacing(keys[0], delivered.kvn), *keys[1:])
    size = 1 if chip.quirks.privileges_1_byte else 3
    product = Product(
        block=block,
        chip=chip,
        isd=aid_of(chip.isd, "chip.gp.isd"),
        parameters=parameters,
        level=level,
        quirks=_quirks(chip),
        delivered=delivered,
        keys=keys,
        packages=tuple(_package(item, files, f"gp.load[{index}]") for index, item in enumerate(block.load)),
        domains=tuple(_domain(item, parameters, f"gp.domains[{n}]", size) for n, item in enumerate(block.domains)),
        applications=tuple(
            _application(item, parameters, f"gp.applications[{n}]", size) for n, item in enumerate(block.applications)
        ),
        objects=_objects(block),
        p1_table=_p1_table(chip),
        certified=_certified(block, files),
    )
    _check_references(product)
    return product


def _certified(block: GpBlock, files: Mapping[str, bytes]) -> Certified | None:
    if block.certificate is None:
        return None
    if not block.data.day:
        raise ProfileError("gp.certificate: gp.data.day is missing: the day on which the certificate must be in force")
    return certified(block.certificate, files[block.certificate.root])


def _quirks(chip: ChipBlock) -> Quirks:
    told = chip.quirks
    return Quirks(
        enc_empty_data=told.enc_empty_data,
        counter_data_only=told.counter_data_only,
        scp03_challenge_old_counter=told.scp03_challenge_old_counter,
        rmac_on_error=told.rmac_on_error,
    )


def _package(block: LoadBlock, files: Mapping[str, bytes], where: str) -> Package:
    content = files[block.cap]
    digest = hashlib.sha256(content).digest()
    if not hmac.compare_digest(digest, hex_of(block.sha256, f"{where}.sha256")):
        raise ProfileError(f"{where}: {block.cap} has SHA-256 {digest.hex()}, expected {block.sha256.lower()}")
    try:
        parsed = cap.CapFile.parse(content)
    except EncodingError as error:
        raise ProfileError(f"{where}: {block.cap}: {error}") from None
    data = parsed.load_file_data_block(descriptor=block.descriptor)
    return Package(
        aid=parsed.package.aid,
        version=bytes((parsed.package.major, parsed.package.minor)),
        modules=parsed.applets,
        block=data,
        digest=cap.digest(data, block.hash),
        cap_sha256=digest,
        domain=aid_of(block.domain, f"{where}.domain") if block.domain else b"",
    )


def _privileges(names: tuple[str, ...], where: str, size: int) -> Privileges:
    try:
        found = Privileges.of(names, size)
    except EncodingError as error:
        raise ProfileError(f"{where}: {error}") from None
    if wrong := found.contradictions():
        raise ProfileError(f"{where}: {wrong[0]}")
    return found


def _domain(block: DomainBlock, parameters: Parameters, where: str, size: int) -> Domain:
    aid = aid_of(block.aid, f"{where}.aid")
    keys = tuple(key_set(item, f"{where}.keys[{index}]", aid) for index, item in enumerate(block.keys))
    if not keys or not keys[0].opens_channel:
        raise ProfileError(f"{where}.keys: the first is its own channel set")
    own = f"8102{parameters.scp:02X}{parameters.i:02X}"
    numbers = ((0x42, block.issuer_number), (0x45, block.card_number))
    return Domain(
        aid,
        _privileges(("security domain", *block.privileges), f"{where}.privileges", size),
        InstallParameters(hex_of(block.parameters or own, f"{where}.parameters")).build(),
        keys,
        tuple(
            Value(f"{tag:02X} of {block.aid.upper()}", tag, item.size, item.size)
            for tag, item in numbers
            if item is not None
        ),
    )


def _application(block: ApplicationBlock, parameters: Parameters, where: str, size: int) -> Application:
    aid = aid_of(block.aid, f"{where}.aid")
    implicit = tuple(bytes((value,)) for value in block.implicit)
    return Application(
        block,
        aid,
        aid_of(block.load_file, f"{where}.load_file"),
        aid_of(block.module, f"{where}.module"),
        _privileges(block.privileges, f"{where}.privileges", size),
        InstallParameters(hex_of(block.parameters, f"{where}.parameters"), implicit=implicit).build(),
        aid_of(block.domain, f"{where}.domain") if block.domain else b"",
        tuple(
            _grouping(item, parameters.block_size, f"{aid.hex().upper()}#{index}", f"{where}.data[{index}]")
            for index, item in enumerate(block.data)
        ),
        {_number(key, where): value for key, value in block.store_data_p1.items()},
    )


def _number(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ProfileError(f"{where}.store_data_p1: block {text!r}, expected a number, -1 for the last") from None


def _grouping(block: GroupingBlock, cipher_block: int, name: str, where: str) -> Value:
    tag = hex_of(block.dgi, f"{where}.dgi")
    if len(tag) != 2:
        raise ProfileError(f"{where}.dgi: got {len(tag)} bytes, expected 2")
    secret = is_secret(int.from_bytes(tag, "big")) if block.secret is None else block.secret
    given = size = _size(block, where)
    if secret:
        padded = size // cipher_block * cipher_block + cipher_block
        size = padded if block.pad else size
        if size % cipher_block or not size:
            raise ProfileError(f"{where}: {size} secret bytes, expected whole blocks of {cipher_block}, or pad = true")
    elif block.pad:
        raise ProfileError(f"{where}.pad: only a secret value is padded")
    return Value(name, int.from_bytes(tag, "big"), size, given, secret, block.pad)


def _size(block: GroupingBlock, where: str) -> int:
    if block.size is not None:
        return block.size
    if "{" in block.value:
        raise ProfileError(f"{where}: its value depends on the record, so its size must be given")
    return len(hex_of(block.value, f"{where}.value"))


def _objects(block: GpBlock) -> tuple[Value, ...]:
    data = block.data
    numbers = ((0x42, data.issuer_number), (0x45, data.card_number))
    production = ((0x9F67, data.pre_personalization), (0x9F66, data.personalization))
    return (
        *(Value(f"{tag:02X}", tag, item.size, item.size) for tag, item in numbers if item is not None),
        *(Value(f"{tag:04X}", tag, 8, 8) for tag, item in production if item is not None),
    )


def _p1_table(chip: ChipBlock) -> P1Table:
    told = chip.quirks.store_data_p1
    pairs: tuple[tuple[tuple[Structure, Encryption], Any], ...] = (
        ((Structure.DGI, Encryption.NONE), told.dgi),
        ((Structure.DGI, Encryption.ALL), told.dgi_secret),
        ((Structure.BER, Encryption.NONE), told.ber),
    )
    return {kind: value for kind, value in pairs if value is not None}


def _check_references(product: Product) -> None:
    """Check that packages, domains and modules that are named are there, and that nothing is there twice."""
    packages = {item.aid: item.modules for item in product.packages}
    packages |= {
        aid_of(item.aid, "chip.gp.packages"): tuple(hex_of(module, "chip.gp.packages") for module in item.modules)
        for item in product.chip.packages
    }
    aids = [*packages, *(item.aid for item in product.domains), *(item.aid for item in product.applications)]
    if twice := {aid.hex().upper() for aid in aids if aids.count(aid) > 1}:
        raise ProfileError(f"gp: AID {min(twice)} is there twice")
    for item in product.applications:
        if item.module not in packages.get(item.load_file, ()):
            raise ProfileError(f"gp.applications: {item.block.aid}: no module {item.block.module} in its load file")
    _check_denied(product, packages)
    homes = {b"", *(item.aid for item in product.domains)}
    for aid in (*(item.domain for item in product.packages), *(item.domain for item in product.applications)):
        if aid not in homes:
            raise ProfileError(f"gp: security domain {aid.hex().upper()}: this profile has no such domain")
    if product.domains and not (product.chip.domain_package and product.chip.domain_module):
        raise ProfileError("gp.domains: this chip has no package that security domains are made of")


def _check_denied(product: Product, packages: Iterable[bytes]) -> None:
    for start in (hex_of(item, "gp.deny") for item in product.block.deny):
        if denied := [aid.hex().upper() for aid in packages if aid.startswith(start)]:
            raise ProfileError(f"gp.deny: {start.hex().upper()}: package {denied[0]} of this profile or chip is denied")
