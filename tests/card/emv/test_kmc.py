"""Chips whose keys follow from a master key and their key diversification data (EMV CPS 2.0)."""

import json

import pytest

from cardkit.virtual import ImageError, load_image, make_card
from cardkit.virtual.gp.diversification import derived_key

from .bureau import OK, Bureau
from .issuance import KMC, VECTORS, card, des3, kcv
from .terminal import Terminal

KDF = json.loads((VECTORS / "cps_kdf.json").read_text())


@pytest.mark.parametrize("vector", KDF, ids=lambda vector: vector["name"])
def test_derivation(vector):
    form = "visa2" if "visa2" in vector["name"] else "cps"
    given = {name: bytes.fromhex(value) for name, value in vector["in"].items()}
    key = derived_key(given["kmc"], given["keydata"], form, given["constant"][0])
    assert (key.hex().upper(), kcv(key).hex().upper()) == (vector["out"]["key"], vector["out"]["kcv"])


def keys_of(kdd):
    own = kdd[4:10]
    return [des3(KMC, own + bytes((0xF0, kid)) + own + bytes((0x0F, kid))) for kid in (1, 2, 3)]


def test_a_bureau_that_derives_its_keys_personalizes_any_chip():
    for seed in (1, 2):
        virtual = make_card("emv-cps-kmc", seed=seed)
        assert keys_of(b"VGP4" + virtual.serial) != [KMC] * 3
        bureau = Bureau(virtual, keys=keys_of).open()
        assert bureau.install() == b"\x00" + OK
        assert bureau.target() == b"\x00" + OK
        assert bureau.store_all(card()) == OK
        Terminal(virtual).power().start().keys()


def test_the_master_key_itself_opens_nothing():
    with pytest.raises(AssertionError):
        Bureau(make_card("emv-cps-kmc", seed=1)).open()


def test_an_unknown_form_is_named(tmp_path):
    path = tmp_path / "image.toml"
    line = 'kvn = 0xFF\nscp = 2\ni = 0x55\nkid = 1\ntype = 0x80\nvalue = "00"\nderive = "hkdf"'
    path.write_text(f'[chip]\nlike = "emv-cps"\nname = "other"\n[[keys]]\n{line}\n')
    with pytest.raises(ImageError, match="derive = 'hkdf', expected one of cps, visa2"):
        load_image(path)
