"""A plant that makes documents on blank chips: SCP03, and the drivers' commands; it shares no code with the card."""

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from .tlv import tlv

TRANSPORT = bytes(range(0x40, 0x50))
AID = bytes.fromhex("A0000002471001")
CONDITIONS = {"always": "00", "session": "10", "pace": "11", "fingers": "21", "iris": "22", "never": "FF"}


def cmac(key, data):
    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()


def _cipher(key, mode):
    return Cipher(AES(key), mode)


def _derive(key, constant, context, bits=128):
    return cmac(key, bytes(11) + bytes((constant, 0)) + bits.to_bytes(2, "big") + b"\x01" + context)[: bits // 8]


def pad(data):
    return data + b"\x80" + bytes(-(len(data) + 1) % 16)


def apdu(cla, ins, p1, p2, data=b"", ne=None):
    """Extended length only when it must be; `ne` 0 is everything there is."""
    head = bytes((cla, ins, p1, p2))
    if len(data) <= 255 and (ne is None or ne <= 256):
        return head + (bytes((len(data),)) + data if data else b"") + (bytes((ne & 0xFF,)) if ne is not None else b"")
    lc = b"\x00" + len(data).to_bytes(2, "big") + data if data else b"\x00"
    return head + lc + ((ne & 0xFFFF).to_bytes(2, "big") if ne is not None else b"")


class Plant:
    """One session under SCP03 with C-MAC, and C-ENC unless told otherwise."""

    def __init__(self, card, *, level=3, kvn=0x30, key=TRANSPORT):
        self.card, self.level = card, level
        challenge = bytes(range(8))
        answer = card.transmit(apdu(0x80, 0x50, kvn, 0, challenge, 0))
        assert answer[-2:] == b"\x90\x00", answer.hex()
        context = challenge + answer[13:21]
        self._enc, self._mac = (_derive(key, constant, context) for constant in (4, 6))
        assert answer[21:29] == _derive(self._mac, 0, context, 64)
        self.dek = key
        self._chain, self._counter = bytes(16), 0
        cryptogram = _derive(self._mac, 1, context, 64)
        self.opened = self.send(apdu(0x84, 0x82, level, 0, cryptogram), plain=True)

    def send(self, command, *, plain=False):
        """Wrap a command of the plant and answer its status word; data before it."""
        cla, ins, p1, p2 = command[:4]
        body, le = _body(command)
        if not plain:
            self._counter += 1
            if body and self.level & 2:
                iv = _cipher(self._enc, modes.ECB()).encryptor().update(self._counter.to_bytes(16, "big"))
                body = _cipher(self._enc, modes.CBC(iv)).encryptor().update(pad(body))
        extended = len(body) + 8 > 255 or (le is not None and le > 256)
        size = len(body) + 8
        lc = b"\x00" + size.to_bytes(2, "big") if extended else bytes((size,))
        head = bytes((cla | 0x04, ins, p1, p2))
        self._chain = cmac(self._mac, self._chain + head + lc + body)
        tail = b"" if le is None else (le & 0xFFFF).to_bytes(2, "big") if extended else bytes((le & 0xFF,))
        return self.card.transmit(head + lc + body + self._chain[:8] + tail)

    def ok(self, *fields, **more):
        answer = self.send(apdu(*fields, **more))
        assert answer[-2:] == b"\x90\x00", (fields[:4], answer.hex())
        return answer[:-2]


def _body(command):
    rest = command[4:]
    if len(rest) <= 1:
        return b"", (rest[0] or 256) if rest else None
    if rest[0]:
        body = rest[1 : 1 + rest[0]]
        return body, (rest[-1] or 256) if len(rest) > 1 + rest[0] else None
    size = int.from_bytes(rest[1:3], "big")
    if len(rest) == 3:
        return b"", size or 65_536
    return rest[3 : 3 + size], (int.from_bytes(rest[-2:], "big") or 65_536) if len(rest) > 3 + size else None


def create(plant, fid, size, read, sfi=None):
    access = bytes.fromhex("01" + CONDITIONS[read])
    short = b"" if sfi is None else tlv("88", bytes((sfi << 3,)))
    fcp = tlv("62", tlv("82", b"\x01"), tlv("83", fid), tlv("80", size.to_bytes(2, "big")), short, tlv("8C", access))
    return plant.send(apdu(0x00, 0xE0, 0, 0, fcp))


def write(plant, data, block=200):
    for at in range(0, len(data), block):
        plant.ok(0x00, 0xD6, at >> 8, at & 0xFF, data[at : at + block])


def make_native(card, document, *, lock=True):
    """Make a document on a blank native chip.

    :param document: `mf` and `df`: {FID hex: (content, read condition)}; `keys`: {identifier hex: value}.
    """
    plant = Plant(card)
    assert plant.opened == b"\x90\x00"
    _files(plant, document["mf"])
    plant.ok(0x00, 0xE0, 0, 0, tlv("62", tlv("82", b"\x38"), tlv("83", b"\x3f\x01"), tlv("84", AID)))
    _files(plant, document["df"])
    for identifier, value in document["keys"].items():
        p1, p2 = bytes.fromhex(identifier)
        plant.ok(0x00, 0xDA, p1, p2, value)
    if lock:
        plant.ok(0x00, 0xA4, 0x00, 0x0C, b"\x3f\x00")
        plant.ok(0x00, 0x44, 0, 0)
        card.power(True)
    return card


def _files(plant, files):
    for fid, (content, read) in files.items():
        assert create(plant, bytes.fromhex(fid), len(content), read) == b"\x90\x00", fid
        write(plant, content)


def dgi(identifier, value):
    size = bytes((len(value),)) if len(value) < 0xFF else b"\xff" + len(value).to_bytes(2, "big")
    return bytes.fromhex(identifier) + size + value


def store(plant, groupings, *, secret=False, number=0, last=True, block=200):
    """STORE DATA of these groupings, cut where blocks end; the number of the next block."""
    data = b"".join(dgi(identifier, value) for identifier, value in groupings)
    parts = [data[at : at + block] for at in range(0, len(data), block)]
    for place, part in enumerate(parts):
        end = last and place == len(parts) - 1
        plant.ok(0x80, 0xE2, (0x88 if end else 0x08) | (0x60 if secret else 0), number & 0xFF, part)
        number += 1
    return number


def enciphered(plant, value):
    return _cipher(plant.dek, modes.CBC(bytes(16))).encryptor().update(pad(value))


def install(plant, *, privileges=0x04):
    package, module = bytes.fromhex("A0000000999902"), bytes.fromhex("A000000099990201")
    fields = (package, module, AID, bytes((privileges,)), b"\xc9\x00", b"")
    plant.ok(0x80, 0xE6, 0x0C, 0, b"".join(bytes((len(part),)) + part for part in fields), 0)


def groupings(document):
    """The document as data groupings: whole files, then key objects."""
    files = [("A01C" if fid == "011C" else "A01D", body) for fid, (body, _) in document["mf"].items()]
    return files + [(fid, body) for fid, (body, _) in document["df"].items()]


def make_applet(card, document, *, lock=True):
    """Make a document on a blank card with the application."""
    plant = Plant(card)
    assert plant.opened == b"\x90\x00"
    install(plant)
    plant.ok(0x80, 0xE6, 0x20, 0, bytes((0, 0, len(AID))) + AID + bytes(3), 0)
    number = store(plant, groupings(document), last=False)
    for identifier, value in document["keys"].items():
        secret = int(identifier, 16) < 0x8120
        sent = enciphered(plant, value) if secret else value
        number = store(plant, [(identifier, sent)], secret=secret, number=number, last=False)
    store(plant, [("9F01", b"\x01")] if lock else [("8130", bytes.fromhex("020600010001"))], number=number)
    card.power(True)
    return card


def make_2006(card, files=None, *, lock=True):
    """Make a document on a blank chip of 2006, with a key for chip authentication on P-256."""
    from . import issuance

    def ok(*fields, **more):
        answer = card.transmit(apdu(*fields, **more))
        assert answer == b"\x90\x00", (fields[:4], answer.hex())

    ok(0, 0xA4, 0x04, 0x0C, AID)
    for fid, content in (files or {"011E": issuance.COM, "0101": issuance.DG1}).items():
        ok(0, 0xE0, 0, 0, tlv("63", len(content).to_bytes(2, "big"), bytes.fromhex(fid)))
        ok(0, 0xA4, 0x02, 0x0C, bytes.fromhex(fid))
        for at in range(0, len(content), 200):
            ok(0, 0xD6, at >> 8, at & 0xFF, content[at : at + 200])
    number = [tlv("5F1F", text) for text in (b"L898902C", b"690806", b"940623")]
    ok(0, 0xDA, 0x00, 0x62, tlv("62", *number))
    curve = {name: bytes.fromhex(value) for name, value in issuance.DOMAINS["curves"]["12"].items()}
    values = (curve["p"], curve["a"], curve["b"], b"\x04" + curve["x"] + curve["y"], curve["n"])
    fields = [tlv(f"{tag:02X}", value) for tag, value in zip(range(0x81, 0x86), values, strict=True)]
    ok(0, 0xDA, 0x00, 0x63, b"".join(fields) + tlv("86", issuance.CHIP_KEY.to_bytes(32, "big")) + tlv("87", b"\x01"))
    if lock:
        ok(0, 0xDA, 0xDE, 0xAD)
        card.power(True)
    return card
