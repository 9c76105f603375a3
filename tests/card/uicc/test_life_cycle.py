"""Files and the card put out of use, for a while and for good. ETSI TS 102 222 6"""

from cardkit.virtual import VirtualCard
from tests.card.conftest import Terminal
from tests.card.uicc.conftest import LINKED, create, df, ef, reopened


class TestLifeCycle:
    FREE = ("AB", "80017B9000")

    def test_deactivated_readable_only_where_the_file_says_so(self, built):
        for fid, special, answer in (("6F01", "C00140", "FFFF9000"), ("6F02", "C00100", "6984")):
            create(built, ef(fid, 2, ("A5", special)))
            assert built("0004000000") == "9000"
            assert built(f"00A4000C02{fid}") == "6283"
            assert built("00B0000002") == answer
            assert built("00D600000101") == "6984"
            assert built("0044000000") == "9000"
            assert built("00D600000101") == "9000"

    def test_not_in_operation_yet_cannot_be_deactivated(self, built):
        create(built, ef("6F01", 2, state="03"))
        assert built("0004000000") == "6985"

    def test_terminated_for_good(self, stored, tmp_path):
        create(stored, ef("6F01", 2, security=self.FREE))
        assert stored("00E8000000") == "9000"
        for card in (stored, reopened(stored, tmp_path)):
            assert card.select("6F01") == "6285"
            assert "8A010C" in card("00A40004026F0100")
            for command in ("00B0000002", "00D600000101", "0044000000", "0004000000", "00E8000000"):
                assert card(command) == "6985"
        assert stored("00E40000026F01") == "9000"

    def test_terminate_needs_its_right_and_its_kind_of_file(self, built):
        create(built, df("7F10"))
        assert built("00E80000027F10") == "6981"
        assert built("00E6000000") == "9000"
        assert built("00E6000000") == "6985"
        built("00A4000C023F00")
        create(built, ef("6F01", 2))
        assert built("00E60000026F01") == "6981"
        assert built("00E80000026F01") == "6982"
        assert built("00E6000000") == "6981"

    def test_a_terminated_directory_takes_its_files_along(self, stored, tmp_path):
        create(stored, df("7F10", security=self.FREE))
        create(stored, ef("6F01", 2, security=self.FREE))
        assert stored("00E6000000") == "9000"
        for card in (stored, reopened(stored, tmp_path)):
            assert card.select("7F10") == "6285"
            assert card("00A4000C026F01") == "9000"
            assert card("00B0000002") == "6982"
            assert create(card, ef("6F02", 2)) == "6985"
        stored("00A4000C023F00")
        assert stored("00E40000027F10") == "9000"

    def test_the_end_of_the_card(self, tmp_path):
        path = tmp_path / "linked.toml"
        path.write_text(LINKED.replace("8401D4", "8401FE").replace("classes = [0]", "classes = [0, 0xA0]"))
        card = Terminal(VirtualCard(path, seed=1, store=tmp_path / "chip"))
        assert card("00FE0000") == "9000"
        for terminal in (card, reopened(card, tmp_path)):
            terminal.card.power(cold=True)
            assert terminal("00A4000C022F01") == "9000"
            for command in ("00B0000002", "0020000A", "0070000001", "00E0000002" + "6200", "0084000008"):
                assert terminal(command) == "6985"
            assert terminal("A0A40000023F00") == "6F00"
            assert terminal("00A4000C023F00") == "6285"

    def test_terminate_card_usage_needs_a_right(self, usim, built):
        assert usim.adm()("00FE0000") == "6982"
        assert built("00FE0000") == "9000"
