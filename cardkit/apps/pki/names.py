"""Distinguished names of issuing authorities (RFC 5280 4.1.2.4; ICAO Doc 9303-12 7.1)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError

COUNTRY, ORGANIZATION, UNIT, COMMON, LOCALITY = "2.5.4.6", "2.5.4.10", "2.5.4.11", "2.5.4.3", "2.5.4.7"
_LETTERS = {COUNTRY: "C", ORGANIZATION: "O", UNIT: "OU", COMMON: "CN", LOCALITY: "L"}
_COUNTRY_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Name:
    """A name: country (two capital letters, PrintableString), organization, unit, common name (UTF8String)."""

    country: str
    organization: str
    unit: str
    common: str

    def build(self) -> bytes:
        """Return the Name, DER.  :raises EncodingError: on a country that is not two capital letters."""
        if len(self.country) != _COUNTRY_LETTERS or not (self.country.isascii() and self.country.isupper()):
            raise EncodingError(f"name: country {self.country!r}, expected two capital letters")
        values = ((ORGANIZATION, self.organization), (UNIT, self.unit), (COMMON, self.common))
        parts = [_attribute(COUNTRY, der.text(Tag.PRINTABLE, self.country))]
        parts += [_attribute(oid, der.text(Tag.UTF8, text)) for oid, text in values if text]
        return der.sequence(*parts)


def locality(state: str) -> bytes:
    """Return the Name whose one part is a state, as alternative names have it: ``L=UTO``. 9303-12 7.1.1"""
    return der.sequence(_attribute(LOCALITY, der.text(Tag.PRINTABLE, state)))


def _attribute(oid: str, value: bytes) -> bytes:
    return der.set_of([der.sequence(der.oid(oid), value)])


def name_text(name: bytes) -> str:
    """Return a name as people read it: ``C=UT, O=Utopia, CN=CSCA``.

    :param name: Name, DER.  :raises EncodingError: where it is none.
    """
    return ", ".join(f"{_LETTERS.get(oid, oid)}={text}" for oid, text in name_parts(name))


def name_parts(name: bytes) -> list[tuple[str, str]]:
    """Return object identifier and text of every part of a name.  :raises EncodingError: where it is none."""
    found = []
    for part in Fields(der.only(name, Tag.SEQUENCE, "name").value, "name").rest():
        for attribute in Fields(part.value, "name").rest():
            fields = Fields(attribute.value, "name")
            found.append((fields.oid("type"), der.read_text(fields.any("value"))))
    return found


def country_of(name: bytes) -> str:
    """Return the country of a name, as written; empty where there is none."""
    return next((text for oid, text in name_parts(name) if oid == COUNTRY), "")
