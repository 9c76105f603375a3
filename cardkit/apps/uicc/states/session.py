"""One UICC on one powered card: sends planned steps and keeps what it saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.uicc.states.aka import PROVEN, AkaProof, algorithm_of
from cardkit.apps.uicc.states.product import CHANGE, TRANSPORT, Product
from cardkit.apps.uicc.states.route import BY_PATH
from cardkit.apps.uicc.states.scripts import Proof, Scripts
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.desired import Content, Event, IntentEvent, Observations, Role, Step
from cardkit.errors import AuthenticationError, CounterGuardError, ProfileError, StatusError

OK = 0x9000
NOT_SENT = "not checked"
TRIES_LEFT = 0x63C0
SECURITY_STATUS = 0x6982

Emit = Callable[[Event], None]


class UiccSession:
    """Runs the steps of one card.

    :param contents: the card's contents by state name.  :param transport: values of secrets as delivered, by name.
    :param emit: receives an event and returns when it is durable.
    :ivar seen: what the card showed.  :ivar current: the step under way.
    """

    def __init__(
        self,
        product: Product,
        scripts: Scripts,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],
        emit: Emit,
    ) -> None:
        self._product = product
        self._scripts = scripts
        self._contents = dict(contents)
        for name, secret in transport.items():
            self._contents[name + TRANSPORT] = (secret,)
            self._contents[name + CHANGE] = (secret, *_parts(contents[name]))
        self._channel = channel
        self._emit = emit
        self._strict = True
        self._lost_place = ""
        self._lost_file = ""
        self._left: dict[str, int] = {}
        self._aka: dict[str, AkaProof] = {}
        self._proofs = {proof.name: proof for proof in scripts.proofs}
        self.seen = Observations()
        self.current: Step | None = None
        self._handlers: dict[Role, Callable[[Step], None]] = {
            Role.ENTER: self._enter,
            Role.SELECT: self._select,
            Role.READ: self._read,
            Role.GONE: self._gone,
            Role.WRITE: self._write,
            Role.QUERY: self._query,
            Role.PRESENT: self._present,
            Role.CHANGE: self._change,
            Role.DELETE: self._delete,
            Role.PROVE: self._prove,
        }

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept, and what hangs on it is left out.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        self._strict = strict
        handlers = self._handlers
        for step in steps:
            self.current = step
            if self._lost_place and self._is_lost(step):
                continue
            handlers[step.role](step)

    def restarted(self) -> None:
        """The card was reset: nothing is selected or opened."""
        self._lost_place = self._lost_file = ""
        self._left.clear()

    def identity(self) -> tuple[str, bytes | None]:
        """Return chip id (hexadecimal digits) and marker; None where the marker's home is gone.

        :raises StatusError: when the card has no chip id: it is not this chip.
        """
        chip_id = self.seen.bodies.get(self._product.identity.name)
        if chip_id is None:
            name = self._product.identity.name
            raise StatusError(f"{name}: read the chip's own number", self.seen.words.get(name, 0))
        return chip_id.hex().upper(), self.seen.bodies.get(self._product.marker.name)

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: names of the states that do not hold or cannot be seen."""
        probe = self._scripts.probe()
        self.run(probe, strict=False)
        locked = any(self.seen.words.get(step.serves) == SECURITY_STATUS for step in probe)
        self.run(self._scripts.look(locked=locked), strict=False)
        bodies = self.seen.bodies
        names = [target.name for target in self._product.written]
        return tuple(name for name in names if bodies.get(name) != self._contents[name])

    # Sending

    def _send(self, step: Step, data: Content = b"") -> ResponseAPDU:
        command = step.command
        if step.content:
            command = CommandAPDU(command.cla, command.ins, command.p1, command.p2, data, command.ne)
        return self._channel.send(command)

    def _content(self, step: Step) -> Content:
        content = self._contents[step.content]
        if step.span is None:
            return content
        if not isinstance(content, bytes):
            raise ProfileError(f"{step.serves}: a secret longer than 255 bytes cannot be sent in pieces")
        offset, length = step.span
        return content[offset : offset + length]

    def _wrong(self, step: Step, response: ResponseAPDU) -> None:
        """Raise when strict, else keep the status word."""
        if self._strict:
            expected = " or ".join(f"{sw:04X}" for sw in step.sw)
            raise StatusError(f"{step.serves}: {step.role}", response.sw, expected=expected)
        self.seen.words[step.serves] = response.sw

    # Selection

    def _is_lost(self, step: Step) -> bool:
        """Whether the step needs a directory or file that could not be selected."""
        if step.role is Role.ENTER or step.place != self._lost_place:
            self._lost_place = self._lost_file = ""
            return False
        if not self._lost_file or (step.serves == self._lost_file and step.role is not Role.SELECT):
            self.seen.words.setdefault(step.serves, self.seen.words[""])
            return True
        return False

    def _enter(self, step: Step) -> None:
        response = self._send(step)
        if not _done(response.sw):
            self._lost(step, response, file="")

    def _select(self, step: Step) -> None:
        response = self._send(step)
        if not _done(response.sw):
            whole = step.command.p1 == BY_PATH
            self._lost(step, response, file="" if whole else step.serves)

    def _lost(self, step: Step, response: ResponseAPDU, *, file: str) -> None:
        self._wrong(step, response)
        self._lost_place, self._lost_file = step.place, file
        self.seen.words[""] = response.sw

    # Files

    def _read(self, step: Step) -> None:
        response = self._send(step)
        bodies = self.seen.bodies
        if response.sw == OK or response.sw >> 8 == 0x91:
            first = step.span is None or step.span[0] == 0
            bodies[step.serves] = response.data if first else bodies.get(step.serves, b"") + response.data
            self.seen.words.pop(step.serves, None)
        else:
            bodies.pop(step.serves, None)
            self._wrong(step, response)

    def _gone(self, step: Step) -> None:
        response = self._send(step)
        self.seen.notes[step.serves] = response.sw
        if response.sw not in step.sw and self._strict:
            self._wrong(step, response)

    def _write(self, step: Step) -> None:
        response = self._send(step, self._content(step))
        # 63CX after an update: done after X internal retries (TS 102 221 10.2.1.4).
        if not _done(response.sw) and response.sw >> 4 != TRIES_LEFT >> 4:
            self._wrong(step, response)

    def _delete(self, step: Step) -> None:
        self._intent(step, step.serves)
        response = self._send(step)
        if not _done(response.sw):
            self._wrong(step, response)

    # Secrets

    def _intent(self, step: Step, key_ref: str) -> None:
        self._emit(IntentEvent(f"{step.serves}: {step.role}", key_ref, self._left.get(key_ref, -1)))

    def _query(self, step: Step) -> None:
        response = self._send(step)
        key_ref = _key_ref(step)
        self.seen.notes[f"counter {key_ref}"] = response.sw
        self._left[key_ref] = response.sw & 0x0F if response.sw >> 4 == TRIES_LEFT >> 4 else 0
        if response.sw not in step.sw and self._strict:
            raise CounterGuardError(
                f"{step.serves}: key reference {step.command.p2:02X} answers {response.sw:04X}, "
                f"expected {step.sw[0]:04X}: a secret is presented only to a full counter"
            )

    def _full(self, step: Step, key_ref: str) -> bool:
        full = self.seen.notes.get(f"counter {key_ref}")
        return isinstance(full, int) and full == TRIES_LEFT | self._tries(step)

    def _tries(self, step: Step) -> int:
        return next(a.tries for a in self._product.chip.secrets.values() if a.reference == step.command.p2)

    def _present(self, step: Step) -> None:
        key_ref = _key_ref(step)
        if not self._full(step, key_ref):
            self.seen.notes[f"presented {step.serves}"] = NOT_SENT
            return
        self._intent(step, key_ref)
        response = self._send(step, self._contents[step.content])
        self.seen.notes[f"presented {step.serves}"] = response.sw
        if not _done(response.sw) and self._strict:
            raise AuthenticationError(
                f"{step.serves}: the card refused it with {response.sw:04X}; it is not tried again"
            )

    def _change(self, step: Step) -> None:
        key_ref = _key_ref(step)
        self._intent(step, key_ref)
        response = self._send(step, self._contents[step.content])
        self.seen.notes[f"changed {step.serves}"] = response.sw
        if not _done(response.sw) and self._strict:
            raise AuthenticationError(
                f"{step.serves}: {step.role} was refused with {response.sw:04X}; it is not tried again"
            )

    # Proofs

    def _prove(self, step: Step) -> None:
        proof = self._proofs[step.content]
        aka = self._aka_of(proof)
        rand = self._contents[proof.rand]
        assert isinstance(rand, bytes)
        challenge = aka.challenge(proof.kind, rand)
        if isinstance(challenge, str):
            self.seen.notes[proof.name] = challenge
            return
        outcome = aka.judge(proof.kind, rand, self._send(step, challenge))
        self.seen.notes[proof.name] = outcome
        if aka.sqn_ms is not None:
            self.seen.notes.setdefault(f"SQN before {proof.place}", aka.sqn_ms)
            self.seen.notes[f"SQN {proof.place}"] = aka.sqn_ms
        if outcome != PROVEN and self._strict:
            raise AuthenticationError(f"{proof.state}: {outcome}")

    def _aka_of(self, proof: Proof) -> AkaProof:
        if proof.place not in self._aka:
            _, k, opc = _parts(self._contents[proof.state])
            assert isinstance(k, Secret)
            assert isinstance(opc, Secret)
            auth = self._product.auth
            kc = self._product.answers_kc and proof.place == "ADF.USIM"
            self._aka[proof.place] = AkaProof(algorithm_of(auth, k, opc), auth, kc=kc)
        return self._aka[proof.place]


def _done(sw: int) -> bool:
    """9000, or 91xx: done, a proactive command waits (TS 102 221 10.2.1.1)."""
    return sw == OK or sw >> 8 == 0x91


def _parts(content: Content) -> tuple[bytes | Secret, ...]:
    return (content,) if isinstance(content, bytes) else content


def _key_ref(step: Step) -> str:
    """The name of the counter a step is about: reference, and PUK where it is the PUK's."""
    return f"{'PUK ' if step.command.ins == 0x2C else ''}{step.command.p2:02X}"
