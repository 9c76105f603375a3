"""The certificates of one side of a card, recovered step by step: what each rule about them looks at."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.emv.capk import RID_BYTES, CapkStore, CaPublicKey
from cardkit.apps.emv.oda.block import Fault, Recovery, Step, hash_faults
from cardkit.apps.emv.oda.certificate import ICC, ISSUER, PIN, Certificate, Kind, SignedKey
from cardkit.apps.emv.oda.recover import StaticSignature, recover_icc, recover_issuer, recover_pin_key, recover_ssad
from cardkit.apps.emv.oda.static import static_data
from cardkit.apps.emv.picture import Side
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.errors import EncodingError

HURT = frozenset((Step.LENGTH, Step.KEY, Step.BLOCK, Step.FORMAT, Step.FILLING, Step.ALGORITHM, Step.HASH))
"""Steps whose failure leaves no key that could be used further."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What was recovered; None where there was nothing to recover it from, or with.

    :param foreign: the CA key is another provider's.  :param static: what is signed, None where there can be none.
    :param static_fault: why there can be none.  :param altered: the static data are not those that were signed.
    """

    ca: CaPublicKey | None = None
    foreign: bool = False
    issuer: Recovery[Certificate] | None = None
    icc: Recovery[Certificate] | None = None
    pin: Recovery[Certificate] | None = None
    ssad: Recovery[StaticSignature] | None = None
    static: bytes | None = None
    static_fault: str = ""
    altered: tuple[Fault, ...] = ()

    @property
    def issuer_key(self) -> Certificate | None:
        """The issuer's certificate if its key can be used."""
        return usable(self.issuer)

    @property
    def icc_key(self) -> Certificate | None:
        """The card's certificate if its key can be used."""
        return usable(self.icc)


def usable(recovery: Recovery[Certificate] | None) -> Certificate | None:
    """Return a certificate whose key is whole, expired or another's though it may be."""
    if recovery is None or any(fault.step in HURT for fault in recovery.faults):
        return None
    return recovery.value


def chain_of(side: Side, expected: Expectation) -> Chain:
    """Recover everything one side shows."""
    static, static_fault = _static(side)
    start = Chain(static=static, static_fault=static_fault)
    index = side.get("8F")
    if expected.capks is None or index is None or len(index) != 1 or not side.get("90"):
        return start
    signed = signed_key(side, ISSUER)
    ca, foreign, issuer = _issuer(side, expected.capks, index[0], signed)
    found = usable(issuer)
    if found is None:
        return Chain(ca, foreign, issuer, static=static, static_fault=static_fault)
    icc, altered = _icc(side, found, static)
    ssad = recover_ssad(found.key, side.objects[b"\x93"], None) if side.get("93") else None
    pin = recover_pin_key(found.key, signed_key(side, PIN), pan=side.pan) if side.get("9F2D") else None
    return Chain(ca, foreign, issuer, icc, pin, ssad, static, static_fault, altered)


def signed_key(side: Side, kind: Kind) -> SignedKey:
    """Return the three objects of a certificate as a side shows them, empty where it shows none."""
    return SignedKey(*(side.get(tag) or b"" for tag in (kind.tags[0], kind.tags[1], kind.tags[2])))


def _static(side: Side) -> tuple[bytes | None, str]:
    try:
        return static_data(side.signed_records, side.get("9F4A"), side.aip), ""
    except EncodingError as error:
        return None, str(error)


def _issuer(
    side: Side, capks: CapkStore, index: int, signed: SignedKey
) -> tuple[CaPublicKey | None, bool, Recovery[Certificate] | None]:
    """Recover the issuer's key by the provider's own CA key, or by another's of the same index."""
    own = capks.find(side.aid, index)
    if own is not None:
        return own, False, recover_issuer(own.key, signed, pan=side.pan)
    for key in capks:
        if key.index == index and key.rid != side.aid[:RID_BYTES]:
            recovery = recover_issuer(key.key, signed, pan=side.pan)
            if usable(recovery) is not None:
                return key, True, recovery
    return None, False, None


def _icc(
    side: Side, issuer: Certificate, static: bytes | None
) -> tuple[Recovery[Certificate] | None, tuple[Fault, ...]]:
    """Recover the card's key; its hash apart, for that says whether the data are those that were signed."""
    if not side.get("9F46"):
        return None, ()
    signed = signed_key(side, ICC)
    recovery = recover_icc(issuer.key, signed, None, pan=side.pan)
    if static is None or usable(recovery) is None or recovery.value is None:
        return recovery, ()
    extra = signed.remainder + signed.exponent + static
    return recovery, hash_faults(ICC, recovery.value.plain, extra)
