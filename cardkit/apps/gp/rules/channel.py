"""Rules about secure channels: what the card offers, what it shows, what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from cardkit.apps.gp.picture import CardPicture, SeenGreeting
from cardkit.apps.gp.rules.check import Check, Trouble, set_text, unknown
from cardkit.apps.gp.rules.expectation import Expectation, ExpectedSet

SCP02 = 0x02
LEGACY = frozenset((0x01, 0x02))
SYMMETRIC = frozenset((0x01, 0x02, 0x03))
"""Protocols that start with INITIALIZE UPDATE."""

REFUSED = frozenset((0x6982, 0x6985))
SECURITY_STATUS = 0x6982
WRONG_CRYPTOGRAM = frozenset((0x6300, 0x6982))


def _protocol(scp: int, i: int | None) -> str:
    return f"SCP{scp:02X}" + (f" i={i:02X}" if i is not None else "")


def _issuer_sets(expected: Expectation) -> tuple[ExpectedSet, ...]:
    return tuple(wanted for wanted in expected.sets if not wanted.domain)


def _modern(expected: Expectation) -> bool:
    return not any(wanted.scp in LEGACY for wanted in expected.sets)


def _fits(greeting: SeenGreeting, wanted: ExpectedSet) -> bool:
    return greeting.scp == wanted.scp and greeting.i in (None, wanted.i)


def _opens(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.session is not None
    session, level = picture.session, f"a session at level {expected.sets[0].level:02X}"
    if session.failure:
        yield Trouble(set_text(session.kvn), level, session.failure)
    elif session.level != expected.sets[0].level:
        yield Trouble(set_text(session.kvn), level, f"level {session.level:02X}")


def _shown(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for wanted in _issuer_sets(expected):
        name, text = set_text(wanted.kvn), _protocol(wanted.scp, wanted.i)
        greetings = picture.greetings_of(wanted.kvn)
        if not greetings:
            yield unknown(name, text, "no INITIALIZE UPDATE with it")
        wrong = {_protocol(found.scp, found.i) for found in greetings if not _fits(found, wanted)}
        if wrong:
            yield Trouble(name, text, ", ".join(sorted(wrong)))


def _recognized(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """Compare what is offered with what is shown; a wrong greeting and an older protocol are other rules'."""
    assert picture.card_data is not None
    listed = {(item.scp, item.i_byte) for item in picture.card_data.protocols if item.scp in SYMMETRIC}
    shown: set[tuple[int, int | None]] = {(wanted.scp, wanted.i) for wanted in _issuer_sets(expected)}
    known = {wanted.kvn for wanted in _issuer_sets(expected)}
    shown |= {(seen.scp, seen.i) for seen in picture.greetings if seen.kvn not in known and seen.i is not None}
    if _modern(expected):
        listed = {(scp, i) for scp, i in listed if scp not in LEGACY or (scp, i) in shown}
    if listed != shown:
        yield Trouble("card recognition data (66)", _protocols(shown), _protocols(listed) or "none")


def _protocols(found: set[tuple[int, int | None]]) -> str:
    return ", ".join(sorted(_protocol(scp, i) for scp, i in found))


def _agrees(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    assert picture.fci is not None
    assert picture.card_data is not None
    selected, told = picture.fci.management_data, picture.card_data
    if selected is None:
        yield unknown("FCI (73)", "as in GET DATA 66", "the FCI has no 73", by_design=True)
    elif selected.objects != told.objects:
        yield Trouble("FCI (73)", told.objects.build().hex().upper(), selected.objects.build().hex().upper())


def _capable(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.capabilities is not None
    told, where = picture.capabilities, "card capabilities (67)"
    for wanted in _issuer_sets(expected):
        if not told.offers(wanted.scp, wanted.i):
            yield Trouble(where, _protocol(wanted.scp, wanted.i), "not named")
            continue
        sizes = {bits for item in told.protocols if item.scp == wanted.scp for bits in item.aes_bits}
        if wanted.key_bits and sizes and wanted.key_bits not in sizes:
            yield Trouble(where, f"AES-{wanted.key_bits}", ", ".join(f"AES-{bits}" for bits in sorted(sizes)))
    if set(told.hashes) == {"SHA-1"}:
        yield Trouble(where, "a hash besides SHA-1", "SHA-1 only")


def _no_legacy(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    known = {wanted.kvn for wanted in expected.sets}
    listed = {item.scp for item in picture.card_data.protocols} if picture.card_data is not None else set()
    answered = {seen.scp for seen in picture.greetings if seen.kvn not in known}
    older = sorted((listed | answered) & LEGACY)
    if older:
        yield Trouble("secure channels", "SCP03 or SCP11 only", ", ".join(f"SCP{scp:02X}" for scp in older))


def _recomputes(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for wanted in _issuer_sets(expected):
        name, text = set_text(wanted.kvn), "the challenge its keys, counter and AID give"
        answers = {seen.recomputes for seen in picture.greetings_of(wanted.kvn)} if wanted.pseudo_random else set()
        if False in answers:
            yield Trouble(name, text, "another challenge")
        elif None in answers:
            yield unknown(name, text, "the key store could not compute it")


def _moves(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for wanted in _issuer_sets(expected)[:1]:
        name = set_text(wanted.kvn)
        greetings = picture.greetings_of(wanted.kvn)
        if len(greetings) < 2:
            yield unknown(name, "two greetings that differ", f"{len(greetings)} seen")
        for before, after in pairwise(greetings):
            yield from _moved(name, wanted, before, after)


def _moved(name: str, wanted: ExpectedSet, before: SeenGreeting, after: SeenGreeting) -> Iterator[Trouble]:
    step = after.sessions if wanted.scp == SCP02 else 1
    # SCP02 counts sessions, so that a pseudo-random challenge stands until one opens (E.4.2.3).
    may_stand = wanted.scp == SCP02 and wanted.pseudo_random and not step
    if before.challenge == after.challenge and not may_stand:
        yield Trouble(name, "another challenge each time", "the same challenge twice")
    if before.sequence is None or after.sequence is None:
        return
    if after.sequence - before.sequence != step:
        yield Trouble(name, f"counter {before.sequence + step}", f"counter {after.sequence}")


def _counted(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    wanted = expected.sets[0]
    name, where = set_text(wanted.kvn), "sequence counter (C1)"
    greetings = picture.greetings_of(wanted.kvn)
    last = greetings[-1].sequence if greetings else None
    if last is None:
        yield unknown(where, "the counter of INITIALIZE UPDATE", "it was not told", by_design=True)
        return
    opened = wanted.scp == SCP02 and picture.session is not None and not picture.session.failure
    now = last + opened
    if picture.counter != now:
        yield Trouble(where, str(now), str(picture.counter))
    elif expected.counter_limit is not None and now > expected.counter_limit:
        yield Trouble(name, f"counter {expected.counter_limit} or less", str(now))


def _proven(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    assert picture.session is not None
    if picture.session.failure:
        yield unknown("session", "responses with MAC", "no session was open")
    for what in picture.session.unproven:
        yield Trouble(what, "a response with a right MAC", "not proven")


def _closed_door(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    if picture.plain_status not in REFUSED:
        yield Trouble("GET STATUS without a session", "6982 or 6985", f"{picture.plain_status:04X}")


def _unprotected(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    where, text = "unprotected command in a session", "6982, and the session is over"
    if picture.refusals is None or picture.refusals.unprotected is None:
        yield unknown(where, text, "destructive, not tried", by_design=True)
    elif picture.refusals.unprotected != (SECURITY_STATUS, SECURITY_STATUS):
        first, second = picture.refusals.unprotected
        yield Trouble(where, text, f"{first:04X}, then {second:04X}")


def _wrong_cryptogram(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    where, text = "wrong host cryptogram", "refused and counted"
    if picture.refusals is None or picture.refusals.wrong_cryptogram is None:
        yield unknown(where, text, "destructive, not tried", by_design=True)
        return
    sw, counted = picture.refusals.wrong_cryptogram
    if sw not in WRONG_CRYPTOGRAM:
        yield Trouble(where, text, f"status {sw:04X}")
    elif counted is None:
        yield unknown(where, text, "nobody can see the card's counter", by_design=True)
    elif not counted:
        yield Trouble(where, text, "not counted")


def _chain(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    assert picture.chain is not None
    where, text = "certificate store (BF21)", "a chain to the pinned root, in force, of a key that was proven"
    if picture.chain.failure:
        yield Trouble(where, text, picture.chain.failure)
    elif not picture.chain.matches:
        yield Trouble(where, text, "the key of a session is another one")


def _counts(expected: Expectation) -> bool:
    return expected.sets[0].scp == SCP02 or expected.sets[0].pseudo_random


CHECKS = (
    Check("GP-009", _opens, ("session",)),
    Check("GP-013", _shown, ("greetings",), owns="greetings"),
    Check("GP-014", _recognized, ("card_data", "greetings"), owns="card_data"),
    Check("GP-015", _agrees, ("fci", "card_data")),
    Check("GP-016", _capable, ("capabilities",)),
    Check("GP-017", _no_legacy, ("card_data",), asks=_modern),
    Check("GP-018", _recomputes, ("greetings",)),
    Check("GP-019", _moves, ("greetings",)),
    Check("GP-020", _counted, ("counter",), owns="counter", asks=_counts),
    Check("GP-021", _proven, ("session",), asks=lambda expected: expected.sets[0].responses_proven),
    Check("GP-022", _closed_door, ("plain_status",)),
    Check("GP-023", _unprotected),
    Check("GP-024", _wrong_cryptogram),
    Check("GP-050", _chain, ("chain",), owns="chain", asks=lambda expected: expected.chain),
)
