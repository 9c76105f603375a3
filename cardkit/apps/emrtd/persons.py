"""DG16, persons to notify (ICAO Doc 9303-10 4.7.16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cardkit.apps.emrtd.groups import build_group, open_group
from cardkit.apps.emrtd.lds import COUNT, Deviation, counted, objects_of
from cardkit.encoding import tlv
from cardkit.encoding.tlv import TlvList
from cardkit.errors import EncodingError

_RECORDED, _NAME, _TELEPHONE, _ADDRESS = 0x5F50, 0x5F51, 0x5F52, 0x5F53
_FIRST = 0xA1
_MOST = 15
_TAGS = frozenset(range(_FIRST, _FIRST + _MOST))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to notify.

    :param recorded: day the details were recorded, YYYYMMDD.  :param address: parts of it.
    """

    recorded: str
    name: str
    telephone: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Persons:
    """Data group 16.

    :param objects: content of the template 70, the count included.
    """

    objects: TlvList

    @classmethod
    def parse(cls, data: bytes) -> Persons:
        """Read the group.  :raises EncodingError: where it is not TLV throughout, or has no count."""
        found = cls(open_group(16, data).objects())
        found.persons()
        return found

    @classmethod
    def of(cls, persons: Sequence[Person]) -> Persons:
        """Return the group of persons.  :raises EncodingError: where there are more than 15."""
        if len(persons) > _MOST:
            raise EncodingError(f"EF.DG16: got {len(persons)} persons, it holds {_MOST}")
        templates = (tlv.build(_FIRST + at, _content(person)) for at, person in enumerate(persons))
        return cls(tlv.parse(tlv.build(COUNT, bytes((len(persons),))) + b"".join(templates)))

    def persons(self) -> tuple[Person, ...]:
        """Return who is there; what is missing of a person is empty."""
        return tuple(_person(objects_of(item.value, "EF.DG16")) for item in self._instances()[0])

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """A count that is wrong."""
        return self._instances()[1]

    def build(self) -> bytes:
        """Return the file."""
        return build_group(16, self.objects.build())

    def _instances(self) -> tuple[tuple[tlv.Tlv, ...], tuple[Deviation, ...]]:
        return counted(self.objects, _TAGS, "EF.DG16")


def _content(person: Person) -> bytes:
    values = (
        (_RECORDED, person.recorded),
        (_NAME, person.name),
        (_TELEPHONE, person.telephone),
        (_ADDRESS, "<".join(person.address)),
    )
    return b"".join(tlv.build(tag, text.encode()) for tag, text in values)


def _person(objects: TlvList) -> Person:
    recorded, name, telephone, address = (
        (objects.first(tag) or b"").decode("utf-8", "replace") for tag in (_RECORDED, _NAME, _TELEPHONE, _ADDRESS)
    )
    return Person(recorded, name, telephone, tuple(address.split("<")))
