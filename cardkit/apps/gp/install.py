"""INSTALL, all its variants, and the data a token signs (GPCS 11.5, C.4).

Every function returns an :class:`Install`; :meth:`Install.command` is the APDU. Fields are length-value pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntFlag

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.aids import checked_aid
from cardkit.apps.gp.tags.privileges import Privileges
from cardkit.encoding.length import write_length
from cardkit.errors import EncodingError

CLA = 0x80
ANY_LENGTH = 256
_INS = 0xE6
_NOTHING = b""
_NO_PRIVILEGES = Privileges()
_NO_PARAMETERS = bytes.fromhex("C900")
_FIRST, _LAST = 0x01, 0x03
_SHORT_LC = 255
_DIGEST_BYTES = (0, 20, 32, 48, 64)


class Purpose(IntFlag):
    """What INSTALL is for: P1 without its b8 (Table 11-41)."""

    LOAD = 0x02
    INSTALL = 0x04
    MAKE_SELECTABLE = 0x08
    EXTRADITION = 0x10
    PERSONALIZATION = 0x20
    REGISTRY_UPDATE = 0x40


@dataclass(frozen=True, slots=True)
class Install:
    """One INSTALL command.

    :param fields: the values before the token, in order.  :param p2: 01 and 03 for the ends of a combined sequence.
    """

    purpose: Purpose
    fields: tuple[bytes, ...]
    token: bytes = b""
    p2: int = 0x00

    @property
    def signed_data(self) -> bytes:
        """What its token signs: P1, P2, Lc and data, all without the token (C.4)."""
        return token_input(self.purpose, self.p2, self._before_token)

    def with_token(self, token: bytes) -> Install:
        """Return the same command with a token."""
        return replace(self, token=token)

    def command(self) -> CommandAPDU:
        """Return the APDU; data of more than 255 bytes goes out in segments (P1 b8)."""
        return CommandAPDU(CLA, _INS, self.purpose, self.p2, self._before_token + length_value(self.token), ANY_LENGTH)

    @property
    def _before_token(self) -> bytes:
        return b"".join(map(length_value, self.fields))


def length_value(value: bytes) -> bytes:
    """Return a value behind its BER length (Table 11-42: 1 to 3 bytes).

    >>> length_value(bytes(128)).hex()[:6]
    '818000'
    """
    return write_length(len(value)) + value


def token_input(p1: int, p2: int, data: bytes) -> bytes:
    """Return the message of a token: Lc is one byte, or three where data is longer than 255 bytes (C.4)."""
    size = len(data)
    lc = bytes((size,)) if size <= _SHORT_LC else b"\x00" + size.to_bytes(2, "big")
    return bytes((p1, p2)) + lc + data


def for_load(load_file: bytes, domain: bytes = b"", *, digest: bytes = b"", parameters: bytes = b"") -> Install:
    """Announce a load file (Table 11-42).

    :param load_file: its AID.  :param domain: AID of the security domain it goes to; empty for the one addressed.
    :param digest: load file data block hash, 20, 32, 48 or 64 bytes; needed with a token, DAP or ciphering.
    :raises EncodingError: on an AID or digest of another length.

    >>> for_load(bytes.fromhex("060708090A"), bytes.fromhex("0102030405")).command().data.hex()
    '05060708090a050102030405000000'
    """
    if len(digest) not in _DIGEST_BYTES:
        raise EncodingError(f"load file data block hash: got {len(digest)} bytes, expected 20, 32, 48 or 64")
    return Install(Purpose.LOAD, (checked_aid(load_file), _aid_or_nothing(domain), digest, parameters))


def for_install(
    module: tuple[bytes, bytes],
    instance: bytes,
    privileges: Privileges,
    *,
    parameters: bytes = _NO_PARAMETERS,
    selectable: bool = True,
) -> Install:
    """Install an application, and make it selectable at once unless told otherwise (Table 11-43).

    :param module: AIDs of the load file and of the module in it.
    :param parameters: built by :class:`~cardkit.apps.gp.install_parameters.InstallParameters`; ``C9`` must be there.
    """
    purpose = Purpose.INSTALL | Purpose.MAKE_SELECTABLE if selectable else Purpose.INSTALL
    load_file, class_aid = map(checked_aid, module)
    return Install(purpose, (load_file, class_aid, checked_aid(instance), privileges.encode(), parameters))


def for_make_selectable(
    instance: bytes, privileges: Privileges = _NO_PRIVILEGES, *, parameters: bytes = b""
) -> Install:
    """Make an installed application selectable (Table 11-44)."""
    fields = (_NOTHING, _NOTHING, checked_aid(instance), privileges.encode(), parameters)
    return Install(Purpose.MAKE_SELECTABLE, fields)


def for_extradition(domain: bytes, aid: bytes, *, parameters: bytes = b"") -> Install:
    """Give an application or load file to another security domain (Table 11-45).

    :param domain: AID of the new security domain.
    """
    return Install(Purpose.EXTRADITION, (checked_aid(domain), _NOTHING, checked_aid(aid), _NOTHING, parameters))


def for_personalization(instance: bytes) -> Install:
    """Direct the STORE DATA commands that follow to an application (Table 11-47)."""
    return Install(Purpose.PERSONALIZATION, (_NOTHING, _NOTHING, checked_aid(instance), _NOTHING, _NOTHING))


def for_registry_update(
    aid: bytes, *, domain: bytes = b"", privileges: Privileges | None = None, parameters: bytes = b""
) -> Install:
    """Change the registry entry of an application (Table 11-46).

    :param aid: empty for the OPEN: restrictions on it cannot be taken back.  :param domain: new security domain.
    :param privileges: the new ones; None leaves them.
    """
    coded = _NOTHING if privileges is None else privileges.encode()
    fields = (_aid_or_nothing(domain), _NOTHING, _aid_or_nothing(aid), coded, parameters)
    return Install(Purpose.REGISTRY_UPDATE, fields)


def combined(load: Install, install: Install) -> tuple[Install, Install]:
    """Return the two ends of a combined load, install and make selectable; LOAD commands go between (11.5.2.1).

    The token belongs to the second; it signs ``signed_data`` of both, joined.

    :raises EncodingError: where they are not for load and for install.
    """
    if load.purpose is not Purpose.LOAD or Purpose.INSTALL not in install.purpose:
        raise EncodingError(
            f"combined INSTALL: got {load.purpose!r} and {install.purpose!r}, expected LOAD and INSTALL"
        )
    everything = Purpose.LOAD | Purpose.INSTALL | Purpose.MAKE_SELECTABLE
    return replace(load, purpose=everything, p2=_FIRST), replace(install, purpose=everything, p2=_LAST)


def _aid_or_nothing(aid: bytes) -> bytes:
    return checked_aid(aid) if aid else aid
