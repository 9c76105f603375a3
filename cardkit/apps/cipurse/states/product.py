"""One product on one chip, checked once for every card of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cardkit.apps.cipurse.access import (
    STANDARD,
    AccessTables,
    FileRules,
    Groups,
    GroupTable,
    Operation,
    Security,
)
from cardkit.apps.cipurse.attributes import EfAttributes, FileType
from cardkit.apps.cipurse.commands import ID_INFO, MF, NewDirectory, Syntax
from cardkit.apps.cipurse.idinfo import IdInfo
from cardkit.apps.cipurse.schema import ApplicationBlock, ChipBlock, CipurseBlock, FileBlock, MasterBlock
from cardkit.apps.cipurse.states.keys import DirectoryKey, Diversification, diversification, keys_of
from cardkit.crypto.cardkeys import CardKey
from cardkit.errors import EncodingError, ProfileError
from cardkit.secure.cipurse import Level, Pair

MASTER, INFO = "MF", "MF/EF.ID_INFO"
PXSE_AIDS: Mapping[str, bytes] = {
    name: bytes.fromhex(f"A0000005070{number}00")
    for number, name in enumerate(("transport", "access", "identity", "event", "coupon", "micro-payment"), 1)
}
PROFILES = {"L": 0x20, "S": 0x40, "T": 0x60}
AUTO_SELECT, RETURNS_FCP = 0x02, 0x01
KINDS: Mapping[str, FileType] = {
    "binary": FileType.BINARY,
    "binary+t": FileType.BINARY_T,
    "linear": FileType.LINEAR,
    "linear+t": FileType.LINEAR_T,
    "cyclic": FileType.CYCLIC,
    "cyclic+t": FileType.CYCLIC_T,
    "value": FileType.VALUE,
    "value+t": FileType.VALUE_T,
}
COUNTER_BYTES = 12
"""Of a counter's record: value, least, most (unverified); what follows is the issuer's."""

# What whoever makes an application must be allowed to, until it is finished.
_MAKING = (Operation.CREATE, Operation.PERFORM)


@dataclass(frozen=True, slots=True)
class ProductFile:
    """A file: as the card leaves, and as it is while it is made.

    :param block: of the profile; None for EF.ID_INFO.  :param opened: rules until it is sealed.
    """

    name: str
    block: FileBlock | None
    attributes: EfAttributes
    opened: Security
    groups: GroupTable

    @property
    def final(self) -> Security:
        """Rules it leaves with."""
        assert self.attributes.security is not None
        return self.attributes.security

    @property
    def locked_later(self) -> bool:
        """Whether its rules change when the card is sealed."""
        return self.opened != self.final

    @property
    def contents(self) -> str:
        """Name of its contents, and of the state that they are there."""
        return f"{self.name} contents"

    def rules(self, *, sealed: bool) -> FileRules:
        """Return its rules."""
        return FileRules(self.final if sealed else self.opened, self.groups)

    def created(self) -> EfAttributes:
        """Return what it is created with."""
        return replace(self.attributes, security=self.opened)

    @property
    def kind(self) -> FileType:
        """What kind of file it is."""
        return self.attributes.kind

    @property
    def size(self) -> int:
        """Bytes of its contents."""
        return self.attributes.size or self.attributes.records * self.attributes.record_size


@dataclass(frozen=True, slots=True)
class ProductDirectory:
    """An application, or the master file.

    :param new: what it is created as; None for the MF.  :param opened: rules until it is sealed.
    :param kek: number of the MF's key its keys are enciphered under.
    """

    name: str
    aid: bytes
    keys: tuple[DirectoryKey, ...]
    manager: DirectoryKey
    kek: int
    final: Security
    opened: Security
    groups: GroupTable
    files: tuple[ProductFile, ...]
    new: NewDirectory | None = None

    @property
    def locked_later(self) -> bool:
        """Whether its rules change when the card is sealed."""
        return self.opened != self.final

    def rules(self, *, sealed: bool) -> FileRules:
        """Return its rules."""
        return FileRules(self.final if sealed else self.opened, self.groups)


@dataclass(frozen=True, slots=True)
class ProductList:
    """A list of applications (PxSE).  :param applications: AIDs of those it lists."""

    name: str
    new: NewDirectory
    applications: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CipurseProduct:
    """All of it.

    :param delivered: the key every key of the MF is, as delivered.
    """

    block: CipurseBlock
    chip: ChipBlock
    syntax: Syntax
    id_info: IdInfo
    delivered: CardKey
    master: ProductDirectory
    lists: tuple[ProductList, ...]
    applications: tuple[ProductDirectory, ...]
    tables: AccessTables

    @property
    def directories(self) -> tuple[ProductDirectory, ...]:
        """MF and applications."""
        return self.master, *self.applications

    @property
    def keys(self) -> tuple[DirectoryKey, ...]:
        """Every key of the card."""
        return tuple(key for directory in self.directories for key in directory.keys)

    @property
    def free_memory(self) -> int | None:
        """Bytes that are free on a finished card; None where nobody knows how the chip counts."""
        model = self.chip.memory
        if model is None:
            return None
        directories = [(0, 0)] * len(self.lists)
        directories += [(len(one.keys), len(one.files)) for one in self.applications]
        used = sum(model.directory + keys * model.key + files * model.file for keys, files in directories)
        return model.total - used - sum(file.size for one in self.applications for file in one.files)


def build_product(block: CipurseBlock, chip: ChipBlock) -> CipurseProduct:
    """Join a profile's block with its chip's.  :raises ProfileError: where they do not fit each other."""
    try:
        id_info = IdInfo(_hex(chip.id_info, "chip.cipurse.id_info"))
        tables = _tables(chip)
        diversified = diversification(block.diversify)
        master = _master(block.mf, chip, tables, diversified)
        applications = tuple(_application(one, tables, diversified) for one in block.applications)
    except EncodingError as error:
        raise ProfileError(f"cipurse: {error}") from None
    syntax = id_info.syntax if block.syntax == "auto" else Syntax[block.syntax]
    lists = tuple(_lists(block))
    product = CipurseProduct(block, chip, syntax, id_info, CardKey(chip.delivered), master, lists, applications, tables)
    _check(product)
    return product


def _hex(text: str, where: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ProfileError(f"{where}: expected pairs of hexadecimal digits") from None


def _tables(chip: ChipBlock) -> AccessTables:
    tables = {"directory": STANDARD.directory, "file": STANDARD.file, "value": STANDARD.value}
    for kind, changes in chip.access.items():
        unknown = set(changes) - set(tables[kind])
        if unknown:
            raise ProfileError(f"chip.cipurse.access.{kind}: unknown operations {', '.join(sorted(unknown))}")
        tables[kind] = {**tables[kind], **{Operation(name): Groups(*groups) for name, groups in changes.items()}}
    return AccessTables(tables["directory"], tables["file"], tables["value"])


def _security(smr: tuple[str, ...], art: tuple[str, ...], keys: int, where: str) -> Security:
    nibbles = 0
    for text in smr:
        command, _, response = text.partition("/")
        try:
            nibbles = nibbles << 4 | Pair(Level[command.upper()], Level[response.upper()]).nibble
        except KeyError:
            raise ProfileError(f"{where}.smr: {text!r}, expected two of plain, mac, enc, as mac/enc") from None
    rights = _hex("".join(art), f"{where}.art")
    if len(rights) != 1 + keys or len(art) != 1 + keys:
        raise ProfileError(f"{where}.art: {len(art)} entries, expected {1 + keys}: everybody's, then those of each key")
    return Security(nibbles.to_bytes(2), rights)


def _rights(groups: GroupTable, *operations: Operation) -> frozenset[int]:
    return frozenset(groups[operation].right for operation in operations)


def _opened(final: Security, groups: GroupTable, key: int, making: tuple[Operation, ...]) -> Security:
    """Return rules under which a key can work: the final ones where they let it, else more, to be taken back."""
    if all(final.allows(groups[operation].right, key) for operation in making):
        return final
    return final.granting(key, _rights(groups, *making, Operation.UPDATE_ATTRIBUTES))


def _master(
    block: MasterBlock, chip: ChipBlock, tables: AccessTables, diversified: Diversification
) -> ProductDirectory:
    keys = keys_of(block.keys, MASTER, MF.to_bytes(2), diversified, chip.keys)
    final = _security(block.smr, block.art, chip.keys, "cipurse.mf")
    rules = FileRules(final, tables.directory)
    if not rules.allows(Operation.READ_ATTRIBUTES) or rules.pair(Operation.READ_ATTRIBUTES).nibble:
        raise ProfileError("cipurse.mf: anybody must be able to read its attributes: a card is told by them")
    manager = keys[block.keys.manager - 1]
    if not all(rules.allows(one, manager.number) for one in (Operation.UPDATE_KEY, Operation.UPDATE_KEY_ATTRIBUTES)):
        raise ProfileError(f"cipurse.mf.art: key {manager.number} must be able to update keys: it sets all of them")
    delivered = Security(bytes(2), b"\xc1" * (1 + chip.keys))
    locked = _locked_info(block, delivered, manager.number, chip.keys)
    info = EfAttributes(FileType.BINARY, 0, ID_INFO, len(_hex(chip.id_info, "chip.cipurse.id_info")), security=locked)
    file = ProductFile(INFO, None, info, delivered, tables.file)
    opened = Security(bytes(2), b"\xff" * (1 + chip.keys))
    return ProductDirectory(MASTER, b"", keys, manager, block.keys.kek, final, opened, tables.directory, (file,))


def _locked_info(block: MasterBlock, delivered: Security, manager: int, keys: int) -> Security:
    if block.id_info:
        rights = _hex("".join(block.id_info), "cipurse.mf.id_info")
        if len(rights) != 1 + keys:
            raise ProfileError(f"cipurse.mf.id_info: {len(rights)} entries, expected {1 + keys}")
        return Security(delivered.smr, rights)
    art = bytearray(b"\x41" * (1 + keys))
    art[manager] = delivered.art[manager]
    return Security(delivered.smr, bytes(art))


def _application(block: ApplicationBlock, tables: AccessTables, diversified: Diversification) -> ProductDirectory:
    where, aid = f"cipurse: {block.name}", _hex(block.aid, f"cipurse: {block.name}.aid")
    keys = keys_of(block.keys, block.name, aid, diversified)
    manager = keys[block.keys.manager - 1]
    final = _security(block.smr, block.art, len(keys), where)
    files = tuple(_file(one, block.name, manager, len(keys), tables) for one in block.files)
    listed = PXSE_AIDS[block.register] if block.register else b""
    kind = PROFILES[block.profile] | AUTO_SELECT * block.auto_select | RETURNS_FCP * block.returns_fcp
    room = block.room or len(files)
    own = _hex(block.proprietary, f"{where}.proprietary")
    new = NewDirectory(FileType.DIRECTORY, kind, int(block.fid, 16), room, room, aid, listed, own)
    opened = _opened(final, tables.directory, manager.number, _MAKING)
    return ProductDirectory(block.name, aid, keys, manager, block.keys.kek, final, opened, tables.directory, files, new)


def _file(block: FileBlock, place: str, manager: DirectoryKey, keys: int, tables: AccessTables) -> ProductFile:
    kind, name = KINDS[block.type], f"{place}/{block.name or 'EF.' + block.fid}"
    groups = tables.value if kind.counting else tables.file
    final = _security(block.smr, block.art, keys, f"cipurse: {name}")
    sized = (block.size, block.records, block.record_size)
    wrong = block.size < 1 or block.records or block.record_size
    if not kind.binary:
        wrong = block.size or min(block.records, block.record_size) < 1
    if wrong:
        raise ProfileError(
            f"cipurse: {name}: size, records, record_size {sized}: binary files have a size, others the rest"
        )
    if kind.counting and block.record_size < COUNTER_BYTES:
        raise ProfileError(f"cipurse: {name}.record_size: {block.record_size}, a counter takes {COUNTER_BYTES}")
    attributes = EfAttributes(kind, block.sfid, int(block.fid, 16), *sized, final)
    opened = _opened(final, groups, manager.number, (Operation.UPDATE,))
    return ProductFile(name, block, attributes, opened, groups)


def _lists(block: CipurseBlock) -> Iterator[ProductList]:
    for one in block.pxse:
        aid = PXSE_AIDS[one.name]
        listed = tuple(_hex(app.aid, "aid") for app in block.applications if app.register == one.name)
        if len(listed) > one.room:
            raise ProfileError(f"cipurse.pxse: {one.name} has room for {one.room}, {len(listed)} applications register")
        new = NewDirectory(FileType.PXSE, 0, int(one.fid, 16), one.room, 0, aid)
        yield ProductList(f"PxSE {one.name}", new, listed)


def _check(product: CipurseProduct) -> None:
    """Refuse what the card would: names given twice, lists that are not there, more than fits."""
    chip, block = product.chip, product.block
    for what, got, most in (
        ("applications", len(product.applications), chip.applications),
        ("lists", len(product.lists), chip.lists),
    ):
        if got > most:
            raise ProfileError(f"cipurse: {got} {what}, the chip takes {most}")
    missing = {app.register for app in block.applications if app.register} - {one.name for one in block.pxse}
    if missing:
        raise ProfileError(f"cipurse: no pxse {', '.join(sorted(missing))} for its applications to register in")
    news = [one.new for one in product.lists]
    news += [one.new for one in product.applications if one.new is not None]
    _check_distinct("FIDs", [new.fid for new in news])
    _check_distinct("AIDs", [new.aid for new in news])
    _check_distinct("names", [one.name for one in product.directories])
    for one in product.applications:
        _check_distinct(f"FIDs of {one.name}", [file.attributes.fid for file in one.files])
        _check_distinct(f"SFIDs of {one.name}", [file.attributes.sfid for file in one.files])
        _check_distinct(f"names of {one.name}", [file.name for file in one.files])
    free = product.free_memory
    if free is not None and free < block.reserve:
        raise ProfileError(f"cipurse: {free} bytes of memory would be left, expected {block.reserve} or more")


def _check_distinct(what: str, values: list[int] | list[bytes] | list[str]) -> None:
    if len({*values}) < len(values):
        raise ProfileError(f"cipurse: {what}: one of them twice")
