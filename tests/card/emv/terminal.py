"""A terminal written from the sheet (payment.md 3, 5, 9): selection, records, data authentication, actions."""

import hashlib

from .issuance import AID, CA, PAN, PSE, RSA, parse

AAC, TC, ARQC = 0x00, 0x40, 0x80
CDA = 0x10
AMOUNT = "000000001000"
VALUES = {
    "9F02": AMOUNT, "9F03": "000000000000", "9F1A": "0860", "95": "0000000000", "5F2A": "0860", "9A": "251122",
    "9C": "00", "9F37": "11223344", "9F33": "60D0C8", "8A": "3030", "9F66": "20004080",
}  # fmt: skip


def dol(text, values):
    """Data for a list (B3 5.4); everything here has its right size."""
    data, out, at = bytes.fromhex(text), "", 0
    while at < len(data):
        end = at + (2 if data[at] & 0x1F == 0x1F else 1)
        out += values.get(data[at:end].hex().upper(), "").ljust(2 * data[end], "0")[: 2 * data[end]]
        at = end + 1
    return out


def sha1(data):
    return hashlib.sha1(data).digest()


class RefusedError(Exception):
    """A status word that is no success."""


class Terminal:
    """Speaks hex; keeps what the card said.

    :ivar tags: data objects of the records, hex tag -> bytes.
    """

    def __init__(self, card, protocol=1):
        self.card = card
        self.protocol = protocol
        self.values = dict(VALUES)
        self.tags = {}
        self.seen = []

    def __call__(self, command):
        """One command, any case, with Le; upper-case hex with the status word."""
        raw = bytes.fromhex(command)
        if self.protocol == 0 and len(raw) > 5:
            assert len(raw) in (5 + raw[4], 6 + raw[4])
            raw = raw[: 5 + raw[4]]
        answer = self.card.transmit(raw)
        if answer[:1] == b"\x6c":
            answer = self.card.transmit(raw[:4] + answer[1:2])
        data = b""
        while answer[-2:-1] == b"\x61":
            data += answer[:-2]
            answer = self.card.transmit(bytes((0x00, 0xC0, 0, 0, answer[-1])))
        return (data + answer).hex().upper()

    def status(self, command):
        return self(command)[-4:]

    def ok(self, command):
        answer = self(command)
        if answer[-4:] != "9000":
            raise RefusedError(answer[-4:])
        return bytes.fromhex(answer[:-4])

    @staticmethod
    def lv(text):
        return f"{len(text) // 2:02X}{text}"

    def power(self):
        self.card.power(True)
        return self

    # The transaction

    def select(self, aid=AID):
        """FCI, its proprietary template as a table."""
        self.aid = aid
        answer = self.ok(f"00A40400{self.lv(aid)}00")
        fci = parse(parse(answer)["6F"])
        assert fci["84"].hex().upper() == aid
        self.fci = parse(fci["A5"])
        return self.fci

    def directory(self):
        """AIDs of the PSE."""
        sfi = self.select(PSE)["88"][0]
        found, number = [], 1
        while (answer := self(f"00B2{number:02X}{sfi << 3 | 4:02X}00"))[-4:] == "9000":
            entry = parse(parse(parse(bytes.fromhex(answer[:-4]))["70"])["61"])
            found.append(entry["4F"].hex().upper())
            number += 1
        assert answer == "6A83"
        return found

    def initiate(self):
        """GET PROCESSING OPTIONS; AIP and AFL."""
        self.tags = {}
        self.pdol = dol(self.fci.get("9F38", b"").hex(), self.values)
        answer = parse(self.ok(f"80A80000{self.lv('83' + self.lv(self.pdol))}00"))
        if "80" in answer:
            self.aip, self.afl = answer["80"][:2], answer["80"][2:]
        else:
            found = parse(answer["77"])
            self.aip, self.afl = found.pop("82"), found.pop("94", b"")
            self.tags.update(found)
        return self

    def read(self):
        """All records of the AFL (B3 10.2); the static data (10.3)."""
        self.static = b""
        for at in range(0, len(self.afl), 4):
            sfi, first, last, signed = self.afl[at : at + 4]
            for number in range(first, last + 1):
                body = self.ok(f"00B2{number:02X}{sfi | 4:02X}00")
                inside = parse(body)["70"]
                if number < first + signed:
                    self.static += inside
                fresh = parse(inside)
                assert not fresh.keys() & self.tags.keys()
                self.tags.update(fresh)
        if "9F4A" in self.tags:
            assert self.tags["9F4A"] == b"\x82"
            self.static += self.aip
        return self

    def start(self, aid=AID):
        self.select(aid)
        return self.initiate().read()

    # Offline data authentication

    @staticmethod
    def certified(signer, certificate, rest, exponent, extra, fixed):
        """The key of a certificate, whose hash and form are checked (B2 5.3, 6.4)."""
        clear = signer.recover(certificate)
        assert clear[0] == 0x6A
        assert clear[-1] == 0xBC
        assert clear[-21:-1] == sha1(clear[1:-21] + rest + exponent + extra)
        head = fixed - 21 - 4
        room = signer.size - fixed
        size = clear[head + 3 - 1]
        modulus = (clear[-21 - room : -21] + rest)[:size]
        assert len(modulus) == size
        key = RSA({"n": modulus.hex(), "d": "0", "e": int.from_bytes(exponent, "big")})
        return clear, key

    def keys(self, ca=CA):
        """Issuer and ICC public keys."""
        tags = self.tags
        clear, issuer = self.certified(ca, tags["90"], tags.get("92", b""), tags["9F32"], b"", 36)
        assert clear[1] == 2
        assert clear[2:6].hex().upper().rstrip("F") == PAN[:6]
        clear, icc = self.certified(issuer, tags["9F46"], tags.get("9F48", b""), tags["9F47"], self.static, 42)
        assert clear[1] == 4
        assert clear[2:12].hex().upper().rstrip("F") == tags["5A"].hex().upper().rstrip("F")
        self.icc = icc
        return icc

    def signed(self, signature, extra):
        """Dynamic data of a signature that is right (B2 6.5.2)."""
        clear = self.icc.recover(signature)
        assert (clear[:3], clear[-1]) == (b"\x6a\x05\x01", 0xBC)
        size = clear[3]
        dynamic, filler = clear[4 : 4 + size], clear[4 + size : -21]
        assert filler == b"\xbb" * len(filler)
        assert clear[-21:-1] == sha1(clear[1:-21] + extra)
        number = dynamic[1 : 1 + dynamic[0]]
        assert 2 <= len(number) <= 8
        return number, dynamic[1 + dynamic[0] :]

    def dda(self, number="AABBCCDD"):
        """INTERNAL AUTHENTICATE; the ICC dynamic number."""
        answer = parse(self.ok(f"00880000{self.lv(number)}00"))
        signature = answer["80"] if "80" in answer else parse(answer["77"])["9F4B"]
        idn, rest = self.signed(signature, bytes.fromhex(number))
        assert rest == b""
        return idn

    # Actions

    def generate(self, kind, *, cda=False, second=False, **values):
        """GENERATE AC; its fields, with 9F26 taken from the signature if it is signed."""
        self.values.update({name.removeprefix("_"): value for name, value in values.items()})
        data = dol(self.tags["8D" if second else "8C"].hex(), self.values)
        self.sent = (self.sent if second else bytes.fromhex(self.pdol)) + bytes.fromhex(data)
        answer = parse(self.ok(f"80AE{kind | CDA * cda:02X}00{self.lv(data)}00"))
        if "80" in answer:
            body = answer["80"]
            return {"9F27": body[:1], "9F36": body[1:3], "9F26": body[3:11], "9F10": body[11:]}
        fields = parse(answer["77"])
        signature = fields.pop("9F4B", None)
        if signature is not None:
            self.check_cda(fields, signature)
        return fields

    def check_cda(self, fields, signature):
        assert "9F26" not in fields
        answer = b"".join(bytes.fromhex(tag) + bytes((len(value),)) + value for tag, value in fields.items())
        _, rest = self.signed(signature, bytes.fromhex(self.values["9F37"]))
        assert rest[:1] == fields["9F27"]
        assert rest[9:] == sha1(self.sent + answer)
        fields["9F26"] = rest[1:9]
        fields["signed"] = b"\x01"
