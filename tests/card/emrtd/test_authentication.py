"""Chip authentication, chip authentication mapping, active authentication: the chip proves its keys."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from .issuance import CAN, CHIP_KEY, DG1, MAPPING_KEY, MRZ_INFORMATION, domain, private
from .reader import RefusedError, decrypt
from .tlv import tlv

CHALLENGE = bytes.fromhex("1122334455667788")


def public(number, secret=CHIP_KEY):
    group = domain(number)
    return group.encode(group.mul(secret % group.n, group.g))


def in_session(reader):
    reader.select_application()
    reader.bac(MRZ_INFORMATION)
    return reader


@pytest.mark.parametrize("suite", [1, 2, 3, 4])
@pytest.mark.parametrize(("kind", "number"), [(1, 2), (2, 13)])
def test_chip_authentication_changes_the_keys(issue, kind, number, suite):
    reader = in_session(issue(chip=((kind << 8 | suite, number, None),)))
    old = reader.keys
    reader.chip_authentication(domain(number), public(number), suite, kind=kind)
    assert reader.keys != old
    assert reader.read("0101") == DG1


def test_chip_authentication_version_2_proves_itself_by_a_token(issue):
    reader = in_session(issue(chip=((0x0202, 13, None),), version=2))
    reader.chip_authentication(domain(13), public(13), 2, version=2)
    assert reader.read("0101") == DG1


def test_the_key_reference_chooses_the_key(issue):
    reader = in_session(issue(chip=((0x0202, 13, 1), (0x0204, 12, 2))))
    reader.chip_authentication(domain(12), public(12), 4, key_id=2)
    assert reader.read("0101") == DG1


def test_old_keys_are_dead_after_chip_authentication(issue):
    reader = in_session(issue())
    old = reader.keys
    reader.chip_authentication(domain(13), public(13), 2)
    reader.open(*old, reader.ssc + 4)
    with pytest.raises(RefusedError, match="6988"):
        reader.read("0101")


def bad_points(group):
    good = group.encode(group.mul(5, group.g))
    yield good[:-1]
    yield good + b"\x00"
    yield b"\x04" + bytes(2 * group.size)
    yield b"\x02" + good[1 : 1 + group.size]
    yield good[:-1] + bytes((good[-1] ^ 1,))
    yield b"\x04" + (group.p + group.mul(5, group.g)[0]).to_bytes(group.size + 1, "big")[1:] + good[1 + group.size :]
    yield b"\x00"
    yield b""


@pytest.mark.parametrize("place", range(8))
def test_a_bad_key_is_refused_and_the_session_lives(issue, place):
    group = domain(13)
    reader = in_session(issue())
    bad = list(bad_points(group))[place]
    reader.send(0, 0x22, 0x41, 0xA4, tlv("80", bytes.fromhex("04007F000702020302") + b"\x02"))
    with pytest.raises(RefusedError, match="6300") as refusal:
        reader.send(0, 0x86, 0, 0, tlv("7C", tlv("80", bad)), 256)
    assert refusal.value.protected
    assert reader.read("0101") == DG1


def test_the_mapping_proves_the_key_of_card_security(issue):
    group = domain(13)
    keys = (("8105", private(13, MAPPING_KEY)),)
    reader = issue(pace=((0x0202, 13), (0x0602, 13)), keys=keys)
    objects = reader.pace(6, 2, group, 13, CAN, password=2)
    iv = Cipher(AES(reader.encryption), modes.ECB()).encryptor().update(b"\xff" * 16)
    plain = decrypt(2, reader.encryption, objects["8A"], iv).rstrip(b"\x00")
    assert plain[-1:] == b"\x80"
    number = int.from_bytes(plain[:-1], "big")
    shown = group.mul(number, group.mul(MAPPING_KEY % group.n, group.g))
    assert shown == group.decode(reader.mapped)


def test_another_mapping_shows_no_proof(issue):
    reader = issue(pace=((0x0202, 13), (0x0602, 13)), keys=(("8105", private(13, MAPPING_KEY)),))
    assert set(reader.pace(2, 2, domain(13), 13, CAN, password=2)) == {"86"}


@pytest.mark.parametrize(("number", "name", "curve"), [(1, "sha1", 12), (3, "sha256", 12), (4, "sha384", 15)])
def test_active_authentication_with_ecdsa(issue, number, name, curve):
    keys = (("8103", private(curve, CHIP_KEY, tlv("88", bytes((number,))))),)
    reader = in_session(issue(keys=keys))
    signature = reader.send(0, 0x88, 0, 0, CHALLENGE, 256)
    half = len(signature) // 2
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    on = {12: ec.SECP256R1(), 15: ec.SECP384R1()}[curve]
    key = ec.derive_private_key(CHIP_KEY, on).public_key()
    key.verify(encode_dss_signature(r, s), CHALLENGE, ec.ECDSA(getattr(hashes, name.upper())()))


TRAILERS = {1: ("sha1", b"\xbc"), 2: ("sha224", b"\x38\xcc"), 3: ("sha256", b"\x34\xcc"), 5: ("sha512", b"\x35\xcc")}


@pytest.mark.parametrize("form", ["exponent", "crt"])
@pytest.mark.parametrize("number", sorted(TRAILERS))
def test_active_authentication_with_rsa(issue, rsa_key, number, form):
    numbers = rsa_key.private_numbers()
    reader = in_session(issue(keys=((*rsa_object(numbers, number, form),),)))
    seen = set()
    for length in (256, 512):  # readers ask with a short Le, too: the answer is longer than a short APDU then
        signature = reader.send(0, 0x88, 0, 0, CHALLENGE, length)
        n, e = numbers.public_numbers.n, numbers.public_numbers.e
        assert len(signature) == (n.bit_length() + 7) // 8
        plain = pow(int.from_bytes(signature, "big"), e, n).to_bytes(len(signature), "big")
        name, trailer = TRAILERS[number]
        size = hashlib.new(name).digest_size
        assert plain[:1] == b"\x6a"
        assert plain.endswith(trailer)
        end = len(plain) - len(trailer)
        message, digest = plain[1 : end - size], plain[end - size : end]
        assert hashlib.new(name, message + CHALLENGE).digest() == digest
        seen.add(message)
    assert len(seen) == 2


def rsa_object(numbers, number, form):
    def raw(value):
        return value.to_bytes((value.bit_length() + 7) // 8, "big")

    tail = tlv("83", bytes((number,)))
    if form == "exponent":
        return "8101", tlv("81", raw(numbers.public_numbers.n)) + tlv("82", raw(numbers.d)) + tail
    parts = (numbers.p, numbers.q, numbers.iqmp, numbers.dmp1, numbers.dmq1)
    return "8102", b"".join(
        tlv(f"{tag:02X}", raw(part)) for tag, part in zip(range(0x92, 0x97), parts, strict=True)
    ) + tail


@pytest.mark.parametrize("size", [0, 4, 7, 9, 16])
def test_a_challenge_of_another_length_is_not_signed(issue, size):
    reader = in_session(issue(keys=(("8103", private(12, CHIP_KEY)),)))
    with pytest.raises(RefusedError, match="6700"):
        reader.send(0, 0x88, 0, 0, bytes(size), 256)


def test_strangers_get_no_signature(issue):
    reader = issue(keys=(("8103", private(12, CHIP_KEY)),))
    reader.select_application()
    with pytest.raises(RefusedError, match="6982"):
        reader.send(0, 0x88, 0, 0, CHALLENGE, 256)
