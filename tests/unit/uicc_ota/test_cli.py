"""``cardkit ota``: packets written, sent to a card, and read back."""

from __future__ import annotations

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from cardkit.cli import keys_option, ota
from cardkit.cli.app import run
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.profile.locate import profile_file
from tests.unit.secure.naive import cmac
from tests.unit.secure.naive80 import Card
from tests.unit.uicc_ota.conftest import KIC, KID, TAR, AirCard

PAIR = {"kic": KIC, "kid": KID}
SELECT = "00A4000C023F00"
OPTIONS = ["--key-set", "3=test:kic,test:kid,test:kid", "--tar", "B00011", "--counter", "7"]


@pytest.fixture(autouse=True)
def stored(monkeypatch, tmp_path):
    def opened(url, descriptor):
        held = {name: Key(value, name, "3DES-128", Usage.SECURE_CHANNEL) for name, value in PAIR.items()}
        held["m"] = Key(KIC, "m", "AES-128", Usage.MASTER_DERIVE)
        return MemoryKeyStore({f"test:{name}": key for name, key in held.items()})

    monkeypatch.setattr(keys_option, "open_keystore", opened)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def call(capsys):
    def call_(*words, code=0):
        capsys.readouterr()
        assert run(["ota", *words]) == code, capsys.readouterr().err
        return capsys.readouterr()

    return call_


@pytest.fixture
def air(monkeypatch):
    def put(respond, **how):
        card = AirCard(respond, **how)

        @contextmanager
        def opened(reader):
            assert reader == "virtual:x"
            yield SimpleNamespace(channel=card)

        monkeypatch.setattr(ota, "open_card", opened)
        return card

    return put


def test_pack_writes_messages_a_card_takes(call):
    out = call("pack", SELECT, "00D6000002AABB", *OPTIONS).out.split()

    card = AirCard(lambda data: None)
    card.deliver(bytes.fromhex(out[0]))
    assert (len(out), card.scripts) == (1, [bytes.fromhex(SELECT + "00D6000002AABB")])


def test_pack_as_json(call):
    document = json.loads(call("pack", SELECT, *OPTIONS, "--json", "--coding", "expanded", "--sender", "44").out)

    (packet,) = document["packets"]
    assert document["terms"] == "SPI 1619 KIc 35 KID 35"
    assert Card(KIC, KID).read(bytes.fromhex(packet["packet"])) == (TAR, 7, bytes.fromhex("AA092207" + SELECT))
    assert (packet["tar"], packet["counter"], packet["commands"], packet["serves"]) == ("B00011", 7, 1, [])
    assert [message[:6] for message in packet["messages"]] == ["400281"]


def test_pack_under_derived_keys(call):
    words = ["--key-set", "01=test:m/kdf3", "--diversify", "00010203040506070809", "--spi", "0619"]
    out = call("pack", SELECT, *words, "--tar", "B00011", "--counter", "5", "--checksum-bytes", "4", "--json").out
    packet = bytes.fromhex(json.loads(out)["packets"][0]["packet"])

    kdd = bytes(range(10))
    kic, kid = (cmac(KIC, bytes((1, 0, 0, 0, number, 0)) + kdd) for number in (1, 2))
    assert Card(kic, kid, aes=True, mac_size=4).read(packet) == (TAR, 0, bytes.fromhex(SELECT))


def plan_words(*tars):
    order = profile_file("sim/usim-test").parent / "order.csv"
    words = ["--key-set", "3=test:kic,test:kid,test:kid", "--plan", "sim/usim-test", "--order", str(order)]
    return [*words, "--record", "1", *[word for tar in tars for word in ("--tar", tar)]]


ALL = ("B00000", "ADF.USIM=B00011", "ADF.ISIM=B00012")


def test_a_plan_becomes_packets_with_counters_in_a_row(call):
    result = call("pack", *plan_words(*ALL), "--counter", "100", "--json")
    packets = json.loads(result.out)["packets"]

    assert [packet["counter"] for packet in packets] == list(range(100, 100 + len(packets)))
    assert {packet["tar"] for packet in packets} == {"B00000", "B00011", "B00012"}
    (said,) = result.err.splitlines()
    assert said.startswith("not sent over the air: ")
    assert "ADM1" in said.split(": ")[1].split(", ")
    assert "ADF.USIM/EF.IMSI" not in said
    card = AirCard(lambda data: None)
    for packet in packets:
        for message in packet["messages"]:
            card.deliver(bytes.fromhex(message))
    assert len(card.scripts) == len(packets) > 5


def test_a_plan_with_keys_goes_ciphered_or_not_at_all(call):
    err = call("pack", *plan_words(*ALL), "--counter", "1", "--spi", "1209", code=4).err

    assert "the script holds secrets, expected a ciphered packet" in err


def test_send_says_what_came_of_it(call, air):
    card = air(lambda data: (0, bytes.fromhex("019000")))
    result = call("send", SELECT, *OPTIONS, "--reader", "virtual:x", "--yes")

    assert result.out == "packet 1: 00 (done)\n"
    assert result.err == "packet 1, TAR B00011, counter 7, 1 commands\n"
    assert card.scripts == [bytes.fromhex(SELECT)]
    assert (card.commands[0].cla, card.commands[0].ins) == (0x80, 0xC2)


def test_send_with_terminal_profile(call, air):
    card = air(lambda data: (0, bytes.fromhex("019000")))
    call("send", SELECT, *OPTIONS, "--reader", "virtual:x", "--yes", "--terminal-profile", "FFFF")

    assert [command.ins for command in card.commands] == [0x10, 0xC2]
    assert card.commands[0].data == b"\xff\xff"


def test_send_stops_at_the_first_packet_that_fails(call, air):
    answers = iter([(0, None), (9, b"")])

    def respond(data):
        status, answer = next(answers)
        return status, bytes((_commands_in(data),)) + b"\x90\x00" if answer is None else answer

    air(respond)
    out = call("send", *plan_words(*ALL), "--counter", "1", "--reader", "virtual:x", "--yes", "--json", code=1).out
    document = json.loads(out)

    assert len(document["packets"]) == 2 < document["planned"]
    assert [len(packet["findings"]) for packet in document["packets"]] == [0, 1]
    assert document["packets"][1]["findings"][0]["rule"] == "UICC-117"
    assert document["packets"][1]["receipt"]["status"] == "09"


def _commands_in(data):
    count = 0
    while data:
        data, count = data[5 + data[4] :], count + 1
    return count


def test_send_shows_findings(call, air):
    air(lambda data: (0x02, b""))
    out = call("send", SELECT, *OPTIONS, "--reader", "virtual:x", "--yes", code=1).out

    assert out.splitlines() == [
        "packet 1: 02 (counter too low)",
        "  UICC-116 E status 02 (counter too low), expected status 00",
    ]


def test_silence_is_told(call, air):
    air(lambda data: None)
    out = call("send", SELECT, *OPTIONS, "--spi", "1602", "--reader", "virtual:x", "--yes").out

    assert out.splitlines()[0] == "packet 1: no proof of receipt"


def test_nothing_is_sent_unasked(call, air, monkeypatch):
    card = air(lambda data: None)
    err = call("send", SELECT, *OPTIONS, "--reader", "virtual:x", code=2).err
    assert "nothing sent: no terminal to ask at, expected --yes" in err

    monkeypatch.setattr(ota.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    asked = []
    monkeypatch.setattr(ota.click, "confirm", lambda text, **_: asked.append(text))
    call("send", SELECT, *OPTIONS, "--spi", "1602", "--reader", "virtual:x")
    assert (asked, len(card.scripts)) == (["send this to the card in virtual:x?"], 1)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "expected commands as HEX and one --tar, or --plan"),
        ([SELECT, "--tar", "ADF.USIM=B00012"], "expected commands as HEX and one --tar, or --plan"),
        ([SELECT, "--plan", "x"], "--plan takes --order and --record, and no HEX"),
        (["--plan", "x", "--order", "y"], "--plan takes --order and --record, and no HEX"),
        (["--plan", "x", "--record", "1"], "--plan takes --order and --record, and no HEX"),
        ([SELECT, "--plan", "x", "--order", "y", "--record", "1"], "--plan takes --order and --record, and no HEX"),
    ],
)
def test_options_that_do_not_go_together(call, words, text):
    assert text in call("pack", *words, *OPTIONS, code=2).err


def test_errors_end_as_everywhere(call):
    assert "packets need keys, and there are none" in call("pack", SELECT, *OPTIONS[2:], code=4).err
    assert "SPI: got 1 bytes" in call("pack", SELECT, *OPTIONS, "--spi", "16", code=4).err
    assert "'zz' is not hex" in call("read", "zz", code=4).err


# Reading.

KEYS = OPTIONS[:2]


@pytest.mark.parametrize("size", [5, 200])
def test_read_takes_packets_user_data_and_messages(call, size):
    script = f"00D60000{size:02X}" + "AB" * size
    (packet,) = json.loads(call("pack", script, *OPTIONS, "--json").out)["packets"]
    expected = {
        "kind": "command", "terms": "SPI 1619 KIc 35 KID 35", "tar": "B00011", "counter": 7, "script_bytes": size + 5,
    }  # fmt: skip
    user_data = [message[34:] for message in packet["messages"]]
    assert user_data[0][2:6] in ("7000", "0003")
    for parts in ([packet["packet"]], user_data, packet["messages"][::-1]):
        result = call("read", *parts, *KEYS, "--json").out
        assert json.loads(result) == expected
        assert "ABAB" not in result
    assert call("read", packet["packet"], *KEYS).out.splitlines()[0] == "kind          command"


def test_read_takes_answers(call):
    packet = bytes.fromhex(json.loads(call("pack", SELECT, *OPTIONS, "--json").out)["packets"][0]["packet"])
    response = Card(KIC, KID).answer(packet, 0, b"\x01\x90\x00", counter=7)
    tpdu = b"\x41\x00\x00\x81\x00\xf6" + bytes((len(response),)) + response

    for part in (response, tpdu):
        assert json.loads(call("read", part.hex(), *KEYS, "--json").out) == {
            "kind": "response", "tar": "B00011", "counter": 7, "status": "00", "text": "00 (done)", "proven": True,
            "data": "019000",
        }  # fmt: skip


def test_read_under_other_terms_says_which(call):
    packet = json.loads(call("pack", SELECT, *OPTIONS, "--json").out)["packets"][0]["packet"]

    err = call("read", packet, *KEYS, "--spi", "0219", code=4).err
    assert err == "error: packet with SPI 1619 KIc 35 KID 35, the options say SPI 0219 KIc 35 KID 35\n"
    changed = packet[:-2] + f"{int(packet[-2:], 16) ^ 1:02X}"
    assert "the CC of the packet is wrong" in call("read", changed, *KEYS, code=1).err
