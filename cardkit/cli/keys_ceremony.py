"""The parts of key ceremonies that need people: custodians who log in, components they type, shares they take away."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import click

from cardkit.cli.render import say
from cardkit.cli.secrets_input import SecretSource
from cardkit.crypto import KeyStore, Secret, Usage
from cardkit.crypto.components import combine
from cardkit.crypto.custodians import Custodian, enrol, find
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.key import ALGORITHMS
from cardkit.crypto.management import NO_METHOD, ManagedKeyStore, NewKey
from cardkit.crypto.shamir import Share
from cardkit.errors import KeyStoreError

PEOPLE = 2


@dataclass(frozen=True, slots=True)
class Letter:
    """How a key that comes in components is checked: by check values, as the letters that bring it have them.

    A card secret has none: a short code could be found by them. Each custodian types a part twice, that is all.

    :param algorithm: of the key; empty for a card secret.  :param method: of check values; None for a card secret.
    :param kcv: of the whole key; None for a key that is new, and for a card secret.
    """

    algorithm: str
    method: KCVMethod | None
    kcv: str | None

    @classmethod
    def of(cls, new: NewKey, check: str | None, method: str | None, *, fresh: bool = False) -> Self:
        """Return the letter of what was said on the command line.

        :param fresh: whether the key is made now, so that nobody knows its check value yet.
        :raises KeyStoreError: where that is too little, or too much for a card secret.
        """
        if new.usage is Usage.CARD_SECRET:
            if fresh or check is not None or method is not None:
                raise KeyStoreError(
                    f"key {new.reference}: a code comes with its cards and has no check value: "
                    "leave --kcv, --kcv-method and --new out"
                )
            return cls("", None, None)
        if method is None or (check is None and not fresh):
            raise KeyStoreError("components: expected --kcv and --kcv-method, as the letter has them")
        if new.algorithm not in ALGORITHMS:
            raise KeyStoreError(f"components: {new.algorithm}, expected one of {', '.join(ALGORITHMS)}")
        return cls(new.algorithm, KCVMethod(method), check)

    @property
    def method_name(self) -> str:
        """The method of check values, for transcripts."""
        return NO_METHOD if self.method is None else self.method.value

    def check(self, value: bytes | bytearray) -> str:
        """Return the check value of a component or of the key, upper hex; empty for a card secret."""
        return "" if self.method is None else kcv(self.algorithm, value, self.method)

    def told(self, check: str) -> str:
        """Return a check value as people read it."""
        return f"KCV {check} ({self.method})" if check else "no check value, for it is of a code"


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
    store: ManagedKeyStore, names: Sequence[str], letter: Letter, secrets: SecretSource
) -> Iterator[bytearray]:
    """Give the key that custodians type in parts, for the length of a ``with`` block.

    :param names: who brings a component, one each.
    :raises KeyStoreError: where people, components or the check value are not right.
    """
    people = check_people(store, store.custodians, names)
    if len(people) < PEOPLE:
        raise KeyStoreError(f"components: {len(people)} custodians, expected {PEOPLE} or more by --by")
    parts: list[Secret] = []
    try:
        for number, person in enumerate(people, 1):
            person.log_in(secrets.secret(f"passphrase of {person.name}"))
            what = f"component {number} of {len(people)}, by {person.name} (hex)"
            parts.append(component(secrets.twice(what), what))
            check = shown(parts[-1], letter)
            say(f"component {number} of {len(people)}, by {person.name}: {letter.told(check)}")
        with combined(parts, letter) as (key, _):
            yield key
    finally:
        for part in parts:
            part.wipe()


@contextmanager
def combined(values: Sequence[Secret], letter: Letter) -> Iterator[tuple[bytearray, str]]:
    """Give the key of some components and its check value, for the length of a ``with`` block.

    :raises KeyStoreError: when it is another one than the letter says.
    """
    key = bytearray()
    try:
        key = combine(values)
        check = letter.check(key)
        what = f"key of {len(values)} components: {letter.told(check)}"
        if letter.kcv is not None and check != letter.kcv.upper():
            raise KeyStoreError(f"{what}, the letter says {letter.kcv}")
        say(f"{what}{', as in the letter' if letter.kcv else ''}")
        yield key, check
    finally:
        key[:] = bytes(len(key))


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


def shown(part: Secret, letter: Letter) -> str:
    """Return the check value of a component, upper hex; empty for a card secret."""
    with part.reveal() as clear:
        return letter.check(clear)


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
