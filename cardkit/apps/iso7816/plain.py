"""One card in a reader, for families whose commands are all planned: sends steps and keeps what the card showed.

A family with no more to say than that inherits :class:`PlainSession` and adds how a card is identified, what is unmet
and how it is sealed again; a family that computes challenges or follows a file system writes its own session.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cardkit.apdu import CommandAPDU
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.desired import Access, Content, Fact, Observations, Role, Step
from cardkit.errors import AuthenticationError, CardError, CounterGuardError, StatusError

_WITH_SECRETS = frozenset((Role.PRESENT, Role.CHANGE))


class PlainSession:
    """A powered card.

    A secret is sent only right after a QUERY for its access has answered as planned, and once.

    :param contents: by state name.  :param transport: secrets as delivered, by the name their steps have as content.
    :ivar seen: bodies and status words by what a step serves.  :ivar current: the step under way.
    """

    def __init__(self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]) -> None:
        self._contents = {**contents, **{name: (secret,) for name, secret in transport.items()}}
        self._channel = channel
        self._full: set[Access | None] = set()
        self.seen = Observations()
        self.current: Step | None = None

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept, and a secret without its counter is not sent.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        for step in steps:
            self.current = step
            if step.role in _WITH_SECRETS and not self._may_present(step, strict=strict):
                continue
            response = self._channel.send(self._command(step))
            right = response.sw in step.sw
            self.seen.words[step.serves] = response.sw
            if step.role is Role.READ:
                self._keep(step.serves, response.data if right else None)
            elif step.role is Role.QUERY and right:
                self._full.add(step.access)
            if strict and not right:
                raise _error(step, response.sw)

    def restarted(self) -> None:
        """The card was reset: nothing seen before counts any more."""
        self.seen = Observations()
        self._full.clear()

    def facts(self) -> tuple[Fact, ...]:
        """Return nothing: such a card knows nothing that was not written."""
        return ()

    def _may_present(self, step: Step, *, strict: bool) -> bool:
        asked = step.access in self._full
        self._full.discard(step.access)
        if strict and not asked:
            raise CounterGuardError(f"{step.serves}: {step.role}: nobody asked for the counter, nothing was sent")
        return asked

    def _command(self, step: Step) -> CommandAPDU:
        return replace(step.command, data=self._contents[step.content]) if step.content else step.command

    def _keep(self, name: str, body: bytes | None) -> None:
        if body is None:
            self.seen.bodies.pop(name, None)
        else:
            self.seen.bodies[name] = body


def _error(step: Step, sw: int) -> CardError:
    what, expected = f"{step.serves}: {step.role}", " or ".join(f"{right:04X}" for right in step.sw)
    if step.role is Role.QUERY:
        return CounterGuardError(f"{what}: card answered {sw:04X}, expected {expected}: the secret is not presented")
    if step.role in _WITH_SECRETS:
        return AuthenticationError(f"{what}: card answered {sw:04X}, expected {expected}; it is not tried again")
    return StatusError(what, sw, expected=expected)
