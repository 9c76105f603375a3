"""One card's contents: its files, its codes, what each certificate says besides its key, keys the issuer made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cardkit.apps.eid.certificates import serial_of, statement, term_of
from cardkit.apps.eid.pkcs15 import commands
from cardkit.apps.eid.pkcs15.entries import CodeForm, KeyEntry, certificate_entry, code_entry, data_entry
from cardkit.apps.eid.pkcs15.product import (
    DF_PATH,
    DIRECTORY,
    LISTS,
    ODF,
    PIN,
    PUK,
    RSA_EXPONENT,
    TOKEN,
    KeyPair,
    Pkcs15Product,
    data_name,
)
from cardkit.apps.eid.pkcs15.structure import (
    CodeFlag,
    Directory,
    KeyAccess,
    Listed,
    ObjectDirectory,
    ObjectList,
    TokenFlag,
    TokenInfo,
)
from cardkit.apps.pki import publickey
from cardkit.apps.pki.names import Name
from cardkit.crypto import Secret
from cardkit.crypto.chipkeys import chip_key_of
from cardkit.crypto.curves import BY_NAME
from cardkit.crypto.secret import joined
from cardkit.desired import Content
from cardkit.errors import EncodingError

CODE_LEAST = 4
PIN_ID, PUK_ID = b"\x01", b"\x02"
"""Identifiers of the codes in the lists."""
_TOKEN_FLAGS = (TokenFlag.READ_ONLY, TokenFlag.RANDOM_NUMBERS)
_MADE_HERE = (KeyAccess.SENSITIVE, KeyAccess.ALWAYS_SENSITIVE, KeyAccess.NEVER_EXTRACTABLE, KeyAccess.LOCAL)
_MADE_ELSEWHERE = (KeyAccess.SENSITIVE,)
_CODE_FLAGS = (CodeFlag.LOCAL, CodeFlag.INITIALIZED, CodeFlag.NEEDS_PADDING)


def fill(product: Pkcs15Product, resolved: Mapping[str, Any], values: Mapping[str, Secret]) -> dict[str, Content]:
    """Return one card's contents by state.

    :param resolved: the profile's block for this record.  :param values: as :meth:`Pkcs15Product.draw` made them.
    :raises EncodingError: where a value does not fit.
    """
    contents: dict[str, Content] = dict(_codes(resolved["codes"]))
    contents[DIRECTORY] = Directory.of(product.block.label, DF_PATH).build()
    contents[ODF] = ObjectDirectory.of(product.lists).build()
    token = TokenInfo.of(
        _serial(product, resolved["serial"]), resolved["manufacturer"], resolved["label"], _TOKEN_FLAGS
    )
    contents[TOKEN] = token.build()
    for kind in product.lists:
        contents[LISTS[kind][0]] = ObjectList.parse(kind, b"".join(_entries(product, kind))).build()
    for item in resolved["data"]:
        contents[data_name(item["label"])] = _data(item)
    holder, term = resolved["holder"], term_of(resolved["validity"], "pkcs15.validity")
    subject = Name(holder["country"], holder["organization"], holder["unit"], holder["name"]).build()
    for pair in product.keys:
        number = serial_of(joined((values[pair.certificate],)))
        contents[pair.certificate] = statement(number, subject, term)
        if pair.issued:
            contents[pair.name], contents[pair.public] = _issued(pair, values[pair.name])
    return contents


def _codes(codes: Mapping[str, Any]) -> Iterator[tuple[str, Content]]:
    for name, entry in ((PIN, "pin"), (PUK, "puk")):
        value = codes[entry]
        if not isinstance(value, Secret) or not CODE_LEAST <= len(value) <= commands.CODE_BYTES:
            expected = f"one secret field of {CODE_LEAST} to {commands.CODE_BYTES} characters"
            raise EncodingError(f"pkcs15.codes.{entry}: expected {expected}")
        yield name, (value,)


def _serial(product: Pkcs15Product, text: str) -> bytes:
    if product.block.serial_form == "text":
        return text.encode()
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if not found:
        raise EncodingError(f"pkcs15.serial: {text!r}, expected an even number of hexadecimal digits")
    return found


def _data(item: Mapping[str, Any]) -> bytes:
    where = f"pkcs15.data {item['label']}"
    try:
        value = bytes.fromhex(item["value"]) if item["form"] == "hex" else str(item["value"]).encode()
    except ValueError:
        raise EncodingError(f"{where}: expected an even number of hexadecimal digits") from None
    if not value:
        raise EncodingError(f"{where}: expected at least one byte")
    return value


def _entries(product: Pkcs15Product, kind: Listed) -> Iterator[bytes]:
    """Yield the objects of a list; they are the same on every card of a product."""
    if kind is Listed.CODES:
        form = CodeForm(CODE_LEAST, commands.CODE_BYTES, commands.CODE_BYTES, 0x00, DF_PATH)
        yield code_entry(PIN, PIN_ID, commands.PIN, _CODE_FLAGS, form, PUK_ID)
        yield code_entry(PUK, PUK_ID, commands.PUK, (*_CODE_FLAGS, CodeFlag.UNBLOCKING), form)
    for item in product.block.data if kind is Listed.DATA else ():
        file = product.files[data_name(item.label)]
        yield data_entry(item.label, item.application, file.path, PIN_ID if item.private else b"")
    for pair in product.keys:
        if kind is Listed.PRIVATE_KEYS:
            access = _MADE_ELSEWHERE if pair.issued else _MADE_HERE
            yield _key(pair, DF_PATH).private(pair.use.private, access, PIN_ID)
        elif kind is Listed.PUBLIC_KEYS:
            yield _key(pair, product.files[pair.public].path).public(pair.use.public)
        elif kind is Listed.CERTIFICATES:
            yield certificate_entry(pair.label, pair.identifier, product.files[pair.certificate].path)


def _key(pair: KeyPair, path: bytes) -> KeyEntry:
    algorithm = pair.algorithm
    return KeyEntry(pair.label, pair.identifier, pair.reference, algorithm.bits, bool(algorithm.curve), path)


def _issued(pair: KeyPair, value: Secret) -> tuple[Content, Content]:
    """Return what the card is given of a key the issuer made, and the file of its public half."""
    if pair.algorithm.curve:
        curve = BY_NAME[pair.algorithm.curve]
        key = chip_key_of(curve, value)
        public = publickey.build_ec(curve, key.public, explicit=False)
        return commands.ec_template(curve, value), pair.value_of(public)
    size = pair.algorithm.bits // 8
    half = size // 2
    clear = joined((value,))
    crt = tuple(Secret(clear[start : start + half], pair.name) for start in range(size, len(clear), half))
    public = publickey.build_rsa(int.from_bytes(clear[:size], "big"), RSA_EXPONENT)
    return commands.rsa_template(crt), pair.value_of(public)
