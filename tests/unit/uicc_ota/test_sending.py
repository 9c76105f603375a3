"""Packets to a card in a reader and its proofs of receipt, honest and not."""

from __future__ import annotations

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.apps.uicc.cat import Terminal
from cardkit.apps.uicc.ota.judging import RULES, judge
from cardkit.apps.uicc.ota.rfm import Script
from cardkit.apps.uicc.ota.scripting import Coding
from cardkit.apps.uicc.ota.sending import Postman
from cardkit.apps.uicc.ota.sms import Address
from cardkit.crypto import Secret
from cardkit.desired import Severity
from cardkit.errors import ProtocolError, SecureMessagingError, StatusError
from cardkit.secure.counter import Counter
from cardkit.secure.por import ProofOfReceipt
from tests.unit.uicc_ota.conftest import TAR, AirCard

DONE = (0x00, bytes.fromhex("019000"))


def done(_):
    return DONE


@pytest.fixture
def posted(scp80):
    def post(respond=done, spi="1619", *, content=b"\x01\x02", card=None, **air):
        card = card or AirCard(respond, **air)
        postman = Postman(Terminal(card), scp80(spi))
        return card, postman.send(TAR, Counter(9), content)

    return post


@pytest.mark.parametrize("size", [0, 1, 100, 137, 300, 1500])
def test_packets_of_any_length_arrive_and_are_answered(posted, size):
    content = bytes(place % 251 for place in range(size))
    card, receipt = posted(content=content)

    assert card.scripts == [content]
    assert receipt == ProofOfReceipt(TAR, 9, 0, DONE[1], proven=True)


def test_secret_parts_arrive(posted):
    card, _ = posted(content=(b"\x01", Secret(b"\x02", "k")))

    assert card.scripts == [b"\x01\x02"]


def test_each_long_packet_has_a_reference_of_its_own(scp80):
    card = AirCard(done)
    postman = Postman(Terminal(card), scp80(), sender=Address("4477", 0x91), service_centre=b"\x91\x44")
    references = []
    for number in range(257):
        postman.send(TAR, Counter(number), bytes(140) if number in (0, 1, 255, 256) else b"")
        if number in (0, 1, 255, 256):
            data = bytes(card.commands[-2].data)
            references.append(data[data.index(b"\x07\x00\x03") + 3])

    assert references == [1, 2, 0, 1]
    assert card.service_centre == b"\x91\x44"
    assert b"\x04\x91\x44\x77" in bytes(card.commands[-1].data)


@pytest.mark.parametrize("spi", ["1600", "1602"])
def test_silence_where_none_need_answer(posted, spi):
    assert posted(lambda _: None, spi)[1] is None


def test_silence_where_an_answer_is_due(posted):
    with pytest.raises(ProtocolError, match=r"^packet for TAR B00011: a proof of receipt is due, none came$"):
        posted(lambda _: None)


def test_answer_on_error_is_read(posted):
    assert posted(lambda _: (0x09, b""), "161A")[1] == ProofOfReceipt(TAR, 9, 9, b"", proven=True)


def test_proof_of_receipt_by_a_short_message_of_the_card(posted):
    card, receipt = posted(spi="1639", by_submit=True)

    assert receipt == ProofOfReceipt(TAR, 9, 0, DONE[1], proven=True)
    assert [response.hex() for response in card.responses] == ["8103011300" + "82028281" + "830100"]


def test_message_sent_before_is_not_taken_for_the_answer(scp80):
    card = AirCard(done, by_submit=True)
    terminal = Terminal(card)
    postman = Postman(terminal, scp80("1639"))
    postman.send(TAR, Counter(1), b"")
    card.respond = lambda _: None

    with pytest.raises(ProtocolError, match="a proof of receipt is due, none came"):
        postman.send(TAR, Counter(2), b"")


def test_data_announced_by_short_message_and_not_sent(posted):
    with pytest.raises(ProtocolError, match="a proof of receipt is due, none came"):
        posted(lambda _: (0x0B, b""))
    with pytest.raises(ProtocolError, match="a proof of receipt is due, none came"):
        posted(lambda _: (0x0B, b""), "161A")


def test_garbage_for_an_answer(posted):
    card = AirCard(done)
    card.packet = lambda _: b"\x01\x02\x03"

    with pytest.raises(
        ProtocolError, match=r"^answer to a packet for TAR B00011: response packet: got 010203, expected"
    ):
        posted(card=card)


def test_answer_under_another_key(posted):
    card = AirCard(done)
    card.card.answer = lambda packet, status, data, *, counter: (
        bytes.fromhex("027100001612B0001100000000090000") + bytes(11)
    )

    with pytest.raises(SecureMessagingError):
        posted(spi="1609", card=card)


def test_refused_envelope_is_an_error(posted):
    card = AirCard(done)
    card.sw_done = 0x9300

    with pytest.raises(StatusError, match=r"ENVELOPE \(SMS-PP download\): card answered 9300"):
        posted(card=card)


@pytest.mark.parametrize("sw", [0x6200, 0x6300])
def test_proof_of_receipt_behind_a_warning(posted, sw):
    card = AirCard(lambda _: (0x01, b""))
    card.sw_done = sw

    assert posted(card=card)[1] == ProofOfReceipt(TAR, 9, 1, b"", proven=True)


# What it means.

COMMANDS = tuple(CommandAPDU.parse(bytes.fromhex(text)) for text in ("00A4000C022F05", "00D6000002AABB"))
SCRIPT = Script(TAR, COMMANDS, ("x",))


def receipt(status=0, data="", *, proven=True):
    return ProofOfReceipt(TAR, 9, status, bytes.fromhex(data), proven)


def said(findings):
    return [(finding.rule, finding.severity, finding.expected, finding.actual) for finding in findings]


@pytest.mark.parametrize("data", ["029000", "026132", "0291 10", "026282"])
def test_faultless_answers_find_nothing(data):
    assert judge(SCRIPT, receipt(data=data)) == []


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        (0x01, "UICC-115"), (0x05, "UICC-115"), (0x06, "UICC-115"), (0x02, "UICC-116"), (0x03, "UICC-116"),
        (0x04, "UICC-116"), (0x0A, "UICC-116"), (0x09, "UICC-117"), (0x07, "OTA-001"), (0x55, "OTA-001"),
    ],
)  # fmt: skip
def test_each_refusal_breaks_its_rule(status, rule):
    (finding,) = judge(SCRIPT, receipt(status))

    assert (finding.rule, finding.severity, finding.where) == (rule, Severity.ERROR, "TAR B00011")
    assert (finding.expected, finding.actual) == ("status 00", f"status {receipt(status)}")


@pytest.mark.parametrize(
    ("data", "actual"),
    [
        ("016A82", "command 1 (00A4000C): 6A82, file or application not found"),
        ("026982", "command 2 (00D60000): 6982, security status not satisfied"),
        ("006982", "0 executed, then 6982"),
        ("036982", "3 executed, then 6982"),
        ("019000", "1 executed"),
        ("", "script answer: got 0 bytes, expected a count and a status word"),
    ],
)
def test_scripts_that_were_not_done(data, actual):
    (finding,) = judge(SCRIPT, receipt(data=data))

    assert (finding.rule, finding.severity) == ("OTA-001", Severity.ERROR)
    assert finding.actual.startswith(actual)


def test_bad_format_is_told():
    expanded = Script(TAR, COMMANDS, ("x",), Coding.EXPANDED)

    assert said(judge(expanded, receipt(data="AB06800100900102"))) == [
        ("OTA-001", Severity.ERROR, "2 commands executed", "0 executed, then bad format: wrong length")
    ]


def test_success_that_is_not_proven_is_a_warning():
    assert said(judge(SCRIPT, receipt(data="029000", proven=False))) == [
        ("OTA-002", Severity.WARNING, "a checksum", "status 00 (done, not proven)")
    ]
    rules = [finding.rule for finding in judge(SCRIPT, receipt(data="016A82", proven=False))]
    assert rules == ["OTA-002", "OTA-001"]


def test_no_answer_is_not_checked():
    (finding,) = judge(SCRIPT, None)

    assert (finding.rule, finding.severity, finding.not_checked) == ("OTA-001", Severity.WARNING, True)
    assert {rule.id for rule in RULES} == {"UICC-115", "UICC-116", "UICC-117", "OTA-001", "OTA-002"}
