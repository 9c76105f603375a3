"""One session with a token: keys are found by label, session objects destroyed, a lost session is opened again once.

The binding starts modules without locking, so a session belongs to the thread that opened it.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import addressof, c_char
from typing import Any, TypeVar

from cardkit.crypto.key import Key, Usage
from cardkit.crypto.pkcs11attributes import Facts, bits, secret_template
from cardkit.crypto.pkcs11module import LOST, exceptions, open_session, pkcs11, translated
from cardkit.crypto.pkcs11uri import Pkcs11URI
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

Result = TypeVar("Result")
_A = pkcs11.Attribute
_M = pkcs11.Mechanism
_CLASSES = (pkcs11.ObjectClass.SECRET_KEY, pkcs11.ObjectClass.PRIVATE_KEY)


class Token:
    """A session with a token.

    :param uri: which one.  :param pin: kept for the one time a lost session is opened again.
    :raises KeyStoreUnavailableError: where it is not there.  :raises KeyStoreLockedError: where the PIN is refused.
    """

    def __init__(self, uri: Pkcs11URI, pin: Secret) -> None:
        self.uri = uri
        self._pin = pin
        self._thread = threading.get_ident()
        self._session = open_session(uri, pin)
        self._found: dict[str, tuple[Any, Facts]] = {}
        self._reopened = False

    def close(self) -> None:
        """End the session, and with it every object that is not kept."""
        self._found.clear()
        self._pin.wipe()
        with suppress(*LOST):
            self._session.close()

    def run(self, what: str, work: Callable[[Any], Result]) -> Result:
        """Return what some work gives on the session; a lost session is opened again once, then there is an end.

        :param what: the work in words, for messages.  :param work: may be done twice: it finds its own handles.
        """
        if threading.get_ident() != self._thread:
            raise KeyStoreError(f"{what}: a token session belongs to the thread that opened it")
        try:
            return work(self._session)
        except LOST as error:
            if self._reopened:
                raise translated(what, error) from None
        except exceptions.PKCS11Error as error:
            raise translated(what, error) from None
        self._reopen()
        return self.run(what, work)

    def _reopen(self) -> None:
        self._reopened = True
        self._found.clear()
        with suppress(exceptions.PKCS11Error):  # it is lost, that is why
            self._session.close()
        self._session = open_session(self.uri, self._pin)

    def find(self, reference: str) -> tuple[Any, Facts]:
        """Return a key's handle and facts; the search is done once, for it is slow on a full token."""
        if reference not in self._found:
            found = self.run(f"key {reference}", lambda session: list(self._search(session, reference)))
            if not found:
                raise KeyStoreError(f"key {reference}: not in this token ({self.uri})")
            if len(found) > 1:
                raise KeyStoreError(f"key {reference}: {len(found)} keys of this label, expected one")
            facts = Facts.from_id(reference, self.run(f"key {reference}", lambda _: bytes(found[0][_A.ID])))
            self._found[reference] = (found[0], facts)
        return self._found[reference]

    @staticmethod
    def _search(session: Any, reference: str) -> Iterator[Any]:
        for kind in _CLASSES:
            yield from session.get_objects({_A.CLASS: kind, _A.TOKEN: True, _A.LABEL: reference})

    def use(self, reference: str, work: Callable[[Any], Result]) -> Result:
        """Return what some work gives on a key's handle, which is looked up again after a lost session."""
        return self.run(reference, lambda _: work(self.find(reference)[0]))

    def labels(self) -> list[str]:
        """Return the labels of all keys on the token, sorted."""

        def work(session: Any) -> list[str]:
            kept = [list(session.get_objects({_A.CLASS: kind, _A.TOKEN: True})) for kind in _CLASSES]
            return sorted(str(key[_A.LABEL]) for keys in kept for key in keys)

        return self.run("inventory", work)

    def forget(self, reference: str) -> None:
        """Drop a handle."""
        self._found.pop(reference, None)

    @contextmanager
    def session_key(self, key: Key, usage: Usage) -> Iterator[Any]:
        """Put a clear key on the token for the length of a ``with`` block."""
        with key.reveal() as clear:
            template = secret_template(usage, key.algorithm, token=False) | {_A.VALUE: bytes(clear)}
        handle = self.run(f"key {key.name}", lambda session: session.create_object(template))
        with destroyed(handle):
            yield handle

    @contextmanager
    def derived_3des(self, reference: str, data: bytes) -> Iterator[Any]:
        """Derive a card's 3DES key inside the token for the length of a ``with`` block."""
        handle = self.use(reference, lambda master: derive_3des(master, data))
        with destroyed(handle):
            yield handle


def derive_3des(master: Any, data: bytes) -> Any:
    """Return the handle of the two-key 3DES key that encrypting gives, CKM_DES3_ECB_ENCRYPT_DATA.

    :param data: 16 bytes. SoftHSM sets odd parity on the result, which no calculation sees.
    """
    buffer = (c_char * len(data)).from_buffer_copy(data)  # lives as long as this call
    return master.derive_key(
        pkcs11.KeyType.DES2,
        128,
        store=False,
        mechanism=_M.DES3_ECB_ENCRYPT_DATA,
        mechanism_param=struct.pack("@PL", addressof(buffer), len(data)),  # CK_KEY_DERIVATION_STRING_DATA
        template=secret_template(Usage.SECURE_CHANNEL, "3DES-128", token=False)
        | {_A.VALUE_LEN: pkcs11.constants.DEFAULT},
    )


@contextmanager
def destroyed(handle: Any) -> Iterator[Any]:
    """Destroy a session object at the end: tokens that keep them grow slow."""
    try:
        yield handle
    finally:
        with suppress(*LOST):  # the session took it along
            handle.destroy()


class TokenKey:
    """A static key on a token, or one derived there for a card: see :class:`~cardkit.crypto.statickey.StaticKey`.

    :param operate: runs work on the key's handle.
    """

    __slots__ = ("_operate", "algorithm", "name")

    def __init__(self, name: str, algorithm: str, operate: Callable[[Callable[[Any], bytes]], bytes]) -> None:
        if not algorithm.startswith(("AES-", "3DES-")):
            raise KeyStoreError(f"key {name}: {algorithm}, expected an AES or 3DES key")
        self.name = name
        self.algorithm = algorithm
        self._operate = operate

    def ecb(self, data: bytes | bytearray) -> bytes:
        """Encrypt whole blocks, each for itself."""
        mechanism = _M.AES_ECB if self.algorithm.startswith("AES-") else _M.DES3_ECB
        return self._operate(lambda key: key.encrypt(bytes(data), mechanism=mechanism))

    def cbc(self, data: bytes | bytearray) -> bytes:
        """Encrypt whole blocks, chained from an IV of zeros."""
        mechanism, size = cbc_mechanism(self.algorithm)
        return self._operate(lambda key: key.encrypt(bytes(data), mechanism=mechanism, mechanism_param=bytes(size)))

    def cmac(self, message: bytes) -> bytes:
        """Return the CMAC of a message, one block long."""
        mechanism = _M.AES_CMAC if self.algorithm.startswith("AES-") else _M.DES3_CMAC
        return self._operate(lambda key: key.sign(message, mechanism=mechanism))

    def __repr__(self) -> str:
        return f"TokenKey({self.name}, {self.algorithm}, {bits(self.algorithm)} bits)"


class DecipheringTokenKey(TokenKey):
    """A static key on a token whose purpose lets it decrypt: see :class:`~cardkit.crypto.ota.DecipheringKey`."""

    __slots__ = ()

    def cbc_decrypt(self, data: bytes | bytearray) -> bytes:
        """Decrypt whole blocks, chained from an IV of zeros."""
        mechanism, size = cbc_mechanism(self.algorithm)
        return self._operate(lambda key: key.decrypt(bytes(data), mechanism=mechanism, mechanism_param=bytes(size)))


def cbc_mechanism(algorithm: str) -> tuple[Any, int]:
    """Return the CBC mechanism of an algorithm and its block size in bytes."""
    return (_M.AES_CBC, 16) if algorithm.startswith("AES-") else (_M.DES3_CBC, 8)
