"""The machine readable zone of a travel document (ICAO Doc 9303 parts 3 to 6): read, checked and composed.

A zone is kept as text without line breaks; its fields are views on it, so that nothing of it is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from cardkit.apps.emrtd.mrzlayout import LAYOUTS, Format, Layout
from cardkit.apps.emrtd.mrzname import name_field, split_name
from cardkit.errors import EncodingError

__all__ = [
    "ALPHABET",
    "FILLER",
    "NUMBER_CHARACTERS",
    "Format",
    "Holder",
    "Mrz",
    "WrongDigit",
    "check_digit",
    "compose",
    "composite_digit",
    "mrz_information",
]

FILLER = "<"
ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<")
_VALUE = {FILLER: 0} | {sign: at for at, sign in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_WEIGHTS = (7, 3, 1)
NUMBER_CHARACTERS = 9
_SEXES = ("M", "F", FILLER)


_FORMAT_OF_SIZE = {layout.size: form for form, layout in LAYOUTS.items()}


def check_digit(text: str) -> str:
    """Return the check digit of characters of a zone: weights 7 3 1, modulo 10. 9303-3 4.9

    :raises EncodingError: on a character a zone does not have.

    >>> check_digit("520727"), check_digit("D23145890")
    ('3', '7')
    """
    _check_alphabet(text, "check digit")
    return str(sum(_VALUE[sign] * _WEIGHTS[at % 3] for at, sign in enumerate(text)) % 10)


def mrz_information(number: str, birth: str, expiry: str) -> str:
    """Return what BAC and PACE keys are made of: three fields, each with its check digit. 9303-11 4.3, 9.7.1

    :param number: the whole document number; filled up to 9 characters here.
    :param birth, expiry: YYMMDD.

    >>> mrz_information("L898902C<", "690806", "940623")
    'L898902C<369080619406236'
    """
    padded = number.ljust(NUMBER_CHARACTERS, FILLER)
    return "".join(part + check_digit(part) for part in (padded, birth, expiry))


@dataclass(frozen=True, slots=True)
class WrongDigit:
    """A check digit that is not the one its field has.

    :param name: ``document_number``, ``composite`` ...
    """

    name: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Mrz:
    """A machine readable zone; :meth:`parse` makes one from text, :func:`compose` from a holder's data.

    :param text: all lines joined: 90, 72 or 88 characters.
    """

    format: Format
    text: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Mrz:
        """Take a zone, with or without line breaks; wrong check digits are left to :meth:`wrong_digits`.

        :raises EncodingError: on another length, or a character a zone does not have.
        """
        joined = "".join(text.split())
        form = _FORMAT_OF_SIZE.get(len(joined))
        if form is None:
            raise EncodingError(f"MRZ: got {len(joined)} characters, expected 90 (TD1), 72 (TD2) or 88 (TD3)")
        _check_alphabet(joined, "MRZ")
        return cls(form, joined)

    @property
    def layout(self) -> Layout:
        """Where its fields are."""
        return LAYOUTS[self.format]

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as they are printed."""
        size = self.layout.line
        return tuple(self.text[at : at + size] for at in range(0, len(self.text), size))

    def field(self, name: str) -> str:
        """Return a field with its fillers; empty where the format has none of that name."""
        place = self.layout.fields.get(name)
        return "" if place is None else self.text[place]

    def fields(self) -> dict[str, str]:
        """Return every field of the format, with its fillers, by name."""
        return {name: self.text[place] for name, place in self.layout.fields.items()}

    @property
    def number_is_long(self) -> bool:
        """Whether the document number goes on in the optional data (TD1 and TD2). 9303-5 4.2.2.1"""
        overflow = self.field(self.layout.overflow)
        return self.field("document_number_digit") == FILLER and overflow[:1] not in ("", FILLER)

    @property
    def document_number(self) -> str:
        """The whole document number, without fillers behind it."""
        return self._number_and_digit()[0]

    @property
    def document_number_digit(self) -> str:
        """The check digit of the whole document number as it is written."""
        return self._number_and_digit()[1]

    def _number_and_digit(self) -> tuple[str, str]:
        first = self.field("document_number")
        if not self.number_is_long:
            return first.rstrip(FILLER), self.field("document_number_digit")
        tail = self.field(self.layout.overflow).partition(FILLER)[0]
        return first + tail[:-1], tail[-1:]

    @property
    def information(self) -> str:
        """What BAC and PACE keys are made of. 9303-11 9.7.1"""
        return mrz_information(self.document_number, self.field("date_of_birth"), self.field("date_of_expiry"))

    @property
    def optional_data(self) -> tuple[str, ...]:
        """The optional fields without fillers behind them, and without what belongs to a long number."""
        names = ("optional_data", "optional_data_1", "optional_data_2")
        found = {name: self.field(name) for name in names if name in self.layout.fields}
        if self.number_is_long:
            found[self.layout.overflow] = found[self.layout.overflow].partition(FILLER)[2]
        return tuple(value.rstrip(FILLER) for value in found.values())

    @property
    def names(self) -> tuple[str, str]:
        """Primary and secondary identifier, components with spaces between them."""
        return split_name(self.field("name"))

    @property
    def name_may_be_truncated(self) -> bool:
        """Whether the name fills its field to the end. 9303-3 4.6"""
        return not self.field("name").endswith(FILLER)

    def wrong_digits(self) -> tuple[WrongDigit, ...]:
        """Return every check digit that is wrong, in the order of the fields. 9303-3 4.9"""
        expected = [("document_number", check_digit(self.document_number.ljust(NUMBER_CHARACTERS, FILLER)))]
        actual = {"document_number": self.document_number_digit}
        for name in ("date_of_birth", "date_of_expiry", "optional_data"):
            if f"{name}_digit" in self.layout.fields:
                expected.append((name, check_digit(self.field(name))))
                actual[name] = self.field(f"{name}_digit")
        if actual.get("optional_data") == FILLER and not self.field("optional_data").strip(FILLER):
            actual["optional_data"] = "0"  # an empty field may go without. 9303-4 4.2.2.2
        expected.append(("composite", composite_digit(self.format, self.text)))
        actual["composite"] = self.field("composite_digit")
        return tuple(WrongDigit(name, digit, actual[name]) for name, digit in expected if digit != actual[name])

    def checked(self) -> Mrz:
        """Return the zone itself.

        :raises EncodingError: where a check digit is wrong; its field is named, not quoted.
        """
        if wrong := self.wrong_digits():
            first = wrong[0]
            raise EncodingError(f"MRZ: check digit of {first.name}: got {first.actual!r}, expected {first.expected!r}")
        return self

    def date_of_birth(self, today: date) -> date | None:
        """Return the day of birth, never later than `today`; None where a part is unknown or it is no day."""
        found = _day(self.field("date_of_birth"), today.year // 100 * 100)
        if found is not None and found > today:
            return _day(self.field("date_of_birth"), today.year // 100 * 100 - 100)
        return found

    def date_of_expiry(self, today: date) -> date | None:
        """Return the last day, within 50 years of `today`; None where a part is unknown or it is no day."""
        century = today.year // 100 * 100
        candidates = (_day(self.field("date_of_expiry"), century + shift) for shift in (0, -100, 100))
        near = [day for day in candidates if day is not None and abs(day.year - today.year) <= 50]
        return near[0] if near else None


def composite_digit(form: Format, text: str) -> str:
    """Return the composite check digit of a zone."""
    return check_digit("".join(text[place] for place in LAYOUTS[form].composite))


@dataclass(frozen=True, slots=True)
class Holder:
    """What a zone says, in the characters of a zone (see :mod:`cardkit.apps.emrtd.transliteration`).

    :param document_code: 1 or 2 characters.  :param issuing_state, nationality: 1 to 3 letters; ``D`` is Germany's.
    :param document_number: up to 9 characters; longer in TD1 and TD2, where it goes on in the optional data.
    :param date_of_birth: YYMMDD, unknown parts ``<``.  :param sex: ``M``, ``F`` or ``<``.
    :param primary, secondary: parts of the name, components with ``<`` or spaces between them.
    :param optional_data: of TD1 the field in line 1, of the others the only one.
    """

    document_code: str
    issuing_state: str
    document_number: str
    nationality: str
    date_of_birth: str
    sex: str
    date_of_expiry: str
    primary: str
    secondary: str = ""
    optional_data: str = ""
    optional_data_2: str = ""


def compose(form: Format, holder: Holder) -> Mrz:
    """Return the zone of a holder, its check digits included; a name too long is truncated by rule.

    :raises EncodingError: on a value that does not fit its field, or that a zone cannot hold.
    9303-4 4.2, 9303-5 4.2, 9303-6 4.2
    """
    layout = LAYOUTS[form]
    values = {
        "document_code": holder.document_code,
        "issuing_state": holder.issuing_state,
        "nationality": holder.nationality,
        "date_of_birth": _date_field("date_of_birth", holder.date_of_birth),
        "sex": _sex(holder.sex),
        "date_of_expiry": _date_field("date_of_expiry", holder.date_of_expiry),
        "name": name_field(holder.primary, holder.secondary, _width(layout, "name")),
        **_numbers(form, layout, holder),
    }
    for name in ("date_of_birth", "date_of_expiry"):
        values[f"{name}_digit"] = check_digit(values[name])
    text = [FILLER] * layout.size
    for name, value in values.items():
        text[layout.fields[name]] = _filled(name, value, _width(layout, name))
    if form is Format.TD3:
        text[layout.fields["optional_data_digit"]] = _optional_digit("".join(text[layout.fields["optional_data"]]))
    text[layout.fields["composite_digit"]] = composite_digit(form, "".join(text))
    return Mrz(form, "".join(text))


def _numbers(form: Format, layout: Layout, holder: Holder) -> dict[str, str]:
    """Return document number, its digit and the optional fields, which a long number reaches into."""
    number, optional = holder.document_number, holder.optional_data
    if not number or (FILLER in number and len(number) > NUMBER_CHARACTERS):
        raise EncodingError(f"document_number of {len(number)} characters: expected one or more, a long one unbroken")
    values = {"document_number": number[:NUMBER_CHARACTERS]}
    padded = number.ljust(NUMBER_CHARACTERS, FILLER)
    if len(number) > NUMBER_CHARACTERS:
        if not layout.overflow:
            raise EncodingError(f"document_number of {len(number)} characters, {form} holds {NUMBER_CHARACTERS}")
        optional = number[NUMBER_CHARACTERS:] + check_digit(padded) + FILLER + optional
        values["document_number_digit"] = FILLER
    else:
        values["document_number_digit"] = check_digit(padded)
    if form is Format.TD1:
        return values | {"optional_data_1": optional, "optional_data_2": holder.optional_data_2}
    if holder.optional_data_2:
        raise EncodingError(f"optional_data_2: {form} has one optional field only")
    return values | {"optional_data": optional}


def _optional_digit(value: str) -> str:
    """Return the digit of TD3's optional data; a filler where there are none. 9303-4 4.2.2.2"""
    return check_digit(value) if value.strip(FILLER) else FILLER


def _width(layout: Layout, name: str) -> int:
    place: slice = layout.fields[name]
    return int(place.stop - place.start)


def _filled(name: str, value: str, width: int) -> str:
    text = value.rstrip(FILLER)
    _check_alphabet(text, name)
    if len(text) > width:
        raise EncodingError(f"{name}: got {len(text)} characters, the zone holds {width}")
    return text.ljust(width, FILLER)


def _date_field(name: str, value: str) -> str:
    known = value.replace(FILLER, "")
    if len(value) != 6 or (known and not (known.isascii() and known.isdigit())):
        raise EncodingError(f"{name}: got {len(value)} characters, expected YYMMDD, unknown parts as <")
    return value


def _sex(value: str) -> str:
    if value not in _SEXES:
        raise EncodingError(f"sex: got {value!r}, expected M, F or <")
    return value


def _day(text: str, century: int) -> date | None:
    try:
        return date(century + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None


def _check_alphabet(text: str, what: str) -> None:
    if not ALPHABET.issuperset(text):
        place = next(at for at, sign in enumerate(text) if sign not in ALPHABET)
        raise EncodingError(f"{what}: character {place + 1} of {len(text)} is not one of A-Z 0-9 <")
