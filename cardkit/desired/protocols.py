"""What a compiled profile offers one card's run: its blueprint, and the sessions of a card."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from cardkit.apdu import CommandAPDU
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.cardkeys import CardKey
from cardkit.desired.findings import Finding, Observations, Rule
from cardkit.desired.script import Script
from cardkit.desired.states import Content, Fact, State
from cardkit.desired.steps import Part, Step
from cardkit.transport.redact import FileClasses


class Template(Protocol):
    """A value of a profile that may name fields of the record."""

    @property
    def variable(self) -> bool:
        """Whether it depends on the record."""
        ...

    def resolve(self, record: Mapping[str, Any]) -> Any:
        """Return the plain value for this record."""
        ...


class Unmarked(Enum):
    """How far a chip has got that has no home for a marker: as delivered, or not any more."""

    BLANK = "blank"
    BEGUN = "begun"


class Session(Protocol):
    """One application on one powered card: runs steps and remembers what it saw.

    Whoever runs it has told the journal which secrets are presented; the session checks each counter all the same.

    :ivar seen: since the last reset; the run adds the note ``ATR_FITS`` for the judge.
    :ivar current: the step under way, None before the first.
    """

    seen: Observations
    current: Step | None

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept as an observation.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        ...

    def restarted(self) -> None:
        """The card was reset: forget what was selected, opened and seen."""
        ...

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return chip id (hexadecimal digits) and marker as read; None where the marker's home is gone."""
        ...

    def number(self) -> str:
        """Read the number people know the card by, after a reset: its ICCID, as the record's business keys have it.

        :raises CardError: when the card does not give it.
        """
        ...

    def facts(self) -> tuple[Fact, ...]:
        """Return what only the card knew: sequence numbers."""
        ...

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: names of the states that do not hold or cannot be seen.

        Presents no secret but those that CHECK presents.
        """
        ...

    def seal_again(self) -> None:
        """Seal a card whose marker says that sealing may have begun.

        Presents no secret but those that SEAL and STRANGER present.

        :raises AuthenticationError: when neither the final nor the delivered value of a secret can be in force.
        """
        ...


CompileTemplate = Callable[[object, str], Template]
Challenge = Callable[[int], bytes]
"""Fresh random bytes of a length."""


class Blueprint(Protocol):
    """An application's block of one profile, compiled once and used for every card of it."""

    @property
    def states(self) -> tuple[State, ...]:
        """What must be true of a finished card, in the order it is made true."""
        ...

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules its checks apply."""
        ...

    @property
    def parts(self) -> Mapping[Part, tuple[Step, ...]]:
        """The commands a blank card gets; FENCE starts with exactly :attr:`identify`, which is sent before the bind."""
        ...

    @property
    def survey(self) -> tuple[Step, ...]:
        """The commands that check a finished card."""
        ...

    @property
    def identify(self) -> tuple[Step, ...]:
        """The commands that read chip id and marker."""
        ...

    @property
    def rands(self) -> tuple[str, ...]:
        """Names of the 16-byte random values it needs for one card."""
        ...

    @property
    def number_kind(self) -> str:
        """Kind of the business key that :meth:`Session.number` reads: ``iccid``."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets it needs as the chip maker delivered them."""
        ...

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true on a begun card, after a reset."""
        ...

    def fill(self, record: Mapping[str, Any], tag: bytes, rands: Mapping[str, bytes]) -> Mapping[str, Content]:
        """Return one card's contents by state name.

        :param tag: 16 bytes, the marker's.  :raises EncodingError: when a value does not fit its file.
        """
        ...

    def session(self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]) -> Session:
        """Return a session on a powered card.

        :param transport: secrets as delivered, by name; empty for a verification, which uses none.
        """
        ...

    def file_classes(self) -> FileClasses | None:
        """Return what knows, for one card's trace, which contents may be shown; None masks them all."""
        ...

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed; empty for a faultless card.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        ...


@runtime_checkable
class Keyed(Protocol):
    """What a blueprint offers besides, where cards are worked on under long-term keys that never leave their store."""

    def check_keys(self, keystore: KeyStore) -> None:
        """Find every key that is needed.

        :raises KeyStoreError: when one is missing, or of another kind than the profile says.
        """
        ...

    def with_keys(self, keystore: KeyStore, challenge: Challenge) -> Blueprint:
        """Return the blueprint whose sessions use this store.

        :param challenge: source of host challenges.
        """
        ...


@runtime_checkable
class Scripted(Protocol):
    """What a blueprint offers besides, where commands can be computed before a card is touched."""

    def scripts(
        self, contents: Mapping[str, Content], rands: Mapping[str, bytes], keystore: KeyStore
    ) -> tuple[Script, ...]:
        """Return what can be computed; nothing where too little is known of the card."""
        ...

    def with_scripts(self, scripts: tuple[Script, ...]) -> Blueprint:
        """Return the blueprint whose sessions send what was computed when the card was planned."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """What a blueprint offers besides, where slow or random values are made for a card before it is planned."""

    def prepare(
        self, record: Mapping[str, Any], keystore: KeyStore, rng: Callable[[int], bytes]
    ) -> Mapping[str, Secret]:
        """Make the values of one card, by name; a second call makes those of another card.

        :param rng: size -> random bytes.
        :raises EncodingError: when a value of the record does not fit the product.
        :raises KeyStoreError: when a key is missing, or for another purpose.
        """
        ...

    def for_card(self, record: Mapping[str, Any], values: Mapping[str, Secret]) -> Blueprint:
        """Return the blueprint of one card.

        :param values: as :meth:`prepare` made them.  :raises ProfileError: when they are not of this product.
        """
        ...


@runtime_checkable
class Prints(Protocol):
    """What a blueprint offers besides, where a card's plastic carries data of its own: stripe, print, embossing."""

    def printed(self, record: Mapping[str, Any], values: Mapping[str, Secret], keystore: KeyStore) -> tuple[str, ...]:
        """Return what the printer gets of one card, as lines ``NAME=value``; personal, with values nobody else sees.

        :param values: as :meth:`Prepares.prepare` made them.
        :raises EncodingError: when a value does not fit where it is printed.
        """
        ...


@runtime_checkable
class Mails(Protocol):
    """What a blueprint offers besides, where a secret of a card goes to its holder by another way."""

    def mailed(self, record: Mapping[str, Any], keystore: KeyStore, key: str) -> tuple[str, ...]:
        """Return what the mailer's printer gets of one card, as lines ``NAME=value``; the secret under the key.

        :param key: reference of the key the printer has too.
        :raises EncodingError: when the record has no such secret.  :raises KeyStoreError: when a key is missing.
        """
        ...


@runtime_checkable
class Remarks(Protocol):
    """What a blueprint offers besides, where there is more to say of a plan than states and commands."""

    @property
    def remarks(self) -> Mapping[str, str]:
        """What a plan prints of itself, by name."""
        ...


@runtime_checkable
class Neighbour(Protocol):
    """What a blueprint offers besides, where its application may share a card with others."""

    @property
    def aids(self) -> frozenset[bytes]:
        """Names it is selected by once it is made."""
        ...

    @property
    def key_references(self) -> frozenset[str]:
        """The long-term keys behind it: put on the card, derived from, or signed with."""
        ...

    @property
    def own_questions(self) -> tuple[CommandAPDU, ...]:
        """Harmless commands that it answers while it is current, and no other application may."""
        ...


@runtime_checkable
class Mistreats(Protocol):
    """What a session offers besides, where a standard says how a card refuses: for samples and virtual cards only."""

    def mistreat(self) -> None:
        """Spend tries, break sessions, write where nobody should, after a survey; the judge sees what came of it.

        :raises CardError: when the card does not even bear what it must.
        """
        ...


Register = Callable[[Mapping[str, str], int], frozenset[str]]
"""What somebody remembers of cards: takes one card's numbers by kind and the row of its record, returns the kinds that
the card of another row had."""


@runtime_checkable
class OwnKeys(Protocol):
    """What a session offers besides, where cards get keys that are derived for each of them."""

    def own_keys(self) -> Mapping[str, CardKey]:
        """Return this card's keys whose diversification data are known by now, by role; none that all cards share."""
        ...


@runtime_checkable
class Distinct(Protocol):
    """What a session offers besides, where cards have numbers that are nobody else's."""

    def identities(self) -> Mapping[str, str]:
        """Return those that were read since the last reset, by kind, in hexadecimal digits."""
        ...
