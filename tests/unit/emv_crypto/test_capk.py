"""The list of payment system keys: 150 published entries, of which some are wrong."""

import json
from pathlib import Path

import pytest

from cardkit.apps.emv.capk import CapkStore, CaPublicKey, parse_capk
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.errors import EncodingError

CAPK = json.loads((Path(__file__).parents[2] / "vectors" / "capk.json").read_text(encoding="utf-8"))
# Shipped for years: its modulus is even.
CORRUPTED = next(v for v in CAPK if v["name"] == "A000000004 06 variant")
GOOD = next(v for v in CAPK if v["name"] == "A000000003 09")


def ca_key(vector, **changes):
    fields = {**vector["in"], **changes}
    key = RsaPublicKey(bytes.fromhex(fields["modulus"]), bytes.fromhex(fields["exponent"]))
    return CaPublicKey(bytes.fromhex(fields["rid"]), int(fields["index"], 16), key)


@pytest.mark.parametrize("vector", CAPK, ids=[v["name"] for v in CAPK])
def test_check_sum_size_and_exponent(vector):
    key, out = ca_key(vector), vector["out"]

    assert (key.checksum.hex().upper(), key.key.bits) == (out["sha1"], out["bits"])
    if vector is CORRUPTED:
        with pytest.raises(EncodingError, match="modulus of 256 bytes, expected an odd number"):
            CapkStore([key])
    elif out["exponent_allowed"]:
        store = CapkStore()
        store.add(key, bytes.fromhex(out["sha1"]))
        assert store.find(key.rid + b"\x10\x10", key.index) is key
    else:
        with pytest.raises(EncodingError, match="public exponent 02, expected 03 or 010001"):
            CapkStore([key])


def test_every_conflict_of_the_published_lists_is_found():
    allowed = [v for v in CAPK if v["out"]["exponent_allowed"] and v is not CORRUPTED]
    found, store = set(), CapkStore()
    for key in map(ca_key, allowed):
        held = store.find(key.rid, key.index)
        if held is None:
            store.add(key)
        else:
            with pytest.raises(EncodingError, match="two different keys for one index"):
                store.add(key)
            found.add(key.name)
    seen = [(v["in"]["rid"], v["in"]["index"]) for v in allowed]
    expected = {f"{rid} {index}" for rid, index in seen if seen.count((rid, index)) > 1}

    assert expected == found
    assert len(store) == len(set(seen))


def test_wrong_check_sum_is_refused():
    with pytest.raises(EncodingError, match=f"CAPK A000000003 09: check sum 00.*, expected {GOOD['out']['sha1']}"):
        CapkStore().add(ca_key(GOOD), bytes(20))


def test_same_key_twice_is_one():
    assert len(CapkStore([ca_key(GOOD), ca_key(GOOD)])) == 1


@pytest.mark.parametrize("changes", [{"modulus": ""}, {"modulus": "00" + GOOD["in"]["modulus"]},
                                     {"modulus": GOOD["in"]["modulus"][:-2] + "00"}, {"rid": "A0000000"},
                                     {"modulus": "03" * 257}])  # fmt: skip
def test_what_is_no_key(changes):
    with pytest.raises(EncodingError, match=r"expected a RID of 5 bytes|expected an odd number"):
        CapkStore([ca_key(GOOD, **changes)])


def test_unknown_key_is_none():
    assert CapkStore([ca_key(GOOD)]).find(bytes.fromhex("A000000004"), 0x09) is None


def entry(**changes):
    fields = {**GOOD["in"], "checksum": GOOD["out"]["sha1"], **changes}
    return "[[capk]]\n" + "".join(f'{name} = "{value}"\n' for name, value in fields.items())


def test_list_in_toml():
    store = parse_capk(entry() + "expires = 2026-12-31\ntest = true\n" + entry(index="0A", checksum=""))
    key = store.find(bytes.fromhex("A000000003"), 9)

    assert (key.expires.isoformat(), key.test, key.key) == ("2026-12-31", True, ca_key(GOOD).key)
    assert [key.name for key in store] == ["A000000003 09", "A000000003 0A"]


@pytest.mark.parametrize(("text", "message"), [
    (entry() + entry(exponent="010001", checksum=""), "two different keys"),
    (entry(checksum="00" * 20), "check sum"), (entry(index="0900"), "key 1: index of 2 bytes"),
    (entry(modulus="9Z"), "key 1: modulus: expected pairs of hex digits"), (entry(note="x"), "unknown field `note`"),
    ("capk = 1", "list.toml: Expected `array`"), ("[[capk", "list.toml"),
])  # fmt: skip
def test_list_that_is_wrong(text, message):
    with pytest.raises(EncodingError, match=message):
        parse_capk(text, "list.toml")
