"""Scripts: every command of a blank card computed before it is touched (GPCS E.4.2.3, Amd D 6.2.2.1).

That needs a card challenge that can be computed, a KDD and a counter that are known, and a level without R-MAC, where
no command depends on an answer. A script is good for one card at one moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.gp.discovery import OK
from cardkit.apps.gp.opening import Opening, greeted_session
from cardkit.apps.gp.states.filling import SCRIPT_KDD, SCRIPT_SEQUENCE
from cardkit.apps.gp.states.keysets import KeySet
from cardkit.apps.gp.states.payload import Payload
from cardkit.apps.gp.states.product import Product
from cardkit.apps.gp.states.scripts import Scripts
from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import CardKeySet
from cardkit.desired import Content, Part, Role, Script, Step
from cardkit.errors import ProfileError
from cardkit.secure import scp02
from cardkit.secure.greeting import Greeting, initialize_update
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.opening import card_cryptogram, session_keys
from cardkit.secure.parameters import SCP02, Parameters
from cardkit.secure.session import SecureSession

CHALLENGES = ("host challenge 1", "host challenge 2")
"""Names of the random values: one for the delivered set's session, one for the product's own."""

# Commands that carry no secret: DELETE, INSTALL, LOAD, SET STATUS.
_SHOWN = frozenset((0xE4, 0xE6, 0xE8, 0xF0))


def check_scriptable(product: Product) -> None:
    """Refuse a product that asks for scripts and cannot have them.

    :raises ProfileError: saying why.
    """
    parameters = product.parameters
    for hindrance, why in (
        (not parameters.pseudo_random, f"{parameters} has a random card challenge"),
        (product.level & SecurityLevel.R_MAC, f"level {product.level:02X} has R-MAC, commands wait for answers"),
        (product.domains, "the diversification data of security domains are not known beforehand"),
    ):
        if hindrance:
            raise ProfileError(f"gp.script: {why}: nothing can be computed before the card is there")


def scripts_of(
    scripts: Scripts, contents: Mapping[str, Content], rands: Mapping[str, bytes], keystore: KeyStore
) -> tuple[Script, ...]:
    """Return the scripts of one card, in the order they are played.

    :param rands: 16 bytes each, by the names of ``CHALLENGES``.
    :raises KeyStoreError: when the store refuses one of the keys.
    """
    product = scripts.product
    writer = _Writer(product, contents, keystore)
    counters = {product.delivered: int.from_bytes(_known(contents, SCRIPT_SEQUENCE), "big"), product.main: 0}
    stretches = _stretches(scripts.parts)
    return tuple(
        writer.script(keys, counters[keys], rands[name], steps)
        for (keys, steps), name in zip(
            ((_opened(product, steps[0]), steps) for steps in stretches), CHALLENGES, strict=True
        )
    )


def _stretches(parts: Mapping[Part, tuple[Step, ...]]) -> list[list[Step]]:
    """Return the steps of fence and writing session by session, each from its INITIALIZE UPDATE on."""
    stretches: list[list[Step]] = []
    for step in (step for part in (Part.FENCE, Part.WRITE) for step in parts[part]):
        if step.role is Role.QUERY:
            stretches.append([step])
        elif stretches and step.role is not Role.ENTER:
            stretches[-1].append(step)
    return stretches


def _opened(product: Product, step: Step) -> KeySet:
    return next(keys for keys in (product.delivered, product.main) if keys.access == step.access)


def _known(contents: Mapping[str, Content], name: str) -> bytes:
    value = contents[name]
    assert isinstance(value, bytes)
    return value


class _Writer:
    """Computes the sessions of one card."""

    def __init__(self, product: Product, contents: Mapping[str, Content], keystore: KeyStore) -> None:
        self._product = product
        self._contents = contents
        self._keystore = keystore
        self._kdd = _known(contents, SCRIPT_KDD)

    def script(self, keys: KeySet, counter: int, rand: bytes, steps: list[Step]) -> Script:
        """Return one session.  :param counter: the set's before it."""
        parameters = self._product.parameters
        challenge = rand[: parameters.challenge_size]
        # SCP03 counts INITIALIZE UPDATE and answers the new value, SCP02 sessions and answers the old one.
        sequence = (counter + (parameters.scp != SCP02)).to_bytes(parameters.sequence_size, "big")
        greeting = self._greeting(keys, challenge, sequence)
        session = self._session(keys, challenge, greeting)
        head = [
            initialize_update(keys.kvn, challenge, le=not self._product.chip.quirks.iu_no_le),
            session.external_authenticate(),
        ]
        session.authenticated(ResponseAPDU(b"", OK))
        planned = [step for step in steps if step.role not in (Role.QUERY, Role.PRESENT)]
        commands = [*head, *map(self._product.as_taken, session.wrap_ahead(self._commands(keys, session, planned)))]
        session.close()
        return Script(
            name=f"session {keys.name}",
            terms=self._terms(keys, sequence),
            commands=tuple(command.encode() for command in commands),
            greeting=_answer(greeting, parameters),
            shown=frozenset(number for number, command in enumerate(commands) if command.ins in _SHOWN),
        )

    def _terms(self, keys: KeySet, sequence: bytes) -> dict[str, str]:
        return {
            "aid": self._product.isd.hex().upper(),
            "kvn": f"{keys.kvn:02X}",
            "kdd": self._kdd.hex().upper(),
            "sequence": sequence.hex().upper(),
            "level": f"{self._product.level:02X}",
        }

    def _kdd_of(self, keys: KeySet) -> bytes:
        return _known(self._contents, f"KDD of {keys.name}") if keys.own_kdd else self._kdd

    def _card_keys(self, keys: KeySet) -> CardKeySet:
        return keys.for_card(self._kdd_of(keys))

    def _commands(self, keys: KeySet, session: SecureSession, steps: list[Step]) -> Iterator[CommandAPDU]:
        payload = Payload(
            self._product,
            self._contents,
            self._kdd_of,
            session.max_command_data,
            lambda: session.dek(self._keystore, self._card_keys(keys)),
        )
        yield from payload.of_steps(steps)

    def _session(self, keys: KeySet, challenge: bytes, greeting: Greeting) -> SecureSession:
        product = self._product
        wanted = Opening(product.level, challenge, (product.parameters,), product.quirks, product.chip.max_data)
        return greeted_session(self._keystore, self._card_keys(keys), wanted, product.parameters, greeting, product.isd)

    def _greeting(self, keys: KeySet, challenge: bytes, sequence: bytes) -> Greeting:
        """Return what the card will answer to INITIALIZE UPDATE."""
        parameters, card_keys = self._product.parameters, self._card_keys(keys)
        i = None if parameters.scp == SCP02 else parameters.i
        own = self._card_challenge(card_keys, sequence)
        greeting = Greeting(self._kdd, keys.kvn, parameters.scp, i, own, b"", sequence)
        derived = session_keys(self._keystore, card_keys, parameters, challenge, greeting)
        try:
            return replace(greeting, cryptogram=card_cryptogram(parameters, derived, challenge, greeting))
        finally:
            derived.wipe()

    def _card_challenge(self, keys: CardKeySet, sequence: bytes) -> bytes:
        parameters, aid = self._product.parameters, self._product.isd
        if parameters.scp != SCP02:
            return self._keystore.scp03_card_challenge(keys.enc, sequence, aid, parameters.challenge_size)
        session = self._keystore.scp02_session(keys, sequence)
        try:
            return scp02.card_challenge(session, aid)
        finally:
            session.wipe()


def _answer(greeting: Greeting, parameters: Parameters) -> bytes:
    """Return a greeting as the card sends it (GPCS E.5.1; Amd D 7.1.1)."""
    head = greeting.kdd + bytes((greeting.kvn, greeting.scp))
    sequence = greeting.sequence or b""
    if parameters.scp == SCP02:
        return head + sequence + greeting.challenge + greeting.cryptogram
    return head + bytes((parameters.i,)) + greeting.challenge + greeting.cryptogram + sequence
