"""Rules about signatures a card makes itself: DDA and CDA (EMV 4.4 Book 2, 6.5, 6.6)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.emv.oda.block import Fault, Step
from cardkit.apps.emv.oda.dynamic import DynamicSignature, recover_cda, recover_dda, without_sdad
from cardkit.apps.emv.picture import FORMAT_1, FORMAT_2, Cryptogram, Reply, Side, objects_of
from cardkit.apps.emv.rules.check import Scene, SideCheck, Trouble, text_of
from cardkit.apps.emv.tags import tag_bytes
from cardkit.errors import EncodingError

_DDA, _CDA = 0x20, 0x01  # of the AIP's first byte
_SDAD, _CID = b"\x9f\x4b", b"\x9f\x27"
NO_KEY = "the card's key was not recovered"


def icc_key_known(scene: Scene) -> str:
    """Say that the card's public key is needed, if it could not be recovered."""
    if scene.expected.capks is None:
        return "without CA keys (--capk) nobody can check it"
    return "" if scene.chain.icc_key is not None else NO_KEY


def _signs(side: Side) -> bool:
    """Whether it answers INTERNAL AUTHENTICATE; without GPO nobody knows, and it is said to be unseen."""
    return not side.decides_at_once and (side.options is None or side.supports(_DDA))


def _combines(side: Side) -> bool:
    return not side.decides_at_once and (side.options is None or side.supports(_CDA))


def answer_of(reply: Reply) -> tuple[dict[bytes, bytes], bytes]:
    """Return the objects of an answer by tag, and the content of its template 77; nothing where it is none."""
    items = objects_of(reply.data)
    if not reply.ok or len(items) != 1 or items[0].tag not in (FORMAT_1, FORMAT_2):
        return {}, b""
    if items[0].tag == FORMAT_1:
        return {b"": items[0].value}, b""
    return {tag_bytes(item.tag): item.value for item in objects_of(items[0].value)}, items[0].value


def signature_of(reply: Reply) -> bytes:
    """Return the signature of INTERNAL AUTHENTICATE; empty where there is none."""
    values = answer_of(reply)[0]
    return values.get(_SDAD) or values.get(b"") or b""


def _dynamic(scene: Scene) -> Iterator[tuple[Fault | None, DynamicSignature | None, Reply]]:
    """Yield every fault of every signature, or the signature itself."""
    certificate = scene.chain.icc_key
    assert certificate is not None
    for signed in scene.side.signatures or ():
        recovery = recover_dda(certificate.key, signature_of(signed.reply), signed.sent)
        if recovery.good:
            yield None, recovery.value, signed.reply
        for fault in recovery.faults:
            yield fault, None, signed.reply


def _fresh(scene: Scene) -> Iterator[Trouble]:
    numbers = []
    for fault, signature, reply in _dynamic(scene):
        if signature is not None:
            numbers.append(signature.idn)
        elif not reply.ok:
            yield scene.trouble("9F4B", f"INTERNAL AUTHENTICATE: status {reply.sw:04X}", "9000")
        elif fault is not None and fault.step is not Step.BLOCK:
            yield scene.trouble("9F4B", fault.actual, fault.expected, decoded=str(fault))
    if len(set(numbers)) < len(numbers):
        yield scene.trouble("9F4B", "the same ICC dynamic number twice", "a new one each time")


def _belongs(scene: Scene) -> Iterator[Trouble]:
    for fault, _, reply in _dynamic(scene):
        if fault is not None and fault.step is Step.BLOCK and reply.ok:
            yield scene.trouble("9F4B", "it does not open under the certified key", fault.expected, decoded=str(fault))


def combined_faults(scene: Scene, asked: Cryptogram) -> tuple[tuple[Fault, ...], bytes]:
    """Return what is wrong with the signature over a cryptogram, and the cryptogram in it; empty where there is none.

    :raises EncodingError: when the answer is not TLV.
    """
    certificate = scene.chain.icc_key
    values, content = answer_of(asked.reply)
    if certificate is None or _SDAD not in values:
        return (), b""
    cid = values.get(_CID, b"\0")[:1] or b"\0"
    hashed = scene.side.pdol_data + asked.sent + without_sdad(content)
    recovery = recover_cda(certificate.key, values[_SDAD], asked.unpredictable, hashed, cid[0])
    return recovery.faults, recovery.value.cryptogram if recovery.value is not None else b""


def _combined(scene: Scene) -> Iterator[Trouble]:
    asked = scene.side.cryptogram
    assert asked is not None
    if not asked.combined or not asked.reply.ok:
        return
    if _SDAD not in answer_of(asked.reply)[0]:
        # A card may leave the signature off where it declines: then only an approval would show it.
        yield scene.unseen("the card signs no cryptogram that declines; level V4 would show it")
        return
    try:
        faults, _ = combined_faults(scene, asked)
    except EncodingError as error:
        yield scene.trouble("GENERATE AC", text_of(asked.reply.data[:2]), str(error))
        return
    for fault in faults:
        yield scene.trouble("9F4B", fault.actual, fault.expected, decoded=str(fault))


SIDE_CHECKS = (
    SideCheck("EMV-092", _fresh, tags=("9F46",), needs=("signatures",), asks=icc_key_known, applies=_signs),
    SideCheck("EMV-093", _combined, tags=("9F46",), needs=("cryptogram",), asks=icc_key_known, applies=_combines),
    SideCheck("EMV-094", _belongs, tags=("9F46",), needs=("signatures",), asks=icc_key_known, applies=_signs),
)
CARD_CHECKS = ()
