"""In which session each file gets its contents: by whichever way takes the fewest commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from cardkit.apps.desfire.settings import FREE
from cardkit.apps.desfire.states.product import AppSpec, FileSpec

_AUTHENTICATION = 2
_MASTER = 0


@dataclass(frozen=True, slots=True)
class Route:
    """How the files of an application are written.

    :param master: in the session of the master key, as their rights are.  :param lent: in that session, too, with
        rights lent to it, which are set right afterwards.  :param others: under other keys, by key.
    """

    master: tuple[FileSpec, ...]
    lent: tuple[FileSpec, ...]
    others: tuple[tuple[int, tuple[FileSpec, ...]], ...]

    def lends(self, file: FileSpec) -> bool:
        """Whether a file is made with other rights than it keeps."""
        return file in self.lent

    @property
    def under_master(self) -> tuple[FileSpec, ...]:
        """What is written in the session of the master key, in the order of the profile."""
        return tuple(sorted((*self.master, *self.lent), key=lambda file: file.number))

    @property
    def commands(self) -> int:
        """Return what the choice costs: sessions, commits, settings set right."""
        sessions = [self.under_master, *(files for _, files in self.others)]
        commits = sum(any(file.needs_commit for file in files) for files in sessions)
        return _AUTHENTICATION * len(self.others) + commits + len(self.lent)


def route(app: AppSpec) -> Route:
    """Return the cheapest way; of equal ones, that with the fewest rights lent."""
    return min(_routes(app), key=lambda found: (found.commands, len(found.lent)))


def _routes(app: AppSpec) -> Iterator[Route]:
    initial = [file for file in app.files if file.initial]
    master = tuple(file for file in initial if _open_to_master(file))
    closed = tuple(file for file in initial if not _open_to_master(file) and not file.writers())
    groups: dict[int, list[FileSpec]] = {}
    for file in initial:
        if file not in master and file not in closed:
            groups.setdefault(_writer(file), []).append(file)
    for count in range(len(groups) + 1):
        for chosen in combinations(groups, count):
            others = tuple((key, tuple(groups[key])) for key in chosen)
            lent = [file for key in groups if key not in chosen for file in groups[key]]
            yield Route(master, (*closed, *lent), others)


def _open_to_master(file: FileSpec) -> bool:
    rights = file.settings.rights
    return {_MASTER, FREE} & {rights.write, rights.both} != set()


def _writer(file: FileSpec) -> int:
    rights = file.settings.rights
    return rights.write if rights.write < FREE else rights.both


def commits(files: Sequence[FileSpec]) -> bool:
    """Whether what is written to these files counts from a commit on."""
    return any(file.needs_commit for file in files)
