"""What a session over the air is given: TAR, SPI, KIc, KID, counters and the keys of a store."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.errors import (
    CounterGuardError,
    EncodingError,
    KeyStoreError,
    ProfileError,
    UnsupportedKeyOperationError,
)
from cardkit.secure.counter import HIGHEST, Counter
from cardkit.secure.scp80 import PacketTerms, Scp80, terms_for
from cardkit.secure.spi import CounterMode, Integrity, Receipt, Spi, check_key_byte, key_byte
from tests.unit.secure.naive80 import Card
from tests.unit.secure.ota import (
    FAMILIES,
    KIC,
    KID,
    LONG,
    SELECT,
    TAR,
    ZERO,
    both,
    key_set,
    store,
    unhex,
)

# Arguments.


@pytest.mark.parametrize("tar", [b"", bytes(2), bytes(4)])
def test_a_tar_has_three_bytes(tar):
    scp80, _ = both("1619")

    with pytest.raises(EncodingError, match=rf"^TAR: got {len(tar)} bytes, expected 3$"):
        scp80.command(tar, ZERO, SELECT)


def test_packet_of_more_than_two_length_bytes_is_refused():
    scp80, _ = both("0001")
    longest = 0xFFFF - 14

    assert len(scp80.command(TAR, ZERO, bytes(longest))) == 0xFFFF + 2
    with pytest.raises(EncodingError, match=r"^command packet: 65536 bytes, expected 65535 at most$"):
        scp80.command(TAR, ZERO, bytes(longest + 1))


def test_secrets_travel_ciphered_or_not_at_all():
    content = (SELECT, Secret(b"\x01\x02", "k"))
    scp80, card = both("1619")
    assert card.read(scp80.command(TAR, ZERO, content))[2] == SELECT + b"\x01\x02"

    plain, card = both("1209")
    with pytest.raises(ProfileError, match=r"the script holds secrets, expected a ciphered packet$"):
        plain.command(TAR, ZERO, content)
    assert card.read(plain.command(TAR, ZERO, (SELECT, b"\x01")))[2] == SELECT + b"\x01"


def test_opened_command_hides_its_data():
    scp80, _ = both("1619")
    opened = scp80.read_command(scp80.command(TAR, ZERO, SELECT))

    assert repr(opened) == "OpenedCommand(tar=b'\\xb0\\x00\\x11', counter=0, data=<Secret script, 7 bytes>)"
    assert repr(scp80) == "<SCP80 SPI 1619 KIc 35 KID 35>"


def test_ciphering_and_checksums_need_keys():
    for spi in ("0400", "0011", "0200", "0009"):
        with pytest.raises(KeyStoreError, match=rf"^SPI {spi} KIc 35 KID 35: packets need keys, and there are none$"):
            Scp80(MemoryKeyStore(), None, PacketTerms(Spi.parse(unhex(spi)), 0x35, 0x35))


@pytest.mark.parametrize(
    ("spi", "kic", "kid", "text"),
    [
        ("0400", 0x32, 0x35, "KIc 32 says AES, its key is 3DES-128"),
        ("0400", 0x39, 0x35, "KIc 39 says 3DES, three keys, its key is 3DES-128"),
        ("0200", 0x35, 0x31, "KID 31 says DES-CBC, its key is 3DES-128"),
        ("0010", 0x3D, 0x35, "KIc 3D says DES-ECB, its key is 3DES-128"),
        ("0008", 0x35, 0x33, "KID 33 says a reserved or private algorithm, its key is 3DES-128"),
    ],
)
def test_key_of_another_algorithm_than_the_header_says_is_refused(spi, kic, kid, text):
    with pytest.raises(KeyStoreError, match=rf"^{text}$"):
        Scp80(store(KIC, KID, "3DES-128"), key_set(3), PacketTerms(Spi.parse(unhex(spi)), kic, kid))


def test_algorithm_may_be_left_to_what_both_sides_know():
    held = store(KIC, KID, "AES-128")
    scp80 = Scp80(held, key_set(3), PacketTerms(Spi.parse(unhex("1619")), 0x30, 0x30))

    assert Card(KIC, KID, aes=True).read(scp80.command(TAR, ZERO, SELECT)) == (TAR, 0, SELECT)
    assert key_byte(3, "AES-128", implicit=True) == 0x30
    check_key_byte("KIc", 0x30, "AES-128")


def test_redundancy_check_without_code_is_refused():
    with pytest.raises(ProfileError, match=r"^KID 32: no redundancy check, expected X1 \(CRC-16\) or X5 \(CRC-32\)$"):
        Scp80(MemoryKeyStore(), None, PacketTerms(Spi(0x01, 0x00), 0x00, 0x32))


@pytest.mark.parametrize(
    ("spi", "text"),
    [
        ("0300", "a digital signature has no published algorithm"),
        ("000C", "a digital signature has no published algorithm"),
        ("0108", "RC one way and CC the other"),
        ("0204", "RC one way and CC the other"),
    ],
)
def test_proofs_nobody_can_make_are_refused(spi, text):
    with pytest.raises(ProfileError, match=rf"^SPI {spi}: {text}"):
        Scp80(store(KIC, KID, "3DES-128"), key_set(3), PacketTerms(Spi.parse(unhex(spi)), 0x35, 0x35))


# SPI, KIc, KID.


@pytest.mark.parametrize(
    ("first", "second"), [(0x00, 0x00), (0x01, 0x39), (0x06, 0x19), (0x1E, 0xC2), (0xE2, 0x01), (0xFF, 0xFF)]
)
def test_spi_keeps_every_bit(first, second):
    spi = Spi.parse(bytes((first, second)))

    assert spi.build() == bytes((first, second))
    assert (spi.integrity, spi.ciphered, spi.counter) == (first & 3, bool(first & 4), first >> 3 & 3)
    assert (spi.receipt, spi.receipt_integrity) == (second & 3, second >> 2 & 3)
    assert (spi.receipt_ciphered, spi.receipt_by_submit) == (bool(second & 0x10), bool(second & 0x20))
    assert str(spi) == f"{first:02X}{second:02X}"


@pytest.mark.parametrize(
    ("integrity", "options", "expected"),
    [
        (Integrity.CC, {"ciphered": True}, "1619"),
        (Integrity.CC, {"ciphered": True, "by_submit": True}, "1639"),
        (Integrity.CC, {"ciphered": False, "counter": CounterMode.ONE_HIGHER, "receipt": Receipt.ON_ERROR}, "1A0A"),
        (Integrity.RC, {"ciphered": True, "counter": CounterMode.NONE, "receipt": Receipt.NEVER}, "0500"),
        (Integrity.NONE, {"ciphered": True, "counter": CounterMode.UNCHECKED}, "0C11"),
    ],
)
def test_spi_is_coded_as_the_sheet_says(integrity, options, expected):
    assert str(Spi.of(integrity, **options)) == expected


def test_spi_is_two_bytes():
    for data in (b"", b"\x00", bytes(3)):
        with pytest.raises(EncodingError, match=rf"^SPI: got {len(data)} bytes, expected 2$"):
            Spi.parse(data)
    for first, second in ((0x100, 0), (0, 0x100), (-1, 0), (0, -1)):
        with pytest.raises(EncodingError, match=r"^SPI: got .* expected two bytes$"):
            Spi(first, second)
    assert Spi(0xFF, 0xFF).build() == b"\xff\xff"


@pytest.mark.parametrize(
    ("algorithm", "nibble"), [("3DES-128", 5), ("3DES-192", 9), ("AES-128", 2), ("AES-192", 2), ("AES-256", 2)]
)
def test_key_bytes_name_set_and_algorithm(algorithm, nibble):
    assert [key_byte(index, algorithm) for index in (0, 1, 15)] == [nibble, 0x10 + nibble, 0xF0 + nibble]


def test_key_bytes_nobody_can_code_are_refused():
    for index in (-1, 16, 0x30):
        with pytest.raises(KeyStoreError, match=r"over the air there are 00 to 0F$"):
            key_byte(index, "AES-128")
    with pytest.raises(KeyStoreError, match=r"^key of HMAC-256: SCP80 has 3DES-128, 3DES-192, AES-128"):
        key_byte(1, "HMAC-256")


def test_terms_code_the_keys():
    held = MemoryKeyStore(
        {
            "test:kic": Key(KIC + KID, "kic", "AES-256", Usage.SECURE_CHANNEL),
            "test:kid": Key(LONG, "kid", "3DES-192", Usage.SECURE_CHANNEL),
        }
    )
    assert terms_for(held, key_set(7), Spi(0x06, 0x19)) == PacketTerms(Spi(0x06, 0x19), 0x72, 0x79, 8)
    assert terms_for(held, key_set(7), Spi(0x05, 0x15)) == PacketTerms(Spi(0x05, 0x15), 0x72, 0x75, 8)
    assert terms_for(held, key_set(7), Spi(0, 0), checksum_size=4) == PacketTerms(Spi(0, 0), 0x72, 0x79, 4)
    assert terms_for(held, None, Spi(0x01, 0x00)) == PacketTerms(Spi(0x01, 0x00), 0x00, 0x05)


# Counters.


@pytest.mark.parametrize("mode", [CounterMode.UNCHECKED, CounterMode.HIGHER, CounterMode.ONE_HIGHER])
def test_counters_go_up_by_one(mode):
    assert Counter(0).following(mode) == Counter(1)
    assert Counter(HIGHEST - 2).following(mode) == Counter(HIGHEST - 1)
    with pytest.raises(
        CounterGuardError, match=rf"^packet counter: {HIGHEST - 1} used, the next would block the key set$"
    ):
        Counter(HIGHEST - 1).following(mode)


def test_without_a_counter_its_field_is_zero():
    assert Counter(77).following(CounterMode.NONE) == Counter(0)


def test_counters_have_five_bytes():
    scp80, card = both("1619")
    assert HIGHEST == 0xFFFFFFFFFF
    assert card.read(scp80.command(TAR, Counter(HIGHEST), SELECT))[1] == HIGHEST
    for value in (-1, HIGHEST + 1):
        with pytest.raises(EncodingError, match=rf"^packet counter: got {value}, expected 0 to {HIGHEST}$"):
            Counter(value)


# What key stores do.


def test_each_key_serves_its_purpose_only():
    held = store(KIC, KID, "3DES-128")
    keys = key_set(1)
    with pytest.raises(KeyStoreError, match=r"usage data-mac, KIc needs secure-channel or data-enc$"):
        held.ota_encrypt(keys.mac, bytes(8))
    with pytest.raises(KeyStoreError, match=r"usage data-mac, KIc needs secure-channel or data-enc$"):
        held.ota_decrypt(keys.mac, bytes(8))
    with pytest.raises(KeyStoreError, match=r"usage data-enc, KID needs secure-channel or data-mac$"):
        held.ota_checksum(keys.enc, bytes(8), 8)
    held.add("test:kik", Key(KIC, "kik", "3DES-128", Usage.KEK))
    with pytest.raises(KeyStoreError, match=r"usage kek, over the air needs secure-channel or data-enc or data-mac$"):
        held.ota_algorithm(keys.dek)


@pytest.mark.parametrize(("algorithm", "block"), [("3DES-128", 8), ("AES-128", 16)])
def test_parts_of_blocks_are_refused(algorithm, block):
    kic, kid, _ = FAMILIES[algorithm]
    held = store(kic, kid, algorithm)
    for operation in (held.ota_encrypt, held.ota_decrypt):
        for size in (0, 1, block - 1, block + 1):
            with pytest.raises(
                KeyStoreError, match=rf"^packet under kic: {size} bytes, expected a multiple of {block}$"
            ):
                operation(key_set(1).enc, bytes(size))


@pytest.mark.parametrize(
    ("algorithm", "size", "known"), [("3DES-128", 4, "8"), ("AES-128", 16, "4 or 8"), ("AES-128", 0, "4 or 8")]
)
def test_checksum_of_another_size_is_refused(algorithm, size, known):
    kic, kid, _ = FAMILIES[algorithm]

    with pytest.raises(KeyStoreError, match=rf"^key kid: checksum of {size} bytes, {algorithm} has {known}$"):
        store(kic, kid, algorithm).ota_checksum(key_set(1).mac, b"x", size)


def test_store_that_cannot_decrypt_says_so():
    held = store(KIC, KID, "3DES-128")

    class OneWay:
        name, algorithm = "kic", "3DES-128"

        def ecb(self, data): ...
        def cbc(self, data): ...
        def cmac(self, message): ...

    held._card_key = lambda key, purpose, allowed: nullcontext(OneWay())
    with pytest.raises(UnsupportedKeyOperationError, match=r"^key kic: this store does not decrypt with it"):
        held.ota_decrypt(key_set(1).enc, bytes(8))
