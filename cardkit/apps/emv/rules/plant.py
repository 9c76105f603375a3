"""Rules about card and plant: personalization closed, traceable, nothing of a test, in time."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.emv.aids import NAMES
from cardkit.apps.emv.picture import CardPicture, Side
from cardkit.apps.emv.rules.check import CardCheck, Scene, SideCheck, Trouble, text_of
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.apps.gp.tags.cplc import CPLC
from cardkit.errors import EncodingError

_CLOSED = frozenset((0x6985, 0x6982, 0x6D00, 0x6E00))
_TEST_RIDS = (bytes.fromhex("F0434B4954"),)
_TEST_IINS = ("999999",)
_PERSONALIZATION = ("personalizer", "personalization_date", "personalization_equipment")
_TRANSACTION_COUNTER = b"\x9f\x36"


def _closed(scene: Scene) -> Iterator[Trouble]:
    if scene.side.stored not in _CLOSED:
        yield scene.trouble("STORE DATA", f"outside a session: status {scene.side.stored:04X}", "6985 or 6982")


def _traceable(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    assert picture.cplc is not None
    try:
        cplc = CPLC.parse(picture.cplc)
    except EncodingError as error:
        yield Trouble("9F7F", str(error), "CPLC")
        return
    empty = [name.replace("_", " ") for name in _PERSONALIZATION if not any(getattr(cplc, name))]
    if empty:
        yield Trouble("9F7F", f"empty: {', '.join(empty)}", "filled")


def _asked_for(expected: Expectation) -> str:
    return "the profile orders no CPLC" if expected.traced is False else ""


def _no_test(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    if side.aid.startswith(_TEST_RIDS):
        yield scene.trouble("84", f"{text_of(side.aid)}: {NAMES.get(text_of(side.aid), 'test AID')}", "no test AID")
    if scene.chain.ca is not None and scene.chain.ca.test:
        yield scene.trouble("8F", f"CA key {scene.chain.ca.name} is for tests", "a live one")
    if side.pan.startswith(_TEST_IINS):
        yield scene.trouble("5A", f"begins with {side.pan[:6]}", "no test IIN")


def _no_test_keys(_picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for name in expected.test_keys:
        yield Trouble("profile", f"key {name} is a published one", "a secret key")


def _in_production(scene: Scene) -> str:
    return _production(scene.expected)


def _production(expected: Expectation) -> str:
    return "" if expected.production else "cards of this profile, or without one, may be for tests"


def _unused(scene: Scene) -> Iterator[Trouble]:
    counter = (scene.side.data or {}).get(_TRANSACTION_COUNTER)
    limit = scene.expected.limits.atc
    if counter is not None and limit is not None and int.from_bytes(counter, "big") > limit:
        yield scene.trouble("9F36", f"{int.from_bytes(counter, 'big')}", f"{limit} or less")


def _unused_known(scene: Scene) -> str:
    return "" if scene.expected.limits.atc is not None else "no pack sets a limit (atc)"


def _in_time(scene: Scene) -> Iterator[Trouble]:
    limits = scene.expected.limits
    for what, ms, limit in _times(scene.side, limits.gpo_ms, limits.answer_ms):
        if limit is not None and ms > limit:
            yield scene.trouble(what, f"{ms:.0f} ms", f"{limit} ms or less")


def _times(side: Side, gpo: int | None, other: int | None) -> Iterator[tuple[str, float, int | None]]:
    replies = [("SELECT", side.fci, other), ("GPO", side.options, gpo)]
    replies += [(f"record {number} of SFI {sfi}", reply, other) for (sfi, number), reply in side.records.items()]
    replies += [("INTERNAL AUTHENTICATE", signed.reply, other) for signed in side.signatures or ()]
    if side.cryptogram is not None:
        replies.append(("GENERATE AC", side.cryptogram.reply, other))
    for what, reply, limit in replies:
        if reply is not None and reply.ms is not None:
            yield what, reply.ms, limit


def _timed(scene: Scene) -> str:
    limits = scene.expected.limits
    if limits.gpo_ms is None and limits.answer_ms is None:
        return "no pack sets a limit (gpo_ms, answer_ms)"
    return "" if any(_times(scene.side, 0, 0)) else "nobody measured"


SIDE_CHECKS = (
    SideCheck("EMV-107", _closed, needs=("stored",)),
    SideCheck("EMV-109", _no_test, asks=_in_production),
    SideCheck("EMV-110", _unused, needs=("data",), asks=_unused_known),
    SideCheck("EMV-111", _in_time, asks=_timed),
)
CARD_CHECKS = (
    CardCheck("EMV-108", _traceable, needs=("cplc",), asks=_asked_for),
    CardCheck("EMV-109", _no_test_keys, asks=_production),
)
