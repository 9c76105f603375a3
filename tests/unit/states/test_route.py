"""The planner: any wish list reaches the right files, with no command too many.

The judge is a card model of a few lines: it knows which file each command would touch.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.uicc.states.route import Route, in_order
from cardkit.apps.uicc.states.targets import Place, Target
from cardkit.desired import Access, Phase, Role, Step

MF = Place("MF")
GSM = Place("DF.GSM", path=bytes.fromhex("7F20"))
USIM = Place("ADF.USIM", aid=bytes.fromhex("A0000000871002"))
ISIM = Place("ADF.ISIM", aid=bytes.fromhex("A0000000871004"))
DF_5GS = Place("ADF.USIM/DF.5GS", path=bytes.fromhex("5FC0"), parent=USIM)
PLACES = (MF, GSM, USIM, ISIM, DF_5GS)
ADM1 = Access("ADM1", 0x0A, 3)


def target(place: Place, number: int, *, sfi: int = 0, size: int = 10, record: int = 0) -> Target:
    name = f"{place.name}/EF.{number}{f'#{record}' if record else ''}"
    return Target(name, place, (0x6F00 + number).to_bytes(2, "big"), sfi, size, record)


class Model:
    """A card that knows where it is."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.place = MF
        self.file = ""
        self._by_fid = {(t.place.name, t.fid): t for t in targets}
        self._by_sfi = {(t.place.name, t.sfi): t for t in targets if t.sfi}

    def touched(self, step: Step) -> str:
        """Follow a command; return the file a read or update reaches."""
        command = step.command
        if command.ins == 0xA4:
            self._select(command.p1, command.data)
            return ""
        if command.ins in (0xB2, 0xDC):
            sfi = command.p2 >> 3
            assert command.p2 & 7 == 4
        else:
            sfi = command.p1 & 0x1F if command.p1 & 0x80 else 0
        if sfi:
            self.file = self._by_sfi[self.place.name, sfi].file
        return self.file

    def _select(self, how: int, data: bytes) -> None:
        if how == 0x04:
            self.place, self.file = next(place for place in PLACES if place.aid == data), ""
            return
        if how == 0x08:
            self.place, self.file = MF, ""
        for at in range(0, len(data), 2):
            self._step(data[at : at + 2])

    def _step(self, fid: bytes) -> None:
        if fid == b"\x3f\x00":
            self.place, self.file = MF, ""
        elif (self.place.name, fid) in self._by_fid:
            self.file = self._by_fid[self.place.name, fid].file
        else:
            self.place = next(p for p in PLACES if p.path == fid and (p.parent is None or p.parent == self.place))
            self.file = ""


@st.composite
def wish_lists(draw) -> list[Target]:
    numbers = st.integers(1, 12)
    targets: dict[str, Target] = {}
    for place, number in draw(st.lists(st.tuples(st.sampled_from(PLACES), numbers), min_size=1, max_size=12)):
        sfi = number if draw(st.booleans()) else 0
        size = draw(st.sampled_from([1, 255, 256, 700]))
        targets.setdefault(f"{place.name}{number}", target(place, number, sfi=sfi, size=size))
    return list(targets.values())


@given(wish_lists())
@settings(max_examples=150, deadline=None)
def test_every_wish_reaches_its_own_file_whole(wishes):
    route = Route(Phase.WRITE)
    for wish in in_order(wishes):
        route.write(wish)
        route.read(wish)
    model = Model(wishes)
    written: dict[str, list[tuple[int, int]]] = {wish.name: [] for wish in wishes}
    read: dict[str, int] = dict.fromkeys(written, 0)
    for step in route.take():
        reached = model.touched(step)
        if step.role in (Role.READ, Role.WRITE):
            assert reached == step.serves
            written[step.serves] += [step.span or (0, step.nc)] if step.role is Role.WRITE else []
            read[step.serves] += step.answer
    for wish in wishes:
        at = 0
        for offset, length in written[wish.name]:
            assert offset == at
            at += length
        assert at == read[wish.name] == wish.size


@given(wish_lists())
@settings(max_examples=150, deadline=None)
def test_no_order_of_the_same_wishes_takes_fewer_selections(wishes):
    """The bound: one SELECT a file without SFI; one more for each directory that no such SELECT enters."""
    small = [Target(w.name, w.place, w.fid, w.sfi, 10) for w in wishes]
    route = Route(Phase.WRITE)
    for wish in in_order(small):
        route.write(wish)
    selects = sum(step.command.ins == 0xA4 for step in route.take())
    places = {wish.place.name: wish.place for wish in small}
    entered = sum(not place.by_path for place in places.values())
    entered += DF_5GS.name in places and USIM.name not in places
    for place in places.values():
        inside = [wish for wish in small if wish.place == place]
        entered += place.by_path and place is not MF and all(wish.sfi for wish in inside)
    bound = entered + sum(not wish.sfi for wish in small)
    assert selects in (bound, bound + (USIM.name in places and DF_5GS.name in places))


def test_the_current_file_is_not_selected_again():
    wish = target(USIM, 1)
    route = Route(Phase.WRITE)
    route.write(wish)
    route.write(target(USIM, 1))
    assert [step.role for step in route.take()] == [Role.ENTER, Role.SELECT, Role.WRITE, Role.WRITE]


def test_records_of_one_file_share_its_selection():
    route = Route(Phase.WRITE)
    for record in (1, 2, 3):
        route.write(target(USIM, 1, record=record))
    steps = route.take()
    assert [step.role for step in steps[2:]] == [Role.WRITE] * 3
    assert [step.command.p1 for step in steps[2:]] == [1, 2, 3]


def test_a_reset_forgets_everything():
    route = Route(Phase.VERIFY)
    wish = target(USIM, 1, sfi=1)
    route.present(ADM1, "ADM1")
    route.read(wish)
    route.reset()
    route.present(ADM1, "ADM1")
    route.read(wish)
    roles = [step.role for step in route.take()]
    assert roles == [Role.QUERY, Role.PRESENT, Role.ENTER, Role.READ] * 2


def test_an_open_access_is_not_opened_again():
    route = Route(Phase.WRITE)
    route.present(ADM1, "ADM1")
    route.present(ADM1, "ADM1")
    assert [step.role for step in route.take()] == [Role.QUERY, Role.PRESENT]


def test_an_unused_sfi_0_is_no_sfi():
    route = Route(Phase.WRITE)
    route.read(target(MF, 1))
    assert [step.role for step in route.take()] == [Role.SELECT, Role.READ]


@pytest.mark.parametrize("place", [MF, GSM, USIM, ISIM, DF_5GS], ids=lambda place: place.name)
def test_any_directory_can_be_entered_from_any_other(place):
    for start in PLACES:
        route = Route(Phase.VERIFY)
        route.enter(start, "x")
        route.enter(place, "x")
        model = Model([])
        for step in route.take():
            model.touched(step)
        assert model.place == place
