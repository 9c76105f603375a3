"""UICC-100 to 105, case by case: a good file, one change, that rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.rules.concealment import CONCEALMENT, ROUTING, SUCI, UST
from cardkit.apps.uicc.rules.relations import Ground
from cardkit.apps.uicc.rules.table import TABLE
from cardkit.apps.uicc.schema import NetworkBlock

VECTORS = Path(__file__).parents[2] / "vectors"
TEST_A, TEST_B = (
    case["in"]["hn_public_key"] for case in json.loads((VECTORS / "suci.json").read_text(encoding="utf-8"))
)
# Public keys of nobody: X coordinates of small multiples of the base points.
KEY_A = "09".ljust(64, "0")
KEY_B = "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
WHOLE_B = (
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
NETWORK = NetworkBlock(mcc="001", mnc="01", iccid_prefix="8999901")
ALL_FILES = frozenset((SUCI, ROUTING, UST))


def ground(*, product_files=ALL_FILES, test_keys=False):
    return Ground(NETWORK, frozenset(), has_isim=False, product_files=product_files, test_keys=test_keys)


def calc_info(schemes, keys) -> bytes:
    """Return a file written out by hand (TS 31.102 4.4.11.8)."""
    listed = "".join(f"{scheme:02x}{index:02x}" for scheme, index in schemes)
    objects = "".join(f"8001{number:02x}81{len(key) // 2:02x}{key}" for number, key in keys)
    return bytes.fromhex(
        f"a0{len(listed) // 2:02x}{listed}" + (f"a181{len(objects) // 2:02x}{objects}" if keys else "")
    )


def said(info: bytes, *, services=(33, 124), routing: bytes = bytes.fromhex("f0ffffff"), where=None) -> dict[str, str]:
    """Return the troubles by rule."""
    values = {
        SUCI: CATALOGUE[SUCI].decode(info.ljust(160, b"\xff")),
        ROUTING: CATALOGUE[ROUTING].decode(routing),
        UST: {"services": list(services)},
    }
    troubles = ((relation.rule, relation.test(values, where or ground())) for relation in CONCEALMENT)
    return {rule: trouble for rule, trouble in troubles if trouble is not None}


GOOD = calc_info([(2, 2), (1, 1), (0, 0)], [(27, KEY_A), (30, KEY_B)])


def test_a_good_file_breaks_no_rule():
    assert said(GOOD) == {}
    assert said(calc_info([(2, 1)], [(1, WHOLE_B)])) == {}
    assert said(calc_info([(0, 0)], [])) == {}


def test_every_relation_has_its_rule_in_the_table():
    assert {relation.rule for relation in CONCEALMENT} == {f"UICC-{n}" for n in (100, 101, 102, 103, 105)} <= set(TABLE)


@pytest.mark.parametrize(
    ("schemes", "keys", "rule", "trouble"),
    [
        ([(1, 2)], [(27, KEY_A)], "UICC-100", "scheme PROFILE_A with key index 2 of 1 keys"),
        ([(1, 0)], [(27, KEY_A)], "UICC-100", "scheme PROFILE_A with key index 0 of 1 keys"),
        ([(1, 1), (0, 1)], [(27, KEY_A)], "UICC-100", "scheme NULL with key index 1 of 1 keys"),
        ([(1, 1)], [(27, KEY_A), (27, KEY_B)], "UICC-100", "key id 27 stands there twice"),
        ([(2, 1)], [(27, KEY_A)], "UICC-101", "key id 27: PROFILE_B public key must be 33 or 65 bytes, got 32"),
        ([(1, 1)], [(27, "00" * 32)], "UICC-101", "key id 27: PROFILE_A public key: not a point"),
        ([(2, 1)], [(30, "02" + "01" * 32)], "UICC-101", "key id 30: PROFILE_B public key: not a point"),
        ([(0, 0), (1, 1)], [(27, KEY_A)], "UICC-102", "the null scheme comes before another one"),
        ([(0, 0)], [(27, KEY_A)], "UICC-102", "the null scheme alone, beside keys"),
        ([(1, 1)], [(27, TEST_A)], "UICC-105", "key id 27 is the standard's test key"),
        ([(2, 1)], [(30, TEST_B)], "UICC-105", "key id 30 is the standard's test key"),
    ],
)
def test_one_change_breaks_one_rule(schemes, keys, rule, trouble):
    found = said(calc_info(schemes, keys))
    assert list(found) == [rule]
    assert found[rule].startswith(trouble)


@pytest.mark.parametrize("start", ["00", "a003010100"])
def test_a_file_that_cannot_be_read(start):
    assert said(bytes.fromhex(start), services=(33,))["UICC-100"] == "it cannot be read"


def test_a_scheme_that_is_not_defined():
    assert "UICC-100" in said(calc_info([(9, 1)], [(27, KEY_A)]))


def test_test_keys_where_the_product_is_to_have_them():
    assert said(calc_info([(1, 1)], [(27, TEST_A)]), where=ground(test_keys=True)) == {}


def test_service_124_needs_what_it_offers():
    names_none = "service 124 is on and EF.SUCI_Calc_Info names no scheme"
    no_digits = "service 124 is on and EF.Routing_Indicator holds no digits"
    assert said(b"") == {"UICC-103": names_none}
    assert said(GOOD, routing=b"\xff" * 4) == {"UICC-103": no_digits}
    assert said(b"", services=(33,)) == {}
    assert said(b"", services=(33, 124, 125)) == {}
    assert said(GOOD, routing=bytes.fromhex("17ffffff")) == {}


@pytest.mark.parametrize(
    ("files", "trouble"),
    [
        ({UST}, "service 124 is on without EF.SUCI_Calc_Info, EF.Routing_Indicator"),
        ({UST, SUCI}, "service 124 is on without EF.Routing_Indicator"),
    ],
)
def test_service_124_in_a_product_that_fills_no_such_file(files, trouble):
    assert said(GOOD, where=ground(product_files=frozenset(files))) == {"UICC-103": trouble}
    assert said(GOOD, services=(33,), where=ground(product_files=frozenset(files))) == {}
