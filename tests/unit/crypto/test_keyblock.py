"""Key blocks: every published block of versions B, D and E, and every changed one refused for the right reason."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Key, Secret, Usage, keyblock
from cardkit.crypto.keyblock import VERSIONS, Header, read_block, write_block
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import KeyStoreError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "security-tr31.json").read_text(encoding="utf-8"))
A74 = next(v for v in VECTORS if v["name"] == "tr31-TR-31-A.7.4")
ALL = tuple(VERSIONS)


def protection(value, family="AES"):
    value = bytes.fromhex(value) if isinstance(value, str) else value
    return ClearKey(Key(value, "kbpk", f"{family}-{8 * len(value)}", Usage.BLOCK_PROTECTION))


def kbpk_of(vector):
    return protection(vector["in"]["kbpk"], {"A": "3DES", "C": "3DES", **VERSIONS}.get(vector["in"]["block"][0], "AES"))


def good(*versions):
    return [pytest.param(v, id=v["name"]) for v in VECTORS if v["out"].get("version", "-") in versions]


def shown(secret):
    with secret.reveal() as clear:
        return clear.hex().upper()


def shortened(data):
    """Return optional data as the vectors have them: certificates by their beginning and their length."""
    return data if len(data) < 100 else f"{data[:16]}...{len(data)}"


@pytest.mark.requirement("K7")
@pytest.mark.parametrize("vector", good("B", "D", "E"))
def test_published_block_is_read(vector):
    block = read_block(kbpk_of(vector), vector["in"]["block"], versions=ALL)
    expected, header = vector["out"], block.header

    assert expected["key"] == shown(block.key)
    assert [expected[name] for name in ("version", "usage", "algorithm", "mode", "key_version", "exportability")] == [
        header.version, header.usage, header.algorithm, header.mode, header.key_version, header.exportability,
    ]  # fmt: skip
    assert expected["optional"] == [[name, shortened(data)] for name, data in header.optional]
    assert expected["context"] == header.context + "0"


@pytest.mark.parametrize("vector", good("B", "D", "E"))
def test_published_block_is_written_again(vector):
    """Version E has no padding: there the block must be the same again."""
    kbpk, text = kbpk_of(vector), vector["in"]["block"]
    block = read_block(kbpk, text, versions=ALL)
    written = write_block(kbpk, block.header, block.key, os.urandom)
    again = read_block(kbpk, written, versions=ALL)

    assert block.header == again.header
    assert shown(block.key) == shown(again.key)
    if block.header.version == "E":
        assert written == text


@pytest.mark.parametrize("vector", good("A", "C"))
def test_versions_with_a_short_mac_are_refused(vector):
    with pytest.raises(KeyStoreError, match=f"version '{vector['out']['version']}' is not accepted, expected B or D$"):
        read_block(kbpk_of(vector), vector["in"]["block"])


def test_version_e_is_read_only_where_asked_for():
    vector = next(v for v in VECTORS if v["out"].get("version") == "E")
    with pytest.raises(KeyStoreError, match="version 'E' is not accepted"):
        read_block(kbpk_of(vector), vector["in"]["block"])


REASONS = {
    "MAC": "the MAC is wrong",
    "length field differs from the block": "length field",
    "version unknown": "version 'Z' is not accepted",
    "hex must be upper case": "upper-case hex",
    "version A is not accepted (policy)": "version 'A' is not accepted",
    "optional block does not parse": "header of 54 characters, expected a multiple of 16",
    "reserved field": "a field has a value it cannot have",
}


@pytest.mark.requirement("K7")
@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS if "refused" in v["out"]])
def test_bad_block_is_refused(vector):
    with pytest.raises(KeyStoreError, match=REASONS[vector["out"]["refused"]]):
        read_block(kbpk_of(vector), vector["in"]["block"])


@pytest.mark.requirement("K7")
def test_every_changed_character_is_refused():
    text, kbpk = A74["in"]["block"], kbpk_of(A74)
    for place in range(len(text)):
        changed = text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]
        with pytest.raises(KeyStoreError):
            read_block(kbpk, changed, versions=ALL)


# One published block of each kind, changed in one place before the MAC: the check that finds it comes first.
HEAD = "D0112P0AE00E0000"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("D0112", "D 112", "length field ' 112' differs from the block's 112 characters"),
        ("D0112", "D112 ", "length field"),
        (HEAD, HEAD[:15], "length field"),
        ("P0AE", "P\u00e9AE", "printable ASCII"),
        ("P0AE", "P\x00AE", "printable ASCII"),
        ("P0AE", "p0AE", "a field has a value"),
        ("P0AE", "P0XE", "a field has a value"),
        ("P0AE", "P0AZ", "a field has a value"),
        ("00E0000", "-0E0000", "a field has a value"),
        ("00E0000", "00X0000", "a field has a value"),
        ("00E0000", "00E0X00", "a field has a value"),
        ("00E0000", "00E0030", "a field has a value"),
        ("00E0000", "00E0001", "a field has a value"),
        ("00E0000B826", "00E0100b826", "optional block 1 does not parse"),
        ("00E0000B826", "00E0100B803", "optional block B8: a length of 3 does not fit"),
        ("00E0000B826", "00E0100B861", "optional block B8: a length of 97 does not fit"),
        ("00E0000B82679", "00E0100B8000Z", "optional block B8: a length of 0 does not fit"),
        ("00E0000B8267911", "00E0100B80000G1", "optional block B8: its length does not parse"),
        ("00E0000B8267911", "00E0100B80001A1", "optional block B8: its length does not parse"),
        ("00E0000B8267911", "00E0100B800020A", "optional block B8: a length of 10 does not fit|multiple of 16"),
        ("DC34", "DC3G", "upper-case hex"),
    ],
)
def test_checks_before_the_mac(old, new, message):
    text = A74["in"]["block"]
    assert text.count(old) == 1
    with pytest.raises(KeyStoreError, match=message):
        read_block(kbpk_of(A74), text.replace(old, new))


def test_body_must_be_whole_blocks_and_more_than_a_mac():
    kbpk = kbpk_of(A74)
    for body in ("", "00" * 16, "00" * 17, "00" * 40):
        text = f"D{16 + len(body):04}P0AE00E0000{body}"
        with pytest.raises(KeyStoreError, match=r"upper-case hex|whole blocks of 16"):
            read_block(kbpk, text)
    with pytest.raises(KeyStoreError, match="length field"):
        read_block(kbpk, "D0015P0AE00E000")


def test_protection_key_of_another_family_is_refused():
    key = Secret(bytes(range(16)), "key")
    with pytest.raises(KeyStoreError, match="protection key kbpk is 3DES-128, expected AES"):
        read_block(protection(bytes(range(16)), "3DES"), A74["in"]["block"])
    with pytest.raises(KeyStoreError, match="protection key kbpk is AES-128, expected 3DES"):
        write_block(protection(bytes(range(16))), Header("B", "K0", "T", "N"), key, os.urandom)


@pytest.mark.parametrize(
    ("version", "family", "protecting", "algorithm", "size"),
    [("D", "AES", 16, "A", 24), ("D", "AES", 24, "A", 32), ("B", "3DES", 16, "T", 24), ("B", "3DES", 24, "A", 16)],
)
def test_key_under_a_weaker_one_is_refused(version, family, protecting, algorithm, size):
    kbpk = protection(bytes(range(protecting)), family)
    header = Header(version, "K0", algorithm, "N")
    with pytest.raises(KeyStoreError, match="the protection key is weaker"):
        write_block(kbpk, header, Secret(bytes(range(size)), "key"), os.urandom)


def test_equally_strong_protection_is_enough():
    for version, family, size, algorithm in [("D", "AES", 16, "A"), ("B", "3DES", 24, "T"), ("D", "AES", 16, "T")]:
        kbpk = protection(bytes(range(size)), family)
        text = write_block(kbpk, Header(version, "K0", algorithm, "N"), Secret(bytes(range(size)), "key"), os.urandom)
        assert shown(read_block(kbpk, text).key) == bytes(range(size)).hex().upper()


@pytest.mark.parametrize(("algorithm", "size"), [("A", 15), ("A", 20), ("T", 8), ("T", 32)])
def test_length_an_algorithm_does_not_have_is_refused(algorithm, size):
    with pytest.raises(KeyStoreError, match=f"a key of {size} bytes"):
        write_block(
            protection(bytes(range(32))), Header("D", "K0", algorithm, "N"), Secret(bytes(size), "key"), os.urandom
        )


def test_length_of_the_key_does_not_show():
    kbpk = protection(bytes(range(32)))
    lengths = {
        len(write_block(kbpk, Header("D", "K0", "A", "N"), Secret(bytes(range(size)), "key"), os.urandom))
        for size in (16, 24, 32)
    }

    assert lengths == {16 + 2 * 48 + 32}


def test_header_that_could_not_be_read_is_not_written():
    kbpk, key = protection(bytes(range(32))), Secret(bytes(range(16)), "key")
    header = Header("D", "K0", "A", "N")
    for wrong, message in [
        ({"usage": "k0"}, "a field has a value"),
        ({"version": "A"}, "version 'A' is not accepted"),
        ({"mode": "Q"}, "a field has a value"),
        ({"optional": (("LB", "x"),)}, "padding is missing"),
    ]:
        with pytest.raises(KeyStoreError, match=message):
            write_block(kbpk, replace(header, **wrong), key, os.urandom)


def test_long_optional_block_has_an_extended_length():
    kbpk, key = protection(bytes(range(32))), Secret(bytes(range(16)), "key")
    header = Header("D", "K0", "A", "N", optional=(("CT", "x" * 310),))
    text = write_block(kbpk, header, key, os.urandom)

    assert text[16:26] == "CT00040140"
    assert read_block(kbpk, text).header == header
    with pytest.raises(KeyStoreError, match=r"expected 9999 at most"):
        write_block(kbpk, replace(header, optional=(("CT", "x" * 9990),)), key, os.urandom)


@settings(max_examples=60, deadline=None)
@given(
    version=st.sampled_from(["B", "D", "E"]),
    size=st.sampled_from([16, 24, 32]),
    data=st.data(),
    usage=st.sampled_from(["K0", "B3", "M6"]),
    mode=st.sampled_from("BCDEGNSVXY"),
)
def test_what_is_written_is_read(version, size, data, usage, mode):
    family = VERSIONS[version]
    kbpk = protection(bytes(range(24 if family == "3DES" else 32)), family)
    algorithm = "T" if family == "3DES" else data.draw(st.sampled_from("ATH"))
    key_size = {"T": 16, "A": size, "H": size + 7}[algorithm]
    key = Secret(data.draw(st.binary(min_size=key_size, max_size=key_size)), "key")
    header = Header(version, usage, algorithm, mode, exportability=data.draw(st.sampled_from("ENS")))
    block = read_block(kbpk, write_block(kbpk, header, key, os.urandom), versions=ALL)

    assert header == block.header
    assert key == block.key


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="0123456789ABCDEFKPST", max_size=120), st.booleans())
def test_any_text_is_a_block_or_an_error(text, right_length):
    block = f"D{len(text) + 5:04}{text}" if right_length else text
    with pytest.raises(KeyStoreError):
        read_block(kbpk_of(A74), block, versions=ALL)


@pytest.mark.parametrize(
    ("bits", "message"),
    [(129, "129 bits in 48 bytes"), (0, "0 bits"), (8 * 47, "376 bits"), (64, "8 bytes"), (8 * 20, "20 bytes")],
)
def test_length_inside_the_block_is_checked_after_the_mac(monkeypatch, bits, message):
    """Only the holder of the protection key can write such a block; it is refused all the same."""
    kbpk = protection(bytes(range(32)))
    key = Secret(bytes(range(16)), "key")
    real = keyblock._mac
    monkeypatch.setattr(
        keyblock, "_mac", lambda *given: (given[3].__setitem__(slice(0, 2), bits.to_bytes(2, "big")), real(*given))[1]
    )
    text = write_block(kbpk, Header("D", "K0", "A", "N"), key, os.urandom)
    monkeypatch.setattr(keyblock, "_mac", real)
    with pytest.raises(KeyStoreError, match=message):
        read_block(kbpk, text)


def test_longest_key_that_fits_the_payload():
    kbpk = protection(bytes(range(32)))
    key = Secret(bytes(range(46)), "key")

    assert read_block(kbpk, write_block(kbpk, Header("D", "M7", "H", "C"), key, os.urandom)).key == key
