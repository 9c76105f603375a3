"""Objects of a security domain: published samples of real cards, and what is wrong with others."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cardkit.apps.gp.tags import (
    CPLC,
    FCI,
    CardCapabilities,
    CardRecognitionData,
    EntryKind,
    KeyInformation,
    Memory,
    Privilege,
    Privileges,
    StatusKind,
    cplc_date,
    parse_status,
    state_name,
)
from cardkit.errors import EncodingError

from .conftest import vectors

_BY_NAME = {"card-data": CardRecognitionData, "crd": CardRecognitionData, "cci": CardCapabilities,
            "key-info": KeyInformation, "ff21": Memory}  # fmt: skip


def _reader(name: str) -> Any:
    return next((kind for start, kind in _BY_NAME.items() if name.startswith(start)), None)


def _named(cases: list[dict[str, Any]], start: str = "") -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases if case["name"].startswith(start)]


DATA = vectors("get-data")


@pytest.mark.parametrize("case", [case for case in _named(DATA) if _reader(str(case.id))])
def test_published_objects_are_lossless(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["in"]["data"])
    assert _reader(case["name"]).parse(data).encode() == data


@pytest.mark.parametrize("case", _named(vectors("get-data-negative")))
def test_published_malformed_objects_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(EncodingError):
        _reader(case["name"]).parse(bytes.fromhex(case["in"]["data"]))


@pytest.mark.parametrize("case", [*_named(DATA, "crd"), *_named(DATA, "card-data")])
def test_recognition_data(case: dict[str, Any]) -> None:
    read = CardRecognitionData.parse(bytes.fromhex(case["in"]["data"]))
    out = case["out"]
    scps = out["scp"] if isinstance(out["scp"], list) else [[out["scp"], out["i"]]]
    assert [(f"{item.scp:02X}", item.i.hex().upper()) for item in read.protocols] == [tuple(pair) for pair in scps]
    assert read.version == out.get("gp_version", read.version)
    assert read.configuration == out.get("card_config_oid", read.configuration)
    assert read.chip == out.get("chip_oid", read.chip)
    assert read.uniquely_identifiable is out.get("uniquely_identifiable", True)
    assert read.findings == ()


def test_foreign_identifier_among_the_protocols_is_a_finding() -> None:
    case = next(case for case in vectors("get-data-negative") if case["name"] == "cci-wrong-tag-66")
    out = case["out"]["as_card_recognition_data"]
    # The sample's third object has tag 65; its finding is told of one that has 64.
    data = case["in"]["data"].replace("650B06092A864886FC6B020101", "640B06092A864886FC6B020101")
    read = CardRecognitionData.parse(bytes.fromhex(data))
    assert read.version == out["gp_version"]
    assert [[f"{item.scp:02X}", item.i.hex().upper()] for item in read.protocols] == out["scp"]
    assert read.findings == ("1.2.840.114283.2.1.1 stands where a secure channel protocol is expected",)


def test_all_protocols_in_one_object() -> None:
    oids = "06092A864886FC6B040255" + "06092A864886FC6B040370"
    read = CardRecognitionData.parse(bytes.fromhex("7318" + "6416" + oids))
    assert [str(item) for item in read.protocols] == ["SCP02 i=55", "SCP03 i=70"]
    assert read.findings == ("no {globalPlatform 1} that says the format", "no version")


@pytest.mark.parametrize("case", _named(DATA, "cci"))
def test_capabilities(case: dict[str, Any]) -> None:
    read = CardCapabilities.parse(bytes.fromhex(case["in"]["data"]))
    out = case["out"]
    assert [[f"{item.scp:02X}", [f"{i:02X}" for i in item.options]] for item in read.protocols] == [
        entry[:2] for entry in out["scp"]
    ]
    assert read.domain_privileges == Privileges.parse(bytes.fromhex(out["ssd_privileges"]))
    assert read.application_privileges == Privileges.parse(bytes.fromhex(out["app_privileges"]))
    assert read.hashes == ("SHA-256",)
    assert not read.nested


def test_capabilities_in_words() -> None:
    first, second = (CardCapabilities.parse(bytes.fromhex(case["in"]["data"])) for case in vectors("get-data")
                     if case["name"].startswith("cci"))  # fmt: skip
    assert first.receipts == ("DES", "CMAC AES-128")
    assert first.ciphers == ("AES-128",)
    assert second.tokens[-1] == "ECC-521"
    assert second.ciphers == ("3DES", "AES-128", "AES-192", "AES-256", "ICV")
    assert second.protocols[0].aes_bits == (128, 192, 256)
    assert second.offers(0x03, 0x70)
    assert not second.offers(0x02, 0x70)


def test_signature_ciphers() -> None:
    value = next(case for case in DATA if case["name"] == "signature-ciphers-3b")["in"]["data"]
    assert CardCapabilities.parse(bytes.fromhex(f"67038701{value}")).daps == (
        "RSA-1024 SHA-1", "RSA-PSS SHA-256", "CMAC AES-128", "CMAC AES-192", "CMAC AES-256",
    )  # fmt: skip


def test_capabilities_wrapped_twice_are_read_and_reported() -> None:
    data = bytes.fromhex(vectors("get-data-quirk")[0]["in"]["data"])
    read = CardCapabilities.parse(data)
    assert read.nested
    assert [item.scp for item in read.protocols] == [2, 3]
    assert read.encode() == data


@pytest.mark.parametrize("case", _named(DATA, "key-info-"))
def test_key_information(case: dict[str, Any]) -> None:
    read = KeyInformation.parse(bytes.fromhex(case["in"]["data"]))
    out = case["out"]
    if "number_of_keys" in out:
        assert len(read) == out["number_of_keys"]
        return
    (entry,) = read
    assert (entry.kid, entry.kvn) == (out["key_id"], out["kvn"])
    assert [[f"{part.type:02X}", part.length] for part in entry.components] == out["components"]
    assert not entry.extended


def test_key_of_the_extended_form_without_second_prefix() -> None:
    data = next(case for case in DATA if case["name"] == "key-info-template-extended-rsa")["in"]["data"]
    entry = KeyInformation.parse(bytes.fromhex(data)).find(0x73, 0x01)
    assert entry is not None
    assert [(part.type, part.length, part.prefixed) for part in entry.components] == [
        (0xA1, 128, True), (0xA0, 3, False)
    ]  # fmt: skip
    assert (entry.usage, entry.access) == (b"\x84", b"\x00")
    assert entry.name == "RSA public N 1024, RSA public e 24"


def test_key_information_by_set() -> None:
    data = next(case for case in DATA if case["name"] == "key-info-template-rsa")["in"]["data"]
    read = KeyInformation.parse(bytes.fromhex(data))
    assert read.versions == (0x01, 0x70, 0x71)
    assert [entry.name for entry in read.set_of(0x01)] == ["AES 256"] * 3
    assert read.find(0x42, 0x01) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("C10401FF8010", "got tag C1"),
        ("C00301FF80", "entry of 3 bytes"),
        ("C00501FF801080", "3 bytes of types and lengths"),
        ("C00401FFFF80", "component 1 ends early"),
        ("C0080101FF8800100248", "announces 2 bytes, 1 are there"),
        ("C00B0101FF88001001480100AA", "1 surplus bytes"),
    ],
)
def test_malformed_keys_are_refused(data: str, words: str) -> None:
    with pytest.raises(EncodingError, match=words):
        KeyInformation.parse(bytes.fromhex(data))


@pytest.mark.parametrize("case", _named(vectors("cplc")))
def test_cplc(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["in"]["data"])
    read = CPLC.parse(data)
    # The samples name the fields a little otherwise; both lists are in the order of the record.
    assert [value.hex().upper() for _, value in read.items()] == list(case["out"].values())
    assert read.encode() == data
    assert CPLC.parse(data[3:]).encode() == data[3:]


@pytest.mark.parametrize("case", _named(vectors("cplc-negative")))
def test_anything_but_42_bytes_is_no_cplc(case: dict[str, Any]) -> None:
    with pytest.raises(EncodingError, match="expected 9F7F2A and 42 bytes"):
        CPLC.parse(bytes.fromhex(case["in"]["data"]))


def test_cplc_dates() -> None:
    case = vectors("cplc", needs="date")[0]
    value = bytes.fromhex(case["in"]["date"])
    days = [cplc_date(value, date.fromisoformat(today)) for today in case["in"]["today"]]
    assert days == [date.fromisoformat(day) for day in case["out"]["values"]]


@pytest.mark.parametrize("value", ["0000", "FFFF"])
def test_date_not_set(value: str) -> None:
    assert cplc_date(bytes.fromhex(value), date(2031, 1, 1)) is None


def test_leap_day_goes_back_to_the_latest_leap_year() -> None:
    assert cplc_date(bytes.fromhex("4366"), date(2034, 1, 1)) == date(2024, 12, 31)


@pytest.mark.parametrize("value", [vectors("cplc-negative", needs="date")[0]["in"]["date"], "1366", "1000", "1A10", ""])
def test_what_is_no_date_is_refused(value: str) -> None:
    with pytest.raises(EncodingError, match="CPLC date"):
        cplc_date(bytes.fromhex(value), date(2031, 1, 1))


def test_resources() -> None:
    case = next(case for case in DATA if case["name"].startswith("ff21"))
    read = Memory.parse(bytes.fromhex(case["in"]["data"]))
    assert {"applications": read.applications, "free_nvm": read.free_nvm, "free_ram": read.free_ram} == case["out"]


@pytest.mark.parametrize("case", _named(vectors("privileges", needs="privileges")))
def test_privileges_written(case: dict[str, Any]) -> None:
    names = [{"SecurityDomain": "SECURITY_DOMAIN", "CardLock": "CARD_LOCK"}.get(name, name)
             for name in case["in"]["privileges"]]  # fmt: skip
    value = bytes.fromhex(case["out"]["value"])
    assert Privileges.of(names, size=len(value)).encode() == value
    assert set(Privileges.parse(value).names) == set(names)


def test_privileges_read() -> None:
    cases = {case["name"]: case["in"]["data"] for case in vectors("privileges")}
    read = Privileges.parse(bytes.fromhex(cases["privileges-80c000"]))
    assert set(read.names) == {"SECURITY_DOMAIN", "AUTHORIZED_MANAGEMENT", "TRUSTED_PATH"}
    assert len(Privileges.parse(bytes.fromhex(cases["privileges-9efe80-13"])).names) == 13


def test_privileges_that_contradict() -> None:
    wrong = Privileges.of([Privilege.DELEGATED_MANAGEMENT, Privilege.RECEIPT_GENERATION])
    assert wrong.contradictions() == (
        "RECEIPT_GENERATION together with DELEGATED_MANAGEMENT", "DELEGATED_MANAGEMENT without SECURITY_DOMAIN"
    )  # fmt: skip
    assert Privileges.parse(bytes.fromhex("9EFE80")).contradictions() == ()
    assert Privileges.parse(bytes.fromhex("810000")).contradictions() == (
        "MANDATED_DAP_VERIFICATION without DAP_VERIFICATION",
    )


@pytest.mark.parametrize(
    ("old", "issuer", "whole"), [("9E", True, "9EFE80"), ("80", False, "808000"), ("04", False, "040000")]
)
def test_old_privileges_mean_more_than_they_show(old: str, issuer: bool, whole: str) -> None:
    assert Privileges.parse(bytes.fromhex(old)).completed(issuer=issuer) == Privileges.parse(bytes.fromhex(whole))


def test_privileges_without_a_place_are_refused() -> None:
    with pytest.raises(EncodingError, match="privilege 'CARD_LOCKS': expected one of SECURITY_DOMAIN"):
        Privileges.of(["CARD_LOCKS"])
    with pytest.raises(EncodingError, match="no value of 1 bytes"):
        Privileges.of(["FINAL_APPLICATION"], size=1)
    with pytest.raises(EncodingError, match="got 2 bytes"):
        Privileges.parse(b"\x80\x00")


STATUS = {case["name"]: case for case in vectors("get-status")}


@pytest.mark.parametrize("name", ["get-status-isd-with-cf", "get-status-isd-ea"])
def test_status_of_an_issuer_security_domain(name: str) -> None:
    data, out = bytes.fromhex(STATUS[name]["in"]["data"]), STATUS[name]["out"]
    (entry,) = parse_status(data, StatusKind.ISD)
    assert entry.encode() == data
    assert entry.kind is EntryKind.ISD
    got = {
        "aid": entry.aid.hex().upper(),
        "life_cycle": f"{entry.life_cycle:02X}",
        "privileges": entry.privileges.encode().hex().upper() if entry.privileges else None,
        "implicit_selection": [f"{value:02X}" for value in entry.implicit_selections],
        "elf": (entry.load_file or b"").hex().upper(),
        "version": (entry.version or b"").hex(),
        "sd": (entry.domain or b"").hex().upper(),
        "ea": next((item.value.hex() for item in entry.unknown), None),
    }
    assert {key: got[key] for key in out} == out


def test_status_page_that_ends_inside_an_entry() -> None:
    case = STATUS["get-status-e3-jcop-6310"]
    page = bytes.fromhex(case["in"]["data"])[:-2]
    with pytest.raises(EncodingError, match="announces 48 bytes"):
        parse_status(page, StatusKind.APPLICATIONS)
    rest = bytes(0x30 - (len(page) - page.rindex(bytes.fromhex("E330")) - 2) - 2)
    entries = parse_status(page + b"\xee" + bytes((len(rest),)) + rest, StatusKind.APPLICATIONS)
    out = case["out"]["first"]
    first = entries[0]
    assert first.aid == bytes.fromhex(out["aid"])
    assert (first.kind, first.state) == (EntryKind.DOMAIN, "PERSONALIZED")
    assert first.load_file == bytes.fromhex(out["elf"])
    assert first.domain == bytes.fromhex(out["sd"])
    assert [item.tag for item in entries[3].unknown] == [0xEA]
    assert entries[-1].state == "SELECTABLE"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("E4144F07A00000015100009F700107C50180EA028000", "got tag E4"),
        ("E30C4F07A0000001510000C50180", "no life cycle"),
        ("E30A4F04A00000019F700107", "AID 4F of 4 bytes"),
        ("E30D9F700107C50180CC00CE020100", "no AID"),
        ("E3114F07A00000015100009F700107C5028000", "got 2 bytes, expected 1 or 3"),
    ],
)
def test_malformed_entries_are_refused(data: str, words: str) -> None:
    with pytest.raises(EncodingError, match=words):
        parse_status(bytes.fromhex(data), StatusKind.APPLICATIONS)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (EntryKind.ISD, 0x01, "OP_READY"),
        (EntryKind.ISD, 0x7F, "CARD_LOCKED"),
        (EntryKind.ISD, 0xFF, "TERMINATED"),
        (EntryKind.DOMAIN, 0x8F, "LOCKED (was PERSONALIZED)"),
        (EntryKind.DOMAIN, 0x1F, "unknown 1F"),
        (EntryKind.APPLICATION, 0x83, "LOCKED (was INSTALLED)"),
        (EntryKind.APPLICATION, 0x7F, "own state 7F"),
        (EntryKind.LOAD_FILE, 0x01, "LOADED"),
    ],
)
def test_states_in_words(kind: EntryKind, value: int, words: str) -> None:
    assert state_name(kind, value) == words


@pytest.mark.parametrize(
    ("answer", "aid", "maximum", "findings"),
    [
        ("6F108408A000000151000000A5049F6501FF", "A000000151000000", 255, ()),
        ("6F118408A000000151000000A5059F65020200", "A000000151000000", 255, ()),
        ("6F108408A000000151000000A5049F65017F", "A000000151000000", 127, ()),
        ("A000000003000000", "A000000003000000", 255, ("SELECT answers a bare AID, not a template 6F",)),
        ("6F028400", None, 255, ("SELECT does not say which AID was selected",)),
        ("8400", None, 255, ("SELECT does not say which AID was selected", "SELECT answers without the template 6F")),
        ("", None, 255, ("SELECT does not say which AID was selected",)),
    ],
)
def test_answers_of_select(answer: str, aid: str | None, maximum: int, findings: tuple[str, ...]) -> None:
    fci = FCI.parse(bytes.fromhex(answer))
    assert fci.aid == (bytes.fromhex(aid) if aid else None)
    assert fci.max_command_data == maximum
    assert fci.findings == findings
    assert fci.encode() == bytes.fromhex(answer)


def test_management_data_of_the_selected_domain() -> None:
    data = bytes.fromhex("6F18A516730D640B06092A864886FC6B0403709F6E0411223344")
    fci = FCI.parse(data)
    assert fci.management_data is not None
    assert str(fci.management_data.protocols[0]) == "SCP03 i=70"
    assert fci.production_life_cycle == bytes.fromhex("11223344")


@pytest.mark.parametrize("answer", ["6F048403A00000", "62028400", "6F02A505", "3F00"])
def test_what_is_no_answer_of_select_is_refused(answer: str) -> None:
    with pytest.raises(EncodingError):
        FCI.parse(bytes.fromhex(answer))
