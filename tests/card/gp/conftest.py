"""A terminal that speaks hex to a GlobalPlatform card, plainly or in an SCP03 session written out from the clauses."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from cardkit.virtual import make_card

ISD = "A000000151000000"
TEST_KEY = bytes(range(0x40, 0x50))
SSD_PACKAGE, SSD_MODULE = "A0000001515350", "A000000151535041"
PACKAGE, MODULE = "F05647414C", "F05647414C01"
SSD, APPLET = "A00000015153534431", "F0564741504C31"


def cmac(key, data):
    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()


def kdf(key, constant, context, size=16):
    """Amendment D 4.1.5, AES-128."""
    return cmac(key, bytes(11) + bytes((constant, 0, 0, size * 8, 1)) + context)[:size]


def cbc(key, data, iv=bytes(16)):
    return Cipher(AES(key), modes.CBC(iv)).encryptor().update(data)


def lv(text):
    """A field of length and value, hex."""
    return f"{len(text) // 2:02X}{text}"


def tlv(tag, text):
    size = len(text) // 2
    length = f"{size:02X}" if size < 0x80 else f"81{size:02X}" if size < 0x100 else f"82{size:04X}"
    return f"{tag}{length}{text}"


def kcv(key):
    return cbc(key, b"\x01" * 16)[:3].hex().upper()


class Terminal:
    """Sends hex, answers upper-case hex; keeps the card at hand for judging its memory.

    :ivar level: 0 outside a session, else 01 or 33.
    """

    def __init__(self, card):
        self.card = card
        self.level = 0
        self.channel = 0

    def raw(self, command):
        return self.card.transmit(bytes.fromhex(command)).hex().upper()

    def select(self, aid=ISD):
        self.level = 0
        return self.raw(f"{self.cla(0):02X}A40400{lv(aid)}00")

    def cla(self, base):
        return base | self.channel if self.channel < 4 else base | 0x40 | self.channel - 4

    def greet(self, kvn=0):
        """INITIALIZE UPDATE; its answer."""
        self.challenge = bytes(range(8))
        answer = self.raw(f"{self.cla(0x80):02X}50{kvn:02X}0008{self.challenge.hex()}00")
        return bytes.fromhex(answer)

    def open(self, level=1, *, kvn=0, keys=(TEST_KEY,) * 3, aid=ISD):
        """SELECT and open a session; the status word of EXTERNAL AUTHENTICATE."""
        if aid is not None:
            assert self.select(aid).endswith("9000")
        greeting = self.greet(kvn)
        assert greeting[-2:] == b"\x90\x00", greeting.hex()
        return self.authenticate(greeting, level, keys)

    def authenticate(self, greeting, level=1, keys=(TEST_KEY,) * 3):
        context = self.challenge + greeting[13:21]
        enc, mac, self.dek = keys
        self.enc, self.mac, self.rmac = kdf(enc, 4, context), kdf(mac, 6, context), kdf(mac, 7, context)
        self.level, self.chain, self.counter = 1, bytes(16), 0
        answer = self(f"8082{level:02X}0010{kdf(self.mac, 1, context, 8).hex()}")
        self.level = level if answer == "9000" else 0
        return answer

    def __call__(self, command):
        """One command of case 1 to 4, short, protected as the session asks for."""
        raw = bytes.fromhex(command)
        data = raw[5 : 5 + raw[4]] if len(raw) > 5 else b""
        return self.send(raw[:4], data)

    def send(self, header, data):
        """A command with up to 65,000 bytes of data: extended if it must be."""
        header = bytes((self.cla(header[0]), *header[1:]))
        if not self.level:
            le = b"\x00" if len(data) < 256 else b"\x00\x00"
            return self.card.transmit(header + self.body(data) + le).hex().upper()
        if self.level & 2:
            self.counter += 1
            if data:
                data = cbc(self.enc, self.pad(data), self.iv(0))
        secured = header[0] | (0x04 if self.channel < 4 else 0x20)
        size = len(data) + 8
        length = bytes((size,)) if size < 256 else b"\x00" + size.to_bytes(2, "big")
        maced = bytes(((header[0] & 0x80) | 0x04, *header[1:]))
        self.chain = cmac(self.mac, self.chain + maced + length + data)
        whole = bytes((secured, *header[1:])) + length + data + self.chain[:8]
        answer = self.card.transmit(whole + (b"\x00" if size < 256 else b"\x00\x00"))
        return self.unwrap(answer).hex().upper()

    @staticmethod
    def body(data):
        if not data:
            return b""
        return (bytes((len(data),)) if len(data) < 256 else b"\x00" + len(data).to_bytes(2, "big")) + data

    @staticmethod
    def pad(data):
        return data + b"\x80" + bytes(-(len(data) + 1) % 16)

    def iv(self, first):
        block = bytes((first,)) + self.counter.to_bytes(15, "big")
        return Cipher(AES(self.enc), modes.ECB()).encryptor().update(block)

    def unwrap(self, answer):
        data, status = answer[:-2], answer[-2:]
        if not self.level & 0x10 or status[0] not in (0x90, 0x62, 0x63):
            return answer
        body, mac = data[:-8], data[-8:]
        assert mac == cmac(self.rmac, self.chain + body + status)[:8]
        if self.level & 0x20 and body:
            body = Cipher(AES(self.enc), modes.CBC(self.iv(0x80))).decryptor().update(body).rstrip(b"\x00")[:-1]
        return body + status

    # What tests need again and again

    def registry(self, p1=0x40):
        """AID -> (life cycle, the whole E3) as GET STATUS shows it."""
        answer, found = self(f"80F2{p1:02X}02024F00"), {}
        text = answer[:-4]
        while answer[-4:] == "6310":
            answer = self(f"80F2{p1:02X}03024F00")
            text += answer[:-4]
        assert answer[-4:] in ("9000", "6A88")
        data = bytes.fromhex(text)
        while data:
            assert data[0] == 0xE3
            body, data = data[2 : 2 + data[1]], data[2 + data[1] :]
            size = body[1]
            found[body[2 : 2 + size].hex().upper()] = (body[2 + size + 3], body.hex().upper())
        return found

    def install(self, aid=APPLET, *, p1=0x0C, package=PACKAGE, module=MODULE, privileges="00", parameters="C900"):
        fields = "".join(map(lv, (package, module, aid, privileges, parameters))) + "00"
        return self(f"80E6{p1:02X}00{lv(fields)}")

    def install_domain(self, aid=SSD, privileges="80C000", parameters="C900"):
        return self.install(aid, package=SSD_PACKAGE, module=SSD_MODULE, privileges=privileges, parameters=parameters)

    def key_data(self, *keys):
        """AES keys for PUT KEY, each with its clear length and check value."""
        return "".join(f"88{lv('10' + cbc(self.dek, key).hex())}03{kcv(key)}" for key in keys)

    def put_keys(self, kvn, *keys, replaced=0, kid=1):
        return self(f"80D8{replaced:02X}{0x80 | kid:02X}{lv(f'{kvn:02X}' + self.key_data(*keys))}")


KEYS = tuple(bytes((number,)) * 16 for number in (0x11, 0x22, 0x33))


@pytest.fixture
def card():
    return make_card("gp-scp03", seed=1)


@pytest.fixture
def terminal(card):
    return Terminal(card)


@pytest.fixture
def opened(terminal):
    """In a session with the issuer security domain."""
    assert terminal.open() == "9000"
    return terminal


@pytest.fixture
def domain(opened):
    """A personalized supplementary security domain with Authorized Management and keys of its own, in a session."""
    assert opened.install_domain() == "009000"
    assert opened.open(aid=SSD) == "9000"
    assert opened.put_keys(0x30, *KEYS).endswith("9000")
    assert opened.open(kvn=0x30, keys=KEYS, aid=SSD) == "9000"
    assert opened(f"80F0400F{lv(SSD)}") == "9000"
    return opened
