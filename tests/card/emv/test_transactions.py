"""Whole transactions by a terminal and an issuer that share nothing with the card."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from .host import Host
from .issuance import AID, CARD_KEYS, IADS, ICC, KEYS, ODA, PAN, PKI, RSA, kcv, record
from .terminal import AAC, ARQC, TC, VALUES

pytestmark = pytest.mark.filterwarnings("ignore")  # the oracle hands 16-byte keys to `cryptography`


CA_1984, ISSUER_1984 = RSA(KEYS["CA 1984"]), RSA(KEYS["issuer 1984"])
SIZES = [name for name in KEYS if name[0].isdigit()]


def kind(fields):
    return fields["9F27"][0] & 0xC0


@pytest.mark.parametrize("name", IADS)
def test_online_approval_with_every_cryptogram_version(issue, name):
    terminal, host = issue(name) if name != "ccd6" else issue_aes(issue), Host(name)
    terminal.start()
    first = terminal.generate(TC)
    assert kind(first) == ARQC, "its first transaction"
    assert first["9F26"] == host.cryptogram(terminal.values, terminal.aip, first)
    second = terminal.generate(TC, second=True, _91=host.response(first))
    assert kind(second) == TC
    assert second["9F26"] == host.cryptogram(terminal.values, terminal.aip, second)
    assert second["9F36"] == first["9F36"] == b"\x00\x01"
    assert terminal.ok("80CA9F1300").hex() == "9f13020001"
    terminal.start()
    third = terminal.generate(TC)
    assert kind(third) == TC, "not new any more"
    assert third["9F26"] == host.cryptogram(terminal.values, terminal.aip, third)


def issue_aes(issue):
    values = [Cipher(AES(key), modes.ECB()).encryptor().update(b"\x01" * 16)[:3] for key in CARD_KEYS]
    return issue("ccd6", _9000=b"".join(values).hex())


@pytest.mark.parametrize("name", ["vsdc10", "vsdc18", "mchip14", "ccd5"])
def test_a_wrong_response_cryptogram_is_declined_and_remembered(issue, name):
    terminal, host = issue(name), Host(name)
    terminal.start()
    first = terminal.generate(ARQC)
    wrong = bytearray.fromhex(host.response(first))
    wrong[0] ^= 1
    second = terminal.generate(TC, second=True, _91=wrong.hex())
    assert kind(second) == AAC
    assert terminal.ok("80CA9F1300").hex() == "9f13020000"
    terminal.start()
    assert kind(terminal.generate(TC)) == ARQC


def test_a_status_update_without_approval_declines(issue):
    terminal, host = issue("vsdc18"), Host("vsdc18")
    terminal.start()
    first = terminal.generate(ARQC)
    assert kind(terminal.generate(TC, second=True, _91=host.response(first, approve=False))) == AAC
    assert terminal.ok("80CA9F1300").hex() == "9f13020001", "the issuer was authentic"


def test_external_authenticate(issue):
    terminal, host = issue("vsdc10", aip="3D00"), Host("vsdc10")
    terminal.start()
    first = terminal.generate(ARQC)
    response = host.response(first)
    assert terminal.status(f"008200000A{response}") == "9000"
    assert terminal.status(f"008200000A{response}") == "6985", "once"
    assert kind(terminal.generate(TC, second=True, _91="00" * 10)) == TC
    assert terminal.ok("80CA9F1300").hex() == "9f13020001"


def test_external_authenticate_with_a_status_update(issue):
    """Method 2: 8 bytes, or up to 16 with proprietary data that the update announces."""
    terminal, host = issue("vsdc18", aip="3D00"), Host("vsdc18")
    terminal.start()
    first = terminal.generate(ARQC)
    assert terminal.status(f"0082000008{host.response(first)}") == "9000"
    assert kind(terminal.generate(TC, second=True, _91="00" * 8)) == TC
    terminal.start()
    first = terminal.generate(ARQC)
    own = bytes.fromhex("1122334455667788")
    made = host.version.generate_arpc(first["9F26"], first["9F36"], bytes.fromhex("80820000"), own)
    assert terminal.status(f"0082000010{made.hex()}80820000{own.hex()}") == "9000"
    assert kind(terminal.generate(TC, second=True, _91="00" * 8)) == TC


def test_external_authenticate_is_for_those_who_offer_it(issue):
    terminal = issue("vsdc10", aip="3900")
    terminal.start()
    response = Host("vsdc10").response(terminal.generate(ARQC))
    assert terminal.status(f"008200000A{response}") == "6985"
    assert kind(terminal.generate(TC, second=True, _91=response)) == TC


def test_external_authenticate_with_a_wrong_cryptogram(issue):
    terminal = issue("vsdc10", aip="3D00")
    terminal.start()
    terminal.generate(ARQC)
    assert terminal.status("008200000A" + "00" * 10) == "6300"
    second = terminal.generate(TC, second=True, _91="00" * 10)
    assert kind(second) == AAC
    assert second["9F27"] == b"\x03", "issuer authentication failed"


@pytest.mark.parametrize("protocol", ["emv-cps", "emv-cps-t0"])
@pytest.mark.parametrize("size", ["test PKI", *SIZES])
def test_dda_with_every_key_size(issue, protocol, size):
    pki = PKI(RSA(KEYS[size]), ISSUER_1984, CA_1984) if size in KEYS else PKI()
    terminal = issue(image=protocol, pki=pki)
    assert terminal.directory() == [AID]
    terminal.start()
    assert terminal.keys(pki.ca).n == pki.icc.n
    one, other = terminal.dda(), terminal.dda("00000001")
    assert one != other


@pytest.mark.parametrize("size", ["1152-3", "1408-3", "1640-3", "1024-65537"])
@pytest.mark.parametrize("asked", [AAC, TC, ARQC])
def test_cda_in_both_cryptograms(issue, size, asked):
    terminal, host = issue(pki=PKI(RSA(KEYS[size]), ISSUER_1984, CA_1984)), Host("vsdc18")
    terminal.start()
    terminal.keys(CA_1984)
    first = terminal.generate(asked, cda=True)
    assert first["signed"]
    assert kind(first) == (AAC if asked == AAC else ARQC)
    assert first["9F26"] == host.cryptogram(terminal.values, terminal.aip, first)
    if asked != AAC:
        second = terminal.generate(TC, cda=True, second=True, _91=host.response(first))
        assert second["signed"]
        assert kind(second) == TC
        assert second["9F26"] == host.cryptogram(terminal.values, terminal.aip, second)


def test_a_card_without_dda_does_not_sign(issue):
    parts = {f"_82{number:02X}": None for number in range(1, 6)}
    terminal = issue(aip="1800", **parts)
    terminal.start()
    assert terminal.status("0088000004AABBCCDD00") == "6985"
    assert "signed" not in terminal.generate(TC, cda=True), "what a card cannot do, it is not asked for"


def test_the_dynamic_number_follows_from_its_key_or_is_random(issue):
    keyed, free = issue(), issue(_8000=b"".join(CARD_KEYS[:3]).hex(), _9000=b"".join(map(kcv, CARD_KEYS[:3])).hex())
    for terminal, same in ((keyed, True), (free, False)):
        terminal.start().keys()
        assert (terminal.dda() == terminal.dda()) == same
        terminal.start().keys()
        numbers = {terminal.dda(), terminal.dda("00000001")}
        assert len(numbers) == 2
    aes = issue_aes(issue)
    aes.start().keys()
    assert len(aes.dda()) == 8


def test_without_a_ddol_the_card_expects_the_default(issue):
    terminal = issue(_0204=record({"9F47": "03"}))
    terminal.start().keys()
    assert terminal.dda()
    assert terminal.status("00880000051122334455") == "6700"


def test_domestic_and_foreign_terminals(issue):
    """M/Chip CVR 4.2 and 4.3; the card's country is 5F28."""
    terminal = issue("mchip14")
    terminal.start()
    assert terminal.generate(AAC)["9F10"][5] & 0x06 == 0x02
    terminal.start()
    assert terminal.generate(AAC, _9F1A="0398")["9F10"][5] & 0x06 == 0x04


def test_the_shortest_key_signs_everything(issue):
    """A combined signature of 63 bytes fits 512 bits."""
    parts = {f"_82{number:02X}": part.hex() for number, part in enumerate(RSA(KEYS["short"]).crt(), 1)}
    terminal = issue(**parts)
    terminal.start()
    terminal.icc = RSA(KEYS["short"])
    assert "signed" in terminal.generate(TC, cda=True)


def test_certificates_of_the_test_pki_are_those_of_its_maker():
    certificate, rest = PKI().issuer_certificate()
    expected = ODA["issuer_cert_create: test CA signs the test issuer key, bit-exact"]["out"]
    assert (certificate.hex().upper(), rest.hex().upper()) == (expected["tag_90"], expected["tag_92"])


def test_the_card_tells_what_happened(issue):
    """CVR of CCD (B3 C9), bit by bit over three transactions."""
    terminal, host = issue("ccd5"), Host("ccd5")
    terminal.start()
    assert terminal.status("0020008008" + "241235FFFFFFFFFF") == "63C2"
    assert terminal.status("0088000004AABBCCDD00") == "9000"
    first = terminal.generate(ARQC)["9F10"]
    assert first[3:8].hex() == "a42c000000", "ARQC, second not requested, DDA; 2 tries, PIN failed"
    terminal.start()
    assert terminal.status("0020008008241234FFFFFFFFFF") == "9000"
    fields = terminal.generate(ARQC)
    assert fields["9F10"][3:8].hex() == "a039000000", "3 tries, PIN right; last online not completed"
    second = terminal.generate(TC, second=True, _91=host.response(fields))
    assert second["9F10"][3:8].hex() == "6039000000"
    terminal.start()
    assert terminal.generate(TC)["9F10"][3:8].hex() == "9030000000"


def test_unable_to_go_online(issue):
    terminal = issue("ccd5")
    terminal.start()
    terminal.generate(TC)
    second = terminal.generate(TC, second=True, _8A="5933", _91="00" * 8)
    assert kind(second) == TC
    assert second["9F10"][6] & 0x01
    assert second["9F10"][3] & 0x02, "issuer authentication not performed"


def test_offline_limits_lead_online_and_decline(issue):
    """Lower limits ask for the issuer, upper ones decline when the terminal cannot reach it."""
    internal = "9F1007060112030000009F510208609F5801029F590103"
    terminal, host = issue("vsdc18", _0D01=internal), Host("vsdc18")
    approve(terminal, host)
    kinds = []
    for _ in range(2):
        terminal.start()
        kinds.append(kind(terminal.generate(TC)))
    assert kinds == [TC, TC]
    terminal.start()
    assert kind(terminal.generate(TC)) == ARQC
    assert kind(terminal.generate(TC, second=True, _8A="5933", _91="00" * 8)) == TC, "the third, at its upper limit"
    terminal.start()
    assert kind(terminal.generate(TC)) == ARQC
    assert kind(terminal.generate(TC, second=True, _8A="5933")) == AAC, "the fourth passes it"
    approve(terminal, host)
    terminal.start()
    assert kind(terminal.generate(TC)) == TC, "counters were reset by the issuer"


def approve(terminal, host):
    terminal.values.update(VALUES)
    terminal.start()
    first = terminal.generate(ARQC)
    assert kind(terminal.generate(TC, second=True, _91=host.response(first))) == TC


def test_amounts_are_counted_in_their_currency(issue):
    internal = "9F1020" + IADS["ccd5"] + "9F510208609F5406000000002500"
    terminal, host = issue("ccd5", _0D01=internal), Host("ccd5")
    approve(terminal, host)
    for amount, currency, expected, total in (
        ("000000001000", "0860", TC, 1000),
        ("000000009000", "0398", TC, 1000),
        ("000000001500", "0860", TC, 2500),
        ("000000000001", "0860", ARQC, 2500),
    ):
        terminal.start()
        fields = terminal.generate(TC, _9F02=amount, _5F2A=currency)
        assert kind(fields) == expected
        terminal.start()
        told = terminal.generate(AAC, _9F02="000000000000")["9F10"][8:14].hex()
        assert int(told) == total


@pytest.mark.parametrize(("amount", "expected"), [("000000002000", TC), ("000000002001", AAC)])
def test_an_upper_amount_is_the_most_without_the_issuer(issue, amount, expected):
    terminal = issue("vsdc18", _0D01="9F1007060112030000009F510208609F5C06000000002000")
    terminal.start()
    assert kind(terminal.generate(TC, _9F02=amount)) == ARQC
    assert kind(terminal.generate(TC, second=True, _8A="5933", _91="00" * 8)) == expected


def test_the_log_keeps_the_newest(issue):
    terminal, host = issue(), Host("vsdc18")
    approve(terminal, host)
    for amount in ("000000000011", "000000000022", "000000000033"):
        terminal.start()
        terminal.generate(TC, _9F02=amount)
    terminal.start()
    assert terminal.ok("80CA9F4F00").hex().upper() == "9F4F0E9F02065F2A029A039F36029F2701"
    records = [terminal(f"00B2{number:02X}5C00") for number in (1, 2, 3, 4)]
    assert records == [
        "0000000000330860251122000440" + "9000",
        "0000000000220860251122000340" + "9000",
        "0000000000110860251122000240" + "9000",
        "6A83",
    ]


@pytest.mark.parametrize("image", ["emv-cps", "emv-cps-t0"])
def test_records_read_the_same_over_both_protocols(issue, image):
    terminal = issue(image=image)
    terminal.start()
    assert terminal.tags["5A"].hex() == PAN
    assert terminal.keys().n == ICC.n
