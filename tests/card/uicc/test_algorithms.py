"""The algorithms against published vectors (TS 35.207, 35.233, 51.010-1; COMP128 of libosmocore)."""

import pytest

from cardkit.virtual import keyfile
from cardkit.virtual.algorithms.comp128 import comp128v1, comp128v2, comp128v3
from cardkit.virtual.algorithms.tuak import Sizes, Tuak
from cardkit.virtual.errors import StatusWordError
from cardkit.virtual.milenage import STANDARD, Constants, Milenage
from tests.card.test_authenticate import OPC, RAND, K, vectors

STANDARD_BODY = bytes((64, 0, 32, 64, 96)) + b"".join(bytes(15) + bytes((c,)) for c in (0, 1, 2, 4, 8))


def test_tuak_of_ts_35_233(auth_vectors):
    sets = vectors(auth_vectors, "tuak", "f5star")
    assert {(given["keccak_iterations"], len(given["k"])) for given, _ in sets} >= {(1, 16), (1, 32), (2, 32)}
    for given, out in sets:
        sizes = Sizes(*(given[f"{name}_bits"] // 8 for name in ("mac", "res", "ck", "ik")))
        aka = Tuak.from_top(given["k"], given["top"], sizes, given["keccak_iterations"])
        rand, sqn, amf = given["rand"], given["sqn"], given["amf"]
        assert aka.topc == out["topc"]
        assert (aka.mac(rand, sqn, amf), aka.mac_resync(rand, sqn, amf)) == (out["f1"], out["f1star"])
        assert (aka.response(rand), *aka.keys(rand)) == (out["f2"], out["f3"], out["f4"])
        assert (aka.anonymity(rand), aka.anonymity_resync(rand)) == (out["f5"], out["f5star"])


@pytest.mark.parametrize("algorithm", [comp128v1, comp128v2, comp128v3], ids=lambda algorithm: algorithm.__name__)
def test_comp128(auth_vectors, algorithm):
    for given, out in vectors(auth_vectors, algorithm.__name__, "sres")[:25]:
        assert algorithm(given["ki"], given["rand"]) == (out["sres"], out["kc"])


def test_the_standard_constants_of_milenage_as_a_file():
    assert Constants.parse(STANDARD_BODY) == STANDARD
    assert Milenage(K, OPC, constants=Constants.parse(STANDARD_BODY)).response(RAND) == Milenage(K, OPC).response(RAND)


def test_changed_constants_change_exactly_their_function():
    """r and c of OUTn belong to: 1 f1 and f1*, 2 f2 and f5, 3 f3, 4 f4, 5 f5*."""

    def outputs(constants):
        aka = Milenage(K, OPC, constants=constants)
        sqn, amf = bytes(6), bytes(2)
        return [
            aka.mac(RAND, sqn, amf) + aka.mac_resync(RAND, sqn, amf),
            aka.response(RAND) + aka.anonymity(RAND),
            *aka.keys(RAND),
            aka.anonymity_resync(RAND),
        ]

    normal = outputs(STANDARD)
    for number in range(5):
        for at in (number, 5 + 16 * number + 7):
            body = bytearray(STANDARD_BODY)
            body[at] ^= 0x01
            changed = outputs(Constants.parse(bytes(body)))
            assert [now != then for now, then in zip(changed, normal, strict=True)] == [n == number for n in range(5)]


def test_rotations_turn_bits_and_swapping_halves_twice_is_nothing():
    def rotated(r1):
        constants = Constants((r1, *STANDARD.rotations[1:]), STANDARD.offsets)
        return Milenage(K, OPC, constants=constants).mac(RAND, bytes(6), bytes(2))

    assert len({rotated(r1) for r1 in (0, 1, 8, 64, 127)}) == 5
    assert Constants.parse(bytes((192,)) + STANDARD_BODY[1:]).rotations[0] == 64


@pytest.mark.parametrize(
    "body",
    ["", "FF" * 33, "16" + "00" * 32, "1600010000", "14" + "00" * 20, "15" + "00" * 32, "16F801" + "00" * 64],
)
def test_a_key_file_without_an_algorithm_of_3g(body):
    with pytest.raises(StatusWordError, match="6985"):
        keyfile.aka(bytes.fromhex(body))
    with pytest.raises(StatusWordError, match="6985"):
        keyfile.triplet(bytes.fromhex(body), RAND)
