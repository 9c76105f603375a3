"""A native document chip behind the seam `atr`, `power`, `transmit`."""

import random
from collections.abc import Mapping
from pathlib import Path
from random import Random

from .. import chipfile
from ..errors import ImageError
from ..gp.journal import PowerCutError
from ..memory import Memory
from .applet2006 import Chip2006
from .chip import DocumentChip
from .image import SYSTEM_2006, EmrtdImage
from .native import NativeChip


class EmrtdCard:
    """One virtual document chip.

    :param image: what the maker delivers.
    :param serial: IC serial number and IC batch, 6 bytes; default random.
    :param seed: makes serial, challenges and keys repeatable.
    :param protocol: 1.
    :param store: file that holds the chip; read when it exists, replaced atomically after each APDU that wrote.
    :raises ImageError: another protocol, a serial of the wrong size.
    :raises ChipFileError: the store is damaged or belongs to another image.
    """

    def __init__(
        self,
        image: EmrtdImage,
        *,
        serial: bytes | None = None,
        seed: int | None = None,
        protocol: int | None = None,
        store: Path | None = None,
    ) -> None:
        self.image = image
        self.protocol = image.protocols[0] if protocol is None else protocol
        source = random.SystemRandom() if seed is None else Random(f"{image.name}:{seed}")  # noqa: S311 - repeatable tests
        wanted = source.randbytes(image.serial_size) if serial is None else serial
        if self.protocol not in image.protocols or len(wanted) != image.serial_size:
            raise ImageError(f"image {image.name}: expected T={image.protocols}, a serial of {image.serial_size} bytes")
        self.store = store
        saved = chipfile.read(store, image) if store is not None else None
        self.serial, cells = saved if saved is not None else (wanted, image.born(wanted))
        kind = Chip2006 if image.system == SYSTEM_2006 else NativeChip
        self.chip: DocumentChip = kind(image, Memory(image.cells, cells), source)
        self._gone = False
        if saved is None:
            self._save()

    def atr(self) -> bytes:
        """The answer to reset, 2 to 33 bytes. Asking for it changes nothing."""
        return self.image.atr

    def power(self, cold: bool) -> None:
        """Cold or warm reset: everything volatile is lost either way."""
        del cold
        self._gone = False
        self.chip.reset()

    def cut_at(self, step: int) -> None:
        """Take the power away before the `step`-th write of a cell from now on; 1 is the next one.

        The card is gone then until the next `power`, which finds what the writes before have left.
        """
        self.chip.journal.cut = step

    def delay_s(self) -> int:
        """How long this chip would make a reader wait after the wrong passwords so far; it never really waits."""
        return self.chip.passport.delay_s()

    def transmit(self, command: bytes) -> bytes:
        """Work on one C-APDU; each is atomic: done and saved, or not at all.

        :returns: R-APDU, at least 2 bytes; empty when the power was cut.
        """
        if self._gone:
            return b""
        try:
            return self.chip.exchange(command)
        except PowerCutError:
            self._gone = True
            return b""
        finally:
            if self.chip.memory.dirty:
                self._save()

    def _save(self) -> None:
        self.chip.memory.dirty = False
        if self.store is not None:
            chipfile.write(self.store, self.image, self.serial, self.chip.memory)

    def memory(self) -> Mapping[str, bytes]:
        """What the chip really holds, for judges in tests; no APDU can see all of this.

        :returns: name of each cell that holds anything, as document.py lists them below `emrtd/` -> what lies there.
        """
        return {cell: value for cell, value in self.chip.memory.cells.items() if value}
