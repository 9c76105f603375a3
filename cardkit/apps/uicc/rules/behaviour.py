"""Rules about what a card does: counters, PINs, keys. What was not tried is reported as not checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from cardkit.apps.uicc.pin import CodeState
from cardkit.apps.uicc.rules.table import TABLE
from cardkit.apps.uicc.sqn import next_sqn
from cardkit.apps.uicc.states.aka import PROVEN, SPENT
from cardkit.apps.uicc.states.authentication import algorithm_in, keys_in
from cardkit.apps.uicc.states.codes import ACCEPTED
from cardkit.apps.uicc.states.concealing import CALLS, KEYS
from cardkit.apps.uicc.states.product import Pin, Product
from cardkit.apps.uicc.states.scripts import Proof
from cardkit.crypto.publishedkeys import weakness_of
from cardkit.desired import ATR_FITS, NOT_CHECKED, Content, Finding, Observations, Severity

NewFinding = Callable[[str, str, str, str], Finding]

WEAK_ALGORITHMS = ("xor", "xor-2g", "comp128v1")

# Rule by kind of proof; the ISIM's own K has a rule of its own.
_PROOF_RULES = {
    "stale": "UICC-090",
    "flipped": "UICC-092",
    "fresh": "UICC-091",
    "replayed": "UICC-091",
    "leaping": "UICC-094",
    "gsm": "UICC-096",
}


class Behaviour:
    """The rules of one product that need more than file contents.

    :param new: makes a finding of rule, place, expected and actual.
    """

    def __init__(self, product: Product, proofs: tuple[Proof, ...], new: NewFinding) -> None:
        self._product = product
        self._proofs = proofs
        self._new = new
        self._conceals = product.concealing is not None

    def atr(self, seen: Observations) -> Iterator[Finding]:
        """UICC-011: the run has compared the ATR with the chip model's."""
        fits = seen.notes.get(ATR_FITS)
        if fits is not True:
            actual = NOT_CHECKED if fits is None else "the ATR of another chip"
            yield self._new("UICC-011", "ATR", "the chip model's ATR under its mask", actual)

    # Keys

    def keys(self, contents: Mapping[str, Content], seen: Observations) -> Iterator[Finding]:
        """UICC-090 to 098."""
        said: set[tuple[str, str, object]] = set()
        for proof in self._proofs:
            outcome = seen.notes.get(proof.name)
            rule = "UICC-095" if proof.place == "ADF.ISIM" else _PROOF_RULES[proof.kind]
            if outcome == PROVEN or (rule, proof.state, outcome) in said:
                continue
            said.add((rule, proof.state, outcome))
            yield self._key_finding(rule, proof, outcome)
        yield from self._sequence(seen)
        yield from self._values(contents)

    def _key_finding(self, rule: str, proof: Proof, outcome: object) -> Finding:
        actual = NOT_CHECKED if outcome is None else str(outcome)
        found = self._new(rule, proof.state, TABLE[rule].text, actual)
        if actual != SPENT:
            return found
        # SQN moves only when a fresh AUTN is accepted: that the reserved one is spent shows that it was.
        return replace(found, severity=Severity.INFO)

    def identity(self, seen: Observations) -> Iterator[Finding]:
        """UICC-104: the answers to two calls of GET IDENTITY, where the card holds the home network's keys."""
        outcomes = [seen.notes.get(call, NOT_CHECKED) for call in CALLS] if self._conceals else []
        for outcome in dict.fromkeys(outcomes):
            if outcome != PROVEN:
                yield self._new("UICC-104", KEYS, TABLE["UICC-104"].text, str(outcome))

    def _sequence(self, seen: Observations) -> Iterator[Finding]:
        """An SQN is the one the card started with, or the one its proof left."""
        auth = self._product.auth
        after_proof = next_sqn(auth.sqn_start, auth.ind, auth.ind_bits)
        for key in self._product.keys:
            if key.slot.proof != "aka":
                continue
            where = key.target.name if key.sqn is None else key.sqn.name
            start = 0 if key.sqn is None else auth.sqn_start
            expected = f"{start}, or {after_proof} to {auth.sqn_max}"
            before, after = (seen.notes.get(f"SQN{when} {key.place}") for when in (" before", ""))
            if before is None or after is None:
                yield self._new("UICC-093", where, expected, f"{NOT_CHECKED}: no AUTS of this card")
            elif not (before == start or after_proof <= before <= auth.sqn_max):
                yield self._new("UICC-093", where, expected, str(before))
            elif after > auth.sqn_max:
                yield self._new("UICC-093", where, expected, str(after))
        returned = seen.notes.get("Kc returned")
        if returned is not None and returned != self._product.answers_kc:
            expected = f"{'' if self._product.answers_kc else 'no '}Kc"
            yield self._new("UICC-046", "ADF.USIM/EF.UST", expected, "Kc" if returned else "no Kc")

    def _values(self, contents: Mapping[str, Content]) -> Iterator[Finding]:
        auth = self._product.auth
        said: set[str] = set()
        for key in self._product.keys:
            algorithm = algorithm_in(auth, key.slot)
            if algorithm not in said:
                said.add(algorithm)
                yield from self._value(algorithm, key.target.name, contents[key.target.name])

    def _value(self, algorithm: str, where: str, content: Content) -> Iterator[Finding]:
        if algorithm in WEAK_ALGORITHMS:
            yield self._new("UICC-097", where, "milenage, tuak, comp128v2 or comp128v3", algorithm)
        k, opc = keys_in(algorithm, content)
        if k == opc:
            yield self._new("UICC-098", where, "two values", "OPc equals K")
        if "test-keys" in self._product.auth.accept:
            return
        for name, key in (("K", k), ("OPc", opc)):
            weakness = None if key is None else weakness_of(key)
            if weakness is not None:
                yield self._new("UICC-098", where, "a random value", f"{name}: {weakness}")

    # Secrets

    def pins(self, seen: Observations) -> Iterator[Finding]:
        """UICC-060 to 062."""
        for pin in self._product.pins:
            if pin.block.enabled:
                yield from self._pin(pin, seen)
            yield from self._puk(pin, seen)

    def _pin(self, pin: Pin, seen: Observations) -> Iterator[Finding]:
        name, access = pin.target.name, pin.access
        yield from self._counter(f"{access.reference:02X}", name, access.tries, seen)
        outcome = seen.notes.get(f"presented {name}", NOT_CHECKED)
        if outcome == CodeState.DISABLED.value:
            yield self._new("UICC-060", name, f"{access.name} enabled", outcome)
        elif outcome != ACCEPTED:
            yield self._new("UICC-062", name, f"{access.name} of the record", outcome)

    def _puk(self, pin: Pin, seen: Observations) -> Iterator[Finding]:
        name, access = pin.target.name, pin.access
        tries = self._product.chip.models[access.name].unblock_tries
        yield from self._counter(f"PUK {access.reference:02X}", name, tries, seen)
        outcome = seen.notes.get(f"changed {name}", NOT_CHECKED)
        if pin.block.prove_puk and pin.block.enabled and outcome != ACCEPTED:
            yield self._new("UICC-062", name, f"PUK of {access.name} of the record", outcome)

    def adms(self, seen: Observations) -> Iterator[Finding]:
        """UICC-061 and 064 of administrative keys."""
        for adm in self._product.adms:
            name = adm.access.name
            yield from self._counter(f"{adm.access.reference:02X}", name, adm.access.tries, seen)
            outcome = seen.notes.get(f"presented {name}", NOT_CHECKED)
            if outcome != ACCEPTED:
                yield self._new("UICC-064", name, f"{name} of the record", outcome)

    def _counter(self, reference: str, where: str, tries: int, seen: Observations) -> Iterator[Finding]:
        status = seen.notes.get(f"counter {reference}")
        if status is None or status.left != tries:
            yield self._new("UICC-061", where, f"{tries} tries left", NOT_CHECKED if status is None else str(status))
