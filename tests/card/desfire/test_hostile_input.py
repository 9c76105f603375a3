"""Whatever comes, the card answers: never an exception, never a write without a right."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card
from cardkit.virtual.desfire.commands import AUTHENTICATIONS, COMMANDS
from tests.card.desfire.host import Host

IMAGES = ("desfire-d40", "desfire-ev1", "desfire-ev2", "ntag424")
KNOWN = sorted({*COMMANDS, *AUTHENTICATIONS, 0xAF})
OPCODES = st.sampled_from(KNOWN) | st.integers(0, 255)
DATA = st.binary(max_size=60) | st.sampled_from([bytes(size) for size in (1, 2, 3, 5, 7, 16, 17, 32, 33)])
RAW = st.builds(lambda opcode, data: bytes((opcode,)) + data, OPCODES, DATA)
WRAPPED = st.builds(lambda opcode, data: bytes((0x90, opcode, 0, 0, len(data))) + data + b"\x00", OPCODES, DATA)
INSTRUCTIONS = st.sampled_from([0xA4, 0xB0, 0xD6, 0xB2, 0xE2, 0x84, 0x82, 0x88, 0xC0])
ISO = st.builds(lambda ins, rest: bytes((0, ins)) + rest, INSTRUCTIONS, st.binary(max_size=40))
COMMAND = RAW | WRAPPED | ISO | st.binary(max_size=70)


def stocked(image, opcode):
    """A card with files, in a session of that kind."""
    host = Host(make_card(image, seed=1))
    if image == "ntag424":
        host.card.transmit(bytes.fromhex("00A4040C07D2760000850101"))
        return host.authenticate(0x71, 0, bytes(16))
    kind = "81" if opcode in (0xAA, 0x71) else "01"
    host.plain(f"ca0102030f{kind}")
    host.plain("5a010203")
    for file in ("cd01000000200000", "cb02010000200000", "c003030000080000040000", "c104000000080000040000"):
        host.plain(file)
    host.plain("cc05000000" + "00000000" + "64000000" + "0a000000" + "03")
    return host.authenticate(opcode, 0, bytes(16))


SESSIONS = [
    ("desfire-d40", 0x0A),
    ("desfire-ev1", 0x1A),
    ("desfire-ev1", 0xAA),
    ("desfire-ev2", 0x71),
    ("ntag424", 0x71),
]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(SESSIONS), st.lists(COMMAND, min_size=1, max_size=12))
def test_any_command_is_answered(session, commands):
    card = stocked(*session).card
    for command in commands:
        answer = card.transmit(command)
        assert isinstance(answer, bytes)
        assert answer


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(IMAGES), st.lists(RAW | WRAPPED | ISO, min_size=1, max_size=12))
def test_strangers_change_nothing(image, commands):
    """Without a key, on a card that lets nobody do anything, every byte of memory stays."""
    card = make_card(image, seed=1)
    if image != "ntag424":
        host = Host(card).authenticate(0x0A, 0, bytes(16))
        host.change_key(0, bytes(range(16)))
        host.authenticate(0x0A, 0, bytes(range(16)))
        host.send(0x54, "", b"\x00", 3)
        card.power(cold=True)
    before = {name: cell for name, cell in card.memory().items() if name != "picc/failures"}
    for command in commands:
        card.transmit(command)
    after = {name: cell for name, cell in card.memory().items() if name != "picc/failures"}
    assert after == before


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SESSIONS), st.lists(RAW, min_size=1, max_size=6), st.integers(1, 4))
def test_power_goes_at_any_write(session, commands, step):
    """A restart finds a card that works."""
    card = stocked(*session).card
    for command in commands:
        card.cut_at(step)
        card.transmit(command)
        card.power(cold=True)
        assert len(card.transmit(b"\x60")) == 8
        card.power(cold=True)
