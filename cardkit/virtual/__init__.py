"""Virtual cards: card operating systems that behave like the chips a maker delivers, blank images first.

A tower of its own: it imports the standard library and `cryptography`, and shares no code with the client side. The
seam is `atr() -> bytes`, `power(cold)`, `transmit(bytes) -> bytes`; an empty answer means that the card is gone,
TimeoutError that it is mute.
"""

from .card import VirtualCard
from .cipurse.card import CipurseCard
from .cipurse.image import CipurseImage
from .desfire.card import DesfireCard
from .desfire.image import DesfireImage
from .eid.card import EidCard
from .eid.image import EidImage
from .emrtd.card import EmrtdCard
from .emrtd.image import EmrtdImage
from .errors import ChipFileError, ImageError, LinkError, SlotOccupiedError, VirtualCardError
from .gp.card import GpCard
from .gp.image import GpImage
from .image import Image, images, load_image
from .maker import AnyCard, AnyImage, make_card
from .social.card import SocialCard
from .social.image import SocialImage

__all__ = [
    "AnyCard",
    "AnyImage",
    "ChipFileError",
    "CipurseCard",
    "CipurseImage",
    "DesfireCard",
    "DesfireImage",
    "EidCard",
    "EidImage",
    "EmrtdCard",
    "EmrtdImage",
    "GpCard",
    "GpImage",
    "Image",
    "ImageError",
    "LinkError",
    "SlotOccupiedError",
    "SocialCard",
    "SocialImage",
    "VirtualCard",
    "VirtualCardError",
    "images",
    "load_image",
    "make_card",
]
