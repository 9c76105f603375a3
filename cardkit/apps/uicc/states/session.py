"""One UICC on one powered card: sends planned steps and keeps what it saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.uicc.client import is_done
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.names import PIN1
from cardkit.apps.uicc.states.aka import PROVEN
from cardkit.apps.uicc.states.building import Creation
from cardkit.apps.uicc.states.codes import Codes, full_tries
from cardkit.apps.uicc.states.mistreating import REWRITTEN, rewritten
from cardkit.apps.uicc.states.product import CHANGE, MARKER_STARTED, NUMBER, TRANSPORT, Product
from cardkit.apps.uicc.states.proving import Prover
from cardkit.apps.uicc.states.route import BY_PATH, FILE_NOT_FOUND, select_made
from cardkit.apps.uicc.states.scripts import Scripts
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.desired import Content, Fact, Observations, Part, Role, Step, Unmarked
from cardkit.errors import (
    AuthenticationError,
    CounterGuardError,
    EncodingError,
    ProfileError,
    ProtocolError,
    StatusError,
)

TRIES_LEFT = 0x63C0
# CREATE FILE: the identifier, the name exists (TS 102 222 6.3.3).
EXISTS = 0x6A89, 0x6A8A
# Reading by a short identifier: no such file; no MF, and so no file that could be current (TS 102 221 10.2.1.5).
NOTHING_THERE = FILE_NOT_FOUND, 0x6986
TAG_AT = 2
# Life cycle status bytes of an activated file (TS 102 221 11.1.1.4.9).
IN_USE = 0x05, 0x07
PARAMETERS = "FCP"
"""Notes of this name and a file's hold its file control parameters."""
SECURITY_STATUS = 0x6982
OWN_NUMBERS = {"iccid": NUMBER, "imsi": "ADF.USIM/EF.IMSI"}


class UiccSession:
    """Runs the steps of one card.

    :param contents: the card's contents by state name.  :param transport: values of secrets as delivered, by name.
    :ivar seen: what the card showed.  :ivar current: the step under way.
    """

    def __init__(
        self,
        product: Product,
        scripts: Scripts,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],
    ) -> None:
        self._product = product
        self._scripts = scripts
        self._contents = dict(contents)
        for name, secret in transport.items():
            self._contents[name + TRANSPORT] = (secret,)
            if name in contents:
                self._contents[name + CHANGE] = (secret, *_parts(contents[name]))
        self._channel = channel
        self._strict = True
        self._lost_place = ""
        self._lost_file = ""
        self._prover = Prover(product, scripts, self._contents)
        self.seen = Observations()
        tag = self._contents.get(MARKER_STARTED, b"")
        self._codes = Codes(channel, self.seen.notes, Secret(tag if isinstance(tag, bytes) else b"", "digest key"))
        self.current: Step | None = None
        self._handlers: dict[Role, Callable[[Step], None]] = {
            Role.ENTER: self._enter,
            Role.SELECT: self._select,
            Role.READ: self._read,
            Role.GONE: self._gone,
            Role.CREATE: self._create,
            Role.ACTIVATE: self._activate,
            Role.DEACTIVATE: self._change_state,
            Role.WRITE: self._write,
            Role.QUERY: self._query,
            Role.PRESENT: self._present,
            Role.CHANGE: self._change,
            Role.DELETE: self._change_state,
            Role.PROVE: self._prove,
        }

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept, and what hangs on it is left out.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        self._strict = strict
        for step in steps:
            self.current = step
            if strict or not self._lost_place or not self._is_lost(step):
                self._send_step(step)

    def _send_step(self, step: Step) -> None:
        self._handlers[step.role](step)

    def restarted(self) -> None:
        """The card was reset: nothing is selected or opened, and nothing seen before counts any more."""
        self._lost_place = self._lost_file = ""
        self.seen = Observations()
        self._prover.restarted()
        self._codes.restarted(self.seen.notes)

    def identities(self) -> dict[str, str]:
        """Return ICCID and IMSI as they were read: no two cards share one."""
        bodies = self.seen.bodies
        return {kind: bodies[name].hex() for kind, name in OWN_NUMBERS.items() if name in bodies}

    def mistreat(self) -> None:
        """Update a file of the subscriber's with what it holds, before PIN1 is presented and after."""
        if self._is_another_card():
            return
        pin = next((pin for pin in self._product.pins if pin.block.enabled and pin.access.reference == PIN1), None)
        if pin is not None:
            codes = [part for part in _parts(self._contents[pin.access.name]) if isinstance(part, Secret)]
            self.seen.notes[REWRITTEN] = rewritten(self._channel, self.seen.bodies, pin.access, codes)

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return chip id (hexadecimal digits) and marker; None where the marker's home is gone.

        :raises StatusError: when either cannot be read: nobody can say which card this is.
        """
        if self._product.identity is None:
            return self._assigned()
        chip_id, marker = (self._product.identity.name, self._product.marker.name)
        bodies, words = self.seen.bodies, self.seen.words
        unread = next((name for name in (chip_id, marker) if name not in bodies), None)
        if unread == chip_id or (unread == marker and words.get(marker) != FILE_NOT_FOUND):
            raise StatusError(f"{unread}: read to identify the chip", words.get(unread, 0))
        return bodies[chip_id].hex().upper(), bodies.get(marker)

    def _assigned(self) -> tuple[str, bytes | Unmarked | None]:
        """A chip without a number has the marker's tag for one, from the first write on.

        Without a marker it is finished if it has an ICCID, else as delivered: a file system that is only begun holds
        nothing of a record.
        """
        home, bodies = self._product.marker.name, self.seen.bodies
        planned = self._contents.get(MARKER_STARTED, b"")
        assert isinstance(planned, bytes)
        if home in bodies:
            marker = bodies[home]
            named = marker if marker.strip(b"\xff") else planned
            return named[TAG_AT:].hex().upper(), marker
        sw = self.seen.words.get(home, 0)
        if sw not in NOTHING_THERE:
            raise StatusError(f"{home}: read to identify the chip", sw)
        return planned[TAG_AT:].hex().upper(), None if NUMBER in bodies else Unmarked.BLANK

    def number(self) -> str:
        """Read the ICCID, after a reset.

        :raises StatusError: when the card refuses.  :raises ProtocolError: when it holds no ICCID.
        """
        self.run(self._scripts.number(), strict=True)
        value = CATALOGUE[NUMBER].decode(self.seen.bodies[NUMBER])
        if "iccid" not in value:
            raise ProtocolError(f"{NUMBER}: got {self.seen.bodies[NUMBER].hex().upper()}, expected an ICCID")
        return str(value["iccid"])

    def facts(self) -> tuple[Fact, ...]:
        """Return the sequence numbers the card ended with, by application."""
        notes = self.seen.notes.items()
        return tuple(
            Fact(name, str(value)) for name, value in notes if name.startswith("SQN ") and "before" not in name
        )

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: names of the states that do not hold or cannot be seen."""
        probe = self._scripts.probe()
        self.run(probe, strict=False)
        locked = any(self.seen.words.get(step.serves) == SECURITY_STATUS for step in probe)
        self.run(self._scripts.look(locked=locked), strict=False)
        bodies = self.seen.bodies
        names = [target.name for target in self._product.written]
        names += [application.name for application in self._product.stored]
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
        if not self._lost_file or (_file_of(step) == self._lost_file and step.role is not Role.SELECT):
            self.seen.words.setdefault(step.serves, self.seen.words[""])
            return True
        return False

    def _enter(self, step: Step) -> None:
        response = self._send(step)
        if not is_done(response.sw):
            self._lost(step, response, file="")
        self._keep_parameters(step, response)

    def _select(self, step: Step) -> None:
        response = self._send(step)
        if not is_done(response.sw) and response.sw not in step.sw:
            whole = step.command.p1 == BY_PATH
            self._lost(step, response, file="" if whole else _file_of(step))
        self._keep_parameters(step, response)

    def _keep_parameters(self, step: Step, response: ResponseAPDU) -> None:
        if step.command.ne and (is_done(response.sw) or response.sw in step.sw):
            self.seen.notes[f"{PARAMETERS} {step.serves}"] = response.data

    def _lost(self, step: Step, response: ResponseAPDU, *, file: str) -> None:
        self._wrong(step, response)
        self._lost_place, self._lost_file = step.place, file
        self.seen.words[""] = response.sw

    # Files

    def _read(self, step: Step) -> None:
        response = self._send(step)
        bodies = self.seen.bodies
        if is_done(response.sw):
            first = step.span is None or step.span[0] == 0
            bodies[step.serves] = response.data if first else bodies.get(step.serves, b"") + response.data
            self.seen.words.pop(step.serves, None)
        else:
            bodies.pop(step.serves, None)
            self._wrong(step, response)

    def _gone(self, step: Step) -> None:
        self.seen.notes[step.serves] = self._send(step).sw

    def _create(self, step: Step) -> None:
        """Make a file; one that exists must have the attributes it would have got."""
        response = self._send(step)
        if response.sw not in EXISTS:
            if not is_done(response.sw):
                self._wrong(step, response)
            return
        creation, found = self._made(step)
        other = creation.differences(found)
        if other:
            raise ProtocolError(f"{creation.name} exists, but not as it would have been made: {'; '.join(other)}")

    def _activate(self, step: Step) -> None:
        """Put a file into use; what is in use already may refuse to be so again."""
        response = self._send(step)
        if not is_done(response.sw) and self._made(step)[1].life_cycle not in IN_USE:
            self._wrong(step, response)

    def _made(self, step: Step) -> tuple[Creation, Fcp]:
        """Select what a step makes, and read its parameters."""
        chip = self._product.chip
        creation = chip.creation(step.serves)
        found = self._channel.send(select_made(creation, chip.places.get(creation.name, creation.place)))
        if not is_done(found.sw):
            raise StatusError(f"{step.serves}: select what exists", found.sw, expected="9000")
        try:
            return creation, Fcp.parse(found.data)
        except EncodingError as error:
            raise ProtocolError(f"{step.serves}: {error}") from None

    def _write(self, step: Step) -> None:
        response = self._send(step, self._content(step))
        # 63CX after an update: done after X internal retries (TS 102 221 10.2.1.4).
        if not is_done(response.sw) and response.sw >> 4 != TRIES_LEFT >> 4:
            self._wrong(step, response)

    def _change_state(self, step: Step) -> None:
        response = self._send(step)
        if not is_done(response.sw):
            self._wrong(step, response)

    # Secrets

    def _query(self, step: Step) -> None:
        status = self._codes.query(step)
        if self._strict and status.left != step.sw[0] & 0x0F:
            raise CounterGuardError(
                f"{step.serves}: key reference {step.command.p2:02X}: {status}, expected {step.sw[0] & 0x0F} tries left"
            )

    def _is_another_card(self) -> bool:
        """Whether a card under check has not told the record's ICCID: no secret of the record is for it."""
        expected = self._contents.get(NUMBER)
        return not self._strict and expected is not None and self.seen.bodies.get(NUMBER) != expected

    def _present(self, step: Step) -> None:
        if self._is_another_card():
            return
        (code, *_) = self._secrets(step)
        self._guarded(lambda: self._codes.present(step, code))

    def _change(self, step: Step) -> None:
        if self._is_another_card():
            return
        first, second = self._secrets(step)
        self._guarded(lambda: self._codes.exchange(step, first, second))

    def _guarded(self, act: Callable[[], None]) -> None:
        """A refusal is an error when strict; else the notes have it."""
        try:
            act()
        except (AuthenticationError, StatusError):
            if self._strict:
                raise

    def _secrets(self, step: Step) -> list[Secret]:
        return [part for part in _parts(self._contents[step.content]) if isinstance(part, Secret)]

    def seal_again(self) -> None:
        """Seal a card whose marker says that sealing may have begun.

        The administrative key has the delivered value or the final one. The final one is tried first, once; if the card
        refuses it, or has lost exactly one try already, the delivered value is in force.

        :raises AuthenticationError: when neither can be in force.
        """
        seal = {role: [step for step in self._scripts.parts[Part.SEAL] if step.role is role] for role in Role}
        self.run(seal[Role.ENTER], strict=True)
        if not self._is_final_key(seal[Role.QUERY][0]):
            (delivered,) = seal[Role.PRESENT]
            self.current = delivered
            self._codes.present(delivered, self._secrets(delivered)[0], released=True)
            self.run(seal[Role.CHANGE], strict=True)
        self.run(seal[Role.DELETE], strict=True)

    def _is_final_key(self, query: Step) -> bool:
        """Present the final key if no try has been spent; whether the card took it."""
        final = next(step for step in self._scripts.parts[Part.STRANGER] if step.role is Role.PRESENT)
        if self._codes.query(query).left != full_tries(final):
            return False
        self.current = final
        try:
            self._codes.present(final, self._secrets(final)[0])
        except CounterGuardError:
            raise
        except AuthenticationError:
            self._codes.query(query)
            return False
        return True

    # Proofs

    def _prove(self, step: Step) -> None:
        outcome = self._prover.prove(step, self._send, self.seen.notes)
        if outcome not in (None, PROVEN) and self._strict:
            raise AuthenticationError(f"{step.serves}: {outcome}")


def _file_of(step: Step) -> str:
    return step.serves.partition("#")[0]


def _parts(content: Content) -> tuple[bytes | Secret, ...]:
    return (content,) if isinstance(content, bytes) else content
