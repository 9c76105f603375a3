"""GET DATA, STORE DATA to a security domain and to an application, GET STATUS in both formats and in pages."""

import dataclasses

import pytest

from cardkit.virtual import GpCard, load_image, make_card
from cardkit.virtual.gp.image import Habits, Limits

from .conftest import APPLET, ISD, MODULE, PACKAGE, SSD, SSD_PACKAGE, Terminal, cbc, lv, tlv

CPLC = "9F7F2A" + "564753335647500103005032" + "{}" + "56475060564750700000000000000000" + "0000000000000000"


def variant(**changes):
    """A card of the image with other limits or habits."""
    return Terminal(GpCard(dataclasses.replace(load_image("gp-scp03"), **changes), seed=1))


class TestGetData:
    def test_every_object_with_and_without_its_tag(self, terminal):
        serial = terminal.card.serial.hex().upper()
        objects = {
            "9F7F": CPLC.format(serial)[6:],
            "00CF": "56475032" + serial,
            "00C1": "000000",
            "00D3": "00",
            "FF21": "81020000820400014000830400001000",
        }
        for tag, value in objects.items():
            assert terminal.raw(f"00CA{tag}00") == value + "9000"
            shown = tag.removeprefix("00") + lv(value)
            assert terminal.raw(f"80CA{tag}00") == shown + "9000"

    @pytest.mark.parametrize("tag", ["0042", "0045", "5F50", "FF33", "FF34", "BF21", "00C2", "0000", "9F66", "0070"])
    def test_what_a_blank_card_has_not(self, terminal, tag):
        expected = "C2020000" if tag == "00C2" else ""
        assert terminal.raw(f"80CA{tag}00") == (expected + "9000" if expected else "6A88")

    def test_key_information(self, terminal):
        known = "E02AC00401FF8810C00402FF8810C00403FF8810" + "".join(
            f"C006{kid}01B120F000" for kid in ("11", "13", "15")
        )
        assert terminal.raw("80CA00E000") == known + "9000"

    def test_list_of_applications(self, opened):
        assert opened.install() == "009000"
        opened.select()
        expected = tlv("61", tlv("4F", APPLET)) + "9000"
        assert opened.raw("80CA2F0000") == opened.raw("00CB2F00025C0000") == expected
        assert opened.raw("00CB2F00025C0100") == "6A80"
        assert opened.raw("00CB3F00025C0000") == "6A88"

    def test_capabilities_name_what_there_is(self, terminal):
        assert terminal.raw("00CA006700").startswith("A009800103810170")

    def test_serials_differ_from_chip_to_chip(self):
        seen = {Terminal(make_card("gp-scp02")).raw("80CA9F7F00") for _ in range(5)}
        assert len(seen) == 5

    def test_cards_that_answer_otherwise(self):
        terminal = variant(habits=Habits(cplc_tagged=False, empty_select=False))
        assert terminal.raw("00A4040000") == "6A82"
        assert terminal.select().endswith("9000")
        assert len(terminal.raw("80CA9F7F00")) == 2 * 42 + 4

    def test_the_security_level_is_told(self, terminal):
        for level, told in ((0x01, "81"), (0x03, "83"), (0x33, "B3"), (0x13, "93")):
            terminal.open(level)
            assert terminal("80CA00D300") == f"D301{told}9000"


class TestStoreDataInDomain:
    def store(self, terminal, data, p1="90", p2="00"):
        return terminal(f"80E2{p1}{p2}{lv(data)}")

    @pytest.mark.parametrize(("p1", "wrap"), [("90", False), ("80", False), ("88", True)])
    def test_objects_in_every_structure(self, opened, p1, wrap):
        data = tlv("42", "0102030405") + tlv("45", "AABB") + tlv("5F50", "687474703A")
        data = "0070" + lv(data) if wrap else data
        assert self.store(opened, data, p1) == "9000"
        assert opened("80CA004200") == tlv("42", "0102030405") + "9000"
        assert opened("80CA5F5000") == tlv("5F50", "687474703A") + "9000"

    def test_objects_over_several_blocks(self, opened):
        data = tlv("42", "0102030405") + tlv("45", "AABB")
        assert self.store(opened, data[:10], "10", "00") == "9000"
        assert opened("80CA004200") == "6A88"
        assert self.store(opened, data[10:], "90", "01") == "9000"
        assert opened("80CA004500") == tlv("45", "AABB") + "9000"

    @pytest.mark.parametrize("tag", ["D3", "2F00", "FF21", "C1", "C2", "E0", "9F7F", "30"])
    def test_what_cannot_be_stored(self, opened, tag):
        assert self.store(opened, tlv(tag, "0001")) == "6A80"

    def test_all_or_nothing(self, opened):
        assert self.store(opened, tlv("42", "01") + tlv("D3", "02")) == "6A80"
        assert opened("80CA004200") == "6A88"

    @pytest.mark.parametrize(("p1", "p2", "status"), [
        ("98", "00", "6A86"), ("C0", "00", "6A86"), ("82", "00", "6A86"), ("84", "00", "6A86"),
        ("90", "01", "6985"), ("10", "05", "6985"), ("91", "00", "9000"),
    ])  # fmt: skip
    def test_p1_and_p2(self, opened, p1, p2, status):
        assert self.store(opened, tlv("42", "01"), p1, p2) == status

    def test_an_error_begins_anew_at_block_00(self, opened):
        assert self.store(opened, "42", "10", "00") == "9000"
        assert self.store(opened, "42", "10", "00") == "6985"
        assert self.store(opened, tlv("42", "77"), "90", "00") == "9000"
        assert opened("80CA004200") == "4201779000"

    def test_encrypted_objects(self, opened):
        body = cbc(opened.dek, b"\x11" * 16).hex()
        assert self.store(opened, tlv("42", body), "F0") == "9000"
        assert opened("80CA004200") == tlv("42", "11" * 16) + "9000"
        assert self.store(opened, tlv("42", "AABB"), "F0") == "6A80"

    def test_cplc_fields_are_written_once(self, opened):
        assert self.store(opened, tlv("9F67", "1111222233333333")) == "9000"
        assert self.store(opened, tlv("9F66", "4444555566666666")) == "9000"
        assert opened("80CA9F7F00")[6:-4].endswith("11112222333333334444555566666666")
        assert self.store(opened, tlv("9F66", "4444555566666666")) == "6985"
        assert self.store(opened, tlv("9F67", "11")) == "6A80"

    def test_the_issuer_domain_is_renamed(self, opened):
        assert opened.install() == "009000"
        assert self.store(opened, tlv("42", "01") + tlv("4F", "A000000999")) == "9000"
        assert opened.registry(0x80)["A000000999"]
        assert opened.open(aid="A000000999") == "9000"
        assert opened("80CA004200") == "4201019000"
        assert tlv("CC", "A000000999") in opened.registry()[APPLET][1]
        assert not any(ISD in cell for cell in opened.card.memory())
        assert self.store(opened, tlv("4F", APPLET)) == "6A80"

    def test_recognition_data_of_the_issuer_replace_those_of_the_maker(self, opened):
        own = tlv("73", "06072A864886FC6B01" + tlv("67", "55"))
        assert self.store(opened, tlv("66", own)) == "9000"
        assert opened("80CA006600") == tlv("66", own) + "9000"
        assert own in opened.select()

    def test_case_3_and_case_4(self, opened):
        assert self.store(opened, tlv("42", "01"), "91") == "9000"

    def test_a_card_that_wants_a_dgi_announced_as_one(self):
        """As a real product does (see the sheet on P1): structure bits 00 are refused."""
        terminal = variant(habits=Habits(store_data_p1=(0x08, 0x10)))
        assert terminal.open() == "9000"
        assert self.store(terminal, "0070" + lv(tlv("42", "01")), "80") == "6A86"
        assert self.store(terminal, "0070" + lv(tlv("42", "01")), "88") == "9000"


class TestPersonalization:
    @pytest.fixture
    def app(self, opened):
        assert opened.install(parameters="C902BEEF") == "009000"
        return opened

    def begin(self, terminal):
        return terminal(f"80E62000{lv('0000' + lv(APPLET) + '000000')}")

    def test_through_its_domain_and_closed(self, app):
        assert self.begin(app) == "009000"
        secret = cbc(app.dek, b"\x22" * 16).hex()
        assert app(f"80E20800{lv('9102' + lv('500141') + '0101' + lv('AA'))}") == "9000"
        assert app(f"80E2A801{lv('8010' + lv(secret) + '0102' + lv('BB'))}") == "9000"
        memory = app.card.memory()
        assert memory[f"app/{APPLET}/8010"] == b"\x22" * 16
        assert memory[f"app/{APPLET}/closed"] == b"\x01"
        assert self.begin(app) == "6985"
        assert app.select(APPLET) == tlv("6F", tlv("84", APPLET) + tlv("A5", "500141")) + "9000"
        assert app.raw("00CA010200") == "BB9000"
        assert app.raw("00CA801000") == app.raw("00CA010300") == "6A88"
        assert app.raw("00B0000000") == "6D00"

    def test_on_its_own_session(self, app):
        """The application opens the session with the keys of its security domain."""
        assert app.open(aid=APPLET) == "9000"
        assert app(f"80E28800{lv('0101' + lv('AA'))}") == "9000"
        assert app(f"80E28800{lv('0101' + lv('AA'))}") == "6985"
        assert app("80CA010100") == "0101" + "01AA9000"
        assert app("80CA00D300") == "6A88"

    def test_nothing_without_a_session(self, app):
        app.select(APPLET)
        assert app.raw(f"80E28800{lv('0101' + lv('AA'))}00") == "6982"

    def test_a_value_over_four_blocks(self, app):
        """A DGI of 700 bytes: FF hh ll, cut at the end of each command."""
        assert self.begin(app) == "009000"
        whole = "0201FF02BC" + "5A" * 700 + "0202" + lv("01")
        parts = [whole[at : at + 400] for at in range(0, len(whole), 400)]
        for number, part in enumerate(parts):
            last = 0x80 if number == len(parts) - 1 else 0
            assert app(f"80E2{0x08 | last:02X}{number:02X}{lv(part)}") == "9000"
        assert app.card.memory()[f"app/{APPLET}/0201"] == b"\x5a" * 700
        app.select(APPLET)
        assert len(app.raw("00CA020100")) == 2 * 258, "256 bytes and 61xx"
        assert app.raw("00C0000000")[-4:] == "61BC"

    def test_opaque_blocks(self, app):
        assert self.begin(app) == "009000"
        assert app(f"80E20000{lv('AABB')}") == "9000"
        assert app(f"80E28001{lv('CC')}") == "9000"
        assert app.card.memory()[f"app/{APPLET}/opaque"] == bytes.fromhex("AABBCC")

    def test_a_dgi_cut_short_at_the_last_block(self, app):
        assert self.begin(app) == "009000"
        before = dict(app.card.memory())
        assert app(f"80E28800{lv('0201FF02BC5A')}") == "6A80"
        assert app.card.memory() == before

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ("0000" + lv("F001020304") + "000000", "6A88"),
            ("0000" + lv(PACKAGE) + "000000", "6A88"),
            ("0000" + lv(APPLET) + "010000", "6A80"),
            ("0100" + "00" + lv(APPLET) + "000000", "6A80"),
            ("0000" + lv(APPLET) + "0000", "6A80"),
        ],
    )
    def test_refusals(self, app, fields, status):
        assert app(f"80E62000{lv(fields)}") == status

    def test_another_domain_cannot(self, domain):
        assert domain.open() == "9000"
        assert domain.install() == "009000"
        assert domain(f"80E62000{lv('0000' + lv(SSD) + '000000')}") == "009000"
        assert domain("80E60C0000")[-4:] != "9000"
        assert domain.install_domain("A00000015153534432") == "009000"

    def test_a_new_session_or_select_ends_it(self, app):
        assert self.begin(app) == "009000"
        assert app.open() == "9000"
        assert app(f"80E28800{lv('0101' + lv('AA'))}") == "6A80", "for the domain itself now"


class TestGetStatus:
    def test_both_formats(self, opened):
        assert opened.install(privileges="02") == "009000"
        assert opened("80F24000024F00") == lv(APPLET) + "07029000"
        assert opened(f"80F24002{lv(tlv('4F', APPLET[:8]))}") == (
            tlv("E3", tlv("4F", APPLET) + "9F700107C503020000" + tlv("C4", PACKAGE) + tlv("CC", ISD)) + "9000"
        )
        modules = lv(SSD_PACKAGE) + "010001" + lv("A000000151535041") + lv(PACKAGE) + "010001" + lv(MODULE)
        assert opened("80F21000024F00") == modules + "9000"

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("80F28003024F00", "6A86"),
            ("80F24003024F00", "6985"),
            ("80F20002024F00", "6A86"),
            ("80F2C002024F00", "6A86"),
            ("80F24006024F00", "6A86"),
            ("80F24002", "6A80"),
            ("80F24002024F05", "6A80"),
            ("80F240024F004F00"[:8] + "044F004F00", "6A80"),
            ("80F24002024F00", "6A88"),
            ("80F2200205" + "4F03F0F0F0", "6A88"),
        ],
    )
    def test_refusals(self, opened, command, status):
        assert opened(command) == status

    @pytest.mark.parametrize("splits", [False, True])
    def test_pages(self, splits):
        terminal = variant(limits=Limits(page=100, splits=splits))
        assert terminal.open(0x33) == "9000"
        aids = [f"{APPLET[:-2]}{number:02X}" for number in range(9)]
        for aid in aids:
            assert terminal.install(aid) == "009000"
        assert list(terminal.registry()) == aids
        page = terminal("80F24002024F00")
        assert page[-4:] == "6310"
        assert len(page) // 2 - 2 <= 100
        assert (len(page) // 2 - 2 == 100) is splits
        assert terminal("80F24003034F01F0") == "6985", "another question"

    def test_an_old_card(self):
        terminal = variant(habits=Habits(status_tlv=False, status_modules=False))
        assert terminal.open() == "9000"
        assert terminal("80F28002024F00") == terminal("80F21000024F00") == "6A86"
        assert terminal("80F28000024F00") == lv(ISD) + "019E9000"
