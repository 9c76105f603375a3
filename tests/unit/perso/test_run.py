"""One card's run: events come before commands, refusals stop it, a torn card goes on where it was torn."""

from __future__ import annotations

import pytest

from cardkit.desired import BindEvent, DoneEvent, IntentEvent, Phase, UnknownEvent
from cardkit.errors import CardRemovedError, LinkTimeoutError, TransportError
from cardkit.perso import MarkerState, Verdict, identify, personalize, verify
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

READ, SELECT, QUERY_LENGTH = 0xB0, 0xA4, 4
VERIFY, CHANGE, UNBLOCK, DELETE = 0x20, 0x24, 0x2C, 0xE4
SECRETS = (VERIFY, CHANGE, UNBLOCK)


def is_harmless(command: bytes) -> bool:
    return command[1] in (READ, SELECT) or (command[1] in SECRETS and len(command) == QUERY_LENGTH)


def test_a_blank_card_becomes_good(job, tap):
    _, card = tap()
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is Verdict.GOOD
    assert outcome.reject is None
    assert outcome.bound
    assert outcome.findings == ()
    assert outcome.facts == {
        "chip_id": outcome.chip_id, "SQN ADF.USIM": "64", "SQN ADF.ISIM": "0", "delivered keys": "replaced: UICC-064",
    }  # fmt: skip


def test_a_t0_card_becomes_the_same_card(job):
    memories = []
    for protocol in (0, 1):
        chip = VirtualCard("usim", seed=1, protocol=protocol)
        outcome = personalize(job.plan(), Card(LoopbackConnection(chip, protocol=protocol)), job.keystore)
        assert outcome.verdict is Verdict.GOOD
        memories.append(dict(chip.memory()))
    assert memories[0] == memories[1]


def test_every_record_of_the_order_becomes_good(job, tap):
    for number in range(1, len(job.records) + 1):
        _, card = tap(seed=number)
        assert personalize(job.plan(number), card, job.keystore).verdict is Verdict.GOOD


def test_bind_comes_before_the_first_command_that_changes_anything(job, tap):
    seam, card = tap()
    bound_after = []

    def listen(event):
        if isinstance(event, BindEvent):
            bound_after.append(len(seam.sent))

    personalize(job.plan(), card, job.keystore, on_event=listen)
    assert len(bound_after) == 1
    assert all(is_harmless(command) for command in seam.sent[: bound_after[0]])


def unannounced(seam, announced):
    """Return the commands that present a code or take a life-cycle step and that the last event does not name.

    :param announced: (commands sent before, event) in order.
    """
    missing = []
    for number, command in enumerate(seam.sent):
        event = [event for sent, event in announced if sent <= number][-1:]
        if command[1] in SECRETS and len(command) > QUERY_LENGTH:
            references = event and event[0].key_ref.split(", ")
            if not any(reference.endswith(f" {command[3]:02X}") for reference in references):
                missing.append(command[:4].hex())
        elif command[1] == DELETE and not (event and "marker removed" in event[0].step):
            missing.append(command[:4].hex())
    return missing


def announcing(seam, announced):
    def listen(event):
        if isinstance(event, BindEvent | IntentEvent):
            announced.append((len(seam.sent), event))

    return listen


def test_every_secret_and_life_cycle_step_is_announced_at_the_bind_or_at_the_seal(job, tap):
    seam, card = tap()
    announced = []
    chip_id = personalize(job.plan(), card, job.keystore, on_event=announcing(seam, announced)).chip_id
    assert unannounced(seam, announced) == []
    assert [event for _, event in announced] == [
        BindEvent(chip_id, "ADM1 0A, PIN1 01, PUK of PIN1 01, PIN2 81, PUK of PIN2 81", 3),
        IntentEvent("seal: marker removed", "ADM1 0A", 3),
    ]
    seal = next(number for number, step in enumerate(job.plan().steps) if step.phase is Phase.SEAL)
    assert [sent for sent, _ in announced] == [2, seal]


@pytest.mark.parametrize("at", range(5, 109, 3))
def test_every_secret_is_announced_when_a_torn_card_goes_on(job, tap, at):
    seam, card = tap(chip=torn(job, tap, at))
    announced = []
    personalize(job.plan(), card, job.keystore, on_event=announcing(seam, announced), resume=True)
    assert unannounced(seam, announced) == []
    assert len(announced) <= 2


def test_every_secret_of_a_verification_is_announced(job, tap):
    seam, card = tap()
    personalize(job.plan(), card, job.keystore)
    seam.sent.clear()
    announced = []
    verify(job.plan(), card, job.keystore, on_event=announcing(seam, announced))
    assert [sent for sent, _ in announced] == [0]
    assert unannounced(seam, announced) == []
    verify(job.plan(), card, job.keystore, without_keys=True, on_event=announcing(seam, announced))
    assert len(announced) == 1


def test_events_end_with_the_evidence(job, tap):
    events = []
    _, card = tap()
    outcome = personalize(job.plan(), card, job.keystore, on_event=events.append)
    assert [type(event) for event in events] == [BindEvent, IntentEvent, DoneEvent]
    assert events[0].chip_id == outcome.chip_id
    assert events[-1] == DoneEvent("GOOD", outcome.evidence_sha256)


@pytest.mark.parametrize("stop_at", range(3))
def test_a_listener_that_raises_stops_the_run_before_the_next_command(job, tap, stop_at):
    seam, card = tap()
    sent = []

    def listen(event):
        if len(sent) == stop_at:
            raise OSError("disk full")
        sent.append(len(seam.sent))

    with pytest.raises(OSError, match="disk full"):
        personalize(job.plan(), card, job.keystore, on_event=listen)
    at_raise = len(seam.sent)
    assert at_raise >= (sent[-1] if sent else 2)
    assert len(sent) == stop_at


def test_a_finished_card_is_not_begun_again(job, tap):
    seam, card = tap()
    personalize(job.plan(), card, job.keystore)
    memory = dict(seam.card.memory())
    card.reset()
    again = personalize(job.plan(2), card, job.keystore)
    assert (again.verdict, again.bound, again.reject.code) == (Verdict.BAD, False, "NOT_BLANK")
    assert dict(seam.card.memory()) == memory


def test_resuming_a_finished_card_only_verifies(job, tap):
    seam, card = tap()
    personalize(job.plan(), card, job.keystore)
    memory = dict(seam.card.memory())
    card.reset()
    outcome = personalize(job.plan(), card, job.keystore, resume=True)
    assert outcome.verdict is Verdict.GOOD
    assert dict(seam.card.memory()) == memory


def test_resuming_a_blank_card_makes_it(job, tap):
    _, card = tap()
    assert personalize(job.plan(), card, job.keystore, resume=True).verdict is Verdict.GOOD


def test_another_records_finished_card_is_given_no_secret(job, tap):
    seam, card = tap()
    personalize(job.plan(1), card, job.keystore)
    memory = dict(seam.card.memory())
    card.reset()
    sent = len(seam.sent)
    outcome = personalize(job.plan(2), card, job.keystore, resume=True)
    assert outcome.verdict is Verdict.BAD
    assert dict(seam.card.memory()) == memory
    assert all(len(command) == QUERY_LENGTH for command in seam.sent[sent:] if command[1] in SECRETS)


def torn(job, tap, at: int):
    """Return a chip that lost its power at a command."""

    def cut(number, command, card):
        return b"" if number == at else card.transmit(command)

    seam, card = tap(cut)
    with pytest.raises(TransportError):
        personalize(job.plan(), card, job.keystore)
    return seam.card


def test_a_card_with_another_records_marker_stops_the_batch(job, tap):
    chip = torn(job, tap, 20)
    memory = dict(chip.memory())
    card = Card(LoopbackConnection(chip))
    assert identify(job.profile, card).state is MarkerState.STARTED
    outcome = personalize(job.plan(2, seed="other"), card, job.keystore, resume=True)
    assert (outcome.reject.code, outcome.reject.security_stop) == ("MARKER_FOREIGN", True)
    assert not outcome.bound
    assert dict(chip.memory()) == memory


def test_a_begun_card_is_not_taken_for_blank(job, tap):
    outcome = personalize(job.plan(), Card(LoopbackConnection(torn(job, tap, 20))), job.keystore)
    assert outcome.reject.code == "NOT_BLANK"


def test_resume_writes_only_what_does_not_hold(job, tap):
    chip = torn(job, tap, 20)
    seam, card = tap(chip=chip)
    assert personalize(job.plan(), card, job.keystore, resume=True).verdict is Verdict.GOOD
    fresh, fresh_card = tap(seed=2)
    personalize(job.plan(), fresh_card, job.keystore)
    updates = [sum(command[1] in (0xD6, 0xDC) for command in each.sent) for each in (seam, fresh)]
    assert updates[0] < updates[1]


@pytest.mark.parametrize("at", [1, 4, 5, 30, 60, 100, 107])
def test_a_lost_answer_is_reported_and_the_card_dropped(job, tap, at):
    def cut(number, command, card):
        return b"" if number == at else card.transmit(command)

    events = []
    _, card = tap(cut)
    with pytest.raises(CardRemovedError):
        personalize(job.plan(), card, job.keystore, on_event=events.append)
    unknown = [event for event in events if isinstance(event, UnknownEvent)]
    assert len(unknown) == (1 if at > 2 else 0)
    with pytest.raises(TransportError):
        card.channel.connection.transmit(bytes.fromhex("00A4000C023F00"))


def test_a_mute_card_ends_the_run(job, tap):
    def mute(number, command, card):
        if number == 40:
            raise TimeoutError
        return card.transmit(command)

    _, card = tap(mute)
    with pytest.raises(LinkTimeoutError):
        personalize(job.plan(), card, job.keystore)


@pytest.mark.parametrize(
    ("answer", "code"),
    [("6581", "NVM_6581"), ("6A84", "MEMORY_6A84"), ("6F00", "STATUS"), ("6982", "STATUS")],
)
def test_a_refused_write_rejects_the_card(job, tap, answer, code):
    def refuse(number, command, card):
        return bytes.fromhex(answer) if number == 12 else card.transmit(command)

    seam, card = tap(refuse)
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is Verdict.BAD
    assert outcome.reject.code == code
    assert len(seam.sent) == 12


def test_a_refused_transport_key_is_a_security_stop_and_never_repeated(job, tap):
    chip = VirtualCard("usim", seed=1)
    chip.transmit(bytes.fromhex("0024000A10" + "4142434445464748" + "3838383838383838"))
    seam, card = tap(chip=chip)
    outcome = personalize(job.plan(), card, job.keystore)
    assert (outcome.reject.kind, outcome.reject.security_stop) == ("key", True)
    assert sum(command[1] == VERIFY and len(command) > QUERY_LENGTH for command in seam.sent) == 1


def test_a_counter_that_is_not_full_stops_before_the_secret(job, tap):
    chip = VirtualCard("usim", seed=1)
    chip.transmit(bytes.fromhex("0020000A08" + "0000000000000000"))
    seam, card = tap(chip=chip)
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.reject.code == "COUNTER_BLOCKED"
    assert all(len(command) == QUERY_LENGTH for command in seam.sent if command[1] == VERIFY)


def test_a_blank_card_of_another_chip_is_refused(job):
    card = Card(LoopbackConnection(VirtualCard("sim2g", seed=1), protocol=0))
    outcome = personalize(job.plan(), card, job.keystore)
    assert (outcome.reject.code, outcome.bound) == ("CARD_TYPE", False)


def test_an_unsealed_seal_tries_the_final_key_once(job, tap):
    """Torn between marker and CHANGE PIN: the final value is refused once, then the delivered one is known to hold."""
    steps = job.plan().steps
    at = next(number for number, step in enumerate(steps, 1) if step.command.ins == CHANGE)
    chip = torn(job, tap, at)
    assert identify(job.profile, Card(LoopbackConnection(chip))).state is MarkerState.VERIFIED
    seam, card = tap(chip=chip)
    assert personalize(job.plan(), card, job.keystore, resume=True).verdict is Verdict.GOOD
    seal = [command for command in seam.sent if command[1] == VERIFY and command[3] == 0x0A and len(command) > 4]
    assert len(seal) == 3
    assert seal[0] == seal[2] != seal[1]


def test_a_seal_torn_twice_still_knows_which_key_holds(job, tap):
    steps = job.plan().steps
    at = next(number for number, step in enumerate(steps, 1) if step.command.ins == CHANGE)
    chip = torn(job, tap, at)
    seam, card = tap(chip=chip)
    refusals = []

    def cut_after_refusal(number, command, card):
        if refusals:
            return b""
        answer = card.transmit(command)
        if answer[:1] == b"\x63" and len(command) > QUERY_LENGTH and command[1] == VERIFY:
            refusals.append(number)
        return answer

    seam.spoil = cut_after_refusal
    with pytest.raises(TransportError):
        personalize(job.plan(), card, job.keystore, resume=True)
    assert chip.transmit(bytes.fromhex("0020000A")) == bytes.fromhex("63C2")
    assert personalize(job.plan(), Card(LoopbackConnection(chip)), job.keystore, resume=True).verdict is Verdict.GOOD


def test_verify_leaves_a_good_card_as_it_is(job, tap):
    seam, card = tap()
    personalize(job.plan(), card, job.keystore)
    memory = dict(seam.card.memory())
    for seed in "xyz":
        assert verify(job.plan(seed=seed), card, job.keystore).verdict is Verdict.GOOD
    assert dict(seam.card.memory()) == memory


@pytest.mark.parametrize("answer", ["6F00", "6982", "9000", "FF9000", "01" + "00" * 17 + "9000"])
def test_a_marker_that_cannot_be_read_is_never_taken_for_blank_or_finished(job, tap, answer):
    def spoil(number, command, card):
        return bytes.fromhex(answer) if command == bytes.fromhex("00B08B0012") else card.transmit(command)

    for resume in (False, True):
        seam, card = tap(spoil)
        outcome = personalize(job.plan(), card, job.keystore, resume=resume)
        assert (outcome.verdict, outcome.bound) == (Verdict.BAD, False)
        assert len(seam.sent) == 2


@pytest.mark.parametrize("chip_id", ["00" * 8, "FF" * 8])
def test_a_constant_chip_id_is_no_identity(job, tap, chip_id):
    def spoil(number, command, card):
        return bytes.fromhex(chip_id + "9000") if command[:3] == b"\x00\xb0\x8a" else card.transmit(command)

    _, card = tap(spoil)
    outcome = personalize(job.plan(), card, job.keystore)
    assert (outcome.reject.code, outcome.bound) == ("CARD_TYPE", False)


def test_a_check_believes_nothing_that_was_seen_before_its_reset(job, tap):
    """On resume the files were read once to see what is missing; in the check they cannot be selected any more."""
    chip = torn(job, tap, 60)
    resets = []

    def spoil(number, command, card):
        if seam.resets > 3 and command[5:12] == bytes.fromhex("A0000000871004"):
            resets.append(seam.resets)
            return bytes.fromhex("6A82")
        return card.transmit(command)

    seam, card = tap(chip=chip)
    seam.spoil = spoil
    outcome = personalize(job.plan(), card, job.keystore, resume=True)
    assert resets
    assert outcome.verdict is Verdict.BAD
    assert {finding.where for finding in outcome.findings if finding.bad} >= {"ADF.ISIM/EF.IMPI", "ADF.ISIM/EF.DOMAIN"}


def test_another_card_after_the_seal_is_noticed(job, tap):
    """Behind the last reset lies another finished card: the sealed one is not the one that is looked at."""
    other, other_card = tap(seed=2)
    personalize(job.plan(2), other_card, job.keystore)
    seam, card = tap()

    def swap(number, command, card):
        return (other.card if seam.resets > 2 else card).transmit(command)

    seam.spoil = swap
    other.card.power(True)
    outcome = personalize(job.plan(), card, job.keystore)
    assert "UICC-001" in {finding.rule for finding in outcome.findings if finding.bad}
    assert other.card.transmit(bytes.fromhex("0020000A")) == bytes.fromhex("63C3")
