"""Every lie is told when there is an occasion, and a reader that checks what it must check does not believe it."""

import copy

import pytest

from cardkit.virtual import ImageError, VirtualCard, make_card
from cardkit.virtual.emrtd.lies import document_lies

from . import issuance
from .issuance import CAN, CHIP_KEY, DG1, MAPPING_KEY, domain, private
from .plant import make_applet
from .reader import Reader, RefusedError

GROUP = domain(13)
KEYS = (("8105", private(13, MAPPING_KEY)), ("8103", private(12, CHIP_KEY)))
PACE = ((0x0202, 13), (0x0602, 13))
IN_SESSION = (
    "status-differs", "no-checksum", "checksum-of-7-bytes", "wrong-checksum", "counter-ahead", "bad-padding",
    "unknown-object", "bare-9000", "plain-answer",
)  # fmt: skip


def lying(issue, name):
    reader = issue(pace=PACE, keys=KEYS)
    reader.card = document_lies()[name](reader.card)
    return reader


def opened(reader, variant=2):
    reader.pace(variant, 2, GROUP, 13, CAN, password=2)
    reader.select_application()
    return reader


@pytest.mark.parametrize("name", IN_SESSION)
def test_lies_of_secure_messaging_are_not_believed(issue, name):
    reader = opened(lying(issue, name))
    with pytest.raises((AssertionError, RefusedError, KeyError, IndexError)):
        reader.read("0101")
    assert reader.card.fired


def test_a_replayed_response_fails_its_checksum(issue):
    reader = opened(lying(issue, "response-replayed"))
    reader.send(0, 0xB0, 0x81, 0, ne=5)
    with pytest.raises(AssertionError):
        reader.send(0, 0xB0, 0x81, 0, ne=5)
    assert reader.card.fired


def test_more_data_than_asked_for(issue):
    reader = opened(lying(issue, "more-than-asked"))
    assert len(reader.send(0, 0xB0, 0x81, 0, ne=5)) == 5 + 256


def test_an_endless_file_says_4_gigabytes_and_never_ends(issue):
    reader = opened(lying(issue, "endless-file"))
    reader.send(0, 0xA4, 2, 0x0C, b"\x01\x01")
    assert reader.send(0, 0xB0, 0, 0, ne=6) == bytes.fromhex("7584FFFFFFFF")
    assert reader.send(0, 0xB0, 0, 6, ne=20) == bytes(20)


@pytest.mark.parametrize("name", ["token-of-other-key", "same-key", "key-off-the-curve"])
def test_lies_of_pace_are_not_believed(issue, name):
    reader = lying(issue, name)
    with pytest.raises((AssertionError, RefusedError)):
        opened(reader)
    assert reader.card.fired


def test_a_nonce_of_zeros_works_where_nobody_looks(issue):
    reader = opened(lying(issue, "nonce-of-zeros"))
    assert reader.read("0101") == DG1
    assert reader.card.fired == 1


def test_a_proof_of_another_key_differs(issue):
    honest, false = (issue(pace=PACE, keys=KEYS), lying(issue, "proof-of-other-key"))
    for reader in (honest, false):
        assert "8A" in reader.pace(6, 2, GROUP, 13, CAN, password=2)
    assert false.card.fired == 1


def chip_authentication(reader):
    reader.chip_authentication(GROUP, GROUP.encode(GROUP.mul(CHIP_KEY % GROUP.n, GROUP.g)), 2)


@pytest.mark.parametrize("name", ["old-keys-go-on", "chip-key-of-clone"])
def test_a_clone_does_not_get_through_chip_authentication(issue, name):
    reader = opened(lying(issue, name))
    chip_authentication(reader)
    with pytest.raises(RefusedError, match="6988"):
        reader.read("0101")
    assert reader.card.fired


def test_an_altered_group_differs_from_what_was_signed(issue):
    reader = opened(lying(issue, "group-altered"))
    assert sum(a != b for a, b in zip(reader.read("0101"), DG1, strict=True)) == 1


def test_signatures_of_another_key_differ_each_time(issue):
    reader = opened(lying(issue, "signature-of-other-key"))
    assert reader.send(0, 0x88, 0, 0, bytes(8), 256) != reader.send(0, 0x88, 0, 0, bytes(8), 256)
    assert reader.card.fired == 2


def test_an_applet_lies_as_a_native_chip_does():
    card = make_applet(make_card("emrtd-applet", seed=1), issuance.document())
    reader = opened(Reader(document_lies()["bare-9000"](copy.deepcopy(card))))
    with pytest.raises(RefusedError, match="9000"):
        reader.read("0101")


def test_only_documents_lie_so():
    with pytest.raises(ImageError, match="expected a document"):
        document_lies()["bare-9000"](VirtualCard("usim", seed=1)).transmit(bytes(4))
