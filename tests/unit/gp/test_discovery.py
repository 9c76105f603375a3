"""SELECT and GET DATA: cards that know no empty SELECT, cards that refuse, cards that answer something else."""

from __future__ import annotations

import pytest

from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.discovery import DataTag, get_data, listed_applications, select
from cardkit.apps.gp.statuserrors import status_error
from cardkit.errors import (
    CardFaultError,
    CardkitError,
    ChannelError,
    ConditionsError,
    DataError,
    EncodingError,
    KeyBlockedError,
    LengthError,
    MemoryFullError,
    NotFoundError,
    NotSupportedError,
    ParameterError,
    ProtocolError,
    SecurityStatusError,
    StatusError,
)

from .conftest import AID, FCI, SELECT, CardMaker, channel_to, selected, vectors

ISD, OLD_ISD = f"00A4040008{AID}00", "00A4040008A00000000300000000"


@pytest.mark.parametrize("refusal", ["6A82", "6A86", "6A87", "6D00"])
def test_usual_aids_follow_an_empty_select_the_card_does_not_know(refusal: str, scripted: CardMaker) -> None:
    card = scripted((SELECT, refusal), (ISD, "6A82"), (OLD_ISD, "6F00 9000".replace(" ", "")))
    domain = selected(card)
    assert domain.aid.hex().upper() == "A000000003000000"
    assert domain.fci.findings == ("SELECT does not say which AID was selected",)


def test_card_without_a_security_domain(scripted: CardMaker) -> None:
    card = scripted((SELECT, "6A82"), (ISD, "6A82"), (OLD_ISD, "6A82"))
    with pytest.raises(
        NotFoundError, match=r"\(without an AID, as A000000151000000, as A000000003000000\): card answered 6A82"
    ):
        selected(card)


def test_refusal_that_says_something_else_ends_the_search(scripted: CardMaker) -> None:
    with pytest.raises(
        CardFaultError, match=r"SELECT of the issuer security domain \(without an AID\): card answered 6F00"
    ):
        selected(scripted((SELECT, "6F00")))
    with pytest.raises(ConditionsError, match=rf"\(without an AID, as {AID}\): card answered 6985"):
        selected(scripted((SELECT, "6A82"), (ISD, "6985")))


def test_one_named_domain_is_not_searched_elsewhere(scripted: CardMaker) -> None:
    card = scripted(("00A4040009A0000001515350414100", "6A82"))
    with pytest.raises(NotFoundError, match="SELECT A00000015153504141"):
        SecurityDomain.select(channel_to(card), bytes.fromhex("A00000015153504141"))


def test_locked_card_answers_with_a_warning(scripted: CardMaker) -> None:
    domain = selected(scripted((SELECT, FCI.replace("9000", "6283"))))
    assert domain.card_locked
    assert domain.aid.hex().upper() == AID


def test_answer_that_is_no_fci(scripted: CardMaker) -> None:
    with pytest.raises(ProtocolError, match="SELECT: FCI: got 3F00 and 2 bytes"):
        selected(scripted((SELECT, "3F009000")))


def test_longest_command_is_what_the_domain_takes(scripted: CardMaker) -> None:
    domain = selected(scripted((SELECT, FCI.replace("9F6501FF", "9F65017F"))))
    assert domain.max_command_data == 127


def test_management_data_that_are_malformed(scripted: CardMaker) -> None:
    domain = selected(scripted((SELECT, "6F05 A503 730106 9000")))
    with pytest.raises(ProtocolError, match="SELECT: "):
        domain.protocols()


DATA = {case["name"]: case["in"]["data"] for case in vectors("get-data") + vectors("cplc")}


def test_typed_objects(scripted: CardMaker) -> None:
    domain = selected(
        scripted(
            (SELECT, FCI),
            ("80CA006600", DATA["crd-scp03-70"] + "9000"),
            ("80CA006700", DATA["cci-gppro-1"] + "9000"),
            ("80CA00E000", DATA["key-info-template-rsa"] + "9000"),
            ("80CA9F7F00", DATA["cplc-kaoh-2"] + "9000"),
            ("80CAFF2100", DATA["ff21-extended-card-resources"] + "9000"),
            ("80CA2F0000", "6109 4F07 A0000000041010 9000"),
            ("80CA00C100", "C102002A9000"),
        )
    )
    assert domain.card_data().version == "2.3"  # type: ignore[union-attr]
    assert domain.capabilities().hashes == ("SHA-256",)  # type: ignore[union-attr]
    assert len(domain.key_information()) == 5  # type: ignore[arg-type]
    assert domain.cplc().fabricator_name == "Infineon"  # type: ignore[union-attr]
    assert domain.memory().applications == 2  # type: ignore[union-attr]
    assert domain.applications() == (bytes.fromhex("A0000000041010"),)
    assert domain.value(DataTag.SEQUENCE_COUNTER) == b"\x00\x2a"


@pytest.mark.parametrize("absent", ["6A81", "6A82", "6A86", "6A88", "6D00"])
def test_absent_object_is_none(absent: str, scripted: CardMaker) -> None:
    domain = selected(scripted((SELECT, FCI), ("80CA9F7F00", absent), ("80CA004200", absent), ("80CA004200", absent)))
    assert domain.cplc() is None
    assert domain.value(DataTag.ISSUER_NUMBER) is None
    with pytest.raises(StatusError, match=f"GET DATA 42: card answered {absent}"):
        domain.get_data(DataTag.ISSUER_NUMBER)


def test_refused_object_is_no_absent_one(scripted: CardMaker) -> None:
    domain = selected(scripted((SELECT, FCI), ("80CA00E000", "6982")))
    with pytest.raises(SecurityStatusError, match="GET DATA E0: card answered 6982"):
        domain.key_information()


def test_malformed_object_is_the_cards_fault(scripted: CardMaker) -> None:
    domain = selected(scripted((SELECT, FCI), ("80CA9F7F00", "9F7F2900 9000"), ("80CA004200", "4501AA9000")))
    with pytest.raises(ProtocolError, match="GET DATA 9F7F: CPLC: got 4 bytes"):
        domain.cplc()
    with pytest.raises(ProtocolError, match="GET DATA 42: card answered tags 45, expected 42"):
        domain.value(DataTag.ISSUER_NUMBER)


@pytest.mark.parametrize("answer", ["", "42", "42014242"])
def test_value_that_is_no_object(answer: str, scripted: CardMaker) -> None:
    domain = selected(scripted((SELECT, FCI), ("80CA004200", answer + "9000")))
    with pytest.raises(ProtocolError, match="GET DATA 42: "):
        domain.value(DataTag.ISSUER_NUMBER)


def test_value_alone_for_class_00(scripted: CardMaker) -> None:
    domain = selected(scripted((SELECT, FCI), ("00CA00C100", "002A9000")))
    assert domain.get_data(DataTag.SEQUENCE_COUNTER, cla=0x00) == b"\x00\x2a"


def test_encoders() -> None:
    assert select(bytes.fromhex(AID), following=True).encode().hex().upper() == f"00A4040208{AID}00"
    assert get_data(DataTag.CERTIFICATES, bytes.fromhex("A60483021103")).encode().hex() == "80cabf2106a6048302110300"


def test_list_of_applications_in_one_template() -> None:
    assert listed_applications(bytes.fromhex("6100")) == ()
    both = listed_applications(bytes.fromhex("610E 4F05A000000004 4F05D276000005"))
    assert [aid.hex().upper() for aid in both] == ["A000000004", "D276000005"]


@pytest.mark.parametrize("data", ["62094F07A0000000041010", "61094F07A0"])
def test_list_of_applications_that_is_none(data: str) -> None:
    with pytest.raises(EncodingError):
        listed_applications(bytes.fromhex(data))


# Sheet 16.
@pytest.mark.parametrize(
    ("sw", "error"),
    [
        (0x6982, SecurityStatusError), (0x6983, KeyBlockedError), (0x6985, ConditionsError), (0x6A80, DataError),
        (0x6A84, MemoryFullError), (0x6A88, NotFoundError), (0x6A82, NotFoundError), (0x6A86, ParameterError),
        (0x6A81, ParameterError), (0x6700, LengthError), (0x6881, ChannelError), (0x6882, ChannelError),
        (0x6400, CardFaultError), (0x6581, CardFaultError), (0x6F00, CardFaultError), (0x6D00, NotSupportedError),
        (0x6E00, NotSupportedError), (0x9484, NotSupportedError), (0x9485, DataError), (0x6283, StatusError),
        (0x9000, StatusError), (0x0000, StatusError),
    ],
)  # fmt: skip
def test_errors_by_status_word(sw: int, error: type[CardkitError]) -> None:
    raised = status_error("DELETE", sw)
    assert type(raised) is error
    assert raised.sw == sw
    assert str(raised).startswith(f"DELETE: card answered {sw:04X} (")
