"""Rules about keys: which are there, whose they are, what the order says of them."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.rules.check import Check, Trouble, set_text, unknown
from cardkit.apps.gp.rules.expectation import Expectation, ExpectedKey
from cardkit.apps.gp.tags import KeyEntry

SCP_KIDS = (1, 2, 3)
OTA_VERSIONS = frozenset((*range(0x01, 0x10), *range(0x40, 0x50)))
"""SCP80 and SCP81 key sets of the UICC configuration (unverified)."""


def _stores(picture: CardPicture) -> Iterator[tuple[bytes, tuple[KeyEntry, ...]]]:
    """Yield the keys of every security domain that told them; the issuer's by an empty AID."""
    if picture.keys is not None:
        yield b"", picture.keys
    for aid, domain in picture.domains.items():
        if domain.keys is not None:
            yield aid, domain.keys


def _name(key: KeyEntry | ExpectedKey, domain: bytes) -> str:
    return f"key {key.kid:02X} of {set_text(key.kvn, domain)}"


def _uneven(keys: tuple[KeyEntry, ...]) -> set[int]:
    """Return the versions whose ENC, MAC and DEK are not alike."""
    kinds: dict[int, set[tuple[int, int]]] = {}
    for key in keys:
        if key.kid in SCP_KIDS:
            kinds.setdefault(key.kvn, set()).add((key.type, key.size_bytes))
    return {kvn for kvn, found in kinds.items() if len(found) > 1}


def _published(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for greeting in dict.fromkeys(picture.greetings):
        if greeting.fits:
            yield Trouble(set_text(greeting.kvn), "no published key fits", f"fits: {', '.join(greeting.fits)}")


def _initial(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    left = [key for key in picture.keys or () if key.kvn == expected.delivered]
    if left:
        kids = ", ".join(f"{key.kid:02X}" for key in left)
        yield Trouble(set_text(expected.delivered), "gone", f"keys {kids}")


def missing_keys(picture: CardPicture, expected: Expectation, rule: str) -> Iterator[Trouble]:
    """Yield the keys of the profile that are not there, or are others, as far as this rule speaks for them."""
    stores = dict(_stores(picture))
    for wanted in expected.keys:
        if wanted.rule != rule:
            continue
        name = _name(wanted, wanted.domain)
        if wanted.domain not in stores:
            yield unknown(name, _kind(wanted.type, wanted.length), "the domain's key information was not read")
            continue
        keys = stores[wanted.domain]
        found = next((key for key in keys if (key.kvn, key.kid) == (wanted.kvn, wanted.kid)), None)
        if found is None:
            yield Trouble(name, _kind(wanted.type, wanted.length), "no such key")
        else:
            yield from _unlike(name, wanted, found, alike=wanted.kvn not in _uneven(keys))


def _unlike(name: str, wanted: ExpectedKey, found: KeyEntry, *, alike: bool) -> Iterator[Trouble]:
    """Yield what differs; a set whose keys are not alike is another rule's."""
    if alike and (found.type, found.size_bytes) != (wanted.type, wanted.length):
        yield Trouble(name, _kind(wanted.type, wanted.length), _kind(found.type, found.size_bytes), found.name)
    for what, want, got in (("usage", wanted.usage, found.usage), ("access", wanted.access, found.access)):
        if want is None or want == got:
            continue
        if got is None:
            yield unknown(name, f"{what} {want.hex().upper()}", f"the card does not tell {what}")
        else:
            yield Trouble(name, f"{what} {want.hex().upper()}", f"{what} {got.hex().upper()}")


def _kind(kind: int, length: int) -> str:
    return f"type {kind:02X}, {length} bytes"


def _missing(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    yield from missing_keys(picture, expected, "GP-006")


def _surplus(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for domain, key in _strangers(picture, expected):
        if key.kvn not in OTA_VERSIONS and (domain or key.kvn != expected.delivered):
            yield Trouble(_name(key, domain), "no such key", _kind(key.type, key.size_bytes), key.name)


def _strangers(picture: CardPicture, expected: Expectation) -> Iterator[tuple[bytes, KeyEntry]]:
    wanted = {(key.domain, key.kvn, key.kid) for key in expected.keys}
    for domain, keys in _stores(picture):
        yield from ((domain, key) for key in keys if (domain, key.kvn, key.kid) not in wanted)


def _alike(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for domain, keys in _stores(picture):
        for kvn in sorted(_uneven(keys)):
            kinds = ", ".join(f"{key.kid:02X}: {key.name}" for key in keys if key.kvn == kvn and key.kid in SCP_KIDS)
            yield Trouble(set_text(kvn, domain), "three keys of one type and length", kinds)


def _own(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    text = "keys diversified for this card"
    for wanted in expected.sets:
        for greeting in picture.greetings_of(wanted.kvn)[:1] if wanted.diversified else ():
            if greeting.bare_master is None:
                yield unknown(set_text(wanted.kvn), text, "the master key was not tried", by_design=True)
            elif greeting.bare_master:
                yield Trouble(set_text(wanted.kvn), text, "the undiversified master key fits")
    if picture.history is None:
        yield unknown("KDD", "new to the plant", "no history at hand", by_design=True)
    elif picture.history.kdd:
        yield Trouble("KDD", "new to the plant", "seen before")


def _different(_picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for wanted in expected.sets:
        name = set_text(wanted.kvn, wanted.domain)
        if not wanted.kcvs:
            yield unknown(name, "three keys", "the key store gave no check values", by_design=True)
        elif len(set(wanted.kcvs)) < len(wanted.kcvs):
            yield Trouble(name, "three keys", "check values " + ", ".join(kcv.hex().upper() for kcv in wanted.kcvs))


def _echoed(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.journal is not None
    for wanted in expected.sets:
        name, text = set_text(wanted.kvn, wanted.domain), b"".join(wanted.kcvs).hex().upper()
        echo = picture.journal.echoes.get((wanted.domain, wanted.kvn))
        if echo is None or not text:
            why = "no answer of this run to compare" if echo is None else "the key store gave no check values"
            yield unknown(name, text or "the order's check values", why, by_design=True)
        elif echo.hex().upper() != text:
            yield Trouble(name, text, echo.hex().upper())


def _signers(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    yield from missing_keys(picture, expected, "GP-048")
    if expected.confirmations is None:
        return
    if picture.confirmations is None:
        why = picture.troubles.get("confirmations", "it was not read")
        yield unknown("confirmation counter (C2)", str(expected.confirmations), why)
    elif picture.confirmations != expected.confirmations:
        yield Trouble("confirmation counter (C2)", str(expected.confirmations), str(picture.confirmations))


def _over_the_air(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    yield from missing_keys(picture, expected, "GP-051")
    for domain, key in _strangers(picture, expected):
        if key.kvn in OTA_VERSIONS:
            yield Trouble(_name(key, domain), "no such key", _kind(key.type, key.size_bytes), key.name)
    for wanted in expected.keys:
        if wanted.kvn in OTA_VERSIONS and wanted.published:
            yield Trouble(_name(wanted, wanted.domain), "a key of the order", "a published test key")


CHECKS = (
    Check("GP-004", _published, ("greetings",)),
    Check("GP-005", _initial, ("keys",)),
    Check("GP-006", _missing, ("keys",), owns="keys"),
    Check("GP-007", _surplus, ("keys",)),
    Check("GP-008", _alike, ("keys",)),
    Check("GP-010", _own, ("greetings",)),
    Check("GP-011", _different),
    Check("GP-012", _echoed, ("journal",)),
    Check("GP-048", _signers, ("keys",), asks=lambda expected: expected.hands_off),
    Check("GP-051", _over_the_air, ("keys",)),
)
