"""PUT KEY: key data under every DEK, and the card's answer."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.apps.gp.dgi_keys import LoadedKey, key_groupings
from cardkit.apps.gp.putkey import (
    KeyData,
    check_answer,
    ec_public_key,
    key_type,
    public_key,
    put_key,
    rsa_public_key,
    symmetric_key,
)
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, WrappedCardKey
from cardkit.errors import EncodingError, ProtocolError

from .vectors import named, of_category

COMMANDS, KEYS = "gp_commands.json", "gp_keys.json"
VALUES = {16: bytes(range(0x60, 0x70)), 24: bytes(range(0x60, 0x78)), 32: bytes(range(0x60, 0x80))}
DEK_AES = {size: bytes(range(0x10, 0x10 + size)) for size in (16, 24, 32)}
DEK_DES = bytes(range(0x20, 0x30))


def kcv(algorithm: str, value: bytes) -> bytes:
    """The check value of GPCS B.6, by the library alone."""
    if algorithm.startswith("AES"):
        return Cipher(AES(value), ECB()).encryptor().update(b"\x01" * 16)[:3]
    return Cipher(TripleDES((value + value[:8])[:24]), ECB()).encryptor().update(bytes(8))[:3]


def opened(dek: bytes, cryptogram: bytes, *, des: bool) -> bytes:
    """What the card finds under its DEK, by the library alone."""
    cipher = Cipher(TripleDES((dek + dek[:8])[:24]), ECB()) if des else Cipher(AES(dek), CBC(bytes(16)))
    return cipher.decryptor().update(cryptogram)


@pytest.fixture
def keystore() -> MemoryKeyStore:
    keys = {f"test:aes-{size}": Key(VALUES[size], "k", f"AES-{8 * size}", Usage.CARD_KEY) for size in VALUES}
    keys |= {f"test:des-{size}": Key(VALUES[size], "k", f"3DES-{8 * size}", Usage.CARD_KEY) for size in (16, 24)}
    keys |= {f"test:dek-aes-{s}": Key(v, "d", f"AES-{8 * s}", Usage.SECURE_CHANNEL) for s, v in DEK_AES.items()}
    keys |= {"test:dek-des": Key(DEK_DES, "d", "3DES-128", Usage.SECURE_CHANNEL)}
    return MemoryKeyStore(keys)


# Sheet 13.5: key, DEK, then type, length of the component, clear length ("" where none is written), ciphertext bytes.
FORMS = [
    ("des-16", "dek-des", ("80", "10", ""), 16),
    ("des-24", "dek-des", ("80", "18", ""), 24),
    ("des-16", "dek-aes-16", ("80", "10", ""), 16),
    ("des-24", "dek-aes-16", ("80", "21", "18"), 32),
    ("aes-16", "dek-des", ("88", "11", "10"), 16),
    ("aes-24", "dek-des", ("88", "19", "18"), 24),
    ("aes-32", "dek-des", ("88", "21", "20"), 32),
    *[
        (f"aes-{size}", f"dek-aes-{dek}", ("88", length, f"{size:02x}"), ciphertext)
        for dek in (16, 24, 32)
        for size, length, ciphertext in ((16, "11", 16), (24, "21", 32), (32, "21", 32))
    ],
]


@pytest.mark.parametrize(("key", "dek", "head", "ciphertext"), FORMS)
def test_every_key_under_every_dek(
    keystore: MemoryKeyStore, key: str, dek: str, head: tuple[str, str, str], ciphertext: int
) -> None:
    kind, length, clear = head
    wrapped = keystore.wrap_for_card(CardKey(f"test:{key}"), CardKey(f"test:{dek}"))
    data = symmetric_key(wrapped)
    written = bytes.fromhex(kind + length + clear)
    family, _, size = key.partition("-")
    expected_kcv = kcv("AES" if family == "aes" else "3DES", VALUES[int(size)])
    assert data.data[: len(written)] == written
    assert data.data[len(written) + ciphertext :] == b"\x03" + expected_kcv
    assert data.kcv == expected_kcv
    dek_value = DEK_DES if dek == "dek-des" else DEK_AES[int(dek.rpartition("-")[2])]
    inside = opened(dek_value, data.data[len(written) : len(written) + ciphertext], des=dek == "dek-des")
    assert inside[: int(size)] == VALUES[int(size)]
    # The reading rule of 11.8.2.3.2: whole blocks are bare ciphertext, anything else begins with the clear length.
    block = 8 if dek == "dek-des" else 16
    assert bool(clear) is bool(int(length, 16) % block)


def test_bare_aes_as_some_hosts_send_it() -> None:
    wrapped = WrappedCardKey("AES-128", 16, bytes(16), b"\x01\x02\x03")
    assert symmetric_key(wrapped, bare=True).data.hex() == "8810" + "00" * 16 + "03010203"
    padded = WrappedCardKey("AES-192", 24, bytes(32), b"\x01\x02\x03")
    assert symmetric_key(padded, bare=True).data.hex()[:6] == "882118"  # padded: the length must be said


def test_aes_under_scp02_as_a_card_took_it() -> None:
    vector = named(KEYS, "put-key-aes-under-scp02")
    dek = Key(bytes.fromhex(vector["in"]["session_dek"]), "dek", "3DES-128", Usage.SECURE_CHANNEL)
    value = Key(bytes.fromhex(vector["in"]["keys"][0]), "k", "AES-128", Usage.CARD_KEY)
    wrapped = MemoryKeyStore({"test:k": value}).wrap_for_card(CardKey("test:k"), dek)
    assert symmetric_key(wrapped).data.hex().upper() == (
        "881110" + vector["out"]["encrypted_key"] + "03" + vector["out"]["kcv"]
    )


def test_public_and_private_keys() -> None:
    assert rsa_public_key(b"\xaa" * 128, b"\x01\x00\x01").data.hex() == "a18180" + "aa" * 128 + "a003010001" + "00"
    point = b"\x04" + bytes(64)
    assert ec_public_key(point, 0).data.hex() == "b041" + point.hex() + "f00100" + "00"
    assert rsa_public_key(b"\xaa" * 128, b"\x03").kcv == b""
    for wrong in (b"\x02" + bytes(32), b"\x04" + bytes(63), b""):
        with pytest.raises(EncodingError, match="expected 04, X and Y"):
            ec_public_key(wrong, 0)


def test_no_other_algorithm_has_a_key_type() -> None:
    assert [key_type(name) for name in ("AES-256", "3DES-192")] == [0x88, 0x80]
    with pytest.raises(EncodingError, match="HMAC-256: expected AES or 3DES"):
        key_type("HMAC-256")


@pytest.mark.parametrize(("name", "count"), [("apdu-put-key-single", 1), ("apdu-put-key-multiple", 3)])
def test_put_key_header(name: str, count: int) -> None:
    vector = named(COMMANDS, name)
    expected = bytes.fromhex(vector["out"]["apdu"])
    filler = bytes.fromhex(vector["in"]["data"])
    keys = [KeyData(filler[1:]), *[KeyData(b"")] * (count - 1)]
    replaces, kid = int(vector["in"]["p1_kvn"], 16), int(vector["in"]["kid"], 16)
    assert put_key(filler[0], kid, keys, replaces=replaces).encode() == expected


@pytest.mark.parametrize(
    ("kvn", "kid", "replaces"), [(0, 1, 0), (0x80, 1, 0), (0xFF, 1, 0), (1, 0x80, 0), (1, -1, 0), (1, 1, 0xFF)]
)
def test_numbers_out_of_range(kvn: int, kid: int, replaces: int) -> None:
    with pytest.raises(EncodingError, match="PUT KEY"):
        put_key(kvn, kid, [KeyData(b"")], replaces=replaces)


def test_identifiers_may_not_count_beyond_7f() -> None:
    assert put_key(1, 0x7D, [KeyData(b"")] * 3).p2 == 0xFD
    for keys in ([KeyData(b"")] * 4, []):
        with pytest.raises(EncodingError, match="expected one or more"):
            put_key(1, 0x7D, keys)


THREE = [KeyData(b"", bytes([number] * 3)) for number in (1, 2, 3)]


def test_the_answer_names_version_and_every_check_value() -> None:
    check_answer(bytes.fromhex("30010101020202030303"), 0x30, THREE)
    check_answer(bytes.fromhex("73"), 0x73, [KeyData(b"")])


@pytest.mark.parametrize(
    "answer",
    ["", "30", "31010101020202030303", "30010101020202030304", "3001010102020203030300", "30020202010101030303"],
)
def test_another_answer_is_no_success(answer: str) -> None:
    with pytest.raises(ProtocolError, match="the keys it holds now are not the ones sent"):
        check_answer(bytes.fromhex(answer), 0x30, THREE)


@pytest.mark.parametrize(("given", "expected"), of_category(KEYS, "store-data"))
def test_key_groupings(given: dict[str, Any], expected: dict[str, Any]) -> None:
    dek = Key(bytes.fromhex(given["dek"]), "dek", f"AES-{4 * len(given['dek'])}", Usage.SECURE_CHANNEL)
    clear = [bytes.fromhex(key) for key in given["keys"]]
    store = MemoryKeyStore(
        {f"test:{n}": Key(key, "k", f"AES-{8 * len(key)}", Usage.CARD_KEY) for n, key in enumerate(clear)}
    )
    access = bytes([given["access"]])
    keys = [
        LoadedKey(n, given["kvn"], store.wrap_for_card(CardKey(f"test:{n}"), dek), b"\x18", access)
        for n in range(1, len(clear))
    ] or [LoadedKey(1, given["kvn"], store.wrap_for_card(CardKey("test:0"), dek), b"\x18", access)]
    header, *values = key_groupings(keys)
    # The source's 00B9 is not that of Table 11-92 (see its note); the 8113 groupings are.
    peer = expected["value"]
    for item, key in zip(values, keys, strict=True):
        assert item.build().hex().upper() in peer
        assert (item.secret, item.plain) == (True, False)
        assert key.wrapped.kcv.hex().upper() in peer
    assert header.value == b"".join(key.attributes() for key in keys)
    size = keys[0].wrapped.size_bytes
    assert keys[0].attributes().hex() == (
        f"b917950118960{1}{access.hex()}8001888101{size:02x}8201018301{given['kvn']:02x}8403{keys[0].wrapped.kcv.hex()}"
    )


def test_attributes_without_access_and_out_of_range() -> None:
    wrapped = WrappedCardKey("3DES-128", 16, bytes(16), b"\x01\x02\x03")
    assert (
        LoadedKey(1, 0x30, wrapped, b"\x18").attributes().hex()
        == "b914950118" + "800180" + "810110" + "820101" + "830130" + "8403010203"
    )
    for kid, kvn in ((0x80, 1), (1, 0), (1, 0x80)):
        with pytest.raises(EncodingError, match="expected KID 00 to 7F, KVN 01 to 7F"):
            LoadedKey(kid, kvn, wrapped, b"\x18").attributes()


def pem(key: Any) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_public_keys_of_a_file() -> None:
    numbers = rsa.RSAPublicNumbers(65537, (1 << 1023) + 1)
    assert public_key(pem(numbers.public_key())) == rsa_public_key(numbers.n.to_bytes(128, "big"), b"\x01\x00\x01")
    point = ec.generate_private_key(ec.BrainpoolP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert public_key(pem(point)) == ec_public_key(raw, 3)


FOREIGN = (ec.generate_private_key(ec.SECP256K1()), ed25519.Ed25519PrivateKey.generate())


@pytest.mark.parametrize("content", [b"", b"text", *(pem(key.public_key()) for key in FOREIGN)])
def test_other_files_are_no_public_key_for_a_card(content: bytes) -> None:
    with pytest.raises(EncodingError, match="public key"):
        public_key(content)
