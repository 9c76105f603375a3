"""A GlobalPlatform card: one chip behind the seam `atr`, `power`, `transmit`."""

import random
from collections.abc import Mapping
from pathlib import Path
from random import Random

from .. import chipfile
from ..errors import ImageError
from ..memory import Memory
from .chip import GpChip
from .exchange import exchange
from .image import GpImage
from .journal import PowerCutError


class GpCard:
    """One virtual chip with its GlobalPlatform card operating system.

    :param image: what the maker delivers.
    :param serial: IC serial number and IC batch, 6 bytes; default random.
    :param seed: makes serial and challenges repeatable.
    :param protocol: 0 or 1 for T=0 or T=1; default the image's first.
    :param store: file that holds the chip; read when it exists, replaced atomically after each APDU that wrote.
    :raises ImageError: a protocol its ATR does not offer, a serial of the wrong size.
    :raises ChipFileError: the store is damaged or belongs to another image.
    """

    def __init__(
        self,
        image: GpImage,
        *,
        serial: bytes | None = None,
        seed: int | None = None,
        protocol: int | None = None,
        store: Path | None = None,
    ) -> None:
        self.image = image
        self.protocol = image.protocols[0] if protocol is None else protocol
        if self.protocol not in image.protocols:
            raise ImageError(f"image {image.name}: offers T={image.protocols}, not T={protocol}")
        self.store = store
        source = random.SystemRandom() if seed is None else Random(f"{image.name}:{seed}")  # noqa: S311 - repeatable tests
        wanted = source.randbytes(image.serial_size) if serial is None else serial
        saved = chipfile.read(store, image) if store is not None else None
        self.serial, cells = saved if saved is not None else (wanted, image.born(wanted))
        self.chip = GpChip(image, Memory(image.cells, cells), self.protocol, source)
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
        """How long a card of this image would wait after the wrong authentications so far; it never really waits.

        :returns: seconds, of the key set with most of them.
        """
        domains = (entry for entry in self.chip.registry if entry.is_domain)
        rings = (self.chip.keys(domain.aid).ring() for domain in domains)
        return max((found.delay_s for ring in rings for found in ring.sets.values()), default=0)

    def transmit(self, command: bytes) -> bytes:
        """Work on one C-APDU; each is atomic: done and saved, or not at all.

        :returns: R-APDU, at least 2 bytes; empty when the power was cut.
        """
        if self._gone:
            return b""
        try:
            return self.exchange(command)
        except PowerCutError:
            self._gone = True
            return b""
        finally:
            if self.chip.memory.dirty:
                self._save()

    def exchange(self, command: bytes) -> bytes:
        """Whoever answers a command on this card; here the platform.

        :raises PowerCutError: by a fault.
        """
        return exchange(self.chip, command)

    def _save(self) -> None:
        self.chip.memory.dirty = False
        if self.store is not None:
            chipfile.write(self.store, self.image, self.serial, self.chip.memory)

    def memory(self) -> Mapping[str, bytes]:
        """What the chip really holds, for judges in tests; no APDU can see all of this.

        :returns: name of each cell that holds anything, as cells.py lists them -> what lies there.
        """
        return {cell: value for cell, value in self.chip.memory.cells.items() if value}
