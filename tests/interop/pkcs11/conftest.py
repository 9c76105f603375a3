"""Tokens for the tests of this folder; the PC/SC stack of the folder above is not needed here."""

import itertools

import pytest

from tests.interop.pkcs11.softhsm import new_token, require_softhsm

_numbers = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def _clean_home():
    require_softhsm()


@pytest.fixture(scope="session")
def token():
    """Return a function that makes a fresh token and gives its URI."""
    return lambda label="bureau": new_token(f"{label}-{next(_numbers)}")
