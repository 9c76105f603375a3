"""SCP11 a, b and c, the card's side: certificates of the off-card entity, key agreement, receipt.

Amendment F as the specification sheet of the project tells it (clauses unverified). After the agreement the session
goes on as SCP03 with the receipt as its first MAC chaining value.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from .. import statuswords as sw
from . import ber, curves, scp03
from .crypto import KEY_AES, aes_cmac, x963_kdf
from .keysets import KeyRing
from .protection import (
    ANY_AUTHENTICATED,
    AUTHENTICATED,
    C_DEC,
    C_MAC,
    R_ENC,
    R_MAC,
    Behaviour,
    Command,
    Random,
    refused,
)
from .scp11_certificates import parse

MUTUAL_AUTHENTICATE: Final = 0x82
INTERNAL_AUTHENTICATE: Final = 0x88
PERFORM_SECURITY_OPERATION: Final = 0x2A

_S16: Final = 0x40  # bit of i
_MORE: Final = 0x80
_CA_KIDS: Final = frozenset((0x10, *range(0x20, 0x30)))
_LARGEST_CERTIFICATE: Final = 4096
_SCP11: Final = 0x11
_PUBLIC_KEY, _RECEIPT, _CONTROL = 0x5F49, 0x86, 0xA6
_CONTROL_TAGS: Final = [0x90, 0x95, 0x80, 0x81]
_LEVELS: Final = {b"\x3c": C_MAC | C_DEC | R_MAC | R_ENC, b"\x34": C_MAC | R_MAC}  # key usage -> security level
_KEY_SIZES: Final = (b"\x10", b"\x18", b"\x20")

AllowLists = Mapping[tuple[int, int], Collection[int]]  # (KVN, KID) of a CA key -> serial numbers it may vouch for


class Variant(NamedTuple):
    """One of the three forms.

    :ivar ins: command of the key agreement.  :ivar parameter: second byte of tag 90.  :ivar bit: its bit in `i`.
    :ivar right: what a session of this form is worth.
    :ivar certified: the off-card entity has shown a certificate.  :ivar ephemeral: the card makes a key pair.
    """

    ins: int
    parameter: int
    bit: int
    right: int
    certified: bool
    ephemeral: bool


VARIANTS: Final = {
    0x11: Variant(MUTUAL_AUTHENTICATE, 0x01, 0x01, AUTHENTICATED, certified=True, ephemeral=True),
    0x13: Variant(INTERNAL_AUTHENTICATE, 0x00, 0x02, ANY_AUTHENTICATED, certified=False, ephemeral=True),
    0x15: Variant(MUTUAL_AUTHENTICATE, 0x03, 0x10, AUTHENTICATED, certified=True, ephemeral=False),
}  # by key identifier of the domain's private key


class Agreement(NamedTuple):
    """A session made by key agreement: it is open at once."""

    session: scp03.Scp03
    response: bytes
    right: int


class _Chain(NamedTuple):
    """Certificates taken so far.

    :ivar issuer: key that the next certificate must be signed with.  :ivar partial: what has come of it.
    """

    reference: tuple[int, int]
    issuer: ec.EllipticCurvePublicKey
    partial: bytes = b""


class _Terms(NamedTuple):
    """What the off-card entity proposes."""

    usage: bytes
    size: bytes
    point: bytes


class Scp11:
    """What the card knows while SCP11 sessions are being opened."""

    def __init__(self, random: Random, behaviour: Behaviour) -> None:
        self._random = random
        self._behaviour = behaviour
        self.forget()

    def forget(self) -> None:
        """Forget certificates."""
        self._chain: _Chain | None = None
        self._entity: ec.EllipticCurvePublicKey | None = None

    def opens(self, command: Command) -> bool:
        """Is the command one of SCP11, on a card that has it?"""
        if not self._behaviour.scp11_i:
            return False
        if command.ins == MUTUAL_AUTHENTICATE:
            return command.p2 in VARIANTS and not command.secured
        return command.ins in (INTERNAL_AUTHENTICATE, PERFORM_SECURITY_OPERATION)

    def perform_security_operation(self, command: Command, keys: KeyRing, allow_lists: AllowLists) -> None:
        """Take a certificate, or a part of one.

        P1: b8 more parts follow, KVN of the CA key; P2: b8 more certificates follow, KID of the CA key. The last
        certificate is that of the off-card entity; each is verified with the key of the one before.

        :param allow_lists: a CA key that is not in it may vouch for any serial number.
        :raises StatusWordError: 6A88 no such CA key, 6A80 malformed, 6982 not signed, or not for this use.
        """
        reference, chain = (command.p1 & ~_MORE, command.p2 & ~_MORE), self._chain
        self.forget()
        if chain is None or chain.reference != reference:
            chain = _Chain(reference, _ca_key(keys, reference))
        data = chain.partial + command.data
        if len(data) > _LARGEST_CERTIFICATE:
            raise refused(sw.WRONG_DATA)
        if command.p1 & _MORE:
            self._chain = chain._replace(partial=data)
            return
        certificate = parse(data)
        certificate.verify(chain.issuer)
        if command.p2 & _MORE:
            if not certificate.certifies and certificate.key != chain.issuer:
                raise refused()
            self._chain = _Chain(reference, certificate.key)
            return
        if not certificate.agrees or certificate.serial not in allow_lists.get(reference, (certificate.serial,)):
            raise refused()
        self._entity = certificate.key

    def agree(self, command: Command, keys: KeyRing) -> Agreement:
        """MUTUAL AUTHENTICATE or INTERNAL AUTHENTICATE; the certificate shown before serves once.

        :raises StatusWordError: 6A88 no such key, 6A86 not in this form, 6985 no certificate, 6A80 data or point bad.
        """
        entity = self._entity
        self.forget()
        variant = VARIANTS.get(command.p2)
        if variant is None or variant.ins != command.ins or not variant.bit & self._behaviour.scp11_i:
            raise refused(sw.WRONG_P1P2)
        static = curves.private_of(keys.key(command.p1, command.p2))
        if variant.certified and entity is None:
            raise refused(sw.CONDITIONS)
        terms = _terms(command.data, variant)
        ephemeral = curves.public_key(terms.point, static.curve)
        own = curves.draw(self._random, static.curve) if variant.ephemeral else static
        secret = curves.shared_secret(own, ephemeral)
        secret += curves.shared_secret(static, entity if variant.certified and entity is not None else ephemeral)
        answer = ber.build(_PUBLIC_KEY, curves.point_of(own.public_key()))
        session, receipt = self._session(secret, terms, command.data + answer)
        return Agreement(session, answer + ber.build(_RECEIPT, receipt), variant.right)

    def _session(self, secret: bytes, terms: _Terms, transcript: bytes) -> tuple[scp03.Scp03, bytes]:
        size = terms.size[0]
        derived = x963_kdf(secret, terms.usage + bytes((KEY_AES,)) + terms.size, 5 * size)
        receipt_key, enc, mac, rmac, dek = (derived[at : at + size] for at in range(0, 5 * size, size))
        receipt = aes_cmac(receipt_key, transcript)
        i = scp03.HAS_R_MAC | scp03.HAS_R_ENC | (scp03.S16 if self._behaviour.scp11_i & _S16 else 0)
        session = scp03.Scp03((enc, mac, rmac), dek, i=i, behaviour=self._behaviour, chain=receipt)
        session.level = _LEVELS[terms.usage]
        return session, receipt


def _ca_key(keys: KeyRing, reference: tuple[int, int]) -> ec.EllipticCurvePublicKey:
    """:raises StatusWordError: 6A88 when there is no such key, or it is none of a CA."""
    kvn, kid = reference
    if kid not in _CA_KIDS:
        raise refused(sw.DATA_NOT_FOUND)
    return curves.public_of(keys.key(kvn, kid))


def _terms(data: bytes, variant: Variant) -> _Terms:
    """`A6{90 95 80 81} 5F49`, in this order and nothing else.

    :raises StatusWordError: 6A80.
    """
    objects = ber.parse(data)
    if [tag for tag, _ in objects] != [_CONTROL, _PUBLIC_KEY]:
        raise refused(sw.WRONG_DATA)
    control = ber.parse(objects[0][1])
    if [tag for tag, _ in control] != _CONTROL_TAGS:
        raise refused(sw.WRONG_DATA)
    identifier, usage, key_type, size = (value for _, value in control)
    if (identifier, key_type) != (bytes((_SCP11, variant.parameter)), bytes((KEY_AES,))):
        raise refused(sw.WRONG_DATA)
    if usage not in _LEVELS or size not in _KEY_SIZES:
        raise refused(sw.WRONG_DATA)
    return _Terms(usage, size, objects[1][1])
