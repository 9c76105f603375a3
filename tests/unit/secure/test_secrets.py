"""No class of the secure channels shows a key or a plain command: printed, as a dictionary, pickled or copied."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import cardkit.secure
from cardkit.apdu import CommandAPDU
from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.crypto.cbc import CbcDecryptor, CbcEncryptor
from cardkit.crypto.cipurse import FrameKey
from cardkit.crypto.desfire import DesfireKey, KeyKind
from cardkit.crypto.documentkeys import MessagingKeys
from cardkit.crypto.mac import Cmac, FullMac, RetailMac
from cardkit.secure import (
    Dek,
    Greeting,
    Quirks,
    Scp11,
    SecureSession,
    SecurityLevel,
    Terms,
    Variant,
    decode_parameters,
)
from cardkit.secure.certificates import Certificate, GpCertificate, X509Certificate
from cardkit.secure.cipurse import CipurseSession, Level, Pair
from cardkit.secure.counter import Counter
from cardkit.secure.desfire import Authentication, DesfireSession, KeyChange, Mode, NativeCommand
from cardkit.secure.desfire_ev1 import D40Session, Ev1Session
from cardkit.secure.desfire_ev2 import CountedSession, Ev2Session, LrpSession
from cardkit.secure.desfire_opening import (
    AesOpening,
    ChainedOpening,
    D40Opening,
    Ev2Opening,
    LrpOpening,
    Opening,
)
from cardkit.secure.icao import IcaoSession
from cardkit.secure.parameters import Parameters
from cardkit.secure.por import ProofOfReceipt, ResponsePacket, Status
from cardkit.secure.scp01 import Scp01Session
from cardkit.secure.scp02 import Scp02Session
from cardkit.secure.scp03 import Scp03Session
from cardkit.secure.scp80 import CommandPacket, OpenedCommand, PacketTerms, Scp80, terms_for
from cardkit.secure.session import Sent, Stage
from cardkit.secure.spi import CounterMode, Integrity, Receipt, Spi
from tests.unit.secure.sessions import DEK, ENC, MAC, RMAC, aes_keys, des_keys

PLAIN = b"a plain command"
CANARIES = [*(value[:8] for value in (ENC, MAC, RMAC, DEK)), PLAIN]


def terms(scp: int, i: int, level: int = 0x01) -> Terms:
    return Terms(decode_parameters(scp, i), SecurityLevel(level), Quirks(), 255)


def scp02() -> Scp02Session:
    session = Scp02Session(terms(2, 0x35, 0x13), des_keys(), bytes(8))
    session._stage = Stage.OPEN
    session.wrap(CommandAPDU(0x80, 0xE2, 0, 0, PLAIN))
    return session


def scp80() -> Scp80:
    store = MemoryKeyStore({"test:ota": Key(ENC[:16], "test:ota", "AES-128", Usage.SECURE_CHANNEL)})
    keys = parse_key_set("02=test:ota").for_card(b"")
    return Scp80(store, keys, terms_for(store, keys, Spi.parse(bytes((0x06, 0x21)))))


def icao() -> IcaoSession:
    session = IcaoSession(MessagingKeys(aes_keys().enc, aes_keys().mac))
    session.wrap(CommandAPDU(0x00, 0xD6, 0, 0, PLAIN))
    return session


def desfire_key(kind: KeyKind = KeyKind.AES) -> DesfireKey:
    return DesfireKey(ENC[:16], "canary", kind)


INSTANCES = {
    CbcEncryptor: lambda: CbcEncryptor("AES", ENC[:16]),
    CbcDecryptor: lambda: CbcDecryptor("AES", ENC[:16]),
    Cmac: lambda: Cmac(MAC[:16]),
    FullMac: lambda: FullMac(MAC[:16]),
    RetailMac: lambda: RetailMac(MAC[:16]),
    Dek: lambda: Dek(MemoryKeyStore(), des_keys().dek, 8),
    Scp01Session: lambda: Scp01Session(terms(1, 0x05), des_keys(), bytes(8)),
    Scp02Session: scp02,
    Scp03Session: lambda: Scp03Session(terms(3, 0x70, 0x33), aes_keys(), bytes(8)),
    Sent: lambda: scp02()._awaited[0],
    Scp11: lambda: Scp11(
        Variant.A,
        1,
        terms(0x11, 0x07, 0x33),
        ec.derive_private_key(int.from_bytes(ENC[:8]), ec.SECP256R1()),
        ec.derive_private_key(5, ec.SECP256R1()).public_key(),
        agreed=aes_keys(32).mac,
    ),
    OpenedCommand: lambda: OpenedCommand(bytes(3), 1, Secret(PLAIN, "script")),
    Scp80: scp80,
    IcaoSession: icao,
    CipurseSession: lambda: CipurseSession(FrameKey(ENC[:16])),
    NativeCommand: lambda: NativeCommand(0xCE, payload=(Secret(PLAIN, "plain"),)),
    KeyChange: lambda: KeyChange(0, desfire_key()),
    D40Session: lambda: D40Session(desfire_key(KeyKind.TDEA2), 0),
    Ev1Session: lambda: Ev1Session(desfire_key(), 0),
    Ev2Session: lambda: Ev2Session((desfire_key(), desfire_key()), 0, bytes(4)),
    LrpSession: lambda: LrpSession(Secret(ENC[:16], "master"), 0, bytes(4)),
    D40Opening: lambda: D40Opening(desfire_key(KeyKind.TDEA2), 0, bytes(8)),
    ChainedOpening: lambda: ChainedOpening(desfire_key(KeyKind.TDEA2), 0, bytes(8)),
    AesOpening: lambda: AesOpening(desfire_key(), 0, bytes(16)),
    Ev2Opening: lambda: Ev2Opening(desfire_key(), 0, bytes(16)),
    LrpOpening: lambda: LrpOpening(desfire_key(), 0, bytes(16)),
}
PUBLIC = {Certificate, GpCertificate, X509Certificate, Greeting, Parameters, Quirks, SecureSession, SecurityLevel}
PUBLIC |= {Stage, Terms, Variant}
PUBLIC |= {CommandPacket, Counter, CounterMode, Integrity, PacketTerms, ProofOfReceipt, Receipt, ResponsePacket, Spi}
PUBLIC |= {Level, Pair, Status}
PUBLIC |= {Authentication, CountedSession, DesfireSession, Mode, Opening}


def classes() -> set[type]:
    found = set()
    for module in pkgutil.iter_modules(cardkit.secure.__path__, "cardkit.secure."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name:
                found.add(kind)
    return found


def test_every_class_is_looked_at():
    assert classes() <= set(INSTANCES) | PUBLIC


@pytest.mark.parametrize("kind", INSTANCES, ids=lambda kind: kind.__name__)
def test_nothing_secret_is_shown(kind):
    instance = INSTANCES[kind]()
    assert isinstance(instance, kind)
    shown = f"{instance!r} {instance} {instance:}"
    for canary in CANARIES:
        for form in (canary.hex(), canary.hex().upper(), repr(canary)[2:-1], str(int.from_bytes(canary))):
            assert form not in shown


@pytest.mark.parametrize("kind", INSTANCES, ids=lambda kind: kind.__name__)
def test_nothing_secret_is_pickled_or_copied(kind):
    instance = INSTANCES[kind]()
    for call in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            call(instance)
    if dataclasses.is_dataclass(instance):
        with pytest.raises(TypeError):
            dataclasses.asdict(instance)
