"""Every operation against a card with a mind of its own, over T=1 and T=0."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cardkit.apps.uicc.client import Authenticated, OutOfSync, UiccSession
from cardkit.apps.uicc.codecs.cardmodel import auth_key_config
from cardkit.apps.uicc.files import APPLICATIONS, CATALOGUE, Structure
from cardkit.apps.uicc.gsm import GsmSession
from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.names import ADM1, PIN1, PIN2
from cardkit.apps.uicc.pin import CodeState, Line, RetryGuard
from cardkit.apps.uicc.sqn import make_vector, next_sqn, verify_auts
from cardkit.apps.uicc.xor import Xor2G, XorAka
from cardkit.crypto import Secret
from cardkit.errors import AuthenticationError, StatusError
from cardkit.target import Card, open_card
from cardkit.transport.base import TransmissionProtocol

from .test_pin import KEY, Journal

TRANSPORT = Secret(bytes.fromhex("4142434445464748"), "adm1")
K, OPC = Secret(bytes(range(0x40, 0x50)), "k"), Secret(bytes(range(0x50, 0x60)), "opc")
RAND = bytes(range(16))
DELIVERED, PUK = Secret(b"0000", "pin"), Secret(b"00000000", "puk")


@pytest.fixture(params=[TransmissionProtocol.T1, TransmissionProtocol.T0], ids=["T1", "T0"])
def card(request: pytest.FixtureRequest) -> Iterator[Card]:
    with open_card("virtual:usim", seed=7, protocol=request.param) as opened:
        yield opened


@pytest.fixture
def session(card: Card) -> UiccSession:
    return UiccSession(card.channel)


@pytest.fixture
def plant(session: UiccSession) -> UiccSession:
    """Return a session with the transport key presented, in the USIM."""
    session.verify(ADM1, TRANSPORT)
    session.select_application(APPLICATIONS["ADF.USIM"])
    return session


def test_the_same_file_by_path_and_by_short_identifier(plant: UiccSession) -> None:
    spec = CATALOGUE["ADF.USIM/EF.IMSI"]
    body = spec.encode({"imsi": "001010000000102"}, 9)
    plant.update_binary(body, sfi=spec.sfi)
    fcp = plant.select(spec.path)
    assert (fcp.fid, fcp.sfi, fcp.size, fcp.structure) == (0x6F07, 7, 9, Structure.TRANSPARENT)
    assert plant.read_binary(9) == body
    assert plant.read_binary(4, offset=2) == body[2:6]
    # DF.GSM/EF.IMSI is the same body by another path.
    plant.enter((0x7F20, 0x6F07))
    assert plant.read_binary(9) == body
    assert plant.status().fid == 0x7F20


def test_records(plant: UiccSession) -> None:
    spec = CATALOGUE["ADF.USIM/EF.PNN"]
    record = spec.encode({"full_name": "Example"}, 24)
    plant.update_record(2, record, spec.sfi)
    assert plant.read_record(2, 24) == record
    assert plant.search_record(record[:4]) == [2]
    assert plant.search_record(b"\x12\x34") == []
    with pytest.raises(StatusError, match="6A83"):
        plant.read_record(6, 24)


def test_a_cyclic_counter(plant: UiccSession) -> None:
    spec = CATALOGUE["ADF.USIM/EF.ACM"]
    plant.select(spec.path)
    plant.append_cyclic(bytes.fromhex("000005"))
    assert plant.read_record(1, 3) == bytes.fromhex("000005")
    assert plant.increase(3, 3) == 8


def test_what_is_not_allowed_is_refused(session: UiccSession) -> None:
    session.select_application(APPLICATIONS["ADF.USIM"])
    with pytest.raises(StatusError, match="6982"):
        session.update_binary(bytes(9), sfi=7)
    with pytest.raises(StatusError, match="6A82"):
        session.select_fid(0x6FFF)


def test_a_life_of_a_pin(session: UiccSession, card: Card) -> None:
    new, other = Secret(b"4711", "pin1"), Secret(b"0815", "pin1")
    session.enable(PIN1, DELIVERED)
    session.change(PIN1, DELIVERED, new)
    card.reset(cold=True)
    assert session.code_status(PIN1).left == 3
    with pytest.raises(AuthenticationError, match="2 tries left"):
        session.verify(PIN1, other)
    for left in (1, 0):
        assert session.submit(0x20, PIN1, other).left == left
    assert session.code_status(PIN1).state is CodeState.BLOCKED
    assert session.unblock_status(PIN1).left == 10
    session.unblock(PIN1, PUK, other)
    assert session.code_status(PIN1).left == 3
    session.disable(PIN1, other)
    session.select_application(APPLICATIONS["ADF.USIM"])
    assert session.code_status(PIN2).left == 3


def test_the_guard_on_a_real_counter(session: UiccSession) -> None:
    journal, line = Journal(), Line()
    wrong = Secret(bytes(8), "adm1")
    with pytest.raises(AuthenticationError, match="ADM1: refused, 2 tries left"):
        RetryGuard(session, "chip", journal, KEY, line).present(ADM1, wrong, full=3)
    RetryGuard(session, "chip", journal, KEY, line).present(ADM1, TRANSPORT, full=3, released=True)
    assert session.code_status(ADM1).left == 3
    assert [entry.step for entry in journal.entries] == ["before", "refused", "before", "accepted"]


@pytest.mark.parametrize(
    ("application", "algorithm"), [("ADF.USIM", "Milenage"), ("ADF.ISIM", "Milenage"), ("ADF.USIM", "XOR")]
)
def test_the_card_proves_its_keys(session: UiccSession, application: str, algorithm: str) -> None:
    session.verify(ADM1, TRANSPORT)
    session.select_application(APPLICATIONS[application])
    session.select_fid(0xAF20)
    session.update_binary((bytes((auth_key_config(algorithm),)), K, OPC))
    ours = Milenage(K, OPC) if algorithm == "Milenage" else XorAka(K)
    session.select_application(APPLICATIONS[application])

    stale = session.authenticate(RAND, make_vector(ours, RAND, 0).autn)
    assert isinstance(stale, OutOfSync)
    sqn = next_sqn(verify_auts(ours, RAND, stale.auts), 31)
    fresh = make_vector(ours, RAND, sqn)
    wrong = bytearray(fresh.autn)
    wrong[-1] ^= 1
    with pytest.raises(StatusError, match="9862"):
        session.authenticate(RAND, bytes(wrong))
    answer = session.authenticate(RAND, fresh.autn)
    assert isinstance(answer, Authenticated)
    assert (answer.res, answer.ck, answer.ik) == (fresh.res, fresh.ck, fresh.ik)
    again = session.authenticate(RAND, fresh.autn)
    assert isinstance(again, OutOfSync)
    assert verify_auts(ours, RAND, again.auts) == sqn


def test_a_key_of_another_card_is_found_out(plant: UiccSession) -> None:
    plant.select_fid(0xAF20)
    plant.update_binary((bytes((auth_key_config("Milenage"),)), K, OPC))
    plant.select_application(APPLICATIONS["ADF.USIM"])
    with pytest.raises(StatusError, match="9862"):
        plant.authenticate(RAND, make_vector(Milenage(K, bytes(16)), RAND, 0).autn)


def test_the_2g_side_of_a_uicc(session: UiccSession) -> None:
    session.verify(ADM1, TRANSPORT)
    session.enter((0xA515, 0x6F20))
    session.update_binary((bytes((auth_key_config("Milenage"),)), K, OPC))
    session.select_application(APPLICATIONS["ADF.USIM"])
    assert session.authenticate_gsm(RAND) == Milenage(K, OPC).a3a8(RAND)


def test_a_2g_card() -> None:
    with open_card("virtual:sim2g", seed=7) as card:
        session = GsmSession(card.channel)
        assert session.select(()).is_directory
        status = session.code_status(PIN1)
        assert (status.state, status.left) == (CodeState.ASKED, 3)
        assert session.select((0x7F20, 0x6F07)).size == 9
        assert session.submit(0x20, ADM1, TRANSPORT).state is CodeState.VERIFIED
        session.update_binary(CATALOGUE["DF.GSM/EF.IMSI"].encode({"imsi": "001010000000102"}, 9))
        assert session.read_binary(9).hex() == "080910100000001020"
        session.select((0x7F10, 0x6F40))
        record = CATALOGUE["DF.TELECOM/EF.MSISDN"].encode({"number": "+49301234567"}, 34)
        session.update_record(1, record)
        assert session.read_record(1, 34) == record
        session.select((0xA515, 0x6F20))
        session.update_binary(bytes((auth_key_config("XOR-2G"),)) + bytes(range(0x40, 0x50)) + bytes(16))
        session.select((0x7F20,))
        assert session.run_gsm_algorithm(RAND) == Xor2G(K).a3a8(RAND)
