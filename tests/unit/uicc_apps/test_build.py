"""A profile builds its file system on a card that is delivered without one."""

from __future__ import annotations

import msgspec
import pytest

from cardkit.apps.uicc.dump import walk
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.schema import NewFileBlock, NewPlaceBlock
from cardkit.apps.uicc.states.building import rules_of
from cardkit.apps.uicc.states.chip import Chip
from cardkit.channel import Channel
from cardkit.desired import Part, Phase, Role
from cardkit.errors import ProfileError
from cardkit.perso import MarkerState, Verdict, identify, personalize, redactor
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

CREATE, SELECT, UPDATE, READ, ACTIVATE = 0xE0, 0xA4, 0xD6, 0xB0, 0x44


@pytest.fixture(scope="module")
def document(bare):
    outcome, tap = bare.make()
    assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ())
    tap.card.power(True)
    return walk(Channel(LoopbackConnection(tap.card)))


def files(document, place):
    (directory,) = [entry for entry in document["directories"] if entry["name"] == place]
    return {file["name"]: file for file in directory["files"]}


def test_the_card_has_the_files_of_the_profile_and_no_other(bare, document):
    found = {f"{d['name']}/{file['name']}" for d in document["directories"] for file in d["files"]}
    assert found == set(bare.profile.blocks["uicc"].build.files)


def test_applications_phone_book_and_5g_are_read_in_names(document):
    aids = {d["name"]: d["parameters"].get("aid") for d in document["directories"]}
    assert aids == {
        "MF": None, "DF.TELECOM": None, "DF.TELECOM/DF.PHONEBOOK": None,
        "ADF.USIM": "A0000000871002FFFFFFFF8907090000", "ADF.USIM/DF.5GS": None,
        "ADF.ISIM": "A0000000871004FFFFFFFF8907090000", "ADF.HPSIM": "A000000087100AFFFFFFFF8907090000",
    }  # fmt: skip
    assert files(document, "ADF.HPSIM")["EF.IMSI"]["value"] == {"imsi": "001010000000001"}
    book = files(document, "DF.TELECOM/DF.PHONEBOOK")
    assert book["EF.ADN"]["records"][0]["value"] == {"alpha": "Service", "number": "123"}
    assert [len(book[name]["records"]) for name in ("EF.ADN", "EF.ANR", "EF.EXT1")] == [20, 20, 4]
    assert files(document, "ADF.USIM/DF.5GS")["EF.Routing_Indicator"]["value"] == {"routing_indicator": "0"}


def test_contents_before_use_are_made_with_the_file(document):
    usim = files(document, "ADF.USIM")
    assert usim["EF.LOCI"]["body"] == "FFFFFFFFFFFFFF0000FF01"
    assert usim["EF.PLMNwAcT"]["body"] == "FFFFFF0000" * 8
    assert usim["EF.START-HFN"]["body"] == "F00000F00000"
    assert usim["EF.SMS"]["records"][9]["body"] == "00" + "FF" * 175
    assert usim["EF.Keys"]["blank"]
    assert files(document, "ADF.USIM/DF.5GS")["EF.5GS3GPPLOCI"]["body"] == "FF" * 13 + "FFFFFF000000" + "01"


def test_access_is_what_the_rules_say(document):
    usim = files(document, "ADF.USIM")
    said = {name: (usim[name]["access"]["read"], usim[name]["access"]["update"]) for name in usim}
    assert said["EF.IMSI"] == ("PIN1", "ADM1")
    assert said["EF.LOCI"] == ("PIN1", "PIN1 or ADM1")
    assert said["EF.USIM_AUTH_KEY"] == ("never", "ADM1")
    iccid = files(document, "MF")["EF.ICCID"]
    assert (iccid["access"]["update"], iccid["access"]["delete"]) == ("never", "never")
    assert iccid["parameters"]["life_cycle"] == "activated"
    assert usim["EF.IMSI"]["access"]["resize"] == "ADM1"


def test_a_railway_card_is_built_with_all_files_of_its_directory(bare):
    """GSM-R: DF.EIRENE with its 23 files, two of them filled."""
    number = {"functional_number": {"number": "041385100000014", "use": ["permanent"]}, "list": 1}
    service = {"next": "dialled digits", "table": "6F85"}
    block = bare.profile.blocks["uicc"]
    eirene = CATALOGUE.in_directory("DF.EIRENE")
    lines = {spec.name: NewFileBlock(rule="std", record=10 if spec.size_min == 3 else 0) for spec in eirene}
    build = msgspec.structs.replace(
        block.build,
        places={**block.build.places, "DF.EIRENE": NewPlaceBlock(rule="dir", memory=1000)},
        files={**block.build.files, **lines},
    )
    contents = {**block.files, "DF.EIRENE/EF.FN#1": number, "DF.EIRENE/EF.Service#1": service}
    outcome, tap = bare.changed(build=build, files=contents).make()
    assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ())
    tap.card.power(True)
    found = files(walk(Channel(LoopbackConnection(tap.card))), "DF.EIRENE")
    assert len(found) == len(eirene) == 23
    assert found["EF.FN"]["records"][0]["value"] == number
    assert found["EF.Service"]["records"][0]["value"] == service
    assert found["EF.Shunting"]["value"] == {"empty": True}


def test_nobody_writes_the_iccid_again(bare):
    _, tap = bare.make()
    tap.card.power(True)
    assert tap.card.transmit(bytes.fromhex("0020000A08 6162636465660001")) == b"\x90\x00"
    assert tap.card.transmit(bytes.fromhex("00D6820002 9999")) == b"\x69\x82"


def test_a_card_whose_iccid_has_no_short_identifier_is_built(bare):
    """It is looked for by its FID before it is there; what was not found then is made all the same."""
    build = bare.profile.blocks["uicc"].build
    number = msgspec.structs.replace(build.files["MF/EF.ICCID"], sfi=0)
    changed = bare.changed(build=msgspec.structs.replace(build, files={**build.files, "MF/EF.ICCID": number}))
    assert changed.make()[0].verdict is Verdict.GOOD


def test_building_takes_no_command_that_the_profile_does_not_force(bare):
    """The minimum: one CREATE a file or directory, one UPDATE a content, one ACTIVATE where nobody may update, and one
    SELECT whenever a directory is made elsewhere than in the current one."""
    todo = bare.plan()
    build = bare.profile.blocks["uicc"].build
    contents = [s.name for s in todo.states if s.phase is Phase.WRITE and not s.name.endswith(" exists")]
    fixed = [name for name, file in build.files.items() if build.rules[file.rule].update == "never"]
    places = list(build.places)
    parents = [place.rpartition("/")[0] or "MF" for place in places[1:]]
    selects = sum(parent != before for parent, before in zip(parents, places, strict=False))
    made = len(places) + len(build.files) + 1
    fence = [step.role for step in todo.blueprint.parts[Part.FENCE]]
    assert fence == [Role.READ, Role.READ, Role.QUERY, Role.PRESENT, Role.CREATE, Role.CREATE, Role.WRITE]
    assert todo.totals()["write"]["apdus"] == made - 2 + len(contents) + len(fixed) + selects


def test_a_blank_card_gets_exactly_the_planned_commands(bare):
    outcome, tap = bare.make()
    assert outcome.verdict is Verdict.GOOD
    sent = [(c[0], c[1], c[2], c[3], c[4] if len(c) > 5 else 0) for c in tap.sent]
    assert sent == [step.shape[:5] for step in bare.plan().steps]


def test_every_file_is_asked_for_its_attributes(bare):
    todo = bare.plan()
    asked = [step.serves for step in todo.blueprint.parts[Part.CHECK] if step.command.ins == SELECT and step.command.ne]
    build = bare.profile.blocks["uicc"].build
    assert sorted(asked) == sorted([*build.places, *build.files])


def lying(fid: str, old: str, new: str):
    """A card whose answer to SELECT of a file is another one."""

    def spoil(command: bytes, answer: bytes) -> bytes:
        if command[1] == SELECT and command[5:7].hex() == fid:
            return answer.replace(bytes.fromhex(old), bytes.fromhex(new))
        return answer

    return spoil


@pytest.mark.parametrize(
    ("spoil", "where", "actual"),
    [
        (lying("6f46", "80020011", "80020010"), "ADF.USIM/EF.SPN", "size: 16, expected 17"),
        (lying("6f46", "8b032f0602", "8b032f0604"), "ADF.USIM/EF.SPN",
         "access rules: 2F06 record 4, expected 2F06 record 2"),
        (lying("6f46", "8a0105", "8a0104"), "ADF.USIM/EF.SPN", "life cycle: deactivated, expected activated"),
        (lying("6f42", "82054221", "82054621"),
         "ADF.USIM/EF.SMSP", "structure: cyclic, expected linear fixed"),
        (lying("a000", "8b032f0601", "8b032f0602"), "ADF.USIM", "access rules: 2F06 record 2, expected 2F06 record 1"),
        (lying("6f46", "6216", "9916"), "ADF.USIM/EF.SPN", "SELECT answered 24 bytes that are no template"),
    ],
)  # fmt: skip
def test_other_attributes_are_found(bare, spoil, where, actual):
    outcome, _ = bare.make(spoil)
    found = [(f.rule, f.actual) for f in outcome.findings if f.where == where]
    assert found == [("UICC-020", actual)]
    assert outcome.verdict is Verdict.BAD


def test_a_file_that_is_there_is_compared_and_filled(bare):
    """CREATE FILE meets 6A89: what an earlier run made is taken over."""
    chip = VirtualCard("uicc-bare", seed=1)
    first = bare.plan()
    creations = [step for step in first.steps if step.role is Role.CREATE][:4]
    chip.transmit(bytes.fromhex("0020000A08 4142434445464748"))
    assert [chip.transmit(step.command.encode()) for step in creations] == [b"\x90\x00"] * 4
    chip.power(True)
    assert identify(bare.profile, Card(LoopbackConnection(chip))).state is MarkerState.BLANK
    chip.power(True)
    assert personalize(first, Card(LoopbackConnection(chip)), bare.keystore).verdict is Verdict.GOOD


def test_a_trace_shows_what_is_made_and_hides_what_is_written_into_key_files(bare):
    _, tap = bare.make()
    redact = redactor(bare.profile)
    lines = []
    for command in tap.sent:
        lines.append(redact.command(command))
        redact.response(b"\x90\x00")
    text = "".join(lines).replace(" ", "").upper()
    contents = bare.plan().contents
    assert b"Test Operator".hex().upper() in text
    for secret in ("404142434445464748494A4B4C4D0001", "505152535455565758595A5B5C5D0001", "6162636465660001"):
        assert secret not in text
    assert contents["ADF.USIM/EF.IMSI"].hex().upper() not in text


REPLACED = {
    "uicc.build.places.DF.X: expected a fid": {"places": {"MF": ("dir", ""), "DF.X": ("dir", "")}},
    "uicc.build.places.DF.A/DF.X: DF.A is not declared before it": {
        "places": {"MF": ("dir", ""), "DF.A/DF.X": ("dir", "5F01")}
    },
    "uicc.build.places.DF.X: rule 'none' is not declared": {"places": {"MF": ("dir", ""), "DF.X": ("none", "7F77")}},
    "uicc.build: expected MF as the first place and MF/EF.ARR as the first file": {
        "places": {"DF.X": ("dir", "7F77"), "MF": ("dir", "")}
    },
    "uicc.build.files.MF/EF.NONE: the catalogue has no such file": {"files": {"MF/EF.NONE": ("ro", 0)}},
    "uicc.build.files.MF/EF.PL: rule 'none' is not declared": {"files": {"MF/EF.PL": ("none", 4)}},
    "uicc.build: file 2F05: SFI 77, expected 1 to 30": {"files": {"MF/EF.PL": ("ro", 4, 77)}},
}


@pytest.mark.parametrize("text", REPLACED)
def test_what_cannot_be_built_is_refused_by_name(bare, text):
    build = bare.profile.blocks["uicc"].build
    change = REPLACED[text]
    place, file = build.places["MF"], build.files["MF/EF.ARR"]
    places = {
        n: msgspec.structs.replace(place, rule=r, fid=f)
        for n, (r, f) in change.get("places", {"MF": ("dir", "")}).items()
    }
    lines = {
        n: msgspec.structs.replace(file, rule=v[0], size=v[1], sfi=v[2] if v[2:] else None)
        for n, v in change.get("files", {}).items()
    }
    broken = msgspec.structs.replace(build, places=places, files={"MF/EF.ARR": file, **lines})
    with pytest.raises(ProfileError, match=f"^{text}"):
        Chip.from_block(bare.profile.chip.blocks["uicc"], broken)


def test_only_a_chip_without_files_is_built(bare, five_g):
    build = bare.profile.blocks["uicc"].build
    for block, given in ((five_g.profile.chip.blocks["uicc"], build), (bare.profile.chip.blocks["uicc"], None)):
        with pytest.raises(ProfileError, match=r"^uicc\.build: expected for a chip that is delivered without files"):
            Chip.from_block(block, given)


def test_rules_share_a_byte_where_their_conditions_are_one(bare):
    records = list(rules_of(bare.profile.blocks["uicc"].build).values())
    assert records[1] == {"rules": [
        {"mode": "01", "conditions": ["always"]}, {"mode": "5A", "conditions": ["ADM1"]},
        {"command": "84D4", "conditions": ["ADM1"]},
    ]}  # fmt: skip
    assert records[0] == {"rules": [{"mode": "5F", "conditions": ["ADM1"]}]}
    increase = msgspec.structs.replace(bare.profile.blocks["uicc"].build.rules["std"], increase="PIN1")
    build = msgspec.structs.replace(bare.profile.blocks["uicc"].build, rules={"acm": increase})
    assert {"command": "8432", "conditions": ["PIN1"]} in rules_of(build)["MF/EF.ARR#1"]["rules"]
