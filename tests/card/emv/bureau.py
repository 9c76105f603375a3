"""A personalization bureau, written from the project's sheet: SCP02 and SCP03 sessions, STORE DATA."""

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from cardkit.virtual import make_card

from .issuance import (
    AID,
    ISD,
    KMC,
    PACKAGE,
    PAYMENT_MODULE,
    PPSE,
    PPSE_MODULE,
    PSE,
    PSE_MODULE,
    cmac,
    contactless_directory,
    des3,
    directory,
    pad,
)

OK, MISSING, WRONG, UNKNOWN, CLOSED = (bytes.fromhex(text) for text in ("9000", "6A86", "6A80", "6A88", "6985"))


class Bureau:
    """Opens an SCP02 session with the issuer security domain and sends commands with a C-MAC, or encrypted, too.

    :param keys: key diversification data -> ENC, MAC and DEK of the card.
    """

    def __init__(self, virtual, *, level=1, protocol=1, keys=lambda _: (KMC,) * 3):
        self.card = virtual
        self.level = level
        self.keys = keys
        self.le = "" if protocol == 0 else "00"

    def raw(self, command):
        return self.card.transmit(bytes.fromhex(command))

    def answer(self, command):
        """A case-4 command at either protocol."""
        found = self.raw(command + self.le)
        if found[:1] == b"\x61":
            found = self.raw(f"00C00000{found[1]:02X}")
        return found

    def open(self, aid=ISD):
        assert self.answer(f"00A40400{len(aid) // 2:02X}{aid}")[-2:] == b"\x90\x00"
        greeting = self.answer("8050000008" + "0102030405060708")
        sequence, challenge = greeting[12:14], greeting[14:20]
        constants = zip(self.keys(greeting[:10]), ("0182", "0101", "0181"), strict=True)
        self.enc, self.mac, self.dek = (self.session(key, constant, sequence) for key, constant in constants)
        host = bytes(range(1, 9))
        assert greeting[20:28] == self.full_mac(host + sequence + challenge)
        self.icv = bytes(8)
        cryptogram = self.full_mac(sequence + challenge + host)
        self.encrypts = False
        assert self.send(f"8482{self.level:02X}00", cryptogram) == b"\x90\x00"
        self.encrypts = self.level == 3
        return self

    @staticmethod
    def session(key, constant, sequence):
        return des3(key, bytes.fromhex(constant) + sequence + bytes(12), modes.CBC(bytes(8)))

    def full_mac(self, data):
        return des3(self.enc, pad(data), modes.CBC(bytes(8)))[-8:]

    def send(self, header, data):
        """One command with C-MAC (GPCS E.4.4, E.4.6), ICV encryption as i=55 asks for."""
        header = bytes.fromhex(header)
        maced = pad(header + bytes((len(data) + 8,)) + data)
        first = des3(self.mac[:8], self.icv) if any(self.icv) else self.icv
        chain = first
        for at in range(0, len(maced) - 8, 8):
            chain = des3(self.mac[:8], bytes(a ^ b for a, b in zip(chain, maced[at : at + 8], strict=True)))
        self.icv = des3(self.mac, bytes(a ^ b for a, b in zip(chain, maced[-8:], strict=True)))
        body = des3(self.enc, pad(data), modes.CBC(bytes(8))) if self.encrypts and data else data
        return self.raw((header + bytes((len(body) + 8,)) + body + self.icv).hex())

    def install(self, aid=AID, module=PAYMENT_MODULE):
        fields = "".join(f"{len(part) // 2:02X}{part}" for part in (PACKAGE, module, aid, "00", "C900")) + "00"
        answer = self.send("84E60C00", bytes.fromhex(fields))
        if answer[:1] == b"\x61":
            answer = self.raw(f"00C00000{answer[1]:02X}")
        return answer

    def target(self, aid=AID):
        answer = self.send("84E62000", bytes.fromhex(f"0000{len(aid) // 2:02X}{aid}000000"))
        if answer[:1] == b"\x61":
            answer = self.raw(f"00C00000{answer[1]:02X}")
        self.block = 0
        return answer

    def encipher(self, value):
        """Under the session DEK, padded when it is no whole number of blocks."""
        return des3(self.dek, value if len(value) % 8 == 0 else pad(value))

    def value(self, name, value):
        """A DGI as it is sent."""
        value = bytes.fromhex(value)
        if name[0] == "8":
            value = self.encipher(value)
        length = bytes((len(value),)) if len(value) < 0xFF else b"\xff" + len(value).to_bytes(2, "big")
        return bytes.fromhex(name) + length + value

    def store(self, p1, data):
        answer = self.send(f"84E2{p1:02X}{self.block:02X}", data)
        self.block += 1
        return answer

    def store_all(self, dgis, *, structure=0x08, last=True, room=231):
        """STORE DATA of everything, secret ones apart; the first answer that is no success, or that of the last."""
        blocks = []
        for secret in (False, True):
            stream = b"".join(self.value(*item) for item in dgis.items() if (item[0][0] == "8") == secret)
            blocks += [(secret, stream[at : at + room]) for at in range(0, len(stream), room)]
        for number, (secret, data) in enumerate(blocks, 1):
            p1 = structure | (0x60 if secret else 0) | (0x80 if last and number == len(blocks) else 0)
            answer = self.store(p1, data)
            if answer != b"\x90\x00":
                break
        return answer


class AesBureau(Bureau):
    """The same over SCP03 at level 01 (Amendment D 4.1.5, 6.2)."""

    def open(self, aid=ISD):
        assert self.answer(f"00A40400{len(aid) // 2:02X}{aid}")[-2:] == b"\x90\x00"
        host = bytes(range(1, 9))
        greeting = self.answer("8050000008" + host.hex())
        context = host + greeting[13:21]
        self.mac, self.chain = self.derived(KMC, 0x06, context, 16), bytes(16)
        assert self.send("84820100", self.derived(self.mac, 0x01, context, 8)) == b"\x90\x00"
        return self

    @staticmethod
    def derived(key, constant, context, size):
        return cmac(key, bytes(11) + bytes((constant, 0, 0, size * 8, 1)) + context)[:size]

    def send(self, header, data):
        header = bytes.fromhex(header) + bytes((len(data) + 8,))
        self.chain = cmac(self.mac, self.chain + header + data)
        return self.raw((header + data + self.chain[:8]).hex() + "00")

    def encipher(self, value):
        padded = value if len(value) % 16 == 0 else pad(value, 16)
        return Cipher(AES(KMC), modes.CBC(bytes(16))).encryptor().update(padded)


def opened(module=PAYMENT_MODULE, aid=AID, **options):
    """A bureau that has installed an application and is about to personalize it."""
    found = Bureau(make_card("emv-cps", seed=1), **options).open()
    assert found.install(aid, module).endswith(OK)
    assert found.target(aid).endswith(OK)
    return found


def contents(bureau):
    """The cells of the payment application."""
    prefix = f"app/{AID}/"
    return {name: value for name, value in bureau.card.memory().items() if name.startswith(prefix)}


def personalize(virtual, dgis, *, protocol=1, contactless=False):
    """A finished card: PSE, payment application and, if asked for, PPSE."""
    bureau = Bureau(virtual, protocol=protocol).open()
    parts = [(PSE, PSE_MODULE, directory()), (AID, PAYMENT_MODULE, dgis)]
    if contactless:
        parts.append((PPSE, PPSE_MODULE, contactless_directory()))
    for aid, module, content in parts:
        assert bureau.install(aid, module) == b"\x00\x90\x00"
        assert bureau.target(aid) == b"\x00\x90\x00"
        assert bureau.store_all(content) == b"\x90\x00"
    return virtual
