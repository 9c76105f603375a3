"""The shared language of applications (:mod:`cardkit.apps`) and one card's run (:mod:`cardkit.perso`): data only.

A profile and a record become States; States become Steps, the exact commands a blank card gets. Nothing here talks to
a card, reads a clock or knows a secret: contents that hold keys keep them as :class:`~cardkit.crypto.Secret` parts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from cardkit.apdu import CommandAPDU
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.meter import Tally, WriteModel
from cardkit.transport.redact import FileClasses

Content = bytes | tuple[bytes | Secret, ...]
"""A data field, or its parts where some are secret."""

ShapeOfCommand = tuple[int, int, int, int, int, int]
"""CLA, INS, P1, P2, bytes sent, bytes expected."""


class Phase(StrEnum):
    """Where in a card's run a state or command belongs, and under which total it is counted."""

    FENCE = "fence"
    WRITE = "write"
    VERIFY = "verify"
    PROVE = "prove"
    SEAL = "seal"


class Part(StrEnum):
    """One unbroken stretch of commands; the card is reset before CHECK and before STRANGER."""

    FENCE = "fence"
    WRITE = "write"
    CHECK = "check"
    SEAL = "seal"
    STRANGER = "stranger"


class Seen(StrEnum):
    """How a state is proven: read back, by what the card does, or not at all."""

    READ = "read"
    BEHAVE = "behave"
    NEVER = "never"


class AfterUnknown(StrEnum):
    """What follows when nobody knows whether the card took a state."""

    REWRITE = "rewrite"
    LOOK = "look first"
    RESTART_GROUP = "restart the group"
    PEOPLE = "people"


class Interface(StrEnum):
    """Through which of its faces a card is written."""

    CONTACT = "contact"
    CONTACTLESS = "contactless"


@dataclass(frozen=True, slots=True)
class Access:
    """A right the card asks for before a state can be written or read. Never a state itself.

    :param name: ``ADM1``, ``PIN1``.  :param reference: the card's key reference, one byte.
    :param tries: the counter when full.  :param scope: the application it is local to, "" for the whole card.
    """

    name: str
    reference: int
    tries: int
    scope: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """One thing that must be true of the finished card.

    :param name: unique in its plan: ``ADF.USIM/EF.IMSI``, ``ADM1``.  :param title: for people, without values.
    :param rule: the verification rule that finds this state missing.
    :param group: states of one group count only together; "" for a state that stands alone.
    """

    name: str
    title: str
    phase: Phase
    rule: str
    seen: Seen
    after_unknown: AfterUnknown
    access: Access | None = None
    reversible: bool = True
    group: str = ""
    interface: Interface = Interface.CONTACT
    varies: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """States that count only together: torn, they start over."""

    name: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """What only the card knows and the run found out: chip id, sequence number. Public, never personal."""

    name: str
    value: str


class Role(StrEnum):
    """What a command is for; tells the session how to treat its answer."""

    ENTER = "enter a directory"
    SELECT = "select a file"
    READ = "read"
    GONE = "show it is gone"
    WRITE = "write"
    QUERY = "query"
    PRESENT = "present"
    CHANGE = "change"
    DELETE = "delete"
    PROVE = "prove"


@dataclass(frozen=True, slots=True)
class Step:
    """One planned command.

    :param serves: the state, access or proof it is sent for.  :param place: the directory it is sent in.
    :param command: the command; its data field is empty where ``content`` names what fills it.
    :param content: name in the plan's contents, or of a value the session makes (an AUTN); "" if complete.
    :param nc: bytes of the data field.  :param answer: bytes the card answers before the status word.
    :param sw: the status words that are right.  :param nvm: bytes the card writes to its memory.
    """

    phase: Phase
    role: Role
    serves: str
    place: str
    command: CommandAPDU
    content: str = ""
    span: tuple[int, int] | None = None
    nc: int = 0
    answer: int = 0
    sw: tuple[int, ...] = (0x9000,)
    nvm: int = 0
    reversible: bool = True

    @property
    def shape(self) -> ShapeOfCommand:
        """Header, bytes sent and bytes expected."""
        command = self.command
        return command.cla, command.ins, command.p1, command.p2, self.nc, command.ne

    @property
    def bytes_in(self) -> int:
        """Bytes of the command APDU in its short form (ISO/IEC 7816-3 12.1.3)."""
        return 4 + (1 + self.nc if self.nc else 0) + (1 if self.command.ne else 0)

    @property
    def bytes_out(self) -> int:
        """Bytes of the expected response APDU."""
        return self.answer + 2


class Severity(StrEnum):
    """How bad a finding is: stop the line, error, warning, information."""

    STOP = "S"
    ERROR = "E"
    WARNING = "W"
    INFO = "I"


NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has to say about one card.

    :param where: the state or file it is about.  :param expected, actual: for people; secrets never, lengths at most.
    :param decoded: the difference in the field's terms, "" where there is nothing to decode.
    """

    rule: str
    severity: Severity
    clause: str
    where: str
    expected: str
    actual: str
    decoded: str = ""

    @property
    def not_checked(self) -> bool:
        """Whether the rule could not be applied."""
        return self.actual.startswith(NOT_CHECKED)

    @property
    def bad(self) -> bool:
        """Whether a card with this finding must not leave."""
        return self.severity in (Severity.STOP, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Rule:
    """A verification rule: what must hold, and where the standard says so."""

    id: str
    severity: Severity
    clause: str
    text: str


# Events: a run hands them out one by one and goes on when the listener returns, so that they are durable by then.


@dataclass(frozen=True, slots=True)
class BindEvent:
    """The next command changes the card: from here on this record belongs to this chip."""

    chip_id: str


@dataclass(frozen=True, slots=True)
class IntentEvent:
    """A secret is about to be presented or changed, or a life-cycle step taken.

    :param step: what.  :param key_ref: which secret, never its value.  :param tries: tries left before, -1 unknown.
    """

    step: str
    key_ref: str
    tries: int


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """Nobody knows whether the card ran the command."""

    step: str
    error: str


@dataclass(frozen=True, slots=True)
class DoneEvent:
    """The run ended with a verdict.

    :param evidence_sha256: 32 bytes.
    """

    verdict: str
    evidence_sha256: bytes


Event = BindEvent | IntentEvent | UnknownEvent | DoneEvent
OnEvent = Callable[[Event], None]


class Template(Protocol):
    """A value of a profile that may name fields of the record."""

    @property
    def variable(self) -> bool:
        """Whether it depends on the record."""
        ...

    def resolve(self, record: Mapping[str, Any]) -> Any:
        """Return the plain value for this record."""
        ...


@dataclass(frozen=True, slots=True)
class Observations:
    """What a card showed during one check.

    :param bodies: contents by state or file name.  :param words: status words of what could not be read or proven.
    :param notes: other results by name: counters, proofs, SQN.
    """

    bodies: dict[str, bytes] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


class Session(Protocol):
    """One application on one powered card: runs steps and remembers what it saw.

    :ivar current: the step under way, None before the first.
    """

    seen: Observations
    current: Step | None

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept as an observation.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        ...

    def restarted(self) -> None:
        """The card was reset: forget what was selected and opened."""
        ...

    def identity(self) -> tuple[str, bytes | None]:
        """Return chip id (hexadecimal digits) and marker as read; None where the marker's home is gone."""
        ...

    def number(self) -> str:
        """Read the number people know the card by, after a reset: its ICCID.

        :raises CardError: when the card does not give it.
        """
        ...

    def facts(self) -> dict[str, str]:
        """Return what only the card knew, by name: sequence numbers."""
        ...

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card, after a reset: names of the states that do not hold or cannot be seen."""
        ...

    def seal_again(self) -> None:
        """Seal a card whose marker says that sealing may have begun.

        :raises AuthenticationError: when neither the final nor the delivered value of a secret can be in force.
        """
        ...


Emit = Callable[[Event], None]
CompileTemplate = Callable[[object, str], Template]


class Blueprint(Protocol):
    """An application's block of one profile, compiled once and used for every card of it."""

    @property
    def states(self) -> tuple[State, ...]:
        """What must be true of a finished card, in the order it is made true."""
        ...

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules its checks apply."""
        ...

    @property
    def parts(self) -> Mapping[Part, tuple[Step, ...]]:
        """The commands a blank card gets."""
        ...

    @property
    def survey(self) -> tuple[Step, ...]:
        """The commands that check a finished card."""
        ...

    @property
    def identify(self) -> tuple[Step, ...]:
        """The commands that read chip id and marker."""
        ...

    @property
    def rands(self) -> tuple[str, ...]:
        """Names of the 16-byte random values it needs for one card."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets it needs as the chip maker delivered them."""
        ...

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true on a begun card, after a reset."""
        ...

    def fill(self, record: Mapping[str, Any], tag: bytes, rands: Mapping[str, bytes]) -> Mapping[str, Content]:
        """Return one card's contents by state name.

        :param tag: 16 bytes, the marker's.  :raises EncodingError: when a value does not fit its file.
        """
        ...

    def session(
        self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret], emit: Emit
    ) -> Session:
        """Return a session on a powered card.

        :param transport: secrets as delivered, by name.  :param emit: returns when the event is durable.
        """
        ...

    def file_classes(self) -> FileClasses:
        """Return what knows, for one card's trace, which contents may be shown."""
        ...

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed; empty for a faultless card.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        ...


class App(Protocol):
    """What a card can do: one folder of :mod:`cardkit.apps`, found by its key in the registry.

    :ivar block, chip_block: msgspec structs of its tables in a profile and in a chip model.
    """

    name: str
    block: type[Any]
    chip_block: type[Any]

    def compile(self, block: Any, chip: Any, compile_template: CompileTemplate) -> Blueprint:
        """Compile a profile's block for a chip.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will be done to one card: a pure function of profile, record and prepared values.

    :param profile_sha256: 32 bytes.  :param tag: 16 bytes, the marker's.  :param states: in the order they are made true.
    :param steps: what a blank card gets, in order.  :param contents: by state name, secrets as Secret parts.
    :param transport: key references of the secrets as delivered, by name.  :param writes: how long the chip's memory takes.
    """

    profile: str
    version: int
    profile_sha256: bytes
    record_no: int
    tag: bytes = field(repr=False)
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    contents: Mapping[str, Content] = field(repr=False)
    transport: Mapping[str, str]
    writes: WriteModel
    fits: Callable[[bytes], bool] = field(repr=False)
    blueprint: Blueprint = field(repr=False)

    def totals(self) -> dict[str, dict[str, int]]:
        """Return APDUs and bytes each way by phase, as a blank card gets them at T=1."""
        totals = {phase.value: {"apdus": 0, "bytes_in": 0, "bytes_out": 0} for phase in Phase}
        for step in self.steps:
            part = totals[step.phase]
            part["apdus"] += 1
            part["bytes_in"] += step.bytes_in
            part["bytes_out"] += step.bytes_out
        return totals

    def seconds(self, ta1: int, protocol: TransmissionProtocol) -> float:
        """Return the card time in seconds: line at a bit rate (TA1) and memory.

        :raises EncodingError: on a reserved TA1.
        """
        tally = Tally()
        for step in self.steps:
            tally.add(step.nc, step.answer, nvm_bytes=step.nvm)
        return tally.line_seconds(ta1, protocol) + self.writes.seconds(tally.apdus, tally.nvm_bytes)

    def to_json(self) -> dict[str, Any]:
        """Return states and commands as plain values, without contents: keys and personal data stay out."""
        return {
            "record": self.record_no,
            "states": [_state_json(state) for state in self.states],
            "steps": [_step_json(step) for step in self.steps],
        }


def _state_json(state: State) -> dict[str, Any]:
    return {
        "name": state.name,
        "title": state.title,
        "phase": state.phase.value,
        "access": state.access.name if state.access else None,
        "seen": state.seen.value,
        "rule": state.rule,
        "reversible": state.reversible,
        "varies": state.varies,
        "group": state.group or None,
        "after_unknown": state.after_unknown.value,
    }


def _step_json(step: Step) -> dict[str, Any]:
    cla, ins, p1, p2, nc, ne = step.shape
    return {
        "phase": step.phase.value,
        "role": step.role.value,
        "serves": step.serves,
        "header": f"{cla:02X}{ins:02X}{p1:02X}{p2:02X}",
        "lc": nc,
        "le": ne,
        "answer": step.answer,
        "sw": [f"{sw:04X}" for sw in step.sw],
        "nvm": step.nvm,
        "reversible": step.reversible,
    }
