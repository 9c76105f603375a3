"""What a token can really do: each mechanism is tried with a throw-away key and a known answer; its own list lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cardkit.crypto.key import Key, Usage
from cardkit.crypto.pkcs11attributes import secret_template
from cardkit.crypto.pkcs11module import exceptions, pkcs11
from cardkit.crypto.pkcs11token import Token, TokenKey, derive_3des, destroyed
from cardkit.crypto.statickey import ClearKey, StaticKey

_A = pkcs11.Attribute
_M = pkcs11.Mechanism
_KEY = bytes(range(0x40, 0x50))
_DATA = bytes(range(1, 17))

DERIVE_3DES = "derive a 3DES card key inside"
WRAP_AES = "wrap a key under an AES DEK"
WRAP_3DES = "wrap a key under a 3DES DEK"
# What everything else is made of: a token without one of these is of no use.
_NEEDED: dict[str, tuple[str, Callable[[StaticKey], bytes]]] = {
    "AES-ECB": ("AES-128", lambda key: key.ecb(_DATA)),
    "AES-CBC": ("AES-128", lambda key: key.cbc(_DATA * 2)),
    "AES-CMAC": ("AES-128", lambda key: key.cmac(_DATA[:5])),
    "3DES-ECB": ("3DES-128", lambda key: key.ecb(_DATA)),
    "3DES-CBC": ("3DES-128", lambda key: key.cbc(_DATA)),
    "3DES-CMAC": ("3DES-128", lambda key: key.cmac(_DATA[:5])),
}


def probe(token: Token) -> frozenset[str]:
    """Return what a token cannot do: names of single mechanisms, and of the operations made of several."""
    trials: dict[str, Callable[[Any], bool]] = {name: _calculation(*trial) for name, trial in _NEEDED.items()}
    trials |= {DERIVE_3DES: _derives, WRAP_AES: _wraps("AES-128", _M.AES_CBC, bytes(16))}
    trials |= {WRAP_3DES: _wraps("3DES-128", _M.DES3_ECB, None)}
    return frozenset(name for name, trial in trials.items() if not token.run(f"probe {name}", _tried(trial)))


def _tried(trial: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def work(session: Any) -> bool:
        try:
            return trial(session)
        except (
            exceptions.MechanismInvalid,
            exceptions.MechanismParamInvalid,
            exceptions.FunctionNotSupported,
            exceptions.GeneralError,
            exceptions.ArgumentsBad,
            exceptions.KeyTypeInconsistent,
            exceptions.KeySizeRange,
            exceptions.AttributeTypeInvalid,
            exceptions.AttributeValueInvalid,
            exceptions.TemplateInconsistent,
            exceptions.FunctionFailed,
        ):
            return False

    return work


def _throw_away(session: Any, algorithm: str, usage: Usage) -> Any:
    return session.create_object(secret_template(usage, algorithm, token=False) | {_A.VALUE: _KEY})


def _calculation(algorithm: str, calculate: Callable[[StaticKey], bytes]) -> Callable[[Any], bool]:
    expected = calculate(ClearKey(Key(_KEY, "probe", algorithm, Usage.SECURE_CHANNEL)))

    def trial(session: Any) -> bool:
        with destroyed(_throw_away(session, algorithm, Usage.SECURE_CHANNEL)) as handle:
            return calculate(TokenKey("probe", algorithm, lambda work: work(handle))) == expected

    return trial


def _derives(session: Any) -> bool:
    expected = ClearKey(Key(_KEY, "probe", "3DES-128", Usage.SECURE_CHANNEL)).ecb(_DATA)
    check = ClearKey(Key(expected, "probe", "3DES-128", Usage.SECURE_CHANNEL)).ecb(bytes(8))
    with destroyed(_throw_away(session, "3DES-128", Usage.MASTER_DERIVE)) as master:
        derived = derive_3des(master, _DATA)
        with destroyed(derived):
            return bytes(derived.encrypt(bytes(8), mechanism=_M.DES3_ECB)) == check


def _wraps(algorithm: str, mechanism: Any, parameter: bytes | None) -> Callable[[Any], bool]:
    dek = ClearKey(Key(_KEY, "probe", algorithm, Usage.SECURE_CHANNEL))
    expected = dek.cbc(_DATA) if algorithm.startswith("AES-") else dek.ecb(_DATA)

    def trial(session: Any) -> bool:
        with destroyed(_throw_away(session, algorithm, Usage.SECURE_CHANNEL)) as wrapping:
            template = secret_template(Usage.CARD_KEY, "AES-128", token=False) | {_A.VALUE: _DATA}
            with destroyed(session.create_object(template)) as target:
                return bytes(wrapping.wrap_key(target, mechanism=mechanism, mechanism_param=parameter)) == expected

    return trial
