"""GET STATUS: pages, old cards, and cards that never end."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.gp.registry import Node, Registry, read_registry
from cardkit.apps.gp.status import get_status, read_status
from cardkit.apps.gp.tags import StatusEntry, StatusKind
from cardkit.encoding import tlv
from cardkit.errors import CardError, ParameterError, ProtocolError, SecurityStatusError

from .conftest import FCI, SELECT, CardMaker, Script, selected

ISD = "E314 4F08A000000151000000 9F70010F C5039EFE80".replace("E314", "E313")
FIRST, NEXT = "80F24002024F0000", "80F24003024F0000"
APPLICATIONS = StatusKind.APPLICATIONS


def entry(aid: str, state: int = 0x07, privileges: str = "000000", domain: str = "") -> bytes:
    objects = tlv.build(0x4F, bytes.fromhex(aid)) + tlv.build(0x9F70, bytes((state,)))
    objects += tlv.build(0xC5, bytes.fromhex(privileges))
    return tlv.build(0xE3, objects + (tlv.build(0xCC, bytes.fromhex(domain)) if domain else b""))


ENTRIES = entry("A0000000041010") + entry("A000000151535041", 0x0F, "80C000") + entry("D276000005AA", 0x83)


def read(scripted: CardMaker, *script: Script, kind: StatusKind = APPLICATIONS) -> list[str]:
    domain = selected(scripted((SELECT, FCI), *script))
    return [found.aid.hex().upper() for found in domain.status(kind)]


@pytest.mark.parametrize("cut", range(1, len(ENTRIES)))
def test_pages_end_anywhere(cut: int, scripted: CardMaker) -> None:
    pages = [(FIRST, ENTRIES[:cut].hex() + "6310"), (NEXT, ENTRIES[cut:].hex() + "9000")]
    assert read(scripted, *pages) == ["A0000000041010", "A000000151535041", "D276000005AA"]


def test_nothing_found_is_an_empty_list(scripted: CardMaker) -> None:
    assert read(scripted, (FIRST, "6A88")) == []
    assert read(scripted, (FIRST, "9000")) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ([(FIRST, "6310")], "page 1 is empty and says that more follows"),
        ([(FIRST, entry("A0000000041010").hex() + "6310"), (NEXT, "6310")], "page 2 is empty"),
        ([(FIRST, ENTRIES[:-1].hex() + "9000")], "announces"),
        ([(FIRST, "E4029F70" + "9000")], "GET STATUS 40: "),
    ],
)
def test_broken_pages_are_errors(script: list[Script], words: str, scripted: CardMaker) -> None:
    with pytest.raises(ProtocolError, match=words):
        read(scripted, *script)


def test_list_that_stops_short_is_an_error(scripted: CardMaker) -> None:
    with pytest.raises(CardError, match="GET STATUS 40: card answered 6A88"):
        read(scripted, (FIRST, ENTRIES.hex() + "6310"), (NEXT, "6A88"))


def test_card_whose_pages_never_end(scripted: CardMaker) -> None:
    card = scripted((SELECT, FCI), for_ever=ENTRIES.hex() + "6310")
    domain = selected(card)
    with pytest.raises(ProtocolError, match="more than 256 pages"):
        domain.status(APPLICATIONS)
    assert len(card.sent) == 1 + 256


def test_refusal_is_an_error(scripted: CardMaker) -> None:
    with pytest.raises(SecurityStatusError, match="GET STATUS 80: card answered 6982"):
        read(scripted, ("80F28002024F0000", "6982"), kind=StatusKind.ISD)


def test_load_files_without_modules_where_the_card_lists_none(scripted: CardMaker) -> None:
    load_file = "E30E 4F07A0000000041010 9F700101".replace("E30E", "E30D")
    script = [("80F21002024F0000", "6A86"), ("80F22002024F0000", load_file + "9000")]
    assert read(scripted, *script, kind=StatusKind.MODULES) == ["A0000000041010"]


def test_old_card_lists_without_tlv(scripted: CardMaker) -> None:
    script = [
        ("80F21002024F0000", "6A86"),
        ("80F22002024F0000", "6A86"),
        ("80F21000024F0000", "07A0000000041010 0100 01 08A000000004101001".replace(" ", "") + "6310"),
        ("80F21001024F0000", "05D276000005010000" + "9000"),
    ]
    domain = selected(scripted((SELECT, FCI), *script))
    first, second = domain.status(StatusKind.MODULES)
    assert first.state == "LOADED"
    assert [module.hex().upper() for module in first.modules] == ["A000000004101001"]
    assert second.modules == ()


def test_card_that_knows_no_form_at_all(scripted: CardMaker) -> None:
    with pytest.raises(ParameterError):
        read(scripted, (FIRST, "6A86"), ("80F24000024F0000", "6A86"))


def test_search_by_the_start_of_an_aid() -> None:
    command = get_status(APPLICATIONS, bytes.fromhex("A000000004"), following=True)
    assert command.encode().hex().upper() == "80F24003074F05A00000000400"


@settings(max_examples=50)
@given(answers=st.lists(st.tuples(st.binary(max_size=30), st.sampled_from((0x9000, 0x6310, 0x6A86, 0x6A88, 0x6982)))))
def test_any_answers_end_in_entries_or_a_card_error(answers: list[tuple[bytes, int]]) -> None:
    left = [ResponseAPDU(data, sw) for data, sw in answers]

    def exchange(command: CommandAPDU) -> ResponseAPDU:
        return left.pop(0) if left else ResponseAPDU(b"", 0x6D00)

    try:
        entries = read_status(exchange, StatusKind.MODULES)
    except CardError:
        return
    assert all(item.state for item in entries)


# The tree


def parsed(data: bytes, kind: StatusKind) -> tuple[StatusEntry, ...]:
    return tuple(StatusEntry(kind, item.children()) for item in tlv.parse(data))


def shape(nodes: tuple[Node, ...]) -> list[object]:
    return [[node.entry.aid.hex().upper(), shape(node.children)] if node.children else node.entry.aid.hex().upper()
            for node in nodes]  # fmt: skip


A, B, C = "A000000151535041", "A000000151535042", "A000000151535043"
APP, OTHER, CARD = "A0000000041010", "A0000000041011", "A000000151000000"


def test_tree_of_domains(scripted: CardMaker) -> None:
    applications = entry(B, 0x0F, "800000", A) + entry(A, 0x0F, "80C000", CARD) + entry(APP, domain=B) + entry(OTHER)
    load_file = tlv.build(0xE3, bytes.fromhex("4F05D2760000059F700101CC08" + A))
    domain = selected(
        scripted(
            (SELECT, FCI),
            ("80F28002024F0000", ISD + "9000"),
            (FIRST, applications.hex() + "9000"),
            ("80F21002024F0000", load_file.hex() + "9000"),
        )
    )
    registry = read_registry(domain)
    assert shape(registry.tree()) == [[CARD, [[A, [[B, [APP]], "D276000005"]], OTHER]]]


@pytest.mark.parametrize(
    ("applications", "expected"),
    [
        (entry(A, 0x0F, "800000", A), [CARD, A]),
        (entry(APP, domain=A) + entry(A, 0x0F, "800000", B) + entry(B, 0x0F, "800000", A), [CARD, [A, [APP, B]]]),
        (entry(APP, domain=C), [[CARD, [APP]]]),
        (entry(APP) + entry(APP), [[CARD, [APP, APP]]]),
    ],
    ids=["own domain", "ring", "domain that is not there", "listed twice"],
)
def test_tree_of_strange_associations(applications: bytes, expected: list[object]) -> None:
    isd = parsed(bytes.fromhex(ISD), StatusKind.ISD)
    assert shape(Registry(isd, parsed(applications, APPLICATIONS), ()).tree()) == expected


def test_tree_without_an_issuer_domain() -> None:
    registry = Registry((), parsed(entry(APP, domain=A) + entry(A, 0x0F, "800000"), APPLICATIONS), ())
    assert shape(registry.tree()) == [[A, [APP]]]


def test_tree_of_a_card_that_nests_without_end() -> None:
    aids = [f"A0000001{number:08X}" for number in range(300)]
    data = b"".join(entry(aid, 0x0F, "800000", above) for above, aid in itertools.pairwise(aids))
    registry = Registry((), parsed(entry(aids[0], 0x0F, "800000") + data, APPLICATIONS), ())

    def count(nodes: tuple[Node, ...]) -> int:
        return sum(1 + count(node.children) for node in nodes)

    assert count(registry.tree()) == len(aids)
