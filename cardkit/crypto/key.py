"""Keys: an algorithm, a purpose, a version, and bytes nobody sees."""

from __future__ import annotations

from enum import StrEnum

from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

ALGORITHMS = {
    # name: (bytes, check value shown)
    "AES-128": (16, KCVMethod.ONES),
    "AES-192": (24, KCVMethod.ONES),
    "AES-256": (32, KCVMethod.ONES),
    "3DES-128": (16, KCVMethod.ZERO),
    "3DES-192": (24, KCVMethod.ZERO),
    "HMAC-256": (32, None),
    # X coordinates of a key agreement, named by the bits of their curve
    "ECDH-256": (32, None),
    "ECDH-384": (48, None),
    "ECDH-512": (64, None),
    "ECDH-521": (66, None),
}


class Usage(StrEnum):
    """The one purpose of a key (K8): what it may be used for, and nothing else."""

    DATA_ENC = "data-enc"
    DATA_MAC = "data-mac"
    MASTER_DERIVE = "master-derive"
    KEK = "kek"
    TRANSPORT_IN = "transport-in"
    TRANSPORT_OUT = "transport-out"
    SECURE_CHANNEL = "secure-channel"  # a card's static ENC, MAC or DEK: sessions come from it, PUT KEY may carry it
    CARD_KEY = "card-key"
    CARD_SECRET = "card-secret"  # noqa: S105  a PIN or ADM value that is presented to the card
    SIGN = "sign"
    AGREE = "agree"  # a private key of a key agreement (SCP11)
    DUP_DIGEST = "dup-digest"
    BLOCK_PROTECTION = "block-protection"  # TR-31 key blocks and nothing else
    AUDIT_SIGN = "audit-sign"
    FIELD_ENC = "field-enc"
    PIN_ENC = "pin-enc"
    # an issuer's master keys of payment cards: cryptograms, script MACs, script secrets, dynamic numbers, CVC3
    IMK_AC = "imk-ac"
    IMK_SMI = "imk-smi"
    IMK_SMC = "imk-smc"
    IMK_IDN = "imk-idn"
    IMK_CVC3 = "imk-cvc3"
    CVK = "cvk"  # card verification values
    PVK = "pvk"  # PIN verification values and offsets
    EMV_SIGN = "emv-sign"  # a private key that signs EMV certificates and static data, and nothing else


class Key(Secret):
    """A symmetric key with its public facts.

    :param value: the clear key, as long as the algorithm says.  :param algorithm: a name in ``ALGORITHMS``.
    :param usage: its one purpose.  :param kvn: key version number, 0 to 255, where it has one.
    :raises KeyStoreError: on an unknown algorithm, a wrong length, or a 3DES key with equal halves.

    >>> Key(bytes(range(0x40, 0x50)), "scp03-enc", "AES-128", Usage.CARD_KEY, kvn=0x30)
    <AES-128 kvn=30 kcv=504A77>
    """

    __slots__ = ("_kcv", "algorithm", "kvn", "usage")

    def __init__(
        self,
        value: bytes | bytearray | memoryview,
        name: str,
        algorithm: str,
        usage: Usage,
        *,
        kvn: int | None = None,
    ) -> None:
        super().__init__(value, name)
        self.algorithm = algorithm
        self.usage = usage
        self.kvn = kvn
        self._kcv: str | None = None
        self._check()

    def _check(self) -> None:
        known = ALGORITHMS.get(self.algorithm)
        if known is None:
            raise KeyStoreError(
                f"key {self.name}: algorithm {self.algorithm!r}, expected one of {', '.join(ALGORITHMS)}"
            )
        size = known[0]
        if len(self._buffer) != size:
            raise KeyStoreError(f"key {self.name}: {len(self)} bytes, {self.algorithm} has {size}")
        if self.kvn is not None and not 0 <= self.kvn <= 0xFF:
            raise KeyStoreError(f"key {self.name}: version {self.kvn}, expected 0 to 255")
        if self.algorithm.startswith("3DES") and self._buffer[8:16] in (self._buffer[:8], self._buffer[16:]):
            raise KeyStoreError(f"key {self.name}: equal halves make 3DES single DES")

    @property
    def bits(self) -> int:
        """Length in bits, parity bits of 3DES included."""
        return 8 * len(self)

    @property
    def kcv(self) -> str | None:
        """The check value shown for this algorithm (AES: ones block, 3DES: zero block); None where there is none."""
        method = ALGORITHMS[self.algorithm][1]
        if self._kcv is None and method is not None:
            self._kcv = kcv(self.algorithm, self._buffer, method)
        return self._kcv

    def wipe(self) -> None:
        """Overwrite the key with zeros; its check value stays known."""
        self._kcv = self.kcv
        super().wipe()

    def __repr__(self) -> str:
        version = f" kvn={self.kvn:02X}" if self.kvn is not None else ""
        check = f" kcv={self.kcv}" if self.kcv is not None else ""
        return f"<{self.algorithm}{version}{check}>"
