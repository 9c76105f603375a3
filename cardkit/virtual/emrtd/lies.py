"""Documents that lie to readers, behind the same seam as a good one; one lie each.

    card = document_lies()["bare-9000"](finished_card)

Each is told whenever there is an occasion; what the chip holds stays right, except where the lie is about that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import ImageError
from ..faultbase import Fault
from ..gp import ber
from ..gp.crypto import pad80
from ..maker import AnyCard
from . import keys, pace
from .appletcard import AppletCard
from .chip import DocumentChip
from .document import EMRTD_AID
from .messaging import SecureMessaging
from .passport import GENERAL_AUTHENTICATE, READ_BINARY, Passport

_CRYPTOGRAM, _STATUS, _CHECKSUM, _UNKNOWN = 0x87, 0x99, 0x8E, 0x80
_PADDED: Final = b"\x01"
_DYNAMIC: Final = 0x7C
_NONCE, _AGREED, _TOKEN, _PROOF = 0x80, 0x84, 0x86, 0x8A
_SIGNATURES: Final = 0x88
_ENDLESS: Final = bytes.fromhex("7584FFFFFFFF")
_SHORT: Final = 256

Objects = list[tuple[int, bytes]]


@dataclass(slots=True, repr=False)
class LyingMessaging(SecureMessaging):
    """Secure messaging whose responses are changed before their checksum, or after.

    :ivar lie: who changes them.
    """

    lie: "DocumentLie | None" = None

    def wrap(self, data: bytes, status: bytes, *, odd: bool) -> bytes:
        """The response, changed."""
        honest = SecureMessaging.wrap(self, data, status, odd=odd)
        told = self.lie.response(self, data, honest) if self.lie is not None else None
        return honest if told is None else told

    def sealed(self, objects: bytes, status: bytes) -> bytes:
        """Objects of a response with a right checksum."""
        size = self.suite.block
        counter = (self.counter % (1 << 8 * size)).to_bytes(size, "big")
        checksum = self.suite.mac_of_blocks(self.mac, pad80(counter + objects, size))
        return objects + tlv.build(_CHECKSUM, checksum) + status

    def enciphered(self, padded: bytes) -> bytes:
        """The cryptogram of whole blocks."""
        size = self.suite.block
        counter = (self.counter % (1 << 8 * size)).to_bytes(size, "big")
        iv = self.suite.message_iv(self.encryption, counter)
        return tlv.build(_CRYPTOGRAM, _PADDED + self.suite.encrypt(self.encryption, padded, iv))


class DocumentLie(Fault):
    """What all of them share: the document underneath, and how often they were told.

    :raises ImageError: when the card underneath is none.
    """

    lasting = True

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1) -> None:
        super().__init__(card, seed, at=at)
        self.command = b""
        self.kept = b""

    @property
    def passport(self) -> Passport:
        """The document of the card underneath."""
        card = self.card
        while isinstance(card, Fault):
            card = card.card
        if isinstance(card, AppletCard):
            return card.passport
        if isinstance(card.chip, DocumentChip):
            return card.chip.passport
        raise ImageError(f"fault {type(self).__name__}: expected a document, got image {self.image.name}")

    def transmit(self, command: bytes) -> bytes:
        """One C-APDU to its R-APDU, the session made a lying one."""
        self.command = command
        session = self.passport.session
        honest = session.messaging
        if honest is not None and not isinstance(honest, LyingMessaging):
            parts = (honest.suite, honest.encryption, honest.mac, honest.counter)
            session.messaging = LyingMessaging(*parts, lie=self)
        return self.changed(super().transmit(command))

    def response(self, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes | None:
        """What a protected response becomes; None: it stays honest."""
        del messaging, data, honest
        return None

    def changed(self, answer: bytes) -> bytes:
        """What an R-APDU becomes."""
        return answer


Response = Callable[["ResponseLie", LyingMessaging, bytes, bytes], bytes | None]


class ResponseLie(DocumentLie):
    """Changes protected responses that carry data."""

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1, tell: Response) -> None:
        super().__init__(card, seed, at=at)
        self._tell = tell

    def response(self, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes | None:
        """The response, changed when there is anything to change."""
        told = self._tell(self, messaging, data, honest) if data and honest[-2:] == sw.OK else None
        return told if told is not None and self._due() else None


def _wrong_status(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    """DO99 says another status word than the response."""
    del lie, data
    objects = ber.parse(honest[:-2])[0]
    return messaging.sealed(tlv.build(*objects) + tlv.build(_STATUS, sw.END_REACHED), sw.OK)


def _no_checksum(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    del lie, messaging, data
    return honest[:-12] + honest[-2:]


def _short_checksum(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    del lie, messaging, data
    return honest[:-12] + tlv.build(_CHECKSUM, honest[-10:-3]) + honest[-2:]


def _wrong_checksum(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    del lie, messaging, data
    return honest[:-3] + bytes((honest[-3] ^ 1,)) + honest[-2:]


def _replayed(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes | None:
    """The first response with data, again and again."""
    del messaging, data
    first, lie.kept = lie.kept, lie.kept or honest
    return first or None


def _counter_ahead(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    """The right answer to the command after this one."""
    del honest
    return SecureMessaging.wrap(messaging, data, sw.OK, odd=bool(lie.command[1] & 1))


def _bad_padding(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    """The last block ends in 00 alone."""
    del lie, honest
    padded = pad80(data, messaging.suite.block)
    objects = messaging.enciphered(padded[: len(data)] + bytes(len(padded) - len(data)))
    return messaging.sealed(objects + tlv.build(_STATUS, sw.OK), sw.OK)


def _more_than_asked(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    del lie, honest
    objects = messaging.enciphered(pad80(data + bytes(_SHORT), messaging.suite.block))
    return messaging.sealed(objects + tlv.build(_STATUS, sw.OK), sw.OK)


def _unknown_object(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    del lie, data
    return messaging.sealed(tlv.build(_UNKNOWN, b"\x00") + honest[:-12], sw.OK)


def _bare(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    del lie, messaging, data, honest
    return sw.OK


def _plain(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes:
    del lie, messaging, honest
    return data + sw.OK


def _endless(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes | None:
    """A file of 4 GB: a header that says so, and data for ever."""
    del honest
    if lie.command[1] != READ_BINARY:
        return None
    first = not lie.command[3] and not lie.command[2] & 0x7F
    body = (_ENDLESS + bytes(len(data)))[: len(data)] if first else bytes(len(data))
    objects = messaging.enciphered(pad80(body, messaging.suite.block))
    return messaging.sealed(objects + tlv.build(_STATUS, sw.OK), sw.OK)


def _signature_of_other_key(lie: ResponseLie, messaging: LyingMessaging, data: bytes, honest: bytes) -> bytes | None:
    """Active authentication of a clone."""
    del honest
    if lie.command[1] != _SIGNATURES:
        return None
    signature = bytes((data[0] & 0x7F,)) + lie.random.randbytes(len(data) - 1)
    objects = messaging.enciphered(pad80(signature, messaging.suite.block))
    return messaging.sealed(objects + tlv.build(_STATUS, sw.OK), sw.OK)


Step = Callable[["StepLie", Objects], Objects | None]


class StepLie(DocumentLie):
    """Changes plain answers to the steps of PACE."""

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1, tell: Step) -> None:
        super().__init__(card, seed, at=at)
        self._tell = tell

    def changed(self, answer: bytes) -> bytes:
        """The answer, changed when it is the step the lie is about."""
        if self.command[1:2] != bytes((GENERAL_AUTHENTICATE,)) or answer[-2:] != sw.OK or answer[0] != _DYNAMIC:
            return answer
        told = self._tell(self, ber.parse(ber.parse(answer[:-2])[0][1]))
        if told is None or not self._due():
            return answer
        return tlv.build(_DYNAMIC, b"".join(tlv.build(tag, value) for tag, value in told)) + sw.OK


def _other(value: bytes) -> bytes:
    return value[:-1] + bytes((value[-1] ^ 1,))


def _changed(found: Objects, tag: int, change: Callable[[bytes], bytes]) -> Objects | None:
    told = [(one, change(value) if one == tag else value) for one, value in found]
    return told if told != found else None


def _wrong_token(lie: StepLie, found: Objects) -> Objects | None:
    del lie
    return _changed(found, _TOKEN, _other)


def _same_key(lie: StepLie, found: Objects) -> Objects | None:
    """The chip's key is the terminal's."""
    run = lie.passport.session.pace
    return _changed(found, _AGREED, lambda _: run.terminal) if run is not None else None


def _off_the_curve(lie: StepLie, found: Objects) -> Objects | None:
    del lie
    return _changed(found, _AGREED, _other)


def _zero_nonce(lie: StepLie, found: Objects) -> Objects | None:
    """The nonce is all zeros, and the chip goes on with it."""
    run = lie.passport.session.pace
    if run is None or found[0][0] != _NONCE:
        return None
    run.nonce = bytes(len(run.nonce))
    key = pace.password_key(lie.passport.document, run)
    return [(_NONCE, run.suite.encrypt(key, run.nonce))]


def _foreign_proof(lie: StepLie, found: Objects) -> Objects | None:
    """Chip authentication mapping with another key than EF.CardSecurity shows."""
    del lie
    return _changed(found, _PROOF, lambda value: _other(value[:1]) + value[1:])


class OldKeysLie(DocumentLie):
    """After chip authentication the old keys go on: the chip of a clone, which has no private key."""

    def transmit(self, command: bytes) -> bytes:
        """Put the old keys back when a command has changed them."""
        session = self.passport.session
        before = session.messaging
        answer = self.card.transmit(command)
        session = self.passport.session
        if before is not None and session.messaging is not None and session.messaging is not before and self._due():
            session.messaging = before
        return answer


class OtherBodyLie(DocumentLie):
    """One byte of a file is not what the security object has the hash of.

    :param fid: the file, 2 bytes.
    """

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1, fid: int) -> None:
        super().__init__(card, seed, at=at)
        document = self.passport.document
        directory = document.application(EMRTD_AID)
        file = None if directory is None else document.find(directory, fid)
        if file is None:
            raise ImageError(f"fault {type(self).__name__}: file {fid:04X} is not there")
        document.write(file, _other(document.body(file)))
        document.journal.commit()
        self._due()


class OtherKeyLie(DocumentLie):
    """The keys of chip authentication are not those of DG14."""

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1) -> None:
        super().__init__(card, seed, at=at)
        document = self.passport.document
        for identifier in set(document.key_identifiers()) & set(keys.CHIP_KEYS):
            objects = ber.parse(document.key(identifier))
            told = [(tag, _other(value) if tag == keys.SECRET else value) for tag, value in objects]
            document.put_key(identifier, b"".join(tlv.build(tag, value) for tag, value in told))
            self._due()
        document.journal.commit()


_RESPONSES: Final[Mapping[str, Response]] = {
    "status-differs": _wrong_status,
    "no-checksum": _no_checksum,
    "checksum-of-7-bytes": _short_checksum,
    "wrong-checksum": _wrong_checksum,
    "response-replayed": _replayed,
    "counter-ahead": _counter_ahead,
    "bad-padding": _bad_padding,
    "more-than-asked": _more_than_asked,
    "unknown-object": _unknown_object,
    "bare-9000": _bare,
    "plain-answer": _plain,
    "endless-file": _endless,
    "signature-of-other-key": _signature_of_other_key,
}
_STEPS: Final[Mapping[str, Step]] = {
    "token-of-other-key": _wrong_token,
    "same-key": _same_key,
    "key-off-the-curve": _off_the_curve,
    "nonce-of-zeros": _zero_nonce,
    "proof-of-other-key": _foreign_proof,
}


def document_lies() -> Mapping[str, Callable[..., Fault]]:
    """Every lie by its name; call it as factory(card, seed) on a finished document."""
    return _FACTORIES


_FACTORIES: Final[Mapping[str, Callable[..., Fault]]] = MappingProxyType(
    {name: partial(ResponseLie, tell=tell) for name, tell in _RESPONSES.items()}
    | {name: partial(StepLie, tell=tell) for name, tell in _STEPS.items()}
    | {
        "old-keys-go-on": OldKeysLie,
        "chip-key-of-clone": OtherKeyLie,
        "group-altered": partial(OtherBodyLie, fid=0x0101),
    }
)
