"""One product on one chip, checked once for every card of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cardkit.apps.desfire.commands import AID_BYTES, PICC, Op
from cardkit.apps.desfire.diversification import join_parts
from cardkit.apps.desfire.schema import AppBlock, ChipBlock, DesfireBlock, DiversifyBlock, FileBlock, KeyBlock
from cardkit.apps.desfire.settings import (
    FREE,
    NEVER,
    AccessRights,
    Body,
    DataBody,
    FileSettings,
    FileType,
    RecordBody,
    TransactionMacBody,
    ValueBody,
    second_byte,
)
from cardkit.apps.desfire.states.contents import FieldSpec, place_fields
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.crypto.desfire import KeyKind
from cardkit.errors import EncodingError, ProfileError
from cardkit.secure.desfire import Authentication, Mode

KEY_KINDS = {"2tdea": KeyKind.TDEA2, "3tdea": KeyKind.TDEA3, "aes": KeyKind.AES}
ALGORITHMS = {KeyKind.TDEA2: "3DES-128", KeyKind.TDEA3: "3DES-192", KeyKind.AES: "AES-128"}
_MODES = {"plain": Mode.PLAIN, "mac": Mode.MAC, "enc": Mode.FULL}
_TYPES = {
    "standard": (FileType.STANDARD, Op.CREATE_STANDARD),
    "backup": (FileType.BACKUP, Op.CREATE_BACKUP),
    "value": (FileType.VALUE, Op.CREATE_VALUE),
    "linear": (FileType.LINEAR, Op.CREATE_LINEAR),
    "cyclic": (FileType.CYCLIC, Op.CREATE_CYCLIC),
    "transaction-mac": (FileType.TRANSACTION_MAC, Op.CREATE_TRANSACTION_MAC),
}
_TMAC_AES = 0x02
_HAS_SETS, _ROLLED_BY = 0x01, 0x00
_M_BYTES = {KeyKind.AES: 31, KeyKind.TDEA2: 15, KeyKind.TDEA3: 15}
KEY_CHANGEABLE, LISTING_FREE, CREATING_FREE, SETTINGS_CHANGEABLE = 0x01, 0x02, 0x04, 0x08
"""Bits of ks1 (transport sheet 3.4)."""
FORMAT_DISABLED, RANDOM_UID = 0x01, 0x02
"""Bits of option 00 of SetConfiguration (transport sheet 3.13)."""


@dataclass(frozen=True, slots=True)
class KeySpec:
    """A key before the card is known.

    :param m: parts of M; empty for a key that is the same on every card.
    """

    number: int
    name: str
    reference: str
    version: int
    kind: KeyKind
    scheme: Scheme
    m: tuple[str, ...]
    aid: bytes
    key_set: int = 0

    def card_key(self, uid: bytes) -> CardKey:
        """Return the key of one card."""
        if self.scheme is Scheme.NONE:
            return CardKey(self.reference)
        return CardKey(self.reference, self.scheme, self.diversification(uid))

    def diversification(self, uid: bytes) -> bytes:
        """Return M of one card."""
        known = {"uid": uid, "aid": self.aid, "aid-le": self.aid[::-1], "key": bytes((self.number,))}
        return join_parts(self.m, known)


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A file of the finished card.

    :param settings: as the card shall show them.  :param op: the command that creates it.
    :param fill: one byte.  :param initial: whether its contents are written, as a body or a first record.
    :param key: of a transaction MAC.
    """

    number: int
    name: str
    settings: FileSettings
    op: Op
    iso_fid: int | None
    fields: tuple[FieldSpec, ...]
    fill: int
    initial: bool
    key: KeySpec | None = None

    @property
    def size(self) -> int:
        """Bytes of its body, or of a record; 0 of other files."""
        body = self.settings.body
        return body.size if isinstance(body, DataBody | RecordBody) else 0

    @property
    def needs_commit(self) -> bool:
        """Whether what is written counts from a commit on."""
        return self.settings.type not in (FileType.STANDARD, FileType.TRANSACTION_MAC)

    def mac_key(self) -> KeySpec:
        """Return the key of a transaction MAC.  :raises ProfileError: of another file."""
        if self.key is None:
            raise ProfileError(f"file {self.number}: no transaction MAC")
        return self.key

    def writers(self) -> tuple[int, ...]:
        """Return the keys that may write it, lowest first."""
        rights = self.settings.rights
        return tuple(sorted({right for right in (rights.write, rights.both) if right < FREE}))

    def readers(self) -> tuple[int, ...]:
        """Return the keys that may read it, lowest first."""
        rights = self.settings.rights
        opening = {rights.read, rights.both}
        if self.settings.type is FileType.VALUE:
            opening.add(rights.write)
        return tuple(sorted(right for right in opening if right < FREE))

    @property
    def readable_by_all(self) -> bool:
        """Whether nobody needs a key to read it."""
        body, rights = self.settings.body, self.settings.rights
        return FREE in (rights.read, rights.both) or (isinstance(body, ValueBody) and body.free_value)


@dataclass(frozen=True, slots=True)
class KeySetSpec:
    """A further set of keys.  :param number: from 1."""

    number: int
    version: int
    keys: tuple[KeySpec, ...]


@dataclass(frozen=True, slots=True)
class AppSpec:
    """An application of the finished card.

    :param first, second: ks1 and ks2.  :param rest: ks3 and what follows it, of one with sets of keys.
    """

    aid: bytes
    name: str
    first: int
    second: int
    kind: KeyKind
    iso_fid: int | None
    df_name: bytes
    keys: tuple[KeySpec, ...]
    files: tuple[FileSpec, ...]
    key_sets: tuple[KeySetSpec, ...] = ()
    rest: bytes = b""

    @property
    def second_bytes(self) -> bytes:
        """ks2, and what follows it at creation."""
        return bytes((self.second,)) + self.rest

    def set_state(self, number: int) -> str:
        """Name of the state of a further set of keys."""
        return f"{self.title}/key set {number}"

    @property
    def title(self) -> str:
        """Its identifier, as printed."""
        return self.aid.hex().upper()

    def key_state(self, number: int) -> str:
        """Name of the state of a key."""
        return f"{self.title}/key {number}"

    def file_state(self, number: int) -> str:
        """Name of the state of a file, and of its content."""
        return f"{self.title}/file {number}"


@dataclass(frozen=True, slots=True)
class DesfireProduct:
    """All of it.

    :param picc: the card's master key.  :param settings: ks1 of the card.  :param configuration: option 00 of
        SetConfiguration; 0 where nothing is configured.
    """

    block: DesfireBlock
    chip: ChipBlock
    picc: KeySpec
    settings: int
    configuration: int
    apps: tuple[AppSpec, ...]

    def authentication(self, kind: KeyKind) -> Authentication:
        """Return how sessions with keys of a kind are opened."""
        if kind is not KeyKind.AES:
            return Authentication.ISO
        return Authentication.AES if self.chip.generation == "ev1" else Authentication.EV2

    def all_keys(self) -> Iterator[KeySpec]:
        """Yield every key."""
        yield self.picc
        for app in self.apps:
            yield from app.keys
            yield from (key for keys in app.key_sets for key in keys.keys)
            yield from (file.key for file in app.files if file.key is not None)


def build_product(block: DesfireBlock, chip: ChipBlock) -> DesfireProduct:
    """Join a profile's block with its chip's.  :raises ProfileError: naming the entry that is wrong."""
    if block.card != chip.generation:
        raise ProfileError(f"desfire.card: {block.card}, the chip is {chip.generation}")
    picc = block.picc
    configuration = (FORMAT_DISABLED if picc.format_disabled else 0) | (RANDOM_UID if picc.random_uid else 0)
    if configuration and not picc.irreversible:
        raise ProfileError("desfire.picc: random_uid and format_disabled cannot be taken back: irreversible = true")
    if picc.random_uid and picc.diversify is not None:
        raise ProfileError("desfire.picc: a key that opens a card of random UID cannot be diversified by it")
    settings = int(picc.settings, 16)
    if not settings & KEY_CHANGEABLE:
        raise ProfileError("desfire.picc.settings: bit 0 clear: the card's key could not be set any more")
    aids = [app.aid for app in block.apps]
    if not aids or len(set(aids)) != len(aids):
        raise ProfileError(f"desfire.apps: {', '.join(aids) or 'none'}, expected one or more, each once")
    if block.card == "ev1" and any(app.key_sets for app in block.apps):
        raise ProfileError("desfire.apps: EV1 knows no sets of keys")
    key = _key("desfire.picc", picc.key, 0, KeyKind.AES, picc.diversify, PICC)
    return DesfireProduct(block, chip, key, settings, configuration, tuple(map(_app, block.apps)))


def _app(block: AppBlock) -> AppSpec:
    where = f"desfire.apps {block.aid}"
    kind = KEY_KINDS[block.kind]
    aid = _bytes(where, block.aid, AID_BYTES)
    keys = tuple(_key(where, key, number, kind, block.diversify, aid) for number, key in enumerate(block.keys))
    names = {key.name: key.number for key in keys}
    if len(names) != len(keys) or names.keys() & _WORDS.keys():
        raise ProfileError(f"{where}: keys {', '.join(key.name for key in keys)}: each name once, none of them a word")
    numbers = [file.no for file in block.files]
    if len(set(numbers)) != len(numbers):
        raise ProfileError(f"{where}: files {numbers}, each number once")
    files = tuple(
        _file(f"{where}: file {file.no}", file, names, _tmac_key(where, file, block, aid)) for file in block.files
    )
    iso = any(file.iso_fid is not None for file in files)
    sets = _key_sets(where, block, kind, aid)
    rest = bytes((_HAS_SETS, block.set_version, 1 + len(sets), kind.size_bytes, _ROLLED_BY)) if sets else b""
    try:
        second = second_byte(len(keys), kind, iso=iso, more=bool(sets))
    except EncodingError as error:
        raise ProfileError(f"{where}: {error}") from None
    df_name = bytes.fromhex(block.df_name)
    return AppSpec(
        aid,
        block.name,
        int(block.settings, 16),
        second,
        kind,
        _fid(where, block.iso_fid),
        df_name,
        keys,
        files,
        sets,
        rest,
    )


def _key_sets(where: str, block: AppBlock, kind: KeyKind, aid: bytes) -> tuple[KeySetSpec, ...]:
    found = []
    for number, keys in enumerate(block.key_sets, 1):
        if len(keys.keys) != len(block.keys):
            raise ProfileError(f"{where}: key set {number}: {len(keys.keys)} keys, expected {len(block.keys)}")
        specs = (_key(where, key, place, kind, block.diversify, aid) for place, key in enumerate(keys.keys))
        found.append(KeySetSpec(number, keys.version, tuple(replace(key, key_set=number) for key in specs)))
    return tuple(found)


_WORDS = {"free": FREE, "never": NEVER}


def _key(
    where: str, block: KeyBlock, number: int, kind: KeyKind, diversify: DiversifyBlock | None, aid: bytes
) -> KeySpec:
    scheme, m = (Scheme(diversify.scheme), diversify.m) if diversify else (Scheme.NONE, ())
    key = KeySpec(number, block.name, block.ref, block.version, kind, scheme, m, aid)
    try:
        size = len(key.diversification(bytes(7)))
    except EncodingError as error:
        raise ProfileError(f"{where}: diversify: {error}") from None
    if size > _M_BYTES[kind] or (scheme is not Scheme.NONE and not size):
        raise ProfileError(f"{where}: diversify.m: {size} bytes, expected 1 to {_M_BYTES[kind]}")
    return key


def _tmac_key(where: str, file: FileBlock, app: AppBlock, aid: bytes) -> KeySpec | None:
    if (file.type == "transaction-mac") != (file.key is not None):
        raise ProfileError(f"{where}: file {file.no}: a transaction MAC has a key, other files have none")
    return _key(where, file.key, 0, KeyKind.AES, app.diversify, aid) if file.key else None


def _file(where: str, block: FileBlock, keys: Mapping[str, int], key: KeySpec | None) -> FileSpec:
    kind, op = _TYPES[block.type]
    rights = [_right(where, getattr(block, name), keys) for name in ("read", "write", "both", "change")]
    settings = FileSettings(kind, _MODES[block.mode], AccessRights(*rights), _body(where, block, kind))
    size = block.size
    return FileSpec(
        block.no,
        block.name,
        settings,
        op,
        _fid(where, block.iso_fid),
        place_fields(where, block.fields, size),
        int(block.fill, 16),
        initial=bool(block.fields) or (kind in (FileType.STANDARD, FileType.BACKUP) and block.fill != "00"),
        key=key,
    )


def _right(where: str, text: str, keys: Mapping[str, int]) -> int:
    known = {**_WORDS, **keys}
    if text not in known:
        raise ProfileError(f"{where}: right {text!r}, expected one of {', '.join(known)}")
    return known[text]


def _body(where: str, block: FileBlock, kind: FileType) -> Body:
    if kind is FileType.VALUE:
        if not block.lower <= block.upper:
            raise ProfileError(f"{where}: values from {block.lower} to {block.upper}")
        return ValueBody(block.lower, block.upper, 0, int(block.limited_credit) | int(block.free_value) << 1)
    if kind is FileType.TRANSACTION_MAC:
        return TransactionMacBody(_TMAC_AES, block.key.version if block.key else 0)
    if block.size < 1:
        raise ProfileError(f"{where}: size {block.size}, expected 1 or more")
    if kind in (FileType.LINEAR, FileType.CYCLIC):
        fewest = 2 if kind is FileType.CYCLIC else 1
        if block.records < fewest:
            raise ProfileError(f"{where}: {block.records} records, expected {fewest} or more")
        return RecordBody(block.size, block.records, 1 if block.fields else 0)
    return DataBody(block.size)


def _bytes(where: str, text: str, size: int) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != size:
        raise ProfileError(f"{where}: {text!r}, expected {size} bytes in hexadecimal digits")
    return value


def _fid(where: str, text: str) -> int | None:
    return int.from_bytes(_bytes(where, text, 2), "big") if text else None
