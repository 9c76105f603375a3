"""A payment card on paper: the records and keys of the test PKI in vectors/emv_oda.json, made to lie at will.

It knows just enough to answer a terminal; its cryptograms are constants. The virtual card is another thing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "emv_oda.json").read_text(encoding="utf-8"))
ISSUER_MADE = next(case for case in VECTORS if case["name"].startswith("issuer_cert_create"))
ICC_MADE = next(case for case in VECTORS if case["name"].startswith("icc_cert_create"))
ICC_KEY = next(case for case in VECTORS if case["name"].startswith("icc_private_key"))["in"]

AID = bytes.fromhex("AFFFFFFFFF1234")
PAN = "1234560012345608"
CDOL1 = "9F02069F03069F1A0295055F2A029A039C019F37049F3403"
CDOL2 = "8A02910A95059F3704"
ACS = {0x40: bytes.fromhex("4040404040404040"), 0x80: bytes.fromhex("8080808080808080"), 0x00: bytes(8)}
OK = b"\x90\x00"


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def t(tag: str, *values: bytes | str) -> bytes:
    """Return one object with as many length bytes as it needs."""
    value = b"".join(h(each) if isinstance(each, str) else each for each in values)
    size = len(value)
    length = bytes((size,)) if size < 0x80 else b"\x81" + bytes((size,))
    return h(tag) + length + value


def rsa(key: dict, block: bytes) -> bytes:
    """Sign a block: raw RSA with a test key."""
    n, d = int(key["n"], 16), int(key["d"], 16)
    return pow(int.from_bytes(block, "big"), d, n).to_bytes((n.bit_length() + 7) // 8, "big")


def pin_certificate() -> bytes:
    """Return a certificate of the same key for enciphered PINs: no static data are hashed."""
    modulus = h(ICC_KEY["n"])
    content = h("04" + PAN + "FFFF" + "1229" + "123457" + "0101" + "80" + "01")
    room = len(h(ICC_MADE["in"]["issuer_key"]["n"])) - 42
    return signed(ICC_MADE["in"]["issuer_key"], content + modulus.ljust(room, b"\xbb"), h("03"))


def signed(key: dict, content: bytes, extra: bytes) -> bytes:
    """Return 6A content hash BC under a key."""
    digest = hashlib.sha1(content + extra).digest()
    return rsa(key, b"\x6a" + content + digest + b"\xbc")


@cache
def icc_certificate(static: bytes) -> bytes:
    """Return the card's certificate over other static data, made by hand as Book 2 table 14 says."""
    modulus = h(ICC_KEY["n"])
    content = h("04" + PAN + "FFFF" + "1229" + "123456" + "0101" + "80" + "01")
    room = len(h(ICC_MADE["in"]["issuer_key"]["n"])) - 42
    return signed(ICC_MADE["in"]["issuer_key"], content + modulus.ljust(room, b"\xbb"), h("03") + static)


class PaperCard:
    """One application in a directory; change what you like before it is powered.

    :ivar wants: what it answers to GENERATE AC at most: first and second time.
    :ivar lies: by the first bytes of a command, in hex: answers in place of its own, used once each.
    """

    def __init__(self, aip: str = "3D00") -> None:
        self.aip = h(aip)
        self.afl = h("08010100 10010501")
        self.pdol = h("9F1A02 9F3303")
        self.values = {
            "5F24": h("291231"),
            "5A": h(PAN),
            "5F34": h("01"),
            "9F07": h("FF80"),
            "8E": h("00000000000000004403 4103 4203 1E03 1F03"),
            "9F0D": h("FC78FCA000"),
            "9F0E": h("0010000000"),
            "9F0F": h("FC78FCF800"),
            "5F28": h("0860"),
        }
        self.cdol1, self.cdol2 = h(CDOL1), h(CDOL2)
        self.more: dict[str, bytes] = {"9F08": h("0096"), "9F42": h("0860"), "9F49": h("9F3704")}
        self.data = {"9F36": h("0000"), "9F13": h("0001"), "9F17": h("03")}
        self.wants = [0x80, 0x40]
        self.pin = h("241234FFFFFFFFFF")
        self.lies: dict[str, list[bytes]] = {}
        self.sign_aac = True
        self.answer_order: tuple[str, ...] = ("9F27", "9F36", "9F4B", "9F10")
        self.tag_list = h("82")
        self.spoil: Callable[[bytes], bytes] = lambda sdad: sdad
        self.sent: list[bytes] = []
        self.pdol_data = self.cdol1_data = b""
        self.issuer = h("9000")
        self.count = 0
        self.in_directory = False
        self.has_cdol2 = True

    @property
    def static(self) -> bytes:
        """What its certificate signs."""
        return self._signed_record() + t("9F4A", self.tag_list) + self.aip

    def _signed_record(self) -> bytes:
        return b"".join(t(tag, value) for tag, value in self.values.items())

    def records(self) -> dict[tuple[int, int], bytes]:
        """Return every record by SFI and number."""
        return {
            (1, 1): t("70", t("57", PAN + "D291220100000000" + "000F"), t("9F1F", "3030")),
            (2, 1): t("70", self._signed_record(), t("9F4A", self.tag_list)),
            (2, 2): t("70", t("8F", "92"), t("9F32", "03"), t("92", ISSUER_MADE["out"]["tag_92"])),
            (2, 3): t("70", t("90", ISSUER_MADE["out"]["tag_90"])),
            (2, 4): t("70", t("9F46", icc_certificate(self.static)), t("9F47", "03")),
            (2, 5): t("70", t("8C", self.cdol1), *self._cdol2(), *(t(k, v) for k, v in self.more.items())),
        }

    def _cdol2(self) -> tuple[bytes, ...]:
        return (t("8D", self.cdol2),) if self.has_cdol2 else ()

    # The seam of a virtual card

    def atr(self) -> bytes:
        return h("3B00")

    def power(self, cold: bool) -> None:
        del cold

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        text = command.hex().upper()
        for start, answers in self.lies.items():
            if text.startswith(start.replace(" ", "")) and answers:
                return answers.pop(0)
        handlers = {
            0xA4: self._select,
            0xB2: self._read,
            0xA8: self._options,
            0xCA: self._get_data,
            0x84: lambda c: h("0102030405060708") + OK,
            0x20: self._verify,
            0x88: self._internal,
            0xAE: self._generate,
            0x82: lambda c: self.issuer,
        }
        handler = handlers.get(command[1])
        return handler(command) if handler else OK

    def _select(self, command: bytes) -> bytes:
        name = command[5 : 5 + command[4]]
        self.in_directory = name == b"1PAY.SYS.DDF01"
        self.cdol1_data = b""
        if name == b"1PAY.SYS.DDF01":
            return t("6F", t("84", name), t("A5", t("88", "01"), t("5F2D", b"en"))) + OK
        if name == b"2PAY.SYS.DDF01":
            entry = t("61", t("4F", AID), t("87", "01"))
            return t("6F", t("84", name), t("A5", t("BF0C", entry))) + OK
        if AID.startswith(name) and not command[3]:
            pdol = t("9F38", self.pdol) if self.pdol else b""
            return t("6F", t("84", AID), t("A5", t("50", b"PAPER"), t("87", "01"), pdol)) + OK
        return h("6A82")

    def _read(self, command: bytes) -> bytes:
        sfi, number = command[3] >> 3, command[2]
        if self.in_directory:
            entry = t("70", t("61", t("4F", AID), t("50", b"PAPER"), t("87", "01")))
            return entry + OK if (sfi, number) == (1, 1) else h("6A83")
        record = self.records().get((sfi, number))
        return record + OK if record else h("6A83")

    def _options(self, command: bytes) -> bytes:
        self.pdol_data = command[7 : 5 + command[4]]
        self.count += 1
        return t("77", t("82", self.aip), t("94", self.afl)) + OK

    def _get_data(self, command: bytes) -> bytes:
        tag = command[2:4].hex().upper()
        return t(tag, self.data[tag]) + OK if tag in self.data else h("6A88")

    def _verify(self, command: bytes) -> bytes:
        block = command[5:]
        if command[3] == 0x88:
            clear = rsa(ICC_KEY, block)
            if clear[:1] != b"\x7f" or clear[9:17] != h("0102030405060708"):
                return h("6984")
            block = clear[1:9]
        if block == self.pin:
            return OK
        self.data["9F17"] = bytes((self.data["9F17"][0] - 1,))
        return h(f"63C{self.data['9F17'][0]}")

    def _sdad(self, rest: bytes, extra: bytes) -> bytes:
        idn = h("0008") + bytes((self.count,))
        data = bytes((len(idn),)) + idn + rest
        content = h("0501") + bytes((len(data),)) + data
        return self.spoil(signed(ICC_KEY, content.ljust(len(h(ICC_KEY["n"])) - 22, b"\xbb"), extra))

    def _internal(self, command: bytes) -> bytes:
        return t("77", t("9F4B", self._sdad(b"", command[5 : 5 + command[4]]))) + OK

    def _generate(self, command: bytes) -> bytes:
        data, asked = command[5 : 5 + command[4]], command[2] & 0xC0
        first = not self.cdol1_data
        cid = min(asked, self.wants[0 if first else 1], key=(0x00, 0x80, 0x40).index)
        if not first and cid == 0x80:
            cid = 0x00
        self.cdol1_data = data if first else self.cdol1_data
        count = self.count.to_bytes(2, "big")
        if not command[2] & 0x10 or (cid == 0 and not self.sign_aac):
            return t("80", bytes((cid,)), count, ACS[cid], "06010A03A00000") + OK
        objects = {"9F27": bytes((cid,)), "9F36": count, "9F10": h("06010A03A00000")}
        sent = b"".join(t(tag, objects[tag]) for tag in self.answer_order if tag in objects)
        hashed = self.pdol_data + self.cdol1_data + (b"" if first else data) + sent
        rest = bytes((cid,)) + ACS[cid] + hashlib.sha1(hashed).digest()
        unpredictable = self._unpredictable(data, self.cdol1 if first else self.cdol2)
        objects["9F4B"] = self._sdad(rest, unpredictable)
        return t("77", *(t(tag, objects[tag]) for tag in self.answer_order)) + OK

    @staticmethod
    def _unpredictable(data: bytes, dol: bytes) -> bytes:
        """Cut 9F37 out of the data: the lists used here have one- and two-byte tags."""
        offset = at = 0
        while at < len(dol):
            size = 2 if dol[at] & 0x1F == 0x1F else 1
            if dol[at : at + size] == h("9F37"):
                return data[offset : offset + 4]
            offset += dol[at + size]
            at += size + 1
        return b""
