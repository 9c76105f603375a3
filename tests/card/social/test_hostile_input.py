"""Whatever comes, something goes back; what is refused changes nothing, and nothing reaches another application."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card

from .conftest import ADF, IDENTITY, ISD, PAYMENT, TRANSPORT, Terminal, finished_card

NAMES = (ISD, PAYMENT, IDENTITY, TRANSPORT, ADF, "A000000063504B43532D3135", "A0", "")
INSTRUCTIONS = bytes.fromhex("A4B0B2D6DCE0E4E2E6F0F2CACB20242C22842A88827E7CCEDE524EFC5070C046A8AE0444")
COUNTERS = ("/tries/", "identity/pin", "identity/puk", "payment/app/")  # what a refused command may have counted down


def selections():
    def command(name, p2, le):
        return bytes.fromhex(f"00A404{p2:02X}{len(name) // 2:02X}{name}") + le

    return st.builds(
        command,
        st.sampled_from(NAMES),
        st.sampled_from([0, 0, 0, 2, 4, 0x0C, 0xFF]),
        st.sampled_from([b"", b"\0", b"\4"]),
    )


def commands():
    header = st.tuples(
        st.sampled_from([0x00, 0x80, 0x84, 0x04, 0x10, 0x01, 0xFF]),
        st.sampled_from(list(INSTRUCTIONS)),
        st.sampled_from([0, 1, 2, 4, 8, 0x80, 0x81, 0xFF]),
        st.sampled_from([0, 1, 2, 4, 0x0C, 0x14, 0x80, 0xFF]),
    )
    data = st.binary(max_size=30)
    cut = st.integers(0, 40)
    return st.builds(
        lambda head, body, size: (bytes(head) + bytes((len(body),)) + body + b"\0")[: size + 4], header, data, cut
    )


ANY = st.lists(st.one_of(selections(), selections(), commands(), commands(), st.binary(max_size=24)), max_size=12)
APPLICATIONS = ("payment/", "identity/", "transport/")


def judged(terminal, command):
    """The answer; what it may not have changed is as before."""
    chip = terminal.card.chip
    was, before = chip.current, dict(terminal.card.memory())
    answer = terminal.card.transmit(command)
    assert len(answer) >= 2
    assert answer[-2] >> 4 in (6, 9)
    touched = {name for name, value in terminal.card.memory().items() if before.get(name) != value}
    touched |= {name for name in before if name not in terminal.card.memory()}
    assert all(name.startswith(was) for name in touched), "another application's memory"
    if answer[-2] not in (0x90, 0x61, 0x62, 0x63):
        assert all(any(part in name for part in COUNTERS) for name in touched)
    return answer


@settings(max_examples=70, deadline=None)
@given(run=ANY)
def test_anything_on_a_blank_card(run):
    terminal = Terminal(make_card("social", seed=1))
    for command in run:
        judged(terminal, command)
    terminal.card.power(cold=True)
    assert terminal.select(ISD).endswith("9000")


@settings(max_examples=70, deadline=None)
@given(run=ANY)
def test_anything_on_a_finished_card(run):
    terminal = copy.deepcopy(finished_card())
    terminal.card.power(cold=True)
    for command in run:
        judged(terminal, command)
    for aid in (ISD, IDENTITY, TRANSPORT):
        assert terminal.select(aid).endswith("9000")


@settings(max_examples=50, deadline=None)
@given(run=ANY, step=st.integers(1, 6))
def test_a_cut_anywhere_in_anything_leaves_a_card_that_works(run, step):
    terminal = copy.deepcopy(finished_card())
    terminal.card.power(cold=True)
    terminal.card.cut_at(step)
    for command in run:
        if not terminal.card.transmit(command):
            break
    terminal.card.power(cold=True)
    assert not any(name.endswith("/journal") for name in terminal.card.memory())
    for aid in (ISD, IDENTITY, TRANSPORT):
        assert terminal.select(aid).endswith("9000")
