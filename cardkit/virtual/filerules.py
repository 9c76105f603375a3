"""Which access rules every file has, as the EF.ARR of a card state them now."""

from collections.abc import Mapping, Sequence

from .access import ADMINISTRATION, NO_RULES, Rules, compile_rules
from .files import GONE, TERMINATED, UNFINISHED, File


def rules_of(files: Mapping[str, File], cells: Mapping[str, bytes], mask: Sequence[bytes]) -> dict[File, Rules]:
    """The rules of every file as the EF.ARR bodies in `cells` state them now.

    :param mask: the rules of a chip without EF.ARR, fixed by its mask; files refer to them by number under FID 0.
    """
    return {file: _rules_of_file(file, cells, mask) for file in files.values()}


def rule_cells(files: Mapping[str, File], cells: Mapping[str, bytes]) -> tuple[str, ...]:
    """The cells of all EF.ARR that files refer to."""
    found = (find_arr(file, cells) for file in files.values())
    return tuple({arr.cell for arr in found if arr is not None})


def find_arr(file: File, cells: Mapping[str, bytes]) -> File | None:
    """The EF.ARR a file refers to: looked for in its own directory, then upwards."""
    directory = file if file.is_df else file.parent
    while directory is not None:
        found = directory.children.get(file.arr[0])
        if found is not None and cells.get(found.lcs_cell) != GONE:
            return found
        directory = directory.parent
    return None


def _rules_of_file(file: File, cells: Mapping[str, bytes], mask: Sequence[bytes]) -> Rules:
    """What is in force now.

    A file that is not in operation yet, or whose rules nobody has written yet, is the administrator's: ADM1 for
    everything.
    Of what lies in a terminated directory nothing can be done any more.
    """
    if cells.get(file.lcs_cell) in UNFINISHED:
        return ADMINISTRATION
    above = file.parent
    while above is not None:
        if cells.get(above.lcs_cell) == TERMINATED:
            return NO_RULES
        above = above.parent
    return file.attributes or _referenced(file, cells, mask)


def _referenced(file: File, cells: Mapping[str, bytes], mask: Sequence[bytes]) -> Rules:
    number = file.arr[1]
    if file.arr[0] == 0:
        return compile_rules(mask[number - 1]) if number else NO_RULES
    arr = find_arr(file, cells)
    if arr is None:
        return ADMINISTRATION
    if not 1 <= number <= arr.records:
        return NO_RULES
    start = (number - 1) * arr.record_length
    record = cells[arr.cell][start : start + arr.record_length]
    return compile_rules(record) if record.strip(b"\xff") else ADMINISTRATION
