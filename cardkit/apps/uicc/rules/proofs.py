"""Rules about keys: what AUTHENTICATE showed, and what of the record's keys everybody could know."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Trouble, unknown
from cardkit.apps.uicc.rules.expectation import ISIM, Expectation
from cardkit.apps.uicc.sqn import next_sqn
from cardkit.apps.uicc.states.aka import LOCKED, PROVEN, SPENT
from cardkit.apps.uicc.states.authentication import algorithm_in, keys_in
from cardkit.crypto.publishedkeys import weakness_of
from cardkit.desired import NOT_CHECKED

# Algorithms that give the key away, and the word by which a profile accepts each.
WEAK_ALGORITHMS = {"xor": "xor", "xor-2g": "xor", "comp128v1": "comp128v1"}
UST = "ADF.USIM/EF.UST"

# Rule by kind of proof; the ISIM's own K has a rule of its own.
_PROOF_RULES = {
    "stale": "UICC-090",
    "flipped": "UICC-092",
    "fresh": "UICC-091",
    "replayed": "UICC-091",
    "leaping": "UICC-094",
    "gsm": "UICC-096",
    LOCKED: "UICC-099",
}


def _proven(rule: str) -> Check:
    """Return the check of the proofs that belong to a rule."""

    def test(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
        mine = [proof for proof in expected.proofs if _rule_of(proof.place, proof.kind) == rule]
        said: set[tuple[str, str | None]] = set()
        for proof in mine:
            outcome = picture.proofs.get(proof.name)
            if outcome != PROVEN and (proof.state, outcome) not in said:
                said.add((proof.state, outcome))
                # SQN moves only when a fresh AUTN is accepted: that the reserved one is spent shows that it was.
                yield Trouble(proof.state, outcome or NOT_CHECKED, by_design=outcome == SPENT)
        if not mine:
            yield unknown("profile", "the profile asks for no such proof")

    return Check(rule, test, profile=True)


def _rule_of(place: str, kind: str) -> str:
    return "UICC-095" if place == ISIM and kind != LOCKED else _PROOF_RULES[kind]


def _sequence(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """An SQN is the one the card started with, or the one its proof left."""
    assert expected.product is not None
    auth = expected.product.auth
    after_proof = next_sqn(auth.sqn_start, auth.ind, auth.ind_bits)
    for key in expected.product.keys:
        if key.slot.proof != "aka":
            continue
        where = key.name if key.sqn is None else key.sqn.name
        start = auth.sqn_start if key.is_counted else 0
        right = f"{start}, or {after_proof} to {auth.sqn_max}"
        if key.place not in picture.sequence:
            yield Trouble(where, f"{NOT_CHECKED}: no AUTS of this card", right)
            continue
        before, after = picture.sequence[key.place]
        if not (before == start or after_proof <= before <= auth.sqn_max):
            yield Trouble(where, str(before), right)
        elif after > auth.sqn_max:
            yield Trouble(where, str(after), right)


def _returned_kc(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    returned, wanted = picture.returned_kc, expected.product.answers_kc
    if returned != wanted:
        yield Trouble(UST, "Kc" if returned else "no Kc", f"{'' if wanted else 'no '}Kc")


def _algorithms(_picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    for algorithm, where in _key_files(expected):
        word = WEAK_ALGORITHMS.get(algorithm)
        if word is not None:
            accepted = word in expected.product.auth.accept
            yield Trouble(where, algorithm, "milenage, tuak, comp128v2 or comp128v3", mild=accepted)


def _key_files(expected: Expectation) -> list[tuple[str, str]]:
    """Return each algorithm and the first file with a key for it."""
    assert expected.product is not None
    found: dict[str, str] = {}
    for key in expected.product.keys:
        found.setdefault(algorithm_in(expected.product.auth, key.slot), key.name)
    return list(found.items())


def _key_values(_picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    for algorithm, where in _key_files(expected):
        k, opc = keys_in(algorithm, expected.contents[where])
        if k == opc:
            yield Trouble(where, "OPc equals K", "two values")
        if "test-keys" in expected.product.auth.accept:
            continue
        for name, key in (("K", k), ("OPc", opc)):
            weakness = None if key is None else weakness_of(key)
            if weakness is not None:
                yield Trouble(where, f"{name}: {weakness}", "a random value")


KC_CHECK = Check("UICC-046", _returned_kc, fields=(("returned_kc", "the answer to a fresh challenge"),), profile=True)
KEY_CHECKS = (
    *map(_proven, ("UICC-090", "UICC-091", "UICC-092", "UICC-094", "UICC-095", "UICC-096")),
    Check("UICC-093", _sequence, profile=True),
    Check("UICC-097", _algorithms, profile=True),
    Check("UICC-098", _key_values, profile=True),
)
CHECKS = (_proven("UICC-099"),)
