"""One loyalty card in a reader: sends the planned commands and keeps what the card showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cardkit.apdu import CommandAPDU
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.desired import Content, Fact, Observations, Part, Role, Step
from cardkit.encoding.digits import decode_bcd
from cardkit.errors import AuthenticationError, CardError, CounterGuardError, StatusError

from .states import MARK, MEMBER, POINTS, SERIAL, Scripts

DONE = 0x9000


class LoyaltySession:
    """A powered card.

    :param contents: by state name.  :param transport: the issuer code by its name; empty where none is presented.
    """

    def __init__(
        self,
        scripts: Scripts,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],
    ) -> None:
        self._scripts = scripts
        self._contents = {**contents, **{name: (secret,) for name, secret in transport.items()}}
        self._channel = channel
        self.seen = Observations()
        self.current: Step | None = None

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        for step in steps:
            self.current = step
            response = self._channel.send(self._command(step))
            self.seen.words[step.serves] = response.sw
            if step.role is Role.READ:
                self._keep(step.serves, response.data if response.sw == DONE else None)
            if strict and response.sw not in step.sw:
                raise _error(step, response.sw)

    def _command(self, step: Step) -> CommandAPDU:
        return replace(step.command, data=self._contents[step.content]) if step.content else step.command

    def _keep(self, name: str, body: bytes | None) -> None:
        if body is None:
            self.seen.bodies.pop(name, None)
        else:
            self.seen.bodies[name] = body

    def restarted(self) -> None:
        """Nothing to forget: every part selects the directory itself."""

    def identity(self) -> tuple[str, bytes | None]:
        """Return chip id (hexadecimal digits) and marker; None where the marker's file is gone.

        :raises StatusError: when the card has no serial number: it is no loyalty card.
        """
        serial = self.seen.bodies.get(SERIAL)
        if serial is None:
            raise StatusError(f"read {SERIAL}", self.seen.words[SERIAL])
        return serial.hex().upper(), self.seen.bodies.get(MARK)

    def number(self) -> str:
        """Read the member number, after a reset.  :raises StatusError: when the card does not give it."""
        self.run(self._scripts.look, strict=True)
        return decode_bcd(self.seen.bodies[MEMBER])

    def facts(self) -> tuple[Fact, ...]:
        """Return nothing: this card knows nothing we did not write."""
        return ()

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: the files that do not hold what they should."""
        self.run(self._scripts.look, strict=False)
        return tuple(name for name in (MEMBER, POINTS) if self.seen.bodies.get(name) != self._contents[name])

    def seal_again(self) -> None:
        """Seal once more: sealing is one command, a card that took it has no marker and is not asked again."""
        self.run(self._scripts.parts[Part.SEAL], strict=True)


def _error(step: Step, sw: int) -> CardError:
    what, expected = f"{step.serves}: {step.role}", " or ".join(f"{right:04X}" for right in step.sw)
    if step.role is Role.QUERY:
        return CounterGuardError(f"{what}: card answered {sw:04X}, expected {expected}: the code is not presented")
    if step.role is Role.PRESENT:
        return AuthenticationError(f"{what}: card answered {sw:04X}, expected {expected}; it is not tried again")
    return StatusError(what, sw, expected=expected)
