"""A document on the bench: opened anew for each probe of what it must refuse."""

from __future__ import annotations

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.lds import FILES, LdsFile
from cardkit.apps.emrtd.securityinfos import SecurityInfos, parse_card_access
from cardkit.apps.emrtd.terminal.access import open_document
from cardkit.apps.emrtd.terminal.reading import Reading, Request
from cardkit.channel import Channel
from cardkit.errors import EncodingError

_OK, _END_OF_FILE = 0x9000, 0x6282
_COM = FILES["EF.COM"]


class Bench:
    """A document on the bench: opened anew for each probe.

    :ivar access: of EF.CardAccess; None without it.
    """

    def __init__(self, channel: Channel, request: Request, reading: Reading) -> None:
        self.channel = channel
        self.request = request
        self.reading = reading
        self.client = DocumentClient(channel)
        self.access = _access(reading)

    def fresh(self) -> None:
        """Reset the chip: no session, no rights."""
        self.channel.secure = None
        self.channel.reset(cold=True)
        self.client = DocumentClient(self.channel)
        self.client.select_master_file()

    def opened(self) -> None:
        """Reset the chip and open a session."""
        self.fresh()
        open_document(self.client, self.access, self.request)

    def plain(self, command: CommandAPDU) -> ResponseAPDU:
        """Send a command as it is, whatever session there is."""
        secure, self.channel.secure = self.channel.secure, None
        try:
            return self.channel.send(command)
        finally:
            self.channel.secure = secure

    def alive(self) -> bool:
        """Whether the session answers."""
        return self.client.answers_protected(_COM)


def by_sfi(file: LdsFile, ne: int = 8) -> CommandAPDU:
    """Read the beginning of a file."""
    return CommandAPDU(0x00, 0xB0, 0x80 | file.sfi, 0x00, ne=ne)


def by_fid(file: LdsFile) -> CommandAPDU:
    """Select a file of the current directory."""
    return CommandAPDU(0x00, 0xA4, 0x02, 0x0C, file.fid.to_bytes(2))


def gives(response: ResponseAPDU) -> bool:
    """Whether an answer has something of a file."""
    return response.sw in (_OK, _END_OF_FILE) and bool(response.data)


def _access(reading: Reading) -> SecurityInfos | None:
    try:
        return parse_card_access(reading.files["EF.CardAccess"])
    except (KeyError, EncodingError):
        return None
