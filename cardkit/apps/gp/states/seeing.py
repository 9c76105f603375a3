"""From what a session kept of a card to the picture the rules look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cardkit.apps.gp.discovery import OK, value_of
from cardkit.apps.gp.identify import Candidate, identify, published_candidates
from cardkit.apps.gp.picture import CardPicture, History, Journal, SeenChannels, SeenDomain, SeenGreeting, SeenSession
from cardkit.apps.gp.states.keysets import KeySet
from cardkit.apps.gp.states.notes import NOTES, Hello, Notes
from cardkit.apps.gp.states.product import Product
from cardkit.apps.gp.states.scripts import (
    CAPABILITIES,
    CARD_DATA,
    CARD_NUMBER,
    CERTIFICATES,
    CHANNELS,
    CONFIRMATIONS,
    COUNTER,
    ISSUER_NUMBER,
    KEYS,
    PLAIN_CARD_DATA,
    PLAIN_KEYS,
    PLAIN_STATUS,
    PRODUCTION,
    RESOURCES,
    SELECTED,
    domain_keys,
)
from cardkit.apps.gp.tags import CPLC, CardCapabilities, CardRecognitionData, KeyInformation, Memory, StatusKind
from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import KeySetSpec, Scheme
from cardkit.desired import DIFFERS, REPEATED, Observations, Step
from cardkit.errors import AuthenticationError, EncodingError, KeyStoreError, ProtocolError
from cardkit.secure.opening import check_card_challenge

# Field of the picture by the name of what was read.
_FIELDS = {
    SELECTED: "fci", PRODUCTION: "cplc", CARD_DATA: "card_data", CAPABILITIES: "capabilities", KEYS: "keys",
    RESOURCES: "memory", ISSUER_NUMBER: "issuer_number", CARD_NUMBER: "card_number", COUNTER: "counter",
    CONFIRMATIONS: "confirmations", CERTIFICATES: "chain",
}  # fmt: skip

KDD, CHIP, IMAGE = "KDD", "chip", "image"
"""Kinds of number that no two cards share."""

_TAGS = {ISSUER_NUMBER: 0x42, CARD_NUMBER: 0x45, COUNTER: 0xC1, CONFIRMATIONS: 0xC2}


def body_of(step: Step, data: bytes) -> bytes:
    """Return what a step's body is kept as: numbers as their value, everything else as the card gave it."""
    tag = _TAGS.get(step.serves)
    if tag is None:
        return data
    try:
        return value_of(tag, data)
    except ProtocolError:
        return data


def picture_of(product: Product, seen: Observations, keystore: KeyStore | None) -> CardPicture:
    """Return what a card showed, decoded.

    :param keystore: tells whose keys a greeting fits; None where that is not asked.
    """
    notes: Notes = seen.notes[NOTES]
    troubles = {_FIELDS.get(name, name): trouble for name, trouble in notes.troubles.items()}
    read = _Reading(seen.bodies, troubles)
    keys = read.parsed(KEYS, KeyInformation.parse)
    isd = notes.lists.get(StatusKind.ISD)
    return CardPicture(
        select_sw=notes.select_sw,
        fci=notes.fci,
        card_data=read.parsed(CARD_DATA, CardRecognitionData.parse),
        capabilities=read.parsed(CAPABILITIES, CardCapabilities.parse),
        keys=None if keys is None else tuple(keys),
        cplc=read.parsed(PRODUCTION, CPLC.parse),
        isd=isd[0] if isd else None,
        applications=notes.lists.get(StatusKind.APPLICATIONS),
        load_files=notes.lists.get(StatusKind.MODULES),
        status_faults=tuple(notes.faults) if notes.lists or notes.faults else None,
        greetings=tuple(_greetings(product, notes, keystore)),
        session=_session(product, notes),
        memory=read.parsed(RESOURCES, Memory.parse),
        issuer_number=seen.bodies.get(ISSUER_NUMBER),
        card_number=seen.bodies.get(CARD_NUMBER),
        counter=read.number(COUNTER),
        confirmations=read.number(CONFIRMATIONS),
        chain=notes.chain,
        plain_status=next(iter(notes.asked.get(PLAIN_STATUS, ())), None),
        values=_values(seen) or None,
        channels=_channels(notes),
        words=frozenset(notes.words),
        domains=dict(_domains(product, seen, notes)),
        refusals=notes.refusals,
        journal=Journal(dict(notes.echoes), dict(notes.loads)) if notes.echoes or notes.loads else None,
        history=_history(seen.notes.get(REPEATED)),
        golden=seen.notes.get(DIFFERS),
        troubles=troubles,
    )


def _history(repeated: frozenset[str] | None) -> History | None:
    return None if repeated is None else History(KDD in repeated, CHIP in repeated, IMAGE in repeated)


class _Reading:
    """Parses bodies; what is malformed becomes a trouble."""

    def __init__(self, bodies: dict[str, bytes], troubles: dict[str, str]) -> None:
        self._bodies = bodies
        self._troubles = troubles

    def parsed(self, name: str, parse: Callable[[bytes], Any]) -> Any:
        """Return an object, None where it was not read or is malformed."""
        if name not in self._bodies:
            return None
        try:
            return parse(self._bodies[name])
        except EncodingError as error:
            self._troubles[_FIELDS[name]] = f"malformed: {error}"
            return None

    def number(self, name: str) -> int | None:
        """Return a counter."""
        return int.from_bytes(self._bodies[name], "big") if name in self._bodies else None


def _session(product: Product, notes: Notes) -> SeenSession | None:
    if notes.opened is not None:
        return SeenSession(*notes.opened, unproven=tuple(notes.unproven))
    return SeenSession(product.main.kvn, 0, notes.failure) if notes.failure else None


def _values(seen: Observations) -> dict[int, tuple[bytes, bytes]]:
    pairs = ((0x66, CARD_DATA, PLAIN_CARD_DATA), (0xE0, KEYS, PLAIN_KEYS))
    bodies = seen.bodies
    return {tag: (bodies[whole], bodies[value]) for tag, whole, value in pairs if whole in bodies and value in bodies}


def _channels(notes: Notes) -> SeenChannels | None:
    """Count the answers: channels are opened until one is refused, then closed, one command each."""
    words = notes.asked.get(CHANNELS)
    if words is None:
        return None
    tried = (len(words) + 1) // 2
    opened = sum(sw == OK for sw in words[:tried])
    return SeenChannels(opened, opened - sum(sw == OK for sw in words[tried:]))


def _domains(product: Product, seen: Observations, notes: Notes) -> Iterator[tuple[bytes, SeenDomain]]:
    for domain in product.domains:
        body = seen.bodies.get(domain_keys(domain.aid))
        if body is None:
            continue
        try:
            keys = tuple(KeyInformation.parse(body))
        except EncodingError:
            keys = None
        answered = [hello.greeting.kvn for hello in notes.greetings if hello.domain == domain.aid]
        yield domain.aid, SeenDomain(keys, answered[-1] if answered else None)


def _greetings(product: Product, notes: Notes, keystore: KeyStore | None) -> Iterator[SeenGreeting]:
    published: dict[int, tuple[str, ...]] = {}
    for hello in notes.greetings:
        if hello.domain != product.isd:
            continue
        greeting = hello.greeting
        keys = next((item for item in product.keys if item.kvn == greeting.kvn), None)
        if keystore is not None and greeting.kvn not in published:
            published[greeting.kvn] = _published(hello) + _delivered(product, hello, keystore)
        yield SeenGreeting(
            kvn=greeting.kvn,
            kdd=greeting.kdd,
            scp=greeting.scp,
            i=greeting.i,
            challenge=greeting.challenge,
            sequence=None if greeting.sequence is None else int.from_bytes(greeting.sequence, "big"),
            sessions=hello.sessions,
            recomputes=None if keystore is None or keys is None else _recomputes(product, keys, hello, keystore),
            fits=published.get(greeting.kvn, ()),
            bare_master=None if keystore is None or keys is None else _bare(keys, hello, keystore),
        )


def _published(hello: Hello) -> tuple[str, ...]:
    found = identify(hello.greeting, hello.challenge, published_candidates())
    return tuple(dict.fromkeys(str(trial) for trial in found.matches))


def _delivered(product: Product, hello: Hello, keystore: KeyStore) -> tuple[str, ...]:
    """Say whether the card answers with what it was delivered with, whatever version it calls that."""
    found = identify(hello.greeting, hello.challenge, [Candidate(keystore, product.delivered.spec)])
    return ("the set it was delivered with",) if any(trial.fits for trial in found.trials) else ()


def _bare(keys: KeySet, hello: Hello, keystore: KeyStore) -> bool | None:
    if keys.spec.scheme is Scheme.NONE:
        return False
    plain = KeySetSpec(keys.kvn, keys.spec.enc, keys.spec.mac, keys.spec.dek)
    trial = identify(hello.greeting, hello.challenge, [Candidate(keystore, plain)]).trials[0]
    return None if trial.impossible else trial.fits


def _recomputes(product: Product, keys: KeySet, hello: Hello, keystore: KeyStore) -> bool | None:
    if not product.parameters.pseudo_random or keys.own_kdd:
        return None
    try:
        check_card_challenge(
            product.parameters,
            hello.greeting,
            product.isd,
            keystore=keystore,
            keys=keys.for_card(hello.greeting.kdd),
            quirks=product.quirks,
        )
    except AuthenticationError:
        return False
    except KeyStoreError:
        return None
    return True
