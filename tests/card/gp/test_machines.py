"""Stateful machines: random commands against a model, for the life cycles, the registry and the tries of key sets.

No session crypto where it proves nothing here: the machines speak at C-MAC level.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from cardkit.virtual import make_card
from cardkit.virtual.gp.journal import Journal
from cardkit.virtual.gp.registry import Kind, Registry
from cardkit.virtual.memory import Memory

from .conftest import ISD, PACKAGE, Terminal, lv, tlv

SETTINGS = settings(
    max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
APPLETS = [f"F0564741504C{number:02X}" for number in range(3)]
DOMAINS = [f"A000000151534430{number:02X}" for number in range(2)]
STEPS = {0x01: {0x07, 0xFF}, 0x07: {0x0F, 0xFF}, 0x0F: {0x7F, 0xFF}, 0x7F: {0x0F, 0xFF}, 0xFF: set()}


class CardLifeCycle(RuleBasedStateMachine):
    """5.1: OP_READY, INITIALIZED, SECURED and back from CARD_LOCKED only; TERMINATED is the end."""

    def __init__(self):
        super().__init__()
        self.terminal = Terminal(make_card("gp-scp03", seed=1))
        self.state = 0x01
        assert self.terminal.open() == "9000"

    @rule(wanted=st.sampled_from([0x01, 0x07, 0x0F, 0x7F, 0x0F, 0x7F, 0x07]) | st.sampled_from([0xFF, 0x33]))
    def set_state(self, wanted):
        answer = self.terminal(f"80F080{wanted:02X}00")
        if self.state == 0xFF:
            assert answer == "6985"
        elif wanted == 0x33:
            assert answer == "6A86"
        elif wanted in STEPS[self.state]:
            assert answer == "9000"
            self.state = wanted
        else:
            assert answer == "6985"

    @rule(cold=st.booleans())
    def power(self, cold):
        self.terminal.card.power(cold)
        self.terminal.level = 0
        if self.state != 0xFF:
            assert self.terminal.open(aid=None) == "9000"

    @rule()
    def manage(self):
        """Content changes in OP_READY, INITIALIZED and SECURED only."""
        if self.terminal.level:
            answer = self.terminal(f"80E29000{lv(tlv('42', 'AA'))}")
            assert answer == ("9000" if self.state in (0x01, 0x07, 0x0F) else "6985")

    @invariant()
    def the_registry_says_so(self):
        assert self.terminal.card.chip.state == self.state
        if self.state == 0xFF:
            self.terminal.level = 0
        assert self.terminal("00CA9F7F00").endswith("9000")


class Registering(RuleBasedStateMachine):
    """2.3: what the registry holds, whatever is installed, moved, locked and deleted."""

    domains = Bundle("domains")

    def __init__(self):
        super().__init__()
        self.terminal = Terminal(make_card("gp-scp03", seed=1))
        self.model = {}  # AID -> [life cycle, domain]

    @initialize(target=domains)
    def open(self):
        assert self.terminal.open() == "9000"
        return ISD

    @rule(aid=st.sampled_from(APPLETS), selectable=st.booleans(), privileges=st.sampled_from(["00", "04", "000200"]))
    def install(self, aid, selectable, privileges):
        answer = self.terminal.install(aid, p1=0x0C if selectable else 0x04, privileges=privileges)
        if aid in self.model or (privileges == "04" and not selectable):
            assert answer == "6A80"
        else:
            assert answer == "009000"
            self.model[aid] = [0x07 if selectable else 0x03, ISD]

    @rule(target=domains, aid=st.sampled_from(DOMAINS), personalized=st.booleans())
    def install_domain(self, aid, personalized):
        answer = self.terminal.install_domain(aid, parameters="C9028400" if personalized else "C900")
        if aid in self.model:
            assert answer == "6A80"
        else:
            assert answer == "009000"
            self.model[aid] = [0x0F if personalized else 0x07, ISD]
        return aid

    @rule(aid=st.sampled_from(APPLETS + DOMAINS), to=domains)
    def extradite(self, aid, to):
        answer = self.terminal(f"80E61000{lv(lv(to) + '00' + lv(aid) + '000000')}")
        if aid not in self.model or to not in {ISD, *self.model}:
            assert answer == "6A88"
        elif aid == to or self.inside(to, aid) or (to != ISD and self.model[to][0] != 0x0F):
            assert answer == "6985"
        else:
            assert answer == "009000"
            self.model[aid][1] = to

    def inside(self, aid, domain):
        while aid != ISD:
            aid = self.model[aid][1]
            if aid == domain:
                return True
        return False

    @rule(aid=st.sampled_from(APPLETS + DOMAINS), lock=st.booleans())
    def lock(self, aid, lock):
        answer = self.terminal(f"80F040{0x80 if lock else 0:02X}{lv(aid)}")
        if aid not in self.model:
            assert answer == "6A88"
            return
        final = self.terminal.card.chip.registry.get(bytes.fromhex(aid)).privileges & 0x200
        if final or bool(self.model[aid][0] & 0x80) == lock:
            assert answer == "6985"
        else:
            assert answer == "9000"
            self.model[aid][0] ^= 0x80

    @rule(aid=st.sampled_from(APPLETS + DOMAINS))
    def delete(self, aid):
        answer = self.terminal(f"80E40000{lv(tlv('4F', aid))}")
        if aid not in self.model:
            assert answer == "6A88"
        elif any(domain == aid for _, domain in self.model.values()):
            assert answer == "6985"
        else:
            assert answer == "009000"
            del self.model[aid]

    @rule()
    def delete_package(self):
        if any(aid in APPLETS for aid in self.model):
            assert self.terminal(f"80E40000{lv(tlv('4F', PACKAGE))}") == "6985"

    @rule()
    def power(self):
        self.terminal.card.power(cold=True)
        assert self.terminal.open() == "9000"

    @invariant()
    def shown_as_it_is(self):
        if not self.terminal.level:
            return
        shown = self.terminal.registry()
        assert {aid: shown[aid][0] for aid in shown} == {aid: self.model[aid][0] for aid in self.model}
        assert all(shown[aid][1].endswith(tlv("CC", domain)) for aid, [_, domain] in self.model.items())

    @invariant()
    def one_of_everything(self):
        registry = list(Registry(Journal(Memory(dict(self.terminal.card.memory())))))
        assert sum(entry.kind is Kind.ISD for entry in registry) == 1
        assert len({entry.aid for entry in registry}) == len(registry)
        for bit in (0x040000, 0x000200):
            assert sum(bool(entry.privileges & bit) for entry in registry) == 1
        known = {entry.aid: entry for entry in registry}
        for entry in registry:
            assert known[entry.domain].is_domain
            assert entry.kind is not Kind.SD or entry.privileges & 0x800000
            if entry.load_file:
                assert entry.module in known[entry.load_file].modules


class Tries(RuleBasedStateMachine):
    """9.6.7: ten wrong authentications in a row block a set for good, whatever is done in between."""

    def __init__(self):
        super().__init__()
        self.terminal = Terminal(make_card("gp-scp03", seed=1))
        self.terminal.select()
        self.left = 10
        self.greeting = None

    def answer_to(self, right):
        return "9000" if right else "6300"

    @rule()
    def greet(self):
        answer = self.terminal.greet()
        assert answer[-2:].hex() == ("9000" if self.left else "6983")
        self.greeting = answer if self.left else None

    @rule(right=st.integers(0, 9))
    def authenticate(self, right):
        right = right == 0
        if self.greeting is None:
            assert self.terminal.raw("8482010010" + "00" * 16) in ("6985", "6982")
            self.terminal.select()
            return
        key = (bytes(range(0x40, 0x50)) if right else bytes(16),) * 3
        assert self.terminal.authenticate(self.greeting, 1, key) == self.answer_to(right)
        self.left, self.greeting = (10 if right else self.left - 1), None

    @rule(count=st.integers(3, 9))
    def wrong_in_a_row(self, count):
        for _ in range(count):
            self.greet()
            if self.left:
                self.authenticate(1)

    @rule()
    def power(self):
        self.terminal.card.power(cold=True)
        self.greeting = None

    @invariant()
    def counted(self):
        tries = self.terminal.card.memory().get(f"tries/{ISD}/FF", bytes(4))
        assert 10 - tries[0] == self.left


TestCardLifeCycle = CardLifeCycle.TestCase
TestRegistering = Registering.TestCase
TestTries = Tries.TestCase
TestCardLifeCycle.settings = TestRegistering.settings = TestTries.settings = SETTINGS
