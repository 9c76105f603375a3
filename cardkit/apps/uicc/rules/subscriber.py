"""Rules about what the subscriber uses: names, messages, numbers, languages, phone book, IMS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cardkit.apps.uicc.codecs.fields import Alpha
from cardkit.apps.uicc.files.phonebook import phone_book
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Relation, Trouble, Values, read_files
from cardkit.apps.uicc.rules.expectation import GSM, ISIM, USIM, Expectation, Ground
from cardkit.desired import Secrecy
from cardkit.errors import EncodingError

TELECOM = "DF.TELECOM"
SPN = (f"{USIM}/EF.SPN", f"{GSM}/EF.SPN")
SMSP = (f"{USIM}/EF.SMSP", f"{TELECOM}/EF.SMSP", f"{ISIM}/EF.SMSP")
NUMBERS = (f"{USIM}/EF.SDN", f"{USIM}/EF.MBDN", f"{TELECOM}/EF.SDN", f"{GSM}/EF.MBDN")
ECC, MBI, MBDN = f"{USIM}/EF.ECC", f"{USIM}/EF.MBI", f"{USIM}/EF.MBDN"
MAILBOXES = ("voicemail", "fax", "email", "other", "videomail")
# TS 31.102 4.2.21
EMERGENCY_SERVICES = ("police", "ambulance", "fire", "marine", "mountain", "manual_ecall", "automatic_ecall")
LANGUAGES = ("MF/EF.PL", f"{USIM}/EF.LI")
BOOKS = (f"{USIM}/DF.PHONEBOOK", f"{TELECOM}/DF.PHONEBOOK")
COUNTERS = ("EF.PSC", "EF.CC", "EF.PUID")
IMPU, P_CSCF = f"{ISIM}/EF.IMPU", f"{ISIM}/EF.P-CSCF"
NAMES_5G = tuple(f"{USIM}/DF.5GS/EF.{name}" for name in ("OPL5G", "SUPI_NAI"))
PRINTABLE_FROM = 0x20
# Their names are the business of UICC-070, 071 and 077.
OWN_TEXTS = ("EF.SPN", "EF.PNN", "EF.SMSP")
TEXT_FIELDS = ("alpha", "name", "label", "full_name", "short_name", "text", "title")

# ISO 639-1, alpha-2
_ISO_639_1 = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el "
    "en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu "
    "ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na "
    "nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so "
    "sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
)
ISO_639 = frozenset(_ISO_639_1.split())


def _broken(value: Any) -> bool:
    """Whether something in a decoded value did not follow its layout."""
    if isinstance(value, Mapping):
        return "raw" in value or any(map(_broken, value.values()))
    return isinstance(value, list) and any(map(_broken, value))


def _operator_name(file: str) -> Relation:
    def test(values: Values, _ground: Ground) -> str | None:
        return "the name cannot be read" if _broken(values[file]) else None

    return Relation("UICC-070", (file,), test)


# Messages


def _parameters(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for file, records in read_files(picture, SMSP):
        for number in records:
            name = f"{file}#{number}"
            value = picture.value(name)
            if "empty" in value:
                continue
            if number > 1 and expected.fills(file) and name not in expected.files:
                yield Trouble(name, "in use", "empty")
            trouble = _parameter_trouble(value)
            if trouble:
                yield Trouble(name, trouble)


def _parameter_trouble(value: Mapping[str, Any]) -> str | None:
    if _broken(value):
        return "its parameters cannot be read"
    present = value.get("present", [name for name in ("sc", "validity_minutes") if name in value])
    if "sc" in present and not value.get("sc"):
        return "a service centre is said to be present, and is not"
    return "a service centre that is said to be absent" if value.get("sc") and "sc" not in present else None


# Numbers


def _numbers(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for file, records in read_files(picture, NUMBERS):
        for number in records:
            if "raw" in picture.value(f"{file}#{number}"):
                yield Trouble(f"{file}#{number}", "a number that cannot be read")
    yield from _emergency(picture)
    yield from _mailboxes(picture)


def _emergency(picture: CardPicture) -> Iterator[Trouble]:
    for number in picture.records(ECC):
        value = picture.value(f"{ECC}#{number}")
        if not value.get("number", value.get("raw")):
            continue
        services = value.get("services")
        if "raw" in value:
            yield Trouble(f"{ECC}#{number}", "an emergency number that cannot be read")
        elif not isinstance(services, list) or set(services) - set(EMERGENCY_SERVICES):
            yield Trouble(f"{ECC}#{number}", f"services {services}", "bits of defined services")


def _mailboxes(picture: CardPicture) -> Iterator[Trouble]:
    known = picture.records(MBDN)
    for number in picture.records(MBI):
        value = picture.value(f"{MBI}#{number}")
        for kind in MAILBOXES:
            target = value.get(kind, 0)
            if isinstance(target, int) and target and known and target not in known:
                yield Trouble(f"{MBI}#{number}", f"{kind}: record {target}", f"one of {len(known)} records of EF.MBDN")


# Languages and texts


def _languages(file: str) -> Relation:
    def test(values: Values, _ground: Ground) -> str | None:
        entries = values[file].get("entries", [])
        wrong = [entry for entry in entries if not isinstance(entry, str) or entry.lower() not in ISO_639]
        wrong = [entry for entry in wrong if entry != ""]
        return f"{wrong[0]} is no language of ISO 639" if wrong else None

    return Relation("UICC-082", (file,), test)


def _texts(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for name in picture.bodies:
        spec = picture.spec(name)
        if spec is None or spec.secrecy is Secrecy.SECRET:
            continue
        texts = list(_text_fields(picture.value(name)))
        if spec.title in OWN_TEXTS:
            texts = [text for text in texts if not _broken(text)]
        trouble = next((said for said in map(_text_trouble, texts) if said), None)
        if trouble:
            yield Trouble(name, trouble)


def _text_fields(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for part in value:
            yield from _text_fields(part)
    if isinstance(value, Mapping):
        for field, part in value.items():
            if field in TEXT_FIELDS:
                yield part
            else:
                yield from _text_fields(part)


def _text_trouble(text: Any) -> str | None:
    if isinstance(text, Mapping):
        if "raw" in text:
            return f"a text that does not fit its alphabet: {_why(text['raw'])}"
        text = text.get("text", "")
    odd = [letter for letter in text if ord(letter) < PRINTABLE_FROM and letter not in "\r\n"]
    return f"control character {ord(odd[0]):02X} in a text" if odd else None


def _why(digits: str) -> str:
    body = bytes.fromhex(digits)
    try:
        Alpha(len(body)).read(body)
    except EncodingError as error:
        return str(error)
    return "it would be written otherwise"


# Phone book


def _phone_books(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for book in BOOKS:
        names = [f"{book}/EF.PBR#{number}" for number in picture.records(f"{book}/EF.PBR")]
        values = {name: picture.value(name) for name in names}
        yield from (Trouble(name, "it cannot be read") for name, value in values.items() if _broken(value))
        if picture.names is not None and picture.controls:
            yield from _book_files(picture, book, values)
        for title in COUNTERS:
            body = picture.bodies.get(f"{book}/{title}", b"")
            if body.strip(b"\0") and body.strip(b"\xff"):
                yield Trouble(f"{book}/{title}", body.hex().upper(), "zero")


def _book_files(picture: CardPicture, book: str, values: Mapping[str, Mapping[str, Any]]) -> Iterator[Trouble]:
    for spec in phone_book(book, (), [value for value in values.values() if not _broken(value)]):
        control = next((c for name, c in picture.controls.items()
                        if name.rpartition("/")[0] == book and c.fid == spec.fid), None)  # fmt: skip
        if control is None:
            yield Trouble(f"{book}/EF.PBR", f"{spec.title} {spec.fid:04X} is not there", "every file it names")
        elif spec.sfi and getattr(control, "sfi", spec.sfi) != spec.sfi:
            yield Trouble(spec.name, f"SFI {getattr(control, 'sfi', None)}", f"SFI {spec.sfi}, as EF.PBR says")


# IMS and 5G


def _first_identity(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    first = f"{IMPU}#1"
    if first not in picture.bodies or not picture.value(first).get("impu"):
        yield Trouble(first, "empty", "a public identity")


def _call_servers(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for number in picture.records(P_CSCF):
        if _broken(picture.value(f"{P_CSCF}#{number}")):
            yield Trouble(f"{P_CSCF}#{number}", "its type is none of FQDN, IPv4 and IPv6")


def _names_5g(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for file, records in read_files(picture, NAMES_5G):
        for number in records:
            name = f"{file}#{number}" if number else file
            if _broken(picture.value(name)):
                yield Trouble(name, "it cannot be read")


RELATIONS = (*map(_operator_name, SPN), *map(_languages, LANGUAGES))
CHECKS = (
    Check("UICC-077", _parameters, files=SMSP),
    Check("UICC-080", _numbers, files=(*NUMBERS, ECC, MBI)),
    Check("UICC-084", _phone_books, files=tuple(f"{book}/EF.PBR" for book in BOOKS)),
    Check("UICC-085", _texts, fields=(("bodies", "the contents of files"),)),
    Check("UICC-106", _names_5g, files=NAMES_5G),
    Check("UICC-110", _call_servers, files=(P_CSCF,)),
    Check("UICC-111", _first_identity, files=(IMPU,)),
)
