"""Values, records, backup files: nothing before the commit, everything after it, nothing by halves (sheet 3.9)."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cardkit.virtual import make_card
from cardkit.virtual.faults import catalogue
from tests.card.desfire.host import Host, RefusedError

AID = "010203"
BACKUP, VALUE, LINEAR, CYCLIC, LIMITED = "01", "02", "03", "04", "05"


def prepared(image="desfire-ev2", **made):
    """An application open to all, with one file of each kind under the transaction."""
    host = Host(make_card(image, seed=1, **made))
    host.plain(f"ca{AID}0f01")
    host.plain(f"5a{AID}")
    host.plain(f"cb{BACKUP}00eeee080000")
    host.plain(f"cc{VALUE}00eeee 00000000 64000000 0a000000 00")
    host.plain(f"c1{LINEAR}00eeee040000030000")
    host.plain(f"c0{CYCLIC}00eeee040000030000")
    host.plain(f"cc{LIMITED}00eeee 9cffffff 64000000 0a000000 01")
    return host


def le(number, size=4):
    return number.to_bytes(size, "little", signed=size == 4).hex()


def value(host, file=VALUE):
    return int.from_bytes(host.plain(f"6c{file}"), "little", signed=True)


def status(host, command):
    return f"{host.status(command):02X}"


def count(host, file):
    return int.from_bytes(host.plain(f"f5{file}")[-3:], "little")


def test_reads_show_the_committed_state():
    host = prepared()
    host.plain(f"3d{BACKUP}000000030000aabbcc")
    host.plain(f"0c{VALUE}{le(5)}")
    host.plain(f"3b{CYCLIC}000000040000 01020304")
    assert host.plain(f"bd{BACKUP}000000000000") == bytes(8)
    assert value(host) == 10
    assert count(host, CYCLIC) == 0
    host.plain("c7")
    assert host.plain(f"bd{BACKUP}000000000000") == bytes.fromhex("aabbcc") + bytes(5)
    assert value(host) == 15
    assert host.plain(f"bb{CYCLIC}000000010000") == bytes.fromhex("01020304")


@pytest.mark.parametrize("end", ["a7", f"5a{AID}", "power", "bd01ff0000010000", "99"])
def test_what_ends_a_transaction_takes_it_back(end):
    host = prepared()
    before = dict(host.card.memory())
    host.plain(f"3d{BACKUP}000000030000aabbcc")
    host.plain(f"dc{VALUE}{le(5)}")
    host.plain(f"3b{LINEAR}000000040000 01020304")
    if end == "power":
        host.card.power(cold=True)
        host.plain(f"5a{AID}")
    else:
        host.status(end)
    assert status(host, "c7") == "0C"
    assert host.card.memory() == before


def test_an_authentication_does_not_end_it():
    host = prepared()
    host.plain(f"0c{VALUE}{le(5)}")
    host.authenticate(0x0A, 0, bytes(16))
    host.send(0xC7)
    assert value(host) == 15


def test_limits_of_values():
    host = prepared()
    assert status(host, f"dc{VALUE}{le(11)}") == "BE"
    assert status(host, f"0c{VALUE}{le(91)}") == "BE"
    assert status(host, f"0c{VALUE}{le(-1)}") == "9E"
    host.plain(f"0c{VALUE}{le(90)}")
    assert status(host, f"0c{VALUE}{le(1)}") == "BE"
    assert value(host) == 10
    assert status(host, "c7") == "0C", "the error took the transaction back"


def test_limited_credit():
    """What the last transaction with debits took, once, and no more."""
    host = prepared()
    assert status(host, f"1c{VALUE}{le(1)}") == "9D"
    assert status(host, f"1c{LIMITED}{le(1)}") == "BE"
    for command in (f"dc{LIMITED}{le(30)}", f"0c{LIMITED}{le(5)}", f"dc{LIMITED}{le(10)}", "c7"):
        host.plain(command)
    assert host.plain(f"f5{LIMITED}")[12:16] == bytes.fromhex(le(40))
    host.plain(f"0c{LIMITED}{le(1)}")
    host.plain("c7")
    assert host.plain(f"f5{LIMITED}")[12:16] == bytes.fromhex(le(40)), "a transaction without debits leaves it"
    assert status(host, f"1c{LIMITED}{le(41)}") == "BE"
    host.plain(f"1c{LIMITED}{le(20)}")
    assert status(host, f"1c{LIMITED}{le(1)}") == "BE"
    host.plain(f"1c{LIMITED}{le(20)}")
    host.plain("c7")
    assert host.plain(f"f5{LIMITED}")[12:16] == bytes(4)
    assert value(host, LIMITED) == 10 - 40 + 5 + 1 + 20


def test_linear_fills_up():
    host = prepared()
    for number in range(3):
        host.plain(f"3b{LINEAR}000000010000{number:02x}")
        host.plain("c7")
    assert status(host, f"3b{LINEAR}00000001000009") == "BE"
    assert host.plain(f"bb{LINEAR}000000000000") == bytes.fromhex("00000000 01000000 02000000")
    assert host.plain(f"bb{LINEAR}010000010000") == bytes.fromhex("01000000")
    assert host.plain(f"bb{LINEAR}010000000000") == bytes.fromhex("00000000 01000000")
    for beyond in ("030000010000", "000000040000", "030000000000"):
        assert status(host, f"bb{LINEAR}{beyond}") == "BE"


def test_cyclic_keeps_one_spare():
    host = prepared()
    for number in range(5):
        host.plain(f"3b{CYCLIC}000000010000{number:02x}")
        host.plain(f"3b{CYCLIC}010000010000ff")
        host.plain("c7")
    assert count(host, CYCLIC) == 2
    assert host.plain(f"bb{CYCLIC}000000000000") == bytes.fromhex("03ff0000 04ff0000")


def test_clear_then_write_is_refused_and_aborts():
    host = prepared()
    host.plain(f"3b{CYCLIC}00000001000001")
    host.plain("c7")
    host.plain(f"eb{CYCLIC}")
    assert status(host, f"3b{CYCLIC}00000001000002") == "9D"
    assert status(host, "c7") == "0C"
    assert count(host, CYCLIC) == 1
    host.plain(f"eb{CYCLIC}")
    assert count(host, CYCLIC) == 1
    host.plain("c7")
    assert count(host, CYCLIC) == 0
    assert status(host, f"bb{CYCLIC}000000010000") == "BE"


def test_update_record():
    host = prepared()
    for number in (1, 2):
        host.plain(f"3b{LINEAR}000000010000{number:02x}")
        host.plain("c7")
    host.plain(f"db{LINEAR}010000 020000 010000 77")
    assert host.plain(f"bb{LINEAR}000000000000") == bytes.fromhex("01000000 02000000")
    host.plain("c7")
    assert host.plain(f"bb{LINEAR}000000000000") == bytes.fromhex("01007700 02000000")
    assert status(host, f"db{LINEAR}020000 000000 010000 77") == "BE"
    assert status(host, f"db{LINEAR}000000 030000 020000 7777") == "BE"


def test_a_power_cut_at_any_write_leaves_all_or_nothing(tmp_path):
    """Torn before each write of the commit's memory: after the restart it is as before, or as after."""
    outcomes = set()
    for step in range(1, 12):
        host = prepared(store=tmp_path / f"{step}.chip")
        before = dict(host.card.memory())
        host.plain(f"3d{BACKUP}000000030000aabbcc")
        host.plain(f"dc{VALUE}{le(5)}")
        host.plain(f"0c{LIMITED}{le(5)}")
        host.plain(f"3b{LINEAR}000000040000 01020304")
        host.plain(f"3b{CYCLIC}000000040000 01020304")
        host.card.cut_at(step)
        answer = host.card.transmit(b"\xc7")
        assert answer in (b"", b"\x00")
        again = make_card("desfire-ev2", serial=host.card.serial, store=tmp_path / f"{step}.chip")
        again.power(cold=True)
        host.card.power(cold=True)
        assert dict(again.memory()) == dict(host.card.memory())
        host.plain(f"5a{AID}")
        changed = value(host) == 5
        assert value(host, LIMITED) == (15 if changed else 10)
        assert count(host, LINEAR) == count(host, CYCLIC) == changed
        assert changed or host.card.memory() == before
        outcomes.add((changed, answer))
    assert outcomes == {(False, b""), (True, b"\x00")}


@pytest.mark.parametrize("command", ["ca0a0b0c0f83", "fc", "da010203", "cd09000000100000"])
def test_a_power_cut_in_structure_leaves_all_or_nothing(command):
    steps = 0
    while True:
        steps += 1
        host = prepared()
        if not command.startswith("cd"):
            host.plain("5a000000")
        host.authenticate(0x0A, 0, bytes(16))
        before = dict(host.card.memory())
        host.card.cut_at(steps)
        if host.card.transmit(bytes.fromhex(command)):
            break
        assert host.card.transmit(b"\x60") == b"", "gone until the next power-up"
        host.card.power(cold=True)
        assert host.card.memory() == before
    assert steps > 2


def test_a_chip_outlives_its_process(tmp_path):
    host = prepared(store=tmp_path / "x.chip")
    host.plain(f"0c{VALUE}{le(7)}")
    host.plain("c7")
    host.plain(f"0c{VALUE}{le(7)}")
    again = Host(make_card("desfire-ev2", serial=host.card.serial, store=tmp_path / "x.chip"))
    again.plain(f"5a{AID}")
    assert value(again) == 17
    assert again.card.transmit(bytes.fromhex("FFCA000000")) == b"\x04" + host.card.serial + b"\x90\x00"


class Purse(RuleBasedStateMachine):
    """Values, records and backup against a plain model; power cuts anywhere, at any write."""

    @initialize()
    def start(self):
        self.host = prepared("desfire-ev1")
        self.value, self.records, self.backup = 10, [], bytes(8)
        self.begin()

    def begin(self):
        self.new_value, self.record, self.new_backup, self.touched = self.value, None, self.backup, False

    def send(self, command, fine):
        """A command that must be refused unless it is fine; refused, it takes the transaction back."""
        try:
            self.host.plain(command)
        except RefusedError:
            assert not fine
            self.begin()
        else:
            assert fine
            self.touched = True

    @rule(amount=st.integers(0, 60))
    def credit(self, amount):
        fine = self.new_value + amount <= 100
        self.new_value += amount
        self.send(f"0c{VALUE}{le(amount)}", fine)

    @rule(amount=st.integers(0, 60))
    def debit(self, amount):
        fine = self.new_value - amount >= 0
        self.new_value -= amount
        self.send(f"dc{VALUE}{le(amount)}", fine)

    @rule(data=st.binary(min_size=1, max_size=5), offset=st.integers(0, 4))
    def write_record(self, data, offset):
        fine = offset + len(data) <= 4
        old = self.record or bytes(4)
        self.record = old[:offset] + data + old[offset + len(data) :] if fine else None
        self.send(f"3b{CYCLIC}{le(offset, 3)}{le(len(data), 3)}{data.hex()}", fine)

    @rule(data=st.binary(min_size=1, max_size=9), offset=st.integers(0, 8))
    def write_backup(self, data, offset):
        fine = offset + len(data) <= 8
        self.new_backup = self.new_backup[:offset] + data + self.new_backup[offset + len(data) :]
        self.send(f"3d{BACKUP}{le(offset, 3)}{le(len(data), 3)}{data.hex()}", fine)

    @rule()
    def commit(self):
        assert self.host.status("c7") == (0x00 if self.touched else 0x0C)
        self.committed()

    def committed(self):
        if self.touched:
            self.value, self.backup = self.new_value, self.new_backup
            self.records = (self.records + ([self.record] if self.record else []))[-2:]
        self.begin()

    @rule(step=st.integers(1, 6))
    def torn_commit(self, step):
        self.host.card.cut_at(step)
        answer = self.host.card.transmit(b"\xc7")
        self.host.card.chip.memory.cut = None
        if answer == b"\x00":
            self.committed()
        self.power()

    @rule()
    def power(self):
        self.host.card.power(cold=True)
        self.host.plain(f"5a{AID}")
        self.begin()

    @rule()
    def abort(self):
        assert self.host.status("a7") == (0x00 if self.touched else 0x0C)
        self.begin()

    @invariant()
    def agrees(self):
        assert value(self.host) == self.value
        assert self.host.plain(f"bd{BACKUP}000000000000") == self.backup
        assert count(self.host, CYCLIC) == len(self.records)
        if self.records:
            assert self.host.plain(f"bb{CYCLIC}000000000000") == b"".join(self.records)


Purse.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestPurse = Purse.TestCase


@pytest.mark.parametrize(
    "name", ["dropped-write", "flipped-memory", "write-error", "tear-before", "tear-after", "mute"]
)
@pytest.mark.parametrize("at", range(1, 12))
def test_the_faults_of_all_cards_fit(name, at):
    """The card still answers, and what it holds is what the fault has made of it."""
    card = catalogue()[name](make_card("desfire-ev2", seed=1), at, at=at)
    host = Host(card)
    try:
        host.authenticate(0x1A, 0, bytes(16))
        host.change_key(0, bytes(range(16)), version=1, kind=0x80)
        for command in (f"ca{AID}0f83", f"5a{AID}", "cd0100eeee080000", "3d010000000800000102030405060708"):
            host.plain(command)
        host.authenticate(0xAA, 0, bytes(16))
        host.change_key(1, bytes(range(16)), bytes(16), version=1)
    except (RefusedError, IndexError, TimeoutError):
        pass
    card.power(cold=True)
    assert card.chip.exchange(b"\x60")[:1] == b"\xaf"
    for aid in ("000000", AID):
        assert card.chip.exchange(bytes.fromhex(f"5a{aid}"))[0] in (0xCA, 0x00, 0xA0)
        card.chip.exchange(b"\x45")
        card.chip.exchange(b"\x0a\x00")
        card.power(cold=True)
