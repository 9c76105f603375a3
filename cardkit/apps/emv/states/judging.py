"""What a card showed against what was prepared for it, and what its keys proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cardkit.apps.emv.commands import Cryptogram
from cardkit.apps.emv.dol import split_dol
from cardkit.apps.emv.oda.block import Fault, Recovery
from cardkit.apps.emv.oda.dynamic import (
    CombinedSignature,
    fast_dda_data,
    recover_cda,
    recover_dda,
    without_sdad,
)
from cardkit.apps.emv.prepare.application import card_keys
from cardkit.apps.emv.rules.table import TABLE
from cardkit.apps.emv.states.plan import CDOL_1, FILLED_IN, SDAD, CardPlan, FacePlan
from cardkit.apps.emv.states.session import NOTE, UNPREDICTABLE, SeenFace
from cardkit.apps.emv.tags import tag_bytes
from cardkit.apps.emv.template import open_template
from cardkit.crypto.emvac import Transaction
from cardkit.crypto.emvcvn import ATC_TAG, IAD_TAG, cryptogram_data, read_issuer_data
from cardkit.crypto.emvstore import EmvKeyStore
from cardkit.desired import NOT_CHECKED, Finding, Observations, Rule, Secrecy, Severity
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, KeyStoreError, ProtocolError

SHOWN = Rule("PERSO-010", Severity.ERROR, "house rule", "an application shows what was prepared for it, byte for byte")
SIGNATURE, COMBINED, FAST = TABLE["EMV-092"], TABLE["EMV-093"], TABLE["EMV-106"]
CRYPTOGRAM, KIND, PIN = TABLE["EMV-097"], TABLE["EMV-099"], TABLE["EMV-103"]
RULES = (SHOWN, SIGNATURE, COMBINED, FAST, CRYPTOGRAM, KIND, PIN)

_FCI, _DF_NAME, _RECORD = 0x6F, 0x84, 0x70
PDOL_CRYPTOGRAM = b"\x9f\x66"
"""What a card asks for that makes its cryptogram with GPO: terminal transaction qualifiers."""
_AIP = b"\x82"


def judge(card: CardPlan, seen: Observations, keystore: EmvKeyStore | None) -> list[Finding]:
    """Apply the rules to what every side of a card showed.

    :param keystore: None where no key is to be used.
    """
    notes: Mapping[str, SeenFace] = seen.notes.get(NOTE, {})
    return [finding for face in card.faces.values() for finding in _face(card, face, notes.get(face.place), keystore)]


def _face(card: CardPlan, face: FacePlan, seen: SeenFace | None, keystore: EmvKeyStore | None) -> Iterator[Finding]:
    if seen is None:
        yield SHOWN.finding(face.place, "what was prepared", NOT_CHECKED)
        return
    yield from _shown(face, seen)
    if face.payment is None:
        return
    if face.signs:
        yield from _signature(face, seen)
    if face.takes_plain_pin:
        yield from _pin(face, seen)
    if face.signs_fast:
        yield from _fast_signature(face, seen)
    if CDOL_1 in face.objects or PDOL_CRYPTOGRAM in face.pdol:
        yield from _cryptogram(card, face, seen, keystore)


def _shown(face: FacePlan, seen: SeenFace) -> Iterator[Finding]:
    if seen.fci is None or _proprietary(seen.fci) != face.fci:
        yield _differs(face, seen, f"FCI of {face.place}", "FCI", seen.fci)
    if face.payment is not None:
        answer = {} if seen.answer is None else {tag: seen.answer.get(tag) for tag in face.answer}
        if answer != dict(face.answer):
            yield _differs(face, seen, f"GPO of {face.place}", "answer to GPO", b"".join(filter(None, answer.values())))
    for sfi, number, body in face.records:
        if not _alike(body, seen.records.get((sfi, number))):
            name = f"record {sfi}/{number} of {face.place}"
            yield _differs(face, seen, name, f"record {number} of SFI {sfi}", seen.records.get((sfi, number)))
    for tag, value in face.data.items():
        if seen.data.get(tag) != value:
            name = tag.hex().upper()
            yield _differs(face, seen, f"{name} of {face.place}", f"data object {name}", seen.data.get(tag))


def _alike(body: bytes, shown: bytes | None) -> bool:
    """Whether a record is as prepared, but for objects the card fills in."""
    if shown is None or body == shown:
        return shown is not None
    try:
        pairs = list(zip(open_template(body, _RECORD, ""), open_template(shown, _RECORD, ""), strict=True))
    except (ProtocolError, ValueError):
        return False
    return all(
        a == b or (a.tag == b.tag and len(a.value) == len(b.value) and tag_bytes(a.tag) in FILLED_IN) for a, b in pairs
    )


def _differs(face: FacePlan, seen: SeenFace, step: str, what: str, got: bytes | None) -> Finding:
    if got is None:
        actual = seen.troubles.get(step) or next(iter(seen.troubles.values()), "not shown")
        return SHOWN.finding(face.place, f"{what} as prepared", actual, secrecy=Secrecy.PUBLIC)
    return SHOWN.finding(
        face.place, f"{what} as prepared", f"{what}, {len(got)} bytes, differs", secrecy=Secrecy.PUBLIC
    )


def _proprietary(answer: bytes) -> bytes:
    """Return what follows the DF name in the answer to SELECT; nothing where it is no FCI."""
    try:
        objects = open_template(answer, _FCI, "SELECT")
    except ProtocolError:
        return b""
    return b"".join(tlv.build(item.tag, item.value) for item in objects if item.tag != _DF_NAME)


def _signature(face: FacePlan, seen: SeenFace) -> Iterator[Finding]:
    assert face.key is not None
    if seen.sdad is None:
        yield _missing(SIGNATURE, face, seen, f"DDA of {face.place}")
        return
    yield from _faults(SIGNATURE, face, recover_dda(face.key, seen.sdad, seen.ddol_data).faults)


def _fast_signature(face: FacePlan, seen: SeenFace) -> Iterator[Finding]:
    """Check the signature in the records over the cryptogram's own data (kernel 3, unverified)."""
    assert face.key is not None
    try:
        shown = {
            tag_bytes(item.tag): item.value
            for body in seen.records.values()
            for item in open_template(body, _RECORD, "record")
        }
        covered = fast_dda_data({**_sent(face.pdol, seen.pdol_data), **shown})
    except (EncodingError, ProtocolError) as error:
        yield FAST.finding(face.place, FAST.text, str(error))
        return
    yield from _faults(FAST, face, recover_dda(face.key, shown.get(SDAD, b""), covered).faults)


def _faults(rule: Rule, face: FacePlan, faults: tuple[Fault, ...]) -> Iterator[Finding]:
    for fault in faults:
        yield rule.finding(face.place, fault.expected, fault.actual, decoded=str(fault), secrecy=Secrecy.PUBLIC)


def _missing(rule: Rule, face: FacePlan, seen: SeenFace, step: str) -> Finding:
    """Return the finding of a proof that was not given: a trouble is an error, a step that was left out no check."""
    trouble = seen.troubles.get(step)
    return rule.finding(face.place, rule.text, trouble or NOT_CHECKED, secrecy=Secrecy.PUBLIC)


def _pin(face: FacePlan, seen: SeenFace) -> Iterator[Finding]:
    if not face.pin_known:  # the order has it enciphered; its counter is read all the same
        unknown = PIN.finding(face.place, PIN.text, f"{NOT_CHECKED}: nobody here knows it", secrecy=Secrecy.PUBLIC)
        yield replace(unknown, severity=Severity.INFO)
    elif seen.pin is None:
        yield _missing(PIN, face, seen, f"PIN of {face.place}")
    elif not seen.pin.accepted:
        left = "blocked" if not seen.pin.tries_left else f"{seen.pin.tries_left} tries left"
        yield PIN.finding(face.place, "the PIN of the order", f"refused, {left}", secrecy=Secrecy.PUBLIC)


def _cryptogram(card: CardPlan, face: FacePlan, seen: SeenFace, keystore: EmvKeyStore | None) -> Iterator[Finding]:
    answer = seen.cryptogram
    if answer is None:
        yield _missing(CRYPTOGRAM, face, seen, f"cryptogram of {face.place}")
        return
    if CDOL_1 in face.objects and answer.cid & 0xC0 != Cryptogram.AAC:
        yield KIND.finding(face.place, "AAC", f"CID {answer.cid:02X}", secrecy=Secrecy.PUBLIC)
    cryptogram = answer.ac
    if answer.sdad and face.key is not None:
        signed = _combined(face, seen)
        yield from _faults(COMBINED, face, signed.faults)
        cryptogram = signed.value.cryptogram if signed.value is not None else b""
    if keystore is None:
        yield CRYPTOGRAM.finding(face.place, CRYPTOGRAM.text, f"{NOT_CHECKED}: no key store")
    elif cryptogram:
        yield from _recomputed(card, face, seen, cryptogram, keystore)


def _combined(face: FacePlan, seen: SeenFace) -> Recovery[CombinedSignature]:
    assert face.key is not None
    assert seen.cryptogram is not None
    transaction = seen.pdol_data + seen.cdol_data + without_sdad(seen.cryptogram.answer.content)
    cid = seen.cryptogram.cid
    return recover_cda(face.key, seen.cryptogram.sdad, seen.terminal[UNPREDICTABLE], transaction, cid)


def _recomputed(
    card: CardPlan, face: FacePlan, seen: SeenFace, cryptogram: bytes, keystore: EmvKeyStore
) -> Iterator[Finding]:
    assert seen.cryptogram is not None
    assert face.payment is not None
    lists = ((face.objects.get(CDOL_1, b""), seen.cdol_data), (face.pdol, seen.pdol_data))
    sent = next(_sent(dol, data) for dol, data in lists if dol)
    atc = seen.cryptogram.atc.to_bytes(2, "big")
    values = {**sent, _AIP: face.aip, ATC_TAG: atc, IAD_TAG: seen.cryptogram.iad}
    try:
        version = read_issuer_data(seen.cryptogram.iad).version
        key = card_keys(face.payment.keys, card.holder)[0]
        transaction = Transaction(version, atc, sent.get(UNPREDICTABLE, b""))
        expected = keystore.emv_cryptogram(key, transaction, cryptogram_data(version, values))
    except EncodingError as error:
        yield CRYPTOGRAM.finding(face.place, "issuer application data of a known form", str(error))
    except KeyStoreError as error:
        yield CRYPTOGRAM.finding(face.place, CRYPTOGRAM.text, f"{NOT_CHECKED}: {error}")
    else:
        if expected != cryptogram:
            actual = f"{cryptogram.hex().upper()} ({version.name})"
            yield CRYPTOGRAM.finding(face.place, expected.hex().upper(), actual, secrecy=Secrecy.PUBLIC)


def _sent(dol: bytes, data: bytes) -> dict[bytes, bytes]:
    """Return what the card was told in answer to a list, by tag."""
    return {entry.tag: value for entry, value in split_dol(dol, data)}
