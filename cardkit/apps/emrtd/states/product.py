"""One product on one chip: the profile's ``[emrtd]`` and the chip's, read and checked once for every card of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cardkit.apps.emrtd.driver import Driver, Transport
from cardkit.apps.emrtd.driver_applet2006 import Applet2006Driver
from cardkit.apps.emrtd.driver_iso7816 import Iso7816Driver
from cardkit.apps.emrtd.driver_storedata import StoreDataDriver
from cardkit.apps.emrtd.lds import FILES
from cardkit.apps.emrtd.prepare.document import CARD_SECURITY, TravelDocument
from cardkit.apps.emrtd.prepare.terminals import read_trust
from cardkit.apps.emrtd.schema import ChipBlock, EmrtdBlock
from cardkit.apps.gp.states.route import Room
from cardkit.apps.pki.certificate import Certificate
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.crypto.curves import BY_NAME, BY_PARAMETER_ID
from cardkit.errors import EncodingError, ProfileError
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import SCP03, decode_parameters

_SHORT_NC = 255
_MOST_CHIP_KEYS = 16
_DRIVERS: Mapping[str, Callable[[EmrtdBlock, ChipBlock, Transport], Driver]] = {
    "iso7816": Iso7816Driver,
    "gp-store-data": StoreDataDriver,
}


@dataclass(frozen=True, slots=True)
class DocumentProduct:
    """All of it.

    :param attached: files beside the profile, by name.  :param transport: None of a chip that is open until locked.
    """

    block: EmrtdBlock
    chip: ChipBlock
    attached: Mapping[str, bytes] = field(repr=False)
    transport: Transport | None
    driver: Driver

    def check_size(self, document: TravelDocument) -> None:
        """Refuse a document that does not fit the chip, or a file longer than a file can be.

        :raises ProfileError: naming the size.
        """
        longest = max(document.files, key=lambda name: len(document.files[name]))
        if len(document.files[longest]) > 0xFFFF:
            raise ProfileError(f"{longest}: {len(document.files[longest])} bytes, a file holds 65535")
        total = sum(map(len, document.files.values()))
        if total > self.chip.memory_bytes:
            raise ProfileError(f"files of {total} bytes, the chip holds {self.chip.memory_bytes}")


def file_names(block: EmrtdBlock) -> tuple[str, ...]:
    """Return the names of the files a block asks for, each once."""
    terminals = block.terminal_authentication
    certificates: tuple[str, ...] = terminals.trust_points if terminals else ()
    certificates += terminals.terminal.certificates if terminals and terminals.terminal else ()
    return tuple(dict.fromkeys((block.signer.certificate, *block.groups.images, *certificates)))


def build_product(block: EmrtdBlock, chip: ChipBlock, attached: Mapping[str, bytes]) -> DocumentProduct:
    """Join a profile's block with its chip's.

    :param attached: contents of the files the block names.
    :raises ProfileError: naming the entry that is wrong, or what this chip cannot do.
    """
    _check_access(block)
    _check_keys(block)
    _check_terminals(block)
    read_trust(block.terminal_authentication, attached)
    try:
        Certificate.parse(attached[block.signer.certificate])
    except EncodingError as error:
        raise ProfileError(f"emrtd.signer.certificate: {error}") from None
    if chip.driver == "applet-2006":
        if block.terminal_authentication is not None:
            raise ProfileError("emrtd.terminal_authentication: driver applet-2006 knows none")
        return DocumentProduct(block, chip, attached, None, Applet2006Driver(block, chip))
    if block.active_authentication is not None and block.active_authentication.rsa_bits is not None:
        raise ProfileError(f"emrtd.active_authentication.rsa_bits: driver {chip.driver} takes keys on curves")
    transport = _transport(chip)
    return DocumentProduct(block, chip, attached, transport, _DRIVERS[chip.driver](block, chip, transport))


def _transport(chip: ChipBlock) -> Transport:
    parameters = decode_parameters(SCP03, chip.i)
    try:
        level = SecurityLevel(chip.level)
    except ValueError:
        raise ProfileError(f"chip.emrtd.level: {chip.level:02X} is no security level") from None
    if level not in parameters.levels:
        raise ProfileError(f"chip.emrtd.level: {parameters} does not have {chip.level:02X}")
    return Transport(parse_key_set(chip.transport), Room(parameters, level, _SHORT_NC))


def _check_access(block: EmrtdBlock) -> None:
    access = block.access
    if not access.bac and not access.pace:
        raise ProfileError("emrtd.access: neither BAC nor PACE: nothing would open the document")
    if access.can and not access.pace:
        raise ProfileError("emrtd.access.can: a CAN needs PACE")
    ways = [item.mapping for item in access.pace]
    if "ECDH-CAM" in ways:
        others = set(ways) - {"ECDH-CAM"}
        ciphers = {item.cipher for item in access.pace if item.mapping == "ECDH-CAM"}
        if ways.count("ECDH-CAM") > 1 or not others or "3DES" in ciphers or not block.chip_authentication:
            expected = "one with AES, another mapping beside it, and a key of chip authentication"
            raise ProfileError(f"emrtd.access.pace: ECDH-CAM: expected {expected}")
    for index, item in enumerate(access.pace):
        elliptic = item.parameters in BY_PARAMETER_ID
        if elliptic != item.mapping.startswith("ECDH") or (not elliptic and item.parameters > 2):
            raise ProfileError(f"emrtd.access.pace[{index}]: parameters {item.parameters} are none of {item.mapping}")


def _check_keys(block: EmrtdBlock) -> None:
    chip_keys = block.chip_authentication
    named = [("chip_authentication", item.curve) for item in chip_keys]
    if block.active_authentication is not None and block.active_authentication.curve:
        named.append(("active_authentication", block.active_authentication.curve))
    for where, curve in named:
        if curve not in BY_NAME:
            raise ProfileError(f"emrtd.{where}.curve: {curve!r}, expected one of {', '.join(BY_NAME)}")
    identifiers = [item.key_id for item in chip_keys]
    if len(chip_keys) > 1 and (None in identifiers or len(set(identifiers)) != len(identifiers)):
        raise ProfileError("emrtd.chip_authentication: several keys need a key_id each, all different")
    if len(chip_keys) > _MOST_CHIP_KEYS:
        raise ProfileError(f"emrtd.chip_authentication: {len(chip_keys)} keys, expected {_MOST_CHIP_KEYS} at most")


def _check_terminals(block: EmrtdBlock) -> None:
    closed = bool(block.groups.fingers or block.groups.irises)
    if closed != (block.terminal_authentication is not None):
        raise ProfileError("emrtd.terminal_authentication: where there are fingers or irises, and there only")
    if closed and not block.chip_authentication:
        raise ProfileError("emrtd.terminal_authentication: a terminal is asked after the chip: no chip_authentication")


def is_public(name: str) -> bool:
    """Whether a file is read without a password."""
    return FILES[name].in_master_file and name != CARD_SECURITY
