"""SCP11 on a channel, against key agreements another host recorded."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.agreement import Agreement, HostIdentity
from cardkit.apps.gp.client import SecurityDomain
from cardkit.channel import Channel
from cardkit.crypto import MemoryKeyStore, Usage
from cardkit.crypto.private import PrivateKey
from cardkit.errors import AuthenticationError, CardkitError, NotFoundError, ProfileError, ProtocolError, StatusError
from cardkit.secure.certificates import X509Certificate
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Quirks, decode_parameters
from cardkit.secure.scp11 import Variant
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection

from .conftest import FCI, SELECT, CardMaker, Script, load

CASES = {case["in"]["kid"]: case for case in load("gp_scp11.json")}
VARIANTS = {"11": Variant.A, "13": Variant.B, "15": Variant.C}
P256 = ec.SECP256R1()
KVN = 0x03
_CA = (0x02, 0x10)
PARAMETERS = decode_parameters(0x11, 0x17)


def private(hex_value: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int(hex_value, 16), P256)


def _pkcs8(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def wanted(case: dict[str, Any], **changes: Any) -> tuple[MemoryKeyStore, Agreement]:
    inputs = case["in"]
    store, host = MemoryKeyStore(), None
    if "sk_oce_ecka" in inputs:
        store.add("test:host", PrivateKey(_pkcs8(private(inputs["sk_oce_ecka"])), "host", Usage.AGREE))
        certificate = X509Certificate(bytes.fromhex(inputs["oce_certificate_x509_der"]))
        host = HostIdentity("test:host", (certificate,), *_CA)
    values: dict[str, Any] = {
        "variant": VARIANTS[inputs["kid"]],
        "kvn": KVN,
        "level": SecurityLevel(0x33),
        "ephemeral": private(inputs["esk_oce_ecka"]),
        "card_key": private(inputs["sk_sd_ecka"]).public_key(),
        "host": host,
        "parameters": PARAMETERS,
        "quirks": Quirks(enc_empty_data=True),
    }
    return store, Agreement(**values | changes)


def present(case: dict[str, Any]) -> list[Script]:
    certificate = bytes.fromhex(case["in"].get("oce_certificate_x509_der", ""))
    if not certificate:
        return []
    lc = f"00{len(certificate):04X}"
    return [(f"802A{_CA[0]:02X}{_CA[1]:02X}{lc}{certificate.hex()}0100", "9000")]


def agree(case: dict[str, Any], answer: str = "") -> Script:
    data = case["in"]["key_agreement_command_data"]
    ins = "88" if case["in"]["kid"] == "13" else "82"
    return f"80{ins}{KVN:02X}{case['in']['kid']}{len(data) // 2:02X}{data}00", answer or case["out"]["response"]


def selected(scripted: CardMaker, *script: Script, extended: bool = True) -> SecurityDomain:
    connection = LoopbackConnection(scripted((SELECT, FCI), *script), protocol=TransmissionProtocol.T1)
    return SecurityDomain.select(Channel(connection, extended=extended))


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case["name"])
def test_recorded_agreement_and_what_follows_it(case: dict[str, Any], scripted: CardMaker) -> None:
    recorded, out = case["in"]["commands"][0], case["out"]["commands"][0]
    domain = selected(scripted, *present(case), agree(case), (out["wrapped"] + "0000", recorded["response"]))
    store, agreement = wanted(case)
    session = domain.open_scp11(store, agreement)
    assert session.level == 0x33
    command = CommandAPDU.parse(bytes.fromhex(recorded["plain"] + "000000"))
    assert domain.send(command, what="GET DATA").hex().upper() + "9000" == out["plain_response"]
    assert domain.dek().block_size == 16


def test_certificate_in_segments_where_the_card_takes_nothing_long(scripted: CardMaker) -> None:
    case = CASES["11"]
    certificate = case["in"]["oce_certificate_x509_der"]
    first, last = certificate[:510], certificate[510:]
    script = [
        (f"802A8210FF{first}", "9000"),
        (f"802A0210{len(last) // 2:02X}{last}00", "9000"),
        agree(case),
    ]
    domain = selected(scripted, *script, extended=False)
    assert not domain.open_scp11(*wanted(case)).ended


@pytest.mark.parametrize(
    ("answer", "error"), [("6982", AuthenticationError), ("6300", AuthenticationError), ("6A88", StatusError)]
)
def test_refused_agreement_is_not_repeated(answer: str, error: type[CardkitError], scripted: CardMaker) -> None:
    case = CASES["13"]
    domain = selected(scripted, agree(case, answer))
    with pytest.raises(error):
        domain.open_scp11(*wanted(case))
    assert domain.session is None


def test_wrong_receipt_ends_it(scripted: CardMaker) -> None:
    case = CASES["13"]
    wrong = case["out"]["response"].replace("900C31B8", "900C31B9")
    domain = selected(scripted, agree(case, wrong))
    with pytest.raises(AuthenticationError, match="wrong receipt"):
        domain.open_scp11(*wanted(case))


def test_refused_certificate_ends_it_before_the_agreement(scripted: CardMaker) -> None:
    case = CASES["11"]
    command, _ = present(case)[0]
    with pytest.raises(StatusError, match="certificate 1 of 1: card answered 6A80"):
        selected(scripted, (command, "6A80")).open_scp11(*wanted(case))


def test_options_are_those_the_card_names(scripted: CardMaker) -> None:
    case = CASES["13"]
    data = "6610 730E 640C 060A 2A864886FC6B04119B06 9000"
    domain = selected(scripted, ("80CA006600", data), agree(case))
    store, agreement = wanted(case, parameters=None)
    assert str(domain.open_scp11(store, agreement).parameters) == "SCP11 i=9B06"


def test_card_that_names_no_scp11(scripted: CardMaker) -> None:
    domain = selected(scripted, ("80CA006600", "6A88"))
    with pytest.raises(ProfileError, match="does not name it"):
        domain.open_scp11(*wanted(CASES["13"], parameters=None))


def test_certificates_of_a_key(scripted: CardMaker) -> None:
    certificate = CASES["11"]["in"]["oce_certificate_x509_der"]
    store = f"BF2182{len(certificate) // 2:04X}{certificate}"
    domain = selected(
        scripted,
        ("80CABF2106A6048302110300", store + "9000"),
        ("80CABF2106A6048302130300", "6A88"),
        ("80CABF2106A6048302150300", "BF2100" + "9000"),
    )
    (read,) = domain.certificates(KVN, 0x11)
    assert read.raw.hex().upper() == certificate
    with pytest.raises(NotFoundError, match="key 13/03"):
        domain.certificates(KVN, 0x13)
    with pytest.raises(ProtocolError, match="got none"):
        domain.certificates(KVN, 0x15)
