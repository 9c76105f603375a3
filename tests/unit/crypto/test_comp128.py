"""COMP128 against 220 answers of other implementations, and its tables against the published ones."""

import json

import pytest

from cardkit.crypto import Secret
from cardkit.crypto.comp128 import Comp128
from cardkit.crypto.comp128tables import V1, V23
from cardkit.errors import EncodingError

from .aka_vectors import FOLDER, b, of_algorithm


@pytest.mark.parametrize("version", [1, 2, 3])
def test_answers_of_other_implementations(version):
    cases = [case.values for case in of_algorithm(f"comp128v{version}")]
    assert len(cases) == {1: 20, 2: 100, 3: 100}[version]
    expected = [(out["sres"], out["kc"]) for _, out in cases]
    answers = [Comp128(version, Secret(b(given["ki"]), "ki")).a3a8(b(given["rand"])) for given, _ in cases]
    assert [(sres.hex(), kc.hex()) for sres, kc in answers] == expected


# osmo-auc-gen of libosmocore-utils 1.7.0, measured: the keys of the published answers read the same backwards.
MEASURED = {
    1: ("34a24ee7", "e38cacc4499d7400"),
    2: ("e39134c0", "2533ded4acc4c000"),
    3: ("e39134c0", "2533ded4acc4c3ac"),
}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_key_that_counts_and_a_challenge_without_pattern(version):
    sres, kc = Comp128(version, bytes(range(16))).a3a8(b("f0e1d2c3b4a5968778695a4b3c2d1e0f"))
    assert (sres.hex(), kc.hex()) == MEASURED[version]


def test_tables_are_the_published_ones():
    published = json.loads((FOLDER / "uicc_comp128_tables.json").read_text(encoding="utf-8"))
    assert [table.hex() for table in (*V1, *V23)] == [case["out"]["hex"] for case in published]
    assert [len(table) for table in (*V1, *V23)] == [case["in"]["entries"] for case in published]


@pytest.mark.parametrize("version", [0, 4])
def test_other_versions_are_refused(version):
    with pytest.raises(EncodingError) as caught:
        Comp128(version, bytes(16))
    assert str(caught.value) == f"COMP128: version {version}, expected 1, 2 or 3"


def test_other_lengths_are_refused_without_showing_the_key():
    with pytest.raises(EncodingError) as caught:
        Comp128(1, b"\xab" * 15)
    assert str(caught.value) == "ki must be 16 bytes, got 15"
    with pytest.raises(EncodingError) as caught:
        Comp128(3, bytes(16)).a3a8(bytes(17))
    assert str(caught.value) == "RAND must be 16 bytes, got 17"
