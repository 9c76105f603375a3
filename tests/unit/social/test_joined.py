"""One card that is several: order of work, names kept apart, and the rules between applications."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import pytest

from cardkit.channel import Channel
from cardkit.cli.app import run
from cardkit.desired import Part, Role
from cardkit.errors import ProfileError, ProtocolError
from cardkit.perso import personalize, plan, prepare, verify
from cardkit.perso.joined import Door, Floor
from cardkit.perso.joined.names import apart
from cardkit.perso.joined.rules import answered, keys_apart, names_apart, numbers_alone, questions
from cardkit.perso.register import RunRegister
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card
from cardkit.virtual.social.lies import social_lies

FOLDER = Path(__file__).parents[3] / "profiles" / "social" / "social-card"
HOST, OTHERS = "emv", ("pkcs15", "cipurse")


def planned(folder: Path = FOLDER, row: int = 0):
    profile = load_profile(folder)
    keystore = profile.test_keystore()
    record = read_order(profile, FOLDER / "order.csv", keystore).records[row]
    return plan(profile, record, prepare(profile, record, keystore, secrets.token_bytes), keystore), keystore


def made(todo, keystore, chip=None, **options):
    chip = chip or make_card("social")
    outcome = personalize(todo, Card(LoopbackConnection(chip)), keystore, **options)
    return chip, outcome


@pytest.fixture(scope="module")
def job():
    return planned()


@pytest.fixture(scope="module")
def good(job):
    chip, outcome = made(*job)
    assert outcome.verdict == "GOOD", outcome.reject
    return chip


def order_of(steps) -> list[str]:
    names = [apart(step.serves)[0] for step in steps]
    return [name for at, name in enumerate(names) if not at or names[at - 1] != name]


def test_the_host_is_written_first_and_sealed_last(job):
    parts = job[0].blueprint.parts
    assert order_of(parts[Part.FENCE]) == [HOST, *OTHERS, HOST]
    assert order_of(parts[Part.WRITE]) == [HOST, *OTHERS]
    assert order_of(parts[Part.CHECK]) == [HOST, *OTHERS, "card"]
    assert order_of(parts[Part.SEAL]) == [*OTHERS, HOST]


def test_nothing_is_written_before_every_part_was_identified(job):
    blueprint = job[0].blueprint
    fence = blueprint.parts[Part.FENCE]
    assert fence[: len(blueprint.identify)] == blueprint.identify
    assert {step.role for step in blueprint.identify} <= {Role.ENTER, Role.SELECT, Role.READ, Role.QUERY}


def test_every_state_and_value_names_its_application(job):
    todo = job[0]
    assert {apart(state.name)[0] for state in todo.states} == {HOST, *OTHERS}
    assert {apart(name)[0] for name in todo.contents} == {HOST, *OTHERS}


def test_a_good_card_has_no_finding(job, good):
    todo, keystore = job
    report = verify(todo, Card(LoopbackConnection(good)), keystore)
    assert report.verdict == "GOOD"
    assert {"TRANSIT-056", "TRANSIT-059", "TRANSIT-060"} <= set(report.checked)
    assert not {"TRANSIT-057", "TRANSIT-058"} & set(report.checked)
    told = {finding.rule: finding for finding in report.findings if finding.where == "card"}
    assert {"TRANSIT-057", "TRANSIT-058"} <= set(told)
    assert all(told[rule].not_checked and not told[rule].bad for rule in ("TRANSIT-057", "TRANSIT-058"))


def test_a_finished_card_is_not_made_twice(job, good):
    _, outcome = made(*job, good)
    assert outcome.reject is not None
    assert (outcome.reject.code, outcome.bound) == ("NOT_BLANK", False)


def test_a_part_that_is_wrong_is_named(job):
    todo, keystore = job
    chip, _ = made(todo, keystore)
    cells = chip.chip.memory.cells
    (purse,) = [cell for cell in cells if cell.startswith("transport/data/") and cell.endswith("5F01")]
    cells[purse] = bytes(len(cells[purse]))
    report = verify(todo, Card(LoopbackConnection(chip)), keystore)
    bad = [finding for finding in report.findings if finding.bad]
    assert bad
    assert {apart(finding.where)[0] for finding in bad} == {"cipurse"}


# Rules between applications


class Part1:
    aids = frozenset((bytes.fromhex("A000000001"), bytes.fromhex("A000000002")))
    key_references = frozenset[str]()
    own_questions = ()


class Part2(Part1):
    aids = frozenset((bytes.fromhex("A000000002"),))


def test_056_a_name_of_two_applications():
    (finding,) = names_apart({"one": Part1(), "two": Part2()})
    assert (finding.rule, finding.where) == ("TRANSIT-056", "A000000002")


def test_056_names_of_their_own(job):
    assert list(names_apart(job[0].blueprint.apps)) == []


def test_059_a_key_of_two_applications_under_two_names():
    """imk-ac and gp-default-3des have one value: that of every book's examples."""
    _, keystore = planned()

    class Bank:
        aids = frozenset[bytes]()
        own_questions = ()
        key_references = frozenset(("test:imk-ac", "test:cipurse-transport"))

    class City(Bank):
        key_references = frozenset(("test:city-gate", "test:kmc", "test:gp-default-3des"))

    (finding,) = keys_apart({"bank": Bank(), "city": City()}, keystore)
    assert (finding.rule, finding.where, finding.actual) == (
        "TRANSIT-059",
        "test:gp-default-3des",
        "bank has it too, as test:imk-ac",
    )


def test_059_keys_of_their_own(job):
    assert list(keys_apart(job[0].blueprint.apps, job[1])) == []


def test_059_without_a_key_store(job):
    (finding,) = keys_apart(job[0].blueprint.apps, None)
    assert finding.not_checked


def test_060_a_part_whose_number_another_card_had(job):
    todo, keystore = job
    register = RunRegister()
    seen = {"emv: chip": "0102", "pkcs15: chip": "0304", "cipurse: chip": "0506"}
    assert register(seen, 1) == frozenset()
    (finding,) = numbers_alone(
        {"emv": "01", "pkcs15": "0304", "cipurse": "05"}, todo.blueprint.apps, frozenset(("pkcs15",))
    )
    assert (finding.rule, finding.where, finding.bad) == ("TRANSIT-060", "pkcs15", True)
    chip, outcome = made(todo, keystore, register=register)
    assert outcome.verdict == "GOOD"
    other, _ = planned(row=1)
    report = verify(other, Card(LoopbackConnection(chip)), keystore, register=register)
    assert "TRANSIT-060" in {finding.rule for finding in report.findings if finding.bad}


def test_060_a_part_that_tells_no_number(job):
    (finding,) = numbers_alone({"emv": "01", "cipurse": "05"}, job[0].blueprint.apps, frozenset())
    assert (finding.where, finding.not_checked) == ("pkcs15", True)


def test_005_an_application_that_answers_for_another(job):
    asked = questions(job[0].blueprint.apps)
    assert len(asked) == 6
    words = {step.serves: 0x6D00 for step in asked}
    assert list(answered(asked, words)) == []
    (finding,) = answered(asked, words | {"card: cipurse asked for pkcs15": 0x63C3})
    assert (finding.rule, finding.where, finding.bad) == ("PERSO-005", "card: cipurse asked for pkcs15", True)
    (finding,) = answered(asked, {step.serves: 0x6D00 for step in asked[1:]})
    assert finding.not_checked


def test_005_the_card_of_a_liar_is_never_good(job):
    todo, keystore = job
    chip, _ = made(todo, keystore)
    liar = social_lies()["neighbour-answers"](chip)
    report = verify(todo, Card(LoopbackConnection(liar)), keystore)
    assert "PERSO-005" in {finding.rule for finding in report.findings if finding.bad}


# The way to each application


class Card3:
    """A card with applications A1.. and A2..; says who got a command."""

    reader, atr, protocol = "r", b"\x3b\x00", TransmissionProtocol.T1

    def __init__(self):
        self.got: list[str] = []

    def transmit(self, command: bytes) -> bytes:
        self.got.append(command.hex())
        return b"\x6a\x82" if command.endswith(b"\xa9" * 5 + b"\x00") else b"\x90\x00"

    def reset(self, *, cold: bool) -> bytes:
        self.got.append("reset")
        return self.atr

    def close(self) -> None:
        """Nothing to put down."""


def doors() -> tuple[Card3, Door, Door]:
    card, floor = Card3(), Floor()
    return card, Door(card, floor, "one", b"\xa1" * 5), Door(card, floor, "two", b"\xa2" * 5)


def test_an_application_is_selected_when_its_first_command_comes():
    card, one, two = doors()
    for door in (one, one, two, one):
        door.transmit(b"\x00\xb0\x00\x00\x00")
    select = [f"00a4040005{digit * 5}00" for digit in ("a1", "a2")]
    assert card.got == [select[0], "00b0000000", "00b0000000", select[1], "00b0000000", select[0], "00b0000000"]


def test_its_own_selection_needs_no_other_and_the_readers_commands_none():
    card, one, _ = doors()
    one.transmit(bytes.fromhex("FFCA000000"))
    one.transmit(bytes.fromhex("00A4040002A1A1"))
    one.transmit(bytes.fromhex("00B0000000"))
    assert card.got == ["ffca000000", "00a4040002a1a1", "00b0000000"]


def test_after_a_reset_nobody_is_current():
    card, one, _ = doors()
    one.transmit(bytes.fromhex("00B0000000"))
    one.reset(cold=True)
    one.transmit(bytes.fromhex("00B0000000"))
    assert card.got.count("00a4040005a1a1a1a1a100") == 2


def test_an_application_that_is_not_there_is_named():
    card, floor = Card3(), Floor()
    door = Door(card, floor, "gone", b"\xa9" * 5)
    with pytest.raises(ProtocolError, match="gone: SELECT A9A9A9A9A9: card answered 6A82"):
        Channel(door).connection.transmit(bytes.fromhex("00B0000000"))


def test_a_chip_must_say_where_its_applications_are(tmp_path):
    folder = tmp_path / "social" / "social-card"
    shutil.copytree(FOLDER, folder)
    shutil.copytree(FOLDER.parents[1] / "chips", tmp_path / "chips")
    chip = tmp_path / "chips" / "virtual-social.toml"
    text = chip.read_text(encoding="utf-8")
    chip.write_text(text.replace(', cipurse = "F0434950555253450001"', ""), encoding="utf-8")
    with pytest.raises(ProfileError, match=r"chip\.homes has no AID of cipurse"):
        planned(folder)


def test_a_batch_of_social_cards(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    order = tmp_path / "three.csv"
    lines = (FOLDER / "order.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    order.write_text("".join(lines[:4]), encoding="utf-8")
    assert run(["payment", "prepare", "social/social-card", str(order), "--name", "three", "--processes", "1"]) == 0
    assert run(["batch", "run", "three", "--reader", "virtual:social*2", "--report", "out"]) == 0
    assert run(["batch", "check"]) == 0
    assert "GOOD" in Path("out/results.jsonl").read_text(encoding="utf-8")
    assert (Path("out") / "report.html").stat().st_size > 1000
    assert "Traceback" not in capsys.readouterr().err
