"""PINs on their way into a card: enciphered in the order, as an offset on the tracks, under a key of the card's own."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime

import pytest
from psec import des, pin, pinblock

from cardkit.apps.emv.capk import parse_capk
from cardkit.apps.emv.client import EmvCard
from cardkit.apps.emv.commands import PinForm
from cardkit.apps.emv.dol import dol_size
from cardkit.apps.emv.oda.certificate import SignedKey
from cardkit.apps.emv.oda.recover import recover_pin_key
from cardkit.apps.emv.terminal.run import run_transaction
from cardkit.apps.emv.terminal.settings import Purchase, Settings
from cardkit.apps.emv.terminal.transaction import Surroundings
from cardkit.cli.app import run
from cardkit.crypto import Secret
from cardkit.crypto.pinblock import format_2
from cardkit.desired import Severity
from cardkit.encoding import dgi, tlv
from cardkit.errors import EncodingError, KeyStoreError
from cardkit.perso import Verdict, personalize
from cardkit.perso import mailed as perso_mailed
from tests.unit.emv_prepare.conftest import PROFILES, make_job, seeded

# The oracle uses 3DES as `cryptography` had it.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
ZONE, AES_ZONE, PVK = bytes(range(0xC0, 0xD0)), bytes(range(0xD0, 0xE0)), bytes(range(0x90, 0xA0))
PAN, OTHER_PAN = "9999990000000014", "9999990000000022"
AID = bytes.fromhex("F0434B49540101")
VERIFY = 0x20
CLEAR_COLUMN = 'pin = { type = "digits", min = 4, max = 12, class = "secret" }'
RSA = "rsa = { bits = 1152, exponent = 3 }"


@pytest.fixture
def job_of(tmp_path):
    """Make a variant of the contact profile: pieces of it replaced, and the PIN column of the order."""

    def make(*changes, pins=("1234", "1235")):
        folder = tmp_path / "emv-contact-cda"
        shutil.copytree(PROFILES / "emv-contact-cda", folder)
        profile = (folder / "profile.toml").read_text(encoding="utf-8")
        for old, new in changes:
            assert profile.count(old) == 1, old
            profile = profile.replace(old, new)
        (folder / "profile.toml").write_text(profile, encoding="utf-8")
        header, *rows = (folder / "order.csv").read_text(encoding="utf-8").splitlines()
        rows = [row.rpartition(",")[0] + f",{value}" for row, value in zip(rows, pins, strict=False)]
        (folder / "order.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        with (folder / "test-keys.toml").open("a", encoding="utf-8") as keys:
            keys.write(f'zpk = {{ usage = "pin-enc", hex = "{ZONE.hex()}", algorithm = "3DES-128" }}\n')
            keys.write(f'zpk-aes = {{ usage = "pin-enc", hex = "{AES_ZONE.hex()}", algorithm = "AES-128" }}\n')
        return make_job(folder)

    return make


def enciphered(size, key="test:zpk", form=0):
    return (
        (CLEAR_COLUMN, f'pin = {{ type = "hex", bytes = {size}, class = "personal" }}'),
        ('pin = "{pin}"', f'pin = "{{pin}}"\npin_key = "{key}"\npin_format = {form}'),
    )


def format_0(text, pan):
    return des.encrypt_tdes_ecb(ZONE, pinblock.encode_pinblock_iso_0(text, pan)).hex().upper()


def accepts(card, text):
    """Whether the card takes a PIN, once its transaction has begun."""
    card.reset()
    emv = EmvCard(card.channel)
    fci = emv.select(AID)
    emv.get_processing_options(bytes(dol_size(fci.pdol)))
    return emv.verify(PinForm.PLAINTEXT, format_2(Secret(text, "pin"))).accepted


@pytest.mark.parametrize("form", [0, 4])
def test_enciphered_pin_reaches_the_card(job_of, tap, form):
    """The order has a block under the zone key; the card knows the PIN; nothing between them had it in clear."""
    if form == 0:
        job = job_of(*enciphered(8), pins=(format_0("1234", PAN), format_0("567890", OTHER_PAN)))
    else:
        pins = (("1234", PAN), ("567890", OTHER_PAN))
        blocks = tuple(pinblock.encipher_pinblock_iso_4(AES_ZONE, *pair).hex() for pair in pins)
        job = job_of(*enciphered(16, "test:zpk-aes", 4), pins=blocks)
    _, card = tap()
    outcome = personalize(job.plan(), card, job.keystore)

    assert outcome.verdict is Verdict.GOOD, outcome
    assert not accepts(card, b"1235")
    assert accepts(card, b"1234")


def test_pin_that_is_not_known_is_not_checked(job_of, tap):
    job = job_of(*enciphered(8), pins=(format_0("1234", PAN), format_0("567890", OTHER_PAN)))
    seam, card = tap()
    outcome = personalize(job.plan(), card, job.keystore)

    assert [(finding.rule, finding.severity) for finding in outcome.findings if finding.rule == "EMV-103"] == [
        ("EMV-103", Severity.INFO)
    ]
    assert [command for command in seam.sent if command[1] == VERIFY] == []


def test_pvv_of_an_enciphered_pin(job_of):
    """The same tracks as with the PIN in clear, which psec has judged."""
    job = job_of(*enciphered(8), pins=(format_0("1234", PAN), format_0("567890", OTHER_PAN)))
    discretionary = objects(job, 1)[0x9F1F].decode()

    assert discretionary[1:5] == pin.generate_visa_pvv(PVK, "1", "1234", PAN)


def test_pin_of_another_card_stops_the_preparation(job_of):
    job = job_of(*enciphered(8), pins=(format_0("1234", OTHER_PAN), format_0("567890", PAN)))
    with pytest.raises(EncodingError, match="PIN block: not of format 0, or of another PAN or key"):
        job.prepared()


def test_key_for_another_purpose_is_refused(job_of):
    job = job_of(*enciphered(8, "test:kmc"), pins=(format_0("1234", PAN), format_0("567890", OTHER_PAN)))
    with pytest.raises(KeyStoreError, match="usage master-derive, a PIN block needs pin-enc"):
        job.prepared()


def test_block_of_the_order_shows_nowhere(job_of):
    block = format_0("1234", PAN)
    job = job_of(*enciphered(8), pins=(block, format_0("567890", OTHER_PAN)))
    shown = f"{job.plan()!r} {job.plan().to_json()}".upper()

    assert block not in shown


def test_offset_in_place_of_a_pvv(job_of):
    rules = 'ibm3624 = { table = "1234567890123456", start = 4, length = 10, pad = "0" }'
    job = job_of(('pvki = 1\nlayout = ["pvki", "pvv", "cvv"]', f'layout = ["offset", "cvv"]\n{rules}'))
    expected = pin.generate_ibm3624_offset(PVK, "1234567890123456", "1234", PAN, 4, 10, "0")

    assert objects(job, 1)[0x9F1F].decode()[:4] == expected


def test_offset_where_a_pvv_is_computed_has_no_value(job_of):
    job = job_of(('layout = ["pvki", "pvv", "cvv"]', 'layout = ["pvki", "offset", "cvv"]'))
    with pytest.raises(EncodingError, match=r"emv.tracks.layout: expected digits, pvki, pvv, cvv"):
        job.prepared()


def surroundings(job):
    """Return a terminal in the card's country that has the scheme's key, and a holder who knows the PIN."""
    authorities = (job.profile.path.parent / "authorities.capk").read_text(encoding="utf-8")
    purchase = Purchase(1000, datetime(2026, 5, 1, 12, tzinfo=UTC), pin=Secret(b"1234", "pin"))
    return Surroundings(Settings(), purchase, parse_capk(authorities), seeded("terminal"))


def objects(job, sfi):
    """Return the data objects of a file's records."""
    clear = next(value for name, value in job.prepared().values.items() if name == AID.hex().upper())
    with clear.reveal() as data:
        groups = {item.tag: item.value for item in dgi.parse(bytes(data))}
    found = {}
    for tag, value in groups.items():
        if tag >> 8 == sfi:
            found |= {item.tag: item.value for item in tlv.parse(value)[0].children()}
    return found


PIN_KEY = (
    (RSA, f"{RSA}\npin_rsa = {{ bits = 1024, exponent = 65537 }}"),
    ("    { sfi = 3, tags = [", '    { sfi = 2, tags = ["9F2D", "9F2E", "9F2F"] },\n    { sfi = 3, tags = ['),
    ('"8E" = "00000000000000004201440341035E0342031F03"', '"8E" = "0000000000000000440341031F03"'),
)


def test_key_for_enciphered_pins_has_its_own_certificate(job_of):
    job = job_of(*PIN_KEY)
    data = objects(job, 2)
    signed = SignedKey(data[0x9F2D], data.get(0x9F2F, b""), data[0x9F2E])
    own = SignedKey(data[0x9F46], data.get(0x9F48, b""), data[0x9F47])
    key = recover_pin_key(job.keystore.emv_public("test:issuer"), signed, pan=PAN).checked()

    assert (key.key.bits, key.key.exponent, data[0x9F2E]) == (1024, b"\1\0\1", b"\1\0\1")
    assert signed.certificate != own.certificate


def test_terminal_enciphers_the_pin_under_that_key(job_of, tap):
    """The card deciphers with the parts it got as 8301 to 8305, and takes the PIN."""
    job = job_of(*PIN_KEY)
    _, card = tap()
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is Verdict.GOOD, outcome
    card.reset()
    result = run_transaction(card.channel, surroundings(job))

    assert result.transaction.data[b"\x9f\x34"].hex() == "440302"


def test_letters_have_pins_and_no_pan(job_of, tmp_path, capsys):
    """A block of format 1 under the printer's key, by psec's cipher."""
    folder = job_of(pins=("1234", "567890")).profile.path.parent
    url, out = f"sqlite:///{tmp_path}/cards.db", tmp_path / "letters.txt"
    assert run(["payment", "prepare", str(folder), str(folder / "order.csv"), "--store", url, "--processes", "1"]) == 0
    words = ["payment", "mailer", "order", "--store", url, "--out", str(out), "--pin-key"]
    assert run([*words, "test:imk-ac"]) == 4
    assert "usage imk-ac, a PIN block needs pin-enc" in capsys.readouterr().err
    assert not out.exists()

    assert run([*words, "test:zpk"]) == 0
    lines = out.read_text().splitlines()
    block = des.decrypt_tdes_ecb(ZONE, bytes.fromhex(lines[4].removeprefix("PINBLOCK=")))
    assert lines[:4] == ["#CARDKIT-MAILER 1 order", "#CARD 1", "NAME=TEST/CARD ONE", "LAST4=0014"]
    assert block.hex()[:6] == "141234"
    assert lines[5] == "#CARD 2"
    body = "".join(f"{line}\n" for line in lines[:-1]).encode()
    assert lines[-1] == f"#END 2 {hashlib.sha256(body).hexdigest()}"
    assert PAN not in "\n".join(lines)


def test_letter_of_a_pin_that_came_enciphered(job_of):
    job = job_of(*enciphered(8), pins=(format_0("1234", PAN), format_0("567890", OTHER_PAN)))
    lines = perso_mailed(job.profile, job.records[0], job.keystore, "test:zpk")
    block = des.decrypt_tdes_ecb(ZONE, bytes.fromhex(lines[2].removeprefix("PINBLOCK=")))

    assert block.hex()[:6] == "141234"


def test_card_without_pin_has_no_letter(job_of):
    changes = (('pin = "{pin}"\n', ""), ('cvk = "test:cvk"\npvk = "test:pvk"', 'cvk = "test:cvk"'),
               ('layout = ["pvki", "pvv", "cvv"]', 'layout = ["cvv"]'))  # fmt: skip
    job = job_of(*changes)
    with pytest.raises(EncodingError, match="no PIN to mail"):
        perso_mailed(job.profile, job.records[0], job.keystore, "test:zpk")
