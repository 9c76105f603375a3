"""The bench for hostile GlobalPlatform cards: kinds of session, what is done in them, and a judge who counts.

The judge reads the card's memory and the wire, never the client's word: what a run calls done must be what the same run
on a good card leaves behind.
"""

from __future__ import annotations

import copy
import datetime
import functools
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cardkit.apps.gp import domain_content as content
from cardkit.apps.gp import domain_data, domain_keys
from cardkit.apps.gp import domain_lifecycle as lifecycle
from cardkit.apps.gp.agreement import Agreement, HostIdentity
from cardkit.apps.gp.cap import CapFile
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.domain_keys import KeyChange, Proof
from cardkit.apps.gp.install import for_install
from cardkit.apps.gp.load import LoadFile
from cardkit.apps.gp.putkey import ec_public_key
from cardkit.apps.gp.tags import Privileges, StatusKind
from cardkit.channel import Channel
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.crypto.private import PrivateKey
from cardkit.errors import CardError, ProtocolError, SecureMessagingError
from cardkit.secure.certificates import X509Certificate
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.scp11 import Variant, point
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card
from cardkit.virtual.gp.image import build
from tests.unit.gp_content.capfiles import PACKAGE as LOADED
from tests.unit.gp_content.capfiles import archive, components

IMAGES = Path(__file__).parents[2] / "cardkit/virtual/images"
PACKAGE, MODULE = bytes.fromhex("F05647414C"), bytes.fromhex("F05647414C01")
INSTALLED, NEW = MODULE + b"\x01", MODULE + b"\x02"
CHALLENGE = bytes(range(0x60, 0x70))
PLANT_SET, CA_KVN, CA_KID, SD_KVN = 0x30, 0x03, 0x10, 0x01
MOST_APDUS = 400

INITIALIZE_UPDATE, EXTERNAL_AUTHENTICATE = 0x50, 0x82
_AGREEMENTS = (b"\x80\x82", b"\x80\x88")
# Written on the way by every session, whatever is done in it.
BOOKKEEPING = ("tries/", "journal")


@dataclass(frozen=True)
class Kind:
    """A kind of session."""

    name: str
    level: SecurityLevel
    variant: Variant | None = None

    @property
    def scp02(self) -> bool:
        return self.name.startswith("scp02")

    @property
    def answers_proven(self) -> bool:
        return bool(self.level & SecurityLevel.R_MAC)

    @property
    def may_manage(self) -> bool:
        return self.variant is not Variant.B


KINDS = {
    kind.name: kind
    for kind in (
        *(Kind(f"scp03-{level:02X}", SecurityLevel(level)) for level in (0x01, 0x03, 0x11, 0x33)),
        *(Kind(f"scp02-{level:02X}", SecurityLevel(level)) for level in (0x03, 0x13)),
        *(Kind(f"scp11{variant.name.lower()}", SecurityLevel(0x33), variant) for variant in Variant),
    )
}


class Wire:
    """A card, and every command it was sent."""

    def __init__(self, card) -> None:
        self.card = card
        self.sent: list[bytes] = []

    def atr(self) -> bytes:
        return self.card.atr()

    def power(self, cold: bool) -> None:
        self.card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        assert len(self.sent) <= MOST_APDUS, "the client does not stop"
        return self.card.transmit(command)


def certificate(subject: str, key: ec.EllipticCurvePublicKey, issuer: ec.EllipticCurvePrivateKey) -> X509Certificate:
    """A certificate for key agreement, signed by an authority."""
    day = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, "host authority")]
    others = "digital_signature content_commitment key_encipherment data_encipherment key_cert_sign crl_sign"
    usage = dict.fromkeys(f"{others} encipher_only decipher_only".split(), False)
    builder = x509.CertificateBuilder(names[1], names[0], key, 7, day, day + datetime.timedelta(days=9000))
    builder = builder.add_extension(x509.KeyUsage(key_agreement=True, **usage), critical=True)
    return X509Certificate(builder.sign(issuer, hashes.SHA256()).public_bytes(Encoding.DER))


def ec_key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


AUTHORITY, HOST, EPHEMERAL = ec_key(0x1111), ec_key(0x2222), ec_key(0x3333)


@functools.cache
def keystore() -> MemoryKeyStore:
    """The initial keys of blank cards, a set of the plant's own, and the host's key for SCP11."""
    store = MemoryKeyStore.with_published_test_keys()
    for number, role in enumerate(("enc", "mac", "dek"), 1):
        for algorithm in ("AES-128", "3DES-128"):
            value = bytes((0x10 * number + place) ^ 0x3C for place in range(16))
            store.add(f"test:{role}-{algorithm}", Key(value, role, algorithm, Usage.SECURE_CHANNEL))
    der = HOST.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    store.add("test:host", PrivateKey(der, "host", Usage.AGREE))
    return store


@functools.cache
def host() -> HostIdentity:
    return HostIdentity("test:host", (certificate("host", HOST.public_key(), AUTHORITY),), CA_KVN, CA_KID)


@functools.cache
def _master(*, scp02: bool):
    """A good card with an application on it, for SCP11 also the host's authority."""
    if scp02:
        # As delivered the image has no R-MAC.
        text = (IMAGES / "gp-scp02.toml").read_text(encoding="utf-8").replace("i = 0x55", "i = 0x75")
        card = make_card(build(tomllib.loads(text.replace('"0255"', '"0275"')), bytes(8)), seed=1)
    else:
        card = make_card("gp-scp03", seed=1)
    bench = Bench(card, KINDS["scp02-13" if scp02 else "scp03-33"])
    bench.open()
    content.install(bench.domain, for_install((PACKAGE, MODULE), INSTALLED, Privileges()))
    if not scp02:
        trusted = ec_public_key(point(AUTHORITY.public_key()), 0)
        domain_keys.put_one(bench.domain, CA_KVN, CA_KID, trusted)
    return card


def fresh(kind: Kind):
    """A good card, the same each time."""
    master = _master(scp02=kind.scp02)
    master.power(cold=True)
    return copy.deepcopy(master)


@functools.cache
def _card_key(variant: Variant) -> ec.EllipticCurvePublicKey:
    """The card's static key for SCP11, read from a good card once: hosts pin it."""
    bench = Bench(fresh(KINDS["scp11b"]), KINDS["scp11b"])
    return bench.select().certificates(SD_KVN, variant.kid)[-1].public_key


class Bench:
    """One client before one card.

    :ivar domain: the security domain, once it is selected.
    """

    def __init__(self, card, kind: Kind) -> None:
        self.kind = kind
        self.wire = Wire(card)
        self.channel: Channel = Card(LoopbackConnection(self.wire)).channel

    def select(self) -> SecurityDomain:
        self.domain = SecurityDomain.select(self.channel)
        return self.domain

    def open(self) -> None:
        """Select the security domain and open a session of this kind."""
        domain = self.select()
        variant = self.kind.variant
        if variant is None:
            name = "test:gp-default-3des" if self.kind.scp02 else "test:gp-default"
            spec = parse_key_set(f"FF={name}")
            domain.open(keystore(), spec, self.kind.level, host_challenge=CHALLENGE)
            return
        identity = None if variant is Variant.B else host()
        agreement = Agreement(variant, SD_KVN, self.kind.level, EPHEMERAL, _card_key(variant), identity)
        domain.open_scp11(keystore(), agreement)


# What is done in a session: each returns what the client says it found, None where it says only that it was done.

Operation = Callable[[Bench], object]


def ask(bench: Bench) -> object:
    """A question that needs no rights."""
    return bench.domain.key_information()


def status(bench: Bench) -> object:
    return [bench.domain.status(kind) for kind in (StatusKind.ISD, StatusKind.APPLICATIONS, StatusKind.MODULES)]


def put_key(bench: Bench) -> None:
    algorithm = "3DES-128" if bench.kind.scp02 else "AES-128"
    names = ",".join(f"test:{role}-{algorithm}" for role in ("enc", "mac", "dek"))
    new = parse_key_set(f"{PLANT_SET:02X}={names}").for_card(b"")
    ready = domain_keys.prepare(bench.domain, keystore(), KeyChange(new, live=False))
    proof = Proof(bench.kind.level, CHALLENGE)
    bench.domain = domain_keys.rotate(bench.domain, bench.channel, keystore(), ready, proof)


@functools.cache
def _code() -> bytes:
    return CapFile.parse(archive(components(300))).load_file_data_block()


def load(bench: Bench) -> None:
    content.load(bench.domain, LOADED, LoadFile(_code()))


def install(bench: Bench) -> None:
    content.install(bench.domain, for_install((PACKAGE, MODULE), NEW, Privileges()))


def store_data(bench: Bench) -> None:
    """Store an object, and read it back: the command itself answers nothing."""
    image = bytes.fromhex("4507C0FFEE00010203")
    domain_data.store(bench.domain, domain_data.objects_commands(bench.domain, image))
    if bench.domain.value(0x45) != image[2:]:
        raise ProtocolError("GET DATA 45: the card answered 9000 and holds something else")


def delete(bench: Bench) -> None:
    lifecycle.delete(bench.domain, Delete(INSTALLED))


def set_status(bench: Bench) -> None:
    lifecycle.set_lock(bench.domain, INSTALLED, locked=True)


OPERATIONS: dict[str, Operation] = {
    "open": ask,
    "status": status,
    "put-key": put_key,
    "load": load,
    "install": install,
    "store-data": store_data,
    "delete": delete,
    "set-status": set_status,
}


def operations(kind: Kind) -> list[str]:
    """What a kind of session may do."""
    return list(OPERATIONS) if kind.may_manage else ["open"]


@dataclass
class Run:
    """How one run ended.

    :ivar error: the client's; None when it says that all is done.
    :ivar opened: whether the client held a session for open.
    :ivar found: what the client read.  :ivar memory: what the card holds.
    """

    bench: Bench
    error: CardError | None = None
    opened: bool = False
    found: object = None
    memory: dict[str, bytes] = field(default_factory=dict)


def run(card, kind: Kind, operation: str) -> Run:
    """Open a session and do one thing. An error that blames anybody but the card is a failure of the test."""
    bench = Bench(card, kind)
    result = Run(bench)
    try:
        bench.open()
        result.opened = True
        result.found = OPERATIONS[operation](bench)
    except CardError as error:
        result.error = error
    result.memory = {cell: value for cell, value in card.memory().items() if not cell.startswith(BOOKKEEPING)}
    return result


@functools.cache
def _expected(kind: str, operation: str) -> Run:
    done = run(fresh(KINDS[kind]), KINDS[kind], operation)
    assert done.error is None, done.error
    return done


def apdus(kind: Kind, operation: str) -> int:
    """How many commands the run takes on a good card."""
    return len(_expected(kind.name, operation).bench.wire.sent)


def faults(kind: Kind, operation: str, result: Run) -> list[str]:
    """What a client did that it must never do."""
    good = _expected(kind.name, operation)
    found = []
    if result.error is None and result.memory != good.memory:
        found.append("called done what the card has not done")
    if result.error is None and result.found != good.found:
        found.append(f"believed {result.found}")
    found += _repeated(result.bench.wire)
    if result.error is not None and not _is_over(result):
        found.append(f"goes on after {result.error}")
    return found


def _repeated(wire: Wire) -> list[str]:
    """Openings that were tried twice with one key set; a second set, the new one, is a session of its own."""
    greetings = Counter(command[2] for command in wire.sent if command[:2] == bytes((0x80, INITIALIZE_UPDATE)))
    found = [f"{count} INITIALIZE UPDATE of key set {kvn:02X}" for kvn, count in greetings.items() if count > 1]
    proofs = sum(command[:2] == bytes((0x84, EXTERNAL_AUTHENTICATE)) for command in wire.sent)
    if proofs > len(greetings):
        found.append(f"{proofs} EXTERNAL AUTHENTICATE after {len(greetings)} INITIALIZE UPDATE")
    agreements = sum(command[:2] in _AGREEMENTS for command in wire.sent)
    if agreements > 1:
        found.append(f"{agreements} key agreements")
    return found


def _is_over(result: Run) -> bool:
    """Whether nothing goes out any more in a session that was refused or broken."""
    bench = result.bench
    session = bench.channel.secure
    broken = isinstance(result.error, SecureMessagingError) and result.opened
    if not result.opened:
        return session is None
    if not broken:
        return True
    before = len(bench.wire.sent)
    try:
        bench.domain.status(StatusKind.ISD)
    except SecureMessagingError:
        return len(bench.wire.sent) == before
    return False
