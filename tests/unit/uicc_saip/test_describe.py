"""What a package says in words: values decoded, and never a key, a code or what might be one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cardkit.apps.uicc.saip.describe import describe, lines
from cardkit.apps.uicc.saip.package import Package

from .building import END, HEADER, MF, der, package
from .conftest import VECTORS, facts
from .notation import values


@pytest.fixture(scope="module")
def document(sample: Package) -> dict[str, Any]:
    return describe(sample)


def test_header_elements_and_templates(document: dict[str, Any]) -> None:
    assert document["version"] == "3.3"
    assert document["type"] == "cardkit test profile"
    assert document["iccid"] == "8999901000000000997"
    assert document["services"][:3] == ["usim", "isim", "csim"]
    usim = document["elements"][7]
    assert (usim["element"], usim["identification"], usim["mandated"]) == ("usim", 7, True)
    assert [e["element"] for e in document["elements"] if e.get("template_known") is False] == ["csim", "opt-csim"]


def test_files_are_decoded_by_the_catalogues_codecs(document: dict[str, Any]) -> None:
    assert facts(document, "ADF.USIM", "EF.IMSI")["value"] == {"imsi": "001010000000997"}
    assert facts(document, "MF", "EF.ICCID")["value"] == {"iccid": "8999901000000000997"}
    assert facts(document, "ADF.USIM", "EF.ACC")["access"]["update"] == "ADM1"
    numbers = facts(document, "DF.TELECOM", "EF.MSISDN")
    assert numbers["linked_to"] == "ADF.USIM/EF.MSISDN"
    assert facts(document, "ADF.USIM/DF.5GS", "EF.SUCI_Calc_Info")["value"]["schemes"] == [
        {"scheme": "null", "key_index": 0}
    ]
    assert facts(document, "ADF.USIM", "EF.MuDMiDConfigData")["value"] == {"empty": True}
    book = facts(document, "DF.TELECOM/DF.PHONEBOOK", "EF.ADN")
    assert (book["fid"], book["records"][0]["value"]) == ("4F3A", {"alpha": "First", "number": "+999010000001"})


def test_codes_and_authentication_without_their_values(document: dict[str, Any]) -> None:
    assert document["codes"][0] == {
        "name": "PIN1",
        "directory": "MF",
        "enabled": False,
        "changeable": True,
        "can_be_disabled": True,
        "tries": "3 of 3",
        "unblocking_tries": "10 of 10",
    }
    assert [code["directory"] for code in document["codes"] if code["name"] == "PIN2"] == [
        "DF.TELECOM",
        "ADF.USIM",
        "ADF.CSIM",
        "ADF.ISIM",
    ]
    own = document["authentication"][0]
    assert (own["directory"], own["algorithm"], own["key_bytes"]) == ("ADF.USIM", "usim-test-algorithm", 16)
    assert (own["delta"], own["constants"]) == (1 << 28, "usual")


def test_domains_and_remote_management(document: dict[str, Any]) -> None:
    domain = next(entry for entry in document["others"] if entry["element"] == "securityDomain")
    assert domain["instance"]["instanceAID"] == "A000000151000000"
    assert [key["keyVersionNumber"] for key in domain["keyList"]["key"]] == ["01", "01", "01", "02", "02", "02"]
    remote = [entry for entry in document["others"] if entry["element"] == "rfm"]
    assert [entry["tarList"]["tar"] for entry in remote] == ["B00010", "B00011", "B00012", "B00013"]


SECRET_COMPONENTS = ("key", "keyData", "pinValue", "pukValue", "authenticationKey", "ssd", "opc")


def printed_secrets(value: Any, name: str = "") -> list[str]:
    """Return the values the text has for components that are keys or codes."""
    if isinstance(value, list):
        return [secret for inner, part in value for secret in printed_secrets(part, inner)]
    return [value[1]] if name in SECRET_COMPONENTS and value[0] == "hex" else []


def test_no_key_and_no_code_is_in_the_document(document: dict[str, Any]) -> None:
    printed = values((VECTORS / "cardkit-test.txt").read_text(encoding="utf-8"))
    secrets = {secret for name, value in printed for secret in printed_secrets(value, name)} - {32 * "0"}
    assert len(secrets) >= 8
    for text in (msgspec.json.encode(document).decode(), "\n".join(lines(document))):
        assert [secret for secret in secrets if secret in text.upper()] == []
        readable = {bytes.fromhex(secret).decode("latin-1") for secret in secrets if "FF" not in secret}
        assert [secret for secret in readable if secret in text] == []


def test_secret_and_unknown_files_are_not_shown(document: dict[str, Any]) -> None:
    assert facts(document, "ADF.USIM", "EF.Keys")["hidden"] is True
    unknown = facts(document, "DF.TELECOM", "EF.6FE5")
    assert unknown["secrecy"] == "unknown"
    assert unknown["records"] == [{"number": 1, "hidden": True, "blank": False}]


def test_problems_and_unknown_elements_are_named() -> None:
    made = Package.read(HEADER + MF + bytes.fromhex("BF7E020102") + END)
    document = describe(made)
    assert document["elements"][2] == {"number": 3, "element": "unknown, tag BF7E", "bytes": 5}
    broken = describe(package(MF, der(0xB7, der(0xA0, "810101"), der(0x81, "67810F010206"), der(0xA2))))
    assert list(lines(broken))[-1] == "  ! phonebook: no element usim stands before it"


def test_lines_tell_the_tree_the_codes_and_the_rest(document: dict[str, Any]) -> None:
    told = list(lines(document))
    assert told[0] == "profile package 3.3, cardkit test profile, ICCID 8999901000000000997"
    assert "    EF.IMSI 6F07  imsi: 001010000000997" in told
    assert "  PIN1 of MF: changeable, can be disabled; tries 3 of 3, unblocking 10 of 10" in told
    assert any(line.startswith("  rfm: ") and "tar B00011" in line for line in told)
