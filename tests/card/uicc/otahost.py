"""An OTA server, and the short messages it sends."""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from tests.card.gp.conftest import cmac
from tests.card.uicc.conftest import tlv

KIC, KID, KIK = (bytes(range(first, first + 16)) for first in (0x10, 0x20, 0x30))
RAM, RFM, RFM_USIM = "000000", "B00000", "B00011"


class Host:
    """An OTA server: KVN 1 holds 3DES keys, KVN 2 AES keys."""

    def __init__(self, card, kvn=1, keys=(KIC, KID), algorithm=None):
        self.card, self.kvn = card, kvn
        self.kic, self.kid = keys
        self.algorithm = {1: 5, 2: 2}[kvn] if algorithm is None else algorithm
        self.block = 16 if self.algorithm == 2 else 8
        self.counter = 0

    def cipher(self, data, *, decrypt=False):
        algorithm = AES(self.kic) if self.algorithm == 2 else TripleDES(self.kic + self.kic[:8])
        cipher = Cipher(algorithm, modes.CBC(bytes(self.block)))
        return (cipher.decryptor() if decrypt else cipher.encryptor()).update(data)

    def mac(self, data):
        if self.algorithm == 2:
            return cmac(self.kid, data)[:8]
        padded = data + bytes(-len(data) % 8)
        return Cipher(TripleDES(self.kid + self.kid[:8]), modes.CBC(bytes(8))).encryptor().update(padded)[-8:]

    def packet(self, data, spi="1619", tar=RFM, counter=None):
        spi1 = int(spi[:2], 16)
        size = {0: 0, 2: 8}[spi1 & 3]
        number = (self.counter if counter is None else counter).to_bytes(5, "big")
        body = bytes.fromhex(data)
        padding = -(6 + size + len(body)) % self.block if spi1 & 4 else 0
        body += bytes(padding)
        indicator = f"{self.kvn:X}{self.algorithm:X}"
        head = bytes((13 + size,)) + bytes.fromhex(spi + indicator * 2 + tar)
        length = len(head) + 6 + size + len(body)
        outer = length.to_bytes(2, "big") + head
        inner = number + bytes((padding,))
        check = self.mac(outer + inner + body) if size else b""
        inner += check + body
        return outer + (self.cipher(inner) if spi1 & 4 else inner)

    def send(self, data, **options):
        """One packet under the next counter; the answer of ENVELOPE."""
        self.counter += 1
        return self.envelope(deliver("027000", self.packet(data, **options)))

    def envelope(self, tpdu):
        body = tlv("D1", "82028381" + tlv("8B", tpdu))
        return self.card.raw(f"80C20000{len(body) // 2:02X}{body}00")

    def proof(self, answer, spi2=0x19):
        """Status, counter and data of a response packet; everything checked."""
        packet = bytes.fromhex(answer)
        assert packet[:3] == bytes.fromhex("027100")
        whole = packet[3:]
        assert int.from_bytes(whole[:2], "big") == len(whole) - 2
        body = self.cipher(whole[6:], decrypt=True) if spi2 & 0x10 else whole[6:]
        size = 8 if spi2 & 0x08 else 0
        assert whole[2] == 10 + size
        padding, status, check, rest = body[5], body[6], body[7 : 7 + size], body[7 + size :]
        if size:
            assert self.mac(packet[:3] + whole[:6] + body[:7] + rest) == check
        return status, int.from_bytes(body[:5], "big"), rest[: len(rest) - padding].hex().upper()

    def run(self, data, **options):
        answer = self.send(data, **options)
        assert answer[-4:] == "9000"
        return self.proof(answer[:-4], int(options.get("spi", "1619")[2:], 16))


def deliver(header, packet, pid="7F", first="44"):
    """An SMS-DELIVER; `header` is the user data header, its length byte included."""
    user_data = header + packet.hex()
    return f"{first}0881214365" + "87" + pid + "F6" + "22705200000000" + f"{len(user_data) // 2:02X}{user_data}"
