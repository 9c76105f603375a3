"""What sessions say before and instead of what they do, word by word."""

from __future__ import annotations

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, SessionKeys
from cardkit.errors import KeyStoreError, ProfileError
from cardkit.secure.dek import Dek
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Quirks, decode_parameters
from cardkit.secure.scp03 import Scp03Session
from cardkit.secure.session import Terms


def test_an_option_of_scp02_that_says_nothing_of_initiation():
    with pytest.raises(ProfileError, match="bits 3 and 4 say explicit and implicit initiation, or neither"):
        decode_parameters(0x02, 0x00)


@pytest.mark.parametrize("i", [-1, 0x80, 0x100])
def test_an_option_of_scp02_that_is_no_byte_of_it(i):
    with pytest.raises(ProfileError, match="expected one byte with bit 8 clear"):
        decode_parameters(0x02, i)


def test_nothing_is_proven_before_an_answer():
    key = Key(bytes(range(16)), "S", "AES-128", Usage.DATA_MAC)
    terms = Terms(decode_parameters(0x03, 0x70), SecurityLevel(0x33), Quirks(), 255)
    session = Scp03Session(terms, SessionKeys(enc=key, mac=key, rmac=key), bytes(8))
    assert session.proven is False


def test_an_implicit_session_needs_its_own_dek():
    store = MemoryKeyStore.with_published_test_keys()
    dek = Dek(store, CardKey("test:gp-default-3des"), 8, chained=True)
    with pytest.raises(KeyStoreError) as caught:
        dek.encrypt(bytes(8))
    assert str(caught.value) == "implicit SCP02: sensitive data goes under the session's DEK, not a static one"
