"""Stateful properties: PIN counters and the file system against models written from the tables of TS 102 221."""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cardkit.virtual import VirtualCard

CODES = ["30303030FFFFFFFF", "31323334FFFFFFFF", "39393939FFFFFFFF"]
UNBLOCKS = ["3030303030303030", "3132333435363738"]
codes, unblocks = st.sampled_from(CODES), st.sampled_from(UNBLOCKS)


class PinCounters(RuleBasedStateMachine):
    """PIN1 of the blank USIM: counter, value, enabled, verified; the unblocking code and its counter."""

    @initialize(protocol=st.sampled_from([0, 1]))
    def insert(self, protocol):
        self.card = VirtualCard("usim", seed=1, protocol=protocol)
        self.left, self.unblocks_left = 3, 10
        self.value, self.enabled, self.verified = CODES[0], False, False
        self.send("00A4080C047FF06F07")

    def send(self, command):
        return self.card.transmit(bytes.fromhex(command)).hex().upper()

    def present(self, code):
        """Expected status word of presenting a code, with its effect on the model."""
        if self.left == 0:
            return "6983"
        if code == self.value:
            self.left, self.verified = 3, True
            return "9000"
        self.left -= 1
        self.verified = False
        return f"63C{self.left}"

    @rule(code=codes)
    def verify(self, code):
        expected = self.present(code) if self.enabled else "6984"
        assert self.send(f"0020000108{code}") == expected

    @rule(old=codes, new=codes)
    def change(self, old, new):
        expected = self.present(old) if self.enabled else "6984"
        if expected == "9000":
            self.value = new
        assert self.send(f"0024000110{old}{new}") == expected

    @rule(code=codes)
    def disable(self, code):
        expected = self.present(code) if self.enabled else "6984"
        self.enabled = self.enabled and expected != "9000"
        assert self.send(f"0026000108{code}") == expected

    @rule(code=codes)
    def enable(self, code):
        expected = "6984" if self.enabled else self.present(code)
        self.enabled = self.enabled or expected == "9000"
        assert self.send(f"0028000108{code}") == expected

    @rule(puk=unblocks, new=codes)
    def unblock(self, puk, new):
        if self.unblocks_left == 0:
            expected = "6983"
        elif puk == UNBLOCKS[0]:
            self.unblocks_left, self.left = 10, 3
            self.value, self.enabled, self.verified, expected = new, True, True, "9000"
        else:
            self.unblocks_left -= 1
            expected = f"63C{self.unblocks_left:X}"
        assert self.send(f"002C000110{puk}{new}") == expected

    @rule(cold=st.booleans())
    def reset(self, cold):
        self.card.power(cold)
        self.verified = False
        self.send("00A4080C047FF06F07")

    @rule()
    def write_the_pin_file(self):
        """The plant puts PIN1 back as delivered; what is verified stays so."""
        if self.send("0020000A084142434445464748") == "9000":
            self.send("00A4080C04A5156F01")
            assert self.send("00D6000015" + "F10303" + CODES[0] + "0A0A" + UNBLOCKS[0]) == "9000"
            self.value, self.left, self.unblocks_left, self.enabled = CODES[0], 3, 10, False
            self.send("00A4080C047FF06F07")

    @invariant()
    def counters_and_access_agree(self):
        if not hasattr(self, "card"):
            return
        assert self.send("00200001") == (f"63C{self.left}" if self.left else "6983")
        assert self.send("002C0001") == (f"63C{self.unblocks_left:X}" if self.unblocks_left else "6983")
        open_now = self.verified or not self.enabled
        assert self.send("00B0000009")[-4:] == ("9000" if open_now else "6982")
        state = self.card.memory()["secret/01"]
        assert (state[1], state[11], state[3:11].hex().upper()) == (self.left, self.unblocks_left, self.value)


FILES = {  # path -> (size, record length) of files that ADM1 writes
    "2FE2": (10, 0),
    "7FF06F38": (20, 0),
    "7FF06FAD": (4, 0),
    "7FF06F42": (104, 52),
    "7FF06FB7": (100, 20),
    "7F206F30": (60, 0),
}


class FileSystem(RuleBasedStateMachine):
    """Contents, record pointer and life cycle of a few files; reset and reload from the chip's file change nothing."""

    @initialize(seed=st.integers(0, 3))
    def insert(self, seed):
        self.card = VirtualCard("usim", seed=seed)
        memory = self.card.memory()
        self.bodies = {path: memory[self.full(path)] for path in FILES}
        self.active = dict.fromkeys(FILES, True)
        self.current, self.record = None, 0
        self.send("0020000A084142434445464748")

    @staticmethod
    def full(path):
        return "3F00/" + "/".join(path[at : at + 4] for at in range(0, len(path), 4))

    def send(self, command):
        return self.card.transmit(bytes.fromhex(command)).hex().upper()

    @rule(path=st.sampled_from(list(FILES)))
    def select(self, path):
        expected = "9000" if self.active[path] else "6283"
        assert self.send(f"00A4080C{len(path) // 2:02X}{path}") == expected
        self.current, self.record = path, 0

    @rule(offset=st.integers(0, 70), data=st.binary(min_size=1, max_size=30))
    def update_binary(self, offset, data):
        answer = self.send(f"00D6{offset:04X}{len(data):02X}{data.hex()}")
        size, length = FILES.get(self.current, (0, 0))
        if self.current is None:
            assert answer == "6986"
        elif length:
            assert answer == "6981"
        elif not self.active[self.current]:
            assert answer == "6984"
        elif offset >= size:
            assert answer == "6B00"
        elif offset + len(data) > size:
            assert answer == "6700"
        else:
            assert answer == "9000"
            body = self.bodies[self.current]
            self.bodies[self.current] = body[:offset] + data + body[offset + len(data) :]

    @rule(offset=st.integers(0, 70), le=st.integers(0, 70))
    def read_binary(self, offset, le):
        answer = self.send(f"00B0{offset:04X}{le:02X}")
        size, length = FILES.get(self.current, (0, 0))
        if self.current is None or length or not self.active[self.current]:
            assert answer == ("6986" if self.current is None else "6981" if length else "6984")
        elif offset >= size:
            assert answer == "6B00"
        else:
            data = self.bodies[self.current][offset : offset + (le or 256)]
            assert answer == data.hex().upper() + ("6282" if 0 < len(data) < le else "9000")

    @rule(mode=st.sampled_from("234"), number=st.integers(0, 6), byte=st.integers(0, 255))
    def record_command(self, mode, number, byte):
        if self.current is None or not FILES[self.current][1] or not self.active[self.current]:
            return
        size, length = FILES[self.current]
        count = size // length
        target = {
            "2": self.record + 1,
            "3": self.record - 1 if self.record else count,
            "4": number or self.record,
        }[mode]
        p1 = number if mode == "4" else 0
        written = f"{byte:02X}" * length
        answer = self.send(f"00DC{p1:02X}0{mode}{length:02X}{written}")
        if not 1 <= target <= count:
            assert answer == "6A83"
            return
        assert answer == "9000"
        body = self.bodies[self.current]
        start = (target - 1) * length
        self.bodies[self.current] = body[:start] + bytes.fromhex(written) + body[start + length :]
        if mode != "4":
            self.record = target
        assert self.send(f"00B2{target:02X}04{length:02X}") == written + "9000"

    @rule(path=st.sampled_from(list(FILES)), on=st.booleans())
    def life_cycle(self, path, on):
        assert self.send(f"00{'44' if on else '04'}0800{len(path) // 2:02X}{path}") == "9000"
        self.active[path] = on

    @rule(cold=st.booleans())
    def reset(self, cold):
        self.card.power(cold)
        self.current, self.record = None, 0
        self.send("0020000A084142434445464748")

    @rule(command=st.binary(max_size=12))
    def anything(self, command):
        """Random bytes: an answer of at least two bytes, never an exception. They may do what they say."""
        if command[1:2] in (
            b"\xd6",
            b"\xdc",
            b"\x04",
            b"\x44",
            b"\xe4",
            b"\xa4",
            b"\x20",
            b"\x24",
            b"\xa2",
            b"\xb2",
            b"\xb0",
        ):
            return
        assert len(self.card.transmit(command)) >= 2

    @invariant()
    def memory_is_the_model(self):
        if not hasattr(self, "card"):
            return
        memory = self.card.memory()
        assert {path: memory[self.full(path)] for path in FILES} == self.bodies
        states = {path: memory[self.full(path) + "#lcs"] == b"\x05" for path in FILES}
        assert states == self.active, json.dumps(states)


TestPinCounters = PinCounters.TestCase
TestPinCounters.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestFileSystem = FileSystem.TestCase
TestFileSystem.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
