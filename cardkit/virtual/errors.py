"""Everything this package raises. It shares no class with the client's error tree: the card is another party."""


class VirtualCardError(Exception):
    """Base of all errors a user of virtual cards may see."""


class ImageError(VirtualCardError):
    """An image is unknown, malformed or contradicts itself."""


class ChipFileError(VirtualCardError):
    """A chip's file is damaged, missing, or belongs to another image."""


class LinkError(VirtualCardError):
    """The link to the virtual reader broke in the middle of a message, or carried what it must not."""


class SlotOccupiedError(LinkError):
    """The virtual reader accepted the connection but holds another card."""


class WriteFailedError(VirtualCardError):
    """The memory did not take a write; the card answers 6581. Raised by memory faults."""


class PowerCutError(VirtualCardError):
    """The card lost its power between two writes; raised for `cut_at`."""


class StatusWordError(VirtualCardError):
    """A command ends with this status word and no data; never leaves the card.

    :param sw: the two bytes SW1 SW2.
    """

    def __init__(self, sw: bytes) -> None:
        super().__init__(sw.hex().upper())
        self.sw = sw
