"""Sessions: what is sent for each operation, and what every answer becomes."""

from __future__ import annotations

import pytest

from cardkit.apps.uicc.client import Authenticated, OutOfSync, UiccSession, is_done
from cardkit.apps.uicc.gsm import GsmSession
from cardkit.apps.uicc.pin import CodeState
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError, StatusError

from .conftest import ScriptedConnection

FCP = "62178202412183022FE28A01058B032F060A8002000A880110"
GSM_EF = "000000096F07040015F01501020000"


def uicc(*answers: str) -> tuple[UiccSession, ScriptedConnection]:
    card = ScriptedConnection(*answers)
    return UiccSession(Channel(card)), card


def gsm(*answers: str) -> tuple[GsmSession, ScriptedConnection]:
    card = ScriptedConnection(*answers)
    return GsmSession(Channel(card)), card


def test_selection_by_path_identifier_and_application() -> None:
    session, card = uicc(FCP + "9000", FCP + "9000", FCP + "9120", "9000", "9000", FCP + "6283")
    assert session.select((0x7FFF, 0x6F07)).fid == 0x2FE2
    session.select(())
    session.select_application(bytes.fromhex("A0000000871002"))
    assert session.pending_fetch == 0x20
    session.enter((0x7F20,))
    session.enter(())
    session.select_fid(0x2FE2)
    assert session.pending_fetch == 0
    assert card.sent == [
        "00A40804047FFF6F0700", "00A40004023F0000", "00A4040407A000000087100200", "00A4080C027F20", "00A4000C023F00",
        "00A40004022FE200",
    ]  # fmt: skip


def test_a_file_that_is_not_there() -> None:
    session, _ = uicc("6A82")
    with pytest.raises(StatusError, match="SELECT 6F07: card answered 6A82") as caught:
        session.select_fid(0x6F07)
    assert caught.value.sw == 0x6A82


@pytest.mark.parametrize("answer", ["9000", "0102039000", "62059000"])
def test_a_select_answer_that_is_no_template(answer: str) -> None:
    session, _ = uicc(answer)
    with pytest.raises(ProtocolError):
        session.select_fid(0x6F07)


@pytest.mark.parametrize(
    ("sw", "done"), [(0x9000, True), (0x91FF, True), (0x9200, True), (0x9300, False), (0x6310, False)]
)
def test_a_waiting_proactive_command_is_success(sw: int, done: bool) -> None:
    assert is_done(sw) is done


def test_reading_goes_in_blocks_of_255() -> None:
    session, card = uicc("AA" * 255 + "9000", "BB" * 45 + "9110")
    assert session.read_binary(300, sfi=2) == b"\xaa" * 255 + b"\xbb" * 45
    assert card.sent == ["00B08200FF", "00B000FF2D"]


def test_writing_goes_in_blocks_of_255() -> None:
    session, card = uicc("9000", "9000")
    session.update_binary(b"\x11" * 256, offset=1)
    assert [command[:10] for command in card.sent] == ["00D60001FF", "00D6010001"]


def test_a_secret_goes_in_one_command() -> None:
    session, card = uicc("9000")
    session.update_binary((b"\x14", Secret(b"\x40" * 16, "k"), Secret(b"\x50" * 16, "opc")))
    assert card.sent == ["00D6000021" + "14" + "40" * 16 + "50" * 16]


@pytest.mark.parametrize("answer", ["AA9000", "AAAAAAAA9000"])
def test_another_number_of_bytes_than_asked_for_is_noticed(answer: str) -> None:
    session, _ = uicc(answer, answer)
    with pytest.raises(ProtocolError, match=r"READ BINARY at 0: card answered \d bytes, expected 3"):
        session.read_binary(3)
    with pytest.raises(ProtocolError, match=r"READ RECORD 2: card answered \d bytes, expected 3"):
        session.read_record(2, 3)


def test_records() -> None:
    session, card = uicc("0102039000", "9000", "9000", "01039000", "6282", "0000050000019000")
    assert session.read_record(1, 3, sfi=5) == b"\1\2\3"
    session.update_record(1, b"\1\2\3")
    session.append_cyclic(b"\0\0\1")
    assert session.search_record(b"\x91") == [1, 3]
    assert session.search_record(b"\x91") == []
    assert session.increase(1, 3) == 5
    assert card.sent == [
        "00B2012C03", "00DC010403010203", "00DC000303000001", "00A20104019100", "00A20104019100", "803200000300000100"
    ]  # fmt: skip


def test_a_counter_that_overflows_is_refused_in_words() -> None:
    session, _ = uicc("9850")
    with pytest.raises(StatusError, match=r"9850 .*maximum"):
        session.increase(1, 3)


@pytest.mark.parametrize(
    ("sw", "state", "left"),
    [
        ("9000", CodeState.VERIFIED, None), ("63C3", CodeState.ASKED, 3), ("63C0", CodeState.ASKED, 0),
        ("6983", CodeState.BLOCKED, 0), ("6984", CodeState.DISABLED, None), ("6A88", CodeState.ABSENT, None),
    ],
)  # fmt: skip
def test_asking_for_the_counter(sw: str, state: CodeState, left: int | None) -> None:
    session, card = uicc(sw, sw)
    assert (session.code_status(0x01).state, session.code_status(0x01).left) == (state, left)
    assert card.sent == ["00200001", "00200001"]


def test_asking_for_the_unblocking_counter() -> None:
    session, card = uicc("63CA")
    assert session.unblock_status(0x81).left == 10
    assert card.sent == ["002C0081"]


def test_a_status_word_that_says_nothing_of_codes() -> None:
    session, _ = uicc("6F00")
    with pytest.raises(StatusError, match="VERIFY PIN1: card answered 6F00"):
        session.code_status(0x01)


def test_refused_code_operations() -> None:
    pin, new = Secret(b"1234", "pin"), Secret(b"5678", "new pin")
    session, card = uicc("63C2", "63C1", "6983", "63C9", "9000", "9000")
    with pytest.raises(AuthenticationError, match="VERIFY PIN1: asked for, 2 tries left") as caught:
        session.verify(0x01, pin)
    assert caught.value.security_stop
    with pytest.raises(AuthenticationError, match="CHANGE PIN2"):
        session.change(0x81, pin, new)
    with pytest.raises(AuthenticationError, match="DISABLE PIN1: blocked"):
        session.disable(0x01, pin)
    with pytest.raises(AuthenticationError, match="UNBLOCK PIN1: asked for, 9 tries left"):
        session.unblock(0x01, pin, new)
    session.enable(0x01, pin)
    session.verify(0x01, pin)
    assert [command[2:4] for command in card.sent] == ["20", "24", "26", "2C", "28", "20"]


# Authentication

RES, CK, IK, KC = "11" * 8, "22" * 16, "33" * 16, "44" * 8


def test_an_accepted_challenge() -> None:
    session, card = uicc(f"DB08{RES}10{CK}10{IK}08{KC}9000", f"DB04{RES[:8]}10{CK}10{IK}9000")
    first = session.authenticate(bytes(16), bytes(16))
    assert first == Authenticated(bytes.fromhex(RES), bytes.fromhex(CK), bytes.fromhex(IK), bytes.fromhex(KC))
    assert "22" * 4 not in repr(first)
    second = session.authenticate(bytes(16), bytes(16))
    assert isinstance(second, Authenticated)
    assert (second.res, second.kc) == (b"\x11" * 4, None)
    assert card.sent[0] == "0088008122" + "10" + "00" * 16 + "10" + "00" * 16 + "00"


def test_an_old_challenge() -> None:
    session, _ = uicc("DC0E" + "55" * 14 + "9000")
    assert session.authenticate(bytes(16), bytes(16)) == OutOfSync(b"\x55" * 14)


def test_a_wrong_mac() -> None:
    session, _ = uicc("9862")
    with pytest.raises(StatusError, match=r"AUTHENTICATE: card answered 9862 \(authentication failed"):
        session.authenticate(bytes(16), bytes(16))


@pytest.mark.parametrize(
    "answer",
    [
        "", "DB", "DC", "DC0D" + "55" * 13, "DC0E" + "55" * 13, f"DB08{RES}10{CK}", f"DB08{RES}10{CK}10{IK}07{KC[:14]}",
        f"DB02{RES[:4]}10{CK}10{IK}", f"DB11{'11' * 17}10{CK}10{IK}", f"AA08{RES}10{CK}10{IK}", "DB00", "DBFF",
    ],
)  # fmt: skip
def test_a_malformed_answer(answer: str) -> None:
    session, _ = uicc(answer + "9000")
    with pytest.raises(ProtocolError, match="AUTHENTICATE"):
        session.authenticate(bytes(16), bytes(16))


def test_a_2g_challenge_on_a_uicc() -> None:
    session, card = uicc("04AABBCCDD08" + KC + "9000", "04AABBCCDD9000")
    assert session.authenticate_gsm(bytes(16)) == (bytes.fromhex("AABBCCDD"), bytes.fromhex(KC))
    assert card.sent == ["0088008011" + "10" + "00" * 16 + "00"]
    with pytest.raises(ProtocolError, match="GSM"):
        session.authenticate_gsm(bytes(16))


# Class A0


def test_2g_selects_step_by_step() -> None:
    session, card = gsm(GSM_EF + "9000", GSM_EF + "9000", GSM_EF + "9000")
    assert session.select((0x7F20, 0x6F07)).size == 9
    assert [command[:14] for command in card.sent] == ["A0A40000023F00", "A0A40000027F20", "A0A40000026F07"]


def test_2g_reads_and_writes() -> None:
    session, card = gsm("0102039000", "9000", "01029000", "9000", "910A")
    assert session.read_binary(3) == b"\1\2\3"
    session.update_binary(b"\1")
    assert session.read_record(1, 2) == b"\1\2"
    session.update_record(1, b"\1\2")
    session.update_binary(b"\2", 5)
    assert card.sent == ["A0B0000003", "A0D600000101", "A0B2010402", "A0DC0104020102", "A0D600050102"]


@pytest.mark.parametrize("sw", ["9404", "9804", "9240", "6B00", "6E00"])
def test_2g_refusals(sw: str) -> None:
    session, _ = gsm(sw)
    with pytest.raises(StatusError, match=f"READ BINARY at 0: card answered {sw}"):
        session.read_binary(1)


def test_2g_names_the_right_length_in_the_status_word() -> None:
    session, card = gsm("6716", MF + "9000", "6704")
    assert session.code_status(0x01).left == 3
    assert card.sent == ["A0F2000000", "A0F2000016"]
    with pytest.raises(StatusError, match="6704"):
        session.update_binary(b"\1")


def test_2g_malformed_select() -> None:
    session, _ = gsm("00009000")
    with pytest.raises(ProtocolError, match="2G SELECT answer: got 2 bytes"):
        session.select_fid(0x6F07)


MF = "0000125C3F000100000000000A9303020C00838A0A8A00"


def test_2g_codes() -> None:
    session, card = gsm(MF + "9000", MF + "9000", MF + "9000", "9000", "9804", "9840", "9808", "9000")
    assert (session.code_status(0x01).state, session.code_status(0x01).left) == (CodeState.ASKED, 3)
    assert session.code_status(0x02).state is CodeState.UNKNOWN
    code = Secret(b"0000", "chv1")
    from cardkit.apps.iso7816.commands import Ins

    states = [session.submit(Ins.VERIFY, 0x01, code).state for _ in range(4)]
    assert states == [CodeState.VERIFIED, CodeState.ASKED, CodeState.BLOCKED, CodeState.DISABLED]
    session.submit(Ins.UNBLOCK, 0x01, Secret(b"00000000", "puk"), code)
    assert card.sent[-1].startswith("A02C000010")


def test_2g_challenge() -> None:
    session, card = gsm("AABBCCDD" + KC + "9000", "AABB9000")
    assert session.run_gsm_algorithm(bytes(16)) == (bytes.fromhex("AABBCCDD"), bytes.fromhex(KC))
    assert card.sent == ["A088000010" + "00" * 16 + "0C"]
    with pytest.raises(ProtocolError, match="answered 2 bytes"):
        session.run_gsm_algorithm(bytes(16))


def test_2g_challenge_of_another_length_is_the_callers_fault() -> None:
    session, card = gsm()
    with pytest.raises(EncodingError, match="RAND must be 16 bytes, got 15"):
        session.run_gsm_algorithm(bytes(15))
    assert card.sent == []


@pytest.mark.parametrize(
    ("lengths", "kc"), [((8, 16, 16), False), ((4, 32, 32), False), ((16, 32, 16), False), ((16, 16, 16, 8), True)]
)
def test_keys_of_128_or_256_bits_with_or_without_kc(lengths: tuple[int, ...], kc: bool) -> None:
    answer = "DB" + "".join(f"{length:02X}" + f"{length:02x}" * length for length in lengths)
    found = uicc(answer + "9000")[0].authenticate(bytes(16), bytes(16))
    assert isinstance(found, Authenticated)
    assert (len(found.res), len(found.ck), len(found.ik)) == lengths[:3]
    assert (found.kc is not None) is kc


@pytest.mark.parametrize(
    "lengths",
    [(3, 16, 16), (17, 16, 16), (8, 24, 16), (8, 16, 8), (8, 16), (8,), (8, 16, 16, 7), (8, 16, 16, 8, 8), ()],
)
def test_keys_of_other_lengths_are_no_answer(lengths: tuple[int, ...]) -> None:
    answer = "DB" + "".join(f"{length:02X}" + "00" * length for length in lengths)
    with pytest.raises(ProtocolError, match="expected DB and RES, CK, IK"):
        uicc(answer + "9000")[0].authenticate(bytes(16), bytes(16))
