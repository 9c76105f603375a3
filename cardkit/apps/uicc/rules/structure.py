"""Rules about the file system: which files are there, of which form, in which state (TS 102 221 8, 11.1.1.4)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE, DIRECTORIES, FileSpec, Structure
from cardkit.apps.uicc.gsm import GsmStatus
from cardkit.apps.uicc.names import life_cycle
from cardkit.apps.uicc.picture import CardPicture, Control
from cardkit.apps.uicc.rules.check import Check, Trouble, unknown
from cardkit.apps.uicc.rules.expectation import Expectation
from cardkit.apps.uicc.schema import FileModel
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

SFI, PROPRIETARY, FREE_MEMORY, SPECIAL = 0x88, 0xA5, 0x83, 0xC0
READABLE_WHEN_DEACTIVATED = 0x40
ACTIVATED = frozenset((0x05, 0x07))
RULES_FILE = "EF.ARR"
# Read by the card alone: nobody has said under which SFI.
ANY_SFI = ("ADF.USIM/DF.SAIP/EF.SUCI_Calc_Info",)
# What a phone conceals with: of no use, and to be out of reach, where service 125 is on (TS 31.102 4.4.11.8).
PHONES_OWN, BY_THE_CARD = "ADF.USIM/DF.5GS/EF.SUCI_Calc_Info", 125
MF_FID = 0x3F00
ANSWERS = ("parameters", "the control parameters of all files")


def _files(picture: CardPicture) -> Iterator[tuple[str, Control]]:
    yield from ((name, control) for name, control in picture.controls.items() if "/EF." in name)


# As the chip model has them


def _as_ordered(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    for file, model in expected.product.chip.block.files.items():
        control = picture.controls.get(file)
        looked_for = picture.names is not None and file in CATALOGUE and file != expected.product.marker.name
        if looked_for and not picture.has(file):
            yield Trouble(file, "no such file", _form(model))
        elif control is not None and _form_of(control) != _form(model):
            yield Trouble(file, _form_of(control), _form(model))


def _form(model: FileModel) -> str:
    return f"{model.count} records of {model.record} bytes" if model.record else f"{model.size} bytes"


def _form_of(control: Control) -> str:
    if control.structure is not None and control.structure.has_records:
        return f"{control.record_count} records of {control.record_length} bytes"
    return f"{control.size} bytes"


def _no_others(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    block = expected.product.chip.block
    for name in sorted(picture.names or ()):
        if name.endswith(RULES_FILE):
            continue
        model = block.places if name in DIRECTORIES else block.files
        if name not in model:
            yield Trouble(name, "there", "no such file in the chip model")


# Short identifiers


def _short_identifiers(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    taken: dict[tuple[str, int], str] = {}
    for name, control in _files(picture):
        if not isinstance(control, Fcp):
            continue
        wanted = _wanted_sfi(name, expected)
        given = control.sfi
        told = control.value(SFI) is not None
        if wanted is not None and given != wanted and (told or wanted == 0):
            yield Trouble(name, f"SFI {given or 'none'}", f"SFI {wanted or 'none'}")
        if told and given:
            other = taken.setdefault((name.rpartition("/")[0], given), name)
            if other != name:
                yield Trouble(name, f"SFI {given}, which {other} has")
        if picture.by_sfi.get(name) is not None and not _leads_there(picture, name):
            yield Trouble(name, f"reading by SFI {given} gives something else", "the file")


def _wanted_sfi(name: str, expected: Expectation) -> int | None:
    """Return the identifier a file should have, None for any; a card may leave it out unless the chip model has it."""
    model = expected.product.chip.block.files.get(name) if expected.product is not None else None
    if model is not None:
        return model.sfi or None
    spec = CATALOGUE.get(name)
    return spec.sfi if spec is not None and name not in ANY_SFI else None


def _leads_there(picture: CardPicture, name: str) -> bool:
    first = picture.records(name)
    body = first.get(0, first.get(1))
    return body is None or (body.startswith(picture.by_sfi[name]) and bool(picture.by_sfi[name]))


# Life cycle


def _state(control: Control) -> int | None:
    """Return the life cycle status; a 2G card only tells whether a file is invalidated."""
    if isinstance(control, GsmStatus):
        return 0x04 if control.invalidated else 0x05
    return control.life_cycle


def idle_files(picture: CardPicture) -> frozenset[str]:
    """Return the files that are deactivated."""
    return frozenset(filter(picture.is_deactivated, picture.controls))


def _activated(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    services = _services(picture)
    wanted = expected.idle
    for name, control in picture.controls.items():
        state = _state(control)
        if state is None or state in ACTIVATED:
            continue
        spec = CATALOGUE.get(name)
        may_be = spec is not None and _unused(spec, services)
        if name in wanted or (picture.is_deactivated(name) and may_be):
            continue
        yield Trouble(name, life_cycle(state), "activated")


def _services(picture: CardPicture) -> frozenset[int]:
    table = "ADF.USIM/EF.UST"
    return frozenset(picture.value(table).get("services", ())) if table in picture.bodies else frozenset()


def _unused(spec: FileSpec, services: frozenset[int]) -> bool:
    return (spec.conditional and not spec.offered(services)) or (spec.name == PHONES_OWN and BY_THE_CARD in services)


def _idle_as_ordered(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """What the product puts out of use is out of use."""
    for name in sorted(expected.idle):
        if name not in picture.controls:
            yield unknown(name, picture.refused.get(name, "nobody looked"), by_design=False)
        elif not picture.is_deactivated(name):
            yield Trouble(name, life_cycle(_state(picture.controls[name]) or 0), "deactivated")
        elif picture.records(name):
            yield Trouble(name, "it was read", "refused: the file is deactivated")


def _idle_is_silent(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for name in sorted(idle_files(picture) - set(DIRECTORIES)):
        if picture.records(name) and not _readable_when_idle(picture.controls[name]):
            yield Trouble(name, "it was read", "refused: the file is deactivated")


def _readable_when_idle(control: Control) -> bool:
    if isinstance(control, GsmStatus):
        return bool(control.raw[11] & 0x04)
    special = _proprietary(control, SPECIAL)
    return bool(special and special[0] & READABLE_WHEN_DEACTIVATED)


def _proprietary(control: Fcp, tag: int) -> bytes | None:
    try:
        return tlv.parse(control.value(PROPRIETARY) or b"").first(tag)
    except EncodingError:
        return None


# Control parameters


def _parameters(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    yield from (Trouble(name, text, "control parameters") for name, text in picture.faults.items())
    for name, control in _files(picture):
        trouble = _size_trouble(control) or _content_trouble(picture, name, control)
        if trouble:
            yield Trouble(name, trouble)


def _size_trouble(control: Control) -> str | None:
    if control.structure is None:
        return "its structure is not told"
    length, count, size = control.record_length, control.record_count, control.size
    if control.structure.has_records and not (length and count):
        return "length or number of its records is not told"
    if length and count and size is not None and size != length * count:
        return f"{size} bytes, but {count} records of {length}"
    total = control.total_size if isinstance(control, Fcp) else None
    return f"{size} bytes of {total} in all" if size is not None and total is not None and total < size else None


def _content_trouble(picture: CardPicture, name: str, control: Control) -> str | None:
    if control.structure is Structure.BER_TLV:
        return None  # the size is what it may hold
    wanted = control.record_length or control.size
    for number, body in picture.records(name).items():
        if wanted is not None and len(body) != wanted:
            return f"{f'record {number}' if number else 'content'} of {len(body)} bytes, announced {wanted}"
    return None


def _free_memory(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.product is not None
    wanted, control = expected.product.block.free_bytes, picture.controls.get("MF")
    if not wanted:
        yield unknown("MF", "the profile reserves no memory")
        return
    told = _proprietary(control, FREE_MEMORY) if isinstance(control, Fcp) else None
    free = control.size if isinstance(control, GsmStatus) else int.from_bytes(told, "big") if told else None
    if free is None:
        yield unknown("MF", "the card does not tell its free memory")
    elif free < wanted:
        yield Trouble("MF", f"{free} bytes free", f"{wanted} or more")


# Links and layouts


def _links(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    paths = {spec.path: name for name, spec in CATALOGUE.items() if not name.startswith("ADF.")}
    for name, control in _files(picture):
        path = _steps(control.linked_to) if isinstance(control, Fcp) else ()
        target = paths.get(path, "")
        mine, theirs = picture.records(name), picture.records(target)
        if path and mine and theirs and mine != theirs:
            yield Trouble(name, "another content", f"that of {target}, which it is linked to")


def _steps(link: bytes | None) -> tuple[int, ...]:
    """Return the FIDs of a path from the MF on, the MF left out."""
    path = link or b""
    fids = tuple(int.from_bytes(path[at : at + 2], "big") for at in range(0, len(path), 2))
    return fids[1:] if fids[:1] == (MF_FID,) else fids


# Whether these can be read is the business of rules of their own.
READ_BY_OTHERS = frozenset((
    "EF.IMSI", "EF.ARR", "EF.DIR", "EF.PNN", "EF.OPL", "EF.OPL5G", "EF.SUPI_NAI", "EF.SMSP", "EF.SDN", "EF.MBDN",
    "EF.ECC", "EF.PBR", "EF.SPDI", "EF.SUCI_Calc_Info", "EF.Routing_Indicator", "EF.IMPI", "EF.DOMAIN", "EF.IMPU",
    "EF.P-CSCF",
))  # fmt: skip


def _layouts(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for name, body in picture.bodies.items():
        spec = picture.spec(name) if body else None
        if spec is not None and spec.title not in READ_BY_OTHERS and set(picture.value(name)) == {"raw"}:
            yield Trouble(name, "it does not follow the layout of the file")


IDLE_CHECK = Check("UICC-024", _idle_as_ordered, profile=True)
CHECKS = (
    Check("UICC-020", _as_ordered, fields=(ANSWERS,), profile=True),
    Check("UICC-021", _no_others, fields=(("names", "which files are there"),), profile=True),
    Check("UICC-022", _short_identifiers, fields=(ANSWERS,)),
    Check("UICC-023", _activated, fields=(ANSWERS,)),
    Check("UICC-024", _idle_is_silent, fields=(ANSWERS,)),
    Check("UICC-025", _parameters, fields=(ANSWERS,)),
    Check("UICC-026", _free_memory, fields=(("controls", "the answers of SELECT"),), profile=True),
    Check("UICC-028", _links, fields=(ANSWERS,)),
    Check("UICC-029", _layouts, fields=(("bodies", "the contents of files"),)),
)
