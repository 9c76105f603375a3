"""OPEN: SELECT, logical channels, chaining, lengths, T=0, and the commands a locked or dead card still knows."""

import pytest

from cardkit.virtual import make_card

from .conftest import APPLET, ISD, SSD, TEST_KEY, Terminal, cmac, kdf, lv


def test_select_shows_the_issuer_security_domain(terminal):
    answer = terminal.raw("00A4040000")
    assert answer.startswith(f"6F4F8408{ISD}A543733D06072A864886FC6B01")
    assert answer.endswith("9F6501FF9000")
    assert terminal.select() == terminal.select(ISD[:10]) == answer


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("00A4040C00", "6A86"),
        ("00A4040205A000000003", "6A82"),
        ("04A4040000", "6882"),
        ("10A4040000", "6884"),
        ("80A4040000", "6D00"),
        ("00A4000400", "6D00"),
        ("01A4040000", "6881"),
        ("20A4040000", "6E00"),
        ("FFA4040000", "6E00"),
        ("08CA006600", "6882"),
        ("80", "6700"),
        ("80CA0066", "9000"),
        ("80CA00660302FF", "6700"),
        ("80CA9F9F00", "6A88"),
        ("80FE000000", "6D00"),
        ("00F28002024F0000", "6E00"),
        ("80F28002024F0000", "6982"),
        ("80C0000000", "6985"),
        ("80C0010000", "6A86"),
    ],
)
def test_refusals_outside_a_session(terminal, command, status):
    assert terminal.raw(command)[-4:] == status


def test_next_occurrence_walks_the_registry(opened):
    for number in (1, 2, 3):
        assert opened.install(APPLET[:-2] + f"{number:02X}") == "009000"
    seen = [opened.select(APPLET[:-2])]
    while not (answer := opened.raw(f"00A40402{lv(APPLET[:-2])}00")).endswith("6A82"):
        seen.append(answer)
    assert [answer[8:22] for answer in seen] == [APPLET[:-2] + f"{number:02X}" for number in (1, 2, 3)]
    assert opened.raw("00CA910200").endswith("6A88"), "the last one found stays selected"


def test_channels_are_opened_used_and_closed(terminal):
    numbers = [terminal.raw("0070000001") for _ in range(20)]
    assert numbers == [f"{number:02X}9000" for number in range(1, 20)] + ["6A81"]
    assert terminal.raw("0370800000") == "9000"
    assert terminal.raw("0370800000") == "6881"
    assert terminal.raw("0070800300") == "6200"
    assert terminal.raw("0070801400") == terminal.raw("0070800000") == terminal.raw("0070000101") == "6A86"
    assert terminal.raw("4FA4040000").endswith("9000")
    assert terminal.raw("0070000001") == "039000"


@pytest.mark.parametrize("number", [1, 3, 4, 19])
def test_a_session_belongs_to_one_channel(card, number):
    first, other = Terminal(card), Terminal(card)
    while first.raw("0070000001") != f"{number:02X}9000":
        pass
    other.channel = number
    assert first.open() == other.open(0x33) == "9000"
    assert set(first.registry(0x80)) == set(other.registry(0x80)) == {ISD}
    assert first.select().endswith("9000")
    assert first("80F28002024F00") == "6982"
    assert set(other.registry(0x80)) == {ISD}
    assert first.raw(f"007080{number:02X}00") == "9000"
    assert other("80F28002024F00") == "6881"


def test_closing_the_basic_session_leaves_nothing(opened):
    opened.card.power(cold=False)
    assert opened("80F28002024F00") == "6982"


@pytest.mark.parametrize("how", ["iso", "p1", "extended"])
def test_a_long_command_is_one_protected_command(opened, how):
    """11.1.5: CLA b5, P1 b8 or extended length; the MAC is at the end and covers the whole, Lc of three bytes."""
    parameters = "C981F0" + "5A" * 240
    data = bytes.fromhex("".join(map(lv, ("F05647414C", "F05647414C01", APPLET, "00"))) + "81F3" + parameters + "00")
    size = len(data) + 8
    mac = cmac(opened.mac, opened.chain + bytes.fromhex("84E60C0000") + size.to_bytes(2, "big") + data)
    whole = data + mac[:8]
    if how == "extended":
        assert opened.raw("84E60C0000" + size.to_bytes(2, "big").hex() + whole.hex() + "0000") == "009000"
    else:
        header = {"iso": "94E60C00", "p1": "84E68C00"}[how]
        assert opened.raw(header + lv(whole[:100].hex())) == "9000"
        assert opened.raw(header + lv(whole[100:230].hex())) == "9000"
        assert opened.raw(f"84E60C00{lv(whole[230:].hex())}00") == "009000"
    assert opened.card.memory()[f"app/{APPLET}/parameters"] == b"\x5a" * 240


def test_another_command_between_segments_drops_them(opened):
    opened.raw(f"84E68C00{lv('00' * 100)}")
    assert opened("80CA00D300") == "D301819000"


def test_long_answers_wait_for_get_response(terminal):
    terminal.open(0x33)
    for number in range(0x10):
        assert terminal.install(APPLET[:-2] + f"{number:02X}") == "009000"
    assert len(terminal.registry()) == 0x10


@pytest.mark.parametrize(("le", "parts"), [("00", 1), ("10", 2), ("FF", 1)])
def test_any_le_serves_initialize_update(terminal, le, parts):
    terminal.select()
    answer = terminal.raw(f"80500000080001020304050607{le}")
    if parts == 2:
        assert answer[-4:] == "6110"
        answer = answer[:-4] + terminal.raw("00C0000000")
    assert len(answer) // 2 == 34
    assert answer.endswith("9000")
    without = terminal.raw("80500000080001020304050607")
    assert len(without) == len(answer)


def test_t0_announces_and_corrects():
    terminal = Terminal(make_card("gp-scp03", seed=1, protocol=0))
    assert terminal.raw("00A4040000") == "6C51"
    assert terminal.raw("00A4040051").endswith("9000")
    assert terminal.raw(f"00A40400{lv(ISD)}") == "6151"
    assert terminal.raw("00C0000060") == "6C51"
    assert terminal.raw("00C0000010")[-4:] == "6141"
    assert terminal.raw("00C0000000").endswith("9000")
    assert terminal.raw("80500000080001020304050607") == "6120"
    assert terminal.raw("0070000000") == "6C01"
    assert terminal.raw("0070000001") == "019000"


def test_a_warning_comes_behind_the_data_at_t0(opened):
    """6310 is the status word of the last GET RESPONSE."""
    for number in range(0x10):
        opened.install(APPLET[:-2] + f"{number:02X}")
    slow = Terminal(make_card("gp-scp03", seed=1, protocol=0))
    slow.card.chip.memory.cells.update(opened.card.chip.memory.cells)
    slow.card.power(cold=True)
    slow.select()
    header = slow.raw("80500000080001020304050607")
    slow.challenge = bytes(range(8))
    greeting = bytes.fromhex(slow.raw(f"00C00000{header[2:]}"))
    context = slow.challenge + greeting[13:21]
    mac = kdf(TEST_KEY, 6, context)
    cryptogram = kdf(mac, 1, context, 8)
    chain = cmac(mac, bytes(16) + bytes.fromhex("8482010010") + cryptogram)
    assert slow.raw("8482010010" + (cryptogram + chain[:8]).hex()) == "9000"
    chain = cmac(mac, chain + bytes.fromhex("84F240020A4F00"))
    header = slow.raw("84F240020A4F00" + chain[:8].hex())
    assert header[:2] == "61"
    assert slow.raw(f"00C00000{header[2:]}").endswith("6310")


class TestLockedCard:
    @pytest.fixture
    def locked(self, opened):
        assert opened.install() == "009000"
        for state in ("07", "0F", "7F"):
            assert opened(f"80F080{state}00") == "9000"
        return opened

    def test_only_the_final_application_is_selected(self, locked):
        assert locked.select().endswith("6283")
        assert locked.select(APPLET) == "6A81"
        assert locked.select("A0000000999999") == "6A81"
        assert locked.raw("0070000001") == "6A81"

    def test_reading_authenticating_and_unlocking_go_on(self, locked):
        locked.card.power(cold=True)
        assert locked.raw("80CA9F7F00").endswith("9000")
        assert locked.open(aid=None) == "9000"
        assert locked.registry(0x80)[ISD][0] == 0x7F
        assert locked.install(APPLET[:-2] + "77") == "6985"
        assert locked.put_keys(0x30, *[bytes(16)] * 3) == "6985"
        assert locked("80E2900003420155") == "6985"
        assert locked("80F0800F00") == "9000"
        assert locked.select(APPLET).endswith("9000")

    def test_an_application_as_final_one(self, locked):
        """It answers SELECT with a warning, and nothing else of itself."""
        assert locked("80F0800F00") == "9000"
        update = f"80E64000{lv('0000' + lv(APPLET) + lv('000200') + '0000')}"
        assert locked(update) == "009000"
        assert locked("80F0807F00") == "9000"
        locked.card.power(cold=True)
        assert locked.select(APPLET).endswith("6283")
        assert locked.raw("00CA910200") == "6985"
        assert locked.select() == "6A81"

    def test_termination_is_final(self, locked):
        assert locked("80F080FF00") == "9000"
        for command in ("00A4040000", "8050000008000102030405060700", "80F28002024F0000", "0070000001"):
            assert locked.raw(command) == "6985"
        assert locked.raw("80CA9F7F00").endswith("9000")
        locked.card.power(cold=True)
        assert locked.raw("00CA006600").endswith("9000")
        assert locked.raw("00A4040000") == "6985"


def test_life_cycle_goes_one_way(opened):
    answers = {state: opened(f"80F080{state}00") for state in ("0F", "01", "55", "7F")}
    assert answers == {"0F": "6985", "01": "6985", "55": "6A86", "7F": "6985"}
    assert [opened(f"80F080{state}00") for state in ("07", "07", "01", "7F")] == ["9000", "6985", "6985", "6985"]
    assert [opened(f"80F080{state}00") for state in ("0F", "07", "0F")] == ["9000", "6985", "6985"]
    assert opened.registry(0x80)[ISD][0] == 0x0F


def test_a_domain_without_card_lock_cannot_lock(domain):
    assert domain("80F0800700") == "6985"
    assert domain("80F080FF00") == "6985"
    assert SSD in domain.registry()
