"""Rules on virtual cards: a good card with one thing changed, by command, on the wire, or in what is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.install import for_extradition, for_install, for_registry_update
from cardkit.apps.gp.lifecycle import LOCK, CardState, Scope, set_status
from cardkit.apps.gp.putkey import put_key, symmetric_key
from cardkit.apps.gp.storedata import Block, Structure, store_data
from cardkit.apps.gp.tags import Privileges
from cardkit.crypto import Key, Usage
from cardkit.crypto.cardkeys import CardKey
from cardkit.perso import Verdict, personalize, verify
from cardkit.target import Card

SSD, APPLET, SECOND = (bytes.fromhex(text) for text in ("F053534401", "F04341524401", "F04341524402"))
MODULE = bytes.fromhex("F05647414C"), bytes.fromhex("F05647414C01")
PACKAGE = bytes.fromhex("F043415244")
OTHER = (
    ec.derive_private_key(7, ec.SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
)

Act = Callable[[SecurityDomain], object]


def fired(job, card) -> set[str]:
    return {finding.rule for finding in verify(job.plan(), card, job.keystore).findings if not finding.not_checked}


def opened(job, card: Card) -> SecurityDomain:
    product = job.plan().blueprint.product
    card.reset()
    domain = SecurityDomain.select(card.channel)
    domain.open(job.keystore, product.main.spec, product.level, host_challenge=bytes(16), parameters=product.parameters)
    return domain


def more_keys(kvn: int) -> Act:
    def act(domain: SecurityDomain) -> None:
        keys = [symmetric_key(domain.dek().wrap(CardKey("test:gp-default"))) for _ in range(3)]
        domain.send(put_key(kvn, 1, keys), what="PUT KEY")

    return act


def send(command) -> Act:
    return lambda domain: domain.send(command, what="a change")


def store(data: str) -> Act:
    return send(store_data(0, Block(bytes.fromhex(data), Structure.BER), last=True))


BY_COMMAND: list[tuple[str, Act]] = [
    ("GP-002", send(set_status(Scope.CARD, CardState.CARD_LOCKED))),
    ("GP-007", more_keys(0x35)),
    ("GP-025", send(for_install(MODULE, bytes.fromhex("F04341524403"), Privileges()).command())),
    ("GP-025", send(Delete(SECOND).command())),
    ("GP-026", send(Delete(PACKAGE).command())),
    ("GP-028", send(set_status(Scope.APPLICATION, LOCK, APPLET))),
    ("GP-029", send(for_registry_update(APPLET, privileges=Privileges.of(["global service"])).command())),
    ("GP-033", send(for_registry_update(APPLET, privileges=Privileges.of(["card lock"])).command())),
    ("GP-034", send(for_extradition(SSD, APPLET).command())),
    ("GP-035", send(set_status(Scope.APPLICATION, LOCK, SSD))),
    ("GP-042", store("4504 01020304")),
    ("GP-051", more_keys(0x05)),
]


@pytest.mark.parametrize(("rule", "act"), BY_COMMAND)
def test_one_command_makes_one_rule_fire(rule, act, scp03, made):
    _, card = made(scp03)
    act(opened(scp03, card))
    card.channel.secure = None
    assert fired(scp03, card) == {rule}


def test_a_privilege_with_one_holder_moves_and_two_rules_say_so(scp03, made):
    """The card takes Card Reset from the issuer's domain, so that it still has one holder: the wrong one."""
    _, card = made(scp03)
    opened(scp03, card).send(
        for_registry_update(APPLET, privileges=Privileges.of(["card reset"])).command(), what="a change"
    )
    card.channel.secure = None
    assert fired(scp03, card) == {"GP-029", "GP-030"}


# On the wire: what begins with these bytes is answered otherwise.


def swapped(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(answer: bytes) -> bytes:
        text = answer.hex().upper()
        assert text.count(old) == 1, f"{old} in {text}"
        return bytes.fromhex(text.replace(old, new))

    return change


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda answer: bytes((*answer[:at], answer[at] ^ 1, *answer[at + 1 :]))


def answered(text: str) -> Callable[[bytes], bytes]:
    return lambda _: bytes.fromhex(text)


def one_more(entry: str) -> Callable[[bytes], bytes]:
    """Put an entry before the others, in the template E0 or in its value alone."""
    more = bytes.fromhex(entry)

    def change(answer: bytes) -> bytes:
        if answer[0] != 0xE0:
            return more + answer
        return bytes((0xE0, answer[1] + len(more))) + more + answer[2:]

    return change


def nearly_full(answer: bytes) -> bytes:
    at = answer.index(bytes.fromhex("8204")) + 2
    return answer[:at] + bytes.fromhex("00000001") + answer[at + 4 :]


# Commands by their header; with class 80 and 00 alike where the class is left out.
SELECT_ISD, GET_CRD, GET_KEYS, GET_CPLC = "A40400", "CA0066", "CA00E0", "80CA9F7F"
CHALLENGE_AT = 13

ON_THE_WIRE: list[tuple[str, list[tuple[str, Callable[[bytes], bytes]]]]] = [
    ("GP-003", [(SELECT_ISD, swapped("8408A000000151000000", "8408A000000003000000"))]),
    ("GP-005", [(GET_KEYS, one_more("C00401FF8810"))]),
    ("GP-006", [(GET_KEYS, swapped("C0061101B120", "C0061101B130"))]),
    ("GP-007", [(GET_KEYS, one_more("C00401228810"))]),
    ("GP-008", [(GET_KEYS, swapped("C00402308810", "C00402308818"))]),
    ("GP-013", [("805030", swapped("300370", "300330"))]),
    ("GP-014", [(SELECT_ISD, swapped("6B040370", "6B040360")), (GET_CRD, swapped("6B040370", "6B040360"))]),
    ("GP-015", [(GET_CRD, swapped("6B02020301", "6B02020201"))]),
    ("GP-018", [("805030", flipped(CHALLENGE_AT))]),
    ("GP-022", [("80F28002", answered("9000"))]),
    ("GP-037", [(GET_CPLC, swapped("9F7F2A5647", "9F7F2A4790"))]),
    ("GP-037", [(GET_CPLC, answered("6A88"))]),
    ("GP-040", [(GET_CPLC, swapped("56475060", "56475031"))]),
    ("GP-041", [(GET_CPLC, flipped(15))]),
    ("GP-042", [("80CA0042", answered("6A88"))]),
    ("GP-042", [("80CA0045", flipped(4))]),
    ("GP-043", [("00CA00E0", flipped(4))]),
    ("GP-045", [("80CAFF21", nearly_full)]),
    ("GP-050", [("80CABF21", answered("6A88"))]),
    ("GP-050", [("80CABF21", flipped(-20))]),
    ("GP-050", [("80880113", flipped(-3))]),
    ("GP-050", [("80880113", answered("6985"))]),
    ("GP-052", [("00708003", answered("6881"))]),
    ("GP-053", [("80CA0067", answered("6F42"))]),
]


@pytest.mark.parametrize(("rule", "lies"), ON_THE_WIRE)
def test_one_lie_makes_one_rule_fire(rule, lies, scp03, made):
    seam, card = made(scp03)
    told = set()

    def lie(_, command, chip):
        answer, header = chip.transmit(command), command[:4].hex().upper()
        for start, change in lies:
            if start in (header[: len(start)], header[2:]) and header not in told:
                told.add(header)
                return change(answer)
        return answer

    seam.spoil = lie
    assert fired(scp03, card) == {rule}
    assert told


# The SCP02 profile has no R-MAC: there a lie inside the session is possible too.
IN_THE_SESSION: list[tuple[str, str, Callable[[bytes], bytes]]] = [
    ("GP-020", "84CA00C1", flipped(3)),
    ("GP-030", "84F28002", swapped("C5039EFE80", "C5039EFE00")),
    ("GP-032", "84F24002", swapped("C503808000", "C503A0C000")),
    ("GP-031", "84F24002", lambda answer: answer.replace(bytes.fromhex("C503000000"), bytes.fromhex("C503040000"), 1)),
    ("GP-044", "84F24002", lambda answer: answer[:-5] + answer[-2:]),
    ("GP-044", "84F21002", lambda answer: answer[:-2] * 2 + answer[-2:]),
]


@pytest.mark.parametrize(("rule", "header", "change"), IN_THE_SESSION)
def test_one_lie_in_a_session_makes_one_rule_fire(rule, header, change, scp02, made):
    seam, card = made(scp02)

    def lie(_, command, chip):
        answer = chip.transmit(command)
        return change(answer) if command[:4].hex().upper() == header else answer

    seam.spoil = lie
    assert fired(scp02, card) == {rule}


@pytest.mark.parametrize("spoiled", [flipped(-3), lambda answer: answer[-2:], lambda answer: answer[8:]])
def test_an_answer_without_its_mac_is_one_finding_and_the_end_of_the_session(spoiled, scp03, made):
    seam, card = made(scp03)
    sent = []

    def lie(_, command, chip):
        sent.append(command)
        answer = chip.transmit(command)
        return spoiled(answer) if command[:3] == bytes.fromhex("84F240") else answer

    seam.spoil = lie
    assert fired(scp03, card) == {"GP-021"}
    at = next(index for index, command in enumerate(sent) if command[:3] == bytes.fromhex("84F240"))
    assert not [command for command in sent[at + 1 :] if command[0] & 0x04]


# Made by one profile, judged by another that differs in one thing.

JUDGED: list[tuple[str, str, str]] = [
    ("GP-001", 'life_cycle = "SECURED"', 'life_cycle = "INITIALIZED"'),
    ("GP-020", "counter_limit = 40", "counter_limit = 1"),
    ("GP-036", 'parameters = "0102"\n', 'parameters = "0102"\nimplicit = [0x41]\n'),
    ("GP-038", 'by = "4344"', 'by = "4345"'),
    ("GP-039", 'equipment = "00000001"', 'equipment = "00000003"'),
    ("GP-045", "nvm = 20000", "nvm = 90000000"),
    ("GP-050", 'day = "{day}"', 'day = "2024-06-01"'),
]


@pytest.mark.parametrize(("rule", "old", "new"), JUDGED)
def test_one_other_wish_makes_one_rule_fire(rule, old, new, scp03, variant, made):
    _, card = made(scp03)
    assert fired(variant("gp-test", (old, new)), card) == {rule}


KEYS = 'keys = [{ set = "30=test:gp-master/kdf3", algorithm = "AES-128" }]'


@pytest.mark.parametrize(
    ("rule", "references"),
    [("GP-004", "test:one,test:gp-default,test:two"), ("GP-011", "test:one")],
)
def test_bad_keys_of_an_order_are_found_on_the_card(rule, references, variant, tap):
    """SCP03 proves the MAC key: a published one there is told from the greeting alone."""
    job = variant("gp-test", (KEYS, f'keys = [{{ set = "30={references}", algorithm = "AES-128" }}]'))
    for name, first in (("one", 0x10), ("two", 0x20)):
        value = bytes(range(first, first + 16))
        job.keystore.add(f"test:{name}", Key(value, name, "AES-128", Usage.SECURE_CHANNEL))
    _, card = tap(job.image)
    outcome = personalize(job.plan(), card, job.keystore)
    assert {finding.rule for finding in outcome.findings if not finding.not_checked} == {rule}


def test_a_chain_to_another_root_is_not_asked_for_a_session(scp03, variant, made):
    job = variant("gp-test", ('root = "maker-root.pem"', 'root = "other-root.pem"'), beside={"other-root.pem": OTHER})
    seam, card = made(scp03)
    assert fired(job, card) == {"GP-050"}
    assert not [command for command in seam.sent if command[1] == 0x88]


# Negative tests, on samples only.


def test_a_sample_that_is_mistreated_refuses_as_it_must(job, made):
    _, card = made(job)
    report = verify(job.plan(), card, job.keystore, destructive=True)
    assert report.verdict is Verdict.GOOD, [f for f in report.findings if not f.not_checked]
    assert {"GP-023", "GP-049"} <= set(report.checked)
    again = verify(job.plan(), card, job.keystore)
    assert again.verdict is Verdict.GOOD


def test_nothing_destructive_is_sent_unless_asked_for(job, made):
    seam, card = made(job)
    verify(job.plan(), card, job.keystore)
    opened = [command for command in seam.sent if command[1] == 0x82]
    assert len(opened) == 1
    assert not [command for command in seam.sent if command[1] in (0xE2, 0xE6)]
