"""Whether a chain is what was signed of it: checkpoints, their links, and the keys that follow one another.

Needs no store and no secret. security.md 11
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cardkit.errors import EncodingError, KeyStoreError
from cardkit.production.audit.statement import CHECKPOINT, KEY, Statement
from cardkit.production.canonical import canonical
from cardkit.production.store.audit import OFFICE, ChainFinding, Walk

COUNTED = ("BIND", "GOOD", "REJECT")
FIELDS = frozenset({"v", "type", "installation", "chain", "seq", "hash", "at", "previous", "counts"})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement of where a chain was.

    :param hash: of the event, 32 bytes.  :param previous: digest of the checkpoint before, 32 bytes or None.
    :param counts: events up to there, by kind.
    """

    statement: Statement
    installation: str
    chain: str
    seq: int
    hash: bytes
    at: str
    previous: bytes | None
    counts: dict[str, int]

    @classmethod
    def of(cls, statement: Statement) -> Checkpoint:
        """Read a statement.

        :raises EncodingError: when it is no checkpoint.
        """
        said = statement.content
        if set(said) != FIELDS or (said["v"], said["type"]) != (1, "checkpoint"):
            raise EncodingError("checkpoint: expected v 1, type checkpoint and the fields of one")
        try:
            return cls(
                statement=statement,
                installation=str(said["installation"]),
                chain=str(said["chain"]),
                seq=int(said["seq"]),
                hash=bytes.fromhex(said["hash"]),
                at=str(said["at"]),
                previous=None if said["previous"] is None else bytes.fromhex(said["previous"]),
                counts=dict(said["counts"]),
            )
        except (TypeError, ValueError) as error:
            raise EncodingError(f"checkpoint: a field does not parse: {error}") from None

    @property
    def sha256(self) -> bytes:
        """Digest of what it says, 32 bytes: the next one names it."""
        return hashlib.sha256(self.statement.body).digest()


@dataclass(slots=True)
class Keys:
    """The keys that may sign, as the office chain tells of them; each SubjectPublicKeyInfo in DER.

    :ivar office: the first one of the office; None until one is known.
    """

    office: bytes | None = None
    followers: dict[str, list[bytes]] = field(default_factory=dict)
    findings: list[ChainFinding] = field(default_factory=list)

    def of(self, chain: str) -> Sequence[bytes]:
        """Return the keys that may sign a chain's checkpoints, oldest first."""
        office = [*filter(None, (self.office,)), *self.followers.get(OFFICE, ())]
        return office if chain == OFFICE else [*office, *self.followers.get(chain, ())]

    def anchor(self, public: bytes) -> bool:
        """Whether a key that is known from elsewhere is one of the office's; where none is known yet, it is."""
        self.office = self.office or public
        return public in self.of(OFFICE)

    def seen(self, event: dict[str, Any]) -> None:
        """Take note of an event of the office chain: a key that takes over from another, signed by both."""
        if event["event"] != "AUDIT_KEY":
            return
        try:
            chain, key = self._certified(dict(event["data"]))
        except (KeyError, TypeError, ValueError, KeyStoreError):
            self.findings.append(ChainFinding("SIGNATURE", event["seq"]))
        else:
            self.followers.setdefault(chain, []).append(key)

    def _certified(self, said: dict[str, Any]) -> tuple[str, bytes]:
        by_previous, by_key = (bytes.fromhex(said.pop(name)) for name in ("by_previous", "by_key"))
        chain, previous, key = str(said["chain"]), bytes.fromhex(said["previous"]), bytes.fromhex(said["key"])
        body = canonical(said)
        self.office = self.office or previous
        known = previous == self.of(chain)[-1] or (chain != OFFICE and previous == self.of(OFFICE)[-1])
        signed = Statement(body, by_previous).is_by(previous, KEY) and Statement(body, by_key).is_by(key, KEY)
        if not (known and signed):
            raise ValueError
        return chain, key


def check_checkpoints(checkpoints: Sequence[Checkpoint], walk: Walk, keys: Sequence[bytes]) -> list[ChainFinding]:
    """Compare a chain with what was signed of it.

    :param checkpoints: of this chain and installation, in order.  :param walk: with marks at their numbers.
    :param keys: that may sign, oldest first; none returns once another took over.
    """
    findings: list[ChainFinding] = []
    previous: Checkpoint | None = None
    first = 0
    for checkpoint in checkpoints:
        signed = [at for at, key in enumerate(keys) if checkpoint.statement.is_by(key, CHECKPOINT)]
        if not signed or signed[-1] < first:
            findings.append(ChainFinding("SIGNATURE", checkpoint.seq))
        else:
            first = signed[-1]
        if not _follows(checkpoint, previous):
            findings.append(ChainFinding("CHECKPOINT_LINK", checkpoint.seq))
        findings += _compared(checkpoint, walk)
        previous = checkpoint
    return findings


def _follows(checkpoint: Checkpoint, previous: Checkpoint | None) -> bool:
    if previous is None:
        return checkpoint.previous is None
    return checkpoint.previous == previous.sha256 and checkpoint.seq > previous.seq


def _compared(checkpoint: Checkpoint, walk: Walk) -> list[ChainFinding]:
    if checkpoint.seq > walk.end:
        return [ChainFinding("CHECKPOINT_BEYOND_END", checkpoint.seq)]
    if checkpoint.seq > walk.sound or checkpoint.seq not in walk.marks:
        return []  # the chain breaks before it, which is a finding already; or an extract leaves its event out
    if walk.marks[checkpoint.seq] != (checkpoint.hash, checkpoint.counts):
        return [ChainFinding("CHECKPOINT", checkpoint.seq)]
    return []
