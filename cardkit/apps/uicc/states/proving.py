"""The proofs of one card: sends each challenge, judges the answer, notes the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cardkit.apdu import ResponseAPDU
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.states.aka import AkaProof, Algorithm, GsmProof, algorithm_of, proof_of
from cardkit.apps.uicc.states.authentication import algorithm_in
from cardkit.apps.uicc.states.product import Product
from cardkit.apps.uicc.states.scripts import IDENTITY_PLACE, Proof, Scripts
from cardkit.desired import Content, Step

Send = Callable[[Step, Content], ResponseAPDU]
IMSI = f"{IDENTITY_PLACE}/EF.IMSI"


class Prover:
    """What a card has shown so far.

    Notes: outcomes by the names of proofs; ``SQN before PLACE``, ``SQN PLACE``; ``Kc returned``, of the USIM.

    :param contents: the card's, by state name.
    """

    def __init__(self, product: Product, scripts: Scripts, contents: Mapping[str, Content]) -> None:
        self._product = product
        self._scripts = scripts
        self._contents = contents
        self._aka: dict[str, AkaProof | GsmProof] = {}
        self._algorithms: dict[str, Algorithm] = {}
        self._suci = b""

    def restarted(self) -> None:
        """Forget what was shown before the card was reset."""
        self._aka.clear()
        self._suci = b""

    def prove(self, step: Step, send: Send, notes: dict[str, Any]) -> str | None:
        """Send one challenge; return the outcome, None where it must not be sent (the notes say why)."""
        proof = self._scripts.proof.get(step.content)
        if proof is None:
            return self._prove_identity(step, send, notes)
        return self._prove_key(proof, step, send, notes)

    def _prove_identity(self, step: Step, send: Send, notes: dict[str, Any]) -> str:
        expected = self._scripts.concealing
        assert expected is not None  # without it no such step is planned
        body = self._contents[IMSI]
        imsi = CATALOGUE[IMSI].decode(body).get("imsi", "") if isinstance(body, bytes) else ""
        answer = send(step, b"")
        outcome = notes[step.content] = expected.of_imsi(len(imsi)).judge(answer, self._suci)
        self._suci = answer.data
        return outcome

    def _prove_key(self, proof: Proof, step: Step, send: Send, notes: dict[str, Any]) -> str | None:
        aka = self._aka_of(proof)
        rand = self._contents[proof.rand]
        assert isinstance(rand, bytes)
        challenge = aka.challenge(proof.kind, rand)
        if isinstance(challenge, str):
            notes[proof.name] = challenge
            return None
        outcome = notes[proof.name] = aka.judge(proof.kind, rand, send(step, challenge))
        if aka.sqn_ms is not None:
            notes.setdefault(f"SQN before {proof.place}", aka.sqn_ms)
            notes[f"SQN {proof.place}"] = aka.sqn_ms
        if aka.returned_kc is not None and proof.place == IDENTITY_PLACE:
            notes["Kc returned"] = aka.returned_kc
        return outcome

    def _aka_of(self, proof: Proof) -> AkaProof | GsmProof:
        if proof.place not in self._aka:
            auth, slot = self._product.auth, self._product.chip.keys[proof.place]
            name = algorithm_in(auth, slot)
            if name not in self._algorithms:  # one for all: every key file of a card holds the same K and OPc
                self._algorithms[name] = algorithm_of(auth, name, self._contents[proof.state])
            self._aka[proof.place] = proof_of(auth, slot, self._algorithms[name])
        return self._aka[proof.place]
