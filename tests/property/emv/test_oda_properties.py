"""Whatever a card shows, recovering it gives a value, faults, or both: no error, and no trust in something else."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.emv.capk import parse_capk
from cardkit.apps.emv.issuer import IssuerKeys, IssuerSimulator
from cardkit.apps.emv.oda.certificate import SignedKey
from cardkit.apps.emv.oda.create import Subject, create_icc_certificate
from cardkit.apps.emv.oda.dynamic import recover_cda, recover_dda
from cardkit.apps.emv.oda.recover import recover_icc, recover_issuer, recover_pin_key, recover_ssad
from cardkit.apps.emv.oda.static import static_data
from cardkit.apps.emv.terminal.host import OnlineRequest
from cardkit.crypto import Key, MemoryKeyStore, Usage, cardrsa
from cardkit.crypto.emvcvn import read_issuer_data
from cardkit.crypto.emvrsa import RsaPublicKey, sign
from cardkit.crypto.pinblock import PinFormat, read_block
from cardkit.crypto.private import PrivateKey
from cardkit.errors import EncodingError

KEYS = Path(__file__).parents[2] / "vectors" / "keys"
STATIC = bytes.fromhex("5A0812345600123456085F24032912313900")
PAN = "1234560012345608"
blobs = st.binary(max_size=260)
keys = st.builds(RsaPublicKey, st.binary(max_size=160), st.sampled_from([b"\3", b"\1\0\1", b"\2", b""]))


@pytest.fixture(scope="module")
def keystore() -> MemoryKeyStore:
    data = (KEYS / "emv-1024-3.der").read_bytes()
    return MemoryKeyStore({"iss:rsa": PrivateKey(data, "rsa", Usage.EMV_SIGN)})


@cache
def card_pair() -> cardrsa.CardRsaKey:
    loaded = serialization.load_der_private_key((KEYS / "emv-1024-3.der").read_bytes(), None)
    assert isinstance(loaded, RSAPrivateKey)
    return cardrsa.from_numbers(loaded.private_numbers())


@settings(max_examples=150)
@given(keys, st.builds(SignedKey, blobs, blobs, blobs), blobs)
def test_anything_is_recovered_or_refused(key: RsaPublicKey, signed: SignedKey, data: bytes) -> None:
    on = date(2026, 1, 1)
    for recovery in (
        recover_issuer(key, signed, pan=PAN, on=on),
        recover_icc(key, signed, data, pan=PAN, on=on),
        recover_pin_key(key, signed, pan=PAN, on=on),
        recover_ssad(key, signed.certificate, data),
        recover_dda(key, signed.certificate, data),
        recover_cda(key, signed.certificate, b"\1\2\3\4", data, 0x80),
    ):
        assert recovery.faults
        assert not recovery.good
        assert all(len(str(fault).splitlines()) == 1 for fault in recovery.faults)


@settings(max_examples=100)
@given(
    form=st.sampled_from([2, 3, 4, 5]), head=st.binary(max_size=40), fill=st.sampled_from([b"\xbb", b"\0"]),
    extra=st.binary(max_size=40),
)  # fmt: skip
def test_any_content_with_a_right_hash_is_read(form: int, head: bytes, fill: bytes, extra: bytes) -> None:
    """A card may sign whatever it likes with a key it has: lengths, numbers and dates are what it says."""
    pair = card_pair()
    content = (bytes((form,)) + head).ljust(106, fill)[:106]
    signature = sign(pair.crt, pair.public, "card", content, extra)
    on = date(2026, 1, 1)
    for recovery in (
        recover_issuer(pair.public, SignedKey(signature, extra[:-1], extra[-1:]), pan=PAN, on=on),
        recover_icc(pair.public, SignedKey(signature, b"", b"\3"), extra[1:], pan=PAN, on=on),
        recover_ssad(pair.public, signature, extra),
        recover_dda(pair.public, signature, extra),
        recover_cda(pair.public, signature, extra, b"", 0x80),
    ):
        assert all(len(str(fault).splitlines()) == 1 for fault in recovery.faults)
        assert recovery.good or recovery.faults


@settings(max_examples=60)
@given(place=st.integers(0, 127), bit=st.integers(0, 7), part=st.sampled_from(["certificate", "static", "exponent"]))
def test_one_changed_bit_is_found(keystore: MemoryKeyStore, place: int, bit: int, part: str) -> None:
    """A certificate is good for its own bytes only."""
    key = keystore.emv_public("iss:rsa")
    subject = Subject(PAN, RsaPublicKey(b"\xc1" + bytes(84) + b"\1", b"\3"), date(2029, 12, 31), b"\0\0\1")
    signed = create_icc_certificate(keystore, "iss:rsa", subject, STATIC)
    assert recover_icc(key, signed, STATIC, pan=PAN).good

    values = {"certificate": signed.certificate, "static": STATIC, "exponent": signed.exponent}
    changed = bytearray(values[part])
    changed[place % len(changed)] ^= 1 << bit
    values[part] = bytes(changed)
    other = SignedKey(values["certificate"], signed.remainder, values["exponent"])
    assert not recover_icc(key, other, values["static"], pan=PAN).good


@settings(max_examples=80)
@given(
    pan=st.text("0123456789", min_size=12, max_size=19),
    key_bytes=st.integers(43, 128),
    serial=st.binary(min_size=3, max_size=3),
    static=blobs,
    expires=st.dates(date(1950, 1, 1), date(2049, 12, 31)),
)
def test_whatever_is_certified_comes_back(
    keystore: MemoryKeyStore, pan: str, key_bytes: int, serial: bytes, static: bytes, expires: date
) -> None:
    key = RsaPublicKey(b"\xc1" + bytes(key_bytes - 2) + b"\1", b"\1\0\1")
    signed = create_icc_certificate(keystore, "iss:rsa", Subject(pan, key, expires, serial), static)
    certificate = recover_icc(keystore.emv_public("iss:rsa"), signed, static, pan=pan, on=expires).checked()

    assert (certificate.owner, certificate.key, certificate.serial) == (pan, key, serial)
    assert (certificate.last_day.year, certificate.last_day.month) == (expires.year, expires.month)


@settings(max_examples=150)
@given(st.text(max_size=200))
def test_a_list_of_authorities_is_read_or_refused(text: str) -> None:
    for candidate in (text, f"[[capk]]\n{text}", f'[[capk]]\nrid = "A000000003"\nindex = "{text}"'):
        with pytest.raises(EncodingError):
            parse_capk(candidate)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(1, 30), blobs), max_size=3), st.none() | blobs, blobs)
def test_static_data_are_made_or_refused(records: list[tuple[int, bytes]], tag_list: bytes | None, aip: bytes) -> None:
    try:
        data = static_data(records, tag_list, aip)
    except EncodingError:
        return
    assert data.endswith(aip) or tag_list is None


@settings(max_examples=200)
@given(st.binary(max_size=33))
def test_issuer_application_data_are_read_or_refused(data: bytes) -> None:
    try:
        read = read_issuer_data(data)
    except EncodingError:
        return
    assert read.cvr in data
    assert read.counters in data


@settings(max_examples=200)
@given(st.sampled_from(PinFormat), st.binary(max_size=17), st.text("0123456789F", max_size=20))
def test_pin_blocks_are_read_or_refused(form: PinFormat, block: bytes, pan: str) -> None:
    try:
        pin = read_block(form, block, pan)
    except EncodingError:
        return
    assert 4 <= len(pin) <= 12
    assert pin.isdigit()


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from([bytes.fromhex(tag) for tag in (
    "5A", "57", "5F34", "9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37", "82", "9F36", "9F10", "9F26")]),
    st.binary(max_size=33)))  # fmt: skip
def test_host_answers_whatever_it_is_asked(values: dict[bytes, bytes]) -> None:
    keys = MemoryKeyStore({"iss:ac": Key(bytes(range(16)), "ac", "3DES-128", Usage.IMK_AC)})
    answer = IssuerSimulator(keys, IssuerKeys("iss:ac")).answer(OnlineRequest(values, b""))

    assert answer.response_code in (b"05", b"30")
    assert answer.issuer_authentication == b""
