"""Values under transport keys: modes of the field, AES-GCM bound to its place, check values (sim.md 19, K16)."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.kcv import block_cipher
from cardkit.errors import ProfileError, RecordError
from cardkit.profile.document import convert
from cardkit.profile.layout import Layout
from cardkit.profile.order import parse_order
from cardkit.profile.rowreader import bound_to
from cardkit.profile.schema import schema_of

KEY = bytes(range(0x40, 0x50))
KI = bytes.fromhex("1899564A9DA8DE833D25C71739EAADCE")
KEYS = MemoryKeyStore(
    {
        "order:k4": Key(KEY, "k4", "AES-128", Usage.TRANSPORT_IN),
        "order:k4-des": Key(KEY, "k4-des", "3DES-128", Usage.TRANSPORT_IN),
        "order:transport_key-3": Key(KEY, "tk", "AES-128", Usage.TRANSPORT_IN),
    }
)
CBC = Cipher(algorithms.AES(KEY), modes.CBC(b"\x23" * 16)).encryptor().update(KI)
ECB = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor().update(KI)
DES = Cipher(block_cipher("3DES-128", KEY), modes.ECB()).encryptor().update(KI)
NONCE = bytes(range(12))


def gcm(value, column, iccid="8999", order="B7"):
    context = b"\0".join((b"cardkit-field-1", order.encode(), column.encode(), iccid.encode()))
    return (NONCE + AESGCM(KEY).encrypt(NONCE, value, context)).hex()


def read(rules, text, **changes):
    table = {"kind": "delimited", "encoding": "ascii", "header": "names"} | changes
    layout = convert(table, Layout, "layout")
    fields = {"iccid": {"type": "digits", "key": "iccid"}} | rules
    return parse_order(layout, schema_of(fields, layout, Path("profile.toml")), text.encode(), KEYS)


@pytest.mark.parametrize(
    ("transport", "wrap", "cell", "kcv"),
    [
        ("order:k4", "aes-cbc-23", CBC, "504A77"),
        ("order:k4", "aes-ecb", ECB, "6F2F9BE174"),
        ("order:k4-des", "3des-ecb", DES, None),
    ],
)
def test_ki_comes_in_the_operators_cipher(transport, wrap, cell, kcv):
    rule = {"type": "key", "algorithm": "AES-128", "transport": transport, "wrap": wrap} | ({"kcv": kcv} if kcv else {})
    (record,) = read({"ki": rule}, f"ICCID,KI\n8999,{cell.hex()}\n", names="any-case").records

    assert Key(KI, "ki", "AES-128", Usage.CARD_KEY) == record["ki"]


@pytest.mark.parametrize("kcv", ["504A78", "6F2F9BE175"])
def test_transport_key_with_another_check_value_refuses_the_file(kcv):
    rule = {"type": "key", "algorithm": "AES-128", "transport": "order:k4", "kcv": kcv}
    with pytest.raises(RecordError, match="key order:k4 has not the check value the order says") as caught:
        read({"ki": rule}, "iccid,ki\n8999,00\n")

    assert caught.value.code == "KEY_CHECK"


HEADED = {
    "header": {"fields": ["batch", "transport_key", "key_check"]}, "identity": "iccid",
    "fields": [{"name": "iccid", "at": 1}, {"name": "pin1", "at": 2}, {"name": "adm1", "at": 3}],
}  # fmt: skip
BOUND = {
    "pin1": {"type": "digits", "min": 4, "max": 8, "class": "secret", "transport": "header.transport_key",
             "wrap": "aes-gcm", "kcv": "header.key_check"},
    "adm1": {"type": "hex", "bytes": 8, "class": "secret", "transport": "header.transport_key", "wrap": "aes-gcm"},
}  # fmt: skip


def bound_row(pin, adm, head="B7,3,504a77"):
    return f"{head}\n8999,{pin},{adm}\n"


def test_short_values_come_bound_to_order_column_and_iccid():
    (record,) = read(BOUND, bound_row(gcm(b"2437", "pin1"), gcm(b"ABCDEFGH", "adm1")), **HEADED).records

    assert (Secret(b"2437", "pin1"), Secret(b"ABCDEFGH", "adm1")) == (record["pin1"], record["adm1"])
    assert bound_to("B7", "pin1", "8999") == b"cardkit-field-1\0B7\0pin1\x008999"


@pytest.mark.parametrize(
    "cell",
    [gcm(b"2437", "pin2"), gcm(b"2437", "pin1", iccid="9000"), gcm(b"2437", "pin1", order="B8"),
     gcm(b"2437", "pin1")[:-4] + "0000"],
)  # fmt: skip
def test_a_value_moved_from_its_place_is_refused(cell):
    (bad,) = read(BOUND, bound_row(cell, gcm(b"ABCDEFGH", "adm1")), **HEADED).quarantined

    assert (bad.field, bad.code) == ("pin1", "KEY_UNWRAP")
    assert "2437" not in repr(bad)


@pytest.mark.parametrize(
    ("clear", "code"), [(b"24x7", "CHARSET"), (b"243", "LENGTH"), (b"\xff\xff\xff\xff", "CHARSET")]
)
def test_what_was_wrapped_follows_its_rule(clear, code):
    (bad,) = read(BOUND, bound_row(gcm(clear, "pin1"), gcm(b"ABCDEFGH", "adm1")), **HEADED).quarantined

    assert (bad.field, bad.code) == ("pin1", code)


def test_check_value_of_the_header_refuses_another_key():
    with pytest.raises(RecordError, match="has not the check value"):
        read(BOUND, bound_row("00", "00", head="B7,3,000000"), **HEADED)


@pytest.mark.parametrize(
    ("rules", "changes", "message"),
    [
        ({"pin1": BOUND["pin1"] | {"kcv": "504a77"}}, HEADED, '"kcv" must be 6 or 10 hex digits, or header.NAME'),
        ({"pin1": BOUND["pin1"] | {"transport": ""}}, HEADED, 'needs "transport"'),
        ({"pin1": BOUND["pin1"] | {"kcv": "header.nothing"}}, HEADED, "is no value of the order's header"),
        (BOUND, HEADED | {"identity": None}, "aes-gcm binds a value to its row; say layout.identity"),
        (BOUND, HEADED | {"identity": "pin1"}, 'layout.identity: "pin1" is no field that may be shown'),
        ({"pin1": {"type": "digits", "min": 4, "max": 8, "class": "secret", "make": "random"}}, HEADED,
         '"make" is for a secret of one length'),
        ({"pin1": {"type": "digits", "min": 4, "max": 4, "make": "random"}}, HEADED, '"make" is for a secret of one'),
    ],
)  # fmt: skip
def test_rules_that_contradict_themselves_are_refused(rules, changes, message):
    with pytest.raises(ProfileError) as caught:
        read(BOUND | rules, bound_row("", ""), **changes)

    assert message in str(caught.value)
