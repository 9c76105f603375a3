"""Three minds agree: cards issued by the tests' own bureau, the virtual card, and the terminal with the issuer host.

The bureau (tests/card/emv/bureau.py) and the card were written from the sheet without a line of the client; every
cryptogram family, key size and protocol must lead to transactions in which nothing is wrong.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from functools import cache

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from cardkit.apps.emv.capk import CapkStore, CaPublicKey
from cardkit.apps.emv.issuer import IssuerKeys, IssuerPolicy, IssuerSimulator
from cardkit.apps.emv.scripts import PIN_UNBLOCK, pin_change
from cardkit.apps.emv.terminal.host import FixedHost
from cardkit.apps.emv.terminal.run import Outcome, Result, run_transaction
from cardkit.apps.emv.terminal.settings import Purchase, Settings
from cardkit.apps.emv.terminal.transaction import Mark, Surroundings
from cardkit.channel import Channel
from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.emvstore import NewPin
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import CardSeam, LoopbackConnection
from cardkit.virtual import make_card
from tests.card.emv import bureau, issuance
from tests.card.emv.issuance import CA, KEYS, MASTER_KEYS, PKI, RSA

NOW = datetime(2026, 5, 7, 12, 30, tzinfo=UTC)
USAGES = {"ac": Usage.IMK_AC, "smi": Usage.IMK_SMI, "smc": Usage.IMK_SMC}
CA_1984, ISSUER_1984 = RSA(KEYS["CA 1984"]), RSA(KEYS["issuer 1984"])
AES_FAMILY = "ccd6"


def option_c(master: bytes) -> bytes:
    """Derive a card's AES key: EMV 4.4 Book 2 A1.4.3, one block."""
    cipher = Cipher(AES(master), modes.ECB()).encryptor()
    return cipher.update(bytes.fromhex((issuance.PAN + issuance.PSN).rjust(32, "0")))


def aes_keys() -> dict[str, str]:
    """Return the key groupings of an AES card: keys by option C, check values over sixteen bytes 01."""
    keys = [option_c(master) for master in MASTER_KEYS]
    checks = [Cipher(AES(key), modes.ECB()).encryptor().update(b"\x01" * 16)[:3] for key in keys]
    return {"_8000": b"".join(keys).hex(), "_9000": b"".join(checks).hex()}


@cache
def issued(family: str, aip: str = "3900", key: str = "", image: str = "emv-cps") -> CardSeam:
    """Return a finished card of a cryptogram family; with a chain of 1984 bits where a card key is named."""
    pki = PKI(RSA(KEYS[key]), ISSUER_1984, CA_1984) if key else PKI()
    changes = aes_keys() if family == AES_FAMILY else {}
    protocol = 0 if image.endswith("t0") else 1
    dgis = issuance.card(family, aip=aip, pki=pki, **changes)
    return bureau.personalize(make_card(image, seed=1), dgis, protocol=protocol)


def store(family: str) -> MemoryKeyStore:
    algorithm = "AES-128" if family == AES_FAMILY else "3DES-128"
    return MemoryKeyStore(
        {
            f"test:{name}": Key(value, f"test:{name}", algorithm, usage)
            for (name, usage), value in zip(USAGES.items(), MASTER_KEYS, strict=False)
        }
    )


def host(family: str, *commands: object) -> IssuerSimulator:
    option = "c" if family == AES_FAMILY else "a"  # this bureau derives all its keys by one option
    keys = IssuerKeys("test:ac", "test:smi", "test:smc", option)
    return IssuerSimulator(store(family), keys, IssuerPolicy(scripts=commands))


def transact(
    card: CardSeam, issuer: IssuerSimulator, amount: int, pin: bytes, *, ca: RSA = CA, t0: bool = False
) -> Result:
    key = CaPublicKey(bytes.fromhex(issuance.AID)[:5], 0x92, RsaPublicKey(ca.modulus, ca.exponent))
    around = Surroundings(
        Settings(floor_limit=5000),
        Purchase(amount, NOW, pin=Secret(pin, "PIN")),
        CapkStore([key]),
        lambda size: bytes(range(0x40, 0x40 + size)),
        issuer,
    )
    protocol = TransmissionProtocol.T0 if t0 else TransmissionProtocol.T1
    return run_transaction(Channel(LoopbackConnection(card, protocol=protocol)), around)


def problems(result: Result) -> list[str]:
    return [line.text for line in result.lines if line.mark is Mark.PROBLEM]


@pytest.mark.parametrize("aip", ["3900", "3D00"])
@pytest.mark.parametrize("family", list(issuance.IADS))
def test_every_cryptogram_family(family: str, aip: str) -> None:
    """Online with scripts that change the PIN, offline with the new PIN, online again: all of it right."""
    card = copy.deepcopy(issued(family, aip))
    changing = host(family, PIN_UNBLOCK, pin_change(NewPin(Secret(b"4321", "new PIN"))))
    first = transact(card, changing, 6000, b"1234")
    assert problems(first) == []
    assert first.outcome is Outcome.APPROVED_ONLINE
    assert first.transaction.data[bytes.fromhex("9F5B")] == bytes.fromhex("2000000000")
    second = transact(card, host(family), 1000, b"4321")
    assert problems(second) == []
    assert second.outcome is Outcome.APPROVED_OFFLINE
    assert second.transaction.tvr == 0
    third = transact(card, host(family), 6000, b"4321")
    assert problems(third) == []
    assert third.outcome is Outcome.APPROVED_ONLINE
    assert [each.transaction.first.atc for each in (first, second, third) if each.transaction.first] == [1, 2, 3]


def test_wrong_issuer_key_is_noticed_on_both_sides() -> None:
    card = copy.deepcopy(issued("vsdc18", "3D00"))
    stranger = MemoryKeyStore({"test:ac": Key(bytes(range(16)), "test:ac", "3DES-128", Usage.IMK_AC)})
    result = transact(card, IssuerSimulator(stranger, IssuerKeys("test:ac", option="a")), 6000, b"1234")
    assert result.outcome is Outcome.DECLINED_ONLINE
    assert "the AAC is wrong by the issuer's keys" in problems(result)
    assert any("cryptogram wrong" in line.text for line in result.lines)


@pytest.mark.parametrize("image", ["emv-cps", "emv-cps-t0"])
@pytest.mark.parametrize(
    ("aip", "key"),
    [
        ("2000", "1024-65537"),
        ("2000", "1152-3"),
        ("2000", "1408-3"),
        ("2000", "1984-3"),
        ("2000", "1984-65537"),
        ("0100", "1024-65537"),
        ("0100", "1408-3"),
        ("0100", "1640-3"),
    ],
)
def test_dynamic_signatures_of_every_size(aip: str, key: str, image: str) -> None:
    """DDA to 1984 bits, CDA to 1640, under an issuer and a CA of 1984: the TVR is all zero, by T=0 and T=1."""
    card = copy.deepcopy(issued("vsdc18", aip, key, image))
    result = transact(card, host("vsdc18"), 1000, b"1234", ca=CA_1984, t0=image.endswith("t0"))
    assert problems(result) == []
    assert result.transaction.tvr == 0
    assert result.transaction.method == ("DDA" if aip == "2000" else "CDA")
    assert result.outcome is Outcome.APPROVED_ONLINE  # first use of the card
    certificate = result.transaction.icc_certificate
    assert certificate is not None
    assert certificate.key.bits == int(key.partition("-")[0])


def test_mag_stripe_mode_of_an_independent_card() -> None:
    """The code is that of pyemv's vector cvv.generate_cvc3 1 where number and counter are its own."""
    tlv, tlvs = issuance.tlv, issuance.tlvs
    secret = bytes.fromhex("6D6425FB9401C21AA1F80451AB85DA3B")
    keys = (*issuance.CARD_KEYS, secret)
    tracks = {"56": "42353132333435" + "30" * 10, "9F6B": "5123456789012345D35121010000000000000F", "9F69": "9F6A04"}
    changes = {
        "_9103": tlv("A5", tlvs({"50": "4E45555452414C", "87": "01"})),
        "_B104": tlvs({"82": "0000", "94": "1801020020010100"}),
        "_0401": issuance.record(tracks),
        "_8000": b"".join(keys).hex(),
        "_9000": b"".join(map(issuance.kcv, keys)).hex(),
        "_9F36": "005D",
    }
    card = bureau.personalize(make_card("emv-cps", seed=1), issuance.card("vsdc18", **changes), contactless=True)
    around = Surroundings(
        Settings(),
        Purchase(1000, NOW),
        CapkStore(),
        lambda _: (899).to_bytes(4, "big"),
        FixedHost(b"00"),
        contactless=True,
    )
    result = run_transaction(Channel(LoopbackConnection(card, protocol=TransmissionProtocol.T1)), around)
    assert problems(result) == []
    assert result.outcome is Outcome.APPROVED_ONLINE
    assert result.transaction.data[bytes.fromhex("9F6A")] == bytes.fromhex("00000899")
    assert int.from_bytes(result.transaction.card_data[bytes.fromhex("9F61")], "big") == 29488
