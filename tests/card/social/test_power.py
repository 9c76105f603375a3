"""One power and one file for all applications: cuts at any write, chips in files, images that fit no longer."""

import copy

import pytest

from cardkit.virtual import ChipFileError, ImageError, load_image, make_card
from cardkit.virtual.chips import ChipDirectory
from tests.card.cipurse.terminal import Bench
from tests.card.eid import structure
from tests.card.emv.bureau import Bureau

from .conftest import ADF, IDENTITY, ISD, OTHER_PIN, PAYMENT, PIN, STATUS_FILE, TRANSPORT, VERIFY

DELETE_PAYMENT = "84E40000", bytes.fromhex(f"4F{len(PAYMENT) // 2:02X}{PAYMENT}")


def create_adf(terminal):
    terminal.enter(TRANSPORT)
    return lambda: terminal(Bench.adf(fid="5F01", aid="D276000004150299"))


def perform_transaction(terminal):
    terminal.enter(ADF)
    terminal.ok("00D682000401020304", "00D6820001FF")
    return lambda: terminal("807E0000")


def format_all(terminal):
    terminal.enter(TRANSPORT)
    return lambda: terminal("80FC000007436F6E6669724D")


def create_file(terminal):
    terminal.enter(IDENTITY)
    return lambda: terminal(structure.file("0002", 16))


def delete_directory(terminal):
    terminal.enter(IDENTITY)
    terminal.ok(VERIFY + PIN)
    return lambda: terminal("00E40000025015")


def verify_wrong_pin(terminal):
    terminal.enter(IDENTITY)
    return lambda: terminal(VERIFY + OTHER_PIN)


def delete_payment(terminal):
    bureau = Bureau(terminal.card).open()
    return lambda: bureau.send(*DELETE_PAYMENT).hex().upper()


def start_transaction(terminal):
    terminal.enter(PAYMENT)
    return lambda: terminal("80A8000005830360D0C800")


COMMANDS = {
    create_adf: "transport/", perform_transaction: "transport/", format_all: "transport/",
    create_file: "identity/", delete_directory: "identity/", verify_wrong_pin: "identity/",
    delete_payment: "payment/", start_transaction: "payment/",
}  # fmt: skip


def lasting(terminal, prefix):
    """Cells of one application, but for what an unfinished command leaves behind."""
    return {name: value for name, value in terminal.cells(prefix).items() if not name.endswith("/journal")}


@pytest.mark.parametrize("prepare", COMMANDS, ids=lambda prepare: prepare.__name__)
def test_a_cut_at_any_write_leaves_all_or_nothing(finished, prepare):
    home = COMMANDS[prepare]
    others = [prefix for prefix in ("payment/", "identity/", "transport/") if prefix != home]
    whole = copy.deepcopy(finished)
    command = prepare(whole)
    before = lasting(whole, home)
    kept = [whole.cells(prefix) for prefix in others]
    done = command()
    assert done[-4:] in ("9000", "63C2")
    after = lasting(whole, home)
    assert before != after
    seen = set()
    for step in range(1, 80):
        torn = copy.deepcopy(finished)
        command = prepare(torn)
        torn.card.cut_at(step)
        answer = command()
        if answer == "":
            assert torn("FFCA000000") == "", "gone for the reader, too"
        torn.card.power(cold=True)
        now = lasting(torn, home)
        assert now in (before, after)
        assert [torn.cells(prefix) for prefix in others] == kept
        assert torn.select(ISD).endswith("9000")
        seen.add(now == after)
        if answer == done:
            break
    assert answer == done
    assert seen == {False, True}


def test_one_count_of_writes_over_all_applications(finished):
    """Three commands, one in each application: the cut finds the write, wherever it is."""

    def run(terminal):
        bureau = Bureau(terminal.card)
        yield lambda: terminal.select(IDENTITY) and terminal(VERIFY + OTHER_PIN)
        yield lambda: terminal.select(ADF) and terminal("00D6810004FEEDF00D")
        yield lambda: bureau.open() and bureau.send(*DELETE_PAYMENT).hex()

    gone = []
    for step in range(1, 40):
        torn = copy.deepcopy(finished)
        torn.card.cut_at(step)
        for number, command in enumerate(run(torn)):
            try:
                answer = command()
            except (AssertionError, IndexError):  # the bureau of a card that is gone
                answer = ""
            if answer == "":
                gone.append(number)
                break
        else:
            break
    assert gone == sorted(gone)
    assert set(gone) == {0, 1, 2}


def test_an_unfinished_command_of_one_is_taken_back_whoever_is_selected_next(tmp_path):
    terminal_card = make_card("social", seed=1, store=tmp_path / "chip")
    send = lambda command: terminal_card.transmit(bytes.fromhex(command)).hex().upper()  # noqa: E731 - short
    send(f"00A404000C{IDENTITY}00")
    terminal_card.cut_at(3)
    assert send(structure.file("0001", 16)) == ""
    assert any(name == "identity/journal" for name in terminal_card.memory())
    again = make_card("social", store=tmp_path / "chip")
    assert again.memory() == make_card("social", seed=1).memory()


def test_a_chip_in_a_file_is_the_same_chip(tmp_path):
    chips = ChipDirectory(tmp_path, "social", seed=1)
    first = chips.fresh()
    send = lambda card, *commands: [card.transmit(bytes.fromhex(text)).hex().upper() for text in commands]  # noqa: E731
    enter = {aid: f"00A40400{len(aid) // 2:02X}{aid}" for aid in (IDENTITY, TRANSPORT, ADF)}
    answers = send(
        first, enter[IDENTITY], structure.file("0001", 13), f"00D600000D{STATUS_FILE}", f"0024010104{PIN}",
        VERIFY + OTHER_PIN, enter[TRANSPORT], Bench.adf(), Bench.ef(extent="0004"), "00D6810004CAFEBABE",
    )  # fmt: skip
    assert [answer[-4:] for answer in answers] == ["9000"] * 4 + ["63C2"] + ["9000"] * 4
    assert Bureau(first).open().install() == b"\x00\x90\x00"
    again = ChipDirectory(tmp_path, "social").open(first.serial)
    assert again.memory() == first.memory()
    assert send(again, "FFCA000000") == [f"05{first.serial.hex().upper()}9000"]
    assert send(again, enter[ADF], "00B0810000")[1] == "CAFEBABE9000"
    assert send(again, enter[IDENTITY], "0020000100", "00A40000020001", "00B0000000")[1::2] == [
        "63C2",
        f"{STATUS_FILE}9000",
    ]
    assert send(again, f"00A4040007{PAYMENT}00")[0].endswith("9000")
    assert len(list(tmp_path.iterdir())) == 1


def social(tmp_path, *changes):
    """An image like the delivered one, but for some lines."""
    path = tmp_path / "variant.toml"
    path.write_text('[chip]\nlike = "social"\n' + "\n".join(changes))
    return path


def test_a_chip_belongs_to_an_image_with_all_its_parts(tmp_path):
    other = load_image(social(tmp_path, '[parts]\npayment = "emv-cps-scp03"'))
    store = tmp_path / "chip"
    make_card("social", seed=1, store=store)
    with pytest.raises(ChipFileError, match="another image"):
        make_card(other, store=store)
    card = make_card(other, seed=1)
    assert card.transmit(bytes.fromhex("00A404000CF276A288BCFBA69D34F3100100"))[-2:] == b"\x90\x00"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('[parts]\npayment = "pkcs15"', "expected a GlobalPlatform image of payment or document"),
        ('[parts]\ntransport = "desfire-ev1"', "expected of transport a CIPURSE image"),
        ('[applications]\ntransport = ""', "and its AID under applications"),
        ('[parts]\nidentity = "piv"', "expected an identity of PKCS#15"),
        ("protocols = [0, 1]", "protocols"),
        ('atr = "3B8B80018073C821D1555653432D31CE"', "one logical channel"),
        ('[applications]\ntransport = "A0000000"', "transport AID of 4 bytes"),
        ('[parts]\nidentity = "nosuch"', "nosuch"),
    ],
)
def test_contradictions_are_refused(tmp_path, change, message):
    with pytest.raises(ImageError, match=message):
        load_image(social(tmp_path, change))


def test_a_missing_part_is_named(tmp_path):
    path = tmp_path / "image.toml"
    path.write_text('[chip]\nsystem = "social"\nname = "x"\ntitle = "x"\natr = "3B00"\nprotocols = [1]\n')
    with pytest.raises(ImageError, match="missing entry 'parts'"):
        load_image(path)
