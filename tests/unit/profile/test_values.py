"""Value templates: filled per record, checked per profile, secrets never turned into text."""

from datetime import date

import pytest

from cardkit.crypto import Key, Secret, Usage
from cardkit.errors import ProfileError, RecordError
from cardkit.profile import Record, RecordSchema, compile_values
from cardkit.profile.field import Field

SCHEMA = RecordSchema(
    {
        "imsi": Field(type="digits"),
        "mnc": Field(type="const", value="01"),
        "mcc": Field(type="const", value="001"),
        "name": Field(type="text", min=0),
        "serial": Field(type="hex"),
        "count": Field(type="number", max=3),
        "birth": Field(type="date", format="%Y%m%d"),
        "pin1": Field(type="digits", class_="secret"),
        "ki": Field(type="key", algorithm="AES-128"),
    }
)
RECORD = Record(
    SCHEMA,
    {
        "imsi": "001010000000109",
        "mnc": "01",
        "mcc": "001",
        "name": "Oyna",
        "serial": b"\xab\x01",
        "count": 7,
        "birth": date(2004, 2, 29),
        "pin1": Secret(b"1234", "pin1"),
        "ki": Key(bytes(range(0x40, 0x50)), "ki", "AES-128", Usage.CARD_KEY),
    },
    1,
)


def resolve(tree):
    return compile_values(tree, SCHEMA, "profile.toml: demo").resolve(RECORD)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{imsi}", "001010000000109"),
        ("{imsi|acc}", "0200"),
        ("{imsi|mcc}-{imsi|mnc2}-{imsi|mnc3}", "001-01-010"),
        (
            "sip:{imsi}@ims.mnc{mnc|pad3}.mcc{mcc}.3gppnetwork.org",
            "sip:001010000000109@ims.mnc001.mcc001.3gppnetwork.org",
        ),
        ("{name|upper}{name|lower}{name|hex}", "OYNAoyna4F796E61"),
        ("{name|lower|upper}", "OYNA"),
        ("{serial}", "AB01"),
        ("{count}", 7),
        ("no. {count}", "no. 7"),
        ("{count|pad3}", "007"),
        ("{birth}", "2004-02-29"),
        ("{{imsi}} {{}}", "{imsi} {}"),
        ("{pin1}", RECORD["pin1"]),
        ("{ki}", RECORD["ki"]),
    ],
)
def test_template_is_filled_in(template, expected):
    assert expected == resolve(template)


def test_tree_keeps_its_shape():
    tree = {"a": ["{imsi}", {"b": "{mnc}"}, 5, True, None], "c": {"d": "text"}, "e": ("x", "{mcc}")}

    assert resolve(tree) == {
        "a": ["001010000000109", {"b": "01"}, 5, True, None],
        "c": {"d": "text"},
        "e": ["x", "001"],
    }


def test_each_record_gets_its_own_result():
    compiled = compile_values({"a": ["{imsi}", "x"], "b": {"c": "{mnc}"}}, SCHEMA, "here")
    first = compiled.resolve(RECORD)
    first["a"][0] = first["b"]["c"] = "spoilt"

    assert compiled.resolve(RECORD) == {"a": ["001010000000109", "x"], "b": {"c": "01"}}


def test_variable_says_whether_the_record_matters():
    assert compile_values({"a": "{{x}}"}, SCHEMA, "here").variable is False
    compiled = compile_values({"a": "{imsi|acc}", "b": ["{mnc}"]}, SCHEMA, "here")

    assert (True, {"imsi", "mnc"}) == (compiled.variable, compiled.fields)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"a": [{"b": "{imis}"}]}, 'here.a[0].b: the record has no field "imis"; did you mean "imsi"?'),
        ("{imsi|padd3}", 'here: unknown filter "padd3"; did you mean "pad3"?'),
        ("{}", 'here: the record has no field ""'),
        ("a{", 'here: stray "{" in a template'),
        ("a}b", 'here: stray "}" in a template'),
        ("{a{b}", 'here: stray "{" in a template'),
        ("x{pin1}", 'here: "pin1" is secret: it may only stand alone, without filters'),
        ("{ki|upper}", 'here: "ki" is secret: it may only stand alone, without filters'),
    ],
)
def test_wrong_template_is_refused_at_load(tree, message):
    with pytest.raises(ProfileError) as caught:
        compile_values(tree, SCHEMA, "here")

    assert message in str(caught.value)


def test_deep_tree_is_refused():
    tree = "x"
    for _ in range(100):
        tree = [tree]
    with pytest.raises(ProfileError, match="nested too deeply"):
        compile_values(tree, SCHEMA, "here")


@pytest.mark.parametrize("template", ["{name|acc}", "{name|pad3}", "{name|mcc}", "{mnc|mnc2}"])
def test_filter_refuses_a_value_it_cannot_take(template):
    with pytest.raises(RecordError, match=r"here: field \w+: \w+: expected") as caught:
        compile_values(template, SCHEMA, "here").resolve(RECORD)

    assert "Oyna" not in str(caught.value)
