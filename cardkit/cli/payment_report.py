"""The report of ``cardkit payment validate``: one page an auditor can read, with every rule and its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path

from cardkit.apps.emv.picture import CardPicture
from cardkit.apps.emv.rules.batch import dump_sha256
from cardkit.apps.emv.rules.engine import concerned
from cardkit.apps.emv.rules.packs import Pack, PackRule
from cardkit.apps.emv.rules.table import LEVELS, TABLE
from cardkit.apps.emv.values import masked_digits
from cardkit.desired import Finding, Rule, Severity
from cardkit.errors import StoreError
from cardkit.production.report.atomic import replacing
from cardkit.production.report.masking import masked
from cardkit.profile import Profile

_NAME = "validation.html"
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1b1f24 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #d8dee4 }
th { background: #f6f8fa } td.id, td.m { font-family: ui-monospace, monospace; font-size: .86em; white-space: nowrap }
td.m { white-space: normal; overflow-wrap: anywhere }
.broken { background: #fff1f0 } .warning { background: #fff8e5 } .unseen { color: #6a737d } .holds { color: #1a7f37 }
"""
_HEADINGS = ("rule", "", "level", "clause", "what must hold", "result", "evidence")


@dataclass(frozen=True, slots=True)
class Validated:
    """Cards that were judged.

    :ivar together: findings about all of them.  :ivar profile: None where nobody named one.
    """

    cards: tuple[tuple[CardPicture, list[Finding]], ...]
    together: tuple[Finding, ...]
    packs: tuple[Pack, ...]
    profile: Profile | None
    started: datetime

    @property
    def findings(self) -> Iterator[Finding]:
        """All of them."""
        for _, found in self.cards:
            yield from found
        yield from self.together

    @property
    def bad(self) -> bool:
        """Whether a rule is broken that no card may break."""
        return any(finding.bad and not finding.not_checked for finding in self.findings)

    @property
    def meanings(self) -> Mapping[str, str]:
        """What the broken rules mean to the cardholder, by number; packs say so in their texts."""
        broken = {finding.rule for finding in self.findings if not finding.not_checked}
        return {number: TABLE[number].meaning for number in sorted(broken & TABLE.keys())}


def write_validation(done: Validated, directory: Path) -> Path:
    """Write the report and return where it is.

    :param directory: made if it is not there.  :raises StoreError: when it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{directory}: cannot be made, {error.strerror or error}") from error
    path = directory / _NAME
    with replacing(path) as stream:
        for piece in _page(done):
            stream.write(piece)
    return path


def _page(done: Validated) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    yield f"<title>Payment card validation</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    yield "<h1>Payment card validation</h1>\n<table>\n"
    yield from (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n" for name, value in _head(done))
    yield "</table>\n"
    if done.together:
        yield "<h2>All cards together</h2>\n"
        yield from _findings(done.together)
    for picture, found in done.cards:
        yield from _card(picture, found, done.packs)
    yield "</body>\n</html>\n"


def _head(done: Validated) -> Iterator[tuple[str, str]]:
    verdict = "a rule of severity E is broken" if done.bad else "no rule of severity E is broken"
    yield "verdict", verdict
    yield "cards", str(len(done.cards))
    yield "profile", f"{done.profile.name} version {done.profile.version}" if done.profile else "none"
    if done.profile is not None:
        yield "profile SHA-256", done.profile.sha256.hex()
    for pack in done.packs:
        yield "rule pack", f"{pack.pack.name} {pack.pack.version}"
        yield from (("waiver", f"{waiver.rule}: {waiver.reason}") for waiver in pack.waiver)
    yield "made", f"{done.started.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, cardkit {version('cardkit')}"


def _card(picture: CardPicture, found: list[Finding], packs: Iterable[Pack]) -> Iterator[str]:
    yield f"<h2>{escape(picture.name)}</h2>\n<p>"
    for side in picture.sides:
        counted = "" if side.atc is None else f", transaction counter {side.atc[0]} before and {side.atc[1]} after"
        pan = f", PAN {masked_digits(side.pan)}" if side.pan else ""
        yield f"{escape(side.place)}{escape(pan)}{counted}<br>\n"
    yield f"ATR {picture.atr.hex().upper() or 'not seen'}<br>\nSHA-256 of what was shown: {dump_sha256(picture)}</p>\n"
    by_rule: dict[str, list[Finding]] = {}
    for finding in found:
        by_rule.setdefault(finding.rule, []).append(finding)
    about = concerned(picture)
    yield f"<table>\n<tr>{''.join(f'<th>{name}</th>' for name in _HEADINGS)}</tr>\n"
    for rule in TABLE.values():
        yield _row(rule, LEVELS[rule.id], by_rule.get(rule.id, []), there=rule.id in about)
    for rule in (_of_pack(each) for pack in packs for each in pack.rule):
        yield _row(rule, "", by_rule.get(rule.id, []), there=True)
    yield "</table>\n"


def _of_pack(rule: PackRule) -> Rule:
    return Rule(rule.id, Severity(rule.severity), rule.clause, rule.text)


def _row(rule: Rule, level: str, found: list[Finding], *, there: bool) -> str:
    broken = [finding for finding in found if not finding.not_checked]
    worst = min((finding.severity for finding in broken), key=list(Severity).index, default=None)
    if worst is not None:
        kind, result = ("broken" if worst in (Severity.STOP, Severity.ERROR) else "warning"), f"broken ({worst.value})"
    elif found:
        kind, result = "unseen", "not checked"
    else:
        kind, result = ("holds", "holds") if there else ("unseen", "nothing to judge")
    evidence = "<br>".join(_evidence(finding) for finding in map(masked, broken or found))
    cells = (("id", rule.id), ("id", rule.severity.value), ("id", level), ("", rule.clause), ("", rule.text))
    columns = "".join(f'<td class="{name}">{escape(text)}</td>' for name, text in cells)
    return f'<tr class="{kind}">{columns}<td>{result}</td><td class="m">{evidence}</td></tr>\n'


def _evidence(finding: Finding) -> str:
    text = f"{finding.where}: {finding.actual}"
    if not finding.not_checked:
        text += f"; expected {finding.expected}" + (f" ({finding.decoded})" if finding.decoded else "")
    return escape(text)


def _findings(found: Iterable[Finding]) -> Iterator[str]:
    yield "<table>\n<tr><th>rule</th><th></th><th>evidence</th></tr>\n"
    for finding in map(masked, found):
        cells = f'<td class="id">{escape(finding.rule)}</td><td>{finding.severity.value}</td>'
        yield f'<tr>{cells}<td class="m">{_evidence(finding)}</td></tr>\n'
    yield "</table>\n"
