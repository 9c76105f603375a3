"""Fields of order and output files under transport keys of a token: they are unwrapped and wrapped inside it."""

from __future__ import annotations

from typing import Any

from cardkit.crypto.key import Usage
from cardkit.crypto.pkcs11attributes import Facts
from cardkit.crypto.pkcs11module import exceptions, pkcs11
from cardkit.crypto.pkcs11token import Token, destroyed
from cardkit.crypto.secret import Secret
from cardkit.crypto.wrap import (
    COLUMN_IV,
    NONCE_BYTES,
    TAG_BYTES,
    Wrapping,
    altered,
    check_algorithm,
    check_clear,
    check_wrapped,
)
from cardkit.errors import UnsupportedKeyOperationError

_A = pkcs11.Attribute
_M = pkcs11.Mechanism
_ALTERED = (exceptions.GeneralError, exceptions.WrappedKeyInvalid, exceptions.EncryptedDataInvalid)


def unwrap(token: Token, reference: str, facts: Facts, wrapped: bytes, wrapping: Wrapping, context: bytes) -> bytearray:
    """Return the clear value of a wrapped field; the caller wipes it.

    :raises KeyStoreError: as :func:`cardkit.crypto.wrap.unwrap`.
    :raises UnsupportedKeyOperationError: on blocks under a key that only wraps keys.
    """
    check_algorithm(reference, facts.algorithm, wrapping)
    check_wrapped(reference, wrapped, wrapping)
    if wrapping is Wrapping.AES_KW:
        return _unwrap_aes_kw(token, reference, wrapped)
    if facts.usage is not Usage.TRANSPORT_IN:
        raise UnsupportedKeyOperationError(f"key {reference}: {wrapping} is read under a {Usage.TRANSPORT_IN} key only")

    def work(key: Any) -> bytearray:
        try:
            return bytearray(_decrypted(key, wrapped, wrapping, context))
        except _ALTERED:
            raise altered(reference) from None

    return token.use(reference, work)


def wrap(token: Token, reference: str, facts: Facts, value: Secret, wrapping: Wrapping) -> bytes:
    """Return a value under a transport key by AES key wrap.

    :raises KeyStoreError: on a value that is no whole blocks.
    :raises UnsupportedKeyOperationError: on another wrapping: such a key wraps and does not encrypt.
    """
    check_algorithm(reference, facts.algorithm, wrapping)
    check_clear(reference, len(value), wrapping)
    if wrapping is not Wrapping.AES_KW:
        raise UnsupportedKeyOperationError(f"key {reference}: under this key a token writes aes-kw, not {wrapping}")
    template = {
        _A.CLASS: pkcs11.ObjectClass.SECRET_KEY,
        _A.KEY_TYPE: pkcs11.KeyType.GENERIC_SECRET,
        _A.TOKEN: False,
        _A.SENSITIVE: True,
        _A.EXTRACTABLE: True,
    }
    with value.reveal() as clear:
        content = template | {_A.VALUE: bytes(clear)}
    handle = token.run(f"key {reference}", lambda session: session.create_object(content))
    with destroyed(handle):
        return bytes(token.use(reference, lambda key: key.wrap_key(handle, mechanism=_M.AES_KEY_WRAP)))


def _decrypted(key: Any, wrapped: bytes, wrapping: Wrapping, context: bytes) -> bytes:
    if wrapping is Wrapping.AES_GCM:
        parameter = pkcs11.GCMParams(wrapped[:NONCE_BYTES], context or None, 8 * TAG_BYTES)
        return bytes(key.decrypt(wrapped[NONCE_BYTES:], mechanism=_M.AES_GCM, mechanism_param=parameter))
    if wrapping is Wrapping.AES_CBC_23:
        return bytes(key.decrypt(wrapped, mechanism=_M.AES_CBC, mechanism_param=COLUMN_IV))
    return bytes(key.decrypt(wrapped, mechanism=_M.DES3_ECB if wrapping is Wrapping.TDES_ECB else _M.AES_ECB))


def _unwrap_aes_kw(token: Token, reference: str, wrapped: bytes) -> bytearray:
    template = {_A.TOKEN: False, _A.SENSITIVE: False, _A.EXTRACTABLE: True}

    def work(key: Any) -> bytearray:
        try:
            value = key.unwrap_key(
                pkcs11.ObjectClass.SECRET_KEY,
                pkcs11.KeyType.GENERIC_SECRET,
                wrapped,
                store=False,
                mechanism=_M.AES_KEY_WRAP,
                template=template,
            )
        except _ALTERED:
            raise altered(reference) from None
        with destroyed(value):
            return bytearray(value[_A.VALUE])

    return token.use(reference, work)
