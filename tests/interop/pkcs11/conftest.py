"""Tokens for the tests of this folder; the PC/SC stack of the folder above is not needed here."""

import itertools

import pytest

from cardkit.crypto import Secret
from tests.interop.pkcs11.softhsm import PIN, new_token, require_softhsm

_numbers = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def _clean_home():
    require_softhsm()


@pytest.fixture(scope="session")
def token():
    """Return a function that makes a fresh token and gives its URI."""
    return lambda label="bureau": new_token(f"{label}-{next(_numbers)}")


def store_class():
    """The store, where python-pkcs11 is installed."""
    return pytest.importorskip("cardkit.crypto.pkcs11store").Pkcs11KeyStore


def pin(value=PIN):
    """The PIN of every token here, or another."""
    return Secret(value, "PIN")


@pytest.fixture(scope="module")
def uri(token):
    """A token that is a key store."""
    uri = token("token")
    store_class().create(uri, "TEST", pin()).close()
    return uri


@pytest.fixture
def store(uri):
    """That key store, empty before and after."""
    with store_class().open(uri, pin()) as opened:
        yield opened
        for reference in opened.references():
            opened.destroy(reference)
