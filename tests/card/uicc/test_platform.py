"""A UICC on a GlobalPlatform base: file system and security domains on one chip (ETSI TS 102 226; GPCS 6.4, 11.9)."""

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from cardkit.virtual import VirtualCard, make_card
from tests.card.conftest import ADM1
from tests.card.gp.conftest import ISD, TEST_KEY, lv
from tests.card.gp.conftest import Terminal as GpTerminal

USIM, ISIM = "A0000000871002FFFFFFFF8907090000", "A0000000871004FFFFFFFF8907090000"
READ_ICCID = "00B000000A"


class Terminal(GpTerminal):
    def adm(self):
        assert self.raw(f"0020000A08{ADM1}") == "9000"

    def file(self, path):
        return self.raw(f"00A4080C{len(path) // 2:02X}{path}")


@pytest.fixture
def card():
    return Terminal(make_card("usim-isim-5g", seed=1))


def des(key, data, iv=bytes(8), *, decrypt=False):
    cipher = Cipher(TripleDES(key + key[:8]), modes.CBC(iv))
    return (cipher.decryptor() if decrypt else cipher.encryptor()).update(data)


def retail_mac(key, data):
    data += b"\x80" + bytes(-(len(data) + 1) % 8)
    last = Cipher(TripleDES(key[:8] * 3), modes.CBC(bytes(8))).encryptor().update(data)[-16:-8]
    return des(key, data[-8:], last if len(data) > 8 else bytes(8))


def test_scp02_by_the_test_key(card):
    """GPCS E.4: session keys, both cryptograms, the C-MAC of EXTERNAL AUTHENTICATE."""
    card.select(ISD)
    answer = card.greet()
    assert answer[10:12] == b"\x20\x02"
    counter, challenge = answer[12:14], answer[14:20]
    enc, mac = (des(TEST_KEY, bytes((1, purpose)) + counter + bytes(12)) for purpose in (0x82, 0x01))
    padding = b"\x80" + bytes(7)
    assert des(enc, card.challenge + counter + challenge + padding)[-8:] == answer[20:28]
    host = des(enc, counter + challenge + card.challenge + padding)[-8:]
    header = bytes.fromhex("8482010010")
    assert card.raw((header + host + retail_mac(mac, header + host)).hex()) == "9000"


class TestSelection:
    def test_the_file_system_answers_after_a_reset(self, card):
        assert card.raw("00A40004023F0000").startswith("62")
        assert card.raw("80CA006600") == "6D00"
        assert card.raw("80F2000000").startswith("62")

    @pytest.mark.parametrize("p2", ["00", "04"])
    def test_the_issuer_security_domain_by_name(self, card, p2):
        assert card.raw(f"00A404{p2}08{ISD}00").startswith("6F4E8408" + ISD)
        assert card.raw("80CA9F7F00").startswith("9F7F2A")
        assert card.raw(READ_ICCID) in ("6D00", "6E00")
        assert card.raw("80F2800002" + "4F00") == "6982"

    @pytest.mark.parametrize("protocol", [0, 1])
    def test_or_without_an_answer(self, protocol):
        card = Terminal(make_card("usim-isim-5g", seed=1, protocol=protocol))
        assert card.raw(f"00A4040C08{ISD}") == "9000"
        assert card.raw("00C0000010") == "6985"
        assert card.raw("80CA00D3" + "03")[-4:] == "9000"

    @pytest.mark.parametrize("back", ["00A4000C023F00", "00A4080C022FE2", f"00A4040C10{USIM}", "A0A40000023F00"])
    def test_and_back_to_files(self, card, back):
        card.select(ISD)
        assert card.raw(back)[:2] in ("90", "9F")
        assert card.raw("80CA9F7F00") == "6D00"
        assert card.file("2FE2") == "9000"
        assert card.raw(READ_ICCID) == "FF" * 10 + "9000"

    def test_a_failed_select_leaves_things_as_they_are(self, card):
        card.select(ISD)
        for wrong in ("00A4000C026FFF", "00A4040005A0000000FF", "00A4080C021234"):
            assert card.raw(wrong) == "6A82"
            assert card.raw("80CA9F7F00").startswith("9F7F")

    def test_partial_names(self, card):
        assert "8410" + USIM in card.raw("00A4040007A000000087100200")
        assert "8410" + ISIM in card.raw("00A4040007A000000087100400")
        assert card.raw("00A4040005A00000015100").startswith("6F")
        assert card.raw("00A404000400000000") == "6A82"

    def test_files_keep_their_verified_keys_beside_the_domain(self, card):
        card.adm()
        card.select(ISD)
        assert card.file("2FE2") == "9000"
        assert card.raw("00D6000001AB") == "9000"

    def test_a_session_ends_when_files_are_selected(self, card):
        assert card.open(kvn=0x30) == "9000"
        card.file("2FE2")
        card.level = 0
        card.raw(f"00A4040008{ISD}00")
        assert card.raw("80F24002024F0000") == "6982"


class TestChannels:
    def test_files_on_one_and_the_domain_on_another(self, card):
        assert card.raw("0070000001") == "019000"
        assert card.raw(f"01A4040008{ISD}00").startswith("6F")
        assert card.raw("81CA9F7F00").startswith("9F7F")
        assert card.raw("80CA9F7F00") == "6D00"
        assert card.file("2FE2") == "9000"
        assert card.raw("81CA9F7F00").startswith("9F7F")
        assert card.raw("00708001") == "9000"
        assert card.raw("81CA9F7F00") == "6881"

    def test_one_opened_from_a_supplementary_channel_is_like_it(self, card):
        card.raw("0070000001")
        card.raw(f"01A4040008{ISD}00")
        assert card.raw("0170000001") == "029000"
        assert card.raw("82CA9F7F00").startswith("9F7F")
        assert card.raw("0070000001") == "039000"
        assert card.raw("83CA9F7F00") == "6D00"

    def test_closed_and_opened_again_nothing_is_left(self, card):
        card.raw("0070000001")
        card.channel = 1
        assert card.open(kvn=0x30) == "9000"
        card.raw("00708001")
        assert card.raw("0070000001") == "019000"
        assert card.raw("81F24002024F0000")[-4:] == "6A86"
        card.raw(f"01A4040008{ISD}00")
        assert card.raw("81F24002024F0000") == "6982"


class TestRegistry:
    def test_usim_and_isim_are_applications(self, card):
        assert card.open(kvn=0x30) == "9000"
        assert {aid: state for aid, (state, _) in card.registry().items()} == {USIM: 0x07, ISIM: 0x07}

    def test_a_locked_usim_cannot_be_selected(self, card, tmp_path):
        card.card = make_card("usim-isim-5g", seed=1, store=tmp_path / "chip")
        card.open(kvn=0x30)
        assert card(f"80F04087{lv(USIM)}") == "9000"
        again = Terminal(make_card("usim-isim-5g", store=tmp_path / "chip"))
        for terminal in (card, again):
            assert terminal.raw(f"00A4040010{USIM}00") == "6A82"
            assert terminal.raw(f"00A4040010{ISIM}00").startswith("62")
        again.open(kvn=0x30)
        assert again(f"80F04007{lv(USIM)}") == "9000"
        assert again.raw(f"00A4040C10{USIM}") == "9000"

    def test_an_applet_beside_them(self, card):
        card.open(kvn=0x30)
        assert card.install() == "009000"
        assert card.raw("00A4040C07F0564741504C31") == "9000"
        assert card.raw("00A4000C023F00") == "9000"

    def test_a_locked_card_answers_as_its_issuer_security_domain_alone(self, card):
        card.open(kvn=0x30)
        assert card("80F0807F") == "9000"
        card.card.power(cold=True)
        assert card.raw("00A4000C023F00") not in ("9000", "6283")
        assert card.raw(f"00A4040010{USIM}00") == "6A81"
        card.open(kvn=0x30, aid=None)
        assert card("80F0800F") == "9000"
        assert card.raw("00A4000C023F00") == "9000"

    def test_key_versions_1_to_15_open_no_session_but_take_keys(self, card):
        card.open(kvn=0x30)
        assert card.put_keys(0x03, *(bytes((n,)) * 16 for n in (1, 2, 3))).endswith("9000")
        assert card.card.memory()[f"keys/{ISD}/03"][3] == 0x80
        for kvn in (1, 2, 3):
            assert card.select(ISD).endswith("9000")
            assert card.greet(kvn).hex() == "6a88"


def test_both_halves_live_in_one_file(card, tmp_path):
    card.card = make_card("usim-isim-5g", seed=1, store=tmp_path / "chip")
    card.adm()
    card.file("2FE2")
    assert card.raw("00D60000021234") == "9000"
    card.open(kvn=0x30)
    assert card.install() == "009000"
    again = make_card("usim-isim-5g", store=tmp_path / "chip")
    assert again.memory() == card.card.memory()
    assert again.memory()["3F00/2FE2"][:2] == b"\x12\x34"
    assert "registry/F0564741504C31" in again.memory()


def test_serial_number_in_file_and_cplc(card):
    card.file("2FF1")
    serial = card.card.serial.hex().upper()
    assert card.raw("00B0000008") == serial + "9000"
    card.select(ISD)
    assert card.raw("80CA9F7F00")[30:42] == serial[4:]


def test_t0_fetches_each_answer_from_where_it_came():
    card = Terminal(make_card("usim-isim-5g", seed=1, protocol=0))
    assert card.raw(f"00A4040008{ISD}") == "6150"
    assert card.raw("00C0000050").startswith("6F4E")
    assert card.raw("00A40004023F00") == "611D"
    assert card.raw("00C000001D").startswith("621B")


def test_a_card_of_files_alone_cannot_be_made_of_it(card):
    plain = VirtualCard(card.card.image, seed=1)
    assert plain.transmit(bytes.fromhex(f"00A4040008{ISD}00")) == b"\x6a\x82"


def test_files_of_the_image(card):
    paths = card.card.image.files
    for path in ("3F00/7FF0/5FD0/4F01", "3F00/7FF1/6FF8", "3F00/7FF0/5FC0/4F0B", "3F00/7F10/5F3A/4F30"):
        assert path in paths
    for path in paths:
        steps = path.replace("/", "")[4:]
        if steps:
            assert card.raw(f"00A40804{len(steps) // 2:02X}{steps}00").endswith("9000"), path
