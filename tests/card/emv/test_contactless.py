"""The contactless side: PPSE, one-step transactions with fast DDA, and the two-step form (sheet payment.md 17)."""

import pytest

from .host import Host, kd, mac
from .issuance import AID, CARD_KEYS, CONTACTLESS_PDOL, IADS, PAN, PPSE, PSE, kcv, parse, record, tlv, tlvs
from .terminal import AAC, ARQC, TC, VALUES

pytestmark = pytest.mark.filterwarnings("ignore")  # the oracle hands 16-byte keys to `cryptography`

STATIC = {"82": "2000", "94": "08010100" + "10010401" + "18010200" + "20010100"}
ONLINE, OFFLINE, CVM, PIN_READER = "20808080", "20004080", "20404080", "24404080"


def qvsdc(issue, *, ctq="8000", iad="06011103000000", image="emv-cps", records=None, **changes):
    fci = tlv("A5", tlvs({"50": "4E45555452414C", "87": "01", "9F38": CONTACTLESS_PDOL}))
    options = tlvs(STATIC | {"57": f"{PAN}D2912201"})
    internal = tlvs({"9F10": iad, "9F6C": ctq, "9F6B": "000000005000"})
    dgis = {"_9103": fci, "_B104": options, "_0E01": internal, "_0401": record(records or {"9F69": "01" + "00" * 6})}
    without_57 = {"_0101": record({"5F20": "432F43"})}
    return issue(image=image, contactless=True, aip="2000", **dgis, **without_57, **changes)


def tap(terminal, ttq=ONLINE, **values):
    """PPSE, application, GET PROCESSING OPTIONS; the tags of the answer."""
    terminal.power()
    directory = terminal.select(PPSE)
    entry = parse(parse(directory["BF0C"])["61"])
    assert entry["4F"].hex().upper() == AID
    terminal.select(AID)
    terminal.values.update({"9F66": ttq, "95": "0000000000", "9F02": VALUES["9F02"], **values})
    return terminal.initiate().tags


@pytest.fixture
def used(issue):
    """A card that has been online by contact, so that it approves offline."""

    def make(name="vsdc18", **options):
        terminal, host = qvsdc(issue, **options), Host(name)
        terminal.start()
        first = terminal.generate(ARQC)
        terminal.generate(TC, second=True, _91=host.response(first))
        return terminal

    return make


def cvn17(terminal, fields):
    data = bytes.fromhex(terminal.values["9F02"] + terminal.values["9F37"]) + fields["9F36"] + fields["9F10"][4:5]
    key = CARD_KEYS[0]
    return mac.mac_iso9797_3(key[:8], key[8:], data, 1)


@pytest.mark.parametrize("image", ["emv-cps", "emv-cps-t0"])
def test_an_online_cryptogram_in_one_command(issue, image):
    terminal = qvsdc(issue, image=image)
    fields = tap(terminal)
    assert fields["9F27"] == b"\x80"
    assert fields["9F36"] == b"\x00\x01"
    assert fields["9F6C"] == b"\x00\x00"
    assert fields["57"].hex().upper() == f"{PAN}D2912201"
    assert fields["9F26"] == cvn17(terminal, fields)
    assert terminal.afl == b"", "nothing to read"
    assert terminal.status("80AE80001D" + "00" * 29) == "6985"


def test_version_18_covers_the_same_as_by_contact(issue):
    terminal = qvsdc(issue, iad="06011203000000")
    fields = tap(terminal)
    key = kd.derive_common_sk(CARD_KEYS[0], fields["9F36"] + bytes(6))
    names = ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37")
    sent = b"".join(bytes.fromhex(terminal.values[tag]) for tag in names)
    expected = mac.mac_iso9797_3(key[:8], key[8:], sent + b"\x20\x00" + fields["9F36"] + fields["9F10"], 2)
    assert fields["9F26"] == expected


def fast_dda(terminal, fields):
    """CL-C3 fDDA v1: what was signed, from the answer or the record."""
    terminal.read()
    terminal.keys()
    signature, own = terminal.tags["9F4B"], terminal.tags["9F69"]
    seen = bytes.fromhex(terminal.values["9F37"] + terminal.values["9F02"] + terminal.values["5F2A"]) + own
    number, rest = terminal.signed(signature, seen)
    assert (number, rest) == (fields["9F36"], b"")
    assert own[:1] == b"\x01"
    assert own[5:] == fields["9F6C"]
    return own


def test_an_offline_approval_is_signed(used):
    terminal = used()
    fields = tap(terminal, OFFLINE)
    assert fields["9F27"] == b"\x40"
    one = fast_dda(terminal, fields)
    fields = tap(terminal, OFFLINE)
    assert fast_dda(terminal, fields) != one, "its own number is new"


def test_offline_approvals_are_counted_and_requests_leave_nothing_open(used):
    terminal = used(_0D01="9F1020" + IADS["ccd5"] + "9F51020860", name="ccd5")
    for expected in (1000, 2000):
        assert tap(terminal, OFFLINE)["9F27"] == b"\x40"
        terminal.power().start()
        assert int(terminal.generate(AAC)["9F10"][8:14].hex()) == expected
    assert tap(terminal, ONLINE)["9F27"] == b"\x80"
    terminal.power().start()
    iad = terminal.generate(AAC)["9F10"]
    assert (int(iad[8:14].hex()), iad[4] & 0x01) == (2000, 0)


def test_a_signature_may_stand_in_a_record(used):
    terminal = used(records={"9F69": "01" + "00" * 6, "9F4B": "00" * 128})
    fields = tap(terminal, OFFLINE)
    assert "9F4B" not in fields
    fast_dda(terminal, fields)


def test_files_of_the_issuer_stay_as_they_are(used):
    """Records beyond SFI 10 need be no objects at all."""
    terminal = used(_1501="FF01020304")
    tap(terminal, OFFLINE)
    assert terminal("00B201AC00") == "FF010203049000"


def test_by_contact_the_record_is_as_personalized(used):
    terminal = used(records={"9F69": "01" + "00" * 6, "9F4B": "00" * 128})
    tap(terminal, OFFLINE)
    terminal.select(PSE)
    terminal.select()
    assert terminal.ok("00B2012400").endswith(bytes(128))


def test_a_reader_without_fast_dda_goes_online(used):
    assert tap(used(), "20004000")["9F27"] == b"\x80"


def test_an_offline_reader_gets_no_request(issue, used):
    assert tap(qvsdc(issue), "28004080")["9F27"] == b"\x00", "a new card wants to go online"
    assert tap(used(), "28004080")["9F27"] == b"\x40"


def test_an_online_cryptogram_with_data_authentication(used):
    terminal = used()
    fields = tap(terminal, "21808080")
    assert fields["9F27"] == b"\x80"
    fast_dda(terminal, fields)


@pytest.mark.parametrize(
    ("ttq", "ctq", "expected"),
    [
        ("24C08080", "8000", "8000"),
        ("22C08080", "4000", "4000"),
        ("26C08080", "C000", "8000"),
        ("24808080", "8000", "0000"),
        ("24808080", "2880", "2880"),
    ],
)
def test_cardholder_verification(issue, ttq, ctq, expected):
    assert tap(qvsdc(issue, ctq=ctq), ttq)["9F6C"].hex() == expected


@pytest.mark.parametrize(
    ("ttq", "ctq", "status"), [("20C08080", "8000", "6985"), ("30C08080", "8000", "6984"), ("24C08080", "0000", "6985")]
)
def test_without_a_common_verification_the_card_says_where_to_go(issue, ttq, ctq, status):
    terminal = qvsdc(issue, ctq=ctq)
    terminal.power().select(PPSE)
    terminal.select(AID)
    terminal.values["9F66"] = ttq
    with pytest.raises(Exception, match=status):
        terminal.initiate()
    assert terminal.ok("80CA9F3600").hex() == "9f36020000"


def test_above_its_limit_the_card_wants_a_verification(issue):
    terminal = qvsdc(issue)
    assert tap(terminal, "24808080", **{"9F02": "000000005001"})["9F6C"].hex() == "8000"


def test_a_reader_without_emv_mode(issue):
    terminal = qvsdc(issue)
    terminal.select(PPSE)
    terminal.select(AID)
    terminal.values["9F66"] = "80008000"
    with pytest.raises(Exception, match="6985"):
        terminal.initiate()


def test_interfaces_share_counters(used):
    terminal = used()
    assert tap(terminal)["9F36"] == b"\x00\x02"
    terminal.power().start()
    assert terminal.generate(AAC)["9F36"] == b"\x00\x03"


def test_the_interface_is_that_of_the_directory_last_selected(issue):
    terminal = qvsdc(issue)

    def asks_for_qualifiers():
        return b"\x9f\x66" in terminal.select()["9F38"]

    assert not asks_for_qualifiers()
    terminal.select(PPSE)
    assert asks_for_qualifiers()
    terminal.select(PSE)
    assert not asks_for_qualifiers()
    terminal.select(PPSE)
    terminal.power()
    assert not asks_for_qualifiers()


@pytest.mark.parametrize(("interface", "expected"), [("contact", (False, False)), ("contactless", (True, True))])
def test_the_interface_may_be_fixed(issue, choose, interface, expected):
    terminal = choose(qvsdc(issue), interface=interface)
    found = [b"\x9f\x66" in terminal.select()["9F38"]]
    terminal.select(PPSE)
    found.append(b"\x9f\x66" in terminal.select()["9F38"])
    assert tuple(found) == expected


def test_the_two_step_form_has_its_own_options(issue):
    """Without qualifiers in the PDOL: GET PROCESSING OPTIONS, then GENERATE AC with CDA."""
    fci = tlv("A5", tlvs({"50": "4E45555452414C", "87": "01", "9F38": "9F33039F1A02"}))
    signed = {"82": "1980", "94": STATIC["94"][:24]}
    terminal = issue(contactless=True, _9103=fci, _B104=tlvs(signed))
    terminal.select(PPSE)
    terminal.select()
    assert terminal.initiate().aip.hex() == "1980"
    terminal.read()
    first = terminal.generate(TC)
    assert first["9F27"] == b"\x80"
    assert first["9F26"] == Host("vsdc18").cryptogram(terminal.values, terminal.aip, first)


KCVC3 = bytes.fromhex("6D6425FB9401C21AA1F80451AB85DA3B")


def stripe(issue, **changes):
    """Mag-stripe mode (C-2): track data in a record, a fifth key."""
    fci = tlv("A5", tlvs({"50": "4E45555452414C", "87": "01"}))
    tracks = {"56": "42353132333435" + "30" * 10, "9F6B": "5123456789012345D35121010000000000000F", "9F69": "9F6A04"}
    options = tlvs({"82": "0000", "94": "18010200" + "20010100"})
    keys = {"_8000": b"".join((*CARD_KEYS, KCVC3)).hex(), "_9000": b"".join(map(kcv, (*CARD_KEYS, KCVC3))).hex()}
    dgis = {"_9103": fci, "_B104": options, "_0401": record(tracks)}
    return issue(contactless=True, **{**dgis, **keys, **changes})


def test_mag_stripe_mode(issue):
    terminal = stripe(issue, _9F36="005D")
    terminal.select(PPSE)
    terminal.select()
    assert terminal.status("802A8E800400000899") == "6985"
    terminal.initiate()
    assert terminal.status("802A8E8003000899") == "6700"
    assert terminal.status("802A8E000400000899") == "6A86"
    fields = parse(parse(terminal.ok("802A8E80040000089900"))["77"])
    assert list(fields) == ["9F61", "9F60", "9F36"]
    assert int.from_bytes(fields["9F61"], "big") == 29488, "vector cvv.generate_cvc3 1"
    assert fields["9F36"].hex() == "005e"
    assert terminal.status("802A8E800400000899") == "6985", "once"


def test_mag_stripe_mode_needs_its_key(issue):
    keys = {"_8000": b"".join(CARD_KEYS).hex(), "_9000": b"".join(map(kcv, CARD_KEYS)).hex()}
    terminal = stripe(issue, **keys)
    terminal.select(PPSE)
    terminal.select()
    terminal.initiate()
    assert terminal.status("802A8E800400000899") == "6985"


def test_a_card_for_one_interface_only(issue):
    terminal = qvsdc(issue, _9102=None, _9104=None)
    assert terminal.ok(f"00A4040007{AID}00").hex().upper() == f"6F0B8407{AID}A500"
    assert terminal.status("80A8000002830000") == "6985"
    assert tap(terminal)["9F27"] == b"\x80"


def test_a_blocked_card_declines(issue):
    terminal = qvsdc(issue)
    host = Host("vsdc18")
    terminal.start()
    first = terminal.generate(ARQC)
    assert terminal.status(host.script("841E0000", first)) == "9000"
    terminal.power()
    assert terminal.status(f"00A404000E{PPSE}00") == "9000"
    answer = bytes.fromhex(terminal(f"00A4040007{AID}00"))
    assert answer[-2:] == b"\x62\x83"
    terminal.fci = parse(parse(parse(answer[:-2])["6F"])["A5"])
    terminal.values["9F66"] = ONLINE
    assert terminal.initiate().tags["9F27"] == b"\x00"
