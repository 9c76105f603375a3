"""Each rule of the sheet's table: silent on a good card, alone when its one thing is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardkit.apps.gp.picture import CardPicture, History, Journal, SeenChain, SeenChannels, SeenLoad
from cardkit.apps.gp.rules.engine import CHECKS, findings
from cardkit.apps.gp.rules.expectation import Expectation
from cardkit.apps.gp.rules.table import TABLE
from cardkit.apps.gp.tags import CPLC, FCI, CardCapabilities, CardRecognitionData, KeyInformation, Memory, parse_status
from cardkit.desired import Severity

Pair = tuple[CardPicture, Expectation]
Change = Callable[[CardPicture, Expectation], Pair]
RULES = [f"GP-{number:03}" for number in range(1, 55)]

SSD, VERIFIER = bytes.fromhex("F053534401"), bytes.fromhex("F053534402")
APPLET, SECOND = bytes.fromhex("F04341524401"), bytes.fromhex("F04341524402")
PACKAGE = bytes.fromhex("F043415244")


def swapped(text: str, old: str, new: str) -> bytes:
    assert text.count(old) == 1, f"{old} in {text}"
    return bytes.fromhex(text.replace(old, new))


def becomes(**fields: object) -> Change:
    return lambda picture, expected: (replace(picture, **fields), expected)


def computed(field: str, new: Callable[[CardPicture], object]) -> Change:
    return lambda picture, expected: (replace(picture, **{field: new(picture)}), expected)


def part(field: str, **fields: object) -> Change:
    return computed(field, lambda picture: replace(getattr(picture, field), **fields))


def rewritten(field: str, kind, old: str, new: str) -> Change:
    """Change one piece of an object's bytes, given in hexadecimal digits."""
    return computed(field, lambda p: kind.parse(swapped(getattr(p, field).encode().hex().upper(), old, new)))


def key_list(old: str, new: str) -> Change:
    return computed(
        "keys",
        lambda p: tuple(KeyInformation.parse(swapped(KeyInformation(p.keys).encode().hex().upper(), old, new))),
    )


def entry(field: str, aid: bytes, old: str, new: str) -> Change:
    """Change one piece of one entry of the registry."""

    def change(entries):
        return tuple(_entry(item, old, new) if item.aid == aid else item for item in entries)

    return computed(field, lambda picture: change(getattr(picture, field)))


def _entry(item, old: str, new: str):
    body = swapped(item.objects.build().hex().upper(), old, new)
    return parse_status(bytes((0xE3, len(body))) + body, item.listed)[0]


def listed_too(field: str, text: str) -> Change:
    """Add an entry that is like the last one of the list, but for its AID."""

    def more(entries):
        last = entries[-1]
        return (*entries, _entry(last, f"4F{len(last.aid):02X}{last.aid.hex().upper()}", text))

    return computed(field, lambda picture: more(getattr(picture, field)))


def isd(old: str, new: str) -> Change:
    return computed("isd", lambda picture: _entry(picture.isd, old, new))


def greeting(index: int, **fields: object) -> Change:
    def change(picture: CardPicture):
        greetings = list(picture.greetings)
        greetings[index] = replace(greetings[index], **fields)
        return tuple(greetings)

    return computed("greetings", change)


def domain(aid: bytes, **fields: object) -> Change:
    return computed("domains", lambda p: {**p.domains, aid: replace(p.domains[aid], **fields)})


def cplc(old: str, new: str) -> Change:
    return rewritten("cplc", CPLC, old, new)


def together(*changes: Change) -> Change:
    """One thing on the card that shows in several objects."""

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        for each in changes:
            picture, expected = each(picture, expected)
        return picture, expected

    return change


def three_equal_keys(picture: CardPicture, expected: Expectation) -> Pair:
    """The order itself has them, and the card took them."""
    kcvs = (b"\x01\x01\x01",) * 3
    journal = Journal({**picture.journal.echoes, (b"", 0x30): b"".join(kcvs)}, picture.journal.loads)
    first, *others = expected.sets
    return replace(picture, journal=journal), replace(expected, sets=(replace(first, kcvs=kcvs), *others))


def both_lists(change: Callable[[str], tuple[str, str]]) -> Change:
    """Change what FCI and GET DATA 66 say alike."""
    old, new = change("6B04")
    return together(rewritten("fci", FCI, old, new), rewritten("card_data", CardRecognitionData, old, new))


CRD_WITH_SCP02 = bytes.fromhex(
    "6658 7356 06072A864886FC6B01 600B06092A864886FC6B020203 630906072A864886FC6B03 640B06092A864886FC6B040370"
    "640B06092A864886FC6B040215 650D060B2A864886FC6B0507020000 660A06082B060104012A026E".replace(" ", "")
)
FCI_AS_CRD = bytes.fromhex("6F68 8408A000000151000000 A55C") + CRD_WITH_SCP02[2:] + bytes.fromhex("9F6501FF")

CHANGES: dict[str, Change] = {
    "GP-001": isd("9F70010F", "9F700107"),
    "GP-002": together(becomes(select_sw=0x6283), isd("9F70010F", "9F70017F")),
    "GP-003": rewritten("fci", FCI, "8408A000000151000000", "8408A000000003000000"),
    "GP-004": greeting(1, fits=("GlobalPlatform default",)),
    "GP-005": key_list("C00401308810", "C00401FF8010C00401308810"),
    "GP-006": key_list("C00402308810", ""),
    "GP-007": key_list("C00401308810", "C00401228810C00401308810"),
    "GP-008": key_list("C00402308810", "C00402308820"),
    "GP-009": part("session", failure="the card cryptogram is of another key", level=0),
    "GP-010": greeting(0, bare_master=True),
    "GP-011": three_equal_keys,
    "GP-012": computed("journal", lambda p: Journal({**p.journal.echoes, (b"", 0x30): bytes(9)}, p.journal.loads)),
    "GP-013": greeting(1, i=0x60),
    "GP-014": both_lists(lambda oid: (f"{oid}0370", f"{oid}0360")),
    "GP-015": rewritten("card_data", CardRecognitionData, "6B020203", "6B020202"),
    "GP-016": rewritten("capabilities", CardCapabilities, "81026070", "81021020"),
    "GP-017": becomes(card_data=CardRecognitionData.parse(CRD_WITH_SCP02), fci=FCI.parse(FCI_AS_CRD)),
    "GP-018": greeting(1, recomputes=False),
    "GP-019": greeting(0, sequence=3),
    "GP-020": becomes(counter=9),
    "GP-021": part("session", unproven=("GET STATUS 40",)),
    "GP-022": becomes(plain_status=0x9000),
    "GP-023": part("refusals", unprotected=(0x9000, 0x9000)),
    "GP-024": part("refusals", wrong_cryptogram=(0x6300, False)),
    "GP-025": together(
        listed_too("applications", "4F06F04341524403"),
        rewritten("memory", Memory, "81020004", "81020005"),
    ),
    "GP-026": entry("load_files", PACKAGE, "CE020102", "CE020101"),
    "GP-027": listed_too("load_files", "4F08A0000000620001FF"),
    "GP-028": entry("applications", APPLET, "9F700107", "9F700187"),
    "GP-029": entry("applications", SECOND, "C503000000", "C503000100"),
    "GP-030": isd("C5039EFE80", "C5039E7E80"),
    "GP-031": entry("applications", SECOND, "C503000000", "C503040000"),
    "GP-032": entry("applications", SSD, "C503808000", "C503A0C000"),
    "GP-033": entry("applications", SSD, "C503808000", "C503908000"),
    "GP-034": entry("applications", APPLET, "CC05F053534401", "CC08A000000151000000"),
    "GP-035": entry("applications", SSD, "9F70010F", "9F700107"),
    "GP-036": entry("applications", APPLET, "CF0140", "CF0180"),
    "GP-037": cplc("479050384791", "409050384791"),
    "GP-038": cplc("2222006000000002", "0000006000000002"),
    "GP-039": cplc("1111005000000001", "0000005000000001"),
    "GP-040": cplc("48120045", "48120033"),
    "GP-041": together(greeting(0, kdd=bytes(10)), greeting(1, kdd=bytes(10))),
    "GP-042": becomes(card_number=bytes(8)),
    "GP-043": becomes(values={0xE0: (bytes.fromhex("E003C0010A"), bytes.fromhex("E003C0010A"))}),
    "GP-044": becomes(status_faults=("6310 without data",)),
    "GP-045": rewritten("memory", Memory, "820400016DB4", "820400000010"),
    "GP-046": computed("journal", lambda p: Journal(p.journal.echoes, {PACKAGE: SeenLoad(bytes(32), bytes(32))})),
    "GP-047": domain(VERIFIER, keys=()),
    "GP-048": key_list("C00401718010", ""),
    "GP-049": part("refusals", late_data={APPLET: 0x9000}),
    "GP-050": becomes(chain=SeenChain("the root is another one")),
    "GP-051": key_list("C00401408810", "C00401018810C00401408810"),
    "GP-052": becomes(channels=SeenChannels(3, 1)),
    "GP-053": becomes(words=frozenset({(0xF2, 0x9F10)})),
    "GP-054": becomes(golden=frozenset({"CPLC os id"})),
}

# Further ways to break a rule; the first of each stands above.
FURTHER: list[tuple[str, Change]] = [
    ("GP-002", isd("9F70010F", "9F7001FF")),
    ("GP-003", isd("4F08A000000151000000", "4F07A0000001510000")),
    ("GP-006", domain(SSD, keys=())),
    (
        "GP-006",
        lambda picture, expected: (
            picture,
            replace(expected, keys=(replace(expected.keys[0], type=0x80), *expected.keys[1:])),
        ),
    ),
    ("GP-009", part("session", level=0x01)),
    ("GP-010", becomes(history=History(kdd=True))),
    ("GP-014", both_lists(lambda oid: (f"640B06092A864886FC{oid}0370", f"640B06092A864886FC{oid}8070"))),
    ("GP-016", rewritten("capabilities", CardCapabilities, "820107", "820106")),
    ("GP-016", rewritten("capabilities", CardCapabilities, "8303010203", "8303010101")),
    ("GP-019", greeting(0, challenge=bytes([5]) * 8)),
    ("GP-020", lambda picture, expected: (picture, replace(expected, counter_limit=4))),
    ("GP-024", part("refusals", wrong_cryptogram=(0x9000, None))),
    (
        "GP-025",
        together(
            computed("applications", lambda p: p.applications[:3]), rewritten("memory", Memory, "81020004", "81020003")
        ),
    ),
    ("GP-026", entry("load_files", PACKAGE, "8406F0434152444D", "8406F0434152444E")),
    ("GP-028", entry("applications", SECOND, "9F700107", "9F700103")),
    ("GP-031", isd("C5039EFE80", "C5039AFE80")),
    ("GP-033", entry("applications", SECOND, "C503000000", "C503001000")),
    ("GP-034", entry("applications", SECOND, "C405F043415244", "C407A0000001515350")),
    ("GP-035", domain(SSD, kvn=0x30)),
    ("GP-040", cplc("48120045", "48120999")),
    ("GP-041", becomes(history=History(chip=True))),
    ("GP-042", becomes(history=History(image=True))),
    ("GP-042", becomes(issuer_number=None, troubles={"issuer_number": "status 6A88"})),
    ("GP-044", computed("load_files", lambda p: (*p.load_files, p.load_files[0]))),
    ("GP-045", rewritten("memory", Memory, "81020004", "81020007")),
    ("GP-047", entry("applications", VERIFIER, "9F70010F", "9F700107")),
    ("GP-047", entry("applications", VERIFIER, "C503C08000", "C503808000")),
    ("GP-048", becomes(confirmations=7)),
    ("GP-050", becomes(chain=SeenChain(matches=False))),
    ("GP-051", key_list("C00402408810", "")),
    ("GP-052", becomes(channels=SeenChannels(1, 0))),
]


def fired(pair: Pair) -> set[str]:
    return {finding.rule for finding in findings(*pair) if not finding.not_checked}


def test_the_table_is_the_sheets():
    assert list(TABLE) == RULES
    assert [check.rule for check in CHECKS] == RULES
    assert list(CHANGES) == RULES


def test_a_good_card_has_no_finding_at_all(picture, expected):
    assert findings(picture, expected) == []


@pytest.mark.requirement("P8")
@pytest.mark.parametrize("rule", RULES)
def test_one_change_makes_exactly_its_rule_fire(rule, picture, expected):
    assert fired(CHANGES[rule](picture, expected)) == {rule}


@pytest.mark.parametrize(("rule", "change"), FURTHER)
def test_another_change_makes_the_same_rule_fire(rule, change, picture, expected):
    assert fired(change(picture, expected)) == {rule}


@pytest.mark.parametrize("rule", RULES)
def test_a_finding_has_the_rules_severity_and_clause(rule, picture, expected):
    found = [finding for finding in findings(*CHANGES[rule](picture, expected)) if finding.rule == rule]
    assert {(finding.severity, finding.clause) for finding in found} == {(TABLE[rule].severity, TABLE[rule].clause)}


def test_of_nothing_every_rule_says_that_it_was_not_checked(expected):
    found = findings(CardPicture(), expected)
    assert {finding.rule for finding in found} == set(RULES) - {"GP-011"}  # which asks the key store, not the card
    assert all(finding.not_checked for finding in found)


def test_what_only_others_could_give_does_not_make_a_card_doubtful(picture, expected):
    found = findings(replace(picture, refusals=None, journal=None, history=None, golden=None), expected)
    assert {finding.rule for finding in found} >= {"GP-012", "GP-023", "GP-024", "GP-046", "GP-049", "GP-054"}
    assert {finding.severity for finding in found} == {Severity.INFO}
    assert all(finding.not_checked for finding in found)


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("keys", "GP-006"), ("cplc", "GP-037"), ("card_data", "GP-014"), ("fci", "GP-003"), ("memory", "GP-045"),
        ("counter", "GP-020"), ("chain", "GP-050"), ("channels", "GP-052"), ("status_faults", "GP-044"),
    ],
)  # fmt: skip
def test_what_the_card_refuses_is_the_finding_of_one_rule(field, rule, picture, expected):
    found = findings(replace(picture, **{field: None}, troubles={field: "status 6A88"}), expected)
    assert {finding.rule for finding in found if not finding.not_checked} == {rule}
    assert all(finding.severity is Severity.WARNING for finding in found if finding.not_checked)


def test_a_card_without_capabilities_is_no_worse(picture, expected):
    found = findings(replace(picture, capabilities=None, troubles={"capabilities": "status 6A88"}), expected)
    assert [(finding.rule, finding.severity) for finding in found] == [("GP-016", Severity.INFO)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(unread=st.sets(st.sampled_from([item.name for item in fields(CardPicture) if item.name != "troubles"])))
def test_what_was_not_read_is_never_held_against_a_card(unread, picture, expected):
    """Whatever a survey could not read, no rule finds a fault in it, and none breaks."""
    blank = CardPicture()
    seen = replace(picture, **{name: getattr(blank, name) for name in unread})
    assert fired((seen, expected)) == set()


def test_rules_can_be_chosen(picture, expected):
    changed = CHANGES["GP-001"](picture, expected)
    assert findings(*changed, rules={"GP-002", "GP-003"}) == []
    assert [finding.rule for finding in findings(*changed, rules={"GP-001"})] == ["GP-001"]
