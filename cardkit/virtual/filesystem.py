"""The files of one chip: the image's own, shared by all its chips until a file is created or resized on this one.

A created file is two cells beside its body: `PATH#fcp` holds its template, `PATH#lcs` its life cycle. The life cycle is
written last and makes it exist; an empty one means deleted. The body of a created file is `PATH#body`, so that a file
in place of a deleted one never touches a body that another path still links to. An EF is as big as its body.
"""

from collections.abc import Iterator, Mapping

from . import fcp
from .files import GONE, File
from .image import Image
from .memory import Memory

_TEMPLATE, _LIFE_CYCLE, _BODY = "#fcp", "#lcs", "#body"


class FileSystem:
    """The tree of files.

    :ivar mf: always there, even on a chip that has none yet: `exists` tells.
    :ivar files: by path, deleted ones among them.
    """

    def __init__(self, image: Image, memory: Memory) -> None:
        self._memory = memory
        self.mf = image.mf
        self.files: Mapping[str, File] = image.files
        self._own: dict[str, File] | None = None
        restored = memory.restored
        for path in sorted((name.removesuffix(_TEMPLATE) for name in restored if name.endswith(_TEMPLATE)), key=len):
            there = memory.cells.get(path + _LIFE_CYCLE, GONE) != GONE
            if there and (path == self.mf.path or _directory(path) in self.files):
                self._put(path, memory.cells[path + _TEMPLATE])
        for cell in restored:
            self._fit(cell)

    def exists(self, file: File) -> bool:
        """Is the file there? Its directories are the caller's to ask about."""
        return self._memory.cells.get(file.lcs_cell) != GONE

    def present(self) -> Iterator[tuple[str, File]]:
        """What exists with all the directories above it."""
        gone = tuple(f"{path}/" for path, file in self.files.items() if file.is_df and not self.exists(file))
        for path, file in self.files.items():
            if self.exists(file) and not path.startswith(gone):
                yield path, file

    def find(self, path: str) -> File | None:
        """The file of a path, if it exists with all the directories above it."""
        found = above = self.files.get(path)
        while above is not None and self.exists(above):
            if above.parent is None:
                return found
            above = above.parent
        return None

    def create(self, path: str, template: bytes, body: bytes, life_cycle: bytes) -> File:
        """Make a file; whatever was deleted at its place before is forgotten.

        :param body: empty for a directory.
        :raises WriteFailedError: nothing has been made then.
        """
        write = self._memory.write
        for below in [name for name in self.files if name.startswith(f"{path}/")]:
            write(below + _LIFE_CYCLE, GONE)
        if body:
            write(path + _BODY, body)
        write(path + _TEMPLATE, template)
        write(path + _LIFE_CYCLE, life_cycle)
        return self._put(path, template)

    def resize(self, file: File, body: bytes) -> None:
        """Give a file another body, and with it another size.

        :raises WriteFailedError: nothing has changed then.
        """
        self._memory.write(file.cell, body)
        self._fit(file.cell)

    def _private(self) -> dict[str, File]:
        """The files as this chip's own, to be changed."""
        if self._own is None:
            own: dict[str, File] = {}
            for path, file in self.files.items():
                _attach(own, file.copy(own.get(_directory(path))))
            self.files = self._own = own
            self.mf = own[self.mf.path]
        return self._own

    def _put(self, path: str, template: bytes) -> File:
        own = self._private()
        for below in [name for name in own if name.startswith(f"{path}/")]:
            del own[below]
        file = fcp.read(template, path, own.get(_directory(path)))
        if not file.is_df:
            file.cell = path + _BODY
        _attach(own, file)
        if file.parent is None:
            self.mf = file
        return file

    def _fit(self, cell: str) -> None:
        """Files whose body has another size than they say get it."""
        size = len(self._memory.cells[cell])
        for path, file in list(self.files.items()):
            if file.cell == cell and file.size != size:
                changed = self._private()[path]
                changed.size = size
                changed.fcp = fcp.resized(changed)


def _directory(path: str) -> str:
    """The path of a file's directory, empty for the MF."""
    return path.rpartition("/")[0]


def _attach(files: dict[str, File], file: File) -> None:
    """Enter a file into its directory, in place of an older one."""
    files[file.path] = file
    parent = file.parent
    if parent is None:
        return
    before = parent.children.get(file.fid)
    if before is not None and before.sfi is not None and parent.by_sfi.get(before.sfi) is before:
        del parent.by_sfi[before.sfi]
    parent.children[file.fid] = file
    if file.sfi is not None:
        parent.by_sfi[file.sfi] = file
