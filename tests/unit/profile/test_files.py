"""Which files a profile is made of: found by path or name, compared value by value, described for editors."""

import pytest

from cardkit.errors import ProfileError
from cardkit.profile import Change, diff_profiles, json_schema, load_profile, locate
from cardkit.profile.chips import recognize

ATR = bytes.fromhex("3B9F968091FE1FC78031A073BE21136743565531000001C7")


@pytest.fixture
def installed(product, monkeypatch):
    """The demo product's folder as the one of the installation."""
    root = product.parents[1]
    monkeypatch.setattr(locate, "_PACKAGE", root.parent / "cardkit")
    return root


@pytest.mark.parametrize("name", ["sim/demo", "profiles/sim/demo", "sim/demo/profile.toml"])
def test_profile_is_found_by_name_from_anywhere(installed, monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path.parent)

    assert load_profile(name).name == "demo"


def test_unknown_name_suggests_the_closest(installed):
    with pytest.raises(ProfileError, match=r'sim/dmo: no profile there; did you mean "sim/demo"\?'):
        load_profile("sim/dmo")


def test_own_folder_comes_before_the_installation(installed, product):
    own = product / "chips"
    own.mkdir()
    text = (installed / "chips" / "demo-chip.toml").read_text(encoding="utf-8")
    (own / "demo-chip.toml").write_text(text.replace("A chip of", "Its own chip of"), encoding="utf-8")

    assert load_profile(product).chip.title.startswith("Its own chip of")


def test_chip_is_recognized_by_the_bits_of_its_mask(installed):
    other_speed = ATR[:2] + b"\x11" + ATR[3:]
    other_history = ATR[:9] + b"\xff" + ATR[10:]

    assert recognize(ATR) == "demo-chip"
    assert recognize(other_speed) == "demo-chip"
    assert recognize(other_history) is None
    assert recognize(ATR + b"\x00") is None
    assert recognize(b"") is None


def test_equal_profiles_have_no_difference(product):
    assert diff_profiles(load_profile(product), load_profile(product)) == []


def test_difference_names_value_and_file(edit, product):
    before = load_profile(product)
    edit("version = 3", "version = 4")
    edit("min = 4, max = 8", "min = 4")
    edit('protocols = ["T=1", "T=0"]', 'protocols = ["T=1"]', "../../chips/demo-chip.toml")
    edit('sep = ","', 'sep = ";"', "../../layouts/demo-csv.toml")

    expected = [
        Change("chip.protocols[1]", '"T=0"', "(absent)"),
        Change("layout.sep", '","', '";"'),
        Change("profile.version", "3", "4"),
        Change("record.pin1.max", "8", "(absent)"),
    ]
    assert expected == diff_profiles(before, load_profile(product))


def test_schema_describes_what_the_loader_takes(monkeypatch):
    monkeypatch.setattr("cardkit.apps.registry.names", lambda: ("demo",))
    schema = json_schema()

    assert {"profile", "record", "layout", "demo"} == set(schema["properties"])
    definitions = schema["$defs"]
    assert set(definitions["Field"]["properties"]) >= {"type", "class", "check", "transport"}
    assert definitions["ProfileTable"]["additionalProperties"] is False
    assert sorted(set(definitions["ProfileTable"]["required"]) - {"version", "chip", "apps"}) == [
        "family",
        "kind",
        "name",
    ]
    assert schema["properties"]["demo"] == {"$ref": "#/$defs/DemoBlock"}
