"""What waits for PERFORM TRANSACTION, and power that goes before any write: all of a command happened, or nothing."""

import copy

import pytest

from cardkit.virtual.chips import ChipDirectory

from .terminal import ENC, MAC, TRANSPORT, Bench, aes, apdu, dgi, kvv, lv

NEW = "55" * 16
RECORD = "00000064" + "00000000" + "000003E8"
HELD = {"11": "0020", "12": "0508", "16": "0508", "1F": "020C"}
FILES = [Bench.ef(f"000{at}", fd=fd, sfid=at, extent=extent) for at, (fd, extent) in enumerate(HELD.items(), 1)]
WRITES = {
    "00D6810004" + "01020304": "00B0810004",
    "00DC011402" + "AABB": "00B2011402",
    "00E2001801CC": "00B2011C01",
    "00DC01240C" + RECORD: "8034012400",
}


def contents(card):
    """All but the bookkeeping."""
    return {name: value for name, value in card.memory().items() if not name.startswith(("tries/", "journal"))}


@pytest.fixture
def open_transaction(bench):
    """Every kind of file changed, nothing of it performed; a session with key 1."""
    bench.with_adf(*FILES).opened(1, Bench.KEYS[0])
    for write in WRITES:
        assert bench(write) == "9000"
    return bench


def seen(bench):
    return [bench(read)[:-4] for read in WRITES.values()]


WRITTEN = ["01020304", "AABB", "CC", "00000064"]
UNWRITTEN = ["00000000", "0000", "00", "00000000"]


def test_the_session_sees_what_waits(open_transaction):
    assert seen(open_transaction) == WRITTEN
    assert not any(any(value) for name, value in contents(open_transaction.card).items() if name.startswith("data/5F"))


def test_performed_it_stays(open_transaction):
    assert open_transaction("807E0000") == open_transaction("807E0000") == "9000"
    open_transaction.card.power(cold=True)
    open_transaction.reselect().opened(1, Bench.KEYS[0])
    assert seen(open_transaction) == WRITTEN


def cancelled(bench):
    assert bench("807C0000") == "9000"


def reset(bench):
    bench.card.power(cold=False)


def unsecured(bench):
    bench.ok("80CE000000")


def authenticated_anew(bench):
    bench.opened(2, Bench.KEYS[1])


def failed_authentication(bench):
    assert bench.authenticate(2, TRANSPORT) == "6988"


def broken_messaging(bench):
    assert bench.raw("847E00000944" + "00" * 9) == "6988"


def left(bench):
    bench.ok("00A40000")


@pytest.mark.parametrize(
    "end",
    [cancelled, reset, unsecured, authenticated_anew, failed_authentication, broken_messaging, left],
    ids=lambda end: end.__name__,
)
def test_what_undoes_it(open_transaction, end):
    before = contents(open_transaction.card)
    end(open_transaction)
    assert contents(open_transaction.card) == before
    open_transaction.reselect().opened(1, Bench.KEYS[0])
    assert seen(open_transaction) == UNWRITTEN
    assert open_transaction("807E0000") == "9000"
    assert seen(open_transaction) == UNWRITTEN


def test_select_of_a_file_does_not(open_transaction):
    open_transaction.ok("00A40000020001")
    open_transaction.ok("0084000016")
    assert seen(open_transaction) == WRITTEN


def test_the_buffer_has_an_end(variant):
    bench = variant("[behaviour]", "transaction_buffer = 10")
    bench.with_adf(*FILES).opened(1, Bench.KEYS[0])
    assert bench(apdu("00D68100", "AA" * 8)) == "9000"
    assert bench(apdu("00D68108", "BB" * 3)) == "6581"
    assert bench("00B081000B") == "AA" * 8 + "000000" + "9000"
    assert bench(apdu("00D68108", "BB" * 2)) == "9000"
    assert bench("807E0000") == "9000"
    assert bench(apdu("00D68108", "CC" * 10)) == "9000"


def test_a_deleted_file_takes_its_changes_along(open_transaction):
    assert open_transaction("00E40000020001") == "9000"
    assert open_transaction(Bench.ef(fd="11")) == "9000"
    assert open_transaction("00B0810004") == "000000009000"
    assert open_transaction("807E0000") == "9000"
    assert open_transaction("00B0810004") == "000000009000"
    assert open_transaction("8034012400") == "000000649000"


def test_other_files_are_written_at_once(open_transaction):
    assert open_transaction(Bench.ef("0009", sfid=9)) == "9000"
    assert open_transaction("00D6890001AA") == "9000"
    open_transaction.card.power(cold=True)
    assert open_transaction.reselect().ok("00B0890001") == "AA"
    assert open_transaction.ok("00B0810004") == "00000000"


CHANGES_HELD_BY_SOME = {
    "a key": (f"8052000116071009{NEW}{kvv(NEW)}", "keys/5F00"),
    "attributes of a key": ("804E00010106", "keys/5F00"),
    "rules": ("80DE000007" + "034444" + "FFFFFFFF", "df/5F00"),
}


@pytest.mark.parametrize(("command", "cell"), CHANGES_HELD_BY_SOME.values(), ids=CHANGES_HELD_BY_SOME)
@pytest.mark.parametrize("scope", ["files", "all"])
def test_keys_and_attributes_wait_where_the_image_says_so(variant, scope, command, cell):
    bench = variant("[behaviour]", f'commit_scope = "{scope}"')
    bench.with_adf().opened(2, Bench.KEYS[1])
    before = bench.card.memory()[cell]
    assert bench(command) == "9000"
    assert (bench.card.memory()[cell] == before) == (scope == "all")
    assert bench("807C0000") == "9000"
    assert (bench.card.memory()[cell] == before) == (scope == "all")
    assert bench(command) == "9000"
    assert bench("807E0000") == "9000"
    assert bench.card.memory()[cell] != before


def test_structure_and_rules_that_wait_do_not_undo_each_other(variant):
    bench = variant("[behaviour]", 'commit_scope = "all"')
    bench.with_adf().opened(1, Bench.KEYS[0])
    assert bench("80DE000007" + "034444" + "FFFFFFFF") == "9000"
    assert bench(Bench.ef()) == "9000"
    assert bench("807C0000") == "9000"
    bench.reselect()
    assert bench.ok("80CE000000")[14:18] == "0000"
    assert bench.ok("00B0810001") == "00"
    bench.reselect().opened(1, Bench.KEYS[0])
    assert bench("80DE000007" + "034444" + "FFFFFFFF") == "9000"
    assert bench(Bench.ef("0002", sfid=2)) == "9000"
    assert bench("807E0000") == "9000"
    bench.reselect().opened(1, Bench.KEYS[0])
    assert bench("80CE000000")[14:18] == "4444"
    assert bench("00B0820001") == "009000"


PXSE = apdu("00E00000", dgi("9200", "3F00200008000062" + lv("84" + lv("A0000005070100"))))
IN_THE_MF = {
    "PxSE": PXSE,
    "ADF": Bench.adf("5F01", aid="A1A1A1A1A1"),
    "key of the MF": f"8052000116071009{NEW}{kvv(NEW)}",
    "enciphered key": f"8052020116071009{aes(TRANSPORT, NEW)}{kvv(NEW)}",
    "delete": "00E40000025F00",
    "format": "80FC000007436F6E6669724D",
}
IN_THE_ADF = {
    "EF": Bench.ef("0009", sfid=9),
    "bytes": "00D6810004" + "A1A2A3A4",
    "perform": "807E0000",
    "rules": "80DE000007" + "034444" + "FFFFFFFF",
    "attributes of a key": "804E00010103",
    "delete file": "00E40000020002",
    "delete application": "00E40000",
    "deactivate": "00040000",
}


def in_the_mf(bench):
    bench.with_adf(*FILES)
    bench.ok("00A40000")
    return bench.opened(1)


def in_the_adf(bench):
    bench.with_adf(*FILES).opened(1, Bench.KEYS[0])
    for write in WRITES:
        assert bench(write) == "9000"
    bench.card.chip.current_file = None
    return bench


TORN = [(in_the_mf, name, command) for name, command in IN_THE_MF.items()]
TORN += [(in_the_adf, name, command) for name, command in IN_THE_ADF.items()]


@pytest.mark.parametrize(("prepare", "command"), [pytest.param(p, c, id=n) for p, n, c in TORN])
def test_a_cut_at_any_write_leaves_all_or_nothing(bench, prepare, command):
    prepared = prepare(bench)
    before = contents(prepared.card)
    for step in range(1, 60):
        torn = copy.deepcopy(prepared)
        torn.card.cut_at(step)
        answer = torn.raw(torn.wrapped(command, ENC, MAC))
        after = contents(torn.card)
        if answer:
            break
        assert torn.raw("00A40000") == "", "gone until it is powered"
        torn.card.power(cold=True)
        assert contents(torn.card) == before
        assert torn.raw("00A40000") == "9000"
        assert torn.raw(torn.wrapped("807C0000")) == "6988"
    assert torn.unwrapped(answer, MAC) == "9000"
    held = command == IN_THE_ADF["bytes"]
    assert (after == before) == held
    assert step > 1 or held


def test_a_cut_in_a_file_is_mended_by_the_next_process(tmp_path):
    chips = ChipDirectory(tmp_path, "cipurse", seed=1)
    bench = Bench(chips.fresh())
    in_the_adf(bench)
    before = contents(bench.card)
    bench.card.cut_at(4)
    assert bench.raw(bench.wrapped("807E0000")) == ""
    again = Bench(chips.open(bench.card.serial))
    assert contents(again.card) == before
    again.ok(f"00A40400{lv(Bench.AID)}")
    assert again.authenticate(1, Bench.KEYS[0]) == "9000"


@pytest.mark.parametrize("image", ["cipurse", "cipurse-v1", "cipurse-v2"])
def test_everything_survives_in_a_file(tmp_path, image):
    chips = ChipDirectory(tmp_path, image, seed=1)
    bench = Bench(chips.fresh())
    bench.ok("804E00010103")
    assert bench.authenticate(1, "00" * 16) == "6988"
    again = chips.open(bench.card.serial)
    assert again.memory() == bench.card.memory()
    assert again.memory()["tries/3F00"][0] == 1
    assert again.serial == bench.card.serial


def test_reads_write_nothing(tmp_path):
    chips = ChipDirectory(tmp_path, "cipurse", seed=1)
    bench = Bench(chips.fresh())
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns
    for command in ("00A4000000", "80CE000000", "00A40000022FF7", "00B0000000", "0084000016", "807E0000", "807C0000"):
        bench.raw(command)
    assert file.stat().st_mtime_ns == before
