"""Images of blank cards with several applications: which chips they are composed of, see images/social.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ..cipurse.image import CipurseImage
from ..eid.image import SYSTEM_PKCS15, EidImage
from ..errors import ImageError
from ..gp.image import SERIAL_SIZE, GpImage
from ..historical import capabilities

SYSTEM: Final = "social"
PAYMENT, IDENTITY, TRANSPORT = "payment/", "identity/", "transport/"  # prefixes of their cells
_AID_SIZES: Final = range(5, 17)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SocialImage:
    """A blank chip. Immutable and shared.

    :ivar digest: 8 bytes that name this content and that of the parts.
    :ivar cells: of all parts, each under its prefix.
    :ivar transport_aid: selects the master file of the transport application.
    """

    name: str
    title: str
    digest: bytes
    atr: bytes
    protocols: tuple[int, ...]
    cells: Mapping[str, bytes]
    payment: GpImage
    identity: EidImage
    transport: CipurseImage
    transport_aid: bytes
    serial_size: int = SERIAL_SIZE

    def born(self, serial: bytes) -> dict[str, bytes]:
        """The cells in which a fresh chip differs: one number is in the CPLC data, in the UID, and of the identity."""
        born = {
            PAYMENT: self.payment.born(serial),
            IDENTITY: self.identity.born(serial.rjust(self.identity.serial_size, b"\0")),
            TRANSPORT: self.transport.born(serial),
        }
        return {prefix + cell: value for prefix, cells in born.items() for cell, value in cells.items()}


def build(table: Mapping[str, Any], digest: bytes, parts: Mapping[str, object]) -> SocialImage:
    """An image from its TOML table.

    :param parts: the images that it names under `[parts]`.
    :raises ImageError: contradictions.  :raises KeyError: a missing entry.  :raises ValueError, TypeError: a bad one.
    """
    chip = table["chip"]
    atr, aid = bytes.fromhex(chip["atr"]), bytes.fromhex(table["applications"]["transport"])
    payment, identity, transport = parts["payment"], parts["identity"], parts["transport"]
    if not (isinstance(payment, GpImage) and isinstance(identity, EidImage) and isinstance(transport, CipurseImage)):
        raise ImageError("parts: expected a GlobalPlatform, an eID and a CIPURSE image")
    channels, extended = capabilities(atr)
    if identity.system != SYSTEM_PKCS15 or tuple(chip["protocols"]) != (1,) or channels != 1:
        raise ImageError("chip: expected an identity of PKCS#15, protocols [1] and an ATR with one logical channel")
    if len(aid) not in _AID_SIZES:
        raise ImageError(f"applications: transport AID of {len(aid)} bytes, expected 5 to 16")
    cells = {PAYMENT: payment.cells, IDENTITY: identity.cells, TRANSPORT: transport.cells}
    return SocialImage(
        name=chip["name"],
        title=chip["title"],
        digest=digest,
        atr=atr,
        protocols=(1,),
        cells={prefix + cell: value for prefix, found in cells.items() for cell, value in found.items()},
        payment=replace(payment, atr=atr, protocols=(1,), channels=channels, extended=extended),
        identity=replace(identity, atr=atr),
        transport=replace(transport, atr=atr),
        transport_aid=aid,
    )
