"""Card content: INSTALL, LOAD, DELETE, extradition, registry update, SET STATUS of what is on the card."""

import hashlib

import pytest

from .conftest import APPLET, ISD, KEYS, MODULE, PACKAGE, SSD, SSD_MODULE, SSD_PACKAGE, lv, tlv

CAP_AID, CAP_MODULE = "F043415050", "F043415001"


def component(tag, body):
    return f"{tag:02X}{len(body) // 2:04X}{body}"


def cap(aid=CAP_AID, module=CAP_MODULE, filler=300):
    """The components of a package, joined."""
    header = component(1, f"DECAFFED0102040103{lv(aid)}")
    return header + component(3, f"01{lv(module)}0010") + component(7, "00" * filler)


def load_blocks(terminal, file, size=200):
    blocks = [file[at : at + 2 * size] for at in range(0, len(file), 2 * size)]
    for number, block in enumerate(blocks):
        last = 0x80 if number == len(blocks) - 1 else 0
        answer = terminal(f"80E8{last:02X}{number & 0xFF:02X}{lv(block)}")
        if answer != "009000":
            return answer
    return answer


def for_load(terminal, aid=CAP_AID, domain="", digest="", parameters="", token=""):
    return terminal(f"80E60200{lv(''.join(map(lv, (aid, domain, digest, parameters, token))))}")


def load(terminal, block=None, **options):
    assert for_load(terminal, **options) == "009000"
    return load_blocks(terminal, tlv("C4", block or cap()))


class TestInstall:
    def test_installed_selectable_and_selected(self, opened):
        assert opened.install(p1=0x04) == "009000"
        assert opened.registry()[APPLET][0] == 0x03
        assert opened.raw(f"00A40400{lv(APPLET)}00") == "6A82"
        assert opened.open() == "9000"
        assert opened(f"80E60800{lv('0000' + lv(APPLET) + '01000000')}") == "009000"
        life, entry = opened.registry()[APPLET]
        assert life == 0x07
        assert entry == tlv("4F", APPLET) + "9F700107C503000000" + tlv("C4", PACKAGE) + tlv("CC", ISD)
        assert opened.select(APPLET) == "6F0B8407" + APPLET + "A5009000"

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"package": "F0999999999999"}, "6A88"),
            ({"module": "F0999999999999"}, "6A88"),
            ({"aid": "F0010203"}, "6A80"),
            ({"aid": "F0" * 17}, "6A80"),
            ({"aid": ISD}, "6A80"),
            ({"aid": PACKAGE}, "6A80"),
            ({"privileges": "80"}, "6A80"),
            ({"privileges": "0000"}, "6A80"),
            ({"privileges": "00000F"}, "6A80"),
            ({"privileges": "40"}, "6A80"),
            ({"privileges": "04", "p1": 0x04}, "6A80"),
            ({"parameters": ""}, "6A80"),
            ({"parameters": "EF00"}, "6A80"),
            ({"parameters": "C900C900"}, "6A80"),
            ({"parameters": "C900EF04C8020000FF"}, "6A80"),
            ({"parameters": "C900EF06C80400FFFFFF"}, "6A84"),
            ({"parameters": "C900EF03C80100"}, "6A80"),
            ({"p1": 0x06}, "6A86"),
            ({"p1": 0x00}, "6A86"),
        ],
    )
    def test_refusals_leave_nothing(self, opened, changes, status):
        before = dict(opened.card.memory())
        assert opened.install(**changes) == status
        assert opened.card.memory() == before

    @pytest.mark.parametrize("privileges", ["A0C000", "A02000", "A00080", "810000"])
    def test_exclusive_privileges_are_refused(self, opened, privileges):
        assert opened.install_domain(privileges=privileges) == "6A80"

    def test_the_same_aid_twice(self, opened):
        assert opened.install() == "009000"
        assert opened.install() == "6A80"

    def test_fields_behind_the_token_and_a_token_nobody_wants(self, opened):
        fields = "".join(map(lv, (PACKAGE, MODULE, APPLET, "00", "C900")))
        assert opened(f"80E60C00{lv(fields + '0011')}") == "6A80"
        assert opened(f"80E60C00{lv(fields + '0155')}") == "6A80"
        assert opened(f"80E60C00{lv(fields)}") == "6A80"

    def test_card_reset_moves_and_comes_back(self, opened):
        assert opened.install(privileges="04") == "009000"
        assert "C5039AFE80" in opened.registry(0x80)[ISD][1]
        opened.card.power(cold=True)
        assert opened.raw("00CA910200") == "6A88", "the applet is selected now"
        assert opened.open() == "9000"
        assert opened(f"80E40000{lv(tlv('4F', APPLET))}") == "009000"
        assert "C5039EFE80" in opened.registry(0x80)[ISD][1]

    def test_an_application_sees_the_value_of_c9_only(self, opened):
        assert opened.install(parameters="C903AABBCCEF04C8020010") == "009000"
        assert opened.card.memory()[f"app/{APPLET}/parameters"] == bytes.fromhex("AABBCC")

    def test_implicit_selection(self, opened):
        assert opened.install(parameters="C900EF03CF0142") == "009000"
        assert "CF0142" in opened.registry()[APPLET][1]
        assert [opened.raw("0070000001") for _ in range(2)] == ["019000", "029000"]
        assert opened.raw("02CA910200") == "6A88"
        assert opened.raw("01CA006600").endswith("9000")


class TestLoad:
    def test_a_package_comes_in_blocks(self, opened):
        block = cap()
        digest = hashlib.sha256(bytes.fromhex(block)).hexdigest()
        assert load(opened, block, digest=digest) == "009000"
        assert opened.registry(0x10)[CAP_AID][1] == (
            tlv("4F", CAP_AID) + "9F700101" + "CE020301" + tlv("84", CAP_MODULE) + tlv("CC", ISD)
        )
        assert "84" not in opened.registry(0x20)[CAP_AID][1].replace(CAP_AID, "")
        assert opened.install(package=CAP_AID, module=CAP_MODULE) == "009000"
        assert opened.select(APPLET).endswith("9000")

    def test_more_than_256_blocks_count_on(self, opened):
        assert load_blocks_of(opened, cap(filler=300), 1) == "009000"

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("80E8000100", "6985"),
            ("80E80001010A", "6985"),
            ("80E80100010A", "6A86"),
            ("80E8800001C4", "6A80"),
            ("80E88000" + lv("C40101"), "6A80"),
            ("80E88000" + lv("C40801000501020304" + "05"), "6A80"),
            ("80E88000" + lv("E203010101C400"), "6985"),
        ],
    )
    def test_a_wrong_block_ends_the_load(self, opened, command, status):
        assert for_load(opened) == "009000"
        before = dict(opened.card.memory())
        assert opened(command) == status
        assert opened("80E8800001C4") == "6985"
        assert opened.card.memory() == before

    def test_another_command_drops_the_load(self, opened):
        assert for_load(opened) == "009000"
        assert opened("80F28002024F00").endswith("9000")
        assert opened("80E80000010A") == "6985"

    def test_a_wrong_hash(self, opened):
        assert load(opened, digest="00" * 32) == "6A80"
        assert load(opened, digest="00" * 31) == "6A80"
        assert CAP_AID not in opened.registry(0x20)

    def test_a_package_of_another_name(self, opened):
        assert load(opened, cap(aid="F043415051")) == "6A80"

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            ({"aid": PACKAGE}, "6A80"),
            ({"aid": ISD}, "6A80"),
            ({"aid": "F001"}, "6A80"),
            ({"domain": "F001020304"}, "6A88"),
            ({"domain": PACKAGE}, "6A88"),
            ({"token": "55"}, "6A80"),
            ({"parameters": "EF06C60400FFFFFF"}, "6A84"),
        ],
    )
    def test_refused_before_it_begins(self, opened, options, status):
        assert for_load(opened, **options) == status
        assert opened("80E80000010A") == "6985"

    def test_memory_is_counted_and_given_back(self, opened):
        def free():
            return int(opened("80CAFF2100")[18:26], 16)

        before = free()
        assert load(opened) == "009000"
        assert before - free() == len(cap()) // 2
        assert opened(f"80E40080{lv(tlv('4F', CAP_AID))}") == "009000"
        assert free() == before

    def test_load_install_and_selectable_in_one(self, opened):
        assert opened(f"80E60E01{lv(''.join(map(lv, (CAP_AID, '', '', '', ''))))}") == "009000"
        assert load_blocks(opened, tlv("C4", cap())) == "009000"
        assert f"registry/{CAP_AID}" not in opened.card.memory(), "nothing before the last INSTALL"
        fields = "".join(map(lv, (CAP_AID, CAP_MODULE, APPLET, "00", "C900"))) + "00"
        assert opened(f"80E60E03{lv(fields)}") == "009000"
        assert opened.registry()[APPLET][0] == 0x07

    def test_the_combined_form_needs_its_load(self, opened):
        fields = "".join(map(lv, (CAP_AID, CAP_MODULE, APPLET, "00", "C900"))) + "00"
        assert opened(f"80E60E03{lv(fields)}") == "6985"
        assert opened(f"80E60E02{lv(fields)}") == "6A86"


def load_blocks_of(terminal, block, size):
    assert for_load(terminal) == "009000"
    return load_blocks(terminal, tlv("C4", block), size)


class TestDelete:
    def test_what_is_referenced_stays(self, opened):
        assert opened.install() == "009000"
        assert opened(f"80E40000{lv(tlv('4F', PACKAGE))}") == "6985"
        assert opened(f"80E40080{lv(tlv('4F', PACKAGE))}") == "009000"
        assert opened.registry() == {}
        assert PACKAGE not in opened.registry(0x20)
        assert not any(APPLET in cell for cell in opened.card.memory())

    @pytest.mark.parametrize(
        ("data", "p2", "status"),
        [
            (tlv("4F", "F001020304"), "00", "6A88"),
            (tlv("4F", ISD), "00", "6985"),
            (tlv("4F", APPLET), "02", "6A86"),
            ("", "00", "6A80"),
            (tlv("4F", APPLET) * 2, "00", "6A80"),
            (tlv("4F", APPLET) + "9E0155", "00", "6A80"),
            ("D00101D20177", "00", "6A88"),
            ("D2017F", "00", "6A88"),
            ("D201FF", "00", "6985"),
            ("B600", "00", "6A80"),
        ],
    )
    def test_refusals(self, opened, data, p2, status):
        assert opened.install() == "009000"
        before = dict(opened.card.memory())
        assert opened(f"80E400{p2}{lv(data)}" if data else f"80E400{p2}") == status
        assert opened.card.memory() == before

    def test_what_is_selected_elsewhere_stays(self, opened):
        assert opened.install() == "009000"
        assert opened.raw("0070000001") == "019000"
        assert opened.raw(f"01A40400{lv(APPLET)}00").endswith("9000")
        assert opened(f"80E40000{lv(tlv('4F', APPLET))}") == "6985"
        assert opened.raw("0070800100") == "9000"
        assert opened(f"80E40000{lv(tlv('4F', APPLET))}") == "009000"

    def test_a_domain_with_associations_stays(self, domain):
        assert domain.install() == "009000"
        assert domain.open() == "9000"
        assert domain(f"80E40000{lv(tlv('4F', SSD))}") == "6985"
        assert domain(f"80E40000{lv(tlv('4F', APPLET))}") == "009000"
        assert domain(f"80E40000{lv(tlv('4F', SSD))}") == "009000"
        assert not any(SSD in cell for cell in domain.card.memory())

    def test_a_domain_deletes_its_own_only(self, domain):
        assert domain(f"80E40000{lv(tlv('4F', PACKAGE))}") == "6985"
        assert domain(f"80E40000{lv(tlv('4F', ISD))}") == "6985"


class TestDomains:
    def test_a_domain_lives_on_its_own(self, domain):
        assert domain.registry()[SSD][0] == 0x0F
        assert domain.install() == "009000"
        assert tlv("CC", SSD) in domain.registry()[APPLET][1]
        assert domain.raw("00CA00E000") == "6982", "in a session"
        domain.select(SSD)
        assert domain.raw("00CA00E000") == "C00401308810C00402308810C004033088109000"

    def test_before_it_is_personalized_it_manages_nothing(self, opened):
        assert opened.install_domain() == "009000"
        assert opened.open(aid=SSD) == "9000"
        assert opened.install() == "6985"
        assert opened(f"80E40000{lv(tlv('4F', PACKAGE))}") == "6985"

    def test_it_sees_its_own_branch(self, domain):
        assert domain.install() == "009000"
        assert set(domain.registry()) == {SSD, APPLET}
        assert domain("80F28002024F00") == "6A88"
        assert domain("80F22002024F00") == "6A88"

    def test_parameters_of_a_domain(self, opened):
        assert opened.install_domain(parameters="C90A8102037081021155" + "8400") == "009000"
        assert opened.registry()[SSD][0] == 0x0F
        opened.select(SSD)
        assert "640B06092A864886FC6B040370640B06092A864886FC6B041155" in opened.raw("80CA006600")
        opened.open()
        assert opened.install_domain("A00000015153534432", parameters="C90381010370"[:10]) == "6A80"

    def test_extradition(self, domain):
        assert domain.open() == "9000"
        assert domain.install() == "009000"
        move = f"80E61000{lv(lv(SSD) + '00' + lv(APPLET) + '000000')}"
        assert domain(move) == "009000"
        assert tlv("CC", SSD) in domain.registry()[APPLET][1]
        loop = f"80E61000{lv(lv(SSD) + '00' + lv(SSD) + '000000')}"
        assert domain(loop) == "6985"
        assert domain(f"80E61000{lv(lv(PACKAGE) + '00' + lv(APPLET) + '000000')}") == "6A88"
        assert domain(f"80E61000{lv(lv(SSD) + '00' + lv(ISD) + '000000')}") == "6985"

    def test_a_domain_that_is_not_ready_takes_nothing(self, opened):
        assert opened.install_domain() == "009000"
        assert opened.install() == "009000"
        assert opened(f"80E61000{lv(lv(SSD) + '00' + lv(APPLET) + '000000')}") == "6985"
        assert for_load(opened, domain=SSD) == "6985"

    def test_a_policy_keeps_the_issuer_out(self, opened):
        assert opened.install_domain(parameters="C90582018084" + "00") == "009000"
        assert opened.install() == "009000"
        assert opened(f"80E61000{lv(lv(SSD) + '00' + lv(APPLET) + '000000')}") == "009000"
        other = "A00000015153534432"
        assert opened.install_domain(other, parameters="C90582010884" + "00") == "009000"
        assert opened(f"80E61000{lv(lv(other) + '00' + lv(APPLET) + '000000')}") == "6985"

    def test_registry_update_is_all_or_nothing(self, domain):
        assert domain.open() == "9000"
        assert domain.install() == "009000"
        update = f"80E64000{lv(lv(SSD) + '00' + lv(APPLET) + lv('000200') + lv('EF03CF0143') + '00')}"
        assert domain(update) == "009000"
        _, entry = domain.registry()[APPLET]
        assert all(part in entry for part in ("C503000200", "CF0143", tlv("CC", SSD)))
        assert "C5039EFC80" in domain.registry(0x80)[ISD][1], "one holder of Final Application"
        before = dict(domain.card.memory())
        assert domain(f"80E64000{lv(lv(ISD) + '00' + lv(APPLET) + lv('800000') + '0000')}") == "6A80"
        assert domain.card.memory() == before

    def test_restrictions_bind(self, domain):
        assert domain.open() == "9000"
        assert domain(f"80E64000{lv('0000' + lv(SSD) + '00' + lv('EF03D90104') + '00')}") == "009000"
        assert domain.open(kvn=0x30, keys=KEYS, aid=SSD) == "9000"
        assert domain.install() == "6985"
        assert domain.open() == "9000"
        assert domain(f"80E64000{lv('000000' + '00' + lv('EF03D90140') + '00')}") == "009000"
        assert domain(f"80E64000{lv('000000' + '00' + lv('EF03D90100') + '00')}") == "6985", "for good"
        assert domain.install() == "009000"

    def test_a_domain_is_no_application_and_the_other_way_round(self, opened):
        assert opened.install(package=SSD_PACKAGE, module=SSD_MODULE, privileges="00") == "6A80"
        assert opened.install(privileges="80C000") == "6A80"


class TestLocking:
    def test_locking_keeps_the_old_state(self, opened):
        assert opened.install() == "009000"
        assert opened(f"80F04080{lv(APPLET)}") == "9000"
        assert opened.registry()[APPLET][0] == 0x87
        assert opened(f"80F04080{lv(APPLET)}") == "6985"
        assert opened.raw(f"00A40400{lv(APPLET)}00") == "6A82"
        opened.open()
        assert opened(f"80F04000{lv(APPLET)}") == "9000"
        assert opened(f"80F04000{lv(APPLET)}") == "6985"
        assert opened.select(APPLET).endswith("9000")

    def test_a_domain_and_all_below(self, domain):
        assert domain.install() == "009000"
        assert domain.open() == "9000"
        assert domain(f"80F06080{lv(SSD)}") == "9000"
        assert {aid: state for aid, (state, _) in domain.registry().items()} == {SSD: 0x8F, APPLET: 0x87}
        assert domain(f"80F06000{lv(SSD)}") == "9000"
        assert {aid: state for aid, (state, _) in domain.registry().items()} == {SSD: 0x0F, APPLET: 0x07}
        assert domain(f"80F06080{lv(APPLET)}") == "6985"

    def test_it_may_lock_but_not_unlock_itself(self, domain):
        assert domain(f"80F0408F{lv(SSD)}") == "9000"
        assert domain("80F24002024F00") == "6985"
        assert domain.open() == "9000"
        assert domain(f"80F04000{lv(SSD)}") == "9000"
        assert domain.registry()[SSD][0] == 0x0F

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            (f"80F04080{lv(ISD)}", "6985"),
            (f"80F04080{lv('F001020304')}", "6A88"),
            (f"80F04080{lv(PACKAGE)}", "6A88"),
            (f"80F02080{lv(ISD)}", "6A86"),
        ],
    )
    def test_refusals(self, opened, command, status):
        assert opened(command) == status
