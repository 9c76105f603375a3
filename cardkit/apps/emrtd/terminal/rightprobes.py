"""Probes of who gets in: passwords tried wrongly, and what a chip tells anybody of itself.

They come last: after wrong passwords a chip may be slower for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.pace import Password, PasswordKind, offers, open_by_pace
from cardkit.apps.emrtd.securityinfos import PACEInfo
from cardkit.apps.emrtd.signerrules import Trouble
from cardkit.apps.emrtd.terminal.access import open_document
from cardkit.apps.emrtd.terminal.bench import Bench
from cardkit.crypto.groups import Group
from cardkit.crypto.secret import Secret, joined
from cardkit.encoding import der, tlv
from cardkit.errors import AuthenticationError, CardError, CounterGuardError, EncodingError, StatusError

_OK = 0x9000
_WRONG_TRIES = 4
_UNCOUNTED = (PasswordKind.MRZ, PasswordKind.CAN)
_PROTOCOL, _REFERENCE = 0x80, 0x83
_PARAMETERS = 0x84
_TRIES, _ONE_TRY = 3, 0x63C1
_ASK_NONCE = bytes.fromhex("7C00")
_IDENTIFIERS = {
    "UID": CommandAPDU(0xFF, 0xCA, 0x00, 0x00, ne=256),  # PC/SC part 3, 3.2.2.1.3
    "production data": CommandAPDU(0x00, 0xCA, 0x9F, 0x7F, ne=256),
    "card identification": CommandAPDU(0x00, 0xCA, 0x00, 0x45, ne=256),
}
_RANDOM_UID = 0x08
"""First byte of a UID that a chip draws for each session. ISO/IEC 14443-3 6.5.4"""


def _constant_identifiers(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-094: nothing that anybody may ask for names the chip."""
    for what, command in _IDENTIFIERS.items():
        told = []
        for _ in range(2):
            bench.fresh()
            response = bench.channel.send(command)
            told.append(response.data if response.sw == _OK else b"")
        if told[0] and told[0] == told[1] and not (what == "UID" and told[0][0] == _RANDOM_UID):
            yield Trouble("EMRTD-094", what, "nothing, or another each time", f"the same {len(told[0])} bytes")


def _passwords_never_block(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-029: what is printed opens the document, however often others were tried; a PIN is not spent here."""
    for password in bench.request.passwords:
        if password.kind not in _UNCOUNTED:
            continue
        wrong = replace(bench.request, passwords=(Password(password.kind, _other(password.value)),))
        for _ in range(_WRONG_TRIES):
            bench.fresh()
            try:
                open_document(bench.client, bench.access, wrong)
            except (AuthenticationError, StatusError):
                continue
            except EncodingError:
                return  # a CAN, and no PACE
        try:
            bench.opened()
        except CardError as error:
            yield Trouble("EMRTD-029", password.kind.name, f"open after {_WRONG_TRIES} wrong ones", str(error))


def _pin_suspends(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-029: a PIN that was tried wrongly twice waits for the CAN; then it is as before: nothing is spent."""
    pin, can = (bench.request.password(kind) for kind in (PasswordKind.PIN, PasswordKind.CAN))
    if pin is None or can is None or bench.access is None:
        return
    offer = offers(bench.access)[0]
    if not _opens(bench, offer, pin):
        return  # who gave it was wrong: no try is left to chance
    for _ in range(_TRIES - 1):
        _opens(bench, offer, Password(pin.kind, _other(pin.value)))
    bench.fresh()
    objects = tlv.build(_PROTOCOL, der.oid(offer[0].oid)[2:]) + tlv.build(_REFERENCE, bytes((PasswordKind.PIN,)))
    number = offer[0].parameter_id
    objects += b"" if number is None else tlv.build(_PARAMETERS, der.integer(number)[2:])
    word = bench.channel.send(CommandAPDU(0x00, 0x22, 0xC1, 0xA4, objects)).sw
    nonce = bench.channel.send(CommandAPDU(0x10, 0x86, 0x00, 0x00, _ASK_NONCE, 256))
    if word != _ONE_TRY or nonce.sw == _OK:
        yield Trouble("EMRTD-029", "PIN", "suspended after two wrong ones", f"{word:04X}, then {nonce.sw:04X}")
    _opens(bench, offer, can)
    open_by_pace(bench.client, offer, pin, bench.request.random)


def _opens(bench: Bench, offer: tuple[PACEInfo, Group], password: Password) -> bool:
    """Whether a fresh document opens by a password."""
    bench.fresh()
    try:
        open_by_pace(bench.client, offer, password, bench.request.random)
    except (AuthenticationError, StatusError, CounterGuardError):
        return False
    return True


def _other(value: Secret) -> Secret:
    """Return a password with another last digit."""
    clear = joined((value,))
    return Secret(clear[:-1] + (b"0" if clear[-1:] != b"0" else b"1"), value.name)


RIGHT_PROBES: tuple[Callable[[Bench], Iterator[Trouble]], ...] = (
    _constant_identifiers,
    _passwords_never_block,
    _pin_suspends,
)
"""Probes of who gets in."""
