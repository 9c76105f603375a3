"""Checkpoints against the published chain: what a hash chain alone does not show, they do (L4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Key, MemoryKeyStore, Usage, auditsign
from cardkit.errors import EncodingError
from cardkit.production.audit.statement import CHECKPOINT, Signer, Statement
from cardkit.production.audit.verify import COUNTED, Checkpoint, check_checkpoints
from cardkit.production.canonical import canonical
from cardkit.production.store.audit import ChainFinding, Link, chained, genesis, walk_chain
from tests.unit.production.test_audit import VECTORS, changed, rows

INSTALLATION, CHAIN = "plant-test", "station-7"
SEED = bytes.fromhex(VECTORS["checkpoint-1"]["in"]["ed25519_seed"])
KEY = auditsign.key_of_seed(Key(SEED, "seed", "HMAC-256", Usage.MASTER_DERIVE), "audit")
SIGNER = Signer(MemoryKeyStore({"test:audit": KEY}), "test:audit")


def published(number: int) -> Statement:
    vector = VECTORS[f"checkpoint-{number}"]["out"]
    return Statement(vector["canonical"].encode(), bytes.fromhex(vector["signature"]))


def links(stored: list[dict[str, Any]]) -> list[Link]:
    return [Link(row["event"]["seq"], canonical(row["event"]), row["hash"]) for row in stored]


def verified(
    stored: list[Link], statements: list[Statement], head: bytes | None = None, chain: str = CHAIN
) -> list[ChainFinding]:
    points = [Checkpoint.of(statement) for statement in statements]
    walk = walk_chain(
        stored, installation=INSTALLATION, chain=chain, marks={point.seq for point in points}, counted=COUNTED
    )
    findings = check_checkpoints(points, walk, [KEY.public])
    return (walk.findings if head is None else walk.head(head)) + findings


@pytest.mark.parametrize("number", [1, 2])
def test_we_sign_what_is_published(number: int) -> None:
    message = VECTORS[f"checkpoint-{number}"]["in"]["message"]
    assert SIGNER.sign(CHECKPOINT, message) == published(number)
    assert Checkpoint.of(published(number)).counts == message["counts"]


def vector_case(name: str) -> tuple[list[Link], list[Statement], bytes | None, str]:
    """A vector's chain, its checkpoints, what is known of its head, and its name."""
    change = VECTORS[name]["in"]["change"] or {}
    stored = changed(change)
    statements = [published(1), published(2)]
    if change.get("renumber"):
        for number, row in enumerate(stored, 1):
            row["event"]["seq"] = number
            before = stored[number - 2]["hash"] if number > 1 else genesis(INSTALLATION, CHAIN)
            row["hash"] = chained(before, canonical(row["event"]))
    if "flip_bit" in change:
        last = statements[1].signature
        statements[1] = Statement(statements[1].body, last[:-1] + bytes((last[-1] ^ 1,)))
    if "drop_checkpoint" in change:
        del statements[change["drop_checkpoint"] - 1]
    if "keep_checkpoints" in change:
        statements = [statements[number - 1] for number in change["keep_checkpoints"]]
    if change.get("resign"):
        message = dict(VECTORS["checkpoint-2"]["in"]["message"], hash=stored[5]["hash"].hex())
        statements[1] = SIGNER.sign(CHECKPOINT, message)
    head = rows()[-1]["hash"] if name == "verify-truncate-after-checkpoint-1" else None
    return links(stored), statements, head, change.get("chain", CHAIN)


# An export that is shorter than a checkpoint says so, whether its end or its middle is missing: who deletes an event
# and renumbers the others leaves no other trace. The vector calls that CHECKPOINT.
OTHER_WORD = {"verify-delete-and-renumber": {"code": "CHECKPOINT_BEYOND_END", "seq": 6}}


@pytest.mark.requirement("L4")
@pytest.mark.requirement("L7")
@pytest.mark.parametrize("name", [name for name in VECTORS if name.startswith("verify-")])
def test_every_change_of_the_vectors_is_found(name: str) -> None:
    wanted = OTHER_WORD.get(name) or VECTORS[name]["out"]["finding"]
    stored, statements, head, chain = vector_case(name)
    found = verified(stored, statements, head, chain)
    if wanted is None:
        assert found == []
        return
    assert found[0].code == wanted["code"]
    assert found[0].seq == wanted.get("seq", 3)


def grown(number: int) -> list[Link]:
    """A sound chain of some events."""
    last, made = genesis(INSTALLATION, CHAIN), []
    for seq in range(1, number + 1):
        kind = ("BIND", "GOOD", "CLAIM")[seq % 3]
        at = f"2031-05-04T06:00:{seq // 1000:02}.{seq % 1000:03}Z"
        text = canonical({"seq": seq, "at": at, "actor": "s", "event": kind, "data": {"record": seq}})
        last = chained(last, text)
        made.append(Link(seq, text, last))
    return made


def signed(stored: list[Link], at: list[int]) -> list[Statement]:
    """Checkpoints of a sound chain."""
    statements: list[Statement] = []
    for seq in at:
        kinds = [json.loads(link.event)["event"] for link in stored[:seq]]
        previous = Checkpoint.of(statements[-1]).sha256.hex() if statements else None
        statements.append(
            SIGNER.sign(
                CHECKPOINT,
                {
                    "v": 1, "type": "checkpoint", "installation": INSTALLATION, "chain": CHAIN, "seq": seq,
                    "hash": stored[seq - 1].hash.hex(), "at": "2031-05-04T07:00:00.000Z", "previous": previous,
                    "counts": {kind: kinds.count(kind) for kind in COUNTED},
                },
            )
        )  # fmt: skip
    return statements


def rehashed(stored: list[Link]) -> list[Link]:
    """What somebody leaves who can write the whole store and knows no key."""
    last, made = genesis(INSTALLATION, CHAIN), []
    for seq, link in enumerate(stored, 1):
        text = canonical({**json.loads(link.event), "seq": seq})
        last = chained(last, text)
        made.append(Link(seq, text, last))
    return made


EVENTS, POINTS = 12, [4, 8, 12]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, list[Link]]:
    """A chain that somebody edited, shortened, reordered or lengthened."""
    stored = grown(EVENTS)
    at = draw(st.integers(0, EVENTS - 1))
    how = draw(st.sampled_from(["edit", "delete", "swap", "truncate", "duplicate", "hash", "kind"]))
    link = stored[at]
    if how == "edit":
        event = json.loads(link.event)
        event["data"]["record"] += draw(st.integers(1, 9))
        stored[at] = Link(link.seq, canonical(event), link.hash)
    elif how == "kind":
        stored[at] = Link(link.seq, link.event, link.hash, "SCRAP", link.record_id)
    elif how == "hash":
        stored[at] = Link(link.seq, link.event, bytes(reversed(link.hash)))
    elif how == "delete":
        del stored[at]
    elif how == "truncate":
        del stored[at:]
    elif how == "duplicate":
        stored.insert(at, link)
    else:
        other = draw(st.integers(0, EVENTS - 1).filter(lambda place: place != at))
        stored[at], stored[other] = stored[other], stored[at]
    return how, stored


@pytest.mark.requirement("L4")
@settings(max_examples=150, deadline=None)
@given(damaged())
def test_every_edit_deletion_reordering_and_truncation_is_found(damage: tuple[str, list[Link]]) -> None:
    _, stored = damage
    sound = grown(EVENTS)
    assert verified(stored, signed(sound, POINTS), sound[-1].hash) != []


@pytest.mark.requirement("L4")
@settings(max_examples=150, deadline=None)
@given(damaged())
def test_who_rehashes_everything_is_found_by_a_checkpoint(damage: tuple[str, list[Link]]) -> None:
    how, stored = damage
    forged = rehashed(stored)
    sound = grown(EVENTS)
    codes = {finding.code for finding in verified(forged, signed(sound, POINTS), sound[-1].hash)}
    if how in ("kind", "hash"):  # undone by the rehash
        assert codes == set()
    elif len(forged) > EVENTS and forged[:EVENTS] == sound:  # one more event, behind the last checkpoint
        assert codes == {"HEAD"}
    else:
        assert codes & {"CHECKPOINT", "CHECKPOINT_BEYOND_END"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"seq": 5}, "SIGNATURE"),
        ({"counts": {"BIND": 0, "GOOD": 0, "REJECT": 0}}, "SIGNATURE"),
        ({"previous": "00" * 32}, "SIGNATURE"),
    ],
)
def test_a_changed_checkpoint_is_found(change: dict[str, Any], code: str) -> None:
    stored = grown(EVENTS)
    statements = signed(stored, POINTS)
    statements[1] = Statement(canonical({**statements[1].content, **change}), statements[1].signature)
    assert code in {finding.code for finding in verified(stored, statements)}


def test_wrong_counts_under_a_right_signature_are_found() -> None:
    stored = grown(EVENTS)
    wrong = SIGNER.sign(CHECKPOINT, {**signed(stored, [4])[0].content, "counts": {"BIND": 9, "GOOD": 0, "REJECT": 0}})
    assert [finding.code for finding in verified(stored, [wrong])] == ["CHECKPOINT"]


def test_the_last_checkpoint_dropped_needs_a_head_from_elsewhere() -> None:
    stored = grown(EVENTS)
    assert verified(stored[:8], signed(stored, [4, 8])) == []
    assert [finding.code for finding in verified(stored[:8], signed(stored, [4, 8]), stored[-1].hash)] == ["HEAD"]


@pytest.mark.parametrize("change", [{"v": 2}, {"type": "x"}, {"hash": "zz"}, {"seq": "x"}, {"extra": 1}, {"counts": 3}])
def test_what_is_no_checkpoint_is_refused(change: dict[str, Any]) -> None:
    said = {**VECTORS["checkpoint-1"]["in"]["message"], **change}
    with pytest.raises(EncodingError, match="checkpoint: "):
        Checkpoint.of(SIGNER.sign(CHECKPOINT, said))


def test_a_checkpoint_of_a_key_that_was_replaced_is_refused() -> None:
    other = auditsign.key_of_seed(Key(bytes(range(32)), "seed", "HMAC-256", Usage.MASTER_DERIVE), "other")
    new = Signer(MemoryKeyStore({"test:new": other}), "test:new")
    stored = grown(EVENTS)
    first, second, third = (Checkpoint.of(one) for one in signed(stored, POINTS))
    by_new = Checkpoint.of(Statement(second.statement.body, new.sign(CHECKPOINT, second.statement.content).signature))
    walk = walk_chain(stored, installation=INSTALLATION, chain=CHAIN, marks=POINTS, counted=COUNTED)
    assert check_checkpoints([first, by_new], walk, [KEY.public, other.public]) == []
    found = check_checkpoints([first, by_new, third], walk, [KEY.public, other.public])
    assert found == [ChainFinding("SIGNATURE", 12)]
