"""DELETE of applications, load files and keys (GPCS 11.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.aids import checked_aid
from cardkit.apps.gp.install import ANY_LENGTH, CLA, token_input
from cardkit.encoding.tlv import build
from cardkit.errors import EncodingError

_INS = 0xE4
_RELATED = 0x80
_AID, _TOKEN, _KID, _KVN = 0x4F, 0x9E, 0xD0, 0xD2


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE of card content (Tables 11-21 to 11-23).

    :param aid: application or load file.  :param related: of a load file, its applications go with it (P2 80).
    :param template: a whole ``B6``, where a token is.  :param token: empty where the domain itself may delete.
    :raises EncodingError: when made with an AID of no valid length.
    """

    aid: bytes
    related: bool = False
    template: bytes = b""
    token: bytes = b""

    def __post_init__(self) -> None:
        checked_aid(self.aid)

    @property
    def signed_data(self) -> bytes:
        """What its token signs: P1, P2, Lc and data, all without the token (C.4.6)."""
        return token_input(0x00, self._p2, self._before_token)

    def with_token(self, token: bytes) -> Delete:
        """Return the same command with a token."""
        return replace(self, token=token)

    def command(self) -> CommandAPDU:
        """Return the APDU."""
        token = build(_TOKEN, self.token) if self.token else b""
        return CommandAPDU(CLA, _INS, 0x00, self._p2, self._before_token + token, ANY_LENGTH)

    @property
    def _p2(self) -> int:
        return self.related * _RELATED

    @property
    def _before_token(self) -> bytes:
        return build(_AID, self.aid) + self.template


def delete_keys(*, kid: int | None = None, kvn: int | None = None) -> CommandAPDU:
    """Delete one key, every key of a version, or every key with an identifier (Table 11-24).

    :raises EncodingError: when neither is given, or out of range.

    >>> delete_keys(kid=1, kvn=2).encode().hex()
    '80e4000006d00101d2010200'
    """
    if kid is None and kvn is None:
        raise EncodingError("DELETE of keys: got neither key identifier nor key version, expected one or both")
    for name, number in (("key identifier", kid), ("key version", kvn)):
        if number is not None and not 0 <= number <= 0x7F:
            raise EncodingError(f"DELETE of keys: {name} {number:02X}, expected 00 to 7F")
    pairs = ((_KID, kid), (_KVN, kvn))
    data = b"".join(build(tag, bytes((number,))) for tag, number in pairs if number is not None)
    return CommandAPDU(CLA, _INS, 0x00, 0x00, data, ANY_LENGTH)
