"""One PKCS#15 card in a reader: files and keys made, certificates issued, codes set, and all of it proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cardkit.apps.eid import certificates
from cardkit.apps.eid.client import card_at_fault
from cardkit.apps.eid.holder import HolderSession
from cardkit.apps.eid.pkcs15 import commands
from cardkit.apps.eid.pkcs15.client import CREATION, Applet, Fci, Pkcs15Client
from cardkit.apps.eid.pkcs15.commands import Pkcs15Ins
from cardkit.apps.eid.pkcs15.plan import MASTER_FILE, Pkcs15Plan
from cardkit.apps.eid.pkcs15.product import APPLICATION, DF_PATH, DIRECTORY, PIN, PUK, TOKEN, KeyPair, Pkcs15Product
from cardkit.apps.eid.pkcs15.structure import TokenInfo
from cardkit.apps.pki.algorithms import digest
from cardkit.apps.pki.certificate import Certificate
from cardkit.channel import Channel
from cardkit.crypto import KeyStore
from cardkit.desired import Challenge, Content, Fact, Observations, Part, Role, Step, Unmarked
from cardkit.errors import (
    AuthenticationError,
    CounterGuardError,
    EncodingError,
    NotFoundError,
    ProtocolError,
)

NOTE = "PKCS#15"
"""Name of the note of a session: :class:`SeenPkcs15`."""


@dataclass(slots=True)
class SeenPkcs15:
    """What a card did besides showing files.

    :ivar applet: what the chip says of itself.  :ivar files: what it says of each file, by state.
    :ivar left: tries of the PIN; None where they were not told.
    :ivar proven: names of keys and codes that were proven.  :ivar answers: status words of what must be refused.
    :ivar troubles: what went wrong, by step.
    """

    applet: Applet | None = None
    files: dict[str, Fci] = field(default_factory=dict)
    left: int | None = None
    proven: set[str] = field(default_factory=set)
    answers: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)


class Pkcs15Session(HolderSession):
    """A powered card.

    :param keys: key store and source of random numbers; None where the card is only identified.
    """

    def __init__(
        self,
        product: Pkcs15Product,
        plan: Pkcs15Plan,
        contents: Mapping[str, Content],
        channel: Channel,
        keys: tuple[KeyStore, Challenge] | None = None,
    ) -> None:
        super().__init__(contents, keys)
        self._product = product
        self._plan = plan
        self._channel = channel
        self._client = Pkcs15Client(channel)
        self._pairs = {name: pair for pair in product.keys for name in (pair.name, pair.public, pair.certificate)}
        self._selected = ""
        self._made: dict[str, bytes] = {}
        self.seen = Observations(notes={NOTE: SeenPkcs15()})
        self._handlers: dict[Role, Callable[[Step], None]] = {
            Role.ENTER: self._enter,
            Role.SELECT: self._select,
            Role.QUERY: self._query,
            Role.READ: self._read,
            Role.CREATE: self._create,
            Role.WRITE: self._write,
            Role.CHANGE: self._set_code,
            Role.PRESENT: self._present,
            Role.PROVE: self._prove,
            Role.GONE: self._refused,
        }

    @property
    def _notes(self) -> SeenPkcs15:
        notes: SeenPkcs15 = self.seen.notes[NOTE]
        return notes

    @property
    def _troubles(self) -> dict[str, str]:
        return self._notes.troubles

    def _handle(self, step: Step) -> None:
        self._handlers[step.role](step)

    def restarted(self) -> None:
        """The card was reset: nothing seen before counts any more."""
        self.seen = Observations(notes={NOTE: SeenPkcs15()})
        self._selected = ""
        self._made.clear()

    # Which card it is

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return the chip's serial number and how far it has got; finished once its PIN is set.

        :raises CardError: when it is no such chip.
        """
        applet, master = self._notes.applet, self._notes.files.get(MASTER_FILE)
        if applet is None or master is None:
            raise ProtocolError(f"no chip of this maker: {'; '.join(self._notes.troubles.values())}")
        number = applet.serial.hex().upper()
        if master.life_cycle != CREATION:
            return number, None
        begun = {APPLICATION, DIRECTORY} & set(self._notes.files)
        return number, Unmarked.BEGUN if begun else Unmarked.BLANK

    def number(self) -> str:
        """Return the serial number in EF.TokenInfo.  :raises CardError: when the card has none."""
        self._client.enter(self._aid)
        found = self._client.select(self._product.files[TOKEN].path)
        with card_at_fault(TOKEN):
            serial = TokenInfo.parse(self._client.read(found.size)).serial
        return serial.decode("utf-8", "replace") if self._product.block.serial_form == "text" else serial.hex().upper()

    def facts(self) -> tuple[Fact, ...]:
        """Return the fingerprints of the certificates that were issued."""
        found = []
        for pair in self._product.keys:
            body = self.seen.bodies.get(pair.certificate)
            if body is not None and not self.fault(pair):
                found.append(Fact(f"{pair.certificate} SHA-256", digest("sha256", body).hex().upper()))
        return tuple(found)

    # A card that was begun

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: names of the states that do not hold."""
        self.run(self._plan.look, strict=False)
        if not self._as_planned(APPLICATION):  # with the directory goes all that is in it
            inside = [name for name in self._product.files if name != DIRECTORY]
            return (DIRECTORY, APPLICATION, *inside, *(pair.name for pair in self._product.keys))
        found = [name for name, file in self._product.files.items() if file.ahead and not self._holds(name)]
        for pair in self._product.keys:
            if pair.name not in self._notes.proven or not (pair.issued or self._as_planned(pair.public)):
                found += [pair.name, pair.certificate]
            elif not self._as_planned(pair.certificate) or pair.certificate not in self.seen.bodies or self.fault(pair):
                found.append(pair.certificate)
        return tuple(found)

    def _holds(self, name: str) -> bool:
        return self._as_planned(name) and self.seen.bodies.get(name) == self._contents[name]

    def _as_planned(self, name: str) -> bool:
        found = self._notes.files.get(name)
        return found is not None and found.conditions == self._product.conditions_of(name).build()

    def seal_again(self) -> None:
        """Set the codes: as long as a card can be looked at without its PIN, neither is in force."""
        self.run(self._plan.parts[Part.SEAL], strict=True)

    def fault(self, pair: KeyPair) -> str:
        """Return what is wrong with a certificate that was read; empty where nothing is."""
        body, public = self.seen.bodies[pair.certificate], self.seen.bodies.get(pair.public)
        return certificate_fault(self._product, pair, self._open(pair.certificate), body, public)

    # Looking

    @property
    def _aid(self) -> bytes:
        return bytes.fromhex(self._product.chip.aid)

    def _enter(self, step: Step) -> None:  # noqa: ARG002 - every handler takes its step
        self._selected = ""
        self._notes.applet = self._client.enter(self._aid)

    def _select(self, step: Step) -> None:
        """Select a file, or say which key is meant."""
        if step.command.ins == Pkcs15Ins.ENVIRONMENT:
            self._client.send(step.command, f"MSE {step.serves}")
            return
        self._selected = ""
        self._notes.files[step.serves] = self._client.select(self._path(step.serves))
        self._selected = step.serves

    def _path(self, name: str) -> bytes:
        directories = {MASTER_FILE: DF_PATH[:2], APPLICATION: DF_PATH}
        return directories[name] if name in directories else self._product.files[name].path

    def _query(self, step: Step) -> None:
        """Ask for the tries of the PIN, or whether a file is there."""
        if step.serves == PIN:
            self._notes.left = self._client.tries_left(commands.PIN)
            return
        try:
            self._select(step)
        except NotFoundError:
            return

    def _read(self, step: Step) -> None:
        """Read the file that was selected; else whoever tried has said why."""
        if self._selected == step.serves:
            self.seen.bodies[step.serves] = self._client.read(self._notes.files[step.serves].size)

    def _refused(self, step: Step) -> None:
        self._notes.answers[step.serves] = self._channel.send(step.command).sw

    def _prove(self, step: Step) -> None:
        """Let a key sign or decipher, and hold it against its certificate; without one, against its public half."""
        pair = self._pairs[step.serves]
        public_key = self._public_key(pair)
        if pair.use.deciphers:
            proven = self._client.deciphers(public_key, self._random)
        else:
            proven = self._client.signs(pair.algorithm, public_key, self._random)
        if not proven:
            raise AuthenticationError(f"{step.serves}: its answer is not by the key of its certificate")
        self._notes.proven.add(step.serves)

    def _public_key(self, pair: KeyPair) -> bytes:
        bodies = self.seen.bodies
        with card_at_fault(pair.public):
            if pair.certificate in bodies and any(bodies[pair.certificate]):
                return Certificate.parse(bodies[pair.certificate]).public_key
            if pair.public in bodies:
                return pair.public_key_in(bodies[pair.public])
        raise ProtocolError(f"{pair.name}: no certificate to prove it against")

    # Writing

    def _create(self, step: Step) -> None:
        """Create a file, or make a key."""
        name, pair = step.serves, self._pairs.get(step.serves)
        if step.command.ins == Pkcs15Ins.GENERATE:
            assert pair is not None
            self._made[pair.public] = pair.value_of(self._client.generate(pair.algorithm))
            return
        fid = int.from_bytes(self._path(name)[-2:], "big")
        command = step.command
        if name != APPLICATION:
            command = commands.create_file(fid, len(self._body(name)), self._product.conditions_of(name))
        self._client.create(command, fid, name)

    def _write(self, step: Step) -> None:
        """Write a file that was just created, or store a key."""
        if step.command.ins == Pkcs15Ins.STORE:
            content = self._contents[step.serves]
            assert isinstance(content, tuple)
            self._client.send(commands.store(content), f"PUT DATA {step.serves}")
            return
        self._client.write(self._body(step.serves), step.serves)

    def _body(self, name: str) -> bytes:
        """Return what goes into a file; a certificate is issued when it is asked for, once."""
        if name not in self._made and self._product.files[name].ahead:
            return self._open(name)
        if name not in self._made:
            self._made[name] = self._issue(self._pairs[name])
        return self._made[name]

    def _issue(self, pair: KeyPair) -> bytes:
        """Issue the certificate of the key that was just made, stored or read."""
        ahead = self._open(pair.public) if pair.issued else self._made.get(pair.public)
        value = ahead or self.seen.bodies.get(pair.public)
        if value is None:
            raise ProtocolError(f"{pair.certificate}: the card does not tell the public key of {pair.name}")
        with card_at_fault(pair.public):
            public_key = pair.public_key_in(value)
        request = certificates.request_of(self._open(pair.certificate), pair.use.certificate, public_key)
        return certificates.issue(request, self._product.issuer, self._product.block.issuer.key, self._working()[0])

    # Codes

    def _set_code(self, step: Step) -> None:
        self._client.send(commands.set_code(step.command.p2, self._code(step.serves)), f"setting {step.serves}")

    def _present(self, step: Step) -> None:
        """Present PIN or PUK, never to a counter of the PIN that is not full; the PUK by setting the PIN there is."""
        left, tries = self._notes.left, self._product.chip.tries
        if left is None or left < tries:
            reason = self._notes.troubles.get(PIN, f"{left} of {tries} tries left, expected all")
            raise CounterGuardError(f"{step.serves}: {reason}")
        if step.serves == PUK:
            if PIN not in self._notes.proven:
                raise CounterGuardError("PUK: the PIN was not the order's, the PUK is not tried")
            self._client.send(commands.unblock(self._code(PUK), self._code(PIN)), "unblocking the PIN")
        else:
            self._client.send(commands.verify(self._code(PIN)), "VERIFY PIN")
        self._notes.proven.add(step.serves)


def certificate_fault(product: Pkcs15Product, pair: KeyPair, stated: bytes, body: bytes, public: bytes | None) -> str:
    """Return what is wrong with the file of a certificate; empty where nothing is.

    :param stated: the content of its state.  :param public: the file of the public key; None where it was not read.
    """
    try:
        public_key = pair.public_key_in(public) if public else b""
    except EncodingError as error:
        return str(error)
    wanted = certificates.request_of(stated, pair.use.certificate, public_key)
    return certificates.fault(wanted, product.issuer, body)
