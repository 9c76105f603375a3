"""``cardkit gp put-key`` and ``rotate``: keys onto a card, proven before anything old is forgotten."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from cardkit.apps.gp import domain_keys as keys
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.domain import load_keys, secure_channel_set
from cardkit.apps.gp.domain_data import P1Choice
from cardkit.apps.gp.domain_keys import KeyChange, Proof, Waiver
from cardkit.apps.gp.domain_lifecycle import key_information
from cardkit.apps.gp.putkey import KeyData, public_key, symmetric_key
from cardkit.apps.gp.tags.keyinfo import INITIAL_KVN
from cardkit.channel import Channel
from cardkit.cli.gp_task import Task, aid_from, byte_from, task
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.render import say
from cardkit.crypto.cardkeys import CardKey, KeySetSpec, parse_key_set
from cardkit.errors import CardError, CardkitError, EncodingError, TransportError

_CHALLENGE_BYTES = 16
_LARGEST_KVN = 0x7F


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key set as the options describe it.

    :param replaces: version that goes for it, 0 for none.  :param kcvs: check values of the order.
    """

    spec: KeySetSpec
    replaces: int
    kcvs: tuple[bytes, ...]
    waivers: tuple[Waiver, ...]
    live: bool

    def for_card(self, kdd: bytes) -> KeyChange:
        """Return the change for one card.

        :param kdd: what its keys are diversified with.
        """
        return KeyChange(self.spec.for_card(kdd), self.replaces, self.kcvs, self.live, self.waivers)


def change_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options both verbs have."""
    command = click.option(
        "--kcv", "kcvs", metavar="ENC,MAC,DEK", help="Check values the order says; compared before anything is sent."
    )(command)
    command = click.option(
        "--allow", "waivers", multiple=True, type=click.Choice([str(item) for item in Waiver]),
        help="Accept a DEK weaker than the key it carries, or three equal keys.",
    )(command)  # fmt: skip
    return click.option("--test-card", is_flag=True, help="This card never leaves the house: test keys are accepted.")(
        command
    )


@click.command("put-key")
@click.option("--new", metavar="KVN=REF", help="Secure channel set: 30=plant:kmc/kdf3; put whole and then proven.")
@click.option("--into", metavar="AID", help="With --new: the set goes to this security domain, by STORE DATA.")
@click.option("--single", metavar="REF", help="One AES or 3DES key instead: token, receipt, DAP.")
@click.option(
    "--public", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.pem",
    help="One RSA or EC public key instead.",
)  # fmt: skip
@click.option("--kvn", metavar="HEX", help="Version of the single key.")
@click.option("--kid", metavar="HEX", help="Identifier of the single key.")
@click.option("--replace", "replaces", metavar="KVN", help="Version whose keys go for the new ones.")
@change_options
@task
def put_key(
    new: str | None,
    into: str | None,
    single: str | None,
    public: Path | None,
    kvn: str | None,
    kid: str | None,
    replaces: str | None,
    kcvs: str | None,
    waivers: tuple[str, ...],
    test_card: bool,
    task: Task,
) -> None:
    """Put a key set or a single key. Check values are compared before and after; a new set must open a session."""
    if sum(item is not None for item in (new, single, public)) != 1:
        raise click.UsageError("expected one of --new, --single and --public")
    if into is not None and (new is None or replaces is not None):
        raise click.UsageError("--into goes with --new, and replaces nothing")
    live = task.live and not test_card
    old = 0 if replaces is None else byte_from(replaces, "--replace")
    if new is not None:
        wanted = Wanted(parse_key_set(new), old, _check_values(kcvs), _waivers(waivers), live)
        if into is None:
            put_set(task, wanted, drop_used=False)
        else:
            put_into(task, wanted, aid_from(into, "--into"))
        return
    if kvn is None or kid is None:
        raise click.UsageError("a single key needs --kvn and --kid")
    place = Place(byte_from(kvn, "--kvn"), byte_from(kid, "--kid"), old)
    put_single(task, place, lambda domain: single_key(task, domain, single, public, live=live))


@click.command()
@click.option("--new", required=True, metavar="KVN=REF", help="The new secure channel set: 30=plant:kmc/kdf3.")
@change_options
@task
def rotate(new: str, kcvs: str | None, waivers: tuple[str, ...], test_card: bool, task: Task) -> None:
    """Give the domain a new key set; once it has opened a session, delete the set that opened this one.

    The same version as the set in use replaces it in place.
    """
    live = task.live and not test_card
    put_set(task, Wanted(parse_key_set(new), 0, _check_values(kcvs), _waivers(waivers), live), drop_used=True)


def put_set(task: Task, wanted: Wanted, *, drop_used: bool) -> None:
    """Put a key set and prove it.

    :param drop_used: the set that opened the session goes: replaced where the version is the same, else deleted last.
    """
    keystore = task.access.keystore
    with task.opened() as (channel, domain):
        used = domain.greeting.kvn if domain.greeting else 0
        if drop_used and used == wanted.spec.kvn:
            wanted = replace(wanted, replaces=used)
        change = wanted.for_card(domain.greeting.kdd if domain.greeting else b"")
        ready = keys.prepare(domain, keystore, change)
        new = change.new.kvn
        drop = used if drop_used and 0 < used <= _LARGEST_KVN and used != new else None
        task.confirm(_steps(change, ready.kcvs, used, drop))
        proof = Proof(task.access.level, secrets.token_bytes(_CHALLENGE_BYTES), task.access.parameters)
        try:
            proven = keys.rotate(domain, channel, keystore, ready, proof, drop=drop)
        except (CardError, TransportError):
            say_what_is_held(channel, domain.aid, used, new)
            raise
        held = [f"{version:02X}" for version in key_information(proven).versions]
        proven.close()
    kcvs = [value.hex().upper() for value in ready.kcvs]
    document = {"kvn": f"{new:02X}", "kcv": kcvs, "proven": True, "deleted": drop and f"{drop:02X}", "versions": held}
    task.report(document, f"key set {new:02X} is on the card and opened a session; versions now: {', '.join(held)}")


def put_into(task: Task, wanted: Wanted, instance: bytes) -> None:
    """Give another security domain a key set through the one that is open, and prove it there.

    :param instance: AID of the other, which has no keys of its own yet.
    """
    keystore = task.access.keystore
    name = f"security domain {instance.hex().upper()}"
    with task.opened() as (channel, domain):
        change = wanted.for_card(domain.greeting.kdd if domain.greeting else b"")
        wrapped = keys.wrap(domain, keystore, change)
        kcvs = [item.kcv for item in wrapped]
        task.confirm([f"{name}: {step}" for step in _steps(change, kcvs, 0, None)])
        load_keys(domain, instance, secure_channel_set(change.new.kvn, wrapped), P1Choice())
        proof = Proof(task.access.level, secrets.token_bytes(_CHALLENGE_BYTES))
        keys.prove(channel, instance, keystore, change.new, proof).close()
    shown = [value.hex().upper() for value in kcvs]
    document = {"domain": instance.hex().upper(), "kvn": f"{change.new.kvn:02X}", "kcv": shown, "proven": True}
    task.report(document, f"{name} has key set {change.new.kvn:02X}, which opened a session with it")


def say_what_is_held(channel: Channel, aid: bytes, old: int, new: int) -> None:
    """Read which keys the card lists after a change that may or may not have been made; nothing is sent again."""
    say(f"warning: key set {new:02X} is not proven: keep the keys of {old:02X} and of {new:02X}")
    try:
        held = key_information(SecurityDomain.select(channel, aid or None))
    except CardkitError as error:
        say(f"warning: which keys the card holds now cannot be read: {error}")
    else:
        say(f"the card lists key versions {', '.join(f'{version:02X}' for version in held.versions)}")


def _steps(change: KeyChange, kcvs: Iterable[bytes], used: int, drop: int | None) -> list[str]:
    names = ", ".join(
        f"{name} {key.reference} KCV {kcv.hex().upper()}"
        for name, key, kcv in zip(("ENC", "MAC", "DEK"), change.keys, kcvs, strict=True)
    )
    place = f"in place of set {change.replaces:02X}" if change.replaces else "beside what is there"
    steps = [f"put key set {change.new.kvn:02X} {place}: {names}", f"open a session with set {change.new.kvn:02X}"]
    if used == INITIAL_KVN:
        steps.append("the initial key set FF: many cards drop it by themselves when they get another")
    return [*steps, f"delete key set {drop:02X}"] if drop is not None else steps


@dataclass(frozen=True, slots=True)
class Place:
    """Where a single key goes: version, identifier, and the version it replaces, 0 for none."""

    kvn: int
    kid: int
    replaces: int


def put_single(task: Task, place: Place, make: Callable[[SecurityDomain], KeyData]) -> None:
    """Put one key.

    :param make: its key data, for the session with this domain.
    """
    name = f"{place.kid:02X}/{place.kvn:02X}"
    with task.opened() as (_, domain):
        key = make(domain)
        kcv = key.kcv.hex().upper() or None
        task.confirm([f"put key {name}" + (f", KCV {kcv}" if kcv else "")])
        keys.put_one(domain, place.kvn, place.kid, key, replaces=place.replaces)
    task.report({"kvn": f"{place.kvn:02X}", "kid": f"{place.kid:02X}", "kcv": kcv}, f"key {name} is on the card")


def single_key(
    task: Task, domain: SecurityDomain, reference: str | None, public: Path | None, *, live: bool
) -> KeyData:
    """Return a key of the key store under the session's DEK, or the public key of a file.

    :raises KeyStoreError: on a test key for a live card.
    """
    if public is not None:
        return public_key(public.read_bytes())
    wrapped = keys.dek_for(domain, task.access.keystore).wrap(CardKey(reference or ""))
    if live:
        keys.refuse_test_keys(task.access.keystore, [wrapped])
    return symmetric_key(wrapped)


def _check_values(text: str | None) -> tuple[bytes, ...]:
    if text is None:
        return ()
    values = tuple(map(from_hex, text.split(",")))
    if [len(value) for value in values] != [3, 3, 3]:
        raise EncodingError(f"--kcv {text}: expected three check values of three bytes: ENC,MAC,DEK")
    return values


def _waivers(names: Iterable[str]) -> tuple[Waiver, ...]:
    return tuple(map(Waiver, names))
