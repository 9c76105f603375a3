"""Install parameters: `C9` for the application, `EF` for the system, `B6` for tokens (GPCS 11.5.2.3.7, Table 11-49)."""

from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber

_APPLICATION, _SYSTEM = 0xC9, 0xEF
_NVM, _RESTRICT, _SELECTION = 0xC8, 0xD9, 0xCF
_CODE: Final = 0xC6
_TOP: Final = frozenset({_APPLICATION, _SYSTEM, 0xEA, 0xB6, 0xCA})
_INSIDE: Final = frozenset({_CODE, 0xC7, _NVM, 0xD7, 0xD8, 0xCB, 0xCA, _SELECTION, _RESTRICT, 0xCD, 0xDD})
_SIZES: Final = (2, 4)
_SCP, _POLICY, _PERSONALIZED = 0x81, 0x82, 0x84


@dataclass(frozen=True, slots=True)
class Parameters:
    """What INSTALL asks for beyond its fixed fields.

    :ivar application: value of C9; None when it is absent.
    :ivar code: bytes of memory the code will need.  :ivar nvm: bytes of memory the application will need.
    :ivar restrictions: value of D9.  :ivar selections: values of CF, one byte each.
    """

    application: bytes | None
    code: int
    nvm: int
    restrictions: bytes
    selections: bytes


def parse(data: bytes) -> Parameters:
    """Read parameters.

    :raises StatusWordError: 6A80 unknown tags, wrong sizes.
    """
    top = ber.unique(data, _TOP)
    inside = ber.parse(top.get(_SYSTEM, b""))
    one = dict(inside)
    if not one.keys() <= _INSIDE:
        raise StatusWordError(sw.WRONG_DATA)
    selections = [value for tag, value in inside if tag == _SELECTION]
    restrictions = one.get(_RESTRICT, b"")
    if any(len(value) != 1 for value in selections) or len(restrictions) > 1:
        raise StatusWordError(sw.WRONG_DATA)
    sizes = (_size(one.get(_CODE, b"")), _size(one.get(_NVM, b"")))
    return Parameters(top.get(_APPLICATION), *sizes, restrictions, b"".join(selections))


def _size(value: bytes) -> int:
    """A memory size of 2 or 4 bytes; 0 when absent."""
    if value and len(value) not in _SIZES:
        raise StatusWordError(sw.WRONG_DATA)
    return int.from_bytes(value, "big")


@dataclass(frozen=True, slots=True)
class DomainParameters:
    """What C9 says to a security domain.

    :ivar protocols: secure channels, `scp i` each.  :ivar accepts: policy for extradition to it.
    :ivar personalized: it is PERSONALIZED from the start.
    """

    protocols: tuple[bytes, ...]
    accepts: bytes
    personalized: bool


def parse_domain(data: bytes) -> DomainParameters:
    """Read the parameters of a security domain; unknown ones are left alone.

    :raises StatusWordError: 6A80 when a secure channel has no `i`.
    """
    objects = ber.parse(data)
    protocols = tuple(value for tag, value in objects if tag == _SCP)
    if any(len(value) < 2 for value in protocols):
        raise StatusWordError(sw.WRONG_DATA)
    one = dict(objects)
    return DomainParameters(protocols, one.get(_POLICY, b""), _PERSONALIZED in one)
