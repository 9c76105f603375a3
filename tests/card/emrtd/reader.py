"""A reader of travel documents for the tests of the chip; it shares no code with it. Curves by the schoolbook."""

import hashlib
import secrets

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from .plant import AID, apdu, cmac
from .tlv import parse, tlv

BSI = "04007F00070202"
SCALAR_BITS = 48  # short private keys: the schoolbook is slow, and this side keeps no secrets


class RefusedError(Exception):
    """The chip said no."""

    def __init__(self, sw, *, protected=False):
        super().__init__(sw.hex().upper())
        self.sw = sw.hex().upper()
        self.protected = protected


# -- arithmetic


class Curve:
    def __init__(self, p, a, b, g, n):
        self.p, self.a, self.b, self.g, self.n = p, a, b, g, n
        self.size = (p.bit_length() + 7) // 8
        self.tag = "86"

    def add(self, one, other):
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2), p = one, other, self.p
        if x1 == x2 and (y1 + y2) % p == 0:
            return None
        slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, p) if one == other else (y2 - y1) * pow(x2 - x1, -1, p)
        x = (slope * slope - x1 - x2) % p
        return x, (slope * (x1 - x) - y1) % p

    def mul(self, k, point):
        found = None
        for bit in f"{k:b}":
            found = self.add(found, found)
            if bit == "1":
                found = self.add(found, point)
        return found

    def encode(self, point):
        return b"\x04" + b"".join(number.to_bytes(self.size, "big") for number in point)

    def decode(self, data):
        assert len(data) == 1 + 2 * self.size
        return int.from_bytes(data[1 : 1 + self.size], "big"), int.from_bytes(data[1 + self.size :], "big")

    def secret(self, point):
        return point[0].to_bytes(self.size, "big")

    comp = secret


class Modular:
    def __init__(self, p, g, n):
        self.p, self.g, self.n = p, g, n
        self.size = (p.bit_length() + 7) // 8
        self.tag = "84"

    def add(self, one, other):
        return one * other % self.p

    def mul(self, k, number):
        return pow(number, k, self.p)

    def encode(self, number):
        return number.to_bytes(self.size, "big")

    def decode(self, data):
        assert len(data) == self.size
        return int.from_bytes(data, "big")

    secret = encode

    def comp(self, number):
        return hashlib.sha1(self.encode(number)).digest()


# -- suites


def kdf(suite, secret, counter, nonce=b""):
    data = secret + nonce + counter.to_bytes(4, "big")
    if suite in (3, 4):
        return hashlib.sha256(data).digest()[: 24 if suite == 3 else 32]
    return hashlib.sha1(data).digest()[:16]


def _algorithm(suite, key):
    return TripleDES(key + key[:8]) if suite == 1 else AES(key)


def encrypt(suite, key, data, iv=None):
    return Cipher(_algorithm(suite, key), modes.CBC(iv or bytes(8 if suite == 1 else 16))).encryptor().update(data)


def decrypt(suite, key, data, iv=None):
    return Cipher(_algorithm(suite, key), modes.CBC(iv or bytes(8 if suite == 1 else 16))).decryptor().update(data)


def pad(suite, data):
    return data + b"\x80" + bytes(-(len(data) + 1) % (8 if suite == 1 else 16))


def retail(key, padded):
    one, two = TripleDES(key[:8] * 3), TripleDES(key[8:] * 3)
    value = Cipher(one, modes.CBC(bytes(8))).encryptor().update(padded)[-8:]
    value = Cipher(two, modes.ECB()).decryptor().update(value)
    return Cipher(one, modes.ECB()).encryptor().update(value)


def mac(suite, key, data, *, padded=True):
    if suite == 1:
        return retail(key, pad(1, data))
    return cmac(key, pad(suite, data) if padded else data)[:8]


# -- the reader


class Reader:
    def __init__(self, card):
        self.card = card
        self.keys = None

    def raw(self, command):
        return self.card.transmit(command if isinstance(command, bytes) else bytes.fromhex(command))

    def open(self, suite, enc, mac_key, ssc=0):
        self.keys = (suite, enc, mac_key)
        self.ssc = ssc

    def wrap(self, cla, ins, p1, p2, data=b"", ne=None):
        suite, enc, mac_key = self.keys
        block = 8 if suite == 1 else 16
        self.ssc += 1
        head = bytes((cla | 0x0C, ins, p1, p2))
        body = b""
        if data:
            text = encrypt(suite, enc, pad(suite, data), self._iv())
            body = tlv("85", text) if ins & 1 else tlv("87", b"\x01", text)
        if ne is not None:
            body += tlv("97", (ne & 0xFFFF).to_bytes(2, "big") if ne > 256 else bytes((ne & 0xFF,)))
        message = self.ssc.to_bytes(block, "big") + pad(suite, head) + body
        code = (
            mac(suite, mac_key, message)
            if body
            else (retail(mac_key, message) if suite == 1 else cmac(mac_key, message)[:8])
        )
        body += tlv("8E", code)
        return apdu(*head, body, 65_536 if ne is not None and ne > 256 else 0)

    def _iv(self):
        suite, enc, _ = self.keys
        if suite == 1:
            return bytes(8)
        return Cipher(AES(enc), modes.ECB()).encryptor().update(self.ssc.to_bytes(16, "big"))

    def unwrap(self, answer):
        suite, enc, mac_key = self.keys
        if len(answer) == 2:
            self.keys = None
            raise RefusedError(answer)
        self.ssc += 1
        objects = parse(answer[:-2])
        assert list(objects) in (["99", "8E"], ["87", "99", "8E"], ["85", "99", "8E"])
        assert objects["99"] == answer[-2:]
        message = self.ssc.to_bytes(8 if suite == 1 else 16, "big") + answer[:-12]
        assert mac(suite, mac_key, message) == objects["8E"]
        data = b""
        if "87" in objects or "85" in objects:
            text = objects["85"] if "85" in objects else objects["87"][1:]
            padded = decrypt(suite, enc, text, self._iv())
            data = padded.rstrip(b"\x00")
            assert data[-1:] == b"\x80"
            data = data[:-1]
        if answer[-2:] != b"\x90\x00":
            raise RefusedError(answer[-2:], protected=True)
        return data

    def send(self, cla, ins, p1, p2, data=b"", ne=None):
        """A command in the session, or a plain one without; its data.

        :raises RefusedError: any other status word than 9000.
        """
        if self.keys is not None:
            return self.unwrap(self.raw(self.wrap(cla, ins, p1, p2, data, ne)))
        answer = self.raw(apdu(cla, ins, p1, p2, data, ne))
        if answer[-2:] != b"\x90\x00":
            raise RefusedError(answer[-2:])
        return answer[:-2]

    def select_application(self):
        self.send(0, 0xA4, 0x04, 0x0C, AID)

    def read(self, fid, *, block=0):
        """Select and read a whole file."""
        self.send(0, 0xA4, 0x02, 0x0C, bytes.fromhex(fid))
        content = b""
        while True:
            try:
                content += self.send(0, 0xB0, len(content) >> 8, len(content) & 0xFF, ne=block or 256)
            except RefusedError as refusal:
                if refusal.sw != "6B00":
                    raise
                return content

    # basic access control

    def bac(self, mrz, *, key=None):
        seed = key or hashlib.sha1(mrz).digest()[:16]
        enc, mac_key = kdf(1, seed, 1), kdf(1, seed, 2)
        challenge = self.send(0, 0x84, 0, 0, ne=8)
        mine, half = secrets.token_bytes(8), secrets.token_bytes(16)
        text = encrypt(1, enc, mine + challenge + half)
        answer = self.send(0, 0x82, 0, 0, text + mac(1, mac_key, text), 40)
        assert mac(1, mac_key, answer[:32]) == answer[32:]
        plain = decrypt(1, enc, answer[:32])
        assert plain[:16] == challenge + mine
        seed = bytes(a ^ b for a, b in zip(half, plain[16:], strict=True))
        self.open(1, kdf(1, seed, 1), kdf(1, seed, 2), int.from_bytes(challenge[4:] + mine[4:], "big"))

    # PACE

    def pace(self, variant, suite, group, reference, secret, *, password=1, chat=b"", map_key=None):
        """:param variant: 1 DH-GM, 2 ECDH-GM, 3 and 4 integrated, 6 CAM.  :returns: objects of the last answer."""
        protocol = bytes.fromhex(f"{BSI}04{variant:02X}{suite:02X}")
        parameters = tlv("84", bytes((reference,)))
        self.send(0, 0x22, 0xC1, 0xA4, tlv("80", protocol) + tlv("83", bytes((password,))) + chat + parameters)
        pi = hashlib.sha1(secret).digest() if password == 1 else secret
        nonce = decrypt(suite, kdf(suite, pi, 3), self._step(b"")["80"])
        self.mapped = None
        if variant in (3, 4):
            mine = secrets.token_bytes({1: 16, 2: 16, 3: 24, 4: 32}[suite])
            assert self._step(tlv("81", mine)) == {"82": b""}
            base = integrated(group, suite, nonce, mine)
        else:
            own = map_key or secrets.randbits(SCALAR_BITS) | 1
            self.mapped = self._step(tlv("81", group.encode(group.mul(own, group.g))))["82"]
            shared = group.mul(own, group.decode(self.mapped))
            base = group.add(group.mul(int.from_bytes(nonce, "big"), group.g), shared)
        own = secrets.randbits(SCALAR_BITS) | 1
        mine = group.encode(group.mul(own, base))
        theirs = self._step(tlv("83", mine))["84"]
        value = group.secret(group.mul(own, group.decode(theirs)))
        enc, mac_key = kdf(suite, value, 1), kdf(suite, value, 2)

        def token(key):
            return mac(suite, mac_key, tlv("7F49", tlv("06", protocol), tlv(group.tag, key)), padded=False)

        last = self._step(tlv("85", token(theirs)), chained=False)
        assert last["86"] == token(mine)
        self.open(suite, enc, mac_key)
        self.encryption = enc
        self.chip_identifier = group.comp(group.decode(theirs))
        return last

    def _step(self, data, *, chained=True):
        answer = self.send(0x10 if chained else 0, 0x86, 0, 0, tlv("7C", data), 256)
        return parse(parse(answer)["7C"])

    # chip authentication

    def chip_authentication(self, group, public, suite, *, key_id=None, kind=2, version=1, own=None):
        own = own or secrets.randbits(SCALAR_BITS) | 1
        mine = group.encode(group.mul(own, group.g))
        reference = b"" if key_id is None else tlv("84", bytes((key_id,)))
        nonce = b""
        protocol = bytes.fromhex(f"{BSI}03{kind:02X}{suite:02X}")
        if suite == 1 and version == 1:
            self.send(0, 0x22, 0x41, 0xA6, tlv("91", mine) + reference)
        else:
            self.send(0, 0x22, 0x41, 0xA4, tlv("80", protocol) + reference)
            objects = parse(parse(self.send(0, 0x86, 0, 0, tlv("7C", tlv("80", mine)), 256))["7C"])
            assert set(objects) == ({"81", "82"} if version > 1 else set())
            nonce = objects.get("81", b"")
        value = group.secret(group.mul(own, group.decode(public)))
        enc, mac_key = kdf(suite, value, 1, nonce), kdf(suite, value, 2, nonce)
        if nonce:
            signed = tlv("7F49", tlv("06", protocol), tlv(group.tag, mine))
            assert objects["82"] == mac(suite, mac_key, signed, padded=False)
        self.open(suite, enc, mac_key)
        self.ephemeral = group.comp(group.mul(own, group.g))


def integrated(group, suite, s, t):
    """The generator of the integrated mapping (Doc 9303-11 4.4.3.3.2, appendix B)."""
    size = {1: 16, 2: 16, 3: 24, 4: 32}[suite]
    if size == 16:
        c0, c1 = "a668892a7c41e3ca739f40b057d85904", "a4e136ac725f738b01c1f60217c188ad"
    else:
        c0 = "d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676"
        c1 = "54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517"
    key, out = encrypt(suite, t, s)[:size], b""
    while len(out) < group.size + 8:
        out += encrypt(suite, key, bytes.fromhex(c1))
        key = encrypt(suite, key, bytes.fromhex(c0))[:size]
    u = int.from_bytes(out, "big") % group.p
    if group.tag == "84":
        return pow(u, (group.p - 1) // group.n, group.p)
    p, a, b = group.p, group.a, group.b
    alpha = -u * u % p
    x2 = -b * pow(a, -1, p) * (1 + pow(alpha + alpha * alpha, -1, p)) % p
    x3 = alpha * x2 % p
    for x in (x2, x3):
        right = (x**3 + a * x + b) % p
        root = pow(right, (p + 1) // 4, p)
        if root * root % p == right:
            y2 = (x2**3 + a * x2 + b) % p
            y = y2 * pow(y2, p - 1 - (p + 1) // 4, p) % p
            return (x, y) if x == x2 else (x, pow(u, 3, p) * y % p)
    raise AssertionError
