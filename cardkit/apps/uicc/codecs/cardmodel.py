"""Key, PIN and counter files of one widespread card model; there is no standard for them.

The layouts are those of the order data this model is shipped with; a chip model in ``profiles/chips`` names the files.
Such files are never readable on a finished card: a codec that decodes them serves images and tests, and a plan joins
``auth_key_config`` with keys that stay :class:`~cardkit.crypto.Secret`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.alpha import WithAlpha
from cardkit.apps.uicc.codecs.base import Codec, Layout, Single, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import Field, Filled, Flags, Hex, Number, as_list, as_text, from_hex, to_hex
from cardkit.errors import EncodingError

_ALGORITHMS = {
    1: "COMP128v1", 2: "COMP128v2", 3: "COMP128v3", 4: "Milenage", 5: "SHA-1 AKA", 6: "TUAK", 14: "XOR-2G", 15: "XOR",
}  # fmt: skip
_CODES = {name: code for code, name in _ALGORITHMS.items()}
_OPC, _SRES_VARIANT_2, _SHORT_RES = 0x10, 0x20, 0x40


def auth_key_config(algorithm: str, *, opc: bool = True, sres_variant: int = 1, short_res: bool = False) -> int:
    """Return the first byte of an authentication key file.

    :param opc: the file holds OPc, else OP.  :param sres_variant: 1 (c2) or 2 (first word of RES).
    :param short_res: RES of 4 bytes in 3G; for TUAK: K of 256 bits.

    >>> hex(auth_key_config("Milenage"))
    '0x14'
    """
    if as_text(algorithm) not in _CODES:
        raise EncodingError(f"algorithm: got {algorithm!r}, expected one of {', '.join(_CODES)}")
    if sres_variant not in (1, 2):
        raise EncodingError(f"sres_variant: got {sres_variant!r}, expected 1 or 2")
    flags = (_OPC if opc else 0) | (_SRES_VARIANT_2 if sres_variant == 2 else 0) | (_SHORT_RES if short_res else 0)
    return _CODES[algorithm] | flags


class AuthenticationKey(Codec):
    """Algorithm, K and OPc (or OP) of a subscriber. 33 bytes; 51 or 67 for TUAK."""

    names = ("algorithm", "opc_given", "sres_variant", "short_res", "tuak", "keccak_iterations", "k", "opc")

    def _read(self, body: bytes) -> Value:
        if len(body) < 33 or body[0] & 0x0F not in _ALGORITHMS or body[0] & 0x80:
            raise EncodingError("got another first byte, expected a known algorithm")
        value: Value = {
            "algorithm": _ALGORITHMS[body[0] & 0x0F],
            "opc_given": bool(body[0] & _OPC),
            "sres_variant": 2 if body[0] & _SRES_VARIANT_2 else 1,
            "short_res": bool(body[0] & _SHORT_RES),
        }
        if value["algorithm"] != "TUAK":
            return with_rest({**value, "k": to_hex(body[1:17]), "opc": to_hex(body[17:33])}, body[33:])
        end = 35 + (32 if value["short_res"] else 16)
        value |= {"tuak": body[1], "keccak_iterations": body[2], "opc": to_hex(body[3:35]), "k": to_hex(body[35:end])}
        return with_rest(value, body[end:])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        config = auth_key_config(
            value.get("algorithm", ""),
            opc=value.get("opc_given", True),
            sres_variant=value.get("sres_variant", 1),
            short_res=value.get("short_res", False),
        )
        k, opc = from_hex(value.get("k")), from_hex(value.get("opc"))
        if value["algorithm"] == "TUAK":
            head = bytes((config,))
            head += Number(1).encode(value.get("tuak")) + Number(1).encode(value.get("keccak_iterations"))
            return padded(head + opc + k, value, size)
        if len(k) != 16 or len(opc) != 16:
            raise EncodingError(f"k, opc: got {len(k)} and {len(opc)} bytes, expected 16 each")
        return padded(bytes((config,)) + k + opc, value, size)


AUTH_KEY = AuthenticationKey()

_STATE = Flags("disabled", "not_initialized", None, None, "disableable", "unblockable", "changeable", "valid")
_PIN_FIELDS = ("state" / _STATE, "left" / Number(1), "max" / Number(1), "value" / Hex(8))
PIN = Layout(*_PIN_FIELDS, "puk_left" / Number(1), "puk_max" / Number(1), "puk" / Hex(8))
ADM = Layout(*_PIN_FIELDS)

# Rotations in bits, additions; five each.
MILENAGE_CONFIG = Layout(
    *(f"r{number}" / Number(1) for number in range(1, 6)), *(f"c{number}" / Hex(16) for number in range(1, 6))
)


class SequenceNumbers(Codec):
    """Sequence number policy and state: checks, limits, the last SQN of each IND. All in SQN units."""

    names = ("checks", "ind_bits", "options", "delta_max", "age_limit", "freshness")
    _CHECKS = Flags(None, None, None, None, "sqn", "age", "delta", "skip_next")
    _OPTIONS = Flags("conceal_sqn_in_autn", "conceal_sqn_in_auts", "keep_amf_in_mac_s")
    _SQN: Field = Number(6)

    def _read(self, body: bytes) -> Value:
        slots, surplus = divmod(len(body) - 14, 6)
        if slots < 1 or surplus:
            raise EncodingError(f"got {len(body)} bytes, expected 14 and 6 for each IND")
        numbers = [self._SQN.read(body[i : i + 6]) for i in range(2, len(body), 6)]
        return {
            "checks": self._CHECKS.read(bytes((body[0] & 0xF0,))),
            "ind_bits": body[0] & 0x0F,
            "options": self._OPTIONS.read(body[1:2]),
            "delta_max": numbers[0],
            "age_limit": numbers[1],
            "freshness": numbers[2:],
        }

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        bits, freshness = value.get("ind_bits"), as_list(value.get("freshness", []))
        if not isinstance(bits, int) or not 0 <= bits <= 15:
            raise EncodingError(f"ind_bits: got {bits!r}, expected 0 to 15")
        checks = self._CHECKS.encode(value.get("checks", []))
        numbers = [value.get("delta_max", 0), value.get("age_limit", 0), *freshness]
        body = bytes((checks[0] | bits,)) + self._OPTIONS.encode(value.get("options", []))
        body += b"".join(self._SQN.encode(number) for number in numbers)
        return padded(body, value, size)


SQN = SequenceNumbers()

# One record a key set: security domain, version, kind and length of the key as the model codes them
OTA_KEY = WithAlpha("key", before=("domain" / Hex(1), "kvn" / Hex(1), "kind" / Hex(1)), field=Filled)
OTA_COUNTER = Layout("domain" / Hex(1), "kvn" / Hex(1), "counter" / Number(5))
GP_COUNTER = Layout("domain" / Hex(1), "kvn" / Hex(1), "counter" / Number(2), "rfu" / Hex(1), defaults={"rfu": "00"})
GP_DIVERSIFICATION = Layout("domain" / Hex(1), "kvn" / Hex(1), "data" / Hex(10))
# Runs of the GSM algorithm the card still allows
RUNS_LEFT = Single("runs_left", Number(4))
