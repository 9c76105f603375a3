"""One DESFire card in a reader: made, looked at, proven."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cardkit.apps.desfire.client import DesfireClient
from cardkit.apps.desfire.commands import PICC, UID_BYTES
from cardkit.apps.desfire.settings import DataBody
from cardkit.apps.desfire.states.bench import Bench
from cardkit.apps.desfire.states.judging import judge
from cardkit.apps.desfire.states.keyring import Keyring
from cardkit.apps.desfire.states.looking import Looking
from cardkit.apps.desfire.states.misuse import Misuse
from cardkit.apps.desfire.states.plan import DesfirePlan
from cardkit.apps.desfire.states.product import AppSpec, DesfireProduct, KeySpec
from cardkit.apps.desfire.states.steps import CARD, CARD_KEY, CARD_SETTINGS, DELIVERED, OWN, UID
from cardkit.apps.desfire.states.writing import Writing
from cardkit.channel import Channel
from cardkit.channel.native import MORE, Framing, NativeChannel
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.cardkeys import CardKey
from cardkit.desired import Challenge, Content, Fact, Observations, Part, Phase, Role, Step, Unmarked
from cardkit.errors import AuthenticationError, CardError, KeyStoreError, ProtocolError

_RANDOM_UID_BYTES = 4
_OPENING = frozenset((Role.ENTER, Role.SELECT, Role.PRESENT, Role.GONE))


class DesfireSession:
    """A powered card.

    :param transport: the card's key as delivered; empty for a verification.
    :param keys: None where the card is only identified.
    """

    def __init__(
        self,
        product: DesfireProduct,
        plan: DesfirePlan,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],
        keys: tuple[KeyStore, Challenge] | None = None,
    ) -> None:
        self._product = product
        self._plan = plan
        self._contents = contents
        self._keys = keys
        chip = product.chip
        self._link = NativeChannel(channel, Framing(chip.framing), chip.frame)
        client = DesfireClient(self._link, long_frames=chip.long_frames > 0)
        self._bench = Bench(product, client, contents, Keyring(product, transport, keys[0] if keys else None))
        self._looking = Looking(self._bench, channel, self._link)
        self._opener: Step | None = None
        self._barred = ""
        self.current: Step | None = None
        self._by_role: dict[Role, Callable[[Step], None]] = {
            Role.ENTER: self._enter,
            Role.SELECT: self._enter_by_name,
            Role.PRESENT: self._authenticate,
            Role.GONE: self._refused,
        }
        self._by_op = self._looking.handlers | Writing(self._bench).handlers

    @property
    def seen(self) -> Observations:
        """What the card showed since the last reset."""
        return self._bench.seen

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        for step in steps:
            self._bench.count()
            if step.command.ins == MORE:
                continue  # the command before it has sent it
            self.current = step
            try:
                if step.role in _OPENING:
                    self._barred = ""
                elif not strict:
                    self._reopen()
                self._handler(step)(step)
            except CardError as error:
                if strict:
                    raise
                self._bench.notes.troubles.setdefault(step.serves, str(error))

    def _handler(self, step: Step) -> Callable[[Step], None]:
        if step.serves == UID and step.place == CARD and step.role is Role.READ and step.command.cla != 0x90:
            return self._reader_uid
        return self._by_role.get(step.role) or self._by_op[step.command.ins]

    def restarted(self) -> None:
        """The card was reset: nothing seen before counts any more."""
        self._opener = None
        self._bench.restarted()

    # Which card it is

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return the UID and how far the card has got; finished once its key is no more the one delivered.

        :raises CardError: when it is no such card.
        """
        notes = self._bench.notes
        version = notes.versions.get(CARD_KEY)
        if not notes.told or version is None:
            raise ProtocolError(f"no DESFire card: {'; '.join(notes.troubles.values())}")
        uid = self._real_uid(finished=version != 0).hex().upper()
        if version:
            return uid, None
        return uid, Unmarked.BLANK if notes.applications == () else Unmarked.BEGUN

    def _real_uid(self, *, finished: bool) -> bytes:
        """Return the UID, which a card that tells a random one gives inside a session only."""
        notes = self._bench.notes
        if len(notes.told) == UID_BYTES:
            self._bench.identified(notes.told)
        elif len(notes.told) != _RANDOM_UID_BYTES or self._keys is None:
            raise ProtocolError(f"UID {notes.told.hex().upper()}: a random one; the real one takes the card's key")
        elif not notes.identified:
            self._open_card(OWN if finished else DELIVERED)
            self._bench.identified(self._bench.client.uid())
            self._bench.client.select(PICC)
        return notes.identified

    def own_keys(self) -> dict[str, CardKey]:
        """Return the keys that are derived from this card's UID, by role."""
        return self._bench.keyring.own_keys()

    def number(self) -> str:
        """Return the number people know the card by.  :raises CardError: when anybody cannot read it."""
        number = self._product.block.number
        if number is None:
            raise ProtocolError("cards of this product have no number that anybody can read")
        app = next(app for app in self._product.apps if app.title == number.app)
        file = next(file for file in app.files if file.number == number.file)
        field = next(field for field in file.fields if field.name == number.field)
        client = self._bench.client
        client.select(app.aid)
        client.assume(file.number, file.settings)
        size = file.settings.body.size if isinstance(file.settings.body, DataBody) else 0
        return field.decoded(client.read(file.number, 0, size))

    def identities(self) -> Mapping[str, str]:
        """Return what no other card has: the UID."""
        uid = self._bench.notes.uid
        return {"uid": uid.hex().upper()} if uid else {}

    def mistreat(self) -> None:
        """Do to a sample what no card that leaves should bear; changes nothing that was seen before."""
        self._bench.notes.misused = Misuse(self._bench, self._link, self._open).answers()

    def facts(self) -> tuple[Fact, ...]:
        """Return nothing: what only the card knows is its UID, the chip's name anyway."""
        return ()

    # A card that was begun

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: all states that are written, where one of them does not hold."""
        self.run(self._plan.parts[Part.CHECK], strict=False)
        found = judge(self._product, self._plan, self._contents, self.seen, Part.CHECK)
        bad = any(finding.bad or finding.not_checked for finding in found)
        return tuple(state.name for state in self._plan.states if bad and state.phase is Phase.WRITE)

    def seal_again(self) -> None:
        """Seal a card of which somebody has begun to set the settings: it says how far that came."""
        self._enter(self._plan.parts[Part.SEAL][0])
        self.run(self._plan.again, strict=False)
        known = self._bench.notes.key_settings.get(CARD_SETTINGS)
        done = known is None or known.first == self._product.settings
        seal = self._plan.parts[Part.SEAL]
        self.run((step for step in seal if not (done and step.serves == CARD_SETTINGS)), strict=True)

    # Sessions

    def _enter(self, step: Step) -> None:
        aid = PICC if step.place == CARD else self._bench.app(step).aid
        self._opener = None
        self._bench.client.select(aid)

    def _enter_by_name(self, step: Step) -> None:
        """Select as ISO 7816 does it; where that fails, natively, so that the rest is looked at all the same."""
        aid = self._bench.app(step).aid
        self._opener = None
        word = self._bench.client.select_iso(step.command, aid)
        self._bench.notes.answers[step.serves] = word
        if word not in step.sw:
            self._bench.client.select(aid)

    def _refused(self, step: Step) -> None:
        """Send what must be refused, after whatever session there was."""
        self._opener = None
        self._bench.client.session = None
        self._looking.refused(step)

    def _reader_uid(self, step: Step) -> None:
        self._looking.reader_uid(step)
        if len(self._bench.notes.told) == UID_BYTES:
            self._bench.identified(self._bench.notes.told)

    def _reopen(self) -> None:
        """Open a session again that the card has ended by refusing something: what follows is checked all the same.

        :raises AuthenticationError: where it could not be opened at all: nothing is asked in clear in its place.
        """
        if self._barred:
            raise AuthenticationError(self._barred)
        session = self._bench.client.session
        if session and session.ended and self._opener:
            self._authenticate(self._opener)

    def _authenticate(self, step: Step) -> None:
        """Open a session; never with a key of which the card says that it is another."""
        self._opener = step
        self._barred = f"no session with {step.serves}"
        state, number = step.serves, step.access.reference if step.access else 0
        key = self._bench.key(state)
        shown = self._bench.notes.versions.get(state)
        if step.content == OWN and shown is not None and shown != key.version:
            self._bench.client.session = None
            raise AuthenticationError(f"{state}: version {shown:02X}, expected {key.version:02X}")
        value = self._bench.keyring.value(step.content, key)
        how = self._product.authentication(value.kind)
        self._bench.client.authenticate(how, number, value, self._random)
        self._barred = ""
        if step.content == OWN:
            self._bench.notes.inputs[state] = self._bench.keyring.input(key)
            self._bench.notes.proven.add(state)
            self._bench.notes.alike.update((state, other) for other in self._bench.keyring.alike(state, key))

    def _open(self, app: AppSpec, key: KeySpec) -> None:
        value = self._bench.keyring.own(key)
        self._bench.client.authenticate(self._product.authentication(app.kind), key.number, value, self._random)

    def _open_card(self, which: str) -> None:
        value = self._bench.keyring.value(which, self._product.picc)
        self._bench.client.authenticate(self._product.authentication(value.kind), 0, value, self._random)

    def _random(self, size: int) -> bytes:
        if self._keys is None:
            raise KeyStoreError("a card is worked on with a key store and a source of random numbers")
        return self._keys[1](size)
