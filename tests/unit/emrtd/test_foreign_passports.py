"""What passports of others do: exchanges recorded from applets that stem from JMRTD's passportapplet, in jCardSim."""

import secrets

import pytest

from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.lds import FILES
from cardkit.apps.emrtd.pace import Password
from cardkit.apps.emrtd.terminal.reader import inspect
from cardkit.apps.emrtd.terminal.reading import Mark, Request
from cardkit.channel import Channel
from cardkit.errors import SecurityStatusError
from cardkit.transport.loopback import CardSeam, LoopbackConnection

from .passport import NOW, TRUST, Document
from .test_border_reader import BY_CAN, BY_MRZ

# realmfikri/e-mrtd 9135c42, its EF.CardAccess inside the application; the applet is selected when the card is powered.
ABSENT, CLOSED = "6A82", "6982"
CARD_ACCESS = "31143012060A04007F0007020204020202010202010C"
FCI = "6F1462128202011C8302011C8002001688011C8A0105"
RECORDED = {
    "00A4000C023F00": CLOSED,
    "00B0810000": ABSENT,
    "00A4020C022F01": CLOSED,
    "00B09C0000": ABSENT,
    "00A4020C02011C": FCI + "9000",
    "00B0000000": "6C16",
    "00B0000016": CARD_ACCESS + "9000",
}


class Recorded:
    """Answers what was recorded; a file that was never selected is not found."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = answers

    def atr(self) -> bytes:
        return bytes.fromhex("3BE400008131FE4580318065BB")

    def power(self, cold: bool) -> None:
        """Nothing is volatile."""

    def transmit(self, command: bytes) -> bytes:
        return bytes.fromhex(self._answers[command.hex().upper()])


class WithoutShortIdentifiers:
    """A passport that finds no file by a short identifier; files of the session are read by its own rules."""

    def __init__(self, card: CardSeam) -> None:
        self._card = card
        self.atr, self.power = card.atr, card.power

    def transmit(self, command: bytes) -> bytes:
        if command[:2] == b"\x00\xb0" and command[2] & 0x80:
            return bytes.fromhex(ABSENT)
        return self._card.transmit(command)


class Talkative:
    """A passport that answers SELECT of its application with an FCI."""

    def __init__(self, card: CardSeam) -> None:
        self._card = card
        self.atr, self.power = card.atr, card.power

    def transmit(self, command: bytes) -> bytes:
        answer = self._card.transmit(command)
        return bytes.fromhex(FCI) + answer if command[:3] == b"\x00\xa4\x04" else answer


class Exact:
    """A passport that answers 6C1A in clear, session or not, where more is asked for than its smallest file has."""

    def __init__(self, card: CardSeam) -> None:
        self._card = card
        self.atr, self.power = card.atr, card.power

    def transmit(self, command: bytes) -> bytes:
        beginning = command[:2] == b"\x0c\xb0" and (command[2] & 0x80 or command[2:4] == bytes(2))
        asked = command[7] if beginning else 0  # 97 01 Le follows Lc
        return b"\x6c\x1a" if asked > 0x1A else self._card.transmit(command)


def test_a_file_that_no_short_identifier_finds_is_selected() -> None:
    client = DocumentClient(Channel(LoopbackConnection(Recorded(RECORDED))))
    client.select_master_file()
    with pytest.raises(SecurityStatusError):
        client.read(FILES["EF.ATR/INFO"])
    assert client.read(FILES["EF.CardAccess"]).hex().upper() == CARD_ACCESS


def test_a_document_without_short_identifiers_is_read_and_breaks_no_rule() -> None:
    channel = Channel(LoopbackConnection(WithoutShortIdentifiers(Document().card())))
    reading = inspect(channel, Request((BY_CAN,), TRUST, NOW, secrets.token_bytes))
    assert reading.steps[0].name == "PACE"
    assert {step.mark for step in reading.steps} == {Mark.DONE}
    assert reading.findings == []


def test_what_select_tells_unasked_is_heard() -> None:
    client = DocumentClient(Channel(LoopbackConnection(Recorded(RECORDED))))
    client.read(FILES["EF.CardAccess"])
    assert client.talkative


def test_a_document_that_tells_of_itself_unasked_is_read_and_named() -> None:
    channel = Channel(LoopbackConnection(Talkative(Document(pace=()).card())))
    reading = inspect(channel, Request((BY_MRZ,), TRUST, NOW, secrets.token_bytes))
    assert [finding.rule for finding in reading.findings] == ["EMRTD-001"]


@pytest.mark.parametrize(("pace", "password"), [((), BY_MRZ), (((2, 2, 12),), BY_CAN)], ids=["BAC", "PACE"])
def test_a_chip_that_wants_exact_lengths_is_read_with_care_and_named(
    pace: tuple[tuple[int, int, int], ...], password: Password
) -> None:
    channel = Channel(LoopbackConnection(Exact(Document(pace=pace).card())))
    reading = inspect(channel, Request((password,), TRUST, NOW, secrets.token_bytes))
    assert [(finding.rule, finding.actual) for finding in reading.findings] == [("EMRTD-010", "6C1A")]
    assert {"EF.COM", "EF.DG1", "EF.DG2"} < set(reading.files)
