"""The registry of a card as a tree: security domains, what belongs to them, load files with their modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.tags import EntryKind, StatusEntry, StatusKind

_DOMAINS = (EntryKind.ISD, EntryKind.DOMAIN)
# A card that nests deeper makes no sense; what lies below is shown beside.
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Node:
    """An entry and what belongs to it."""

    entry: StatusEntry
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    """What GET STATUS shows of a card, in its order.

    :param isd: usually one entry.  :param applications: security domains among them.
    :param load_files: with their modules where the card gives them.
    """

    isd: tuple[StatusEntry, ...]
    applications: tuple[StatusEntry, ...]
    load_files: tuple[StatusEntry, ...]

    @property
    def entries(self) -> tuple[StatusEntry, ...]:
        """All entries: domain, applications, load files."""
        return self.isd + self.applications + self.load_files

    def tree(self) -> tuple[Node, ...]:
        """Return the entries below the domains they are associated with.

        What names no domain, or one that is not there, belongs to the issuer security domain; a domain associated with
        itself, or in a ring of domains, stands at the top.
        """
        domains = {entry.aid for entry in self.entries if entry.kind in _DOMAINS}
        root = self.isd[0].aid if self.isd else None
        waiting = [_Placed(item, item.domain if item.domain in domains else root) for item in self.entries]
        tops = []
        while waiting:
            top = next((item for item in waiting if item.entry.kind in _DOMAINS), waiting[0])
            waiting.remove(top)
            tops.append(_grow(top.entry, waiting, _DEEPEST))
        return tuple(tops)


def read_registry(domain: SecurityDomain) -> Registry:
    """Read what a security domain may see of the registry, over its session.

    Errors as :meth:`SecurityDomain.status`.
    """
    return Registry(
        domain.status(StatusKind.ISD), domain.status(StatusKind.APPLICATIONS), domain.status(StatusKind.MODULES)
    )


class _Placed(NamedTuple):
    """An entry and the AID of the domain it goes below."""

    entry: StatusEntry
    owner: bytes | None


def _grow(entry: StatusEntry, waiting: list[_Placed], depth: int) -> Node:
    """Take what belongs to an entry out of `waiting`, and what belongs to that."""
    if entry.kind not in _DOMAINS or not depth:
        return Node(entry)
    mine = [item.entry for item in waiting if item.owner == entry.aid]
    waiting[:] = [item for item in waiting if item.owner != entry.aid]
    return Node(entry, tuple(_grow(item, waiting, depth - 1) for item in mine))
