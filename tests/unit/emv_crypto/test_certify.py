"""``cardkit payment certify``: what it writes is what preparation reads."""

import json
import os

import pytest

from cardkit.apps.emv.capk import build_capk, parse_capk
from cardkit.apps.emv.oda.certificate import SignedKey
from cardkit.apps.emv.oda.recover import recover_issuer
from cardkit.cli.app import run
from cardkit.crypto import Secret, Usage, passphrase
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.management import NewKey
from cardkit.encoding import tlv

from .oda_vectors import FOLDER

PHRASE = b"store phrase"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})
    with FileKeyStore.create(tmp_path / "plant.keys", "TEST", Secret(PHRASE, "p")) as made:
        for reference, bits, usage in (("scheme:ca", 1408, Usage.EMV_SIGN), ("bank:issuer", 1152, Usage.EMV_SIGN),
                                       ("bank:dap", 1152, Usage.SIGN)):  # fmt: skip
            der = bytearray((FOLDER / "keys" / f"emv-{bits}-3.der").read_bytes())
            made.import_key(NewKey(reference, f"RSA-{bits}", usage), der)
    return tmp_path


@pytest.fixture
def certify(store, capfd):
    """Run the verb with some options changed; return exit code, stdout and stderr."""

    def call(*more, **changes):
        given = {"authority": "scheme:ca", "issuer": "bank:issuer", "rid": "F0434B4954", "index": "A1",
                 "iin": "999999", "expires": "2034-02", "serial": "00000A", "folder": str(store)} | changes  # fmt: skip
        words = [word for name, value in given.items() for word in (f"--{name}", value)]
        ours, theirs = os.pipe()
        os.write(theirs, PHRASE + b"\n")
        os.close(theirs)
        try:
            code = run(["payment", "certify", "--keys", f"file:{store / 'plant.keys'}", "--passphrase-fd", str(ours),
                        *words, *more])  # fmt: skip
        finally:
            os.close(ours)
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return call


def test_files_recover_to_the_issuer_key(certify, store):
    code, out, err = certify("--json")
    assert (code, err) == (0, "")
    objects = {
        item.tag: item.value for item in tlv.parse(bytes.fromhex((store / "issuer-certificate.hex").read_text()))
    }
    authorities = parse_capk((store / "authorities.capk").read_text(encoding="utf-8"))
    ca = authorities.find(bytes.fromhex("F0434B4954"), objects[0x8F][0])
    signed = SignedKey(objects[0x90], objects.get(0x92, b""), objects[0x9F32])
    certificate = recover_issuer(ca.key, signed, pan="9999990000000014").checked()

    assert (ca.index, ca.test, certificate.identity) == (0xA1, True, "999999FF")
    assert (certificate.serial.hex(), certificate.last_day.isoformat()) == ("00000a", "2034-02-28")
    shown = json.loads(out)
    assert (shown["authority"], shown["checksum"]) == ("F0434B4954 A1", ca.checksum.hex().upper())
    assert (shown["authority_bits"], shown["issuer_bits"]) == (1408, 1152)


def test_words_for_people(certify):
    code, out, _ = certify()

    assert code == 0
    assert "last day" in out
    assert "2034-02-28" in out


def test_certificate_in_use_is_not_overwritten(certify, store):
    assert certify()[0] == 0
    before = (store / "issuer-certificate.hex").read_bytes()
    code, _, err = certify(serial="00000B")

    assert code == 4
    assert "issuer-certificate.hex: is there already, and is never overwritten" in err
    assert (store / "issuer-certificate.hex").read_bytes() == before


@pytest.mark.parametrize(("changes", "message"), [
    ({"issuer": "bank:dap"}, "key bank:dap: usage sign, a certificate needs emv-sign"),
    ({"authority": "bank:issuer", "issuer": "scheme:ca"}, "key of 1408 bits, expected 296 to 1152"),
    ({"index": "0101"}, "index of 2 bytes, expected 1"), ({"iin": "99"}, "owner of 2 characters"),
    ({"serial": "01"}, "serial number of 1 bytes"), ({"rid": "F0"}, "expected a RID of 5 bytes"),
])  # fmt: skip
def test_what_cannot_be_certified(certify, store, changes, message):
    code, _, err = certify(**changes)

    assert code == 4
    assert message in err
    assert not (store / "authorities.capk").exists()


def test_list_is_read_as_it_was_written():
    capk = json.loads((FOLDER / "capk.json").read_text(encoding="utf-8"))
    text = "".join(
        f'[[capk]]\nrid = "{v["in"]["rid"]}"\nindex = "{v["in"]["index"]}"\nmodulus = "{v["in"]["modulus"]}"\n'
        f'exponent = "{v["in"]["exponent"]}"\nexpires = 2030-01-31\ntest = true\n'
        for v in capk[:20]
        if v["out"]["exponent_allowed"] and not v["out"]["conflict"]
    )
    store = parse_capk(text)
    again = parse_capk(build_capk(store))

    assert list(store) == list(again)
    assert len(again) > 10
