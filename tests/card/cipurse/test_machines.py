"""Any order of commands, transactions and power cuts against a plain model; value is neither made nor lost."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cardkit.virtual import make_card

from .terminal import ENC, MAC, PLAIN, Bench, apdu

KEY = Bench.KEYS[0]
TOTAL, LOWEST, HIGHEST = 1000, 0, 5000
LEVELS = st.sampled_from([PLAIN, MAC, ENC])
FILES = [
    Bench.ef("0001", fd="01", sfid=1, extent="0010"),
    Bench.ef("0002", fd="11", sfid=2, extent="0010"),
    Bench.ef("0003", fd="16", sfid=3, extent="0302"),
    Bench.ef("0004", fd="1F", sfid=4, extent="020C"),
]


def number(value):
    return f"{value & 0xFFFFFFFF:08X}"


def made():
    """An application with two values that have a sum."""
    bench = Bench(make_card("cipurse", seed=1)).with_adf(*FILES)
    for record in (1, 2):
        bench.ok(apdu(f"00DC{record:02X}24", number(TOTAL // 2) + number(LOWEST) + number(HIGHEST)))
    bench.ok("807E0000")
    return bench


class Files(RuleBasedStateMachine):
    """One terminal with one card, and what should be in it.

    `kept` is in the memory, `open` is what the session sees.
    """

    def __init__(self):
        super().__init__()
        self.bench = None

    @initialize()
    def blank(self):
        self.bench = made().opened(1, KEY)
        self.kept = {"held": b"\0" * 16, "cyclic": [b"\0\0"] * 3, "values": [500, 500]}
        self.plain = b"\0" * 16
        self.begin()

    def begin(self):
        self.open = {"held": self.kept["held"], "cyclic": [*self.kept["cyclic"]], "values": [*self.kept["values"]]}

    def back(self):
        """After power or session were lost."""
        self.begin()
        self.bench.reselect().opened(1, KEY)

    @rule(
        at=st.integers(0, 15), data=st.binary(min_size=1, max_size=8), held=st.booleans(), level=LEVELS, response=LEVELS
    )
    def write(self, at, data, held, level, response):
        answer = self.bench(apdu(f"00D68{2 if held else 1}{at:02X}", data.hex()), level, response)
        if at + len(data) > 16:
            assert answer == "6A84"
            return
        assert answer == "9000"
        old = self.open["held"] if held else self.plain
        new = old[:at] + data + old[at + len(data) :]
        if held:
            self.open["held"] = new
        else:
            self.plain = new

    @rule(data=st.binary(min_size=1, max_size=2), level=LEVELS, response=LEVELS)
    def append(self, data, level, response):
        assert self.bench(apdu("00E20018", data.hex()), level, response) == "9000"
        self.open["cyclic"] = [data.ljust(2, b"\0"), *self.open["cyclic"][:2]]

    @rule(source=st.integers(0, 1), amount=st.integers(0, 600), response=LEVELS)
    def transfer(self, source, amount, response):
        """From one record to the other, both in one transaction."""
        values = self.open["values"]
        if values[source] - amount < LOWEST:
            assert self.bench(f"8030{source + 1:02X}2404{number(amount)}", MAC, response) == "6985"
            return
        values[source] -= amount
        values[1 - source] += amount
        answer = self.bench(f"8030{source + 1:02X}2404{number(amount)}00", MAC, response)
        assert answer == number(values[source]) + "9000"
        assert self.bench(f"8032{2 - source:02X}2404{number(amount)}", MAC, response) == "9000"

    @rule()
    def perform(self):
        assert self.bench("807E0000") == "9000"
        self.kept = {name: value if isinstance(value, bytes) else [*value] for name, value in self.open.items()}

    @rule()
    def cancel(self):
        assert self.bench("807C0000") == "9000"
        self.begin()

    @rule(cold=st.booleans())
    def reset(self, cold):
        self.bench.card.power(cold)
        self.back()

    @rule(step=st.integers(1, 7))
    def torn(self, step):
        """The power goes while a transaction is performed, or just after."""
        wanted = self.open
        self.bench.card.cut_at(step)
        if self.bench.raw(self.bench.wrapped("807E0000")):
            self.kept = wanted
        self.bench.card.chip.memory.cut = None
        self.bench.card.power(cold=True)
        self.back()

    @rule(response=LEVELS)
    def refused(self, response):
        assert self.bench("00B2041C00", MAC, response) == "6A83"

    @precondition(lambda self: self.bench is not None)
    @invariant()
    def the_session_sees_the_model(self):
        bench = self.bench
        assert bench("00B0810000") == self.plain.hex().upper() + "9000"
        assert bench("00B0820000", ENC, ENC) == self.open["held"].hex().upper() + "9000"
        assert bench("00B2011D00", MAC, ENC) == b"".join(self.open["cyclic"]).hex().upper() + "9000"
        assert bench("8034012500", PLAIN, MAC) == "".join(map(number, self.open["values"])) + "9000"

    @precondition(lambda self: self.bench is not None)
    @invariant()
    def value_is_neither_made_nor_lost(self):
        assert sum(self.open["values"]) == TOTAL
        body = self.bench.card.memory()["data/5F00/0004"]
        assert sum(int.from_bytes(body[at : at + 4], "big", signed=True) for at in (0, 12)) == TOTAL


Files.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestFiles = Files.TestCase

LIMITED = st.lists(st.tuples(st.sampled_from(["30", "32", "3C", "3E"]), st.integers(0, 300)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(LIMITED)
def test_limited_forms_give_back_at_most_what_the_command_before_took(commands):
    bench = made()
    value, allowance = TOTAL // 2, 0
    for instruction, amount in commands:
        sign = 1 if instruction in ("32", "3C") else -1
        limited = instruction in ("3C", "3E")
        fits = LOWEST <= value + sign * amount <= HIGHEST and (not limited or amount <= sign * allowance)
        answer = bench.raw(f"80{instruction}012404{number(amount)}00")
        if not fits:
            assert answer == "6985"
            continue
        value += sign * amount
        allowance = 0 if limited else -sign * amount
        assert answer == number(value) + "9000"
