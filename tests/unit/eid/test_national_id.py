"""A national identity card with two chips: one order makes the travel document and the chip with the holder's keys."""

from __future__ import annotations

import pytest

from cardkit.apps.eid.pkcs15 import commands
from cardkit.apps.eid.pkcs15.client import Pkcs15Client
from cardkit.apps.eid.pkcs15.product import DF_PATH
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.groups import parse_dg1
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.names import name_parts
from cardkit.crypto import Secret
from cardkit.perso import Verdict, personalize, plan, prepare, read_identity, verify
from cardkit.profile import load_profile, read_order
from cardkit.virtual import make_card
from tests.unit.eid.conftest import PROFILE, inserted, seeded

FOLDER = PROFILE.parent
ORDER = FOLDER / "national-id-td1" / "order.csv"
IMAGES = {"national-id-td1": "emrtd-applet", "national-id-signature": "pkcs15"}
APPLET = bytes.fromhex("F276A288BCFBA69D34F31001")


def planned(product, row):
    """Return profile, keys, record and plan of a row of the one order."""
    profile = load_profile(FOLDER / product)
    keystore = profile.test_keystore()
    order = read_order(profile, ORDER, keystore)
    assert not order.quarantined
    record = order.records[row - 1]
    return profile, keystore, plan(profile, record, prepare(profile, record, keystore, seeded(product)), keystore)


def made(product, row):
    profile, keystore, todo = planned(product, row)
    chip = make_card(IMAGES[product], seed=row)
    assert personalize(todo, inserted(chip), keystore).verdict is Verdict.GOOD
    assert verify(todo, inserted(chip), keystore).findings == ()
    return profile, chip, todo


@pytest.mark.parametrize("row", [1, 2, 5])
def test_both_chips_are_of_one_person_and_one_number(row):
    _, _, document = made("national-id-td1", row)
    profile, chip, _ = made("national-id-signature", row)
    files = document.blueprint._made().document.files
    mrz = parse_dg1(files["EF.DG1"])
    assert read_identity(profile, inserted(chip)) == ("document_number", mrz.document_number)
    client = Pkcs15Client(inserted(chip).channel)
    client.enter(APPLET)
    client.send(commands.verify(Secret(f"24{row}8{row}0".encode(), "PIN")), "VERIFY")
    personal = client.read(client.select(DF_PATH + b"\x35\x01").size)
    details = Details.parse(11, files["EF.DG11"]).values()
    assert personal.decode() == details["personal_number"]
    certificate = Certificate.parse(client.read(client.select(DF_PATH + b"\x34\x02").size))
    name = dict(name_parts(certificate.subject))["2.5.4.3"]
    primary, _, secondary = str(details["name_of_holder"]).partition("<<")
    assert name == f"{secondary} {primary}"
    assert certificate.not_after.date().isoformat()[2:].replace("-", "") == mrz.field("date_of_expiry")


def test_the_chip_with_keys_takes_the_orders_of_either_folder():
    assert ORDER.read_bytes() == (FOLDER / "national-id-signature" / "order.csv").read_bytes()
