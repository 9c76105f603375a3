"""Parameters of toolkit applets in INSTALL: ``CA`` for SIM, ``EA`` for UICC (ETSI TS 102 226 8.2.1.3.2, from memory).

The bytes agree with those of another implementation; the meaning of single fields is from memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_TAR_BYTES = 3
_MSL_CHECK = 0x01
_TOOLKIT, _ACCESS = 0x80, 0x81
FULL_ACCESS = b"\x00"


@dataclass(frozen=True, slots=True)
class Toolkit:
    """What a toolkit applet may use.

    :param priority: level, 1 the highest.  :param timers: how many.  :param text_bytes: longest menu entry.
    :param menu: position and identifier of each menu entry.  :param channels: how many.
    :param security_level: minimum security level of messages to it, None for none.
    :param tars: toolkit application references, 3 bytes each.
    """

    priority: int = 1
    timers: int = 0
    text_bytes: int = 0
    menu: tuple[tuple[int, int], ...] = ()
    channels: int = 0
    security_level: int | None = None
    tars: tuple[bytes, ...] = ()

    def build(self) -> bytes:
        """Return the fields both forms share.

        :raises EncodingError: on a TAR of another length, or a number above 255.
        """
        if any(len(tar) != _TAR_BYTES for tar in self.tars):
            raise EncodingError(f"toolkit parameters: a TAR is not {_TAR_BYTES} bytes long")
        level = b"" if self.security_level is None else bytes((_MSL_CHECK, self.security_level))
        try:
            fixed = bytes((self.priority, self.timers, self.text_bytes, len(self.menu)))
            menu = bytes(number for entry in self.menu for number in entry)
            return fixed + menu + bytes((self.channels,)) + _counted(level) + _counted(b"".join(self.tars))
        except ValueError:
            raise EncodingError("toolkit parameters: a number is above 255") from None


@dataclass(frozen=True, slots=True)
class FileAccess:
    """Which files an applet may reach.

    :param aid: of the application they belong to; empty for the shared file system.
    :param domain: access domain parameter, :data:`FULL_ACCESS` for everything.
    :param dap: of the access domain, empty for none.
    """

    aid: bytes = b""
    domain: bytes = FULL_ACCESS
    dap: bytes = b""

    def build(self) -> bytes:
        """Return the fields."""
        return _counted(self.aid) + _counted(self.domain) + _counted(self.dap)


def sim_parameters(toolkit: Toolkit, access_domain: bytes = FULL_ACCESS) -> bytes:
    """Return the value of ``CA``: SIM file access and toolkit application.

    >>> sim_parameters(Toolkit(timers=1, text_bytes=16, channels=1, tars=(bytes.fromhex("D50101"),))).hex()
    '010001011000010003d50101'
    """
    return _counted(access_domain) + toolkit.build()


def uicc_parameters(toolkit: Toolkit | None, access: Sequence[FileAccess] = (), *, services: int = 0) -> bytes:
    """Return the value of ``EA``: UICC toolkit and file access.

    :param services: how many services it offers, at most.
    """
    tools = b"" if toolkit is None else tlv.build(_TOOLKIT, toolkit.build() + bytes((services,)))
    files = b"".join(entry.build() for entry in access)
    return tools + (tlv.build(_ACCESS, files) if files else b"")


def _counted(value: bytes) -> bytes:
    return bytes((len(value),)) + value
