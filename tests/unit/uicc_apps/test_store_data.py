"""K and OPc by STORE DATA: USIM and ISIM are personalized through the issuer security domain."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path

import msgspec
import pytest

from cardkit.apps.uicc.ota.rfm import plan_scripts
from cardkit.crypto import MemoryKeyStore
from cardkit.desired import Part, Severity
from cardkit.errors import KeyStoreError, ProfileError, TransportError
from cardkit.perso import Verdict, personalize, verify
from cardkit.perso.tracing import redactor
from cardkit.profile import Record
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.transport.redact import split_command
from cardkit.virtual import make_card

from .conftest import Job, Tap, job_of

SELECT, INITIALIZE_UPDATE, EXTERNAL_AUTHENTICATE, INSTALL, STORE_DATA = 0xA4, 0x50, 0x82, 0xE6, 0xE2
LAST_AND_MIXED = 0xA8
ISSUER = 'vu6-issuer = { usage = "secure-channel", algorithm = '
DOMAIN = "security domain"
CALLS = "tries/A000000151000000/30"
"""Cell of the sequence counter: how often the domain was called."""
COMMANDS = 204
WITH_KEY_FILES = 207
"""Commands of the same product on a chip whose keys lie in files."""


@pytest.fixture(scope="module")
def job() -> Job:
    return job_of("sim/usim-isim-5g-gp-test", "usim-isim-5g-gp")


def fresh(job: Job) -> Tap:
    return Tap(make_card(job.image, serial=bytes(range(1, 9)), seed=1), None)


def made(job: Job, tap: Tap, *, resume: bool = False, number: int = 1):
    return personalize(job.plan(number), Card(LoopbackConnection(tap)), job.keystore, resume=resume)


def with_key_of_another(job: Job, ki_of: int = 2) -> Job:
    """The same job, the first row's K being that of another row."""
    first = job.records[0]
    record = Record(first.schema, {**first, "ki": job.records[ki_of - 1]["ki"]}, 1)
    return dataclasses.replace(job, records=(record,))


def with_keys(job: Job, folder: Path, *lines: str) -> Job:
    """The same job, the key store holding these keys."""
    file = folder / "keys.toml"
    text = 'kind = "TEST"\n[test]\nvu6-adm1 = { usage = "card-secret", hex = "4142434445464748" }\n'
    file.write_text(text + "\n".join(lines), encoding="utf-8")
    return dataclasses.replace(job, keystore=MemoryKeyStore.from_toml(file))


def instructions(tap: Tap) -> list[int]:
    return [command[1] for command in tap.sent]


def test_a_card_comes_out_good_and_verifies_again(job):
    tap = fresh(job)
    outcome = made(job, tap)
    assert (outcome.verdict, [found for found in outcome.findings if found.severity is not Severity.WARNING]) == (
        Verdict.GOOD,
        [],
    )
    assert (outcome.facts["SQN ADF.USIM"], outcome.facts["SQN ADF.ISIM"]) == ("64", "64")
    report = verify(job.plan(), Card(LoopbackConnection(tap.card)), job.keystore)
    assert report.verdict is Verdict.GOOD
    assert {"UICC-090", "UICC-092", "UICC-096"} <= set(report.checked)


def test_the_planned_commands_are_those_that_were_sent(job):
    tap = fresh(job)
    made(job, tap)
    planned = [(step.command.ins, step.bytes_in) for step in job.plan().steps]
    assert [(command[1], len(command)) for command in tap.sent] == planned
    assert len(planned) == COMMANDS


def test_one_session_serves_all_applications_and_costs_less_than_key_files(job, five_g):
    steps = [step for step in job.plan().blueprint.parts[Part.WRITE] if step.place == DOMAIN]
    assert [step.command.ins for step in steps] == [
        SELECT, INITIALIZE_UPDATE, EXTERNAL_AUTHENTICATE, INSTALL, STORE_DATA, INSTALL, STORE_DATA,
    ]  # fmt: skip
    assert {step.command.p1 for step in steps if step.command.ins == STORE_DATA} == {LAST_AND_MIXED}
    assert len(five_g.plan().steps) == WITH_KEY_FILES


def test_a_key_of_another_record_is_found_by_what_the_card_answers(job):
    tap = fresh(job)
    made(job, tap)
    report = verify(with_key_of_another(job).plan(), Card(LoopbackConnection(tap.card)), job.keystore)
    assert report.verdict is Verdict.BAD
    assert {found.rule for found in report.findings if found.bad} >= {"UICC-090", "UICC-095", "UICC-096"}


def test_neither_key_leaves_in_clear_or_shows_in_a_trace(job):
    tap = fresh(job)
    made(job, tap)
    redact = redactor(job.profile)
    trace = "".join(redact.command(command) for command in tap.sent).lower()
    sent = b"".join(tap.sent)
    for name in ("ki", "opc"):
        with job.records[0][name].reveal() as key:
            forms = {bytes(key), bytes(key)[::-1], bytes(byte >> 4 | (byte & 15) << 4 for byte in key)}
        assert not any(form in sent for form in forms)
        assert not any(form.hex() in trace or base64.b64encode(form).decode().lower() in trace for form in forms)
    for command in tap.sent:
        if command[1] == STORE_DATA:
            assert redact.command(command).endswith(f"<{len(split_command(command).data)}:KEY>")


def test_wrong_keys_are_tried_once_and_no_more(job, tmp_path):
    """The card's own cryptogram shows it: no try is spent at all."""
    tap = fresh(job)
    outcome = made(with_keys(job, tmp_path, ISSUER + '"AES-128", hex = "000102030405060708090A0B0C0D0E0F" }'), tap)
    assert (outcome.verdict, outcome.reject.security_stop) == (Verdict.BAD, True)
    assert instructions(tap).count(INITIALIZE_UPDATE) == 1
    assert EXTERNAL_AUTHENTICATE not in instructions(tap)
    assert instructions(tap)[-1] == INITIALIZE_UPDATE


def test_a_refused_cryptogram_is_the_last_command(job):
    tap = fresh(job)
    tap._spoil = lambda command, answer: b"\x63\x00" if command[1] == EXTERNAL_AUTHENTICATE else answer
    outcome = made(job, tap)
    assert (outcome.verdict, outcome.reject.security_stop) == (Verdict.BAD, True)
    assert instructions(tap).count(EXTERNAL_AUTHENTICATE) == 1
    assert instructions(tap)[-1] == EXTERNAL_AUTHENTICATE


def test_a_card_that_says_done_without_its_mac_is_not_believed(job):
    tap = fresh(job)
    tap._spoil = lambda command, answer: b"\x90\x00" if command[1] == STORE_DATA else answer
    outcome = made(job, tap)
    assert outcome.verdict is Verdict.BAD
    assert instructions(tap).count(STORE_DATA) == 1


# The power fails


class _Cut(Tap):
    """A reader that loses power once; ``lost`` says whether the card still ran the command."""

    def __init__(self, tap: Tap, at: int, *, ran: bool) -> None:
        super().__init__(tap.card, None)
        self._at, self._ran = at, ran

    def transmit(self, command: bytes) -> bytes:
        if len(self.sent) + 1 != self._at:
            return super().transmit(command)
        if self._ran:
            super().transmit(command)
        self._at = 0
        self.power(True)
        return b""


def memory(tap: Tap) -> dict[str, bytes]:
    """All a card remembers but how often somebody called its security domain."""
    return {name: value for name, value in tap.card.memory().items() if name != CALLS}


def domain_commands(job: Job) -> list[int]:
    return [number for number, step in enumerate(job.plan().steps, 1) if step.place == DOMAIN]


@pytest.mark.parametrize("ran", [False, True], ids=["command lost", "answer lost"])
def test_a_card_torn_while_keys_are_stored_is_finished_byte_for_byte(job, ran):
    good = fresh(job)
    assert made(job, good).verdict is Verdict.GOOD
    numbers = domain_commands(job)
    for at in (numbers[0] - 1, *numbers, numbers[-1] + 1):
        tap = fresh(job)
        with pytest.raises(TransportError):
            made(job, _Cut(tap, at, ran=ran))
        outcome = made(job, tap, resume=True)
        assert (at, outcome.verdict) == (at, Verdict.GOOD)
        assert memory(tap) == memory(good)


def test_what_is_closed_is_passed_over_only_where_a_card_was_begun(job):
    tap = fresh(job)
    last = domain_commands(job)[-1]
    with pytest.raises(TransportError):
        made(job, _Cut(tap, last, ran=True))
    assert made(job, tap, resume=True).verdict is Verdict.GOOD
    assert instructions(tap).count(INSTALL) == 2
    assert STORE_DATA not in instructions(tap)


def test_a_closed_application_with_another_key_is_found(job):
    """Nothing can be stored there any more: the proof says so, and the card is bad."""
    tap = fresh(job)
    with pytest.raises(TransportError):
        made(with_key_of_another(job), _Cut(tap, domain_commands(job)[-1] + 1, ran=False))
    outcome = made(job, tap, resume=True)
    assert outcome.verdict is Verdict.BAD
    assert {found.rule for found in outcome.findings if found.bad} >= {"UICC-090", "UICC-095"}


# Profiles


def test_a_product_with_xor_has_no_opc(job):
    auth = msgspec.structs.replace(
        job.profile.blocks["uicc"].auth, algorithm="xor", opc="", accept=("xor", "test-keys")
    )
    changed = job.changed(auth=auth)
    assert made(changed, fresh(job)).verdict is Verdict.GOOD


def test_the_operators_constants_go_the_same_way(job):
    zeros = bytes(15).hex()
    block = job.profile.blocks["uicc"].auth
    milenage = {"r": (64, 0, 32, 64, 96), "c": tuple(zeros + digits for digits in ("10", "11", "12", "14", "18"))}
    auth = msgspec.convert({**msgspec.to_builtins(block), "milenage": milenage}, type(block))
    assert made(job.changed(auth=auth), fresh(job)).verdict is Verdict.GOOD


def test_a_key_that_is_missing_or_of_another_kind_is_found_before_a_card_is_touched(job, tmp_path):
    with pytest.raises(KeyStoreError, match="vu6-issuer"):
        with_keys(job, tmp_path).plan()
    long = f'{ISSUER}"AES-256", hex = "{bytes(range(32)).hex()}" }}'
    with pytest.raises(KeyStoreError, match="KVN 30: key test:vu6-issuer gives AES-256 keys, expected AES-128"):
        with_keys(job, tmp_path, long).plan()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": ""}, "uicc.auth.issuer is missing"),
        ({"issuer": "30=test:a,test:b"}, "uicc.auth.issuer: .* 2 keys"),
        ({"algorithm": "tuak"}, "ADF.USIM: this chip does milenage, xor"),
    ],
)
def test_what_the_chip_cannot_do_is_said(job, changes, message):
    auth = msgspec.structs.replace(job.profile.blocks["uicc"].auth, **changes)
    with pytest.raises(ProfileError, match=message):
        job.changed(auth=auth).plan()


def test_a_chip_with_key_files_has_no_use_for_a_domain(five_g):
    auth = msgspec.structs.replace(five_g.profile.blocks["uicc"].auth, issuer="30=test:any")
    with pytest.raises(ProfileError, match="this chip has files for K and OPc"):
        five_g.changed(auth=auth).plan()


def test_over_the_air_the_keys_are_left_to_a_reader(job):
    todo = job.plan()
    tars = {"MF": b"\xb0\x00\x00", "ADF.USIM": b"\xb0\x00\x11", "ADF.ISIM": b"\xb0\x00\x12"}
    made_ = plan_scripts(todo.steps, todo.contents, tars, 110)
    left = [item for item in made_.left_out if item.step.place == DOMAIN]
    assert len(left) == len(domain_commands(job))
    assert {item.reason for item in left} == {"a session with the security domain brings it, on a reader"}
    assert not {"ADF.USIM/K", "ADF.ISIM/K"} & {name for script in made_.scripts for name in script.serves}


def test_the_same_goes_through_scp02(job, tmp_path):
    """Keys are ciphered under the session's DEK there, in blocks of 8 bytes."""
    chip = job.profile.chip
    block = chip.blocks["uicc"]
    model = msgspec.structs.replace(block.store_data, scp=2, i=0x55, level=0x03, key_algorithm="3DES-128")
    blocks = {**chip.blocks, "uicc": msgspec.structs.replace(block, store_data=model)}
    auth = msgspec.structs.replace(job.profile.blocks["uicc"].auth, issuer="20=test:vu6-issuer")
    changed = job.changed(auth=auth)
    profile = dataclasses.replace(changed.profile, chip=msgspec.structs.replace(chip, blocks=blocks))
    profile = dataclasses.replace(profile, sha256=b"scp02".ljust(32))
    key = f'{ISSUER}"3DES-128", hex = "404142434445464748494A4B4C4D4E4F" }}'
    assert (
        made(with_keys(dataclasses.replace(changed, profile=profile), tmp_path, key), fresh(job)).verdict
        is Verdict.GOOD
    )
