"""One product on one chip: the profile's ``[emv]`` and the chip's, read and checked once for every card of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from cardkit.apps.emv.aids import PPSE, PSE
from cardkit.apps.emv.prepare.issuer import IssuerCertificate, issuer_certificates
from cardkit.apps.emv.prepare.records import check_blocks
from cardkit.apps.emv.schema import ChipBlock, DirectoryBlock, EmvBlock, InterfaceBlock, PaymentBlock
from cardkit.apps.gp.schema import ApplicationBlock
from cardkit.apps.gp.states.keysets import hex_of
from cardkit.apps.gp.states.product import Product as GpProduct
from cardkit.apps.gp.states.product import build_product as build_gp_product
from cardkit.crypto.emvcvn import read_issuer_data
from cardkit.errors import EncodingError, ProfileError

_RID_BYTES, _DGI_BYTES = 5, 2
_IAD = "9F10"


@dataclass(frozen=True, slots=True)
class PaymentProduct:
    """All of it.

    :param gp: the card it stands on, its payment applications without data.
    :param issuers: certificates by RID.  :param aids: of directories and applications, in the order they are made.
    """

    block: EmvBlock
    chip: ChipBlock
    gp: GpProduct
    issuers: Mapping[bytes, IssuerCertificate]
    aids: tuple[bytes, ...]

    def application(self, aid: bytes) -> PaymentBlock | None:
        """Return a payment application, None for a directory."""
        return next((item for item in self.block.applications if bytes.fromhex(item.aid) == aid), None)

    @property
    def contact(self) -> tuple[PaymentBlock, ...]:
        """Applications with a contact interface, in the order of the directory."""
        return tuple(item for item in self.block.applications if item.contact is not None)

    @property
    def contactless(self) -> tuple[PaymentBlock, ...]:
        """Applications with a contactless interface, in the order of the directory."""
        return tuple(item for item in self.block.applications if item.contactless is not None)


def build_product(block: EmvBlock, chip: ChipBlock, files: Mapping[str, bytes]) -> PaymentProduct:
    """Join a profile's block with its chip's.

    :param files: contents of the files the block names.
    :raises ProfileError: naming the entry that is wrong, or what this chip cannot do.
    """
    if not block.applications:
        raise ProfileError("emv.applications: expected one application at least")
    if block.gp.script is not None:
        raise ProfileError("emv.gp.script: a payment card's commands depend on the card")
    for index, item in enumerate(block.applications):
        _check_application(item, f"emv.applications[{index}]")
    for name, directory, users in (
        ("pse", block.pse, [item.contact for item in block.applications]),
        ("ppse", block.ppse, [item.contactless for item in block.applications]),
    ):
        if directory is not None and not any(users):
            raise ProfileError(f"emv.{name}: no application has this interface")
    applications = tuple(msgspec.structs.replace(item, direct=chip.direct) for item in _applications(block))
    gp = build_gp_product(
        msgspec.structs.replace(block.gp, applications=(*block.gp.applications, *applications)), chip.gp, files
    )
    rids = frozenset(bytes.fromhex(item.aid)[:_RID_BYTES] for item in block.applications if _signs(item))
    issuers = issuer_certificates(block.issuer, rids, files)
    return PaymentProduct(block, chip, gp, issuers, tuple(bytes.fromhex(item.aid) for item in applications))


def _applications(block: EmvBlock) -> Iterator[ApplicationBlock]:
    for name, directory in ((PSE, block.pse), (PPSE, block.ppse)):
        if directory is not None:
            yield _directory(name, directory)
    for item in block.applications:
        yield ApplicationBlock(
            aid=item.aid,
            load_file=item.load_file,
            module=item.module,
            privileges=item.privileges,
            parameters=item.parameters,
            life_cycle=item.life_cycle,
        )


def _directory(name: bytes, block: DirectoryBlock) -> ApplicationBlock:
    return ApplicationBlock(
        aid=name.hex().upper(),
        load_file=block.load_file,
        module=block.module,
        parameters=block.parameters,
        life_cycle=block.life_cycle,
    )


def _signs(item: PaymentBlock) -> bool:
    faces = (item.contact, item.contactless)
    return any(group.signed for face in faces if face is not None for group in face.records)


def _check_application(item: PaymentBlock, where: str) -> None:
    hex_of(item.aid, f"{where}.aid")
    hex_of(item.kernel, f"{where}.kernel")
    if item.contact is None and item.contactless is None:
        raise ProfileError(f"{where}: neither contact nor contactless, expected one of them or both")
    for name, face in (("contact", item.contact), ("contactless", item.contactless)):
        if face is not None:
            _check_interface(face, f"{where}.{name}")
    if item.static != bool(item.dac):
        raise ProfileError(f"{where}.dac: 4 digits go with static = true, and only with it")
    _check_data(item, where)


def _check_data(item: PaymentBlock, where: str) -> None:
    for tag in (*item.tags, *item.data):
        hex_of(tag, f"{where}.tags")
    for name in item.groupings:
        if len(hex_of(name, f"{where}.groupings")) != _DGI_BYTES:
            raise ProfileError(f"{where}.groupings: {name}: expected 4 digits")
    for tag in item.data:
        if tag not in item.tags:
            raise ProfileError(f"{where}.data: {tag} has no value in tags")


def _check_interface(face: InterfaceBlock, where: str) -> None:
    aip = hex_of(face.aip, f"{where}.aip")
    if len(aip) != 2:
        raise ProfileError(f"{where}.aip: got {len(aip)} bytes, expected 2")
    check_blocks(face.records, f"{where}.records")
    _check_issuer_data(face, f"{where}.internal")
    groups = (tag for group in face.records for tag in group.tags)
    for tag in (*face.fci, *face.issuer_data, *face.answer, *face.internal, *face.tags, *groups):
        hex_of(tag, where)


def _check_issuer_data(face: InterfaceBlock, where: str) -> None:
    """Check that issuer application data, where the profile has them, name a version that can be recomputed."""
    if _IAD not in face.internal:
        return
    try:
        read_issuer_data(hex_of(face.internal[_IAD], where))
    except EncodingError as error:
        raise ProfileError(f"{where}: {error}") from None
