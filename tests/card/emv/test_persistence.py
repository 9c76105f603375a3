"""What outlives power: counters, states, chips in files; and power cuts between any two writes."""

import contextlib
import copy

import pytest

from cardkit.virtual import make_card
from cardkit.virtual.chips import ChipDirectory

from .bureau import personalize
from .host import Host
from .issuance import AID, card
from .terminal import AAC, ARQC, TC, RefusedError, Terminal
from .test_transactions import kind

pytestmark = pytest.mark.filterwarnings("ignore")  # the oracle hands 16-byte keys to `cryptography`


def contents(terminal):
    return {name: value for name, value in terminal.card.memory().items() if name.startswith(f"app/{AID}/")}


def select(terminal):
    terminal.select()


def initiated(terminal):
    terminal.start()


def first_done(terminal):
    terminal.start()
    terminal.first = terminal.generate(ARQC)


def gpo(terminal):
    terminal.initiate()


def approve_offline(terminal):
    terminal.generate(TC)


def go_online(terminal):
    terminal.generate(ARQC)


def decline(terminal):
    terminal.generate(AAC)


def complete(terminal):
    terminal.generate(TC, second=True, _91=Host("vsdc18").response(terminal.first))


def change_pin(terminal):
    terminal.ok(Host("vsdc18").change_pin("7777", terminal.first))


def put_data(terminal):
    terminal.ok(Host("vsdc18").script("04DA9F58", terminal.first, b"\x05"))


def block(terminal):
    terminal.ok(Host("vsdc18").script("841E0000", terminal.first))


CUTS = {
    gpo: select, approve_offline: initiated, go_online: initiated, decline: initiated,
    complete: first_done, change_pin: first_done, put_data: first_done, block: first_done,
}  # fmt: skip


@pytest.fixture
def online_card(issue):
    """A card that has been online, so that it approves offline."""
    terminal = issue()
    first_done(terminal)
    complete(terminal)
    return terminal


@pytest.mark.parametrize("command", CUTS, ids=lambda command: command.__name__)
def test_a_cut_at_any_write_leaves_all_or_nothing(online_card, command):
    ready = online_card
    CUTS[command](ready)
    whole = copy.deepcopy(ready)
    before = contents(whole)
    command(whole)
    after = contents(whole)
    assert before != after
    seen = set()
    for step in range(1, 12):
        torn = copy.deepcopy(ready)
        torn.card.cut_at(step)
        with contextlib.suppress(RefusedError):
            command(torn)
        torn.card.chip.memory.cut = None
        torn.power()
        assert contents(torn) in (before, after)
        seen.add(contents(torn) == after)
        assert torn.status(f"00A4040007{AID}00") == ("6283" if command is block and contents(torn) == after else "9000")
    assert seen == {False, True}


def test_the_counter_never_goes_back(issue):
    terminal = issue()
    seen = [0]
    for step in (None, 1, 2, 3, None, 2, None):
        terminal.power().select()
        if step:
            terminal.card.cut_at(step)
        terminal.card.transmit(bytes.fromhex("80A8000005830360D0C800"))
        terminal.power().select()
        seen.append(int.from_bytes(terminal.ok("80CA9F3600")[3:], "big"))
    assert seen == sorted(seen)
    assert seen[-1] >= 3


def test_an_interrupted_online_transaction_is_told_in_the_next(issue):
    terminal = issue("ccd5")
    host = Host("ccd5")
    terminal.start()
    first = terminal.generate(ARQC)
    terminal.generate(TC, second=True, _91=host.response(first))
    terminal.start()
    assert kind(terminal.generate(ARQC)) == ARQC
    terminal.power().start()
    told = terminal.generate(TC)
    assert kind(told) == ARQC, "it wants to finish that first"
    assert told["9F10"][4] & 0x01
    terminal.generate(TC, second=True, _91=host.response(told))
    terminal.start()
    assert kind(terminal.generate(TC)) == TC


@pytest.mark.parametrize("reset", ["power", "selection"])
def test_a_reset_forgets_what_belonged_to_the_transaction(issue, reset):
    terminal = issue("ccd5")
    terminal.start()
    assert terminal.status("0020008008241234FFFFFFFFFF") == "9000"
    if reset == "power":
        terminal.power()
    terminal.start()
    assert not terminal.generate(AAC)["9F10"][4] & 0x0C, "no PIN in this transaction"


def test_chips_in_files_go_on_where_they_were(tmp_path):
    chips = ChipDirectory(tmp_path, "emv-cps", seed=1)
    fresh = chips.fresh()
    personalize(fresh, card())
    terminal = Terminal(fresh)
    terminal.power().start()
    terminal.generate(ARQC)
    again = Terminal(ChipDirectory(tmp_path, "emv-cps").open(fresh.serial))
    again.select()
    assert again.ok("80CA9F3600").hex() == "9f36020001"
    again.initiate()
    assert again.ok("80CA9F3600").hex() == "9f36020002"


@pytest.mark.parametrize(
    ("image", "atr"),
    [("emv-cps", "3BE900008131FE45434B49542D454D5631B5"), ("emv-cps-t0", "3B6500002063CB6800")],
)
def test_answers_to_reset(image, atr):
    """Basic ATRs of the EMV contact interface (8.3): TB1 00; T=1 with TD1 81, TD2 31, TA3, TB3 and a right TCK."""
    virtual = make_card(image, seed=1)
    assert virtual.atr().hex().upper() == atr
    if virtual.protocol == 1:
        check = 0
        for byte in virtual.atr()[1:]:
            check ^= byte
        assert check == 0
