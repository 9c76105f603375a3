"""What every key store does for payment cards: master keys stay in it, session keys live for one calculation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

from cardkit.crypto import cvv as verification
from cardkit.crypto import emvac, emvkeys, pinblock
from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.emvac import Transaction
from cardkit.crypto.emvcvn import Arpc, Padding, PinForm, Session
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.emvstore import NewPin
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.pinblock import PinFormat
from cardkit.crypto.pinoperations import PinOperations, wiped
from cardkit.errors import EncodingError


class _Purpose(NamedTuple):
    what: str
    allowed: tuple[Usage, ...]


_CRYPTOGRAM = _Purpose("a cryptogram", (Usage.IMK_AC,))
_SCRIPT_MAC = _Purpose("a script MAC", (Usage.IMK_SMI,))
_SCRIPT_DATA = _Purpose("secret data of a script", (Usage.IMK_SMC,))
_DYNAMIC_CODE = _Purpose("a dynamic verification code", (Usage.IMK_CVC3,))
_VERIFICATION_VALUE = _Purpose("a card verification value", (Usage.CVK,))
CERTIFYING = (Usage.EMV_SIGN,)
# Session keys that are made where the master key is; the others need its bytes.
_INSIDE = (Session.COMMON, Session.SKD)


class EmvOperations(PinOperations):
    """The operations of :class:`~cardkit.crypto.emvstore.EmvKeyStore`, on whatever keys a store gives."""

    @abstractmethod
    def emv_public(self, reference: str) -> RsaPublicKey:
        """Return the public half of a key that signs certificates."""

    @abstractmethod
    def emv_sign(self, reference: str, content: bytes, extra: bytes) -> bytes:
        """Return the block ``6A content SHA-1(content extra) BC``, signed."""

    def emv_cryptogram(self, key: CardKey, transaction: Transaction, data: bytes) -> bytes:
        """Return an application cryptogram, 8 bytes, over data of :func:`~cardkit.crypto.emvcvn.cryptogram_data`."""
        version = transaction.version
        with self._cryptogram_key(key, transaction, version.session) as session:
            return emvac.emv_mac(session, data, version.padding)

    def emv_arpc(self, key: CardKey, transaction: Transaction, response: bytes) -> bytes:
        """Return issuer authentication data (tag 91): ARPC and response.

        :param response: response code (2 bytes), or card status update and proprietary data (4 to 12), by the version.
        :raises EncodingError: on other lengths, or a version without online answers.
        """
        version = transaction.version
        if version.arpc is None:
            raise EncodingError(f"cryptogram version {version.name}: has no issuer authentication")
        method = Session.MASTER if version.arpc is Arpc.ONE_MASTER else version.session
        authenticate = emvac.arpc_2 if version.arpc is Arpc.TWO else emvac.arpc_1
        with self._cryptogram_key(key, transaction, method) as session:
            return authenticate(session, transaction.cryptogram, response) + response

    def emv_script_mac(self, key: CardKey, transaction: Transaction, message: bytes) -> bytes:
        """Return the MAC of a script command, 8 bytes.

        :param message: of :meth:`~cardkit.crypto.emvac.Transaction.script_message`.
        """
        with self._script_key(key, _SCRIPT_MAC, transaction) as session:
            return emvac.emv_mac(session, message, Padding.METHOD_2)

    def emv_script_data(self, key: CardKey, transaction: Transaction, data: bytes) -> bytes:
        """Return a script's secret data, enciphered."""
        with self._script_key(key, _SCRIPT_DATA, transaction) as session:
            return emvac.hide(session, data, transaction.scripting.hiding)

    def emv_script_pin(self, keys: tuple[CardKey, CardKey], transaction: Transaction, change: NewPin) -> bytes:
        """Return a new PIN as a script carries it, enciphered.

        :param keys: for confidentiality, and for cryptograms, of which VSDC mixes a part into the PIN.
        """
        hiding, cryptogram = keys
        rules = transaction.scripting
        with self._script_key(hiding, _SCRIPT_DATA, transaction) as session, ExitStack() as stack:
            pin = stack.enter_context(self._pin(change.pin))
            if rules.pin is PinForm.FORMAT_2 or (rules.pin is PinForm.VIS_OR_2 and change.current is None):
                block = pinblock.plain_block(PinFormat.ISO_2, pin, "", bytes)
            else:
                current = None if change.current is None else stack.enter_context(self._pin(change.current))
                master = stack.enter_context(self._clear_card_key(cryptogram, *_CRYPTOGRAM))
                block = emvac.vis_pin_block(master, pin, current)
            with wiped(block):
                return emvac.hide(session, block, rules.hiding)

    def cvv(self, reference: str, pan: str, expiry: str, service_code: str) -> str:
        """Return a card verification value, 3 digits: see :func:`cardkit.crypto.cvv.cvv`."""
        with self._clear_card_key(CardKey(reference), *_VERIFICATION_VALUE) as key:
            return verification.cvv(key, pan, expiry, service_code)

    def cvc3(self, key: CardKey, track: bytes, unpredictable: bytes, atc: bytes) -> str:
        """Return a dynamic verification code, 5 digits: see :func:`cardkit.crypto.cvv.cvc3`."""
        with self._clear_card_key(key, *_DYNAMIC_CODE) as clear:
            return verification.cvc3(clear, track, unpredictable, atc)

    def _cryptogram_key(self, key: CardKey, transaction: Transaction, session: Session) -> AbstractContextManager[Key]:
        return self._session(key, _CRYPTOGRAM, session, transaction.atc, transaction.cryptogram_diversifier)

    def _script_key(self, key: CardKey, purpose: _Purpose, transaction: Transaction) -> AbstractContextManager[Key]:
        session = transaction.scripting.session
        return self._session(key, purpose, session, transaction.atc, transaction.script_diversifier)

    @contextmanager
    def _session(
        self, key: CardKey, purpose: _Purpose, session: Session, atc: bytes, diversifier: Callable[[], bytes]
    ) -> Iterator[Key]:
        """Give a session key for the length of a ``with`` block.

        :param diversifier: gives R, for those that have one.
        """
        if session in _INSIDE:
            with self._card_key(key, *purpose) as master:
                made = emvkeys.common_session(master, diversifier(), Usage.DATA_MAC)
        else:
            with self._clear_card_key(key, *purpose) as clear:
                made = emvac.session_from_clear(session, clear, atc, Usage.DATA_MAC)
        try:
            yield made
        finally:
            made.wipe()
