"""A package with one card's data: what the record owns is put in, everything else keeps its bytes.

What goes where is the profile's to say: contents that name fields of the record, PINs and administrative keys,
authentication. Contents that are the same on every card are the package's own business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from cardkit.apps.uicc.saip.asn1 import Group, Node, write_integer
from cardkit.apps.uicc.saip.codes import PinCode, read_codes
from cardkit.apps.uicc.saip.content import operations
from cardkit.apps.uicc.saip.drafts import CardFile, Path, Piece
from cardkit.apps.uicc.saip.filesystem import FileSystem, read_files
from cardkit.apps.uicc.saip.package import Edit, Package
from cardkit.apps.uicc.saip.schema import IND_BITS, MILENAGE, TEST_ALGORITHM, TUAK, sequence_number
from cardkit.apps.uicc.schema import AuthBlock
from cardkit.apps.uicc.states.authentication import KEY_BYTES, constants_file, operator_key
from cardkit.apps.uicc.states.contents import pin_value, secret_field, whole_secret
from cardkit.apps.uicc.states.product import NUMBER, FileContent, Product
from cardkit.crypto.secret import joined
from cardkit.desired import Access
from cardkit.errors import EncodingError, ProfileError

Record = Mapping[str, Any]

ALGORITHM_NUMBERS = {"milenage": MILENAGE, "tuak": TUAK, "xor": TEST_ALGORITHM}
_ROTATIONS = 5


def personalized(package: Package, product: Product, record: Record) -> Package:
    """Return the package of one card.

    :param product: a compiled profile; only what it fills from the record is used.
    :raises EncodingError: when a value does not fit its file.
    :raises ProfileError: when the package has no place for a value, or the profile an algorithm no package has.
    """
    files = read_files(package)
    bodies = _bodies(files, product, record)
    edits = [*_file_edits(package, files, bodies), *_code_edits(read_codes(package, files.contexts), product, record)]
    number = files.named(NUMBER)
    if number is not None and number.path in bodies:
        edits.append(_header_edit(package, bodies[number.path]))
    edits += _authentication_edits(package, product, record)
    return package.edited(edits)


# Files


def _bodies(files: FileSystem, product: Product, record: Record) -> dict[Path, bytes]:
    """Return the new bodies of files that vary, by path."""
    bodies: dict[Path, bytes] = {}
    contents = {content.target.name: content for content in product.files if content.template.variable}
    for name, content in contents.items():
        file = files.named(content.target.file)
        if file is None:
            raise ProfileError(f"{name}: the profile fills it, the package makes no such file")
        _put(files, file, content, record, bodies)
    for copy, original in product.copies:
        file = files.named(copy.file)
        if file is not None and original in contents:
            _put(files, file, contents[original], record, bodies)
    return bodies


def _put(files: FileSystem, file: CardFile, content: FileContent, record: Record, bodies: dict[Path, bytes]) -> None:
    """Encode one file or record for the size it has in the package."""
    while file.link is not None:
        file = files.files[file.link]
    records = _cut(file, bodies.get(file.path, file.body))
    place = max(content.target.record, 1) - 1
    if place >= len(records):
        raise ProfileError(f"{content.target.name}: the package makes {len(records)} records")
    try:
        records[place] = content.codec.encode(content.template.resolve(record), len(records[place]))
    except EncodingError as error:
        raise EncodingError(f"{content.target.name}: {error}") from None
    bodies[file.path] = b"".join(records)


def _cut(file: CardFile, body: bytes) -> list[bytes]:
    step = (file.shape.record_length if file.shape else 0) or len(body)
    return [body[i : i + step] for i in range(0, len(body), step)]


def _file_edits(package: Package, files: FileSystem, bodies: Mapping[Path, bytes]) -> Iterator[Edit]:
    """Yield what holds the contents of each changed file, with new contents."""
    changes: defaultdict[tuple[int, ...], list[tuple[Piece, tuple[Node, ...]]]] = defaultdict(list)
    for path, body in bodies.items():
        file = files.files[path]
        if not file.pieces:
            raise ProfileError(f"{file.name}: the package leaves it to the template, and has no place for contents")
        holders = [package.at(piece.way) for piece in file.pieces]
        for number, (piece, holder) in enumerate(zip(file.pieces, holders, strict=True)):
            changes[piece.way].append((piece, () if number else _operations(file, body, holder)))
    for way, pieces in changes.items():
        children = list(package.at(way).children)
        for piece, made in sorted(pieces, key=lambda change: change[0].start, reverse=True):
            children[piece.start : piece.stop] = made
        yield way, tuple(children)


def _operations(file: CardFile, body: bytes, holder: Node) -> tuple[Node, ...]:
    if not isinstance(holder.type, Group):
        raise EncodingError(f"{file.name}: its contents stand in a plain value")
    return operations(body, file.over, file.shape.record_length if file.shape else 0, holder.type)


def _header_edit(package: Package, number: bytes) -> Edit:
    """Return the header's ICCID: the file's, nibbles not swapped."""
    iccid = package.header.require("iccid")
    swapped = bytes((byte & 0x0F) << 4 | byte >> 4 for byte in number)
    return (0, package.header.children.index(iccid)), swapped


# Codes


def _code_edits(codes: tuple[PinCode, ...], product: Product, record: Record) -> Iterator[Edit]:
    """Yield the values of PINs, their unblocking codes, and administrative keys; in every directory that has them."""
    for pin in product.pins:
        values = pin.template.resolve(record)
        for code in _defined(codes, pin.access):
            yield code.way, joined(pin_value(secret_field(values, "value")))
            if code.puk is not None:
                yield code.puk.way, joined((whole_secret(secret_field(values, "puk")),))
    for adm in product.adms:
        value = whole_secret(secret_field(adm.template.resolve(record), "value"))
        for code in _defined(codes, adm.access):
            yield code.way, joined((value,))


def _defined(codes: tuple[PinCode, ...], access: Access) -> list[PinCode]:
    found = [code for code in codes if code.reference == access.reference]
    if not found:
        raise ProfileError(f"{access.name}: the profile fills it, the package defines no such code")
    return found


# Authentication


def _authentication_edits(package: Package, product: Product, record: Record) -> Iterator[Edit]:
    """Yield the parameters of each application that has its own."""
    auth = product.auth
    if auth.algorithm not in ALGORITHM_NUMBERS:
        known = ", ".join(ALGORITHM_NUMBERS)
        raise ProfileError(f"uicc.auth.algorithm: got {auth.algorithm}, a profile package has one of {known}")
    for at, element in package.all("akaParameter"):
        chosen = element.require("algoConfiguration")
        given = chosen.first("algoParameter")
        if given is not None:
            changed = element.setting("algoConfiguration", (_algorithm(given, product, record),))
            yield (at,), _sequence(changed, auth).children


def _algorithm(given: Node, product: Product, record: Record) -> Node:
    auth = product.auth
    values = product.auth_template.resolve(record)
    k = secret_field(values, "k")
    operator = next((secret_field(values, name) for name in ("opc", "op") if name in values), None)
    opc = operator_key(auth, k, operator)
    given = given.setting("algorithmID", write_integer(ALGORITHM_NUMBERS[auth.algorithm]))
    given = given.setting("key", joined((k,)))
    given = given.setting("opc", joined((opc,)) if opc is not None else bytes(KEY_BYTES))
    if auth.milenage is not None:
        constants = constants_file(auth)
        given = given.setting("rotationConstants", constants[:_ROTATIONS])
        given = given.setting("xoringConstants", constants[_ROTATIONS:])
    if auth.algorithm == "tuak":
        given = given.setting("numberOfKeccak", write_integer(auth.tuak.iterations))
    return given


def _sequence(element: Node, auth: AuthBlock) -> Node:
    """Return the element with the profile's first sequence number: SEQ under its IND, zeros elsewhere."""
    if not auth.sqn_start:
        return element
    if auth.ind_bits != IND_BITS:
        raise ProfileError(f"uicc.auth.ind_bits: got {auth.ind_bits}, a profile package has {IND_BITS}")
    values = [0] * (1 << IND_BITS)
    values[auth.sqn_start & len(values) - 1] = auth.sqn_start >> IND_BITS
    return element.setting("sqnInit", tuple(sequence_number(value) for value in values))
