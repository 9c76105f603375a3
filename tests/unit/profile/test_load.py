"""Profiles load whole or are refused with one line that says where."""

import hashlib

import pytest

from cardkit.errors import KeyStoreError, ProfileError
from cardkit.profile import load_profile
from cardkit.profile.chip import MarkerHome

CHIP = "../../chips/demo-chip.toml"
LAYOUT = "../../layouts/demo-csv.toml"


def test_profile_is_what_its_files_say(product):
    profile = load_profile(product)

    assert (profile.name, profile.version, profile.family, profile.kind) == ("demo", 3, "sim", "TEST")
    assert tuple(profile.record.fields) == ("iccid", "imsi", "ki", "pin1", "adm1", "holder", "mcc", "mnc")
    assert {"ki", "pin1", "adm1"} == profile.record.secret_fields
    assert profile.blocks["demo"].greeting == "for {iccid}"
    assert profile.chip.blocks["demo"].sizes == {"EF.IMSI": 9}
    assert MarkerHome("file", "3F00/2FF2", "delete") == profile.marker
    assert profile.layout.name == "demo-csv"


def test_profile_hash_is_that_of_what_sha256sum_prints(product):
    files = {
        "chips/demo-chip.toml": product / CHIP,
        "layouts/demo-csv.toml": product / LAYOUT,
        "profile.toml": product / "profile.toml",
    }
    printed = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n" for name, path in files.items())

    assert hashlib.sha256(printed.encode()).digest() == load_profile(product).sha256


@pytest.mark.parametrize("name", ["profile.toml", CHIP, LAYOUT])
def test_profile_hash_changes_with_each_of_its_files(product, name):
    before = load_profile(product).sha256
    with (product / name).open("a", encoding="utf-8") as file:
        file.write("# one more line\n")

    assert before != load_profile(product).sha256


def test_profile_hash_does_not_depend_on_order_or_place(product, tmp_path):
    before = load_profile(product).sha256
    (product / "order.csv").unlink()
    moved = (tmp_path / "profiles").rename(tmp_path / "elsewhere")

    assert before == load_profile(moved / "sim" / "demo" / "profile.toml").sha256


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = 3', 'version = 3\nversoin = 4', 'profile: unknown key "versoin"; did you mean "version"?'),
        ('version = 3', 'version = "3"', 'profile.version: expected "int", got "str"'),
        ('version = 3', 'version = 0', 'profile: "version" is 0, expected 1 or more'),
        ('family = "sim"\n', '', 'profile: missing key "family"'),
        ('kind = "TEST"', 'kind = "PROD"', 'profile.kind: invalid value "PROD"; expected one of LIVE, TEST'),
        ('check = "luhn"', 'chekc = "luhn"', 'record.iccid: unknown key "chekc"; did you mean "check"?'),
        ('"digits", min = 14', '"digit", min = 14', 'imsi.type: invalid value "digit"; did you mean "digits"?'),
        ('bytes = 8', 'max = 8', 'record.adm1: "max" has no meaning for type "hex"'),
        ('algorithm = "AES-128", ', '', 'record.ki: type "key" needs "algorithm"'),
        ('AES-128', 'AES-12', 'record.ki: algorithm "AES-12", expected one of AES-128'),
        ('"order:kek-1"', '"00112233"', "record.ki.transport: expected a reference scheme:name, never a value"),
        ('"order:kek-1"', '"header.auc_key"', 'record.ki.transport: "header.auc_key" is no key index of the order'),
        ('min = 4, max = 8', 'min = 9, max = 8', 'record.pin1: "max" is 8, less than "min", which is 9'),
        ('class = "secret" }', 'class = "secret", default = "1234" }', "record.pin1: a secret never stands in"),
        ('default = "nobody"', 'default = ""', "record.holder.default: LENGTH: got 0 characters"),
        ('mcc    =', 'MCC    =', 'record: "MCC" is no field name'),
        ('{imsi|acc}', '{imis|acc}', 'demo.codes.acc: the record has no field "imis"; did you mean "imsi"?'),
        ('{imsi|acc}', '{imsi|ac}', 'demo.codes.acc: unknown filter "ac"; did you mean "acc"?'),
        ('for {iccid}', 'for {pin1}', 'demo.greeting: "pin1" is secret: it may only stand alone, without filters'),
        ('for {iccid}', 'for {iccid', 'demo.greeting: stray "{" in a template'),
        ('pin = "{pin1}"', 'pin = "{pin1}"\ndeep = { a = [], b = [{}, { x = "1" }] }',
         'demo.deep.b.1.x: expected "int", got "str"'),
        ('pin = "{pin1}"', 'pni = "{pin1}"', 'demo: unknown key "pni"; did you mean "pin"?'),
        ('[demo]', '[demos]', 'unknown key "demos"; did you mean "demo"?'),
        ('apps = ["demo"]', 'apps = ["nothing"]', 'unknown key "demo"'),
        ('apps = ["demo"]', 'apps = ["demo", "demmo"]', "profile.apps: unknown application 'demmo'"),
        ('apps = ["demo"]', 'apps = []', 'profile: "apps" must name one application or more'),
        ('"demo-csv"', '"demo-cvs"', 'layouts: there is no "demo-cvs"; did you mean "demo-csv"?'),
        ('"demo-csv"', '"../chips/demo-chip"', "is no name"),
        ('"demo-chip"', '"demo-chop"', 'chips: there is no "demo-chop"; did you mean "demo-chip"?'),
        ('"test-keys.toml"', '"../test-keys.toml"', 'profile: "test_keys" is a file beside the profile'),
        ('version = 3', 'version = 3 4', "not TOML:"),
        ('[record]', '[[record]]', "record: no table, expected [record]"),
    ],
)  # fmt: skip
def test_wrong_profile_is_refused_in_one_line(edit, old, new, message):
    product = edit(old, new)

    with pytest.raises(ProfileError) as caught:
        load_profile(product)

    assert message in str(caught.value)
    assert str(product) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('atr_mask = "FFFF', 'atr_mask = "FF', 'chip: "atr_mask" has 23 bytes, "atr" has 24'),
        (
            '"FFFF000000000000FFFFFFFFFFFFFFFFFFFFFFFF00000000"',
            f'"{"00" * 24}"',
            'chip: "atr_mask" recognizes every card',
        ),
        ('"3B9F', '"3G9F', 'chip: "atr": expected pairs of hex digits'),
        (
            'protocols = ["T=1", "T=0"]',
            'protocols = ["T1"]',
            'chip.protocols.0: invalid value "T1"; did you mean "T=1"?',
        ),
        ('protocols = ["T=1", "T=0"]', "protocols = []", 'chip: "protocols" must name one or more'),
        ('remove = "delete"', 'removed = "delete"', 'chip.marker: unknown key "removed"; did you mean "remove"?'),
        ('source = "file"', 'source = "cplc"', 'chip.identity: "cplc" with "path": only a file has one'),
        ('"test:demo-adm1"', '"4142434445464748"', 'chip.transport.ADM1: "key": expected a reference scheme:name'),
        ("page_bytes = 64", "page_bytes = 0", 'chip.nvm: "page_bytes" is 0'),
        ("page_write_ms = 2.5", "page_write_ms = nan", 'chip.nvm: "page_write_ms" is nan'),
        ('"EF.IMSI" = 9', '"EF.IMSI" = 9, "EF.ACC" = "2"', 'chip.demo.sizes."EF.ACC": expected "int", got "str"'),
        ("[chip.demo]", "[chip.demon]", 'chip: unknown key "demon"'),
        ("[chip.demo]", "[other]", 'unknown key "other"; a chip file has one table, [chip]'),
    ],
)
def test_wrong_chip_is_refused_in_one_line(edit, old, new, message):
    product = edit(old, new, CHIP)

    with pytest.raises(ProfileError) as caught:
        load_profile(product)

    assert message in str(caught.value)
    assert "demo-chip.toml" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('sep = ","', 'sep = ",,"', 'layout: "sep" and "quote" must be one character each'),
        ('header = "names"', 'header = "none"', 'layout: without column names "fields" must say "at"'),
        ('header = "names"', 'header = "names"\nfields = [{ name = "iccid", type = "digits" }]',
         'layout.fields: "iccid" has a rule here and in [record], expected one'),
        ('header = "names"', 'header = "names"\nfields = [{ name = "iccdi" }]',
         'layout.fields: "iccdi" has no rule here or in [record]; did you mean "iccid"?'),
        ('header = "names"', 'header = "names"\nfields = [{ name = "iccid" }]', "record.imsi: no column of the layout"),
        ('header = "names"', 'header = "names"\nfields = [{ name = "sex", type = "enum" }]',
         'layout.fields.0: type "enum" needs "values"'),
        ('header = "names"', 'header = "names"\nfields = [{ name = "sex", values = ["M"] }]',
         'layout.fields.0: "values" needs a "type"'),
        ('header = "names"', 'header = "names"\ntotals = { count = "trailer.count" }',
         'layout: "totals": "trailer.count" is no value of the header or trailer'),
        ('"utf-8"', '"utf8"', 'layout.encoding: invalid value "utf8"; did you mean "utf-8"?'),
        ('"delimited"', '"fixed"', 'layout: kind "fixed" needs "record_bytes"'),
    ],
)  # fmt: skip
def test_wrong_layout_is_refused_in_one_line(edit, old, new, message):
    product = edit(old, new, LAYOUT)

    with pytest.raises(ProfileError) as caught:
        load_profile(product)

    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_live_profile_refuses_test_keys_and_clear_keys(edit):
    edit('kind = "TEST"', 'kind = "LIVE"')
    with pytest.raises(ProfileError, match='"test_keys" is a file beside the profile, and for kind "TEST" only'):
        load_profile(edit("version = 3", "version = 4"))
    edit('test_keys = "test-keys.toml"\n', "")
    assert load_profile(edit("version = 4", "version = 5")).kind == "LIVE"
    with pytest.raises(ProfileError, match=r"record\.ki: a LIVE profile takes keys under a transport key only"):
        load_profile(edit(', transport = "order:kek-1"', ""))


def test_profile_without_marker_says_so(edit):
    product = edit('home = "file", path = "3F00/2FF2"', 'home = "none"', CHIP)
    with pytest.raises(ProfileError, match='chip "demo-chip" has no home for a marker; say marker = "none"'):
        load_profile(product)
    edit("version = 3", 'version = 4\nmarker = "none"')

    assert MarkerHome("none") == load_profile(product).marker


def test_missing_profile_names_what_was_asked(tmp_path):
    with pytest.raises(ProfileError, match="nowhere: no profile there"):
        load_profile(tmp_path / "nowhere")
    with pytest.raises(ProfileError, match="no profile there"):
        load_profile("x" * 5000)
    with pytest.raises(ProfileError, match="no profile there"):
        load_profile("a\0b")


def test_test_keystore_opens_only_where_the_profile_names_one(product, edit):
    assert load_profile(product).test_keystore().find("order:kek-1").reference == "order:kek-1"
    with pytest.raises(KeyStoreError, match="names no test key file"):
        load_profile(edit('test_keys = "test-keys.toml"\n', "")).test_keystore()
