"""Making and deleting files, selecting them, their attributes and memory: what is done, and what is refused first."""

import pytest

from cardkit.virtual import make_card

from .directories import PXSE_AID, free, pxse, registered
from .terminal import ENC, MAC, TRANSPORT, Bench, aes, apdu, dgi, kvv, lv


def test_the_blank_card(bench):
    keys = ("01100902" + "5FD67B") * 8
    assert bench.ok("80CE000000") == f"38003F000908080000{'FF' * 9}{keys}62058603000000001000001000"
    assert bench.ok("00A40000022FF7") == ""
    assert bench.ok("80CE000000") == "01002FF7000C080000" + "C1" * 9
    assert bench.raw("00D6000001FF") == "6982"
    assert all(bench.authenticate(number) == "9000" for number in range(1, 9))


@pytest.mark.parametrize(("image", "version"), [("cipurse-v1", "0200"), ("cipurse-v2", "0201"), ("cipurse", "0202")])
def test_three_syntaxes_by_their_version(image, version):
    bench = Bench(make_card(image, seed=1))
    assert bench.raw("00A40000022FF7") == "9000"
    assert bench.ok("00B0000000") == version + "05070000000005000000"


def test_an_application_is_current_and_unauthenticated_after_its_creation(bench):
    bench.opened()
    assert bench(bench.adf(), ENC, MAC) == "9000"
    assert bench.raw(bench.wrapped("807C0000")) == "6988"
    shown = "38405F000A08030000FFFFFFFF"
    keys = "".join("01100902" + kvv(key) for key in Bench.KEYS)
    assert bench.ok("80CE000000") == f"{shown}{keys}620F840D{Bench.AID}"
    for number, key in enumerate(Bench.KEYS, 1):
        assert bench.authenticate(number, key) == "9000"
        assert bench.authenticate(number, TRANSPORT) == "6988"


def test_a_pxse_leaves_the_session_and_the_selection(bench):
    bench.opened()
    assert bench(pxse()) == "9000"
    assert bench(bench.adf()) == "9000"
    assert bench.ok(f"00A40400{lv(PXSE_AID)}00") == f"6F0B84{lv(PXSE_AID)}A500"
    assert bench.ok("80CE000000") == "3F002000080000620984" + lv(PXSE_AID)
    assert bench.raw("80DE0000050000000000") == "6981"
    assert bench.authenticate(1) == "6A88"


def test_a_pxse_lists_who_names_it(bench):
    bench.ok(pxse())
    for fid, aid, kind in (("5F01", "A1A1A1A1A1", "40"), ("5F02", "A2A2A2A2A2", "41")):
        bench.ok("00A40000")
        bench.ok(bench.adf(**registered(fid, aid, kind)))
    bench.ok("00A40000")
    bench.ok(bench.adf("5F03", aid="A3A3A3A3A3"))
    first = "61" + lv("4F" + lv("A1A1A1A1A1"))
    fcp = "62" + lv("84" + lv("A2A2A2A2A2") + "D4" + lv(PXSE_AID))
    second = "61" + lv("4F" + lv("A2A2A2A2A2") + fcp)
    assert bench.ok(f"00A40400{lv(PXSE_AID)}00") == "6F" + lv("84" + lv(PXSE_AID) + "A5" + lv(first + second))
    assert bench.ok("80CE000000").startswith("3F002000")


def test_an_application_may_be_selected_with_its_pxse(bench):
    bench.ok(pxse())
    bench.ok(bench.adf(**registered("5F01", "A1A1A1A1A1", "42")))
    assert bench.ok(f"00A40400{lv(PXSE_AID)}00").startswith("6F")
    assert bench.ok("80CE000000").startswith("38425F01")


@pytest.mark.parametrize("image", ["cipurse-v1", "cipurse-v2"])
def test_before_v3_the_type_says_who_is_listed(image):
    bench = Bench(make_card(image, seed=1))
    number = "00" if image == "cipurse-v1" else ""
    bench.ok(apdu("00E00000", dgi("9200", f"3F002000{number}08000062{lv('84' + lv(PXSE_AID))}")))
    for fid, kind in (("5F01", "40"), ("5F02", "41")):
        bench.ok("00A40000")
        bench.ok(apdu("00E00000", dgi("9200", f"38{kind}{fid}{number}080800620484{lv(fid)}")))
    assert "4F025F02" in bench.ok(f"00A40400{lv(PXSE_AID)}00")
    assert "4F025F01" not in bench.ok(f"00A40400{lv(PXSE_AID)}00")


def test_ef_id_info_is_in_reach_everywhere(bench):
    """proxmark3 selects it while an application is current; keys of the application mean nothing there."""
    bench.with_adf(bench.ef()).opened(1, Bench.KEYS[0])
    assert bench("00A40000022FF7" + "00") == "6F0483022FF79000"
    assert bench("00B0000003") == "0202059000"
    assert bench("80CE000000") == "01002FF7000C080000" + "C1" * 9 + "9000"
    assert bench("00D6000001FF") == "6982"
    assert bench("00A40000020001") == "9000"
    assert bench("00B0000001") == "009000"
    bench.ok("00A40000022FF7")
    assert bench("80DE00000C" + "080000" + "C1" + "FF" * 8) == "9000"
    assert bench("00D6000001FF") == "6982", "key 1 of the application is not key 1 of the MF"
    assert bench("8052000116071009" + TRANSPORT + "5FD67B") == "9000", "it is of the application"
    bench.ok("00A40000")
    bench.ok("00A40000022FF7")
    assert bench.opened(1)("00D6000001FF") == "9000"


def test_names_may_be_partial_and_go_on(bench):
    for fid, aid in (("5F02", "A1A1A1A102"), ("5F01", "A1A1A1A101"), ("5F03", "B1B1B1B1B1")):
        bench.ok("00A40000")
        bench.ok(bench.adf(fid, aid=aid))
    assert bench.ok("00A4040001A100") == "6F0784" + lv("A1A1A1A102")
    assert bench.ok("00A4040201A100") == "6F0784" + lv("A1A1A1A101")
    assert bench.raw("00A4040201A100") == "6A82"
    assert bench.ok("00A4040C01B1") == ""
    assert bench.ok("80CE000000").startswith("38405F03")
    assert bench.raw("00A4040005C1C1C1C1C1") == "6A82"
    assert bench.ok("00A40000025F0200") == "6F0784" + lv("A1A1A1A102")
    assert bench.raw("00A40400") == bench.raw("00A40000033F0000") == "6700"
    assert bench.raw(f"00A40400{lv('A1' * 17)}") == "6700"


@pytest.mark.parametrize("command", ["00A4010000", "00A4000200", "00A4000400", "00A4040100", "00A4080000"])
def test_other_ways_to_select(bench, command):
    assert bench.raw(command) == "6A86"


def test_the_fci_shows_what_the_image_says(variant):
    bench = variant("[behaviour]", "fci = [0x86, 0x84]")
    bench.with_adf(more="8603323232")
    assert bench.ok(f"00A40400{lv(Bench.AID)}00") == "6F" + lv("84" + lv(Bench.AID) + "8603323232")


def text(**changes):
    """The DGIs of an application, with changes."""
    parts = {
        "fd": "38", "kind": "40", "fid": "5F01", "files": "0808", "keys": "01", "rules": "0000FFFF", "sets": "021009",
        "fcp": "620784" + lv("A1A1A1A1A1"), "a00f": TRANSPORT + "015FD67B", "more": "",
    }  # fmt: skip
    parts.update(changes)
    head = "".join(parts[name] for name in ("fd", "kind", "fid", "files", "keys", "rules", "sets", "fcp"))
    keys = dgi("A00F", parts["a00f"]) if parts["a00f"] else ""
    return apdu("00E00000", dgi("9200", head) + keys + parts["more"])


NO_KEYS = {"keys": "00", "rules": "", "sets": "", "a00f": ""}
REFUSED_DIRECTORIES = {
    "no rules for its keys": ({"rules": "", "sets": "", "a00f": ""}, "6A80"),
    "no keys": ({"a00f": ""}, "6A80"),
    "a key too many": ({"a00f": (TRANSPORT + "015FD67B") * 2}, "6A80"),
    "wrong KVV": ({"a00f": TRANSPORT + "015FD67C"}, "6A80"),
    "another algorithm": ({"sets": "021008"}, "6A80"),
    "level 3": ({"rules": "C000FFFF"}, "6A80"),
    "response level 3": ({"rules": "0003FFFF"}, "6A80"),
    "no FCP": ({"fcp": ""}, "6A80"),
    "another template": ({"fcp": "6F0784" + lv("A1A1A1A1A1")}, "6A80"),
    "FCP cut short": ({"fcp": "620984" + lv("A1A1A1A1A1")}, "6A80"),
    "no name": ({"fcp": "62028600"}, "6A80"),
    "empty name": ({"fcp": "62028400"}, "6A80"),
    "long name": ({"fcp": "62" + lv("84" + lv("A1" * 17))}, "6A80"),
    "unknown type": ({"kind": "44"}, "6A80"),
    "type of none": ({"kind": "00"}, "6A80"),
    "unknown descriptor": ({"fd": "39"}, "6A80"),
    "PxSE with keys": ({"fd": "3F", "kind": "00"}, "6A80"),
    "PxSE with a type": ({"fd": "3F", "kind": "40"} | NO_KEYS, "6A80"),
    "another group behind": ({"more": "A0010100"}, "6A80"),
    "cut short": ({"more": "A00F10"}, "6A80"),
    "the MF": ({"fid": "3F00"}, "6986"),
    "EF.ID_INFO": ({"fid": "2FF7"}, "6986"),
    "a PxSE that is not there": ({"fcp": "621084" + lv("A1A1A1A1A1") + "D4" + lv(PXSE_AID)}, "6A82"),
    "nine keys": (
        {"keys": "09", "rules": "0000" + "FF" * 10, "sets": "021009" * 9, "a00f": (TRANSPORT + "015FD67B") * 9},
        "6A80",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), REFUSED_DIRECTORIES.values(), ids=REFUSED_DIRECTORIES)
def test_directories_that_are_refused(bench, changes, expected):
    before = dict(bench.card.memory())
    assert bench.raw(text(**changes)) == expected
    assert dict(bench.card.memory()) == before
    assert bench.raw(text()) == "9000"


def test_a_broken_second_group_is_refused_before_anything_is_done(bench):
    assert bench.raw(apdu("00E00000", "9200")) == "6A80"
    assert bench.raw(apdu("00E00000", dgi("A00F", TRANSPORT + "015FD67B"))) == "6A80"
    assert bench.raw(apdu("00E00000", dgi("9300", "00"))) == "6A80"


def test_names_and_identifiers_are_unique(bench):
    bench.ok(text())
    assert bench.raw(text(fid="5F02", fcp="62" + lv("84" + lv("A2A2A2A2A2")))) == "6A81", "only below the MF"
    bench.ok("00A40000")
    assert bench.raw(text()) == "6A89"
    assert bench.raw(text(fid="5F02")) == "6A89"
    assert bench.raw(text(fcp="62" + lv("84" + lv("A2A2A2A2A2")))) == "6A89"
    assert bench.raw(text(fid="5F02", fcp="62" + lv("84" + lv("A2A2A2A2A2")))) == "9000"


def test_files_are_unique_in_their_directory(bench):
    bench.with_adf(bench.ef())
    assert bench.raw(bench.ef(sfid=2)) == "6A89"
    assert bench.raw(bench.ef("0002")) == "6A89"
    assert bench.raw(bench.ef("5F00", sfid=2)) == "6A89"
    bench.ok(bench.ef("0002", sfid=0))
    bench.ok(bench.ef("0003", sfid=0))
    bench.ok("00A40000")
    bench.ok(bench.ef())


def test_elementary_files_that_are_refused(bench):
    bench.with_adf()
    for wrong in (
        {"fd": "21"}, {"fd": "38"}, {"fd": "03"}, {"sfid": 31}, {"extent": "0000"}, {"fd": "02", "extent": "0010"},
        {"fd": "06", "extent": "0500"}, {"fd": "1E", "extent": "010B"}, {"art": "FF", "keys": 1},
        {"art": "FF", "keys": 9}, {"art": "FFFFFF", "keys": 2, "smr": "3000"}, {"art": "FFFFFF", "keys": 1},
        {"art": "FF", "keys": 0},
    ):  # fmt: skip
        assert bench.raw(bench.ef(**wrong)) == "6A80", wrong
    for reserved in ("3F00", "2FF7", "0000", "3FFF", "FFFF"):
        assert bench.raw(bench.ef(reserved)) == "6986"
    assert bench.raw(bench.ef().replace("00E00000", "00E00100")) == "6A86"
    assert bench.raw(bench.ef().replace("00E00000", "00E00001")) == "6A86"


def test_a_file_just_made_is_current(bench):
    bench.with_adf()
    bench.ok(bench.ef())
    assert bench.ok("80CE000000") == "01010001002000"
    bench.ok(bench.ef("0002", sfid=2, fd="1F", extent="020C", art="01020304", smr="1545"))
    assert bench.ok("00B0810001") == "00"
    assert bench.ok("80CE000000") == "01010001002000", "a file addressed by its short identifier is current, too"


def test_enciphered_keys(bench):
    key = Bench.KEYS[0]
    enciphered = text(a00f=aes(TRANSPORT, key) + "01" + kvv(key))
    assert bench.raw(enciphered) == "6A80"
    assert bench.raw(enciphered.replace("00E000", "00E009", 1)) == "6A88"
    assert bench.raw(enciphered.replace("00E000", "00E001", 1)) == "9000"
    assert bench.authenticate(1, key) == "9000"


@pytest.mark.parametrize(("attributes", "expected"), [("06", "6984"), ("82", "6984"), ("03", "9000"), ("00", "9000")])
def test_keys_that_encipher_none(bench, attributes, expected):
    key = Bench.KEYS[0]
    bench.ok(f"804E000301{attributes}")
    command = text(a00f=aes(TRANSPORT, key) + "01" + kvv(key)).replace("00E000", "00E003", 1)
    assert bench.raw(command) == expected


def test_v1_names_the_enciphering_key_elsewhere():
    bench, key = Bench(make_card("cipurse-v1", seed=1)), Bench.KEYS[0]
    head = "38405F01{}080801" + "0000FFFF021009" + "620784" + lv("A1A1A1A1A1")
    keys = dgi("A00F", aes(TRANSPORT, key) + "01" + kvv(key))
    assert bench.raw(apdu("00E00100", dgi("9200", head.format("01")) + keys)) == "6A86"
    assert bench.raw(apdu("00E00000", dgi("9200", head.format("00")) + keys)) == "6A80"
    assert bench.raw(apdu("00E00000", dgi("9200", head.format("01")) + keys)) == "9000"
    assert bench.authenticate(1, key) == "9000"


@pytest.mark.parametrize("string", [
    "0142300100002003", "0341300100002003", "0241300100002003", "024130010100FF0003", "02413001FF000103",
    "014130010000", "01413001000020030000", "014130010000200300" + "FF" * 12, "01413001000020FF", "0141300100000003",
])  # fmt: skip
def test_files_that_v1_refuses(string):
    bench = Bench(make_card("cipurse-v1", seed=1))
    assert bench.raw(apdu("00E00000", dgi("9201", string))) == "6A80"
    assert bench.raw(apdu("00E00000", dgi("9201", "0241300105004003" + "1500FF01"))) == "9000"
    assert bench.ok("80CE000000") == "02033001050C" + "011500FF01"


def test_memory_is_counted(bench):
    assert free(bench) == 4096
    bench.ok(bench.adf(keys=Bench.KEYS[:2]))
    assert free(bench) == 4096 - 32 - 40
    bench.ok(f"00A40400{lv(Bench.AID)}")
    bench.ok(bench.ef(extent="0100"))
    bench.ok(bench.ef("0002", sfid=2, fd="1F", extent="0510"))
    assert free(bench) == 4024 - 16 - 256 - 16 - 80
    bench.ok(bench.ef("0001"))
    assert free(bench) == 3656 - 16 - 32
    bench.ok(f"00A40400{lv(Bench.AID)}")
    assert bench.raw(bench.ef("0003", sfid=3, extent="0E28")) == "6A84"
    assert bench.raw(bench.ef("0003", sfid=3, extent="0E08")) == "9000"
    assert free(bench) == 0
    assert bench.raw(bench.adf("5F01", aid="A1A1A1A1A1")) == "6A84"
    bench.ok(f"00A40400{lv(Bench.AID)}")
    bench.ok("00E40000020003")
    assert free(bench) == 3608


def test_places_are_counted(bench):
    bench.with_adf(files="0201")
    bench.ok(bench.ef())
    assert bench.raw(bench.ef("0002", sfid=2)) == "6A84"
    bench.ok(bench.ef("0002", sfid=0))
    assert bench.raw(bench.ef("0003", sfid=0)) == "6A84"


def test_directories_are_counted(bench):
    for number in range(8):
        bench.ok(bench.adf(f"5F{number:02X}", aid=f"A1A1A1A1{number:02X}", keys=()))
        bench.ok("00A40000")
    assert bench.raw(bench.adf("5F10", aid="A1A1A1A110")) == "6A84"
    for number in range(4):
        bench.ok(pxse(f"20{number:02X}", f"A0000005{number:02X}"))
    assert bench.raw(pxse("2010", "A000000510")) == "6A84"


def test_the_list_of_a_pxse_is_counted(bench):
    bench.ok(pxse(places="01"))
    bench.ok(bench.adf(**registered("5F01", "A1A1A1A1A1")))
    bench.ok("00A40000")
    assert bench.raw(bench.adf(**registered("5F02", "A2A2A2A2A2"))) == "6A84"
    bench.ok(bench.adf("5F02", aid="A2A2A2A2A2"))
