"""Cards that lie while they are made: every lie ends in a reject, within bounds, and no key is tried twice."""

from __future__ import annotations

import pytest

from cardkit.perso import Verdict, personalize, verify

EXTERNAL_AUTHENTICATE, INITIALIZE_UPDATE, PUT_KEY = 0x82, 0x50, 0xD8
CHALLENGE, CRYPTOGRAM, COUNTER = 14, 22, 29
"""Places in an SCP03 greeting."""


def flip(at: int):
    return lambda answer: bytes((*answer[:at], answer[at] ^ 1, *answer[at + 1 :]))


@pytest.fixture
def lied_to(scp03, tap):
    """Make a card that answers one kind of command otherwise: ``lied_to(header, change)`` -> (sent, outcome)."""

    def make(header: str, change):
        def lie(_, command, chip):
            answer = chip.transmit(command)
            return change(answer) if command[:4].hex().upper().startswith(header) else answer

        seam, card = tap(scp03.image, lie)
        outcome = personalize(scp03.plan(), card, scp03.keystore)
        return [command[1] for command in seam.sent], outcome

    return make


@pytest.mark.parametrize("at", [CHALLENGE, CRYPTOGRAM, COUNTER])
def test_a_greeting_that_does_not_fit_the_keys_is_never_answered(at, lied_to):
    sent, outcome = lied_to("8050FF", flip(at))
    assert outcome.verdict is Verdict.BAD
    assert outcome.reject.security_stop
    assert sent[-1] == INITIALIZE_UPDATE
    assert EXTERNAL_AUTHENTICATE not in sent


@pytest.mark.parametrize(("old", "new"), [("FF0370", "FF0360"), ("FF0370", "FF0270"), ("FF0370", "300370")])
def test_a_weaker_protocol_or_another_key_set_is_no_fallback(old, new, lied_to):
    sent, outcome = lied_to("8050FF", lambda answer: bytes.fromhex(answer.hex().upper().replace(old, new)))
    assert outcome.verdict is Verdict.BAD
    assert EXTERNAL_AUTHENTICATE not in sent


@pytest.mark.parametrize("sw", ["6300", "6982", "6983"])
def test_a_refused_authentication_is_a_security_stop_and_is_not_repeated(sw, lied_to):
    sent, outcome = lied_to("8482", lambda _: bytes.fromhex(sw))
    assert outcome.verdict is Verdict.BAD
    assert outcome.reject.security_stop
    assert sent.count(EXTERNAL_AUTHENTICATE) == 1
    assert PUT_KEY not in sent


@pytest.mark.requirement("K14")
def test_keys_the_card_did_not_store_are_noticed_at_once(lied_to, scp02, tap):
    """Without R-MAC anybody can change the echo; with it, the session notices first."""

    def lie(_, command, chip):
        answer = chip.transmit(command)
        return flip(2)(answer) if command[1] == PUT_KEY else answer

    seam, card = tap(scp02.image, lie)
    outcome = personalize(scp02.plan(), card, scp02.keystore)
    assert outcome.verdict is Verdict.BAD
    assert "the keys it holds now are not the ones sent" in outcome.reject.text
    assert seam.sent[-1][1] == PUT_KEY
    sent, outcome = lied_to("84D8", flip(2))
    assert outcome.verdict is Verdict.BAD
    assert sent[-1] == PUT_KEY


@pytest.mark.parametrize("answer", ["9000", "6A80", "6982", "6F00", "61FF"])
@pytest.mark.parametrize("header", ["84E6", "84E8", "84E2", "84F0"])
def test_nothing_but_a_proven_9000_counts_as_done(header, answer, lied_to):
    sent, outcome = lied_to(header, lambda _: bytes.fromhex(answer))
    assert outcome.verdict is Verdict.BAD
    assert len(sent) < 200


@pytest.mark.requirement("P7")
def test_a_status_of_a_card_that_did_nothing_is_found_by_the_stranger(scp02, tap):
    """Without R-MAC a card may say 9000 to SET STATUS and stay as it was: the last look finds it."""

    def lie(_, command, chip):
        return b"\x90\x00" if command[:4].hex().upper() == "84F0800F" else chip.transmit(command)

    _, card = tap(scp02.image, lie)
    outcome = personalize(scp02.plan(), card, scp02.keystore)
    assert outcome.verdict is Verdict.BAD
    assert {finding.rule for finding in outcome.findings if finding.bad} >= {"GP-001"}


@pytest.mark.parametrize("answer", ["6A88", "9000", "9F7F2A9000", "6F00"])
def test_a_card_that_cannot_be_told_is_not_written(answer, lied_to):
    sent, outcome = lied_to("80CA9F7F", lambda _: bytes.fromhex(answer))
    assert (outcome.verdict, outcome.bound, outcome.reject.kind) == (Verdict.BAD, False, "card type")
    assert set(sent) <= {0xA4, 0xCA}


def test_a_chip_without_a_number_of_its_own_is_refused(lied_to):
    sent, outcome = lied_to("80CA9F7F", lambda answer: answer[:3] + bytes(42) + answer[-2:])
    assert (outcome.bound, outcome.reject.code) == (False, "CARD_TYPE")
    assert set(sent) <= {0xA4, 0xCA}


def test_keys_that_are_neither_delivered_nor_the_products_stop_a_resumed_card(scp03, tap):
    """A card with another key set is begun, by whom nobody knows; the product's keys are asked for once."""

    def lie(_, command, chip):
        answer = chip.transmit(command)
        keys = command[:4] == bytes.fromhex("80CA00E0")
        return bytes.fromhex(answer.hex().upper().replace("FF8810", "228810")) if keys else answer

    seam, card = tap(scp03.image, lie)
    outcome = personalize(scp03.plan(), card, scp03.keystore, resume=True)
    assert outcome.verdict is Verdict.BAD
    assert EXTERNAL_AUTHENTICATE not in [command[1] for command in seam.sent]


@pytest.fixture
def deaf(scp02, tap):
    """A card that never takes a key: it says 9000 with the check values of the new ones, and goes on with the old set.

    Where the new version is asked for it answers under the set it was delivered with, and calls that the new one.
    """
    product = scp02.plan().blueprint.product
    new, old = product.main.kvn, product.delivered.kvn
    kdd: list[bytes] = []

    def lie(_, command, chip):
        if command[1] == PUT_KEY:
            kcvs = [scp02.keystore.card_key_kcv(key) for key in product.main.card_keys(kdd[-1])]
            return bytes((new,)) + b"".join(kcvs) + b"\x90\x00"
        if command[1] == INITIALIZE_UPDATE:
            answer = chip.transmit(bytes((*command[:2], old, *command[3:])))
            kdd.append(answer[:10])
            return bytes((*answer[:10], command[2], *answer[11:]))
        return chip.transmit(command)

    return tap(scp02.image, lie)


@pytest.mark.requirement("K14")
def test_a_card_that_ignores_put_key_and_says_9000_is_never_good(deaf, scp02):
    seam, card = deaf
    outcome = personalize(scp02.plan(), card, scp02.keystore)
    assert outcome.verdict is Verdict.BAD
    assert outcome.facts["delivered keys"] == "not proved"
    assert outcome.reject.security_stop
    assert [command[1] for command in seam.sent].count(PUT_KEY) == 1
    assert [command[1] for command in seam.sent].count(EXTERNAL_AUTHENTICATE) == 1  # none for the set it does not have


@pytest.mark.requirement("K14")
def test_a_verified_card_that_answers_under_its_delivered_set_is_found_without_a_try(deaf, scp02):
    """Whatever version it calls the set, the cryptogram of its greeting tells; the key of it opens nothing here."""
    seam, card = deaf
    report = verify(scp02.plan(), card, scp02.keystore)
    found = {finding.rule: finding for finding in report.findings}
    assert "the set it was delivered with" in found["GP-004"].actual
    assert found["GP-004"].bad
    assert EXTERNAL_AUTHENTICATE not in [command[1] for command in seam.sent]
    assert report.facts["delivered keys"] == "not proved"
