"""What is deleted, deactivated or formatted is gone, and a card nobody has personalized is open."""

import pytest

from .directories import pxse
from .terminal import ENC, Bench, apdu, kvv, lv


def test_deleted_files_are_gone(bench):
    bench.with_adf(bench.ef(), bench.ef("0002", sfid=2))
    bench.ok("00A40000020001")
    bench.ok("00E40000020001")
    assert bench.raw("00B0810001") == "6A82"
    assert bench.raw("00B0000001") == "6986"
    assert bench.raw("00E40000020001") == "6A82"
    bench.ok(bench.ef())
    assert "data/5F00/0002" in bench.card.memory()


@pytest.mark.parametrize("command", ["00E40000", "00E40000025F00", f"00E40400{lv(Bench.AID)}"])
def test_a_deleted_application_leaves_nothing(bench, command):
    blank = dict(bench.card.memory())
    bench.with_adf(bench.ef()).opened(1, Bench.KEYS[0])
    assert bench(command) == "9000"
    assert bench.raw(bench.wrapped("807C0000")) == "6988"
    assert bench.ok("80CE000000").startswith("38003F00")
    assert dict(bench.card.memory()) == blank


@pytest.mark.parametrize("command", ["00E40000025F00", f"00E40400{lv(Bench.AID)}"])
def test_an_application_is_deleted_from_the_mf(bench, command):
    bench.with_adf(bench.ef()).ok("00A40000")
    bench.opened()
    assert bench(command) == "9000"
    assert bench("807C0000") == "9000", "the MF stays current, its session open"
    assert bench.raw(f"00A40400{lv(Bench.AID)}") == "6A82"


@pytest.mark.parametrize(("command", "expected"), [
    ("00E40000", "6986"), ("00E40000023F00", "6986"), ("00E40000022FF7", "6986"), ("00E40000020001", "6A82"),
    ("00E404000401020304", "6A82"), ("00E40400", "6A82"), ("00E40000013F", "6700"), ("00E40100", "6A86"),
])  # fmt: skip
def test_deletions_that_are_refused(bench, command, expected):
    assert bench.raw(command) == expected


def test_another_application_is_out_of_reach(bench):
    bench.ok(bench.adf("5F01", aid="A1A1A1A1A1"))
    bench.ok("00A40000")
    bench.with_adf()
    assert bench.raw("00E40000025F01") == "6A82"
    assert bench.raw("00E40400" + lv("A1A1A1A1A1")) == "6A82"


def test_deactivated_applications(bench):
    bench.with_adf(bench.ef())
    bench.ok("00040000")
    bench.card.power(cold=True)
    bench.ok(f"00A40400{lv(Bench.AID)}")
    for command in ("00B0810001", "00D6810001AA", "807E0000", "80DE000001FF", bench.ef("0002", sfid=2)):
        assert bench.raw(command) == "6985", command
    assert bench.authenticate(1, Bench.KEYS[0]) == "9000"
    assert bench("80CE000000").startswith("01010001")
    assert bench("00440000") == "9000"
    assert bench.ok("00B0810001") == "00"


def test_the_master_file_is_always_active(bench):
    assert bench.raw("00040000") == bench.raw("00440000") == "6986"


def test_applications_that_wait_for_their_activation(variant):
    bench = variant("[behaviour]", 'lifecycle = "deactivated"')
    bench.ok(bench.adf())
    assert bench.raw(bench.ef()) == "6985"
    bench.ok("00440000")
    bench.ok(bench.ef())


def test_format_all_makes_the_card_blank_again(bench):
    blank, serial = dict(bench.card.memory()), bench.card.serial
    bench.ok(pxse())
    bench.with_adf(bench.ef())
    assert bench.raw("80FC000007436F6E6669724D") == "6985"
    bench.ok("00A40000")
    assert bench.authenticate(1, "00" * 16) == "6988"
    assert bench.raw("80FC000007436F6E6669726D") == "6A80"
    assert bench.raw("80FC000006436F6E666972") == "6700"
    bench.opened()
    assert bench(apdu("80520001", "02" + "1009" + "55" * 16 + kvv("55" * 16))) == "9000"
    assert bench(apdu("80DE0000", "08" + "4444" + "FF" * 9)) == "9000"
    assert bench("80FC000007436F6E6669724D", ENC, ENC) == "9000"
    assert bench.raw(bench.wrapped("807C0000")) == "6988"
    assert dict(bench.card.memory()) == blank
    assert bench.card.serial == serial
    assert bench.authenticate(1) == "9000"


def locked(bench):
    """Attributes of an MF that grants its key 2 everything, and others nothing but reading; MAC everywhere."""
    art = "40" + "40" + "FF" + "40" * 6
    bench.opened()
    assert bench(apdu("80DE0000", "08" + "5555" + art)) == "9000"
    bench.key = None
    bench.card.power(cold=True)
    return bench


def test_a_virgin_card_is_open_to_everybody(bench):
    locked(bench).ok(bench.adf())
    bench.ok("00A40000")
    bench.ok("80FC000007436F6E6669724D")


def test_a_card_whose_keys_have_changed_is_not(bench):
    locked(bench).opened()
    assert bench(apdu("80520008", "02" + "1009" + "55" * 16 + kvv("55" * 16))) == "9000"
    bench.card.power(cold=True)
    assert bench.raw(bench.adf()) == bench.raw("80FC000007436F6E6669724D") == "6982"
    assert bench.opened(2)(bench.adf()) == "9000"


def test_nor_one_that_no_virgin_is_free_on(variant):
    bench = locked(variant("[behaviour]", "virgin_free = false"))
    assert bench.raw(bench.adf()) == "6982"
