"""Authentication tokens of PACE and chip authentication (ICAO Doc 9303-11 4.4.3.4, 9.4)."""

from __future__ import annotations

import hmac

from cardkit.crypto.documentkeys import mac
from cardkit.crypto.groups import Group
from cardkit.crypto.key import Key
from cardkit.encoding import der, tlv
from cardkit.errors import AuthenticationError

_PUBLIC_KEY_DATA = 0x7F49


def authentication_token(key: Key, oid: str, group: Group, public: bytes) -> bytes:
    """Return the 8 bytes one side proves its keys with.

    :param key: for MACs, of the session.  :param oid: of the protocol.  :param public: the other side's key.
    """
    return mac(key, tlv.build(_PUBLIC_KEY_DATA, der.oid(oid) + tlv.build(group.tag, public)))


def check_token(expected: bytes, token: bytes, what: str) -> None:
    """Check the chip's token.  :raises AuthenticationError: where it is another."""
    if not hmac.compare_digest(expected, token):
        raise AuthenticationError(f"{what}: wrong authentication token of {len(token)} bytes: the chip has other keys")
