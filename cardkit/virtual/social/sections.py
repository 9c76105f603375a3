"""A part of a memory as a memory of its own: its cells bear a prefix there."""

from collections.abc import Iterator, MutableMapping

from ..memory import Memory


class _Cells(MutableMapping[str, bytes]):
    """The cells of `whole` whose names begin with `prefix`, without it."""

    def __init__(self, whole: MutableMapping[str, bytes], prefix: str) -> None:
        self._whole = whole
        self._prefix = prefix

    def __getitem__(self, cell: str) -> bytes:
        return self._whole[self._prefix + cell]

    def __setitem__(self, cell: str, value: bytes) -> None:
        self._whole[self._prefix + cell] = value

    def __delitem__(self, cell: str) -> None:
        del self._whole[self._prefix + cell]

    def __iter__(self) -> Iterator[str]:
        size = len(self._prefix)
        return (name[size:] for name in self._whole if name.startswith(self._prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Section(Memory):
    """What one application has of the memory of a fresh or reopened chip; faults and cuts are those of the whole."""

    __slots__ = ("_prefix", "_whole")

    def __init__(self, whole: Memory, prefix: str) -> None:
        self._whole = whole
        self._prefix = prefix
        super().__init__({})
        self.cells = _Cells(whole.cells, prefix)

    @property
    def dirty(self) -> bool:
        """Has anything been written that is not saved?"""
        return self._whole.dirty

    @dirty.setter
    def dirty(self, value: bool) -> None:
        self._whole.dirty = value

    def write(self, cell: str, value: bytes) -> None:
        """Put `value` into `cell`.

        :raises PowerCutError, WriteFailedError: as the whole memory does.
        """
        self._whole.write(self._prefix + cell, value)
