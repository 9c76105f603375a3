"""What a border reader is given, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cardkit.apps.emrtd.active_auth import Evidence
from cardkit.apps.emrtd.lds import DATA_GROUPS
from cardkit.apps.emrtd.pace import Password, PasswordKind
from cardkit.apps.emrtd.passive import Verdict
from cardkit.apps.emrtd.rules.table import RULES
from cardkit.apps.emrtd.terminal_auth import Terminal
from cardkit.apps.pki.trust import TrustStore
from cardkit.crypto.groups import Random
from cardkit.crypto.secret import Secret
from cardkit.desired import Finding, Secrecy


class Mark(StrEnum):
    """How a step ended."""

    DONE = "done"
    ABSENT = "not offered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One protocol.

    :param text: with what, or why it failed; no personal data.
    """

    name: str
    mark: Mark
    text: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a part of an inspection took.  :param commands: with their answers.  :param ms: milliseconds."""

    commands: int
    ms: int


@dataclass(frozen=True, slots=True)
class Request:
    """What a reader knows.

    :param passwords: of the document, the first that its protocols take is used.
    :param at: time of the inspection, aware.  :param terminal: for terminal authentication; None reads no fingers.
    :param printed: the whole zone as printed on the document, without line breaks; None where nobody read it.
    :param clock: seconds that go by; None where nobody asks how long it takes.
    :param window_ms: the longest a whole reading may take; None for any time.
    """

    passwords: tuple[Password, ...]
    trust: TrustStore
    at: datetime
    random: Random
    terminal: Terminal | None = None
    printed: Secret | None = None
    clock: Callable[[], float] | None = None
    window_ms: int | None = None

    def password(self, *kinds: PasswordKind) -> Password | None:
        """Return the first password of these kinds."""
        return next((one for one in self.passwords if one.kind in kinds), None)


@dataclass(slots=True)
class Reading:
    """What came of one document.

    :ivar files: by name.  :ivar refused: status words of files that were not given.
    :ivar steps: protocols, in their order.  :ivar findings: what is wrong, by rule.
    :ivar evidence: of active authentication, for a second opinion.
    :ivar costs: of access, chip authentication and the whole, where somebody had a clock.
    """

    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    refused: dict[str, int] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    evidence: Evidence | None = None
    costs: dict[str, Cost] = field(default_factory=dict)
    verdict: Verdict | None = None

    @property
    def groups(self) -> Mapping[int, bytes]:
        """Data groups that were read, by number."""
        return {number: self.files[file.name] for number, file in DATA_GROUPS.items() if file.name in self.files}

    @property
    def closed(self) -> frozenset[int]:
        """Data groups that are there and were not given."""
        return frozenset(number for number, file in DATA_GROUPS.items() if self.refused.get(file.name) == 0x6982)

    @property
    def genuine(self) -> bool:
        """Whether nothing found is an error; what could not be checked is none."""
        return not any(finding.bad for finding in self.findings)

    def note(self, name: str, mark: Mark, text: str = "") -> None:
        """Write down how a protocol ended."""
        self.steps.append(Step(name, mark, text))

    def find(self, rule: str, where: str, expected: str, actual: str) -> None:
        """Write down what a rule has to say; no personal data in it."""
        self.findings.append(RULES[rule].finding(where, expected, actual, secrecy=Secrecy.PUBLIC))
