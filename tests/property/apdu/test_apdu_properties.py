"""Commands and responses: bytes to values and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Secret
from cardkit.errors import EncodingError
from cardkit.explain import explain

BYTE = st.integers(0, 255)
DATA = st.binary(max_size=20) | st.integers(250, 300).map(bytes)
COMMANDS = st.builds(
    CommandAPDU, BYTE, BYTE, BYTE, BYTE, DATA, st.integers(0, 300) | st.sampled_from([65535, 65536]), st.booleans()
)


@given(COMMANDS)
def test_a_command_survives_the_wire(command: CommandAPDU) -> None:
    wire = command.encode()
    read = CommandAPDU.parse(wire)
    assert (read.shape, read.case, read.data) == (command.shape, command.case, command.data)
    assert read.encode() == wire


@given(st.binary(max_size=30))
def test_any_bytes_are_a_command_or_refused(wire: bytes) -> None:
    try:
        command = CommandAPDU.parse(wire)
    except EncodingError:
        return
    assert command.encode() == wire


@given(st.binary(max_size=30))
def test_any_bytes_are_a_response_or_refused(wire: bytes) -> None:
    try:
        response = ResponseAPDU.parse(wire)
    except EncodingError:
        assert len(wire) < 2
        return
    assert response.encode() == wire
    assert response.sw == response.sw1 << 8 | response.sw2


@given(BYTE, st.binary(min_size=6, max_size=16))
def test_a_secret_part_never_shows(ins: int, key: bytes) -> None:
    command = CommandAPDU(0x80, ins, 0, 0, (b"\xa5", Secret(key, "k")))
    plain = CommandAPDU(0x80, ins, 0, 0, b"\xa5" + key)
    assert command.encode() == plain.encode()
    assert command.shape == plain.shape
    # Six bytes in hex are longer than the header and the open part together.
    assert key.hex().upper() not in repr(command)


@given(st.binary(max_size=30))
def test_any_bytes_are_explained_or_refused(data: bytes) -> None:
    try:
        explanation = explain(data)
    except EncodingError:
        return
    assert explanation.lines
    assert all(name and text for name, _, text in explanation.lines)
