"""Four real cards (tests/vectors/uicc_dumps.json): every byte explained or kept, and what the contents say."""

from __future__ import annotations

from typing import Any

import pytest

from cardkit.apps.uicc.fcp import FCP, Fcp
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.gsm import GsmStatus

from .conftest import dumped_files

FILES = dumped_files()
CARDS = {"sim-C", "sim-D", "usim-A", "usim-B"}


def value(card: str, name: str) -> dict[str, Any]:
    (file,) = [file for file in FILES if (file["card"], file["name"]) == (card, name)]
    return CATALOGUE[name].decode(file["bodies"][0])


def services(card: str) -> set[int]:
    return set(value(card, "ADF.USIM/EF.UST")["services"])


def present(card: str) -> set[str]:
    return {file["name"] for file in FILES if file["card"] == card}


def test_every_body_comes_back_and_none_is_raw() -> None:
    bodies = [(file["name"], body) for file in FILES for body in file["bodies"]]
    assert len(bodies) > 320
    for name, body in bodies:
        decoded = CATALOGUE[name].decode(body)
        assert "raw" not in decoded, name
        assert CATALOGUE[name].encode(decoded, len(body)) == body, name


def depth(value: Any) -> str:
    """Say how much of a decoded body has names: all of it, all but some field, nothing."""
    if set(value) == {"raw"} or set(value) == {"value"}:
        return "opaque"
    return "partly" if _has_raw(value) else "named"


def _has_raw(value: Any) -> bool:
    if isinstance(value, dict):
        return "raw" in value or any(map(_has_raw, value.values()))
    return isinstance(value, list) and any(map(_has_raw, value))


def is_blank(name: str, body: bytes) -> bool:
    spec = CATALOGUE[name]
    return not body.strip(b"\xff") or (spec.blank != "op" and body == spec.blank_body(len(body)))


def test_at_least_95_of_100_bodies_decode_to_named_fields() -> None:
    """The table of what is not fully named is printed: ``pytest -rP tests/unit/uicc/test_dumps.py``."""
    found: dict[str, list[str]] = {}
    for file in FILES:
        for body in file["bodies"]:
            if not is_blank(file["name"], body):
                found.setdefault(file["name"], []).append(depth(CATALOGUE[file["name"]].decode(body)))
    depths = [word for words in found.values() for word in words]
    for name, words in sorted(found.items()):
        if set(words) != {"named"}:
            codec = type(CATALOGUE[name].codec).__name__
            print(f"{name:32} {codec:16} {words.count('named')} named, {words.count('partly')} partly of {len(words)}")
    counts = {word: depths.count(word) for word in ("named", "partly", "opaque")}
    print(f"{len(depths)} bodies of {len(found)} files: {counts}, opaque {counts['opaque'] / len(depths):.1%}")
    assert len(depths) > 140
    assert counts["opaque"] == 0
    assert counts["named"] / len(depths) >= 0.95
    # Fields that stay bytes: a network FFFF00, an EF.SMSP laid out for another record length
    assert {name for name, words in found.items() if "partly" in words} == {
        "DF.GSM/EF.LOCIGPRS", "DF.TELECOM/EF.SMSP", "ADF.USIM/EF.SMSP", "ADF.USIM/EF.PSLOCI",
    }  # fmt: skip


def test_every_control_template_comes_back() -> None:
    templates = {file["fcp"] for file in FILES}
    assert len(templates) > 290
    for template in templates:
        parsed = Fcp.parse(template) if template[0] in {FCP, 0x6F} else GsmStatus.parse(template)
        assert parsed.build() == template


def test_parameters_agree_with_contents() -> None:
    for file in FILES:
        if not file["bodies"] or file["card"] not in {"usim-A", "usim-B"}:
            continue
        fcp = Fcp.parse(file["fcp"])
        spec = CATALOGUE[file["name"]]
        assert fcp.fid == spec.fid, file["name"]
        assert fcp.structure is spec.structure, file["name"]
        expected = fcp.record_length if spec.structure.has_records else fcp.size
        assert expected == len(file["bodies"][0]), file["name"]


def test_subscriber_of_all_cards() -> None:
    assert {value(card, "DF.GSM/EF.IMSI")["imsi"] for card in CARDS} == {"001010000000102"}


@pytest.mark.parametrize(
    ("card", "iccid"),
    [("sim-C", "2222334455667788990"), ("usim-A", "8988211320300000028"), ("usim-B", "89445310150011013678"[:20])],
)
def test_iccids(card: str, iccid: str) -> None:
    assert value(card, "MF/EF.ICCID") == {"iccid": iccid}


@pytest.mark.parametrize(
    ("card", "classes"),
    [("sim-C", [3]), ("usim-A", [3]), ("sim-D", list(range(16))), ("usim-B", [1, 2, 3, 6, 7, 8, 9, 11, 13, 15])],
)
def test_access_classes(card: str, classes: list[int]) -> None:
    assert value(card, "DF.GSM/EF.ACC") == {"classes": classes}


def missing(card: str) -> set[str]:
    here, offered = present(card), services(card)
    specs = [spec for spec in CATALOGUE.in_directory("ADF.USIM") if spec.conditional]
    return {spec.title.removeprefix("EF.") for spec in specs if spec.offered(offered) and spec.name not in here}


def extra(card: str) -> set[str]:
    offered = services(card)
    directories = ("ADF.USIM", "ADF.USIM/DF.GSM-ACCESS")
    specs = [spec for name in directories for spec in CATALOGUE.in_directory(name) if spec.conditional]
    return {s.title.removeprefix("EF.") for s in specs if s.name in present(card) and not s.offered(offered)}


def test_services_without_their_files_on_usim_a() -> None:
    assert missing("usim-A") == {
        "PNN", "MBDN", "MMSN", "MMSUP", "MMSUCP", "EXT8", "ACL", "OCI", "OCT", "ICI", "ICT",
    }  # fmt: skip
    assert missing("usim-B") == set()


def test_files_without_their_services() -> None:
    assert extra("usim-A") == {
        "ACM", "ACMmax", "PUCT", "GID2", "EXT5", "VGCS", "VGCSS", "VBS", "VBSS", "VGCSCA", "VBSCA", "SPNI", "PWS",
        "InvScan",
    }  # fmt: skip
    assert extra("usim-B") == {"SPN", "SPDI", "EPSLOCI", "EPSNSC"}


def test_service_33_is_on() -> None:
    assert all(33 in services(card) for card in ("usim-A", "usim-B"))


def test_locations() -> None:
    assert value("sim-C", "DF.GSM/EF.LOCI")["status"] == "updated"
    assert value("sim-D", "DF.GSM/EF.LOCI")["status"] == "location area not allowed"
    assert value("usim-A", "ADF.USIM/EF.PSLOCI")["plmn"] == {"raw": "FFFF00"}


def test_operator_names_and_lists() -> None:
    assert value("usim-B", "ADF.USIM/EF.PNN") == {"full_name": "wavemobile"}
    assert value("usim-B", "ADF.USIM/EF.SPDI") == {"plmns": ["234-53", "234-20"]}
    assert value("usim-B", "ADF.USIM/EF.OPL") == {"plmn": "234-53", "lac_low": "0000", "lac_high": "FFFE", "pnn": 1}
    assert value("usim-B", "ADF.USIM/EF.MBDN") == {"alpha": "Voice Mail", "number": "+447458800197"}
    assert value("usim-A", "DF.GSM/EF.SUME") == {"title": "STK Services"}
    assert value("sim-D", "DF.GSM/EF.SPN")["name"] == "Magic"


def test_linked_files_name_their_target() -> None:
    files = {file["name"]: Fcp.parse(file["fcp"]) for file in FILES if file["card"] == "usim-A"}
    assert files["ADF.USIM/EF.IMSI"].linked_to == bytes.fromhex("3F007F206F07")
    assert files["MF/EF.ICCID"].linked_to is None
