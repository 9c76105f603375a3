"""Tokens, receipts and DAP blocks: what they sign, and what is not believed."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.gp import install
from cardkit.apps.gp.dap import DapBlock, sign_dap, verify_dap
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.install import length_value, token_input
from cardkit.apps.gp.tags.privileges import Privileges
from cardkit.apps.gp.tokens import Confirmation, make_token, receipt_fields, verify_receipt
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError

from .vectors import named, of_category

COMMANDS = "gp_commands.json"
KEY = bytes(range(0x50, 0x60))
ISD, SSD, ELF, APP = (bytes.fromhex(aid) for aid in ("A000000151000000", "A0000001515350", "D27600010A", "D276000101"))


@pytest.fixture
def keystore() -> MemoryKeyStore:
    return MemoryKeyStore({"test:content": Key(KEY, "content", "AES-128", Usage.SIGN)})


def cmac(message: bytes) -> bytes:
    """What an AES key signs with, by the library alone."""
    mac = CMAC(AES(KEY))
    mac.update(message)
    return mac.finalize()


def test_extradition_token_signs_header_short_length_and_data() -> None:
    vector = named(COMMANDS, "extradition-token-data")
    sd, app = (bytes.fromhex(vector["in"][name]) for name in ("sd_aid", "app_aid"))
    assert install.for_extradition(sd, app).signed_data == bytes.fromhex(vector["out"]["value"])


def test_delete_token_signs_header_short_length_and_data() -> None:
    vector = named(COMMANDS, "delete-token-data")
    first, second = (bytes.fromhex(aid) for aid in vector["in"]["aids"])
    data = Delete(first).signed_data[3:] + Delete(second).signed_data[3:]
    assert token_input(0x00, 0x80, data) == bytes.fromhex(vector["out"]["value"])
    assert Delete(first, related=True).signed_data == bytes.fromhex("008009") + data[:9]


def test_a_token_changes_nothing_that_it_signs() -> None:
    for command in (install.for_load(ELF, digest=bytes(32)), Delete(ELF, related=True)):
        assert command.with_token(bytes(16)).signed_data == command.signed_data


def test_make_token(keystore: MemoryKeyStore) -> None:
    command = install.for_load(ELF, SSD, digest=bytes(32))
    assert make_token(keystore, "test:content", command) == cmac(command.signed_data)
    ends = install.combined(command, install.for_install((ELF, APP), APP, Privileges()))
    assert make_token(keystore, "test:content", *ends) == cmac(ends[0].signed_data + ends[1].signed_data)


@pytest.mark.parametrize(("given", "expected"), of_category(COMMANDS, "receipt"))
def test_confirmation(given: dict[str, Any], expected: dict[str, Any]) -> None:
    data = bytes.fromhex(given["data"])
    confirmation = Confirmation.parse(data)
    names = {"receipt": "receipt", "sd_unique": "domain_data", "token_id": "token_id", "token_digest": "token_digest"}
    for name, ours in names.items():
        got = getattr(confirmation, ours)
        assert (None if got is None else got.hex().upper()) == expected.get(name)
    assert confirmation.counter == expected["counter"]
    assert confirmation.build() == data


@pytest.mark.parametrize(("given", "expected"), of_category(COMMANDS, "receipt-negative"))
def test_malformed_confirmation(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected["reject"]
    with pytest.raises(EncodingError):
        Confirmation.parse(bytes.fromhex(given["data"]))


@settings(max_examples=40)
@given(st.binary(max_size=40))
def test_any_bytes_are_a_confirmation_or_refused(data: bytes) -> None:
    try:
        confirmation = Confirmation.parse(data)
    except EncodingError:
        return
    assert Confirmation.parse(confirmation.build()) == confirmation


OLD_APP = install.for_install((ELF, APP), APP, Privileges())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (receipt_fields(install.for_load(ELF), ISD), (ELF, ISD)),
        (receipt_fields(install.for_load(ELF, SSD), ISD), (ELF, SSD)),
        (receipt_fields(OLD_APP, ISD), (ELF, APP)),
        (receipt_fields(install.for_make_selectable(APP), ISD), (b"", APP)),
        (receipt_fields(install.for_extradition(SSD, APP), ISD), (ISD, APP, SSD)),
        (
            receipt_fields(install.for_registry_update(APP, parameters=b"\xef\x00"), ISD),
            (ISD, APP, b"", b"", b"\xef\x00"),
        ),
        (receipt_fields(Delete(APP), ISD), (APP,)),
        (receipt_fields(install.for_load(ELF), ISD, install=OLD_APP), (ELF, APP, ISD)),
    ],
)
def test_what_a_receipt_names(fields: tuple[bytes, ...], expected: tuple[bytes, ...]) -> None:
    assert fields == expected


def confirmed(counter: int, fields: tuple[bytes, ...]) -> bytes:
    """A card's answer, made here: counter, domain data, then what the receipt names."""
    data = bytes.fromhex("02") + counter.to_bytes(2, "big") + bytes.fromhex("04AABBCCDD")
    return length_value(cmac(data + b"".join(bytes((len(field),)) + field for field in fields))) + data


def test_a_right_receipt(keystore: MemoryKeyStore) -> None:
    answer = confirmed(7, (ELF, ISD))
    confirmation = verify_receipt(keystore, "test:content", answer, (ELF, ISD), after=6)
    assert (confirmation.counter, confirmation.domain_data.hex()) == (7, "aabbccdd")


@pytest.mark.parametrize("place", range(24))
def test_a_receipt_changed_in_any_byte(keystore: MemoryKeyStore, place: int) -> None:
    answer = bytearray(confirmed(7, (ELF, ISD)))
    answer[place] ^= 0x01
    with pytest.raises((AuthenticationError, ProtocolError)):
        verify_receipt(keystore, "test:content", bytes(answer), (ELF, ISD))


def test_a_receipt_for_something_else(keystore: MemoryKeyStore) -> None:
    with pytest.raises(AuthenticationError):
        verify_receipt(keystore, "test:content", confirmed(7, (ELF, ISD)), (ELF, SSD))


def test_an_old_receipt(keystore: MemoryKeyStore) -> None:
    with pytest.raises(AuthenticationError, match="counter 7, expected more than 7"):
        verify_receipt(keystore, "test:content", confirmed(7, (ELF,)), (ELF,), after=7)


@pytest.mark.parametrize("answer", [b"", b"\x00"])
def test_no_receipt_where_one_is_due(keystore: MemoryKeyStore, answer: bytes) -> None:
    with pytest.raises(ProtocolError, match="the card gave none"):
        verify_receipt(keystore, "test:content", answer, (ELF,))


def test_dap_block_bytes() -> None:
    vector = named(COMMANDS, "dap-block")
    block = DapBlock(*(bytes.fromhex(vector["in"][name]) for name in ("sd_aid", "signature")))
    data = bytes.fromhex(vector["out"]["value"])
    assert block.build() == data
    assert DapBlock.parse(data[2:]) == block


def test_dap_signs_the_hash(keystore: MemoryKeyStore) -> None:
    block = sign_dap(keystore, "test:content", SSD, bytes(32))
    assert block == DapBlock(SSD, cmac(bytes(32)))
    verify_dap(keystore, "test:content", block, bytes(32))
    with pytest.raises(AuthenticationError):
        verify_dap(keystore, "test:content", block, bytes(31) + b"\x01")


@pytest.mark.parametrize("value", ["", "C30101", "4F040102030405C30101", "C301014F050102030405", "4F0401020304C30101"])
def test_malformed_dap_block(value: str) -> None:
    with pytest.raises(EncodingError):
        DapBlock.parse(bytes.fromhex(value))
