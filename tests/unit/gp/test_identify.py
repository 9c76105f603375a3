"""Which keys a card has, found offline in recorded greetings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardkit.apps.gp.identify import Candidate, Identification, Trial, diversified, identify, published_candidates
from cardkit.crypto import Key, KeyInfo, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import KeySetSpec, Scheme, parse_key_set
from cardkit.errors import AuthenticationError
from cardkit.secure.greeting import Greeting, parse_initialize_update

from .conftest import Recording

MASTER = bytes(range(0x40, 0x50))


def greeted(name: str) -> tuple[Greeting, bytes]:
    session = Recording(name)
    return parse_initialize_update(session.greeting, asked_kvn=0, parameters=None), session.challenge


def store(algorithm: str, value: bytes = MASTER) -> MemoryKeyStore:
    return MemoryKeyStore({"plant:kmc": Key(value, "kmc", algorithm, Usage.MASTER_DERIVE)})


def candidates(keystore: MemoryKeyStore) -> list[Candidate]:
    return [Candidate(keystore, keys) for keys in diversified(parse_key_set("plant:kmc"))]


@pytest.mark.parametrize("name", ["scp01-i05-visa2-auth", "scp01-i05-cenc-install-load"])
def test_diversification_of_a_recorded_card_is_found(name: str) -> None:
    greeting, challenge = greeted(name)
    found = identify(greeting, challenge, candidates(store("3DES-128")))
    match = found.match()
    assert match.keys.scheme is Scheme.VISA2
    assert (match.kcv, match.published) == ("8BAF47", "GlobalPlatform default")
    assert str(match) == "plant:kmc (KCV 8BAF47) visa2"
    assert found.proves == "ENC"
    impossible = [trial.keys.scheme for trial in found.trials if trial.impossible]
    assert impossible == [Scheme.KDF3]


@pytest.mark.parametrize(
    ("name", "algorithm", "reference"),
    [
        ("scp03-i70-level33-echo-kaoh", "AES-128", "test:gp-default"),
        ("rec-scp03-yk-level33-1", "AES-128", "test:gp-default"),
        ("scp02-i15-cmac-get-status-kaoh", "3DES-128", "test:gp-default-3des"),
        ("scp02-i75-level13-5", "3DES-128", "test:gp-default-3des"),
        ("scp03-s03-71-level33-4", "AES-128", "test:gp-default"),
    ],
)
def test_published_keys_are_found_and_named(name: str, algorithm: str, reference: str) -> None:
    greeting, challenge = greeted(name)
    match = identify(greeting, challenge, published_candidates()).match()
    assert match.keys.enc == reference
    assert match.keys.scheme is Scheme.NONE
    assert match.published == "GlobalPlatform default"
    assert match.candidate.keystore.find(reference).algorithm == algorithm


def test_nothing_fits() -> None:
    greeting, challenge = greeted("scp03-i70-auth-kaoh")
    own = store("AES-128", bytes.fromhex("00112233445566778899AABBCCDDEEFF"))
    found = identify(greeting, challenge, candidates(own))
    assert found.matches == ()
    assert found.proves == "MAC"
    with pytest.raises(AuthenticationError, match=r"no key fits, no try was spent; tried: plant:kmc \(KCV ") as caught:
        found.match()
    assert caught.value.security_stop
    assert "00112233" not in str(caught.value)


def test_key_that_is_not_there_is_told() -> None:
    greeting, challenge = greeted("scp03-i70-auth-kaoh")
    missing = Candidate(MemoryKeyStore(), parse_key_set("plant:nothing"))
    (trial,) = identify(greeting, challenge, [missing]).trials
    assert not trial.fits
    assert "plant:nothing" in trial.impossible
    with pytest.raises(AuthenticationError, match="tried: nothing"):
        identify(greeting, challenge, [missing]).match()


def test_the_same_key_under_two_names_is_one_match() -> None:
    greeting, challenge = greeted("scp03-i70-level33-echo-kaoh")
    own = MemoryKeyStore({"plant:a": Key(MASTER, "a", "AES-128", Usage.SECURE_CHANNEL)})
    twice = [*published_candidates(), Candidate(own, KeySetSpec(0, "plant:a", "plant:a", "plant:a"))]
    found = identify(greeting, challenge, twice)
    assert len(found.matches) == 1
    assert found.match().keys.enc == "test:gp-default"


def test_two_different_keys_that_fit_are_no_answer() -> None:
    greeting, _ = greeted("scp03-i70-level33-echo-kaoh")
    first, second, *_ = published_candidates()
    both = Identification(greeting, (Trial(first, "504A77", fits=True), Trial(second, "504A77", fits=True)))
    with pytest.raises(AuthenticationError, match=r"several keys fit: .* none; .* emv"):
        both.match()


def test_key_without_a_check_value_is_tried_all_the_same() -> None:
    greeting, challenge = greeted("scp03-i70-level33-echo-kaoh")

    class SilentStore(MemoryKeyStore):
        def find(self, reference: str) -> KeyInfo:
            return replace(super().find(reference), kcv=None)

    silent = SilentStore({"plant:a": Key(MASTER, "a", "AES-128", Usage.SECURE_CHANNEL)})
    (trial,) = identify(greeting, challenge, [Candidate(silent, parse_key_set("plant:a"))]).trials
    assert (trial.fits, trial.kcv, str(trial)) == (True, "", "plant:a none")
