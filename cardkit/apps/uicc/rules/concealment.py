"""Rules about how the subscriber's identity is concealed: the home network's keys, and whether a phone can use them.

TS 31.102 4.4.11.8 (EF.SUCI_Calc_Info), 4.4.11.11 (EF.Routing_Indicator); TS 33.501 annex C.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Relation, Trouble, Values, unknown
from cardkit.apps.uicc.rules.expectation import USIM, Expectation, Ground
from cardkit.apps.uicc.rules.networks import home_of
from cardkit.apps.uicc.states.aka import PROVEN
from cardkit.apps.uicc.states.concealing import CALLS, KEYS
from cardkit.crypto.publishedkeys import is_published_home_key
from cardkit.crypto.suci import Scheme, check_home_key
from cardkit.desired import NOT_CHECKED
from cardkit.errors import EncodingError

UST = f"{USIM}/EF.UST"
SUCI = f"{USIM}/DF.5GS/EF.SUCI_Calc_Info"
ROUTING = f"{USIM}/DF.5GS/EF.Routing_Indicator"

# Who computes a SUCI: 124 somebody, 125 the card.
CONCEALED, BY_THE_CARD = 124, 125
SCHEMES = {"null": Scheme.NULL, "profile A": Scheme.PROFILE_A, "profile B": Scheme.PROFILE_B}


def _schemes(values: Values) -> list[tuple[Scheme | None, int]]:
    """Return (scheme, index of its key) in order of priority; None for a scheme nobody knows."""
    entries = [entry for entry in values[SUCI].get("schemes", []) if isinstance(entry, Mapping)]
    return [(SCHEMES.get(str(entry.get("scheme"))), int(entry.get("key_index", 0))) for entry in entries]


def _keys(values: Values) -> list[Mapping[str, Any]]:
    return [key for key in values[SUCI].get("keys", []) if isinstance(key, Mapping)]


def _key_bytes(key: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(str(key.get("key", "")))


def _indices(values: Values, ground: Ground) -> str | None:  # noqa: ARG001  (one signature for all)
    info = values[SUCI]
    if "raw" in info or any(isinstance(info.get(name), Mapping) for name in ("schemes", "keys")):
        return "it cannot be read"
    keys = _keys(values)
    for scheme, index in _schemes(values):
        if scheme is None:
            return "a scheme that is not defined"
        if index not in ((0,) if scheme is Scheme.NULL else range(1, len(keys) + 1)):
            return f"scheme {scheme.name} with key index {index} of {len(keys)} keys"
    ids = sorted(str(key.get("id")) for key in keys)
    return next((f"key id {left} stands there twice" for left, right in pairwise(ids) if left == right), None)


def _points(values: Values, ground: Ground) -> str | None:  # noqa: ARG001
    keys = _keys(values)
    for scheme, index in _schemes(values):
        if scheme in (None, Scheme.NULL) or not 1 <= index <= len(keys):
            continue
        key = keys[index - 1]
        try:
            check_home_key(scheme, _key_bytes(key))
        except EncodingError as error:
            return f"key id {key.get('id')}: {error}"
    return None


def _null_last(values: Values, ground: Ground) -> str | None:  # noqa: ARG001
    schemes = [scheme for scheme, _ in _schemes(values)]
    if Scheme.NULL in schemes[:-1]:
        return "the null scheme comes before another one"
    return "the null scheme alone, beside keys" if schemes == [Scheme.NULL] and _keys(values) else None


def _usable(values: Values, ground: Ground) -> str | None:  # noqa: ARG001
    if not _by_the_phone(values):
        return None
    if not _schemes(values):
        return f"service {CONCEALED} is on and EF.SUCI_Calc_Info names no scheme"
    routing = str(values[ROUTING].get("routing_indicator", ""))
    return None if routing.isdecimal() else f"service {CONCEALED} is on and EF.Routing_Indicator holds no digits"


def _filled(values: Values, ground: Ground) -> str | None:
    missing = [name.rpartition("/")[2] for name in (SUCI, ROUTING) if name not in ground.product_files]
    return f"service {CONCEALED} is on without {', '.join(missing)}" if missing and _by_the_phone(values) else None


def _by_the_phone(values: Values) -> bool:
    services = values[UST].get("services", [])
    return CONCEALED in services and BY_THE_CARD not in services


def _unpublished(values: Values, ground: Ground) -> str | None:
    known = [key.get("id") for key in _keys(values) if is_published_home_key(_key_bytes(key))]
    return f"key id {known[0]} is the standard's test key" if known and not ground.test_keys else None


def _by_the_card(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """Service 125: the phone must not be able to read what it would conceal with."""
    on = BY_THE_CARD in picture.value(UST).get("services", [])
    if on and SUCI in picture.bodies and not picture.is_blank(SUCI):
        yield Trouble(SUCI, "a phone can read it", f"nothing to read, as service {BY_THE_CARD} is on")
    if on and expected.product is None and picture.identities is None:
        yield unknown(SUCI, "nobody asked for GET IDENTITY")


def _proven(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """The answers to two calls of GET IDENTITY, where the card holds the home network's keys."""
    assert expected.product is not None
    outcomes = [picture.proofs.get(call, NOT_CHECKED) for call in CALLS] if expected.concealing else []
    for outcome in dict.fromkeys(outcomes):
        if outcome != PROVEN:
            yield Trouble(KEYS, outcome)


def _concealed(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """The same of a card nobody has a profile for: two SUCIs of its home network that differ."""
    home, given = home_of(picture, expected), picture.identities or ()
    concealed = [suci.output for suci in given if suci.scheme is not Scheme.NULL]
    others = [suci.plmn for suci in given if home is not None and suci.plmn != home]
    if not given:
        yield Trouble("GET IDENTITY", "no SUCI", "a SUCI")
    elif others:
        yield Trouble("GET IDENTITY", f"a SUCI of {others[0]}", f"of {home}")
    elif len(set(concealed)) < len(concealed):
        yield Trouble("GET IDENTITY", "the same SUCI twice", "another one at every call")


IDENTITY_CHECK = Check("UICC-104", _proven, profile=True)
CHECKS = (
    Check("UICC-104", _by_the_card, files=(UST,)),
    Check("UICC-104", _concealed, fields=(("identities", "answers to GET IDENTITY"),)),
)
CONCEALMENT = (
    Relation("UICC-100", (SUCI,), _indices),
    Relation("UICC-101", (SUCI,), _points),
    Relation("UICC-102", (SUCI,), _null_last),
    Relation("UICC-103", (SUCI, ROUTING, UST), _usable),
    Relation("UICC-103", (UST,), _filled, listing=True),
    Relation("UICC-105", (SUCI,), _unpublished),
)
