"""Plans: profile, record and prepared values become states and commands, before any card is touched."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain

import msgspec

from cardkit.apps.registry import get_app
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.secret import joined
from cardkit.desired import (
    Blueprint,
    Content,
    Keyed,
    Mails,
    Part,
    Plan,
    Prepares,
    Prints,
    Script,
    Scripted,
    Shows,
    Template,
)
from cardkit.errors import EncodingError, ProfileError
from cardkit.perso.joined import JoinedBlueprint
from cardkit.profile import Profile, Record, compile_values
from cardkit.transport.meter import WriteModel
from cardkit.transport.offers import offers

RandomBytes = Callable[[int], bytes]

TAG_BYTES = 16
RAND_BYTES = 16
COMPILED_KEPT = 16


@dataclass(frozen=True, slots=True)
class Prepared:
    """Random and slow values of one card, made once: a second preparation would make another card.

    :param tag: 16 bytes of the marker.  :param rands: challenges of the proofs, 16 bytes each, by name.
    :param values: what the application made for this card, by name: data groupings, a key pair.
    :param profile_sha256: of the profile they were made by, 32 bytes; empty where there are none.
    """

    tag: bytes
    rands: Mapping[str, bytes]
    values: Mapping[str, Secret] = field(default_factory=dict)
    profile_sha256: bytes = b""

    def with_tag(self, tag: bytes) -> Prepared:
        """Return the same with another marker tag: the one that binds batch, record and token.

        :raises EncodingError: when it is not 16 bytes long.
        """
        if len(tag) != TAG_BYTES:
            raise EncodingError(f"marker tag: got {len(tag)} bytes, expected {TAG_BYTES}")
        return dataclasses.replace(self, tag=tag)

    def to_bytes(self) -> bytes:
        """Return canonical JSON, to be sealed with the record."""
        rands = {name: rand.hex() for name, rand in sorted(self.rands.items())}
        stored: dict[str, object] = {"rands": rands, "tag": self.tag.hex()}
        if self.profile_sha256:
            stored["values"] = {name: joined((value,)).hex() for name, value in sorted(self.values.items())}
            stored["profile"] = self.profile_sha256.hex()
        return msgspec.json.encode(stored)

    @classmethod
    def from_bytes(cls, data: bytes) -> Prepared:
        """Read what :meth:`to_bytes` wrote.  :raises EncodingError: on anything else."""
        try:
            stored = _STORED.decode(data)
            rands = {name: bytes.fromhex(text) for name, text in stored.rands.items()}
            values = {name: Secret(bytes.fromhex(text), name) for name, text in stored.values.items()}
            tag, profile = bytes.fromhex(stored.tag), bytes.fromhex(stored.profile)
        except (msgspec.DecodeError, ValueError) as error:
            raise EncodingError(f"prepared values: {error}") from None
        return cls(b"", rands, values, profile).with_tag(tag)


class _StoredPrepared(msgspec.Struct, forbid_unknown_fields=True):
    rands: dict[str, str]
    tag: str
    values: dict[str, str] = {}
    profile: str = ""


# Made here and not at the first card: msgspec 0.22 crashes when two threads are the first to decode a struct.
_STORED = msgspec.json.Decoder(_StoredPrepared)


def prepare(profile: Profile, record: Record, keystore: KeyStore, rng: RandomBytes) -> Prepared:
    """Make the random and slow values of one card.

    :param record, keystore: what families with keys made on a card's behalf need; a UICC needs neither.
    :param rng: size -> random bytes, ``secrets.token_bytes``.
    :raises ProfileError: when the profile asks for what its chip cannot do.
    :raises EncodingError: when a value of the record does not fit the product.
    :raises KeyStoreError: when a key that is needed is missing, or for another purpose.
    """
    blueprint = compiled(profile)
    if not offers(blueprint, Prepares):
        return draw(profile, rng)
    values = blueprint.prepare(record, keystore, rng)
    return dataclasses.replace(draw(profile, rng), values=values, profile_sha256=profile.sha256)


def draw(profile: Profile, rng: RandomBytes) -> Prepared:
    """Make the random values of one card: all there is to prepare where :func:`prepares` says no.

    :param rng: size -> random bytes.
    :raises ProfileError: when the profile asks for what its chip cannot do.
    """
    names = compiled(profile).rands
    drawn = rng(TAG_BYTES + RAND_BYTES * len(names))
    places = range(TAG_BYTES, len(drawn), RAND_BYTES)
    rands = {name: drawn[place : place + RAND_BYTES] for name, place in zip(names, places, strict=True)}
    return Prepared(drawn[:TAG_BYTES], rands)


def prepares(profile: Profile) -> bool:
    """Whether cards of this profile carry values that are made for each of them: nobody can make them again.

    :raises ProfileError: when the profile asks for what its chip cannot do.
    """
    return offers(compiled(profile), Prepares)


def printed(profile: Profile, record: Record, prepared: Prepared, keystore: KeyStore) -> tuple[str, ...]:
    """Return what the printer gets of one card, a line for each field.

    :raises ProfileError: when cards of this profile carry nothing on their plastic.
    :raises EncodingError: when a value does not fit.  :raises KeyStoreError: when a key is missing.
    """
    blueprint = compiled(profile)
    if not offers(blueprint, Prints):
        raise ProfileError(f"{profile.name}: cards of this family carry no data on their plastic")
    return blueprint.printed(record, prepared.values, keystore)


def mailed(profile: Profile, record: Record, keystore: KeyStore, key: str) -> tuple[str, ...]:
    """Return what the mailer's printer gets of one card, a line for each field; no number of the card is in full.

    :param key: reference of the key the printer has too.
    :raises ProfileError: when cards of this profile have no secret of their holder's.
    :raises EncodingError: when the record has none.  :raises KeyStoreError: when a key is missing.
    """
    blueprint = compiled(profile)
    if not offers(blueprint, Mails):
        raise ProfileError(f"{profile.name}: cards of this family have no secret that is mailed")
    return blueprint.mailed(record, keystore, key)


def plan(profile: Profile, record: Record, prepared: Prepared, keystore: KeyStore) -> Plan:
    """Plan one card: a pure function; the key store only says whether the keys are there.

    :raises EncodingError: when a value of the record does not fit its file.  :raises RecordError: when a template
        cannot use it.  :raises KeyStoreError: when a key is missing.
    :raises ProfileError: when values were prepared for another profile.
    """
    blueprint = compiled(profile)
    if set(prepared.rands) != set(blueprint.rands):
        raise ProfileError(f"{profile.name}: the prepared values are not of this profile")
    if offers(blueprint, Prepares):
        if prepared.profile_sha256 != profile.sha256:
            raise ProfileError(f"{profile.path}: changed since record {record.row_no} was prepared")
        blueprint = blueprint.for_card(record, prepared.values)
    transport = _find(profile, blueprint, keystore)
    contents: Mapping[str, Content] = blueprint.fill(record, prepared.tag, prepared.rands)
    scripts: tuple[Script, ...] = ()
    if offers(blueprint, Scripted):
        scripts = blueprint.scripts(contents, prepared.rands, keystore)
    nvm = profile.chip.nvm
    return Plan(
        profile=profile.name,
        version=profile.version,
        profile_sha256=profile.sha256,
        record_no=record.row_no,
        tag=prepared.tag,
        states=blueprint.states,
        steps=tuple(chain.from_iterable(blueprint.parts[part] for part in Part)),
        contents=contents,
        transport=transport,
        writes=WriteModel(page_bytes=nvm.page_bytes, page_ms=nvm.page_write_ms),
        fits=profile.chip.matches,
        blueprint=blueprint,
        scripts=scripts,
    )


def find_keys(profile: Profile, keystore: KeyStore) -> None:
    """Find every key that making and proving a card takes; all of :func:`plan` that needs no record.

    :raises KeyStoreError: when one is missing, or for another purpose.
    :raises ProfileError: when the profile asks for what its chip cannot do.
    """
    _find(profile, compiled(profile), keystore)


def _find(profile: Profile, blueprint: Blueprint, keystore: KeyStore) -> dict[str, str]:
    """Find every key; return the references of the chip's transport secrets by name."""
    transport = {name: _reference(profile, name) for name in blueprint.secrets}
    for reference in transport.values():
        keystore.card_secret(reference)  # a key of another purpose is refused, and any by a store that shows none
        keystore.find(reference)
    if offers(blueprint, Keyed):
        blueprint.check_keys(keystore)
    return transport


def working(plan: Plan, keystore: KeyStore) -> Blueprint:
    """Return the blueprint of a plan as it works on a card: with the key store, where its cards ask for one."""
    blueprint = plan.blueprint
    if offers(blueprint, Keyed):
        blueprint = blueprint.with_keys(keystore, secrets.token_bytes)
    return blueprint.with_scripts(plan.scripts) if offers(blueprint, Scripted) else blueprint


def varying_places(profile: Profile) -> frozenset[str]:
    """Return the places of a dump in which good cards differ; none where the family has no dumps.

    :raises ProfileError: when the profile asks for what its chip cannot do.
    """
    blueprint = compiled(profile)
    parts = blueprint.apps if isinstance(blueprint, JoinedBlueprint) else {profile.apps[0]: blueprint}
    shown = ((get_app(name), one) for name, one in parts.items())
    return frozenset().union(*(app.varying(one) for app, one in shown if isinstance(app, Shows)))


_COMPILED: dict[bytes, Blueprint] = {}


def compiled(profile: Profile) -> Blueprint:
    """Return the profile's application, compiled; kept by the profile's hash.

    :raises ProfileError: when the profile asks for what its chip cannot do.
    """
    if profile.sha256 not in _COMPILED:
        if len(_COMPILED) >= COMPILED_KEPT:
            _COMPILED.clear()
        _COMPILED[profile.sha256] = _compile(profile)
    return _COMPILED[profile.sha256]


def _compile(profile: Profile) -> Blueprint:
    apps = {name: _application(profile, name) for name in profile.apps}
    if len(apps) == 1:
        return apps[profile.apps[0]]
    homes = profile.chip.homes
    homeless = [name for name in apps if name not in homes]
    if homeless:
        raise ProfileError(f"{profile.name}: chip {profile.chip.name}: chip.homes has no AID of {', '.join(homeless)}")
    return JoinedBlueprint(apps, {name: bytes.fromhex(homes[name]) for name in apps})


def _application(profile: Profile, name: str) -> Blueprint:
    chip = profile.chip.blocks.get(name)
    if chip is None:
        raise ProfileError(f"{profile.name}: chip {profile.chip.name} has no table chip.{name}")

    def template(tree: object, where: str) -> Template:
        return compile_values(tree, profile.record, f"{profile.path}: {where}")

    try:
        return get_app(name).compile(profile.blocks[name], chip, template)
    except EncodingError as error:
        raise ProfileError(f"{profile.path}: {error}") from None


def _reference(profile: Profile, name: str) -> str:
    secret = profile.chip.transport.get(name)
    if secret is None:
        raise ProfileError(f"{profile.name}: chip {profile.chip.name}: chip.transport.{name} is missing")
    return secret.key
