"""No object of cardkit.crypto or cardkit.secure shows a secret, however it is printed, walked, copied or stored.

Every class is either made here with a canary inside, or named as one that holds no secret: a new class must be decided.
"""

import copy
import dataclasses
import enum
import importlib
import inspect
import json
import pickle
import pkgutil
import pprint
from io import StringIO

import msgspec
import pytest
import rich
from cryptography.hazmat.primitives.asymmetric import ec
from rich.console import Console

import cardkit.crypto
import cardkit.secure
from cardkit.crypto import (
    Key,
    MemoryKeyStore,
    Secret,
    Usage,
    aka,
    cbc,
    cell,
    comp128,
    digest,
    envelope,
    mac,
    passphrase,
    tuak,
)
from cardkit.crypto.cardkeys import CardKey, KeySetSpec, SessionKeys
from cardkit.crypto.cardrsa import CardRsaKey
from cardkit.crypto.chipkeys import ChipKey
from cardkit.crypto.cipurse import FrameKey, Handshake, Rekeyed
from cardkit.crypto.credential import Credential
from cardkit.crypto.curves import CURVES
from cardkit.crypto.custodians import Custodian
from cardkit.crypto.desfire import BlockKey, DesfireKey, KeyKind
from cardkit.crypto.documentkeys import MessagingKeys
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.emvstore import NewPin
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.filestoreformat import Entry, Sealer
from cardkit.crypto.groups import KeyPair, standardized_group
from cardkit.crypto.keyblock import Header, KeyBlock
from cardkit.crypto.keysource import KeySource
from cardkit.crypto.keyuse import KeyUses
from cardkit.crypto.lrp import Lrp
from cardkit.crypto.management import NewKey, State
from cardkit.crypto.memory import _Entry
from cardkit.crypto.passphrase import Stretching
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.sdm import FileRead, PiccData
from cardkit.crypto.secret import _HiddenBuffer
from cardkit.crypto.shamir import Share
from cardkit.crypto.soft import SoftKeyStore
from cardkit.crypto.statickey import ClearKey
from cardkit.secure.cipurse import CipurseSession
from cardkit.secure.dek import Dek
from cardkit.secure.desfire import KeyChange, NativeCommand
from cardkit.secure.desfire_ev1 import D40Session, Ev1Session
from cardkit.secure.desfire_ev2 import Ev2Session, LrpSession
from cardkit.secure.desfire_opening import AesOpening, ChainedOpening, D40Opening, Ev2Opening, LrpOpening
from cardkit.secure.icao import IcaoSession
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Quirks, decode_parameters
from cardkit.secure.scp01 import Scp01Session
from cardkit.secure.scp02 import Scp02Session
from cardkit.secure.scp03 import Scp03Session
from cardkit.secure.scp11 import Scp11, Variant
from cardkit.secure.scp80 import OpenedCommand, Scp80, terms_for
from cardkit.secure.session import Terms
from cardkit.secure.spi import Spi

CANARY = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")
PHRASE = b"canary phrase"
EPHEMERAL = ec.derive_private_key(int.from_bytes(CANARY, "big"), ec.SECP256R1())


def key(algorithm="AES-128", usage=Usage.DATA_ENC):
    return Key(CANARY * (2 if "256" in algorithm else 1), "canary", algorithm, usage)


def secret():
    return Secret(CANARY, "canary")


def terms(scp, i, level):
    return Terms(decode_parameters(scp, i), SecurityLevel(level), Quirks(), 255)


def session_keys(algorithm):
    return SessionKeys(*(key(algorithm) for _ in range(4)))


def file_store(folder):
    store = FileKeyStore.create(folder / "a.keys", "TEST", Secret(PHRASE, "p"))
    store.import_key(NewKey("plant:x", "AES-128", Usage.KEK), bytearray(CANARY))
    store.import_key(NewKey("plant:adm", "", Usage.CARD_SECRET), bytearray(CANARY))
    return store


def private_key():
    return PrivateKey.of(EPHEMERAL, "canary", Usage.AGREE)


def sealed_entry():
    entry = Entry("a:b", "AES-128", 128, Usage.KEK, "", None, "", "none", State.ACTIVE, "", "", False, "")
    return Sealer(Secret(CANARY * 2, "root"), "00" * 16).seal(entry, CANARY)


def scp11():
    return Scp11(Variant.B, 0x30, terms(0x11, 0x02, 0x33), EPHEMERAL, EPHEMERAL.public_key())


def messaging_keys():
    return MessagingKeys(key(), key())


def used_cipher():
    cipher = Rekeyed()
    cipher.encryptor(CANARY)
    cipher.decryptor(CANARY)
    return cipher


def desfire_key():
    return DesfireKey(CANARY, "canary", KeyKind.AES)


def scp80():
    keys = KeySetSpec(1, "a:b", "a:b", "a:b").for_card(b"")
    store = MemoryKeyStore({"a:b": key(usage=Usage.SECURE_CHANNEL)})
    return Scp80(store, keys, terms_for(store, keys, Spi(0x06, 0x19)))


HOLDERS = {
    "Secret": lambda _: secret(),
    "_HiddenBuffer": lambda _: _HiddenBuffer(CANARY),
    "Key": lambda _: key(),
    "PrivateKey": lambda _: private_key(),
    "Share": lambda _: Share(1, secret()),
    "KeyBlock": lambda _: KeyBlock(Header("D", "K0", "A", "N"), secret()),
    "SessionKeys": lambda _: session_keys("AES-128"),
    "ClearKey": lambda _: ClearKey(key()),
    "MemoryKeyStore": lambda _: MemoryKeyStore({"a:b": key(), "a:c": secret(), "a:d": private_key()}),
    "SoftKeyStore": lambda _: SoftKeyStore(),
    "KeyUses": lambda _: KeyUses(MemoryKeyStore({"a:b": key(), "a:c": secret(), "a:d": private_key()})),
    "FileKeyStore": file_store,
    "KeySource": lambda _: KeySource("file:a.keys", (Secret(PHRASE, "p"), secret())),
    "Sealer": lambda _: Sealer(Secret(CANARY * 2, "root"), "00" * 16),
    "Entry": lambda _: sealed_entry(),
    "_Entry": lambda _: _Entry(Usage.KEK, secret()),
    "Credential": lambda _: Credential.new(b"label", "ann", Secret(PHRASE, "p")),
    "Custodian": lambda _: Custodian.new("ann", Secret(PHRASE, "p")),
    "Stretching": lambda _: Stretching.new(),
    "CellCipher": lambda _: cell.CellCipher(key("AES-256", Usage.FIELD_ENC)),
    "Envelope": lambda _: envelope.Envelope(key("AES-256"), envelope.Direction.TO_WORKER),
    "CardRsaKey": lambda _: CardRsaKey(RsaPublicKey(bytes(16), b"\x03"), (secret(),) * 5, secret()),
    "DupDigests": lambda _: digest.DupDigests(key("HMAC-256", Usage.DUP_DIGEST)),
    "CbcEncryptor": lambda _: cbc.CbcEncryptor("AES", CANARY),
    "CbcDecryptor": lambda _: cbc.CbcDecryptor("AES", CANARY),
    "FullMac": lambda _: mac.FullMac(CANARY),
    "RetailMac": lambda _: mac.RetailMac(CANARY),
    "Cmac": lambda _: mac.Cmac(CANARY),
    "MilenageFunctions": lambda _: aka.MilenageFunctions(CANARY, CANARY),
    "Comp128": lambda _: comp128.Comp128(1, CANARY),
    "TuakFunctions": lambda _: tuak.TuakFunctions(CANARY, CANARY * 2),
    "NewPin": lambda _: NewPin(secret(), secret()),
    "Dek": lambda _: Dek(MemoryKeyStore({"a:b": key()}), key(), 16),
    "Scp01Session": lambda _: Scp01Session(terms(1, 0x05, 3), session_keys("3DES-128"), bytes(8)),
    "Scp02Session": lambda _: Scp02Session(terms(2, 0x15, 3), session_keys("3DES-128"), bytes(8)),
    "Scp03Session": lambda _: Scp03Session(terms(3, 0x70, 0x33), session_keys("AES-128"), bytes(8)),
    "Scp11": lambda _: scp11(),
    "Scp80": lambda _: scp80(),
    "MessagingKeys": lambda _: messaging_keys(),
    "IcaoSession": lambda _: IcaoSession(messaging_keys()),
    "ChipKey": lambda _: ChipKey(CURVES[0], bytes(65), secret()),
    "KeyPair": lambda _: KeyPair(standardized_group(12), int.from_bytes(CANARY, "big")),
    "FrameKey": lambda _: FrameKey(CANARY),
    "Rekeyed": lambda _: used_cipher(),
    "Handshake": lambda _: Handshake(bytes(16), secret(), FrameKey(CANARY)),
    "CipurseSession": lambda _: CipurseSession(FrameKey(CANARY)),
    "OpenedCommand": lambda _: OpenedCommand(bytes(3), 0, secret()),
    "DesfireKey": lambda _: desfire_key(),
    "BlockKey": lambda _: BlockKey(desfire_key()),
    "Lrp": lambda _: Lrp(secret(), updated=2),
    "FileRead": lambda _: FileRead(secret(), PiccData(bytes(7), 1), lrp=True),
    "NativeCommand": lambda _: NativeCommand(0xCE, payload=(secret(), b"\1")),
    "KeyChange": lambda _: KeyChange(0, desfire_key()),
    "D40Session": lambda _: D40Session(DesfireKey(CANARY, "canary", KeyKind.TDEA2), 0),
    "Ev1Session": lambda _: Ev1Session(desfire_key(), 0),
    "Ev2Session": lambda _: Ev2Session((desfire_key(), desfire_key()), 0, bytes(4)),
    "LrpSession": lambda _: LrpSession(secret(), 0, bytes(4)),
    "D40Opening": lambda _: D40Opening(DesfireKey(CANARY, "canary", KeyKind.TDEA2), 0, bytes(8)),
    "ChainedOpening": lambda _: ChainedOpening(DesfireKey(CANARY, "canary", KeyKind.TDEA2), 0, bytes(8)),
    "AesOpening": lambda _: AesOpening(desfire_key(), 0, bytes(16)),
    "Ev2Opening": lambda _: Ev2Opening(desfire_key(), 0, bytes(16)),
    "LrpOpening": lambda _: LrpOpening(desfire_key(), 0, bytes(16)),
}
# The XOR test algorithms take one key.
HOLDERS |= {name: lambda _, kind=kind: kind(CANARY) for name, kind in vars(aka).items() if name.startswith("Xor")}
# Their fields are names, numbers, public facts, ciphertext or challenges.
NO_SECRET = {
    "Binding", "CardKey", "CardKeySet", "CellAddress", "Certificate", "CommandPacket", "Counter", "CryptogramVersion",
    "Curve", "Document", "EncipheredPin", "Ibm3624", "IssuerData", "Scripting", "Transaction", "_Purpose",
    "GpCertificate", "Greeting", "Pair", "Header", "KeyEntry", "KeyInfo", "KeySetSpec", "MilenageConstants", "NewKey",
    "PacketTerms", "Parameters", "ProofOfReceipt", "Quirks", "ResponsePacket", "RsaPublicKey", "Sent", "SessionRequest",
    "DhGroup", "EcGroup", "PrimeGroup", "Spi", "Template", "Terms", "TuakParameters", "Unlock", "WrappedCardKey",
    "PiccData", "X509Certificate", "_Answer", "_PackedKey",
}  # fmt: skip
# Protocols and bases: the classes that follow them are here.
ABSTRACT = {
    "EmvKeyStore", "EmvOperations", "Group", "PinOperations",
    "KeyStore", "ManagedKeyStore", "OpenKeyStore", "OpenManagedKeyStore", "StaticKey", "CardKeyOperations",
    "SecureSession", "DecipheringKey", "OtaKeyStore",
    "OtaOperations", "CountedSession", "DesfireSession", "Opening",
}  # fmt: skip
# Made with a token or a process behind them: tests/interop/pkcs11 looks at what they show.
NEED_A_TOKEN = {
    "CardRsaPool",
    "DecipheringTokenKey",
    "Facts",
    "HsmWorkers",
    "Pkcs11KeyStore",
    "Pkcs11URI",
    "Token",
    "TokenKey",
    "TokenKeys",
    "_Terms",
    "_Worker",
}
# A calculation's buffer, gone when it ends.
TRANSIENT = {"_Block"}


def classes():
    for package in (cardkit.crypto, cardkit.secure):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for name, member in vars(module).items():
                if inspect.isclass(member) and member.__module__ == found.name and not issubclass(member, enum.Enum):
                    yield name


def test_every_class_is_decided():
    decided = {*HOLDERS, *NO_SECRET, *ABSTRACT, *NEED_A_TOKEN, *TRANSIENT}

    assert sorted(set(classes()) - decided) == [], "make one in HOLDERS, or say in NO_SECRET that it holds none"
    assert sorted(decided - set(classes())) == []


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})


@pytest.fixture(params=HOLDERS)
def holder(request, tmp_path):
    return HOLDERS[request.param](tmp_path)


def leaks(text):
    haystack = text.upper()
    half = CANARY[:8]
    forms = [half.hex(), half.hex(" "), repr(half)[2:-1], repr(list(half))[1:-1], str(int.from_bytes(CANARY, "big"))]
    return [form for form in [*forms, PHRASE.decode()] if form.upper() in haystack]


SHOW = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value!s:>10} {[value]} {value!r}",
    "pprint": pprint.pformat,
    # Python 3.11.2 cannot get __weakref__ of a dataclass with slots: inspect.getmembers stops there.
    "attributes": lambda value: "\n".join(f"{n}={getattr(value, n)!r}" for n in dir(value) if n != "__weakref__"),
}


@pytest.mark.requirement("L1")
@pytest.mark.parametrize("show", SHOW.values(), ids=SHOW)
def test_no_way_of_printing_shows_a_secret(holder, show):
    assert leaks(show(holder)) == []


def test_inspection_shows_no_secret(holder):
    out = StringIO()
    rich.inspect(holder, console=Console(file=out, width=500), private=True)

    assert leaks(out.getvalue()) == []


TAKE = {
    "asdict": dataclasses.asdict,
    "builtins": msgspec.to_builtins,
    "json": lambda value: json.dumps(value, default=vars),
    "msgspec": msgspec.json.encode,
    "pickle": lambda value: pickle.dumps(value).hex(),
    "getstate": lambda value: value.__getstate__(),
    "reduce": lambda value: value.__reduce_ex__(4),
}


@pytest.mark.requirement("K1")
@pytest.mark.parametrize("take", TAKE.values(), ids=TAKE)
def test_no_way_of_storing_takes_a_secret_along(holder, take):
    if isinstance(holder, _HiddenBuffer):
        return  # it never leaves its Secret but in a `with` block
    try:
        taken = take(holder)
    except (TypeError, AttributeError, msgspec.MsgspecError, pickle.PicklingError):
        return
    assert leaks(repr(taken)) == []


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", ["Secret", "Key", "PrivateKey"])
def test_secrets_are_not_copied(duplicate, name, tmp_path):
    with pytest.raises(TypeError, match="refuses to be pickled or copied"):
        duplicate(HOLDERS[name](tmp_path))


def test_private_key_shows_the_digest_of_its_public_key():
    private = private_key()

    assert repr(private) == f"<EC-P256 public={private.kcv[:16]}>"
    assert repr(PrivateKey.of(EPHEMERAL, "x", Usage.SIGN, kvn=0x73)).startswith("<EC-P256 kvn=73 public=")


def test_card_keys_name_their_master_and_nothing_else():
    assert repr(CardKey("plant:kmc")).startswith("CardKey(reference='plant:kmc', scheme=<Scheme.NONE")


def test_the_leak_finder_finds_leaks():
    shown = [repr(CANARY), CANARY.hex(), CANARY.hex(" "), repr(list(CANARY)), str(int.from_bytes(CANARY, "big"))]

    assert [len(leaks(text)) for text in shown] == [1] * len(shown)
    assert leaks(repr(PHRASE))
