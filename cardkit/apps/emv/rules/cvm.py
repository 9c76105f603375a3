"""Rules about cardholder verification (EMV 4.4 Book 3 10.5, C3)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.emv.bits.cvm import CONDITIONS, METHODS, Condition, CvmList, CvmRule, Method
from cardkit.apps.emv.oda.pin import FIXED_BYTES
from cardkit.apps.emv.picture import CONTACTLESS
from cardkit.apps.emv.rules.check import Scene, SideCheck, Trouble
from cardkit.errors import EncodingError

_SHORTEST = 10
_VERIFIES = 0x10  # of the AIP's first byte
_RESERVED = 0x80
_SCHEME_METHODS, _ISSUER_METHODS, _SCHEME_CONDITIONS = range(0x20, 0x30), range(0x30, 0x3F), range(0x80, 0x100)
_PLAIN = frozenset((Method.PLAINTEXT_PIN, Method.PLAINTEXT_PIN_AND_SIGNATURE))
_ENCIPHERED = frozenset((Method.ENCIPHERED_PIN, Method.ENCIPHERED_PIN_AND_SIGNATURE))
_FALLBACKS = frozenset((Method.ONLINE_PIN, Method.SIGNATURE, Method.NO_CVM))
_OVER_OR_UNDER = range(0x06, 0x0A)
_BY_X = frozenset((Condition.UNDER_X, Condition.OVER_X))
_PIN_COUNTER = b"\x9f\x17"
# Conditions under which a rule serves each kind of terminal (Book 3, table 44).
_KINDS = {
    "shops": frozenset((Condition.ALWAYS, Condition.NO_CASH, Condition.IF_SUPPORTED)),
    "cash machines": frozenset((Condition.ALWAYS, Condition.UNATTENDED_CASH, Condition.IF_SUPPORTED)),
}


def _rules(scene: Scene) -> CvmList:
    """Return the list, an empty one where it is malformed."""
    try:
        return CvmList.parse(scene.side.get("8E") or b"")
    except EncodingError:
        return CvmList(0, 0, ())


def _form(scene: Scene) -> Iterator[Trouble]:
    size = len(scene.side.get("8E") or b"")
    if size % 2 or size < _SHORTEST:
        yield scene.trouble("8E", f"{size} bytes", "an even number of 10 or more")


def _known(scene: Scene) -> Iterator[Trouble]:
    for rule in _rules(scene).rules:
        own = rule.method in _SCHEME_METHODS or rule.method in _ISSUER_METHODS
        condition_known = rule.condition in CONDITIONS or rule.condition in _SCHEME_CONDITIONS
        if rule.code & _RESERVED or not (rule.method in METHODS or own) or not condition_known:
            yield scene.trouble("8E", f"{rule.code:02X}{rule.condition:02X}", decoded=rule.describe())


def _supported(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    has_list = side.get("8E") is not None
    if side.supports(_VERIFIES) != has_list:
        got = "the AIP has cardholder verification, no CVM list" if not has_list else "a CVM list the AIP does not use"
        yield scene.trouble("8E", got, "both or none")


def _ends(rule: CvmRule) -> bool:
    """Whether no rule behind this one is ever reached."""
    if rule.condition != Condition.ALWAYS:
        return False
    return rule.method in (Method.NO_CVM, Method.FAIL) or not rule.goes_on


def _reached(scene: Scene) -> Iterator[Trouble]:
    rules = _rules(scene).rules
    for number, rule in enumerate(rules, 1):
        if _ends(rule) and number < len(rules):
            behind = len(rules) - number
            yield scene.trouble("8E", f"{behind} rules behind rule {number}", "none", decoded=rule.describe())
            return


def _amounts(scene: Scene) -> Iterator[Trouble]:
    decoded = _rules(scene)
    for rule in decoded.rules:
        if rule.condition not in _OVER_OR_UNDER:
            continue
        name, amount = ("X", decoded.x) if rule.condition in _BY_X else ("Y", decoded.y)
        if not amount:
            yield scene.trouble("8E", f"{name} is zero", f"an amount, for {rule.describe()}")


def _methods(scene: Scene) -> frozenset[int]:
    return frozenset(rule.method for rule in _rules(scene).rules)


def _offline_pin(scene: Scene) -> Iterator[Trouble]:
    if scene.side.interface == CONTACTLESS or not _methods(scene) & (_PLAIN | _ENCIPHERED):
        return
    counter = (scene.side.data or {}).get(_PIN_COUNTER)
    if counter is None or not any(counter):
        yield scene.trouble("9F17", "none" if counter is None else "0", "above zero: the CVM list has offline PIN")


def _pin_key(scene: Scene) -> Iterator[Trouble]:
    if scene.side.interface == CONTACTLESS or not _methods(scene) & _ENCIPHERED:
        return
    tag = "9F2D" if scene.side.get("9F2D") is not None else "9F46"
    if scene.side.get(tag) is None:
        yield scene.trouble("9F2D", "neither 9F2D nor 9F46", "a key to encipher the PIN")
        return
    recovery = scene.chain.pin if tag == "9F2D" else scene.chain.icc
    if recovery is not None and recovery.value is not None and recovery.value.key.size <= FIXED_BYTES:
        yield scene.trouble(tag, f"a key of {recovery.value.key.size} bytes", f"more than {FIXED_BYTES}")


def _fallback(scene: Scene) -> Iterator[Trouble]:
    for kind, conditions in _KINDS.items():
        serving = [rule for rule in _rules(scene).rules if rule.condition in conditions and rule.method in _FALLBACKS]
        if not serving:
            yield scene.trouble("8E", f"nothing for {kind}", "online PIN, signature or no CVM")


def _no_pin(scene: Scene) -> str:
    return "" if scene.ordered is not None else "without a profile nobody knows whether a PIN was loaded"


def _plain_without_pin(scene: Scene) -> Iterator[Trouble]:
    assert scene.ordered is not None
    if scene.ordered.pin_tries is None and _methods(scene) & _PLAIN and (scene.side.data or {}).get(_PIN_COUNTER):
        yield scene.trouble("8E", "plaintext PIN, and no PIN was loaded", "no such rule")


_LIST = ("8E",)
SIDE_CHECKS = (
    SideCheck("EMV-061", _form, tags=_LIST),
    SideCheck("EMV-062", _known, tags=_LIST),
    SideCheck("EMV-063", _supported, needs=("options",)),
    SideCheck("EMV-064", _reached, tags=_LIST),
    SideCheck("EMV-065", _amounts, tags=_LIST),
    SideCheck("EMV-066", _offline_pin, tags=_LIST, needs=("data",)),
    SideCheck("EMV-067", _pin_key, tags=_LIST),
    SideCheck("EMV-068", _fallback, tags=_LIST),
    SideCheck("EMV-069", _plain_without_pin, tags=_LIST, needs=("data",), asks=_no_pin),
)
CARD_CHECKS = ()
