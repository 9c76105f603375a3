"""What tests make on the chips."""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from cardkit.virtual import make_card

MANAGEMENT_KEY = bytes.fromhex("0102030405060708") * 3
_WRONG = "30" * 8


def send(card, *commands):
    """Hex to the card, the last answer back; all but the last must succeed."""
    replies = [card.transmit(bytes.fromhex(command)).hex().upper() for command in commands]
    assert all(reply.endswith("9000") for reply in replies[:-1]), replies
    return replies[-1]


def first_secret(card):
    """Anything that lasts."""
    if card.image.name == "piv":
        return send(card, "002000800830303030303030FF")
    return send(card, "002401010431323334")


def opened(image, commands):
    """A chip on which everything may be done, after these commands: the management key of PIV has been shown."""
    card = make_card(image, seed=1)
    if image == "piv":
        challenge = bytes.fromhex(send(card, "0087039B047C02810000"))[4:12]
        encrypted = Cipher(TripleDES(MANAGEMENT_KEY), modes.ECB()).encryptor().update(challenge)
        assert send(card, f"0087039B0C7C0A8208{encrypted.hex()}") == "9000"
    for command in commands:
        assert send(card, command).endswith("9000")
    return card


def blocked_piv():
    """A PIV chip with another PIN, and with PIN and PUK both blocked."""
    card = make_card("piv", seed=1)
    send(card, "0024008010313233343536FFFF3132333435363738")
    for command in (f"0020008008{_WRONG}", f"002C008010{_WRONG}{_WRONG}"):
        for _ in range(3):
            send(card, command)
    return card


def directory(fid, name=""):
    """CREATE FILE of a directory."""
    fields = f"8201388302{fid}" + (f"84{len(name) // 2:02X}{name}" if name else "")
    return f"00E00000{len(fields) // 2 + 2:02X}62{len(fields) // 2:02X}{fields}"


def file(fid, size, access="FF000000000000" + "00", sfi=None):
    """CREATE FILE of a transparent file."""
    fields = f"8201018302{fid}8002{size:04X}8608{access}" + (f"8801{sfi << 3:02X}" if sfi else "")
    return f"00E00000{len(fields) // 2 + 2:02X}62{len(fields) // 2:02X}{fields}"
