"""Rules about certificates and static signatures (EMV 4.4 Book 2, 5, 6.1 to 6.4, 7.1; Book 3 10.3)."""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import date
from itertools import pairwise

from cardkit.apps.emv.capk import RID_BYTES
from cardkit.apps.emv.oda.block import Fault, Recovery, Step, hash_faults
from cardkit.apps.emv.oda.certificate import Certificate
from cardkit.apps.emv.oda.recover import SSAD
from cardkit.apps.emv.rules.check import Scene, SideCheck, Trouble, text_of
from cardkit.apps.emv.rules.identity import day_of
from cardkit.crypto.emvrsa import EXPONENTS, LONGEST_BYTES
from cardkit.crypto.weakrsa import has_roca_fingerprint
from cardkit.errors import EncodingError

_SDA, _DDA, _CDA = 0x40, 0x20, 0x01
_METHODS = {_SDA: "SDA", _DDA: "DDA", _CDA: "CDA"}
_ISSUER_OBJECTS = ("8F", "90", "9F32")
_NEEDED = {_SDA: (*_ISSUER_OBJECTS, "93"), _DDA: (*_ISSUER_OBJECTS, "9F46", "9F47"), _CDA: (*_ISSUER_OBJECTS, "9F46",
           "9F47")}  # fmt: skip
_EXPONENT_TAGS = ("9F32", "9F47", "9F2E")
_STRUCTURE = frozenset((Step.BLOCK, Step.FORMAT, Step.FILLING, Step.ALGORITHM))
_LONGEST_COMBINED = 205
"""Bytes of a card's modulus whose CDA answer still fits 256 bytes (sheet 9)."""
_SIGNED = ("5A", "5F24", "5F28", "9F07", "8E", "9F0D", "9F0E", "9F0F")


def capks_known(scene: Scene) -> str:
    """Say that CA keys are needed, if nobody gave any."""
    return "" if scene.expected.capks is not None else "without CA keys (--capk) nobody can recover it"


def _methods(scene: Scene) -> Iterator[Trouble]:
    """Methods need their objects, and objects of signatures their method (tables 4 and 12)."""
    side = scene.side
    for bit, needed in _NEEDED.items():
        missing = [tag for tag in needed if side.get(tag) is None] if side.supports(bit) else []
        if missing:
            yield scene.trouble(", ".join(missing), f"missing for {_METHODS[bit]}", "there")
    if side.get("93") is not None and not side.supports(_SDA):
        yield scene.trouble("93", "there, and the AIP has no SDA", "both or none")
    if side.get("9F46") is not None and not (side.supports(_DDA) or side.supports(_CDA)):
        yield scene.trouble("9F46", "there, and the AIP has neither DDA nor CDA", "both or none")


def _known_key(scene: Scene) -> Iterator[Trouble]:
    index = scene.side.get("8F") or b""
    if len(index) != 1:
        yield scene.trouble("8F", f"{len(index)} bytes", "1 byte")
    elif scene.chain.ca is None and scene.side.get("90"):
        yield scene.trouble("8F", f"no key {text_of(scene.side.aid[:RID_BYTES])} {text_of(index)}", "a known one")


def _own_provider(scene: Scene) -> Iterator[Trouble]:
    if scene.chain.foreign and scene.chain.ca is not None:
        yield scene.trouble("8F", f"the key is {scene.chain.ca.name}", f"one of {text_of(scene.side.aid[:RID_BYTES])}")


def _faults(recovery: Recovery[Certificate] | None, steps: Container[Step]) -> Iterator[Fault]:
    yield from (fault for fault in (recovery.faults if recovery is not None else ()) if fault.step in steps)


def _told(scene: Scene, tag: str, faults: Iterator[Fault]) -> Iterator[Trouble]:
    for fault in faults:
        yield scene.trouble(tag, fault.actual, fault.expected, decoded=str(fault))


def _has_lengths(recovery: Recovery[Certificate] | None) -> bool:
    return next(_faults(recovery, (Step.LENGTH, Step.KEY)), None) is None


def _issuer_block(scene: Scene) -> Iterator[Trouble]:
    issuer = scene.chain.issuer
    # A remainder or exponent that is wrong makes the hash wrong: that is the finding of another rule.
    steps = _STRUCTURE | {Step.HASH} if _has_lengths(issuer) else _STRUCTURE
    yield from _told(scene, "90", _faults(issuer, steps))


def _issuer_lengths(scene: Scene) -> Iterator[Trouble]:
    yield from _told(scene, "90", _faults(scene.chain.issuer, (Step.LENGTH,)))


def _issuer_dates(scene: Scene) -> Iterator[Trouble]:
    last = _last_day(scene.chain.issuer)
    if last is None:
        if scene.chain.issuer_key is not None:
            yield scene.trouble("90", "its expiry is no month", "MMYY")
        return
    expiry = day_of(scene.side.get("5F24"))
    if last < scene.expected.today:
        yield scene.trouble("90", f"good until {last}", f"good on {scene.expected.today}")
    elif expiry is not None and last < expiry:
        yield scene.trouble("90", f"good until {last}", f"good until {expiry}, when the card expires")


def _last_day(recovery: Recovery[Certificate] | None) -> date | None:
    if recovery is None or recovery.value is None:
        return None
    try:
        return recovery.value.last_day
    except EncodingError:
        return None


def _icc_block(scene: Scene) -> Iterator[Trouble]:
    yield from _told(scene, "9F46", _faults(scene.chain.icc, _STRUCTURE | {Step.LENGTH}))


def _icc_dates(scene: Scene) -> Iterator[Trouble]:
    last, expiry = _last_day(scene.chain.icc), day_of(scene.side.get("5F24"))
    if scene.chain.icc_key is None or expiry is None:
        return
    if last is None:
        yield scene.trouble("9F46", "its expiry is no month", "MMYY")
    elif last < expiry:
        yield scene.trouble("9F46", f"good until {last}", f"good until {expiry}, when the card expires")
    elif (last.year, last.month) != (expiry.year, expiry.month):
        yield scene.trouble("9F46", f"good until {last}", f"not longer than the card, {expiry}", mild=True)


def _static_data(scene: Scene) -> Iterator[Trouble]:
    yield from _told(scene, "static data", iter(scene.chain.altered))


def _static_known(scene: Scene) -> str:
    if scene.side.options is None:
        return "without GET PROCESSING OPTIONS nobody knows what is signed"
    return capks_known(scene)


def _exponents(scene: Scene) -> Iterator[Trouble]:
    for tag in _EXPONENT_TAGS:
        value = scene.side.get(tag)
        if value is not None and value not in EXPONENTS:
            yield scene.trouble(tag, text_of(value), "03 or 010001")


def _sizes(scene: Scene) -> Iterator[Trouble]:
    chain = scene.chain
    ca, issuer, icc = chain.ca, _value(chain.issuer), _value(chain.icc)
    sizes = [("CA", ca.key.size if ca else 0), ("issuer", _stated(issuer)), ("card", _stated(icc))]
    known = [(name, size) for name, size in sizes if size]
    for (above, most), (name, size) in pairwise(known):
        if size > most:
            yield scene.trouble("moduli", f"{name}'s {size} bytes, {above}'s {most}", "each no longer than the next")
    if known and known[0][1] > LONGEST_BYTES:
        yield scene.trouble("moduli", f"{known[0][0]}'s {known[0][1]} bytes", f"{LONGEST_BYTES} or fewer")
    if icc is not None and scene.side.supports(_CDA) and _stated(icc) > _LONGEST_COMBINED:
        yield scene.trouble("9F46", f"{_stated(icc)} bytes and CDA", f"{_LONGEST_COMBINED} or fewer, to fit the answer")


def _value(recovery: Recovery[Certificate] | None) -> Certificate | None:
    return recovery.value if recovery is not None else None


def _stated(certificate: Certificate | None) -> int:
    """Return how long a certificate says its modulus is."""
    return certificate.plain[certificate.kind.left - 2] if certificate is not None else 0


def _least(scene: Scene) -> Iterator[Trouble]:
    chain, limits = scene.chain, scene.expected.limits
    pairs = (("90", chain.issuer_key, limits.issuer_bits), ("9F46", chain.icc_key, limits.icc_bits))
    for tag, certificate, least in pairs:
        if certificate is not None and least is not None and certificate.key.bits < least:
            yield scene.trouble(tag, f"a key of {certificate.key.bits} bits", f"{least} bits or more")
    if chain.ca is not None and chain.ca.expires is not None and chain.ca.expires < scene.expected.today:
        yield scene.trouble("8F", f"the CA key expired on {chain.ca.expires}", "one in use")


def _weak(scene: Scene) -> Iterator[Trouble]:
    for tag, certificate in (("90", scene.chain.issuer_key), ("9F46", scene.chain.icc_key)):
        if certificate is not None and has_roca_fingerprint(certificate.key.modulus):
            yield scene.trouble(tag, "the modulus has the fingerprint of the broken generator", "another key")


def _static_signature(scene: Scene) -> Iterator[Trouble]:
    chain, ssad = scene.chain, scene.chain.ssad
    if ssad is None:
        return
    for fault in ssad.faults:
        yield scene.trouble("93", fault.actual, fault.expected, decoded=str(fault))
    if ssad.good and ssad.value is not None and chain.static is not None and not chain.altered:
        yield from _static_hash(scene, chain.static)
    right = scene.ordered.dac if scene.ordered is not None else b""
    if ssad.good and ssad.value is not None and right and ssad.value.dac != right:
        yield scene.trouble("93", f"code {text_of(ssad.value.dac)}", f"{text_of(right)}, the issuer's")


def _static_hash(scene: Scene, static: bytes) -> Iterator[Trouble]:
    ssad = scene.chain.ssad
    assert ssad is not None
    assert ssad.value is not None
    for fault in hash_faults(SSAD, ssad.value.plain, static):
        yield scene.trouble("93", fault.actual, fault.expected, decoded=str(fault))


def _pin_certificate(scene: Scene) -> Iterator[Trouble]:
    pin = scene.chain.pin
    for fault in pin.faults if pin is not None else ():
        if fault.step is not Step.KEY:
            yield scene.trouble("9F2D", fault.actual, fault.expected, decoded=str(fault))


def _what_is_signed(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    if not side.signed_records:
        return
    signed = {tag for name, is_signed in side.listed.items() if is_signed for tag in side.by_record.get(name, {})}
    for tag in _SIGNED:
        if side.counted[bytes.fromhex(tag)] and bytes.fromhex(tag) not in signed:
            yield scene.trouble(tag, "not in a signed record", "signed")


SIDE_CHECKS = (
    SideCheck("EMV-011", _own_provider, tags=("8F",), asks=capks_known),
    SideCheck("EMV-078", _methods, needs=("options",)),
    SideCheck("EMV-079", _known_key, tags=("8F",), asks=capks_known),
    SideCheck("EMV-080", _issuer_block, tags=("90",), asks=capks_known),
    SideCheck("EMV-081", _issuer_dates, tags=("90",), asks=capks_known),
    SideCheck("EMV-082", _issuer_lengths, tags=("90",), asks=capks_known),
    SideCheck("EMV-083", _icc_block, tags=("9F46",), asks=capks_known),
    SideCheck("EMV-084", _icc_dates, tags=("9F46",), asks=capks_known),
    SideCheck("EMV-085", _static_data, tags=("9F46",), asks=_static_known),
    SideCheck("EMV-086", _exponents),
    SideCheck("EMV-087", _sizes, tags=("90",), asks=capks_known),
    SideCheck("EMV-088", _least, tags=("90",), asks=capks_known),
    SideCheck("EMV-089", _weak, tags=("90",), asks=capks_known),
    SideCheck("EMV-091", _static_signature, tags=("93",), asks=_static_known),
    SideCheck("EMV-095", _pin_certificate, tags=("9F2D", "5A"), asks=capks_known),
    SideCheck("EMV-096", _what_is_signed, needs=("options",)),
)
CARD_CHECKS = ()
