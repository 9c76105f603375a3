"""What PACE and its passwords must refuse, and how: ICAO TR RF protocol Part 3 unit P by purpose; PIN, CAN, PUK."""

import pytest

from .issuance import CAN, DG1, PIN, PUK, domain
from .plant import apdu
from .reader import BSI, RefusedError, decrypt, kdf
from .tlv import tlv

PROTOCOL = bytes.fromhex(BSI + "040202")
GROUP = domain(13)
GOOD = GROUP.encode(GROUP.mul(7, GROUP.g))
MSE = tlv("80", PROTOCOL) + tlv("83", b"\x01")


def sw(reader, command):
    return reader.raw(command)[-2:].hex().upper()


SPOILT_MSE = [
    (tlv("81", PROTOCOL) + tlv("83", b"\x01"), "6A80"),
    (tlv("80", b"\x04\x00\x7f\x00") + tlv("83", b"\x01"), "6A80"),
    (tlv("80", tlv("06", PROTOCOL)) + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL) + tlv("83", b"\x05"), "6A88"),
    (MSE + tlv("84", b"\x0c"), "6A88"),
    (tlv("83", b"\x01"), "6A80"),
    (tlv("80") + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL + b"\x02") + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL[:-1]) + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL[:-1] + b"\x04") + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL) + tlv("84", b"\x0d"), "6A80"),
    (tlv("80", PROTOCOL) + tlv("83"), "6A80"),
    (tlv("80", PROTOCOL) + b"\x83\x03\x01", "6A80"),
    (tlv("80", PROTOCOL) + tlv("83", b"\x01\xff"), "6A80"),
    (MSE + tlv("84"), "6A80"),
    (tlv("06", PROTOCOL) + tlv("83", b"\x01"), "6A80"),
    (b"", "6A80"),
]


@pytest.mark.parametrize("place", range(len(SPOILT_MSE)))
def test_a_malformed_template_is_refused_and_begins_nothing(issue, place):
    data, status = SPOILT_MSE[place]
    reader = issue()
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, data)) == status
    assert sw(reader, apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) == "6985"


def begun(reader, step):
    """PACE up to the step of that number; 0 nonce, 1 map, 2 agree, 3 tokens."""
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, MSE)) == "9000"
    for data in (b"\x7c\x00", tlv("7C", tlv("81", GOOD)), tlv("7C", tlv("83", GOOD)))[:step]:
        assert sw(reader, apdu(0x10, 0x86, 0, 0, data, 0)) == "9000"
    return reader


TAGS = {1: "81", 2: "83", 3: "85"}


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("what", ["template", "missing", "tag", "extra", "empty"])
def test_a_malformed_step_is_refused(issue, step, what):
    value = bytes(8) if step == 3 else GOOD
    right = tlv(TAGS[step], value) if step else b""
    data = {
        "template": tlv("8C", right),
        "missing": right or b"\x80\x00",
        "tag": tlv("7C", tlv("86", value)),
        "extra": tlv("7C", right, tlv("88", b"\x01")),
        "empty": b"",
    }[what]
    assert sw(begun(issue(), step), apdu(0 if step == 3 else 0x10, 0x86, 0, 0, data, 0)) == "6A80"


def bad_elements():
    good = GROUP.mul(7, GROUP.g)
    size = GROUP.size
    yield GOOD[:-1]
    yield GOOD + b"\x00"
    yield b"\x04" + bytes(2 * size)
    yield b"\x05" + GOOD[1:]
    yield b"\x02" + GOOD[1 : 1 + size]
    yield GOOD[:-1] + bytes((GOOD[-1] ^ 1,))
    yield b"\x04" + GROUP.p.to_bytes(size, "big") + good[1].to_bytes(size, "big")
    yield b"\x04" + b"\xff" * (2 * size)


@pytest.mark.parametrize("element", list(bad_elements()), ids=range(8))
@pytest.mark.parametrize("step", [1, 2])
def test_invalid_keys_are_refused(issue, step, element):
    reader = begun(issue(), step)
    assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv(TAGS[step], element)), 0)) == "6A80"


@pytest.mark.parametrize("element", [b"\x00", b"\x01", "p", "above"])
@pytest.mark.parametrize("step", [1, 2])
def test_invalid_numbers_are_refused(issue, step, element):
    group = domain(0)
    values = {"p": group.p - 1, "above": group.p + 4}
    number = values.get(element, 0 if element == b"\x00" else 1)
    reader = issue(pace=((0x0102, 0),))
    protocol = bytes.fromhex(BSI + "040102")
    reader.raw(apdu(0, 0x22, 0xC1, 0xA4, tlv("80", protocol) + tlv("83", b"\x01")))
    reader.raw(apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0))
    if step == 2:
        good = group.encode(group.mul(5, group.g))
        assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv("81", good)), 0)) == "9000"
    data = tlv("7C", tlv(TAGS[step], number.to_bytes(group.size, "big")))
    assert sw(reader, apdu(0x10, 0x86, 0, 0, data, 0)) == "6A80"


@pytest.mark.parametrize("size", [15, 17, 32])
def test_an_additional_nonce_of_another_length_is_refused(issue, size):
    reader = issue(pace=((0x0402, 13),))
    reader.raw(apdu(0, 0x22, 0xC1, 0xA4, tlv("80", bytes.fromhex(BSI + "040402")) + tlv("83", b"\x01")))
    reader.raw(apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0))
    assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv("81", bytes(size))), 0)) == "6A80"


@pytest.mark.parametrize(("step", "status"), [(0, "6883"), (1, "6883"), (2, "6883"), (3, "6A80")])
def test_the_class_of_each_step_is_enforced(issue, step, status):
    data = tlv("7C", tlv(TAGS[step], bytes(8) if step == 3 else GOOD) if step else b"")
    assert sw(begun(issue(), step), apdu(0x10 if step == 3 else 0, 0x86, 0, 0, data, 0)) == status


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_foreign_command_in_between_voids_the_protocol(issue, step):
    reader = begun(issue(), step)
    assert sw(reader, "00B09C0001") == "9000"
    data = tlv("7C", tlv(TAGS[step], bytes(8) if step == 3 else GOOD))
    assert sw(reader, apdu(0 if step == 3 else 0x10, 0x86, 0, 0, data, 0)) == "6985"


def test_the_nonce_may_be_asked_for_twice_and_differs(issue):
    reader = begun(issue(), 0)
    first, second = (reader.raw(apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) for _ in range(2))
    assert first != second
    assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv("81", GOOD)), 0)) == "9000"


def test_steps_out_of_order_are_refused(issue):
    assert sw(begun(issue(), 1), apdu(0x10, 0x86, 0, 0, tlv("7C", tlv("83", GOOD)), 0)) == "6985"
    assert sw(begun(issue(), 2), apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) == "6985"


@pytest.mark.parametrize("size", [0, 7, 8, 9, 16])
def test_wrong_tokens_are_refused(issue, size):
    reader = begun(issue(), 3)
    assert sw(reader, apdu(0, 0x86, 0, 0, tlv("7C", tlv("85", bytes(size))), 0)) == "6300"
    assert sw(reader, apdu(0, 0x86, 0, 0, tlv("7C", tlv("85", bytes(8))), 0)) == "6985"


@pytest.mark.parametrize("step", [1, 2])
def test_the_chips_own_key_is_refused(issue, step):
    reader = begun(issue(), step)
    chip = reader.card.chip.passport
    chip.random = lambda size: (41).to_bytes(size, "big")
    base = GROUP.g
    if step == 2:
        base = GROUP.decode(chip.session.pace.generator)
    own = GROUP.encode(GROUP.mul(42, base))
    assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv(TAGS[step], own)), 0)) == "6A80"


# -- passwords


def wrong(reader, password, secret=b"000000"):
    with pytest.raises(RefusedError) as refusal:
        reader.pace(2, 2, GROUP, 13, secret, password=password)
    return refusal.value.sw


def test_can_and_mrz_never_block_but_delay(issue):
    reader = issue()
    for _ in range(4):
        assert wrong(reader, 2) == "6300"
    assert reader.card.delay_s() == 4
    reader.pace(2, 2, GROUP, 13, CAN, password=2)
    assert reader.card.delay_s() == 0


def test_the_pin_is_suspended_then_blocked_and_the_puk_helps(issue):
    reader = issue()
    pin = tlv("80", PROTOCOL) + tlv("83", b"\x03")
    assert wrong(reader, 3) == "63C2"
    reader.card.power(True)
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, pin)) == "63C2"
    assert finish(reader, 3, b"000000") == "63C1"
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, pin)) == "63C1"
    assert sw(reader, apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) == "6985"
    reader.pace(2, 2, GROUP, 13, CAN, password=2)
    with pytest.raises(RefusedError, match="63C1"):
        reader.send(0, 0x22, 0xC1, 0xA4, pin)
    assert finish(reader, 3, b"000000") == "63C0"
    reader.card.power(True)
    reader.keys = None
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, pin)) == "63C0"
    assert sw(reader, apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) == "6983"
    reader.pace(2, 2, GROUP, 13, PUK, password=4)
    reader.send(0, 0x2C, 0x03, 0x03)
    reader.card.power(True)
    reader.keys = None
    reader.pace(2, 2, GROUP, 13, PIN, password=3)
    reader.select_application()
    assert reader.read("0101") == DG1


def finish(reader, password, secret):
    """The steps after MSE:SET AT; the status word that ends them."""
    nonce = decrypt(2, kdf(2, secret, 3), reader._step(b"")["80"])
    assert len(nonce) == 16
    reader._step(tlv("81", GOOD))
    reader._step(tlv("83", GOOD))
    with pytest.raises(RefusedError) as refusal:
        reader._step(tlv("85", bytes(8)), chained=False)
    return refusal.value.sw


def test_only_the_puk_resets_the_counter(issue):
    reader = issue()
    reader.pace(2, 2, GROUP, 13, CAN, password=2)
    with pytest.raises(RefusedError, match="6982"):
        reader.send(0, 0x2C, 0x03, 0x03)


def test_a_try_is_lost_even_when_the_power_goes(issue):
    reader = issue()
    reader.raw(apdu(0, 0x22, 0xC1, 0xA4, tlv("80", PROTOCOL) + tlv("83", b"\x03")))
    for data in (b"\x7c\x00", tlv("7C", tlv("81", GOOD)), tlv("7C", tlv("83", GOOD))):
        reader.raw(apdu(0x10, 0x86, 0, 0, data, 0))
    reader.card.cut_at(2)
    assert reader.raw(apdu(0, 0x86, 0, 0, tlv("7C", tlv("85", bytes(8))), 0)) == b""
    reader.card.power(True)
    assert reader.card.memory()["emrtd/tries/8003"] == b"\x02\x03"
