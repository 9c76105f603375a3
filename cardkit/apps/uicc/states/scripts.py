"""The commands of one product, planned once: every card of a profile gets the same steps with other contents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from cardkit.apps.uicc.admin import NewDirectory
from cardkit.apps.uicc.names import PIN1
from cardkit.apps.uicc.states.aka import LOCKED, SECURITY_STATUS
from cardkit.apps.uicc.states.authentication import answer_bytes
from cardkit.apps.uicc.states.building import Creation
from cardkit.apps.uicc.states.concealing import CALLS, KEYS
from cardkit.apps.uicc.states.product import (
    CHANGE,
    MARKER_REMOVED,
    MARKER_STARTED,
    MARKER_VERIFIED,
    NUMBER,
    TRANSPORT,
    UNBLOCK,
    KeyFile,
    Pin,
    Product,
)
from cardkit.apps.uicc.states.route import CHANGE_PIN, MAC_FAILURE, UNBLOCK_PIN, Route, in_order
from cardkit.apps.uicc.states.storing import DOMAIN
from cardkit.apps.uicc.states.targets import MF, Target
from cardkit.desired import Access, Part, Phase, Step

# Answer of AUTHENTICATE: DC 0E AUTS (TS 31.102 7.1.2.1).
AUTS_ANSWER = 16
# What the fence makes on a card without files: the MF and the marker's home.
FENCE_CREATIONS = 2
# The application that answers GET IDENTITY, and adds Kc to the keys of AUTHENTICATE.
IDENTITY_PLACE = "ADF.USIM"
STRANGER = "stranger "
"""What the notes of files begin with that a stranger tried to read."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One AUTHENTICATE.

    :param kind: ``stale``, ``flipped``, ``fresh``, ``replayed``, ``leaping``, ``gsm`` or ``locked``.
    :param rand: name of its challenge.
    """

    place: str
    state: str
    kind: str
    rand: str

    @property
    def name(self) -> str:
        """Name of its data field, which the session makes."""
        return f"{self.place} {self.kind} {self.rand[-1]}"


def proofs_of(key: KeyFile, *, probe_delta: bool = False) -> tuple[Proof, ...]:
    """Return what proves one key file.

    One whose sequence numbers the plant sets gets a second challenge and the fresh AUTN with its replay; of any other,
    K and OPc are proven by one AUTS.

    :param probe_delta: with an AUTN whose SQN leaps too far.
    """
    first, second, third = key.rands()
    if key.slot.proof == "gsm":
        kinds = [("gsm", first)]
    elif key.is_counted:
        kinds = [("stale", first), ("stale", second), ("flipped", second), ("fresh", third), ("replayed", third)]
        kinds += [("leaping", second)] if probe_delta else []
    else:
        kinds = [("stale", first), ("flipped", first)]
    return tuple(Proof(key.place, key.name, kind, rand) for kind, rand in kinds)


class Scripts:
    """The planner at work on one product.

    :ivar proofs: in the order they are asked for.  :ivar locked: those a survey asks for before PIN1 is presented.
    :ivar proof: by the name of its data field.
    :ivar concealing: what the card's own SUCIs must say, None where it makes none.
    :ivar parts: the steps a blank card gets, by part.  :ivar survey: a check of a finished card.
    """

    def __init__(self, product: Product) -> None:
        self._product = product
        self._opener = product.opener
        self._creations = product.chip.creations
        self._number = product.chip.target(NUMBER)
        self.concealing = product.concealing
        self._read = in_order(product.read)
        self.proofs = self._proofs()
        self._asked = {pin.access.name for pin in product.pins if pin.block.enabled}
        self.locked = tuple(self._locked())
        self.proof = {proof.name: proof for proof in (*self.proofs, *self.locked)}
        self.parts = self._fresh()
        self.survey = self._survey()

    def _proofs(self) -> tuple[Proof, ...]:
        probe = self._product.auth.probe_delta
        return tuple(p for key in self._product.keys for p in proofs_of(key, probe_delta=probe))

    def _locked(self) -> Iterator[Proof]:
        """What PIN1 guards: the first key of an application that answers to 3G challenges, if PIN1 is asked for."""
        asked = any(pin.access.reference == PIN1 and pin.access.name in self._asked for pin in self._product.pins)
        keys = [key for key in self._product.keys if key.slot.proof == "aka"]
        for key in keys[:1] if asked else ():
            yield Proof(key.place, key.name, LOCKED, key.rands()[0])

    def _fresh(self) -> dict[Part, tuple[Step, ...]]:
        route = Route(Phase.FENCE)
        self._fence(route)
        fence = route.take()
        route.phase = Phase.WRITE
        self._write(route, self._product.written)
        self._store(route, again=False)
        write = route.take()
        route.reset()
        self._check(route)
        check = route.take()
        route.phase = Phase.SEAL
        self._seal(route)
        seal = route.take()
        route.reset()
        self._stranger(route)
        return {
            Part.FENCE: fence,
            Part.WRITE: write,
            Part.CHECK: check,
            Part.SEAL: seal,
            Part.STRANGER: route.take(),
        }

    def look(self, *, locked: bool) -> tuple[Step, ...]:
        """Read what a card that is begun holds, after :meth:`probe`, wherever that has led.

        :param locked: PIN1 is in force already.
        """
        route = Route(Phase.VERIFY, place="")
        for target in in_order(content.target for content in self._product.files):
            if locked:
                self._open(route, target)
            route.read(target)
        return route.take()

    def probe(self) -> tuple[Step, ...]:
        """Read one file that PIN1 protects, after a reset: shows whether PIN1 is in force."""
        route = Route(Phase.VERIFY)
        guarded = [target for target in self._read if target.read is not None]
        if guarded:
            route.read(guarded[0])
        return route.take()

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Write these files, after a reset."""
        route = Route(Phase.WRITE)
        self._write(route, [target for target in self._product.written if target.name in names])
        self._store(route, again=True)
        return route.take()

    def identify(self) -> tuple[Step, ...]:
        """Read chip id and marker, after a reset."""
        route = Route(Phase.FENCE)
        self._identify(route)
        return route.take()

    def _identify(self, route: Route) -> None:
        """Read what names the chip, and the marker; a chip without a number is finished if it has an ICCID."""
        product = self._product
        for target in (product.identity, product.marker) if product.identity else (product.marker, self._number):
            route.read(target)

    def number(self) -> tuple[Step, ...]:
        """Read the ICCID, after a reset."""
        route = Route(Phase.VERIFY)
        route.read(self._number)
        return route.take()

    def _fence(self, route: Route) -> None:
        product = self._product
        self._identify(route)
        route.present(self._opener, self._opener.name + TRANSPORT)
        for creation in self._creations[:FENCE_CREATIONS]:
            route.create(creation)
        route.write(product.marker, serves=MARKER_STARTED, content=MARKER_STARTED)

    def _write(self, route: Route, targets: Iterable[Target]) -> None:
        if self._creations:
            self._build(route, tuple(targets))
            return
        idle = {target.name for target in self._product.deactivated}
        for target in in_order((*targets, *self._product.deactivated)):
            if target.name in idle:
                route.deactivate(target, serves=target.idle_state)
            else:
                self._write_one(route, target)

    def _store(self, route: Route, *, again: bool) -> None:
        """Bring what no file takes, last of all: another application is selected then."""
        store = self._product.store
        if store is not None:
            route.take_over(store.steps(self._product.stored, route.phase, again=again), place=DOMAIN)

    def _build(self, route: Route, targets: tuple[Target, ...]) -> None:
        """Make every file, and write it while it is current; one that is there already is only selected."""
        route.present(self._opener, self._opener.name + TRANSPORT)
        for creation in self._creations[FENCE_CREATIONS:]:
            route.create(creation)
            for target in targets:
                if target.file == creation.name:
                    self._write_one(route, target)
            if creation.is_opened:
                route.activate(creation)

    @staticmethod
    def _write_one(route: Route, target: Target) -> None:
        if target.update is not None:
            route.present(target.update, target.update.name + TRANSPORT)
        route.write(target)

    def _check(self, route: Route) -> None:
        route.phase = Phase.VERIFY
        route.read(self._product.marker)
        self._examine(route, adms=False)

    def _survey(self) -> tuple[Step, ...]:
        route = Route(Phase.VERIFY)
        route.gone(self._product.marker, serves=MARKER_REMOVED)
        self._prove_locked(route)
        self._examine(route, adms=True)
        return route.take()

    def _stranger(self, route: Route) -> None:
        """What anybody can see of the sealed card: which one it is, no marker; and its administrative key."""
        route.phase = Phase.VERIFY
        route.gone(self._product.marker, serves=MARKER_REMOVED)
        route.read(self._number)
        self._prove_adms(route)

    def _prove_adms(self, route: Route) -> None:
        for adm in self._product.adms:
            route.present(adm.access, adm.access.name)

    def _examine(self, route: Route, *, adms: bool) -> None:
        """Read every file, prove every PIN and key: directory by directory, the MF with the card's number first."""
        product = self._product
        made = [creation.name for creation in self._creations if isinstance(creation.new, NewDirectory)]
        read = [target.place.name for target in self._read]
        places = dict.fromkeys([MF, *made, *read, *(key.place for key in product.keys)])
        for place in places:
            self._read_place(route, place)
            if adms and place == MF:
                self._prove_adms(route)
            for pin in product.pins:
                if place == (pin.access.scope or MF):
                    self._prove_pin(route, pin)
            for key in product.keys:
                if place == key.place:
                    self._prove_key(route, key)
            if place == IDENTITY_PLACE:
                self._prove_identity(route)

    def _prove_locked(self, route: Route) -> None:
        """Ask for an authentication, and for one file that a PIN guards, before anything is presented."""
        route.phase = Phase.PROVE
        for proof in self.locked:
            route.enter(self._product.chip.places[proof.place], proof.state)
            route.prove(proof.state, proof.name, answer=0, sw=SECURITY_STATUS)
        route.phase = Phase.VERIFY
        guarded = [target for target in self._read if target.read is not None and target.read.name in self._asked]
        for target in guarded[:1]:
            route.shut(target, serves=STRANGER + target.name)

    def _read_place(self, route: Route, place: str) -> None:
        targets = [target for target in self._read if target.place.name == place]
        for creation in self._creations:
            if place == (creation.name if isinstance(creation.new, NewDirectory) else creation.place.name):
                self._look_at(route, creation, place, [target for target in targets if target.file == creation.name])
        for target in targets if not self._creations else ():
            self._open(route, target)
            route.read(target)
        for target in self._product.deactivated:
            if target.place.name == place:
                self._open(route, target)
                route.idle(target)

    def _look_at(self, route: Route, creation: Creation, place: str, targets: Iterable[Target]) -> None:
        """Ask what was made for its attributes, and read it while it is current."""
        if creation.name != self._product.marker.name:
            route.attributes(creation, self._product.chip.places[place])
        for target in targets:
            self._open(route, target)
            route.read(target)

    def _open(self, route: Route, target: Target) -> None:
        access = target.read
        if access is not None and access.name in self._asked:
            route.present(access, access.name)

    def _prove_pin(self, route: Route, pin: Pin) -> None:
        name, access = pin.target.name, pin.access
        route.phase = Phase.VERIFY
        if access.scope:
            route.enter(self._product.chip.places[access.scope], name)
        if pin.block.enabled:
            route.present(access, access.name, serves=name)
        model = self._product.chip.models[access.name]
        puk = Access(f"PUK of {access.name}", access.reference, model.unblock_tries, access.scope)
        route.query(puk, ins=UNBLOCK_PIN, serves=name)
        if pin.block.prove_puk and pin.block.enabled:
            route.exchange(puk, UNBLOCK_PIN, access.name + UNBLOCK, serves=name)

    def _prove_key(self, route: Route, key: KeyFile) -> None:
        route.phase = Phase.PROVE
        route.enter(self._product.chip.places[key.place], key.name)
        for proof in self.proofs:
            if proof.state != key.name:
                continue
            if proof.kind == "gsm":
                route.prove_gsm(proof.state, proof.name)
            elif proof.kind == "flipped":
                route.prove(proof.state, proof.name, answer=0, sw=MAC_FAILURE)
            else:
                route.prove(proof.state, proof.name, answer=self._answer(proof))
        route.phase = Phase.VERIFY

    def _answer(self, proof: Proof) -> int:
        if proof.kind != "fresh":
            return AUTS_ANSWER
        with_kc = self._product.answers_kc and proof.place == IDENTITY_PLACE
        return answer_bytes(self._product.auth, kc=with_kc)

    def _prove_identity(self, route: Route) -> None:
        if self.concealing is None:
            return
        route.phase = Phase.PROVE
        route.enter(self._product.chip.places[IDENTITY_PLACE], KEYS)
        for call in CALLS:
            route.ask_identity(KEYS, call, answer=self.concealing.answer_bytes)
        route.phase = Phase.VERIFY

    def _seal(self, route: Route) -> None:
        product = self._product
        route.enter(product.marker.place, MARKER_VERIFIED)
        route.present(self._opener, self._opener.name + TRANSPORT)
        route.write(product.marker, serves=MARKER_VERIFIED, content=MARKER_VERIFIED)
        for adm in product.adms:
            route.exchange(adm.access, CHANGE_PIN, adm.access.name + CHANGE, serves=adm.access.name)
        route.delete(product.marker, serves=MARKER_REMOVED)
