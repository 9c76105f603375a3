"""One PIV card in a reader: keys made, certificates issued, codes set, and all of it proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cardkit.apps.eid import commands
from cardkit.apps.eid.algorithms import BY_REFERENCE, MANAGEMENT_ALGORITHMS, public_key_info
from cardkit.apps.eid.client import Metadata, PivClient, card_at_fault
from cardkit.apps.eid.holder import HolderSession
from cardkit.apps.eid.objects import CHUID as CHUID_TAG
from cardkit.apps.eid.objects import CONTAINER, CertificateObject, Chuid
from cardkit.apps.eid.states.certificates import fault, issue, key_in
from cardkit.apps.eid.states.plan import CODES, OBJECTS, PIV, SERIAL, EidPlan
from cardkit.apps.eid.states.product import CAPABILITIES, CHUID, MANAGEMENT, PIN, PUK, EidProduct, KeyPair
from cardkit.apps.pki.algorithms import digest
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.desired import Challenge, Content, Fact, Observations, Part, Role, Step, Unmarked
from cardkit.encoding import tlv
from cardkit.errors import (
    AuthenticationError,
    CounterGuardError,
    NotFoundError,
    ProtocolError,
)

NOTE = "PIV"
"""Name of the note of a session: :class:`SeenPiv`."""
_ALGORITHM_NAMES = {reference: name for name, reference in MANAGEMENT_ALGORITHMS.items()}


@dataclass(slots=True)
class SeenPiv:
    """What a card did besides showing objects.

    :ivar metadata: of keys and codes, by state.  :ivar public: SubjectPublicKeyInfo of keys, by state.
    :ivar proven: names of keys and codes that were proven.  :ivar answers: status words of what must be refused.
    :ivar troubles: what went wrong, by step.
    """

    metadata: dict[str, Metadata] = field(default_factory=dict)
    public: dict[str, bytes] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    answers: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)


class EidSession(HolderSession):
    """A powered card.

    :param transport: codes and management key as delivered, by state; empty for a verification.
    :param keystore, challenge: None where the card is only identified.
    """

    def __init__(
        self,
        product: EidProduct,
        plan: EidPlan,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],
        keys: tuple[KeyStore, Challenge] | None = None,
    ) -> None:
        super().__init__(contents, keys)
        self._product = product
        self._plan = plan
        self._channel = channel
        self._client = PivClient(channel)
        self._transport = transport
        self._pairs = {name: pair for pair in product.keys for name in (pair.name, pair.certificate)}
        self.seen = Observations(notes={NOTE: SeenPiv()})
        self._handlers: dict[Role, Callable[[Step], None]] = {
            Role.ENTER: self._enter,
            Role.READ: self._read,
            Role.QUERY: self._query,
            Role.CREATE: self._generate,
            Role.WRITE: self._write,
            Role.CHANGE: self._change,
            Role.PROVE: self._prove,
            Role.GONE: self._refused,
        }
        self._presented: dict[str, Callable[[Step], None]] = {
            PIN: self._present_pin,
            PUK: self._present_puk,
            MANAGEMENT: self._authenticate,
        }

    @property
    def _notes(self) -> SeenPiv:
        notes: SeenPiv = self.seen.notes[NOTE]
        return notes

    @property
    def _troubles(self) -> dict[str, str]:
        return self._notes.troubles

    def _handle(self, step: Step) -> None:
        handler = self._presented[step.serves] if step.role is Role.PRESENT else self._handlers[step.role]
        handler(step)

    def restarted(self) -> None:
        """The card was reset: nothing seen before counts any more."""
        self.seen = Observations(notes={NOTE: SeenPiv()})

    # Which card it is

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return the chip's serial number and how far it has got; finished once its management key is its own.

        :raises CardError: when it is no such chip.
        """
        serial, management = self.seen.bodies.get(SERIAL), self._notes.metadata.get(MANAGEMENT)
        if serial is None or management is None:
            raise ProtocolError(f"no PIV chip of this maker: {'; '.join(self._notes.troubles.values())}")
        if not management.delivered:
            return serial.hex().upper(), None
        begun = self._product.keys[0].name in self._notes.metadata
        return serial.hex().upper(), Unmarked.BEGUN if begun else Unmarked.BLANK

    def number(self) -> str:
        """Return the credential number of the CHUID.  :raises CardError: when the card has none."""
        self._client.select()
        with card_at_fault("CHUID"):
            return Chuid.parse(self._client.read(CHUID_TAG)).fascn.credential

    def facts(self) -> tuple[Fact, ...]:
        """Return the fingerprints of the certificates that were issued."""
        found = []
        for pair in self._product.keys:
            body = self.seen.bodies.get(pair.certificate)
            if body is not None and not self.fault(pair):
                sha256 = digest("sha256", CertificateObject.parse(body).certificate)
                found.append(Fact(f"{pair.certificate} SHA-256", sha256.hex().upper()))
        return tuple(found)

    # A card that was begun

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: names of the states that do not hold."""
        self.run(self._plan.look, strict=False)
        found = [name for name in (CHUID, CAPABILITIES) if self.seen.bodies.get(name) != self._contents[name]]
        for pair in self._product.keys:
            known = self._notes.metadata.get(pair.name)
            if known is None or known.algorithm != pair.algorithm.reference:
                found += [pair.name, pair.certificate]
            elif pair.certificate not in self.seen.bodies or self.fault(pair):
                found.append(pair.certificate)
        return tuple(found)

    def seal_again(self) -> None:
        """Set the codes that are still those delivered: the card says which."""
        self.run(self._plan.codes, strict=True)
        metadata = dict(self._notes.metadata)
        seal = self._plan.parts[Part.SEAL]
        self.run(
            (step for step in seal if step.role is not Role.CHANGE or metadata[step.serves].delivered), strict=True
        )

    def fault(self, pair: KeyPair) -> str:
        """Return what is wrong with a certificate that was read; empty where nothing is."""
        public = self._notes.public.get(pair.name, b"")
        return fault(self._product, pair, self._open(pair.certificate), self.seen.bodies[pair.certificate], public)

    # Looking

    def _enter(self, step: Step) -> None:  # noqa: ARG002 - every handler takes its step
        self.seen.bodies[PIV] = self._client.select().build()

    def _read(self, step: Step) -> None:
        pair = self._pairs.get(step.serves)
        if step.serves == SERIAL:
            self.seen.bodies[SERIAL] = self._client.serial()
        else:
            tag = pair.slot.certificate if pair else OBJECTS[step.serves]
            self.seen.bodies[step.serves] = self._client.read(tag)

    def _query(self, step: Step) -> None:
        """Ask for metadata; that there is no key yet is an answer too."""
        pair = self._pairs.get(step.serves)
        try:
            found = self._client.metadata(step.command.p2)
        except NotFoundError:
            return
        self._notes.metadata[step.serves] = found
        algorithm = BY_REFERENCE.get(found.algorithm)
        if pair is not None and found.public and algorithm is not None:
            with card_at_fault(step.serves):
                self._notes.public[step.serves] = public_key_info(algorithm, found.public)

    def _refused(self, step: Step) -> None:
        """Send what must be refused; what is written is what stands there, should the card take it."""
        command = step.command
        if step.content:
            command = commands.put_data(OBJECTS[step.content], tlv.build(CONTAINER, self._open(step.content)))
        self._notes.answers[step.serves] = self._channel.send(command).sw

    def _prove(self, step: Step) -> None:
        """Let a key sign or agree on a secret, and hold it against its certificate."""
        pair = self._pairs[step.serves]
        body = self.seen.bodies.get(pair.certificate)
        if body is None:
            raise ProtocolError(f"{step.serves}: no certificate to prove it against")
        with card_at_fault(pair.certificate):
            public_key = key_in(body)
        proves = self._client.agrees if pair.agrees else self._client.signs
        if not proves(pair.slot, pair.algorithm, public_key, self._random):
            raise AuthenticationError(f"{step.serves}: its answer is not by the key of its certificate")
        self._notes.proven.add(step.serves)

    # Writing

    def _generate(self, step: Step) -> None:
        pair = self._pairs[step.serves]
        self._notes.public[step.serves] = self._client.generate(pair.slot, pair.algorithm)

    def _write(self, step: Step) -> None:
        pair = self._pairs.get(step.serves)
        content = self._open(step.content)
        if pair is None:
            self._client.write(OBJECTS[step.serves], content)
            return
        if pair.name not in self._notes.public:
            raise ProtocolError(f"{step.serves}: the card does not tell the public key of {pair.slot.name}")
        public_key = self._notes.public[pair.name]
        self._client.write(pair.slot.certificate, issue(self._product, pair, content, public_key, self._working()[0]))

    def _change(self, step: Step) -> None:
        new = self._code(step.serves)
        if step.serves == MANAGEMENT:
            algorithm = MANAGEMENT_ALGORITHMS[self._product.block.codes.management_algorithm]
            command = commands.set_management_key(algorithm, new)
        else:
            command = commands.change(CODES[step.serves], self._delivered(step.serves), new)
        self._client.send(command, f"change of {step.serves}")

    # Codes

    def _present_pin(self, step: Step) -> None:
        """Present the PIN that is in force, which the card's metadata tell; never to a counter that is not full."""
        known = self._guard(PIN)
        self._client.send(commands.verify(self._delivered(PIN) if known.delivered else self._code(PIN)), step.serves)
        self._notes.proven.add(PIN)

    def _present_puk(self, step: Step) -> None:
        """Prove the PUK by setting the PIN there is once more; its counter is full before, for it is after."""
        self._guard(PIN)
        if self._guard(PUK).delivered:
            raise AuthenticationError("PUK: still the one delivered")
        self._client.send(commands.unblock(self._code(PUK), self._code(PIN)), step.serves)
        self._notes.proven.add(PUK)

    def _guard(self, name: str) -> Metadata:
        known = self._notes.metadata.get(name)
        if known is None or name in self._notes.troubles:
            raise CounterGuardError(f"{name}: {self._notes.troubles.get(name, 'its counter was not read')}")
        if known.left < known.tries:
            raise CounterGuardError(f"{name}: {known.left} of {known.tries} tries left, expected all")
        return known

    def _authenticate(self, step: Step) -> None:
        key = self._code(step.content) if step.content else self._delivered(MANAGEMENT)
        self._client.authenticate(_ALGORITHM_NAMES[step.command.p1], key, self._random)
        self._notes.proven.add(MANAGEMENT)

    def _delivered(self, name: str) -> Secret:
        if name not in self._transport:
            raise AuthenticationError(f"{name}: still the one delivered")
        return self._transport[name]
