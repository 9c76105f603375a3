"""One error class for each PC/SC result, without a service: the real ones are in tests/interop."""

from __future__ import annotations

import importlib
import sys

import pytest

from cardkit import errors
from cardkit.errors import Executed, ServiceDownError
from cardkit.transport import pcsc_context
from cardkit.transport.pcsc import PcscConnection, _tlvs
from cardkit.transport.pcsc_errors import failure

NO, UNKNOWN = Executed.NO, Executed.UNKNOWN
NOT_SENT = NO if sys.platform == "linux" else UNKNOWN

# pcsc-lite 1.9.9, winscard.h and its use; the column "executed" is the house's.
ROWS = [
    ("context", 0x8010001D, errors.ServiceDownError, NO),
    ("list", 0x8010001E, errors.ServiceDownError, NO),
    ("context", 0x8010006A, errors.AccessDeniedError, NO),
    ("list", 0x8010002E, errors.NoReaderError, NO),
    ("connect", 0x80100009, errors.ReaderGoneError, NO),
    ("connect", 0x80100017, errors.ReaderGoneError, NO),
    ("transmit", 0x80100017, errors.ReaderGoneError, UNKNOWN),
    ("connect", 0x8010000B, errors.ReaderBusyError, NO),
    ("transmit", 0x8010000B, errors.ReaderBusyError, NO),
    ("connect", 0x8010000C, errors.NoCardError, NO),
    ("transmit", 0x8010000C, errors.CardRemovedError, UNKNOWN),
    ("connect", 0x8010000F, errors.ProtocolMismatchError, NO),
    ("transmit", 0x8010000F, errors.ProtocolMismatchError, NO),
    ("connect", 0x80100067, errors.CardMuteError, NO),
    ("reset", 0x80100066, errors.CardMuteError, NO),
    ("transmit", 0x80100069, errors.CardRemovedError, NOT_SENT),
    ("status", 0x80100069, errors.CardRemovedError, NO),
    ("transmit", 0x80100016, errors.CardRemovedError, UNKNOWN),
    ("transmit", 0x80100068, errors.CardResetError, NOT_SENT),
    ("transmit", 0x80100013, errors.ServiceDownError, UNKNOWN),
    ("transmit", 0x8010001D, errors.ServiceDownError, NO),
    ("control", 0x8010001F, errors.UnsupportedError, NO),
    ("control", 0x80100022, errors.UnsupportedError, NO),
    ("transmit", 0x8010001F, errors.TransportError, UNKNOWN),
    ("transmit", 0x80100003, errors.TransportError, UNKNOWN),
    ("wait", 0x80100004, errors.TransportError, NO),
    ("transmit", 0x0000045D, errors.TransportError, UNKNOWN),
]


@pytest.mark.parametrize(("operation", "hresult", "kind", "executed"), ROWS)
def test_each_result_has_its_class(operation, hresult, kind, executed):
    error = failure(operation, hresult, "Reader 0")
    assert (type(error), error.executed) == (kind, executed)
    assert (error.operation, error.hresult, error.reader) == (operation, hresult, "Reader 0")
    assert f"{hresult:08X}" in str(error)


def test_without_pyscard_the_error_says_what_to_install(monkeypatch):
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    pcsc_context.scard.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ServiceDownError, match=r"cardkit\[pcsc\]") as caught:
        PcscConnection("Reader 0")
    assert caught.value.executed is NO
    pcsc_context.scard.cache_clear()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", {}),
        ("12044234001206", {0x12: bytes.fromhex("42340012")}),
        ("0A0400000100", {0x0A: bytes.fromhex("00000100")}),
        ("0A04", {}),
    ],
)
def test_reader_features_survive_a_torn_tail(data, expected):
    assert _tlvs(bytes.fromhex(data)) == expected
