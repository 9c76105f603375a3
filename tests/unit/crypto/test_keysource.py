"""A key source opens the same store again and again, here and in another process, and is wiped in the end."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.crypto import Key, Secret, Usage, passphrase
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.keysource import KeySource, what_opens
from cardkit.crypto.management import NewKey
from cardkit.crypto.pack import pack
from cardkit.errors import EncodingError, KeyStoreError

VALUE = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")
NEW = NewKey("plant:kmc", "AES-128", Usage.MASTER_DERIVE)


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})


@pytest.fixture
def phrase_source(tmp_path):
    with FileKeyStore.create(tmp_path / "a.keys", "LIVE", Secret(b"the phrase", "p")) as store:
        store.import_key(NEW, bytearray(VALUE))
    return KeySource(f"file:{tmp_path / 'a.keys'}", (Secret(b"the phrase", "p"),))


@pytest.fixture
def shared_source(tmp_path):
    store, shares = FileKeyStore.create_shared(tmp_path / "b.keys", "LIVE", 2, 3)
    with store:
        store.import_key(NEW, bytearray(VALUE))
    texts = tuple(Secret(share.to_text().encode(), f"share {share.index}") for share in shares[1:])
    return KeySource(f"file:{tmp_path / 'b.keys'}", texts)


@pytest.fixture(params=["phrase_source", "shared_source"])
def source(request):
    return request.getfixturevalue(request.param)


def held(source):
    with source.open() as store:
        return store.kind, Key(VALUE, "x", "AES-128", Usage.MASTER_DERIVE) == store._key("plant:kmc")


def test_each_opening_is_one_of_its_own(source):
    with source.open() as first, source.open() as second:
        first.close()
        assert second.find("plant:kmc").kcv is not None
    assert held(source) == ("LIVE", True)


def test_another_process_opens_it_too(source):
    clear = source.to_bytes()
    theirs = KeySource.from_bytes(bytes(clear))
    assert theirs.url == source.url
    assert held(theirs) == ("LIVE", True)


def test_what_is_wiped_opens_nothing(source):
    source.wipe()
    with pytest.raises(KeyStoreError):
        source.open()


def test_people_are_asked_for_what_opens_it(phrase_source, shared_source):
    path = shared_source.url.removeprefix("file:")
    assert what_opens(phrase_source.url) == [f"passphrase of {phrase_source.url.removeprefix('file:')}"]
    assert what_opens(shared_source.url) == [f"share 1 of 2 for {path}", f"share 2 of 2 for {path}"]
    assert what_opens("pkcs11:token=a?module-path=b") == ["PIN of the token"]


@pytest.mark.parametrize("url", ["", "test", "plant.keys", "http://x"])
def test_another_form_of_url_asks_for_nothing(url):
    with pytest.raises(KeyStoreError, match="expected file:PATH or pkcs11:"):
        what_opens(url)


def test_only_a_token_wants_a_process(phrase_source):
    assert not phrase_source.single_thread
    assert KeySource("pkcs11:token=a?module-path=b", ()).single_thread


WRONG = [{}, {"url": 1}, {"url": "file:a", "0": "text"}, {"url": "file:a", "1": Secret(b"x", "x")}, {"0": b"x"}]


@pytest.mark.parametrize("values", WRONG)
def test_other_values_are_no_key_source(values):
    with pytest.raises(EncodingError, match="other values than a URL and what opens it"):
        KeySource.from_bytes(bytes(pack(values)))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_key_source_or_an_error(data):
    with contextlib.suppress(EncodingError):
        assert isinstance(KeySource.from_bytes(data), KeySource)
