"""Which keys a card has, found offline from one answer to INITIALIZE UPDATE: no try is spent.

A cryptogram of 64 bits does not fit by accident. It proves one key of a set: ENC in SCP01 and SCP02, MAC in SCP03.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from cardkit.apps.gp.opening import any_parameters
from cardkit.crypto import KeyStore, MemoryKeyStore
from cardkit.crypto.cardkeys import KeySetSpec, Scheme
from cardkit.crypto.key import ALGORITHMS
from cardkit.crypto.testkeys import CARD_DEFAULTS, known_by_check_value
from cardkit.errors import AuthenticationError, KeyStoreError
from cardkit.secure import opening as secure
from cardkit.secure.greeting import Greeting
from cardkit.secure.parameters import SCP03, Parameters

SCHEMES = (Scheme.NONE, Scheme.EMV, Scheme.VISA2, Scheme.VISA, Scheme.KDF3)
"""Diversifications over the KDD alone that are worth trying with any master key."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key set that may be the card's.

    :param keystore: which has it.  :param keys: references and diversification.
    """

    keystore: KeyStore
    keys: KeySetSpec


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one candidate.

    :param kcv: check value of the key, or master key, that was tried; empty where the store gives none.
    :param fits: whether it gives the card's cryptogram.
    :param published: what makes it a key everybody knows, empty if nothing does.
    :param impossible: why it could not be tried, empty if it was.
    """

    candidate: Candidate
    kcv: str
    fits: bool
    published: str = ""
    impossible: str = ""

    @property
    def keys(self) -> KeySetSpec:
        """References and diversification."""
        return self.candidate.keys

    def __str__(self) -> str:
        kcv = f" (KCV {self.kcv})" if self.kcv else ""
        return f"{self.keys.enc}{kcv} {self.keys.scheme}"


@dataclass(frozen=True, slots=True)
class Identification:
    """All candidates against one greeting."""

    greeting: Greeting
    trials: tuple[Trial, ...]

    @property
    def proves(self) -> str:
        """Which key of a set a match proves."""
        return "MAC" if self.greeting.scp == SCP03 else "ENC"

    @property
    def matches(self) -> tuple[Trial, ...]:
        """Candidates that fit; one key under several names is one match, by the first of them."""
        found = {(trial.kcv or str(trial), trial.keys.scheme): trial for trial in reversed(self.trials) if trial.fits}
        return tuple(reversed(found.values()))

    def match(self) -> Trial:
        """Return the one candidate that fits.

        :raises AuthenticationError: when none does, or several that are not the same key.
        """
        matches = self.matches
        if len({(trial.kcv, trial.keys.scheme) for trial in matches}) == 1:
            return matches[0]
        where = f"key version {self.greeting.kvn:02X} of this card (SCP{self.greeting.scp:02X})"
        if matches:
            raise AuthenticationError(f"{where}: several keys fit: {'; '.join(map(str, matches))}")
        tried = "; ".join(str(trial) for trial in self.trials if not trial.impossible)
        raise AuthenticationError(f"{where}: no key fits, no try was spent; tried: {tried or 'nothing'}")


def diversified(keys: KeySetSpec) -> tuple[KeySetSpec, ...]:
    """Return a key set under each of the usual diversifications.

    >>> from cardkit.crypto.cardkeys import parse_key_set
    >>> [str(keys) for keys in diversified(parse_key_set("plant:kmc"))][:2]
    ['00=plant:kmc', '00=plant:kmc/emv']
    """
    return tuple(replace(keys, scheme=scheme) for scheme in SCHEMES)


def published_candidates() -> Iterator[Candidate]:
    """Return the keys cards are delivered with, plain and under the usual diversifications."""
    store = MemoryKeyStore.with_published_test_keys()
    for reference in CARD_DEFAULTS:
        for keys in diversified(KeySetSpec(0, reference, reference, reference)):
            yield Candidate(store, keys)


def identify(greeting: Greeting, host_challenge: bytes, candidates: Iterable[Candidate]) -> Identification:
    """Compare what each candidate gives with the card's cryptogram. Nothing is sent.

    :param host_challenge: the one the greeting answers.
    """
    parameters = any_parameters(greeting)
    trials = tuple(_trial(candidate, parameters, greeting, host_challenge) for candidate in candidates)
    return Identification(greeting, trials)


def _trial(candidate: Candidate, parameters: Parameters, greeting: Greeting, host_challenge: bytes) -> Trial:
    kcv = published = ""
    try:
        kcv, published = _facts(candidate, greeting)
        keys = candidate.keys.for_card(greeting.kdd)
        derived = secure.session_keys(candidate.keystore, keys, parameters, host_challenge, greeting)
        try:
            expected = secure.card_cryptogram(parameters, derived, host_challenge, greeting)
        finally:
            derived.wipe()
    except KeyStoreError as error:
        return Trial(candidate, kcv, fits=False, published=published, impossible=str(error))
    return Trial(candidate, kcv, hmac.compare_digest(expected, greeting.cryptogram), published)


def _facts(candidate: Candidate, greeting: Greeting) -> tuple[str, str]:
    """Return the check value of the key the cryptogram proves, and what makes it a published one."""
    keys = candidate.keys
    info = candidate.keystore.find(keys.mac if greeting.scp == SCP03 else keys.enc)
    method = ALGORITHMS[info.algorithm][1] if info.algorithm in ALGORITHMS else None
    if info.kcv is None or method is None:
        return "", ""
    return info.kcv, known_by_check_value(info.algorithm, {method: info.kcv}) or ""
