"""What a profile or a chip model may not ask for, and values of a record that do not fit: each names what is wrong."""

from __future__ import annotations

import shutil

import pytest

from cardkit.errors import EncodingError, ProfileError
from cardkit.perso import prepare
from cardkit.perso.planner import compiled
from cardkit.profile import load_profile, read_order
from tests.unit.emrtd_states.conftest import PROFILES, seeded


@pytest.fixture
def changed(tmp_path):
    """Return a profile in which texts are replaced."""

    def change(name, *pairs):
        folder = tmp_path / name
        shutil.copytree(PROFILES / name, folder)
        path = folder / "profile.toml"
        text = path.read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return load_profile(folder)

    return change


PACE = 'pace = [{ mapping = "ECDH-GM", cipher = "AES-128", parameters = 13 }]\n'


@pytest.mark.parametrize(
    ("name", "old", "new", "named"),
    [
        ("emrtd-td3", "bac = true\n" + PACE + 'can = "{can}"', "bac = false", "neither BAC nor PACE"),
        ("emrtd-td3", PACE, "", "a CAN needs PACE"),
        ("emrtd-td3", "parameters = 13", "parameters = 2", "parameters 2 are none of ECDH-GM"),
        ("emrtd-td3", "brainpoolP256r1", "brainpoolP257r1", "chip_authentication.curve"),
        ("emrtd-td3", 'curve = "P-256"\nhash = "sha256"', "rsa_bits = 1024", "takes keys on curves"),
        ("residence-permit-td1", "key_id = 2", "key_id = 1", "key_id"),
        ("emrtd-td3-2006", "rsa_bits = 1024", "rsa_bits = 1536", "RSA of 1024 bits"),
        ("emrtd-td3-2006", 'cipher = "3DES"', 'cipher = "AES-128"', "with 3DES"),
        ("emrtd-td3-2006", "bac = true", "bac = true\n" + PACE, "BAC only"),
        ("emrtd-td3", '"signer.cer"', '"face-1.jpg"', "signer.certificate"),
    ],
)
def test_what_a_chip_cannot_do_is_refused(changed, name, old, new, named):
    profile = changed(name, (old, new))
    with pytest.raises(ProfileError, match=named):
        compiled(profile)


def test_two_kinds_of_active_authentication_are_refused(changed):
    with pytest.raises(ProfileError, match="one of them only"):
        changed("emrtd-td3", ('hash = "sha256"\n\n[emrtd.signer]', "rsa_bits = 1024\n\n[emrtd.signer]"))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('can = "{can}"', 'can = "{number}"', "access.can"),
        ('date_of_issue = "{issued}"', 'date_of_issue = "2026"', "date_of_issue"),
        ("issuing_authority =", "issuing_office =", "issuing_office"),
    ],
)
def test_a_value_that_does_not_fit_is_named(changed, old, new, named):
    profile = changed("emrtd-td3", (old, new))
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    with pytest.raises(EncodingError, match=named):
        prepare(profile, record, keystore, seeded("a"))
