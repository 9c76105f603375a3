"""The keys of a token: making, importing, listing and destroying them, and what the store says of itself there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NoReturn

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.crypto import keyblock, keymaking
from cardkit.crypto.agreement import public_point
from cardkit.crypto.custodians import Custodian
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.management import Clock, KeyEntry, NewKey, shown_method
from cardkit.crypto.operations import check_usage
from cardkit.crypto.pkcs11asymmetric import PublicKey
from cardkit.crypto.pkcs11attributes import (
    CURVE_OIDS,
    TYPES,
    Facts,
    bits,
    check_algorithm,
    is_symmetric,
    pair_values,
    private_template,
    public_digest,
    public_template,
    secret_template,
)
from cardkit.crypto.pkcs11module import pkcs11
from cardkit.crypto.pkcs11token import Token, TokenKey, destroyed
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.statickey import check_value
from cardkit.crypto.testkeys import known_by_check_value, refuse_test_key
from cardkit.errors import KeyStoreError, UnsupportedKeyOperationError

_A = pkcs11.Attribute
_M = pkcs11.Mechanism
TERMS_LABEL = "cardkit-keystore"
PROTECTING = (Usage.BLOCK_PROTECTION,)


class _Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the store keeps on the token of itself."""

    version: Literal[1]
    kind: Literal["test", "live"]
    custodians: tuple[Custodian, ...]


class TokenKeys:
    """Management of the keys of one token."""

    def __init__(self, token: Token, clock: Clock) -> None:
        self._token = token
        self._clock = clock
        self._terms = _Terms(1, "test", ())
        self._public: dict[str, PublicKey] = {}

    @property
    def kind(self) -> Literal["TEST", "LIVE"]:
        """Whether it holds test keys or live ones."""
        return "LIVE" if self._terms.kind == "live" else "TEST"

    @property
    def custodians(self) -> Sequence[Custodian]:
        """Who may bring components."""
        return self._terms.custodians

    def close(self) -> None:
        """End the session; every key that is not kept ends with it."""
        self._token.close()

    def load_terms(self) -> None:
        """Read what the store says of itself; KeyStoreError where the token is no key store of ours."""
        kept = self._read_terms()
        if len(kept) != 1:
            raise KeyStoreError(f"{self._token.uri}: no key store: expected `cardkit keys init` to have made it one")
        try:
            self._terms = msgspec.json.decode(kept[0], type=_Terms)
        except msgspec.MsgspecError as error:
            raise KeyStoreError(f"{self._token.uri}: no key store of version 1: {error}") from None

    def write_terms(self, kind: str, custodians: Sequence[Custodian]) -> None:
        """Make the token a key store; KeyStoreError where it is one."""
        if self._read_terms():
            raise KeyStoreError(f"{self._token.uri}: is a key store already")
        self._terms = _Terms(1, "live" if kind == "LIVE" else "test", tuple(custodians))
        template = {
            _A.CLASS: pkcs11.ObjectClass.DATA,
            _A.TOKEN: True,
            _A.PRIVATE: True,
            _A.MODIFIABLE: False,
            _A.LABEL: TERMS_LABEL,
            _A.VALUE: msgspec.json.encode(self._terms),
        }
        self._token.run("init", lambda session: session.create_object(template))

    def _read_terms(self) -> list[bytes]:
        wanted = {_A.CLASS: pkcs11.ObjectClass.DATA, _A.TOKEN: True, _A.LABEL: TERMS_LABEL}
        return self._token.run(
            str(self._token.uri), lambda session: [bytes(kept[_A.VALUE]) for kept in session.get_objects(wanted)]
        )

    def entries(self) -> list[KeyEntry]:
        """Return the inventory, sorted by reference; keys of other programs are left out."""
        found = []
        for label in self._token.labels():
            try:
                _, facts = self._token.find(label)
            except KeyStoreError:
                continue
            found.append(facts.entry(label, self.shown(label) or ""))
        return found

    def references(self) -> list[str]:
        """Return the references of all keys, sorted."""
        return [entry.reference for entry in self.entries()]

    def shown(self, reference: str) -> str | None:
        """Return the check value shown for a key: kept when it was made, or the digest of its public key."""
        _, facts = self._token.find(reference)
        if is_symmetric(facts.algorithm):
            return facts.kcv or None
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return public_digest(self.public_key(reference).public_bytes(*form))

    def generate(self, new: NewKey) -> KeyEntry:
        """Make a random key on the token; it never leaves it."""
        self.check_new(new)
        if is_symmetric(new.algorithm):
            check_algorithm(new)
            self._token.run(f"key {new.reference}", lambda session: self._generate_secret(session, new))
        else:
            self._token.run(f"key {new.reference}", lambda session: self._generate_pair(session, new))
        return self._entry(new.reference)

    def _generate_secret(self, session: Any, new: NewKey) -> None:
        """Make a session object that gives its check value; keep a copy that may do what its purpose allows."""
        making = secret_template(Usage.SECURE_CHANNEL, new.algorithm, token=False)
        making[_A.EXTRACTABLE] = secret_template(new.usage, new.algorithm, token=True)[_A.EXTRACTABLE]
        length = (
            {}
            if TYPES[new.algorithm] in (pkcs11.KeyType.DES2, pkcs11.KeyType.DES3)
            else {"key_length": bits(new.algorithm)}
        )
        made = session.generate_key(TYPES[new.algorithm], **length, store=False, template=making)
        with destroyed(made):
            self._keep(made, new)

    def _keep(self, made: Any, new: NewKey) -> None:
        static = (
            None
            if new.algorithm.startswith("HMAC-")
            else TokenKey(new.reference, new.algorithm, lambda w: bytes(w(made)))
        )
        kcv = "" if static is None else check_value(static).hex().upper()
        if self.kind == "LIVE" and kcv:
            self.refuse_known(new.reference, new.algorithm, kcv)
        kept = secret_template(new.usage, new.algorithm, token=True)
        for fixed in (_A.CLASS, _A.KEY_TYPE, _A.PRIVATE, _A.SENSITIVE, _A.EXTRACTABLE):  # a copy has them as they are
            del kept[fixed]
        del kept[_A.MODIFIABLE]
        names = {_A.LABEL: new.reference, _A.ID: Facts.of(new, kcv, self._clock()).to_id()}
        made.copy(kept | names | {_A.MODIFIABLE: False})  # last: SoftHSM sets one after the other

    def _generate_pair(self, session: Any, new: NewKey) -> None:
        keymaking.check_algorithm(new.reference, new.algorithm)
        identifier = Facts.of(new, "", self._clock()).to_id()
        names = {_A.LABEL: new.reference, _A.ID: identifier}
        private = private_template(new.usage) | names
        public = public_template(new.reference, identifier)
        if new.algorithm in CURVE_OIDS:
            parameters = session.create_domain_parameters(
                pkcs11.KeyType.EC, {_A.EC_PARAMS: CURVE_OIDS[new.algorithm]}, local=True
            )
            parameters.generate_keypair(store=True, public_template=public, private_template=private)
            return
        session.generate_keypair(
            pkcs11.KeyType.RSA, bits(new.algorithm), store=True, public_template=public, private_template=private
        )

    def import_key(self, new: NewKey, value: bytearray) -> KeyEntry:
        """Take a key in; the caller wipes the buffer. A private key is DER: PKCS#8, PKCS#1 or SEC 1."""
        self.check_new(new)
        if self.kind == "LIVE":
            refuse_test_key(new.reference, new.algorithm, value)
        key = keymaking.key_of(new, value)
        try:
            self._token.run(f"key {new.reference}", lambda session: self._import(session, new, key))
        finally:
            key.wipe()
        return self._entry(new.reference)

    def _import(self, session: Any, new: NewKey, key: Key | PrivateKey) -> None:
        if isinstance(key, PrivateKey):
            identifier = Facts.of(new, "", self._clock()).to_id()
            private, public = pair_values(key)
            session.create_object(public_template(new.reference, identifier) | public)
            names = {_A.LABEL: new.reference, _A.ID: identifier}
            session.create_object(private_template(new.usage) | names | private)
            return
        check_algorithm(new)
        identifier = Facts.of(new, key.kcv or "", self._clock()).to_id()
        with key.reveal() as clear:
            values = {_A.LABEL: new.reference, _A.ID: identifier, _A.VALUE: bytes(clear)}
        session.create_object(secret_template(new.usage, new.algorithm, token=True) | values)

    def import_block(self, new: NewKey, block: str, protection: str) -> KeyEntry:
        """Take a key in from a TR-31 key block; it passes through a buffer that is wiped (K9)."""
        _, facts = self._token.find(protection)
        check_usage(protection, facts.usage, "protecting a key block", PROTECTING)
        token = self._token
        kbpk = TokenKey(protection, facts.algorithm, lambda work: token.use(protection, lambda key: bytes(work(key))))
        read = keyblock.read_block(kbpk, block)
        try:
            keymaking.check_block(new, read)
            with read.key.reveal() as clear:
                return self.import_key(new, clear)
        finally:
            read.key.wipe()

    def export_block(self, reference: str, protection: str) -> NoReturn:
        """Refuse: what is on a token stays there."""
        self._token.find(reference)
        raise UnsupportedKeyOperationError(f"key {reference}: not extractable, for it is on a token ({protection})")

    def destroy(self, reference: str) -> None:
        """Delete a key, its public half too, and make sure it is gone."""
        self._token.find(reference)

        def work(session: Any) -> int:
            for kept in list(session.get_objects({_A.LABEL: reference, _A.TOKEN: True})):
                kept.destroy()
            return sum(1 for _ in session.get_objects({_A.LABEL: reference, _A.TOKEN: True}))

        left = self._token.run(f"key {reference}", work)
        self._token.forget(reference)
        self._public.pop(reference, None)
        if left:
            raise KeyStoreError(f"key {reference}: {left} objects of it are still on the token")

    def public_key(self, reference: str) -> PublicKey:
        """Return the public half of a private key, as the token keeps it."""
        if reference not in self._public:
            _, facts = self._token.find(reference)
            wanted = {_A.CLASS: pkcs11.ObjectClass.PUBLIC_KEY, _A.TOKEN: True, _A.LABEL: reference}

            def work(session: Any) -> PublicKey:
                found = list(session.get_objects(wanted))  # a search that is not ended stays open
                if len(found) != 1:
                    raise KeyStoreError(f"key {reference}: {len(found)} public keys of this label, expected one")
                return _public_key(facts.algorithm, found[0])

            self._public[reference] = self._token.run(f"key {reference}", work)
        return self._public[reference]

    def check_new(self, new: NewKey) -> None:
        """Refuse a card secret, and a name that is taken, before anybody types a component."""
        if new.usage is Usage.CARD_SECRET:
            raise never_shown(new.reference)
        if new.reference in self._token.labels():
            raise KeyStoreError(
                f"key {new.reference}: is in this store already; destroy it first, or take another name"
            )

    def _entry(self, reference: str) -> KeyEntry:
        _, facts = self._token.find(reference)
        return facts.entry(reference, self.shown(reference) or "")

    @staticmethod
    def refuse_known(reference: str, algorithm: str, kcv: str) -> None:
        """Raise KeyStoreError for a key everybody knows, told by its check value (K2)."""
        method = shown_method(algorithm)
        known = known_by_check_value(algorithm, {method: kcv}) if method else None
        if known is not None:
            raise KeyStoreError(f"key {reference}: a known test key ({known}), refused in a live store")


def never_shown(reference: str) -> UnsupportedKeyOperationError:
    """Return the refusal of a code: what is on a token stays there, and a card is shown a code in clear."""
    return UnsupportedKeyOperationError(
        f"key {reference}: not in this token, which shows no code to a card: keep it in a key file "
        f"(keys init --store FILE), and the other keys of its cards with it"
    )


def _public_key(algorithm: str, handle: Any) -> PublicKey:
    if algorithm in CURVE_OIDS:
        curve = keymaking.CURVE_OF[algorithm]
        wrapped = bytes(handle[_A.EC_POINT])  # DER OCTET STRING
        return public_point(curve, wrapped[-(1 + 2 * ((curve.key_size + 7) // 8)) :])
    numbers = (int.from_bytes(handle[name], "big") for name in (_A.PUBLIC_EXPONENT, _A.MODULUS))
    return rsa.RSAPublicNumbers(*numbers).public_key()
