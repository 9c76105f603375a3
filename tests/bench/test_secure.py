"""What protection costs: commands wrapped and answers unwrapped, in process (``make bench`` prints the figures)."""

from __future__ import annotations

from time import perf_counter, sleep

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Key, Usage
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.secure import Quirks, SecureSession, SecurityLevel, Terms, decode_parameters
from cardkit.secure.scp03 import Scp03Session

ROUNDS, BATCHES, COMMANDS = 20, 100, 20
BAR_US = 10.0


def session(key_bytes: int = 16) -> SecureSession:
    keys = [Key(bytes(range(i, i + key_bytes)), "bench", f"AES-{8 * key_bytes}", Usage.DATA_ENC) for i in (0x40, 1, 2)]
    terms = Terms(decode_parameters(3, 0x70), SecurityLevel(0x33), Quirks(), 255)
    return Scp03Session(terms, SessionKeys(*keys), None)


def answer(command: CommandAPDU, body: bytes, counter: int) -> ResponseAPDU:
    """Answer as the card would that has the keys of :func:`session`; the chain is the MAC of the command."""
    enc, rmac = bytes(range(0x40, 0x50)), bytes(range(2, 18))
    iv = Cipher(algorithms.AES(enc), modes.ECB()).encryptor().update((1 << 127 | counter).to_bytes(16, "big"))
    padded = body + b"\x80" + bytes(-(len(body) + 1) % 16)
    data = Cipher(algorithms.AES(enc), modes.CBC(iv)).encryptor().update(padded)
    mac = CMAC(algorithms.AES(rmac))
    mac.update(command + data + b"\x90\x00")
    return ResponseAPDU(data + mac.finalize()[:8], 0x9000)


def seconds_to_wrap(command: CommandAPDU) -> float:
    host = session()
    start = perf_counter()
    host.wrap_ahead([command] * COMMANDS)
    return (perf_counter() - start) / COMMANDS


@pytest.mark.parametrize(("length", "name"), [(239, "the most a short command carries"), (255, "255 bytes, extended")])
def test_a_255_byte_command_is_wrapped_under_level_33_in_10_us(length: int, name: str) -> None:
    command = CommandAPDU(0x80, 0xE2, 0x88, 0x00, bytes(length), 256)
    best = float("inf")
    for done in range(ROUNDS):  # other programs may have the machine: a few tries, some seconds apart
        best = min(best, *(seconds_to_wrap(command) for _ in range(BATCHES)))
        if best * 1e6 <= BAR_US:
            break
        sleep(0.1 * done)
    print(f"\nSCP03 level 33, {name}: wrapped in {best * 1e6:.2f} us")
    assert best * 1e6 <= BAR_US


def test_an_answer_is_unwrapped_under_level_33() -> None:
    command = CommandAPDU(0x80, 0xCA, 0x00, 0x66, ne=256)
    best = float("inf")
    for _ in range(BATCHES):
        host = session()
        for counter in range(1, 11):
            host.wrap(command)
            response = answer(host._chain, bytes(239), counter)  # the card has the same chain
            start = perf_counter()
            plain = host.unwrap(response)
            best = min(best, perf_counter() - start)
            assert plain.data == bytes(239)
    print(f"\nSCP03 level 33: 239 bytes unwrapped in {best * 1e6:.2f} us")
    assert best * 1e6 <= 3 * BAR_US
