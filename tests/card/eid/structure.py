"""What tests make on the chips."""

from cardkit.virtual import make_card

COUNTED = ("pin", "puk", "journal")  # cells that a torn command may have changed: a try is taken at once
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
