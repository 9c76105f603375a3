"""Text on cards: GSM 7-bit, alpha fields of a UICC, network names."""

from __future__ import annotations

from cardkit.encoding.text.alpha import AlphaForm, AlphaText, decode_alpha, encode_alpha
from cardkit.encoding.text.gsm7 import decode_gsm7, encode_gsm7, pack, unpack
from cardkit.encoding.text.network_name import NetworkName, decode_network_name, encode_network_name

__all__ = [
    "AlphaForm",
    "AlphaText",
    "NetworkName",
    "decode_alpha",
    "decode_gsm7",
    "decode_network_name",
    "encode_alpha",
    "encode_gsm7",
    "encode_network_name",
    "pack",
    "unpack",
]
