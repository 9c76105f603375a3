"""``cardkit keys ceremony``: a key comes in parts, under the eyes of an officer, and leaves a transcript."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import click

from cardkit import production
from cardkit.cli.keys_ceremony import Letter, check_people, component, shown
from cardkit.cli.render import say
from cardkit.cli.secrets_input import Prompt, SecretSource
from cardkit.crypto import Secret
from cardkit.crypto.custodians import find
from cardkit.crypto.key import ALGORITHMS
from cardkit.crypto.keysource import OpenManagedKeyStore
from cardkit.crypto.management import KeyEntry
from cardkit.errors import KeyStoreError
from cardkit.production.audit.checkpoints import signer_of
from cardkit.production.audit.report import write_signed
from cardkit.production.audit.statement import REPORT, Signer
from cardkit.production.people.accounts import has_accounts, log_in, log_out
from cardkit.production.people.ceremony import Ceremony, Part, content_of, destruction_of, note, require_people


class Custody(Protocol):
    """Who knows the people of a ceremony."""

    installation: str

    def enter(self, name: str, secrets: SecretSource) -> None:
        """Have somebody log in."""
        ...

    def signatories(self, officer: str, custodians: Sequence[str]) -> Sequence[str]:
        """Return who types a password at the end."""
        ...

    def require(self, officer: str, custodians: Sequence[str]) -> None:
        """Refuse people who may not do this together."""
        ...

    def signer(self) -> Signer:
        """Return what signs the transcript."""
        ...

    def note(self, ceremony: Ceremony, transcript: bytes) -> None:
        """Write down that it was held."""
        ...


class OfKeyStore:
    """Custodians that the key store knows itself; a key of the same store signs.

    :param reference: of that key, usage audit-sign.
    """

    installation = ""

    def __init__(self, store: OpenManagedKeyStore, reference: str) -> None:
        self._store = store
        self._reference = reference

    def enter(self, name: str, secrets: SecretSource) -> None:
        """Check a custodian's passphrase."""
        find(self._store.custodians, name).log_in(secrets.secret(f"passphrase of {name}"))

    def signatories(self, officer: str, custodians: Sequence[str]) -> Sequence[str]:  # noqa: ARG002 - of no account
        """Return the custodians; the officer signs by hand."""
        return custodians

    def require(self, officer: str, custodians: Sequence[str]) -> None:
        """Refuse fewer than two different custodians, and an officer who is one of them."""
        check_people(self._store, self._store.custodians, custodians)
        if officer in custodians:
            raise KeyStoreError(f"ceremony: {officer} watches over it and cannot bring a component")

    def signer(self) -> Signer:
        """Return the named key."""
        return Signer(self._store, self._reference)

    def note(self, ceremony: Ceremony, transcript: bytes) -> None:
        """Write down nothing: there is no plant."""


class OfPlant:
    """Accounts of a plant's store; what signs its audit signs."""

    def __init__(self, store: production.Store) -> None:
        self._store = store
        self.installation = store.terms.installation

    def enter(self, name: str, secrets: SecretSource) -> None:
        """Have an account log in; a TEST store without accounts takes the name."""
        if has_accounts(self._store):
            log_in(self._store, name, secrets.secret(f"password of {name}"))

    def signatories(self, officer: str, custodians: Sequence[str]) -> Sequence[str]:
        """Return all of them."""
        return (*custodians, officer)

    def require(self, officer: str, custodians: Sequence[str]) -> None:
        """Refuse people without the roles: two custodians, a security officer."""
        require_people(self._store, (officer, *custodians))

    def signer(self) -> Signer:
        """Return the key of the audit."""
        return signer_of(self._store)

    def note(self, ceremony: Ceremony, transcript: bytes) -> None:
        """Note it in the office chain."""
        note(self._store, ceremony, transcript)


@contextmanager
def custody(
    keys: OpenManagedKeyStore, plant: str | None, officer: str, signing: str | None, secrets: SecretSource
) -> Iterator[Custody]:
    """Give who knows the people: the plant's store, where the officer logs in, or the key store alone.

    :raises KeyStoreError: where neither a plant nor a signing key is named.
    """
    if plant is None:
        if signing is None:
            raise KeyStoreError(
                "ceremony: --plant, whose audit key signs the transcript, or --sign with a key of this store"
            )
        yield OfKeyStore(keys, signing)
        return
    with production.open_store(plant, operator=officer) as store:
        store.audit_keys = keys
        who = OfPlant(store)
        try:
            who.enter(officer, secrets)
            yield who
        finally:
            for name in store.presence.names():
                log_out(store, name)


@contextmanager
def parts_of(
    who: Custody, custodians: Sequence[str], letter: Letter, secrets: SecretSource, *, fresh: bool
) -> Iterator[tuple[list[Secret], list[Part]]]:
    """Give the components of some custodians, one each, for the length of a ``with`` block.

    :param fresh: whether components are made and shown, instead of typed and compared with their letters.
    """
    values: list[Secret] = []
    parts: list[Part] = []
    try:
        for number, name in enumerate(custodians, 1):
            say(f"component {number} of {len(custodians)}: {name} alone at the screen")
            who.enter(name, secrets)
            values.append(_made(number, letter.algorithm, secrets) if fresh else _typed(number, name, secrets))
            check = shown(values[-1], letter)
            if fresh:
                _hand_over(values[-1], check)
            elif check:
                _compare(number, name, check, secrets)
            say(f"component {number}: {letter.told(check)}")
            parts.append(Part(number, name, check, _line(secrets, f"number of the envelope of component {number}")))
        yield values, parts
    finally:
        for value in values:
            value.wipe()


def _typed(number: int, name: str, secrets: SecretSource) -> Secret:
    what = f"component {number}, by {name} (hex)"
    return component(secrets.twice(what), what)


def _compare(number: int, name: str, check: str, secrets: SecretSource) -> None:
    letter = _line(secrets, f"KCV in the letter of component {number}")
    if letter.upper() != check:
        raise KeyStoreError(f"component {number}, by {name}: KCV {check}, the letter says {letter}")


def _made(number: int, algorithm: str, secrets: SecretSource) -> Secret:
    if not isinstance(secrets, Prompt):
        raise KeyStoreError("ceremony: new components are shown to their custodians alone, which needs a terminal")
    value = bytearray(os.urandom(ALGORITHMS[algorithm][0]))
    try:
        return Secret(value, f"component {number}")
    finally:
        value[:] = bytes(len(value))


def _hand_over(value: Secret, check: str) -> None:
    """Show a component to its custodian, who is alone at the screen, and take it away again."""
    click.pause("Press a key to see it.", err=True)
    with value.reveal() as clear:
        say(f"{clear.hex(' ', 2).upper()}   KCV {check}")
    click.pause("Write it down, then press a key.", err=True)
    click.clear()


def all_sign(who: Custody, officer: str, custodians: Sequence[str], secrets: SecretSource) -> None:
    """Have everybody log in once more, one after the other, and refuse those who may not do this together."""
    say("all sign: each of you types the own password once more")
    for name in who.signatories(officer, custodians):
        who.enter(name, secrets)
    who.require(officer, custodians)


@contextmanager
def transcript_of(who: Custody, ceremony: Ceremony, path: Path) -> Iterator[None]:
    """Sign a transcript, let the key be stored in the ``with`` block, and write, note and print the transcript."""
    content = content_of(ceremony, who.installation)
    signed = who.signer().sign(REPORT, content)
    if path.exists():
        raise KeyStoreError(f"{path}: is there already; a transcript is never overwritten")
    yield
    write_signed(path, signed, who.signer().public)
    who.note(ceremony, hashlib.sha256(signed.body).digest())
    for line in _printed(content, signed.signature.hex()):
        click.echo(line)
    say(f"transcript: {path}")


@contextmanager
def certificate_of(
    store: OpenManagedKeyStore, entry: KeyEntry, by: Sequence[str], signing: tuple[str | None, Path | None]
) -> Iterator[None]:
    """Let a key be destroyed in the ``with`` block and leave a certificate, if one is asked for.

    :param by: who logged in for it.  :param signing: the key that signs, and the file; both or neither.
    :raises KeyStoreError: where the certificate could not be signed: nothing is destroyed then.
    """
    reference, path = signing
    if reference is None or path is None:
        if reference is not None or path is not None:
            raise KeyStoreError("--sign and --certificate go together")
        yield
        return
    if reference == entry.reference:
        raise KeyStoreError(f"key {reference}: cannot sign the certificate of its own destruction")
    signer = Signer(store, reference)
    content = destruction_of(entry, store.kind, by)
    signed = signer.sign(REPORT, content)
    yield
    write_signed(path, signed, signer.public)
    say(f"certificate: {path}")


def _printed(content: dict[str, object], signature: str) -> Iterator[str]:
    yield "KEY CEREMONY"
    for name, value in content.items():
        if name not in ("v", "type", "parts") and value not in (None, ""):
            yield f"  {name.replace('_', ' '):<16} {value}"
    parts = content["parts"]
    assert isinstance(parts, list)
    for part in parts:
        check = part["kcv"] or "-"
        yield f"  component {part['number']}: {part['custodian']}, KCV {check}, envelope {part['envelope']}"
    yield f"  signature        {signature}"
    names = [*(part["custodian"] for part in parts), content["officer"]]
    for name in names:
        yield ""
        yield f"  {name}: {'_' * 40}"


def _line(secrets: SecretSource, what: str) -> str:
    """Ask for a word that is not secret, from where the secrets come."""
    with secrets.secret(what).reveal() as typed:
        return typed.decode("utf-8", "replace").strip()
