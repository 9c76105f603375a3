"""Rules about PINs, PUKs and administrative keys: state, counters, values (TS 102 221 9.5, 11.1.9)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.uicc.fcp import PinState
from cardkit.apps.uicc.gsm import GsmStatus
from cardkit.apps.uicc.names import PIN1, PIN2, key_reference
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.pin import CodeState
from cardkit.apps.uicc.rules.check import Check, Trouble, unknown
from cardkit.apps.uicc.rules.expectation import Expectation
from cardkit.apps.uicc.states.codes import ACCEPTED
from cardkit.apps.uicc.states.product import UNBLOCK, Pin
from cardkit.crypto import Secret
from cardkit.crypto.publishedcodes import is_published_code
from cardkit.desired import NOT_CHECKED, Secrecy

# What every card has (TS 102 221 9.5.1, from memory); ADM counters are the maker's choice.
USUAL_TRIES = {f"{PIN1:02X}": 3, f"{PIN2:02X}": 3, f"PUK {PIN1:02X}": 10, f"PUK {PIN2:02X}": 10}
CHV_TRIES = {"CHV1": 3, "CHV2": 3, "UNBLOCK CHV1": 10, "UNBLOCK CHV2": 10}
CHV_COUNTERS = {
    "CHV1": f"{PIN1:02X}", "CHV2": f"{PIN2:02X}", "UNBLOCK CHV1": f"PUK {PIN1:02X}", "UNBLOCK CHV2": f"PUK {PIN2:02X}",
}  # fmt: skip
UNIVERSAL_PIN = 0x11
USED, NOT_USED = 0x08, 0x00
PINS = ("pins", "the states of PINs")


def _states(picture: CardPicture) -> Iterator[tuple[str, PinState]]:
    yield from ((name, pin) for name, pins in picture.pins.items() for pin in pins)


# Enabled or not


def _enabled(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """A PIN is asked for as the product says; one secret has one state in every directory that names it."""
    wanted = {}
    if expected.product is not None:
        wanted = {pin.access.reference: pin.block.enabled for pin in expected.product.pins}
    for where, pin in _states(picture):
        if pin.reference not in (PIN1, PIN2):
            continue
        # A local secret, from 80 on, is another one in every application.
        right = wanted.get(pin.reference) if pin.reference == PIN2 else wanted.setdefault(pin.reference, pin.enabled)
        if right is not None and pin.enabled != right:
            yield Trouble(where, f"{pin.name} {_word(pin.enabled)}", f"{pin.name} {_word(right)}")


def _word(enabled: bool) -> str:
    return "enabled" if enabled else "disabled"


def _asked_for(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    for pin in expected.product.pins:
        if pin.block.enabled and picture.presented.get(pin.target.name) == CodeState.DISABLED.value:
            yield Trouble(pin.target.name, CodeState.DISABLED.value, f"{pin.access.name} enabled")


# Counters


def _pin_counters(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """What a survey with a profile asks for; where nobody asked, the rule says so."""
    assert expected.product is not None
    for pin in expected.product.pins:
        name, access = pin.target.name, pin.access
        if pin.block.enabled:
            yield from _counter(picture, f"{access.reference:02X}", name, access.tries)
        tries = expected.product.chip.models[access.name].unblock_tries
        yield from _counter(picture, f"PUK {access.reference:02X}", name, tries)


def _adm_counters(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """Say which administrative key has fewer tries left than it had."""
    assert expected.product is not None
    for adm in expected.product.adms:
        access = adm.access
        yield from _counter(picture, f"{access.reference:02X}", access.name, access.tries)


def _counter(picture: CardPicture, counter: str, where: str, tries: int) -> Iterator[Trouble]:
    status = picture.codes.get(counter)
    if status is None or status.left != tries:
        actual = NOT_CHECKED if status is None else str(status)
        yield Trouble(where, actual, f"{tries} tries left")


def _usual_counters(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """Without a profile, what every card has."""
    if expected.product is not None:
        return
    for name, left, tries in (*_usual(picture), *_usual_2g(picture)):
        if left < tries:
            yield Trouble(name, f"{left} tries left", f"{tries} tries left")
    if not picture.codes and not any(isinstance(control, GsmStatus) for control in picture.controls.values()):
        yield unknown("PIN1", "nobody asked for the counters")


def _usual(picture: CardPicture) -> Iterator[tuple[str, int, int]]:
    for counter, status in picture.codes.items():
        if counter in USUAL_TRIES and status.left is not None:
            prefix, _, reference = counter.rpartition(" ")
            yield f"{prefix} {key_reference(int(reference, 16))}".strip(), status.left, USUAL_TRIES[counter]


def _usual_2g(picture: CardPicture) -> Iterator[tuple[str, int, int]]:
    control = picture.controls.get("MF")
    if isinstance(control, GsmStatus):
        for name, status in control.codes.items():
            if status.initialised:
                yield name, status.left, CHV_TRIES[name]


# Values


def _pin_values(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    for pin in expected.product.pins:
        if not pin.block.enabled:
            continue
        outcome = picture.presented.get(pin.target.name, NOT_CHECKED)
        if outcome not in (ACCEPTED, CodeState.DISABLED.value):
            yield Trouble(pin.target.name, outcome, f"{pin.access.name} of the record")
        outcome = picture.changed.get(pin.target.name, NOT_CHECKED)
        if pin.block.prove_puk and outcome != ACCEPTED:
            yield Trouble(pin.target.name, outcome, f"PUK of {pin.access.name} of the record")


def _not_guessed(_picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    if "test-keys" in expected.product.auth.accept:
        return
    for pin in expected.product.pins:
        yield from _guessed(pin, expected)


def _guessed(pin: Pin, expected: Expectation) -> Iterator[Trouble]:
    puk, *value = expected.contents.get(pin.access.name + UNBLOCK, ())
    codes = {f"PUK of {pin.access.name}": [puk], pin.access.name: value if pin.block.enabled else []}
    for name, parts in codes.items():
        if any(isinstance(part, Secret) and is_published_code(part) for part in parts):
            yield Trouble(
                pin.target.name, f"{name} is one that everybody tries", "a random code", secrecy=Secrecy.PUBLIC
            )


def _adm_values(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """Say which administrative key is not the record's."""
    assert expected.product is not None
    for adm in expected.product.adms:
        name = adm.access.name
        outcome = picture.presented.get(name, NOT_CHECKED)
        if outcome != ACCEPTED:
            yield Trouble(name, outcome, f"{name} of the record")


# Which keys there are


def _known_keys(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    known = {access.reference for access in expected.product.chip.secrets.values()} | {UNIVERSAL_PIN}
    for where, pin in _states(picture):
        if pin.enabled and pin.reference not in known:
            yield Trouble(where, f"{pin.name} ({pin.reference:02X}) is enabled", "a key of the chip model")


def _universal(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    known = () if expected.product is None else [access.reference for access in expected.product.chip.secrets.values()]
    for where, pin in _states(picture):
        if pin.reference != UNIVERSAL_PIN or UNIVERSAL_PIN in known:
            continue
        if expected.product is not None and pin.enabled and pin.usage != NOT_USED:
            yield Trouble(where, "a universal PIN in use", "none")
        elif pin.usage not in (USED, NOT_USED, None) or (pin.enabled and pin.usage is None):
            yield Trouble(where, f"usage qualifier {pin.usage}", f"{USED:02X} or {NOT_USED:02X}")


def _same_as_2g(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    assert picture.chv is not None
    asked = picture.pin1_asked()
    if asked is not None and picture.chv.chv1_enabled != asked:
        yield Trouble("CHV1", _word(picture.chv.chv1_enabled), f"{_word(asked)}, as PIN1")
    for name, status in picture.chv.codes.items():
        counter = picture.codes.get(CHV_COUNTERS[name])
        if status.initialised and counter is not None and counter.left is not None and counter.left != status.left:
            yield Trouble(name, f"{status.left} tries left", f"{counter.left}, as {CHV_COUNTERS[name]}")


CHECKS = (
    Check("UICC-060", _enabled, fields=(PINS,)),
    Check("UICC-061", _usual_counters),
    Check("UICC-063", _not_guessed, profile=True),
    Check("UICC-065", _known_keys, fields=(PINS,), profile=True),
    Check("UICC-066", _universal, fields=(PINS,)),
    Check("UICC-067", _same_as_2g, fields=(("chv", "class A0's answer for DF.GSM"),)),
)
PIN_CHECKS = (
    Check("UICC-060", _asked_for, profile=True),
    Check("UICC-061", _pin_counters, profile=True),
    Check("UICC-062", _pin_values, profile=True),
)
ADM_CHECKS = (Check("UICC-061", _adm_counters, profile=True), Check("UICC-064", _adm_values, profile=True))
