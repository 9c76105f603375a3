"""CREATE, DELETE, RESIZE, ACTIVATE, DEACTIVATE, TERMINATE (ETSI TS 102 222 6), and what a chip file keeps of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import VirtualCard
from tests.card.conftest import Terminal
from tests.card.test_authenticate import OPC, K, Network
from tests.card.uicc.conftest import LINKED, build_mf, create, df, ef, reopened, template


class TestBareCard:
    def test_there_is_no_mf(self, bare):
        assert bare.card.memory().keys() == {"secret/01", "secret/81", "secret/0A"}
        for command in ("00A4000C023F00", "00A4000400", "00A4080C022FE2", "80F2000000", "00A40400050102030405"):
            assert bare(command) == "6A82"
        assert bare("A0A40000023F00") == "9404"

    def test_the_mf_takes_adm1_and_comes_first(self, bare):
        assert create(bare, df("3F00")) == "6982"
        bare.adm()
        assert create(bare, df("7F10")) == "6A80"
        assert create(bare, df("3F00")) == "9000"
        assert create(bare, df("3F00")) == "6A89"
        assert bare("80F2000000").startswith("62")

    def test_until_ef_arr_is_there_adm1_is_needed_for_everything(self, bare):
        bare.adm()
        create(bare, df("3F00"))
        create(bare, ef("2FE2", 10))
        assert bare("00D600000101") == "9000"
        bare.card.power(cold=True)
        bare.select("2FE2")
        assert bare("00B000000A") == "6982"
        build = ef("2F06", 96, kind="42210030")
        bare.adm()("00A4000C023F00")
        assert create(bare, build) == "9000"
        assert bare("00DC010430" + "8001019000".ljust(96, "F")) == "9000"
        bare.card.power(cold=True)
        bare.select("2FE2")
        assert bare("00B000000A") == "01" + "FF" * 9 + "9000"
        assert bare("00D600000101") == "6982"

    def test_a_usim_built_from_nothing_authenticates(self, built):
        built("00A4000C023F00")
        aid = "A0000000871002FFFFFFFF8907090000"
        assert create(built, df("7FF0", ("84", aid))) == "9000"
        keys, numbers = "14" + K.hex() + OPC.hex(), "5503000200000000000000000000" + "00" * 192
        for fid, body in (("AF20", keys), ("AF30", numbers)):
            assert create(built, ef(fid, len(body) // 2, security=("8B", "2F0603"))) == "9000"
            assert built(f"00D60000{len(body) // 2:02X}{body}") == "9000"
            assert built("00B0000001") == "6982"
        assert built(f"00A4040C07{aid[:14]}") == "9000"
        network = Network(built)
        assert network(33) == network.success()
        assert network(33) == network.resync(33)

    def test_nothing_authenticates_before(self, built):
        create(built, df("7FF0", ("84", "A0000000871002")))
        command = f"0088008122{'10' + '00' * 16}{'10' + '00' * 16}00"
        assert built(command) == "6985"
        create(built, ef("AF20", 33))
        built("00D6000021" + "14" + "00" * 32)
        assert built(command) == "6985"


class TestCreate:
    def test_the_template_is_answered_and_the_file_is_current(self, built):
        assert create(built, ef("2FE2", 10, sfi="10")) == "9000"
        assert built("00B0000000") == "FF" * 10 + "9000"
        expected = template(
            ("82", "4121"), ("83", "2FE2"), ("8A", "05"), ("8B", "2F0601"), ("80", "000A"), ("88", "10")
        )
        assert built("00A40004022FE200") == expected + "9000"
        assert built("00A4000C023F00") == "9000"
        assert built("00B0820000") == "FF" * 10 + "9000"

    def test_a_template_without_a_number_of_records_is_answered_with_it(self, built):
        assert create(built, ef("6F3A", 60, kind="42210014")) == "9000"
        assert "82054221001403" in built("00A40004026F3A00")
        assert built("00B2030414") == "FF" * 20 + "9000"
        assert built("00B2040414") == "6A83"

    def test_a_cyclic_file(self, built):
        assert create(built, ef("6F39", 9, ("A5", "C10100"), kind="4621000303")) == "9000"
        assert built("00DC000303000001") == "9000"
        assert built("00B2010403") == "0000019000"

    @pytest.mark.parametrize(
        ("special", "body"),
        [
            ("", "FF" * 12),
            ("C10100", "00" * 12),
            ("C1021122", "112222222222" * 2),
            ("C2021122", "112211221122" * 2),
            ("C203AABBCC", "AABBCCAABBCC" * 2),
        ],
    )
    def test_filling_patterns_begin_anew_in_each_record(self, built, special, body):
        create(built, ef("6F3A", 12, *([("A5", special)] if special else []), kind="42210006"))
        assert built("00B2010406") + built("00B2020406") == body[:12] + "9000" + body[12:] + "9000"

    def test_sfi_by_fid_none_and_given(self, built):
        plain = template(("82", "4121"), ("83", "6F07"), ("8A", "05"), ("8B", "2F0601"), ("80", "0009"))
        assert create(built, plain) == "9000"
        assert built("00B0870000") == "FF" * 9 + "9000"
        assert create(built, ef("6F08", 9)) == "9000"
        assert built("00B0880000") == "6A82"

    def test_security_in_the_file_itself(self, built):
        assert create(built, ef("6F01", 2, security=("AB", "80010190008001029700"))) == "9000"
        assert built("00D600000100") == "6982"
        assert built("00B0000002") == "FFFF9000"
        assert create(built, ef("6F02", 2, security=("8C", "0300FF"))) == "9000"
        assert built("00D600000100") == "9000"
        assert built("00B0000002") == "6982"

    def test_rules_wait_until_the_file_is_activated(self, built):
        create(built, ef("6F01", 2, state="01", security=("AB", "8001029700 800110 9000".replace(" ", ""))))
        assert built("00D60000021234") == "9000"
        assert built("0044000000") == "9000"
        assert built("00D60000025678") == "6982"
        assert "8A0105" in built("00A40004026F0100")

    @pytest.mark.parametrize(
        ("data", "sw"),
        [
            ("", "6700"),
            ("6200", "6A80"),
            ("6F00", "6A80"),
            ("62058202412183", "6A80"),
            (ef("6F01", 0), "6A80"),
            (ef("6F01", 4, kind="41"), "6A80"),
            (ef("6F01", 4, kind="4121000202"), "6A80"),
            (ef("6F01", 4, kind="4221"), "6A80"),
            (ef("6F01", 5, kind="42210002"), "6A80"),
            (ef("6F01", 4, kind="4221000203"), "6A80"),
            (ef("6F01", 510, kind="42210002"), "6A80"),
            (ef("6F01", 600, kind="4221012C"), "6A80"),
            (ef("6F01", 4, kind="4521"), "6A80"),
            (ef("6F01", 4, kind="4122"), "6A80"),
            (ef("6F01", 4, state="00"), "6A80"),
            (ef("6F01", 4, state="0C"), "6A80"),
            (ef("6F01", 4, ("84", "A000000087")), "6A80"),
            (ef("6F01", 4, ("8C", "00")), "6A80"),
            (ef("6F01", 4, sfi="F8"), "6A80"),
            (ef("6F", 4), "6A80"),
            (ef("3F00", 4), "6A89"),
            (ef("2F06", 4), "6A89"),
            (df("7F10", ("84", "A000")), "6A80"),
            (template(("82", "7821"), ("83", "7F10"), ("8A", "05"), ("8B", "2F0601"), ("C6", "900100")), "6A80"),
            (template(("82", "7821"), ("83", "7F10"), ("8A", "05"), ("8B", "2F0601"), ("81", "0010")), "6A80"),
            (template(("83", "6F01"), ("8A", "05"), ("8B", "2F0601"), ("80", "0010")), "6A80"),
        ],
    )  # fmt: skip
    def test_refusals_change_nothing(self, built, data, sw):
        before = built.card.memory()
        assert (create(built, data) if data else built("00E00000")) == sw
        assert built.card.memory() == before

    def test_taken_names(self, built):
        create(built, df("7FF0", ("84", "A0000000871002")))
        built("00A4000C023F00")
        assert create(built, df("7FF1", ("84", "A0000000871002"))) == "6A8A"
        create(built, ef("6F01", 2, sfi="08"))
        assert create(built, ef("6F02", 2, sfi="08")) == "6A80"
        assert built("00A4000C027FF0") == "9000"
        assert create(built, ef("7FF0", 2)) == "6A89"
        assert create(built, df("3F00")) == "6A89"

    def test_memory_comes_to_its_end_and_back(self, built):
        fids = []
        while (answer := create(built, ef(f"6F{len(fids):02X}", 32000))) == "9000":
            fids.append(f"6F{len(fids):02X}")
        assert (answer, len(fids)) == ("6A84", 4)
        assert built("00E4000002" + fids[0]) == "9000"
        assert create(built, ef("6F99", 32000)) == "9000"

    def test_without_the_right_of_the_directory(self, built):
        built.card.power(cold=True)
        assert create(built, ef("6F01", 2)) == "6982"
        assert create(built, df("7F10")) == "6982"

    @pytest.mark.parametrize(("mode", "file_sw", "directory_sw"), [("02", "9000", "6982"), ("04", "6982", "9000")])
    def test_files_and_directories_have_rules_of_their_own(self, built, mode, file_sw, directory_sw):
        create(built, df("7F10", security=("AB", f"8001{mode}9000")))
        assert create(built, ef("6F01", 2)) == file_sw
        assert create(built, df("5F01")) == directory_sw

    def test_on_a_delivered_usim_nothing_can_be_created(self, usim):
        usim.adm()
        assert create(usim, ef("6F99", 2)) == "6982"

    @settings(max_examples=50, deadline=None)
    @given(st.binary(min_size=1, max_size=40), st.integers(0, 40), st.integers(0, 255))
    def test_any_data_get_a_status_word(self, noise, at, byte):
        card = build_mf(Terminal(VirtualCard("uicc-bare", seed=1)))
        good = bytearray.fromhex(ef("6F01", 12, ("A5", "C00140"), kind="42210006"))
        good[at % len(good)] = byte
        for data in (bytes(good), noise, b"\x62" + bytes((len(noise),)) + noise):
            answer = create(card, data.hex())
            assert answer in {"9000", "6A80", "6A84", "6A89", "6982"}
            assert len(card("00A4000402" + "6F0100")) >= 4


class TestDelete:
    def test_a_directory_goes_with_everything_below(self, stored, tmp_path):
        create(stored, df("7F10"))
        create(stored, ef("6F3A", 4))
        assert stored("00D6000004DEADBEEF") == "9000"
        stored("00A4000C023F00")
        assert stored("00E40000027F10") == "9000"
        for card in (stored, reopened(stored, tmp_path)):
            assert card.select("7F10") == card.select("7F106F3A") == "6A82"
            assert not [path for path in card.card.memory() if "7F10" in path]

    def test_a_directory_made_again_is_empty(self, stored, tmp_path):
        create(stored, df("7F10"))
        create(stored, ef("6F3A", 4))
        stored("00A4000C023F00")
        stored("00E40000027F10")
        assert create(stored, df("7F10")) == "9000"
        for card in (stored, reopened(stored, tmp_path)):
            assert card.select("7F10") == "9000"
            assert card("00A4000C026F3A") == "6A82"

    def test_the_current_directory_itself(self, built):
        create(built, df("7F10"))
        assert built("00E40000027F10") == "9000"
        assert built("80F2000000")[4:12] == built("00A40004023F0000")[4:12]

    def test_a_file_of_the_image_made_anew(self, tmp_path):
        card = Terminal(VirtualCard("usim", seed=1, store=tmp_path / "chip")).adm()
        assert card("00E40000022FF2") == "9000"
        assert "3F00/2FF2" not in reopened(card, tmp_path).card.memory()
        assert create(card, ef("2FF2", 3)) == "6982"

    def test_the_rule_of_the_directory_for_its_children(self, built):
        create(built, df("7F10", security=("AB", "8001039000")))
        create(built, ef("6F01", 2, security=("AB", "8001019000")))
        assert built("00E40000026F01") == "9000"
        create(built, df("7F20", security=("AB", "8001029000")))

    def test_other_channels_lose_it_too(self, built):
        create(built, df("7F10"))
        create(built, ef("6F01", 2))
        assert built("0070000001") == "019000"
        assert built("01A4080C047F106F01") == "9000"
        built("00A4000C023F00")
        assert built("00E40000027F10") == "9000"
        assert built("01B0000002") == "6986"
        assert built("01A4000C026F01") == "6A82"

    def test_the_mf_and_then_another(self, built):
        assert built("00E40000023F00") == "9000"
        assert built("00A4000C023F00") == "6A82"
        assert create(built, df("3F00")) == "9000"
        assert built("00A4000C022F06") == "6A82"


class TestResize:
    def resize(self, terminal, fid, size):
        data = template(("83", fid), ("80", f"{size:04X}"))
        return terminal(f"80D40000{len(data) // 2:02X}{data}")

    def test_contents_stay_and_the_rest_is_filled(self, stored, tmp_path):
        create(stored, ef("6F01", 4, ("A5", "C10100")))
        stored("00D600000411223344")
        assert self.resize(stored, "6F01", 6) == "9000"
        for card in (stored, reopened(stored, tmp_path)):
            card.select("6F01")
            assert card("00B0000000") == "1122334400009000"
            assert "80020006" in card("00A40004026F0100")
        assert self.resize(stored, "6F01", 2) == "9000"
        assert stored("00B0000000") == "11229000"

    def test_records_come_and_go_whole(self, built):
        create(built, ef("6F3A", 8, ("A5", "C2021234"), kind="42210004"))
        built("00DC020404AABBCCDD")
        assert self.resize(built, "6F3A", 12) == "9000"
        assert built("00B2020404") + built("00B2030404") == "AABBCCDD9000" + "123412349000"
        assert "8205422100040380" not in built("00A40004026F3A00")
        assert "82054221000403" in built("00A40004026F3A00")
        assert self.resize(built, "6F3A", 10) == "6A80"
        assert self.resize(built, "6F3A", 0) == "6A80"

    def test_linked_files_change_together(self, tmp_path):
        path = tmp_path / "linked.toml"
        path.write_text(LINKED)
        card = Terminal(VirtualCard(path, seed=1, store=tmp_path / "chip"))
        assert self.resize(card, "2F01", 5) == "9000"
        for terminal in (card, reopened(card, tmp_path)):
            for fid in ("2F01", "2F02"):
                assert "80020005" in terminal(f"00A4000402{fid}00")
                assert terminal("00B0000000") == "0102FFFFFF9000"

    @pytest.mark.parametrize(
        ("data", "sw"),
        [
            (template(("83", "6FFF"), ("80", "0004")), "6A82"),
            (template(("83", "7F10"), ("80", "0004")), "6981"),
            (template(("83", "6F39"), ("80", "0009")), "6981"),
            (template(("83", "6F01"), ("80", "FFFF")), "6A84"),
            (template(("83", "6F01")), "6A80"),
            (template(("80", "0004")), "6A80"),
            (template(("83", "6F01"), ("80", "010000")), "6A80"),
            ("830100", "6A80"),
        ],
    )
    def test_refusals(self, built, data, sw):
        create(built, ef("6F01", 4))
        create(built, ef("6F39", 6, kind="46210003"))
        create(built, df("7F10"))
        built("00A4000C023F00")
        for size in range(1, 5):
            create(built, ef(f"6F5{size}", 16000 if size == 1 else 17000))
        assert built(f"80D40000{len(data) // 2:02X}{data}") == sw

    def test_it_has_a_rule_of_its_own(self, built):
        create(built, ef("6F01", 4, security=("AB", "80015B9000")))
        assert self.resize(built, "6F01", 6) == "6982"
        assert built("80D40000" + "00") == "6700"
