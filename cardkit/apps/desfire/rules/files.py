"""Rules about files: TRANSIT-014 to 032."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.desfire.rules import table
from cardkit.apps.desfire.rules.evidence import Evidence, public
from cardkit.apps.desfire.settings import (
    NEVER,
    AccessRights,
    DataBody,
    FileSettings,
    FileType,
    RecordBody,
    TransactionMacBody,
    ValueBody,
)
from cardkit.apps.desfire.states.contents import UID_FIELD, differing
from cardkit.apps.desfire.states.plan import WITHOUT_KEY
from cardkit.apps.desfire.states.product import AppSpec, FileSpec
from cardkit.apps.desfire.states.routes import commits, route
from cardkit.apps.desfire.states.steps import holds
from cardkit.desired import Finding, Role, Secrecy

_MASTER = 0
_TMC_BYTES = 4


def check_files(evidence: Evidence) -> Iterator[Finding]:
    """Apply the rules about files."""
    if evidence.of_applications:
        for app in evidence.product.apps:
            yield from _listed(evidence, app)
            for file in app.files:
                yield from _settings(evidence, app.file_state(file.number), file)
                yield from _contents(evidence, app, file)
    yield from _unread(evidence)
    yield from _named(evidence)


def _listed(evidence: Evidence, app: AppSpec) -> Iterator[Finding]:
    wanted, found = {file.number for file in app.files}, evidence.notes.files.get(app.title)
    if found is None:
        yield evidence.missing(table.FILES, app.title, f"files {sorted(wanted)}")
    elif set(found) != wanted or len(found) != len(wanted):
        yield public(table.FILES, app.title, f"files {sorted(wanted)}", f"files {sorted(found)}")
    fids = {file.iso_fid for file in app.files if file.iso_fid is not None}
    shown = evidence.notes.iso_files.get(app.title)
    if fids and shown is None:
        yield evidence.missing(table.FILES, app.title, "ISO identifiers")
    elif fids and shown is not None and set(shown) != fids:
        names = (", ".join(f"{fid:04X}" for fid in sorted(some)) or "none" for some in (fids, shown))
        yield public(table.FILES, app.title, *names)


def _named(evidence: Evidence) -> Iterator[Finding]:
    """Applications are found by DF name and ISO identifier."""
    for step in evidence.steps:
        if step.role is not Role.SELECT:
            continue
        word = evidence.notes.answers.get(step.serves)
        if word is None:
            yield evidence.missing(table.FILES, step.serves, "selected")
        elif word not in step.sw:
            yield public(table.FILES, step.serves, "9000", f"{word:04X}")


def _settings(evidence: Evidence, state: str, file: FileSpec) -> Iterator[Finding]:
    shown, wanted = evidence.notes.settings.get(state), file.settings
    if shown is None:
        yield evidence.missing(table.RIGHTS, state, str(wanted.rights))
        return
    if shown.type is not wanted.type:
        yield public(table.FILES, state, wanted.type.name.lower(), shown.type.name.lower())
        return
    if (shown.rights, shown.more) != (wanted.rights, wanted.more):
        yield public(table.RIGHTS, state, str(wanted.rights), _rights(shown))
    if shown.rights.change not in (_MASTER, NEVER):
        yield public(table.CHANGE_CLOSED, state, "master key or never", f"key {shown.rights.change:X}")
    if shown.options != wanted.options:
        yield public(table.MODE, state, wanted.mode.name.lower(), f"{shown.mode.name.lower()} ({shown.options:02X})")
    yield from _body(state, wanted, shown)


def _rights(shown: FileSettings) -> str:
    more = "; ".join(str(AccessRights.of(word)) for word in shown.more)
    return f"{shown.rights}" + (f"; {more}" if more else "")


def _body(state: str, wanted: FileSettings, shown: FileSettings) -> Iterator[Finding]:
    expected, found = wanted.body, shown.body
    if isinstance(expected, DataBody) and isinstance(found, DataBody) and expected != found:
        yield public(table.SIZES, state, f"{expected.size} bytes", f"{found.size} bytes")
    elif isinstance(expected, RecordBody) and isinstance(found, RecordBody):
        yield from _record_body(state, expected, found)
    elif isinstance(expected, ValueBody) and isinstance(found, ValueBody):
        yield from _value_body(state, expected, found)
    elif isinstance(expected, TransactionMacBody) and expected != found:
        yield public(table.TRANSACTION_MAC, state, expected.build().hex().upper(), found.build().hex().upper())


def _record_body(state: str, expected: RecordBody, found: RecordBody) -> Iterator[Finding]:
    if (expected.size, expected.most) != (found.size, found.most):
        yield public(table.SIZES, state, f"{expected.most} of {expected.size}", f"{found.most} of {found.size} bytes")
    if expected.current > found.current == 0:
        yield public(table.COMMITTED, state, f"{expected.current} records", "none: they were not committed")
    elif expected.current != found.current:
        yield public(table.RECORDS, state, f"{expected.current} records", f"{found.current} records")


def _value_body(state: str, expected: ValueBody, found: ValueBody) -> Iterator[Finding]:
    if (expected.lower, expected.upper) != (found.lower, found.upper):
        yield public(table.VALUES, state, f"{expected.lower} to {expected.upper}", f"{found.lower} to {found.upper}")
    if found.limited_credit != expected.limited_credit or (found.limited_credit and found.limited):
        wanted = "allowed, amount 0" if expected.limited_credit else "off, amount 0"
        shown = f"{'allowed' if found.limited_credit else 'off'}, amount {found.limited}"
        yield public(table.LIMITED_CREDIT, state, wanted, shown)
    if found.free_value != expected.free_value:
        names = ("free" if some.free_value else "under a key" for some in (expected, found))
        yield public(table.FREE_VALUE, state, *names)


# Contents


def _contents(evidence: Evidence, app: AppSpec, file: FileSpec) -> Iterator[Finding]:
    state = app.file_state(file.number)
    if not holds(file):
        return
    body = evidence.seen.bodies.get(state)
    if body is None:
        yield evidence.missing(table.CONTENTS, state, "read" if file.readers() else "readable by somebody")
    elif file.settings.type is FileType.TRANSACTION_MAC:
        yield from _fresh(app, state, body)
    elif file.settings.type is FileType.VALUE:
        names = (str(int.from_bytes(some, "little", signed=True)) for some in (evidence.content(file, state), body))
        wanted, found = names
        if wanted != found:
            yield table.VALUES.finding(state, wanted, found, secrecy=Secrecy.PERSONAL)
    elif file.settings.type is FileType.BACKUP and any(evidence.content(file, state)) and not any(body):
        yield public(table.COMMITTED, state, "its contents", "as it was made: they were not committed")
    else:
        yield from _fields(file, state, evidence.content(file, state), body)


def _fields(file: FileSpec, state: str, wanted: bytes, body: bytes) -> Iterator[Finding]:
    """Compare field by field; the last record of a record file."""
    body = body[-len(wanted) :] if isinstance(file.settings.body, RecordBody) else body
    bound = {spec.name for spec in file.fields if spec.form == UID_FIELD}
    for name, expected, actual in differing(file.fields, wanted, body):
        rule = table.UID_BOUND if name in bound else table.FILL if name == "rest" else table.CONTENTS
        yield rule.finding(state, f"{name} {expected}", f"{name} {actual}", secrecy=Secrecy.PERSONAL)


def _fresh(app: AppSpec, state: str, body: bytes) -> Iterator[Finding]:
    """A transaction MAC made last has counted the commits behind it, if any."""
    counter = int.from_bytes(body[:_TMC_BYTES], "little")
    expected = _commits_after(app)
    if counter != expected:
        yield public(table.TRANSACTION_MAC, state, f"counter {expected}", f"counter {counter}")


def _commits_after(app: AppSpec) -> int:
    """Return how many commits an application sees once its transaction MAC is there."""
    return sum(commits(files) for _, files in route(app).others)


def _unread(evidence: Evidence) -> Iterator[Finding]:
    for step in evidence.steps:
        state = step.serves.removesuffix(WITHOUT_KEY)
        if step.role is not Role.GONE or state == step.serves or "/file " not in state:
            continue
        word = evidence.notes.answers.get(step.serves)
        if word is None:
            yield evidence.missing(table.FREE_ACCESS, step.serves, "refused")
        elif word not in step.sw:
            yield public(table.FREE_ACCESS, step.serves, "refused", f"{word:04X}")
