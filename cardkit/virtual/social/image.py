"""Images of blank cards with several applications: which chips they are composed of.

See images/social.toml (payment, identity, transport) and images/national-id.toml (document, identity). Payment or
document is a GlobalPlatform chip and with it the platform of the card.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ..cipurse.image import CipurseImage
from ..eid.image import SYSTEM_PKCS15, EidImage
from ..errors import ImageError
from ..gp.image import SERIAL_SIZE, GpImage
from ..historical import capabilities

SYSTEM: Final = "social"
PAYMENT, DOCUMENT, IDENTITY, TRANSPORT = "payment/", "document/", "identity/", "transport/"  # prefixes of their cells
_AID_SIZES: Final = range(5, 17)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SocialImage:
    """A blank chip. Immutable and shared.

    :ivar digest: 8 bytes that name this content and that of the parts.
    :ivar cells: of all parts, each under its prefix.
    :ivar role: what the platform is for: PAYMENT or DOCUMENT.
    :ivar transport_aid: selects the master file of the transport application.
    """

    name: str
    title: str
    digest: bytes
    atr: bytes
    protocols: tuple[int, ...]
    cells: Mapping[str, bytes]
    role: str
    platform: GpImage
    identity: EidImage
    transport: CipurseImage | None
    transport_aid: bytes
    serial_size: int = SERIAL_SIZE

    def born(self, serial: bytes) -> dict[str, bytes]:
        """The cells in which a fresh chip differs: one number is in the CPLC data, in the UID, and of the identity."""
        born = {
            self.role: self.platform.born(serial),
            IDENTITY: self.identity.born(serial.rjust(self.identity.serial_size, b"\0")),
        }
        if self.transport is not None:
            born[TRANSPORT] = self.transport.born(serial)
        return {prefix + cell: value for prefix, cells in born.items() for cell, value in cells.items()}


def build(table: Mapping[str, Any], digest: bytes, parts: Mapping[str, object]) -> SocialImage:
    """An image from its TOML table.

    :param parts: the images that it names under `[parts]`.
    :raises ImageError: contradictions.  :raises KeyError: a missing entry.  :raises ValueError, TypeError: a bad one.
    """
    chip = table["chip"]
    atr, aid = bytes.fromhex(chip["atr"]), bytes.fromhex(table.get("applications", {}).get("transport", ""))
    role = PAYMENT if "payment" in parts else DOCUMENT
    platform, identity, transport = parts[role.rstrip("/")], parts["identity"], parts.get("transport")
    if not (isinstance(platform, GpImage) and isinstance(identity, EidImage)):
        raise ImageError("parts: expected a GlobalPlatform image of payment or document, and an eID one of identity")
    if not (transport is None or isinstance(transport, CipurseImage)) or bool(aid) != (transport is not None):
        raise ImageError("parts: expected of transport a CIPURSE image, and its AID under applications")
    channels, extended = capabilities(atr)
    if identity.system != SYSTEM_PKCS15 or tuple(chip["protocols"]) != (1,) or channels != 1:
        raise ImageError("chip: expected an identity of PKCS#15, protocols [1] and an ATR with one logical channel")
    if aid and len(aid) not in _AID_SIZES:
        raise ImageError(f"applications: transport AID of {len(aid)} bytes, expected 5 to 16")
    cells = {role: platform.cells, IDENTITY: identity.cells, **({TRANSPORT: transport.cells} if transport else {})}
    return SocialImage(
        name=chip["name"],
        title=chip["title"],
        digest=digest,
        atr=atr,
        protocols=(1,),
        cells={prefix + cell: value for prefix, found in cells.items() for cell, value in found.items()},
        role=role,
        platform=replace(platform, atr=atr, protocols=(1,), channels=channels, extended=extended),
        identity=replace(identity, atr=atr),
        transport=replace(transport, atr=atr) if transport else None,
        transport_aid=aid,
    )
