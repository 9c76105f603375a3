"""USIM and ISIM with 5G: the card conceals the identity, or the phone does with what it reads."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest

from cardkit.apdu import ResponseAPDU
from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.dump import walk
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.states.concealing import KEYS, ROUTING, Expected
from cardkit.apps.uicc.suci import Suci, get_identity
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.crypto.suci import Scheme
from cardkit.desired import Phase, Role, Severity
from cardkit.errors import AuthenticationError, ProfileError, StatusError
from cardkit.perso import Verdict, personalize, verify
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

from .conftest import Tap

VECTORS = Path(__file__).parents[2] / "vectors" / "suci.json"
HOME = {case["in"]["profile"]: case["in"] for case in json.loads(VECTORS.read_text(encoding="utf-8"))}
USIM = bytes.fromhex("A0000000871002")
PHONE_KEYS = "ADF.USIM/DF.5GS/EF.SUCI_Calc_Info"


def private(profile: str) -> Secret:
    return Secret(bytes.fromhex(HOME[profile]["hn_private_key"]), "home")


def troubles(outcome) -> list[tuple[str, str]]:
    return [(found.rule, found.actual) for found in outcome.findings if found.severity is not Severity.WARNING]


def opened(tap) -> Channel:
    tap.card.power(True)
    return Channel(LoopbackConnection(tap.card))


def selected(channel: Channel, pin: str) -> UiccSession:
    session = UiccSession(channel)
    session.select_application(USIM)
    session.submit(0x20, 0x01, Secret(pin.encode(), "PIN1"))
    return session


def test_a_card_comes_out_good_and_verifies_again(five_g):
    outcome, tap = five_g.make()
    assert (outcome.verdict, troubles(outcome)) == (Verdict.GOOD, [])
    assert (outcome.facts["SQN ADF.USIM"], outcome.facts["SQN ADF.ISIM"]) == ("64", "64")
    report = verify(five_g.plan(), Card(LoopbackConnection(tap.card)), five_g.keystore)
    assert report.verdict is Verdict.GOOD


def test_only_the_home_network_reads_what_the_card_conceals(five_g):
    _, tap = five_g.make()
    session = selected(opened(tap), "2437")
    first, second = get_identity(session), get_identity(session)
    assert first.output != second.output
    assert (first.plmn, first.routing, first.scheme, first.key_id) == ("001-01", "71", Scheme.PROFILE_B, 27)
    assert {suci.imsi(private("B")) for suci in (first, second)} == {"001010000000001"}
    with pytest.raises(AuthenticationError):
        first.imsi(Secret(bytes(range(1, 33)), "another home"))


def test_the_phone_conceals_with_what_it_reads(five_g):
    """Services 124 without 125: the table lies in DF.5GS, where the phone can read it."""
    files = five_g.profile.blocks["uicc"].files
    ust = {"services": [number for number in files["ADF.USIM/EF.UST"]["services"] if number != 125] + [130]}
    job = five_g.with_files({
        KEYS: None, "ADF.USIM/EF.UST": ust, PHONE_KEYS: files[KEYS],
        "ADF.USIM/DF.5GS/EF.SUPI_NAI": {"nsi": "user@private.example"},
    }).changed(deactivated=())  # fmt: skip
    outcome, tap = job.make()
    assert (outcome.verdict, troubles(outcome)) == (Verdict.GOOD, [])
    channel = opened(tap)
    selected(channel, "2437")
    (directory,) = [entry for entry in walk(channel)["directories"] if entry["name"] == "ADF.USIM/DF.5GS"]
    values = {file["name"]: file["value"] for file in directory["files"] if "value" in file}
    assert values["EF.SUPI_NAI"] == {"nsi": "user@private.example"}
    routing, info = values["EF.Routing_Indicator"]["routing_indicator"], values["EF.SUCI_Calc_Info"]
    key = info["keys"][info["schemes"][1]["key_index"] - 1]
    ephemeral = Secret(bytes.fromhex(HOME["A"]["ephemeral_private_key"]), "once")
    home_key = (key["id"], bytes.fromhex(key["key"]))
    sent = Suci.of_imsi("001010000000001", "001-01", routing, Scheme.PROFILE_A, home_key, ephemeral)
    assert Suci.parse(sent.build()).imsi(private("A")) == "001010000000001"


def test_files_of_services_the_product_lacks_are_out_of_use(five_g):
    _, tap = five_g.make()
    channel = opened(tap)
    session = selected(channel, "2437")
    for path in five_g.profile.blocks["uicc"].deactivated:
        session.enter((0x7FFF, 0x5FC0) if "5GS" in path else (0x7FFF,))
        fcp = session.select_fid(CATALOGUE[path].fid)
        assert fcp.life_cycle == 0x04
        with pytest.raises(StatusError) as caught:
            session.read_record(1, 64) if fcp.record_length else session.read_binary(1)
        assert caught.value.sw == 0x6984


@pytest.mark.parametrize(
    ("told", "actual"),
    [
        (bytes.fromhex("8A0105"), "activated"),
        (bytes.fromhex("8A0100"), "no information"),
    ],
)
def test_a_file_that_is_still_in_use_is_found(five_g, told, actual):
    def lie(command: bytes, answer: bytes) -> bytes:
        if command[1] == 0xA4 and command[5:7] == b"\x6f\xd6":
            return answer.replace(bytes.fromhex("8A0104"), told)
        return answer

    outcome, _ = five_g.make(lie)
    assert [(found.rule, found.where, found.actual) for found in outcome.findings] == [
        ("UICC-024", "ADF.USIM/EF.GBABP", actual)
    ]


def test_a_file_cannot_be_read_and_out_of_use(five_g):
    with pytest.raises(ProfileError, match=r"^uicc\.deactivated: ADF\.USIM/EF\.IMSI is read"):
        five_g.changed(deactivated=("ADF.USIM/EF.IMSI",)).plan()


def test_what_the_card_keeps_from_everybody_is_proven_by_what_it_does(five_g):
    def another_key(command: bytes, answer: bytes) -> bytes:
        return answer[:9] + b"\x1e" + answer[10:] if command[1] == 0x78 else answer

    outcome, _ = five_g.make(another_key)
    assert troubles(outcome) == [("UICC-104", "key id 30, expected 27")]


def judged(answer: bytes, sw: int = 0x9000, before: bytes = b"") -> str:
    return Expected("001-01", "71", Scheme.NULL, 0, 5).judge(ResponseAPDU(answer, sw), before)


NULL = bytes.fromhex("A10D 0100F11017FF0000 0000000010")


@pytest.mark.parametrize(
    ("answer", "sw", "outcome"),
    [
        (NULL, 0x9000, "proven"),
        (NULL, 0x9110, "proven"),
        (NULL, 0x6982, "not checked: 6982, PIN1 is not open"),
        (b"", 0x6985, "no SUCI: status 6985"),
        (b"", 0x9000, "no SUCI: 0 SUCIs, expected one"),
        (NULL + NULL, 0x9000, "no SUCI: 2 SUCIs, expected one"),
        (NULL.replace(b"\xf1\x10", b"\xf1\x20"), 0x9000, "network 001-02, expected 001-01"),
        (NULL.replace(b"\x17", b"\x27"), 0x9000, "routing indicator 72, expected 71"),
        (b"\xa1\x0e" + NULL[2:] + b"\xf0", 0x9000, "output bytes 6, expected 5"),
    ],
)
def test_answers_of_get_identity_are_judged(answer, sw, outcome):
    assert judged(answer, sw) == outcome


def test_one_suci_twice_is_no_concealment():
    expected = Expected("001-01", "71", Scheme.PROFILE_A, 30, 45)
    answer = bytes.fromhex("A135 0100F11017FF011E") + bytes(45)
    assert expected.judge(ResponseAPDU(answer, 0x9000), b"") == "proven"
    assert expected.judge(ResponseAPDU(answer, 0x9000), answer) == "the same SUCI twice: the subscriber can be followed"
    assert expected.answer_bytes == len(answer)


def test_a_concealing_product_without_a_routing_indicator_is_refused(five_g):
    with pytest.raises(ProfileError, match="a card that conceals the identity itself needs"):
        five_g.with_files({ROUTING: None}).plan()


def test_a_key_shorter_than_its_file_is_followed_by_ff(five_g):
    """The key files of this chip take the longest TUAK key."""
    _, tap = five_g.make()
    for path in ("3F00/7FF0/AF20", "3F00/7FF1/AF20", "3F00/A515/6F20"):
        body = tap.card.memory()[path]
        assert (len(body), body[33:]) == (67, b"\xff" * 34)


@pytest.fixture
def preloaded(five_g):
    """The same product on a chip whose maker has loaded K, OPc and sequence numbers."""
    chip = five_g.profile.chip
    block = chip.blocks["uicc"]
    keys = {place: msgspec.structs.replace(slot, preloaded=True) for place, slot in block.keys.items()}
    blocks = {"uicc": msgspec.structs.replace(block, keys=keys)}
    profile = dataclasses.replace(
        five_g.profile, chip=msgspec.structs.replace(chip, blocks=blocks), sha256=b"preloaded".ljust(32)
    )
    return dataclasses.replace(five_g, profile=profile)


def loaded_by_the_maker(five_g, number: int) -> VirtualCard:
    """A blank chip with the keys of one record: those steps of the other chip's plan that write them."""
    card = VirtualCard(five_g.image, seed=1)
    recorder = Tap(VirtualCard(five_g.image, seed=2), None)
    todo = five_g.plan(number)
    personalize(todo, Card(LoopbackConnection(recorder)), five_g.keystore)
    secret = ("AUTH_KEY", "SQN")
    for step, command in zip(todo.steps, recorder.sent, strict=True):
        is_key = step.role in (Role.SELECT, Role.WRITE) and step.serves.endswith(secret)
        if step.role in (Role.PRESENT, Role.ENTER) or is_key:
            if step.phase is Phase.VERIFY:
                break
            assert card.transmit(command) == b"\x90\x00"
    card.power(True)
    return card


def test_keys_the_maker_loaded_are_proven_and_never_written(five_g, preloaded):
    todo = preloaded.plan(1)
    assert not [state.name for state in todo.states if state.name.endswith(("AUTH_KEY", "SQN"))]
    good = personalize(todo, Card(LoopbackConnection(loaded_by_the_maker(five_g, 1))), preloaded.keystore)
    assert (good.verdict, troubles(good)) == (Verdict.GOOD, [])
    wrong = personalize(todo, Card(LoopbackConnection(loaded_by_the_maker(five_g, 2))), preloaded.keystore)
    assert ("UICC-090", "no AUTS: status 9862, 0 bytes") in troubles(wrong)


def test_an_algorithm_without_opc_is_proven_in_all_three_applications(five_g):
    auth = msgspec.structs.replace(
        five_g.profile.blocks["uicc"].auth, algorithm="xor", opc="", accept=("xor", "test-keys")
    )
    outcome, _ = five_g.changed(auth=auth).make()
    assert troubles(outcome) == []


def test_writing_takes_no_command_that_contents_and_chip_do_not_force(five_g):
    """The minimum: one UPDATE or DEACTIVATE a file, one SELECT for each file without SFI, one for each directory whose
    files have one."""
    todo = five_g.plan()
    chip = five_g.profile.chip.blocks["uicc"]
    written = [state.name for state in todo.states if state.phase is Phase.WRITE]
    idle = [name for name in written if name.endswith(" is deactivated")]
    models = {name: chip.files[name.partition("#")[0]] for name in written if name not in idle}
    updates = sum(-(-(model.record or model.size) // 255) for model in models.values())
    selected = {name.partition("#")[0] for name, model in models.items() if not model.sfi}
    places = {name.rpartition("/")[0] for name in models}
    entered = [p for p in places if chip.places[p].aid or chip.places[p].parent]
    assert todo.totals()["write"]["apdus"] == updates + len(selected) + len(entered) + len(idle)
    assert len([step for step in todo.steps if step.role is Role.WRITE and step.phase is Phase.WRITE]) == updates
