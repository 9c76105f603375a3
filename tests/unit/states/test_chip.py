"""The chip model: complete, consistent with the catalogue, and refused with its path where it is wrong."""

from __future__ import annotations

import pytest

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.states.chip import Chip
from cardkit.errors import ProfileError

# The maker's SFIs where the standard has none or another.
OWN_SFI = {"ADF.USIM/EF.OPL", "ADF.USIM/EF.SPDI", "ADF.USIM/EF.ACM", "ADF.ISIM/EF.AD"}


def test_every_file_of_the_chip_is_in_the_catalogue_with_its_fid(chip_block):
    for name, model in chip_block.files.items():
        assert CATALOGUE[name].fid == int(model.fid, 16), name


def test_every_sfi_is_the_catalogues_or_known_to_be_the_makers(chip_block):
    differing = {name for name, model in chip_block.files.items() if (CATALOGUE[name].sfi or 0) != model.sfi}
    assert differing == OWN_SFI


def test_no_two_files_of_a_directory_share_fid_or_sfi(chip_block):
    for key in ("fid", "sfi"):
        places = [
            (name.rpartition("/")[0], getattr(model, key))
            for name, model in chip_block.files.items()
            if getattr(model, key)
        ]
        assert len(places) == len(set(places))


def test_a_record_is_addressed_by_its_number(chip):
    assert (chip.target("ADF.USIM/EF.SMSP#2").record, chip.target("ADF.USIM/EF.SMSP#2").size) == (2, 52)
    assert chip.target("ADF.USIM/EF.SMSP").record == 1


@pytest.mark.parametrize(
    "name", ["ADF.USIM/EF.SMSP#0", "ADF.USIM/EF.SMSP#3", "ADF.USIM/EF.SMSP#x", "ADF.USIM/EF.SMSP#²"]
)
def test_a_record_the_file_does_not_have_is_refused(chip, name):
    with pytest.raises(ProfileError, match="this chip has 1 to 2"):
        chip.target(name)


def test_a_transparent_file_has_no_records(chip):
    with pytest.raises(ProfileError, match="no records"):
        chip.target("ADF.USIM/EF.IMSI#1")


def test_an_unknown_file_is_refused(chip):
    with pytest.raises(ProfileError, match=r"ADF\.USIM/EF\.FOO: this chip has no such file"):
        chip.target("ADF.USIM/EF.FOO")


@pytest.mark.parametrize(
    ("table", "name", "changes", "message"),
    [
        ("files", "MF/EF.DIR", {"fid": "2F"}, r"files\.MF/EF\.DIR\.fid: got 1 bytes, expected 2"),
        ("files", "MF/EF.DIR", {"fid": "2FXX"}, r"files\.MF/EF\.DIR\.fid: got '2FXX', expected hexadecimal"),
        ("files", "MF/EF.DIR", {"access": "nobody"}, r"files\.MF/EF\.DIR: access 'nobody' is not declared"),
        ("access", "open", {"update": "ADM9"}, r"secret 'ADM9' is not declared"),
        ("places", "DF.X", {"path": "7F"}, None),
        ("places", "DF.X", {"parent": "ADF.NONE", "path": "5F00"}, r"places\.DF\.X: parent 'ADF\.NONE'"),
        (
            "files",
            "DF.NONE/EF.IMSI",
            {"fid": "6F07", "size": 9, "access": "open"},
            r"directory 'DF\.NONE' is not declared",
        ),
    ],
)
def test_a_wrong_entry_is_named(altered, table, name, changes, message):
    block = altered(table, name, **changes)
    if message is None:
        assert Chip.from_block(block).places[name].path == b"\x7f"
        return
    with pytest.raises(ProfileError, match=message):
        Chip.from_block(block)
