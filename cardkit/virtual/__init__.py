"""Virtual cards: card operating systems that behave like the chips a maker delivers, blank images first.

A tower of its own: it imports the standard library and `cryptography`, and shares no code with the client side. The
seam is `atr() -> bytes`, `power(cold)`, `transmit(bytes) -> bytes`; an empty answer means that the card is gone,
TimeoutError that it is mute.

The names are imported when they are first used: a station with readers of its own loads no virtual card.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .card import VirtualCard
    from .chips import ChipDirectory
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
    "ChipDirectory",
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

_HOMES = {
    "AnyCard": "maker",
    "AnyImage": "maker",
    "ChipDirectory": "chips",
    "ChipFileError": "errors",
    "CipurseCard": "cipurse.card",
    "CipurseImage": "cipurse.image",
    "DesfireCard": "desfire.card",
    "DesfireImage": "desfire.image",
    "EidCard": "eid.card",
    "EidImage": "eid.image",
    "EmrtdCard": "emrtd.card",
    "EmrtdImage": "emrtd.image",
    "GpCard": "gp.card",
    "GpImage": "gp.image",
    "Image": "image",
    "ImageError": "errors",
    "LinkError": "errors",
    "SlotOccupiedError": "errors",
    "SocialCard": "social.card",
    "SocialImage": "social.image",
    "VirtualCard": "card",
    "VirtualCardError": "errors",
    "images": "image",
    "load_image": "image",
    "make_card": "maker",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
