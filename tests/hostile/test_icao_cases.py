"""ICAO's conformity cases (part 3) against the virtual documents: every one that applies to a document must pass."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from cardkit.apps.emrtd.biometrics import Biometrics
from cardkit.apps.emrtd.directory import Directory
from cardkit.apps.emrtd.groups import build_group
from cardkit.apps.emrtd.images import DisplayedImages
from cardkit.apps.emrtd.lds import LDS1_AID
from cardkit.apps.emrtd.rules.table import CASES as BY_RULE
from cardkit.apps.emrtd.terminal.reader import inspect
from cardkit.apps.emrtd.terminal.reading import Request
from cardkit.channel import Channel
from cardkit.transport.loopback import LoopbackConnection
from tests.hostile.icao.access import run_access, run_active, run_basic_access
from tests.hostile.icao.cases import CASES, Case, of_units
from tests.hostile.icao.chip import run_chip, run_migration
from tests.hostile.icao.pace import run_pace
from tests.hostile.icao.terminals import extended
from tests.hostile.test_emrtd_probing import COM, DONE, Lax, Lie, answered, in_session
from tests.unit.emrtd.passport import NOW, PICTURE, TRUST, Document
from tests.unit.emrtd.test_border_reader import BY_MRZ

OTHERS = {number: build_group(number, b"\x04\x02\x01\x02") for number in (6, 8, 9, 10, 13)}
GROUPS = {
    **OTHERS,
    5: DisplayedImages.of(5, [PICTURE]).build(),
    7: DisplayedImages.of(7, [PICTURE]).build(),
    12: build_group(12, bytes.fromhex("5C025F19 5F1903 55544F")),
    16: build_group(16, b"\x02\x01\x00"),
}
CLOSED = {3: Biometrics.of(3, (), bytes(8)).build(), 4: Biometrics.of(4, (), bytes(range(8))).build()}
FULL = Document(groups=GROUPS)
BAC = Document(pace=(), chip=(1, 12), groups=GROUPS)
RSA = replace(FULL, active="rsa")
DH = Document(pace=((1, 2, 0),), chip=(1, 0))
DH_CHIP = Document(pace=((1, 2, 0),), chip=(2, 0))
INTEGRATED = Document(pace=((4, 2, 12),))
CAM = Document(pace=((6, 2, 12), (2, 2, 12)))
EXTENDED = replace(FULL, groups=GROUPS | CLOSED)
TERMINALS = extended(groups=GROUPS)
FREE = replace(BAC, groups=GROUPS | CLOSED, reads={})
DIRECTORY = Directory.of((LDS1_AID,)).build()
LISTED = Document(image="emrtd-applet", directory=DIRECTORY)
"""A document with EF.DIR, which cases of LDS2 ask for; of its applications they ask nothing."""
BY_TERMINALS = {f"ISO7816_{name}" for name in ("D_9", "D_10", "E_9", "E_10", "O_41", "O_42", "I_30")}
WITHOUT_TERMINALS = {"ISO7816_B_41", "ISO7816_B_42"}
"""Not for documents with extended access control: there the groups are as any other."""
_DH_WORDS = ("(DH)", "DH value")


def document_for(name: str) -> Document:
    """Return a document the case applies to."""
    case = CASES[name]
    if name in BY_TERMINALS | WITHOUT_TERMINALS:
        return TERMINALS if name in BY_TERMINALS else FREE
    prime = any(words in case.purpose for words in _DH_WORDS)
    choose = {"I": chip_document, "P": password_document}.get(case.unit[-1])
    if choose is not None:
        return choose(case, prime)
    if case.unit[-1] == "U":
        return LISTED
    if case.unit[-1] == "R":
        return RSA if "AA-RSA" in case.tokens else BAC if "BAC" in case.tokens else FULL
    if case.unit[-1] == "S" or (case.unit[-1] == "O" and "PACE-CAM" in case.tokens):
        return CAM
    return replace(BAC, groups=GROUPS | CLOSED) if case.unit[-1] in "BC" or case.tokens == {"BAC"} else EXTENDED


def chip_document(case: Case, prime: bool) -> Document:
    if "PACE-CAM" in case.tokens:
        return replace(CAM, chip=(1, 12))
    by_transaction = "MSE:SET KAT" in case.purpose
    return (DH if prime else BAC) if by_transaction else (DH_CHIP if prime else FULL)


def password_document(case: Case, prime: bool) -> Document:
    if prime:
        return DH
    return INTEGRATED if "Integrated" in case.purpose else CAM if "also has CAM" in case.purpose else FULL


RUNNERS = {"C": run_basic_access, "I": run_chip, "P": run_pace, "R": run_active, "ISO7816_I_30": run_migration}
PROTOCOLS = of_units(*"ABCDEIOPQRSTU")


def runner_of(name: str) -> Callable[[Case, Document], str]:
    """Return what runs a case: by its name, or its unit."""
    return RUNNERS.get(name) or RUNNERS.get(CASES[name].unit[-1], run_access)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_document_passes_every_case_that_applies_to_it(name: str) -> None:
    assert runner_of(name)(CASES[name], document_for(name)) == "", CASES[name].purpose


# The contents


def cases_in(words: str) -> Iterator[str]:
    """Yield the cases that a rule names: ``A all``, ``B_1-36``, ``LDS_B_4-6``."""
    unit, _, numbers = words.rpartition("_") if not words.endswith(" all") else (words.removesuffix(" all"), "", "")
    whole = unit if unit.startswith("LDS") else f"ISO7816_{unit}".replace("ISO7816_ISO7816_", "ISO7816_")
    first, _, last = numbers.partition("-")
    for name in CASES:
        head, _, number = name.rpartition("_")
        if head == whole and (not numbers or int(first) <= int(number) <= int(last or first)):
            yield name


def named_by_rules() -> dict[str, set[str]]:
    """Return the rules that name each case."""
    found: dict[str, set[str]] = {name: set() for name in CASES}
    for rule, text in BY_RULE.items():
        for name in (name for words in text.split(", ") for name in cases_in(words)):
            found[name].add(rule)
    return found


def test_every_case_is_named_by_a_rule() -> None:
    assert {name for name, rules in named_by_rules().items() if not rules} == set()


@pytest.mark.parametrize("document", [FULL, RSA, CAM, INTEGRATED, DH], ids=["full", "RSA", "CAM", "integrated", "DH"])
def test_a_document_passes_every_case_about_its_contents(document: Document) -> None:
    trust = TRUST
    reading = inspect(document.make(), Request((BY_MRZ,), trust, NOW, secrets.token_bytes))
    broken = {finding.rule for finding in reading.findings}
    failed = {name for name, rules in named_by_rules().items() if name.startswith("LDS") and rules & broken}
    assert failed == set()


# The cases find what they are for


def lying(document: Document, lie: Lie) -> Document:
    """Return a document whose chip answers some commands otherwise."""
    found = replace(document)
    found.make = lambda: Channel(LoopbackConnection(Lax(document, lie)))  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize(
    ("name", "document", "lie"),
    [
        ("ISO7816_A_1", BAC, answered(b"\x6a\x82", "00A4040C")),
        ("ISO7816_B_21", BAC, answered(COM, "00B081")),
        ("ISO7816_B_39", BAC, answered(COM, "00B00000", when=in_session)),
        ("ISO7816_C_1", BAC, answered(bytes(8) + DONE, "00840000")),
        ("ISO7816_C_6", BAC, answered(bytes(40) + DONE, "00820000")),
        ("ISO7816_I_4", BAC, answered(DONE, "002241A6")),
        ("ISO7816_O_56", CAM, answered(COM, "00B09D")),
        ("ISO7816_P_8", FULL, answered(DONE, "0022C1A4", "10860000")),
        ("ISO7816_P_24", FULL, answered(DONE, "10860000457C438341")),
        ("ISO7816_P_35", FULL, answered(DONE, "008600000C7C0A8508")),
        ("ISO7816_P_54", FULL, answered(DONE, "00860000027C00")),
        ("ISO7816_Q_2", FULL, answered(b"\x69\x82", "00B09C")),
        ("ISO7816_U_2", LISTED, answered(b"\x6a\x82", "00B09E")),
        ("ISO7816_U_4", LISTED, answered(b"\x6d\x00", "00B1001E")),
    ],
)
def test_a_document_that_does_not_hold_what_a_case_asks_fails_it(name: str, document: Document, lie: Lie) -> None:
    case, run = CASES[name], runner_of(name)
    assert run(case, document) == ""
    assert run(case, lying(document, lie)) != ""


@pytest.mark.parametrize("name", sorted(BY_TERMINALS - {"ISO7816_I_30"}))
def test_a_group_that_terminals_read_is_closed_to_others(name: str) -> None:
    """The cases pass because a terminal was authenticated: without one the same document fails them."""
    unasked = replace(TERMINALS, cvca=b"")
    assert run_access(CASES[name], unasked) != ""


def test_a_document_that_does_not_take_the_link_does_not_migrate() -> None:
    assert run_migration(CASES["ISO7816_I_30"], replace(TERMINALS, keys={})) != ""
