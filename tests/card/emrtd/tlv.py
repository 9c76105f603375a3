"""BER-TLV for the tests of document chips."""


def tlv(tag, *parts):
    value = b"".join(parts)
    size = len(value)
    length = (
        bytes((size,))
        if size < 0x80
        else b"\x81" + bytes((size,))
        if size < 0x100
        else b"\x82" + size.to_bytes(2, "big")
    )
    return bytes.fromhex(tag) + length + value


def parse(data):
    found, at = {}, 0
    while at < len(data):
        start = at
        at += 2 if data[at] & 0x1F == 0x1F else 1
        tag = data[start:at].hex().upper()
        size, at = data[at], at + 1
        if size > 0x80:
            wide = size - 0x80
            size, at = int.from_bytes(data[at : at + wide], "big"), at + wide
        found[tag] = data[at : at + size]
        at += size
    assert at == len(data)
    return found
