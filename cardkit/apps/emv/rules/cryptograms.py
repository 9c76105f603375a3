"""Rules about cryptograms, issuer keys and PIN (EMV 4.4 Book 2, 8, 9; Book 3 6.5.5; Contactless C-2, C-3)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping

from cardkit.apps.emv.bits.card import CTQ
from cardkit.apps.emv.dol import split_dol
from cardkit.apps.emv.oda.dynamic import fast_dda_data, recover_dda
from cardkit.apps.emv.picture import AIP, CONTACT, CardPicture, Side
from cardkit.apps.emv.rules.check import NO_PROFILE, CardCheck, Scene, SideCheck, Trouble, of_profile, text_of
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.apps.emv.rules.proofs import answer_of, combined_faults
from cardkit.crypto.emvcvn import read_issuer_data
from cardkit.errors import EncodingError, KeyStoreError

_CID, _ATC, _AC, _IAD, _CODE = b"\x9f\x27", b"\x9f\x36", b"\x9f\x26", b"\x9f\x10", b"\x9f\x61"
_KIND, _RESERVED_KIND, _AAC = 0xC0, 0xC0, 0x00
_LAST_ONLINE, _PIN_COUNTER, _QUALIFIERS = b"\x9f\x13", b"\x9f\x17", b"\x9f\x6c"
_LEAST_AC_BYTES = 11
_CODE_DIGITS = range(3, 6)
_MASKS = (("9F62", "9F63", "9F64"), ("9F65", "9F66", "9F67"))


def cryptogram_values(scene: Scene) -> Mapping[bytes, bytes]:
    """Return CID, ATC, cryptogram and issuer application data of GENERATE AC, by tag."""
    asked = scene.side.cryptogram
    if asked is None:
        return {}
    values, _ = answer_of(asked.reply)
    plain = values.get(b"")
    if plain is None:
        return values
    return {_CID: plain[:1], _ATC: plain[1:3], _AC: plain[3:_LEAST_AC_BYTES], _IAD: plain[_LEAST_AC_BYTES:]}


def _by_contact(side: Side) -> bool:
    return side.interface == CONTACT


def _issuer_known(scene: Scene) -> str:
    if scene.ordered is None:
        return NO_PROFILE
    return "" if scene.ordered.issuer is not None else "without the issuer's keys nobody can compute it"


def _sent(scene: Scene) -> dict[bytes, bytes]:
    """Return what the card was told, by tag.  :raises EncodingError: on a list of another length than was sent."""
    side = scene.side
    found: dict[bytes, bytes] = {}
    for dol, data in ((side.pdol, side.pdol_data), (side.get("8C") or b"", _cdol_data(scene))):
        if data:
            found |= {entry.tag: value for entry, value in split_dol(dol, data)}
    return found


def _cdol_data(scene: Scene) -> bytes:
    return scene.side.cryptogram.sent if scene.side.cryptogram is not None else b""


def _recomputed(scene: Scene, shown: Mapping[bytes, bytes], cryptogram: bytes) -> str:
    """Say what is wrong with a cryptogram; nothing where it is right.

    :raises EncodingError: where it cannot be computed from what the card showed.  :raises KeyStoreError: as the store.
    """
    assert scene.ordered is not None
    assert scene.ordered.issuer is not None
    values = {**scene.side.objects, **_sent(scene), **shown, AIP: scene.side.aip}
    expected = scene.ordered.issuer.cryptogram(values)
    return (
        ""
        if hmac.compare_digest(expected, cryptogram)
        else f"another than the issuer's keys give: {text_of(cryptogram)}"
    )


def _cryptogram(scene: Scene) -> Iterator[Trouble]:
    asked = scene.side.cryptogram
    assert asked is not None
    if not asked.reply.ok:
        yield scene.trouble("GENERATE AC", f"status {asked.reply.sw:04X}", "9000")
        return
    shown = cryptogram_values(scene)
    cryptogram = shown.get(_AC, b"")
    try:
        cryptogram = cryptogram or combined_faults(scene, asked)[1]
        wrong = _recomputed(scene, shown, cryptogram) if cryptogram else ""
    except KeyStoreError as error:
        yield scene.unseen(str(error))
        return
    except EncodingError:  # of the issuer application data: EMV-098 says so
        return
    if not cryptogram:
        yield scene.unseen("no cryptogram could be read out of the answer")
    elif wrong:
        yield scene.trouble("9F26", wrong)


def _issuer_data(scene: Scene) -> Iterator[Trouble]:
    shown = cryptogram_values(scene) if scene.side.cryptogram is not None else scene.side.answer
    value = shown.get(_IAD)
    if value is None:
        return
    try:
        read = read_issuer_data(value)
    except EncodingError as error:
        yield scene.trouble("9F10", str(error), "CCD, M/Chip or VSDC form")
        return
    index = scene.ordered.key_index if scene.ordered is not None else None
    if index is not None and scene.side.interface == CONTACT and read.key_index != index:
        yield scene.trouble("9F10", f"key index {read.key_index:02X}", f"{index:02X}, as the profile has it")


def _kind(scene: Scene) -> Iterator[Trouble]:
    cid = cryptogram_values(scene).get(_CID, b"")
    if len(cid) == 1 and cid[0] & _KIND != _AAC:
        yield scene.trouble("9F27", f"CID {cid.hex().upper()} where AAC was asked for", "AAC")


def _contactless_kind(scene: Scene) -> Iterator[Trouble]:
    cid = scene.side.answer.get(_CID, b"")
    if scene.side.decides_at_once and len(cid) == 1 and cid[0] & _KIND == _RESERVED_KIND:
        yield scene.trouble("9F27", f"CID {cid.hex().upper()}", "AAC, TC or ARQC")


def _counter(scene: Scene) -> Iterator[Trouble]:
    assert scene.side.atc is not None
    before, after = scene.side.atc
    if after != before + 1:
        yield scene.trouble("9F36", f"{before} before GPO, {after} after", "one more")
    told = cryptogram_values(scene).get(_ATC) or scene.side.answer.get(_ATC)
    if told is not None and int.from_bytes(told, "big") != after:
        yield scene.trouble(
            "9F36", f"{int.from_bytes(told, 'big')} with the cryptogram, {after} by GET DATA", "the same"
        )
    last = int.from_bytes((scene.side.data or {}).get(_LAST_ONLINE, b""), "big")
    if last > after:
        yield scene.trouble("9F13", f"{last}, above the counter {after}", "not above it")


# What only a sample card may suffer


def _judged(scene: Scene, pairs: tuple[tuple[str, bool | None, bool], ...]) -> Iterator[Trouble]:
    for what, got, right in pairs:
        if got is None:
            yield scene.unseen(f"{what} was not tried")
        elif got is not right:
            yield scene.trouble("", f"{what}: {'accepted' if got else 'refused'}", "accepted" if right else "refused")


def _answers(scene: Scene) -> Iterator[Trouble]:
    done = scene.side.destroyed
    assert done is not None
    right, wrong = ("a right issuer authentication", done.right_answer, True), (
        "a wrong issuer authentication", done.wrong_answer, False)  # fmt: skip
    yield from _judged(scene, (right, wrong))


def _scripts(scene: Scene) -> Iterator[Trouble]:
    done = scene.side.destroyed
    assert done is not None
    pairs = (("a script", done.right_script, True), ("a script with a wrong MAC", done.wrong_script, False))
    yield from _judged(scene, pairs)


def _tries(scene: Scene) -> Iterator[Trouble]:
    assert scene.ordered is not None
    counter, limit = (scene.side.data or {}).get(_PIN_COUNTER), scene.ordered.pin_tries
    # A counter of zero, or none, is EMV-066's where the CVM list needs a PIN.
    if limit is not None and counter and any(counter) and int.from_bytes(counter, "big") != limit:
        yield scene.trouble("9F17", f"{int.from_bytes(counter, 'big')}", f"{limit}, the limit")


def _pin(scene: Scene) -> Iterator[Trouble]:
    done = scene.side.destroyed
    assert done is not None
    yield from _judged(scene, (("the issued PIN", done.pin, True),))
    limit = scene.ordered.pin_tries if scene.ordered is not None else None
    if done.pin and limit is not None and done.tries_after not in (None, limit):
        yield scene.trouble("9F17", f"{done.tries_after} after the right PIN", f"{limit}")


# Preparation, mag-stripe mode, contactless


def _check_values(_picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for aid, (prepared, right) in (expected.check_values or {}).items():
        if prepared != right:
            yield Trouble(f"{text_of(aid)} DGI 9000", text_of(prepared), f"{text_of(right)}, of the key store")


def _prepared_known(expected: Expectation) -> str:
    return "" if expected.check_values is not None else "without the prepared data nobody can tell"


def _masks(scene: Scene) -> Iterator[Trouble]:
    """Digits of code and number stand in places of their own (kernel 2, unverified)."""
    side = scene.side
    for code, number, digits in _MASKS:
        masks = [int.from_bytes(value, "big") for tag in (code, number) if (value := side.get(tag)) is not None]
        if len(masks) != 2:
            continue
        overlap, places = masks[0] & masks[1], masks[0].bit_count()
        counted = side.get(digits)
        if overlap or places not in _CODE_DIGITS:
            yield scene.trouble(f"{code}, {number}", f"{places} digits of the code", "3 to 5, apart from the number's")
        elif counted is not None and int.from_bytes(counted, "big") > masks[1].bit_count():
            yield scene.trouble(digits, f"{counted.hex()} digits of the counter", "as many as there are places")


def _dynamic_code(scene: Scene) -> Iterator[Trouble]:
    code = scene.side.code
    assert code is not None
    assert scene.ordered is not None
    assert scene.ordered.issuer is not None
    if not code.reply.ok:
        yield scene.trouble("9F61", f"COMPUTE CRYPTOGRAPHIC CHECKSUM: status {code.reply.sw:04X}", "9000")
        return
    shown, _ = answer_of(code.reply)
    try:
        sent = {entry.tag: value for entry, value in split_dol(scene.side.get("9F69") or b"", code.sent)}
        expected = scene.ordered.issuer.dynamic_code({**scene.side.objects, **sent, **shown})
    except (EncodingError, KeyStoreError) as error:
        yield scene.unseen(str(error))
        return
    given = f"{int.from_bytes(shown.get(_CODE, b''), 'big'):05d}"
    if not hmac.compare_digest(expected, given):
        yield scene.trouble("9F61", given, f"{expected}, by the issuer's key")


def _at_once(scene: Scene) -> Iterator[Trouble]:
    """The cryptogram of a contactless GPO, and the qualifiers that come with it."""
    side = scene.side
    if not side.decides_at_once or side.options is None or not side.options.ok:
        return
    qualifiers = side.answer.get(_QUALIFIERS)
    if qualifiers is None or len(qualifiers) != CTQ.size or any(CTQ.reserved(qualifiers)):
        yield scene.trouble("9F6C", text_of(qualifiers or b""), "2 bytes, reserved bits zero")
    if _AC not in side.answer:
        yield scene.trouble("9F26", "no cryptogram in the answer to GPO", "one")


def _at_once_computed(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    if not side.decides_at_once or _AC not in side.answer:
        return
    try:
        wrong = _recomputed(scene, {}, side.answer[_AC])
    except KeyStoreError as error:
        yield scene.unseen(str(error))
    except EncodingError:  # of the issuer application data: EMV-098 says so
        return
    else:
        if wrong:
            yield scene.trouble("9F26", wrong)


def _fast(scene: Scene) -> Iterator[Trouble]:
    """The signature in the records over the cryptogram's own data (kernel 3, unverified)."""
    side, certificate = scene.side, scene.chain.icc_key
    if not side.decides_at_once or certificate is None or side.get("9F69") is None:
        return
    try:
        covered = fast_dda_data({**side.objects, **_sent(scene)})
    except EncodingError as error:
        yield scene.trouble("9F69", text_of(side.get("9F69") or b""), str(error))
        return
    for fault in recover_dda(certificate.key, side.get("9F4B") or b"", covered).faults:
        yield scene.trouble("9F4B", fault.actual, fault.expected, decoded=str(fault))


_GPO, _CRYPTOGRAM, _DESTROYED = ("options",), ("cryptogram",), ("destroyed",)
SIDE_CHECKS = (
    SideCheck("EMV-097", _cryptogram, tags=("8C",), needs=_CRYPTOGRAM, asks=_issuer_known),
    SideCheck("EMV-098", _issuer_data, needs=_GPO),
    SideCheck("EMV-099", _kind, tags=("8C",), needs=_CRYPTOGRAM),
    SideCheck("EMV-099", _contactless_kind, needs=_GPO),
    SideCheck("EMV-100", _counter, needs=("atc",)),
    SideCheck("EMV-101", _answers, needs=_DESTROYED, applies=_by_contact),
    SideCheck("EMV-102", _scripts, needs=_DESTROYED, applies=_by_contact),
    SideCheck("EMV-103", _tries, tags=("8C",), needs=("data",), asks=of_profile, applies=_by_contact),
    SideCheck("EMV-103", _pin, needs=_DESTROYED, applies=_by_contact),
    SideCheck("EMV-105", _masks),
    SideCheck("EMV-105", _dynamic_code, tags=("9F6B", "9F69"), needs=("code",), asks=_issuer_known),
    SideCheck("EMV-106", _at_once, needs=_GPO),
    SideCheck("EMV-106", _at_once_computed, needs=_GPO, asks=_issuer_known),
    SideCheck("EMV-106", _fast, needs=_GPO),
)
CARD_CHECKS = (CardCheck("EMV-104", _check_values, asks=_prepared_known),)
