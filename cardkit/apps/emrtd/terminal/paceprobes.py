"""What a chip must refuse of PACE, step by step; each probe begins with a fresh chip (ICAO Doc 9303-11 4.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.oids import Mapping
from cardkit.apps.emrtd.pace import PasswordKind
from cardkit.apps.emrtd.securityinfos import PACEInfo
from cardkit.apps.emrtd.signerrules import Trouble
from cardkit.channel import Channel
from cardkit.crypto.groups import EcGroup, Group, Random
from cardkit.encoding import der, tlv

Offer = tuple[PACEInfo, Group]
Probe = Callable[[Channel, Offer, Random], Iterator[Trouble]]
_OK = 0x9000
_PROTOCOL, _PASSWORD, _PARAMETERS = 0x80, 0x83, 0x84
_TEMPLATE = 0x7C
_CHAINING = 0x10
_INTEGRATED = (Mapping.DH_IM, Mapping.ECDH_IM)
_UNKNOWN_PROTOCOL = "0.4.0.127.0.7.2.2.9.9.9"
_NO_PASSWORD = 0x0F
_MOST_TRIES = 2_000  # one key in 256 begins with zeros
_STEP = "GENERAL AUTHENTICATE"


def _environment(info: PACEInfo, kind: int = PasswordKind.MRZ, protocol: str = "") -> list[bytes]:
    number = info.parameter_id
    return [
        tlv.build(_PROTOCOL, der.oid(protocol or info.oid)[2:]),
        tlv.build(_PASSWORD, bytes((kind,))),
        b"" if number is None else tlv.build(_PARAMETERS, der.integer(number)[2:]),
    ]


def _begin(channel: Channel, info: PACEInfo) -> None:
    channel.send(CommandAPDU(0x00, 0x22, 0xC1, 0xA4, b"".join(_environment(info))))


def _step(objects: bytes, *, tag: int = _TEMPLATE, cla: int = _CHAINING) -> CommandAPDU:
    data = tlv.build(tag, objects)
    return CommandAPDU(cla, 0x86, 0x00, 0x00, data, 256 if len(data) < 256 else 65_536)


def _malformed_environment(channel: Channel, offer: Offer, _: Random) -> Iterator[Trouble]:
    """EMRTD-019: an unknown protocol or password, and what is left out."""
    info = offer[0]
    attempts = {
        "no protocol": _environment(info)[1:],
        "no password": [_environment(info)[0], _environment(info)[2]],
        "a protocol that is none": _environment(info, protocol=_UNKNOWN_PROTOCOL),
        "a password that is none": _environment(info, _NO_PASSWORD),
    }
    for what, objects in attempts.items():
        if channel.send(CommandAPDU(0x00, 0x22, 0xC1, 0xA4, b"".join(objects))).sw == _OK:
            yield Trouble("EMRTD-019", f"MSE:SET for PACE with {what}", "an error", "9000")


def _malformed_template(channel: Channel, offer: Offer, _: Random) -> Iterator[Trouble]:
    """EMRTD-020: another template, another object than the step's."""
    _begin(channel, offer[0])
    if channel.send(_step(b"", tag=0x7D)).sw == _OK:
        yield Trouble("EMRTD-020", f"{_STEP} with template 7D", "an error", "9000")
    _begin(channel, offer[0])
    channel.send(_step(b""))
    if channel.send(_step(tlv.build(0x8F, bytes(8)))).sw == _OK:
        yield Trouble("EMRTD-020", f"{_STEP} with object 8F", "an error", "9000")


def _invalid_keys(channel: Channel, offer: Offer, random: Random) -> Iterator[Trouble]:
    """EMRTD-021: public keys that are none."""
    info, group = offer
    if info.mapping in _INTEGRATED:
        return
    good = group.key_pair(random).public
    form = good[: len(good) % 2]  # 04 of a point
    attempts = {
        "of no bytes": b"",
        "too short": good[:-1],
        "too long": good + b"\x00",
        "of zeros": form + bytes(len(good) - len(form)),
        "not of the group": good[: len(good) % 2]
        + group.prime.to_bytes(group.size)
        + good[len(good) % 2 + group.size :],
    }
    for what, public in attempts.items():
        _begin(channel, info)
        channel.send(_step(b""))
        if channel.send(_step(tlv.build(0x81, public))).sw == _OK:
            yield Trouble("EMRTD-021", f"a mapping key {what}", "an error", "9000")


def _border_coordinates(channel: Channel, offer: Offer, random: Random) -> Iterator[Trouble]:
    """EMRTD-022: a key whose coordinate begins with a zero byte is as good as any."""
    info, group = offer
    if info.mapping in _INTEGRATED or not isinstance(group, EcGroup):
        return
    tries = (group.key_pair(random).public for _ in range(_MOST_TRIES))
    short = next((public for public in tries if not public[1]), None)
    if short is None:
        return
    _begin(channel, info)
    channel.send(_step(b""))
    response = channel.send(_step(tlv.build(0x81, short)))
    if response.sw != _OK:
        yield Trouble("EMRTD-022", "a mapping key that begins with zeros", "9000", f"{response.sw:04X}")


def _wrong_token(channel: Channel, offer: Offer, random: Random) -> Iterator[Trouble]:
    """EMRTD-023: a token of noise, and ones too short and too long."""
    info, group = offer
    for size in (8, 7, 9):
        _begin(channel, info)
        channel.send(_step(b""))
        mapping = random(16) if info.mapping in _INTEGRATED else group.key_pair(random).public
        channel.send(_step(tlv.build(0x81, mapping)))
        channel.send(_step(tlv.build(0x83, group.key_pair(random).public)))
        if channel.send(_step(tlv.build(0x85, random(size)), cla=0x00)).sw == _OK:
            yield Trouble("EMRTD-023", f"a wrong token of {size} bytes", "an error", "9000")


def _other_command_between(channel: Channel, offer: Offer, random: Random) -> Iterator[Trouble]:
    """EMRTD-025: another command voids what was begun."""
    info, group = offer
    _begin(channel, info)
    channel.send(_step(b""))
    channel.send(CommandAPDU(0x00, 0xA4, 0x00, 0x0C, b"\x3f\x00"))
    data = random(16) if info.mapping in _INTEGRATED else group.key_pair(random).public
    if channel.send(_step(tlv.build(0x81, data))).sw == _OK:
        yield Trouble("EMRTD-025", "SELECT between two steps", "the end of PACE", "it goes on")


def _nonce_twice(channel: Channel, offer: Offer, _: Random) -> Iterator[Trouble]:
    """EMRTD-026: a nonce that is asked for again is another."""
    nonces = []
    for _attempt in range(2):
        _begin(channel, offer[0])
        nonces.append(channel.send(_step(b"")).data)
    if nonces[0] == nonces[1]:
        yield Trouble("EMRTD-026", "nonce asked for twice", "two that differ", "the same")


def _last_step_chained(channel: Channel, offer: Offer, _: Random) -> Iterator[Trouble]:
    """EMRTD-024: the first step is one of a chain."""
    _begin(channel, offer[0])
    if channel.send(_step(b"", cla=0x00)).sw == _OK:
        yield Trouble("EMRTD-024", "the first step as if it were the last", "an error", "9000")


def _key_thrown_back(channel: Channel, offer: Offer, random: Random) -> Iterator[Trouble]:
    """EMRTD-028: the chip agrees by a key of its own, not by the terminal's."""
    info, group = offer
    _begin(channel, info)
    channel.send(_step(b""))
    mapping = random(16) if info.mapping in _INTEGRATED else group.key_pair(random).public
    channel.send(_step(tlv.build(0x81, mapping)))
    own = group.key_pair(random).public
    if own in channel.send(_step(tlv.build(0x83, own))).data:
        yield Trouble("EMRTD-028", "key agreement", "a key of the chip's own", "the terminal's")


PACE_PROBES: tuple[Probe, ...] = (
    _malformed_environment,
    _malformed_template,
    _invalid_keys,
    _border_coordinates,
    _wrong_token,
    _other_command_between,
    _nonce_twice,
    _last_step_chained,
    _key_thrown_back,
)
"""Every probe, with the document's best offer."""
