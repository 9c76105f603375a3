"""PACE, the chip's side (ICAO Doc 9303-11 4.4; TR-03110-2 3.2): MSE:SET AT, then four steps of GENERAL AUTHENTICATE."""

import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import ber
from ..gp.crypto import aes_ecb, pad80
from . import keys, mapping, security_infos, terminal_auth
from .bac import WRONG
from .document import Document
from .groups import Group, Random, refuse, standardized
from .messaging import SecureMessaging
from .session import Access, Answer, Command, Session, template
from .suites import BY_NUMBER, ENCRYPTION, MAC, MAC_SIZE, PASSWORD, Suite

MRZ, CAN, PIN, PUK = 1, 2, 3, 4  # references of passwords
_OBJECTS: Final = {MRZ: keys.MRZ, CAN: keys.CAN, PIN: keys.PIN, PUK: keys.PUK}
_DH_GM, _ECDH_GM, _DH_IM, _ECDH_IM, _ECDH_CAM = 1, 2, 3, 4, 6  # parts of the protocol identifier
_INTEGRATED: Final = (_DH_IM, _ECDH_IM)
_MODULAR: Final = (_DH_GM, _DH_IM)
_KINDS: Final = (_DH_GM, _ECDH_GM, _DH_IM, _ECDH_IM, _ECDH_CAM)
_VERSION: Final = 2

_MECHANISM, _PASSWORD, _PARAMETERS, _CHAT = 0x80, 0x83, 0x84, 0x7F4C
_EXTENSIONS: Final = (0x65, 0x67)  # certificate extensions, auxiliary data
_DYNAMIC: Final = 0x7C
_NONCE, _MAP, _MAPPED, _AGREE, _AGREED, _TOKEN, _OWN_TOKEN, _CAM_DATA = 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x8A
_CAR: Final = (0x87, 0x88)
_TOKEN_OBJECT, _OID = 0x7F49, 0x06
_LAST_NOT_CHAINED: Final = b"\x68\x83"
_SUSPENDED: Final = 1


class Step(Enum):
    """What the terminal may send next."""

    NONCE = 0
    MAP = _MAP
    AGREE = _AGREE
    TOKEN = _TOKEN


@dataclass(slots=True, repr=False)
class Pace:
    """One run.

    :ivar kind: mapping and arithmetic.  :ivar password: its reference.
    :ivar secret: the key of the step under way.  :ivar terminal: what the terminal sent in it.
    :ivar refusal: status word that ends the run at its first step: a suspended or blocked PIN.
    """

    protocol: bytes
    kind: int
    suite: Suite
    group: Group
    password: int
    refusal: bytes = b""
    step: Step = Step.NONCE
    nonce: bytes = b""
    generator: bytes = b""
    map_secret: int = 0
    public: bytes = b""
    terminal: bytes = b""
    encryption: bytes = b""
    mac: bytes = b""


def set_template(document: Document, session: Session, command: Command) -> Answer:
    """MSE:SET AT C1A4.

    :raises StatusWordError: 6A80 malformed or an unknown protocol, 6A88 unknown password or parameters.
    """
    session.pace = session.agreement = None
    allowed = frozenset((_MECHANISM, _PASSWORD, _PARAMETERS, _CHAT, *_EXTENSIONS))
    objects = ber.unique(command.data, allowed)
    protocol, reference = objects.get(_MECHANISM, b""), objects.get(_PASSWORD, b"")
    if len(reference) != 1 or objects.get(_PARAMETERS) == b"":
        raise refuse()
    kind, suite, group = _parameters(document, protocol, objects.get(_PARAMETERS))
    password = reference[0]
    if not _has_password(document, password):
        raise StatusWordError(sw.DATA_NOT_FOUND)
    chat = ber.unique(objects.get(_CHAT, b""))
    status, refusal = _counter(document, session, password)
    session.pace = Pace(protocol, kind, suite, group, password, refusal)
    session.chat = chat
    return b"", status


def _parameters(document: Document, protocol: bytes, reference: bytes | None) -> tuple[int, Suite, Group]:
    offered = [info for info in security_infos.card_access(document) if info.protocol == protocol]
    offered = [info for info in offered if info.version == _VERSION]
    kind, suite = protocol[-2:-1], BY_NUMBER.get(protocol[-1] if protocol else 0)
    if not offered or suite is None or protocol[:-2] != security_infos.PACE_ROOT or kind[0] not in _KINDS:
        raise refuse()
    if reference is not None:
        offered = [info for info in offered if info.reference == int.from_bytes(reference, "big")]
    if len(offered) != 1 or offered[0].reference is None:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    group = standardized(offered[0].reference)
    if group is None or (group.token_tag == mapping.MODULAR_TAG) != (kind[0] in _MODULAR):
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return kind[0], suite, group


def _has_password(document: Document, reference: int) -> bool:
    if reference == MRZ:
        return bool(keys.mrz_uses(document) & keys.FOR_PACE)
    return reference in _OBJECTS and bool(document.key(_OBJECTS[reference]))


def _counter(document: Document, session: Session, reference: int) -> tuple[bytes, bytes]:
    """Status word of MSE:SET AT, and what the run will be refused with.

    PIN and PUK have counters; the last try of the PIN wants PACE with the CAN before (TR-03110-2 3.3).
    """
    left, most = document.tries(_OBJECTS[reference])
    if not most or left == most:
        return sw.OK, b""
    refusal = sw.BLOCKED if left == 0 else b""
    if reference == PIN and left == _SUSPENDED and session.password != CAN:
        refusal = sw.CONDITIONS
    return sw.tries_left(left), refusal


def step(document: Document, session: Session, command: Command, random: Random) -> Answer:
    """GENERAL AUTHENTICATE; whatever is wrong ends the run.

    :raises StatusWordError: 6A80 malformed, 6985 out of order, 6883 or 6A80 chaining, 6300 or 63CX wrong token.
    """
    run, session.pace = session.pace, None
    if run is None:
        raise StatusWordError(sw.CONDITIONS)
    command.require(0)
    objects = template(command.data, _DYNAMIC)
    _check_order(run, objects)
    if command.chained != (_TOKEN not in objects):
        raise refuse() if command.chained else StatusWordError(_LAST_NOT_CHAINED)
    if not objects:
        answer = _send_nonce(document, run, random)
    elif run.step is Step.MAP:
        answer = _map(run, objects[_MAP], random)
    elif run.step is Step.AGREE:
        answer = _agree(run, objects[_AGREE], random)
    else:
        return tlv.build(_DYNAMIC, _finish(document, session, run, objects[_TOKEN])), sw.OK
    session.pace = run
    return tlv.build(_DYNAMIC, answer), sw.OK


def _check_order(run: Pace, objects: dict[int, bytes]) -> None:
    if not objects:
        if run.step not in (Step.NONCE, Step.MAP):
            raise StatusWordError(sw.CONDITIONS)
    elif len(objects) != 1 or not objects.keys() <= {_MAP, _AGREE, _TOKEN}:
        raise refuse()
    elif run.step.value not in objects:
        raise StatusWordError(sw.CONDITIONS)


def password_key(document: Document, run: Pace) -> bytes:
    """K_pi."""
    text = keys.password(document, _OBJECTS[run.password])
    if run.password == MRZ:
        text = hashlib.sha1(text, usedforsecurity=False).digest()
    return run.suite.derive(text, PASSWORD)


def _send_nonce(document: Document, run: Pace, random: Random) -> bytes:
    if run.refusal:
        raise StatusWordError(run.refusal)
    run.nonce = random(16 if run.suite.size <= 16 else 32)
    run.step = Step.MAP
    return tlv.build(_NONCE, run.suite.encrypt(password_key(document, run), run.nonce))


def _map(run: Pace, theirs: bytes, random: Random) -> bytes:
    run.step = Step.AGREE
    if run.kind in _INTEGRATED:
        run.generator = mapping.integrated(run.group, run.suite, run.nonce, theirs)
        return tlv.build(_MAPPED, b"")
    run.map_secret = run.group.draw(random)
    ours = run.group.power(run.map_secret, run.group.generator)
    run.generator = mapping.generic(run.group, run.nonce, run.map_secret, theirs)
    if theirs == ours:
        raise refuse()
    return tlv.build(_MAPPED, ours)


def _agree(run: Pace, theirs: bytes, random: Random) -> bytes:
    secret = run.group.draw(random)
    run.public = run.group.power(secret, run.generator)
    shared = run.group.secret(run.group.power(secret, theirs))
    if theirs == run.public:
        raise refuse()
    run.terminal = theirs
    run.encryption, run.mac = (run.suite.derive(shared, counter) for counter in (ENCRYPTION, MAC))
    run.step = Step.TOKEN
    return tlv.build(_AGREED, run.public)


def _token(run: Pace, public: bytes) -> bytes:
    """The token over the other side's public key."""
    value = tlv.build(_OID, run.protocol) + tlv.build(run.group.token_tag, public)
    return run.suite.token(run.mac, tlv.build(_TOKEN_OBJECT, value))


def _finish(document: Document, session: Session, run: Pace, token: bytes) -> bytes:
    identifier = _OBJECTS[run.password]
    left, most = document.tries(identifier)
    if most:
        document.take_try(identifier)
    if len(token) != MAC_SIZE or not hmac.compare_digest(token, _token(run, run.public)):
        document.count_failure()
        raise StatusWordError(sw.tries_left(left - 1) if most else WRONG)
    if run.password == PIN:
        document.put_tries(identifier, most, most)
    document.clear_failures()
    session.next = SecureMessaging(run.suite, run.encryption, run.mac)
    session.access, session.password = Access.PACE, run.password
    session.chip_identifier = run.group.compressed(run.public)
    session.ephemeral, session.rights, session.agreement, session.chain = b"", 0, None, None
    return tlv.build(_OWN_TOKEN, _token(run, run.terminal)) + _more(document, session, run)


def _more(document: Document, session: Session, run: Pace) -> bytes:
    """What goes with the last token: references of trust points when a CHAT was sent, proof of the chip's key."""
    found = b""
    if session.chat:
        references = terminal_auth.references(document)
        found = b"".join(tlv.build(tag, reference) for tag, reference in zip(_CAR, references, strict=False))
    if run.kind == _ECDH_CAM:
        found += tlv.build(_CAM_DATA, _mapping_proof(document, run))
    return found


def _mapping_proof(document: Document, run: Pace) -> bytes:
    """Encrypted chip authentication data: SK_IC^-1 SK_map (4.4.3.3.3).

    :raises StatusWordError: 6A88 without a key for it.
    """
    key = keys.mapping_key(document)
    if key is None:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    size = (run.group.order.bit_length() + 7) // 8
    proof = pow(key.secret, -1, run.group.order) * run.map_secret % run.group.order
    iv = aes_ecb(run.encryption, b"\xff" * run.suite.block)
    return run.suite.encrypt(run.encryption, pad80(proof.to_bytes(size, "big"), run.suite.block), iv)
