"""Concealed identities as they are sent: TS 33.501 C.4 put into a mobile identity of TS 24.501 9.11.3.4."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.suci import Suci, get_identity
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.crypto.suci import Scheme
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError, StatusError

from .conftest import ScriptedConnection, load

# The data of the standard: IMSI 274012001002086, network 274-012.
IMSI, PLMN = "274012001002086", "274-012"
CASES = {Scheme.PROFILE_A: load("suci.json")[0], Scheme.PROFILE_B: load("suci.json")[1]}
both = pytest.mark.parametrize("scheme", CASES)


def private(text: str) -> Secret:
    return Secret(bytes.fromhex(text), "private")


def concealed(scheme: Scheme) -> Suci:
    case = CASES[scheme]["in"]
    key = (27, bytes.fromhex(case["hn_public_key"]))
    return Suci.of_imsi(IMSI, PLMN, "678", scheme, key, private(case["ephemeral_private_key"]))


@both
def test_imsi_of_the_standard(scheme: Scheme) -> None:
    suci, case = concealed(scheme), CASES[scheme]
    assert suci.output.hex() == case["out"]["scheme_output"]
    head = bytes.fromhex(f"0172241076f8{scheme:02x}1b")
    assert suci.build() == head + suci.output
    assert Suci.parse(suci.build()) == suci
    assert suci.imsi(private(case["in"]["hn_private_key"])) == IMSI


@both
def test_the_wrong_home_network_is_told_so(scheme: Scheme) -> None:
    with pytest.raises(AuthenticationError, match="tag is wrong"):
        concealed(scheme).imsi(private("01" * 32))


def test_null_scheme() -> None:
    suci = Suci.of_imsi("001010000000017", "001-01", "0")
    assert suci.build().hex() == "0100f110f0ff00000000000071"
    assert Suci.parse(suci.build()).imsi() == "001010000000017"
    odd = Suci.of_imsi("00101123", "001-01", "1234")
    assert odd.build().hex() == "0100f1102143000021f3"
    assert odd.imsi() == "00101123"


@settings(max_examples=30, deadline=None)
@given(st.from_regex(r"[0-9]{6,15}", fullmatch=True), st.booleans(), st.from_regex(r"[0-9]{1,4}", fullmatch=True))
def test_any_imsi_comes_back(imsi: str, long_mnc: bool, routing: str) -> None:
    end = 6 if long_mnc and len(imsi) > 6 else 5
    suci = Suci.of_imsi(imsi, f"{imsi[:3]}-{imsi[3:end]}", routing)
    assert Suci.parse(suci.build()) == suci
    assert suci.imsi() == imsi


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_suci_or_an_encoding_error(data: bytes) -> None:
    for guess in (data, b"\x01\x00\xf1\x10\xf0\xff" + data):
        try:
            suci = Suci.parse(guess)
        except EncodingError:
            continue
        assert Suci.parse(suci.build()) == suci


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "0 bytes, first "),
        ("0100f110f0ff0000", "8 bytes, first 01"),
        ("1100f110f0ff00000000", "first 11, expected 01"),
        ("0200f110f0ff00000000", "first 02, expected 01"),
        ("0100f110f0ff030000", "protection scheme 03, expected 00 to 02"),
        ("0100f110f0ff100000", "protection scheme 10, expected 00 to 02"),
        ("0100f110f0ff000100", "home network key id 1 with scheme NULL"),
        ("0100f110f0ff010000", "home network key id 0 with scheme PROFILE_A"),
        ("0100f110f0ff02ff00", "home network key id 255 with scheme PROFILE_B"),
        ("0100f110ffff000000", "routing indicator must be 1 to 4 digits, got ''"),
        ("0100f110afff000000", "routing indicator must be 1 to 4 digits"),
        ("01fffffff0ff000000", "SUCI: network"),
        ("01d0f110f0ff000000", "SUCI: network"),
    ],
)
def test_other_identities_are_refused(data: str, message: str) -> None:
    with pytest.raises(EncodingError) as caught:
        Suci.parse(bytes.fromhex(data))
    assert message in str(caught.value)


@pytest.mark.parametrize("imsi", ["00102123", "00101", "0010112345678901", "00101x", ""])
def test_imsi_of_another_network_or_none_is_refused_and_not_shown(imsi: str) -> None:
    with pytest.raises(EncodingError) as caught:
        Suci.of_imsi(imsi, "001-01", "0")
    assert str(caught.value) == f"IMSI of {len(imsi)} characters: expected up to 15 digits that begin with 00101"


@pytest.mark.parametrize("output", ["ff", "1a", "f1f1", "00112233445566"])
def test_what_is_no_msin_is_no_imsi(output: str) -> None:
    suci = Suci("001-01", "0", Scheme.NULL, 0, bytes.fromhex(output))
    with pytest.raises(EncodingError, match="no MSIN"):
        suci.imsi()


# The card's own SUCI


def asked(answer: str) -> tuple[Suci, list[str]]:
    card = ScriptedConnection(answer)
    return get_identity(UiccSession(Channel(card))), card.sent


@both
def test_the_cards_suci(scheme: Scheme) -> None:
    built = concealed(scheme).build()
    suci, sent = asked(f"A1{len(built):02X}{built.hex()}9000")
    assert suci == concealed(scheme)
    assert sent == ["8078000100"]


def test_a_card_that_does_not_conceal() -> None:
    with pytest.raises(StatusError, match="6D00"):
        asked("6D00")


@pytest.mark.parametrize(
    "answer", ["", "A0020102", "A105", "A10101", "A1090100f110f0ff000000A1090100f110f0ff000000", "0100f110f0ff000000"]
)
def test_answers_without_one_suci(answer: str) -> None:
    with pytest.raises(ProtocolError, match="GET IDENTITY: card answered"):
        asked(answer + "9000")
