"""A profile's ``[uicc]`` table joined with its chip: what is written where, and how it is proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec
from cardkit.apps.uicc.files.phonebook import spec_of
from cardkit.apps.uicc.files.spec import Structure
from cardkit.apps.uicc.schema import AdmBlock, AuthBlock, KeySlot, PinBlock, UiccBlock
from cardkit.apps.uicc.states import concealing
from cardkit.apps.uicc.states.authentication import (
    algorithm_in,
    check_auth,
    constants_file,
    key_file,
    operator_key,
)
from cardkit.apps.uicc.states.building import rules_of
from cardkit.apps.uicc.states.chip import Chip
from cardkit.apps.uicc.states.contents import filled, fits, pin_file, pin_value, secret_field, sqn_file, whole_secret
from cardkit.apps.uicc.states.storing import Application, Store
from cardkit.apps.uicc.states.targets import Target
from cardkit.desired import Access, Content, Template
from cardkit.errors import EncodingError, ProfileError

CompileTemplate = Callable[[object, str], Template]
Record = Mapping[str, Any]

NUMBER = "MF/EF.ICCID"
TRANSPORT = "@transport"
CHANGE = "@change"
UNBLOCK = "@unblock"
MARKER_STARTED, MARKER_VERIFIED, MARKER_REMOVED = "marker started", "marker verified", "marker removed"
MARKER_VERSION, STARTED, VERIFIED = 1, 1, 3
RANDS_PER_SLOT = 3


@dataclass(frozen=True, slots=True)
class FileContent:
    """One file or record and the template of its decoded value."""

    target: Target
    template: Template
    codec: Codec

    def encode(self, record: Record) -> bytes:
        """Return the body for one record.  :raises EncodingError: naming the file."""
        try:
            return self.codec.encode(self.template.resolve(record), self.target.size)
        except EncodingError as error:
            raise EncodingError(f"{self.target.name}: {error}") from None


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN with its PUK, and the file they go into."""

    access: Access
    target: Target
    block: PinBlock
    template: Template


@dataclass(frozen=True, slots=True)
class Adm:
    """An administrative key that gets its final value at the end."""

    access: Access
    block: AdmBlock
    template: Template


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One place for K and OPc.

    :param target: the file, None where there is none.
    """

    place: str
    slot: KeySlot
    target: Target | None
    sqn: Target | None

    @property
    def name(self) -> str:
        """Name of its state, and of its content."""
        return f"{self.place}/K" if self.target is None else self.target.name

    @property
    def is_stored(self) -> bool:
        """Whether STORE DATA brings it."""
        return self.target is None and not self.slot.preloaded

    @property
    def is_counted(self) -> bool:
        """Whether the plant sets its sequence numbers."""
        return self.sqn is not None or (self.is_stored and self.slot.proof == "aka")

    def rands(self) -> tuple[str, ...]:
        """Names of the challenges its proofs use."""
        return tuple(f"rand {self.place} {number}" for number in range(1, RANDS_PER_SLOT + 1))


@dataclass(frozen=True)
class Product:
    """Everything a card of this profile gets, by name; what follows from it is worked out once.

    :param concealing: what the card's own SUCIs must say, None where it makes none.
    :param store: the way of K and OPc where no file takes them.
    """

    block: UiccBlock
    chip: Chip
    files: tuple[FileContent, ...]
    expected: tuple[FileContent, ...]
    copies: tuple[tuple[Target, str], ...]
    deactivated: tuple[Target, ...]
    pins: tuple[Pin, ...]
    adms: tuple[Adm, ...]
    keys: tuple[KeyFile, ...]
    auth_template: Template
    static: Mapping[str, Content]
    concealing: concealing.Expected | None
    store: Store | None = None

    @cached_property
    def stored(self) -> tuple[Application, ...]:
        """The applications that get K and OPc by STORE DATA."""
        return tuple(
            Application(key.name, self.chip.places[key.place].aid, algorithm_in(self.auth, key.slot))
            for key in self.keys
            if key.is_stored
        )

    @cached_property
    def auth(self) -> AuthBlock:
        """Algorithm and sequence number policy."""
        return self.block.auth

    @cached_property
    def constants(self) -> Target | None:
        """The home of the operator's constants, None where the profile has none."""
        home = self.chip.block.constants
        return None if self.auth.milenage is None or not home else self.chip.target(home)

    @cached_property
    def marker(self) -> Target:
        """The marker's home."""
        return self.chip.target(self.chip.block.marker)

    @cached_property
    def identity(self) -> Target | None:
        """The file with the chip's own serial number, None where it has none and the marker names it."""
        return self.chip.target(self.chip.block.identity) if self.chip.block.identity else None

    @cached_property
    def opener(self) -> Access:
        """The administrative key that opens the marker's home, and with it the card.

        :raises ProfileError: when nothing guards it.
        """
        opener = self.marker.update
        if opener is None:
            raise ProfileError("chip.uicc.marker: the marker's home must be guarded by an administrative key")
        return opener

    @cached_property
    def answers_kc(self) -> bool:
        """Whether the USIM adds Kc to its answer: service 27 of its table (TS 31.102 4.2.8, 7.1.2.1)."""
        return _answers_kc(self.static)

    @cached_property
    def written(self) -> tuple[Target, ...]:
        """All files of the write phase in the order of the profile, keys and PINs last."""
        files = [content.target for content in self.files]
        files += [self.constants] if self.constants is not None else []
        loaded = [key for key in self.keys if not key.slot.preloaded]
        keys = [target for key in loaded for target in (key.target, key.sqn) if target is not None]
        return (*files, *keys, *(pin.target for pin in self.pins))

    @cached_property
    def read(self) -> tuple[Target, ...]:
        """All files a check reads."""
        known = [content.target for content in (*self.expected, *self.files)]
        return tuple(target for target in (*known, *(copy for copy, _ in self.copies)) if target.readable)

    def contents(self, record: Record, tag: bytes) -> dict[str, Content]:
        """Return one card's contents by state name.

        :raises EncodingError: when a value does not fit.  :raises RecordError: when a filter refuses a value.
        """
        contents = dict(self.static)
        for content in (*self.files, *self.expected):
            if content.template.variable:
                contents[content.target.name] = content.encode(record)
        for copy, original in self.copies:
            contents[copy.name] = contents[original]
        contents[MARKER_STARTED] = bytes((MARKER_VERSION, STARTED)) + tag
        contents[MARKER_VERIFIED] = bytes((MARKER_VERSION, VERIFIED)) + tag
        self._add_keys(contents, record)
        self._add_secrets(contents, record)
        return contents

    def _add_keys(self, contents: dict[str, Content], record: Record) -> None:
        given = self.auth_template.resolve(record)
        k = secret_field(given, "k")
        operator = next((secret_field(given, name) for name in ("opc", "op") if name in given), None)
        opc = operator_key(self.auth, k, operator)
        for key in self.keys:
            content = key_file(self.auth, algorithm_in(self.auth, key.slot), k, opc)
            contents[key.name] = content if key.target is None else filled(content, key.target)

    def _add_secrets(self, contents: dict[str, Content], record: Record) -> None:
        for pin in self.pins:
            values = pin.template.resolve(record)
            value, puk = secret_field(values, "value"), secret_field(values, "puk")
            model = self.chip.models[pin.access.name]
            contents[pin.target.name] = fits(pin_file(model, value, puk, enabled=pin.block.enabled), pin.target)
            contents[pin.access.name] = pin_value(value)
            contents[pin.access.name + UNBLOCK] = (whole_secret(puk), *pin_value(value))
        for adm in self.adms:
            contents[adm.access.name] = (whole_secret(secret_field(adm.template.resolve(record), "value")),)


def build_product(block: UiccBlock, chip: Chip, compile_template: CompileTemplate) -> Product:
    """Join a profile's table with its chip; files that do not vary are encoded here, once.

    :raises ProfileError: when the chip lacks a file or secret, or cannot do the authentication.
    :raises EncodingError: when a fixed value does not fit.
    """
    contents = block.files if block.build is None else {**rules_of(block.build), **block.files}
    files = tuple(_file(chip, name, value, compile_template) for name, value in contents.items())
    expected = tuple(_file(chip, name, value, compile_template) for name, value in block.expect.items())
    for content in files:
        if not content.target.writable and block.build is None:
            raise ProfileError(f"uicc.files.{content.target.name}: this chip never allows it to be updated")
    static = {c.target.name: c.encode({}) for c in (*files, *expected) if not c.template.variable}
    check_auth(block.auth, chip, answers_kc=_answers_kc(static))
    product = Product(
        block=block,
        chip=chip,
        files=files,
        expected=expected,
        copies=tuple((chip.target(copy), original) for copy, original in block.same.items()),
        deactivated=tuple(chip.target(name) for name in block.deactivated),
        pins=tuple(_pin(chip, name, pin, compile_template) for name, pin in block.pins.items()),
        adms=tuple(_adm(chip, name, adm, compile_template) for name, adm in block.adm.items()),
        keys=tuple(_key(chip, place, slot) for place, slot in chip.keys.items()),
        auth_template=compile_template(_key_fields(block.auth), "uicc.auth"),
        static={**static, **_static_authentication(block.auth, chip)},
        concealing=_concealing(block, static),
        store=_store(block.auth, chip),
    )
    _check_copies(product)
    return product


def _concealing(block: UiccBlock, static: Mapping[str, Content]) -> concealing.Expected | None:
    """The home network's keys lie where nobody can read them if the card is to conceal the identity."""
    if concealing.KEYS not in block.files:
        return None
    return concealing.Expected.of(static, f"{block.network.mcc}-{block.network.mnc}")


def _answers_kc(static: Mapping[str, Content]) -> bool:
    table = static.get("ADF.USIM/EF.UST", b"")
    return isinstance(table, bytes) and len(table) > 3 and bool(table[3] >> 2 & 1)


def _key_fields(auth: AuthBlock) -> dict[str, str]:
    fields = {"k": auth.k, "opc": auth.opc, "op": auth.op}
    return {name: template for name, template in fields.items() if template}


def _static_authentication(auth: AuthBlock, chip: Chip) -> dict[str, Content]:
    contents: dict[str, bytes] = {slot.sqn: sqn_file(auth) for slot in chip.keys.values() if slot.sqn}
    if auth.milenage is not None and chip.block.constants:
        contents[chip.block.constants] = constants_file(auth)
    return {name: fits(content, chip.target(name)) for name, content in contents.items()}


def _check_copies(product: Product) -> None:
    known = {content.target.name for content in product.files}
    for copy, original in product.copies:
        if original not in known:
            raise ProfileError(f"uicc.same.{copy.name}: {original} is not among uicc.files")
    for target in product.deactivated:
        if target.file in {read.file for read in product.read}:
            raise ProfileError(f"uicc.deactivated: {target.file} is read in uicc.files, uicc.expect or uicc.same")


def _file(chip: Chip, name: str, value: Mapping[str, Any], compile_template: CompileTemplate) -> FileContent:
    target = chip.target(name)
    spec = spec_of(target.file)
    if spec is None:
        raise ProfileError(f"uicc.files.{name}: the catalogue has no such file")
    if spec.structure is Structure.BER_TLV:
        raise ProfileError(f"uicc.files.{name}: a BER-TLV file, expected one with a body or records")
    return FileContent(target, compile_template(value, f"uicc.files.{name}"), spec.codec)


def _secret(chip: Chip, name: str, table: str) -> Access:
    access = chip.secrets.get(name)
    if access is None:
        raise ProfileError(f"uicc.{table}.{name}: this chip has {', '.join(chip.secrets)}")
    return access


def _pin(chip: Chip, name: str, block: PinBlock, compile_template: CompileTemplate) -> Pin:
    access = _secret(chip, name, "pins")
    template = compile_template({"value": block.value, "puk": block.puk}, f"uicc.pins.{name}")
    return Pin(access, chip.target(chip.models[name].file), block, template)


def _adm(chip: Chip, name: str, block: AdmBlock, compile_template: CompileTemplate) -> Adm:
    access = _secret(chip, name, "adm")
    return Adm(access, block, compile_template({"value": block.value}, f"uicc.adm.{name}"))


def _key(chip: Chip, place: str, slot: KeySlot) -> KeyFile:
    if place not in chip.places:
        raise ProfileError(f"chip.uicc.keys.{place}: the directory is not declared")
    target, sqn = (chip.target(name) if name else None for name in (slot.file, slot.sqn))
    key = KeyFile(place, slot, target, sqn)
    if key.is_stored and (chip.block.store_data is None or not chip.places[place].aid):
        raise ProfileError(f"chip.uicc.keys.{place}: expected a file, or store_data and an application")
    return key


def _store(auth: AuthBlock, chip: Chip) -> Store | None:
    if chip.block.store_data is None:
        if auth.issuer:
            raise ProfileError("uicc.auth.issuer: this chip has files for K and OPc")
        return None
    missing = {algorithm_in(auth, slot) for slot in chip.keys.values()} - set(chip.block.store_data.codes)
    if missing:
        raise ProfileError(f"chip.uicc.store_data.codes: no code of {', '.join(sorted(missing))}")
    return Store.of(chip.block.store_data, auth)
