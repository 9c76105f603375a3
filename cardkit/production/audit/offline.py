"""An export checked with a public key and nothing else. security.md L9, 11"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cardkit.errors import EncodingError
from cardkit.production.audit.statement import EXPORT, Statement
from cardkit.production.audit.verify import COUNTED, Checkpoint, Keys, check_checkpoints
from cardkit.production.canonical import parse_canonical
from cardkit.production.store.audit import OFFICE, ChainFinding, Link, Walk, walk_chain

FORMAT = "cardkit-audit"
VERSION = 1
HEADER = {"format", "version", "installation"}
EVENT = {"chain", "seq", "event", "hash"}
CHECKPOINT_LINE = {"chain", "checkpoint", "signature"}
MANIFEST = {"manifest", "signature"}
WHOLE = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with an export.

    :param chain: empty where it is about the file as a whole.
    """

    chain: str
    code: str
    seq: int


@dataclass(slots=True)
class Verified:
    """What an export holds.

    :ivar batch: whose extract it is; None where it is the whole audit.
    :ivar events: sound ones, per chain.  :ivar heads: the hash of each chain's last sound event, 32 bytes.
    :ivar ends: its number.
    """

    installation: str
    batch: str | None = None
    findings: list[Finding] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    heads: dict[str, bytes] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    checkpoints: dict[str, int] = field(default_factory=dict)


def verify_export(lines: Iterable[bytes], public: bytes, known: Mapping[str, str] | None = None) -> Verified:
    """Check every line of an export, or of the extract of a batch: there, whole stretches between checkpoints.

    :param public: a key of the office, SubjectPublicKeyInfo in DER.
    :param known: heads known from elsewhere: the first hex digits of a chain's last hash, 16 or more.
    :raises EncodingError: where a line is none of an export.
    """
    reader = _Reader(lines)
    done = Verified(*reader.header())
    trust = _Trust(public)
    for chain, parts in itertools.groupby(reader.body(), key=lambda line: str(line["chain"])):
        if chain in done.events:
            raise EncodingError(f"audit export: the lines of chain {chain} are in two places")
        _check_chain(done, chain, parts, trust)
    for chain, digits in (known or {}).items():
        if not done.heads.get(chain, b"").hex().startswith(digits.lower()) or chain not in done.heads:
            done.findings.append(Finding(chain, "HEAD", done.events.get(chain, 0)))
    _check_manifest(done, reader, trust.keys)
    return done


def _check_chain(done: Verified, chain: str, lines: Iterator[dict[str, Any]], trust: _Trust) -> None:
    checkpoints: list[Checkpoint] = []
    events: Iterator[dict[str, Any]] = iter(())
    for line in lines:
        if "event" in line:
            events = itertools.chain((line,), lines)
            break
        checkpoints.append(_checkpoint(line, chain, done.installation))
    extract = done.batch is not None
    walk = walk_chain(
        map(_link, events),
        installation=done.installation,
        chain=chain,
        marks={point.seq for point in checkpoints},
        counted=COUNTED,
        signed={point.seq: (point.hash, point.counts) for point in checkpoints} if extract else None,
        seen=trust.seen if chain == OFFICE else None,
    )
    if extract and walk.sound == walk.end:
        walk.end = max([walk.end, *(point.seq for point in checkpoints)])
        if walk.sound not in walk.marks:
            walk.findings.append(ChainFinding("HEAD", walk.sound))
    findings = walk.findings + trust.findings(chain, checkpoints, walk)
    findings += check_checkpoints(checkpoints, walk, trust.keys.of(chain))
    done.findings += [Finding(chain, finding.code, finding.seq) for finding in findings]
    done.events[chain], done.heads[chain], done.checkpoints[chain] = walk.taken, walk.hash, len(checkpoints)
    done.ends[chain] = walk.sound


class _Trust:
    """What the office chain tells of the others: which keys sign, and which checkpoints it has seen.

    :param public: the key that is known from elsewhere.
    """

    def __init__(self, public: bytes) -> None:
        self.keys = Keys()
        self._public = public
        self._points: dict[str, list[tuple[int, str]]] = {}

    def seen(self, event: dict[str, Any]) -> None:
        """Take note of an event of the office chain."""
        self.keys.seen(event)
        data = event["data"]
        if event["event"] == "CHECKPOINT_SEEN" and {"chain", "seq", "sha256"} <= data.keys():
            self._points.setdefault(str(data["chain"]), []).append((data["seq"], data["sha256"]))

    def findings(self, chain: str, checkpoints: list[Checkpoint], walk: Walk) -> list[ChainFinding]:
        """Return what is wrong with the keys, or with what the office saw of another chain."""
        if not self.keys.anchor(self._public):
            return [ChainFinding("SIGNATURE", 0)]
        if chain == OFFICE:
            return self.keys.findings
        there = {(point.seq, point.sha256.hex()) for point in checkpoints}
        return [
            ChainFinding("CHECKPOINT_BEYOND_END" if seq > walk.end else "CHECKPOINT_LINK", seq)
            for seq, digest in self._points.get(chain, ())
            if (seq, digest) not in there
        ]


def _check_manifest(done: Verified, reader: _Reader, keys: Keys) -> None:
    """Compare the file with what was signed of it as a whole."""
    signed = reader.manifest
    if signed is None:
        done.findings.append(Finding(WHOLE, "HEAD", reader.lines))
        return
    if not any(signed.is_by(key, EXPORT) for key in keys.of(OFFICE)):
        done.findings.append(Finding(WHOLE, "SIGNATURE", reader.lines))
        return
    said = signed.content
    heads = {chain: [head["seq"], head["hash"]] for chain, head in said["heads"].items()}
    found = {chain: [seq, done.heads[chain].hex()] for chain, seq in done.ends.items()}
    whole = said["installation"] == done.installation and said["sha256"] == reader.sha256
    kind = "export" if done.batch is None else "extract"
    if said["type"] != kind or said.get("batch") != done.batch or not whole or heads != found:
        done.findings.append(Finding(WHOLE, "HEAD", reader.lines))


class _Reader:
    """The lines of an export.

    :ivar manifest: the signed last line, once all others were read; None where there is none.
    :ivar sha256: of all lines before it, lower hex.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._digest = hashlib.sha256()
        self.lines = 0
        self.manifest: Statement | None = None
        self.sha256 = ""

    def header(self) -> tuple[str, str | None]:
        """Read the first line; the installation, and the batch of an extract."""
        line = self._parsed(next(self._lines, b"\n"))
        if (line.get("format"), line.get("version")) != (FORMAT, VERSION) or set(line) - {"batch"} != HEADER:
            raise EncodingError(f"audit export: line 1: expected the header of {FORMAT}, version {VERSION}")
        batch = line.get("batch")
        return str(line["installation"]), None if batch is None else str(batch)

    def body(self) -> Iterator[dict[str, Any]]:
        """Yield events and checkpoints up to the manifest."""
        for text in self._lines:
            before = self._digest.hexdigest()
            line = self._parsed(text)
            if self.manifest is not None:
                raise EncodingError(f"audit export: line {self.lines}: a line after the manifest")
            if set(line) == MANIFEST:
                self.manifest = Statement(line["manifest"].encode(), self._hex(line["signature"]))
                self.sha256 = before
            elif set(line) in (EVENT, CHECKPOINT_LINE):
                yield line
            else:
                raise EncodingError(f"audit export: line {self.lines}: expected an event, a checkpoint or the manifest")

    def _parsed(self, text: bytes) -> dict[str, Any]:
        self.lines += 1
        self._digest.update(text)
        if not text.endswith(b"\n"):
            raise EncodingError(f"audit export: line {self.lines}: cut off")
        try:
            line = parse_canonical(text[:-1])
        except EncodingError as error:
            raise EncodingError(f"audit export: line {self.lines}: {error}") from None
        if not isinstance(line, dict):
            raise EncodingError(f"audit export: line {self.lines}: expected an object")
        return line

    def _hex(self, text: Any) -> bytes:
        return _hex(text, f"line {self.lines}")


def _hex(text: Any, where: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError):
        raise EncodingError(f"audit export: {where}: expected hex digits") from None


def _link(line: dict[str, Any]) -> Link:
    if "event" not in line:
        raise EncodingError(f"audit export: chain {line['chain']}: a checkpoint among the events")
    where = f"event {line['seq']} of {line['chain']}"
    if not isinstance(line["seq"], int) or not isinstance(line["event"], str):
        raise EncodingError(f"audit export: {where}: expected a number and a text")
    return Link(line["seq"], line["event"].encode(), _hex(line["hash"], where))


def _checkpoint(line: dict[str, Any], chain: str, installation: str) -> Checkpoint:
    point = Checkpoint.of(
        Statement(str(line["checkpoint"]).encode(), _hex(line["signature"], f"checkpoint of {chain}"))
    )
    if (point.chain, point.installation) != (chain, installation):
        raise EncodingError(f"audit export: a checkpoint of {point.installation} {point.chain} in chain {chain}")
    return point
