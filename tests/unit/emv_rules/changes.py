"""One change for each rule, on a good card: contact, unless another one is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cardkit.apps.emv.capk import CapkStore
from cardkit.apps.emv.picture import CardPicture, Reply, Side, objects_of
from cardkit.apps.emv.rules.expectation import Expectation

from .paper import Recipe, record, remade, tlv, with_answer
from .paperkeys import OTHER_CARD, SMALL_ISSUER, PaperKey, paper

Pair = tuple[CardPicture, Expectation]
Change = Callable[[CardPicture, Expectation], Pair]
CONTACT, DUAL, DOMESTIC, STRIPE = "contact", "dual", "domestic", "stripe"
CVM = "0000000000000000"


def together(*changes: Change) -> Change:
    def change(picture: CardPicture, expected: Expectation) -> Pair:
        for each in changes:
            picture, expected = each(picture, expected)
        return picture, expected

    return change


def card(**fields: Any) -> Change:
    return lambda picture, expected: (replace(picture, **fields), expected)


def expects(**fields: Any) -> Change:
    return lambda picture, expected: (picture, replace(expected, **fields))


def limits(**fields: Any) -> Change:
    return lambda picture, expected: (picture, replace(expected, limits=replace(expected.limits, **fields)))


def of_side(work: Callable[[Side, Expectation], Side], place: int = 0) -> Change:
    def change(picture: CardPicture, expected: Expectation) -> Pair:
        sides = list(picture.sides)
        sides[place] = work(sides[place], expected)
        return replace(picture, sides=tuple(sides)), expected

    return change


def side(place: int = 0, **fields: Any) -> Change:
    return of_side(lambda each, _: replace(each, **fields), place)


def made(place: int = 0, /, **fields: Any) -> Change:
    """Sign everything anew, with what is different."""
    return of_side(lambda each, expected: remade(each, expected, Recipe(**fields)), place)


def holds(place: int = 0, **objects: str | None) -> Change:
    """Other data objects, signed: tags are given with ``t`` before them."""
    return made(place, objects={tag[1:]: value for tag, value in objects.items()})


def shows(place: int = 0, **objects: str | None) -> Change:
    """The same, and nothing is signed anew."""

    def work(each: Side, _: Expectation) -> Side:
        found = dict(each.records)
        for name in each.read:
            values = {**each.by_record[name]}
            for tag, value in objects.items():
                key = bytes.fromhex(tag[1:])
                if key in values:
                    values.pop(key) if value is None else values.update({key: bytes.fromhex(value)})
            found[name] = Reply(record(values))
        return replace(each, records=found)

    return of_side(work, place)


def reads(name: tuple[int, int], body: bytes, sw: int = 0x9000) -> Change:
    return of_side(lambda each, _: replace(each, records={**each.records, name: Reply(body, sw)}))


def grown(name: tuple[int, int], more: str) -> Change:
    """A record with something behind its objects."""

    def work(each: Side, _: Expectation) -> Side:
        content = objects_of(each.read[name])[0].value + bytes.fromhex(more)
        return replace(each, records={**each.records, name: Reply(tlv(b"\x70", content))})

    return of_side(work)


def answers(place: int = 0, **objects: str) -> Change:
    def work(each: Side, _: Expectation) -> Side:
        return with_answer(
            each, {**each.answer, **{bytes.fromhex(tag[1:]): bytes.fromhex(value) for tag, value in objects.items()}}
        )

    return of_side(work, place)


def fci(place: int = 0, **objects: str | None) -> Change:
    """Other data objects in the FCI of an application."""
    return of_side(lambda each, _: replace(each, fci=Reply(_fci(each.fci.data, objects))), place)


def _fci(data: bytes, objects: dict[str, str | None]) -> bytes:
    name, proprietary = objects_of(objects_of(data)[0].value)
    values = {f"{item.tag:X}": item.value for item in objects_of(proprietary.value)}
    for tag, value in objects.items():
        values[tag[1:]] = None if value is None else bytes.fromhex(value)
    inner = b"".join(tlv(bytes.fromhex(tag), value) for tag, value in values.items() if value is not None)
    return tlv(b"\x6f", name.build() + tlv(b"\xa5", inner))


def listed(old: str, new: str) -> Change:
    """A piece of the contact directory, of the same length."""

    def change(picture: CardPicture, expected: Expectation) -> Pair:
        records = {
            number: replace(reply, data=bytes.fromhex(reply.data.hex().upper().replace(old, new)))
            for number, reply in picture.pse_records.items()
        }
        assert records != dict(picture.pse_records)
        return replace(picture, pse_records=records), expected

    return change


def directory(**objects: str) -> Change:
    return lambda picture, expected: (replace(picture, pse=Reply(_fci(picture.pse.data, objects))), expected)


def ordered(**fields: Any) -> Change:
    def change(picture: CardPicture, expected: Expectation) -> Pair:
        aid = picture.sides[0].aid
        return picture, replace(expected, applications={aid: replace(expected.applications[aid], **fields)})

    return change


def holder(**fields: Any) -> Change:
    return lambda picture, expected: (picture, replace(expected, holder=replace(expected.holder, **fields)))


def printed(**fields: Any) -> Change:
    return lambda picture, expected: (picture, replace(expected, printed=replace(expected.printed, **fields)))


def datum(tag: str, value: str) -> Change:
    return of_side(lambda each, _: replace(each, data={**each.data, bytes.fromhex(tag): bytes.fromhex(value)}))


def suffered(**fields: Any) -> Change:
    return of_side(lambda each, _: replace(each, destroyed=replace(each.destroyed, **fields)))


def track(change: Callable[[str], str], discretionary: Callable[[str], str] = lambda data: data) -> Change:
    """Other track 2 data; the discretionary data of track 1 follow, what is printed is unknown."""

    def work(each: Side, expected: Expectation) -> Side:
        text = change(each.get("57").hex().upper())
        data = discretionary(each.get("9F1F").decode()).encode().hex()
        return shows(t57=text, t9F1F=data)(CardPicture(sides=(each,)), expected)[0].sides[0]

    return together(of_side(work), expects(printed=None))


def digit(text: str, place: int) -> str:
    return text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]


def of_another(picture: CardPicture, expected: Expectation) -> Pair:
    """The CA's key is another provider's."""
    keys = [replace(key, rid=bytes.fromhex("A000000999")) for key in expected.capks]
    return picture, replace(expected, capks=CapkStore(keys))


def ppse(picture: CardPicture, expected: Expectation) -> Pair:
    """The contactless directory gives its application no priority."""
    text = picture.ppse.data.hex().upper()
    assert text.endswith("870101")
    for old, new in (("6F31", "6F2E"), ("A51F", "A51C"), ("BF0C1C", "BF0C19"), ("611A", "6117")):
        text = text.replace(old, new)
    return replace(picture, ppse=Reply(bytes.fromhex(text[:-6]))), expected


def wrong_pan(picture: CardPicture, expected: Expectation) -> Pair:
    """A PAN with a wrong check digit, everywhere on the chip."""
    each = picture.sides[0]
    wrong = digit(each.pan, len(each.pan) - 1)
    text = each.get("57").hex().upper().replace(each.pan, wrong)
    return together(made(objects={"5A": wrong, "57": text}), expects(printed=None))(picture, expected)


def twice(picture: CardPicture, expected: Expectation) -> Pair:
    """GPO answers with two AIPs."""
    each = picture.sides[0]
    content = tlv(b"\x82", each.aip) * 2 + tlv(b"\x94", each.afl)
    return side(options=Reply(tlv(b"\x77", content)))(picture, expected)


def broken_generator(picture: CardPicture, expected: Expectation) -> Pair:
    """A modulus that is 1 modulo the primes the broken generator betrays itself by; nobody can sign under it."""
    product = 1
    for prime in (2, 11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157):
        product *= prime
    number = ((1 << 1151) // product + 1) * product + 1
    key = PaperKey(number, 1, b"\x03")
    return together(made(icc=key), side(signatures=None, cryptogram=None))(picture, expected)


def slow(picture: CardPicture, expected: Expectation) -> Pair:
    each = picture.sides[0]
    return side(options=replace(each.options, ms=900.0))(picture, expected)


def cut(tag: str) -> Change:
    """A data object without its last byte."""

    def work(each: Side, expected: Expectation) -> Side:
        text = each.get(tag).hex()[:-2]
        return shows(**{f"t{tag}": text})(CardPicture(sides=(each,)), expected)[0].sides[0]

    return of_side(work)


CHANGES: dict[str, tuple[str, Change]] = {
    "EMV-001": (CONTACT, directory(t88="0B")),
    "EMV-002": (CONTACT, listed("500C4E45555452414C2054455354", "530C4E45555452414C2054455354")),
    "EMV-003": (CONTACT, card(missing={bytes.fromhex("F0434B49540109"): 0x6A82})),
    "EMV-004": (DUAL, ppse),
    "EMV-005": (CONTACT, together(fci(t50="4E45555452414C5F54455354"), listed("4C2054", "4C5F54"))),
    "EMV-006": (CONTACT, fci(t9F12="C5BD")),
    "EMV-007": (CONTACT, together(fci(t87="11"), listed("870101", "870111"))),
    "EMV-008": (CONTACT, fci(t5F2D="555A")),
    "EMV-009": (CONTACT, listed("4C2054455354", "4C2054455355")),
    "EMV-010": (CONTACT, fci(t9F38="5A0A")),
    "EMV-011": (CONTACT, of_another),
    "EMV-012": (CONTACT, datum("9F4F", "9A039F2103")),
    "EMV-013": (CONTACT, of_side(lambda each, _: replace(each, fci=Reply(each.fci.data + b"\x01\x01\x00")))),
    "EMV-014": (CONTACT, card(atr=bytes.fromhex("3B6525002063CB6800"))),
    "EMV-015": (CONTACT, made(aip="3904")),
    "EMV-016": (CONTACT, answers(t94="08010100100104011801010000")),
    "EMV-017": (CONTACT, answers(t94="080101001001040118010100F8010100")),
    "EMV-018": (CONTACT, answers(t94="08010100100104011801010020020100")),
    "EMV-019": (CONTACT, answers(t94="080101001001040118010102")),
    "EMV-020": (CONTACT, answers(t94="080101001001040118010200")),
    "EMV-021": (CONTACT, of_side(lambda each, _: replace(
        each, records={**each.records, (3, 1): Reply(each.read[3, 1] + b"\0\0")}))),
    "EMV-022": (CONTACT, grown((3, 1), "9F42020860")),
    "EMV-023": (CONTACT, shows(t8D=None)),
    "EMV-024": (CONTACT, twice),
    "EMV-025": (CONTACT, grown((3, 1), "DF0181C8" + "00" * 200)),
    "EMV-026": (CONTACT, side(mislengthed=0x9000)),
    "EMV-027": (CONTACT, reads((5, 1), bytes.fromhex("7004DF010100"))),
    "EMV-028": (CONTACT, made(afl="080101001001040018010100")),
    "EMV-029": (DUAL, answers(1, t94="2002050020010101")),
    "EMV-030": (CONTACT, wrong_pan),
    "EMV-031": (CONTACT, track(lambda text: digit(text, 8))),
    "EMV-032": (CONTACT, track(lambda text: text.replace("D2912", "D2812"))),
    "EMV-033": (CONTACT, shows(t5F30="0206")),
    "EMV-034": (CONTACT, together(track(lambda text: text.replace("D2912201", "D2912101")), shows(t5F30="0101"))),
    "EMV-035": (CONTACT, track(lambda text: text + "FF")),
    "EMV-036": (CONTACT, holds(t5F24="291299")),
    "EMV-037": (CONTACT, holds(t5F25="300101")),
    "EMV-038": (CONTACT, holder(psn="02")),
    "EMV-039": (CONTACT, holder(name="TEST/CARD TWO")),
    "EMV-040": (CONTACT, expects(iins=("111111",))),
    "EMV-041": (CONTACT, made(icc_pan="9999990000000022")),
    "EMV-042": (CONTACT, shows(t9F1F="3130303030303030")),
    "EMV-043": (CONTACT, track(lambda text: digit(text, len(text) - 1), lambda data: digit(data, len(data) - 1))),
    "EMV-044": (CONTACT, printed(thru="11/29")),
    "EMV-045": (CONTACT, printed(cvv2="999")),
    "EMV-046": (CONTACT, track(lambda text: digit(text, 25), lambda data: digit(data, 1))),
    "EMV-047": (CONTACT, holds(t9F07="FC80")),
    "EMV-048": (CONTACT, holds(t5F28=None)),
    "EMV-049": (CONTACT, holds(t5F28="0999")),
    "EMV-050": (CONTACT, shows(t9F44="03")),
    "EMV-051": (CONTACT, holds(t9F07="CF80")),
    "EMV-052": (CONTACT, holds(t9F0D="FC7CFCA000")),
    "EMV-053": (CONTACT, holds(t9F0E="0050000000")),
    "EMV-054": (CONTACT, holds(t9F0F="FC78FCFC00")),
    "EMV-055": (CONTACT, holds(t9F0D="F878FCA000", t9F0F="F878FCF800")),
    "EMV-056": (CONTACT, shows(t9F08="0002")),
    "EMV-057": (CONTACT, shows(t9F14="09")),
    "EMV-058": (CONTACT, grown((3, 1), "9F0B03414243")),
    "EMV-059": (CONTACT, shows(t9F4A="8294")),
    "EMV-060": (CONTACT, fci(tBF0C="DF010100")),
    "EMV-061": (CONTACT, holds(t8E=CVM + "4201440341035E0342031F0300")),
    "EMV-062": (CONTACT, holds(t8E=CVM + "42014403500341035E0342031F03")),
    "EMV-063": (CONTACT, holds(t8E=None)),
    "EMV-064": (CONTACT, holds(t8E=CVM + "42011F0044034103")),
    "EMV-065": (CONTACT, holds(t8E=CVM + "42011F06440341035E031F03")),
    "EMV-066": (CONTACT, datum("9F17", "00")),
    "EMV-067": (DOMESTIC, made(aip="5800", objects={"9F46": None, "9F47": None, "9F48": None})),
    "EMV-068": (CONTACT, holds(t8E=CVM + "44034103")),
    "EMV-069": (CONTACT, ordered(pin_tries=None)),
    "EMV-070": (CONTACT, shows(t8C="9F02069F03069F1A0295055F2A029A039C029F3704")),
    "EMV-071": (CONTACT, shows(t8C="9F02069F03069F1A0295055F2A029A039F3704")),
    "EMV-072": (CONTACT, shows(t8D="91089F02069F03069F1A0295055F2A029A039C019F3704")),
    "EMV-073": (CONTACT, shows(t8C="9F02069F03069F1A0295055F2A029A039C01")),
    "EMV-074": (CONTACT, shows(t9F49="9F0206")),
    "EMV-075": (CONTACT, shows(t8D="8A0291089F02069F3704DF01FF")),
    "EMV-076": (STRIPE, shows(1, t9F69=None)),
    "EMV-077": (CONTACT, shows(t8D="8A0291085F2403")),
    "EMV-078": (CONTACT, made(aip="7900")),
    "EMV-079": (CONTACT, shows(t8F="55")),
    "EMV-080": (CONTACT, made(spoil="issuer")),
    "EMV-081": (CONTACT, made(issuer_expiry="1225")),
    "EMV-082": (CONTACT, together(made(), cut("92"))),
    "EMV-083": (CONTACT, cut("9F46")),
    "EMV-084": (CONTACT, made(icc_expiry="1128")),
    "EMV-085": (CONTACT, shows(t9F07="FFC0")),
    "EMV-086": (CONTACT, made(icc=replace(paper(1152), stated=b"\x00\x03"))),
    "EMV-087": (CONTACT, made(issuer=SMALL_ISSUER, icc=paper(1408))),
    "EMV-088": (CONTACT, limits(icc_bits=1408)),
    "EMV-089": (CONTACT, broken_generator),
    "EMV-091": (DOMESTIC, made(dac="DAC2", icc=paper(1024, 65537))),
    "EMV-092": (CONTACT, made(idn_length=False)),
    "EMV-093": (CONTACT, made(spoil="transaction")),
    "EMV-094": (CONTACT, made(signer=OTHER_CARD)),
    "EMV-095": (CONTACT, together(made(objects={"9F2D": "00", "9F2F": "00", "9F2E": "03"}, at=(3, 2),
                                       afl="080101001001040118010200"), shows(t9F2D="00" * 176))),
    "EMV-096": (CONTACT, made(move=("9F07",))),
    "EMV-097": (CONTACT, made(cryptogram=b"\1" * 8)),
    "EMV-098": (CONTACT, made(iad="00" * 7)),
    "EMV-099": (CONTACT, made(cid=0x80)),
    "EMV-100": (CONTACT, side(atc=(5, 7))),
    "EMV-101": (CONTACT, suffered(wrong_answer=True)),
    "EMV-102": (CONTACT, suffered(right_script=False)),
    "EMV-103": (CONTACT, datum("9F17", "02")),
    "EMV-104": (CONTACT, expects(check_values={bytes.fromhex("F0434B49540101"): (b"\1\2\3", b"\1\2\4")})),
    "EMV-105": (STRIPE, shows(1, t9F62="000000000007", t9F63="00000000000F")),
    "EMV-106": (DUAL, answers(1, t9F6C="C001")),
    "EMV-107": (CONTACT, side(stored=0x9000)),
    "EMV-108": (CONTACT, card(cplc=bytes.fromhex("9F7F2A") + bytes(42))),
    "EMV-109": (CONTACT, expects(production=True)),
    "EMV-110": (CONTACT, limits(atc=0)),
    "EMV-111": (CONTACT, slow),
}  # fmt: skip
