"""Another card out of a good one: objects changed, and everything signed anew under keys on paper.

What is signed here is made by plain arithmetic; the product's own creation of certificates is not used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cardkit.apps.emv.dol import split_dol
from cardkit.apps.emv.picture import AFL, AIP, Reply, Side, contents
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.errors import EncodingError

from .paperkeys import CA, ISSUER, PaperKey, paper

INDEX = "E0"
OBJECTS = dict[bytes, bytes]
AC = bytes.fromhex("9F26")


def tlv(tag: bytes, value: bytes) -> bytes:
    size = len(value)
    length = bytes((size,)) if size < 0x80 else b"\x81" + bytes((size,)) if size < 0x100 else b"\x82" + size.to_bytes(2)
    return tag + length + value


def record(objects: Mapping[bytes, bytes]) -> bytes:
    return tlv(b"\x70", b"".join(tlv(tag, value) for tag, value in objects.items()))


@dataclass(frozen=True)
class Recipe:
    """What is different.

    :param objects: values by tag in hexadecimal digits; None to leave one out. Those that are nowhere go to ``at``.
    :param move: tags to the record ``at``.  :param aip, afl: digits; empty as before.
    :param idn: dynamic numbers, and whether their length stands before them.
    :param spoil: what is hashed wrongly into: ``issuer``, ``transaction``.
    :param cid, iad, cryptogram: of the answer to GENERATE AC; None as the card gave or the issuer computes.
    """

    objects: Mapping[str, str | None] = field(default_factory=dict)
    at: tuple[int, int] = (3, 1)
    move: tuple[str, ...] = ()
    aip: str = ""
    afl: str = ""
    static: bool = True
    issuer: PaperKey = ISSUER
    icc: PaperKey = field(default_factory=lambda: paper(1152))
    signer: PaperKey | None = None
    issuer_expiry: str = "1230"
    icc_expiry: str = "1229"
    icc_pan: str = ""
    idns: tuple[bytes, bytes] = (b"\x01" * 4, b"\x02" * 4)
    idn_length: bool = True
    spoil: str = ""
    cid: int = 0
    iad: str = ""
    cryptogram: bytes = b""
    dac: str = "DAC1"


def remade(side: Side, expected: Expectation, recipe: Recipe) -> Side:
    """Return a side with other objects, its certificates, signatures and cryptograms right for them."""
    records = _records(side, recipe)
    aip = bytes.fromhex(recipe.aip) or side.aip
    side = replace(side, records={**side.records, **{name: Reply(record(each)) for name, each in records.items()}})
    answer = {**side.answer, AIP: aip, AFL: bytes.fromhex(recipe.afl) or side.afl}
    side = with_answer(side, answer)
    certificates = _certificates(side, recipe)
    for each in records.values():
        each |= {tag: value for tag, value in certificates.items() if tag in each}
    side = replace(side, records={**side.records, **{name: Reply(record(each)) for name, each in records.items()}})
    if side.decides_at_once:
        return _at_once(side, expected, recipe)
    return _generated(_authenticated(side, recipe), expected, recipe)


def with_answer(side: Side, answer: Mapping[bytes, bytes]) -> Side:
    assert side.options is not None
    body = tlv(b"\x77", b"".join(tlv(tag, value) for tag, value in answer.items()))
    return replace(side, options=replace(side.options, data=body))


def _records(side: Side, recipe: Recipe) -> dict[tuple[int, int], OBJECTS]:
    records = {name: dict(contents(body)) for name, body in side.read.items()}
    wanted = {bytes.fromhex(tag): value for tag, value in {"8F": INDEX, **recipe.objects}.items()}
    for tag in map(bytes.fromhex, recipe.move):
        for each in records.values():
            wanted.setdefault(tag, each.pop(tag).hex() if tag in each else None) if tag in each else None
    records.setdefault(recipe.at, {})
    for tag, value in wanted.items():
        holders = [each for each in records.values() if tag in each]
        for each in holders:
            each.pop(tag) if value is None else each.update({tag: bytes.fromhex(value)})
        if not holders and value is not None and tag != b"\x8f":
            records[recipe.at][tag] = bytes.fromhex(value)
    return {name: each for name, each in records.items() if each}


def _certificates(side: Side, recipe: Recipe) -> OBJECTS:
    """Return 90, 92, 9F32, 93 and 9F46, 9F48, 9F47 over the side's static data."""
    spoil = b"?" if recipe.spoil == "issuer" else b""
    head = f"02999999FF{recipe.issuer_expiry}000001"
    issuer = CA.certify(head, recipe.issuer, len(CA.modulus) - 36, spoil=spoil)
    static = b"".join(b"".join(tlv(*item) for item in contents(body)) for _, body in side.signed_records)
    if side.get("9F4A") is not None:
        static += side.aip
    pan = (recipe.icc_pan or side.pan).ljust(20, "F")
    head = f"04{pan}{recipe.icc_expiry}000002"
    room = len(recipe.issuer.modulus) - 42
    icc = recipe.issuer.certify(head, recipe.icc, room, static if recipe.static else b"another")
    pin = recipe.issuer.certify(head, recipe.icc, room)
    ssad = recipe.issuer.sign(bytes.fromhex(f"0301{recipe.dac}"), static)
    tags = ("90", "92", "9F32", "9F46", "9F48", "9F47", "9F2D", "9F2F", "9F2E", "93")
    return {bytes.fromhex(tag): value for tag, value in zip(tags, (*issuer, *icc, *pin, ssad), strict=True)}


def _dynamic(recipe: Recipe, idn: bytes, rest: bytes, extra: bytes) -> bytes:
    data = (bytes((len(idn),)) if recipe.idn_length else b"") + idn + rest
    key = recipe.signer or recipe.icc
    return key.sign(b"\x05\x01" + bytes((len(data),)) + data, extra)


def _authenticated(side: Side, recipe: Recipe) -> Side:
    if side.signatures is None:
        return side
    signed = tuple(
        replace(each, reply=Reply(tlv(b"\x77", tlv(b"\x9f\x4b", _dynamic(recipe, idn, b"", each.sent)))))
        for each, idn in zip(side.signatures, recipe.idns, strict=True)
    )
    return replace(side, signatures=signed)


def _generated(side: Side, expected: Expectation, recipe: Recipe) -> Side:
    """Answer GENERATE AC anew: with a signature where there was one."""
    asked = side.cryptogram
    if asked is None:
        return side
    shown = _shown(asked.reply)
    shown[b"\x9f\x27"] = bytes((recipe.cid,))
    shown[b"\x9f\x10"] = bytes.fromhex(recipe.iad) or shown[b"\x9f\x10"]
    shown.pop(b"\x9f\x4b", None)
    given = shown.pop(AC, bytes(8))
    cryptogram = recipe.cryptogram or computed(side, expected, shown, asked.sent) or given
    if asked.combined:
        plain = b"".join(tlv(tag, value) for tag, value in shown.items())
        hashed = side.pdol_data + asked.sent + plain + (b"?" if recipe.spoil == "transaction" else b"")
        rest = bytes((recipe.cid,)) + cryptogram + hashlib.sha1(hashed).digest()
        whole = Recipe(icc=recipe.icc)
        shown[b"\x9f\x4b"] = _dynamic(whole, b"\x03" * 4, rest, asked.unpredictable)
    else:
        shown[AC] = cryptogram
    answer = tlv(b"\x77", b"".join(tlv(tag, value) for tag, value in shown.items()))
    return replace(side, cryptogram=replace(asked, reply=Reply(answer)))


def _shown(reply: Reply) -> OBJECTS:
    objects = dict(contents(reply.data))
    plain = objects.get(b"\x80")
    if plain is None:
        return objects
    return {b"\x9f\x27": plain[:1], b"\x9f\x36": plain[1:3], AC: plain[3:11], b"\x9f\x10": plain[11:]}


def computed(side: Side, expected: Expectation, shown: OBJECTS, sent: bytes) -> bytes:
    """Return the right cryptogram, empty where none can be computed."""
    issuer = expected.applications[side.aid].issuer
    dol, data = (side.pdol, side.pdol_data) if side.decides_at_once else (side.get("8C") or b"", sent)
    try:
        told = {entry.tag: value for entry, value in split_dol(dol, data)}
        return issuer.cryptogram({**side.objects, **told, **shown, AIP: side.aip})
    except EncodingError:
        return b""


def _at_once(side: Side, expected: Expectation, recipe: Recipe) -> Side:
    """Answer a contactless GPO anew, with the signature in the records (fDDA)."""
    answer = dict(side.answer)
    answer[AC] = recipe.cryptogram or computed(side, expected, {}, b"") or answer[AC]
    side = with_answer(side, answer)
    told = {entry.tag: value for entry, value in split_dol(side.pdol, side.pdol_data)}
    covered = b"".join(told[bytes.fromhex(tag)] for tag in ("9F37", "9F02", "5F2A")) + (side.get("9F69") or b"")
    sdad = _dynamic(recipe, b"\x00\x02", b"", covered)
    records = {
        name: Reply(record({**dict(contents(body)), b"\x9f\x4b": sdad}))
        for name, body in side.read.items()
        if b"\x9f\x4b" in dict(contents(body))
    }
    return replace(side, records={**side.records, **records})
