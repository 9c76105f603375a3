"""The parts of key ceremonies that need people: custodians who log in, components they type, shares they take away."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from cardkit.cli.render import say
from cardkit.cli.secrets_input import SecretSource
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.components import combine
from cardkit.crypto.custodians import Custodian, enrol, find
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.management import ManagedKeyStore
from cardkit.crypto.shamir import Share
from cardkit.errors import KeyStoreError

PEOPLE = 2


def enrolled(names: Sequence[str], secrets: SecretSource) -> list[Custodian]:
    """Enrol custodians with the passphrases they choose."""
    return enrol([(name, secrets.twice(f"new passphrase of {name}")) for name in names])


def check_people(store: KeyStore, custodians: Sequence[Custodian], names: Sequence[str]) -> list[Custodian]:
    """Return the custodians of these names.

    :raises KeyStoreError: on one twice or unknown, or on fewer than two where the store has custodians or is LIVE.
    """
    people = [find(custodians, name) for name in names]
    if len({person.name for person in people}) != len(people):
        raise KeyStoreError(f"custodians {', '.join(names)}: the same person twice")
    if len(people) < PEOPLE and (custodians or store.kind == "LIVE"):
        raise KeyStoreError(
            f"custodians: {len(people)} of a {store.kind} store, expected {PEOPLE} different ones by --by"
        )
    return people


def log_in(store: ManagedKeyStore, names: Sequence[str], secrets: SecretSource) -> None:
    """Have two custodians log in, each with the own passphrase; a TEST store without custodians asks nobody."""
    for person in check_people(store, store.custodians, names):
        person.log_in(secrets.secret(f"passphrase of {person.name}"))


@contextmanager
def key_of_components(
    store: ManagedKeyStore, names: Sequence[str], algorithm: str, letter: tuple[KCVMethod, str], secrets: SecretSource
) -> Iterator[bytearray]:
    """Give the key that custodians type in parts, for the length of a ``with`` block.

    :param names: who brings a component, one each.  :param letter: method and check value of the whole key.
    :raises KeyStoreError: where people, components or the check value are not right.
    """
    people = check_people(store, store.custodians, names)
    if len(people) < PEOPLE:
        raise KeyStoreError(f"components: {len(people)} custodians, expected {PEOPLE} or more by --by")
    parts: list[Secret] = []
    key = bytearray()
    method, expected = letter
    try:
        for number, person in enumerate(people, 1):
            person.log_in(secrets.secret(f"passphrase of {person.name}"))
            what = f"component {number} of {len(people)}, by {person.name} (hex)"
            parts.append(component(secrets.twice(what), what))
            check = shown(algorithm, parts[-1], method)
            say(f"component {number} of {len(people)}, by {person.name}: KCV {check} ({method})")
        key = combine(parts)
        actual = kcv(algorithm, key, method)
        if actual != expected.upper():
            raise KeyStoreError(f"key of {len(parts)} components: KCV {actual} ({method}), the letter says {expected}")
        say(f"key of {len(parts)} components: KCV {actual} ({method}), as in the letter")
        yield key
    finally:
        key[:] = bytes(len(key))
        for part in parts:
            part.wipe()


def component(text: Secret, what: str) -> Secret:
    """Return the value of a component that was typed as hex; what was typed is wiped."""
    with text.reveal() as typed:
        try:
            value = bytearray.fromhex(typed.decode("ascii"))
        except ValueError:
            raise KeyStoreError(f"{what}: expected pairs of hex digits") from None
    text.wipe()
    try:
        return Secret(value, what)
    finally:
        value[:] = bytes(len(value))


def shown(algorithm: str, part: Secret, method: KCVMethod) -> str:
    """Return the check value of a component, upper hex."""
    with part.reveal() as clear:
        return kcv(algorithm, clear, method)


def hand_out(shares: Sequence[Share], descriptor: int | None) -> None:
    """Give shares to their holders: one after the other on the screen, or a line each to a file descriptor."""
    for number, share in enumerate(shares, 1):
        if descriptor is not None:
            os.write(descriptor, share.to_text().encode() + b"\n")
            continue
        click.pause(f"Share {number} of {len(shares)}: its holder alone at the screen, then press a key.", err=True)
        say(share.to_text())
        click.pause("Write it down, then press a key.", err=True)
        click.clear()
