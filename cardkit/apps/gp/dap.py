"""DAP: who answers for the code in a load file (GPCS 9.2.1, 11.6.2.3, C.3)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.gp.aids import checked_aid
from cardkit.crypto import KeyStore
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

DAP_BLOCK = 0xE2
_AID, _SIGNATURE = 0x4F, 0xC3


@dataclass(frozen=True, slots=True)
class DapBlock:
    """A signature of a load file data block hash.

    :param domain: AID of the security domain that holds the key.  :param signature: of the hash, by the key's scheme.
    """

    domain: bytes
    signature: bytes

    def build(self) -> bytes:
        """Return the object ``E2``.

        >>> DapBlock(bytes.fromhex("0102030405"), bytes.fromhex("0102030405060708")).build().hex()
        'e2114f050102030405c3080102030405060708'
        """
        return tlv.build(DAP_BLOCK, tlv.build(_AID, checked_aid(self.domain)) + tlv.build(_SIGNATURE, self.signature))

    @classmethod
    def parse(cls, value: bytes) -> DapBlock:
        """Read the value of an object ``E2``.

        :raises EncodingError: when it does not hold an AID and a signature.
        """
        items = tlv.parse(value)
        if [item.tag for item in items] != [_AID, _SIGNATURE]:
            raise EncodingError("DAP block: expected an AID (4F) and a signature (C3)")
        return cls(checked_aid(items[0].value, "DAP block"), items[1].value)


def sign_dap(keystore: KeyStore, reference: str, domain: bytes, digest: bytes) -> DapBlock:
    """Sign a load file data block hash; RSA and ECDSA hash it once more (C.3).

    :param reference: the DAP key, private or symmetric.  :raises KeyStoreError: where it is not for signing.
    """
    return DapBlock(domain, keystore.sign_content(reference, digest))


def verify_dap(keystore: KeyStore, reference: str, block: DapBlock, digest: bytes) -> None:
    """Check a signature somebody else made.

    :raises AuthenticationError: when it is wrong.
    """
    keystore.verify_content(reference, digest, block.signature)
