"""Issuer-private data of M/Chip and CPA, and ISO 7816 and GlobalPlatform objects met on payment cards; unverified."""

from __future__ import annotations

from cardkit.apps.emv.tags.model import Source, rows

# Columns: tag, format, length in bytes, templates (- for those of the group), name.

MCHIP = rows(
    """
C1      b     var       -        Application Control (CPA)
C3      b     3         -        CIAC Decline
C4      b     3         -        CIAC Default
C5      b     3         -        CIAC Online
C6      b     1         -        PIN Try Limit
C7      b     1         -        CDOL1 Related Data Length
C8      n3    2         -        CRM Country Code
C9      n3    2         -        CRM Currency Code
CA      n12   6         -        Lower Cumulative Offline Transaction Amount
CB      n12   6         -        Upper Cumulative Offline Transaction Amount
CD      b     3         -        CIAC Default (contactless)
CE      b     3         -        CIAC Online (contactless)
CF      b     3         -        CIAC Decline (contactless)
D1      b     25        -        Currency Conversion Table
D3      b     18        -        Additional Check Table
D5      b     2-6       -        Application Control
D6      b     2         -        Default ARPC Response Code
D7      b     2-6       -        Application Control (contactless)
D8      b     2         -        AIP (contactless)
D9      b     var       -        AFL (contactless)
""",
    Source.CARD,
    clause="M/Chip and CPA, name and length unverified",
    context="M/Chip",
)

INTERINDUSTRY = rows(
    """
06      b     var       -        Object Identifier
41      b     var       -        Country Code and National Data
43      b     1         -        Card Service Data
44      b     var       -        Initial Access Data
45      b     var       -        Card Issuer's Data / Card Image Number
46      b     var       -        Pre-issuing Data
47      b     1-3       -        Card Capabilities
48      b     1-3       -        Status Information
51      b     var       -        File Reference
52      b     var       -        Command to Perform
53      b     var       -        Discretionary Data
5E      b     var       -        Proprietary Login Data
66      b     var       -        Card Recognition Data
""",
    Source.CARD,
    clause="ISO/IEC 7816-6, length unverified",
    context="ISO",
)

GLOBALPLATFORM = rows(
    """
C0      b     4-255     E0       Key Information Data
E0      b     var       -        Key Information Template
CF      b     10        -        Key Diversification Data
9F70    b     1         -        Life Cycle State
9F7F    b     42        -        CPLC Data
""",
    Source.CARD,
    clause="GPCS 11.3, length unverified",
    context="GP",
)
