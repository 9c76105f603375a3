"""Who may do what: every command against every level and every key, keys that never change, and rules that change."""

import itertools

import pytest

from cardkit.virtual import make_card

from .terminal import ENC, MAC, PLAIN, TRANSPORT, Bench, aes, apdu, kvv, lv

NEW = "55" * 16
LEVELS = (PLAIN, MAC, ENC)

# Command -> group of the SMR, group of the ART; the sheet's table, and images/cipurse.toml where it says nothing.
OF_FILES = {
    "00B0000001": (1, 1),
    "00D6000001AA": (2, 2),
    "80CE000000": (3, 7),
    "80DE000007" + "030000" + "FF" * 4: (4, 8),
}
OF_VALUES = {
    "8034010400": (1, 1),
    "00B2010400": (1, 1),
    "00DC01040C" + "00000000" + "FFFFFF00" + "00000FFF": (2, 2),
    "803201040400000001": (2, 3),
    "803001040400000001": (2, 4),
    "803C01040400000000": (2, 5),
    "803E01040400000000": (2, 6),
    "80CE000000": (3, 7),
}
OF_DIRECTORIES = {
    "00440000": (1, 3),
    "00040000": (1, 4),
    "00E40000020001": (1, 5),
    f"8052000216011009{NEW}{kvv(NEW)}": (2, 1),
    "804E00020102": (2, 1),
    "807E0000": (0, 2),
    "80CE000000": (3, 7),
    "80DE000007" + "030000" + "FF" * 4: (4, 8),
    Bench.ef("0009", sfid=9): (4, 5),
}


def file_bench(bench, smr, art, **ef):
    """A session with key 1, the file current."""
    bench.with_adf(bench.ef(smr=smr, art=art, **ef))
    bench.ok("00A40000020001")
    return bench.opened(1, Bench.KEYS[0])


def only(group):
    """An ART whose key 1 opens that one group."""
    return "00" + f"{1 << group - 1:02X}" + "0000"


def but(group):
    return "00" + f"{0xFF ^ 1 << group - 1:02X}" + "FFFF"


CASES = [(command, groups, "01", "0020") for command, groups in OF_FILES.items()]
CASES += [(command, groups, "1E", "020C") for command, groups in OF_VALUES.items()]


def with_values(bench, fd):
    """Give a value record limits, whatever the rules."""
    if fd == "1E":
        record = "00000000" + "FFFFFF00" + "00000FFF"
        bench.card.chip.memory.cells["data/5F00/0001"] = bytes.fromhex(record * 2 + "00" * 8)
    return bench


@pytest.mark.parametrize(("command", "groups", "fd", "extent"), CASES)
def test_each_command_of_files_belongs_to_its_group(bench, command, groups, fd, extent):
    granted = with_values(file_bench(bench, "0000", only(groups[1]), fd=fd, extent=extent), fd)
    assert granted(command, PLAIN, PLAIN).endswith("9000")


@pytest.mark.parametrize(("command", "groups", "fd", "extent"), CASES)
def test_and_to_no_other(bench, command, groups, fd, extent):
    denied = with_values(file_bench(bench, "0000", but(groups[1]), fd=fd, extent=extent), fd)
    before = dict(denied.card.memory())
    assert denied(command, ENC, ENC) == "6982"
    assert dict(denied.card.memory()) == before


def wants(group, level, response):
    """An SMR with one nibble, in words of the sheet: group 1 in the high nibble of the first byte."""
    nibbles = ["0"] * 4
    nibbles[group - 1] = f"{level << 2 | response:X}"
    return "".join(nibbles)


@pytest.mark.parametrize(("level", "response"), tuple(itertools.product(LEVELS, LEVELS)))
@pytest.mark.parametrize("match", ["minimum", "exact"])
def test_each_command_wants_its_level(variant, match, level, response):
    bench = variant("[behaviour]", f'smr_match = "{match}"')
    smr = f"{level << 2 | response:X}" * 4
    file_bench(bench, smr, "FF" * 4)
    for got, back in itertools.product(LEVELS, LEVELS):
        fits = got >= level and back >= response
        if match == "exact":
            fits = level in (PLAIN, got) and response in (PLAIN, back)
        assert bench("00B0000001", got, back) == ("009000" if fits else "6982"), (got, back)
        assert bench("80CE000000", got, back).endswith("9000" if fits else "6982")
    plain = bench.raw("00B0000001")
    assert plain == ("009000" if level == response == PLAIN else "6982")


@pytest.mark.parametrize("group", [1, 2, 3, 4])
def test_each_nibble_is_for_its_group(bench, group):
    file_bench(bench, wants(group, ENC, ENC), "FF" * 4)
    for command, groups in list(OF_FILES.items())[:3]:
        assert bench(command, MAC, MAC).endswith("6982" if groups[0] == group else "9000"), command


@pytest.mark.parametrize(("command", "groups"), OF_DIRECTORIES.items())
@pytest.mark.parametrize("granted", [True, False])
def test_commands_of_directories_belong_to_their_groups(bench, command, groups, granted):
    bench.with_adf(bench.ef())
    art = only(groups[1]) if granted else but(groups[1])
    bench.ok("80DE000007" + "030000" + art)
    bench.opened(1, Bench.KEYS[0])
    answer = bench(command, MAC, MAC)
    assert answer.endswith("9000") if granted else answer == "6982"


@pytest.mark.parametrize(("command", "groups"), OF_DIRECTORIES.items())
def test_commands_of_directories_want_their_level(bench, command, groups):
    bench.with_adf(bench.ef())
    smr = wants(groups[0], ENC, PLAIN) if groups[0] else "AAAA"
    bench.ok("80DE000007" + "03" + smr + "FF" * 4)
    bench.opened(1, Bench.KEYS[0])
    assert bench(command, MAC, ENC).endswith("6982" if groups[0] else "9000")
    assert bench(command, ENC, ENC).endswith("9000")


def test_each_key_has_its_own_rights(bench):
    bench.with_adf(bench.ef(art="00" + "01" + "03" + "80"))
    for number, (read, write) in {1: ("00", ""), 2: ("00", "9000"), 3: ("6982", "6982")}.items():
        bench.reselect().opened(number, Bench.KEYS[number - 1])
        assert bench("00B0810001") == (read + "9000" if read == "00" else read)
        assert bench("00D681000100") == (write or "6982")
    assert bench.reselect().raw("00B0810001") == "6982"


def test_rules_for_fewer_keys_than_there_are(bench):
    bench.with_adf(bench.ef(keys=1, art="0001"))
    assert bench.opened(2, Bench.KEYS[1])("00B0810001") == "6982"
    assert bench.opened(1, Bench.KEYS[0])("00B0810001") == "009000"


def test_a_key_of_the_mf_is_none_of_the_application(bench):
    bench.with_adf(bench.ef(art="00" + "FF" * 3))
    assert bench.authenticate(1, TRANSPORT) == "6988"


def test_files_without_rules_are_as_the_image_says(variant):
    bench = variant("[behaviour]", "without_rules = 0x01")
    bench.with_adf(bench.ef())
    assert bench.ok("00B0810001") == "00"
    assert bench.raw("00D681000100") == "6982"
    assert bench.opened(1, Bench.KEYS[0])("00D681000100") == "6982"


def update_key(number, key=NEW, *, version="07", by="00", check=None):
    return f"8052{by}{number:02X}16{version}1009{key}{check or kvv(NEW)}"


def attributes(bench):
    """Key records of the current directory as READ FILE ATTRIBUTES shows them."""
    shown = bench.ok("80CE000000")
    start = 14 + 4 + 2 * (int(shown[12:14], 16) + 1)
    return [shown[at : at + 14] for at in range(start, start + 14 * int(shown[12:14], 16), 14)]


def test_a_key_is_changed_and_proves_it(bench):
    bench.with_adf().opened(2, Bench.KEYS[1])
    assert bench(update_key(2), ENC, MAC) == "9000"
    assert bench("807E0000") == "9000", "the session goes on"
    assert bench.reselect().authenticate(2, Bench.KEYS[1]) == "6988"
    assert bench.authenticate(2, NEW) == "9000"
    assert attributes(bench.reselect())[1] == "07100902" + kvv(NEW)


def test_a_key_enciphered_by_another(bench):
    bench.with_adf()
    enciphered = aes(Bench.KEYS[2], NEW)
    assert bench.raw(update_key(1, enciphered, by="02")) == "6A80"
    assert bench.raw(update_key(1, enciphered, by="04")) == "6A88"
    assert bench.raw(update_key(1, enciphered, by="03")) == "9000"
    assert bench.authenticate(1, NEW) == "9000"
    assert bench.reselect().raw("804E00030106") == "9000"
    assert bench.raw(update_key(1, enciphered, by="03")) == "6984"
    assert bench.raw("804E00030182") == "9000"
    assert bench.raw(update_key(1, enciphered, by="03")) == "6984"


@pytest.mark.parametrize(("command", "expected"), [
    (update_key(0), "6A88"), (update_key(4), "6A88"), (update_key(1, check="000000"), "6A80"),
    (update_key(1).replace("1009", "1008"), "6A80"), (update_key(1)[:-2].replace("16", "15", 1), "6700"),
    ("804E00000102", "6A88"), ("804E00040102", "6A88"), ("804E01010102", "6A86"), ("804E0001020202", "6700"),
])  # fmt: skip
def test_wrong_changes_of_keys(bench, command, expected):
    before = bench.with_adf().card.memory()["keys/5F00"]
    assert bench.raw(command) == expected
    assert bench.card.memory()["keys/5F00"] == before


def test_a_frozen_key_never_changes_again(bench):
    bench.with_adf()
    assert bench.raw("804E00010100") == "9000"
    assert attributes(bench)[0] == "01100900" + kvv(Bench.KEYS[0])
    bench.opened(1, Bench.KEYS[0])
    assert bench(update_key(1)) == bench("804E00010102") == "6982"
    assert bench(update_key(2)) == "9000"


def test_a_key_that_only_itself_changes(bench):
    bench.with_adf().ok("804E00010103")
    assert bench.opened(2, Bench.KEYS[1])(update_key(1)) == "6982"
    assert bench("804E00010102") == "6982"
    assert bench.reselect().raw(update_key(1)) == "6982"
    assert bench.opened(1, Bench.KEYS[0])(update_key(1)) == "9000"


def test_rules_change_what_is_granted_and_tag_86_what_is_shown(bench):
    bench.with_adf()
    art = "40" + "80" + "0000"
    bench.ok("80DE00000E" + "03" + "0000" + art + "8605" + "1122334455")
    assert bench.ok("80CE000000").endswith(f"621684{lv(Bench.AID)}86051122334455")
    assert bench.raw("807E0000") == "6982"
    bench.opened(1, Bench.KEYS[0])
    assert bench("80DE000009" + "03" + "0000" + art + "8600") == "9000"
    assert bench.reselect().ok("80CE000000").endswith(f"621184{lv(Bench.AID)}8600")


@pytest.mark.parametrize("wrong", [
    "020000FFFFFF", "040000FFFFFFFFFF", "030000FFFFFF", "030000FFFFFFFFFF", "03C000FFFFFFFF", "000000FF",
    "030000FFFFFFFF86", "030000FFFFFFFF8502AAAA", "030000FFFFFFFF86008600", "03",
])  # fmt: skip
def test_wrong_rules_of_a_directory(bench, wrong):
    before = dict(bench.with_adf().card.memory())
    assert bench.raw(apdu("80DE0000", wrong)) == "6A80"
    assert dict(bench.card.memory()) == before


def test_rules_of_a_file(bench):
    bench.with_adf(bench.ef()).ok("00A40000020001")
    assert bench.raw(apdu("80DE0000", "01" + "0000" + "0101" + "8600")) == "6A80"
    bench.ok(apdu("80DE0000", "01" + "5545" + "4181"))
    bench.opened(1, Bench.KEYS[0])
    assert bench("80CE000000") == "01010001002001554541819000"
    assert bench(apdu("80DE0000", "01" + "0000" + "FFFF"), MAC, MAC) == "9000"


def test_v1_does_not_count_keys():
    bench = Bench(make_card("cipurse-v1", seed=1))
    bench.ok(apdu("80DE0000", "0000" + "FF" * 9 + "8601AA"))
    assert bench.ok("80CE000000")[-18:-12] == "8601AA"
    assert bench.raw(apdu("80DE0000", "0000" + "FF" * 8)) == "6A80"
    assert bench.raw(apdu("80DE0000", "080000" + "FF" * 9)) == "6A80"
