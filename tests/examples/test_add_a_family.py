"""The worked example "add a card family" goes the whole way, and nothing gets past its rules."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.registry import BUILT_IN
from cardkit.cli.order import Job
from cardkit.cli.verify import find_record
from cardkit.crypto import MemoryKeyStore
from cardkit.desired import BindEvent, DoneEvent, Event, IntentEvent, Plan
from cardkit.errors import CardError, EncodingError, ProfileError, TransportError
from cardkit.perso import Outcome, Verdict, identify, personalize, plan, prepare, read_identity, redactor, verify
from cardkit.production.report.masking import masked
from cardkit.profile import Profile, load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.transport.record import RecordingConnection

from .conftest import FAMILY, run

CLUB = FAMILY / "profiles" / "loyalty" / "club"
MEMBER = "6362010000000016"
UPDATE, VERIFY, DELETE = 0xD6, 0x20, 0xE4
DONE = b"\x90\x00"


# As a reader runs it


def test_try_it_prints_what_the_page_says(installed: tuple[Path, Path], tmp_path: Path) -> None:
    done = run(FAMILY / "try_it.py", cwd=tmp_path, path=installed)
    assert (done.returncode, done.stderr) == (0, "")
    page = (FAMILY / "README.md").read_text(encoding="utf-8")
    assert "".join(f"    {line}\n" for line in done.stdout.splitlines()) in page


def test_command_line_plans_for_the_family(installed: tuple[Path, Path]) -> None:
    command = ("-m", "cardkit", "plan", "club", "--order", "club/order.csv", "--record", "1")
    done = run(*command, cwd=CLUB.parent, path=installed)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    rows = [line.split()[:2] for line in done.stdout.splitlines() if re.match(r"(fence|write|seal) +[A-Za-z]", line)]
    assert rows == [["fence", "marker"], ["write", "EF.MEMBER"], ["write", "EF.POINTS"], ["seal", "marker"]]
    assert re.search(r"^all +19 ", done.stdout, re.MULTILINE)


def test_command_line_finds_the_wrong_card(installed: tuple[Path, Path]) -> None:
    command = ("-m", "cardkit", "verify", "club", "--order", "club/order.csv", "--record", "1")
    done = run(*command, "--reader", "virtual:usim", cwd=CLUB.parent, path=installed)
    assert done.returncode == 1
    assert set(re.findall(r"LOYALTY-\d+|PERSO-\d+", done.stdout)) == {
        "LOYALTY-001",
        "LOYALTY-002",
        "LOYALTY-003",
        "PERSO-002",
    }


def test_command_line_refuses_the_profile_where_the_family_is_not_installed() -> None:
    done = run("-m", "cardkit", "profile", "check", "club", cwd=CLUB.parent)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert (
        f"profile.toml: profile.apps: unknown application 'loyalty', expected one of: {', '.join(sorted(BUILT_IN))}"
        in done.stderr
    )


def test_pip_installs_the_family(tmp_path: Path) -> None:
    target = tmp_path / "site"
    done = run("-m", "pip", "install", "-q", "--no-deps", "--target", target, FAMILY, cwd=tmp_path)
    if done.returncode and "hatchling" in done.stderr and os.environ.get("CI") != "true":
        pytest.skip("pip could not fetch hatchling, the family's build tool: no package index")
    assert done.returncode == 0, done.stderr
    checked = run("-m", "cardkit", "profile", "check", CLUB, cwd=tmp_path, path=(target,))
    assert (checked.returncode, "club 1 is right" in checked.stdout) == (0, True), checked.stderr


def test_the_card_shares_no_code_with_the_family() -> None:
    text = (FAMILY / "loyalty_card.py").read_text(encoding="utf-8")
    assert re.findall(r"^(?:from|import) .*", text, re.MULTILINE) == ["from __future__ import annotations"]


# In this process, with cards that misbehave


@dataclass
class Bench:
    """A profile with its keys, and blank cards of the data sheet."""

    profile: Profile
    keystore: MemoryKeyStore
    new_card: Callable[[], Any]
    events: list[Event] = field(default_factory=list)

    def plan(self, row: int = 1) -> Plan:
        record = read_order(self.profile, CLUB / "order.csv", self.keystore).records[row - 1]
        prepared = prepare(self.profile, record, self.keystore, lambda size: hashlib.shake_128(b"tag").digest(size))
        return plan(self.profile, record, prepared, self.keystore)

    def make(self, chip: Any, *, resume: bool = False) -> Outcome:
        self.events.clear()
        with insert(chip) as card:
            return personalize(self.plan(), card, self.keystore, on_event=self.events.append, resume=resume)


def insert(chip: Any) -> Card:
    return Card(LoopbackConnection(chip, reader="loyalty card"))


@pytest.fixture(scope="module")
def bench(installed: tuple[Path, Path]) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as patch:
        for folder in installed:
            patch.syspath_prepend(folder)
        from loyalty_card import LoyaltyCard

        profile = load_profile(CLUB)
        yield Bench(profile, profile.test_keystore(), LoyaltyCard)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("loyalty_card", "cardkit_loyalty")]:
        del sys.modules[name]


class Tap:
    """A card seam in front of another: `act` gets the command's number from 1, the command, and the way on."""

    def __init__(self, chip: Any, act: Callable[[int, bytes, Callable[[bytes], bytes]], bytes]) -> None:
        self.chip = chip
        self.atr = chip.atr
        self.power = chip.power
        self.act = act
        self.sent: list[bytes] = []

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        return self.act(len(self.sent), command, self.chip.transmit)


def test_whole_path_ends_in_a_good_card(bench: Bench) -> None:
    chip = bench.new_card()
    outcome = bench.make(chip)
    assert (outcome.verdict, outcome.findings, outcome.reject) == (Verdict.GOOD, (), None)
    assert outcome.chip_id == "4C43310000000001"
    assert chip.files == {
        0x0101: bytes.fromhex("4C43310000000001"),
        0x0103: bytes.fromhex(MEMBER),
        0x0104: (100).to_bytes(4, "big"),
    }
    with insert(chip) as card:
        report = verify(bench.plan(), card, bench.keystore)
        card.reset()
        assert read_identity(bench.profile, card) == ("member", MEMBER)
    assert (report.verdict, report.findings) == (Verdict.GOOD, ())
    assert report.checked == ("PERSO-001", "PERSO-002", "LOYALTY-001", "LOYALTY-002", "LOYALTY-003")


def test_blank_card_gets_the_planned_commands_one_to_one(bench: Bench) -> None:
    tap = Tap(bench.new_card(), lambda _number, command, card: card(command))
    bench.make(tap)
    shapes = [
        (*command[:4], command[4] if len(command) > 5 else 0, command[4] if len(command) == 5 else 0)
        for command in tap.sent
    ]
    assert shapes == [step.shape for step in bench.plan().steps]


def test_events_come_before_what_they_announce(bench: Bench) -> None:
    bench.make(bench.new_card())
    bound, intent, done = bench.events
    assert bound == BindEvent("4C43310000000001", "ISSUER 01", 3)
    assert intent == IntentEvent("seal: marker removed", "ISSUER 01", 3)
    assert isinstance(done, DoneEvent)


LEFT_OUT = {
    "marker started": (UPDATE, 0x82, "PERSO-001"),
    "EF.MEMBER": (UPDATE, 0x83, "LOYALTY-001"),
    "EF.POINTS": (UPDATE, 0x84, "LOYALTY-002"),
    "marker removed": (DELETE, 0x00, "PERSO-002"),
}


@pytest.mark.parametrize("state", LEFT_OUT)
def test_state_left_out_is_found_by_exactly_its_rule(bench: Bench, state: str) -> None:
    ins, p1, rule = LEFT_OUT[state]
    tap = Tap(
        bench.new_card(),
        lambda _number, command, card: DONE if (command[1], command[2]) == (ins, p1) else card(command),
    )
    outcome = bench.make(tap)
    assert (outcome.verdict, [finding.rule for finding in outcome.findings]) == (Verdict.BAD, [rule])
    assert {named.name: named.rule for named in bench.plan().states}[state] == rule


def test_every_state_has_been_left_out(bench: Bench) -> None:
    assert [state.name for state in bench.plan().states] == list(LEFT_OUT)


def test_file_that_a_stranger_cannot_read_is_found_though_the_plant_could(bench: Bench) -> None:
    reads: list[bytes] = []

    def deny_second(_number: int, command: bytes, card: Callable[[bytes], bytes]) -> bytes:
        reads.extend([command] if command[1:3] == b"\xb0\x83" else [])
        return b"\x69\x82" if command[1:3] == b"\xb0\x83" and len(reads) == 2 else card(command)

    outcome = bench.make(Tap(bench.new_card(), deny_second))
    assert [(finding.rule, finding.actual) for finding in outcome.findings] == [("LOYALTY-001", "status 6982")]


@pytest.mark.parametrize("lost", ["command", "answer"])
def test_power_cut_at_any_command_is_finished_by_a_second_run(bench: Bench, lost: str) -> None:
    whole = bench.new_card()
    bench.make(whole)

    for at in range(1, len(bench.plan().steps) + 1):
        chip = bench.new_card()

        def cut(number: int, command: bytes, card: Callable[[bytes], bytes], at: int = at) -> bytes:
            if number == at and lost == "command":
                return b""
            answer = card(command)
            return b"" if number == at else answer

        with pytest.raises(TransportError):
            bench.make(Tap(chip, cut))
        outcome = bench.make(chip, resume=True)
        assert (outcome.verdict, chip.files) == (Verdict.GOOD, whole.files), f"cut at command {at}"


def test_begun_card_is_refused_by_a_fresh_run_and_by_another_record(bench: Bench) -> None:
    chip = bench.new_card()
    with pytest.raises(TransportError):
        bench.make(Tap(chip, lambda number, command, card: b"" if number == 7 else card(command)))
    with insert(chip) as card:
        assert identify(bench.profile, card).state == "started"
    fresh = bench.make(chip)
    assert (fresh.bound, fresh.reject and fresh.reject.code) == (False, "NOT_BLANK")
    chip.files[0x0102] = bytes((1, 1)) + bytes(16)
    other = bench.make(chip, resume=True)
    assert (other.bound, other.reject and other.reject.code) == (False, "MARKER_FOREIGN")


def test_issuer_code_is_never_presented_to_a_card_that_lost_a_try(bench: Bench) -> None:
    chip = bench.new_card()
    chip.tries = 2
    outcome = bench.make(chip)
    assert (outcome.reject and outcome.reject.code, chip.tries) == ("COUNTER_BLOCKED", 2)


def test_refused_issuer_code_stops_the_line_after_one_try(bench: Bench) -> None:
    def other_code(_number: int, command: bytes, card: Callable[[bytes], bytes]) -> bytes:
        return card(command[:5] + bytes(8)) if command[1] == VERIFY and len(command) > 4 else card(command)

    chip = bench.new_card()
    outcome = bench.make(Tap(chip, other_code))
    assert outcome.reject is not None
    assert (outcome.reject.code, outcome.reject.security_stop, chip.tries) == ("RETRY_LEFT", True, 2)
    assert "5152" not in repr(outcome)


def test_finding_shows_people_the_balance_but_no_member_number(bench: Bench) -> None:
    chip = bench.new_card()
    bench.make(chip)
    chip.files |= {0x0103: bytes.fromhex("6362010000000099"), 0x0104: bytes(4)}
    with insert(chip) as card:
        member, points = map(masked, verify(bench.plan(), card, bench.keystore).findings)
    assert (member.expected, member.actual, member.decoded) == ("<8:PERSONAL>", "<8:PERSONAL>", "byte 8 of 8 differs")
    assert (points.expected, points.actual) == ("00000064", "00000000")


def test_verify_finds_the_record_by_the_member_number(bench: Bench) -> None:
    job = Job(bench.profile, read_order(bench.profile, CLUB / "order.csv", bench.keystore), CLUB, bench.keystore)
    chip = bench.new_card()
    bench.make(chip)
    with insert(chip) as card:
        assert find_record(job, card)["member"] == MEMBER
    chip.files[0x0103] = bytes.fromhex("6362010000009999")
    with insert(chip) as card, pytest.raises(CardError, match=r"card says member 63620\*{8}999, no record of"):
        find_record(job, card)


@pytest.mark.parametrize("answer", ["6F00", "6982", "9000", "FF9000"])
@pytest.mark.parametrize("resume", [False, True])
def test_marker_that_cannot_be_read_is_never_taken_for_blank_or_finished(
    bench: Bench, answer: str, resume: bool
) -> None:
    lie = bytes.fromhex(answer)
    tap = Tap(bench.new_card(), lambda number, command, card: lie if number == 3 else card(command))
    outcome = bench.make(tap, resume=resume)
    assert (outcome.verdict, outcome.bound, len(tap.sent)) == (Verdict.BAD, False, 3)


def test_card_of_another_kind_is_not_touched(bench: Bench) -> None:
    tap = Tap(bench.new_card(), lambda _number, _command, _card: b"\x6d\x00")
    outcome = bench.make(tap)
    assert (outcome.bound, outcome.reject and outcome.reject.code) == (False, "CARD_TYPE")
    assert [command[1] for command in tap.sent] == [0xA4, 0xB0, 0xB0]


def test_trace_shows_neither_code_nor_contents(bench: Bench) -> None:
    trace = io.StringIO()
    chip = bench.new_card()
    connection = RecordingConnection(LoopbackConnection(chip, reader="loyalty card"), trace, redactor(bench.profile))
    personalize(bench.plan(), Card(connection), bench.keystore)
    text = trace.getvalue()
    assert ("5152535455565758" in text, MEMBER in text) == (False, False)
    assert text.count("<8:PIN>") == 2


_words = st.one_of(
    st.sampled_from((0x9000, 0x6A82, 0x6982, 0x6983, 0x6300, 0x63C3, 0x63C2, 0x6B00, 0x6D00, 0x6C04, 0x6110)),
    st.integers(0x6100, 0x6FFF),
)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(1, 19), data=st.binary(max_size=20), sw=_words)
def test_lying_card_is_good_only_if_its_memory_is(bench: Bench, at: int, data: bytes, sw: int) -> None:
    chip = bench.new_card()
    lie = data + sw.to_bytes(2, "big")
    try:
        outcome = bench.make(Tap(chip, lambda number, command, card: lie if number == at else card(command)))
    except TransportError:
        return
    right = {0x0103: bytes.fromhex(MEMBER), 0x0104: (100).to_bytes(4, "big")}
    truth = {fid: body for fid, body in chip.files.items() if fid != 0x0101} == right
    assert truth or outcome.verdict is not Verdict.GOOD


# What a profile may ask for


def changed_profile(folder: Path, old: str, new: str, file: str = "loyalty/club/profile.toml") -> Path:
    shutil.copytree(FAMILY / "profiles", folder / "profiles")
    path = folder / "profiles" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return folder / "profiles" / "loyalty" / "club"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("points = 100", "points = 4294967296", "loyalty.points: got 4294967296, expected what fits 4 bytes"),
        ("points = 100", "points = -1", 'loyalty.points: expected "int" >= 0'),
        ("points = 100", "point = 100", 'loyalty: unknown key "point"; did you mean "points"?'),
        ('"{member}"', '"{membr}"', 'the record has no field "membr"; did you mean "member"?'),
    ],
)
def test_wrong_profile_is_refused_with_its_place(
    bench: Bench, tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    with pytest.raises(ProfileError, match=re.escape(complaint)):
        Bench(load_profile(changed_profile(tmp_path, old, new)), bench.keystore, bench.new_card).plan()


def test_member_number_too_long_for_the_chip_is_refused_before_a_card_is_touched(bench: Bench, tmp_path: Path) -> None:
    folder = changed_profile(tmp_path, "sfi = 3, size = 8", "sfi = 3, size = 7", "chips/lc-1.toml")
    with pytest.raises(EncodingError, match=r"EF\.MEMBER: digits: 16 do not fit in 7 bytes"):
        Bench(load_profile(folder), bench.keystore, bench.new_card).plan()
