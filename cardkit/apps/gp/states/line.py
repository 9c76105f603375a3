"""The line to one card: what is selected, the session that is open, commands protected ahead or played from a plan."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.gp import opening
from cardkit.apps.gp.discovery import OK
from cardkit.apps.gp.opening import Opening
from cardkit.apps.gp.picture import SeenLoad
from cardkit.apps.gp.states.keysets import KeySet
from cardkit.apps.gp.states.notes import Hello, Notes
from cardkit.apps.gp.states.payload import Payload
from cardkit.apps.gp.states.product import Product
from cardkit.apps.gp.states.scripts import Scripts, openings
from cardkit.apps.gp.tags import FCI
from cardkit.channel import Channel
from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.desired import Challenge, Content, Script, Step
from cardkit.errors import AuthenticationError, KeyStoreError, ProtocolError, SecureMessagingError
from cardkit.secure.dek import Dek
from cardkit.secure.greeting import Greeting, parse_initialize_update
from cardkit.secure.session import SecureSession

PUT_KEY, LOAD, LAST_BLOCK = 0xD8, 0xE8, 0x80


class Line:
    """What goes over it is planned elsewhere; here it is protected, sent and remembered.

    :param planned: scripts of the plan, one for each session of fence and writing; empty where there are none.
    :ivar notes: of the look under way.  :ivar echoes, loads: what the card took since the line exists.
    """

    def __init__(
        self,
        scripts: Scripts,
        contents: Mapping[str, Content],
        channel: Channel,
        keystore: KeyStore | None,
        challenge: Challenge | None,
        planned: Sequence[Script],
    ) -> None:
        self._product = scripts.product
        self._contents = contents
        self._channel = channel
        self._keystore = keystore
        self._challenge = challenge
        self._planned = dict(zip(map(id, openings(scripts.parts)), planned, strict=False))
        self._playing: Iterator[bytes] | None = None
        self._session: SecureSession | None = None
        self._keys: KeySet | None = None
        self._hello: Hello | None = None
        self._sessions = 0
        self._asked = self._domain = b""
        self._max_data = self._product.chip.max_data
        self.notes = Notes()
        self.echoes: dict[tuple[bytes, int], bytes] = {}
        self.loads: dict[bytes, SeenLoad] = {}

    @property
    def open(self) -> bool:
        """Whether a session is open."""
        return self._session is not None and not self._session.ended

    def close(self) -> None:
        """Forget the session, its keys, and what was selected."""
        if self._session is not None:
            self._session.close()
        self._session = self._playing = self._hello = None
        self._sessions = 0

    def leave(self, aid: bytes) -> None:
        """Something is about to be selected: a session ends."""
        if self._session is not None:
            self._session.close()
        self._session = self._playing = None
        self._asked = self._domain = aid

    def selected(self, fci: FCI) -> None:
        """The card told what it selected."""
        self._domain = fci.aid or self._domain
        self._max_data = min(fci.max_command_data, self._product.chip.max_data)

    # Commands

    def plain(self, command: CommandAPDU) -> ResponseAPDU:
        """Send a command as it is."""
        response = self._channel.send(command)
        self.notes.words.add((command.ins, response.sw))
        return response

    def secured(self, command: CommandAPDU) -> ResponseAPDU:
        """Send a command through the session.

        :raises SecureMessagingError: when there is none, or it ends here.
        """
        session = self._open_session()
        return session.unwrap(self.plain(session.wrap(command)))

    def stretch(self, steps: Sequence[Step]) -> Iterator[tuple[Step, ResponseAPDU]]:
        """Send steps that change the card: all protected first, or taken from the plan, then one after another.

        :raises SecureMessagingError: when there is no session, or it ends here.
        """
        if self._playing is not None:
            for step, apdu in zip(steps, self._playing, strict=False):
                yield step, self.plain(CommandAPDU.parse(apdu))
            return
        session = self._open_session()
        for step, command in zip(steps, session.wrap_ahead(self.payload().of_steps(steps)), strict=True):
            yield step, session.unwrap(self.plain(self._product.as_taken(command)))

    def payload(self) -> Payload:
        """Return what makes the commands of this session that depend on card and record."""
        return Payload(self._product, self._contents, self.kdd_of, self._open_session().max_command_data, self._dek)

    def _open_session(self) -> SecureSession:
        if self._session is None:
            raise SecureMessagingError("no session is open with this security domain")
        return self._session

    def _dek(self) -> Dek:
        assert self._keys is not None
        return self._open_session().dek(self._store(), self._keys.for_card(self.kdd_of(self._keys)))

    def kdd_of(self, keys: KeySet) -> bytes:
        """Return what a set is diversified with: what the record says, or the card's own KDD."""
        if keys.own_kdd:
            value = self._contents[f"KDD of {keys.name}"]
            assert isinstance(value, bytes)
            return value
        assert self._hello is not None
        return self._hello.greeting.kdd

    def own_keys(self) -> dict[str, CardKey]:
        """Return the keys of sets that are diversified with what is known by now, by set and role."""
        kdds = {hello.domain: hello.greeting.kdd for hello in self.notes.greetings}
        found: dict[str, CardKey] = {}
        for keys in self._product.all_keys:
            kdd = self.kdd_of(keys) if keys.own_kdd else kdds.get(keys.domain or self._product.isd)
            if kdd is not None and keys.spec.scheme is not Scheme.NONE:
                found |= {f"{keys.name} {key.role}": key for key in keys.card_keys(kdd)}
        return found

    def took(self, step: Step, response: ResponseAPDU) -> None:
        """Remember what the card took.

        :raises ProtocolError: when it stored other keys than were sent.
        """
        if step.command.ins == PUT_KEY:
            self._check_echo(step, response.data)
        if step.command.ins == LOAD and step.command.p1 & LAST_BLOCK:
            package = next(item for item in self._product.packages if step.serves.endswith(item.aid.hex().upper()))
            self.loads[package.aid] = SeenLoad(package.digest, package.cap_sha256)

    def _check_echo(self, step: Step, answer: bytes) -> None:
        """Compare key version and check values with those of the store (GPCS 11.8.3.1)."""
        keys = next(item for item in self._product.keys if item.name == step.serves)
        kcvs = b"".join(self._store().card_key_kcv(key) for key in keys.card_keys(self.kdd_of(keys)))
        if self._product.chip.quirks.kcv_aes_zero and keys.algorithm.startswith("AES"):
            kcvs = answer[1:]  # made in a way no store repeats; the next session proves the keys
        else:
            self.echoes[keys.domain, keys.kvn] = answer[1:]
        if not hmac.compare_digest(answer, bytes((keys.kvn,)) + kcvs):
            raise ProtocolError(
                f"{keys.name}: card answered {answer.hex().upper() or 'nothing'} to PUT KEY, expected "
                f"{keys.kvn:02X}{kcvs.hex().upper()}: the keys it holds now are not the ones sent"
            )

    # Opening

    def greet(self, keys: KeySet, step: Step | None = None) -> None:
        """Send INITIALIZE UPDATE, once; where the plan holds a script for this step, as it is planned there.

        :raises ProtocolError: when the answer is not the one a script was made for; nothing more of it is sent.
        """
        script = self._planned.pop(id(step), None)
        if script is not None:
            greeting, challenge = self._greet_as_planned(keys, script)
        else:
            challenge = self._fresh_challenge()
            greeting = opening.greet(self.plain, keys.kvn, challenge, le=not self._product.chip.quirks.iu_no_le)
        self._hello = Hello(self._asked, challenge, greeting, self._sessions)
        self._sessions = 0
        self.notes.greetings.append(self._hello)

    def _fresh_challenge(self) -> bytes:
        if self._challenge is None:
            raise KeyStoreError("no session can be opened without a key store")
        return self._challenge(self._product.parameters.challenge_size)

    def _greet_as_planned(self, keys: KeySet, script: Script) -> tuple[Greeting, bytes]:
        commands = iter(script.commands)
        command = CommandAPDU.parse(next(commands))
        response = self.plain(command)
        greeting = parse_initialize_update(response.data, asked_kvn=keys.kvn, parameters=self._product.parameters)
        if not hmac.compare_digest(response.data, script.greeting):
            raise ProtocolError(_not_as_planned(self._product, keys, greeting, script))
        self._playing = commands
        assert isinstance(command.data, bytes)
        return greeting, command.data

    def authenticate(self, keys: KeySet, *, checked: bool) -> None:
        """Send EXTERNAL AUTHENTICATE, once, if the card has proved that it has the keys.

        :param checked: a pseudo-random challenge must recompute; else a rule looks at that.
        :raises AuthenticationError: when it has not, or refuses.
        """
        if self._playing is not None:
            response = self.plain(CommandAPDU.parse(next(self._playing)))
            if response.sw != OK:
                raise AuthenticationError(f"EXTERNAL AUTHENTICATE of a script: card answered {response.sw:04X}")
        else:
            session = self._greeted(keys, checked=checked)
            session.authenticated(self.plain(session.external_authenticate()))
            self._session = session
        self._keys = keys
        self._sessions += 1
        self.notes.opened = keys.kvn, int(self._product.level)

    def _greeted(self, keys: KeySet, *, checked: bool) -> SecureSession:
        """Return a session whose card has proved that it has the keys."""
        if self._hello is None:
            raise ProtocolError(f"{keys.name}: the card did not answer INITIALIZE UPDATE")
        hello, product = self._hello, self._product
        wanted = Opening(product.level, hello.challenge, (product.parameters,), product.quirks, self._max_data)
        return opening.greeted_session(
            self._store(),
            keys.for_card(self.kdd_of(keys)),
            wanted,
            wanted.agreed(hello.greeting),
            hello.greeting,
            self._domain if checked else b"",
        )

    def try_wrong_cryptogram(self, keys: KeySet) -> int:
        """Send EXTERNAL AUTHENTICATE with a wrong cryptogram and return the status word: a try is spent."""
        session = self._greeted(keys, checked=True)
        command = session.external_authenticate()
        session.close()
        assert isinstance(command.data, bytes)
        return self.plain(replace(command, data=bytes((command.data[0] ^ 0x01,)) + command.data[1:])).sw

    def _store(self) -> KeyStore:
        if self._keystore is None:
            raise KeyStoreError("no session can be opened without a key store")
        return self._keystore


def _not_as_planned(product: Product, keys: KeySet, greeting: Greeting, script: Script) -> str:
    planned = parse_initialize_update(script.greeting, asked_kvn=keys.kvn, parameters=product.parameters)
    what = "another answer"
    if greeting.sequence is not None and planned.sequence is not None:
        moved = int.from_bytes(greeting.sequence, "big") - int.from_bytes(planned.sequence, "big")
        what = f"the counter moved by {moved}" if moved else what
    return f"{keys.name}: the script was made for another card or moment: {what}; nothing more was sent"
