"""The issuer's side of a transaction: the cryptogram is verified, the answer authenticated, scripts are sent.

A simulator with the issuer's own keys, for tests, for personalized cards that have to prove theirs, and for terminals.
EMV 4.4 Book 2, 8, 9; Book 3, 10.9
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cardkit.apps.emv.scripts import ScriptCommand, script_templates
from cardkit.apps.emv.terminal.host import OnlineAnswer, OnlineRequest
from cardkit.apps.emv.values import pan_of
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.crypto.emvac import Transaction
from cardkit.crypto.emvcvn import Arpc, CryptogramVersion, cryptogram_data, find_version, read_issuer_data
from cardkit.crypto.emvkeys import card_digits
from cardkit.crypto.emvstore import EmvKeyStore
from cardkit.crypto.pinvalue import Ibm3624
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

APPROVED, DECLINED, FORMAT_ERROR, WRONG_PIN = b"00", b"05", b"30", b"55"
# Card status update (Book 3, C10): byte 2 bit 8, the issuer approves
_CSU_APPROVED, _CSU_DECLINED = bytes.fromhex("00800000"), bytes(4)
_TRACK_2, _PSN = b"\x57", b"\x5f\x34"
_ATC, _UN, _CRYPTOGRAM, _ISSUER_DATA = b"\x9f\x36", b"\x9f\x37", b"\x9f\x26", b"\x9f\x10"
_STATIC_TRACK, _NUMERIC_UN, _CODE = b"\x9f\x6b", b"\x9f\x6a", b"\x9f\x61"
_SEPARATOR = "D"
_BEFORE_DISCRETIONARY = 7  # expiry and service code (ISO/IEC 7813)
_PART_DIGITS = {"pvki": 1, "pvv": 4, "cvv": 3}


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """An issuer's master keys for its cards, by reference.

    :param cryptogram: of usage ``imk-ac``.
    :param integrity: ``imk-smi``, and ``confidentiality``: ``imk-smc``: for scripts; empty where there are none.
    :param option: ``a``, ``b`` or ``c``, where the cards' keys are derived by another way than the version has.
    :param version: family and number, where the cards do not tell (Interac).
    :param code: ``imk-cvc3``, for the dynamic codes of mag-stripe mode; empty where no card makes them.
    """

    cryptogram: str
    integrity: str = ""
    confidentiality: str = ""
    option: str = ""
    version: tuple[str, int] | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class PinCheck:
    """How an issuer checks PINs: by a value in the discretionary data of track 2.

    :param key: of usage ``pvk``.
    :param layout: parts of the data in order: ``pvki``, ``pvv`` or ``offset`` (as long as the PIN), ``cvv``, or digits.
    :param offset: how offsets are computed; None for PVVs.  :param pvki: index of the key where the data have none.
    """

    key: str
    layout: tuple[str, ...]
    offset: Ibm3624 | None = None
    pvki: str = "1"

    def fault(self, keystore: EmvKeyStore, values: Mapping[bytes, bytes], pin: Secret) -> str:
        """Say what is wrong with a PIN; nothing where it is right.

        :raises KeyStoreError: where the key is not there.
        """
        track = values.get(_TRACK_2, b"").hex().upper().rstrip("F").partition(_SEPARATOR)[2]
        found = self._parts(track[_BEFORE_DISCRETIONARY:])
        kept = found.get("pvv" if self.offset is None else "offset", "")
        if not kept:
            return "no value of it in track 2 data"
        pan = pan_of(values)
        if self.offset is None:
            computed = keystore.pvv(self.key, pan, found.get("pvki", self.pvki), pin)
        elif len(kept) != len(pin):
            return "wrong"
        else:
            computed = keystore.ibm3624_offset(self.key, pan, self.offset, pin)
        return "" if hmac.compare_digest(computed.encode(), kept.encode()) else "wrong"

    def _parts(self, data: str) -> dict[str, str]:
        """Take discretionary data apart; an offset is what the other parts leave."""
        sizes = {part: _PART_DIGITS.get(part, len(part)) for part in self.layout if part != "offset"}
        room = len(data) - sum(sizes.values())
        if room < 0:
            return {}
        found, place = {}, 0
        for part in self.layout:
            size = sizes.get(part, room)
            found[part] = data[place : place + size]
            place += size
        return found


@dataclass(frozen=True, slots=True)
class IssuerPolicy:
    """What the issuer wants.

    :param approve: whether transactions with a right cryptogram are approved.
    :param pin_check: how a PIN that is verified online is checked; None to believe it.
    :param scripts: sent with every answer.
    """

    approve: bool = True
    pin_check: PinCheck | None = None
    scripts: tuple[ScriptCommand, ...] = ()


class IssuerSimulator:
    """An issuer's host.

    :param keystore: holds the master keys; nothing of them leaves it.
    """

    def __init__(self, keystore: EmvKeyStore, keys: IssuerKeys, policy: IssuerPolicy | None = None) -> None:
        self._keystore = keystore
        self._keys = keys
        self._policy = policy or IssuerPolicy()

    def cryptogram(self, values: Mapping[bytes, bytes]) -> bytes:
        """Return the cryptogram a card with these data must give, 8 bytes: ARQC, TC or AAC.

        :param values: by tag, as sent: see :class:`~cardkit.apps.emv.terminal.host.OnlineRequest`.
        :raises EncodingError: where one is missing or malformed.  :raises KeyStoreError: where the key is not there.
        """
        transaction = self._transaction(values)
        data = cryptogram_data(transaction.version, values)
        return self._keystore.emv_cryptogram(
            self._card_key(self._keys.cryptogram, transaction, values), transaction, data
        )

    def answer(self, request: OnlineRequest) -> OnlineAnswer:
        """Judge a request: a wrong cryptogram is declined, and the words say so.

        :raises KeyStoreError: when a key that is needed is not there.
        """
        if _CRYPTOGRAM not in request.values and _CODE in request.values:
            return self._answer_code(request)
        try:
            expected = self.cryptogram(request.values)
            transaction = self._transaction(request.values)
        except EncodingError as error:
            return OnlineAnswer(FORMAT_ERROR, words=(f"request refused: {error}",))
        version = transaction.version
        told = f"{version.name}, option {version.option.value[-1].upper()}"
        if not hmac.compare_digest(expected, request.values.get(_CRYPTOGRAM, b"")):
            return OnlineAnswer(DECLINED, words=(f"cryptogram wrong ({told}): declined, no answer is authenticated",))
        code, reason = self._decision(request)
        authentication = self._authenticated(transaction, request.values, code)
        words = (f"cryptogram right ({told})", reason, _said(version))
        return OnlineAnswer(code, authentication, self._scripts(transaction, request.values), words)

    def dynamic_code(self, values: Mapping[bytes, bytes]) -> str:
        """Return the code a card in mag-stripe mode must give, 5 digits.

        :param values: by tag: 9F6B as on the card, 9F6A and 9F36 as sent.
        :raises EncodingError: where one is missing or malformed.  :raises KeyStoreError: where the key is not there.
        Book C-2 (unverified)
        """
        track = values.get(_STATIC_TRACK, b"")
        pan = track.hex().upper().partition(_SEPARATOR)[0]
        key = CardKey(self._keys.code, Scheme(f"emv-{self._keys.option or 'a'}"), card_digits(pan, None))
        return self._keystore.cvc3(key, track, values.get(_NUMERIC_UN, b""), values.get(_ATC, b""))

    def _answer_code(self, request: OnlineRequest) -> OnlineAnswer:
        try:
            expected = self.dynamic_code(request.values)
        except EncodingError as error:
            return OnlineAnswer(FORMAT_ERROR, words=(f"request refused: {error}",))
        given = f"{int.from_bytes(request.values[_CODE], 'big'):05d}"
        if not hmac.compare_digest(expected, given):
            return OnlineAnswer(DECLINED, words=("dynamic verification code wrong: declined",))
        code, reason = self._decision(request)
        return OnlineAnswer(code, words=("dynamic verification code right", reason))

    def _decision(self, request: OnlineRequest) -> tuple[bytes, str]:
        check = self._policy.pin_check
        if request.pin is not None and check is not None:
            wrong = check.fault(self._keystore, request.values, request.pin)
            if wrong:
                return WRONG_PIN, f"online PIN: {wrong}: declined"
        if not self._policy.approve:
            return DECLINED, "declined by the issuer's policy"
        return APPROVED, "approved"

    def _authenticated(self, transaction: Transaction, values: Mapping[bytes, bytes], code: bytes) -> bytes:
        if transaction.version.arpc is None:
            return b""
        response = code
        if transaction.version.arpc is Arpc.TWO:
            response = _CSU_APPROVED if code == APPROVED else _CSU_DECLINED
        key = self._card_key(self._keys.cryptogram, transaction, values)
        return self._keystore.emv_arpc(key, transaction, response)

    def _scripts(self, transaction: Transaction, values: Mapping[bytes, bytes]) -> tuple[bytes, ...]:
        if not self._policy.scripts:
            return ()
        keys = (self._keys.integrity, self._keys.confidentiality, self._keys.cryptogram)
        integrity, confidentiality, cryptogram = (self._card_key(key, transaction, values) for key in keys)
        built = [
            (command, command.build(self._keystore, (integrity, confidentiality, cryptogram), numbered))
            for number, command in enumerate(self._policy.scripts)
            for numbered in (replace(transaction, command=number),)
        ]
        return script_templates(built)

    def _transaction(self, values: Mapping[bytes, bytes]) -> Transaction:
        return Transaction(
            self._version(values),
            values.get(_ATC, b""),
            values.get(_UN, b""),
            values.get(_CRYPTOGRAM, b""),
        )

    def _version(self, values: Mapping[bytes, bytes]) -> CryptogramVersion:
        if self._keys.version is None:
            read = read_issuer_data(values.get(_ISSUER_DATA, b"")).version
            return find_version(read.family, read.number, self._keys.option)
        return find_version(*self._keys.version, self._keys.option)

    def _card_key(self, reference: str, transaction: Transaction, values: Mapping[bytes, bytes]) -> CardKey:
        psn = values[_PSN].hex() if _PSN in values else None
        return CardKey(reference, transaction.version.option, card_digits(pan_of(values), psn))


def _said(version: CryptogramVersion) -> str:
    return "no issuer authentication" if version.arpc is None else f"answer authenticated by ARPC {version.arpc}"
