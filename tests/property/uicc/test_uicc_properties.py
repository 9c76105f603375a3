"""Nothing is lost, nothing but the declared errors is raised: over bodies of every shape and values of every kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.uicc.arr import AccessRules, FileKind, build_rules, compact_conditions, conditions, parse_rules, words
from cardkit.apps.uicc.client import parse_challenge_answer
from cardkit.apps.uicc.codecs import Codec
from cardkit.apps.uicc.codecs.networks import AccessTechnologies
from cardkit.apps.uicc.codecs.phonebook import LAYOUTS, LINKED_LAYOUTS, PBR
from cardkit.apps.uicc.codecs.sms import validity_minutes
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.files.phonebook import phone_book
from cardkit.apps.uicc.gsm import GsmStatus
from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.sqn import make_vector, next_sqn, verify_auts
from cardkit.apps.uicc.xor import XorAka
from cardkit.crypto.aka import xor
from cardkit.errors import EncodingError, ProtocolError

BY_CODEC = {id(spec.codec): spec for spec in CATALOGUE.values()}
SPECS = sorted(BY_CODEC.values(), key=lambda spec: spec.name)


def real_bodies() -> dict[int, list[bytes]]:
    """Return the bodies of the published dumps and vectors by codec: where mutation starts."""
    vectors = Path(__file__).parents[2] / "vectors"
    found: dict[int, list[bytes]] = {}
    for case in json.loads((vectors / "uicc_dumps.json").read_text(encoding="utf-8")):
        title = case["in"].get("path", "").removeprefix("MF/")
        spec = CATALOGUE.get(f"MF/{title}" if title.startswith("EF.") else title)
        out = case["out"]
        bodies = [out["content"]] if "content" in out else list(out.get("records", {}).values())
        if spec is not None:
            found.setdefault(id(spec.codec), []).extend(bytes.fromhex(body) for body in bodies)
    for case in json.loads((vectors / "uicc_files.json").read_text(encoding="utf-8")):
        for path in case["in"].get("paths", []):
            fid = int(path[-4:], 16)
            for spec in SPECS:
                if spec.fid == fid:
                    found.setdefault(id(spec.codec), []).append(bytes.fromhex(case["in"]["hex"]))
    return found


REAL = real_bodies()
TEMPLATES = [bytes.fromhex("62178202412183022FE28A01058B032F060A8002000A880110")]


_FEW = bytes((0x00, 0xFF, 0x01)[number % 3] for number in range(256))
"""Turns any bytes into those cards are full of."""


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Draw a body that is real but for some bytes, or cut, or longer."""
    body = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 3))):
        if body:
            body[draw(st.integers(0, len(body) - 1))] = draw(
                st.sampled_from((0x00, 0xFF, 0x80, 0x01)) | st.integers(0, 255)
            )
    cut = draw(st.integers(0, len(body)) | st.just(len(body)))
    return bytes(body[:cut]) + draw(st.sampled_from((b"", b"\xff", b"\x00\x00", b"\xff\xff\x01")))


def bodies(spec: Any) -> st.SearchStrategy[bytes]:
    arbitrary = st.binary(max_size=80) | st.binary(max_size=40).map(lambda data: data.translate(_FEW))
    seeds = REAL.get(id(spec.codec))
    return arbitrary | mutated(seeds) if seeds else arbitrary


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_body_comes_back(spec: Any) -> None:
    @settings(max_examples=18, deadline=None)
    @given(bodies(spec))
    def check(body: bytes) -> None:
        value = spec.decode(body)
        assert json.loads(json.dumps(value)) == value
        assert spec.encode(value, len(body)) == body

    check()


BOOK = [codec for layouts in (LAYOUTS, LINKED_LAYOUTS) for codec in layouts.values()]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(BOOK), st.binary(max_size=40) | st.binary(max_size=40).map(lambda data: data.translate(_FEW)))
def test_every_record_of_a_phone_book_comes_back(codec: Codec, body: bytes) -> None:
    assert codec.encode(codec.decode(body), len(body)) == body


def references(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    tags = st.sampled_from((0xA8, 0xA9, 0xAA, 0xC0, 0xC4, 0xCA, 0xFF))
    return st.lists(st.tuples(tags, inner), max_size=3).map(
        lambda items: b"".join(bytes((tag, len(data) % 256)) + data for tag, data in items)
    )


@settings(max_examples=60, deadline=None)
@given(references(references(st.binary(max_size=4))))
def test_any_reference_file_names_files_or_none(body: bytes) -> None:
    files = phone_book("DF.TELECOM/DF.PHONEBOOK", (0x7F10, 0x5F3A), [PBR.decode(body)])
    assert len({spec.fid for spec in files}) == len({spec.title for spec in files}) == len(files)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 300)
    | st.text(max_size=6)
    | st.sampled_from(("001-01", "FF", "+49", "b1")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_wrong_value_raises_the_declared_error_only(spec: Any) -> None:
    names = st.sampled_from((*spec.codec.names, "raw", "empty", "rest", "tag_85", "tag_", "other"))

    @settings(max_examples=8, deadline=None)
    @given(ANYTHING | st.dictionaries(names, ANYTHING, max_size=4), st.integers(0, 60))
    def check(value: Any, size: int) -> None:
        try:
            body = spec.encode(value, size)
        except EncodingError:
            return
        assert len(body) == size

    check()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | mutated(TEMPLATES))
def test_control_parameters_come_back_or_are_refused(data: bytes) -> None:
    try:
        fcp = Fcp.parse(data)
    except EncodingError:
        return
    assert fcp.build() == data
    json.dumps(fcp.describe())
    try:
        fcp.conditions()
    except EncodingError:
        return


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=40) | mutated([bytes.fromhex("0000125C3F000100000000000A9303020C00838A838A00")]))
def test_2g_answers_come_back_or_are_refused(data: bytes) -> None:
    try:
        status = GsmStatus.parse(data)
    except EncodingError:
        return
    assert status.build() == data
    json.dumps(status.describe())


KEYS = st.sampled_from(("PIN1", "PIN2", "ADM1", "ADM6", "universal PIN", "always", "never"))
CONDITIONS = st.recursive(
    KEYS,
    lambda inner: st.sampled_from(("or", "and", "not")).flatmap(
        lambda word: st.lists(inner, min_size=1, max_size=3).map(lambda parts: {word: parts})
    ),
    max_leaves=6,
)
RULES = st.lists(
    st.fixed_dictionaries(
        {"mode": st.integers(0, 0x7F).map("{:02X}".format), "conditions": st.lists(CONDITIONS, max_size=2)}
    ),
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(RULES)
def test_access_rules_come_back(rules: list[dict[str, Any]]) -> None:
    codec = AccessRules()
    body = codec.encode({"rules": rules}, 1000)
    parsed = parse_rules(body)
    assert build_rules(parsed) == body.rstrip(b"\xff")
    if rules:
        assert codec.decode(body) == {"rules": rules}


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=30))
def test_any_bytes_are_rules_or_an_error(data: bytes) -> None:
    for read in (lambda: conditions(parse_rules(data), FileKind.EF), lambda: compact_conditions(data, FileKind.DF)):
        try:
            found = read()
        except EncodingError:
            continue
        assert all(words(condition) for condition in found.values())


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_challenge_answer_or_an_error(data: bytes) -> None:
    try:
        parse_challenge_answer(data)
    except ProtocolError:
        return


@given(st.binary(min_size=2, max_size=2))
def test_access_technologies(data: bytes) -> None:
    field = AccessTechnologies()
    assert field.encode(field.decode(data)) == data


def test_every_validity_byte_is_another_period() -> None:
    assert len({validity_minutes(code) for code in range(256)}) == 256


BLOCK = st.binary(min_size=16, max_size=16)
SQN = st.integers(0, (1 << 48) - 64)


@settings(max_examples=50, deadline=None)
@given(BLOCK, BLOCK, BLOCK, SQN, st.booleans())
def test_a_card_that_answers_auts_gives_its_number_away(
    k: bytes, opc: bytes, rand: bytes, sqn: int, usual: bool
) -> None:
    algorithm = Milenage(k, opc) if usual else XorAka(k)
    number = sqn.to_bytes(6, "big")
    auts = xor(number, algorithm.f5_star(rand)) + algorithm.f1_star(number, rand, b"\0\0")
    assert verify_auts(algorithm, rand, auts) == sqn


@settings(max_examples=50, deadline=None)
@given(BLOCK, BLOCK, BLOCK, SQN, st.integers(0, 31))
def test_autn_hides_the_number_and_proves_it(k: bytes, opc: bytes, rand: bytes, sqn: int, ind: int) -> None:
    algorithm = Milenage(k, opc)
    following = next_sqn(sqn, ind)
    assert following >> 5 == (sqn >> 5) + 1
    assert following & 31 == ind
    vector = make_vector(algorithm, rand, following)
    number = xor(vector.autn[:6], algorithm.f5(rand))
    assert int.from_bytes(number, "big") == following
    assert algorithm.f1(number, rand, vector.autn[6:8]) == vector.autn[8:]
