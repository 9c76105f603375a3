"""Memory that files take and leave (sheet 2.3, 2.8)."""

from .. import statuswords as sw
from ..errors import StatusWordError
from .chip import CipurseChip
from .files import ID_INFO, MF, Directory


def free(chip: CipurseChip) -> int:
    """Bytes left for files; the MF, its keys and EF.ID_INFO take none of them."""
    master = chip.store.directory(MF)
    below = [chip.store.directory(fid) for fid in master.children]
    taken = sum(_cost(chip, directory) for directory in below)
    model = chip.image.memory
    return model.total - taken - sum(model.file + file.size for file in master.files if file.fid != ID_INFO)


def require_free(chip: CipurseChip, size: int) -> None:
    """Refuse what does not fit.

    :raises StatusWordError: 6A84.
    """
    if size > free(chip):
        raise StatusWordError(sw.NO_MEMORY)


def _cost(chip: CipurseChip, directory: Directory) -> int:
    model = chip.image.memory
    files = sum(model.file + file.size for file in directory.files)
    return model.directory + model.key * directory.keys + files
