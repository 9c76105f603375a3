"""A plan over the air: its scripts leave the same card as its commands do on a reader."""

from __future__ import annotations

import pytest

from cardkit import load_profile, open_card, plan, prepare, read_order
from cardkit.apdu import CommandAPDU
from cardkit.apps.uicc.ota.rfm import plan_scripts
from cardkit.apps.uicc.ota.scripting import Coding, command_size, script_size, succeeded
from cardkit.crypto import Secret
from cardkit.desired import Phase, Role, Step
from cardkit.errors import ProfileError

USIM, ISIM = "A0000000871002FFFFFFFF8907090000", "A0000000871004FFFFFFFF8907090000"
TARS = {"MF": b"\xb0\x00\x00", "ADF.USIM": b"\xb0\x00\x11", "ADF.ISIM": b"\xb0\x00\x12"}
ROOTS = {b"\xb0\x00\x00": "00A4000C023F00", b"\xb0\x00\x11": "00A4040C10" + USIM, b"\xb0\x00\x12": "00A4040C10" + ISIM}
unhex = bytes.fromhex


@pytest.fixture(scope="module")
def made():
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    return plan(profile, record, prepare(profile, record, keystore, bytes), keystore), keystore


@pytest.mark.parametrize(("coding", "room"), [(Coding.COMPACT, 110), (Coding.COMPACT, 64), (Coding.EXPANDED, 220)])
def test_scripts_leave_the_card_a_reader_leaves(made, coding, room):
    todo, keystore = made
    scripts = plan_scripts(todo.steps, todo.contents, TARS, room, coding=coding).scripts
    sizes = [script_size([command_size(command, coding) for command in s.commands], coding) for s in scripts]
    assert all(size <= room or s.commands[-1].ins == 0xDC for size, s in zip(sizes, scripts, strict=True))
    with open_card("virtual:usim", seed=1) as card:
        for script in scripts:
            card.reset()
            with keystore.card_secret("test:vu1-adm1").reveal() as adm:
                assert card.channel.send(CommandAPDU(0, 0x20, 0, 0x0A, bytes(adm))).sw == 0x9000
            assert card.channel.send(CommandAPDU.parse(unhex(ROOTS[script.tar]))).sw == 0x9000
            for command in script.commands:
                assert succeeded(card.channel.send(command).sw), (script, command)
        card.reset()
        session = todo.blueprint.session(todo.contents, card.channel, {})
        session.run(todo.blueprint.survey, strict=False)
    written = {step.serves for step in todo.steps if step.role is Role.WRITE and step.phase is Phase.WRITE}
    read = {name: body for name, body in session.seen.bodies.items() if name in written}

    assert written == {name for script in scripts for name in script.serves}
    assert len(read) >= 20
    assert read == {name: todo.contents[name] for name in read}
    proofs = [note for name, note in session.seen.notes.items() if name.startswith("ADF.USIM stale")]
    assert proofs == ["proven"] * len(proofs) != []


def test_what_a_script_cannot_do_is_said(made):
    todo, _ = made
    left_out = plan_scripts(todo.steps, todo.contents, TARS, 110).left_out

    assert {left.step.role for left in left_out} <= {Role.PRESENT, Role.QUERY}
    assert {left.reason for left in left_out} <= {"access comes with the application of the card"}


# Steps written by hand.


def step(role, command, place="MF", *, serves="x", content="", span=None, phase=Phase.WRITE):
    return Step(phase, role, serves, place, CommandAPDU.parse(unhex(command)), content=content, span=span)


def enter(command, place):
    return step(Role.ENTER, command, place)


def write(command, serves, place="MF", **more):
    return step(Role.WRITE, command, place, serves=serves, content=serves, **more)


def commands(scripts):
    return [[command.encode().hex().upper() for command in script.commands] for script in scripts.scripts]


AA, BB = b"\xaa" * 4, b"\xbb" * 4
IN_USIM = [
    enter("00A4040C10" + USIM, "ADF.USIM"),
    step(Role.SELECT, "00A4000C026F46", "ADF.USIM"),
    write("00D60000", "a", "ADF.USIM"),
    enter("00A4000C025FC0", "ADF.USIM/DF.5GS"),
    write("00D68A00", "b", "ADF.USIM/DF.5GS"),
    step(Role.SELECT, "00A4000C024F07", "ADF.USIM/DF.5GS"),
    write("00D60000", "c", "ADF.USIM/DF.5GS"),
]
CONTENTS = {"a": AA, "b": BB, "c": AA}


def test_a_packet_goes_on_where_the_last_command_left_off():
    made_ = plan_scripts(IN_USIM, CONTENTS, TARS, 200)

    assert commands(made_) == [
        [
            "00A4000C026F46", "00D6000004AAAAAAAA",
            "00A4000C027FFF", "00A4000C025FC0", "00D68A0004BBBBBBBB",
            "00A4000C024F07", "00D6000004AAAAAAAA",
        ]
    ]  # fmt: skip
    assert [(script.tar, script.serves) for script in made_.scripts] == [(TARS["ADF.USIM"], ("a", "b", "c"))]
    assert made_.scripts[0].content() == unhex("".join(commands(made_)[0]))


def test_each_packet_finds_its_own_way():
    assert commands(plan_scripts(IN_USIM, CONTENTS, TARS, 23)) == [
        ["00A4000C026F46", "00D6000004AAAAAAAA"],
        ["00A4000C025FC0", "00D68A0004BBBBBBBB"],
        ["00A4000C025FC0", "00A4000C024F07", "00D6000004AAAAAAAA"],
    ]


def test_files_reached_by_path_and_directories_of_the_card():
    steps = [
        step(Role.SELECT, "00A4080C047F206F07", "DF.GSM"),
        write("00D60000", "a", "DF.GSM"),
        write("00D60004", "b", "DF.GSM"),
        step(Role.SELECT, "00A4000C026FAD", "DF.GSM"),
        write("00D60000", "c", "DF.GSM"),
        enter("00A4080C027F10", "DF.TELECOM"),
        write("00DC010C", "d", "DF.TELECOM"),
        enter("00A4000C023F00", "MF"),
        write("00D68500", "e"),
    ]
    contents = dict.fromkeys("abcde", AA)

    assert commands(plan_scripts(steps, contents, TARS, 500)) == [
        [
            "00A4080C047F206F07", "00D6000004AAAAAAAA", "00D6000404AAAAAAAA", "00A4000C026FAD", "00D6000004AAAAAAAA",
            "00A4000C023F00", "00A4080C027F10", "00DC010C04AAAAAAAA",
            "00A4000C023F00", "00D6850004AAAAAAAA",
        ]
    ]  # fmt: skip


def test_after_a_reset_a_plan_is_in_the_mf_again():
    steps = [*IN_USIM[:3], write("00D68500", "b", "MF"), step(Role.SELECT, "00A4000C022F05"), write("00D60000", "c")]

    scripts = plan_scripts(steps, CONTENTS, TARS, 99).scripts
    assert [(script.tar, *[command.encode().hex()[:8] for command in script.commands]) for script in scripts] == [
        (TARS["ADF.USIM"], "00a4000c", "00d60000"),
        (TARS["MF"], "00d68500", "00a4000c", "00d60000"),
    ]  # fmt: skip


def test_files_that_fit_no_packet_are_written_in_pieces():
    content = bytes(range(100))
    steps = [step(Role.SELECT, "00A4000C022F05"), write("00D60000", "a"), write("00D68510", "b")]
    scripts = commands(plan_scripts(steps, {"a": content, "b": content}, TARS, 60))

    def written(prefix):
        return [(line[:8], unhex(line[10:])) for lines in scripts for line in lines if line.startswith(prefix)]

    assert [(header, len(data)) for header, data in written("00D600")] == [
        ("00D60000", 48), ("00D60030", 48), ("00D60060", 4)
    ]  # fmt: skip
    assert [(header, len(data)) for header, data in written("00D685")] == [("00D68510", 55), ("00D68547", 45)]
    assert b"".join(data for _, data in written("00D600")) == b"".join(data for _, data in written("00D685")) == content


def test_pieces_beyond_256_bytes_go_on_by_offset():
    content = bytes(300)
    steps = [
        step(Role.SELECT, "00A4000C022F05"),
        write("00D60000", "a", span=(0, 255)),
        write("00D600FF", "a", span=(255, 45)),
    ]
    headers = [line[:8] for lines in commands(plan_scripts(steps, {"a": content}, TARS, 212)) for line in lines]

    assert [header for header in headers if header.startswith("00D6")] == ["00D60000", "00D600C8", "00D600FF"]


def test_what_relies_on_an_sfi_stays_in_its_packet():
    content = bytes(range(250)) + bytes(50)
    steps = [write("00D68500", "a", span=(0, 255)), write("00D600FF", "a", span=(255, 45)), write("00D68600", "b")]

    for room, expected in ((319, [3]), (318, [2, 1]), (299, [2, 1])):
        assert [len(lines) for lines in commands(plan_scripts(steps, {"a": content, "b": AA}, TARS, room))] == expected
    earlier = step(Role.WRITE, "00D68500", serves="a", phase=Phase.FENCE)
    for before in ([earlier], [write("00D68500", "b"), earlier]):
        with pytest.raises(ProfileError, match=r"^a: relies on a file that no command of its packet selects$"):
            plan_scripts([*before, steps[1]], {"a": content, "b": AA}, TARS, 310)


def test_a_read_ends_its_script():
    steps = [write("00D68500", "a"), step(Role.READ, "00B0850004"), write("00D68600", "b")]

    assert commands(plan_scripts(steps, CONTENTS, TARS, 200)) == [
        ["00D6850004AAAAAAAA", "00B0850004"],
        ["00D6860004BBBBBBBB"],
    ]


def test_deleted_files_leave_no_selection_behind():
    steps = [
        step(Role.SELECT, "00A4000C022F05"),
        write("00D60000", "a"),
        step(Role.DELETE, "00E40000022F06"),
        step(Role.SELECT, "00A4000C022F05"),
        write("00D60000", "b"),
    ]

    assert commands(plan_scripts(steps, CONTENTS, TARS, 200)) == [
        ["00A4000C022F05", "00D6000004AAAAAAAA", "00E40000022F06", "00A4000C022F05", "00D6000004BBBBBBBB"]
    ]


def test_secrets_go_whole_and_stay_secret():
    secret = {"a": (b"\x04", Secret(bytes(16), "k"))}
    (script,) = plan_scripts([write("00D68500", "a")], secret, TARS, 30).scripts

    assert [repr(part) for part in script.content()] == ["<Secret command 00D68500, 22 bytes>"]
    assert len(plan_scripts([write("00D68500", "a")], secret, TARS, 20).scripts) == 1
    with pytest.raises(ProfileError, match=r"^a: a secret longer than 255 bytes cannot be sent in pieces$"):
        plan_scripts([write("00D68500", "a", span=(0, 8))], secret, TARS, 60)


def test_records_are_not_divided():
    steps = [write("00DC010C", "a"), write("00DC020C", "b")]

    assert [len(lines) for lines in commands(plan_scripts(steps, CONTENTS, TARS, 5))] == [1, 1]
    assert [len(lines) for lines in commands(plan_scripts(steps, CONTENTS, TARS, 17))] == [1, 1]
    assert [len(lines) for lines in commands(plan_scripts(steps, CONTENTS, TARS, 18))] == [2]


def test_steps_without_an_application_are_refused():
    mf_only = {"MF": TARS["MF"]}
    with pytest.raises(ProfileError, match=r"^ADF.USIM: no application of the card takes scripts for it, expected its"):
        plan_scripts(IN_USIM, CONTENTS, mf_only, 99)
    with pytest.raises(ProfileError, match=r"^MF: no application of the card takes scripts for it, expected its TAR$"):
        plan_scripts([write("00D68500", "a")], CONTENTS, {}, 99)


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        (Role.PRESENT, "access comes with the application of the card"),
        (Role.CHANGE, "codes are changed in a reader, with their counters in sight"),
        (Role.PROVE, "no challenge goes over the air"),
        (Role.GONE, "a script stops at the first error"),
    ],
)
def test_steps_left_out_have_their_reason(role, reason):
    made_ = plan_scripts([step(role, "00200001")], {}, TARS, 99)

    assert (made_.scripts, [left.reason for left in made_.left_out]) == ((), [reason])
    assert plan_scripts([step(role, "00200001")], {}, TARS, 99, phases=(Phase.SEAL,)).left_out == ()
