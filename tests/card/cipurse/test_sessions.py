"""Authentication and secure messaging: every pair of levels, every length that pads differently, and what ends it."""

import itertools

import pytest

from cardkit.virtual import make_card

from .terminal import ENC, MAC, PLAIN, RANDOMS, TRANSPORT, Bench, apdu, cipher, lv, mac, mic, pad

LEVELS = (PLAIN, MAC, ENC)
PAIRS = tuple(itertools.product(LEVELS, LEVELS))
KEY = Bench.KEYS[0]


@pytest.fixture
def session(bench):
    """An application with a free file of 250 bytes, a session with key 1."""
    return bench.with_adf(bench.ef(extent="00FA")).opened(1, KEY)


@pytest.mark.parametrize(("level", "response"), PAIRS)
def test_all_pairs_of_levels_and_padding(session, level, response):
    for size in (1, 3, 4, 7, 8, 9, 11, 12, 15, 16, 23, 24, 100, 231):
        data = bytes(range(1, size + 1)).hex().upper()
        assert session(apdu("00D68100", data), level, response) == "9000"
        assert session(f"00B08100{size:02X}", level, response) == data + "9000"
        assert session("807C0000", level, response) == "9000"


@pytest.mark.parametrize(("level", "response", "size"), [
    (PLAIN, PLAIN, 250), (MAC, PLAIN, 246), (MAC, MAC, 246), (ENC, ENC, 231), (MAC, ENC, 246), (PLAIN, MAC, 250),
])  # fmt: skip
def test_the_longest_commands(session, level, response, size):
    assert session(apdu("00D68100", "5A" * size), level, response) == "9000"


@pytest.mark.parametrize(("response", "most"), [(PLAIN, 250), (MAC, 248), (ENC, 249)])
def test_le_00_gives_what_fits(session, response, most):
    assert len(session("00B0810000", MAC, response)) == 2 * most + 4
    refused = f"00B08100{most + 1:02X}"
    assert session(refused, MAC, response) == ("00" * 250 + "9000" if response == PLAIN else "6700")


def test_two_challenges_differ_and_one_serves_once(bench):
    first, second = bench.ok("0084000016"), bench.ok("0084000000")
    assert first != second
    assert len(first) == len(second) == 44
    assert bench.raw(f"0082000126{'00' * 38}10") == "6988"
    assert bench.raw(f"0082000126{'00' * 38}10") == "6985"


@pytest.mark.parametrize("between", ["00A40000", "80CE000000", "00FF0000", "0084000015", "00"])
def test_a_challenge_is_for_the_next_command(bench, between):
    bench.ok("0084000016")
    bench.raw(between)
    assert bench.raw(f"0082000126{'00' * 38}10") == "6985"


def test_what_the_reader_answers_leaves_the_challenge(bench):
    bench.ok("0084000016")
    bench.ok("FFCA000000")
    assert bench.raw(f"0082000126{'00' * 38}10") == "6988"


@pytest.mark.parametrize(("number", "key", "expected"), [
    (1, TRANSPORT, "9000"), (8, TRANSPORT, "9000"), (0, TRANSPORT, "6A88"), (9, TRANSPORT, "6A88"),
    (1, "74" * 16, "6988"),
])  # fmt: skip
def test_keys_of_the_master_file(bench, number, key, expected):
    assert bench.authenticate(number, key) == expected


@pytest.mark.parametrize(("command", "expected"), [
    ("0084000017", "6700"), ("00840000", "6700"), ("0084000116", "6A86"), ("0084010016", "6A86"),
    (f"0082010126{'00' * 38}10", "6A86"), (f"0082000126{'00' * 38}", "6700"), (f"0082000126{'00' * 38}11", "6700"),
    (f"0082000125{'00' * 37}10", "6700"), ("8084000016", "6D00"), ("0484000016", "6988"), ("0482000026", "6988"),
])  # fmt: skip
def test_wrong_forms_of_authentication(bench, command, expected):
    assert bench.raw(command) == expected


def test_other_randoms_other_frame_keys(bench):
    keys = set()
    for randoms in (RANDOMS, RANDOMS, "11" * 22):
        assert bench.authenticate(1, TRANSPORT, randoms) == "9000"
        keys.add(bench.key)
    assert len(keys) == 3


def test_an_invalid_key_opens_nothing(bench):
    bench.opened()
    assert bench("804E0001" + "0182") == "9000"
    bench.ok("00A40000")
    assert bench.authenticate(1) == "6984"


def flipped(command, at):
    byte = int(command[2 * at : 2 * at + 2], 16) ^ 0x01
    return f"{command[: 2 * at]}{byte:02X}{command[2 * at + 2 :]}"


@pytest.mark.parametrize("level", [MAC, ENC])
def test_any_changed_byte_ends_the_session(session, level):
    command = apdu("00D68100", "0102030405")
    size = len(session.wrapped(command, level)) // 2
    for at in [2, 3, *range(5, size)]:
        session.reselect().opened(1, KEY)
        assert session.raw(flipped(session.wrapped(command, level), at)) == "6988", at
        assert session.raw(session.wrapped(command, level)) == "6988"
    assert session.ok("00B0810005") == "00" * 5


@pytest.mark.parametrize("bad", [
    "04D6810000", "04D6810002", "04D681000140", "04D68100024499", "04D6810003C40000", "04D68100034C0000",
    "04D6810003460000", "84CE00000101" + "00", "84CE00000881" + "00" * 8,
    "04D6810002840000", "04D681000281AA", "04D6810001", "04D68100",
])  # fmt: skip
def test_broken_forms_of_secure_messaging(session, bad):
    assert session.raw(bad) == "6988"
    assert session.raw(session.wrapped("807E0000")) == "6988"


@pytest.mark.parametrize("bit", ["02", "10", "20"])
def test_unknown_bits_of_the_indicator_are_refused_though_the_mac_is_right(session, bit):
    plain = "04D681000A" + f"{0x40 | int(bit, 16):02X}" + "AA"
    assert session.raw(plain + mac(session.key, plain)[0]) == "6988"


def test_another_header_inside_is_refused_though_the_mic_is_right(session):
    """UPDATE BINARY outside, READ BINARY inside."""
    header, data, size = "04D68100", "AA", "11"
    code = mic(header + size + "80" + data)
    for inside, expected in (("04D68200", "6988"), (header, "9000")):
        session.reselect().opened(1, KEY)
        body, session.key = cipher(session.key, pad(inside + data + code))
        answer = session.raw(header + size + "80" + body)
        assert answer == expected


def test_a_replayed_command_is_refused(session):
    once = session.wrapped(apdu("00D68100", "AA"))
    assert session.unwrapped(session.raw(once), MAC) == "9000"
    assert session.raw(once) == "6988"


def test_a_secured_command_without_a_session(bench):
    assert bench.raw("84CE00000945" + "00" * 9) == "6988"
    assert bench.raw("84FF00000945" + "00" * 9) == "6D00"


@pytest.mark.parametrize(("command", "expected"), [
    ("", "6700"), ("00", "6700"), ("00A400", "6700"), ("01A40000", "6881"), ("03A40000", "6881"), ("08A40000", "6882"),
    ("0CA40000", "6882"), ("10A40000", "6E00"), ("40A40000", "6E00"), ("C0A40000", "6E00"), ("00CE000000", "6D00"),
    ("00DE000000", "6D00"), ("005200000000", "6D00"), ("80A40000", "6D00"), ("00A4000002", "6F049000"),
    ("00A40000033F00", "6700"), ("00A400000212345678", "6700"), ("00A400000300000000000000", "6700"),
])  # fmt: skip
def test_classes_instructions_and_lengths(bench, command, expected):
    assert bench.raw(command) == expected


@pytest.mark.parametrize(("level", "response"), PAIRS)
def test_a_bare_error_leaves_the_session_open(session, level, response):
    """Only a PLAIN answer of two bytes is a whole one, and uses a frame key up: so has it the OSPT terminal library."""
    for error, command in (("6A82", "00B0820001"), ("6B00", "00B081FA01"), ("6D00", "00EE0000"), ("6700", "00B08100")):
        assert session(command, level, response) == error
        assert session("00B0810001", level, response) == "009000"
        assert session("00B0810001", MAC, MAC) == "009000"


def test_errors_secured_when_the_image_says_so(variant):
    bench = variant("[behaviour]", "bare_error_sw = false")
    bench.with_adf(bench.ef()).opened(1, KEY)
    for level, response in PAIRS:
        answer = bench.raw(bench.wrapped("00B0820001", level, response))
        assert len(answer) == {PLAIN: 4, MAC: 20, ENC: 36}[response]
        assert bench.unwrapped(answer, response) == "6A82"
    assert bench("00B0810001") == "009000"


@pytest.mark.parametrize("ends", [
    "00A40000", "00A40000023F00", "00A40000025F00", f"00A40400{lv(Bench.AID)}", "00B0810001", "80CE000000", "00FF0000",
])  # fmt: skip
def test_what_ends_a_session(session, ends):
    session.raw(ends)
    assert session.raw(session.wrapped("807C0000")) == "6988"


@pytest.mark.parametrize("keeps", ["00A40000020001", "00A4000C020001", "00A40000020009", "0084000016", "FFCA000000"])
def test_what_leaves_a_session_open(session, keeps):
    session.raw(keeps)
    assert session("00B0810001") == "009000"


def test_a_session_that_unsecured_commands_leave_open(variant):
    bench = variant("[behaviour]", 'unsecured_in_session = "keeps"')
    bench.with_adf(bench.ef(), bench.ef("0002", sfid=2, art="01020202", smr="0000")).opened(1, KEY)
    assert bench("00D6820001AA") == "9000"
    assert bench.raw("00D6820001BB") == "6982", "it has no rights of the session"
    assert bench("00B0820001") == "AA9000"


def test_select_of_a_file_may_be_secured(session):
    assert session("00A400000200" + "01") == "9000"
    assert session("00A40000020001" + "00", ENC, ENC) == "6F04830200019000"
    assert session("00A40000020002") == "6A82"
    assert session("00B0000001") == "009000"


def test_select_of_a_directory_answers_in_the_session_and_ends_it(session):
    assert session("00A40000" + "00", ENC, ENC) == "6F0483023F009000"
    assert session.raw(session.wrapped("807C0000")) == "6988"


def test_a_failed_authentication_ends_the_session_before(session):
    assert session.authenticate(2, "00" * 16) == "6988"
    assert session.raw(session.wrapped("807C0000")) == "6988"


@pytest.mark.parametrize(("level", "response"), PAIRS)
def test_an_authentication_in_the_session_before(session, level, response):
    """GET CHALLENGE and MUTUAL AUTHENTICATE may be secured, too: the answer comes in the old session."""
    challenge = session("0084000016", level, response)
    assert len(challenge) == 48
    proof, card, key = session.proofs(challenge, Bench.KEYS[1], RANDOMS)
    assert session(f"0082000226{proof}{RANDOMS}10", level, response) == card + "9000"
    session.key = key
    assert session("00B0810001") == "009000"
    challenge = session("0084000016", level, response)
    assert session(f"0082000226{'00' * 38}10", level, response) == "6988"
    assert session.raw(session.wrapped("807C0000")) == "6988"


def test_the_current_file_survives_an_authentication(session):
    session.reselect().ok("00A40000020001")
    session.opened(2, Bench.KEYS[1])
    assert session("00B0000001") == "009000"


def test_reset_ends_it(session):
    session.card.power(cold=False)
    assert session.raw(session.wrapped("807C0000")) == "6988"


def failed(bench, times, number=1):
    return [bench.authenticate(number, "00" * 16) for _ in range(times)]


def test_wrong_keys_are_counted_and_block(variant):
    bench = variant("[behaviour]", "wrong_keys = 3")
    assert failed(bench, 2) == ["6988"] * 2
    assert bench.authenticate(1) == "9000"
    bench.ok("00A40000")
    assert failed(bench, 5) == ["6988"] * 3 + ["6984"] * 2
    assert bench.authenticate(1) == "6984"
    bench.card.power(cold=True)
    assert bench.authenticate(1) == "6984"
    assert bench.opened(2)(apdu("80520001", "01" + "1009" + TRANSPORT + "5FD67B")) == "9000"
    assert bench.authenticate(1) == "9000"


def test_a_wrong_key_is_counted_before_it_is_looked_at(variant):
    bench = variant("[behaviour]", "wrong_keys = 1")
    bench.card.cut_at(2)
    assert bench.authenticate(1) == "", "the second write clears the count of a right key"
    bench.card.power(cold=True)
    assert bench.authenticate(1) == "6984"


def test_no_counter(variant):
    bench = variant("[behaviour]", "wrong_keys = 0")
    assert failed(bench, 40) == ["6988"] * 40
    assert bench.authenticate(1) == "9000"


def test_a_uid_is_the_serial_number_behind_a_prefix(bench):
    uid = "05" + bench.card.serial.hex().upper()
    assert bench.ok("FFCA000000") == bench.ok("FFCA000007") == uid
    assert bench.raw("FFCA000004") == "6C07"
    assert bench.raw("FFCA00000A") == uid + "6282"
    assert bench.ok("FFCA010000") == b"VC-1".hex().upper()
    for other in ("FFCA020000", "FFCA000100", "FF8200000141", "FFB0000010", "FF", "FF00000000"):
        assert bench.raw(other) == "6A81"
    assert bench.raw("FFCA0000") == "6700"


def test_a_random_uid_changes_with_each_activation(variant):
    bench = variant("[behaviour]", "random_uid = true")
    seen = set()
    for _ in range(5):
        seen.add(bench.ok("FFCA000000"))
        assert bench.ok("FFCA000000") in seen
        bench.card.power(cold=False)
    assert len(seen) == 5
    assert all(uid.startswith("08") and len(uid) == 8 for uid in seen)


def test_the_atr_is_that_of_a_contactless_card():
    atr = make_card("cipurse").atr()
    assert atr[:1] == b"\x3b"
    assert (atr[1] >> 4, atr[2:4]) == (8, b"\x80\x01")
    check = 0
    for byte in atr[1:]:
        check ^= byte
    assert check == 0
