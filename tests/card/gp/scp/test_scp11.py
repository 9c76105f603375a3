"""SCP11 a, b, c (Amendment F, clauses unverified): recorded agreements, certificates of both kinds, refusals."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from cardkit.virtual.gp import ber, crypto, curves
from cardkit.virtual.gp.keysets import CardKeyEntry, KeyRing, KeySet
from cardkit.virtual.gp.protection import Behaviour, Command
from cardkit.virtual.gp.scp11_certificates import parse as parse_certificate
from cardkit.virtual.gp.session import SecureChannel, State

KVN, CA_KID = 0x03, 0x10
YEAR = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
OK = b"\x90\x00"
PRIME = (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
BRAINPOOL = (ec.BrainpoolP256R1(), ec.BrainpoolP384R1(), ec.BrainpoolP512R1())
CURVES = dict(zip((0, 1, 2, 3, 5, 7), PRIME + BRAINPOOL, strict=True))
DIGESTS = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512(), 521: hashes.SHA512()}
PARAMETERS = {0x11: 1, 0x13: 0, 0x15: 3}


def key(number, reference=0):
    return ec.derive_private_key(number, CURVES[reference])


CA, SUB_CA, ENTITY, EPHEMERAL = (key(number) for number in (0x1111, 0x5555, 0x6666, 0x22222222))


def scalar(private):
    size = (private.curve.key_size + 7) // 8
    return private.private_numbers().private_value.to_bytes(size, "big")


def point(private):
    return curves.point_of(private.public_key())


def make_channel(static, kid, *, random=None, allow=None, ca=CA, reference=0, **behaviour):
    entries = {
        kid: CardKeyEntry(kid, KVN, 0xB1, scalar(static), more=((0xF0, bytes((reference,))),)),
        CA_KID: CardKeyEntry(CA_KID, KVN, 0xB0, point(ca)),
    }
    return SecureChannel(
        KeyRing(KeySet(KVN, 0x11, 0, entries)),
        bytes.fromhex("A000000151000000"),
        kdd=bytes(10),
        random=random or (lambda size: bytes(size - 4) + b"\x33\x33\x33\x33"),
        behaviour=Behaviour(**behaviour),
        allow_lists=allow,
    )


def x509_certificate(subject, issuer, *, serial=2, ca=False, usage=True, constraints=True):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(subject.public_key())
        .serial_number(serial)
        .not_valid_before(YEAR)
        .not_valid_after(YEAR)
    )
    if usage:
        bits = x509.KeyUsage(False, False, False, False, not ca, ca, False, False, False)
        builder = builder.add_extension(bits, critical=True)
    if constraints:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.sign(issuer, hashes.SHA256()).public_bytes(Encoding.DER)


def gp_certificate(subject, issuer, *, serial=b"\x02", usage=b"\x00\x80", reference=0, extra=(), without=()):
    objects = {
        0x93: serial,
        0x42: b"CA",
        0x5F20: b"ENTITY",
        0x95: usage,
        0x5F24: bytes.fromhex("20440101"),
        **dict(extra),
        0x7F49: ber.build(0xB0, point(subject)) + ber.build(0xF0, bytes((reference,))),
    }
    body = b"".join(ber.build(tag, value) for tag, value in objects.items() if tag not in without)
    size = (issuer.curve.key_size + 7) // 8
    r, s = decode_dss_signature(issuer.sign(body, ec.ECDSA(DIGESTS[issuer.curve.key_size])))
    return ber.build(0x7F21, body + ber.build(0x5F37, r.to_bytes(size, "big") + s.to_bytes(size, "big")))


def show(channel, *certificates, kid=CA_KID):
    for number, certificate in enumerate(certificates, 1):
        more = 0x80 if number < len(certificates) else 0
        assert channel.open(Command(0x80, 0x2A, KVN, kid | more, certificate, extended=True)) == b""


def agreement(kid, ephemeral=EPHEMERAL, *, usage="3C", size="10", key_type="88", parameter=None, raw=None):
    identifier = bytes((0x11, PARAMETERS[kid] if parameter is None else parameter))
    parts = ((0x95, usage), (0x80, key_type), (0x81, size))
    control = ber.build(0x90, identifier) + b"".join(ber.build(tag, bytes.fromhex(value)) for tag, value in parts)
    data = ber.build(0xA6, control) + ber.build(0x5F49, point(ephemeral) if raw is None else raw)
    return Command(0x80, 0x88 if kid == 0x13 else 0x82, KVN, kid, data)


class Host11:
    """The off-card entity after the agreement: SCP03 with the receipt as chaining value."""

    def __init__(self, command, answer, static, kid, ephemeral=EPHEMERAL, entity=ENTITY):
        parts = ber.parse(answer)
        assert [tag for tag, _ in parts] == [0x5F49, 0x86]
        own = ec.EllipticCurvePublicKey.from_encoded_point(static.curve, parts[0][1])
        assert (parts[0][1] == point(static)) == (kid == 0x15)
        shared = ephemeral.exchange(ec.ECDH(), own)
        shared += (ephemeral if kid == 0x13 else entity).exchange(ec.ECDH(), static.public_key())
        control = dict(ber.parse(ber.parse(command.data)[0][1]))
        size = control[0x81][0]
        keys = crypto.x963_kdf(shared, control[0x95] + control[0x80] + control[0x81], 5 * size)
        receipt_key, self.enc, self.mac, self.rmac, self.dek = (keys[at : at + size] for at in range(0, 5 * size, size))
        assert parts[1][1] == crypto.aes_cmac(receipt_key, command.data + ber.build(0x5F49, parts[0][1]))
        self.chain = parts[1][1]
        self.encrypts = control[0x95] == b"\x3c"

    def iv(self, first):
        return crypto.aes_ecb(self.enc, bytes((first,)) + (1).to_bytes(15, "big"))

    def first_command(self, channel, m=8):
        """STORE DATA of three bytes, answered by two."""
        data = crypto.aes_cbc(self.enc, crypto.pad80(b"abc", 16), self.iv(0)) if self.encrypts else b"abc"
        head = bytes((0x84, 0xE2, 0x80, 0, len(data) + m))
        self.chain = crypto.aes_cmac(self.mac, self.chain + head + data)
        assert channel.unwrap(Command(0x84, 0xE2, 0x80, 0, data + self.chain[:m])) == b"abc"
        body = channel.wrap_response(b"xy", OK)
        data, mac = body[:-m], body[-m:]
        assert mac == crypto.aes_cmac(self.rmac, self.chain + data + OK)[:m]
        if self.encrypts:
            data = crypto.unpad80(crypto.aes_cbc_decrypt(self.enc, data, self.iv(0x80)), 16)
        assert data == b"xy"


@pytest.mark.parametrize("kid", [0x11, 0x13, 0x15])
def test_session_recorded_with_yubikit(vectors, apdu, kid):
    (entry,) = (e for e in vectors("gp_scp11") if int(e["in"]["kid"], 16) == kid)
    given, out = entry["in"], entry["out"]
    channel = make_channel(
        key(int(given["sk_sd_ecka"], 16)), kid, random=lambda size: bytes.fromhex(given["esk_sd_ecka"])
    )
    if kid != 0x13:
        recorded = parse_certificate(bytes.fromhex(given["oce_certificate_x509_der"]))
        entity = key(int(given["sk_oce_ecka"], 16))
        assert (recorded.key, recorded.serial) == (entity.public_key(), 2)
        show(channel, x509_certificate(entity, CA))  # the CA of the recording is not known
    data = bytes.fromhex(given["key_agreement_command_data"])
    answer = channel.open(Command(0x80, 0x88 if kid == 0x13 else 0x82, KVN, kid, data))
    assert answer.hex().upper() + "9000" == out["response"]
    assert channel.level == 0x33 | (0x40 if kid == 0x13 else 0x80)
    for plain, wrapped in zip(given["commands"], out["commands"], strict=True):
        assert channel.unwrap(apdu(wrapped["wrapped"])) == apdu(plain["plain"]).data
        clear = bytes.fromhex(wrapped["plain_response"])
        body = channel.wrap_response(clear[:-2], clear[-2:])
        assert (body + clear[-2:]).hex().upper() == plain["response"]
    sensitive = crypto.aes_cbc(bytes.fromhex(out["s_dek"]), bytes(16))
    assert channel.decrypt_sensitive(sensitive) == bytes(16)


@pytest.mark.parametrize("kid", [0x11, 0x13, 0x15])
@pytest.mark.parametrize("size", [0x10, 0x18, 0x20])
@pytest.mark.parametrize(("usage", "level"), [("3C", 0x33), ("34", 0x11)])
def test_all_forms_key_sizes_and_levels(kid, size, usage, level):
    static = key(0x777)
    channel = make_channel(static, kid)
    if kid != 0x13:
        show(channel, x509_certificate(ENTITY, CA))
    command = agreement(kid, usage=usage, size=f"{size:02X}")
    answer = channel.open(command)
    assert channel.level & 0x3F == level
    assert (channel.authenticated, channel.any_authenticated) == (kid != 0x13, kid == 0x13)
    Host11(command, answer, static, kid).first_command(channel)


@pytest.mark.parametrize("reference", CURVES)
def test_all_curves(reference):
    static, ephemeral = key(0x777, reference), key(0x22222222, reference)
    draws = iter([b"\xff" * 66, bytes(66)])  # beyond the order, then zero: drawn again
    channel = make_channel(
        static, 0x13, reference=reference, random=lambda size: next(draws, bytes(size - 1) + b"\x11")[-size:]
    )
    command = agreement(0x13, ephemeral)
    Host11(command, channel.open(command), static, 0x13, ephemeral).first_command(channel)


def test_sixteen_byte_macs():
    static = key(0x777)
    channel = make_channel(static, 0x13, scp11_i=0x42)
    command = agreement(0x13)
    Host11(command, channel.open(command), static, 0x13).first_command(channel, 16)


def test_a_source_of_zeros_makes_no_key(refusal):
    assert refusal(make_channel(key(1), 0x13, random=bytes).open, agreement(0x13)) == "6F00"


LONG_FORM = ber.build(0x7F21, ber.parse(gp_certificate(ENTITY, CA))[0][1].replace(b"\x5f\x37\x40", b"\x5f\x37\x81\x40"))


def opens(channel, entity=ENTITY):
    command = agreement(0x11)
    Host11(command, channel.open(command), key(0x777), 0x11, entity=entity).first_command(channel)
    return True


def fresh(**options):
    return make_channel(key(0x777), 0x11, **options)


def test_chain_with_and_without_its_root():
    root = x509_certificate(CA, CA, ca=True)
    bare_root = x509_certificate(CA, CA, usage=False, constraints=False)
    middle, leaf = x509_certificate(SUB_CA, CA, ca=True), x509_certificate(ENTITY, SUB_CA)
    for chain in ((middle, leaf), (root, middle, leaf), (bare_root, middle, leaf)):
        channel = fresh()
        show(channel, *chain)
        assert opens(channel)


def test_chain_of_globalplatform_certificates():
    channel = fresh()
    show(channel, gp_certificate(SUB_CA, CA, usage=b"\x82"), gp_certificate(ENTITY, SUB_CA))
    assert opens(channel)
    channel = fresh()
    show(
        channel, x509_certificate(SUB_CA, CA, ca=True), gp_certificate(ENTITY, SUB_CA, extra={0x53: b"x", 0xBF20: b"y"})
    )
    assert opens(channel)


@pytest.mark.parametrize("reference", CURVES)
def test_the_hash_goes_with_the_curve_of_the_issuer(reference):
    issuer = key(0x1234, reference)
    parse_certificate(gp_certificate(ENTITY, issuer)).verify(issuer.public_key())


@pytest.mark.parametrize("make", [x509_certificate, gp_certificate])
def test_a_certificate_may_come_in_pieces(make):
    certificate, channel = make(ENTITY, CA), fresh()
    parts = [certificate[at : at + 100] for at in range(0, len(certificate), 100)]
    for part in parts[:-1]:
        assert channel.open(Command(0x80, 0x2A, KVN | 0x80, CA_KID, part)) == b""
    assert channel.open(Command(0x80, 0x2A, KVN, CA_KID, parts[-1])) == b""
    assert opens(channel)


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        (x509_certificate(ENTITY, SUB_CA), "6982"),
        (gp_certificate(ENTITY, SUB_CA), "6982"),
        (x509_certificate(ENTITY, CA, ca=True), "6982"),
        (gp_certificate(ENTITY, CA, usage=b"\x82"), "6982"),
        (x509_certificate(ENTITY, CA)[:-1], "6A80"),
        (x509_certificate(ENTITY, CA) + b"\x00", "6A80"),
        (gp_certificate(ENTITY, CA)[:-1], "6A80"),
        (gp_certificate(ENTITY, CA) * 2, "6A80"),
        (gp_certificate(ENTITY, CA, without=(0x42,)), "6A80"),
        (gp_certificate(ENTITY, CA, without=(0x7F49,)), "6A80"),
        (gp_certificate(ENTITY, CA, reference=4), "6A80"),
        (gp_certificate(ENTITY, CA, reference=1), "6A80"),
        (gp_certificate(ENTITY, CA, extra={0x99: b""}), "6A80"),
        (gp_certificate(ENTITY, CA, extra={0x5F25: b" 24"}), "6A80"),  # behind 5F24
        (LONG_FORM, "6A80"),
        (b"", "6A80"),
        (b"\x7f\x21\x00", "6A80"),
        (bytes(5000), "6A80"),
    ],
    ids=[str(number) for number in range(18)],  # signatures differ from run to run
)
def test_certificates_refused(refusal, certificate, expected):
    channel = fresh()
    show(channel, x509_certificate(ENTITY, CA))
    assert refusal(channel.open, Command(0x80, 0x2A, KVN, CA_KID, certificate, extended=True)) == expected
    assert refusal(channel.open, agreement(0x11)) == "6985"


def test_a_leaf_certifies_nobody(refusal):
    for leaf in (x509_certificate(SUB_CA, CA), gp_certificate(SUB_CA, CA), x509_certificate(SUB_CA, CA, usage=False)):
        assert refusal(fresh().open, Command(0x80, 0x2A, KVN, CA_KID | 0x80, leaf)) == "6982"


def test_every_bit_of_a_certificate_counts(refusal):
    certificate = gp_certificate(ENTITY, CA)
    for at in range(len(certificate)):
        wrong = bytearray(certificate)
        wrong[at] ^= 1 << at % 8
        assert refusal(fresh().open, Command(0x80, 0x2A, KVN, CA_KID, bytes(wrong))) in ("6982", "6A80")


def test_which_keys_are_keys_of_a_ca(refusal):
    certificate = x509_certificate(ENTITY, CA)
    for kvn, kid in ((KVN, 0x11), (KVN, 0x21), (0x04, CA_KID), (KVN, 0x0F)):
        assert refusal(fresh().open, Command(0x80, 0x2A, kvn, kid, certificate)) == "6A88"
    channel = fresh()
    channel.keys.sets[KVN].keys[CA_KID] = CardKeyEntry(CA_KID, KVN, 0xB1, scalar(CA))
    assert refusal(channel.open, Command(0x80, 0x2A, KVN, CA_KID, certificate)) == "6A88"


def test_another_ca_key_begins_another_chain(refusal):
    channel = fresh()
    channel.keys.sets[KVN].keys[0x20] = CardKeyEntry(0x20, KVN, 0xB0, point(SUB_CA))
    channel.open(Command(0x80, 0x2A, KVN, CA_KID | 0x80, x509_certificate(CA, CA, ca=True)))
    show(channel, x509_certificate(ENTITY, SUB_CA), kid=0x20)
    assert opens(channel)


def test_allow_list_names_the_certificates_a_ca_may_vouch_for(refusal):
    allow = {(KVN, CA_KID): {7, 9}}
    for make, seven, eight in ((x509_certificate, 7, 8), (gp_certificate, b"\x07", b"\x00\x08")):
        channel = fresh(allow=allow)
        assert refusal(channel.open, Command(0x80, 0x2A, KVN, CA_KID, make(ENTITY, CA, serial=eight))) == "6982"
        show(channel, make(ENTITY, CA, serial=seven))
        assert opens(channel)
    assert (
        refusal(fresh(allow={(KVN, CA_KID): ()}).open, Command(0x80, 0x2A, KVN, CA_KID, x509_certificate(ENTITY, CA)))
        == "6982"
    )


def test_a_certificate_serves_one_agreement(refusal):
    channel = fresh()
    show(channel, x509_certificate(ENTITY, CA))
    assert opens(channel)
    assert refusal(channel.open, agreement(0x11)) == "6985"


@pytest.mark.parametrize("end", ["reset", "initialize_update"])
def test_select_and_initialize_update_forget_certificates(refusal, end):
    channel = fresh()
    show(channel, x509_certificate(ENTITY, CA))
    if end == "reset":
        channel.reset()
    else:
        assert refusal(channel.open, Command(0x80, 0x50, 0x42, 0, bytes(8))) == "6A88"
    assert refusal(channel.open, agreement(0x11)) == "6985"


# Refused agreements

OFF_CURVE = point(EPHEMERAL)[:-1] + bytes((point(EPHEMERAL)[-1] ^ 1,))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (agreement(0x13, raw=OFF_CURVE), "6A80"),
        (agreement(0x13, raw=b"\x00"), "6A80"),
        (agreement(0x13, raw=b""), "6A80"),
        (agreement(0x13, raw=bytes(65)), "6A80"),
        (agreement(0x13, raw=b"\x04" + bytes(64)), "6A80"),
        (agreement(0x13, raw=b"\x02" + point(EPHEMERAL)[1:33]), "6A80"),
        (agreement(0x13, key(5, 3)), "6A80"),
        (agreement(0x13, parameter=1), "6A80"),
        (agreement(0x13, usage="38"), "6A80"),
        (agreement(0x13, usage=""), "6A80"),
        (agreement(0x13, key_type="80"), "6A80"),
        (agreement(0x13, size="11"), "6A80"),
        (agreement(0x13)._replace(data=agreement(0x13).data + b"\x00"), "6A80"),
        (agreement(0x13)._replace(data=b""), "6A80"),
        (agreement(0x13)._replace(p1=0x09), "6A88"),
        (agreement(0x13)._replace(ins=0x82), "6A86"),
        (agreement(0x11)._replace(ins=0x88), "6A86"),
        (agreement(0x13)._replace(p2=0x12), "6A86"),
        (agreement(0x11), "6A88"),
    ],
)
def test_agreements_refused(refusal, command, expected):
    channel = make_channel(key(0x777), 0x13)
    assert refusal(channel.open, command) == expected
    assert (channel.state, channel.level) == (State.NONE, 0)


def test_only_the_forms_of_the_parameter_are_offered(refusal):
    assert refusal(make_channel(key(0x777), 0x13, scp11_i=0x11).open, agreement(0x13)) == "6A86"
    assert not make_channel(key(0x777), 0x13, scp11_i=0).opens(agreement(0x13))


def test_version_00_means_the_first_key_of_that_identifier():
    assert make_channel(key(0x777), 0x13).open(agreement(0x13)._replace(p1=0))


def test_an_agreement_replaces_an_open_session_and_a_bad_one_ends_it(refusal):
    channel = make_channel(key(0x777), 0x13)
    channel.open(agreement(0x13))
    assert refusal(channel.open, agreement(0x13, raw=OFF_CURVE)) == "6A80"
    assert channel.state is State.NONE
    channel.open(agreement(0x13))
    assert refusal(channel.unwrap, Command(0x80, 0xCA, 0, 0x66, b"")) == "6982"
    assert channel.state is State.ABORTED
    channel.open(agreement(0x13))
    assert channel.any_authenticated
