"""Values under a transport key, and keys no card may get."""

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.wrap import Wrapping
from cardkit.profile.field import Field
from cardkit.profile.reading import FieldError, Transport, printable, reader

# RFC 3394 under 4041..4F; pySim's column KI: AES-CBC, IV of sixteen 23h.
WRAPPED = "EE9166EE717DFCE1F469C6AAA9C449A753D72177E6F3FDB4"
CLEAR = bytes.fromhex("1899564A9DA8DE833D25C71739EAADCE")
COLUMN_KEY = bytes.fromhex("000424252525535532532A0B0C0D0E0F")
CELL = "AAAAAAAAAAA5435425AAAAAAAAAAAAAA"
CELL_CLEAR = bytes.fromhex("48a6d5f60567d45299e3ba08594009e7")


def transport(value, wrapping):
    keystore = MemoryKeyStore({"order:kek": Key(value, "kek", "AES-128", Usage.TRANSPORT_IN)})
    return Transport(keystore, "order:kek", wrapping)


AES_KW = transport(bytes(range(0x40, 0x50)), Wrapping.AES_KW)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (Field(type="key", algorithm="AES-128", transport="order:kek"), Key(CLEAR, "x", "AES-128", Usage.CARD_KEY)),
        (Field(type="hex", transport="order:kek", class_="secret"), Secret(CLEAR, "x")),
        (Field(type="hex", bytes=16, transport="order:kek"), CLEAR),
    ],
)
def test_wrapped_value_is_opened(field, expected):
    assert expected == reader("x", field, AES_KW)(WRAPPED)


def test_column_of_the_field_is_opened():
    field = Field(type="key", algorithm="AES-128", transport="order:kek", wrap=Wrapping.AES_CBC_23)
    value = reader("ki", field, transport(COLUMN_KEY, Wrapping.AES_CBC_23))(CELL)

    assert Key(CELL_CLEAR, "ki", "AES-128", Usage.CARD_KEY) == value


def test_wrapped_value_of_another_length_is_refused():
    with pytest.raises(FieldError, match="got 16 bytes after unwrapping, expected 8") as caught:
        reader("adm1", Field(type="hex", bytes=8, transport="order:kek"), AES_KW)(WRAPPED)

    assert caught.value.code == "LENGTH"


def test_key_that_is_single_des_is_refused():
    with pytest.raises(FieldError, match="equal halves make 3DES single DES") as caught:
        reader("kic", Field(type="key", algorithm="3DES-128"), None)("0123456789ABCDEF" * 2)

    assert caught.value.code == "KEY"
    assert "0123456789ABCDEF" not in caught.value.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8,99990E+18", "8,99990E+18"),
        ("8999901000000000013", "8999901000000000013"),
        ("4ADD1D001122", "<12 characters>"),
        ("x=4add1d0011223344", "<18 characters>"),
        ("\u0660\n", "\\u0660\\n"),
        ("y" * 99, "y" * 40),
    ],
)
def test_printable_masks_what_may_be_a_piece_of_a_key(text, expected):
    assert expected == printable(text)
