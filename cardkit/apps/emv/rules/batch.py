"""Rules about many cards at once: keys that repeat, factors they share, data that differ where they must not."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from cardkit.apps.emv.dump import VARYING
from cardkit.apps.emv.oda.certificate import Certificate
from cardkit.apps.emv.picture import CardPicture, Side, contents
from cardkit.apps.emv.rules.chain import chain_of
from cardkit.apps.emv.rules.check import Trouble, text_of
from cardkit.apps.emv.rules.engine import finding, merged
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.crypto.weakrsa import shared_factors
from cardkit.desired import Finding

DYNAMIC = frozenset(("9F36", "9F13", "9F17", "9F26", "9F27", "9F10", "9F4B", "9F69"))
"""Tags, in hexadecimal digits, whose values differ from one transaction of a card to the next."""
MAY_DIFFER = VARYING | DYNAMIC
"""Tags, in hexadecimal digits, whose values differ between good cards of one product."""

Place = tuple[str, str]


def batch_findings(
    pictures: Sequence[CardPicture], expected: Expectation, *, may_differ: Collection[str] = MAY_DIFFER
) -> list[Finding]:
    """Return what the rules say of several cards together; where a finding is about one of them, it is named.

    :param pictures: of one product, two at least.  :param may_differ: tags in which good cards differ.
    """
    troubles = [("EMV-090", trouble) for trouble in _keys(pictures, expected)]
    troubles += [("EMV-112", trouble) for trouble in _siblings(pictures, frozenset(may_differ))]
    return [finding(rule, trouble) for rule, trouble in merged(troubles)]


def dump_sha256(picture: CardPicture) -> str:
    """Return the hash of everything a card shows that stays as it is: what is kept of it when it has left."""
    digest = hashlib.sha256()
    for where, value in sorted(_places(picture)):
        if where.partition(" ")[0] not in DYNAMIC:
            digest.update(f"{where}={value}\n".encode())
    return digest.hexdigest()


# Keys


def _keys(pictures: Sequence[CardPicture], expected: Expectation) -> Iterator[Trouble]:
    owners = dict(_card_keys(pictures, expected))
    if not owners:
        yield Trouble("batch", "no card's key was recovered", unseen=True)
        return
    by_modulus: dict[bytes, list[str]] = defaultdict(list)
    for owner, certificate in owners.items():
        by_modulus[certificate.key.modulus].append(owner)
    for same in by_modulus.values():
        if len(same) > 1:
            yield Trouble(same[0], f"the same key as {', '.join(same[1:])}", "a key of its own")
    distinct = list(by_modulus)
    for place in shared_factors(distinct):
        yield Trouble(by_modulus[distinct[place]][0], "its modulus shares a factor with another card's", "none")


def _card_keys(pictures: Sequence[CardPicture], expected: Expectation) -> Iterator[tuple[str, Certificate]]:
    """Yield each application's key once, though both sides show it."""
    for picture in pictures:
        seen: set[bytes] = set()
        for side in picture.sides:
            certificate = chain_of(side, expected).icc_key
            if certificate is not None and certificate.key.modulus not in seen:
                seen.add(certificate.key.modulus)
                yield f"{picture.name} {side.place}", certificate


# Siblings


def _siblings(pictures: Sequence[CardPicture], may_differ: frozenset[str]) -> Iterator[Trouble]:
    """Compare each card with what most of them show."""
    shown = [dict(_fixed(picture, may_differ)) for picture in pictures]
    for place in sorted({place for each in shown for place in each}):
        counted = Counter(each.get(place, "nothing") for each in shown)
        common = counted.most_common(1)[0][0]
        for picture, each in zip(pictures, shown, strict=True):
            value = each.get(place, "nothing")
            if value != common:
                yield Trouble(f"{picture.name} {place}", value, f"{common}, as on the other cards")


def _fixed(picture: CardPicture, may_differ: frozenset[str]) -> Iterator[Place]:
    yield from ((where, value) for where, value in _places(picture) if where.partition(" ")[0] not in may_differ)


def _places(picture: CardPicture) -> Iterator[Place]:
    """Yield tag and place of every data object, with its value."""
    for number, reply in picture.pse_records.items():
        yield from _within(f"PSE record {number}", reply.data)
    for name, fci in (("PSE", picture.pse), ("PPSE", picture.ppse)):
        if fci is not None:
            yield from _within(name, fci.data)
    for side in picture.sides:
        yield from _of_side(side)


def _of_side(side: Side) -> Iterator[Place]:
    yield from _within(f"{side.place} FCI", side.fci.data)
    yield from _within(f"{side.place} GPO", b"".join(_flat(side)))
    for tag, value in (side.data or {}).items():
        yield f"{text_of(tag)} {side.place}", text_of(value)
    for (sfi, number), reply in side.records.items():
        if reply.ok:
            yield from _within(f"{side.place} record {number} of SFI {sfi}", reply.data)


def _flat(side: Side) -> Iterator[bytes]:
    """Yield the objects of the answer to GPO, those of a template 80 named."""
    yield from (tag + bytes((len(value),)) + value for tag, value in side.answered if len(value) < 0x80)


def _within(where: str, data: bytes) -> Iterator[Place]:
    yield from ((f"{text_of(tag)} {where}", text_of(value)) for tag, value in contents(data))
