"""The blueprint of a card that is several: those of its applications, in one order of work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from typing import Any

from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.desired import (
    ATR_FITS,
    REPEATED,
    Blueprint,
    Challenge,
    Content,
    Finding,
    Keyed,
    Mails,
    Observations,
    Part,
    Prepares,
    Prints,
    Remarks,
    Rule,
    State,
    Step,
)
from cardkit.errors import ProfileError
from cardkit.perso.joined.door import Door, Floor
from cardkit.perso.joined.names import joined, joint, joint_finding, joint_state, joint_steps, own, own_names
from cardkit.perso.joined.rules import RULES, answered, keys_apart, names_apart, numbers_alone, questions, unchecked
from cardkit.perso.joined.session import ASKED, CHIP, CHIPS, FINISHED, SESSIONS, WHOLE, JoinedSession, Looks
from cardkit.transport.offers import offers

_FOR_ALL = (ATR_FITS, REPEATED)
"""Notes of the run that every application's rules look at."""


class JoinedBlueprint:
    """One profile's card.

    :param parts: blueprints by application, the host first: it is written first and sealed last.
    :param homes: AID of each application on the chip.  :param keystore: of a blueprint at work.
    :raises ProfileError: when an application needs secrets of the chip's beside its keys: who would they belong to?
    """

    secrets: tuple[str, ...] = ()

    def __init__(
        self, apps: Mapping[str, Blueprint], homes: Mapping[str, bytes], keystore: KeyStore | None = None
    ) -> None:
        self.apps = dict(apps)
        self._homes = homes
        self._keystore = keystore
        self._host, *self._others = self.apps
        for app, blueprint in self.apps.items():
            if blueprint.secrets:
                raise ProfileError(f"{app}: transport secrets are for a card of its own, not for one of several")
        self.number_kind = self.apps[self._host].number_kind
        self.states: tuple[State, ...] = tuple(
            joint_state(app, state) for app, blueprint in self.apps.items() for state in blueprint.states
        )
        rules = chain(*(blueprint.rules for blueprint in self.apps.values()), RULES)
        self.rules: tuple[Rule, ...] = tuple({rule.id: rule for rule in rules}.values())
        self.rands = tuple(joint(app, name) for app, blueprint in self.apps.items() for name in blueprint.rands)
        self.identify = self._each(lambda blueprint: blueprint.identify)
        self._questions = questions(self.apps)
        self.survey = (*self._each(lambda blueprint: blueprint.survey), *self._questions)
        self.parts: Mapping[Part, tuple[Step, ...]] = self._joined_parts()

    def _each(self, steps: Callable[[Blueprint], tuple[Step, ...]]) -> tuple[Step, ...]:
        return tuple(step for app, blueprint in self.apps.items() for step in joint_steps(app, steps(blueprint)))

    def _joined_parts(self) -> dict[Part, tuple[Step, ...]]:
        """Return all parts: whole applications one after the other, the host sealed last."""
        host = self.apps[self._host].parts
        others = tuple(s for app in self._others for s in joint_steps(app, _making(self.apps[app])))
        order = (*self._others, self._host)
        return {
            Part.FENCE: (*self.identify, *joint_steps(self._host, _fence(self.apps[self._host]))),
            Part.WRITE: (*joint_steps(self._host, host[Part.WRITE]), *others),
            Part.CHECK: (*self._each(lambda blueprint: blueprint.parts[Part.CHECK]), *self._questions),
            Part.SEAL: tuple(s for app in order for s in joint_steps(app, self.apps[app].parts[Part.SEAL])),
            Part.STRANGER: self._each(lambda blueprint: blueprint.parts[Part.STRANGER]),
        }

    @property
    def remarks(self) -> Mapping[str, str]:
        """What there is to say of each application's plan."""
        return joined({app: one.remarks for app, one in self.apps.items() if isinstance(one, Remarks)})

    # Before there is a card

    def prepare(
        self, record: Mapping[str, Any], keystore: KeyStore, rng: Callable[[int], bytes]
    ) -> Mapping[str, Secret]:
        """Make the values of one card, application by application; errors as :meth:`Prepares.prepare`."""
        return joined(
            {app: one.prepare(record, keystore, rng) for app, one in self.apps.items() if offers(one, Prepares)}
        )

    def for_card(self, record: Mapping[str, Any], values: Mapping[str, Secret]) -> JoinedBlueprint:
        """Return the blueprint of one card; errors as :meth:`Prepares.for_card`."""
        return JoinedBlueprint(
            {
                app: one.for_card(record, own(app, values)) if offers(one, Prepares) else one
                for app, one in self.apps.items()
            },
            self._homes,
        )

    def printed(self, record: Mapping[str, Any], values: Mapping[str, Secret], keystore: KeyStore) -> tuple[str, ...]:
        """Return what the printer gets of each application.  :raises ProfileError: when none prints."""
        printing = {app: one for app, one in self.apps.items() if offers(one, Prints)}
        if not printing:
            raise ProfileError(f"{', '.join(self.apps)}: none of these carries data on the plastic")
        return tuple(line for app, one in printing.items() for line in one.printed(record, own(app, values), keystore))

    def mailed(self, record: Mapping[str, Any], keystore: KeyStore, key: str) -> tuple[str, ...]:
        """Return what the mailer gets of each application.  :raises ProfileError: when none has a secret to mail."""
        mailing = [one for one in self.apps.values() if offers(one, Mails)]
        if not mailing:
            raise ProfileError(f"{', '.join(self.apps)}: none of these has a secret that is mailed")
        return tuple(line for one in mailing for line in one.mailed(record, keystore, key))

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true; an application as delivered is made as a whole."""
        return tuple(step for app in self.apps for step in self._repaired(app, own_names(app, names)))

    def _repaired(self, app: str, names: tuple[str, ...]) -> Iterator[Step]:
        if WHOLE in names:
            yield from joint_steps(app, (*self.apps[app].identify, *_making(self.apps[app])))
        elif names:
            yield from joint_steps(app, self.apps[app].repair(names))

    def fill(self, record: Mapping[str, Any], tag: bytes, rands: Mapping[str, bytes]) -> Mapping[str, Content]:
        """Return the contents of all applications; errors as :meth:`Blueprint.fill`."""
        return joined({app: one.fill(record, tag, own(app, rands)) for app, one in self.apps.items()})

    # Under keys

    def check_keys(self, keystore: KeyStore) -> None:
        """Find every key of every application; errors as :meth:`Keyed.check_keys`."""
        for one in self.apps.values():
            if offers(one, Keyed):
                one.check_keys(keystore)

    def with_keys(self, keystore: KeyStore, challenge: Challenge) -> JoinedBlueprint:
        """Return the blueprint at work."""
        return JoinedBlueprint(
            {app: one.with_keys(keystore, challenge) if offers(one, Keyed) else one for app, one in self.apps.items()},
            self._homes,
            keystore,
        )

    # On a card

    def session(
        self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]
    ) -> JoinedSession:
        """Return a session on a powered card; each application gets a channel of its own to it."""
        floor = Floor()
        sessions, looks, doors = {}, {}, {}
        for app, one in self.apps.items():
            door = doors[app] = Door(channel.connection, floor, app, self._homes[app])
            sessions[app] = one.session(own(app, contents), door.channel(channel), transport)
            looks[app] = Looks(one.identify, one.parts[Part.CHECK], one.survey)
        return JoinedSession(sessions, floor, looks, doors)

    def file_classes(self) -> None:
        """Let a trace show the contents of no file."""

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply each application's rules to what it showed."""
        found: list[Finding] = []
        for app, one in self.apps.items():
            shown: Observations = seen.notes[SESSIONS][app]
            shown.notes.update({name: seen.notes[name] for name in _FOR_ALL if name in seen.notes})
            finished = part is Part.CHECK and app in seen.notes[FINISHED]
            found += (
                joint_finding(app, each) for each in one.judge(own(app, contents), shown, None if finished else part)
            )
        if part is Part.STRANGER:
            return found
        return [*found, *self._between(seen), *(unchecked() if part is None else ())]

    def _between(self, seen: Observations) -> Iterator[Finding]:
        """Apply the rules between applications."""
        yield from names_apart(self.apps)
        yield from keys_apart(self.apps, self._keystore)
        others = seen.notes.get(REPEATED, ())
        repeated = frozenset(app for app in self.apps if joint(app, CHIP) in others)
        yield from numbers_alone(seen.notes[CHIPS], self.apps, repeated)
        yield from answered(self._questions, seen.notes[ASKED])


def _fence(blueprint: Blueprint) -> tuple[Step, ...]:
    """Return what follows the identification."""
    return blueprint.parts[Part.FENCE][len(blueprint.identify) :]


def _making(blueprint: Blueprint) -> tuple[Step, ...]:
    """Return all that makes an application that was identified."""
    return (*_fence(blueprint), *blueprint.parts[Part.WRITE])
