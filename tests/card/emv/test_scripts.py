"""Issuer scripts of every cryptogram version, written by the issuer's side (EMV Book 2, 9; Book 3, 6.5)."""

import pytest

from .host import Host
from .issuance import AID, IADS, record
from .terminal import AAC, ARQC, TC
from .test_transactions import issue_aes, kind

pytestmark = pytest.mark.filterwarnings("ignore")  # the oracle hands 16-byte keys to `cryptography`

UNBLOCK_PIN, BLOCK, UNBLOCK, BLOCK_CARD = "84240000", "841E0000", "84180000", "84160000"


def online(issue, name="vsdc18", **changes):
    terminal = issue_aes(issue) if name == "ccd6" else issue(name, **changes)
    terminal.start()
    return terminal, Host(name), terminal.generate(ARQC)


def verify(terminal, pin):
    return terminal.status("0020008008" + f"24{pin}FFFFFFFFFF")


@pytest.mark.parametrize("name", IADS)
def test_a_new_pin(issue, name):
    terminal, host, first = online(issue, name)
    assert terminal.status(host.change_pin("7777", first)) == "9000"
    terminal.select()
    terminal.initiate()
    assert verify(terminal, "1234") == "63C2"
    assert verify(terminal, "7777") == "9000"


@pytest.mark.parametrize("name", ["vsdc10", "vsdc18", "vsdc22"])
def test_a_new_pin_under_the_current_one(issue, name):
    terminal, host, first = online(issue, name)
    assert terminal.status(host.change_pin("4321", first, current="1234")) == "9000"
    terminal.select()
    terminal.initiate()
    assert verify(terminal, "4321") == "9000"


def test_a_new_pin_under_another_current_one_is_none(issue):
    terminal, host, first = online(issue)
    assert terminal.status(host.change_pin("4321", first, current="9999")) == "6A80"
    terminal.select()
    terminal.initiate()
    assert verify(terminal, "1234") == "9000"


@pytest.mark.parametrize("name", IADS)
def test_a_blocked_pin_is_unblocked(issue, name):
    terminal = issue_aes(issue) if name == "ccd6" else issue(name)
    host = Host(name)
    terminal.start()
    for _ in range(3):
        verify(terminal, "9999")
    first = terminal.generate(ARQC)
    assert terminal.status(host.script(UNBLOCK_PIN, first)) == "9000"
    assert terminal.ok("80CA9F1700").hex() == "9f170103"


@pytest.mark.parametrize("name", IADS)
@pytest.mark.parametrize("place", [-1, -8, 4])
def test_a_wrong_mac_changes_nothing_but_what_the_card_tells(issue, name, place):
    terminal, host, first = online(issue, name)
    command = bytearray.fromhex(host.change_pin("7777", first))
    command[place] ^= 0x01
    answer = terminal.card.transmit(bytes(command))
    assert answer in (b"\x69\x82", b"\x67\x00")
    if place != 4:
        assert terminal.status(host.change_pin("7777", first)) == "9000", "it may be sent again"
    terminal.select()
    terminal.initiate()
    assert verify(terminal, "7777" if place != 4 else "1234") == "9000"


def test_forms_of_pin_change_that_are_none(issue):
    terminal, host, first = online(issue)
    assert terminal.status(host.script("84240003", first)) == "6A86"
    assert terminal.status(host.script("84240100", first)) == "6A86"
    assert terminal.status(host.script("84240002", first)) == "6A80", "no block at all"
    assert terminal.status(host.script("84240002", first, bytes(7))) == "6A80"
    assert terminal.status(host.script("84240002", first, bytes(8))) == "6A80", "deciphers to nothing"
    assert terminal.status(host.script("84240000", first, bytes(8))) == "6A80"
    terminal, host, first = online(issue, "mchip14")
    assert terminal.status(host.script("84240001", first, bytes(8))) == "6A86", "VSDC only"
    terminal, host, first = online(issue, "ccd5")
    assert terminal.status(host.script("84240002", first, bytes(8))) == "6A80"
    terminal, host, first = online(issue, _8010=None, _9010=None)
    assert terminal.status(host.script(UNBLOCK_PIN, first)) == "6984"


def test_a_mac_of_another_transaction(issue):
    terminal, host, first = online(issue)
    old = host.script(BLOCK, first)
    terminal.start()
    terminal.generate(ARQC)
    assert terminal.status(old) == "6982"


@pytest.mark.parametrize("name", ["vsdc18", "mchip14"])
def test_scripts_count_and_report_in_the_next_transaction(issue, name):
    terminal, host, first = online(issue, name)
    assert terminal.status(host.script(UNBLOCK_PIN, first)) == "9000"
    terminal.generate(TC, second=True, _91=host.response(first))
    terminal.start()
    iad = terminal.generate(ARQC)["9F10"]
    assert iad[6] >> 4 == 1 if name == "vsdc18" else iad[4] >> 4 == 1
    terminal.generate(TC, second=True, _91="00" * 10 if name == "mchip14" else "00" * 8)


def test_the_session_key_of_mchip_moves_with_each_command(issue):
    terminal, host, first = online(issue, "mchip14")
    next_cryptogram = (int.from_bytes(first["9F26"], "big") + 1).to_bytes(8, "big")
    assert terminal.status(host.script(UNBLOCK_PIN, first)) == "9000"
    assert terminal.status(host.script(UNBLOCK_PIN, first)) == "6982"
    moved = host.version
    code = moved_mac(moved, first, next_cryptogram)
    assert terminal.status(f"8424000008{code}") == "9000"


def moved_mac(version, first, moved):
    """The MAC under the next session key, still over the first cryptogram."""
    from pyemv import kd, sm

    key = kd.derive_common_sk(version.icc_mk_smi, moved)
    return sm.generate_command_mac(key, bytes.fromhex("8424000008") + first["9F36"] + first["9F26"]).hex()


def test_application_block_and_unblock(issue):
    terminal, host, first = online(issue)
    assert terminal.status(host.script(BLOCK, first)) == "9000"
    assert kind(terminal.generate(TC, second=True, _91=host.response(first))) == AAC
    terminal.power()
    answer = terminal(f"00A4040007{AID}00")
    assert answer[-4:] == "6283"
    assert "A5" in answer
    assert terminal.status(f"00A4040207{AID}00") == "6A82"
    assert terminal(f"00A4040007{AID}00")[-4:] == "6283"
    terminal.initiate().read()
    declined = terminal.generate(TC)
    assert kind(declined) == AAC
    assert terminal.status(host.script(BLOCK, declined)) == "6985"
    assert terminal.status(host.script(UNBLOCK, declined)) == "9000"
    assert terminal.status(f"00A4040007{AID}00") == "9000"


def test_a_blocked_application_may_refuse_everything(issue, choose):
    terminal, host, first = online(issue)
    assert terminal.status(host.script(BLOCK, first)) == "9000"
    choose(terminal, blocked="refuse")
    assert terminal.status(f"00A4040007{AID}00") == "6283"
    assert terminal.status("80A8000005830360D0C800") == "6985"


def test_card_block_is_for_the_whole_card(issue):
    terminal, host, first = online(issue)
    assert terminal.status(host.script(BLOCK_CARD, first)) == "9000"
    for name in (AID, b"1PAY.SYS.DDF01".hex()):
        assert terminal.power().status(f"00A40400{len(name) // 2:02X}{name}00") == "6A81"


def test_put_data_changes_limits(issue):
    terminal, host, first = online(issue)
    assert terminal.status(host.script("04DA9F58", first, b"\x00")) == "9000"
    assert terminal.status(host.script("04DA9F58", first, b"\x00\x01")) == "6A80"
    assert terminal.status(host.script("04DA9F10", first, b"\x00")) == "6A88"
    terminal.generate(TC, second=True, _91=host.response(first))
    terminal.start()
    assert kind(terminal.generate(TC)) == ARQC, "no transaction offline any more"


def test_update_record(issue):
    terminal, host, first = online(issue)
    fresh = bytes.fromhex(record({"57": "1234560012345608D30012011F"}))
    assert terminal.status(host.script("04DC010C", first, fresh)) == "9000"
    assert terminal.ok("00B2010C00") == fresh
    assert terminal.status(host.script("04DC010C", first, b"\x57\x01\x12")) == "6A80"
    assert terminal.status(host.script("04DC050C", first, fresh)) == "6A83"
    assert terminal.status(host.script("04DC015C", first, fresh)) == "6982"
    assert terminal.ok("00B2010C00") == fresh


def test_scripts_after_the_second_cryptogram(issue):
    terminal, host, first = online(issue)
    terminal.generate(TC, second=True, _91=host.response(first))
    assert terminal.status(host.script(UNBLOCK_PIN, first)) == "9000"


def test_short_macs_are_a_choice(issue):
    internal = "9F1007060112030000009F51020860DF020104"
    terminal, host, first = online(issue, _0D01=internal)
    whole = bytes.fromhex(host.script(UNBLOCK_PIN, first))
    assert terminal.status(whole.hex()) in ("6982", "6A80")
    message = bytes.fromhex("8424000004")
    code = host.version.generate_command_mac(message, tag_9f26=first["9F26"], tag_9f36=first["9F36"])
    assert terminal.status((message + code[:4]).hex()) == "9000"
    assert terminal.status("842400000311 2233".replace(" ", "")) == "6700"


ORDERS = {
    "00820000": ("tries unchanged", None),
    "02920000": ("two tries", 2),
    "0F920000": ("no more than the limit", 3),
}


@pytest.mark.parametrize("update", ORDERS)
def test_orders_of_the_issuer_for_the_pin(issue, update):
    terminal, host, first = online(issue)
    terminal.generate(TC, second=True, _91=host.response(first, csu=bytes.fromhex(update)))
    assert terminal.ok("80CA9F1700")[-1] == (ORDERS[update][1] or 3)


def test_orders_of_the_issuer_to_block(issue):
    terminal, host, first = online(issue)
    terminal.generate(AAC, second=True, _91=host.response(first, csu=bytes.fromhex("00200000")))
    assert terminal.status(f"00A4040007{AID}00") == "6283"
    terminal, host, first = online(issue)
    terminal.generate(AAC, second=True, _91=host.response(first, csu=bytes.fromhex("00400000")))
    assert terminal.power().status(f"00A4040007{AID}00") == "6A81"


def test_orders_of_the_issuer_to_come_back(issue):
    terminal, host, first = online(issue)
    terminal.generate(TC, second=True, _91=host.response(first, csu=bytes.fromhex("008A0000")))
    terminal.start()
    assert kind(terminal.generate(TC)) == ARQC


COUNTERS = [("80", 1, 1000), ("81", 9, 5000), ("82", 0, 0), ("83", 2, 2000)]


@pytest.mark.parametrize(("orders", "count", "amount"), COUNTERS)
def test_orders_of_the_issuer_for_the_counters(issue, orders, count, amount):
    internal = "9F1020" + IADS["ccd5"] + "9F510208609F5901099F5C06000000005000"
    terminal, host, first = online(issue, "ccd5", _0D01=internal)
    terminal.generate(TC, second=True, _8A="3030", _91=host.response(first))
    terminal.start()
    assert kind(terminal.generate(TC)) == TC
    terminal.start()
    first = terminal.generate(ARQC)
    terminal.generate(TC, second=True, _91=host.response(first, csu=bytes.fromhex(f"00{orders}0000")))
    terminal.start()
    counters = terminal.generate(AAC)["9F10"][8:16]
    assert (int(counters[:6].hex()), counters[6]) == (amount, count)
