"""The rules that compare: every file the product fills holds what profile and record say, every copy its original."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Trouble, hindrance, is_absent
from cardkit.apps.uicc.rules.expectation import GSM, USIM, Expectation
from cardkit.apps.uicc.rules.table import file_rule
from cardkit.apps.uicc.states.product import NUMBER
from cardkit.apps.uicc.states.targets import Target
from cardkit.desired import NOT_CHECKED, Content, Secrecy

# What 2G and newer phones read of one subscription in two places, beside the IMSI.
COPIES = {f"{GSM}/EF.{name}": f"{USIM}/EF.{name}" for name in ("SPN", "ACC", "GID1", "GID2", "HPPLMN")}


def compared(picture: CardPicture, expected: Expectation) -> Iterator[tuple[str, Trouble]]:
    """Yield rule and trouble of every file of the product that is not as it should be."""
    if expected.product is not None:
        yield from _compared(picture, expected, expected.product.read)


def compared_number(picture: CardPicture, expected: Expectation) -> Iterator[tuple[str, Trouble]]:
    """Yield the same of the card's number alone."""
    assert expected.product is not None
    yield from _compared(picture, expected, [t for t in expected.product.read if t.name == NUMBER])


def _compared(picture: CardPicture, expected: Expectation, targets: Iterable[Target]) -> Iterator[tuple[str, Trouble]]:
    originals = expected.originals
    bodies, contents = picture.bodies, expected.contents
    for target in targets:
        name = target.name
        body = bodies.get(name)
        original = originals.get(name)
        if body is None:
            yield _unread(picture, target, original)
            continue
        wanted = contents[name] if original is None else bodies.get(original, contents[name])
        if body != wanted:
            yield _differs(target, wanted, body, original)


def _unread(picture: CardPicture, target: Target, original: str | None) -> tuple[str, Trouble]:
    why = picture.refused.get(target.name)
    size = f"{target.size} bytes"
    if why is None and picture.names is not None and is_absent(picture, target.name):
        return "UICC-020", Trouble(target.name, "no such file", size)
    if why is not None and not why.endswith("access is not open"):
        return "UICC-020", Trouble(target.name, why, size)
    return _rule(target, original), Trouble(target.name, f"{NOT_CHECKED}: {why or 'not asked for'}", size)


def _rule(target: Target, original: str | None) -> str:
    if original is None:
        return file_rule(target.name)
    return "UICC-005" if original.endswith("/EF.IMSI") else "UICC-027"


def _differs(target: Target, wanted: Content, body: bytes, original: str | None) -> tuple[str, Trouble]:
    assert isinstance(wanted, bytes)
    rule = "UICC-020" if len(body) != len(wanted) else _rule(target, original)
    spec = CATALOGUE.get(target.file)
    decoded = ""
    if spec is not None and spec.secrecy is not Secrecy.SECRET:
        decoded = f"{spec.decode(wanted)} != {spec.decode(body)}"
    return rule, Trouble(target.name, body.hex().upper(), wanted.hex().upper(), decoded)


def _copies(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """Copies nobody uses, because they are as before the first use, are no contradiction."""
    for copy, original in COPIES.items():
        if copy in expected.originals or hindrance(picture, copy) or is_absent(picture, copy):
            continue
        mine, theirs = picture.bodies[copy], picture.bodies.get(original)
        if theirs is None or not mine.strip(b"\xff") or not mine.strip(b"\0"):
            continue
        if picture.value(copy) != picture.value(original):
            yield Trouble(copy, f"{picture.value(copy)}", f"{picture.value(original)}, as {original}")


def _group_identifiers(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for name in GROUPS:
        if name in picture.bodies and not expected.fills(name) and picture.bodies[name].strip(b"\xff"):
            yield Trouble(name, picture.bodies[name].hex().upper(), "FF")


def _priority(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    if not expected.fills(PRIORITY) and picture.bodies[PRIORITY].strip(b"\0"):
        yield Trouble(PRIORITY, f"{picture.value(PRIORITY)}", "00")


GROUPS = (f"{USIM}/EF.GID1", f"{USIM}/EF.GID2")
PRIORITY = f"{USIM}/DF.5GS/EF.UAC_AIC"
CHECKS = (
    Check("UICC-027", _copies, files=tuple(COPIES)),
    Check("UICC-083", _group_identifiers, files=GROUPS, profile=True),
    Check("UICC-106", _priority, files=(PRIORITY,), profile=True),
)
