"""At which levels of secure messaging each planned command goes out: this is the one place that decides it.

Levels are the profile's, which the card is checked against. Applications and files keep theirs when the card is sealed,
the MF does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cardkit.apps.cipurse.access import FileRules, Operation
from cardkit.apps.cipurse.client import PLAIN
from cardkit.apps.cipurse.commands import CipurseIns
from cardkit.apps.cipurse.states.product import CipurseProduct
from cardkit.desired import Role, Step
from cardkit.secure.cipurse import Level, Pair

_OF_A_PLACE: dict[int, Operation] = {
    CipurseIns.CREATE_FILE: Operation.CREATE,
    CipurseIns.PERFORM_TRANSACTION: Operation.PERFORM,
    CipurseIns.UPDATE_KEY: Operation.UPDATE_KEY,
    CipurseIns.UPDATE_KEY_ATTRIBUTES: Operation.UPDATE_KEY_ATTRIBUTES,
}
"""Commands that need a right of the directory they are sent in."""


class Levels:
    """Levels of one product's commands."""

    def __init__(self, product: CipurseProduct) -> None:
        self._directories = frozenset(one.name for one in product.directories)
        closed = {one.name: one.rules(sealed=True) for one in product.directories}
        for file in (file for one in product.directories for file in one.files):
            closed |= dict.fromkeys((file.name, file.contents), file.rules(sealed=True))
        self._closed = closed
        self._open = {**closed, product.master.name: product.master.rules(sealed=False)}

    def rules(self, name: str, *, sealed: bool) -> FileRules:
        """Return the rules of a file or directory.  :param sealed: whether those of the MF are the final ones."""
        return self._closed[name] if sealed else self._open[name]

    def pair(self, step: Step, *, sealed: bool) -> Pair:
        """Return the levels of a command.

        :param sealed: as for :meth:`rules`.
        """
        named = self._operation(step)
        if named is None:
            return PLAIN
        operation, name = named
        pair = self.rules(name, sealed=sealed).pair(operation)
        with_keys = operation is Operation.UPDATE_KEY or (
            operation is Operation.CREATE and step.serves in self._directories
        )
        # Keys travel enciphered, whatever the rules are content with.
        return Pair(Level.ENC, pair.response) if with_keys else pair

    def _operation(self, step: Step) -> tuple[Operation, str] | None:
        """Return what a command does, and to which file or directory; None for what needs no right."""
        if step.role is Role.GONE:
            return (Operation.INCREASE, step.content) if step.content else None
        if step.role is Role.READ and step.place:
            told = step.command.ins == CipurseIns.READ_FILE_ATTRIBUTES
            return (Operation.READ_ATTRIBUTES if told else Operation.READ), step.serves
        if step.role is Role.WRITE:
            return (Operation.UPDATE, step.serves) if step.span else (Operation.UPDATE_ATTRIBUTES, step.content)
        of_a_place = _OF_A_PLACE.get(step.command.ins)
        if of_a_place is not None:
            return of_a_place, step.place
        return (Operation.ACTIVATE, step.place) if step.role is Role.ACTIVATE else None

    def priced(self, steps: Iterable[Step], *, sealed: bool, last_rules: str) -> Iterator[Step]:
        """Yield steps with the bytes that go over the line, secure messaging included.

        :param sealed: as for :meth:`rules`, of the first step.  :param last_rules: the step that seals the MF.
        """
        for step in steps:
            if step.access is None or step.role is Role.PRESENT:
                yield step
                continue
            pair = self.pair(step, sealed=sealed)
            size = pair.sealed_command(step.nc, le=bool(step.command.ne))
            yield replace(step, nc=size, answer=pair.sealed_answer(step.answer))
            sealed = sealed or step.serves == last_rules
