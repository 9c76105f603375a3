"""The file tables against the 326 entries of uicc_catalogue.json and the lists of the standards."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cardkit.apps.uicc.codecs.base import OPAQUE
from cardkit.apps.uicc.files import CATALOGUE, DIRECTORIES, Condition, Secrecy, Structure
from cardkit.apps.uicc.files.spec import EF, expand
from cardkit.errors import EncodingError

from .conftest import load

# Files of one card model that cardkit names otherwise.
_RENAMED = {"DF.SYSTEM/EF.CHV1": "DF.SYSTEM/EF.PIN1", "DF.SYSTEM/EF.CHV2": "DF.SYSTEM/EF.PIN2"}
_STRUCTURES = {
    "transparent": Structure.TRANSPARENT, "transparent_records": Structure.TRANSPARENT,
    "linear_fixed": Structure.LINEAR_FIXED, "cyclic": Structure.CYCLIC, "ber_tlv": Structure.BER_TLV,
}  # fmt: skip
# The source has another structure, service or least size; the standard decides (note in the vector; TS 51.011 10.5.9;
# sheet of layouts: X + 14 bytes, X may be 0; EHPLMN 3n).
_OTHER_STRUCTURE = {"DF.TELECOM/EF.LND"}
_OTHER_SERVICE = {"ADF.USIM/DF.5GS/EF.TN3GPPSNN"}
_OTHER_SIZE = {"DF.TELECOM/EF.MSISDN", "ADF.USIM/EF.MSISDN", "ADF.USIM/EF.EHPLMN"}


def entries() -> list[Any]:
    found = []
    for case in load("uicc_catalogue.json"):
        title = case["name"].removeprefix("MF/")
        name = f"MF/{title}" if title.startswith("EF.") else title
        found.append(pytest.param(_RENAMED.get(name, name), case["out"], id=name))
    return found


def test_the_list_has_326_files() -> None:
    assert len({param.values[0] for param in entries()}) == 326


@pytest.mark.parametrize(("name", "theirs"), entries())
def test_identifier_structure_and_services(name: str, theirs: dict[str, Any]) -> None:
    spec = CATALOGUE[name]
    assert spec.fid == int(theirs["fid"], 16)
    assert spec.sfi == theirs["sfi"]
    if name not in _OTHER_STRUCTURE:
        assert spec.structure is _STRUCTURES[theirs["structure"]]
    if name.startswith("ADF.USIM/DF.5G_ProSe"):
        return  # numbers of another service table, EF.5G_PROSE_ST
    if name not in _OTHER_SERVICE:
        any_of = theirs.get("services_any", [theirs["service"]] if theirs.get("service") else [])
        assert list(spec.services_any) == any_of
        assert list(spec.services_all) == theirs.get("services_all", [])


def test_sizes() -> None:
    """Sizes of the list are typical: ours begin where they begin, or at the one size the standard has."""
    for name, theirs in (param.values for param in entries()):
        spec = CATALOGUE[name]
        least = theirs.get("size_min", theirs.get("record_len_min")) or 1
        most = theirs.get("size_max", theirs.get("record_len_max"))
        assert name in _OTHER_SIZE or spec.size_min >= least, name
        assert most is None or spec.size_min <= most, name
        assert spec.size_max is None or spec.size_max == most or least in {1, spec.size_max}, name


def test_trusted_access_names_need_service_135() -> None:
    # The vector says 133 and corrects itself in its note.
    assert CATALOGUE["ADF.USIM/DF.5GS/EF.TN3GPPSNN"].services_any == (135,)


@pytest.mark.parametrize(
    ("name", "sfi", "size", "read", "update"),
    [
        ("MF/EF.ICCID", 0x02, (10, 10), Condition.ALWAYS, Condition.NEVER),
        ("MF/EF.DIR", 0x1E, (5, None), Condition.ALWAYS, Condition.ADM),
        ("ADF.USIM/EF.IMSI", 0x07, (9, 9), Condition.PIN1, Condition.ADM),
        ("ADF.USIM/EF.LOCI", 0x0B, (11, 11), Condition.PIN1, Condition.PIN1),
        ("ADF.USIM/EF.EST", 0x05, (1, None), Condition.PIN1, Condition.PIN2),
        ("ADF.USIM/EF.MSISDN", None, (14, None), Condition.PIN1, Condition.PIN1_OR_ADM),
        ("ADF.USIM/EF.LRPLMNSI", None, (1, 1), Condition.PIN1, Condition.ADM),
        ("ADF.ISIM/EF.IMPI", 0x02, (1, None), Condition.PIN1, Condition.ADM),
        ("DF.TELECOM/EF.ARR", None, (1, None), Condition.ALWAYS, Condition.ADM),
    ],
)
def test_lines_of_the_standards(
    name: str, sfi: int | None, size: tuple[int, int | None], read: Condition, update: Condition
) -> None:
    spec = CATALOGUE[name]
    assert (spec.sfi, (spec.size_min, spec.size_max), spec.read, spec.update) == (sfi, size, read, update)


@pytest.mark.parametrize(
    ("name", "size", "blank"),
    [
        ("ADF.USIM/EF.LOCI", 11, "FFFFFFFFFFFFFF0000FF01"),
        ("ADF.USIM/EF.PSLOCI", 14, "FFFFFFFFFFFFFFFFFFFF0000FF01"),
        ("ADF.USIM/EF.EPSLOCI", 18, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFF000001"),
        ("ADF.USIM/DF.5GS/EF.5GS3GPPLOCI", 20, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000001"),
        ("ADF.USIM/EF.Keys", 33, "07" + "FF" * 32),
        ("DF.GSM/EF.Kc", 9, "FFFFFFFFFFFFFFFF07"),
        ("ADF.USIM/EF.PLMNwAcT", 12, "FFFFFF0000FFFFFF0000FFFF"),
        ("ADF.USIM/EF.SMS", 4, "00FFFFFF"),
        ("ADF.USIM/EF.CFIS", 16, "0100" + "FF" * 14),
        ("ADF.USIM/EF.PUCT", 5, "FFFFFF0000"),
        ("ADF.USIM/EF.START-HFN", 6, "F00000F00000"),
        ("ADF.USIM/EF.FPLMN", 0, ""),
    ],
)
def test_blank_contents(name: str, size: int, blank: str) -> None:
    assert CATALOGUE[name].blank_body(size).hex().upper() == blank


def test_blank_of_operator_data_is_not_guessed() -> None:
    with pytest.raises(EncodingError, match=r"ADF\.USIM/EF\.IMSI: the standard has no blank content"):
        CATALOGUE["ADF.USIM/EF.IMSI"].blank_body(9)


def test_identifiers_are_unique_within_a_directory() -> None:
    places = [(spec.directory, spec.fid) for spec in CATALOGUE.values()]
    assert len(places) == len(set(places))
    sfis = [(spec.directory, spec.sfi) for spec in CATALOGUE.values() if spec.sfi]
    assert len(sfis) == len(set(sfis))


def test_paths_start_at_the_directory() -> None:
    assert CATALOGUE["ADF.USIM/DF.5GS/EF.UAC_AIC"].path == (0x7FFF, 0x5FC0, 0x4F06)
    assert CATALOGUE["MF/EF.ICCID"].path == (0x2FE2,)
    assert CATALOGUE.at("DF.GSM", 0x6F07) is CATALOGUE["DF.GSM/EF.IMSI"]
    assert CATALOGUE.at("DF.GSM", 0x6FFF) is None
    assert CATALOGUE.by_path((0x7FFF, 0x6F07), "ADF.ISIM") is CATALOGUE["ADF.ISIM/EF.IST"]
    assert CATALOGUE.by_path((0x7FFF, 0x6F07), "ADF.USIM") is CATALOGUE["ADF.USIM/EF.IMSI"]
    assert CATALOGUE.by_path((0x7F10, 0x5F3A, 0x4F30)) is CATALOGUE["DF.TELECOM/DF.PHONEBOOK/EF.PBR"]
    assert CATALOGUE.by_path((0x7FFF, 0x6F07)) is None
    assert [spec.title for spec in CATALOGUE.in_directory("ADF.USIM/DF.SNPN")] == ["EF.PWS_SNPN", "EF.NID"]
    assert DIRECTORIES["ADF.USIM/DF.5GS"].parent == "ADF.USIM"
    assert DIRECTORIES["DF.GSM"].parent == "MF"


def test_an_unknown_name_gets_the_nearest() -> None:
    assert CATALOGUE.named("ADF.USIM/EF.SPN").fid == 0x6F46
    with pytest.raises(EncodingError, match=r"did you mean DF\.GSM/EF\.SPN or DF\.CDMA/EF\.SPN or ADF\.USIM"):
        CATALOGUE.named("ADF.ISIM/EF.SPN")
    with pytest.raises(EncodingError, match=r"'EF\.NONE': not in the catalogue$"):
        CATALOGUE.named("EF.NONE")


def test_keys_of_sessions_and_of_the_subscriber_are_secret() -> None:
    secret = {spec.title for spec in CATALOGUE.values() if spec.secrecy is Secrecy.SECRET}
    assert secret >= {
        "EF.Keys", "EF.KeysPS", "EF.Kc", "EF.KcGPRS", "EF.EPSNSC", "EF.5GAUTHKEYS", "EF.5GS3GPPNSC", "EF.USIM_AUTH_KEY",
        "EF.ISIM_AUTH_KEY", "EF.SIM_AUTH_KEY", "EF.PIN1", "EF.ADM1", "EF.USIM_SQN", "EF.NCP-IP",
    }  # fmt: skip
    assert CATALOGUE["ADF.USIM/EF.IMSI"].secrecy is Secrecy.PERSONAL


def test_most_files_have_a_layout() -> None:
    assert len(CATALOGUE) > 300
    assert sum(spec.codec is not OPAQUE for spec in CATALOGUE.values()) > 260


def test_every_file_says_where_it_is_described() -> None:
    vendor = {spec.title for spec in CATALOGUE.values() if spec.clause == "vendor"}
    assert vendor >= {"EF.CHIP", "EF.PLANT", "EF.USIM_AUTH_KEY", "EF.PIN1"}
    assert all(re.match(r"(TS \d|P 38 T 9001|C\.S00(23-D|65)|vendor$)", spec.clause) for spec in CATALOGUE.values())
    assert CATALOGUE["ADF.USIM/EF.IMSI"].clause == "TS 31.102 4.2.2"
    assert CATALOGUE["ADF.USIM/EF.ARR"].clause == "TS 102 221 13.4"


@pytest.mark.parametrize("body", ["X 9", "T", "9", "T 9-", "T x"])
def test_a_misspelt_table_line_is_found_at_import(body: str) -> None:
    line = EF("X", 0x6F00, 0, body, "P/A", "op", OPAQUE, "")
    if body == "T":
        assert expand("MF", (), "TS", line).size_max is None
        return
    with pytest.raises(EncodingError, match="file table: got body"):
        expand("MF", (), "TS", line)
