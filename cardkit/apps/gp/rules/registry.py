"""Rules about the registry: card, security domains, applications, load files, and their privileges."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.rules.check import Check, Trouble, aid_text, unknown
from cardkit.apps.gp.rules.expectation import Expectation, ExpectedApplication
from cardkit.apps.gp.rules.keys import missing_keys
from cardkit.apps.gp.tags import CardState, DomainState, EntryKind, Privilege, Privileges, StatusEntry, state_name

LOCKED_SELECT = 0x6283
LOST = frozenset((CardState.CARD_LOCKED, CardState.TERMINATED))
SINGLE = (Privilege.CARD_RESET, Privilege.FINAL_APPLICATION)
WHOLE_CARD = (
    Privilege.CARD_LOCK | Privilege.CARD_TERMINATE | Privilege.GLOBAL_DELETE | Privilege.GLOBAL_LOCK
    | Privilege.GLOBAL_REGISTRY | Privilege.MANDATED_DAP_VERIFICATION
)  # fmt: skip
DELEGATED = Privilege.DELEGATED_MANAGEMENT
NOT_WITH_DELEGATED = Privilege.AUTHORIZED_MANAGEMENT | Privilege.TOKEN_VERIFICATION | Privilege.RECEIPT_GENERATION


def _life_cycle(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.isd is not None
    state = picture.isd.life_cycle
    if state not in expected.life_cycles and state not in LOST:
        wanted = " or ".join(state_name(EntryKind.ISD, value) for value in sorted(expected.life_cycles))
        yield Trouble("card", wanted, state_name(EntryKind.ISD, state))


def _not_lost(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    state = picture.isd.life_cycle if picture.isd is not None else None
    if picture.select_sw == LOCKED_SELECT or state in LOST:
        yield Trouble("card", "in use", f"SELECT {picture.select_sw:04X}", "CARD_LOCKED or TERMINATED")


def _issuer_aid(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.fci is not None
    told = {"FCI (84)": picture.fci.aid, "GET STATUS (4F)": picture.isd.aid if picture.isd is not None else None}
    for where, aid in told.items():
        if aid is None:
            yield unknown(where, aid_text(expected.isd_aid), "the card does not tell it")
        elif aid != expected.isd_aid:
            yield Trouble(where, aid_text(expected.isd_aid), aid_text(aid))


def _applications(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    yield from _set(
        {entry.aid for entry in picture.applications or ()}, {item.aid for item in expected.applications}, "application"
    )


def _set(seen: set[bytes], wanted: set[bytes], what: str) -> Iterator[Trouble]:
    yield from (Trouble(aid_text(aid), what, "not there") for aid in sorted(wanted - seen))
    yield from (Trouble(aid_text(aid), f"no such {what}", "there") for aid in sorted(seen - wanted))


def _denied(expected: Expectation, aid: bytes) -> bool:
    return any(aid.startswith(start) for start in expected.deny)


def _load_files(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    seen = {entry.aid: entry for entry in picture.load_files or () if not _denied(expected, entry.aid)}
    wanted = {item.aid: item for item in expected.load_files}
    yield from _set(set(seen), set(wanted), "load file")
    for aid in seen.keys() & wanted.keys():
        entry, item, where = seen[aid], wanted[aid], aid_text(aid)
        if item.version is not None and entry.version != item.version:
            actual = entry.version.hex().upper() if entry.version is not None else "none told"
            yield Trouble(where, f"version {item.version.hex().upper()}", actual)
        if item.modules is None:
            continue
        if not entry.modules and item.modules:
            yield unknown(where, f"{len(item.modules)} modules", "the card does not list modules", by_design=True)
        elif set(entry.modules) != set(item.modules):
            yield Trouble(where, _aids(item.modules), _aids(entry.modules))


def _aids(aids: tuple[bytes, ...]) -> str:
    return ", ".join(sorted(map(aid_text, aids))) or "none"


def _deny_list(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for entry in picture.load_files or ():
        if _denied(expected, entry.aid):
            yield Trouble(aid_text(entry.aid), "no such load file", "on the deny-list")


def _pairs(picture: CardPicture, expected: Expectation) -> Iterator[tuple[StatusEntry, ExpectedApplication]]:
    """Yield the applications that are on the card and in the profile."""
    seen = {entry.aid: entry for entry in picture.applications or ()}
    yield from ((seen[item.aid], item) for item in expected.applications if item.aid in seen)


def _application_states(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for entry, item in _pairs(picture, expected):
        if not item.is_domain and entry.life_cycle != item.life_cycle:
            yield Trouble(aid_text(entry.aid), state_name(EntryKind.APPLICATION, item.life_cycle), entry.state)


# Privileges: the particular rules speak first, the general ones of what is left.


def _holders(picture: CardPicture, expected: Expectation) -> dict[bytes, tuple[int, int]]:
    """Return the privileges of the issuer's domain (empty AID) and of each application: as seen, as wanted."""
    found = {}
    if picture.isd is not None and picture.isd.privileges is not None:
        found[b""] = picture.isd.privileges.completed(issuer=True).bits, expected.isd_privileges
    for entry, item in _pairs(picture, expected):
        if entry.privileges is not None:
            found[entry.aid] = entry.privileges.completed().bits, item.privileges
    return found


def _exclusive(seen: int) -> int:
    """Return the privileges that exclude each other; 0 for a lawful combination (6.6.2)."""
    others = seen & NOT_WITH_DELEGATED
    return DELEGATED | others if seen & DELEGATED and others else 0


def _claimed(picture: CardPicture, expected: Expectation) -> dict[bytes, int]:
    """Return, by AID, the bits of which a particular rule (031, 032, 033, 047) speaks."""
    holders = _holders(picture, expected)
    verifying = {item.aid for item in expected.domains if item.verifies}
    doubled = 0
    for single in SINGLE:
        doubled |= single if sum(bool(seen & single) for seen, _ in holders.values()) != 1 else 0
    claimed: dict[bytes, int] = {}
    for aid, (seen, wanted) in holders.items():
        differing = seen ^ wanted
        bits = doubled | _exclusive(seen) | int(WHOLE_CARD & seen)
        if aid in verifying:
            bits |= int(Privilege.DAP_VERIFICATION & wanted)
        claimed[aid] = differing & bits
    return claimed


def _privileges(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    claimed = _claimed(picture, expected)
    for aid, (seen, wanted) in _holders(picture, expected).items():
        if aid and (seen ^ wanted) & ~claimed[aid]:
            yield _differ(aid_text(aid), seen, wanted)


def _issuer_privileges(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    holders = _holders(picture, expected)
    if b"" not in holders:
        yield unknown("issuer security domain", f"{expected.isd_privileges:06X}", "the card does not tell them")
        return
    seen, wanted = holders[b""]
    if (seen ^ wanted) & ~_claimed(picture, expected)[b""]:
        yield _differ("issuer security domain", seen, wanted)


def _differ(where: str, seen: int, wanted: int) -> Trouble:
    more, less = Privileges(seen & ~wanted).names, Privileges(wanted & ~seen).names
    decoded = ", ".join([*(f"+{name}" for name in more), *(f"-{name}" for name in less)])
    return Trouble(where, f"{wanted:06X}", f"{seen:06X}", decoded)


def _single_holders(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    holders = _holders(picture, expected)
    for single in SINGLE:
        having = [aid_text(aid) or "issuer security domain" for aid, (seen, _) in holders.items() if seen & single]
        if len(having) != 1:
            yield Trouble(str(single.name), "one holder", ", ".join(having) or "nobody")


def _combinations(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for aid, (seen, _) in _holders(picture, expected).items():
        if bits := _exclusive(seen):
            names = ", ".join(Privileges(bits).names)
            yield Trouble(aid_text(aid) or "issuer security domain", "no such combination", names)


def _whole_card(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for aid, (seen, wanted) in _holders(picture, expected).items():
        if surplus := seen & ~wanted & WHOLE_CARD:
            names = ", ".join(Privileges(surplus).names)
            yield Trouble(aid_text(aid) or "issuer security domain", "not granted", names)


def _belongs(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for entry, item in _pairs(picture, expected):
        for what, want, got in (
            ("security domain", item.domain, entry.domain),
            ("load file", item.load_file, entry.load_file),
        ):
            if want is None or want == got:
                continue
            if got is None:
                yield unknown(aid_text(entry.aid), f"{what} {aid_text(want)}", "the card does not tell it")
            else:
                yield Trouble(aid_text(entry.aid), f"{what} {aid_text(want)}", aid_text(got))


def _domains(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for entry, item in _pairs(picture, expected):
        if not item.is_domain:
            continue
        where = aid_text(entry.aid)
        if entry.life_cycle != DomainState.PERSONALIZED and not item.verifies:
            yield Trouble(where, DomainState.PERSONALIZED.name, entry.state)
        if item.kvn is None:
            continue
        seen = picture.domains.get(entry.aid)
        if seen is None:
            yield unknown(where, f"answers with key set {item.kvn:02X}", "it was not selected")
        elif seen.kvn != item.kvn:
            actual = "no answer" if seen.kvn is None else f"key set {seen.kvn:02X}"
            yield Trouble(where, f"answers with key set {item.kvn:02X}", actual)


def _verifiers(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    yield from missing_keys(picture, expected, "GP-047")
    for entry, item in _pairs(picture, expected):
        if not item.verifies:
            continue
        if entry.privileges is not None and Privilege.DAP_VERIFICATION not in entry.privileges:
            yield Trouble(aid_text(entry.aid), "DAP_VERIFICATION", "not granted")
        if entry.life_cycle != DomainState.PERSONALIZED:
            yield Trouble(aid_text(entry.aid), DomainState.PERSONALIZED.name, entry.state)


def _implicit(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for entry, item in _pairs(picture, expected):
        if item.implicit is not None and frozenset(entry.implicit_selections) != item.implicit:
            got, want = (
                ", ".join(f"{value:02X}" for value in sorted(found)) or "none"
                for found in (entry.implicit_selections, item.implicit)
            )
            yield Trouble(aid_text(entry.aid), f"implicit selection {want}", got)


def _well_formed(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for fault in picture.status_faults or ():
        yield Trouble("GET STATUS", "pages that end and parse", fault)
    for entries in (picture.applications or (), picture.load_files or ()):
        aids = [entry.aid for entry in entries]
        for aid in dict.fromkeys(aid for aid in aids if aids.count(aid) > 1):
            yield Trouble(aid_text(aid), "listed once", f"listed {aids.count(aid)} times")


CHECKS = (
    Check("GP-001", _life_cycle, ("isd",)),
    Check("GP-002", _not_lost, ("select_sw",), asks=lambda expected: not expected.may_be_locked),
    Check("GP-003", _issuer_aid, ("fci",), owns="fci"),
    Check("GP-025", _applications, ("applications",)),
    Check("GP-026", _load_files, ("load_files",)),
    Check("GP-027", _deny_list, ("load_files",)),
    Check("GP-028", _application_states, ("applications",)),
    Check("GP-029", _privileges, ("applications",)),
    Check("GP-030", _issuer_privileges, ("isd",)),
    Check("GP-031", _single_holders, ("isd", "applications")),
    Check("GP-032", _combinations, ("isd", "applications")),
    Check("GP-033", _whole_card, ("isd", "applications")),
    Check("GP-034", _belongs, ("applications",)),
    Check("GP-035", _domains, ("applications",)),
    Check("GP-036", _implicit, ("applications",)),
    Check("GP-044", _well_formed, ("status_faults",), owns="status_faults"),
    Check("GP-047", _verifiers, ("applications",)),
)
