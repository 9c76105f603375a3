"""The one place where cards are made, whatever their card operating system."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from .card import VirtualCard
from .cipurse.card import CipurseCard
from .cipurse.image import CipurseImage
from .desfire.card import DesfireCard
from .desfire.image import DesfireImage
from .eid.card import EidCard
from .eid.image import EidImage
from .emrtd.appletcard import AppletCard
from .emrtd.card import EmrtdCard
from .emrtd.image import EmrtdImage
from .gp.card import GpCard
from .gp.image import GpImage
from .image import Image, PlatformImage, load_image
from .platformcard import PlatformCard
from .social.card import SocialCard
from .social.image import SocialImage

AnyCard = VirtualCard | GpCard | EmrtdCard | EidCard | CipurseCard | DesfireCard | SocialCard
AnyImage = Image | GpImage | EmrtdImage | EidImage | CipurseImage | DesfireImage | SocialImage

_CARDS: Final[Mapping[type[AnyImage], Callable[..., AnyCard]]] = {
    EmrtdImage: EmrtdCard,
    EidImage: EidCard,
    CipurseImage: CipurseCard,
    DesfireImage: DesfireCard,
    SocialImage: SocialCard,
}


def make_card(
    image: AnyImage | str | Path,
    *,
    serial: bytes | None = None,
    seed: int | None = None,
    protocol: int | None = None,
    store: Path | None = None,
) -> AnyCard:
    """Make a blank card, or open the one that `store` holds.

    :param image: what the maker delivers: an image, the name of one, or the path of a TOML file.
    :param serial: the chip's serial number, as many bytes as the image gives it room; default random.
    :param seed: makes serial and challenges repeatable.
    :param protocol: 0 or 1 for T=0 or T=1; default the image's first.
    :param store: file that holds the chip; read when it exists, replaced atomically after each APDU that wrote.
    :raises ImageError: unknown image, a protocol its ATR does not offer, a serial of the wrong size.
    :raises ChipFileError: the store is damaged or belongs to another image.

    >>> make_card("gp-scp03", seed=1).transmit(bytes.fromhex("00CA00D300")).hex()
    '009000'
    """
    wanted = load_image(image) if isinstance(image, str | Path) else image
    if isinstance(wanted, GpImage):
        made = AppletCard if "emrtd" in wanted.applets.values() else GpCard
        return made(wanted, serial=serial, seed=seed, protocol=protocol, store=store)
    if isinstance(wanted, PlatformImage):
        return PlatformCard(wanted, serial=serial, seed=seed, protocol=protocol, store=store)
    if isinstance(wanted, Image):
        return VirtualCard(wanted, serial=serial, seed=seed, protocol=protocol, store=store)
    return _CARDS[type(wanted)](wanted, serial=serial, seed=seed, protocol=protocol, store=store)
