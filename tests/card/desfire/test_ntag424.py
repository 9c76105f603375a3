"""NTAG 424: what its mirrors show, byte for byte as published; LRP sessions; counted failures (sheet 3.13, 3.18, 4)."""

import os
from dataclasses import replace

import pytest

from cardkit.virtual import make_card
from cardkit.virtual.desfire import crypto, lrp
from cardkit.virtual.desfire.model import Key
from tests.card.desfire.conftest import Fixed, vectors
from tests.card.desfire.host import FULL, PLAIN, Host, RefusedError

AID = bytes.fromhex("010000")
SELECT = bytes.fromhex("00A4040C07D2760000850101")
NDEF = 2
ZERO = bytes(16)


def number3(number):
    return number.to_bytes(3, "little")


def tag(given, expected, *, on_lrp):
    """A tag with the keys, UID and counter of a vector, before the reading it is about."""
    uid = bytes.fromhex(expected.get("UID") or given["UID"])
    card = make_card("ntag424", serial=uid[1:])
    state = card.chip.state
    state.select(AID)
    keys = state.key_set()
    for number, name in ((3, "K_SDMMetaRead"), (4, "K_SDMFileRead")):
        keys = keys.with_key(number, Key(crypto.KeyType.AES, bytes.fromhex(given.get(name, "00" * 16))))
    state.put_key_set(0, keys)
    state.put_counter(NDEF, (expected.get("SDMReadCtr") or given["SDMReadCtr"]) - 1)
    state.set_card(2, int(on_lrp))
    state.journal.commit()
    return card


def arrange(card, body, access, options, *offsets):
    """Write the file and its settings."""
    state = card.chip.state
    content = body.encode("ascii")
    state.put_body(NDEF, content + bytes(256 - len(content)))
    sdm = bytes((options,)) + access.to_bytes(2, "little") + b"".join(map(number3, offsets))
    state.put_file(replace(state.file(NDEF), communication=0x40, sdm=sdm))
    state.journal.commit()


def read(card, size):
    card.power(cold=True)
    assert card.transmit(SELECT) == b"\x90\x00"
    answer = card.transmit(bytes((0xAD, NDEF)) + bytes(3) + number3(size))
    assert answer[0] == 0
    return answer[1:].decode("ascii")


@pytest.mark.parametrize(("given", "expected"), vectors("ntag424_sdm", "sun-aes", "sun-lrp"))
def test_mirror(given, expected):
    on_lrp = given["op"] == "sun-lrp"
    card = tag(given, expected, on_lrp=on_lrp)
    picc, text = given["PICCENCData"].upper(), given["mac_input_ascii"]
    inside = picc in text
    body = text if inside else f"{picc}?{text}"
    offsets = [body.index(picc), 0 if inside else len(picc) + 1]
    enciphered = (given["SDMENCFileData"] or "").upper()
    if enciphered:
        offsets += [body.index(enciphered), len(enciphered)]
    plain = expected["file_data_ascii"].encode() if "file_data_ascii" in expected else bytes.fromhex(
        expected.get("file_data", ""))  # fmt: skip
    blank = body.replace(picc, "0" * len(picc))
    if enciphered:
        blank = blank.replace(enciphered, plain.decode("ascii").ljust(len(enciphered), "0"))
    arrange(card, blank + "0" * 16, 0x34F0, 0xC1 | 0x10 * bool(enciphered), *offsets, len(body))
    card.chip.state.random = Fixed(*randoms(given, on_lrp))
    assert read(card, len(body) + 16) == body + expected["SDMMAC"].upper()


def randoms(given, on_lrp):
    """What the tag of the vector drew."""
    key, sent = bytes.fromhex(given["K_SDMMetaRead"]), bytes.fromhex(given["PICCENCData"])
    if not on_lrp:
        return [crypto.BlockCipher(key, aes=True).decrypt(sent, ZERO)[-5:].hex()]
    return [lrp.Lrp(key).decrypt(sent[8:], sent[:8])[-5:].hex(), sent[:8].hex()]


@pytest.mark.parametrize(("given", "expected"), vectors("ntag424_sdm", "sun-plain-mirror"))
def test_plain_mirror(given, expected):
    card = tag(given, expected, on_lrp=False)
    arrange(card, "0" * 14 + "x" + "0" * 6 + "x" + "0" * 16, 0xE4F0, 0xC1, 0, 15, 22, 22)
    assert read(card, 38) == f"{given['UID'].upper()}x000006x{expected['SDMMAC'].upper()}"


@pytest.mark.parametrize(("given", "expected"), vectors("ntag424_sdm", "parse-file-settings"))
def test_settings_come_back(given, expected):
    host = Host(make_card("ntag424", seed=1))
    assert host.card.transmit(SELECT) == b"\x90\x00"
    host.authenticate(0x71, 0, ZERO)
    host.send(0x5F, "02", bytes.fromhex(given["data"][2:8] + given["data"][14:]), FULL)
    assert host.send(0xF5, "02") == bytes.fromhex(given["data"])


def test_what_is_not_mirrored_stays():
    """The counter counts without being shown, the UID stays as the file has it."""
    host = Host(make_card("ntag424", seed=1))
    host.card.transmit(SELECT)
    host.authenticate(0x71, 0, ZERO)
    host.send(0x5F, "02", bytes.fromhex("40eeee 81 ffef 000000"), FULL)
    host.card.power(cold=True)
    host.card.transmit(SELECT)
    host.scheme = None
    assert host.plain("bd02000000200000") == (b"\x04" + host.card.serial).hex().upper().encode() + bytes(18)


def test_the_counter_rises_with_each_reading():
    host = Host(make_card("ntag424", seed=1))
    host.card.transmit(SELECT)
    host.authenticate(0x71, 0, ZERO)
    limit, sdm = number3(3), bytes.fromhex("e1 e0ff") + number3(0) + number3(20)
    host.send(
        0x5F, "02", bytes.fromhex("40eeee") + sdm[:1] + bytes.fromhex("feef") + number3(0) + number3(20) + limit, FULL
    )
    host.card.power(cold=True)
    host.card.transmit(SELECT)
    host.scheme = None
    seen = []
    for _ in range(3):
        whole = host.plain("ad02000000 1e0000")
        assert host.plain("ad02140000 060000") == whole[20:26]
        assert whole[:14].decode() == (b"\x04" + host.card.serial).hex().upper()
        seen.append(whole[20:26])
    assert seen == [b"000001", b"000002", b"000003"]
    assert host.status("ad020000001e0000") == 0x9D, "the limit"
    assert host.plain("f602") == number3(3) + bytes(2)


@pytest.mark.parametrize(
    "settings",
    ["40eeee c1 f0e0 000000", "40eeee c0 feff 000000 100000", "40eeee c1 feff f80000 000000", "c0eeee c1 feff",
     "40eeee", "40eeee d1 3400 000000 600000 400000 200000 800000",
     "40eeee d1 f034 000000 200000 400000 110000 800000"],
)  # fmt: skip
def test_settings_that_contradict_themselves(settings):
    host = Host(make_card("ntag424", seed=1))
    host.card.transmit(SELECT)
    host.authenticate(0x71, 0, ZERO)
    with pytest.raises(RefusedError) as caught:
        host.send(0x5F, "02", bytes.fromhex(settings), FULL)
    assert caught.value.status in (0x7E, 0x9E)


class LrpHost:
    """LRP sessions from the host's side, with the card's primitive: that one is judged by vectors."""

    def __init__(self, card):
        self.card = card

    def authenticate(self, opcode, number, key):
        first = bytes((opcode, number)) + (b"\x01\x02" if opcode == 0x71 else b"")
        answer = self.card.transmit(first)
        assert (answer[0], answer[1]) == (0xAF, 0x01)
        b, a = answer[2:], os.urandom(16)
        mixed = a[:2] + bytes(x ^ y for x, y in zip(a[2:8], b[:6], strict=True)) + b[6:] + a[8:]
        master = lrp.Lrp(key).cmac(bytes.fromhex("00010080") + mixed + b"\x96\x69")
        self.mac, self.enc = lrp.Lrp(master, 0), lrp.Lrp(master, 1)
        answer = self.card.transmit(b"\xaf" + a + self.mac.cmac(a + b))
        assert answer[0] == 0
        sent, proof = answer[1:-16], answer[-16:]
        assert proof == self.mac.cmac(b + a + sent)
        self.blocks = bytes(4)
        if opcode == 0x71:
            shown = self.enc.decrypt(sent, self.blocks)
            self.ti, self.counter, self.blocks = shown[:4], 0, bytes((0, 0, 0, 1))
            assert shown[4:] == bytes(6) + b"\x02" + bytes(5)

    def send(self, opcode, header, payload=b""):
        """A command in full mode."""
        if payload:
            padded = crypto.padded_80(payload, 16)
            payload = self.enc.encrypt(padded, self.blocks)
            self.blocks = lrp.after(self.blocks, len(padded) // 16)
        opening = bytes((opcode,))
        count = self.counter.to_bytes(2, "little")
        mac = self.mac.cmac(opening + count + self.ti + header + payload)[1::2]
        answer = self.card.transmit(opening + header + payload + mac)
        self.counter += 1
        sent, mac = answer[1:-8], answer[-8:]
        assert mac == self.mac.cmac(answer[:1] + self.counter.to_bytes(2, "little") + self.ti + sent)[1::2]
        plain = self.enc.decrypt(sent, self.blocks) if sent else b""
        self.blocks = lrp.after(self.blocks, len(sent) // 16)
        return plain.rstrip(b"\x00")[:-1]


def test_lrp_is_switched_on_for_good():
    host = Host(make_card("ntag424", seed=1))
    card = host.card
    card.transmit(SELECT)
    with pytest.raises(RefusedError, match="9D"):
        host.authenticate(0x71, 0, ZERO, b"\x02")
    host.authenticate(0x71, 0, ZERO)
    host.send(0x5C, "05", bytes.fromhex("00000000020000000000"), FULL)
    assert card.chip.state.session.key_no is None
    host.scheme = None
    with pytest.raises(RefusedError, match="9D"):
        host.authenticate(0x71, 0, ZERO)
    session = LrpHost(card)
    session.authenticate(0x71, 3, ZERO)
    session.send(0x8D, bytes.fromhex("03000000100000"), bytes(range(16)))
    session.authenticate(0x77, 2, ZERO)
    assert session.send(0xAD, bytes.fromhex("03000000200000")) == bytes(range(16)) + bytes(16)
    assert session.counter == 2


def test_failures_are_counted_and_cost_time():
    host = Host(make_card("ntag424", seed=1))
    host.card.transmit(SELECT)
    host.authenticate(0x71, 0, ZERO)
    host.send(0x5C, "0a", bytes.fromhex("0103000100"), FULL)
    wrong = b"\x01" * 16
    for _ in range(3):
        with pytest.raises(RefusedError, match="AE"):
            host.authenticate(0x71, 0, wrong)
    host.card.power(cold=True)
    host.card.transmit(SELECT)
    for _ in range(5):
        with pytest.raises(RefusedError, match="AD"):
            host.authenticate(0x71, 0, ZERO)
    host.authenticate(0x71, 0, ZERO)  # takes one off the three
    with pytest.raises(RefusedError, match="AE"):
        host.authenticate(0x71, 0, wrong)
    with pytest.raises(RefusedError, match="AD"):
        host.authenticate(0x71, 0, ZERO)


def test_delivered_files():
    host = Host(make_card("ntag424", seed=1))
    card = host.card
    for fid, size in (("E103", 32), ("E104", 256)):
        card.transmit(SELECT)
        assert card.transmit(bytes.fromhex(f"00A4000C02{fid}")) == b"\x90\x00"
        assert len(card.transmit(bytes.fromhex("00B0000000"))) == size + 2
    assert card.transmit(bytes.fromhex("00A4000C02E105")) == b"\x90\x00"
    assert card.transmit(bytes.fromhex("00B0000000")).hex() == "6982"
    card.transmit(SELECT)
    assert card.transmit(bytes.fromhex("00D68200020003")) == b"\x90\x00"
    assert card.transmit(bytes.fromhex("0084000010")).hex() == "6d00", "messaging of EV1 is not for it"
    host.authenticate(0x71, 2, ZERO)
    assert host.send(0xBD, "02000000040000", mode=PLAIN) == bytes.fromhex("00030000")
    assert [host.status(command) for command in ("45",)] == [0x1C]
