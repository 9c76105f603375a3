"""One loyalty card in a reader: what :class:`PlainSession` cannot know of it."""

from __future__ import annotations

from collections.abc import Mapping

from cardkit.apps.iso7816.plain import PlainSession
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.desired import Content, Part
from cardkit.encoding.digits import decode_bcd
from cardkit.errors import StatusError

from .states import FILE_NOT_FOUND, MARK, MEMBER, POINTS, SERIAL, Scripts


class LoyaltySession(PlainSession):
    """A powered card.

    :param contents: by state name.  :param transport: the issuer code by its name; empty where none is presented.
    """

    def __init__(
        self, scripts: Scripts, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]
    ) -> None:
        super().__init__(contents, channel, transport)
        self._scripts = scripts

    def identity(self) -> tuple[str, bytes | None]:
        """Return chip id (hexadecimal digits) and marker; None where the marker's file is gone.

        :raises StatusError: when either cannot be read: nobody can say which card this is.
        """
        bodies, words = self.seen.bodies, self.seen.words
        for file in (SERIAL, MARK):
            if file not in bodies and (file == SERIAL or words[file] != FILE_NOT_FOUND):
                raise StatusError(f"read {file}", words[file])
        return bodies[SERIAL].hex().upper(), bodies.get(MARK)

    def number(self) -> str:
        """Read the member number, after a reset.  :raises StatusError: when the card does not give it."""
        self.run(self._scripts.look, strict=True)
        return decode_bcd(self.seen.bodies[MEMBER])

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: the files that do not hold what they should."""
        self.run(self._scripts.look, strict=False)
        return tuple(name for name in (MEMBER, POINTS) if self.seen.bodies.get(name) != self._contents[name])

    def seal_again(self) -> None:
        """Seal once more: sealing is one command, a card that took it has no marker and is not asked again."""
        self.run(self._scripts.parts[Part.SEAL], strict=True)
