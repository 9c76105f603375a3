"""PINs, administrative keys and unblocking codes of a package (SAIP 8.4; what the attribute bits mean: unverified).

Values stay where they are: a :class:`PinCode` names the place, and gives the value as a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cardkit.apps.uicc.names import key_reference
from cardkit.apps.uicc.saip.asn1 import Node
from cardkit.apps.uicc.saip.drafts import Path, path_of
from cardkit.apps.uicc.saip.package import Package
from cardkit.crypto import Secret
from cardkit.errors import EncodingError

FIRST_LOCAL = 0x81
"""Key references from here on belong to one directory (TS 102 221 9.5.1)."""

_LARGEST_REFERENCE = 0xFF

# DEFAULT values of the module.
_ATTRIBUTES, _PIN_TRIES, _PUK_TRIES = 7, 0x33, 0xAA
_ENABLED, _CHANGEABLE, _CAN_BE_DISABLED = 0x01, 0x02, 0x04


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a code may be wrong."""

    most: int
    left: int

    @classmethod
    def of(cls, number: int) -> Tries:
        """Read both nibbles."""
        return cls(number >> 4 & 0x0F, number & 0x0F)


@dataclass(frozen=True, slots=True)
class PukCode:
    """An unblocking code.

    :param way: to its value in the package.
    """

    reference: int
    value: Secret
    tries: Tries
    way: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PinCode:
    """A PIN or an administrative key.

    :param directory: where it is defined.  :param puk: None where nothing unblocks it.
    :param way: to its value in the package.
    """

    reference: int
    directory: Path
    value: Secret
    tries: Tries
    attributes: int
    puk: PukCode | None
    way: tuple[int, ...]

    @property
    def name(self) -> str:
        """PIN1, ADM1 ..."""
        return key_reference(self.reference)

    @property
    def enabled(self) -> bool:
        """Whether the card asks for it."""
        return bool(self.attributes & _ENABLED)

    @property
    def changeable(self) -> bool:
        """Whether its holder may change it."""
        return bool(self.attributes & _CHANGEABLE)

    @property
    def can_be_disabled(self) -> bool:
        """Whether its holder may switch it off and on."""
        return bool(self.attributes & _CAN_BE_DISABLED)


def read_codes(package: Package, contexts: Sequence[Path]) -> tuple[PinCode, ...]:
    """Return the codes of a package; those a directory shares with another stand under both.

    :param contexts: the directory each element's codes belong to.
    :raises EncodingError: on a code without a value.
    """
    puks = {puk.reference: puk for at, element in package.all("pukCodes") for puk in _puks(at, element)}
    codes: list[PinCode] = []
    for at, element in package.all("pinCodes"):
        chosen = element.require("pinCodes")
        shared = chosen.first("filePath")
        if shared is None:
            codes += _pins((at, element.children.index(chosen)), chosen, contexts[at], puks)
            continue
        owner = path_of(shared.octets)
        codes += [replace(code, directory=contexts[at]) for code in codes if code.directory == owner]
    return tuple(codes)


def _puks(at: int, element: Node) -> Iterator[PukCode]:
    listed = element.require("pukCodes")
    for number, node in enumerate(listed.children):
        value = node.require("pukValue")
        reference = _reference(node)
        way = (at, element.children.index(listed), number, node.children.index(value))
        tries = Tries.of(node.number_of("maxNumOfAttemps-retryNumLeft", _PUK_TRIES))
        yield PukCode(reference, Secret(value.octets, f"PUK of {key_reference(reference)}"), tries, way)


def _pins(way: tuple[int, ...], chosen: Node, directory: Path, puks: dict[int, PukCode]) -> Iterator[PinCode]:
    listed = chosen.require("pinconfig")
    for number, node in enumerate(listed.children):
        value = node.require("pinValue")
        reference = _reference(node)
        yield PinCode(
            reference=reference,
            directory=directory if reference >= FIRST_LOCAL else (),
            value=Secret(value.octets, key_reference(reference)),
            tries=Tries.of(node.number_of("maxNumOfAttemps-retryNumLeft", _PIN_TRIES)),
            attributes=node.number_of("pinAttributes", _ATTRIBUTES),
            puk=puks.get(node.number_of("unblockingPINReference", 0)),
            way=(*way, chosen.children.index(listed), number, node.children.index(value)),
        )


def _reference(node: Node) -> int:
    reference = node.require("keyReference").number
    if not 0 < reference <= _LARGEST_REFERENCE:
        raise EncodingError(f"keyReference: got {reference}, expected 1 to {_LARGEST_REFERENCE}")
    return reference
