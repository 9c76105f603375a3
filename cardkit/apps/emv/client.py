"""A payment card on one channel: each command, and its answer read (EMV 4.4 Book 1 11, Book 3 6.5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from cardkit import statuswords
from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.emv import commands
from cardkit.apps.emv.commands import Cryptogram, PinForm
from cardkit.apps.emv.fci import Fci
from cardkit.apps.emv.tags import tag_bytes
from cardkit.apps.emv.template import card_objects
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.errors import ProtocolError, StatusError

_OK, _BLOCKED_APPLICATION = 0x9000, 0x6283
_FORMAT_1, _FORMAT_2 = 0x80, 0x77
_AIP_BYTES, _LEAST_AC_BYTES = 2, 11
_AIP, _AFL = b"\x82", b"\x94"
_CID, _ATC, _AC, _IAD, _SDAD = b"\x9f\x27", b"\x9f\x36", b"\x9f\x26", b"\x9f\x10", b"\x9f\x4b"
_LONGEST_IAD = 32
_TRIES_LEFT = 0x63C0
_PIN_REFUSED = frozenset((0x6983, 0x6984))
_CHALLENGE_BYTES = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What a card answered in template 80 or 77.

    :ivar template: 0x80 or 0x77.  :ivar values: primitive objects by tag; of a template 80, named by position.
    :ivar content: what is in a template 77, as sent; empty of a template 80.
    """

    template: int
    values: Mapping[bytes, bytes] = field(repr=False)
    content: bytes = field(default=b"", repr=False)

    def require(self, tag: bytes, what: str) -> bytes:
        """Return a value that must be there.  :raises ProtocolError: when it is not."""
        if tag not in self.values:
            raise ProtocolError(f"{what}: no tag {tag.hex().upper()} in the answer")
        return self.values[tag]


@dataclass(frozen=True, slots=True)
class ProcessingOptions:
    """What a card answers to GET PROCESSING OPTIONS.

    :ivar aip: 2 bytes.  :ivar afl: a multiple of 4 bytes, empty where a contactless card has no records to read.
    """

    aip: bytes
    afl: bytes
    answer: Answer


@dataclass(frozen=True, slots=True)
class ApplicationCryptogram:
    """What a card answers to GENERATE AC.

    :ivar cid: cryptogram information data.  :ivar atc: transaction counter.
    :ivar ac: 8 bytes; empty where the cryptogram is inside the signature.
    :ivar iad: issuer application data, up to 32 bytes.  :ivar sdad: the signature; empty where there is none.
    """

    cid: int
    atc: int
    ac: bytes
    iad: bytes
    sdad: bytes
    answer: Answer

    @property
    def kind(self) -> Cryptogram:
        """What kind of cryptogram it is.  :raises ProtocolError: on the reserved value 11."""
        try:
            return Cryptogram(self.cid & 0xC0)
        except ValueError:
            raise ProtocolError(f"GENERATE AC: CID {self.cid:02X} names no kind of cryptogram") from None


@dataclass(frozen=True, slots=True)
class PinAnswer:
    """What a card says to a PIN.

    :ivar tries_left: None where the card does not say; 0 where it takes no more.
    """

    accepted: bool
    tries_left: int | None = None


class EmvCard:
    """A payment card; the caller knows which application is selected.

    Every method raises TransportError when the link fails.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def select(self, name: bytes, *, further: bool = False) -> Fci:
        """Select an application or directory by its name or the start of it.

        :param further: the next one whose name begins so.
        :raises StatusError: when there is none.  :raises ProtocolError: when the answer is no FCI.
        """
        command = commands.select(name, further=further)
        response = self._send(command, "SELECT", (_OK, _BLOCKED_APPLICATION))
        return Fci.parse(response.data, blocked=response.sw == _BLOCKED_APPLICATION)

    def get_processing_options(self, pdol_data: bytes) -> ProcessingOptions:
        """Begin a transaction.

        :param pdol_data: exactly what the PDOL asks for.
        :raises StatusError: 6985 where the card wants another application to be taken.
        :raises ProtocolError: when AIP or AFL are missing or malformed.
        """
        what = "GET PROCESSING OPTIONS"
        answer = _answer(self._send(commands.get_processing_options(pdol_data), what).data, what, _options_values)
        aip, afl = answer.require(_AIP, what), answer.values.get(_AFL, b"")
        if len(aip) != _AIP_BYTES:
            raise ProtocolError(f"{what}: AIP of {len(aip)} bytes, expected {_AIP_BYTES}")
        return ProcessingOptions(aip, afl, answer)

    def read_record(self, sfi: int, number: int) -> bytes:
        """Return one record as it is.  :raises StatusError: 6A83 where there is none."""
        return self._send(commands.read_record(sfi, number), f"READ RECORD {number} of SFI {sfi}").data

    def get_data(self, tag: bytes) -> bytes:
        """Return the value of a data object.

        :raises StatusError: when the card has it not, or not to give.  :raises ProtocolError: on another object.
        """
        what = f"GET DATA {tag.hex().upper()}"
        objects = card_objects(self._send(commands.get_data(tag), what).data, what)
        if len(objects) != 1 or tag_bytes(objects[0].tag) != tag:
            raise ProtocolError(f"{what}: card answered something else")
        return objects[0].value

    def get_challenge(self) -> bytes:
        """Return 8 random bytes.  :raises ProtocolError: on another number."""
        challenge = self._send(commands.get_challenge(), "GET CHALLENGE").data
        if len(challenge) != _CHALLENGE_BYTES:
            raise ProtocolError(f"GET CHALLENGE: got {len(challenge)} bytes, expected {_CHALLENGE_BYTES}")
        return challenge

    def verify(self, form: PinForm, data: Secret) -> PinAnswer:
        """Present a PIN: a wrong one costs a try.

        :param data: PIN block format 2, or the enciphered block.
        :raises StatusError: on a status word that is no answer to a PIN.
        """
        command = commands.verify(form, data)
        response = self._channel.send(command)
        if response.sw == _OK:
            return PinAnswer(accepted=True)
        if response.sw & 0xFFF0 == _TRIES_LEFT:
            return PinAnswer(accepted=False, tries_left=response.sw & 0x0F)
        if response.sw in _PIN_REFUSED:
            return PinAnswer(accepted=False, tries_left=0)
        raise _refused("VERIFY", command, response.sw)

    def internal_authenticate(self, ddol_data: bytes) -> bytes:
        """Return the dynamic signature over what the DDOL asks for.

        :raises ProtocolError: when the answer holds none.
        """
        what = "INTERNAL AUTHENTICATE"
        response = self._send(commands.internal_authenticate(ddol_data), what)
        return _answer(response.data, what, lambda value: {_SDAD: value}).require(_SDAD, what)

    def generate_ac(self, kind: Cryptogram, cdol_data: bytes, *, cda: bool = False) -> ApplicationCryptogram:
        """Ask for a cryptogram.

        :param cda: with a signature over it.
        :raises ProtocolError: when the answer is incomplete or malformed.
        """
        what = "GENERATE AC"
        answer = _answer(self._send(commands.generate_ac(kind, cdol_data, cda=cda), what).data, what, _ac_values)
        return application_cryptogram(answer, what)

    def compute_cryptographic_checksum(self, udol_data: bytes) -> Answer:
        """Return dynamic codes and transaction counter of mag-stripe mode: 9F60, 9F61, 9F36.

        :raises ProtocolError: when the answer is no template 77.
        """
        what = "COMPUTE CRYPTOGRAPHIC CHECKSUM"
        return _answer(self._send(commands.compute_cryptographic_checksum(udol_data), what).data, what, lambda _: {})

    def external_authenticate(self, authentication_data: bytes) -> ResponseAPDU:
        """Hand over the issuer's authentication (tag 91); the status word is the card's verdict."""
        return self._channel.send(commands.external_authenticate(authentication_data))

    def send_script(self, command: bytes) -> ResponseAPDU:
        """Send one command of an issuer script as the issuer made it; the status word is the card's verdict.

        :raises EncodingError: when it is no command.
        """
        return self._channel.send(CommandAPDU.parse(command))

    def _send(self, command: CommandAPDU, what: str, ok: Collection[int] = (_OK,)) -> ResponseAPDU:
        response = self._channel.send(command)
        if response.sw not in ok:
            raise _refused(what, command, response.sw)
        return response


def application_cryptogram(answer: Answer, what: str) -> ApplicationCryptogram:
    """Read the objects of a cryptogram from an answer.

    :raises ProtocolError: when CID, ATC, or both cryptogram and signature are missing, or a length is wrong.
    """
    values = answer.values
    cid, atc = answer.require(_CID, what), answer.require(_ATC, what)
    ac, iad, sdad = values.get(_AC, b""), values.get(_IAD, b""), values.get(_SDAD, b"")
    if len(cid) != 1 or len(atc) != 2 or len(ac) not in (0, 8) or len(iad) > _LONGEST_IAD:
        sizes = f"CID {len(cid)}, ATC {len(atc)}, cryptogram {len(ac)}, IAD {len(iad)}"
        raise ProtocolError(f"{what}: lengths are {sizes} bytes, expected 1, 2, 8 and up to {_LONGEST_IAD}")
    if not ac and not sdad:
        raise ProtocolError(f"{what}: neither cryptogram (9F26) nor signature (9F4B) in the answer")
    return ApplicationCryptogram(cid[0], int.from_bytes(atc, "big"), ac, iad, sdad, answer)


def _answer(data: bytes, what: str, by_position: Callable[[bytes], dict[bytes, bytes]]) -> Answer:
    """Read template 80 or 77.

    :param by_position: names the parts of a template 80.
    :raises ProtocolError: on another template, on trailing bytes, on an object that is there twice.
    """
    objects = card_objects(data, what)
    if len(objects) != 1 or objects[0].tag not in (_FORMAT_1, _FORMAT_2):
        found = " ".join(f"{item.tag:02X}" for item in objects) or "nothing"
        raise ProtocolError(f"{what}: got {found}, expected one template 80 or 77 and nothing else")
    (template,) = objects
    if template.tag == _FORMAT_1:
        return Answer(_FORMAT_1, by_position(template.value))
    inner = card_objects(template.value, what)
    values = {tag_bytes(item.tag): item.value for item in inner}
    if len(values) != len(inner):
        raise ProtocolError(f"{what}: a tag is in the answer twice")
    return Answer(_FORMAT_2, values, template.value)


def _options_values(value: bytes) -> dict[bytes, bytes]:
    return {_AIP: value[:_AIP_BYTES], _AFL: value[_AIP_BYTES:]}


def _ac_values(value: bytes) -> dict[bytes, bytes]:
    return {_CID: value[:1], _ATC: value[1:3], _AC: value[3:_LEAST_AC_BYTES], _IAD: value[_LEAST_AC_BYTES:]}


def _refused(what: str, command: CommandAPDU, sw: int) -> StatusError:
    return StatusError(what, sw, meaning=statuswords.meaning(sw, command.ins, command.cla).text)
