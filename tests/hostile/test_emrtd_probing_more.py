"""Further probes: what honest chips do is not named, and each chip that does otherwise is, by its rule alone."""

from dataclasses import replace
from random import Random

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.emrtd.face import build_dg2
from cardkit.apps.emrtd.pace import Password, PasswordKind
from cardkit.apps.emrtd.terminal.probing import probe
from cardkit.apps.emrtd.terminal.reader import inspect
from cardkit.apps.emrtd.terminal.reading import Reading, Request
from cardkit.crypto.secret import Secret
from cardkit.transport.loopback import LoopbackConnection
from tests.hostile.test_emrtd_probing import DONE, Lax, LaxChannel, answered, judged, starts, within
from tests.unit.emrtd.passport import NOW, PICTURE, TRUST, Document
from tests.unit.emrtd.test_border_reader import BY_CAN, BY_MRZ, BY_PIN, TERMINAL, with_fingers
from tests.unit.pki import issuers

LONG = PICTURE[:-2] + bytes(34_000) + PICTURE[-2:]
REFUSED = ResponseAPDU(b"", 0x6D00)


def probed(channel, *, terminal=None, passwords=(BY_MRZ,)) -> Reading:
    request = Request(passwords, TRUST, NOW, Random(1).randbytes, terminal)
    reading = inspect(channel, request)
    probe(channel, request, reading)
    return reading


def rules(reading: Reading) -> set[str]:
    return {finding.rule for finding in reading.findings if not finding.not_checked}


def long_document() -> Document:
    return Document(image="emrtd-applet", groups={2: build_dg2([LONG])})


def lax(document: Document, lie) -> LaxChannel:
    channel = LaxChannel(LoopbackConnection(document.card()))
    channel.lie = lie
    return channel


def no_lie(command, response, before):
    """Answer as the chip does."""


def test_a_long_file_is_read_beyond_the_even_offsets() -> None:
    reading = probed(lax(long_document(), no_lie))
    assert len(reading.files["EF.DG2"]) > 0x8000
    assert rules(reading) == set()


def test_a_chip_that_reads_far_by_one_way_only_is_named_alone() -> None:
    assert rules(probed(lax(long_document(), within(REFUSED, "00B10002")))) == {"EMRTD-011"}


class Plain(LaxChannel):
    """One that tells no lies of its own."""

    lie = staticmethod(no_lie)


class OtherWord(Lax):
    """A chip whose status word is another than the protected one, in one answer."""

    def transmit(self, command: bytes) -> bytes:
        answer = super().transmit(command)
        return answer[:-2] + b"\x62\x82" if starts(command, "0CB00000") and b"\x97\x01\x03" in command else answer


def test_an_answer_that_is_not_well_formed_is_named_alone() -> None:
    chip = OtherWord(Document(), lambda *_: b"")
    assert rules(probed(Plain(LoopbackConnection(chip)))) == {"EMRTD-015"}


class Echo(Lax):
    """A chip that sends the terminal's key of one agreement back."""

    at = 0
    agreements = 0

    def transmit(self, command: bytes) -> bytes:
        if not starts(command, "10860000457C438341"):
            return super().transmit(command)
        self.agreements += 1
        answer = super().transmit(command)
        return bytes.fromhex("7C438441") + command[9:-1] + DONE if self.agreements == self.at else answer


def test_a_key_that_is_thrown_back_is_named_alone() -> None:
    chip = Echo(Document(pace=((2, 2, 12),)), lambda *_: b"")
    probed(Plain(LoopbackConnection(chip)))
    opened_again = 5  # after the probe: wrong passwords, and the right one
    lying = Echo(Document(pace=((2, 2, 12),)), lambda *_: b"")
    lying.at = chip.agreements - opened_again
    assert rules(probed(Plain(LoopbackConnection(lying)))) == {"EMRTD-028"}


@pytest.mark.parametrize("password", [BY_MRZ, BY_CAN], ids=["MRZ", "CAN"])
def test_passwords_in_print_never_block(password) -> None:
    assert rules(probed(lax(Document(), no_lie), passwords=(password,))) == set()


def test_passwords_in_print_never_block_by_bac() -> None:
    assert rules(probed(lax(Document(pace=(), chip=(1, 12)), no_lie))) == set()


def test_a_printed_password_that_blocks_is_named_alone() -> None:
    class Blocked(Plain):
        """The session after the last wrong try does not open."""

        tried = 0

        def send(self, command: CommandAPDU) -> ResponseAPDU:
            wrong = command.ins == 0x86 and command.cla == 0x00 and self.secure is None
            if command.ins == 0x22 and command.p1 == 0xC1 and self.tried >= 4:
                return ResponseAPDU(b"", 0x6983)
            response = super().send(command)
            self.tried = self.tried + 1 if wrong and response.sw == 0x6300 else self.tried * (not wrong)
            return response

    assert rules(probed(Blocked(LoopbackConnection(Document().card())))) == {"EMRTD-029"}


WITH_AUTHORITY = replace(TERMINAL, authority=issuers.key("p256-1"))
FINE = ResponseAPDU(b"", 0x9000)


def wrongly_taken(lie) -> list[str]:
    """Return what of a terminal's certificates a chip takes that it must not; no other rule is broken."""
    reading = probed(lax(with_fingers(), lie), terminal=WITH_AUTHORITY)
    assert rules(reading) <= {"EMRTD-035"}
    return [one.where for one in reading.findings if one.rule == "EMRTD-035"]


def test_a_terminals_certificates_are_taken_and_no_others() -> None:
    assert wrongly_taken(no_lie) == []


def test_without_the_authoritys_key_dates_and_places_are_not_checked() -> None:
    reading = probed(lax(with_fingers(), no_lie), terminal=TERMINAL)
    (found,) = [one for one in reading.findings if one.rule == "EMRTD-035"]
    assert (found.not_checked, found.bad) == (True, False)


def test_a_chip_that_takes_any_certificate_is_named_alone() -> None:
    assert len(wrongly_taken(within(FINE, "002A00BE"))) == 6


def taking(sort):
    """Return the lie of a chip that takes one sort of certificates whoever issued them: the body says which."""

    def lie(command, response, before):
        body = command.data if isinstance(command.data, bytes) else b""
        return FINE if command.ins == 0x2A and response.sw != 0x9000 and sort(body) else None

    return lie


def holder_is_probe(body: bytes) -> bool:
    return b"PROBE00001" in body


def ends_before(body: bytes) -> bool:
    return holder_is_probe(body) and bytes.fromhex("5F2406020601000301") in body


def out_of_place(body: bytes) -> bool:
    """Whether it is no document verifier's: 53 01 83."""
    return holder_is_probe(body) and bytes.fromhex("530183") not in body


class Backward:
    """The date of a chip that goes back to that of an older certificate."""

    gone = False

    def __call__(self, body: bytes) -> bool:
        return self.gone and ends_before(body)

    def lie(self, command, response, before):
        body = command.data if isinstance(command.data, bytes) else b""
        if command.ins == 0x2A and response.sw == 0x9000 and holder_is_probe(body):
            self.gone = True
        return taking(self)(command, response, before)


EXPIRED = "a certificate that ended before the chip's date"
AFTER_AN_OLDER = f"{EXPIRED}, after an older one"
BY_TERMINAL = "a certificate that a terminal issued"
BY_AUTHORITY = "a terminal's certificate by the authority itself"


@pytest.mark.parametrize(
    ("lie", "where"),
    [
        (taking(ends_before), [EXPIRED, AFTER_AN_OLDER]),
        (Backward().lie, [AFTER_AN_OLDER]),
        (taking(out_of_place), [BY_TERMINAL, BY_AUTHORITY]),
    ],
    ids=["expired", "date goes back", "wrong role"],
)
def test_a_chip_that_takes_one_sort_of_certificates_is_named_by_it(lie, where) -> None:
    assert wrongly_taken(lie) == where


@pytest.mark.parametrize("head", ["FFCA0000", "00CA9F7F", "00CA0045"])
def test_a_chip_that_tells_anybody_its_number_is_named_alone(head: str) -> None:
    assert rules(judged(Document(), answered(bytes(range(1, 8)) + DONE, head))) == {"EMRTD-094"}


def test_a_number_drawn_for_each_session_is_none() -> None:
    assert rules(judged(Document(), answered(b"\x08\x11\x22\x33" + DONE, "FFCA0000"))) == set()


class Deaf(LaxChannel):
    """A chip that has any number of tries for its PIN."""

    lie = staticmethod(no_lie)

    def send(self, command: CommandAPDU) -> ResponseAPDU:
        response = super().send(command)
        return ResponseAPDU(b"", 0x9000) if response.sw & 0xFFF0 == 0x63C0 and command.ins == 0x22 else response


def test_a_pin_is_suspended_and_as_before_afterwards() -> None:
    document = Document()
    chip = document.card()
    channel = Plain(LoopbackConnection(chip))
    for _ in range(2):
        assert rules(probed(channel, passwords=(BY_PIN, BY_CAN))) == set()
        channel.secure = None
        channel.reset(cold=True)
        assert channel.send(CommandAPDU(0x00, 0xA4, 0x00, 0x0C, b"\x3f\x00")).sw == 0x9000
        environment = bytes.fromhex("800A04007F00070202040202830103")
        assert channel.send(CommandAPDU(0x00, 0x22, 0xC1, 0xA4, environment)).sw == 0x9000


def test_a_pin_that_is_not_suspended_is_named_alone() -> None:
    assert rules(probed(Deaf(LoopbackConnection(Document().card())), passwords=(BY_PIN, BY_CAN))) == {"EMRTD-029"}


def test_a_wrong_pin_is_not_tried_on() -> None:
    wrong = Password(PasswordKind.PIN, Secret(b"000000", "PIN"))
    channel = Plain(LoopbackConnection(Document().card()))
    probed(channel, passwords=(BY_CAN, wrong))
    channel.secure = None
    channel.reset(cold=True)
    channel.send(CommandAPDU(0x00, 0xA4, 0x00, 0x0C, b"\x3f\x00"))
    environment = bytes.fromhex("800A04007F00070202040202830103")
    assert channel.send(CommandAPDU(0x00, 0x22, 0xC1, 0xA4, environment)).sw == 0x63C2
