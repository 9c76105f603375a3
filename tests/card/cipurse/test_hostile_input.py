"""Whatever comes, an answer of at least two bytes goes, and nothing that was refused has changed anything."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card

from .terminal import ENC, MAC, PLAIN, Bench

IMAGES = st.sampled_from(["cipurse", "cipurse-v1", "cipurse-v2"])
INSTRUCTIONS = bytes.fromhex("A48482B0D6B2DCE2E0E4440430323C3E347E7CCEDE524EFCFFCA")
STARTS = ["", "9200", "9201", "920106", "92001838405F000A0502", "9201080141300105016403", "A00F", "0216100973", "6284"]
KNOWN = {0x61, 0x62, 0x65, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x90}


def headers(*classes):
    """CLA INS P1 P2, mostly ones the card knows."""
    return st.tuples(
        st.sampled_from(classes),
        st.sampled_from(list(INSTRUCTIONS)),
        st.sampled_from([0, 1, 2, 4, 8, 0x80, 0x81, 0xFF]),
        st.sampled_from([0, 1, 2, 4, 5, 0x0C, 0x14, 0x1D, 0xFF]),
    )


def judged(card, command):
    before = dict(card.memory())
    answer = card.transmit(command)
    assert 2 <= len(answer) <= 258
    assert answer[-2] in KNOWN
    after = {name: value for name, value in card.memory().items() if not name.startswith("tries/")}
    if answer[-2:] != b"\x90\x00":
        assert after == {name: value for name, value in before.items() if not name.startswith("tries/")}


@settings(max_examples=150, deadline=None)
@given(image=IMAGES, commands=st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes(image, commands):
    card = make_card(image, seed=1)
    for command in commands:
        judged(card, command)


@settings(max_examples=250, deadline=None)
@given(
    image=IMAGES,
    header=headers(0x00, 0x80, 0x04, 0x84, 0x10),
    start=st.sampled_from(STARTS),
    rest=st.binary(max_size=60),
    le=st.sampled_from([b"", b"\0", b"\x10"]),
)
def test_any_data_in_known_commands(image, header, start, rest, le):
    data = bytes.fromhex(start) + rest
    card = make_card(image, seed=1)
    judged(card, bytes(header) + (bytes((len(data),)) + data if data else b"") + le)


@settings(max_examples=150, deadline=None)
@given(
    header=headers(0x00, 0x80),
    data=st.binary(max_size=40),
    le=st.sampled_from(["", "00", "10"]),
    level=st.sampled_from([PLAIN, MAC, ENC]),
    response=st.sampled_from([PLAIN, MAC, ENC]),
)
def test_any_command_in_a_session_is_answered_and_the_session_goes_on_or_is_over(header, data, le, level, response):
    bench = Bench(make_card("cipurse", seed=1))
    bench.with_adf(bench.ef(), bench.ef("0002", fd="1F", sfid=2, extent="020C")).opened(1, Bench.KEYS[0])
    body = f"{len(data):02X}{data.hex()}" if data else ""
    answer = bench(f"{bytes(header).hex()}{body}{le}", level, response)
    assert len(answer) >= 4
    if bench.card.chip.session is not None and header[1] not in (0x84, 0x82):
        assert bench("807C0000") in ("9000", "6985")


@settings(max_examples=100, deadline=None)
@given(indicator=st.integers(0, 255), body=st.binary(max_size=60), last=st.sampled_from([b"", b"\0", b"\x01", b"\0\0"]))
def test_forged_secure_messaging_is_refused_once_it_claims_a_mac(indicator, body, last):
    bench = Bench(make_card("cipurse", seed=1)).with_adf(Bench.ef()).opened(1, Bench.KEYS[0])
    data = bytes((indicator,)) + body
    answer = bench.card.transmit(bytes.fromhex("04D68100") + bytes((len(data),)) + data + last)
    if indicator >> 6:
        assert answer == bytes.fromhex("6988")
        assert bench.card.chip.session is None
    assert len(answer) >= 2
