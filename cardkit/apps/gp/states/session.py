"""One GlobalPlatform card in a reader: sends planned steps, opens sessions, keeps what it saw.

Commands that change the card are protected in whole stretches before the first of them is sent: no answer is needed
for the next one. Where the plan holds a script, the very bytes of the plan are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.gp.discovery import CARD_LOCKED, OK
from cardkit.apps.gp.picture import SeenChain
from cardkit.apps.gp.states.certifying import judge_chain, proves
from cardkit.apps.gp.states.expecting import DAY
from cardkit.apps.gp.states.keysets import KeySet
from cardkit.apps.gp.states.line import Line
from cardkit.apps.gp.states.mistreating import Mistreatment
from cardkit.apps.gp.states.notes import NOTES, Notes
from cardkit.apps.gp.states.route import SECURED
from cardkit.apps.gp.states.scripts import CARD_NUMBER, KEYS, MANAGE_CHANNEL, PRODUCTION, Scripts
from cardkit.apps.gp.states.seeing import CHIP, IMAGE, KDD, body_of, picture_of
from cardkit.apps.gp.status import read_status
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.gp.tags import CPLC, FCI, KeyInformation, StatusKind
from cardkit.channel import Channel
from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import CardKey
from cardkit.desired import Challenge, Content, Fact, Observations, Part, Role, Script, Step, Unmarked
from cardkit.errors import AuthenticationError, CardError, EncodingError, ProtocolError, SecureMessagingError

CHANGES = frozenset((Role.WRITE, Role.CHANGE, Role.DELETE))
"""Roles of the commands that are protected ahead."""

GET_STATUS = 0xF2


class GpSession:
    """A powered card.

    :param contents: by state name.  :param keystore: None where nothing is opened: to identify a card.
    :param challenge: source of host challenges.  :param planned: scripts of this card's plan.
    """

    def __init__(
        self,
        scripts: Scripts,
        contents: Mapping[str, Content],
        channel: Channel,
        keystore: KeyStore | None = None,
        challenge: Challenge | None = None,
        planned: Sequence[Script] = (),
    ) -> None:
        self._scripts = scripts
        self._contents = contents
        self._keystore = keystore
        self._line = Line(scripts, contents, channel, keystore, challenge, planned)
        self._strict = True
        self._lost = False
        self._numbers: list[int] = []
        self.current: Step | None = None
        self.seen = self._fresh()
        self._handlers: dict[Role, Callable[[Step], None]] = {
            Role.ENTER: self._select,
            Role.READ: self._read,
            Role.GONE: self._ask,
            Role.QUERY: self._greet,
            Role.PRESENT: self._authenticate,
            Role.PROVE: self._certify,
        }

    def _fresh(self) -> Observations:
        self._line.notes = Notes(echoes=self._line.echoes, loads=self._line.loads)
        return Observations(notes={NOTES: self._line.notes})

    @property
    def _notes(self) -> Notes:
        return self._line.notes

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order; those that change the card stretch by stretch, protected before the first is sent.

        :param strict: the first wrong answer raises; else it is kept, and what hangs on it is left out.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        self._strict = strict
        for changing, stretch in groupby(steps, lambda step: step.role in CHANGES):
            if changing:
                self._change(list(stretch))
                continue
            for step in stretch:
                self.current = step
                if not self._lost or step.role is Role.ENTER:
                    self._handlers[step.role](step)

    def restarted(self) -> None:
        """The card was reset: no session, nothing selected, and nothing seen before counts any more."""
        self._line.close()
        self._lost = False
        self._numbers.clear()
        self.seen = self._fresh()

    # Who the card is

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return the chip's number out of the CPLC, and whether the card holds the keys it was delivered with.

        :raises CardError: when the card has no CPLC, or does not tell its keys: nobody can say which card this is.
        """
        try:
            cplc = CPLC.parse(self._body(PRODUCTION))
            keys = KeyInformation.parse(self._body(KEYS))
        except EncodingError as error:
            raise ProtocolError(f"GET DATA to identify the card: {error}") from None
        chip = cplc.ic_fabricator + cplc.ic_type + cplc.ic_fabrication_date + cplc.chip_id
        product = self._scripts.product
        delivered = set(keys.versions) == {product.delivered.kvn, *(model.kvn for model in product.chip.keys)}
        return chip.hex().upper(), Unmarked.BLANK if delivered else Unmarked.BEGUN

    def _body(self, name: str) -> bytes:
        if name not in self.seen.bodies:
            raise ProtocolError(f"GET DATA {name}: {self._notes.troubles.get(name, 'the card was not selected')}")
        return self.seen.bodies[name]

    def number(self) -> str:
        """Read the card image number (45), after a reset.

        :raises CardError: when the card does not give it.
        """
        self.run(self._scripts.number, strict=True)
        return self._body(CARD_NUMBER).hex().upper()

    def identities(self) -> dict[str, str]:
        """Return what no other card may have: KDD, the chip's serial number and batch, the pair of 42 and 45."""
        picture = picture_of(self._scripts.product, self.seen, None)
        found = {
            KDD: picture.greetings[0].kdd if picture.greetings else b"",
            CHIP: picture.cplc.chip_id if picture.cplc is not None else b"",
            IMAGE: (picture.issuer_number or b"") + picture.card_number if picture.card_number is not None else b"",
        }
        return {kind: value.hex().upper() for kind, value in found.items() if value}

    def own_keys(self) -> dict[str, CardKey]:
        """Return the keys of sets that are diversified, of each security domain that has greeted, by set and role."""
        return self._line.own_keys()

    def facts(self) -> tuple[Fact, ...]:
        """Return what only the card knew: its KDD, and the counter of each key set as it greeted last."""
        facts = {}
        for hello in self._notes.greetings:
            greeting = hello.greeting
            facts[KDD] = greeting.kdd.hex().upper()
            if greeting.sequence is not None:
                facts[f"counter {greeting.kvn:02X}"] = str(int.from_bytes(greeting.sequence, "big"))
        return tuple(Fact(name, value) for name, value in facts.items())

    def mistreat(self) -> None:
        """Do to a sample what no card that leaves should bear; changes nothing that was seen before.

        :raises CardError: when the card does not let itself be opened for it.
        """
        words = set(self._notes.words)
        greetings, opened = list(self._notes.greetings), self._notes.opened
        self._notes.refusals = Mistreatment(self._scripts.product, self._line).refusals()
        self._notes.words, self._notes.greetings, self._notes.opened = words, greetings, opened

    # A card that was begun

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: names of the states that do not hold or cannot be seen.

        :raises CardError: when no session opens with the product's keys: nothing of the registry can be seen.
        """
        self.run(self._scripts.look, strict=False)
        self._require_open()
        picture = picture_of(self._scripts.product, self.seen, None)
        return self._scripts.unmet(picture, self._contents)

    def seal_again(self) -> None:
        """Seal from where the card's life cycle says that sealing stopped.

        :raises CardError: when the card does not tell it.
        """
        self.run(self._scripts.parts[Part.STRANGER], strict=True)
        entries = self._notes.lists.get(StatusKind.ISD, ())
        if len(entries) != 1:
            raise ProtocolError(f"GET STATUS 80: card answered {len(entries)} entries, expected one")
        self.run(self._scripts.seal_from(entries[0].life_cycle), strict=True)

    def _require_open(self) -> None:
        if self._notes.opened is None:
            raise AuthenticationError(f"session to look at the card: {self._notes.failure or 'none was opened'}")

    # Sending

    def _wrong(self, step: Step, response: ResponseAPDU) -> None:
        """Raise when strict, else keep in words what the card answered."""
        expected = " or ".join(f"{sw:04X}" for sw in step.sw)
        if self._strict:
            raise status_error(f"{step.serves}: {step.role}", response.sw, expected=expected)
        self.seen.words[step.serves] = response.sw
        self._notes.troubles[step.serves] = f"status {response.sw:04X}"

    def _select(self, step: Step) -> None:
        assert isinstance(step.command.data, bytes)
        self._line.leave(step.command.data)
        response = self._line.plain(step.command)
        self._lost = response.sw not in (OK, CARD_LOCKED)
        first = self._notes.select_sw is None
        if first:
            self._notes.select_sw = response.sw
        if self._lost:
            self._wrong(step, response)
            return
        try:
            fci = FCI.parse(response.data)
        except EncodingError as error:
            self._garbled(step, ProtocolError(f"SELECT: {error}"))
            return
        self._line.selected(fci)
        self._notes.fci = fci if first else self._notes.fci

    def _garbled(self, step: Step, error: CardError) -> None:
        if self._strict:
            raise error
        self._notes.troubles[step.serves] = str(error)

    def _read(self, step: Step) -> None:
        if step.command.ins == GET_STATUS:
            self._list(step)
            return
        if step.place == SECURED and not self._line.open:
            return
        try:
            response = self._line.secured(step.command) if step.place == SECURED else self._line.plain(step.command)
        except SecureMessagingError as error:
            self._unproven(step, error)
            return
        if response.sw == OK:
            self.seen.bodies[step.serves] = body_of(step, response.data)
            self._notes.troubles.pop(step.serves, None)
        else:
            self._wrong(step, response)

    def _list(self, step: Step) -> None:
        if not self._line.open:
            return
        kind = StatusKind(step.command.p1)
        try:
            quirks = self._scripts.product.chip.quirks
            self._notes.lists[kind] = read_status(
                self._line.secured, kind, old_form=quirks.get_status_legacy, modules=not quirks.no_modules_status
            )
        except SecureMessagingError as error:
            self._unproven(step, error)
        except CardError as error:
            if self._strict:
                raise
            self._notes.faults.append(str(error))

    def _unproven(self, step: Step, error: SecureMessagingError) -> None:
        if self._strict:
            raise error
        self._notes.unproven.append(step.serves)

    def _ask(self, step: Step) -> None:
        command = step.command
        if command.ins == MANAGE_CHANNEL and command.p1:
            if not self._numbers:
                return
            command = CommandAPDU(command.cla, command.ins, command.p1, self._numbers.pop(0))
        response = self._line.plain(command)
        if command.ins == MANAGE_CHANNEL and not command.p1 and response.sw == OK and len(response.data) == 1:
            self._numbers.append(response.data[0])
        self._notes.asked.setdefault(step.serves, []).append(response.sw)

    def _certify(self, step: Step) -> None:
        """Judge the certificates that were read; a key nobody vouches for is not asked for a session."""
        wanted, day = self._scripts.product.certified, self._contents[DAY]
        store = self.seen.bodies.get(step.serves)
        if store is None or wanted is None:
            return
        assert isinstance(day, bytes)
        chain, key = judge_chain(store, wanted, date.fromisoformat(day.decode()))
        if key is not None:
            chain = SeenChain(matches=proves(self._line.plain, wanted, key, self._scripts.product.chip.max_data))
        self._notes.chain = chain

    # Sessions

    def _key_set(self, step: Step) -> KeySet:
        assert step.access is not None
        access = step.access
        sets = (self._scripts.product.delivered, *self._scripts.product.all_keys)
        return next(keys for keys in sets if keys.access == access)

    def _greet(self, step: Step) -> None:
        try:
            self._line.greet(self._key_set(step), step)
        except (CardError, EncodingError) as error:
            if self._strict:
                raise
            self._notes.troubles[step.serves] = str(error)

    def _authenticate(self, step: Step) -> None:
        try:
            self._line.authenticate(self._key_set(step), checked=self._strict)
        except CardError as error:
            if self._strict:
                raise
            self._notes.failure = str(error)

    def _change(self, stretch: list[Step]) -> None:
        """Send commands that change the card; every one must succeed, whatever the run thinks of other answers."""
        self.current = stretch[0]
        for step, response in self._line.stretch(stretch):
            self.current = step
            if response.sw not in step.sw:
                expected = " or ".join(f"{sw:04X}" for sw in step.sw)
                raise status_error(f"{step.serves}: {step.role}", response.sw, expected=expected)
            self._line.took(step, response)
