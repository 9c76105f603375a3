"""Keys made on board or taken in: MANAGE SECURITY ENVIRONMENT, GENERATE ASYMMETRIC KEY PAIR, PUT DATA (ISO 7816-8)."""

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from ... import statuswords as sw
from ... import tlv
from ...emrtd.parameters import CURVES
from ...errors import StatusWordError
from ...gp import ber, curves, wire
from .. import keypair
from ..chip import require
from . import layout
from .state import State

MAKE, AUTHENTICATION, SIGNATURE, CONFIDENTIALITY = 0x00, 0xA4, 0xB6, 0xB8  # security environments
_SET: Final = 0x41
_ALGORITHM, _FILE, _KEY = 0x80, 0x81, 0x84
_NEW_RSA, _NEW_EC = 0xF3, 0xEC
_RSA_BITS: Final = 2048
_GENERATE_P1: Final = (0x00, 0x42, 0x80)
_CURRENT: Final = 0x3FFF
_PUBLIC, _POINT = 0x7F49, 0x86
_RSA_PRIVATE, _EC_PRIVATE = 0x7F48, 0xE0
_CRT: Final = (0x92, 0x93, 0x95, 0x96, 0x94)  # p, q, d mod p-1, d mod q-1, 1/q mod p
_DOMAIN: Final = (0x81, 0x82, 0x83, 0x84, 0x85, 0x87)  # p, a, b, G, order, cofactor
_SCALAR: Final = 0x88
_KNOWN: Final[Mapping[int, ec.EllipticCurve]] = {
    12: ec.SECP256R1(),
    13: ec.BrainpoolP256R1(),
    15: ec.SECP384R1(),
    16: ec.BrainpoolP384R1(),
}


def manage_environment(state: State, apdu: wire.Apdu) -> bytes:
    """Algorithm and key for what follows.

    :raises StatusWordError: 6A86, 6A80 without both, 6A88 for a reference beyond 0F.
    """
    if apdu.p1 != _SET or apdu.p2 not in (MAKE, AUTHENTICATION, SIGNATURE, CONFIDENTIALITY):
        raise StatusWordError(sw.WRONG_P1P2)
    fields = ber.unique(apdu.data, frozenset((_ALGORITHM, _FILE, _KEY)))
    algorithm, reference = fields.get(_ALGORITHM, b""), fields.get(_KEY, b"")
    if len(algorithm) != 1 or len(reference) != 1:
        raise StatusWordError(sw.WRONG_DATA)
    if reference[0] not in layout.KEYS:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    state.session.environments[apdu.p2] = algorithm[0], reference[0]
    return b""


def environment(state: State, kind: int) -> tuple[int, int]:
    """Algorithm and key reference.

    :raises StatusWordError: 6985 when none were set.
    """
    found = state.session.environments.get(kind)
    if found is None:
        raise StatusWordError(sw.CONDITIONS)
    return found


def generate(state: State, apdu: wire.Apdu) -> bytes:
    """A key made on board; its public half.

    :raises StatusWordError: 6A86, 6982, 6985 without an environment, 6A80 a curve or algorithm that is not here.
    """
    if apdu.p1 not in _GENERATE_P1 or apdu.p2:
        raise StatusWordError(sw.WRONG_P1P2)
    state.require_pin()
    algorithm, reference = environment(state, MAKE)
    if algorithm == _NEW_RSA and not apdu.data:
        domain: keypair.Domain = _RSA_BITS
    elif algorithm == _NEW_EC:
        domain = _curve(ber.unique(apdu.data, frozenset(_DOMAIN)))
    else:
        raise StatusWordError(sw.WRONG_DATA)
    key = keypair.generate(domain, state.random.randbytes)
    state.journal.put(layout.key_cell(reference), keypair.stored(key))
    return tlv.build(_PUBLIC, apdu.data + keypair.public_objects(key))


def import_key(state: State, apdu: wire.Apdu) -> bytes:
    """A key from outside.

    :raises StatusWordError: 6A86, 6982, 6985 without an environment, 6A80 numbers that make no key.
    """
    require(apdu, _CURRENT)
    state.require_pin()
    algorithm, reference = environment(state, MAKE)
    outer = ber.parse(apdu.data)
    if len(outer) != 1 or (algorithm, outer[0][0]) not in ((_NEW_RSA, _RSA_PRIVATE), (_NEW_EC, _EC_PRIVATE)):
        raise StatusWordError(sw.WRONG_DATA)
    tags = _CRT if algorithm == _NEW_RSA else (*_DOMAIN, _SCALAR)
    fields = ber.unique(outer[0][1], frozenset(tags))
    if fields.keys() != set(tags):
        raise StatusWordError(sw.WRONG_DATA)
    key: keypair.PrivateKey
    if algorithm == _NEW_RSA:
        p, q, *crt = (fields[tag] for tag in _CRT)
        key = keypair.from_primes(p, q, (crt[0], crt[1], crt[2]), _RSA_BITS)
    else:
        key = curves.private_key(fields[_SCALAR], _curve(fields))
    state.journal.put(layout.key_cell(reference), keypair.stored(key))
    return b""


def _curve(fields: Mapping[int, bytes]) -> ec.EllipticCurve:
    """The curve that explicit parameters describe.

    :raises StatusWordError: 6A80 for one this chip does not have.
    """
    for number, curve in _KNOWN.items():
        p, a, b, x, y, order = (bytes.fromhex(part) for part in CURVES[number])
        expected = (p, a, b, b"\x04" + x + y, order)
        if all(fields.get(tag) == value for tag, value in zip(_DOMAIN, expected, strict=False)):
            if int.from_bytes(fields.get(_DOMAIN[-1], b"\x00"), "big") != 1:
                break
            return curve
    raise StatusWordError(sw.WRONG_DATA)
