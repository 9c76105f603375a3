"""Contactless transactions: cards that decide with GET PROCESSING OPTIONS, and cards that want GENERATE AC."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardkit.apps.emv.aids import kernel_of
from cardkit.apps.emv.terminal import selection
from cardkit.apps.emv.terminal.run import Outcome, Result

from .papercard import AID, ICC_KEY, PAN, PaperCard, h, signed, t
from .till import OFFLINE, Host, play, story, tvr

ATC = h("0007")
SMALL = replace(OFFLINE, cvm_limit=5000)
IADS = {0x00: "06010A03800000", 0x40: "06010A03900000", 0x80: "06010A03A00000"}
TRACK_2 = PAN + "D2912201000000000F"


class QuickCard(PaperCard):
    """Answers GET PROCESSING OPTIONS with a cryptogram, and signs it where it approves (fast DDA)."""

    def __init__(self, kind: int, ctq: str = "0000", *, cid: bool = True) -> None:
        super().__init__("2000")
        self.pdol = h("9F6604 9F0206 9F3704 5F2A02 9A03")
        self.kind, self.ctq, self.cid = kind, h(ctq), cid
        self.related = h("01 AABBCCDD 0000")
        self.afl = h("10010501 18010100") if kind == 0x40 else b""
        self.without: tuple[str, ...] = ()

    def _options(self, command: bytes) -> bytes:
        super()._options(command)
        values = {
            "82": self.aip,
            "94": self.afl,
            "57": h(TRACK_2),
            "9F36": ATC,
            "9F26": h("1122334455667788"),
            "9F10": h(IADS[self.kind]),
            "9F6C": self.ctq,
            "9F27": bytes((self.kind,)),
        }
        if not self.cid:
            del values["9F27"]
        return t("77", *(t(tag, value) for tag, value in values.items() if tag not in self.without)) + h("9000")

    def records(self):
        data = self.pdol_data
        if len(data) < 16:
            return super().records()
        amount, unpredictable, currency = data[4:10], data[10:14], data[14:16]
        sdad = self._sdad(b"", unpredictable + amount + currency + self.related)
        return super().records() | {(3, 1): t("70", t("9F69", self.related), t("9F4B", sdad))}


def tap(card: PaperCard, **given) -> Result:
    return play(card, **{"settings": SMALL, "contactless": True, "pin": None, **given})


@pytest.mark.parametrize("cid", [True, False])
def test_approved_offline_with_fast_dda(cid: bool) -> None:
    card = QuickCard(0x40, cid=cid)
    result = tap(card)
    assert result.outcome is Outcome.APPROVED_OFFLINE
    assert tvr(result) == "0000000000"
    assert "dynamic signature is right" in story(result)
    assert not [command for command in card.sent if command[1] in (0xAE, 0x88)]
    assert card.pdol_data[:4] == h("36004080")


def test_wrong_fast_dda_declines_or_goes_online_as_the_card_says() -> None:
    card = QuickCard(0x40)
    card.spoil = lambda sdad: sdad[::-1]
    assert tap(card, host=Host()).outcome is Outcome.DECLINED_OFFLINE
    card = QuickCard(0x40, "2000")
    card.spoil = lambda sdad: sdad[::-1]
    result = tap(card, host=Host())
    assert result.outcome is Outcome.APPROVED_ONLINE
    assert result.transaction.flagged("DDA failed")


def test_old_fast_dda_is_no_proof() -> None:
    card = QuickCard(0x40)
    card.related = h("00 AABBCCDD 0000")
    result = tap(card)
    assert result.outcome is Outcome.DECLINED_OFFLINE
    assert "expected 9F37, 9F02, 5F2A, 9F69 of version 01" in story(result)


def test_expired_card_goes_online_where_it_says_so() -> None:
    card = QuickCard(0x40)
    card.values["5F24"] = h("250131")
    assert tap(card).outcome is Outcome.DECLINED_OFFLINE
    card = QuickCard(0x40, "0800")
    card.values["5F24"] = h("250131")
    assert tap(card, host=Host()).outcome is Outcome.APPROVED_ONLINE


def test_online_cryptogram_goes_to_the_issuer_and_nothing_comes_back_to_the_card() -> None:
    host = Host()
    card = QuickCard(0x80)
    result = tap(card, host=host)
    assert result.outcome is Outcome.APPROVED_ONLINE
    assert host.asked[0].values[h("9F26")] == h("1122334455667788")
    assert host.asked[0].values[h("57")] == h(TRACK_2)
    assert card.sent[-1][1] == 0xA8
    assert tap(QuickCard(0x80), host=Host(b"05")).outcome is Outcome.DECLINED_ONLINE
    assert tap(QuickCard(0x80), host=Host(), online=False).outcome is Outcome.DECLINED_OFFLINE


def test_card_declines() -> None:
    assert tap(QuickCard(0x00)).outcome is Outcome.DECLINED_OFFLINE


@pytest.mark.parametrize(
    ("ctq", "pin", "approved"),
    [("0080", None, True), ("8000", b"1234", True), ("8000", None, False), ("4000", None, True), ("0000", None, False)],
)
def test_cardholder_verification_over_the_limit(ctq: str, pin: bytes | None, approved: bool) -> None:
    host = Host()
    result = tap(QuickCard(0x80, ctq), settings=replace(SMALL, cvm_limit=100), host=host, pin=pin)
    assert result.outcome is (Outcome.APPROVED_ONLINE if approved else Outcome.DECLINED_OFFLINE)
    assert bool(host.asked and host.asked[0].pin) == (pin is not None)


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (("57",), "neither Track 2 Equivalent Data"),
        (("9F36",), "no tag 9F36"),
        (("9F27", "9F10"), "neither CID"),
    ],
)
def test_incomplete_answers_are_refused(without: tuple[str, ...], said: str) -> None:
    card = QuickCard(0x80)
    card.without = without
    result = tap(card)
    assert result.outcome is Outcome.TERMINATED
    assert said in str(result.error)


def test_card_that_wants_its_contacts_used() -> None:
    card = QuickCard(0x80)
    card.lies["80A8"] = [h("6984")]
    result = tap(card)
    assert result.outcome is Outcome.TERMINATED
    assert "put into a reader with contacts" in story(result)


# Cards with records and one GENERATE AC


@pytest.mark.parametrize(("kind", "outcome"), [(0x40, Outcome.APPROVED_OFFLINE), (0x80, Outcome.APPROVED_ONLINE)])
def test_records_and_one_cryptogram(kind: int, outcome: Outcome) -> None:
    card = PaperCard("1900")
    card.wants = [kind]
    card.has_cdol2 = False
    host = Host()
    result = tap(card, amount=1000 if kind == 0x40 else 6000, host=host, settings=replace(SMALL, cvm_limit=10000))
    assert result.outcome is outcome
    assert [command[1] for command in card.sent].count(0xAE) == 1
    assert result.transaction.data[h("9F34")] == h("1F0302")
    assert result.transaction.data[h("9F33")] == h("E008C8")


def test_wrong_signature_of_such_a_card_is_declined_at_once() -> None:
    card = PaperCard("1900")
    card.spoil = lambda sdad: sdad[::-1]
    host = Host()
    result = tap(card, amount=6000, host=host)
    assert result.outcome is Outcome.DECLINED_OFFLINE
    assert host.asked == []
    assert [command[1] for command in card.sent].count(0xAE) == 1


# Cards with tracks


class StripeCard(PaperCard):
    """Knows no EMV mode: has tracks, and makes a code for each transaction."""

    def __init__(self, more: str = "") -> None:
        super().__init__("0000")
        self.pdol = b""
        self.afl = h("08010100")
        self.tracks = t("9F6B", "5123456789012345D35121010000000000000F") + h(more)
        self.answer = t("77", t("9F61", "7330"), t("9F60", "1234"), t("9F36", "005E"))

    def records(self):
        return {(1, 1): t("70", self.tracks)}

    def transmit(self, command: bytes) -> bytes:
        if command[1] == 0x2A:
            self.sent.append(command)
            return self.answer + h("9000")
        return super().transmit(command)


@pytest.mark.parametrize(
    ("more", "data"),
    [
        ("", "69554195"),  # the random number 10111213 hex is 269554195: its last eight digits
        ("9F6602 001C 9F6701 00", "00000195"),
        ("9F6602 001F 9F6701 03", "00000095"),
        ("9F6903 9F6A04", "69554195"),
        ("9F6906 9F6A04 9F1A02", "69554195 0860"),
    ],
)
def test_mag_stripe_mode(more: str, data: str) -> None:
    card, host = StripeCard(more), Host()
    result = tap(card, host=host)
    assert result.outcome is Outcome.APPROVED_ONLINE
    wanted = h(data)
    assert card.sent[-1] == h("802A8E80") + bytes((len(wanted),)) + wanted + b"\x00"
    assert host.asked[0].values[h("9F61")] == h("7330")
    assert host.asked[0].values[h("9F6A")] == wanted[:4]
    assert "CVC3 (track 2) 29488" in story(result)
    assert "5123456789012345" not in story(result)


@pytest.mark.parametrize(
    ("answer", "said"), [("7704 9F610173", "no tag 9F36"), ("8002 7330", "no tag 9F61"), ("", "got nothing")]
)
def test_mag_stripe_answers_are_checked(answer: str, said: str) -> None:
    card = StripeCard()
    card.answer = h(answer)
    result = tap(card, host=Host())
    assert result.outcome is Outcome.TERMINATED
    assert said in str(result.error)


def test_mag_stripe_list_that_is_broken() -> None:
    assert "UDOL (9F69): DOL ends" in str(tap(StripeCard("9F6902 9F6A"), host=Host()).error)


# Selection


def test_card_without_directory_is_asked_by_name_and_told() -> None:
    card = QuickCard(0x80)
    card.lies["00A404000E32"] = [h("6A82")]
    result = tap(card, settings=replace(SMALL, applications=(AID,)), host=Host())
    assert result.outcome is Outcome.APPROVED_ONLINE
    assert "a terminal would stop here" in story(result)


@pytest.mark.parametrize(
    ("aid", "kernel_id", "number"),
    [
        ("A0000000031010", "", 3),
        ("A0000000041010", "", 2),
        ("A000000333010101", "", 7),
        ("F0434B49540101", "", 0),
        ("A0000000031010", "2D", 0x2D),
        ("A0000000031010", "00", 3),
    ],
)
def test_kernel(aid: str, kernel_id: str, number: int) -> None:
    assert kernel_of(h(aid), h(kernel_id)) == number


def test_priority_and_confirmation() -> None:
    first = selection.Candidate(AID, {h("87"): h("82")})
    assert (first.priority, first.confirmed) == (2, True)
    assert (selection.Candidate(AID, {}).priority, selection.Candidate(AID, {h("87"): b""}).confirmed) == (16, False)


def test_paper_signature_is_what_the_book_says() -> None:
    # The card on paper signs 6A 05 01 LDD IDN BB.. H BC; recovered with the public key it is that again.
    n = int(ICC_KEY["n"], 16)
    block = signed(ICC_KEY, h("0501 04 03000801").ljust(len(h(ICC_KEY["n"])) - 22, b"\xbb"), b"")
    plain = pow(int.from_bytes(block, "big"), 3, n).to_bytes(len(h(ICC_KEY["n"])), "big")
    assert plain[:8] == h("6A050104 03000801")
    assert plain[-1:] == h("BC")
