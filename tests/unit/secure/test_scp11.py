"""SCP11: the opening judged by a naive card; recorded sessions are in test_vectors (Amd F, from memory)."""

from __future__ import annotations

import copy
import hashlib
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Key, Usage
from cardkit.errors import (
    AuthenticationError,
    EncodingError,
    KeyBlockedError,
    ProfileError,
    ProtocolError,
    StatusError,
)
from cardkit.secure import (
    Quirks,
    Scp11,
    SecurityLevel,
    Terms,
    Variant,
    decode_parameters,
    present_certificates,
)
from cardkit.secure.scp11 import point
from tests.unit.secure.naive import Card03, Command, cmac
from tests.unit.secure.sessions import key

CURVES = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.BrainpoolP256R1()]
P256 = CURVES[0]


def private(value: int, curve: ec.EllipticCurve = P256) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(value, curve)


HOST_EPHEMERAL, HOST_STATIC, CARD_EPHEMERAL, CARD_STATIC = 0x2222, 0x6666, 0x3333, 0x12345678


def terms(level: int = 0x33, i: int = 0x07 | 0x10) -> Terms:
    return Terms(decode_parameters(0x11, i), SecurityLevel(level), Quirks(), 255)


def opening(variant=Variant.A, curve=P256, level=0x33, size=16, i=0x17):
    card = private(CARD_STATIC, curve).public_key()
    agreed = None
    if variant is not Variant.B:
        shared = private(HOST_STATIC, curve).exchange(ec.ECDH(), card)
        agreed = key(shared, family="ECDH") if curve.key_size != 521 else key521(shared)
    return Scp11(variant, 0x03, terms(level, i), private(HOST_EPHEMERAL, curve), card, agreed=agreed, key_size=size)


def key521(value: bytes):
    return Key(value, "test", "ECDH-521", Usage.MASTER_DERIVE)


def tlv(tag: str, value: bytes) -> bytes:
    length = bytes([len(value)]) if len(value) < 128 else bytes([0x81, len(value)])
    return bytes.fromhex(tag) + length + value


def answer(variant, data: bytes, curve=P256, usage=0x3C, size=16):
    """What a right card answers, and its session keys in the order of derivation, the receipt key first."""
    static = private(CARD_STATIC, curve)
    ephemeral = static if variant is Variant.C else private(CARD_EPHEMERAL, curve)
    host = private(HOST_EPHEMERAL, curve).public_key()
    host_static = host if variant is Variant.B else private(HOST_STATIC, curve).public_key()
    secret = ephemeral.exchange(ec.ECDH(), host) + static.exchange(ec.ECDH(), host_static)
    material = b"".join(
        hashlib.sha256(secret + counter.to_bytes(4, "big") + bytes([usage, 0x88, size])).digest()
        for counter in range(1, 7)
    )
    keys = [material[i * size : (i + 1) * size] for i in range(5)]
    public = tlv("5F49", point(ephemeral.public_key()))
    receipt = cmac(keys[0], data + public)
    return public + tlv("86", receipt), keys, receipt


FORMS = {Variant.A: (0x11, 1, 0x82), Variant.B: (0x13, 0, 0x88), Variant.C: (0x15, 3, 0x82)}


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize(("level", "usage"), [(0x11, 0x34), (0x33, 0x3C)])
@pytest.mark.parametrize("size", [16, 24, 32])
def test_a_session_opens_and_goes_on_as_scp03(variant, level, usage, size):
    kid, parameter, ins = FORMS[variant]
    host = opening(variant, level=level, size=size)
    command = host.authenticate()
    control = (
        tlv("90", bytes([0x11, parameter])) + tlv("95", bytes([usage])) + tlv("80", b"\x88") + tlv("81", bytes([size]))
    )
    public = point(private(HOST_EPHEMERAL).public_key())
    data = tlv("A6", control) + tlv("5F49", public)
    assert command == CommandAPDU(0x80, ins, 0x03, kid, data, 256)
    body, keys, receipt = answer(variant, data, usage=usage, size=size)
    session = host.finish(ResponseAPDU(body, 0x9000))
    assert repr(session) == f"<SCP11 i=17 level={level:02X} open>"
    assert session._keys.dek.kcv == key(keys[4]).kcv
    assert session._keys.receipt.kcv == key(keys[0]).kcv
    assert (session._keys.dek.name, session._keys.dek.usage) == ("SCP11 S-DEK", Usage.TRANSPORT_OUT)
    assert (session._keys.enc.name, session._keys.enc.usage) == ("SCP11 S-ENC", Usage.DATA_ENC)
    card = Card03(*keys[1:4], level, 8, chain=receipt)
    for plain in (Command(0x80, 0xCA, 0, 0x66, ne=256), Command(0x80, 0xE2, 0x80, 0, b"data")):
        wrapped = session.wrap(CommandAPDU(plain.cla, plain.ins, plain.p1, plain.p2, plain.data, plain.ne))
        assert wrapped.encode() == card.expected(plain)
        assert session.unwrap(ResponseAPDU.parse(card.answer(b"body", 0x9000))).data == b"body"
    session.close()
    assert not any(any(one._buffer) for one in (session._keys.dek, session._keys.receipt, session._keys.rmac))


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
@pytest.mark.parametrize("variant", Variant)
def test_every_curve_agrees(variant, curve):
    host = opening(variant, curve)
    body, *_ = answer(variant, host.authenticate().data, curve)
    assert not host.finish(ResponseAPDU(body, 0x9000)).ended


def test_macs_of_16_bytes_where_the_options_say_so():
    host = opening(Variant.B, i=0x42)
    body, keys, receipt = answer(Variant.B, host.authenticate().data)
    session = host.finish(ResponseAPDU(body, 0x9000))
    card = Card03(*keys[1:4], 0x33, 16, chain=receipt)
    assert session.wrap(CommandAPDU(0x80, 0xCA, 0, 0x66)).encode() == card.expected(Command(0x80, 0xCA, 0, 0x66))


@pytest.mark.parametrize("variant", Variant)
def test_every_flipped_bit_of_the_receipt_stops(variant):
    host = opening(variant)
    body, *_ = answer(variant, host.authenticate().data)
    for bit in range(128):
        wrong = bytearray(body)
        wrong[-1 - bit // 8] ^= 1 << bit % 8
        with pytest.raises(
            AuthenticationError, match=r"^SCP11: wrong receipt, the card does not have the key it should; stopped$"
        ):
            opening(variant).finish(ResponseAPDU(bytes(wrong), 0x9000))


def test_the_secret_of_the_static_keys_is_wiped_with_the_answer():
    host = opening(Variant.A)
    agreed = host._agreed
    body, *_ = answer(Variant.A, host.authenticate().data)
    host.finish(ResponseAPDU(body, 0x9000))
    assert not any(agreed._buffer)
    with pytest.raises(AuthenticationError, match="wrong receipt"):
        host.finish(ResponseAPDU(body, 0x9000))


def test_another_card_is_noticed_by_its_receipt():
    host = opening(Variant.B)
    impostor = Scp11(Variant.B, 3, terms(), private(HOST_EPHEMERAL), private(99).public_key())
    body, *_ = answer(Variant.B, host.authenticate().data)
    with pytest.raises(AuthenticationError, match="wrong receipt"):
        impostor.finish(ResponseAPDU(body, 0x9000))


def test_variant_c_takes_the_static_key_only():
    host = opening(Variant.C)
    other = answer(Variant.A, host.authenticate().data)[0]
    with pytest.raises(AuthenticationError, match=r"^SCP11 c: the card answered with another key than its static one$"):
        host.finish(ResponseAPDU(other, 0x9000))


OFF_CURVE = b"\x04" + bytes(63) + b"\x01"


@pytest.mark.parametrize(
    "public",
    [OFF_CURVE, b"\x00", b"", b"\x02" + bytes(32), b"\x04" + bytes(64), b"\x04" + bytes(63), bytes(65)],
    ids=["off-curve", "infinity", "empty", "compressed", "zero", "short", "no-04"],
)
def test_a_point_that_is_none_is_refused(public):
    body = tlv("5F49", public) + tlv("86", bytes(16))
    with pytest.raises(ProtocolError, match=r"^SCP11 key agreement: point on secp256r1"):
        opening(Variant.A).finish(ResponseAPDU(body, 0x9000))


GOOD = tlv("5F49", point(private(CARD_EPHEMERAL).public_key()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        GOOD,
        tlv("86", bytes(16)),
        tlv("86", bytes(16)) + GOOD,
        GOOD + tlv("86", bytes(15)),
        GOOD + tlv("86", bytes(17)),
        GOOD + tlv("86", bytes(16)) + tlv("86", bytes(16)),
        GOOD + GOOD + tlv("86", bytes(16)),
        GOOD + tlv("87", bytes(16)),
    ],
)
def test_an_answer_of_another_form_is_refused(body):
    with pytest.raises(
        ProtocolError, match=r"^SCP11 key agreement: expected a point 5F49 and a receipt 86 of 16 bytes$"
    ):
        opening().finish(ResponseAPDU(body, 0x9000))


def test_an_answer_that_is_no_tlv_is_refused():
    with pytest.raises(ProtocolError, match=r"^SCP11 key agreement: TLV object"):
        opening().finish(ResponseAPDU(GOOD[:-1], 0x9000))


@pytest.mark.parametrize(
    ("sw", "error"),
    [(0x6300, AuthenticationError), (0x6982, AuthenticationError), (0x6983, KeyBlockedError), (0x6A88, StatusError)],
)
def test_a_refusal_is_an_error_of_its_kind(sw, error):
    with pytest.raises(error, match=f"SCP11 key agreement: card answered {sw:04X}") as caught:
        opening().finish(ResponseAPDU(b"", sw))
    assert type(caught.value) is error


@pytest.mark.parametrize(("variant", "has"), [(Variant.A, False), (Variant.C, False), (Variant.B, True)])
def test_a_static_key_of_the_host_is_for_variants_a_and_c(variant, has):
    agreed = key(bytes(32), family="ECDH") if has else None
    with pytest.raises(
        ProfileError, match=f"^SCP11 {variant.name.lower()}: a static key of the host is for variants a and c$"
    ):
        Scp11(variant, 3, terms(), private(1), private(2).public_key(), agreed=agreed)


def test_keys_on_two_curves_do_not_agree():
    with pytest.raises(ProfileError, match=r"^SCP11: ephemeral key on secp256r1, the card's on secp384r1$"):
        Scp11(Variant.B, 3, terms(), private(1), private(2, ec.SECP384R1()).public_key())


@pytest.mark.parametrize("size", [0, 8, 15, 17, 64])
def test_session_keys_have_the_sizes_of_aes(size):
    with pytest.raises(ProfileError, match=f"SCP11 i=17, keys of {size} bytes: expected SCP11, and 16, 24 or 32"):
        Scp11(Variant.B, 3, terms(), private(1), private(2).public_key(), key_size=size)


def test_another_protocol_does_not_open_this_way():
    other = Terms(decode_parameters(3, 0x70), SecurityLevel(0x33), Quirks(), 255)
    with pytest.raises(ProfileError, match="SCP03 i=70, keys of 16 bytes: expected SCP11"):
        Scp11(Variant.B, 3, other, private(1), private(2).public_key())


class Raw:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw


def test_certificates_go_one_by_one_and_say_whether_more_follow():
    chain = [Raw(b"ca"), Raw(b"middle"), Raw(b"leaf" * 100)]
    assert present_certificates(chain, 0x02, 0x10) == [
        CommandAPDU(0x80, 0x2A, 0x02, 0x90, b"ca", 256),
        CommandAPDU(0x80, 0x2A, 0x02, 0x90, b"middle", 256),
        CommandAPDU(0x80, 0x2A, 0x02, 0x10, b"leaf" * 100, 256),
    ]
    assert present_certificates(chain[:1], 0x02, 0x20) == [CommandAPDU(0x80, 0x2A, 0x02, 0x20, b"ca", 256)]
    with pytest.raises(EncodingError, match=r"^SCP11: no certificate to present, expected one at least$"):
        present_certificates([], 0x02, 0x10)


def test_an_opening_shows_no_key_and_refuses_to_be_copied():
    host = opening()
    assert repr(host) == "<SCP11 i=17 a kvn=03 level=33>"
    for call in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="level=33> refuses to be pickled or copied"):
            call(host)
