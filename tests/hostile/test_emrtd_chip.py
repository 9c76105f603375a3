"""A hostile document chip: whatever it answers, a declared error or a finding, in bounded memory and time."""

import random
import secrets
import tracemalloc
from collections.abc import Callable

import pytest

from cardkit.apps.emrtd.biometrics import Biometrics, FormatType, Modality, Template
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.groups import build_group
from cardkit.apps.emrtd.pace import Password, PasswordKind
from cardkit.apps.emrtd.terminal.reader import inspect
from cardkit.apps.emrtd.terminal.reading import Reading, Request
from cardkit.channel import Channel
from cardkit.crypto.secret import Secret
from cardkit.encoding import tlv
from cardkit.errors import (
    AuthenticationError,
    BadResponseError,
    CardError,
    ProtocolError,
    SecureMessagingError,
)
from cardkit.transport.loopback import LoopbackConnection
from tests.unit.emrtd.passport import CAN, MRZ, NOW, TRUST, Document

Twist = Callable[[int, bytes, bytes], bytes]
BY_CAN = Password(PasswordKind.CAN, Secret(CAN.encode(), "CAN"))
BY_MRZ = Password(PasswordKind.MRZ, Secret(MRZ.information.encode(), "MRZ"))
MOST_BYTES = 24 << 20
MOST_COMMANDS = 2_000


class Evil:
    """A chip whose answers are twisted on their way."""

    def __init__(self, document: Document, twist: Twist) -> None:
        self._chip = document.card()
        self._twist = twist
        self.commands = 0

    def atr(self) -> bytes:
        return self._chip.atr()

    def power(self, cold: bool) -> None:
        self._chip.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.commands += 1
        assert self.commands < MOST_COMMANDS
        return self._twist(self.commands, command, self._chip.transmit(command))


def read(
    document: Document, twist: Twist = lambda _at, _command, answer: answer, password: Password = BY_CAN
) -> Reading:
    channel = Channel(LoopbackConnection(Evil(document, twist)))
    return inspect(channel, Request((password,), TRUST, NOW, secrets.token_bytes))


def protected(command: bytes) -> bool:
    return command[0] & 0x0C == 0x0C


def in_session(change: Callable[[bytes], bytes]) -> Twist:
    """Change the answers of one command in the session: the fourth."""
    seen = 0

    def twist(_at: int, command: bytes, answer: bytes) -> bytes:
        nonlocal seen
        seen += protected(command)
        return change(answer) if protected(command) and seen == 4 else answer

    return twist


MESSAGING = {
    "MAC of another value": lambda answer: answer[:-3] + bytes((answer[-3] ^ 1,)) + answer[-2:],
    "MAC of 7 bytes": lambda answer: answer[:-11] + b"\x07" + answer[-10:-3] + answer[-2:],
    "no MAC": lambda answer: answer[:-12] + answer[-2:],
    "bare 9000": lambda _: b"\x90\x00",
    "plain data": lambda _: b"\x60\x16\x5f\x01\x90\x00",
    "plain error": lambda _: b"\x6a\x82",
    "status inside differs": lambda answer: answer[:-2] + b"\x62\x82",
    "a further object": lambda answer: b"\x04\x01\x00" + answer,
    "length of 4 GB": lambda answer: b"\x87\x84\xff\xff\xff\xff\x01" + answer,
    "nested without end": lambda _: b"\x30\x80" * 120 + b"\x90\x00",
    "noise": lambda _: bytes(range(200)) + b"\x90\x00",
}


@pytest.mark.parametrize("name", MESSAGING)
@pytest.mark.parametrize("pace", [((2, 2, 12),), ()], ids=["AES", "3DES"])
def test_an_answer_that_is_not_protected_ends_the_session(name: str, pace: tuple[tuple[int, int, int], ...]) -> None:
    document = Document(pace=pace, chip=None, active="")
    with pytest.raises(SecureMessagingError):
        read(document, in_session(MESSAGING[name]), BY_MRZ)


def test_an_answer_of_before_is_not_taken_again() -> None:
    kept: list[bytes] = []

    def replay(_at: int, command: bytes, answer: bytes) -> bytes:
        if protected(command):
            kept.append(answer)
            return kept[0] if len(kept) > 2 else answer
        return answer

    with pytest.raises(SecureMessagingError):
        read(Document(), replay)


def in_step(tag: int, change: Callable[[bytes, bytes], bytes]) -> Twist:
    """Change the answer to a step of PACE, by the tag of the terminal's object."""

    def twist(_at: int, command: bytes, answer: bytes) -> bytes:
        if command[1] == 0x86 and not protected(command) and command[7:8] == bytes((tag,)):
            return change(command, answer)
        return answer

    return twist


STEPS = {
    "our mapping key back": in_step(0x81, lambda command, _: b"\x7c\x43\x82\x41" + command[9:74] + b"\x90\x00"),
    "our key back": in_step(0x83, lambda command, _: b"\x7c\x43\x84\x41" + command[9:74] + b"\x90\x00"),
    "a point off the curve": in_step(0x83, lambda _, answer: answer[:-3] + bytes((answer[-3] ^ 1,)) + answer[-2:]),
    "a compressed point": in_step(0x81, lambda _, answer: b"\x7c\x23\x82\x21\x02" + answer[5:37] + b"\x90\x00"),
    "infinity": in_step(0x81, lambda *_: b"\x7c\x03\x82\x01\x00\x90\x00"),
    "no object": in_step(0x83, lambda *_: b"\x7c\x00\x90\x00"),
    "nothing": in_step(0x83, lambda *_: b"\x90\x00"),
    "a bomb": in_step(0x83, lambda *_: b"\x7c\x84\xff\xff\xff\xff\x90\x00"),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_public_key_that_is_none_is_the_chips_fault(name: str) -> None:
    with pytest.raises(ProtocolError):
        read(Document(), STEPS[name])


@pytest.mark.parametrize(
    "change", [lambda answer: answer[:-3] + b"\0\x90\0", lambda answer: b"\x7c\x09\x86\x07" + answer[4:11] + b"\x90\0"]
)
def test_a_wrong_token_is_not_believed(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(AuthenticationError, match="token"):
        read(Document(), in_step(0x85, lambda _, answer: change(answer)))


def test_a_nonce_that_was_changed_opens_nothing() -> None:
    def zeros(_at: int, command: bytes, answer: bytes) -> bytes:
        return b"\x7c\x12\x80\x10" + bytes(16) + b"\x90\x00" if command[4:7] == b"\x02\x7c\x00" else answer

    with pytest.raises(AuthenticationError):
        read(Document(), zeros)


ENDLESS = b"\x75\x84\xff\xff\xff\xff" + bytes(500)
LONG = b"\x75\x82\xff\xff" + bytes(500)


@pytest.mark.parametrize(
    ("content", "why"),
    [(ENDLESS, "announces 4,294,967,301"), (LONG, "ends after"), (b"\x75\x80" + bytes(9), "indefinite")],
)
def test_a_file_that_does_not_end_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        read(Document(changed={"EF.DG2": content}))


def test_a_file_that_is_endless_in_the_clear_is_refused() -> None:
    def more(_at: int, command: bytes, answer: bytes) -> bytes:
        return bytes(range(1, 224)) + b"\x90\x00" if command[1] == 0xB0 and not protected(command) else answer

    with pytest.raises(ProtocolError):
        read(Document(), more)


def test_an_answer_that_never_ends_is_refused() -> None:
    with pytest.raises(ProtocolError, match=r"61xx|rounds|bytes"):
        read(Document(), lambda _at, command, answer: b"\0\x61\x00" if command[1] in (0xB0, 0xC0) else answer)


def nested(depth: int, tag: bytes = b"\x7f\x61") -> bytes:
    content = b""
    for _ in range(depth):
        content = tag + tlv.build(0x04, content)[1:]
    return content


NAMES = tlv.build(0xA0, b"\x02\x01\xff" + b"\x5f\x0f\x00" * 9_000)
FACES = Template.of(Modality.FACE, FormatType.FACE_19794, b"FAC\x00010\0\0\0\0\x0e\xff\xff")
BOMBS = {
    "levels of DG2": {2: build_group(2, nested(3_000))},
    "levels of DG14": {14: build_group(14, nested(3_000, b"\x31"))},
    "count of DG2": {2: build_group(2, tlv.build(0x7F61, b"\x02\x01\xff" + b"\x7f\x60\x00" * 5_000))},
    "count of DG11": {11: build_group(11, b"\x5c\x02\x5f\x0f" + NAMES)},
    "count of DG16": {16: build_group(16, b"\x02\x01\xff")},
    "tag list of DG12": {12: build_group(12, tlv.build(0x5C, b"\x5f" * 9_001))},
    "faces of DG2": {2: Biometrics.of(2, [FACES]).build()},
    "name of DG11": {11: Details.of(11, {"name_of_holder": "<" * 12_000}).build()},
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_finding(name: str) -> None:
    tracemalloc.start()
    try:
        reading = read(Document(groups=BOMBS[name]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reading.findings
    assert peak < MOST_BYTES


@pytest.mark.parametrize("seed", range(120))
def test_noise_is_a_declared_error_or_a_finding(seed: int) -> None:
    chance = random.Random(seed)
    at = chance.randrange(1, 40)

    def noise(number: int, _command: bytes, answer: bytes) -> bytes:
        if number != at:
            return answer
        made = bytearray(answer)
        for _ in range(chance.randrange(1, 4)):
            made[chance.randrange(max(1, len(made) - 2))] = chance.randrange(256)
        return bytes(made) if chance.random() < 0.7 else chance.randbytes(chance.randrange(300)) + b"\x90\x00"

    document = Document(pace=() if seed % 3 == 0 else ((2, 2, 12),), active="ec" if seed % 2 else "")
    said = ""
    try:
        assert read(document, noise, BY_MRZ).steps
    except (CardError, BadResponseError) as error:
        said = str(error)
    assert CAN not in said
