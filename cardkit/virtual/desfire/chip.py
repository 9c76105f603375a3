"""A DESFire chip: who answers which frame, chains, all or nothing per command (sheet 1, 3.1, 3.15, 3.17)."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from ..errors import WriteFailedError
from ..gp.journal import Journal
from ..memory import Memory
from . import authenticate, iso, reader, statuses, wire
from .call import Answer, Call, Level, Spec
from .commands import AUTHENTICATIONS, COMMANDS
from .session import Message, NoSession, Session
from .state import State
from .statuses import RefusedError
from .transaction import Transaction
from .wire import Form

if TYPE_CHECKING:
    from .image import DesfireImage

_MORE: Final = 0xAF
Result = tuple[int, bytes]  # status, data


@dataclass(slots=True)
class Receiving:
    """A command whose frames are not all here.

    :ivar needed: bytes it has when they are.
    """

    spec: Spec
    call: Call
    needed: int


@dataclass(slots=True)
class Sending:
    """An answer whose frames are not all sent."""

    frames: list[bytes]
    status: int


Chain = Receiving | Sending | authenticate.Step


Intercept = Callable[[Session, Call, bytes], bytes]


def honest(session: Session, call: Call, plain: bytes) -> bytes:
    """The answer as the session wraps it."""
    return session.wrap(call.opcode, plain, call.mode, to_end=call.to_end)


class DesfireChip:
    """The state of one chip.

    :ivar state: what its commands work on.
    :ivar intercept: wraps each answer; for faults.
    """

    def __init__(self, image: "DesfireImage", memory: Memory, random: Random, uid: bytes) -> None:
        self.image = image
        self.memory = memory
        self.journal = Journal(memory)
        self.state = State(image, self.journal, random, uid)
        self.intercept: Intercept = honest
        self._chain: Chain | None = None
        self._form = Form.RAW

    def reset(self) -> None:
        """Forget everything volatile, take back what a power cut left unfinished."""
        self.journal.forget()
        self.journal.recover()
        self.state.forget()
        self._chain = None

    def exchange(self, command: bytes) -> bytes:
        """Work on one command, in whichever form it comes, and answer in kind."""
        form = wire.form(command)
        if form is Form.READER:
            return reader.answer(self.state, command)
        if form is Form.ISO:
            self._chain = None
            return iso.exchange(self.state, command)
        parsed = wire.parse(command, form)
        if isinstance(parsed, bytes):
            return parsed
        return wire.answer(form, *self.native(form, *parsed))

    def native(self, form: Form, opcode: int, data: bytes) -> Result:
        """One frame of a native command.

        :returns: status and data of the answer.
        """
        try:
            result = self._frame(form, opcode, data)
            self.journal.commit()
        except RefusedError as refusal:
            return self._refuse(refusal.status)
        except WriteFailedError:
            return self._refuse(statuses.EEPROM)
        return result

    def _refuse(self, status: int) -> Result:
        """Nothing of the command stays; the transaction is aborted, and the session as its kind has it."""
        state = self.state
        self.journal.forget()
        self._chain = None
        state.ending = False
        state.transaction = Transaction()
        if state.session.fragile or status in (statuses.AUTHENTICATION, statuses.INTEGRITY):
            state.end_session()
        return status, b""

    def _frame(self, form: Form, opcode: int, data: bytes) -> Result:
        if len(data) > self.image.longest:
            raise RefusedError(statuses.LENGTH)
        chain, self._chain = self._chain, None
        if opcode == _MORE:
            if chain is None or form is not self._form:
                raise RefusedError(statuses.ABORTED)
            return self._goes_on(chain, data)
        self._form = form
        spec = self._known(opcode)
        if chain is not None and not self.image.drops_chains:
            raise RefusedError(statuses.ABORTED)
        call = Call(opcode, data)
        if spec is None:
            answer, self._chain = authenticate.begin(self.state, call)
            return statuses.MORE, answer
        return self._begins(spec, call)

    def _known(self, opcode: int) -> Spec | None:
        """The line of the table, None for an authentication.

        :raises RefusedError: 1C.
        """
        if not self.image.knows(opcode):
            raise RefusedError(statuses.ILLEGAL_COMMAND)
        spec = COMMANDS.get(opcode)
        since = AUTHENTICATIONS.get(opcode) if spec is None else spec.since
        if since is None or since > self.image.generation:
            raise RefusedError(statuses.ILLEGAL_COMMAND)
        return spec

    def _goes_on(self, chain: Chain, data: bytes) -> Result:
        if isinstance(chain, Sending):
            if data:
                raise RefusedError(statuses.LENGTH)
            return self._sent(chain)
        if isinstance(chain, Receiving):
            chain.call.data += data
            return self._received(chain)
        return statuses.OK, chain(data)

    def _begins(self, spec: Spec, call: Call) -> Result:
        """The first frame: object and rights are looked at before more frames come."""
        state = self.state
        if len(call.data) < spec.least:
            raise RefusedError(statuses.LENGTH)
        if isinstance(state.session, NoSession) and spec.payload is None and len(call.data) not in spec.lengths:
            raise RefusedError(statuses.LENGTH)
        if spec.level is not Level.ANY and (spec.level is Level.PICC) != authenticate.is_picc(state):
            raise RefusedError(statuses.PERMISSION)
        call.mode = spec.access(state, call)
        if spec.payload is None:
            return self._work(spec, call)
        call.size = spec.payload(state, call)
        secured = state.session.secured(call.opcode, call.mode, call.size + spec.trailer(state, call))
        needed = spec.header + secured
        return self._received(Receiving(spec, call, needed))

    def _received(self, chain: Receiving) -> Result:
        there = len(chain.call.data)
        if there > chain.needed:
            raise RefusedError(statuses.LENGTH)
        if there < chain.needed:
            if not chain.spec.chained:
                raise RefusedError(statuses.LENGTH)
            self._chain = chain
            return statuses.MORE, b""
        return self._work(chain.spec, chain.call)

    def _work(self, spec: Spec, call: Call) -> Result:
        """The command is whole: unwrap, act, wrap."""
        state = self.state
        if not spec.outside or state.session.modern:
            self._unwrap(spec, call)
        if len(call.data) not in spec.lengths:
            raise RefusedError(statuses.LENGTH)
        answer = spec.worker(state, call)
        sending = self._wrapped(spec, call, answer)
        if state.ending:
            state.ending = False
            state.end_session()
        return self._sent(sending)

    def _unwrap(self, spec: Spec, call: Call) -> None:
        state, header = self.state, call.data[: spec.header]
        message = Message(call.opcode, header, call.data[spec.header :], call.mode)
        trailer = spec.trailer(state, call)

        def measure(plain: bytes) -> int:
            return spec.measure(header, plain) if call.size is None else call.size

        found = state.session.unwrap(message, measure, trailer)
        if call.size is not None and len(found) != call.size + trailer:
            raise RefusedError(statuses.INTEGRITY)
        call.data = header + found

    def _wrapped(self, spec: Spec, call: Call, answer: Answer) -> Sending:
        """The answer in frames; what the session adds goes with the last."""
        frames = answer if isinstance(answer, list) else [answer]
        session = self.state.session
        if not spec.outside or session.modern:
            plain = b"".join(frames)
            sent = self.intercept(session, call, plain)
            if sent[: len(plain)] != plain or len(frames) == 1:
                frames = [sent]
            else:
                frames[-1] += sent[len(plain) :]
        size = wire.LONG_FRAME if call.opcode in wire.LONG_OPCODES else spec.frame
        pieces = [frame[at : at + size] for frame in frames for at in range(0, max(len(frame), 1), size)]
        return Sending(pieces, spec.status)

    def _sent(self, chain: Sending) -> Result:
        frame, *rest = chain.frames
        if not rest:
            return chain.status, frame
        chain.frames = rest
        self._chain = chain
        return statuses.MORE, frame
