"""Templates of an operator's file, one of each kind."""

from __future__ import annotations

SECRET_COLUMNS = """
    { name = "pin1", type = "digits", min = 4, max = 8, class = "secret", transport = "header.auc_key", wrap = "aes-gcm"PIN1 },
    { name = "adm1", type = "hex", bytes = 8, class = "secret", transport = "header.auc_key", wrap = "aes-gcm"ADM1 },
    { name = "ki", type = "key", algorithm = "AES-128", transport = "header.auc_key"KI },
    { name = "opc", type = "key", algorithm = "AES-128", transport = "header.auc_key", wrap = "aes-ecb"OPC },
"""  # noqa: E501
HEADER = """
[layout.header]
fields = ["batch", "timestamp", "quantity", "auc_key"]
"""


def columns(*places: str) -> str:
    text = SECRET_COLUMNS
    for name, place in zip(("PIN1", "ADM1", "KI", "OPC"), places, strict=True):
        text = text.replace(f'"{name} }}', f'"{place} }}')
    return text


DELIMITED = f"""
[layout]
direction = "out"
kind = "delimited"
encoding = "utf-16"
newline = "crlf"
sep = ";"
quote = '"'
identity = "iccid"
totals = {{ count = "header.quantity", hash = {{ field = "iccid", of = "trailer.hash" }} }}
trailer = {{ prefix = "END", fields = ["hash"] }}
states = {{ GOOD = "delivered", LOST = "blacklist", SCRAPPED = "void", CANCELLED = "void" }}
fields = [
    {{ name = "iccid", at = 2 }}, {{ name = "imsi", at = 1 }}, {{ name = "status", at = 3 }},
    {{ name = "reason", at = 4 }}, {{ name = "chip_id", at = 5 }}, {{ name = "row_no", at = 6 }},
    {columns(", at = 7", ", at = 8", ", at = 9", ", at = 10")} {{ name = "holder", at = 11 }},
]
{HEADER}
"""
SECTIONS = f"""
[layout]
direction = "out"
kind = "sections"
encoding = "ascii"
sep = " "
rows = "Var_Out"
identity = "iccid"
totals = {{ count = "header.quantity" }}
fields = [{{ name = "iccid" }}, {{ name = "imsi" }}, {{ name = "status" }}, {columns("", "", "", "")}]
{HEADER}
"""
XML = f"""
[layout]
direction = "out"
kind = "xml"
encoding = "utf-8"
record = "/delivery/cards/card"
identity = "iccid"
totals = {{ count = "/delivery/cards/@count" }}
fields = [
    {{ name = "iccid", at = "@iccid" }}, {{ name = "imsi", at = "sim/imsi" }}, {{ name = "status" }},
    {columns(', at = "sim/pin1"', "", ', at = "auc/ki"', ', at = "auc/opc"')}
]
{HEADER}
"""
FIXED = """
[layout]
direction = "out"
kind = "fixed"
encoding = "ascii"
record_bytes = 66
totals = { count = "trailer.count" }
trailer = { prefix = "T", fields = ["count"] }
fields = [
    { name = "iccid", bytes = [1, 20], pad = "right" },
    { name = "status", bytes = [21, 12], pad = "right" },
    { name = "rfu", bytes = [33, 2], type = "const", value = "--" },
    { name = "ki", bytes = [35, 32], type = "key", algorithm = "AES-128", transport = "output:k4-des", wrap = "3des-ecb" },
]
"""  # noqa: E501
