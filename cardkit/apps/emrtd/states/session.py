"""One travel document in a reader: written in the factory's session, proven in one the document's secrets open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import groupby

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.driver import (
    DOCUMENT,
    ENCRYPTED,
    FACTORY,
    PLAIN,
    PRODUCTION,
    STORE_DATA,
    Transport,
    read_part,
)
from cardkit.apps.emrtd.lds import FILES
from cardkit.apps.emrtd.prepare.document import SOD
from cardkit.apps.emrtd.rules.passwords import number_pairs
from cardkit.apps.emrtd.states.notes import NOTE, SeenDocument
from cardkit.apps.emrtd.states.plan import DocumentPlan
from cardkit.apps.emrtd.states.product import DocumentProduct
from cardkit.apps.emrtd.states.visitor import Visitor
from cardkit.apps.gp.opening import Opening, greet, greeted_session
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.gp.tags import CPLC
from cardkit.channel import Channel
from cardkit.crypto import KeyStore
from cardkit.crypto.mac import pad80
from cardkit.crypto.secret import joined
from cardkit.desired import Challenge, Content, Fact, Observations, Part, Role, Step, Unmarked
from cardkit.errors import AuthenticationError, CardError, EncodingError, KeyStoreError, ProtocolError
from cardkit.secure.greeting import Greeting
from cardkit.secure.session import SecureSession

CHANGES = frozenset((Role.CREATE, Role.WRITE, Role.CHANGE, Role.DELETE))
"""Roles of the commands that are protected ahead."""
_OK = 0x9000
_CHALLENGE_BYTES = 8


class DocumentSession:
    """A powered chip.

    :param plan: what it must show; None where that is not known: to identify it.
    :param keystore, challenge: None where nothing is opened.
    """

    def __init__(
        self,
        product: DocumentProduct,
        plan: DocumentPlan | None,
        contents: Mapping[str, Content],
        channel: Channel,
        keystore: KeyStore | None = None,
        challenge: Challenge | None = None,
    ) -> None:
        self._product = product
        self._plan = plan
        self._contents = contents
        channel.secure = None  # the card was just powered: a session of before is over
        self._channel = channel
        self._keystore = keystore
        self._challenge = challenge
        self._client = DocumentClient(channel)
        self._factory: SecureSession | None = None
        self._greeting: tuple[Greeting, Opening] | None = None
        self._strict = True
        self._astray = False
        self._visiting: Visitor | None = None
        channel.chaining = True  # certificates of terminals are longer than a command
        self.current: Step | None = None
        self.seen = Observations(notes={NOTE: SeenDocument()})
        self._handlers: dict[tuple[str, Role], Callable[[Step], None]] = {
            (PLAIN, Role.READ): self._read_plain,
            (PLAIN, Role.SELECT): self._select,
            (PLAIN, Role.CREATE): self._send,
            (PLAIN, Role.WRITE): self._send,
            (PLAIN, Role.DELETE): self._send,
            (PLAIN, Role.GONE): self._refused,
            (PLAIN, Role.QUERY): self._greet,
            (PLAIN, Role.PRESENT): self._authenticate,
            (FACTORY, Role.READ): self._read_factory,
            (FACTORY, Role.ENTER): self._secured,
            (FACTORY, Role.SELECT): self._secured,
            (DOCUMENT, Role.PRESENT): self._open,
            (DOCUMENT, Role.ENTER): self._enter,
            (DOCUMENT, Role.READ): self._read_document,
            (DOCUMENT, Role.PROVE): self._prove,
            (DOCUMENT, Role.GONE): self._refused,
        }

    @property
    def _notes(self) -> SeenDocument:
        notes: SeenDocument = self.seen.notes[NOTE]
        return notes

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order; those that change the chip stretch by stretch, protected before the first is sent.

        :param strict: the first wrong answer raises; else it is kept, and what hangs on it is left out.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        self._strict = strict
        for changing, stretch in groupby(steps, lambda step: step.place == FACTORY and step.role in CHANGES):
            if changing:
                self._change(list(stretch))
                continue
            for step in stretch:
                self.current = step
                self._one(step)

    def _one(self, step: Step) -> None:
        try:
            self._handlers[step.place, step.role](step)
        except (CardError, EncodingError) as error:
            if self._strict:
                raise error if isinstance(error, CardError) else ProtocolError(f"{step.serves}: {error}") from None
            self._notes.troubles.setdefault(step.serves, str(error))

    def restarted(self) -> None:
        """The card was reset: no session, and nothing seen before counts any more."""
        if self._factory is not None:
            self._factory.close()
        self._factory = self._greeting = self._visiting = None
        self._astray = False
        self._channel.secure = None
        self.seen = Observations(notes={NOTE: SeenDocument()})

    # Which card it is

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return the chip's number and how far it has got; a locked chip has none: then its document's.

        :raises CardError: when it is neither a chip under work nor the document of this plan.
        """
        bodies = self.seen.bodies
        if PRODUCTION in self._notes.troubles:
            return self._document_number(), None
        if PRODUCTION not in bodies:
            raise ProtocolError("the chip was not asked for its number since it was reset")
        try:
            cplc = CPLC.parse(bodies[PRODUCTION])
        except EncodingError as error:
            raise ProtocolError(f"GET DATA to identify the card: {error}") from None
        chip = cplc.ic_fabricator + cplc.ic_type + cplc.ic_fabrication_date + cplc.chip_id
        return chip.hex().upper(), self._product.driver.progress(bodies, self._notes.answers)

    def _document_number(self) -> str:
        """Return the first 10 bytes of EF.SOD's hash as this plan has it, of a locked chip that proves to have it."""
        if self._plan is None:
            raise ProtocolError("the chip tells no number: it is locked, and only its document's secrets open it")
        if SOD not in self.seen.bodies:
            self.restarted()
            self.run(self._plan.parts[Part.STRANGER], strict=False)
        if self.seen.bodies.get(SOD) != self._plan.document.files[SOD]:
            raise ProtocolError("the chip is locked and is not the document of this record")
        return self._plan.number

    def number(self) -> str:
        """Refuse: nobody reads the number of a document without its secrets.

        :raises ProtocolError: always.
        """
        raise ProtocolError("a travel document tells its number only to who has its MRZ or CAN: name the record")

    def facts(self) -> tuple[Fact, ...]:
        """Return nothing: such a chip tells nothing that the plant does not know."""
        return ()

    def identities(self) -> Mapping[str, str]:
        """Return what a run remembers of documents that only their zone opens: which numbers would be neighbours."""
        if self._plan is None or self._product.block.access.pace:
            return {}
        return number_pairs(self._plan.document.mrz.document_number)

    # A card that was begun

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun chip, after a reset: names of the states that do not hold; keys are always written again.

        :raises CardError: when no session opens: nothing can be seen.
        """
        if self._plan is None:
            raise ProtocolError("a chip without a plan has no states")
        driver, document = self._product.driver, self._plan.document
        self.run((*driver.open, *driver.look(document)), strict=False)
        if driver.open and self._factory is None:
            raise AuthenticationError(f"session to look at the chip: {self._first_trouble()}")
        there = {name for name in document.files if name in self.seen.bodies}
        made = driver.there(there | self._notes.present)
        same = {name for name in there if self.seen.bodies[name] == document.files[name]}
        return tuple(state.name for state in self._plan.states if state.name not in made | same)

    def seal_again(self) -> None:
        """Lock the chip: what can still be looked at is not locked."""
        self.run(self._product.driver.lock, strict=True)

    def _first_trouble(self) -> str:
        return next(iter(self._notes.troubles.values()), "none was opened")

    # The factory

    def _transport(self) -> Transport:
        if self._product.transport is None:
            raise ProtocolError("a chip that is open until locked has no transport key")
        return self._product.transport

    def _send(self, step: Step) -> None:
        """Send a command that changes an open chip."""
        self._require(step, self._channel.send(self._filled(step)))

    def _select(self, step: Step) -> None:
        """Select outside any session: one that is open ends."""
        if self._factory is not None:
            self._factory.close()
        self._factory = None
        self._client.leave()
        self._require(step, self._channel.send(step.command))

    def _greet(self, step: Step) -> None:  # noqa: ARG002 - every handler takes its step
        transport = self._transport()
        room = transport.room
        opening = Opening(room.level, self._random(_CHALLENGE_BYTES), (room.parameters,))
        self._greeting = greet(self._channel.send, transport.keys.kvn, opening.challenge), opening

    def _authenticate(self, step: Step) -> None:
        if self._greeting is None or self._keystore is None:
            raise ProtocolError(f"{step.serves}: the chip did not answer INITIALIZE UPDATE")
        greeting, opening = self._greeting
        keys = self._transport().keys.for_card(greeting.kdd)
        parameters = opening.agreed(greeting)
        session = greeted_session(self._keystore, keys, opening, parameters, greeting, b"")
        session.authenticated(self._channel.send(session.external_authenticate()))
        self._factory = session

    def _session(self) -> SecureSession:
        if self._factory is None:
            raise ProtocolError("no factory session is open")
        return self._factory

    def _exchange(self, command: CommandAPDU) -> ResponseAPDU:
        session = self._session()
        return session.unwrap(self._channel.send(session.wrap(command)))

    def _secured(self, step: Step) -> None:
        self._astray = True
        self._require(step, self._exchange(step.command))
        self._astray = False
        self._notes.present.add(step.serves)

    def _change(self, stretch: list[Step]) -> None:
        """Send commands that change the chip; every one must succeed, whatever the run thinks of other answers."""
        self.current = stretch[0]
        session = self._session()
        for step, command in zip(stretch, session.wrap_ahead(map(self._filled, stretch)), strict=True):
            self.current = step
            self._require(step, session.unwrap(self._channel.send(command)))

    def _filled(self, step: Step) -> CommandAPDU:
        """Return the command with its part of the content behind its own data."""
        if step.span is None:
            return step.command
        content, (offset, length) = self._contents[step.content], step.span
        own = step.command.data
        assert isinstance(own, bytes)
        if step.command.ins == STORE_DATA and step.command.p1 & ENCRYPTED:
            return replace(step.command, data=own + self._encrypted(content))
        if isinstance(content, bytes):
            return replace(step.command, data=own + content[offset : offset + length])
        return replace(step.command, data=(own, *content))

    def _encrypted(self, content: Content) -> bytes:
        """Return a value under the DEK, filled up to whole blocks in any case."""
        assert self._keystore is not None
        assert self._greeting is not None
        keys = self._transport().keys.for_card(self._greeting[0].kdd)
        dek = self._session().dek(self._keystore, keys)
        return dek.encrypt(pad80(joined(content), dek.block_size))

    def _read_factory(self, step: Step) -> None:
        """Read where the directory was selected: in another one short identifiers are those of other files."""
        if self._astray or self._hangs(step):
            return
        response = self._exchange(step.command)
        if step.serves in FILES:
            self._require(step, response)
            self._append(step, read_part(step, response.data))
        elif response.sw == _OK:
            self._notes.present.add(step.serves)
        else:
            self._require(step, response)

    def _hangs(self, step: Step) -> bool:
        """Whether this reads in a file that was not selected, or not read up to here: another one is current then."""
        if step.serves in self._notes.troubles:
            return True
        return step.span is not None and 0 < step.span[0] != len(self.seen.bodies.get(step.serves, b""))

    def _append(self, step: Step, part: bytes) -> None:
        whole = self.seen.bodies.get(step.serves, b"") if step.span and step.span[0] else b""
        self.seen.bodies[step.serves] = whole + part

    def _require(self, step: Step, response: ResponseAPDU) -> None:
        if response.sw in step.sw:
            return
        self.seen.words.setdefault(step.serves, response.sw)
        expected = " or ".join(f"{sw:04X}" for sw in step.sw)
        raise status_error(f"{step.serves}: {step.role}", response.sw, expected=expected)

    # A stranger

    def _read_plain(self, step: Step) -> None:
        if self._hangs(step):
            return
        response = self._channel.send(step.command)
        self._require(step, response)
        self._append(step, read_part(step, response.data))

    def _refused(self, step: Step) -> None:
        self._notes.answers[step.serves] = self._channel.send(step.command).sw

    def _open(self, step: Step) -> None:
        self._visitor().open(step.serves)

    def _prove(self, step: Step) -> None:
        self._visitor().prove(step.serves)

    def _visitor(self) -> Visitor:
        """Return who opens the document by its secrets; the same until the next reset."""
        if self._plan is None:
            raise ProtocolError("no document was prepared for this chip")
        if self._visiting is None:
            self._visiting = Visitor(self._plan, self._client, self._notes, self._random, self._keystore)
        return self._visiting

    def _enter(self, step: Step) -> None:
        if self._client.session is None:
            self._visitor().reopen(step.serves)
        self._client.select_application()

    def _read_document(self, step: Step) -> None:
        """Read where a password opened the document; else whoever tried has said why."""
        if self._client.session is not None:
            self._read_plain(step)

    def _random(self, size: int) -> bytes:
        if self._challenge is None:
            raise KeyStoreError("a session is opened with a fresh number: no source of one was given")
        return self._challenge(size)
