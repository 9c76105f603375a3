"""What an application offers before there is a card of a profile: its blocks, its dumps, its rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from cardkit.channel import Channel
from cardkit.desired.findings import Finding, Rule
from cardkit.desired.protocols import Blueprint, CompileTemplate


@runtime_checkable
class UsesFiles(Protocol):
    """What an application offers besides, where a profile names files that lie beside it.

    :meth:`App.compile` then gets a :class:`BlockWithFiles` in place of the block.
    """

    def files(self, block: Any) -> tuple[str, ...]:
        """Return the names of the files a block asks for."""
        ...


Block = TypeVar("Block")


@dataclass(frozen=True, slots=True)
class BlockWithFiles(Generic[Block]):
    """A profile's block with the files it names.

    :param contents: of the files, by name.
    """

    block: Block
    contents: Mapping[str, bytes]


@runtime_checkable
class Shows(Protocol):
    """What an application offers besides, where its cards can be looked at without a profile and without a key.

    :ivar title: of such a card, in words.  :ivar part: the key of a document under which its part stands.
    """

    title: str
    part: str

    def look(self, channel: Channel, today: date) -> dict[str, Any]:
        """Return its part of what is on a card, as plain values; secrets never.

        :param today: the latest day a date on the card can be.
        :raises CardError: when the card is not of this kind.  :raises TransportError: when the link fails.
        """
        ...

    def public(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document whose own part says nothing of a holder."""
        ...

    def lines(self, document: Mapping[str, Any]) -> Iterable[str]:
        """Yield its part as an indented tree, a line at a time."""
        ...

    def places(self, document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Yield every place of its part that can be compared, and what stands there."""
        ...

    def varying(self, blueprint: Any) -> frozenset[str]:
        """Return the places in which good cards of one profile differ: the record's, and what names the chip."""
        ...


@runtime_checkable
class Ruled(Protocol):
    """An application that judges cards.

    :ivar rules: all it has.
    """

    rules: tuple[Rule, ...]


@runtime_checkable
class Checks(Ruled, Protocol):
    """What an application offers besides, where its rules can be applied to a card nobody has a profile for."""

    def observe(self, channel: Channel, document: Mapping[str, Any], *, toolkit: bool) -> dict[str, Any]:
        """Return what rules ask for besides a dump: counters, behaviour. Spends nothing, presents nothing, may reset.

        :param document: the dump of this card.  :param toolkit: let the card's own programs act as in a phone.
        :raises TransportError: when the link fails.
        """
        ...

    def check(self, document: Mapping[str, Any], printed: str) -> list[Finding]:
        """Apply every rule to a dump; what a profile or a card would be needed for is "not checked".

        :param printed: the number in print on the card, "" where nobody read it.
        :raises EncodingError: when it is no such dump.
        """
        ...


class App(Protocol):
    """What a card can do: one folder of :mod:`cardkit.apps`, found by its key in the registry.

    :ivar block, chip_block: msgspec structs of its tables in a profile and in a chip model.
    """

    name: str
    block: type[Any]
    chip_block: type[Any]

    def compile(self, block: Any, chip: Any, compile_template: CompileTemplate) -> Blueprint:
        """Compile a profile's block for a chip.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        ...
