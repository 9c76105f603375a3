"""Rules about applications and files: which are there, who may do what with them, what stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cardkit.apps.cipurse.access import Security
from cardkit.apps.cipurse.rules.case import Case, Check, Trouble, refused
from cardkit.apps.cipurse.states.plan import MISSING
from cardkit.apps.cipurse.states.product import COUNTER_BYTES, ProductFile
from cardkit.apps.cipurse.states.visiting import UNCREDITED, UNPROTECTED, UNREAD, UNWRITTEN, counter_of
from cardkit.desired import NOT_CHECKED, Role, Secrecy

_CHANGING = 0x80  # the right to change rules, group 8
_NOT_IN_USE = 0x6985
_VALUES = ("value", "least", "most")
_COUNTER = 4


def _applications(case: Case) -> Iterator[Trouble]:
    asked = case.asked(Role.READ)
    for app in case.product.applications:
        if app.name not in asked:
            continue
        found = case.seen.directories.get(app.name)
        if found is None:
            yield Trouble(app.name, "there", case.why(app.name))
            continue
        assert app.new is not None
        expected = (app.new.type, app.new.kind, app.new.fid, app.aid)
        actual = (found.type, found.kind, found.fid, found.aid)
        if expected != actual:
            yield Trouble(app.name, _identity(*expected), _identity(*actual))
    yield from _more(case)


def _identity(type_: int, kind: int, fid: int, aid: bytes) -> str:
    return f"{type_:02X} {kind:02X}, FID {fid:04X}, AID {aid.hex().upper()}"


def _more(case: Case) -> Iterator[Trouble]:
    """Yield that less memory is left than the profile's files leave: something else is there."""
    root = case.seen.directories.get(case.product.master.name)
    expected = case.product.free_memory
    if expected is None or not case.sealed or root is None or root.memory is None:
        return
    missing = [app.name for app in case.product.applications if case.seen.found.get(app.name) == MISSING]
    if root.memory[1] < expected and not missing:
        actual = f"{root.memory[1]} bytes: something else takes room"
        yield Trouble("MF", f"{expected} bytes of free memory", actual)


def _in_use(case: Case) -> Iterator[Trouble]:
    for app in case.product.applications:
        for file in app.files:
            if case.words.get(file.contents) == _NOT_IN_USE:
                yield Trouble(file.name, "its application in use", "6985")


def _there(case: Case) -> Iterator[Trouble]:
    asked = case.asked(Role.READ)
    for app in case.product.applications:
        for file in app.files if app.name in case.seen.directories else ():
            found = case.seen.files.get(file.name)
            if found is None:
                if file.name in asked and case.words.get(file.contents) != _NOT_IN_USE:
                    yield Trouble(file.name, "there", case.why(file.name))
                continue
            wanted = file.attributes
            expected, actual = ((one.type, one.fid, one.sfid) for one in (wanted, found))
            if expected != actual:
                yield Trouble(file.name, _described(*expected), _described(*actual))


def _described(type_: int, fid: int, sfid: int) -> str:
    return f"{type_:02X} FID {fid:04X} SFID {sfid}"


def _sizes(case: Case) -> Iterator[Trouble]:
    yield from _rooms(case)
    for file in case.files:
        wanted, found = file.attributes, case.seen.files[file.name]
        expected, actual = ((one.size, one.records, one.record_size) for one in (wanted, found))
        if expected != actual and wanted.type == found.type:
            yield Trouble(file.name, _size(*expected), _size(*actual))


def _rooms(case: Case) -> Iterator[Trouble]:
    """Yield applications that can take another number of files: where more fit, more can be there."""
    for app in case.directories:
        if app.new is None:
            continue
        found = case.seen.directories[app.name]
        expected, actual = ((one.files, one.sfids) for one in (app.new, found))
        if expected != actual:
            yield Trouble(app.name, _room(*expected), _room(*actual))


def _room(files: int, sfids: int) -> str:
    return f"room for {files} files, {sfids} of them by SFID"


def _size(size: int, records: int, record_size: int) -> str:
    return f"{size} bytes" if size else f"{records} records of {record_size} bytes"


# Rules of files


def _rules(case: Case) -> Iterator[tuple[str, Security, Security]]:
    """Yield name, expected and actual rules of the applications and files that have others than expected."""
    for app in case.directories:
        told = case.seen.directories[app.name].security
        wanted = case.rules_of(app, told)
        if app.new is not None and told not in (None, wanted) and told.keys == app.final.keys:
            yield app.name, wanted, told
    for file in case.files:
        told = case.seen.files[file.name].security
        wanted = case.rules_of(file, told)
        if told != wanted:
            yield file.name, wanted, told or Security(bytes(2), b"\xff" * len(file.final.art))


def _differing(case: Case, everybody: int, keys: int) -> Iterator[Trouble]:
    """Yield rights that are others than expected, as far as these bits of everybody's and the keys' are concerned."""
    for name, wanted, told in _rules(case):
        masks = [everybody, *[keys] * wanted.keys]
        for place, mask in enumerate(masks):
            expected = wanted.art[place] & mask
            actual = (told.art[place] if place < len(told.art) else 0) & mask
            if expected != actual:
                who = f"rights of key {place}" if place else "rights without a key"
                yield Trouble(name, f"{who}: {expected:02X}", f"{who}: {actual:02X}")


def _keyed_rights(case: Case) -> Iterator[Trouble]:
    yield from _differing(case, 0, 0xFF ^ _CHANGING)


def _free_rights(case: Case) -> Iterator[Trouble]:
    yield from _differing(case, 0xFF ^ _CHANGING, 0)
    yield from refused(case, UNREAD)
    yield from refused(case, UNWRITTEN)


def _changing_rights(case: Case) -> Iterator[Trouble]:
    yield from _differing(case, _CHANGING, _CHANGING)


def _messaging(case: Case) -> Iterator[Trouble]:
    for name, wanted, told in _rules(case):
        if wanted.smr != told.smr:
            yield Trouble(name, f"SMR {wanted.smr.hex().upper()}", f"SMR {told.smr.hex().upper()}")
    yield from refused(case, UNPROTECTED)


def _crediting(case: Case) -> Iterator[Trouble]:
    yield from refused(case, UNCREDITED)


# Contents


def _read(case: Case) -> Iterator[tuple[ProductFile, bytes, bytes]]:
    """Yield the files that were read, each with what should stand in it and what does."""
    for app in case.product.applications:
        for file in app.files:
            body = case.bodies.get(file.contents)
            if body is not None:
                yield file, case.order[file.contents], body


def _uncommitted(file: ProductFile, expected: bytes, actual: bytes) -> bool:
    """Whether a file is as it was made although something was to be written: nobody performed the transaction."""
    return file.kind.transactional and expected != actual and not any(actual)


def _used(file: ProductFile, expected: bytes) -> int:
    """Return how much of a file the profile fills: what is behind is fill, or records that are empty."""
    assert file.block is not None
    if not file.kind.binary:
        return len(file.block.rows or file.block.values) * file.attributes.record_size
    return len(expected.rstrip(bytes.fromhex(file.block.fill)))


def _parts(case: Case) -> Iterator[tuple[ProductFile, bytes, bytes, int]]:
    """Yield the files that were written, and not with what was ordered; and how much of each the profile fills."""
    for file, expected, actual in _read(case):
        if expected != actual and not _uncommitted(file, expected, actual):
            yield file, expected, actual, _used(file, expected)


def _shown(name: str, expected: bytes, actual: bytes) -> Trouble:
    place = next(at for at, (one, other) in enumerate(zip(expected, actual, strict=True)) if one != other)
    trouble = Trouble(name, expected.hex().upper(), actual.hex().upper(), f"from byte {place} on")
    return replace(trouble, secrecy=Secrecy.PERSONAL)


def _contents(case: Case) -> Iterator[Trouble]:
    yield from _unread(case)
    for file, expected, actual, used in _parts(case):
        wanted, found = (_without(file, body[:used], case.seen.uid) for body in (expected, actual))
        if wanted != found:
            yield _shown(file.name, wanted, found)


def _unread(case: Case) -> Iterator[Trouble]:
    asked = case.asked(Role.READ)
    for app in case.product.applications:
        for file in app.files:
            seen = file.contents in case.bodies or app.name not in case.seen.directories
            if file.contents in asked and not seen and case.words.get(file.contents) not in (MISSING, _NOT_IN_USE):
                yield Trouble(file.name, "readable", case.why(file.contents))
            elif case.whole and file.contents not in asked:
                why = f"{NOT_CHECKED}: its rules let nobody read it"
                yield Trouble(file.name, "as ordered", why, by_design=True)


def _without(file: ProductFile, body: bytes, uid: bytes) -> bytes:
    """Return contents without what other rules speak for: the UID, values and limits of counters."""
    assert file.block is not None
    at = file.block.uid_at
    if at is not None:
        return body[:at] + bytes(len(uid)) + body[at + len(uid) :]
    if not file.kind.counting:
        return body
    size = file.attributes.record_size
    records = (body[place : place + size] for place in range(0, len(body), size))
    return b"".join(bytes(COUNTER_BYTES) + record[COUNTER_BYTES:] for record in records)


def _bound(case: Case) -> Iterator[Trouble]:
    for file, expected, actual, _ in _parts(case):
        at = None if file.block is None else file.block.uid_at
        wanted, found = (b"" if at is None else body[at : at + len(case.seen.uid)] for body in (expected, actual))
        if wanted != found:
            yield Trouble(file.name, f"UID {wanted.hex().upper()}", found.hex().upper())


def _counters(case: Case) -> Iterator[Trouble]:
    for file, expected, actual, used in _parts(case):
        if not file.kind.counting:
            continue
        for record in range(used // file.attributes.record_size):
            start = record * file.attributes.record_size
            for number, what in enumerate(_VALUES):
                at = start + number * _COUNTER
                wanted, found = (int.from_bytes(body[at : at + _COUNTER], signed=True) for body in (expected, actual))
                if wanted != found:
                    yield Trouble(counter_of(file, record + 1), f"{what} {wanted}", f"{what} {found}")
    for file, _, actual in _read(case):
        if file.kind.counting:
            yield from _told_otherwise(case, file, actual)


def _told_otherwise(case: Case, file: ProductFile, body: bytes) -> Iterator[Trouble]:
    """Yield the counters that terminals are told another value of than stands in their records."""
    for number in range(1, 1 + file.attributes.records):
        name, start = counter_of(file, number), (number - 1) * file.attributes.record_size
        told, stands = case.bodies.get(name), body[start : start + _COUNTER]
        if told is not None and told != stands:
            yield Trouble(name, f"READ VALUE {stands.hex().upper()}", told.hex().upper())


def _free(case: Case, *, binary: bool) -> Iterator[Trouble]:
    for file, expected, actual, used in _parts(case):
        if file.kind.binary is binary and expected[used:] != actual[used:]:
            yield _shown(f"{file.name} from byte {used} on", expected[used:], actual[used:])


def _fill(case: Case) -> Iterator[Trouble]:
    yield from _free(case, binary=True)


def _records(case: Case) -> Iterator[Trouble]:
    yield from _free(case, binary=False)


def _open_transaction(case: Case) -> Iterator[Trouble]:
    for file, expected, actual in _read(case):
        if _uncommitted(file, expected, actual):
            yield Trouble(file.name, "its transaction performed", "as it was made")


CHECKS = (
    Check("TRANSIT-014", _keyed_rights),
    Check("TRANSIT-015", _free_rights),
    Check("TRANSIT-016", _changing_rights),
    Check("TRANSIT-017", _messaging),
    Check("TRANSIT-018", _applications),
    Check("TRANSIT-019", _there),
    Check("TRANSIT-020", _sizes),
    Check("TRANSIT-021", _contents),
    Check("TRANSIT-022", _fill),
    Check("TRANSIT-023", _counters),
    Check("TRANSIT-025", _crediting),
    Check("TRANSIT-027", _open_transaction),
    Check("TRANSIT-028", _records),
    Check("TRANSIT-032", _bound),
    Check("TRANSIT-044", _in_use),
)
