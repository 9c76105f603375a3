"""Secure messaging of travel documents against exchanges computed by others, and lies of a chip."""

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.documentkeys import MessagingKeys, mac
from cardkit.crypto.key import Key, Usage
from cardkit.errors import EncodingError, SecureMessagingError
from cardkit.secure.icao import IcaoSession

from .vectors import entries, entry, named


def messaging_keys(algorithm: str, enc: str, mac_key: str) -> MessagingKeys:
    name = "3DES-128" if algorithm == "3DES" else algorithm
    keys = (Key(bytes.fromhex(value), "test", name, Usage.SECURE_CHANNEL) for value in (enc, mac_key))
    return MessagingKeys(*keys)


def session(given: dict[str, str], counter: str) -> IcaoSession:
    return IcaoSession(messaging_keys(given["cipher"], given["ks_enc"], given["ks_mac"]), bytes.fromhex(counter))


def plain_command(step: dict[str, object]) -> CommandAPDU:
    header = bytes.fromhex(str(step["plain_header"]))
    data = bytes.fromhex(str(step["plain_data"]))
    return CommandAPDU(*header, data, int(str(step["le"] or 0)), extended=bool(step["extended"]))


@pytest.mark.parametrize("case", entries("sm", "secure messaging session"), ids=named)
def test_a_whole_session_is_as_computed_twice_elsewhere(case: dict[str, dict[str, object]]) -> None:
    given, wanted = case["in"], case["out"]
    messaging = session(given, given["ssc"])
    for step in wanted["steps"]:
        wrapped = messaging.wrap(plain_command(step))
        assert (wrapped.encode().hex().upper(), messaging.counter.hex().upper()) == (
            step["command"], step["ssc_command"],
        )  # fmt: skip
        answer = messaging.unwrap(ResponseAPDU.parse(bytes.fromhex(step["response"])))
        assert (answer.data.hex().upper(), f"{answer.sw:04X}") == (step["plain_response"], step["sw"])
    assert messaging.counter.hex().upper() == wanted["ssc_after"]


def test_reading_ef_com_is_as_in_the_worked_example() -> None:
    given, wanted = entry("bac", "D.4")
    messaging = IcaoSession(messaging_keys("3DES", given["ks_enc"], given["ks_mac"]), bytes.fromhex(given["ssc"]))
    plain = b""
    for command, (protected, answer) in zip(given["commands"], wanted["apdus"], strict=True):
        assert messaging.wrap(CommandAPDU.parse(bytes.fromhex(command))).encode().hex().upper() == protected
        plain += messaging.unwrap(ResponseAPDU.parse(bytes.fromhex(answer))).data
    assert (plain.hex().upper(), messaging.counter.hex().upper()) == (wanted["plain"], wanted["ssc_after"])


@pytest.mark.parametrize("case", entries("sm", "first exchange after PACE"), ids=named)
def test_the_first_exchange_after_pace_is_as_in_the_worked_example(case: dict[str, dict[str, str]]) -> None:
    given, wanted = case["in"], case["out"]
    messaging = IcaoSession(messaging_keys("AES-128", given["k_enc"], given["k_mac"]))
    wrapped = messaging.wrap(CommandAPDU(0, 0x22, 0x81, 0xB6, bytes.fromhex(given["plain_command_data"])))
    assert isinstance(wrapped.data, bytes)
    assert wrapped.data[3 : 3 + len(wanted["cryptogram"]) // 2].hex().upper() == wanted["cryptogram"]
    objects = f"{given['response_data_objects']}8E08{wanted['response_mac']}"
    assert messaging.unwrap(ResponseAPDU(bytes.fromhex(objects), 0x9000)) == ResponseAPDU(b"", 0x9000)


@pytest.mark.parametrize(
    "case", [c for c in entries("sm", "response to be refused") if len(c["in"]["response"]) > 2], ids=named
)
def test_an_answer_that_lies_ends_the_session(case: dict[str, dict[str, str]]) -> None:
    given = case["in"]
    before = (int(given["ssc_before_response"], 16) - 1).to_bytes(8)
    messaging = session(given, before.hex())
    messaging.wrap(CommandAPDU(0, 0xB0, 0, 0, b"", 256))
    assert messaging.counter.hex().upper() == given["ssc_before_response"]
    with pytest.raises(SecureMessagingError):
        messaging.unwrap(ResponseAPDU.parse(bytes.fromhex(given["response"])))
    with pytest.raises(SecureMessagingError, match=r"^secure messaging: an answer to no command$"):
        messaging.unwrap(ResponseAPDU.parse(bytes.fromhex(given["response"])))
    with pytest.raises(SecureMessagingError, match="session is over"):
        messaging.wrap(CommandAPDU(0, 0xB0, 0, 0, b"", 256))


@pytest.mark.parametrize("case", entries("sm", "send sequence counter"), ids=named)
def test_the_counter_counts_and_comes_round(case: dict[str, dict[str, str]]) -> None:
    counter = bytes.fromhex(case["in"]["ssc"])
    algorithm = "3DES" if len(counter) == 8 else "AES-128"
    messaging = IcaoSession(messaging_keys(algorithm, bytes(range(16)).hex(), bytes(range(16, 32)).hex()), counter)
    messaging.wrap(CommandAPDU(0, 0xB0, 0, 0, b"", 256))
    assert messaging.counter.hex().upper() == case["out"]["ssc"]


class Chip:
    """The other side of a session of ours, to protect lies correctly."""

    def __init__(self) -> None:
        self.keys = messaging_keys("AES-128", bytes(range(16)).hex(), bytes(range(16, 32)).hex())
        self.messaging = IcaoSession(self.keys)
        self.messaging.wrap(CommandAPDU(0, 0xB0, 0, 0, b"", 4))

    def answer(self, objects: str, sw: int = 0x9000) -> ResponseAPDU:
        data = bytes.fromhex(objects)
        padded = (2).to_bytes(16) + data + b"\x80"
        return ResponseAPDU(data + b"\x8e\x08" + mac(self.keys.mac, padded + bytes(-len(padded) % 16)), sw)


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        ("99026A82", "outside"),
        ("990190", "2 bytes of status"),
        ("9903900000", "2 bytes of status"),
        ("5F010100 99029000", "objects"),
        ("99029000 99029000", "objects"),
        ("871100" + "00" * 16 + "99029000", "data object 87"),
        ("8510" + "00" * 16 + "99029000", "data object 85"),
        ("871101" + "00" * 16 + "99029000", "padding"),
        ("870401AABBCC 99029000", "CBC"),
        ("8700 99029000", "data object 87"),
    ],
)
def test_an_answer_with_a_right_mac_is_not_believed_more(objects: str, why: str) -> None:
    chip = Chip()
    with pytest.raises(SecureMessagingError, match=why):
        chip.messaging.unwrap(chip.answer(objects))
    assert not chip.messaging.open


def test_an_error_inside_leaves_the_session_open() -> None:
    chip = Chip()
    assert chip.messaging.unwrap(chip.answer("99026A82", 0x6A82)) == ResponseAPDU(b"", 0x6A82)
    assert chip.messaging.open


def test_more_data_than_asked_for_are_refused() -> None:
    case = entries("sm", "secure messaging session, 3DES")[0]
    messaging = session(case["in"], case["in"]["ssc"])
    select, read = case["out"]["steps"][:2]
    messaging.wrap(plain_command(select))
    messaging.unwrap(ResponseAPDU.parse(bytes.fromhex(select["response"])))
    messaging.wrap(CommandAPDU(0, 0xB0, 0, 0, b"", 3))
    with pytest.raises(SecureMessagingError, match="3 were asked for"):
        messaging.unwrap(ResponseAPDU.parse(bytes.fromhex(read["response"])))


def test_what_a_chip_says_to_who_asked_for_nothing_is_handed_on() -> None:
    """An applet that stems from JMRTD's answers SELECT with an FCI in a session, though P2 = 0C and no Le asks none."""
    case = entries("sm", "secure messaging session, 3DES")[0]
    messaging = session(case["in"], case["in"]["ssc"])
    select, read = case["out"]["steps"][:2]
    messaging.wrap(plain_command(select))
    messaging.unwrap(ResponseAPDU.parse(bytes.fromhex(select["response"])))
    messaging.wrap(CommandAPDU(0, 0xA4, 0x02, 0x0C, b"\x01\x1e"))
    answer = messaging.unwrap(ResponseAPDU.parse(bytes.fromhex(read["response"])))
    assert answer.data.hex().upper() == read["plain_response"]


@pytest.mark.parametrize("wire", ["00A4000C", "0CB0000004", "04B0000004", "01B0000004"])
def test_what_chips_do_not_agree_about_is_not_sent(wire: str) -> None:
    messaging = Chip().messaging
    with pytest.raises(EncodingError):
        messaging.wrap(CommandAPDU.parse(bytes.fromhex(wire)))


@pytest.mark.parametrize(("algorithm", "short"), [("3DES", 231), ("AES-128", 223), ("AES-256", 223)])
def test_a_short_answer_carries_what_the_sheet_of_the_standard_says(algorithm: str, short: int) -> None:
    size = 32 if algorithm == "AES-256" else 16
    messaging = IcaoSession(messaging_keys(algorithm, bytes(range(size)).hex(), bytes(range(size)).hex()))
    assert messaging.most_data(256) == short


def test_nothing_shows_a_key() -> None:
    keys = Chip().keys
    assert "0001" not in repr(keys)
    assert keys.enc.kcv is not None
