"""Rules about the card as a whole: which one it is, its lists of applications, its master file."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.cipurse.access import Security
from cardkit.apps.cipurse.attributes import DF_NAME
from cardkit.apps.cipurse.rules.case import Case, Check, Trouble, refused
from cardkit.apps.cipurse.states.contents import UID
from cardkit.apps.cipurse.states.visiting import UNFORMATTED, UNMADE
from cardkit.desired import NOT_CHECKED, Role
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_RANDOM = 0x08
_RANDOM_BYTES = 4
_FCI, _OWN, _ENTRY, _AID = 0x6F, 0xA5, 0x61, 0x4F


def _uid(case: Case) -> Iterator[Trouble]:
    if not case.seen.uid or UID in case.seen.troubles:
        yield Trouble(UID, "read", case.why(UID))
    elif case.uid and case.uid != case.seen.uid:
        yield Trouble(UID, case.uid.hex().upper(), case.seen.uid.hex().upper())


def _unique(case: Case) -> Iterator[Trouble]:
    if case.repeated is None and case.whole:
        yield Trouble(UID, "new to the plant", f"{NOT_CHECKED}: nobody remembers cards here", by_design=True)
    elif UID in (case.repeated or ()):
        yield Trouble(UID, "new to the plant", "had by another card")


def _drawn(case: Case) -> Iterator[Trouble]:
    if len(case.seen.uid) == _RANDOM_BYTES and case.seen.uid[0] == _RANDOM:
        yield Trouble(UID, "the card's own number", f"{case.seen.uid.hex().upper()}: a random one")


def _atr(case: Case) -> Iterator[Trouble]:
    if case.atr_fits is False:
        yield Trouble("ATR", "the chip's", "that of another chip")


def _formatting(case: Case) -> Iterator[Trouble]:
    yield from refused(case, UNFORMATTED)


def _making(case: Case) -> Iterator[Trouble]:
    yield from refused(case, UNMADE)


def _memory(case: Case) -> Iterator[Trouble]:
    root = case.seen.directories.get(case.product.master.name)
    if root is not None and root.memory is not None and root.memory[1] < case.product.block.reserve:
        yield Trouble("MF", f"{case.product.block.reserve} bytes free", f"{root.memory[1]} bytes free")


def _id_info(case: Case) -> Iterator[Trouble]:
    (info,) = case.product.master.files
    if info.contents not in case.asked(Role.READ):
        return
    body, expected = case.bodies.get(info.contents), case.product.id_info.data
    if body != expected:
        yield Trouble(
            info.name, expected.hex().upper(), case.why(info.contents) if body is None else body.hex().upper()
        )


def _lists(case: Case) -> Iterator[Trouble]:
    asked = case.asked(Role.ENTER)
    for one in case.product.lists:
        if one.name not in asked:
            continue
        data = case.seen.lists.get(one.name)
        if data is None:
            yield Trouble(one.name, "there", case.why(one.name))
            continue
        try:
            name, listed = parse_list(data)
        except EncodingError as error:
            yield Trouble(one.name, "control information", str(error))
            continue
        wanted = [one.new.aid.hex().upper(), *sorted(aid.hex().upper() for aid in one.applications)]
        found = [name.hex().upper(), *sorted(aid.hex().upper() for aid in listed)]
        if wanted != found:
            yield Trouble(one.name, " ".join(wanted), " ".join(found))


def parse_list(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return AID and applications of a list, from its control information: ``6F{84, A5{61{4F}..}}`` (unverified).

    :raises EncodingError: where it is no such thing.
    """
    outer = [item for item in tlv.parse(data) if item.tag == _FCI]
    if len(outer) != 1:
        raise EncodingError(f"control information: {len(data)} bytes, expected one template {_FCI:02X}")
    objects = tlv.parse(outer[0].value)
    own = [item for found in objects if found.tag == _OWN for item in tlv.parse(found.value)]
    entries = [item for found in own if found.tag == _ENTRY for item in tlv.parse(found.value)]
    return objects.first(DF_NAME, b"") or b"", [item.value for item in entries if item.tag == _AID]


def _master(case: Case) -> Iterator[Trouble]:
    root, (info,) = case.product.master, case.product.master.files
    asked = case.asked(Role.READ)
    told: dict[str, Security | None] = {name: found.security for name, found in case.seen.directories.items()}
    told |= {name: found.security for name, found in case.seen.files.items()}
    for name, final in ((root.name, root.final), (info.name, info.final)):
        if name not in asked:
            continue
        expected = final.build().hex().upper()
        if name not in told:
            yield Trouble(name, expected, case.why(name))
        elif told[name] != final:
            actual = told[name]
            yield Trouble(name, expected, actual.build().hex().upper() if actual else "no rules")


def _commands(case: Case) -> Iterator[Trouble]:
    budget = case.product.block.budget
    if budget and case.seen.commands > budget:
        yield Trouble("card", f"{budget} commands or fewer", f"{case.seen.commands} commands")


CHECKS = (
    Check("TRANSIT-031", _uid),
    Check("TRANSIT-033", _unique),
    Check("TRANSIT-034", _drawn),
    Check("TRANSIT-037", _atr),
    Check("TRANSIT-038", _formatting),
    Check("TRANSIT-039", _making),
    Check("TRANSIT-040", _memory),
    Check("TRANSIT-041", _id_info),
    Check("TRANSIT-042", _lists),
    Check("TRANSIT-043", _master),
    Check("TRANSIT-061", _commands),
)
