"""Card content management over the air: order kept, blocks as long as packets take."""

from __future__ import annotations

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.install import for_load
from cardkit.apps.gp.load import LoadFile
from cardkit.apps.uicc.ota.ram import TAR, content_scripts, load_commands
from cardkit.apps.uicc.ota.scripting import Coding
from cardkit.errors import ProfileError

AID = bytes.fromhex("A0000000871002")


def sizes(scripts):
    return [len(script.content()) for script in scripts]


@pytest.mark.parametrize("coding", Coding)
@pytest.mark.parametrize("room", [20, 60, 107, 120, 140, 141, 142, 300])
def test_load_files_travel_in_blocks_as_long_as_packets_take(coding, room):
    block = bytes(range(256)) * 3
    commands = load_commands(for_load(AID, digest=b""), LoadFile(block), room, coding)
    scripts = list(content_scripts(commands[1:], room, coding=coding))

    carried = b"".join(bytes(command.data) for command in commands[1:])
    assert carried == b"\xc4\x82\x03\x00" + block
    assert [command.p2 for command in commands[1:]] == list(range(len(commands) - 1))
    assert [command.p1 for command in commands[1:]] == [0] * (len(commands) - 2) + [0x80]
    assert max(sizes(scripts)) <= room
    longest = commands[1].nc
    assert longest == 255 or len(next(content_scripts([_load(longest)], room, coding=coding)).content()) <= room
    if longest < 255:
        with pytest.raises(ProfileError, match=f"^command E8 of {longest + 1} bytes: longer than a packet of {room}$"):
            list(content_scripts([_load(longest + 1)], room, coding=coding))


def _load(size):
    return CommandAPDU(0x80, 0xE8, 0, 0, bytes(size), 256)


def test_packets_are_filled_in_order():
    delete = Delete(AID, related=True).command()
    scripts = list(content_scripts([delete, delete, delete], 28))

    assert [[command is delete for command in script.commands] for script in scripts] == [[True, True], [True]]
    assert scripts[0].content().hex().upper() == "80E40080094F07A0000000871002" * 2
    assert {script.tar for script in scripts} == {TAR} == {bytes(3)}
    assert next(content_scripts([delete], 14, tar=b"\x01\x02\x03")).tar == b"\x01\x02\x03"
    with pytest.raises(ProfileError, match=r"^command E4 of 9 bytes: longer than a packet of 13$"):
        list(content_scripts([delete], 13))
    assert list(content_scripts([], 99)) == []


def test_packet_too_small_for_any_block_is_refused():
    assert load_commands(for_load(AID), LoadFile(b"\x01"), 6)[1].nc == 1
    with pytest.raises(ProfileError, match=r"^LOAD: a packet of 5 bytes takes no block$"):
        load_commands(for_load(AID), LoadFile(b"\x01"), 5)
