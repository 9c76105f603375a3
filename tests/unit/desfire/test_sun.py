"""SUN messages and originality signatures: NXP's examples and other people's, and what must not pass."""

import json
import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from cardkit.apps.desfire.originality import PUBLIC_KEYS, signed_by
from cardkit.apps.desfire.sun import SunMessage, check_rising, open_sun, template_of
from cardkit.cli.transit_sdm import sdm
from cardkit.crypto import Secret
from cardkit.crypto.lrp import Lrp
from cardkit.crypto.originality import verifies
from cardkit.crypto.sdm import FileRead, PiccData, open_picc_data
from cardkit.errors import AuthenticationError, EncodingError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "ntag424_sdm.json").read_text(encoding="utf-8"))
ZEROS = Secret(bytes(16), "zeros")
URL = "https://ntag.nxp.com/424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"
PLAIN = "https://a.example/?uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3"
LRP_URL = (
    "any.domain/?m=65628ED36888CF9C84797E43ECACF114C6ED9A5E101EB592x4ADE304B5AB9474CB40AFFCAB0607A85x87E287E8135BFC06"
)


def of(*ops):
    found = [vector for vector in VECTORS if vector["in"]["op"] in ops]
    return pytest.mark.parametrize("vector", found, ids=lambda vector: vector["name"])


def unhex(text):
    return bytes.fromhex(text)


def secret(text):
    return Secret(unhex(text), "vector")


def opened(url, template="", meta=ZEROS, key=ZEROS, **options):
    return open_sun(url, template or template_of(url), meta, lambda uid: nullcontext(key), **options)


@of("sun-aes", "sun-lrp")
def test_published_messages(vector):
    given, expected = vector["in"], vector["out"]
    lrp = given["op"] == "sun-lrp"
    picc = open_picc_data(secret(given["K_SDMMetaRead"]), unhex(given["PICCENCData"]))
    reading = FileRead(secret(given["K_SDMFileRead"]), picc, lrp=lrp)

    assert (expected["UID"], expected["SDMReadCtr"]) == (picc.uid.hex(), picc.counter)
    assert expected["SDMMAC"] == reading.mac(given["mac_input_ascii"].encode()).hex()
    if given["SDMENCFileData"]:
        data = reading.decrypt(unhex(given["SDMENCFileData"]))
        assert expected.get("file_data", expected.get("file_data_ascii", "").encode().hex()) == data.hex()


@of("sun-plain-mirror")
def test_published_message_in_clear(vector):
    given = vector["in"]
    picc = PiccData(unhex(given["UID"]), given["SDMReadCtr"])
    assert vector["out"]["SDMMAC"] == FileRead(secret(given["K_SDMFileRead"]), picc, lrp=False).mac(b"").hex()


@of("lrp-cmac")
def test_published_session_master(vector):
    assert vector["out"]["mac"] == Lrp(secret(vector["in"]["key"])).cmac(unhex(vector["in"]["msg"])).hex()


def test_a_url_of_the_application_note():
    assert opened(URL) == SunMessage(unhex("04DE5F1EACC040"), 61, b"", lrp=False)
    assert opened(PLAIN) == SunMessage(unhex("041E3C8A2D6B80"), 6, b"", lrp=False)


def test_a_text_with_marks_of_its_own():
    found = opened(LRP_URL, "{start}any.domain/?m={picc}x{enc}x{mac}")
    assert found == SunMessage(unhex("042E1D222A6380"), 123, b"0102030400000000", lrp=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [("c=94", "c=95"), ("e=EF", "e=EE"), ("e=EF963FF7828658A5", "e=EF963FF7828658A6")],
)
def test_a_changed_text_does_not_pass(old, new):
    assert old in URL
    with pytest.raises((AuthenticationError, EncodingError)):
        opened(URL.replace(old, new))


def test_the_text_counts_as_it_stands_and_not_what_it_means():
    """Lower case is the same number, and another text."""
    with pytest.raises(EncodingError, match="does not fit"):
        opened(URL.replace("EF963F", "ef963f"), template_of(URL))
    with pytest.raises(AuthenticationError, match="SDMMAC"):
        opened(LRP_URL.replace("any.domain", "all.domain"), "{start}all.domain/?m={picc}x{enc}x{mac}")


def test_another_key_opens_nothing():
    with pytest.raises((AuthenticationError, EncodingError)):
        opened(URL, meta=Secret(os.urandom(16), "other"))
    with pytest.raises(AuthenticationError):
        opened(URL, key=Secret(os.urandom(16), "other"))


@pytest.mark.parametrize("text", ["https://a.example/", "https://a.example/?uid=041E3C8A2D6B80"])
def test_a_text_without_a_message_is_refused(text):
    with pytest.raises(EncodingError):
        opened(text)


def test_the_counter_rises_by_one():
    one, two, three = (SunMessage(bytes(7), number, b"", lrp=False) for number in (1, 2, 3))
    check_rising(one, two)
    for before, after in ((one, one), (one, three), (two, one)):
        with pytest.raises(AuthenticationError, match="read counter"):
            check_rising(before, after)
    with pytest.raises(AuthenticationError, match="two cards"):
        check_rising(one, SunMessage(bytes(6) + b"\1", 2, b"", lrp=False))


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_picc_data_of_another_length_are_refused(size):
    with pytest.raises(EncodingError, match=f"{size} bytes"):
        open_picc_data(ZEROS, bytes(size))


# On the command line


def run(*arguments):
    return CliRunner().invoke(sdm, list(arguments), standalone_mode=False)


def test_a_url_on_the_command_line():
    found = run(URL, "--key", "test:desfire-default", "--json")
    assert json.loads(found.stdout) == [{"uid": "04DE5F1EACC040", "counter": "61", "mac": "right, AES", "data": "none"}]
    told = run(LRP_URL, "--key", "test:desfire-default", "--template", "{start}any.domain/?m={picc}x{enc}x{mac}")
    assert "right, LRP" in told.stdout
    assert "30313032303330343030303030303030" in told.stdout


def test_two_readings_on_the_command_line():
    found = run(URL, URL, "--key", "test:desfire-default")
    assert isinstance(found.exception, AuthenticationError)
    assert isinstance(run(URL, URL, URL, "--key", "test:desfire-default").exception, EncodingError)


def test_a_diversified_key_on_the_command_line():
    found = run(URL, "--key", "test:gp-default", "--meta-key", "test:desfire-default", "--diversify", "uid,ascii:N")
    assert isinstance(found.exception, AuthenticationError)
    assert "SDMMAC" in str(found.exception)


# Originality


@of("originality")
def test_published_signatures(vector):
    given = vector["in"]
    key, uid, signature = (unhex(given[name]) for name in ("public_key", "uid", "signature"))

    assert vector["out"]["valid"] == verifies(key, uid, signature)
    assert signed_by(uid, signature) == ("ntag424" if vector["out"]["valid"] else "")
    assert signed_by(uid, signature, [key]) == ("further" if vector["out"]["valid"] else "")


def test_every_published_key_is_on_its_curve():
    for text in PUBLIC_KEYS.values():
        assert not verifies(unhex(text), bytes(7), bytes(56))
    with pytest.raises(EncodingError, match="secp224r1"):
        verifies(b"\x04" + bytes(56), bytes(7), bytes(56))


@pytest.mark.parametrize("size", [0, 55, 57])
def test_a_signature_of_another_length_is_none(size):
    assert not verifies(unhex(PUBLIC_KEYS["ntag424"]), bytes(7), bytes(size))


@pytest.mark.parametrize(
    ("data", "uid", "counter"),
    [("C7 04C767F2066180 010000", "04C767F2066180", 1), ("87 04C767F2066180 010000", "04C767F2066180", None),
     ("40 020100", "", 258)],
)  # fmt: skip
def test_what_is_not_mirrored_is_not_made_up(data, uid, counter):
    assert PiccData.parse(unhex(data)) == PiccData(unhex(uid), counter)
