"""A chip model's ``[chip.uicc]`` table, made ready for the planner."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.uicc.schema import BuildBlock, ChipBlock, FileModel, KeySlot, SecretModel
from cardkit.apps.uicc.states.building import Creation, creations, with_files
from cardkit.apps.uicc.states.targets import Place, Target
from cardkit.desired import Access
from cardkit.errors import ProfileError

ALWAYS, NEVER = "always", "never"


@dataclass(frozen=True, slots=True)
class Chip:
    """Directories, secrets and files of one chip model by name."""

    places: dict[str, Place]
    secrets: dict[str, Access]
    models: dict[str, SecretModel]
    keys: dict[str, KeySlot]
    block: ChipBlock
    creations: tuple[Creation, ...] = ()

    @classmethod
    def from_block(cls, block: ChipBlock, build: BuildBlock | None = None) -> Chip:
        """Check the table's references and hexadecimal digits.

        :param build: files the product makes, where the chip has none.
        :raises ProfileError: naming the entry.
        """
        if (build is None) == (not block.identity):
            raise ProfileError("uicc.build: expected for a chip that is delivered without files, and for no other")
        block = block if build is None else with_files(block, build)
        places: dict[str, Place] = {}
        for name, model in block.places.items():
            parent = places.get(model.parent)
            if model.parent and parent is None:
                raise ProfileError(f"chip.uicc.places.{name}: parent {model.parent!r} is not declared before it")
            path = _hex(model.path, f"places.{name}.path")
            places[name] = Place(name, path, _hex(model.aid, f"places.{name}.aid"), parent)
        secrets = {
            name: Access(name, model.reference, model.tries, model.scope) for name, model in block.secrets.items()
        }
        made = () if build is None else creations(build, block, places)
        chip = cls(places, secrets, block.secrets, block.keys, block, made)
        for name in (*block.files, *((block.identity,) if block.identity else ()), block.marker):
            chip.target(name)
        return chip

    def creation(self, name: str) -> Creation:
        """Return what is made under a name; the name must be one of :attr:`creations`."""
        return next(creation for creation in self.creations if creation.name == name)

    def target(self, name: str) -> Target:
        """Return a file, or one record of it (``NAME#3``).

        :raises ProfileError: when the chip has no such file or record.
        """
        file, _, number = name.partition("#")
        model = self.block.files.get(file)
        if model is None:
            raise ProfileError(f"{name}: this chip has no such file")
        record = self._record(name, model, number)
        place_name = file.rpartition("/")[0]
        place = self.places.get(place_name)
        access = self.block.access.get(model.access)
        if place is None or access is None:
            missing = f"directory {place_name!r}" if place is None else f"access {model.access!r}"
            raise ProfileError(f"chip.uicc.files.{file}: {missing} is not declared")
        return Target(
            name=name,
            place=place,
            fid=_hex(model.fid, f"files.{file}.fid", size=2),
            sfi=model.sfi,
            size=model.record or model.size,
            record=record,
            read=self._opener(access.read, file),
            update=self._opener(access.update, file),
            readable=access.read != NEVER,
            writable=access.update != NEVER,
        )

    def _record(self, name: str, model: FileModel, number: str) -> int:
        if not model.record:
            if number:
                raise ProfileError(f"{name}: a transparent file has no records")
            return 0
        record = (int(number) if number.isascii() and number.isdecimal() else 0) if number else 1
        if not 1 <= record <= model.count:
            raise ProfileError(f"{name}: got record {number!r}, this chip has 1 to {model.count}")
        return record

    def _opener(self, condition: str, file: str) -> Access | None:
        if condition in (ALWAYS, NEVER):
            return None
        if condition not in self.secrets:
            raise ProfileError(f"chip.uicc.files.{file}: secret {condition!r} is not declared")
        return self.secrets[condition]


def _hex(text: str, where: str, *, size: int | None = None) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        raise ProfileError(f"chip.uicc.{where}: got {text!r}, expected hexadecimal digits") from None
    if size is not None and len(value) != size:
        raise ProfileError(f"chip.uicc.{where}: got {len(value)} bytes, expected {size}")
    return value
