"""The card application toolkit: what a terminal tells a card, what a card asks of it (ETSI TS 102 223; 3GPP TS 31.111).

A card that wants something says 91xx. :class:`Terminal` fetches and answers, until the card has said all:

    terminal = Terminal(channel)
    terminal.profile()                                          # TERMINAL PROFILE, and what the card makes of it
    answer = terminal.require(sms_pp_download(tpdu), "ENVELOPE")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.uicc.client import is_done, refused
from cardkit.channel import Channel
from cardkit.encoding import comprehension, tlv
from cardkit.encoding.comprehension import ComprehensionTlv, ComprehensionTlvList
from cardkit.errors import EncodingError, ProtocolError

CLA = 0x80
_PROFILE, _ENVELOPE, _FETCH, _RESPONSE = 0x10, 0xC2, 0x12, 0x14
_PROACTIVE = 0xD0
_ANY_LENGTH = 256
_WAITING = 0x91
_MOST_COMMANDS = 20

EVERYTHING = b"\xff" * 20
"""A terminal profile that offers all there is, for tests."""


class Tag(IntEnum):
    """Objects of the toolkit, by number (TS 102 223 9.3)."""

    DETAILS = 0x01
    DEVICES = 0x02
    RESULT = 0x03
    DURATION = 0x04
    ALPHA = 0x05
    ADDRESS = 0x06
    SMS_TPDU = 0x0B
    TEXT = 0x0D
    FILES = 0x12
    TIMER = 0x24


class Device(IntEnum):
    """Who speaks and who is spoken to (TS 102 223 8.7)."""

    KEYPAD = 0x01
    DISPLAY = 0x02
    UICC = 0x81
    TERMINAL = 0x82
    NETWORK = 0x83


class Envelope(IntEnum):
    """What an ENVELOPE brings (TS 102 223 9.1; TS 31.111 9.1)."""

    SMS_PP = 0xD1
    CELL_BROADCAST = 0xD2
    MENU = 0xD3
    CALL_CONTROL = 0xD4
    SMS_CONTROL = 0xD5
    EVENT = 0xD6
    TIMER = 0xD7
    USSD = 0xD9
    LOCATION = 0xDD


class Type(IntEnum):
    """What a card can ask of its terminal (TS 102 223 9.4)."""

    REFRESH = 0x01
    MORE_TIME = 0x02
    POLL_INTERVAL = 0x03
    POLLING_OFF = 0x04
    SET_UP_EVENT_LIST = 0x05
    SET_UP_CALL = 0x10
    SEND_SS = 0x11
    SEND_USSD = 0x12
    SEND_SMS = 0x13
    LAUNCH_BROWSER = 0x15
    PLAY_TONE = 0x20
    DISPLAY_TEXT = 0x21
    GET_INKEY = 0x22
    GET_INPUT = 0x23
    SELECT_ITEM = 0x24
    SET_UP_MENU = 0x25
    PROVIDE_LOCAL_INFORMATION = 0x26
    TIMER_MANAGEMENT = 0x27
    SET_UP_IDLE_TEXT = 0x28
    OPEN_CHANNEL = 0x40
    CLOSE_CHANNEL = 0x41
    RECEIVE_DATA = 0x42
    SEND_DATA = 0x43
    GET_CHANNEL_STATUS = 0x44


class Result(IntEnum):
    """General results of a proactive command (TS 102 223 8.12)."""

    DONE = 0x00
    NO_USER = 0x12
    UNABLE_NOW = 0x20
    BEYOND = 0x30


@dataclass(frozen=True, slots=True)
class ProactiveCommand:
    """What a card asks of its terminal.

    :param number: of the command.  :param type: see :class:`Type`; others are kept.
    :param objects: everything in the template, details and devices included.
    """

    number: int
    type: int
    qualifier: int
    objects: ComprehensionTlvList

    @classmethod
    def parse(cls, data: bytes) -> ProactiveCommand:
        """Read the answer of FETCH.

        :raises EncodingError: when it is no template D0 with command details.

        >>> ProactiveCommand.parse(bytes.fromhex("D009 8103012501 82028182")).name
        'SET UP MENU'
        """
        items = tlv.parse(data)
        if len(items) != 1 or items[0].tag != _PROACTIVE:
            raise EncodingError(
                f"proactive command: got {data[:2].hex().upper() or 'nothing'}, expected one template D0"
            )
        objects = comprehension.parse(items[0].value)
        details = objects.first(Tag.DETAILS) or b""
        if len(details) != 3:
            raise EncodingError(f"proactive command: command details of {len(details)} bytes, expected 3")
        return cls(details[0], details[1], details[2], objects)

    def build(self) -> bytes:
        """Return the bytes that were read."""
        return tlv.build(_PROACTIVE, self.objects.build())

    @property
    def name(self) -> str:
        """What is asked, in the words of the standard; the number for a type not known here."""
        try:
            return Type(self.type).name.replace("_", " ")
        except ValueError:
            return f"command type {self.type:02X}"

    def value(self, tag: Tag) -> bytes | None:
        """Return an object's value, None where the card gives none."""
        return self.objects.first(tag)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a terminal says of a proactive command.

    :param result: see :class:`Result`.  :param additional: bytes behind it.  :param objects: what the type asks for.
    """

    result: int
    additional: bytes = b""
    objects: tuple[ComprehensionTlv, ...] = ()


def object_(tag: Tag, value: bytes, *, comprehension_required: bool = True) -> ComprehensionTlv:
    """Return an object of the toolkit."""
    return ComprehensionTlv(tag, value, comprehension=comprehension_required)


def terminal_profile(facilities: bytes = EVERYTHING) -> CommandAPDU:
    """Tell the card what the terminal can do (TS 102 223 5.2).

    :param facilities: one bit each; 1 to 255 bytes.
    """
    return CommandAPDU(CLA, _PROFILE, 0x00, 0x00, facilities)


def fetch(length: int) -> CommandAPDU:
    """Take the proactive command a status word 91xx announced.

    :param length: xx; 0 stands for 256.
    """
    return CommandAPDU(CLA, _FETCH, 0x00, 0x00, ne=length or _ANY_LENGTH)


def terminal_response(command: ProactiveCommand, reply: Reply) -> CommandAPDU:
    """Answer a proactive command (TS 102 223 6.8).

    >>> menu = ProactiveCommand.parse(bytes.fromhex("D009 8103012501 82028182"))
    >>> terminal_response(menu, Reply(Result.DONE)).encode().hex()
    '801400000c810301250182028281830100'
    """
    details = bytes((command.number, command.type, command.qualifier))
    objects = (
        object_(Tag.DETAILS, details),
        object_(Tag.DEVICES, bytes((Device.TERMINAL, Device.UICC))),
        object_(Tag.RESULT, bytes((reply.result,)) + reply.additional),
        *reply.objects,
    )
    return CommandAPDU(CLA, _RESPONSE, 0x00, 0x00, _joined(objects))


def envelope(what: Envelope, objects: Iterable[ComprehensionTlv]) -> CommandAPDU:
    """Bring something to the card (TS 102 223 7)."""
    return CommandAPDU(CLA, _ENVELOPE, 0x00, 0x00, tlv.build(what, _joined(objects)), _ANY_LENGTH)


def sms_pp_download(tpdu: bytes, service_centre: bytes = b"") -> CommandAPDU:
    """Bring a short message to the card (TS 31.111 7.1).

    :param tpdu: an SMS-DELIVER.  :param service_centre: its address as TON/NPI and digits; empty for none.

    >>> sms_pp_download(bytes.fromhex("4000")).encode().hex()
    '80c200000ad108820283818b02400000'
    """
    devices = object_(Tag.DEVICES, bytes((Device.NETWORK, Device.UICC)))
    address = object_(Tag.ADDRESS, service_centre, comprehension_required=False)
    message = object_(Tag.SMS_TPDU, tpdu)
    return envelope(Envelope.SMS_PP, (devices, address, message) if service_centre else (devices, message))


def _joined(objects: Iterable[ComprehensionTlv]) -> bytes:
    return b"".join(item.build() for item in objects)


# What a station answers: nobody is there to press a key, nothing can be sent; what is only told is taken.
_NOBODY = frozenset((Type.GET_INKEY, Type.GET_INPUT, Type.SELECT_ITEM))
_NO_NETWORK = frozenset(
    (Type.SET_UP_CALL, Type.SEND_SS, Type.SEND_USSD, Type.LAUNCH_BROWSER, Type.PROVIDE_LOCAL_INFORMATION)
)
_TAKEN = frozenset((
    Type.REFRESH, Type.MORE_TIME, Type.POLL_INTERVAL, Type.POLLING_OFF, Type.SET_UP_EVENT_LIST, Type.SEND_SMS,
    Type.PLAY_TONE, Type.DISPLAY_TEXT, Type.SET_UP_MENU, Type.TIMER_MANAGEMENT, Type.SET_UP_IDLE_TEXT,
))  # fmt: skip
_ECHOED = {Type.POLL_INTERVAL: Tag.DURATION, Type.TIMER_MANAGEMENT: Tag.TIMER}
_NO_CAUSE = b"\x00"


def station_reply(command: ProactiveCommand) -> Reply:
    """Return what a station without user, network and display answers.

    What is only told is done (a short message counts as sent: read it from the command); questions to a user meet no
    answer, the network is not there for the moment, channels and unknown commands are beyond the terminal.
    """
    if command.type in _TAKEN:
        echoed = [item for item in command.objects if item.tag == _ECHOED.get(Type(command.type))]
        return Reply(Result.DONE, objects=tuple(echoed))
    if command.type in _NOBODY:
        return Reply(Result.NO_USER)
    if command.type in _NO_NETWORK:
        return Reply(Result.UNABLE_NOW, _NO_CAUSE)
    return Reply(Result.BEYOND)


class Terminal:
    """The terminal's side of one card: answers what it asks until it has said all.

    :param channel: the basic channel of the card.  :param answer: what to answer to a command.
    :ivar commands: what the card has asked so far.
    """

    def __init__(self, channel: Channel, answer: Callable[[ProactiveCommand], Reply] = station_reply) -> None:
        self._channel = channel
        self._answer = answer
        self.commands: list[ProactiveCommand] = []

    def profile(self, facilities: bytes = EVERYTHING) -> list[ProactiveCommand]:
        """Send TERMINAL PROFILE, the first thing after a reset, and return what the card asked in turn."""
        before = len(self.commands)
        self.require(terminal_profile(facilities), "TERMINAL PROFILE")
        return self.commands[before:]

    def require(self, command: CommandAPDU, what: str, *also: int) -> bytes:
        """Send a command that must succeed, answer what the card asks in turn, and return the command's data.

        :param also: further status words that count as success.
        :raises StatusError: on a status word other than success: 9300 when the toolkit is busy.
        :raises ProtocolError: when the card asks for more than 20 things, or what it asks cannot be read.
        """
        response = self._done(command, what, *also)
        self.settle(response.sw)
        return response.data

    def settle(self, sw: int) -> None:
        """Fetch and answer while the status word is 91xx.

        :param sw: of the last command.
        """
        for _ in range(_MOST_COMMANDS):
            if sw >> 8 != _WAITING:
                return
            sw = self._follow(sw & 0xFF)
        if sw >> 8 == _WAITING:
            raise ProtocolError(f"card asked for {_MOST_COMMANDS} things in a row and wants another")

    def _follow(self, length: int) -> int:
        """Fetch one command, answer it and return the status word of the answer."""
        try:
            command = ProactiveCommand.parse(self._done(fetch(length), "FETCH").data)
        except EncodingError as error:
            raise ProtocolError(str(error)) from None
        self.commands.append(command)
        return self._done(terminal_response(command, self._answer(command)), f"TERMINAL RESPONSE to {command.name}").sw

    def _done(self, command: CommandAPDU, what: str, *also: int) -> ResponseAPDU:
        response = self._channel.send(command)
        if not is_done(response.sw) and response.sw not in also:
            raise refused(what, response.sw, cla=command.cla, ins=command.ins)
        return response
