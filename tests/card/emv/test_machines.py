"""Any order of commands, resets and power cuts against a model of what a payment card may never do."""

import copy

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import sampled_from

from cardkit.virtual import make_card

from .bureau import personalize
from .issuance import AID, CDOL1, PIN, card
from .terminal import Terminal, dol

VALUES = {"9F02": "000000001000", "5F2A": "0860", "9F1A": "0860", "9F37": "11223344"}
DATA = dol(CDOL1, VALUES)
AAC, TC, ARQC = 0x00, 0x40, 0x80
LIMIT = 3
READY = personalize(make_card("emv-cps", seed=5), card())


class Transactions(RuleBasedStateMachine):
    """The model: counter, tries, and how far the transaction has come."""

    @initialize()
    def insert(self):
        self.terminal = Terminal(copy.deepcopy(READY)).power()
        self.atc, self.tries, self.stage, self.last = 0, LIMIT, "none", None

    def send(self, command):
        return self.terminal(command)

    @rule()
    def power(self):
        self.terminal.power()
        self.stage = "none"

    @rule()
    def select(self):
        assert self.send(f"00A4040007{AID}00")[-4:] == "9000"
        self.stage = "selected"

    @rule()
    def initiate(self):
        answer = self.send("80A8000005830360D0C800")[-4:]
        assert (answer == "9000") == (self.stage == "selected")
        if answer == "9000":
            self.atc, self.stage = self.atc + 1, "initiated"

    @rule(right=sampled_from([True, False]))
    def verify(self, right):
        answer = self.send(f"0020008008{f'24{PIN}' if right else '249999'}FFFFFFFFFF")
        if self.stage != "initiated":
            assert answer in ("6985", "6D00"), "the security domain has no such command"
        elif not self.tries:
            assert answer == "6983"
        elif right:
            assert answer == "9000"
            self.tries = LIMIT
        else:
            self.tries -= 1
            assert answer == f"63C{self.tries}"

    @rule(asked=sampled_from([AAC, TC, ARQC]))
    def act(self, asked):
        answer = self.send(f"80AE{asked:02X}001D{DATA}00")
        if self.stage != "initiated":
            assert answer[-4:] in ("6985", "6700", "6D00")
            return
        given = bytes.fromhex(answer)[bytes.fromhex(answer).index(b"\x9f\x27\x01") + 3] & 0xC0
        assert given <= (ARQC if asked == TC else asked), "a new card wants to go online"
        assert f"9F3602{self.atc:04X}" in answer
        self.stage = "online" if given == ARQC else "done"

    @rule(asked=sampled_from([AAC, TC, ARQC]))
    def complete(self, asked):
        answer = self.send(f"80AE{asked:02X}00275933{'00' * 8}{DATA}00")
        if self.stage != "online":
            assert answer[-4:] in ("6985", "6700", "6D00")
            return
        body = bytes.fromhex(answer)
        given = body[body.index(b"\x9f\x27\x01") + 3] & 0xC0
        assert given == (TC if asked == TC else AAC)
        self.stage = "done"

    @rule(step=sampled_from([1, 2, 3]))
    @precondition(lambda self: self.stage == "selected")
    def cut_while_initiating(self, step):
        self.terminal.card.cut_at(step)
        answered = self.terminal.card.transmit(bytes.fromhex("80A8000005830360D0C800"))
        self.terminal.card.chip.memory.cut = None
        self.atc += bool(answered)
        self.power()

    @rule()
    @precondition(lambda self: self.stage == "initiated" and self.tries)
    def cut_while_verifying(self):
        self.terminal.card.cut_at(2)
        assert self.terminal.card.transmit(bytes.fromhex(f"002000800824{PIN}FFFFFFFFFF")) in (b"", b"\x90\x00")
        self.terminal.card.chip.memory.cut = None
        self.tries -= 1
        self.power()

    @invariant()
    def memory_is_as_the_model(self):
        if not hasattr(self, "terminal"):
            return
        memory = self.terminal.card.memory()
        assert int.from_bytes(memory.get(f"app/{AID}/atc", bytes(2)), "big") == self.atc
        assert memory[f"app/{AID}/tries"] == bytes((self.tries, LIMIT))
        assert "journal" not in memory


TestTransactions = Transactions.TestCase
TestTransactions.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
