"""ENVELOPE: a short message brings a secured packet, remote commands run, and a proof of receipt goes back.

ETSI TS 102 225, TS 102 226; 3GPP TS 31.111 7.1, TS 31.115.
"""

from collections.abc import Mapping
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..chip import Answer, Chip, Command
from ..errors import ImageError, StatusWordError
from ..files import File
from ..gp.chip import GpChip
from ..gp.keysets import SCP80, CardKeyEntry, KeySet
from ..image import RemoteApplication
from ..toolkit import REFRESH, SEND_SHORT_MESSAGE, Toolkit
from . import counter, packet, ram, rfm, shortmessage
from .packet import Head, Integrity, Keys, PacketError, Response, Status

_SMS_PP: Final = 0xD1
_TPDU: Final = 0x0B
_COMPREHENSION: Final = 0x80
_KIC, _KID = 1, 2
_POR_ALWAYS, _POR_ON_ERROR = 1, 2
_POR_PROTECTION, _BY_SUBMIT = 0x1C, 0x20
_TERMINAL, _NETWORK = 0x82, 0x83
_SHORT_MESSAGE, _FILE_LIST = 0x8B, 0x92
_CHANGED_FILES, _ALL_FILES = 0x01, 0x00  # qualifiers of REFRESH
_MOST_LISTED: Final = 16
_MOST_UNFINISHED: Final = 4  # concatenated messages at a time


class OverTheAir:
    """What remote applications a card has, and the parts of messages that have come so far.

    :param applications: by TAR, 3 bytes.
    """

    def __init__(
        self, chip: Chip, platform: GpChip, toolkit: Toolkit, applications: Mapping[bytes, RemoteApplication]
    ) -> None:
        self._chip = chip
        self._platform = platform
        self._toolkit = toolkit
        self._applications = applications
        self._unfinished: dict[tuple[bytes, int, int], dict[int, bytes]] = {}

    def forget(self) -> None:
        """Reset: parts of messages are lost."""
        self._unfinished.clear()

    def envelope(self, chip: Chip, command: Command) -> Answer:
        """ENVELOPE: an SMS-PP download is worked on; other kinds are taken and mean nothing to this card.

        :raises StatusWordError: 6A80 for what is no BER-TLV object, or no SMS-DELIVER.
        """
        del chip
        try:
            ((tag, value),) = tlv.parse(command.data)
            parts = {inner & ~_COMPREHENSION: body for inner, body in tlv.parse(value)}
        except (ImageError, ValueError):
            raise StatusWordError(sw.WRONG_DATA) from None
        if tag != _SMS_PP:
            return b"", sw.OK
        message = shortmessage.read(parts.get(_TPDU, b""))
        whole = self._joined(message) if message.packet else b""
        return (self._answered(message.sender, whole) if whole else b""), sw.OK

    def _joined(self, message: shortmessage.Deliver) -> bytes:
        """The whole packet, or nothing while parts are missing."""
        if message.total == 1:
            return message.data
        key = (message.sender, message.reference, message.total)
        parts = self._unfinished.pop(key, {})
        parts[message.part] = message.data
        if len(parts) == message.total:
            return b"".join(parts[number] for number in sorted(parts))
        while len(self._unfinished) >= _MOST_UNFINISHED:
            del self._unfinished[next(iter(self._unfinished))]
        self._unfinished[key] = parts
        return b""

    def _answered(self, sender: bytes, whole: bytes) -> bytes:
        """Work on a packet; the data ENVELOPE answers."""
        try:
            head = packet.read_head(whole)
        except PacketError:
            return b""
        keys = Keys(self._key(head.kic, _KIC), self._key(head.kid, _KID))
        response = self._done(whole, head, keys)
        wanted = head.spi2 & 0x03
        if wanted != _POR_ALWAYS and not (wanted == _POR_ON_ERROR and response.status is not Status.OK):
            return b""
        if not head.spi2 & _BY_SUBMIT:
            return shortmessage.RESPONSE_HEADER + _protected(head, keys, response)
        fitting = Response(response.counter, response.status, response.data[: shortmessage.LONGEST // 2])
        data = shortmessage.RESPONSE_HEADER + _protected(head, keys, fitting)
        tpdu = shortmessage.submit(sender, data)
        self._toolkit.ask(SEND_SHORT_MESSAGE, 0, _NETWORK, (_SHORT_MESSAGE, tpdu))
        return b""

    def _done(self, whole: bytes, head: Head, keys: Keys) -> Response:
        seen = bytes(5)
        try:
            application = self._application(head)
            opened = packet.open_packet(whole, head, keys)
            seen = opened.counter
            key_set = self._set(head.kid if head.integrity is Integrity.CC else head.kic)
            if key_set is not None:
                counter.take(self._platform, self._platform.registry.isd.aid, key_set.kvn, head, seen)
            return Response(seen, Status.OK, self._run(application, key_set, opened.data))
        except PacketError as trouble:
            return Response(seen, trouble.status)

    def _application(self, head: Head) -> RemoteApplication:
        """:raises PacketError: 09 unknown, 0A for a packet protected less than it wants."""
        application = self._applications.get(head.tar)
        if application is None:
            raise PacketError(Status.TAR_UNKNOWN)
        _need_level(head, application.level)
        return application

    def _run(self, application: RemoteApplication, key_set: KeySet | None, data: bytes) -> bytes:
        if not application.directory:
            if key_set is None:
                raise PacketError(Status.TOO_LITTLE_SECURITY)
            return ram.run(self._platform, key_set, data)
        files = rfm.RemoteFiles(self._chip, application)
        answer = files.run(data)
        self._refresh(list(files.changed.values()))
        return answer

    def _refresh(self, changed: list[File]) -> None:
        """Tell the terminal which files to read again."""
        if not changed:
            return
        if len(changed) > _MOST_LISTED:
            self._toolkit.ask(REFRESH, _ALL_FILES, _TERMINAL)
            return
        paths = b"".join(map(_path, changed))
        self._toolkit.ask(REFRESH, _CHANGED_FILES, _TERMINAL, (_FILE_LIST, bytes((len(changed),)) + paths))

    def _set(self, indicator: int) -> KeySet | None:
        """The key set whose version number is the upper half of KIc or KID."""
        found = self._platform.keys(self._platform.registry.isd.aid).ring().sets.get(indicator >> 4)
        return found if found is not None and found.scp == SCP80 else None

    def _key(self, indicator: int, kid: int) -> CardKeyEntry | None:
        found = self._set(indicator)
        return found.keys.get(kid) if found is not None else None


def _need_level(head: Head, level: int) -> None:
    """:raises PacketError: 0A when a packet is protected less than the remote application wants."""
    least = Head(level, 0, 0, 0, b"")
    enough = (
        head.integrity >= least.integrity
        and head.counter_mode >= least.counter_mode
        and (head.ciphered or not least.ciphered)
    )
    if not enough:
        raise PacketError(Status.TOO_LITTLE_SECURITY)


def _protected(head: Head, keys: Keys, response: Response) -> bytes:
    """The response packet; without the keys it asks for, in clear."""
    try:
        return packet.build_response(head, keys, response, shortmessage.RESPONSE_HEADER)
    except PacketError:
        plain = Head(head.spi1, head.spi2 & ~_POR_PROTECTION, head.kic, head.kid, head.tar)
        return packet.build_response(plain, keys, response, shortmessage.RESPONSE_HEADER)


def _path(file: File) -> bytes:
    """A path of FIDs from the MF on, 7FFF standing for the active application (TS 102 223 8.18)."""
    steps = file.path.split("/")
    if file.adf is not None:
        steps[1] = "7FFF"
    return bytes.fromhex("".join(steps))
