"""Keys in their slots: GENERATE ASYMMETRIC KEY PAIR (SP 800-73-4 part 2, 3.3.1), and vendor commands beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ... import statuswords as sw
from ... import tlv
from ...errors import StatusWordError
from ...gp import ber, curves, wire
from .. import keypair
from . import layout
from .state import State

NEVER, ONCE, ALWAYS = 1, 2, 3  # PIN policies
_TOUCH_NEVER: Final = 1  # there is nothing to touch
_DEFAULTS: Final = {layout.SIGNATURE: ALWAYS, layout.CARD_AUTHENTICATION: NEVER}
_GENERATED, _IMPORTED = 1, 2
_TEMPLATE, _ALGORITHM, _PIN_POLICY, _TOUCH = 0xAC, 0x80, 0xAA, 0xAB
_CRT: Final = (1, 2, 3, 4, 5)  # p, q, d mod p-1, d mod q-1, 1/q mod p
_SCALAR: Final = 6
_DELETE: Final = 0xFF
_NO_ALGORITHM: Final = 0xFF  # of a PIN, in its metadata


@dataclass(frozen=True, slots=True)
class Slot:
    """A key and what is known of it."""

    algorithm: int
    pin_policy: int
    touch: int
    origin: int
    key: keypair.PrivateKey


def load(state: State, slot: int) -> Slot:
    """The key in a slot.

    :raises StatusWordError: 6A86 no slot, 6A88 nothing in it.
    """
    body = state.journal.get(_cell(slot))
    if not body:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return Slot(body[0], body[1], body[2], body[3], keypair.load(body[4:]))


def generate(state: State, apdu: wire.Apdu) -> bytes:
    """A key made on board; answers its public half.

    :raises StatusWordError: 6982, 6A86 no slot, 6A80 an algorithm or policy this chip does not have.
    """
    state.require_management()
    name = _cell(apdu.p2, apdu.p1)
    outer = ber.parse(apdu.data)
    if len(outer) != 1 or outer[0][0] != _TEMPLATE:
        raise StatusWordError(sw.WRONG_DATA)
    fields = ber.unique(outer[0][1], frozenset((_ALGORITHM, _PIN_POLICY, _TOUCH)))
    algorithm = int.from_bytes(fields.get(_ALGORITHM, b""), "big")
    key = keypair.generate(_domain(algorithm), state.random.randbytes)
    _store(state, name, Slot(algorithm, *_policies(fields, apdu.p2), _GENERATED, key))
    return keypair.public_template(key)


def import_key(state: State, apdu: wire.Apdu) -> bytes:
    """A key from outside, algorithm in P1.

    :raises StatusWordError: 6982, 6A86 no slot, 6A80 numbers that make no key.
    """
    state.require_management()
    name = _cell(apdu.p2)
    domain = _domain(apdu.p1)
    parts = _CRT if isinstance(domain, int) else (_SCALAR,)
    fields = ber.unique(apdu.data, frozenset((*parts, _PIN_POLICY, _TOUCH)))
    if not fields.keys() >= set(parts):
        raise StatusWordError(sw.WRONG_DATA)
    key: keypair.PrivateKey
    if isinstance(domain, int):
        key = keypair.from_primes(fields[1], fields[2], (fields[3], fields[4], fields[5]), domain)
    else:
        key = curves.private_key(fields[_SCALAR], domain)
    _store(state, name, Slot(apdu.p1, *_policies(fields, apdu.p2), _IMPORTED, key))
    return b""


def move_key(state: State, apdu: wire.Apdu) -> bytes:
    """The key of slot P2 goes to slot P1, or away for P1 = FF.

    :raises StatusWordError: 6982, 6A86 no slot, 6A88 nothing in it.
    """
    state.require_management()
    source = _cell(apdu.p2)
    body = state.journal.get(source)
    if not body:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if apdu.p1 != _DELETE:
        state.journal.put(_cell(apdu.p1), body)
    if apdu.p1 != apdu.p2:
        state.journal.put(source, b"")
    return b""


def metadata(state: State, apdu: wire.Apdu) -> bytes:
    """What is known of a key, PIN, PUK or the management key, none of it secret.

    :raises StatusWordError: 6A88 nothing there, 6A86.
    """
    if apdu.p1:
        raise StatusWordError(sw.WRONG_P1P2)
    if apdu.p2 in (layout.PIN, layout.PUK):
        reference = state.pin if apdu.p2 == layout.PIN else state.puk
        born = state.is_born(layout.PIN_CELL if apdu.p2 == layout.PIN else layout.PUK_CELL)
        return _known({1: bytes((_NO_ALGORITHM,)), 5: bytes((born,)), 6: bytes((reference.total, reference.left))})
    if apdu.p2 == layout.MANAGEMENT:
        cell = state.journal.get(layout.MANAGEMENT_CELL)
        born = cell == state.image.cells[layout.MANAGEMENT_CELL]
        return _known({1: cell[:1], 2: bytes((0, _TOUCH_NEVER)), 5: bytes((born,))})
    if apdu.p2 not in layout.SLOTS:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    slot = load(state, apdu.p2)
    policies = bytes((slot.pin_policy, slot.touch))
    return _known(
        {1: bytes((slot.algorithm,)), 2: policies, 3: bytes((slot.origin,)), 4: keypair.public_objects(slot.key)}
    )


def _known(fields: Mapping[int, bytes]) -> bytes:
    return b"".join(tlv.build(tag, value) for tag, value in fields.items())


def _cell(slot: int, p1: int = 0) -> str:
    if slot not in layout.SLOTS or p1:
        raise StatusWordError(sw.WRONG_P1P2)
    return layout.key_cell(slot)


def _domain(algorithm: int) -> keypair.Domain:
    found = layout.ALGORITHMS.get(algorithm)
    if found is None:
        raise StatusWordError(sw.WRONG_DATA)
    return found


def _policies(fields: Mapping[int, bytes], slot: int) -> tuple[int, int]:
    """PIN and touch policy: what the command says, or what the slot is for.

    :raises StatusWordError: 6A80 for one that this chip cannot keep.
    """
    pin = fields.get(_PIN_POLICY, b"\x00")
    touch = fields.get(_TOUCH, b"\x00")
    if pin not in (b"\x00", b"\x01", b"\x02", b"\x03") or touch not in (b"\x00", b"\x01"):
        raise StatusWordError(sw.WRONG_DATA)
    return pin[0] or _DEFAULTS.get(slot, ONCE), _TOUCH_NEVER


def _store(state: State, name: str, slot: Slot) -> None:
    head = bytes((slot.algorithm, slot.pin_policy, slot.touch, slot.origin))
    state.journal.put(name, head + keypair.stored(slot.key))
