"""IMS and untrusted access: identities, domains, gateways (TS 31.103 4.2; TS 31.102 4.2.88 to 4.2.106).

TS 31.102 4.2.88, .89, .97 to .99 and .105 are from memory.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Fixed, Layout, Single, Value, padded
from cardkit.apps.uicc.codecs.fields import Coded, Number, Plmn, as_list, from_hex, to_hex
from cardkit.apps.uicc.codecs.parts import AnyHex, Several, Utf8
from cardkit.apps.uicc.codecs.templates import Objects, Tag
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

# TS 31.103 4.2.2 to 4.2.4
IMPI = Objects({0x80: Tag("impi", Utf8())})
IMPU = Objects({0x80: Tag("impu", Utf8())})
DOMAIN = Objects({0x80: Tag("domain", Utf8())})
# TS 31.103 4.2.16, 4.2.20; TS 31.102 4.2.97 to .99
URI = Objects({0x80: Tag("uri", Utf8())})


class HostAddress:
    """A host: domain name, IPv4 or IPv6 address, told apart by a type byte. TS 31.103 4.2.8

    >>> HostAddress().decode(bytes.fromhex("01C0A8A001"))
    '192.168.160.1'
    """

    _FQDN, _IPV4, _IPV6 = 0, 1, 2

    def decode(self, data: bytes) -> Any:
        """Return the host as text, or raw digits if it would not come back the same."""
        try:
            host = self._text(data)
            if self.encode(host) == data:
                return host
        except (ValueError, IndexError):
            pass
        return {"raw": to_hex(data)}

    def _text(self, data: bytes) -> str:
        if data[0] == self._FQDN:
            return data[1:].decode("utf-8")
        return str(ipaddress.ip_address(data[1:]))

    def encode(self, value: Any) -> bytes:
        """Accept a host as text."""
        if isinstance(value, Mapping) and set(value) == {"raw"}:
            return from_hex(value["raw"])
        if not isinstance(value, str) or not value:
            raise EncodingError(f"got {value!r}, expected a domain name or an IP address as text")
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return bytes((self._FQDN,)) + Utf8().encode(value)
        if getattr(address, "scope_id", None):
            raise EncodingError(f"got {value!r}, expected an address without a zone")
        return bytes((self._IPV4 if address.version == 4 else self._IPV6,)) + address.packed


# TS 31.103 4.2.8
P_CSCF = Objects({0x80: Tag("p_cscf", HostAddress())})
# TS 31.102 4.2.103, .105~
EPDG_ID = Objects({0x80: Tag("epdg", HostAddress())})
# TS 31.102 4.2.104
_SELECTION = Layout(
    "plmn" / Plmn(),
    "priority" / Number(2),
    "fqdn" / Coded({0: "operator identifier", 1: "location based"}),
)
EPDG_SELECTION = Objects({0x80: Tag("networks", Several(Fixed(_SELECTION)))})
# TS 31.103 4.2.18, .19, .21: one document each
CONFIGURATION = Objects({0x80: Tag("encoding", AnyHex()), 0x81: Tag("data", Utf8())})
# TS 31.103 4.2.23
IMSDCI = Single("indication", Number(1))
# TS 31.102 4.2.90
NCP_IP = Objects(
    {
        0x80: Tag("apn", AnyHex()),
        0x81: Tag("login", Utf8()),
        0x82: Tag("password", Utf8()),
        0x83: Tag("destination", AnyHex()),
        0x84: Tag("bearer", AnyHex()),
    }
)
# TS 31.102 4.2.88, .89: icons of names, as link or as record of EF.IMG
NAME_ICON = Objects({0x80: Tag("icon_uri", Utf8()), 0x81: Tag("icon_record", AnyHex())})


class AccessPointNames(Codec):
    """APN control list: how many, then one object DD each. TS 31.102 4.2.48

    >>> AccessPointNames().decode(bytes.fromhex("01DD0403617069FF"))
    {'count': 1, 'apns': ['03617069']}
    """

    names = ("count", "apns")
    _APN = 0xDD

    def _read(self, body: bytes) -> Value:
        if not body:
            raise EncodingError("count: got no byte")
        items = tlv.parse(body[1:], b"\xff")
        if any(item.tag != self._APN for item in items):
            raise EncodingError("apns: got another object, expected tag DD")
        return {"count": body[0], "apns": [to_hex(item.value) for item in items]}

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        apns = [from_hex(apn) for apn in as_list(value.get("apns"))]
        count = Number(1).encode(value.get("count", len(apns)))
        return padded(count + b"".join(tlv.build(self._APN, apn) for apn in apns), value, size)


ACL = AccessPointNames()
