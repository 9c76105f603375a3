"""The plan: what it costs, that it is what is sent, and that it gives nothing away."""

from __future__ import annotations

import json

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.desired import Part, Phase, Role
from cardkit.errors import EncodingError, KeyStoreError, ProfileError
from cardkit.perso import Prepared, personalize, plan, varying_places
from cardkit.profile import Record
from cardkit.target import Card
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection
from cardkit.transport.meter import MeterConnection, WriteModel
from cardkit.virtual import VirtualCard

# sim.md 20: the benchmark set of 22 files, by directory; the 2G key file lies in DF.SYSTEM.
SAMPLE = {
    "ADF.USIM": (
        "SPN IMSI PLMNwAcT OPLMNwAcT HPLMNwAcT AD SMSP#1 MSISDN#1 ACC UST EHPLMN ePDGId ePDGSelection USIM_AUTH_KEY"
    ),
    "DF.GSM": "PLMNsel",
    "DF.SYSTEM": "SIM_AUTH_KEY",
    "ADF.ISIM": "ISIM_AUTH_KEY P-CSCF#1 DOMAIN IMPI IMPU#1 AD",
}
SAMPLE_NAMES = {f"{place}/EF.{name}" for place, names in SAMPLE.items() for name in names.split()}

PROTOCOLS = (TransmissionProtocol.T0, TransmissionProtocol.T1)
RATES = (0x11, 0x94, 0x95, 0x96, 0x97)


def test_the_profile_holds_the_benchmark_set(job):
    assert len(SAMPLE_NAMES) == 22
    assert {state.name for state in job.plan().states} >= SAMPLE_NAMES


def test_the_benchmark_set_stays_within_the_bars(job):
    totals = {name: part["apdus"] for name, part in job.plan().totals().items()}
    assert totals["write"] <= 60
    assert totals["write"] + totals["verify"] <= 90
    assert totals["fence"] + totals["seal"] + totals["prove"] <= 20


def test_writing_takes_no_command_that_contents_and_chip_do_not_force(job):
    """The minimum: one write a file, one SELECT for each file without SFI, one for each ADF."""
    todo = job.plan()
    chip = job.profile.chip.blocks["uicc"]
    written = [state.name for state in todo.states if state.phase is Phase.WRITE]
    models = {name: chip.files[name.partition("#")[0]] for name in written}
    updates = sum(-(-(model.record or model.size) // 255) for model in models.values())
    without_sfi = sum(not model.sfi for model in models.values())
    places = {name.partition("#")[0].rpartition("/")[0] for name in written}
    applications = sum(bool(chip.places[place].aid) for place in places)
    assert todo.totals()["write"]["apdus"] == updates + without_sfi + applications


def test_no_file_is_written_twice(job):
    writes = [step.serves for step in job.plan().steps if step.role is Role.WRITE]
    assert len(writes) == len(set(writes))


def test_a_blank_card_gets_exactly_the_planned_commands(job, tap):
    todo = job.plan()
    seam, card = tap()
    personalize(todo, card, job.keystore)
    sent = [(c[0], c[1], c[2], c[3], c[4] if len(c) > 5 else 0) for c in seam.sent]
    planned = [(*step.shape[:5],) for step in todo.steps]
    assert sent == planned
    assert [len(command) for command in seam.sent] == [step.bytes_in for step in todo.steps]


def test_planned_contents_are_the_bytes_that_are_sent(job, tap):
    todo = job.plan()
    seam, card = tap()
    personalize(todo, card, job.keystore)
    compared = 0
    for step, command in zip(todo.steps, seam.sent, strict=True):
        content = todo.contents.get(step.content)
        if step.role is Role.WRITE and isinstance(content, bytes):
            assert command[5:] == content
            compared += 1
        elif not step.content and step.nc:
            assert command[5 : 5 + step.nc] == step.command.data
            compared += 1
    assert compared > 40


def test_planned_answers_are_as_long_as_those_that_come(job, tap):
    answers = []

    def listen(number, command, card):
        answer = card.transmit(command)
        answers.append((len(answer) - 2, int.from_bytes(answer[-2:], "big")))
        return answer

    todo = job.plan()
    _, card = tap(listen)
    personalize(todo, card, job.keystore)
    assert answers == [(step.answer, step.sw[0]) for step in todo.steps]


def test_the_price_is_what_the_meter_measures(job):
    todo = job.plan()
    nvm = job.profile.chip.nvm
    writes = WriteModel(page_bytes=nvm.page_bytes, page_ms=nvm.page_write_ms)
    meter = MeterConnection(LoopbackConnection(VirtualCard("usim", seed=1)), writes=writes)
    personalize(todo, Card(meter), job.keystore)
    report = meter.report()
    totals = todo.totals().values()
    assert report.bytes_in == sum(part["bytes_in"] for part in totals)
    assert report.bytes_out == sum(part["bytes_out"] for part in totals)
    measured = {(price.protocol, price.ta1): price.seconds for price in report.prices}
    predicted = {(protocol, ta1): todo.seconds(ta1, protocol) for protocol in PROTOCOLS for ta1 in RATES}
    assert predicted == pytest.approx(measured)


def test_a_faster_line_costs_less_down_to_the_memory(job):
    seconds = [job.plan().seconds(ta1, TransmissionProtocol.T1) for ta1 in RATES]
    assert seconds == sorted(seconds, reverse=True)


def test_a_plan_is_a_function_of_its_inputs(job):
    assert job.plan(seed="a").contents == job.plan(seed="a").contents
    assert job.plan(seed="a").contents != job.plan(seed="b").contents


def test_cards_of_a_profile_share_their_steps(job):
    assert job.plan(1).steps == job.plan(2).steps


def test_a_printed_plan_holds_no_secret_and_no_subscriber(job):
    record = job.records[0]
    text = json.dumps(job.plan().to_json()) + repr(job.plan())
    for name in ("imsi", "msisdn", "iccid"):
        assert record[name] not in text
    for name in ("ki", "opc", "pin1", "puk1", "pin2", "puk2", "adm1"):
        with record[name].reveal() as value:
            assert bytes(value).hex().upper() not in text.upper()
            assert repr(bytes(value))[2:-1] not in text


def test_states_come_in_the_order_of_their_phases(job):
    order = [Phase.FENCE, Phase.WRITE, Phase.SEAL]
    phases = [order.index(state.phase) for state in job.plan().states]
    assert phases == sorted(phases)
    assert [group.name for group in job.plan().groups] == ["sealing"]


def test_nothing_irreversible_comes_before_chip_and_marker_are_known(job):
    fence = job.plan().blueprint.parts[Part.FENCE]
    reversible = [step.reversible for step in fence]
    assert reversible == [True, True, True, False, False]
    assert [step.role for step in fence[:2]] == [Role.READ, Role.READ]


def test_files_the_record_varies_are_known(job):
    files = varying_places(job.profile)
    assert {"MF/EF.ICCID", "ADF.USIM/EF.IMSI", "ADF.USIM/EF.ACC", "ADF.USIM/EF.MSISDN"} <= files
    assert "ADF.USIM/EF.UST" not in files


def test_prepared_values_survive_storage(job):
    prepared = Prepared(bytes(16), {"rand ADF.USIM 1": bytes(range(16))})
    assert Prepared.from_bytes(prepared.to_bytes()) == prepared


@pytest.mark.parametrize(
    "stored", [b"", b"{", b'{"tag":"00","rands":{}}', b'{"tag":"zz","rands":{}}', b'{"tag":"","rands":{},"x":1}']
)
def test_damaged_prepared_values_are_refused(stored):
    with pytest.raises(EncodingError):
        Prepared.from_bytes(stored)


def test_a_tag_of_another_length_is_refused():
    with pytest.raises(EncodingError, match="got 18 bytes, expected 16"):
        Prepared(bytes(16), {}).with_tag(bytes(18))


def test_values_prepared_for_another_profile_are_refused(job):
    with pytest.raises(ProfileError, match="not of this profile"):
        plan(job.profile, job.records[0], Prepared(bytes(16), {}), job.keystore)


def test_a_missing_transport_key_is_found_before_a_card_is_touched(job):
    prepared = Prepared.from_bytes(_prepared(job).to_bytes())
    with pytest.raises(KeyStoreError, match="test:vu1-adm1"):
        plan(job.profile, job.records[0], prepared, MemoryKeyStore())


def test_a_value_that_does_not_fit_its_file_is_named(job):
    record = job.records[0]
    values = {**record, "msisdn": "1" * 21}
    with pytest.raises(EncodingError, match=r"ADF\.USIM/EF\.MSISDN#1: number: got 21 digits, expected 20 or fewer"):
        plan(job.profile, Record(record.schema, values, 1), _prepared(job), job.keystore)


def _prepared(job):
    names = job.plan().blueprint.rands
    return Prepared(bytes(16), {name: bytes(16) for name in names})
