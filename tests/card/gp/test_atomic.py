"""Power cuts between any two writes, faults of the memory, chips in files, and the card behind every existing seam."""

import pytest

from cardkit.target import open_card
from cardkit.virtual import ImageError, load_image, make_card
from cardkit.virtual.chips import ChipDirectory
from cardkit.virtual.faults import catalogue
from cardkit.virtual.vpcd import WithoutPPS

from .conftest import APPLET, ISD, KEYS, PACKAGE, SSD, Terminal, lv, tlv
from .test_content import CAP_AID, CAP_MODULE, cap, for_load, load_blocks


def put_keys(terminal):
    return terminal.put_keys(0x30, *KEYS)


def install(terminal):
    return terminal.install(privileges="04")


def load_last(terminal):
    return terminal(f"80E88000{lv(tlv('C4', cap(filler=150)))}")


def delete_related(terminal):
    return terminal(f"80E40080{lv(tlv('4F', PACKAGE))}")


def lock_all(terminal):
    return terminal(f"80F06080{lv(SSD)}")


def update(terminal):
    return terminal(f"80E64000{lv('00' + '00' + lv(APPLET) + lv('000200') + lv('EF03CF0143') + '00')}")


def rename(terminal):
    return terminal(f"80E29000{lv(tlv('4F', 'A000000999'))}")


def card_state(terminal):
    return terminal("80F0800700")


COMMANDS = {
    put_keys: (),
    install: (),
    load_last: (for_load,),
    delete_related: (install,),
    lock_all: (Terminal.install_domain, install),
    update: (install,),
    rename: (install,),
    card_state: (),
}


def prepared(command):
    terminal = Terminal(make_card("gp-scp03", seed=1))
    assert terminal.open() == "9000"
    for step in COMMANDS[command]:
        assert step(terminal).endswith("9000")
    return terminal


def contents(card):
    """All but the bookkeeping."""
    return {name: value for name, value in card.memory().items() if not name.startswith(("tries/", "journal"))}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_a_cut_at_any_write_leaves_all_or_nothing(command):
    whole = prepared(command)
    before = contents(whole.card)
    assert command(whole).endswith("9000")
    after = contents(whole.card)
    assert before != after
    for step in range(1, 40):
        torn = prepared(command)
        torn.card.cut_at(step)
        answer = command(torn)
        if answer:
            break
        assert torn.raw("80CA006600") == "", "gone until it is powered"
        torn.card.power(cold=True)
        assert contents(torn.card) == before
        assert torn.select().endswith("9000")
    assert answer.endswith("9000")
    assert contents(torn.card) == after
    assert step > 1


def test_a_cut_in_a_file_is_mended_by_the_next_process(tmp_path):
    chips = ChipDirectory(tmp_path, "gp-scp03", seed=1)
    terminal = Terminal(chips.fresh())
    assert terminal.open() == "9000"
    before = contents(terminal.card)
    terminal.card.cut_at(3)
    assert terminal.install(privileges="04") == ""
    again = chips.open(terminal.card.serial)
    assert contents(again) == before


def test_everything_survives_in_a_file(tmp_path):
    chips = ChipDirectory(tmp_path, "gp-scp03", seed=1)
    terminal = Terminal(chips.fresh())
    assert terminal.open() == "9000"
    assert put_keys(terminal).endswith("9000")
    assert for_load(terminal) == "009000"
    assert load_blocks(terminal, tlv("C4", cap())) == "009000"
    assert terminal.install(package=CAP_AID, module=CAP_MODULE) == "009000"
    assert terminal(f"80E29000{lv(tlv('42', 'AABB'))}") == "9000"
    assert terminal("80F0800700") == "9000"
    again = Terminal(chips.open(terminal.card.serial))
    assert again.card.memory() == terminal.card.memory()
    assert again.open(kvn=0x30, keys=KEYS) == "9000"
    assert set(again.registry()) == {APPLET}
    assert again("80CA004200") == "4202AABB9000"


def test_a_fresh_chip_is_blank_in_its_file_and_serials_differ(tmp_path):
    chips = ChipDirectory(tmp_path, "gp-scp02")
    first, second = chips.fresh(), chips.fresh()
    assert first.serial != second.serial
    assert len(chips.serials()) == 2
    assert contents(chips.open(first.serial)) == contents(first) != contents(second)


def test_reads_write_nothing(tmp_path):
    chips = ChipDirectory(tmp_path, "gp-scp03")
    terminal = Terminal(chips.fresh())
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns
    for command in ("00A4040000", "80CA9F7F00", "80CA00E000", "80F28002024F0000"):
        terminal.raw(command)
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["dropped-write", "flipped-memory", "write-error"])
def test_faults_of_the_memory_show(name):
    """The n-th change of registry, keys or data; tries and counters pass."""
    good, fault = make_card("gp-scp03", seed=1), catalogue()[name](make_card("gp-scp03", seed=1), at=1)
    answers = []
    for card in (good, fault):
        terminal = Terminal(card)
        assert terminal.open() == "9000"
        answers.append(terminal(f"80E29000{lv(tlv('42', 'AABBCCDD'))}"))
    assert fault.fired == 1
    assert answers == ["9000", "6581" if name == "write-error" else "9000"]
    assert fault.memory().get(f"data/{ISD}/42") != good.memory()[f"data/{ISD}/42"] == bytes.fromhex("AABBCCDD")


def test_6581_in_the_middle_of_a_command_undoes_it():
    """INSTALL with Card Reset writes three cells, and each may fail."""
    for nth in range(1, 4):
        fault = catalogue()["write-error"](make_card("gp-scp03", seed=1), at=nth)
        terminal = Terminal(fault)
        assert terminal.open() == "9000"
        before = contents(fault)
        assert terminal.install(privileges="04") == "6581"
        assert contents(fault) == before
        assert terminal.install(privileges="04") == "009000"


def test_power_faults_and_swapped_cards():
    torn = Terminal(catalogue()["tear-after"](make_card("gp-scp03", seed=1), at=4))
    assert torn.open() == "9000"
    assert torn.install() == ""
    torn.card.power(cold=True)
    assert torn.open() == "9000"
    assert set(torn.registry()) == {APPLET}
    mute = Terminal(catalogue()["mute"](make_card("gp-scp03", seed=1), at=2))
    assert mute.select().endswith("9000")
    with pytest.raises(TimeoutError):
        mute.greet()
    swapped = Terminal(catalogue()["card-swapped"](make_card("gp-scp03", seed=1), at=1))
    serial = swapped.card.serial
    assert swapped.open() == "9000"
    assert swapped("80F28002024F00") == "6982"
    assert swapped.card.serial != serial


def test_faults_of_files_say_what_they_want():
    with pytest.raises(ImageError, match="expected a card with files, got image gp-scp03"):
        catalogue()["one-try-left"](make_card("gp-scp03", seed=1))


class TestSeams:
    @pytest.mark.parametrize("image", ["gp-scp02", "gp-scp03"])
    def test_targets_open_it(self, image, tmp_path):
        for text in (f"virtual:{image}", f"virtual:{image}@{tmp_path}"):
            with open_card(text, seed=1) as card:
                assert card.atr == load_image(image).atr

    def test_the_pytest_fixture_makes_it(self, virtual_card, reader):
        card = virtual_card("gp-scp03")
        assert reader(card).atr == card.atr()

    def test_without_pps_it_names_t1(self):
        card = make_card("gp-scp03", seed=1)
        changed = WithoutPPS(card).atr()
        assert [a ^ b for a, b in zip(card.atr(), changed, strict=True)] == [0] * 5 + [1] + [0] * 14 + [1]

    def test_a_protocol_the_atr_does_not_offer(self):
        with pytest.raises(ImageError, match="not T=2"):
            make_card("gp-scp03", protocol=2)

    def test_a_seed_repeats_chip_and_challenges(self):
        first, second = (Terminal(make_card("gp-scp02", seed=7)) for _ in range(2))
        assert first.card.memory() == second.card.memory()
        assert first.raw("00A4040000") + first.greet().hex() == second.raw("00A4040000") + second.greet().hex()
        assert make_card("gp-scp02").serial != make_card("gp-scp02").serial
