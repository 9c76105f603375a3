"""A directory of virtual chips, one file each: chips outlive the process that made them and can be presented again."""

from pathlib import Path
from random import Random, SystemRandom
from typing import Final

from .errors import ChipFileError
from .image import load_image
from .maker import AnyCard, AnyImage, make_card

_SUFFIX: Final = ".chip"


class ChipDirectory:
    """Chips made from one image; several processes may share a directory, one process a chip.

    :param directory: made when missing.
    :param image: what fresh chips are made from: an Image, the name of one, or the path of a TOML file.
    :param seed: makes the serials of fresh chips repeatable: a second run goes on where the first ended.
    :param protocol: T=0 or T=1 for all its cards, default the image's first.
    :raises ImageError: unknown image.
    """

    def __init__(
        self,
        directory: Path | str,
        image: AnyImage | str | Path,
        *,
        seed: int | None = None,
        protocol: int | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.image = load_image(image) if isinstance(image, str | Path) else image
        self._protocol = protocol
        self._serials = SystemRandom() if seed is None else Random(f"{self.image.name}:{seed}")  # noqa: S311 - repeatable

    def fresh(self) -> AnyCard:
        """A chip nobody has seen: the next serial that has no file yet, and its file."""
        while True:
            serial = self._serials.randbytes(self.image.serial_size)
            try:
                self._file(serial).touch(exist_ok=False)
            except FileExistsError:
                continue
            return self._card(serial)

    def open(self, serial: bytes) -> AnyCard:
        """Present a chip again, as its file says.

        :raises ChipFileError: no such chip, a damaged file, or one made from another image.
        """
        if not self._file(serial).exists():
            raise ChipFileError(f"no chip {serial.hex().upper()} in {self.directory}")
        return self._card(serial)

    def serials(self) -> tuple[bytes, ...]:
        """Serial numbers of the chips here, in order."""
        return tuple(sorted(bytes.fromhex(path.stem) for path in self.directory.glob(f"*{_SUFFIX}")))

    def _file(self, serial: bytes) -> Path:
        return self.directory / f"{serial.hex().upper()}{_SUFFIX}"

    def _card(self, serial: bytes) -> AnyCard:
        return make_card(self.image, serial=serial, protocol=self._protocol, store=self._file(serial))
