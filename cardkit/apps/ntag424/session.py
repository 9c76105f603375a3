"""One tag in a reader: made, looked at, proven by the URL it gives to anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from cardkit.apdu import CommandAPDU
from cardkit.apps.desfire.client import DesfireClient
from cardkit.apps.desfire.commands import UID_BYTES
from cardkit.apps.desfire.settings import FREE, AccessRights, DataBody, FileSettings, FileType
from cardkit.apps.desfire.sun import open_sun
from cardkit.apps.ntag424.plan import AGAIN, APPLICATION, DELIVERED, OPEN, OWN, TAG, TEXT, UID, NtagPlan
from cardkit.apps.ntag424.product import NDEF_FILE, NtagProduct, TagKey
from cardkit.apps.ntag424.rules import judge
from cardkit.apps.ntag424.schema import FILE_BYTES
from cardkit.apps.ntag424.seen import NOTE, SeenTag
from cardkit.apps.ntag424.text import Mirror, url_of
from cardkit.channel import Channel
from cardkit.channel.native import MORE, Framing, NativeChannel
from cardkit.crypto import Key, KeyStore, Secret
from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.desfire import DesfireKey, KeyKind
from cardkit.desired import Challenge, Fact, Observations, Part, Phase, Role, Step, Unmarked
from cardkit.errors import AuthenticationError, CardError, EncodingError, KeyStoreError, ProtocolError, StatusError
from cardkit.secure.desfire import Authentication, KeyChange

_GET_UID = CommandAPDU(0xFF, 0xCA, 0x00, 0x00, ne=256)
_OK = 0x9000
_DELIVERED = FileSettings(FileType.STANDARD, 0, AccessRights(FREE, FREE, FREE, 0), DataBody(FILE_BYTES))


class TagSession:
    """A powered tag.

    :param mirror: of one tag; None where it is only identified.
    :param keys: key store and source of random numbers; None where the tag is only identified.
    """

    def __init__(
        self,
        product: NtagProduct,
        plan: NtagPlan,
        mirror: Mirror | None,
        channel: Channel,
        keys: tuple[KeyStore, Challenge] | None = None,
    ) -> None:
        self._product, self._plan, self._mirror, self._keys = product, plan, mirror, keys
        self._channel = channel
        self._client = DesfireClient(NativeChannel(channel, Framing.WRAPPED, product.chip.frame))
        self._by_state = {key.state: key for key in product.keys}
        self.current: Step | None = None
        self.seen = Observations(notes={NOTE: SeenTag()})
        self._handlers: dict[tuple[Role, str], Callable[[], None]] = {
            (Role.READ, UID): self._told,
            (Role.PROVE, UID): self._uid,
            (Role.READ, TEXT): self._text,
            (Role.READ, AGAIN): self._text,
            (Role.WRITE, TEXT): self._write,
            (Role.WRITE, OPEN): lambda: self._settings(_DELIVERED),
            (Role.ENTER, TAG): self._enter,
            (Role.QUERY, TAG): self._version,
        }

    @property
    def _notes(self) -> SeenTag:
        notes: SeenTag = self.seen.notes[NOTE]
        return notes

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        for step in steps:
            if step.command.ins == MORE:
                continue  # the command before it has sent it
            self.current = step
            try:
                self._take(step)
            except CardError as error:
                if strict:
                    raise
                self._notes.troubles.setdefault(step.serves, str(error))

    def _take(self, step: Step) -> None:
        handler = self._handlers.get((step.role, step.serves))
        key = self._by_state.get(step.serves)
        if handler is not None:
            handler()
        elif key is None:
            self._settings(self._wanted()) if step.role is Role.WRITE else self._settings_read()
        elif step.role is Role.PRESENT:
            self._authenticate(key, step.content)
        elif step.role is Role.CHANGE:
            self._change(key)
        else:
            self._notes.versions[key.state] = self._client.key_version(key.number)

    def restarted(self) -> None:
        """The tag was reset: nothing seen before counts any more."""
        self.seen = Observations(notes={NOTE: SeenTag(identified=self._notes.identified)})
        self._client.restarted()

    # Which tag it is

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return the UID and how far the tag has got; finished once its master key is not the one delivered.

        :raises CardError: when it is no such tag.
        """
        notes, product = self._notes, self._product
        versions = [notes.versions.get(key.state) for key in product.keys]
        if len(notes.identified) != UID_BYTES or notes.version is None or None in versions:
            raise ProtocolError(f"no NTAG 424 DNA: {'; '.join(notes.troubles.values()) or 'its UID is not 7 bytes'}")
        if versions[0]:
            return notes.identified.hex().upper(), None
        return notes.identified.hex().upper(), Unmarked.BEGUN if any(versions) else Unmarked.BLANK

    def number(self) -> str:
        """Return the tag's UID.  :raises CardError: when the reader does not tell it."""
        return self._reader_uid().hex().upper()

    def identities(self) -> Mapping[str, str]:
        """Return what no other tag has: the UID."""
        return {"uid": self._notes.uid.hex().upper()} if self._notes.uid else {}

    def own_keys(self) -> dict[str, CardKey]:
        """Return the keys that are derived from this tag's UID, by state; none before that is known."""
        uid = self._notes.identified
        found = {key.state: key.card_key(uid) for key in self._product.keys} if uid else {}
        return {state: key for state, key in found.items() if key.data}

    def facts(self) -> tuple[Fact, ...]:
        """Return how often the tag was read when it was looked at last."""
        messages = self._notes.messages
        return (Fact("read counter", str(messages[-1].counter)),) if messages else ()

    # A tag that was begun

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun tag, after a reset: all states that are written, where one of them does not hold."""
        self.run(self._plan.parts[Part.CHECK], strict=False)
        found = judge(self._product, self._mirror, self.seen, Part.CHECK)
        bad = any(finding.bad or finding.not_checked for finding in found)
        return tuple(state.name for state in self._plan.states if bad and state.phase is Phase.WRITE)

    def seal_again(self) -> None:
        """Set the master key where that has not happened: its version says so."""
        master = self._product.keys[0]
        self._enter()
        if self._client.key_version(master.number) != master.version:
            self.run(self._plan.parts[Part.SEAL], strict=True)

    # What is seen

    def _enter(self) -> None:
        command = next(step.command for step in self._plan.identify if step.role is Role.ENTER)
        word = self._client.select_iso(command, APPLICATION)
        if word != _OK:
            raise StatusError("SELECT of the application", word, expected=f"{_OK:04X}")

    def _reader_uid(self) -> bytes:
        answer = self._channel.send(_GET_UID)
        if answer.sw != _OK or len(answer.data) != UID_BYTES:
            raise ProtocolError(f"UID: {len(answer.data)} bytes and {answer.sw:04X}, expected {UID_BYTES} and 9000")
        return answer.data

    def _told(self) -> None:
        self._notes.told = self._reader_uid()
        self._notes.identified = self._notes.identified or self._notes.told

    def _version(self) -> None:
        self._notes.version = self._client.version()

    def _uid(self) -> None:
        self._notes.uid = self._client.uid()

    def _settings_read(self) -> None:
        self._notes.settings = self._client.file_settings(NDEF_FILE)

    def _text(self) -> None:
        """Read as a phone does, and open what the tag has mirrored."""
        self._client.assume(NDEF_FILE, self._wanted())
        body = self._client.read(NDEF_FILE, 0, self._product.size)
        self._notes.readings.append(body)
        assert self._mirror is not None
        try:
            with self._meta_key() as meta:
                self._notes.messages.append(open_sun(url_of(body), self._mirror.template, meta, self._mac_key))
        except EncodingError as error:
            raise ProtocolError(f"the tag's URL: {error}") from None

    # Keys

    def _authenticate(self, key: TagKey, which: str) -> None:
        """Open a session of its own; never with a key of which the tag says that it is another."""
        shown = self._notes.versions.get(key.state)
        if which == OWN and shown is not None and shown != key.version:
            raise AuthenticationError(f"{key.state}: version {shown:02X}, expected {key.version:02X}")
        self._client.session = None
        self._notes.refused = 0
        with self._value(key, which) as value:
            try:
                self._client.authenticate(Authentication.EV2, key.number, value, self._working[1])
            except StatusError as error:
                self._notes.refused = error.sw
                raise
        if which == OWN:
            self._notes.proven.add(key.state)

    @contextmanager
    def _value(self, key: TagKey, which: str) -> Iterator[DesfireKey]:
        """Give a key for the length of a ``with`` block."""
        if which == DELIVERED:
            yield DesfireKey.zero(KeyKind.AES)
            return
        with self._stored(key) as clear:
            found = DesfireKey.of(clear, key.version)
        try:
            if found.is_default:
                raise KeyStoreError(f"key {key.reference}: a default key, which a tag must not keep")
            yield found
        finally:
            found.wipe()

    @contextmanager
    def _stored(self, key: TagKey, uid: bytes = b"") -> Iterator[Key]:
        with self._working[0].card_key(key.card_key(uid or self._notes.identified)) as clear:
            yield clear

    @contextmanager
    def _meta_key(self) -> Iterator[Secret]:
        """Give what opens PICCData; zeros where UID and counter are in clear."""
        if self._product.meta >= FREE:
            yield DesfireKey.zero(KeyKind.AES)
            return
        with self._stored(self._product.keys[self._product.meta]) as key:
            yield key

    @contextmanager
    def _mac_key(self, uid: bytes) -> Iterator[Key]:
        with self._stored(self._product.keys[self._product.mac], uid) as key:
            yield key

    @property
    def _working(self) -> tuple[KeyStore, Challenge]:
        if self._keys is None:
            raise KeyStoreError("a tag is worked on with a key store and a source of random numbers")
        return self._keys

    def _change(self, key: TagKey) -> None:
        """Set a key; which one it replaces its version says."""
        with self._value(key, OWN) as new:
            if not key.number:
                self._client.change_key(KeyChange(0, new))
                return
            old = OWN if self._notes.versions.get(key.state) == key.version else DELIVERED
            with self._value(key, old) as before:
                self._client.change_key(KeyChange(key.number, new, before))

    # The file

    def _wanted(self) -> FileSettings:
        assert self._mirror is not None
        return self._product.settings(self._mirror)

    def _write(self) -> None:
        assert self._mirror is not None
        self._client.assume(NDEF_FILE, _DELIVERED)
        self._client.write(NDEF_FILE, 0, self._mirror.file.ljust(self._product.size, b"\0"))

    def _settings(self, wanted: FileSettings) -> None:
        self._client.assume(NDEF_FILE, _DELIVERED)
        self._client.change_file_settings(NDEF_FILE, wanted)
