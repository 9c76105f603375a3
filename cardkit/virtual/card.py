"""A virtual card: one chip behind the seam `atr`, `power`, `transmit`."""

import random
from collections.abc import Mapping
from pathlib import Path
from random import Random

from . import chipfile, gsm
from . import statuswords as sw
from .chip import Chip, Command
from .errors import ImageError, StatusWordError, WriteFailedError
from .files import ACTIVATED
from .image import Image, load_image
from .instructions import TERMINATED, Entry, dispatch_table
from .memory import Memory
from .protocol import T0, T1, TransmissionProtocol, get_response


class VirtualCard:
    """One virtual chip with its card operating system.

    :param image: what the maker delivers: an Image, the name of one, or the path of a TOML file.
    :param serial: the chip's serial number, as many bytes as the image gives it room; default random.
    :param seed: makes serial and challenges repeatable.
    :param protocol: 0 or 1 for T=0 or T=1; default the image's first.
    :param store: file that holds the chip; read when it exists, replaced atomically after each APDU that wrote.
    :raises ImageError: unknown image, a protocol its ATR does not offer, a serial of the wrong size.
    :raises ChipFileError: the store is damaged or belongs to another image.
    """

    def __init__(
        self,
        image: Image | str | Path,
        *,
        serial: bytes | None = None,
        seed: int | None = None,
        protocol: int | None = None,
        store: Path | None = None,
    ) -> None:
        self.image = image if isinstance(image, Image) else _with_files(image)
        self.protocol = _protocol(self.image, protocol)
        self.store = store
        source = random.SystemRandom() if seed is None else Random(f"{self.image.name}:{seed}")  # noqa: S311 - repeatable tests
        wanted = source.randbytes(self.image.serial_size) if serial is None else serial
        saved = chipfile.read(store, self.image) if store is not None else None
        self.serial, cells = saved if saved is not None else _new(self.image, wanted)
        self.chip = Chip(self.image, Memory(self.image.cells, cells), self.protocol, source)
        self._table = dispatch_table(self.image.channels) if 0x00 in self.image.classes else {}
        link: TransmissionProtocol = T0() if self.protocol == 0 else T1(extended=self.image.extended)
        self._parse, self._answer = link.parse, link.answer
        if saved is None:
            self._save()
        elif self.chip.terminated:
            self._table = _of_terminated(self._table)

    def atr(self) -> bytes:
        """The answer to reset, 2 to 33 bytes. Asking for it changes nothing."""
        return self.image.atr

    def power(self, cold: bool) -> None:
        """Cold or warm reset: everything volatile is lost either way."""
        del cold
        self.chip.reset()

    def transmit(self, command: bytes) -> bytes:
        """Work on one C-APDU; each is atomic: done and saved, or not at all.

        :returns: R-APDU, at least 2 bytes.
        """
        found = self._table.get(command[:2])
        if found is None or len(command) < 4:
            return self._other(command)
        handler, valid, flow, number = found
        chip = self.chip
        if chip.pending and handler is not get_response:
            chip.pending = b""
        channel = chip.channels.get(number)
        if channel is None:
            return sw.NO_CHANNEL
        p1, p2 = command[2], command[3]
        if not valid(p1, p2):
            return sw.WRONG_P1P2
        try:
            data, ne = self._parse(command, flow)
            todo = Command(channel, p1, p2, data, ne)
            answer = self._answer(chip, todo, flow, handler(chip, todo))
        except StatusWordError as refusal:
            answer = refusal.sw
        except WriteFailedError:
            answer = sw.MEMORY_PROBLEM
        if chip.memory.dirty:
            self._save()
        return answer

    def _other(self, command: bytes) -> bytes:
        """Class A0, and everything this card has no command for."""
        if len(command) < 4 or command[0] != gsm.CLA or gsm.CLA not in self.image.classes:
            return self._refuse(command)
        if self.chip.terminated:
            return sw.INTERNAL
        answer = gsm.transmit(self.chip, command)
        if self.chip.memory.dirty:
            self._save()
        return answer

    def _refuse(self, command: bytes) -> bytes:
        """Status word for what is no command of this card; order of checks: length, class, channel, instruction."""
        self.chip.pending = b""
        if len(command) < 4:
            return sw.WRONG_LENGTH
        cla = command[0]
        if cla & 0x60 == 0x20 or cla == 0xFF or not self._table:
            return sw.NO_CLASS
        far = bool(cla & 0x40)
        if cla & (0x20 if far else 0x0C):
            return sw.NO_SECURE_MESSAGING
        if cla & 0x10:
            return sw.NO_CHAINING
        number = 4 + (cla & 0x0F) if far else cla & 0x03
        if self.chip.terminated:
            return sw.CONDITIONS
        return sw.NO_INSTRUCTION if number in self.chip.channels else sw.NO_CHANNEL

    def _save(self) -> None:
        self.chip.memory.dirty = False
        if self.chip.terminated:
            self._table = _of_terminated(self._table)
        if self.store is not None:
            chipfile.write(self.store, self.image, self.serial, self.chip.memory)

    def memory(self) -> Mapping[str, bytes]:
        """What the chip really holds, for judges in tests; no APDU can see this.

        :returns: path of each EF (FIDs from the MF on) -> body, linked files under each of their paths;
            path + `#lcs` -> life cycle byte of each file; `secret/` + key reference -> state and counters of a secret.
            A deleted file is absent.
        """
        cells, found = self.chip.memory.cells, {}
        for path, file in self.chip.tree.present():
            found[f"{path}#lcs"] = cells.get(file.lcs_cell, ACTIVATED)
            if not file.is_df:
                found[path] = cells[file.cell]
        for spec in self.image.secrets:
            found[f"secret/{spec.reference:02X}"] = cells[spec.cell]
        return found


def _with_files(name: str | Path) -> Image:
    image = load_image(name)
    if not isinstance(image, Image):
        raise ImageError(f"image {image.name}: a card without files, made by make_card")
    return image


def _of_terminated(table: dict[bytes, Entry]) -> dict[bytes, Entry]:
    """What is left of the instructions after TERMINATE CARD USAGE."""
    return {key: entry for key, entry in table.items() if key[1] in TERMINATED}


def _protocol(image: Image, wanted: int | None) -> int:
    protocol = image.protocols[0] if wanted is None else wanted
    if protocol not in image.protocols:
        offered = ", ".join(f"T={number}" for number in image.protocols)
        raise ImageError(f"image {image.name}: offers {offered}, not T={protocol}")
    return protocol


def _new(image: Image, serial: bytes) -> tuple[bytes, dict[str, bytes]]:
    """The cells in which a fresh chip differs from its image."""
    if len(serial) != image.serial_size:
        raise ImageError(f"image {image.name}: serial of {len(serial)} bytes, expected {image.serial_size}")
    return serial, image.born(serial)
