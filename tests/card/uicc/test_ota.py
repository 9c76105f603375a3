"""Over the air: SMS-PP download, SCP80, remote file and application management, proofs of receipt, REFRESH.

The host below is written out from TS 102 225, TS 31.115 and TS 23.040.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card
from tests.card.gp.conftest import ISD, KEYS
from tests.card.uicc.conftest import tlv
from tests.card.uicc.otahost import KIC, KIK, RAM, RFM_USIM, Host, deliver
from tests.card.uicc.test_platform import Terminal

UPDATE_ICCID = "00A40000022FE2" + "00D6000003AABBCC"
PROFILE = "FFFFFFFFFF"
MANY_FIDS = [
    "6F05",
    "6F07",
    "6F08",
    "6F09",
    "6F60",
    "6F61",
    "6F62",
    "6F31",
    "6F38",
    "6F56",
    "6F3E",
    "6F3F",
    "6F46",
    "6F78",
]  # fmt: skip - below ADF.USIM


@pytest.fixture
def card():
    return Terminal(make_card("usim-isim-5g", seed=1))


class TestFiles:
    @pytest.mark.parametrize("kvn", [1, 2])
    def test_an_update_arrives_and_is_confirmed(self, card, kvn):
        host = Host(card, kvn)
        assert host.run(UPDATE_ICCID) == (0, 1, "029000")
        assert card.card.memory()["3F00/2FE2"][:3].hex() == "aabbcc"

    def test_reading_back(self, card):
        host = Host(card)
        host.run(UPDATE_ICCID)
        assert host.run("00A40000022FE2" + "00B0000003") == (0, 2, "029000AABBCC")
        assert host.run("00A40004023F00")[2] == "01611D"
        assert host.run("00A40004023F00" + "00")[2].startswith("019000" + "621B")
        assert host.run("00A40004023F00" + "00C000001D")[2].startswith("029000" + "621B")

    def test_the_first_error_ends_a_script(self, card):
        answer = Host(card).run("00A40000022FE2" + "00A40000026FFF" + "00D6000003AABBCC")
        assert answer == (0, 1, "026A82")
        assert card.card.memory()["3F00/2FE2"] == b"\xff" * 10

    def test_the_usim_is_current_for_its_tar(self, card):
        assert Host(card).run("00A40000026F07" + "00D6000001AA", tar=RFM_USIM) == (0, 1, "029000")
        assert card.card.memory()["3F00/7FF0/6F07"][:1] == b"\xaa"

    def test_rights_of_the_script_end_with_it(self, card):
        Host(card).run(UPDATE_ICCID)
        card.file("2FE2")
        assert card.raw("00D6000001AA") == "6982"

    def test_the_selection_of_the_terminal_stays(self, card):
        card.file("7FF06FAD")
        Host(card).run(UPDATE_ICCID)
        assert card.raw("00B0000004") == "000000029000"

    @pytest.mark.parametrize("command", ["0020000A084142434445464748", "0070000001", "00880081", "A0A40000023F00"])
    def test_what_is_no_remote_command(self, card, command):
        assert Host(card).run(command)[2] == "016D00"

    def test_files_come_and_go(self, card):
        body = tlv("62", "82024121" + "83026F99" + "8A0105" + "8B032F0601" + "80020004" + "8800")
        create = f"00E00000{len(body) // 2:02X}{body}"
        host = Host(card)
        assert host.run(create + "00D600000411223344") == (0, 1, "029000")
        assert card.card.memory()["3F00/6F99"].hex() == "11223344"
        assert host.run("00E40000026F99") == (0, 2, "019000")

    def test_expanded_format(self, card):
        host = Host(card)
        commands = tlv("22", "00A40000022FE2") + tlv("22", "00B000000A") + tlv("22", "00B0000A01")
        answer = tlv("23", "6119") + tlv("23", "FF" * 10 + "9000") + tlv("23", "6B00")
        assert host.run(tlv("AA", commands))[2] == tlv("AB", "800103" + answer)
        assert host.run("AE80" + commands + "0000")[2] == tlv("AB", "800103" + answer)
        assert host.run("AA05" + "2299")[2] == tlv("AB", "800100" + "900102")
        assert host.run(tlv("AA", tlv("22", "00A40000022FE2") + "2600"))[2] == tlv(
            "AB", "800101" + "23026119" + "900101"
        )


class TestApplications:
    def test_commands_to_the_issuer_security_domain(self, card):
        host = Host(card)
        status, _, data = host.run("80F2400202" + "4F00" + "00", tar=RAM)
        assert (status, data[:6]) == (0, "019000")
        assert "A0000000871002" in data
        assert host.run("80CA9F7F00", tar=RAM)[2].startswith("0190009F7F2A")

    def test_install_and_delete(self, card):
        install = "05F05647414C" + "06F05647414C01" + "07F0564741504C31" + "0100" + "02C900" + "00"
        host = Host(card, 2)
        assert host.run(f"80E60C00{len(install) // 2:02X}{install}", tar=RAM)[2] == "01900000"
        assert card.card.memory()["registry/F0564741504C31"]
        assert host.run("80E40000094F07F0564741504C31", tar=RAM)[2] == "01900000"

    def test_new_keys_under_the_third_one(self, card):
        """PUT KEY of KVN 3: three AES keys, each ciphered by KIK of set 2."""
        host = Host(card, 2)
        card.dek = KIK
        body = "03" + card.key_data(*KEYS)
        assert host.run(f"80D80081{len(body) // 2:02X}{body}", tar=RAM)[2].startswith("019000" + "03")
        again = Host(card, 2, KEYS[:2], algorithm=2)
        again.kvn = 3
        assert again.run("00A4000C022FE2") == (0, 1, "019000")

    @pytest.mark.parametrize("command", ["00A4040000", "8050000008" + "00" * 8, "0070000001"])
    def test_no_way_out_of_the_packet(self, card, command):
        assert Host(card).run(command, tar=RAM)[2] == "016D00"

    def test_nothing_of_it_stays_for_the_terminal(self, card):
        Host(card).run("80CA9F7F00", tar=RAM)
        card.select(ISD)
        assert card.raw("80F24002024F0000") == "6982"


class TestSecurity:
    def test_wrong_checksum_is_01_and_nothing_happens(self, card):
        host = Host(card)
        wrong = Host(card, keys=(KIC, bytes(16)))
        assert host.proof(wrong.send(UPDATE_ICCID, spi="1611")[:-4], 0x11)[0] == 1
        assert card.card.memory()["3F00/2FE2"] == b"\xff" * 10
        assert host.run(UPDATE_ICCID) == (0, 1, "029000")

    @pytest.mark.parametrize(
        ("spi", "counters", "statuses"),
        [
            ("1619", (5, 5, 4, 6, 9), (0, 2, 2, 0, 0)),
            ("1E19", (1, 1, 3, 2, 3), (0, 2, 3, 0, 0)),
            ("0E19", (5, 1, 0), (0, 0, 0)),
            ("0619", (5, 1, 0), (0, 0, 0)),
            ("1619", (0, 0xFFFFFFFFFF, 0xFFFFFFFFFF), (2, 0, 4)),
        ],
        ids=["higher", "exactly one higher", "not checked", "none", "its end"],
    )
    def test_counters(self, card, spi, counters, statuses):
        host = Host(card)
        found = [host.run("00A40000022FE2", spi=spi, counter=counter)[0] for counter in counters]
        assert tuple(found) == statuses

    def test_a_counter_outlives_the_card_and_belongs_to_its_key_set(self, card, tmp_path):
        card.card = make_card("usim-isim-5g", seed=1, store=tmp_path / "chip")
        assert Host(card).run("00A40000022FE2", counter=7)[0] == 0
        assert Host(card, 2).run("00A40000022FE2", counter=1)[0] == 0
        again = Terminal(make_card("usim-isim-5g", store=tmp_path / "chip"))
        assert Host(again).run("00A40000022FE2", counter=7)[0] == 2
        assert Host(again).run("00A40000022FE2", counter=8)[0] == 0

    def test_a_wrong_packet_moves_no_counter(self, card):
        Host(card, keys=(KIC, bytes(16))).send(UPDATE_ICCID, counter=100)
        assert Host(card).run(UPDATE_ICCID, counter=1)[0] == 0

    @pytest.mark.parametrize("spi", ["0001", "0401", "1401"])
    def test_too_little_protection_is_0a(self, card, spi):
        assert Host(card).run(UPDATE_ICCID, spi=spi)[0] == 0x0A
        assert card.card.memory()["3F00/2FE2"] == b"\xff" * 10

    def test_unknown_tar_is_09(self, card):
        assert Host(card).run(UPDATE_ICCID, tar="B20100")[0] == 9

    def test_another_algorithm_than_the_keys_have_is_05(self, card):
        host = Host(card, 1, algorithm=2)
        assert host.proof(host.send(UPDATE_ICCID, spi="1601")[:-4], 0x01)[0] == 5

    def test_no_such_keys_answer_in_clear(self, card):
        host = Host(card)
        host.kvn = 9
        assert host.proof(host.send(UPDATE_ICCID)[:-4], 0)[0] == 5
        assert host.proof(host.send(UPDATE_ICCID, spi="0209")[:-4], 0)[0] == 6

    def test_keys_of_a_secure_channel_are_not_for_packets(self, card):
        key = bytes(range(0x40, 0x50))
        host = Host(card, 1, (key, key))
        host.kvn = 2
        assert host.proof(host.send(UPDATE_ICCID, spi="1601")[:-4], 0)[0] == 5


class TestProofs:
    @pytest.mark.parametrize("spi", ["1601", "1609", "1611", "1619", "0219", "1209"])
    def test_protected_as_asked_for(self, card, spi):
        assert Host(card).run(UPDATE_ICCID, spi=spi)[::2] == (0, "029000")

    def test_none_or_on_error_only(self, card):
        host = Host(card)
        assert host.send(UPDATE_ICCID, spi="1618") == "9000"
        assert host.send(UPDATE_ICCID, spi="161A") == "9000"
        assert host.proof(host.send(UPDATE_ICCID, spi="161A", counter=0)[:-4])[0] == 2

    def test_by_sms_submit(self, card):
        assert card.raw(f"8010000005{PROFILE}") == "9000"
        host = Host(card)
        answer = host.send("00A4000C022FE2", spi="1639")
        assert answer[:2] == "91"
        command = card.raw(f"80120000{answer[2:]}")
        assert command.startswith("D0")
        assert "8103011300" + "82028183" in command
        tpdu = command[command.index("8B") + 4 : -4]
        assert tpdu[:4] == "4100"
        assert tpdu[4:14] == "0881214365"
        user_data = tpdu[tpdu.index("027100") :]
        assert host.proof(user_data, 0x39 & ~0x20)[::2] == (0, "019000")
        assert card.raw("801400000C" + "810301130082028281830100") == "9000"

    def test_t0_fetches_it_by_get_response(self):
        card = Terminal(make_card("usim-isim-5g", seed=1, protocol=0))
        host = Host(card)
        body = tlv("D1", "82028381" + tlv("8B", deliver("027000", host.packet(UPDATE_ICCID, counter=1))))
        answer = card.raw(f"80C20000{len(body) // 2:02X}{body}")
        assert answer[:2] == "61"
        assert host.proof(card.raw(f"00C00000{answer[2:]}")[:-4])[::2] == (0, "029000")


class TestMessages:
    def parts(self, host, packet, size=60, reference="05"):
        chunks = [packet[at : at + size] for at in range(0, len(packet), size)]
        for number, chunk in enumerate(chunks, 1):
            header = f"0003{reference}{len(chunks):02X}{number:02X}" + ("7000" if number == 1 else "")
            yield deliver(f"{len(header) // 2:02X}{header}", chunk)

    @pytest.mark.parametrize("order", [1, -1])
    def test_a_long_packet_comes_in_parts(self, card, order):
        host = Host(card)
        packet = host.packet("00A40000022FE2" + "00D600000AAABBCCDDEEFF00112233" * 8, counter=1)
        *first, last = [host.envelope(part) for part in list(self.parts(host, packet))[::order]]
        assert first == ["9000"] * (len(packet) // 60)
        assert host.proof(last[:-4])[::2] == (0, "099000")

    def test_parts_do_not_outlive_a_reset_nor_mix(self, card):
        host = Host(card)
        packet = host.packet(UPDATE_ICCID * 8, counter=1)
        one, *rest = self.parts(host, packet)
        host.envelope(one)
        card.card.power(cold=True)
        assert [host.envelope(part) for part in rest] == ["9000"] * len(rest)
        assert host.envelope(one)[-4:] == "9000"
        other = list(self.parts(host, packet, reference="06"))
        assert host.envelope(other[0]) == "9000"

    @pytest.mark.parametrize(
        "tpdu",
        ["", "44", "01" + "00" * 20, "440881214365877FF622705200000000" + "05" + "0270", "44FF",
         "440881214365877FF622705200000000" + "02" + "0570", "440881214365877FF622705200000000" + "05" + "0400030102"],
    )  # fmt: skip
    def test_malformed_messages(self, card, tpdu):
        assert Host(card).envelope(tpdu) == "6A80"

    def test_other_messages_mean_nothing(self, card):
        host = Host(card)
        packet = host.packet(UPDATE_ICCID, counter=1)
        assert host.envelope(deliver("027000", packet, pid="00")) == "9000"
        assert host.envelope(deliver("020A00", packet)) == "9000"
        assert card.raw("80C20000" + "05" + "D603990105" + "00") == "9000"
        assert card.card.memory()["3F00/2FE2"] == b"\xff" * 10

    @settings(max_examples=40, deadline=None)
    @given(st.binary(min_size=1, max_size=80), st.integers(0, 80), st.integers(0, 255))
    def test_any_bytes_get_a_status_word(self, noise, at, byte):
        card = Terminal(make_card("usim-isim-5g", seed=1))
        host = Host(card)
        packet = bytearray(host.packet(UPDATE_ICCID, counter=1))
        packet[at % len(packet)] = byte
        for tpdu in (deliver("027000", bytes(packet)), deliver("027000", noise), noise.hex()):
            assert host.envelope(tpdu)[-4:] in ("9000", "6A80")


class TestToolkit:
    def test_a_card_without_a_profile_stays_quiet(self, card):
        assert Host(card).send(UPDATE_ICCID, spi="1618") == "9000"
        assert card.raw("8012000000") == "6985"

    def test_refresh_after_remote_updates(self, card):
        assert card.raw(f"8010000005{PROFILE}") == "9000"
        script = UPDATE_ICCID + "00A40804047FF06F46" + "00D600000141" + "00D600000142"
        assert Host(card).send(script, spi="1618") == "9118"
        assert card.raw("00A4000C023F00") == "9118"
        assert card.raw("8012000010") == "6C18"
        command = card.raw("8012000018")
        assert command == "D016" + "8103010101" + "82028182" + "920B02" + "3F002FE2" + "3F007FFF6F46" + "9000"
        assert card.raw("00A4000C023F00") == "9000"
        assert card.raw("801400000C" + "810302010182028281830100") == "6A80"
        assert card.raw("801400000C" + "810301010182028281830100") == "9000"
        assert card.raw("8012000018") == "6985"

    def test_a_busy_terminal_is_asked_three_times(self, card):
        card.raw(f"8010000005{PROFILE}")
        Host(card).send(UPDATE_ICCID, spi="1618")
        for _ in range(3):
            assert card.raw("80F2000C")[:2] == "91"
            assert card.raw("8012000000")[:2] == "D0"
            answer = card.raw("801400000D" + "81030101018202828183022001")
        assert answer == "9000"
        assert card.raw("8012000000") == "6985"

    def test_only_what_the_terminal_can_do(self, card):
        card.raw("8010000004" + "00007F00")
        assert Host(card).send(UPDATE_ICCID, spi="1618") == "9000"

    def test_many_files_are_refreshed_at_once(self, card):
        card.raw(f"8010000005{PROFILE}")
        fids = [f"{fid:04X}" for fid in (0x2FE2, 0x2F05, 0x2F08)]
        mf = "".join(f"00A4000002{fid}00D600000100" for fid in fids)
        adf = "".join(f"00A40804047FF0{fid}00D600000100" for fid in MANY_FIDS)
        assert Host(card).send(mf, spi="1618")[:2] == "91"
        card.card.power(cold=True)
        card.raw(f"8010000005{PROFILE}")
        host = Host(card)
        host.counter = 1
        packet = host.packet(mf + adf, spi="1618", counter=2)
        answers = [host.envelope(part) for part in TestMessages().parts(host, packet, 100)]
        assert answers[-1] == "910B"
        assert card.raw("801200000B") == "D009" + "8103010100" + "82028182" + "9000"

    def test_a_response_without_a_command(self, card):
        assert card.raw("801400000C" + "810301010182028281830100") == "6985"
        card.raw(f"8010000005{PROFILE}")
        Host(card).send(UPDATE_ICCID, spi="1618")
        card.raw("8012000000")
        assert card.raw("8014000003" + "810301") == "6A80"
