"""Overlay of kernel 3, Visa, and of VIS personalization (EMV Contactless Book C-3); lengths are unverified."""

from __future__ import annotations

from cardkit.apps.emv.tags.model import Source, rows

# Columns: tag, format, length in bytes, templates (- for those of the group), name.

CARD = rows(
    """
9F51    n3    2         -        Application Currency Code
9F52    b     2-6       -        Application Default Action
9F53    b     1         -        Consecutive Transaction Limit (International)
9F54    n12   6         -        Cumulative Total Transaction Amount Limit
9F55    b     1         -        Geographic Indicator
9F56    b     1         -        Issuer Authentication Indicator
9F57    n3    2         -        Issuer Country Code
9F58    b     1         -        Consecutive Transaction Counter Limit
9F59    b     1         -        Consecutive Transaction Counter Upper Limit
9F5A    b     var       -        Application Program Identifier
9F5C    n12   6         -        Cumulative Total Transaction Amount Upper Limit
9F5D    n12   6         -        Available Offline Spending Amount
9F5E    b     1         -        Consecutive Transaction International Upper Limit
9F63    b     var       -        Offline Counter Initial Value
9F67    b     1         -        MSD Offset
9F68    b     4         -        Card Additional Processes
9F69    b     5-16      -        Card Authentication Related Data
9F6B    n12   6         -        Card CVM Limit
9F6C    b     2         -        Card Transaction Qualifiers
9F6D    n12   6         -        VLP Reset Threshold
9F6E    b     4         -        Form Factor Indicator
9F72    b     1         -        Consecutive Transaction Limit (International-Country)
9F73    b     4-5       -        Currency Conversion Parameters
9F75    n12   6         -        Cumulative Total Transaction Amount Limit - Dual Currency
9F76    n3    2         -        Secondary Application Currency Code
9F77    n12   6         -        VLP Funds Limit
9F78    n12   6         -        VLP Single Transaction Limit
9F79    n12   6         -        VLP Available Funds
9F7C    b     0-32      -        Customer Exclusive Data
DF60    b     var       -        VIS Log Entry
""",
    Source.CARD,
    clause="EMV Contactless Book C-3 Annex A, lengths unverified",
    templates="70,77",
    context="C-3",
)

READER = rows(
    """
9F5B    b     5         -        Issuer Script Results
9F66    b     4         -        Terminal Transaction Qualifiers
""",
    Source.TERMINAL,
    clause="EMV Contactless Book C-3 Annex A, lengths unverified",
    context="C-3",
)
