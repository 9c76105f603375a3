"""PKCS#15 files: what OpenSC wrote is read as OpenSC reads it, what we write fits together, what does not is found."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps import dump
from cardkit.apps.eid.pkcs15.client import Fci
from cardkit.apps.eid.pkcs15.coherence import entries_of, file_troubles, pairing_troubles, path_troubles
from cardkit.apps.eid.pkcs15.entries import CodeForm, KeyEntry, certificate_entry, code_entry, data_entry
from cardkit.apps.eid.pkcs15.structure import (
    CodeFlag,
    Directory,
    KeyAccess,
    KeyUsage,
    Listed,
    ObjectDirectory,
    ObjectList,
    TokenFlag,
    TokenInfo,
    named_bits,
    read_named_bits,
)
from cardkit.encoding import tlv
from cardkit.errors import EncodingError
from cardkit.perso import Verdict, personalize
from cardkit.virtual import make_card
from tests.unit.eid.conftest import inserted
from tests.unit.eid.pkcs15 import IMAGE, Job

OPENSC = json.loads((Path(__file__).parents[2] / "vectors" / "pkcs15_opensc.json").read_text(encoding="utf-8"))
FILES = {name: bytes.fromhex(text) for name, text in OPENSC["files"].items()}
EXPECTED = OPENSC["expected"]
KINDS = {
    "EF.AODF": Listed.CODES,
    "EF.PrKDF": Listed.PRIVATE_KEYS,
    "EF.PuKDF": Listed.PUBLIC_KEYS,
    "EF.CDF": Listed.CERTIFICATES,
    "EF.DODF": Listed.DATA,
}
DF = bytes.fromhex("3F005015")
CERTIFICATE_PATH, PUBLIC_PATH, DATA_PATH = (DF + bytes.fromhex(fid) for fid in ("3401", "3301", "3501"))
TODAY = date(2026, 11, 22)


# OpenSC's files


def test_where_the_application_and_its_lists_are():
    assert Directory.parse(FILES["EF.DIR"]).path.hex().upper() == EXPECTED["path"]
    paths = ObjectDirectory.parse(FILES["EF.ODF"]).paths
    assert {f"{kind:02X}": path.hex().upper() for kind, path in paths.items()} == EXPECTED["lists"]


def test_what_card_it_is():
    found = TokenInfo.parse(FILES["EF.TokenInfo"])
    expected = EXPECTED["token"]
    assert (found.serial.hex(), found.manufacturer, found.label) == (
        expected["serial"],
        expected["manufacturer"],
        expected["label"],
    )
    assert sorted(found.flags) == expected["flags"]


@pytest.mark.parametrize("name", KINDS)
def test_the_objects_of_a_list(name):
    found = [
        [
            entry.label,
            entry.identifier.hex().upper(),
            sorted(entry.usage),
            entry.reference,
            entry.path.hex().upper(),
            entry.auth_id.hex().upper(),
        ]
        for entry in ObjectList.parse(KINDS[name], FILES[name]).entries
    ]
    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_built_as_it_was(name):
    parsers = {"EF.DIR": Directory.parse, "EF.ODF": ObjectDirectory.parse, "EF.TokenInfo": TokenInfo.parse}
    parse = parsers.get(name, lambda body: ObjectList.parse(KINDS[name], body))
    assert parse(FILES[name]).build() == FILES[name]


def test_a_key_of_opensc_is_written_byte_for_byte():
    """But for what OpenSC says besides: that the key is none of the card's own operating system."""
    key = KeyEntry("one", b"\x01", 0, 2048, False, DF)
    usage = (KeyUsage.DECRYPT, KeyUsage.SIGN, 3, KeyUsage.UNWRAP)
    access = (KeyAccess.SENSITIVE, KeyAccess.ALWAYS_SENSITIVE, KeyAccess.NEVER_EXTRACTABLE, KeyAccess.LOCAL)
    ours, theirs = key.private(usage, access, b"\xff"), tlv.first(FILES["EF.PrKDF"])[0].build()
    assert ours == theirs.replace(bytes.fromhex("0206C0"), bytes.fromhex("020780")) or len(ours) == len(theirs)
    parsed = [ObjectList.parse(Listed.PRIVATE_KEYS, body).entries[0] for body in (ours, theirs)]
    assert parsed[0].own == parsed[1].own
    assert parsed[0].type_ == parsed[1].type_


# Named bits


@given(st.frozensets(st.integers(0, 40)))
def test_named_bits_are_read_as_they_were_written(positions):
    assert read_named_bits(named_bits(positions)[2:]) == positions


@given(st.frozensets(st.integers(0, 40), min_size=1))
def test_named_bits_end_with_a_bit_that_is_set(positions):
    body = named_bits(positions)[2:]
    assert body[-1] >> body[0] & 1 == 1


# Any bytes


@settings(max_examples=150)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 80), st.integers(1, 255))
def test_a_file_with_a_changed_byte_is_read_or_refused(name, place, change):
    body = bytearray(FILES[name])
    body[place % len(body)] ^= change
    kind = KINDS.get(name, Listed.DATA)
    for parse in (Directory.parse, ObjectDirectory.parse, TokenInfo.parse, lambda data: ObjectList.parse(kind, data)):
        try:
            found = parse(bytes(body))
            for entry in getattr(found, "entries", ()):
                assert (entry.identifier, entry.usage, entry.reference, entry.path) is not None
        except EncodingError:
            continue
        assert found.build() == bytes(body)


@pytest.mark.parametrize("answer", ["", "6F", "6F0481020", "620281", "810200FF", "6F028102"])
def test_an_answer_that_is_no_template_of_a_file_is_refused(answer):
    with pytest.raises(EncodingError):
        Fci.parse(bytes.fromhex(answer + "0" * (len(answer) % 2)))


# What fits together


def key(identifier=b"\x01", path=DF):
    return KeyEntry("one", identifier, 0, 256, True, path)


def lists(**changed):
    """Return the lists of one key, with some put in place of the good ones."""
    form = CodeForm(4, 16, 16, 0, DF)
    good = {
        "codes": code_entry("PIN", b"\x01", 1, (CodeFlag.LOCAL,), form),
        "private_keys": key().private((KeyUsage.SIGN,), (KeyAccess.SENSITIVE,), b"\x01"),
        "public_keys": key(path=PUBLIC_PATH).public((KeyUsage.VERIFY,)),
        "certificates": certificate_entry("one", b"\x01", CERTIFICATE_PATH),
        "data": data_entry("note", "app", DATA_PATH, b"\x01"),
    }
    return {Listed[name.upper()]: body for name, body in (good | changed).items()}


SIZES = {DF: 0, CERTIFICATE_PATH: 500, PUBLIC_PATH: 91, DATA_PATH: 5}


def troubles(bodies, sizes=SIZES):
    entries, found = entries_of(bodies)
    return [*found, *pairing_troubles(entries), *path_troubles(entries, sizes)]


def test_good_lists_have_no_troubles():
    assert troubles(lists()) == []


def test_opensc_has_no_troubles_but_its_certificate_of_no_key():
    bodies = {kind: FILES[name] for name, kind in KINDS.items()}
    entries, found = entries_of(bodies)
    alone = [where for where, what in pairing_troubles(entries) if "certificates" in what]
    assert (found, alone) == ([], ["private key one", "private key two"])


@pytest.mark.parametrize(
    ("changed", "where", "what"),
    [
        ({"certificates": certificate_entry("one", b"\x02", CERTIFICATE_PATH)}, "private key one", "certificates"),
        ({"public_keys": key(b"\x02", PUBLIC_PATH).public((KeyUsage.VERIFY,))}, "private key one", "public keys"),
        ({"data": data_entry("note", "app", DATA_PATH, b"\x07")}, "data note", "PIN 07"),
        ({"certificates": certificate_entry("one", b"\x01", DF + b"\x34\x02")}, "certificates one", "selects nothing"),
        ({"certificates": certificate_entry("one", b"\x01", CERTIFICATE_PATH) * 2}, "certificates", "two have one"),
        ({"codes": b"\x30\x01\x00"}, "CODES", "codes"),
    ],
)
def test_what_does_not_fit_is_found(changed, where, what):
    found = troubles(lists(**changed))
    assert where in [place for place, _ in found]
    assert any(what in text for place, text in found if place == where)


def test_a_file_of_no_bytes_is_found_alone():
    assert troubles(lists(), {**SIZES, CERTIFICATE_PATH: 0}) == [
        ("certificates one", "its file 3F0050153401 is of 0 bytes")
    ]


def test_files_that_are_none_are_found_by_name():
    token = TokenInfo.of(b"\x01", "maker", "label", [TokenFlag.READ_ONLY]).build()
    good = Directory.of("label", DF).build(), ObjectDirectory.of({Listed.CODES: DF}).build(), token
    assert list(file_troubles(*good)) == []
    for place, name in enumerate(("EF.DIR", "EF.ODF", "EF.TokenInfo")):
        bad = [*good[:place], b"\xa0\x01\x00", *good[place + 1 :]]
        assert [where for where, _ in file_troubles(*bad)] == [name]
    assert list(file_troubles(None, *good[1:])) == []


# A card nobody has a profile for


@pytest.fixture(scope="module")
def finished():
    job, chip = Job(), make_card(IMAGE, seed=1)
    assert personalize(job.plan(), inserted(chip), job.keystore).verdict is Verdict.GOOD
    return chip


def test_a_finished_card_is_shown_and_fits_together(finished):
    document = dump.look(inserted(finished).channel, TODAY)
    part = document["pkcs15"]
    assert (document["class"], dump.check(document)) == ("PKCS#15", [])
    assert part["token"]["serial"] == "20000001"
    assert list(part["private_keys"]) == list(part["certificates"]) == ["authentication", "signature", "encipherment"]
    assert part["certificates"]["signature"]["key"] == "P-384"
    assert "subject: C=UT, O=Utopia, OU=Test, CN=GULNORA NAMUNAVIY" in "\n".join(dump.lines(document))


def test_what_is_public_says_nothing_of_the_holder(finished):
    document = dump.public(dump.look(inserted(finished).channel, TODAY))
    assert "NAMUNAVIY" not in str(document)
    assert "20000001" not in str(document)
    assert document["pkcs15"]["private_keys"]["signature"]["kind"] == "EC"


def test_good_cards_of_a_product_differ_where_they_may():
    job, documents = Job(), []
    for row in (1, 2):
        chip = make_card(IMAGE, seed=row)
        assert personalize(job.plan(row), inserted(chip), job.keystore).verdict is Verdict.GOOD
        documents.append(dump.look(inserted(chip).channel, TODAY))
    masked = dump.get_app("pkcs15").varying(job.plan().blueprint)
    assert dump.compare(*documents, masked=masked) == []
    assert {item.where for item in dump.compare(*documents)} >= {"PKCS#15 token serial"}


def test_the_rule_fires_alone_on_a_card_without_its_certificate(finished):
    class Without:
        def __init__(self, chip):
            self._chip = chip
            self.atr, self.power = chip.atr, chip.power

        def transmit(self, command):
            return b"\x6a\x82" if command.endswith(bytes.fromhex("50153402 00")) else self._chip.transmit(command)

    document = dump.look(inserted(Without(finished)).channel, TODAY)
    found = {(finding.rule, finding.where) for finding in dump.check(document)}
    assert found == {("EID-005", "certificates signature"), ("EID-005", "certificate signature")}


def test_a_dump_that_is_none_is_refused():
    with pytest.raises(EncodingError, match="no list of troubles"):
        dump.check({"format": "cardkit-dump-1", "class": "PKCS#15", "pkcs15": {}})
