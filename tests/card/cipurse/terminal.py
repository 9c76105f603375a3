"""A CIPURSE terminal written from the sheet for these tests: it shares nothing with the card, nor with the client.

Field product by rotate-and-add, checksums bit by bit, strings of hex throughout.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TRANSPORT = "73" * 16
RANDOMS = "10" * 16 + "20" * 6
PLAIN, MAC, ENC = 0, 1, 2
MASK = (1 << 48) - 1


def aes(key, data, *, decrypt=False):
    cipher = Cipher(algorithms.AES(bytes.fromhex(key)), modes.ECB())
    run = cipher.decryptor() if decrypt else cipher.encryptor()
    return run.update(bytes.fromhex(data)).hex().upper()


def xor(left, right):
    return f"{int(left, 16) ^ int(right, 16):0{len(left)}X}"


def kvv(key):
    return aes(key, "00" * 16)[:6]


def rotated(number):
    return (number << 1 | number >> 47) & MASK


def nlm(left, right):
    x, y, r = int(left, 16), int(right, 16), 0
    for _ in range(48):
        r = rotated(r)
        if r & 1:
            r ^= 0x35B088CCE172
        y = rotated(y)
        if y & 1:
            r ^= x
    return f"{r:012X}"


def crc(data):
    value = 0x6363
    for byte in bytes.fromhex(data):
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return f"{value:04X}"


def mic(data):
    words = data + "00" * (-len(data) // 2 % 4)
    swapped = "".join(words[at + 4 : at + 8] + words[at : at + 4] for at in range(0, len(words), 8))
    return crc(swapped) + crc(words)


def pad(data):
    padded = data + "80"
    return padded + "00" * (-len(padded) // 2 % 16)


def blocks(data):
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def mac(key, data):
    chained = key
    for block in blocks(pad(data)):
        chained = xor(aes(chained, block), block)
    return xor(aes(key, chained), chained)[:16], chained


def cipher(key, data, *, decrypt=False):
    out = ""
    for block in blocks(data):
        key = xor(aes("74" * 16, key), key)
        out += aes(key, block, decrypt=decrypt)
    return out, key


class BrokenResponseError(AssertionError):
    """What a terminal must not believe."""


class Terminal:
    """Speaks hex to a card; `key` is the frame key while a session is open."""

    def __init__(self, card):
        self.card = card
        self.key = None

    def raw(self, command):
        return self.card.transmit(bytes.fromhex(command)).hex().upper()

    def ok(self, command):
        """An unsecured command that must succeed; its data."""
        answer = self.raw(command)
        assert answer.endswith("9000"), f"{command} -> {answer}"
        return answer[:-4]

    def authenticate(self, number, key=TRANSPORT, randoms=RANDOMS):
        """A session; the status word, and the terminal's check of cT."""
        challenge = self.raw("0084000016")
        assert challenge.endswith("9000"), challenge
        proof, card, frame = self.proofs(challenge, key, randoms)
        answer = self.raw(f"008200{number:02X}26{proof}{randoms}10")
        if answer != card + "9000":
            if len(answer) > 4:
                raise BrokenResponseError(answer)
            return answer
        self.key = frame
        return "9000"

    @staticmethod
    def proofs(challenge, key, randoms):
        """What the terminal sends, what the card must answer, and the frame key then."""
        product = nlm(challenge[32:44], key[-12:])
        base = xor("00000000" + product * 2, "00" * 10 + randoms[32:])
        session = xor(aes(base, key), key)
        mixed = xor(session, randoms[:32])
        frame = xor(aes(challenge[:32], mixed), mixed)
        return aes(session, challenge[:32]), aes(session, randoms[:32]), frame

    def opened(self, number=2, key=TRANSPORT):
        assert self.authenticate(number, key) == "9000"
        return self

    def __call__(self, command, level=MAC, response=MAC):
        """A command in the session: data and status word; a bare status word is what it is."""
        return self.unwrapped(self.raw(self.wrapped(command, level, response)), response)

    def wrapped(self, command, level=MAC, response=MAC):
        """A plain APDU of case 1 to 4, secured."""
        header = f"{int(command[:2], 16) | 4:02X}" + command[2:8]
        data, le = split(command)
        indicator = f"{level << 6 | response << 2 | bool(le):02X}"
        last = "00" if le or response else ""
        if level == ENC:
            size = 1 + 16 * ((len(data) // 2 + 8) // 16 + 1) + len(le) // 2
            plain = header + data + mic(header + f"{size:02X}" + indicator + data + le)
            body, self.key = cipher(self.key, pad(plain))
            return header + f"{size:02X}" + indicator + body + le + last
        size = 1 + len(data) // 2 + len(le) // 2 + (8 if level == MAC else 0)
        plain = header + f"{size:02X}" + indicator + data + le
        code, self.key = mac(self.key, plain)
        return plain + (code if level == MAC else "") + last

    def unwrapped(self, answer, response):
        status = answer[-4:]
        if len(answer) == 4 and status != "9000" and response != PLAIN:
            return answer
        if response == ENC:
            plain, self.key = cipher(self.key, answer[:-4], decrypt=True)
            data = plain.rstrip("0")
            data = data[: len(data) - len(data) % 2] if len(data) % 2 == 0 else data + "0"
            if not plain or not data.endswith("80") or len(plain) - len(data) >= 32:
                raise BrokenResponseError("padding")
            data, code, inner = data[:-14], data[-14:-6], data[-6:-2]
            if inner != status or code != mic(data + status):
                raise BrokenResponseError("cryptogram")
            return data + status
        data = answer[:-20] if response == MAC else answer[:-4]
        code, self.key = mac(self.key, data + status)
        if response == MAC and answer[-20:-4] != code:
            raise BrokenResponseError("MAC")
        return data + status


def split(command):
    """Data and Le of an APDU."""
    rest = command[8:]
    if len(rest) <= 2:
        return "", rest
    size = 2 * int(rest[:2], 16)
    return rest[2 : 2 + size], rest[2 + size :]


def lv(data):
    return f"{len(data) // 2:02X}{data}"


def apdu(header, data="", le=""):
    return header.replace(" ", "") + (lv(data) if data else "") + le


def dgi(tag, data):
    return tag + lv(data)


class Bench(Terminal):
    """A terminal that makes applications."""

    AID = "D2760000041502000003000101"
    KEYS = ("40" * 16, "41" * 16, "42" * 16)

    @staticmethod
    def adf(fid="5F00", *, aid=AID, keys=KEYS, smr="0000", art=None, kind="40", files="0A08", more=""):
        """CREATE FILE of an ADF, keys in clear."""
        art = art or "FF" * (len(keys) + 1)
        rules = smr + art + "021009" * len(keys) if keys else ""
        fcp = lv("84" + lv(aid) + more)
        text = dgi("9200", f"38{kind}{fid}{files}{len(keys):02X}{rules}62{fcp}")
        if keys:
            text += dgi("A00F", "".join(key + "01" + kvv(key) for key in keys))
        return apdu("00E00000", text)

    @staticmethod
    def ef(fid="0001", *, fd="01", sfid=1, extent="0020", smr="0000", art=None, keys=3):
        """CREATE FILE of an EF; without rules when `art` is not given."""
        rules = f"{keys:02X}{smr}{art}" if art else ""
        return apdu("00E00000", dgi("9201", f"{fd}{sfid:02X}{fid}{extent}{rules}"))

    def with_adf(self, *efs, **options):
        """An application with files, selected, no session."""
        self.ok(self.adf(**options))
        for ef in efs:
            self.ok(ef)
        self.ok(f"00A40400{lv(options.get('aid', self.AID))}")
        return self

    def reselect(self):
        self.key = None
        self.ok(f"00A40400{lv(self.AID)}")
        return self
