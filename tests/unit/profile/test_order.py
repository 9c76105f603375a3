"""Reading the demo product's order: typed values, quarantine that shows no secret, transport keys."""

from datetime import date

import pytest

from cardkit.crypto import Key, KeyInfo, MemoryKeyStore, Secret, Usage
from cardkit.errors import KeyStoreError, RecordError
from cardkit.profile import load_profile, read_order
from cardkit.profile.rowreader import BadRow

WRAPPED = "EE9166EE717DFCE1F469C6AAA9C449A753D72177E6F3FDB4"  # RFC 3394 under 4041..4F
KI = bytes.fromhex("1899564A9DA8DE833D25C71739EAADCE")


@pytest.fixture
def profile(product):
    return load_profile(product)


@pytest.fixture
def order(profile, product):
    return read_order(profile, product / "order.csv", profile.test_keystore())


@pytest.fixture
def read(profile, tmp_path):
    """Read an order given as text, with the demo product's layout."""

    def read_text(text, chosen=profile):
        path = tmp_path / "order.csv"
        path.write_bytes(text.encode())
        return read_order(chosen, path, profile.test_keystore())

    return read_text


def row(**changes):
    values = {"iccid": "8999901000000000013", "imsi": "001010000000001", "ki": WRAPPED, "pin1": "1234"}
    values |= {"adm1": "4142434445464748"} | changes
    return ",".join(values) + "\n" + ",".join(values.values()) + "\n"


def test_values_have_their_types(order):
    record = order.records[0]

    assert {
        "iccid": "8999901000000000013",
        "imsi": "001010000000001",
        "ki": Key(KI, "ki", "AES-128", Usage.CARD_KEY),
        "pin1": Secret(b"1234", "pin1"),
        "adm1": Secret(b"ABCDEFGH", "adm1"),
        "holder": "nobody",
        "mcc": "001",
        "mnc": "01",
    } == dict(record)
    assert record.business_keys() == {"iccid": "8999901000000000013", "imsi": "001010000000001"}


def test_bad_rows_are_quarantined_and_the_rest_goes_on(order):
    expected = (
        BadRow(3, 4, "iccid", "CHECK_DIGIT", "the Luhn check digit is wrong", "8999901000000000022"),
        BadRow(4, 5, "ki", "KEY_UNWRAP", "value under order:kek-1: integrity check failed: another key, or a changed "
               "value", "<48 characters>"),
    )  # fmt: skip

    assert expected == tuple(order.quarantined)
    assert [record.row_no for record in order.records] == [1, 2]
    assert order.rows == 4


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"iccid": " 8999901000000000013"}, "iccid", "CHARSET"),
        ({"iccid": "\uff18999901000000000013"}, "iccid", "CHARSET"),
        ({"iccid": "899990100000000001"}, "iccid", "LENGTH"),
        ({"iccid": ""}, "iccid", "LENGTH"),
        ({"imsi": "1"}, "imsi", "LENGTH"),
        ({"ki": WRAPPED[:-1]}, "ki", "LENGTH"),
        ({"ki": WRAPPED[:-2]}, "ki", "KEY_UNWRAP"),
        ({"ki": "x" * 48}, "ki", "CHARSET"),
        ({"ki": ""}, "ki", "LENGTH"),
        ({"pin1": "123"}, "pin1", "LENGTH"),
        ({"pin1": "12 4"}, "pin1", "CHARSET"),
        ({"adm1": "41424344454647"}, "adm1", "LENGTH"),
        ({"holder": "a\tb"}, "holder", "CHARSET"),
        ({"holder": "a\ufeffb"}, "holder", "CHARSET"),
        ({"holder": "x" * 21}, "holder", "LENGTH"),
        ({"mcc": "002"}, "mcc", "CONST"),
    ],
)
def test_value_that_breaks_its_rule_is_quarantined(read, changes, field, code):
    order = read(row(**changes))

    assert ([(field, code)], 0) == ([(bad.field, bad.code) for bad in order.quarantined], len(order.records))


def test_quarantine_masks_secret_and_personal_values(read):
    for field, value in (("pin1", "77x7"), ("adm1", "71737475767778"), ("imsi", "44455x"), ("ki", "ABABABAB")):
        (bad,) = read(row(**{field: value})).quarantined

        assert f"<{len(value)} characters>" == bad.value
        assert value not in repr(bad)


def test_quarantine_masks_a_secret_in_a_wrong_column(read):
    (bad,) = read(row(iccid="7172737475767778")).quarantined

    assert bad.value == "<16 characters>"


def test_duplicate_business_key_is_found_whatever_the_other_fields(read):
    text = row() + row(iccid="8999901000000000021").splitlines()[1] + "\n"

    (bad,) = read(text).duplicates
    assert BadRow(2, 3, "imsi", "DUPLICATE", "the same imsi as row 1", "<15 characters>", 1) == bad


def test_normal_form_is_applied_and_counted(read):
    text = (
        row(holder="O'zbek") + row(iccid="8999901000000000021", imsi="001010000000002", holder="Anor").splitlines()[1]
    )
    order = read(text)

    assert [record["holder"] for record in order.records] == ["O\u02bbzbek", "Anor"]
    assert order.normalized == 1


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", "EMPTY", "the file is empty"),
        ("\n", "EMPTY", "no header line"),
        ("\ufeff" + row(), "ENCODING_BOM", "a byte-order mark, but the layout declares utf-8"),
        (row().replace("pin1", "PIN1"), "COLUMN_UNKNOWN", 'line 1: column "PIN1": not in the layout'),
        (row().splitlines()[1], "COLUMN_UNKNOWN", "line 1: column number 1, which is no name: not in the layout"),
        (row().replace("pin1", "imsi"), "COLUMN_UNKNOWN", 'column "imsi" a second time'),
        (row().replace("pin1", "holder"), "COLUMN_MISSING", 'column "pin1" is missing'),
    ],
)
def test_wrong_file_is_refused_whole_in_one_line(read, tmp_path, text, code, message):
    with pytest.raises(RecordError) as caught:
        read(text)

    assert code == caught.value.code
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'order.csv'}: {code}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_unreadable_file_is_refused(profile, tmp_path):
    with pytest.raises(RecordError, match="cannot be read") as caught:
        read_order(profile, tmp_path / "nothing.csv", MemoryKeyStore())

    assert caught.value.code == "FILE"


def test_missing_transport_key_refuses_the_file_before_any_row(profile, product):
    with pytest.raises(KeyStoreError, match="key order:kek-1: not in this key store"):
        read_order(profile, product / "order.csv", MemoryKeyStore())


HEADER_LAYOUT = """[layout]
kind = "delimited"
encoding = "ascii"
sep = " "
header = { fields = ["batch", "timestamp", "quantity", "auc_key"], optional = ["auc_key"] }
totals = { count = "header.quantity" }
fields = [
  { name = "iccid", at = 1 },
  { name = "ki", at = 3, type = "key", algorithm = "AES-128", transport = "header.auc_key" },
  { name = "birth", at = 2, type = "date", format = "%d.%m.%Y" },
]

[profile]"""


@pytest.fixture
def header_profile(edit, product):
    text = (product / "profile.toml").read_text(encoding="utf-8")
    start, end = text.index("imsi   ="), text.index("[demo]")
    edit(text[start:end], "")
    edit('codes = { acc = "{imsi|acc}", home = "sip:{imsi}@ims.mnc{mnc|pad3}.mcc{mcc}.3gppnetwork.org" }\n', "")
    edit('pin = "{pin1}"\n', "")
    edit('layout = "demo-csv"\n\n[profile]', HEADER_LAYOUT)
    return load_profile(product)


class OneKeyStore(MemoryKeyStore):
    """Knows one transport key, and which references it was asked for."""

    def __init__(self):
        super().__init__({"order:auc_key-7": Key(bytes(range(0x40, 0x50)), "kek", "AES-128", Usage.TRANSPORT_IN)})
        self.asked = []

    def find(self, reference) -> KeyInfo:
        self.asked.append(reference)
        return super().find(reference)


@pytest.mark.parametrize(
    ("header", "ki", "asked"),
    [
        ("00233 141114091800 1", KI.hex(), []),
        ("00233 141114091800 1 0", KI.hex(), []),
        ("00233 141114091800 1 7", WRAPPED, ["order:auc_key-7"]),
    ],
)
def test_key_index_of_the_header_names_the_transport_key(header_profile, tmp_path, header, ki, asked):
    path = tmp_path / "order.txt"
    path.write_text(f"{header}\n8999901000000000013 29.02.2004 {ki}\n", encoding="ascii")
    keystore = OneKeyStore()
    (record,) = read_order(header_profile, path, keystore).records

    assert Key(KI, "ki", "AES-128", Usage.CARD_KEY) == record["ki"]
    assert date(2004, 2, 29) == record["birth"]
    assert asked == keystore.asked


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("00233 141114091800", "HEADER: header: 2 values, expected 3 to 4"),
        ("00233 141314091800 1", "HEADER: header.timestamp: expected YYMMDDhhmmss"),
        ("00233 141114091800 one", "HEADER: header.quantity: expected a number"),
        ("00233 141114091800 2", "COUNT: header.quantity declares 2, the rows give 1"),
    ],
)
def test_wrong_header_refuses_the_file(header_profile, tmp_path, header, message):
    path = tmp_path / "order.txt"
    path.write_text(f"{header}\n8999901000000000013 29.02.2004 {KI.hex()}\n", encoding="ascii")

    with pytest.raises(RecordError, match=message):
        read_order(header_profile, path, OneKeyStore())
